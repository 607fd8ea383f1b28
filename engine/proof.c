#include "engine/proof.h"

#include "crypto/suite.h"
#include "engine/blob.h"
#include "engine/ledger.h"
#include "engine/summit.h"
#include "fed/update.h"

#include <stdlib.h>
#include <string.h>

enum pn_status
engine_proof_blob(uint8_t **bytes, const struct store_disk *disk, const char *folder,
                  const struct sec_blob *blob, struct pn_error *why)
{
    if (!engine_blob_is_there(disk, folder, blob))
        return PN_ENOENT;
    uint8_t *whole = malloc(blob->size == 0 ? 1 : (size_t)blob->size);
    if (whole == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for a blob of %llu bytes",
                            (unsigned long long)blob->size);
    enum pn_status st = engine_blob_read(whole, NULL, disk, folder, blob);
    if (st == PN_OK) {
        *bytes = whole;
        return PN_OK;
    }
    char name[ENGINE_NAME_SIZE];
    engine_blob_name(name, folder, &blob->root);
    free(whole);
    return pn_error_set(
        why, st, st == PN_ECORRUPT ? "%s: its bytes do not hash to its name" : "%s: cannot be read",
        name);
}

static float *
floats_of(const uint8_t *bytes, size_t count)
{
    float *out = malloc((count == 0 ? 1 : count) * sizeof *out);
    if (out != NULL)
        engine_floats_decode(out, bytes, count);
    return out;
}

/* sum += weight * update, for one entry. PN_ENOENT when the update is no longer kept. */
static enum pn_status
fold_entry(int64_t *sum, size_t count, const struct store_disk *disk,
           const struct wire_entry *entry, struct pn_error *why)
{
    struct sec_blob blob  = fed_blob_from_wire(&entry->update);
    uint8_t        *bytes = NULL;
    if (blob.size != (uint64_t)count * 4)
        return pn_error_set(why, PN_ECORRUPT,
                            "the update of member %u has %llu bytes, expected %zu", entry->member,
                            (unsigned long long)blob.size, count * 4);
    enum pn_status st = engine_proof_blob(&bytes, disk, "updates", &blob, why);
    if (st != PN_OK)
        return st;
    int32_t *q = malloc((count == 0 ? 1 : count) * sizeof *q);
    if (q != NULL) {
        fed_update_decode(q, bytes, count);
        fed_update_fold(sum, q, count, (uint32_t)entry->weight);
    }
    free(bytes);
    free(q);
    return q != NULL ? PN_OK : pn_error_set(why, PN_ENOMEM, "no memory for an update");
}

/* Is model_out bit for bit model_in plus the weighted mean of the committed updates? */
static enum pn_status
recompute(const struct store_disk *disk, const struct wire_block *block, const uint8_t *before,
          const uint8_t *after, size_t count, struct pn_error *why)
{
    enum pn_status st    = PN_OK;
    uint64_t       total = 0;
    int64_t       *sum   = calloc(count == 0 ? 1 : count, sizeof *sum);
    float         *start = floats_of(before, count), *stated = floats_of(after, count);
    float         *next = malloc((count == 0 ? 1 : count) * sizeof *next);
    if (sum == NULL || start == NULL || stated == NULL || next == NULL)
        st = pn_error_set(why, PN_ENOMEM, "no memory for a model of %zu parameters", count);

    for (size_t i = 0; st == PN_OK && i < block->entry_count; i++) {
        total += block->entries[i].weight;
        if (total > FED_WEIGHTS_MAX)
            st = pn_error_set(why, PN_ECORRUPT, "the weights sum to more than %u", FED_WEIGHTS_MAX);
        else
            st = fold_entry(sum, count, disk, &block->entries[i], why);
    }
    if (st == PN_OK) {
        fed_update_apply(next, start, sum, count, total);
        if (memcmp(next, stated, count * sizeof *next) != 0)
            st = pn_error_set(why, PN_ECORRUPT,
                              "the model is not the weighted mean of the committed updates");
    }
    free(sum);
    free(start);
    free(stated);
    free(next);
    return st;
}

