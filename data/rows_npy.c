/* NPY and NPZ: an array of features, (n, shape), and one of targets, (n) or (n, outputs), where the
 * files give targets. */
#include "data/npy.h"
#include "data/rows.h"
#include "data/zip.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Two arrays on their way into the table. */
struct load {
    struct data_rows         *rows;
    const struct data_schema *schema;
    struct data_stream       *features, *targets; /* targets: NULL when the files give none */
    struct data_npy           x, y;
    double                   *record; /* features, then targets */
    struct pn_error          *why;
};

/* ---- shapes ---- */

static enum pn_status
wrong_shape(const struct load *load, const struct data_stream *stream, const struct data_npy *npy,
            const char *expected)
{
    char seen[200];
    data_npy_shape_text(seen, npy);
    return pn_error_set(load->why, PN_EDATA, "%s: expected an array of the shape nx%s, seen %s",
                        data_stream_name(stream), expected, seen);
}

/* The sizes of one record in the order of the file. */
static void
shape_of_file(uint32_t out[static 3], const struct data_schema *schema)
{
    for (uint32_t i = 0; i < schema->dims; i++)
        out[i] = schema->dim[schema->channels_last ? (i + 1) % schema->dims : i];
}

/* Sizes of 1 do not count: (n, 28, 28) are images of 1x28x28. */
static bool
same_shape(const struct data_npy *npy, const uint32_t *dim, uint32_t dims)
{
    uint32_t at = 0;
    for (uint32_t i = 1; i < npy->dims; i++) {
        while (at < dims && dim[at] == 1)
            at++;
        if (npy->dim[i] == 1)
            continue;
        if (at == dims || npy->dim[i] != dim[at])
            return false;
        at++;
    }
    while (at < dims && dim[at] == 1)
        at++;
    return at == dims;
}

static enum pn_status
check_shapes(const struct load *load)
{
    const struct data_schema *schema = load->schema;
    uint32_t                  dim[3];
    char                      expected[40], outputs[16];
    shape_of_file(dim, schema);
    data_schema_shape_text(expected, schema);
    (void)snprintf(outputs, sizeof outputs, "%u", schema->target_size);
    if (load->x.dims < 1 || !same_shape(&load->x, dim, schema->dims))
        return wrong_shape(load, load->features, &load->x, expected);
    if (load->targets != NULL &&
        (load->y.dims < 1 || !same_shape(&load->y, &schema->target_size, 1)))
        return wrong_shape(load, load->targets, &load->y, outputs);
    if (load->targets != NULL && load->x.dim[0] != load->y.dim[0])
        return pn_error_set(load->why, PN_EDATA,
                            "%s: there are %" PRIu64 " records and %" PRIu64
                            " targets; the arrays do not belong together",
                            data_stream_name(load->features), load->x.dim[0], load->y.dim[0]);
    if (load->x.dim[0] == 0)
        return pn_error_set(load->why, PN_EDATA, "%s: there is no record in this file",
                            data_stream_name(load->features));
    return PN_OK;
}

/* ---- records ---- */

static enum pn_status
bad_number(const struct load *load, const struct data_stream *stream, uint64_t record,
           const char *expected, double seen)
{
    return pn_error_set(load->why, PN_EDATA, "%s: record %" PRIu64 ": expected %s, seen %g",
                        data_stream_name(stream), record + 1, expected, seen);
}

static enum pn_status
put_features(float *x, const struct load *load, uint64_t record)
{
    const struct data_schema *schema   = load->schema;
    const uint32_t            channels = schema->channels_last ? schema->dim[0] : 1;
    const uint32_t            places   = schema->feature_count / channels;
    for (uint32_t i = 0; i < schema->feature_count; i++) {
        double value = load->record[i] / schema->divide;
        if (!(fabs(value) <= (double)FLT_MAX))
            return bad_number(load, load->features, record, "finite numbers", load->record[i]);
        x[(size_t)(i % channels) * places + i / channels] = (float)value;
    }
    return PN_OK;
}

static enum pn_status
put_targets(float *target, const struct load *load, uint64_t record)
{
    const struct data_schema *schema = load->schema;
    const double             *value  = load->record + schema->feature_count;
    char                      expected[40];
    for (uint32_t i = 0; i < schema->target_size; i++) {
        if (!(fabs(value[i]) <= (double)FLT_MAX))
            return bad_number(load, load->targets, record, "finite numbers", value[i]);
        if (schema->class_count > 0 &&
            !(value[i] >= 0.0 && value[i] < schema->class_count && value[i] == floor(value[i]))) {
            (void)snprintf(expected, sizeof expected, "a class from 0 to %u",
                           schema->class_count - 1);
            return bad_number(load, load->targets, record, expected, value[i]);
        }
        target[i] = (float)value[i];
    }
    return PN_OK;
}

