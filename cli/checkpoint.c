#include "cli/checkpoint.h"

#include "base/options.h"
#include "engine/blob.h"
#include "store/files.h"
#include "text/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TENSORS  = 3, /* the last one only where the optimiser has a state */
    META     = 24,
    TEXT_MAX = 1u << 16
};

/* The metadata: one row a value, read and written by the same table. */
enum value_kind {
    WHOLE,
    REAL
};
struct value {
    const char     *key;
    enum value_kind kind;
    void           *at; /* uint64_t or double */
};

/* The cursor as plain values. */
struct cursor {
    uint64_t step, epoch, at, epochs, best_epoch, watched, best_at, has_best, bad, resting,
        has_plateau;
    double loss, weight, best, plateau, share;
};

static struct cursor
flatten(const struct nn_fit_cursor *from)
{
    return (struct cursor){.step        = from->training.step,
                           .epoch       = from->training.epoch,
                           .at          = from->training.at,
                           .loss        = from->training.loss,
                           .weight      = from->training.weight,
                           .epochs      = from->epochs,
                           .best_epoch  = from->best_epoch,
                           .watched     = from->stopping.steps,
                           .best_at     = from->stopping.best_step,
                           .has_best    = from->stopping.begun,
                           .best        = from->stopping.best,
                           .bad         = from->plateau.bad,
                           .resting     = from->plateau.resting,
                           .has_plateau = from->plateau.begun,
                           .plateau     = from->plateau.best,
                           .share       = from->plateau.share};
}

/* False when a number does not fit. */
static bool
unflatten(struct nn_fit_cursor *out, const struct cursor *from)
{
    if (from->epoch > UINT32_MAX || from->epochs > UINT32_MAX || from->at > UINT32_MAX ||
        from->best_epoch > UINT32_MAX || from->bad > UINT32_MAX || from->resting > UINT32_MAX ||
        from->has_best > 1 || from->has_plateau > 1)
        return false;
    *out = (struct nn_fit_cursor){.training   = {.step   = from->step,
                                                 .epoch  = (uint32_t)from->epoch,
                                                 .at     = (uint32_t)from->at,
                                                 .loss   = from->loss,
                                                 .weight = from->weight},
                                  .stopping   = {.best      = from->best,
                                                 .best_step = from->best_at,
                                                 .steps     = from->watched,
                                                 .begun     = from->has_best == 1},
                                  .plateau    = {.best    = from->plateau,
                                                 .share   = from->share,
                                                 .bad     = (uint32_t)from->bad,
                                                 .resting = (uint32_t)from->resting,
                                                 .begun   = from->has_plateau == 1},
                                  .epochs     = (uint32_t)from->epochs,
                                  .best_epoch = (uint32_t)from->best_epoch};
    return true;
}

enum {
    VALUES = 16
};
static void
list_values(struct value out[static VALUES], struct cursor *cursor)
{
    const struct value values[VALUES] = {
        {"step", WHOLE, &cursor->step},
        {"epoch", WHOLE, &cursor->epoch},
        {"at", WHOLE, &cursor->at},
        {"loss", REAL, &cursor->loss},
        {"weight", REAL, &cursor->weight},
        {"epochs", WHOLE, &cursor->epochs},
        {"best_epoch", WHOLE, &cursor->best_epoch},
        {"watched", WHOLE, &cursor->watched},
        {"best_at", WHOLE, &cursor->best_at},
        {"has_best", WHOLE, &cursor->has_best},
        {"best", REAL, &cursor->best},
        {"bad", WHOLE, &cursor->bad},
        {"resting", WHOLE, &cursor->resting},
        {"has_plateau", WHOLE, &cursor->has_plateau},
        {"plateau", REAL, &cursor->plateau},
        {"share", REAL, &cursor->share},
    };
    memcpy(out, values, sizeof values);
}

/* Returns how many there are. */
static size_t
describe_tensors(struct text_tensor *out, const struct cli_checkpoint *checkpoint)
{
    uint64_t          params          = nn_plan_param_count(checkpoint->plan);
    const char *const names[TENSORS]  = {"theta", "best", "optimiser"};
    const uint64_t    counts[TENSORS] = {params, params, checkpoint->state_count};
    uint64_t          at              = 0;
    for (size_t t = 0; t < TENSORS; t++) {
        out[t] =
            (struct text_tensor){.dims = 1, .dim = {counts[t]}, .offset = at, .count = counts[t]};
        snprintf(out[t].name, sizeof out[t].name, "%s", names[t]);
        at += counts[t];
    }
    return checkpoint->state_count > 0 ? TENSORS : TENSORS - 1;
}

