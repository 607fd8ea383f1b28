/*
 * CIFAR, binary version: records of one label byte (CIFAR-100: coarse, then fine) and 1024 red,
 * 1024 green, 1024 blue bytes, row by row (https://www.cs.toronto.edu/~kriz/cifar.html).
 */
#include "data/rows.h"

#include <inttypes.h>

enum {
    PIXELS = 3 * 32 * 32
};

static int
version_of(const struct data_schema *schema)
{
    return schema->label_bytes == 1 ? 10 : 100;
}

static enum pn_status
put(struct data_rows *rows, const uint8_t *record, const float *value, const char *name,
    uint64_t number, struct pn_error *why)
{
    const struct data_schema *schema = rows->table->schema;
    const uint8_t             label  = record[schema->label_at];
    struct data_row           row;
    if (schema->target_size > 0 && label >= schema->class_count)
        return pn_error_set(why, PN_EDATA,
                            "%s: record %" PRIu64 ": expected a label below %u (the job's "
                            "classes), seen %u; is this a file of CIFAR-%d?",
                            name, number, schema->class_count, label, version_of(schema));
    enum pn_status st = data_rows_add(&row, rows, name, why);
    for (size_t i = 0; st == PN_OK && i < PIXELS; i++)
        row.x[i] = value[record[schema->label_bytes + i]];
    if (st == PN_OK && schema->target_size > 0)
        row.target[0] = (float)label;
    return st;
}

enum pn_status
data_rows_read_cifar(struct data_rows *rows, struct data_stream *stream, struct pn_error *why)
{
    const size_t   size = rows->table->schema->label_bytes + PIXELS;
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
                          name, size, number, got, version_of(rows->table->schema));
    return st;
}
