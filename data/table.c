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

static enum pn_status
load_csv(struct data_rows *rows, const struct data_source *source, struct pn_error *why)
{
    struct data_table *table = rows->table;
    enum pn_status     st    = PN_OK;
    for (size_t i = 0; st == PN_OK && i < source->file_count; i++) {
        struct data_stream *stream = NULL;
        st                         = data_stream_open(&stream, source->files[i], why);
        if (st == PN_OK)
            st = data_rows_read_csv(rows, stream, why);
        data_stream_close(stream);
    }
    if (st != PN_OK)
        return st;
    uint8_t *wanted = malloc(table->rows);
    uint32_t count;
    if (wanted == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory to share the records out");
    st = data_share_mark(wanted, &count, source, table->rows, NULL, why);
    if (st == PN_OK)
        data_rows_keep(rows, wanted);
    free(wanted);
    return st;
}

static enum pn_status
load_idx(struct data_rows *rows, const struct data_source *source, struct pn_error *why)
{
    struct data_stream *images = NULL, *labels = NULL;
    if (source->file_count != 2)
        return pn_error_set(why, PN_EDATA,
                            "the job's data has the format idx: expected `images` and `labels`, "
                            "seen %zu files",
                            source->file_count);
    enum pn_status st = data_stream_open(&images, source->files[0], why);
    if (st == PN_OK)
        st = data_stream_open(&labels, source->files[1], why);
    if (st == PN_OK)
        st = data_rows_read_idx(rows, images, labels, source, why);
    data_stream_close(images);
    data_stream_close(labels);
    return st;
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
    if (source->file_count == 0)
        return pn_error_set(why, PN_EDATA, "the data section names no file");
    if (schema->format == DATA_CSV && source->share == DATA_SHARE_SHARDS)
        return pn_error_set(why, PN_EDATA,
                            "%s: shards are for images; share records with kind: iid",
                            source->files[0]);
    if (source->pool != NULL && source->share != DATA_SHARE_ALL)
        return data_pool_take(out, source->pool, schema, source, bytes_max, why);
    struct data_table *table = calloc(1, sizeof *table);
    if (table == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for the records");
    table->schema         = schema;
    struct data_rows rows = {.table = table, .bytes_max = bytes_max};
    enum pn_status   st =
        schema->format == DATA_CSV ? load_csv(&rows, source, why) : load_idx(&rows, source, why);
    if (st == PN_OK)
        st = check_weights(table, source->files[0], why);
    if (st != PN_OK) {
        data_table_free(table);
        return st;
    }
    *out = table;
    return PN_OK;
}
