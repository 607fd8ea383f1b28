/*
 * data/record -- the text fields of one record, as the schema's numbers.
 *
 * Memory     one heap object, reusable; the schema is borrowed.
 * Errors     PN_EDATA with "file:line:column: ..." naming the column.
 */
#ifndef DATA_RECORD_H
#define DATA_RECORD_H

#include "data/csv.h"
#include "data/schema.h"

/* False unless `text` is a finite decimal number (no hexadecimal, no "inf", no thousands marks). */
PN_MUST_CHECK bool data_number_parse(double *out, const char *text, size_t len, char decimal);

struct data_record;

PN_MUST_CHECK enum pn_status
data_record_new(struct data_record **out, const struct data_schema *schema, struct pn_error *why);
void data_record_free(struct data_record *record);

struct data_row { /* where one record goes */
    float *x, *target, *weight;
};

/* fields[where[i]] belongs to column i; columns of kind DATA_IGNORE and DATA_GROUP are
 * not looked at. */
PN_MUST_CHECK enum pn_status data_record_read(const struct data_row    *row,
                                              const struct data_record *record, const char *file,
                                              const struct data_csv_field *fields,
                                              const uint32_t *where, struct pn_error *why);

#endif
