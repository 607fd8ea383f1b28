/* A folder of PNG and JPEG files, with a CSV file of two columns: file,label. Where the files give
 * no target it may have the first alone. */
#include "data/csv.h"
#include "data/image.h"
#include "data/rows.h"
#include "data/share.h"

#include "base/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATH_SIZE = 4096,
    NAMES_MAX = 1 << 30 /* bytes of all names */
};

/* The labels file: names one after the other, each with a NUL, and a byte for each label. */
struct labels {
    const char               *file;
    const struct data_schema *schema;
    uint32_t                  fields; /* of a line */
    struct pn_buffer          names, labels;
    struct pn_error          *why;
};

static enum pn_status
fail(const struct labels *labels, const struct data_csv_field *field, const char *problem)
{
    return pn_error_set(labels->why, PN_EDATA, "%s:%" PRIu64 ":%" PRIu64 ": %s, seen \"%.100s\"",
                        labels->file, field->line, field->column, problem, field->text);
}

/* ---- the labels file ---- */

/* A name may not lead out of the folder. */
static bool
is_safe(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && name[0] != '/' && strcmp(name, "..") != 0 && strncmp(name, "../", 3) != 0 &&
           strstr(name, "/../") == NULL && (len < 3 || strcmp(name + len - 3, "/..") != 0);
}

static enum pn_status
find_label(uint8_t *out, const struct labels *labels, const struct data_csv_field *field)
{
    const struct data_schema *schema = labels->schema;
    double                    number;
    char                      expected[80];
    for (uint32_t i = 0; schema->class_names != NULL && i < schema->class_count; i++)
        if (strcmp(schema->class_names[i], field->text) == 0) {
            *out = (uint8_t)i;
            return PN_OK;
        }
    if (schema->class_names != NULL)
        return fail(labels, field, "expected one of the job's classes");
    if (data_number_parse(&number, field->text, field->len, '.') && number >= 0.0 &&
        number < schema->class_count && (double)(uint8_t)number == number) {
        *out = (uint8_t)number;
        return PN_OK;
    }
    (void)snprintf(expected, sizeof expected, "expected a class from 0 to %u",
                   schema->class_count - 1);
    return fail(labels, field, expected);
}

static enum pn_status
add_label(struct labels *labels, const struct data_csv_field *fields, uint32_t count)
{
    uint8_t label = 0;
    if (count != labels->fields)
        return pn_error_set(labels->why, PN_EDATA,
                            "%s:%" PRIu64 ":1: expected %u fields as in the first line, seen %u",
                            labels->file, fields[0].line, labels->fields, count);
    if (!is_safe(fields[0].text))
        return fail(labels, &fields[0], "expected the name of a file in the folder");
    enum pn_status st = PN_OK;
    if (labels->schema->target_size > 0)
        st = find_label(&label, labels, &fields[1]);
    if (st != PN_OK)
        return st;
    st = pn_buffer_append(&labels->names, fields[0].text, fields[0].len + 1);
    if (st == PN_OK)
        st = pn_buffer_append(&labels->labels, &label, 1);
    return st == PN_OK
               ? PN_OK
               : pn_error_set(labels->why, st, "%s: the labels need too much memory", labels->file);
}

static enum pn_status
check_header(struct labels *labels, const struct data_csv_field *fields, uint32_t count)
{
    bool unlabelled = count == 1 && labels->schema->target_size == 0;
    bool labelled   = count == 2 && strcmp(fields[1].text, "label") == 0;
    labels->fields  = count;
    if ((labelled || unlabelled) && strcmp(fields[0].text, "file") == 0)
        return PN_OK;
    return pn_error_set(labels->why, PN_EDATA,
                        "%s:1:1: expected the line \"file,label\" at the start of the labels file, "
                        "seen \"%.60s\"%s",
                        labels->file, count > 0 ? fields[0].text : "", count > 1 ? ", ..." : "");
}

static enum pn_status
read_labels(struct labels *labels, struct data_stream *stream)
{
    const struct data_csv_field *fields;
    uint32_t                     count;
    struct data_csv             *csv = NULL;
    enum pn_status               st  = data_csv_new(&csv, stream, ',', labels->why);
    if (st == PN_OK)
        st = data_csv_next(&fields, &count, csv, labels->why);
    if (st == PN_OK)
        st = check_header(labels, fields, count);
    while (st == PN_OK) {
        st = data_csv_next(&fields, &count, csv, labels->why);
        if (st == PN_OK && count == 0)
            break;
        if (st == PN_OK)
            st = add_label(labels, fields, count);
    }
    data_csv_free(csv);
    if (st == PN_OK && labels->labels.size == 0)
        st = pn_error_set(labels->why, PN_EDATA, "%s:2:1: there is no record in this file",
                          labels->file);
    return st;
}

