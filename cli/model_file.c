#include "cli/model_file.h"

#include "store/files.h"
#include "text/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_MAX   = 1u << 20,
    ORIGIN_MAX = 6
};

/* ---- write ---- */

static void
add_meta(struct text_safetensors *header, const char *key, const char *value)
{
    if (value[0] == '\0')
        return;
    struct text_meta *meta = &header->meta[header->meta_count++];
    snprintf(meta->key, sizeof meta->key, "%s", key);
    snprintf(meta->value, sizeof meta->value, "%s", value);
}

/* "scale:" and as much of the name as a key holds; the number keeps long names apart. */
static void
scale_key(char out[static 64], const struct data_column *column)
{
    snprintf(out, 64, "scale:%u:%.48s", column->sums, column->name);
}

static void
add_scaling(struct text_safetensors *header, const struct data_schema *schema,
            const struct data_scaling *scaling)
{
    for (size_t i = 0; scaling != NULL && i < schema->column_count; i++) {
        const struct data_column *column = &schema->columns[i];
        char                      key[64], value[64];
        if (!column->standard)
            continue;
        scale_key(key, column);
        snprintf(value, sizeof value, "%.17g %.17g", scaling[column->sums].mean,
                 scaling[column->sums].deviation);
        add_meta(header, key, value);
    }
}

static enum pn_status
describe(struct text_safetensors *header, const struct nn_plan *plan,
         const struct data_schema *schema, const struct data_scaling *scaling,
         const struct cli_model_origin *origin)
{
    size_t                  count;
    const struct nn_tensor *manifest = nn_plan_manifest(plan, &count);
    header->tensors                  = calloc(count, sizeof *header->tensors);
    header->meta = calloc(ORIGIN_MAX + schema->numeric_count, sizeof *header->meta);
    if (header->tensors == NULL || header->meta == NULL)
        return PN_ENOMEM;
    header->tensor_count = count;
    header->float_count  = nn_plan_param_count(plan);
    for (size_t i = 0; i < count; i++) {
        struct text_tensor *tensor = &header->tensors[i];
        snprintf(tensor->name, sizeof tensor->name, "%s", manifest[i].name);
        tensor->dims = manifest[i].dims;
        for (uint32_t d = 0; d < manifest[i].dims; d++)
            tensor->dim[d] = manifest[i].dim[d];
        tensor->offset = manifest[i].offset;
        tensor->count  = manifest[i].count;
    }
    add_meta(header, "format", "panal 1");
    add_meta(header, "federation", origin->federation);
    add_meta(header, "job", origin->job);
    add_meta(header, "round", origin->round);
    add_meta(header, "ledger_head", origin->head);
    add_meta(header, "model", origin->model);
    add_scaling(header, schema, scaling);
    return PN_OK;
}

static enum pn_status
append_floats(struct pn_buffer *out, const float *values, size_t count)
{
    enum pn_status st = PN_OK;
    for (size_t i = 0; st == PN_OK && i < count; i++) {
        uint8_t  bytes[4];
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        pn_put_u32(bytes, bits);
        st = pn_buffer_append(out, bytes, sizeof bytes);
    }
    return st;
}

enum pn_status
cli_model_write(const char *path, const float *theta, const struct nn_plan *plan,
                const struct data_schema *schema, const struct data_scaling *scaling,
                const struct cli_model_origin *origin, struct pn_error *why)
{
    struct text_safetensors header = {.tensors = NULL};
    struct pn_buffer        file;
    size_t                  count = (size_t)nn_plan_param_count(plan);
    pn_buffer_init(&file, count * 4 + TEXT_MAX);
    enum pn_status st = describe(&header, plan, schema, scaling, origin);
    if (st == PN_OK)
        st = text_safetensors_encode(&file, &header);
    if (st == PN_OK)
        st = append_floats(&file, theta, count);
    if (st == PN_OK)
        st = store_file_save(path, file.bytes, file.size, 0644, why);
    else
        pn_error_set(why, st, "%s: %s", path, pn_status_text(st));
    pn_buffer_fini(&file);
    free(header.tensors);
    free(header.meta);
    return st;
}

/* ---- read ---- */

