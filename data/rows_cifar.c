/*
 * CIFAR, binary version: records of one label byte (CIFAR-100: coarse, then fine) and 1024 red,
 * 1024 green, 1024 blue bytes, row by row (https://www.cs.toronto.edu/~kriz/cifar.html).
 */
#include "data/rows.h"

#include <inttypes.h>

enum {
    PIXELS = 3 * 32 * 32
};

struct layout {
    size_t labels, label_at;
};

static struct layout
layout_of(const struct data_schema *schema)
{
    if (schema->class_count == 10)
        return (struct layout){1, 0};
    return (struct layout){2, schema->class_count == 100 ? 1 : 0};
}

static enum pn_status
put(struct data_rows *rows, const uint8_t *record, const float *value, const char *name,
    uint64_t number, struct pn_error *why)
{
    const struct data_schema *schema = rows->table->schema;
    const struct layout       layout = layout_of(schema);
    const uint8_t             label  = record[layout.label_at];
    struct data_row           row;
    if (label >= schema->class_count)
        return pn_error_set(why, PN_EDATA,
                            "%s: record %" PRIu64 ": expected a label below %u (the job's "
                            "classes), seen %u; is this a file of CIFAR-%d?",
                            name, number, schema->class_count, label,
                            schema->class_count == 10 ? 10 : 100);
    enum pn_status st = data_rows_add(&row, rows, name, why);
    for (size_t i = 0; st == PN_OK && i < PIXELS; i++)
        row.x[i] = value[record[layout.labels + i]];
    if (st == PN_OK)
        row.target[0] = (float)label;
    return st;
}

enum pn_status
data_rows_read_cifar(struct data_rows *rows, struct data_stream *stream, struct pn_error *why)
{
    const size_t   size = layout_of(rows->table->schema).labels + PIXELS;
    const char    *name = data_stream_name(stream);
    uint8_t        record[2 + PIXELS];
    float          value[256];
    size_t         got    = size;
    uint64_t       number = 0;
    enum pn_status st     = PN_OK;
    for (int i = 0; i < 256; i++)
        value[i] = (float)((double)i / rows->table->schema->divide);
    for (; st == PN_OK; number++) {
        st = data_stream_read(&got, stream, record, size, why);
        if (st == PN_OK && got < size)
            break;
        if (st == PN_OK)
            st = put(rows, record, value, name, number + 1, why);
    }
    if (st == PN_OK && (number == 0 || got > 0))
        st = pn_error_set(why, PN_EDATA,
                          "%s: expected records of %zu bytes, seen %" PRIu64
                          " and %zu bytes more; is this a file of CIFAR-%d?",
                          name, size, number, got,
                          rows->table->schema->class_count == 10 ? 10 : 100);
    return st;
}
