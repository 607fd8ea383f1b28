#include "data/table.h"

#include "data/pool.h"
#include "data/rows.h"
#include "data/share.h"

#include <stdlib.h>
#include <string.h>

void
data_table_free(struct data_table *table)
{
    if (table == NULL)
        return;
    free(table->x);
    free(table->target);
    free(table->weight);
    free(table);
}

/* The formats whose records are in any number of files, one after the other. */
static enum pn_status
load_files(struct data_rows *rows, const struct data_source *source, struct pn_error *why)
{
    const struct data_schema *schema = rows->table->schema;
    enum pn_status            st     = PN_OK;
    for (size_t i = 0; st == PN_OK && i < source->file_count; i++) {
        struct data_stream *stream = NULL;
        st                         = data_stream_open(&stream, source->files[i], why);
        if (st == PN_OK && schema->format == DATA_CIFAR)
            st = data_rows_read_cifar(rows, stream, why);
        else if (st == PN_OK && schema->format == DATA_TEXT)
            st = data_rows_read_text(rows, stream, why);
        else if (st == PN_OK && schema->stride > 0)
            st = data_rows_read_windows(rows, stream, why);
        else if (st == PN_OK)
            st = data_rows_read_csv(rows, stream, why);
        data_stream_close(stream);
    }
    return st;
}

/* Keeps the records of this site, when all are in the table. */
static enum pn_status
share_out(struct data_rows *rows, const struct data_source *source, struct pn_error *why)
{
    const struct data_table *table  = rows->table;
    uint8_t                 *wanted = malloc(2 * (size_t)table->rows), *labels;
    uint32_t                 count;
    if (wanted == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory to share the records out");
    labels = wanted + table->rows;
    for (uint32_t i = 0; i < table->rows; i++) /* classes are below 256 where they are shared */
        labels[i] = source->share == DATA_SHARE_SHARDS ? (uint8_t)table->target[i] : 0;
    enum pn_status st = data_share_mark(wanted, &count, source, table->rows, labels, why);
    if (st == PN_OK)
        data_rows_keep(rows, wanted);
    free(wanted);
    return st;
}

static enum pn_status
load(struct data_rows *rows, const struct data_source *source, struct pn_error *why)
{
    enum pn_status st = PN_OK;
    switch (rows->table->schema->format) {
    case DATA_IDX:
        return data_rows_load_idx(rows, source, why);
    case DATA_IMAGE:
        return data_rows_load_images(rows, source, why);
    case DATA_NPY:
        st = data_rows_load_npy(rows, source, why);
        break;
    case DATA_NPZ:
        st = data_rows_load_npz(rows, source, why);
        break;
    case DATA_CSV:
    case DATA_CIFAR:
    case DATA_TEXT:
    case DATA_FORMAT_COUNT:
        st = load_files(rows, source, why);
        break;
    }
    return st == PN_OK ? share_out(rows, source, why) : st;
}

/* What only source and schema together can say. */
static enum pn_status
check_source(const struct data_schema *schema, const struct data_source *source,
             struct pn_error *why)
{
    if (source->file_count == 0)
        return pn_error_set(why, PN_EDATA, "the data section names no file");
    if (source->arrays[0] != NULL && schema->format != DATA_NPZ)
        return pn_error_set(why, PN_EDATA,
                            "%s: `arrays` are those of an NPZ file; the job's format is %s",
                            source->files[0], data_format_names[schema->format]);
    if (source->share == DATA_SHARE_SHARDS &&
        (schema->class_count == 0 || schema->target_size != 1))
        return pn_error_set(why, PN_EDATA,
                            "%s: shards are for records that have a class; share these with kind: "
                            "iid",
                            source->files[0]);
    return PN_OK;
}

/* A mean over no weight at all does not exist. */
static enum pn_status
check_weights(const struct data_table *table, const char *file, struct pn_error *why)
{
    if (table->weight == NULL)
        return PN_OK;
    for (uint32_t i = 0; i < table->rows; i++)
        if (table->weight[i] > 0.0f)
            return PN_OK;
    return pn_error_set(why, PN_EDATA, "%s: no record has a weight above 0", file);
}

enum pn_status
data_table_load(struct data_table **out, const struct data_schema *schema,
                const struct data_source *source, uint64_t bytes_max, struct pn_error *why)
{
    enum pn_status st = check_source(schema, source, why);
    if (st != PN_OK)
        return st;
    if (source->pool != NULL && source->share != DATA_SHARE_ALL)
        return data_pool_take(out, source->pool, schema, source, bytes_max, why);
    struct data_table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for the records");
    table->schema         = schema;
    struct data_rows rows = {.table = table, .bytes_max = bytes_max};
    st                    = load(&rows, source, why);
    if (st == PN_OK)
        st = check_weights(table, source->files[0], why);
    if (st != PN_OK) {
        data_table_free(table);
        return st;
    }
    *out = table;
    return PN_OK;
}
