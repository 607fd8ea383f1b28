/*
 * data/csv -- the records of a CSV file, as fields with positions (RFC 4180).
 *
 * Quoted fields may hold delimiters, line ends and doubled quotes. Lines end in CRLF or LF. A UTF-8
 * byte order mark is skipped, and so are empty lines. A blank as delimiter stands for any number of
 * blanks and tabs; those around a line mean nothing. Positions count lines and characters from 1.
 *
 * Memory     one heap object; fields are borrowed until the next call.
 * Limits     a record of 1 MiB, 16384 fields.
 * Errors     PN_EDATA with "file:line:column: ...", and those of data/stream.
 */
#ifndef DATA_CSV_H
#define DATA_CSV_H

#include "data/stream.h"

enum {
    DATA_CSV_RECORD_MAX = 1 << 20,
    DATA_CSV_FIELDS_MAX = 16384
};

struct data_csv_field {
    const char
            *text; /* NUL-terminated; no NUL inside; blanks around an unquoted field are cut off */
    size_t   len;
    uint64_t line, column; /* where it starts */
};

struct data_csv;

/* `stream` is borrowed. */
PN_MUST_CHECK enum pn_status data_csv_new(struct data_csv **out, struct data_stream *stream,
                                          char delimiter, struct pn_error *why);
void                         data_csv_free(struct data_csv *csv);

/* The next record; `*count` is 0 at the end of the file. */
PN_MUST_CHECK enum pn_status data_csv_next(const struct data_csv_field **fields, uint32_t *count,
                                           struct data_csv *csv, struct pn_error *why);

#endif
