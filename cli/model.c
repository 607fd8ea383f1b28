/*
 * panal model -- show: tensors and numbers of a model; export: the newest model of a run as
 * safetensors.
 */
#include "cli/model.h"

#include "cli/command.h"
#include "cli/features.h"
#include "cli/model_file.h"
#include "data/table.h"
#include "engine/blob.h"
#include "engine/job.h"
#include "engine/own.h"
#include "engine/proof.h"
#include "nnlib/plan.h"
#include "store/files.h"
#include "text/json.h"
#include "text/safetensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_MAX = 1u << 30,
    TEXT_MAX = 1u << 20
};

/* ---- export from a state directory ---- */

static enum pn_status
load_text(struct pn_buffer *out, const struct store_disk *disk, const char *name,
          struct pn_error *why)
{
    enum pn_status st = store_disk_load(out, disk, name);
    if (st != PN_OK)
        return pn_error_set(why, st, "%s of the state directory: %s", name, pn_status_text(st));
    return PN_OK;
}

enum pn_status
cli_scaling_load(struct data_scaling **out, const struct store_disk *disk,
                 const struct data_schema *schema, const struct sec_blob *blob,
                 struct pn_error *why)
{
    uint8_t *bytes = NULL;
    *out           = NULL;
    if (blob->size == 0)
        return PN_OK;
    enum pn_status st = engine_blob_load(&bytes, disk, "scaling", blob, why);
    if (st == PN_ENOENT)
        return pn_error_set(why, st, "the scaling of the columns is not kept in this directory");
    if (st != PN_OK)
        return st;
    struct data_scaling *scaling = calloc(schema->numeric_count + 1u, sizeof *scaling);
    if (scaling == NULL)
        st = pn_error_set(why, PN_ENOMEM, "no memory for the scaling");
    else if ((st = data_scaling_decode(scaling, schema->numeric_count, bytes,
                                       (size_t)blob->size)) != PN_OK)
        pn_error_set(why, st, "the scaling in this directory is not one for this job's columns");
    free(bytes);
    if (st == PN_OK)
        *out = scaling;
    else
        free(scaling);
    return st;
}

/* MODEL.features.json beside MODEL.safetensors. */
static enum pn_status
write_features(const char *model_path, const struct engine_job *job,
               const struct data_scaling *scaling, struct pn_error *why)
{
    static const char ending[] = ".safetensors";
    char              path[4096];
    size_t            stem = strlen(model_path), end = sizeof ending - 1;
    if (stem > end && strcmp(model_path + stem - end, ending) == 0)
        stem -= end;
    int len = snprintf(path, sizeof path, "%.*s.features.json", (int)stem, model_path);
    if (len < 0 || (size_t)len >= sizeof path)
        return pn_error_set(why, PN_ECONFIG, "%s: this path is too long", model_path);
    FILE          *file = fopen(path, "w");
    enum pn_status st   = file == NULL ? PN_EIO : cli_features_write(file, job->schema, scaling);
    if (file != NULL && fclose(file) != 0 && st == PN_OK)
        st = PN_EIO;
    return st == PN_OK ? PN_OK : pn_error_set(why, st, "%s: %s", path, pn_status_text(st));
}