static enum pn_status
check_round(struct engine_proof *proof, const struct store_disk *disk,
            const struct wire_block *block, struct pn_error *why)
{
    struct sec_blob in     = fed_blob_from_wire(&block->model_in);
    struct sec_blob out    = fed_blob_from_wire(&block->model_out);
    uint8_t        *before = NULL, *after = NULL;

    enum pn_status st = engine_proof_blob(&after, disk, "models", &out, why);
    if (st == PN_ENOENT) {
        proof->models_absent++;
        proof->sums_absent += block->kind == WIRE_BLOCK_ROUND;
        return PN_OK;
    }
    if (st != PN_OK)
        return st;
    proof->models_checked++;
    if (block->kind != WIRE_BLOCK_ROUND) {
        free(after);
        return PN_OK;
    }
    st = in.size == out.size
             ? engine_proof_blob(&before, disk, "models", &in, why)
             : pn_error_set(why, PN_ECORRUPT, "the model changed its size within a round");
    if (st == PN_OK)
        st = recompute(disk, block, before, after, (size_t)(out.size / 4), why);
    if (st == PN_OK)
        proof->sums_checked++;
    if (st == PN_ENOENT) {
        proof->sums_absent++;
        st = PN_OK;
    }
    free(before);
    free(after);
    return st;
}

/* A small blob that the block names is what it says, where it is kept. */
static enum pn_status
check_small(const struct store_disk *disk, const char *folder, const struct wire_blob *wire,
            struct pn_error *why)
{
    struct sec_blob blob  = fed_blob_from_wire(wire);
    uint8_t        *bytes = NULL;
    enum pn_status  st    = engine_proof_blob(&bytes, disk, folder, &blob, why);
    free(bytes);
    return st == PN_ENOENT ? PN_OK : st;
}

static enum pn_status
check_blobs(struct engine_proof *proof, const struct store_disk *disk,
            const struct wire_block *block, struct pn_error *why)
{
    const struct wire_agreement *agreement = block->agreement;
    enum pn_status               st        = PN_OK;
    if (block->scaling.size > 0)
        st = check_small(disk, "scaling", &block->scaling, why);
    for (size_t i = 0; st == PN_OK && agreement != NULL && i < agreement->report_count; i++)
        st = check_small(disk, "reports", &agreement->reports[i].report, why);
    return st == PN_OK && block->kind != WIRE_BLOCK_FINISH ? check_round(proof, disk, block, why)
                                                           : st;
}

struct walk {
    struct engine_proof     *proof;
    const struct store_disk *disk;
    struct fed_chain         chain;
    struct fed_epochs        epochs;
    struct wire_arena        arena;
    struct pn_buffer         record;
    engine_proof_watch      *watch;
    void                    *context;
};

static enum pn_status
take_record(struct walk *walk, uint64_t index, struct pn_error *why)
{
    struct wire_block    block;
    struct engine_record record;
    enum pn_status       st = engine_record_read(&record, &walk->record, walk->disk, index);
    if (st != PN_OK)
        return pn_error_set(why, st, "block %llu: the ledger cannot be read here: %s",
                            (unsigned long long)index, pn_status_text(st));
    wire_arena_reset(&walk->arena);
    st = fed_chain_take(&block, &walk->chain, &walk->arena, record.block.bytes, record.block.size,
                        &record.signature, why);
    if (st != PN_OK)
        return st;
    fed_chain_note(&walk->chain, record.block.bytes, record.block.size);

    struct engine_proof *proof = walk->proof;
    if (index == 0) {
        walk->chain.sparse = engine_ledger_is_sparse(walk->disk, &walk->chain.job);
        proof->first_epoch = block.epoch;
    }
    proof->blocks++;
    proof->commitments += block.entry_count;
    proof->witnesses += block.witness_count;
    if (block.kind == WIRE_BLOCK_ROUND)
        proof->rounds++;
    st = check_blobs(proof, walk->disk, &block, why);
    if (st != PN_OK)
        return pn_error_wrap(why, st, "block %llu", (unsigned long long)index);
    if (block.kind != WIRE_BLOCK_FINISH) {
        proof->model       = fed_blob_from_wire(&block.model_out);
        proof->model_round = block.round;
    }
    if (walk->watch != NULL)
        walk->watch(walk->context, &block, &walk->chain.head, walk->chain.head_roster);
    return PN_OK;
}