static enum pn_status
read_records(struct load *load)
{
    const struct data_schema *schema = load->schema;
    enum pn_status            st     = PN_OK;
    for (uint64_t i = 0; st == PN_OK && i < load->x.dim[0]; i++) {
        struct data_row row;
        st =
            data_npy_read(load->record, schema->feature_count, &load->x, load->features, load->why);
        if (st == PN_OK && load->targets != NULL)
            st = data_npy_read(load->record + schema->feature_count, schema->target_size, &load->y,
                               load->targets, load->why);
        if (st == PN_OK)
            st = data_rows_add(&row, load->rows, data_stream_name(load->features), load->why);
        if (st == PN_OK)
            st = put_features(row.x, load, i);
        if (st == PN_OK)
            st = put_targets(row.target, load, i);
    }
    if (st == PN_OK)
        st = data_stream_expect_end(load->features, load->why);
    if (st == PN_OK && load->targets != NULL)
        st = data_stream_expect_end(load->targets, load->why);
    return st;
}

enum pn_status
data_rows_read_npy(struct data_rows *rows, struct data_stream *features,
                   struct data_stream *targets, struct pn_error *why)
{
    const struct data_schema *schema = rows->table->schema;
    struct load               load   = {.rows = rows, .schema = schema, .why = why};
    load.features                    = features;
    load.targets                     = targets;
    enum pn_status st                = data_npy_read_header(&load.x, features, why);
    if (st == PN_OK && targets != NULL)
        st = data_npy_read_header(&load.y, targets, why);
    if (st == PN_OK)
        st = check_shapes(&load);
    if (st != PN_OK)
        return st;
    load.record =
        malloc(((size_t)schema->feature_count + schema->target_size) * sizeof *load.record);
    if (load.record == NULL)
        return pn_error_set(why, PN_ENOMEM, "%s: no memory for a record",
                            data_stream_name(features));
    st = read_records(&load);
    free(load.record);
    return st;
}

enum pn_status
data_rows_load_npy(struct data_rows *rows, const struct data_source *source, struct pn_error *why)
{
    struct data_stream *features = NULL, *targets = NULL;
    enum pn_status      st = data_rows_open_pair(&features, &targets, rows, source, why);
    if (st == PN_OK)
        st = data_rows_read_npy(rows, features, targets, why);
    data_stream_close(features);
    data_stream_close(targets);
    return st;
}

/* ---- NPZ ---- */

static enum pn_status
open_array(struct data_stream **out, const char *file, const struct pn_buffer *archive,
           const char *array, struct pn_error *why)
{
    char member[256];
    int  len = snprintf(member, sizeof member, "%s.npy", array);
    if (len < 0 || (size_t)len >= sizeof member)
        return pn_error_set(why, PN_EDATA, "%s: the name of an array is too long", file);
    return data_zip_open(out, file, archive->bytes, archive->size, member, why);
}

enum pn_status
data_rows_read_npz(struct data_rows *rows, const char *file, const struct pn_buffer *archive,
                   char *const arrays[static 2], struct pn_error *why)
{
    struct data_stream *features = NULL, *targets = NULL;
    const bool          named  = arrays[0] != NULL;
    enum pn_status      st     = open_array(&features, file, archive, named ? arrays[0] : "x", why);
    bool                wanted = rows->table->schema->target_size > 0;
    if (st == PN_OK && wanted && named && arrays[1] == NULL)
        st = pn_error_set(why, PN_EDATA,
                          "%s: `arrays` names no array of targets, which the job asks for", file);
    if (st == PN_OK && wanted)
        st = open_array(&targets, file, archive, named ? arrays[1] : "y", why);
    if (st != PN_OK && !named && why != NULL)
        pn_error_set(why, st, "%s; `arrays: [features, targets]` beside `file` names others",
                     why->text);
    if (st == PN_OK)
        st = data_rows_read_npy(rows, features, targets, why);
    data_stream_close(features);
    data_stream_close(targets);
    return st;
}

/* Numbers of one byte become floats of four: an archive is at most as large as its table. */
enum pn_status
data_rows_load_npz(struct data_rows *rows, const struct data_source *source, struct pn_error *why)
{
    enum pn_status st = PN_OK;
    for (size_t i = 0; st == PN_OK && i < source->file_count; i++) {
        struct data_stream *stream = NULL;
        struct pn_buffer    archive;
        pn_buffer_init(&archive, rows->bytes_max < SIZE_MAX ? (size_t)rows->bytes_max : SIZE_MAX);
        st = data_stream_open(&stream, source->files[i], why);
        if (st == PN_OK)
            st = data_stream_read_all(&archive, stream, why);
        if (st == PN_OK)
            st = data_rows_read_npz(rows, source->files[i], &archive, source->arrays, why);
        pn_buffer_fini(&archive);
        data_stream_close(stream);
    }
    return st;
}