/* The file's tensors must be the network's, name by name. */
static enum pn_status
check_tensors(const struct text_safetensors *header, const struct nn_plan *plan,
              struct pn_error *why)
{
    size_t                  count;
    const struct nn_tensor *manifest = nn_plan_manifest(plan, &count);
    if (header->tensor_count != count)
        return pn_error_set(
            why, PN_EDATA,
            "expected the %zu tensors of the job's network, seen %zu: this model is "
            "of another architecture",
            count, header->tensor_count);
    for (size_t i = 0; i < count; i++) {
        const struct text_tensor *seen = &header->tensors[i];
        bool same = strcmp(seen->name, manifest[i].name) == 0 && seen->dims == manifest[i].dims &&
                    seen->offset == manifest[i].offset;
        for (uint32_t d = 0; same && d < seen->dims; d++)
            same = seen->dim[d] == manifest[i].dim[d];
        if (!same)
            return pn_error_set(why, PN_EDATA,
                                "expected tensor %zu to be %s as in the job's network, seen %s of "
                                "another shape or place: this model is of another architecture",
                                i + 1, manifest[i].name, seen->name);
    }
    return PN_OK;
}

static enum pn_status
decode_floats(float *out, const uint8_t *bytes, const struct text_safetensors *header,
              struct pn_error *why)
{
    for (size_t t = 0; t < header->tensor_count; t++)
        for (uint64_t i = header->tensors[t].offset;
             i < header->tensors[t].offset + header->tensors[t].count; i++) {
            uint32_t bits = pn_get_u32(bytes + 4 * i);
            memcpy(&out[i], &bits, sizeof bits);
            if (!isfinite(out[i]))
                return pn_error_set(why, PN_EDATA, "%s holds a number that is not finite",
                                    header->tensors[t].name);
        }
    return PN_OK;
}

static enum pn_status
read_scaling(struct data_scaling *out, const struct text_safetensors *header,
             const struct data_schema *schema, struct pn_error *why)
{
    for (size_t i = 0; i < schema->column_count; i++) {
        const struct data_column *column = &schema->columns[i];
        char                      key[64];
        bool                      found = !column->standard;
        if (found)
            continue;
        scale_key(key, column);
        for (size_t m = 0; !found && m < header->meta_count; m++) {
            struct data_scaling *to = &out[column->sums];
            found                   = strcmp(header->meta[m].key, key) == 0 &&
                    sscanf(header->meta[m].value, "%lf %lf", &to->mean, &to->deviation) == 2 &&
                    isfinite(to->mean) && isfinite(to->deviation) && to->deviation > 0;
        }
        if (!found)
            return pn_error_set(why, PN_EDATA,
                                "the file does not say how column %s was scaled (metadata \"%s\")",
                                column->name, key);
    }
    return PN_OK;
}

enum pn_status
cli_model_read(float **theta, struct data_scaling **scaling, const char *path,
               const struct nn_plan *plan, const struct data_schema *schema, struct pn_error *why)
{
    struct pn_buffer        file;
    struct text_safetensors header = {.tensors = NULL};
    size_t                  count  = (size_t)nn_plan_param_count(plan);
    float                  *floats = calloc(count, sizeof *floats);
    struct data_scaling    *scales = calloc(schema->numeric_count + 1u, sizeof *scales);
    pn_buffer_init(&file, count * 4 + TEXT_MAX);
    enum pn_status st = floats == NULL || scales == NULL
                            ? pn_error_set(why, PN_ENOMEM, "%s: no memory for the model", path)
                            : store_file_load(&file, path, why);
    if (st == PN_OK) {
        st = text_safetensors_decode(&header, file.bytes, file.size, file.size, why);
        if (st == PN_OK)
            st = check_tensors(&header, plan, why);
        if (st == PN_OK)
            st = decode_floats(floats, file.bytes + header.data_offset, &header, why);
        if (st == PN_OK)
            st = read_scaling(scales, &header, schema, why);
        if (st != PN_OK)
            pn_error_wrap(why, st, "%s", path);
    }
    text_safetensors_fini(&header);
    pn_buffer_fini(&file);
    if (st != PN_OK) {
        free(floats);
        free(scales);
        return st;
    }
    if (!schema->needs_scaling) {
        free(scales);
        scales = NULL;
    }
    *theta   = floats;
    *scaling = scales;
    return PN_OK;
}
