#include "engine/own.h"

#include "engine/blob.h"

#include <stdlib.h>
#include <string.h>

enum {
    FACT_SIZE = 8 + 32 + 32
};
static const char folder[] = "own";

/* A root of zeros: no values yet, those of the model count. */
struct fact {
    uint64_t        round;
    struct sec_hash before, after;
};

static enum pn_status
read_fact(struct fact *out, const struct store_disk *disk)
{
    uint8_t        bytes[FACT_SIZE];
    size_t         size = sizeof bytes;
    enum pn_status st   = disk->get(disk->host, folder, bytes, &size);
    *out                = (struct fact){.round = 0};
    if (st == PN_ENOENT)
        return PN_OK;
    if (st != PN_OK || size != sizeof bytes)
        return st != PN_OK ? st : PN_ECORRUPT;
    out->round = pn_get_u64(bytes);
    memcpy(out->before.bytes, bytes + 8, 32);
    memcpy(out->after.bytes, bytes + 40, 32);
    return PN_OK;
}

static enum pn_status
write_fact(const struct fact *fact, const struct store_disk *disk)
{
    uint8_t bytes[FACT_SIZE];
    pn_put_u64(bytes, fact->round);
    memcpy(bytes + 8, fact->before.bytes, 32);
    memcpy(bytes + 40, fact->after.bytes, 32);
    return disk->put(disk->host, folder, bytes, sizeof bytes);
}

/* What the training of `round` begins with; the same when it is done once more. */
static const struct sec_hash *
begin_of(const struct fact *fact, uint64_t round)
{
    return round > fact->round ? &fact->after : &fact->before;
}

/* ---- the tensors ---- */

static size_t
count_of(const struct nn_plan *plan)
{
    size_t                  tensors, count = 0;
    const struct nn_tensor *rows = nn_plan_manifest(plan, &tensors);
    for (size_t t = 0; t < tensors; t++)
        if (rows[t].role == NN_LOCAL)
            count += (size_t)rows[t].count;
    return count;
}

/* Between the model and the numbers one behind the other: into `packed`, or out of it. */
static void
move(float *theta, float *packed, const struct nn_plan *plan, bool into)
{
    size_t                  tensors;
    const struct nn_tensor *rows = nn_plan_manifest(plan, &tensors);
    for (size_t t = 0; t < tensors; t++) {
        float *place = theta + rows[t].offset;
        size_t bytes = (size_t)rows[t].count * sizeof *theta;
        if (rows[t].role != NN_LOCAL)
            continue;
        memcpy(into ? packed : place, into ? place : packed, bytes);
        packed += rows[t].count;
    }
}

/* ---- the file ---- */

static enum pn_status
load(float *packed, size_t count, const struct store_disk *disk, const struct sec_hash *root,
     struct pn_error *why)
{
    const struct sec_blob blob  = {.root = *root, .size = count * sizeof *packed};
    uint8_t              *bytes = (uint8_t *)packed; /* SAFE: decoded in place */
    char                  name[ENGINE_NAME_SIZE];
    enum pn_status        st = engine_blob_read(bytes, NULL, disk, folder, &blob);
    if (st == PN_OK) {
        engine_floats_decode(packed, bytes, count);
        return PN_OK;
    }
    if (st != PN_ECORRUPT && st != PN_ENOENT)
        return st;
    engine_blob_name(name, folder, root);
    return pn_error_set(
        why, PN_EDATA,
        "the site's own part of the model, %s in the state directory, is %s: put it "
        "back from a copy, or begin anew with an empty state directory",
        name, st == PN_ENOENT ? "gone" : "damaged");
}

/* File, then fact, then what is needed no more. */
static enum pn_status
keep(float *packed, size_t count, const struct store_disk *disk, uint64_t round)
{
    struct fact      fact;
    struct sec_blob  blob;
    struct sec_hash *leaves = NULL;
    char             name[ENGINE_NAME_SIZE];
    uint8_t         *bytes = (uint8_t *)packed; /* SAFE: encoded in place */
    enum pn_status   st    = read_fact(&fact, disk);
    engine_floats_encode(bytes, packed, count);
    if (st == PN_OK)
        st = engine_blob_of(&blob, &leaves, bytes, count * sizeof *packed);
    free(leaves);
    if (st != PN_OK)
        return st;
    engine_blob_name(name, folder, &blob.root);
    st                             = disk->save(disk->host, name, bytes, blob.size);
    const struct fact     now      = {round, *begin_of(&fact, round), blob.root};
    const struct sec_hash needed[] = {now.before, now.after};
    if (st == PN_OK)
        st = write_fact(&now, disk);
    if (st == PN_OK)
        engine_blob_tidy(disk, folder, needed, 2);
    return st;
}

/* ---- from outside ---- */

enum pn_status
engine_own_put_over(float *theta, const struct engine_own *own, uint64_t round,
                    struct pn_error *why)
{
    struct fact            fact;
    size_t                 count = count_of(own->plan);
    const struct sec_hash *root;
    if (count == 0)
        return PN_OK;
    enum pn_status st = read_fact(&fact, own->disk);
    root              = begin_of(&fact, round);
    if (st != PN_OK || sec_hash_is_zero(root))
        return st;
    float *packed = malloc(count * sizeof *packed);
    if (packed == NULL)
        return PN_ENOMEM;
    st = load(packed, count, own->disk, root, why);
    if (st == PN_OK)
        move(theta, packed, own->plan, false);
    free(packed);
    return st;
}

enum pn_status
engine_own_view(const float **theta, float **copy, const struct engine_own *own, uint64_t round,
                struct pn_error *why)
{
    size_t size = (size_t)nn_plan_param_count(own->plan) * sizeof **theta;
    *copy       = NULL;
    if (count_of(own->plan) == 0)
        return PN_OK;
    if ((*copy = pn_bulk(size)) == NULL)
        return PN_ENOMEM;
    memcpy(*copy, *theta, size);
    *theta = *copy;
    return engine_own_put_over(*copy, own, round, why);
}

enum pn_status
engine_own_train(float *local, struct engine_trained *out, struct engine_trainer *trainer,
                 const struct engine_own *own, const struct engine_training *training,
                 struct pn_error *why)
{
    size_t count = count_of(own->plan);
    if (count == 0)
        return engine_trainer_train(local, out, trainer, training);
    float *given = malloc(count * sizeof *given), *trained = malloc(count * sizeof *trained);
    enum pn_status st = given != NULL && trained != NULL ? PN_OK : PN_ENOMEM;
    if (st == PN_OK) {
        move(local, given, own->plan, true);
        st = engine_own_put_over(local, own, training->round, why);
    }
    if (st == PN_OK)
        st = engine_trainer_train(local, out, trainer, training);
    if (st == PN_OK) {
        move(local, trained, own->plan, true);
        move(local, given, own->plan, false);
        st = keep(trained, count, own->disk, training->round);
    }
    free(given);
    free(trained);
    return st;
}
