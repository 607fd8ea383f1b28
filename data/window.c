#include "data/window.h"

#include <math.h>
#include <string.h>

struct data_schema
data_window_row_schema(const struct data_schema *schema)
{
    struct data_schema row = *schema;
    row.feature_count      = schema->row_size;
    row.length             = 1;
    row.stride             = 0;
    row.forecast           = NULL;
    if (schema->forecast != NULL || schema->remaining > 0)
        row.target_size = 0; /* the window's, not a row's */
    return row;
}

/* What the window that begins with row `first` should be answered with, in a group that ends before
 * row `end`. */
static void
put_target(float *target, const struct data_schema *schema, const struct data_table *raw,
           size_t first, size_t end)
{
    size_t next = first + schema->length, left = end - next;
    if (schema->remaining > 0)
        target[0] = (float)(left < schema->remaining ? left : schema->remaining);
    else if (schema->forecast == NULL && schema->target_size > 0)
        target[0] = raw->target[next - 1];
    for (size_t h = 0; schema->forecast != NULL && h < schema->horizon; h++)
        target[h] = raw->x[(next + h) * schema->row_size + schema->forecast->feature];
}

/* A forecast of a missing value teaches nothing. */
static bool
has_target(const struct data_schema *schema, const struct data_table *raw, size_t first)
{
    size_t next = first + schema->length;
    for (size_t h = 0; schema->forecast != NULL && h < schema->horizon; h++)
        if (isnan(raw->x[(next + h) * schema->row_size + schema->forecast->feature]))
            return false;
    return true;
}

static enum pn_status
cut_group(struct data_rows *rows, const struct data_table *raw, size_t begin, size_t end,
          const char *name, struct pn_error *why)
{
    const struct data_schema *schema = rows->table->schema;
    const size_t              need   = (size_t)schema->length + schema->horizon;
    for (size_t first = begin; first + need <= end; first += schema->stride) {
        struct data_row row;
        if (!has_target(schema, raw, first))
            continue;
        enum pn_status st = data_rows_add(&row, rows, name, why);
        if (st != PN_OK)
            return st;
        memcpy(row.x, raw->x + first * schema->row_size, schema->feature_count * sizeof *row.x);
        put_target(row.target, schema, raw, first, end);
        if (row.weight != NULL)
            *row.weight = raw->weight[first + schema->length - 1];
    }
    return PN_OK;
}

enum pn_status
data_window_cut(struct data_rows *rows, const struct data_table *raw, const uint32_t *ends,
                size_t count, const char *name, struct pn_error *why)
{
    const struct data_schema *schema = rows->table->schema;
    uint32_t                  before = rows->table->rows;
    size_t                    begin  = 0;
    enum pn_status            st     = PN_OK;
    for (size_t i = 0; st == PN_OK && i < count; begin = ends[i++])
        st = cut_group(rows, raw, begin, ends[i], name, why);
    if (st == PN_OK && rows->table->rows == before)
        st = pn_error_set(why, PN_EDATA,
                          "%s: expected at least %u rows in one series for a window, and a target; "
                          "%u rows in %zu series give none",
                          name, schema->length + schema->horizon, raw->rows, count);
    return st;
}