/* What must be the same to go on: the network's text, the job, the records. */
static void
describe_origin(struct text_meta out[static 3], const struct cli_checkpoint *checkpoint)
{
    struct sec_hash network;
    const char     *text = nn_plan_text(checkpoint->plan);
    sec_hash_of(&network, "network", text, strlen(text));
    const struct {
        const char            *key;
        const struct sec_hash *hash;
    } rows[3] = {
        {"network", &network}, {"job", &checkpoint->job}, {"records", &checkpoint->records}};
    for (size_t i = 0; i < 3; i++) {
        char hex[SEC_HEX_SIZE];
        sec_hash_text(hex, rows[i].hash);
        snprintf(out[i].key, sizeof out[i].key, "%s", rows[i].key);
        snprintf(out[i].value, sizeof out[i].value, "%s", hex);
    }
}

static void
describe_cursor(struct text_meta *out, struct cursor *cursor)
{
    struct value values[VALUES];
    list_values(values, cursor);
    for (size_t i = 0; i < VALUES; i++) {
        snprintf(out[i].key, sizeof out[i].key, "%s", values[i].key);
        if (values[i].kind == WHOLE)
            snprintf(out[i].value, sizeof out[i].value, "%llu",
                     (unsigned long long)*(uint64_t *)values[i].at);
        else
            snprintf(out[i].value, sizeof out[i].value, "%a", *(double *)values[i].at);
    }
}

static enum pn_status
append(struct pn_buffer *out, const nn_real *values, uint64_t count)
{
    uint8_t       *bytes = malloc((size_t)count * 4 + 1);
    enum pn_status st    = bytes == NULL ? PN_ENOMEM : PN_OK;
    if (st == PN_OK) {
        engine_floats_encode(bytes, values, (size_t)count);
        st = pn_buffer_append(out, bytes, (size_t)count * 4);
    }
    free(bytes);
    return st;
}

enum pn_status
cli_checkpoint_save(const char *path, const struct cli_checkpoint *checkpoint, struct pn_error *why)
{
    struct text_tensor tensors[TENSORS];
    struct text_meta   meta[META] = {{{0}, {0}}};
    struct cursor      cursor     = flatten(&checkpoint->cursor);
    size_t             params     = (size_t)nn_plan_param_count(checkpoint->plan);
    size_t             data       = (2 * params + (size_t)checkpoint->state_count) * 4;
    struct pn_buffer   file, floats;
    struct sec_hash    hash;
    pn_buffer_init(&file, data + TEXT_MAX);
    pn_buffer_init(&floats, data);
    size_t tensor_count = describe_tensors(tensors, checkpoint);
    describe_origin(meta, checkpoint);
    describe_cursor(meta + 3, &cursor);
    enum pn_status st = append(&floats, checkpoint->theta, params);
    if (st == PN_OK)
        st = append(&floats, checkpoint->best, params);
    if (st == PN_OK)
        st = append(&floats, checkpoint->state, checkpoint->state_count);
    if (st == PN_OK) {
        char hex[SEC_HEX_SIZE];
        sec_hash_of(&hash, "checkpoint", floats.bytes, floats.size);
        sec_hash_text(hex, &hash);
        snprintf(meta[3 + VALUES].key, sizeof meta[0].key, "hash");
        snprintf(meta[3 + VALUES].value, sizeof meta[0].value, "%s", hex);
        st = text_safetensors_encode(&file, &(struct text_safetensors){.tensors      = tensors,
                                                                       .tensor_count = tensor_count,
                                                                       .meta         = meta,
                                                                       .meta_count = 3 + VALUES + 1,
                                                                       .float_count = data / 4});
    }
    if (st == PN_OK)
        st = pn_buffer_append(&file, floats.bytes, floats.size);
    if (st == PN_OK)
        st = store_file_save(path, file.bytes, file.size, 0600, why);
    else
        pn_error_set(why, st, "%s: %s", path, pn_status_text(st));
    pn_buffer_fini(&floats);
    pn_buffer_fini(&file);
    return st;
}

/* ---- load ---- */