static enum pn_status
export_newest(const struct store_disk *disk, const struct engine_job *job,
              const struct fed_roster *roster, const struct cli_export *wish, struct pn_error *why)
{
    struct engine_proof     proof;
    struct cli_model_origin origin  = {.model = ""};
    uint8_t                *theta   = NULL;
    struct data_scaling    *scaling = NULL;
    enum pn_status          st      = engine_proof_make(&proof, disk, roster, NULL, NULL, why);
    if (st == PN_OK && proof.model.size != job->model_size)
        st = pn_error_set(
            why, PN_ECORRUPT, "the newest model has %llu bytes, the job's network %llu",
            (unsigned long long)proof.model.size, (unsigned long long)job->model_size);
    if (st == PN_OK) {
        st = engine_blob_load(&theta, disk, "models", &proof.model, why);
        if (st == PN_ENOENT)
            pn_error_set(why, st, "the newest model is not kept in this directory");
    }
    if (st == PN_OK) {
        snprintf(origin.federation, sizeof origin.federation, "%s", roster->federation);
        snprintf(origin.round, sizeof origin.round, "%llu", (unsigned long long)proof.model_round);
        sec_hash_text(origin.job, &job->job->hash);
        sec_hash_text(origin.head, &proof.head);
        if (!wish->own) /* else these are other numbers */
            sec_hash_text(origin.model, &proof.model.root);
        st = cli_scaling_load(&scaling, disk, job->schema, &proof.scaling, why);
    }
    if (st == PN_OK) {
        float *floats = malloc((size_t)job->model_size + 1);
        if (floats == NULL)
            st = pn_error_set(why, PN_ENOMEM, "no memory for the model");
        else
            engine_floats_decode(floats, theta, (size_t)job->model_size / 4);
        if (st == PN_OK && wish->own)
            st = engine_own_put_over(floats, &(struct engine_own){disk, job->plan},
                                     ENGINE_OWN_NEWEST, why);
        if (st == PN_OK)
            st = cli_model_write(wish->path, floats, job->plan, job->schema, scaling, &origin, why);
        free(floats);
    }
    if (st == PN_OK)
        st = write_features(wish->path, job, scaling, why);
    free(scaling);
    if (st == PN_OK)
        fprintf(stderr, "wrote %s: the model after round %s%s, %llu parameters\n", wish->path,
                origin.round, wish->own ? " as this site has it" : "",
                (unsigned long long)(job->model_size / 4));
    free(theta);
    return st;
}

enum pn_status
cli_model_export_from(const struct store_disk *disk, const struct cli_export *wish,
                      struct pn_error *why)
{
    struct pn_buffer   job_text, roster_text;
    struct engine_job  job    = {.job = NULL};
    struct fed_roster *roster = NULL;
    pn_buffer_init(&job_text, TEXT_MAX);
    pn_buffer_init(&roster_text, TEXT_MAX);
    enum pn_status st = load_text(&job_text, disk, "job.yaml", why);
    if (st == PN_OK)
        st = load_text(&roster_text, disk, "roster.yaml", why);
    if (st == PN_OK)
        st = engine_job_init(&job, "job.yaml", (const char *)job_text.bytes, job_text.size, why);
    if (st == PN_OK)
        st = fed_roster_parse(&roster, "roster.yaml", (const char *)roster_text.bytes,
                              roster_text.size, why);
    if (st == PN_OK)
        st = export_newest(disk, &job, roster, wish, why);
    fed_roster_free(roster);
    engine_job_fini(&job);
    pn_buffer_fini(&roster_text);
    pn_buffer_fini(&job_text);
    return st;
}

struct export_options {
    char *out;
    bool  own;
};
static const struct pn_option export_table[] = {
    {"out", "model.safetensors", PN_OPT_TEXT, offsetof(struct export_options, out), 1, 4000,
     "the file to write"},
    {"own", "no", PN_OPT_FLAG, offsetof(struct export_options, own), 0, 0,
     "from a node: with the tensors that stay at this site (role local)"},
    {0},
};

int
cli_model_export(int argc, char **argv)
{
    struct export_options options;
    struct cli_arguments  words = {
         .noun = "model", .verb = "export", .words_min = 1, .words_max = 1};
    int code;
    if (!cli_parse(&options, export_table, &words, argc, argv, &code))
        return code;
    struct pn_error     why = {.text = ""};
    struct store_files *files;
    struct store_disk   disk;
    enum pn_status      st = store_files_open(&files, &disk, words.words[0], STORE_READ, &why);
    if (st == PN_OK) {
        const struct cli_export wish = {.path = options.out, .own = options.own};
        st                           = cli_model_export_from(&disk, &wish, &why);
        store_files_close(files);
    }
    pn_options_fini(&options, export_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}

/* ---- show ---- */

struct numbers {
    double   min, max, mean, norm;
    uint64_t not_finite;
};

static struct numbers
numbers_of(const uint8_t *bytes, uint64_t count)
{
    struct numbers n   = {.min = INFINITY, .max = -INFINITY};
    double         sum = 0, squares = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t bits = pn_get_u32(bytes + 4 * i);
        float    value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) {
            n.not_finite++;
            continue;
        }
        n.min = fmin(n.min, (double)value);
        n.max = fmax(n.max, (double)value);
        sum += (double)value;
        squares += (double)value * (double)value;
    }
    uint64_t finite = count - n.not_finite;
    n.mean          = finite == 0 ? NAN : sum / (double)finite;
    n.norm          = sqrt(squares);
    return n;
}

