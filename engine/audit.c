#include "engine/audit.h"

#include "engine/blob.h"
#include "fed/block.h"
#include "fed/bound.h"
#include "fed/update.h"

#include <stdlib.h>
#include <string.h>

struct audit {
    const struct store_disk *disk;
    const struct wire_block *block;
    size_t                   count;          /* parameters */
    float                   *before, *after; /* NULL: not both are kept, and there is no sum */
    int64_t                 *sum;            /* of the updates that are kept */
    struct fed_bound         bound;
    size_t                   gone; /* updates */
    struct pn_error         *why;
};

static enum pn_status
no_memory(const struct audit *audit)
{
    return pn_error_set(audit->why, PN_ENOMEM, "no memory for a model of %zu parameters",
                        audit->count);
}

/* ---- what the block says, whatever is kept ---- */

static enum pn_status
check_sizes(struct audit *audit)
{
    const struct wire_block *block = audit->block;
    if (block->model_in.size != block->model_out.size)
        return pn_error_set(audit->why, PN_ECORRUPT, "the model changed its size within a round");
    if (block->model_out.size % 4 != 0)
        return pn_error_set(audit->why, PN_ECORRUPT,
                            "a model of %llu bytes, expected 4 a parameter",
                            (unsigned long long)block->model_out.size);
    audit->count = (size_t)(block->model_out.size / 4);
    return PN_OK;
}

/* Its norm is its proposer's word where the update is gone: it is at most what was allowed. */
static enum pn_status
check_claim(const struct audit *audit, const struct wire_entry *entry, const struct fed_job *job)
{
    double most = fed_bound_norm_max(audit->count);
    if (job != NULL && job->update_norm_max < most)
        most = job->update_norm_max;
    if (entry->update.size != audit->block->model_out.size)
        return pn_error_set(audit->why, PN_ECORRUPT,
                            "the update of member %u has %llu bytes, expected %zu", entry->member,
                            (unsigned long long)entry->update.size, audit->count * 4);
    if (entry->norm > most)
        return pn_error_set(audit->why, PN_ECORRUPT,
                            "the update of member %u has norm %g, expected %g at most",
                            entry->member, entry->norm, most);
    if (job != NULL && entry->weight > job->weight_max)
        return pn_error_set(
            audit->why, PN_ECORRUPT, "the update of member %u weighs %llu, the job allows %llu",
            entry->member, (unsigned long long)entry->weight, (unsigned long long)job->weight_max);
    return PN_OK;
}

/* ---- what is kept ---- */

/* The block has no models that are kept: nothing is loaded, and that is no fault. */
static enum pn_status
load_models(struct audit *audit, const uint8_t *after)
{
    struct sec_blob in    = fed_blob_from_wire(&audit->block->model_in);
    uint8_t        *bytes = NULL;
    size_t          size  = (audit->count == 0 ? 1 : audit->count) * sizeof *audit->sum;
    if (after == NULL)
        return PN_OK;
    enum pn_status st = engine_blob_load(&bytes, audit->disk, "models", &in, audit->why);
    if (st != PN_OK)
        return st == PN_ENOENT ? PN_OK : st;
    audit->before = malloc(size / 2);
    audit->after  = malloc(size / 2);
    audit->sum    = calloc(1, size);
    if (audit->before != NULL && audit->after != NULL && audit->sum != NULL) {
        engine_floats_decode(audit->before, bytes, audit->count);
        engine_floats_decode(audit->after, after, audit->count);
    } else {
        st = no_memory(audit);
    }
    free(bytes);
    return st;
}

/* The norm is the same to the bit: it comes from an exact sum. */
static enum pn_status
take_update(struct audit *audit, const struct wire_entry *entry, const uint8_t *bytes)
{
    pn_u128 squares = 0;
    fed_update_measure_bytes(&squares, bytes, (size_t)entry->update.size);
    double norm = fed_update_norm_of(squares);
    if (norm < entry->norm || norm > entry->norm)
        return pn_error_set(audit->why, PN_ECORRUPT,
                            "the update of member %u has norm %.9g, and the block says %.9g",
                            entry->member, norm, entry->norm);
    if (audit->sum == NULL)
        return PN_OK;
    int32_t *q = malloc((audit->count == 0 ? 1 : audit->count) * sizeof *q);
    if (q == NULL)
        return no_memory(audit);
    fed_update_decode(q, bytes, audit->count);
    fed_update_fold(audit->sum, q, audit->count, (uint32_t)entry->weight);
    free(q);
    return PN_OK;
}

static enum pn_status
take_entry(struct audit *audit, const struct wire_entry *entry)
{
    struct sec_blob blob  = fed_blob_from_wire(&entry->update);
    uint8_t        *bytes = NULL;
    enum pn_status  st    = engine_blob_load(&bytes, audit->disk, "updates", &blob, audit->why);
    if (st == PN_OK)
        st = take_update(audit, entry, bytes);
    else if (st == PN_ENOENT) {
        audit->gone++;
        st = PN_OK;
    }
    fed_bound_add(&audit->bound, entry->weight, entry->norm, bytes != NULL);
    free(bytes);
    return st;
}

/* ---- the model ---- */

static enum pn_status
compare_exactly(const struct audit *audit)
{
    enum pn_status st   = PN_OK;
    float         *next = malloc((audit->count == 0 ? 1 : audit->count) * sizeof *next);
    if (next == NULL)
        return no_memory(audit);
    fed_update_apply(next, audit->before, audit->sum, audit->count, audit->bound.weights);
    if (memcmp(next, audit->after, audit->count * sizeof *next) != 0)
        st = pn_error_set(audit->why, PN_ECORRUPT,
                          "the model is not the weighted mean of the committed updates");
    free(next);
    return st;
}

static enum pn_status
compare_by_norms(const struct audit *audit)
{
    struct fed_bound_range range;
    if (fed_bound_check(&range, &audit->bound, audit->after, audit->before, audit->sum,
                        audit->count))
        return PN_OK;
    return pn_error_set(audit->why, PN_ECORRUPT,
                        "the model is not a weighted mean of the committed updates: the %zu that "
                        "are no longer kept would have moved it by %.6g, their weights and norms "
                        "allow %.6g to %.6g",
                        audit->gone, range.rest, range.least, range.most);
}

enum pn_status
engine_audit_round(enum engine_audit *out, const struct store_disk *disk,
                   const struct wire_block *block, const uint8_t *after, const struct fed_job *job,
                   struct pn_error *why)
{
    struct audit   audit = {.disk = disk, .block = block, .why = why};
    enum pn_status st    = check_sizes(&audit);
    for (size_t i = 0; st == PN_OK && i < block->entry_count; i++)
        st = check_claim(&audit, &block->entries[i], job);
    if (st == PN_OK)
        st = load_models(&audit, after);
    for (size_t i = 0; st == PN_OK && i < block->entry_count; i++)
        st = take_entry(&audit, &block->entries[i]);
    *out = audit.sum == NULL ? ENGINE_AUDIT_HASHES
           : audit.gone == 0 ? ENGINE_AUDIT_EXACT
                             : ENGINE_AUDIT_BOUNDED;
    if (st == PN_OK && *out != ENGINE_AUDIT_HASHES)
        st = *out == ENGINE_AUDIT_EXACT ? compare_exactly(&audit) : compare_by_norms(&audit);
    free(audit.before);
    free(audit.after);
    free(audit.sum);
    return st;
}