static const char *
find_meta(const struct text_safetensors *header, const char *key)
{
    for (size_t i = 0; i < header->meta_count; i++)
        if (strcmp(header->meta[i].key, key) == 0)
            return header->meta[i].value;
    return "";
}

static enum pn_status
check_origin(const struct text_safetensors *header, const struct cli_checkpoint *checkpoint,
             struct pn_error *why)
{
    struct text_meta   origin[3] = {{{0}, {0}}};
    struct text_tensor tensors[TENSORS];
    size_t             count = describe_tensors(tensors, checkpoint);
    describe_origin(origin, checkpoint);
    for (size_t i = 0; i < 3; i++)
        if (strcmp(find_meta(header, origin[i].key), origin[i].value) != 0)
            return pn_error_set(why, PN_EDATA,
                                "expected a checkpoint of the same %s, seen one of another; train "
                                "without --resume to begin anew",
                                origin[i].key);
    bool same = header->tensor_count == count;
    for (size_t t = 0; same && t < count; t++)
        same = strcmp(header->tensors[t].name, tensors[t].name) == 0 &&
               header->tensors[t].count == tensors[t].count &&
               header->tensors[t].offset == tensors[t].offset;
    return same ? PN_OK
                : pn_error_set(why, PN_EDATA,
                               "expected theta, best and optimiser of this network, seen other "
                               "tensors");
}

static enum pn_status
read_cursor(struct nn_fit_cursor *out, const struct text_safetensors *header, struct pn_error *why)
{
    struct cursor cursor = {0};
    struct value  values[VALUES];
    bool          good = true;
    list_values(values, &cursor);
    for (size_t i = 0; good && i < VALUES; i++) {
        const char *text = find_meta(header, values[i].key);
        char       *end;
        if (values[i].kind == WHOLE) {
            good = pn_number_parse(values[i].at, text, PN_OPT_U64);
            continue;
        }
        *(double *)values[i].at = strtod(text, &end);
        good                    = end != text && *end == '\0';
    }
    if (!good || !unflatten(out, &cursor))
        return pn_error_set(why, PN_EDATA, "the place where the training stood cannot be read");
    return PN_OK;
}

static enum pn_status
read_floats(const struct cli_checkpoint *checkpoint, const struct text_safetensors *header,
            const uint8_t *floats, struct pn_error *why)
{
    struct sec_hash hash;
    char            hex[SEC_HEX_SIZE];
    size_t          params = (size_t)nn_plan_param_count(checkpoint->plan);
    sec_hash_of(&hash, "checkpoint", floats, (size_t)header->float_count * 4);
    sec_hash_text(hex, &hash);
    if (strcmp(find_meta(header, "hash"), hex) != 0)
        return pn_error_set(why, PN_EDATA,
                            "the numbers do not have the hash that stands in the "
                            "file: it is damaged");
    engine_floats_decode(checkpoint->theta, floats, params);
    engine_floats_decode(checkpoint->best, floats + params * 4, params);
    engine_floats_decode(checkpoint->state, floats + params * 8, (size_t)checkpoint->state_count);
    for (size_t i = 0; i < params; i++)
        if (!isfinite(checkpoint->theta[i]))
            return pn_error_set(why, PN_EDATA, "theta holds a number that is not finite");
    return PN_OK;
}

enum pn_status
cli_checkpoint_load(struct cli_checkpoint *checkpoint, const char *path, struct pn_error *why)
{
    struct text_safetensors header = {.tensors = NULL};
    struct pn_buffer        file;
    size_t                  params = (size_t)nn_plan_param_count(checkpoint->plan);
    pn_buffer_init(&file, (2 * params + (size_t)checkpoint->state_count) * 4 + TEXT_MAX);
    enum pn_status st = store_file_load(&file, path, why);
    if (st == PN_OK) {
        st = text_safetensors_decode(&header, file.bytes, file.size, file.size, why);
        if (st == PN_OK)
            st = check_origin(&header, checkpoint, why);
        if (st == PN_OK)
            st = read_cursor(&checkpoint->cursor, &header, why);
        if (st == PN_OK)
            st = read_floats(checkpoint, &header, file.bytes + header.data_offset, why);
        if (st != PN_OK)
            pn_error_wrap(why, st, "%s", path);
    }
    text_safetensors_fini(&header);
    pn_buffer_fini(&file);
    return st;
}
