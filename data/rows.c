#include "data/rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_CAPACITY = 256
};

static size_t
row_floats(const struct data_schema *schema)
{
    return (size_t)schema->feature_count + schema->target_size;
}

/* As realloc; leaves the array as it is when that fails. */
static bool
resize(float **array, size_t rows, size_t floats_per_row)
{
    size_t size;
    if (!pn_size_mul(&size, rows, floats_per_row * sizeof **array))
        return false;
    float *moved = realloc(*array, size > 0 ? size : 1);
    if (moved == NULL)
        return false;
    *array = moved;
    return true;
}

static bool
has_weight(const struct data_schema *schema)
{
    for (size_t i = 0; i < schema->column_count; i++)
        if (schema->columns[i].kind == DATA_WEIGHT)
            return true;
    return false;
}

static bool
resize_all(struct data_table *table, uint32_t rows)
{
    const struct data_schema *schema = table->schema;
    return resize(&table->x, rows, schema->feature_count) &&
           resize(&table->target, rows, schema->target_size) &&
           (!has_weight(schema) || resize(&table->weight, rows, 1));
}

static enum pn_status
grow(struct data_rows *rows, const char *where, struct pn_error *why)
{
    const struct data_schema *schema   = rows->table->schema;
    uint64_t                  row_size = 4 * (row_floats(schema) + (has_weight(schema) ? 1 : 0));
    uint64_t                  most     = rows->bytes_max / row_size;
    uint64_t capacity = rows->capacity == 0 ? FIRST_CAPACITY : 2 * (uint64_t)rows->capacity;
    if (most > UINT32_MAX)
        most = UINT32_MAX;
    if (capacity > most)
        capacity = most;
    if (capacity <= rows->table->rows)
        return pn_error_set(why, PN_EDATA,
                            "%s: the records need more than the %" PRIu64
                            " bytes that they may take here; use fewer records or columns",
                            where, rows->bytes_max);
    if (!resize_all(rows->table, (uint32_t)capacity))
        return pn_error_set(why, PN_ENOMEM,
                            "%s: no memory for %" PRIu64 " records of %" PRIu64 " bytes", where,
                            capacity, row_size);
    rows->capacity = (uint32_t)capacity;
    return PN_OK;
}

enum pn_status
data_rows_add(struct data_row *out, struct data_rows *rows, const char *where, struct pn_error *why)
{
    struct data_table *table = rows->table;
    if (table->rows == rows->capacity) {
        enum pn_status st = grow(rows, where, why);
        if (st != PN_OK)
            return st;
    }
    size_t at   = table->rows++;
    out->x      = table->x + at * table->schema->feature_count;
    out->target = table->target + at * table->schema->target_size;
    out->weight = table->weight != NULL ? table->weight + at : NULL;
    return PN_OK;
}

void
data_rows_keep(struct data_rows *rows, const uint8_t *wanted)
{
    struct data_table *table = rows->table;
    size_t             kept = 0, x = table->schema->feature_count, y = table->schema->target_size;
    for (size_t i = 0; i < table->rows; i++) {
        if (!wanted[i])
            continue;
        memmove(table->x + kept * x, table->x + i * x, x * sizeof *table->x);
        memmove(table->target + kept * y, table->target + i * y, y * sizeof *table->target);
        if (table->weight != NULL)
            table->weight[kept] = table->weight[i];
        kept++;
    }
    table->rows = (uint32_t)kept;
    if (resize_all(table, table->rows)) /* else the larger arrays stay, which is as good */
        rows->capacity = table->rows;
}

enum pn_status
data_rows_open_pair(struct data_stream **first, struct data_stream **second,
                    const struct data_rows *rows, const struct data_source *source,
                    struct pn_error *why)
{
    const struct data_schema *schema = rows->table->schema;
    bool                      alone  = schema->target_size == 0;
    if (source->file_count != 2 && !(alone && source->file_count == 1))
        return pn_error_set(
            why, PN_EDATA, "the job's data has the format %s: expected `images`%s, seen %zu files",
            data_format_names[schema->format], alone ? ", perhaps with `labels`" : " and `labels`",
            source->file_count);
    enum pn_status st = data_stream_open(first, source->files[0], why);
    return st == PN_OK && !alone ? data_stream_open(second, source->files[1], why) : st;
}
