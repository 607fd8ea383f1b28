#include "engine/proof.h"

#include "crypto/suite.h"
#include "engine/audit.h"
#include "engine/blob.h"
#include "engine/ledger.h"
#include "engine/summit.h"

#include <stdlib.h>
#include <string.h>

struct walk {
    struct engine_proof     *proof;
    const struct store_disk *disk;
    struct fed_job          *job; /* NULL: not here */
    struct fed_chain         chain;
    struct fed_epochs        epochs;
    struct wire_arena        arena;
    struct pn_buffer         record;
    engine_proof_watch      *watch;
    void                    *context;
};

/* ---- what is kept beside the blocks ---- */

/* A small blob that the block names is what it says, where it is kept. */
static enum pn_status
check_small(const struct store_disk *disk, const char *folder, const struct wire_blob *wire,
            struct pn_error *why)
{
    struct sec_blob blob  = fed_blob_from_wire(wire);
    uint8_t        *bytes = NULL;
    enum pn_status  st    = engine_blob_load(&bytes, disk, folder, &blob, why);
    free(bytes);
    return st == PN_ENOENT ? PN_OK : st;
}

static enum pn_status
check_round(const struct walk *walk, const struct wire_block *block, const uint8_t *after,
            struct pn_error *why)
{
    struct engine_proof *proof = walk->proof;
    enum engine_audit    audit;
    enum pn_status       st = engine_audit_round(&audit, walk->disk, block, after, walk->job, why);
    if (st != PN_OK)
        return st;
    proof->sums_checked += audit == ENGINE_AUDIT_EXACT;
    proof->sums_bounded += audit == ENGINE_AUDIT_BOUNDED;
    proof->sums_absent += audit == ENGINE_AUDIT_HASHES;
    return PN_OK;
}

static enum pn_status
check_model(const struct walk *walk, const struct wire_block *block, struct pn_error *why)
{
    struct sec_blob blob  = fed_blob_from_wire(&block->model_out);
    uint8_t        *model = NULL;
    enum pn_status  st    = engine_blob_load(&model, walk->disk, "models", &blob, why);
    if (st != PN_OK && st != PN_ENOENT)
        return st;
    walk->proof->models_checked += st == PN_OK;
    walk->proof->models_absent += st == PN_ENOENT;
    st = block->kind == WIRE_BLOCK_ROUND ? check_round(walk, block, model, why) : PN_OK;
    free(model);
    return st;
}

static enum pn_status
check_blobs(const struct walk *walk, const struct wire_block *block, struct pn_error *why)
{
    const struct wire_agreement *agreement = block->agreement;
    enum pn_status               st        = PN_OK;
    if (block->scaling.size > 0)
        st = check_small(walk->disk, "scaling", &block->scaling, why);
    for (size_t i = 0; st == PN_OK && agreement != NULL && i < agreement->report_count; i++)
        st = check_small(walk->disk, "reports", &agreement->reports[i].report, why);
    return st == PN_OK && block->kind != WIRE_BLOCK_FINISH ? check_model(walk, block, why) : st;
}

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
        walk->job          = engine_ledger_job(walk->disk, &walk->chain.job);
        walk->chain.sparse = walk->job != NULL && walk->job->follow == FED_FOLLOW_COHORT;
        proof->first_epoch = block.epoch;
    }
    proof->blocks++;
    proof->commitments += block.entry_count;
    proof->witnesses += block.witness_count;
    if (block.kind == WIRE_BLOCK_ROUND)
        proof->rounds++;
    st = check_blobs(walk, &block, why);
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
    fed_job_free(walk.job);
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
    enum pn_status       st =
        engine_record_block(&block, &record, &walk->record, &walk->arena, walk->disk, index);
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
