/*
 * tests/support/fuzz_table -- a table for a fuzzer to read into, and what must hold of what was
 * read.
 */
#ifndef TESTS_SUPPORT_FUZZ_TABLE_H
#define TESTS_SUPPORT_FUZZ_TABLE_H

#include "data/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct fuzz_table {
    struct text_yaml   *yaml;
    struct data_schema *schema;
    struct data_table  *table;
    struct data_rows    rows;
    struct pn_error     why;
};

static inline void
fuzz_table_init(struct fuzz_table *fuzz, const char *section)
{
    *fuzz       = (struct fuzz_table){.yaml = NULL};
    fuzz->table = calloc(1, sizeof *fuzz->table);
    if (fuzz->table == NULL ||
        text_yaml_parse(&fuzz->yaml, "schema", section, strlen(section), &fuzz->why) != PN_OK ||
        data_schema_decode(&fuzz->schema, fuzz->yaml, text_yaml_root(fuzz->yaml), &fuzz->why) !=
            PN_OK)
        abort();
    fuzz->table->schema = fuzz->schema;
    fuzz->rows          = (struct data_rows){.table = fuzz->table, .bytes_max = 1 << 20};
}

static inline struct data_stream *
fuzz_stream(const char *name, const uint8_t *bytes, size_t size)
{
    struct data_stream *stream = NULL;
    struct pn_error     why;
    if (data_stream_open_bytes(&stream, name, bytes, size, &why) != PN_OK)
        abort();
    return stream;
}

/* A refusal has a sentence; what was accepted has records, with numbers and classes that exist. */
static inline void
fuzz_table_check(struct fuzz_table *fuzz, enum pn_status st)
{
    const struct data_schema *schema = fuzz->schema;
    const struct data_table  *table  = fuzz->table;
    if (st != PN_OK && fuzz->why.text[0] == '\0')
        abort();
    if (st != PN_OK)
        return;
    if (table->rows == 0)
        abort();
    for (size_t i = 0; i < (size_t)table->rows * schema->feature_count; i++)
        if (isinf(table->x[i]) || (schema->format != DATA_CSV && isnan(table->x[i])))
            abort();
    for (size_t i = 0; i < (size_t)table->rows * schema->target_size; i++)
        if (!isfinite(table->target[i]) ||
            (schema->class_count > 0 &&
             !(table->target[i] >= 0.0f && table->target[i] < (float)schema->class_count)))
            abort();
    struct data_report report;
    if (data_report_make(&report, table) == PN_OK)
        data_report_fini(&report);
}

static inline void
fuzz_table_fini(struct fuzz_table *fuzz)
{
    data_table_free(fuzz->table);
    data_schema_free(fuzz->schema);
    text_yaml_free(fuzz->yaml);
}

#endif