static void
shape_text(char *out, size_t size, const struct text_tensor *tensor)
{
    size_t at = 0;
    out[0]    = '\0';
    for (uint32_t d = 0; d < tensor->dims && at < size; d++) {
        int len = snprintf(out + at, size - at, d == 0 ? "%llu" : " x %llu",
                           (unsigned long long)tensor->dim[d]);
        at += len > 0 ? (size_t)len : 0;
    }
}

static void
show_text(const char *path, const struct text_safetensors *header, const uint8_t *floats)
{
    printf("%s: %llu parameters in %zu tensors\n", path, (unsigned long long)header->float_count,
           header->tensor_count);
    for (size_t i = 0; i < header->meta_count; i++)
        printf("  %-12s %s\n", header->meta[i].key, header->meta[i].value);
    printf("  %-24s %-14s %11s %11s %11s %11s\n", "tensor", "shape", "min", "max", "mean", "norm");
    for (size_t i = 0; i < header->tensor_count; i++) {
        const struct text_tensor *tensor = &header->tensors[i];
        struct numbers            n      = numbers_of(floats + 4 * tensor->offset, tensor->count);
        char                      shape[96];
        shape_text(shape, sizeof shape, tensor);
        printf("  %-24s %-14s %11.4g %11.4g %11.4g %11.4g", tensor->name, shape, n.min, n.max,
               n.mean, n.norm);
        if (n.not_finite > 0)
            printf("  NOT FINITE: %llu", (unsigned long long)n.not_finite);
        putchar('\n');
    }
}

static enum pn_status
show_json(const struct text_safetensors *header, const uint8_t *floats)
{
    struct text_json *json;
    enum pn_status    st = text_json_new(&json);
    if (st != PN_OK)
        return st;
    text_json_u64(json, "parameters", header->float_count);
    text_json_open_map(json, "metadata");
    for (size_t i = 0; i < header->meta_count; i++)
        text_json_string(json, header->meta[i].key, header->meta[i].value);
    text_json_close(json);
    text_json_open_list(json, "tensors");
    for (size_t i = 0; i < header->tensor_count; i++) {
        const struct text_tensor *tensor = &header->tensors[i];
        struct numbers            n      = numbers_of(floats + 4 * tensor->offset, tensor->count);
        text_json_open_map(json, NULL);
        text_json_string(json, "name", tensor->name);
        text_json_open_list(json, "shape");
        for (uint32_t d = 0; d < tensor->dims; d++)
            text_json_u64(json, NULL, tensor->dim[d]);
        text_json_close(json);
        text_json_f64(json, "min", n.min);
        text_json_f64(json, "max", n.max);
        text_json_f64(json, "mean", n.mean);
        text_json_f64(json, "norm", n.norm);
        text_json_u64(json, "not_finite", n.not_finite);
        text_json_close(json);
    }
    text_json_close(json);
    st = text_json_write(json, stdout);
    text_json_free(json);
    return st;
}

struct show_options {
    bool json;
};
static const struct pn_option show_table[] = {
    {"json", "no", PN_OPT_FLAG, offsetof(struct show_options, json), 0, 0,
     "print JSON instead of text"},
    {0},
};

int
cli_model_show(int argc, char **argv)
{
    struct show_options  options;
    struct cli_arguments words = {.noun = "model", .verb = "show", .words_min = 1, .words_max = 1};
    int                  code;
    if (!cli_parse(&options, show_table, &words, argc, argv, &code))
        return code;

    const char             *path = words.words[0];
    struct pn_error         why  = {.text = ""};
    struct pn_buffer        file;
    struct text_safetensors header = {.tensors = NULL};
    pn_buffer_init(&file, FILE_MAX);
    enum pn_status st = store_file_load(&file, path, &why);
    if (st == PN_OK) {
        st = text_safetensors_decode(&header, file.bytes, file.size, file.size, &why);
        if (st != PN_OK)
            pn_error_wrap(&why, st, "%s", path);
    }
    if (st == PN_OK && options.json)
        st = show_json(&header, file.bytes + header.data_offset);
    else if (st == PN_OK)
        show_text(path, &header, file.bytes + header.data_offset);
    text_safetensors_fini(&header);
    pn_buffer_fini(&file);
    pn_options_fini(&options, show_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}
