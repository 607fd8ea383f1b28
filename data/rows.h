/*
 * data/rows -- a table while it is read: grows record by record, within a limit.
 */
#ifndef DATA_ROWS_H
#define DATA_ROWS_H

#include "data/record.h"
#include "data/stream.h"
#include "data/table.h"

struct data_rows {
    struct data_table *table;
    uint32_t           capacity;
    uint64_t           bytes_max;
};

/* Room for one more record at the end; `where` names file (and line) for the sentence. The place is
 * good until the next call. PN_EDATA beyond the limit. */
PN_MUST_CHECK enum pn_status data_rows_add(struct data_row *out, struct data_rows *rows,
                                           const char *where, struct pn_error *why);
/* Drops the records whose mark is 0 and gives unused memory back. */
void data_rows_keep(struct data_rows *rows, const uint8_t *wanted);

/* All records of one file. */
PN_MUST_CHECK enum pn_status data_rows_read_csv(struct data_rows *rows, struct data_stream *stream,
                                                struct pn_error *why);
/* The records of this site. */
PN_MUST_CHECK enum pn_status data_rows_read_idx(struct data_rows *rows, struct data_stream *images,
                                                struct data_stream       *labels,
                                                const struct data_source *source,
                                                struct pn_error          *why);

#endif