/* ---- the images ---- */

static enum pn_status
load_bytes(struct pn_buffer *out, const char *path, struct pn_error *why)
{
    struct data_stream *stream = NULL;
    enum pn_status      st     = data_stream_open(&stream, path, why);
    pn_buffer_clear(out);
    if (st == PN_OK)
        st = data_stream_read_all(out, stream, why);
    data_stream_close(stream);
    return st;
}

static enum pn_status
add_image(struct data_rows *rows, uint8_t *pixels, const struct pn_buffer *bytes, const char *path,
          uint8_t label, struct pn_error *why)
{
    const struct data_schema *schema = rows->table->schema;
    const struct data_image   image  = {.name     = path,
                                        .bytes    = bytes->bytes,
                                        .size     = bytes->size,
                                        .channels = schema->dim[0],
                                        .height   = schema->dim[1],
                                        .width    = schema->dim[2],
                                        .why      = why};
    struct data_row           row;
    enum pn_status            st = data_image_decode(pixels, &image);
    if (st == PN_OK)
        st = data_rows_add(&row, rows, path, why);
    for (uint32_t f = 0; st == PN_OK && f < schema->feature_count; f++)
        row.x[f] = (float)((double)pixels[f] / schema->divide);
    if (st == PN_OK && schema->target_size > 0)
        row.target[0] = (float)label;
    return st;
}

static enum pn_status
read_images(struct data_rows *rows, const char *folder, const struct labels *labels,
            const uint8_t *wanted)
{
    const char      *name   = (const char *)labels->names.bytes;
    uint8_t         *pixels = malloc(rows->table->schema->feature_count);
    enum pn_status   st     = PN_OK;
    struct pn_buffer bytes;
    pn_buffer_init(&bytes, DATA_IMAGE_FILE_MAX);
    if (pixels == NULL)
        st = pn_error_set(labels->why, PN_ENOMEM, "%s: no memory for an image", folder);
    for (size_t i = 0; st == PN_OK && i < labels->labels.size; i++, name += strlen(name) + 1) {
        char path[PATH_SIZE];
        int  len = snprintf(path, sizeof path, "%s/%s", folder, name);
        if (!wanted[i])
            continue;
        if (len < 0 || (size_t)len >= sizeof path)
            st = pn_error_set(labels->why, PN_EDATA, "%s: the path of \"%.60s\" is too long",
                              labels->file, name);
        else
            st = load_bytes(&bytes, path, labels->why);
        if (st == PN_OK)
            st = add_image(rows, pixels, &bytes, path, labels->labels.bytes[i], labels->why);
    }
    pn_buffer_fini(&bytes);
    free(pixels);
    return st;
}

static enum pn_status
load_marked(struct data_rows *rows, const struct data_source *source, const struct labels *labels)
{
    uint32_t count, total = (uint32_t)labels->labels.size;
    uint8_t *wanted = malloc(total);
    if (wanted == NULL)
        return pn_error_set(labels->why, PN_ENOMEM, "%s: no memory for the records", labels->file);
    enum pn_status st =
        data_share_mark(wanted, &count, source, total, labels->labels.bytes, labels->why);
    if (st == PN_OK)
        st = read_images(rows, source->files[0], labels, wanted);
    free(wanted);
    return st;
}

enum pn_status
data_rows_load_images(struct data_rows *rows, const struct data_source *source,
                      struct pn_error *why)
{
    struct labels       labels = {.schema = rows->table->schema, .why = why};
    struct data_stream *stream = NULL;
    if (source->file_count != 2)
        return pn_error_set(why, PN_EDATA,
                            "the job's data has the format image: expected `images` (a folder) and "
                            "`labels`, seen %zu files",
                            source->file_count);
    labels.file = source->files[1];
    pn_buffer_init(&labels.names, NAMES_MAX);
    pn_buffer_init(&labels.labels, UINT32_MAX / 2);
    enum pn_status st = data_stream_open(&stream, labels.file, why);
    if (st == PN_OK)
        st = read_labels(&labels, stream);
    if (st == PN_OK)
        st = load_marked(rows, source, &labels);
    data_stream_close(stream);
    pn_buffer_fini(&labels.names);
    pn_buffer_fini(&labels.labels);
    return st;
}
