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
    struct pn_buffer  *group_ends; /* csv: uint32_t, the number of rows at each end of a group; or
                                    * NULL */
};

/* Room for one more record at the end; `where` names file (and line) for the sentence. The place is
 * good until the next call. PN_EDATA beyond the limit. */
PN_MUST_CHECK enum pn_status data_rows_add(struct data_row *out, struct data_rows *rows,
                                           const char *where, struct pn_error *why);
/* Drops the records whose mark is 0 and gives unused memory back. */
void data_rows_keep(struct data_rows *rows, const uint8_t *wanted);

/* Opens `images` and `labels` of a format that has both; without a target only the images, and
 * there need not be labels. Close what is not NULL, also after an error. */
PN_MUST_CHECK enum pn_status data_rows_open_pair(struct data_stream      **first,
                                                 struct data_stream      **second,
                                                 const struct data_rows   *rows,
                                                 const struct data_source *source,
                                                 struct pn_error          *why);

/* All records of one file; with a window, all windows of it. */
PN_MUST_CHECK enum pn_status data_rows_read_csv(struct data_rows *rows, struct data_stream *stream,
                                                struct pn_error *why);
PN_MUST_CHECK enum pn_status
data_rows_read_windows(struct data_rows *rows, struct data_stream *stream, struct pn_error *why);
PN_MUST_CHECK enum pn_status data_rows_read_cifar(struct data_rows   *rows,
                                                  struct data_stream *stream, struct pn_error *why);
PN_MUST_CHECK enum pn_status data_rows_read_text(struct data_rows *rows, struct data_stream *stream,
                                                 struct pn_error *why);
/* `targets` (idx: `labels`) is NULL where the files give none. */
PN_MUST_CHECK enum pn_status data_rows_read_npy(struct data_rows   *rows,
                                                struct data_stream *features,
                                                struct data_stream *targets, struct pn_error *why);
PN_MUST_CHECK enum pn_status data_rows_read_npz(struct data_rows *rows, const char *file,
                                                const struct pn_buffer *archive,
                                                char *const arrays[static 2], struct pn_error *why);
/* The records of this site. */
PN_MUST_CHECK enum pn_status data_rows_read_idx(struct data_rows *rows, struct data_stream *images,
                                                struct data_stream       *labels,
                                                const struct data_source *source,
                                                struct pn_error          *why);

/* Everything that `source` names; idx and image look at its share, the others give all. */
PN_MUST_CHECK enum pn_status
data_rows_load_idx(struct data_rows *rows, const struct data_source *source, struct pn_error *why);
PN_MUST_CHECK enum pn_status
data_rows_load_npy(struct data_rows *rows, const struct data_source *source, struct pn_error *why);
PN_MUST_CHECK enum pn_status
data_rows_load_npz(struct data_rows *rows, const struct data_source *source, struct pn_error *why);
PN_MUST_CHECK enum pn_status data_rows_load_images(struct data_rows         *rows,
                                                   const struct data_source *source,
                                                   struct pn_error          *why);

#endif
