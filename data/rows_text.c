/* A text as runs of characters, each with the run one character later as its target. */
#include "data/rows.h"
#include "data/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_MAX = 1 << 30 /* bytes of one file */
};

/* The place of `code` in the sorted alphabet; alphabet_count when it is not in it. */
static uint32_t
find_code(const struct data_schema *schema, uint32_t code)
{
    uint32_t low = 0, high = schema->alphabet_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (schema->alphabet[middle] < code)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < schema->alphabet_count && schema->alphabet[low] == code;
    return found ? schema->alphabet_index[low] : schema->alphabet_count;
}

/* Where a character stands, for the sentence. */
static void
find_line(uint64_t *line, uint64_t *column, const struct pn_buffer *text, size_t at)
{
    *line = *column = 1;
    for (size_t i = 0; i < at; i++) {
        if (text->bytes[i] == '\n') {
            (*line)++;
            *column = 1;
        } else if ((text->bytes[i] & 0xc0) != 0x80) {
            (*column)++;
        }
    }
}

static enum pn_status
bad_character(const struct pn_buffer *text, size_t at, size_t size, const char *name,
              struct pn_error *why)
{
    uint64_t line, column;
    find_line(&line, &column, text, at);
    if (size == 0)
        return pn_error_set(why, PN_EDATA,
                            "%s:%" PRIu64 ":%" PRIu64 ": the byte %02x is no character of UTF-8; "
                            "save the file as UTF-8",
                            name, line, column, text->bytes[at]);
    return pn_error_set(why, PN_EDATA,
                        "%s:%" PRIu64 ":%" PRIu64 ": the character \"%.*s\" is not in the job's "
                        "alphabet; say `other: true` there if that may happen",
                        name, line, column, (int)size, (const char *)text->bytes + at);
}

/* The indices of all characters, in `text`'s order; the caller frees them. */
static enum pn_status
index_text(float **out, size_t *count, const struct pn_buffer *text,
           const struct data_schema *schema, const char *name, struct pn_error *why)
{
    float *indices = malloc((text->size + 1) * sizeof *indices);
    size_t found   = 0;
    if (indices == NULL)
        return pn_error_set(why, PN_ENOMEM, "%s: no memory for this text", name);
    for (size_t at = 0; at < text->size;) {
        uint32_t code  = 0;
        size_t   size  = data_utf8_decode(&code, text->bytes + at, text->size - at);
        uint32_t index = size > 0 ? find_code(schema, code) : 0;
        if (size == 0 || (index == schema->alphabet_count && !schema->alphabet_other)) {
            free(indices);
            return bad_character(text, at, size, name, why);
        }
        indices[found++] = (float)index;
        at += size;
    }
    *out   = indices;
    *count = found;
    return PN_OK;
}

static enum pn_status
cut(struct data_rows *rows, const float *indices, size_t count, const char *name,
    struct pn_error *why)
{
    const struct data_schema *schema = rows->table->schema;
    const size_t              length = schema->length;
    const size_t              need   = length + (schema->target_size > 0 ? 1 : 0);
    enum pn_status            st     = PN_OK;
    if (count < need)
        return pn_error_set(why, PN_EDATA,
                            "%s: expected at least %zu characters (length%s), seen %zu", name, need,
                            need > length ? " + 1" : "", count);
    for (size_t at = 0; st == PN_OK && at + need <= count; at += schema->stride) {
        struct data_row row;
        st = data_rows_add(&row, rows, name, why);
        if (st != PN_OK)
            break;
        memcpy(row.x, indices + at, length * sizeof *indices);
        if (schema->target_size > 0)
            memcpy(row.target, indices + at + 1, length * sizeof *indices);
    }
    return st;
}

enum pn_status
data_rows_read_text(struct data_rows *rows, struct data_stream *stream, struct pn_error *why)
{
    const char      *name    = data_stream_name(stream);
    float           *indices = NULL;
    size_t           count   = 0;
    struct pn_buffer text;
    pn_buffer_init(&text, rows->bytes_max < TEXT_MAX ? (size_t)rows->bytes_max : TEXT_MAX);
    enum pn_status st = data_stream_read_all(&text, stream, why);
    if (st == PN_OK)
        st = index_text(&indices, &count, &text, rows->table->schema, name, why);
    pn_buffer_fini(&text);
    if (st == PN_OK)
        st = cut(rows, indices, count, name, why);
    free(indices);
    return st;
}
