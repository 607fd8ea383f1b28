/*
 * IDX, the format of MNIST: two zero bytes, a type, the number of dimensions, then each dimension
 * as a big-endian 32-bit number, then the data. Only type 8 (unsigned bytes) is read.
 */
#include "data/rows.h"
#include "data/share.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    TYPE_UBYTE = 8,
    DIMS_MAX   = 4
};

/* The header, which must have `dims` dimensions. */
static enum pn_status
read_header(uint32_t *dim, uint32_t dims, struct data_stream *stream, struct pn_error *why)
{
    uint8_t        magic[4], sizes[4 * DIMS_MAX];
    enum pn_status st = data_stream_read_whole(stream, magic, 4, "the IDX header", why);
    if (st != PN_OK)
        return st;
    if (magic[0] != 0 || magic[1] != 0 || magic[2] != TYPE_UBYTE || magic[3] != dims)
        return pn_error_set(why, PN_EDATA,
                            "%s: expected the IDX magic number %u (bytes, %u dimensions), seen "
                            "bytes %02x %02x %02x %02x; are images and labels exchanged?",
                            data_stream_name(stream), TYPE_UBYTE * 256u + dims, dims, magic[0],
                            magic[1], magic[2], magic[3]);
    st = data_stream_read_whole(stream, sizes, 4 * (size_t)dims, "the IDX header", why);
    for (uint32_t i = 0; st == PN_OK && i < dims; i++)
        dim[i] = (uint32_t)sizes[4 * i] << 24 | (uint32_t)sizes[4 * i + 1] << 16 |
                 (uint32_t)sizes[4 * i + 2] << 8 | sizes[4 * i + 3];
    return st;
}

/* Grows with what really comes, whatever the header says. */
static enum pn_status
read_labels(struct pn_buffer *out, struct data_stream *stream, const struct data_schema *schema,
            struct pn_error *why)
{
    uint8_t        chunk[4096];
    uint32_t       rows;
    enum pn_status st = read_header(&rows, 1, stream, why);
    if (st == PN_OK && rows == 0)
        st = pn_error_set(why, PN_EDATA, "%s: there is no record in this file",
                          data_stream_name(stream));
    while (st == PN_OK && out->size < rows) {
        size_t left = rows - out->size, size = left < sizeof chunk ? left : sizeof chunk;
        st = data_stream_read_whole(stream, chunk, size, "its labels", why);
        for (size_t i = 0; st == PN_OK && i < size; i++)
            if (chunk[i] >= schema->class_count)
                st = pn_error_set(why, PN_EDATA,
                                  "%s: record %zu: expected a label below %u (the job's classes), "
                                  "seen %u",
                                  data_stream_name(stream), out->size + i + 1, schema->class_count,
                                  chunk[i]);
        if (st == PN_OK && (st = pn_buffer_append(out, chunk, size)) != PN_OK)
            pn_error_set(why, st, "%s: the labels need too much memory", data_stream_name(stream));
    }
    return st == PN_OK ? data_stream_expect_end(stream, why) : st;
}

static enum pn_status
check_shape(const uint32_t *dim, const struct data_schema *schema, const struct pn_buffer *labels,
            const struct data_stream *stream, struct pn_error *why)
{
    for (uint32_t i = 0; i < schema->dims; i++)
        if (dim[i + 1] != schema->dim[i])
            return pn_error_set(why, PN_EDATA,
                                "%s: expected images with size %u in dimension %u (the job's "
                                "shape), seen %u",
                                data_stream_name(stream), schema->dim[i], i + 1, dim[i + 1]);
    if (schema->target_size > 0 && dim[0] != labels->size)
        return pn_error_set(why, PN_EDATA,
                            "%s: there are %u images and %zu labels; the files do not belong "
                            "together",
                            data_stream_name(stream), dim[0], labels->size);
    if (dim[0] == 0)
        return pn_error_set(why, PN_EDATA, "%s: there is no record in this file",
                            data_stream_name(stream));
    return PN_OK;
}

/* `total` images, of which the wanted ones are kept. */
static enum pn_status
read_images(struct data_rows *rows, struct data_stream *stream, uint32_t total,
            const uint8_t *labels, const uint8_t *wanted, struct pn_error *why)
{
    const struct data_schema *schema = rows->table->schema;
    float                     value[256];
    for (int i = 0; i < 256; i++)
        value[i] = (float)((double)i / schema->divide);
    uint8_t *pixels = malloc(schema->feature_count);
    if (pixels == NULL)
        return pn_error_set(why, PN_ENOMEM, "%s: no memory for an image", data_stream_name(stream));
    enum pn_status st = PN_OK;
    for (uint32_t i = 0; st == PN_OK && i < total; i++) {
        struct data_row row;
        st = data_stream_read_whole(stream, pixels, schema->feature_count, "its images", why);
        if (st != PN_OK || !wanted[i])
            continue;
        if ((st = data_rows_add(&row, rows, data_stream_name(stream), why)) != PN_OK)
            break;
        for (uint32_t f = 0; f < schema->feature_count; f++)
            row.x[f] = value[pixels[f]];
        if (schema->target_size > 0)
            row.target[0] = (float)labels[i];
    }
    free(pixels);
    return st == PN_OK ? data_stream_expect_end(stream, why) : st;
}

/* The share of this site. A file can claim more images than it has: what is taken for each of them
 * is bounded by what the site may hold. */
static enum pn_status
read_marked(struct data_rows *rows, struct data_stream *images, uint32_t total,
            const uint8_t *labels, const struct data_source *source, struct pn_error *why)
{
    uint32_t count;
    if (total > rows->bytes_max / rows->table->schema->feature_count)
        return pn_error_set(why, PN_EDATA,
                            "%s: %u images are more than the %" PRIu64 " bytes that "
                            "they may take here",
                            data_stream_name(images), total, rows->bytes_max);
    uint8_t *wanted = malloc(total);
    if (wanted == NULL)
        return pn_error_set(why, PN_ENOMEM, "%s: no memory for the records",
                            data_stream_name(images));
    enum pn_status st = data_share_mark(wanted, &count, source, total, labels, why);
    if (st == PN_OK)
        st = read_images(rows, images, total, labels, wanted, why);
    free(wanted);
    return st;
}

enum pn_status
data_rows_read_idx(struct data_rows *rows, struct data_stream *images, struct data_stream *labels,
                   const struct data_source *source, struct pn_error *why)
{
    const struct data_schema *schema = rows->table->schema;
    uint32_t                  dim[DIMS_MAX];
    struct pn_buffer          found;
    enum pn_status            st = PN_OK;
    pn_buffer_init(&found, rows->bytes_max < UINT32_MAX ? (size_t)rows->bytes_max : UINT32_MAX);
    if (schema->target_size > 0)
        st = read_labels(&found, labels, schema, why);
    if (st == PN_OK)
        st = read_header(dim, 1 + schema->dims, images, why);
    if (st == PN_OK)
        st = check_shape(dim, schema, &found, images, why);
    if (st == PN_OK)
        st = read_marked(rows, images, dim[0], found.bytes, source, why);
    pn_buffer_fini(&found);
    return st;
}

enum pn_status
data_rows_load_idx(struct data_rows *rows, const struct data_source *source, struct pn_error *why)
{
    struct data_stream *images = NULL, *labels = NULL;
    enum pn_status      st = data_rows_open_pair(&images, &labels, rows, source, why);
    if (st == PN_OK)
        st = data_rows_read_idx(rows, images, labels, source, why);
    data_stream_close(images);
    data_stream_close(labels);
    return st;
}