enum pn_status
engine_proof_make(struct engine_proof *out, const struct store_disk *disk,
                  const struct fed_roster *roster, engine_proof_watch *watch, void *context,
                  struct pn_error *why)
{
    struct engine_proof proof = {.blocks = 0};
    struct walk         walk  = {.proof = &proof, .disk = disk, .watch = watch, .context = context};
    void               *block = aligned_alloc(16, WIRE_ARENA_SIZE);
    if (block == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory to read the ledger");
    wire_arena_init(&walk.arena, block, WIRE_ARENA_SIZE);
    pn_buffer_init(&walk.record, ENGINE_RECORD_MAX);
    bool swarm = roster->mode == FED_MODE_SWARM;
    fed_epochs_init(&walk.epochs, roster);
    fed_chain_init(&walk.chain, roster, swarm ? &walk.epochs : NULL);

    struct engine_summit summit;
    uint64_t             count = 0;
    enum pn_status       st    = disk->record_count(disk->host, &count);
    if (st != PN_OK)
        pn_error_set(why, st, "the ledger cannot be read: %s", pn_status_text(st));
    else if (count == 0)
        st = pn_error_set(why, PN_ENOENT, "the ledger has no block yet");
    else if (swarm)
        st = engine_summit_read(&summit, disk, why);
    for (uint64_t i = 0; st == PN_OK && i < count; i++)
        st = take_record(&walk, i, why);
    if (st == PN_OK && swarm)
        st = engine_summit_check(&proof.votes, &summit, &walk.chain, why);
    if (st == PN_OK) {
        proof.gaps         = walk.chain.height - proof.blocks;
        proof.epoch        = walk.chain.roster->epoch;
        proof.head_members = walk.chain.head_roster->member_count;
        proof.finished     = walk.chain.finished;
        proof.head         = walk.chain.head;
        proof.scaling      = walk.chain.scaling;
        proof.job          = walk.chain.job;
        *out               = proof;
    }
    pn_buffer_fini(&walk.record);
    fed_epochs_fini(&walk.epochs);
    free(block);
    return st;
}

/* ---- ledgers that prove nothing ---- */

bool
engine_proof_is_nominal(const struct store_disk *disk)
{
    struct pn_buffer     room;
    struct engine_record record;
    pn_buffer_init(&room, ENGINE_RECORD_MAX);
    bool nominal = engine_record_read(&record, &room, disk, 0) == PN_OK &&
                   sec_signature_is_nominal(&record.signature);
    pn_buffer_fini(&room);
    return nominal;
}

static enum pn_status
read_record(struct walk *walk, uint64_t index, struct pn_error *why)
{
    struct wire_block    block;
    struct engine_record record;
    struct sec_hash      hash;
    enum pn_status       st = engine_record_read(&record, &walk->record, walk->disk, index);
    wire_arena_reset(&walk->arena);
    if (st == PN_OK)
        st = wire_block_decode(&block, &walk->arena, record.block.bytes, record.block.size);
    if (st != PN_OK)
        return pn_error_set(why, st == PN_EIO ? st : PN_ECORRUPT,
                            "block %llu: the ledger cannot be read here: %s",
                            (unsigned long long)index, pn_status_text(st));
    fed_block_hash(&hash, record.block.bytes, record.block.size);
    walk->watch(walk->context, &block, &hash, NULL);
    return PN_OK;
}

enum pn_status
engine_proof_read(const struct store_disk *disk, engine_proof_watch *watch, void *context,
                  struct pn_error *why)
{
    struct walk walk  = {.disk = disk, .watch = watch, .context = context};
    void       *block = aligned_alloc(16, WIRE_ARENA_SIZE);
    uint64_t    count = 0;
    if (block == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory to read the ledger");
    wire_arena_init(&walk.arena, block, WIRE_ARENA_SIZE);
    pn_buffer_init(&walk.record, ENGINE_RECORD_MAX);
    enum pn_status st = disk->record_count(disk->host, &count);
    if (st != PN_OK)
        pn_error_set(why, st, "the ledger cannot be read: %s", pn_status_text(st));
    for (uint64_t i = 0; st == PN_OK && i < count; i++)
        st = read_record(&walk, i, why);
    pn_buffer_fini(&walk.record);
    free(block);
    return st;
}
