#include "swarm/state.h"

#include "engine/ledger.h"
#include "engine/summit.h"

#include <string.h>

static enum pn_status
take_block(void *context, const struct wire_block *block, const struct sec_hash *hash)
{
    struct swarm_engine *engine = context;
    (void)hash;
    (void)swarm_evidence_forget(&engine->evidence, block);
    swarm_teach(engine, block);
    swarm_note_metrics(engine, block);
    return swarm_remember(engine, block);
}

/* What we committed to at the height to come is said again, not made again. */
static enum pn_status
load_ours(struct swarm_engine *engine, struct pn_error *why)
{
    const struct store_disk *disk = engine->config.disk;
    uint8_t                  fact[SWARM_OURS_SIZE];
    size_t                   size = sizeof fact;
    enum pn_status           st   = disk->get(disk->host, "ours", fact, &size);
    if (st == PN_ENOENT)
        return PN_OK;
    if (st == PN_OK && size != sizeof fact)
        st = PN_ECORRUPT;
    if (st != PN_OK)
        return pn_error_set(why, st, "the state directory does not give our last contribution: %s",
                            pn_status_text(st));
    struct swarm_ours ours;
    swarm_ours_decode(&ours, fact);
    if (ours.height != engine->chain.height)
        return PN_OK;
    for (size_t i = 0; i < 2; i++) {
        enum swarm_folder folder = i == FED_UPDATE_PART ? SWARM_UPDATES : SWARM_REPORTS;
        if (ours.has[i] &&
            engine_blob_read(NULL, NULL, disk, swarm_folders[folder], &ours.blob[i]) != PN_OK)
            return PN_OK; /* not whole any more: it is made again, to the same bits */
    }
    engine->ours = ours;
    return PN_OK;
}

static enum pn_status
load_founds(struct swarm_engine *engine, struct pn_error *why)
{
    size_t         size = sizeof engine->founds;
    enum pn_status st =
        engine->config.disk->get(engine->config.disk->host, "founds", engine->founds.bytes, &size);
    if (st == PN_ENOENT || (st == PN_OK && size == sizeof engine->founds))
        return PN_OK;
    return pn_error_set(why, st == PN_OK ? PN_ECORRUPT : st,
                        "the state directory does not say by which roster this member voted on "
                        "the first block");
}

enum pn_status
swarm_resume(struct swarm_engine *engine, struct pn_error *why)
{
    const struct swarm_config *config = &engine->config;
    struct engine_summit       summit;
    enum pn_status             st = engine_summit_read(&summit, config->disk, why);
    swarm_evidence_load(&engine->evidence, config->disk);
    if (st == PN_OK)
        st = engine_ledger_walk(&engine->chain, config->roster, &engine->epochs, config->disk,
                                config->scratch, take_block, engine, why);
    if (st == PN_OK && engine->chain.height > 0 &&
        !sec_hash_equal(&engine->chain.job, &config->job->job->hash))
        st = pn_error_set(why, PN_ECONFIG,
                          "the state directory holds the run of another job; one directory is for "
                          "one run");
    if (st == PN_OK)
        st = engine_summit_check(&engine->certificate, &summit, &engine->chain, why);
    if (st == PN_OK)
        swarm_evidence_sift(&engine->evidence, &engine->chain, engine->run);
    if (st == PN_OK)
        st = load_founds(engine, why);
    return st == PN_OK ? load_ours(engine, why) : st;
}

/* ---- what we voted ---- */

static const uint8_t *
restore_bound(struct swarm_engine *engine, const uint8_t *at, const uint8_t *end, pn_ms now)
{
    struct sec_signature signature;
    struct sec_hash      hash;
    struct wire_block    block;
    uint32_t             size = end - at >= 68 ? pn_get_u32(at) : UINT32_MAX;
    if (end - at < 68 || size > (size_t)(end - at) - 68)
        return end;
    const struct wire_span span = {at + 68, size};
    memcpy(signature.bytes, at + 4, 64);
    fed_block_hash(&hash, span.bytes, span.size);
    wire_arena_reset(&engine->config.scratch->arena);
    if (wire_block_decode(&block, &engine->config.scratch->arena, span.bytes, span.size) == PN_OK &&
        block.agreement != NULL && block.height == engine->chain.height &&
        swarm_block_keep(engine, &hash, &span, &signature) != NULL)
        swarm_block_learn(engine, engine->self, &block, now);
    return span.bytes + span.size;
}

/* The quorum that made a block valid: back into the machine, as anybody could show it. */
static const uint8_t *
restore_proof(struct swarm_engine *engine, const uint8_t *at, const uint8_t *end, pn_ms now)
{
    const struct fed_consensus *consensus = &engine->machine.consensus;
    struct fed_signed_vote      votes[FED_SWARM_MAX];
    uint32_t                    count = end - at >= 4 ? pn_get_u32(at) : UINT32_MAX;
    if (count > FED_SWARM_MAX || (size_t)(end - at) - 4 < (size_t)count * SWARM_PROOF_VOTE)
        return end;
    at += 4;
    for (uint32_t i = 0; i < count; i++, at += SWARM_PROOF_VOTE) {
        votes[i] = (struct fed_signed_vote){.member = pn_get_u32(at),
                                            .vote   = {.height    = consensus->height,
                                                       .view      = consensus->valid_view,
                                                       .step      = FED_PREVOTE,
                                                       .hash      = consensus->valid,
                                                       .lock_view = pn_get_u32(at + 4)}};
        memcpy(votes[i].vote.lock.bytes, at + 8, 32);
        memcpy(votes[i].signature.bytes, at + 40, 64);
    }
    if (count > 0)
        swarm_raise_consensus(engine, now,
                              &(struct fed_consensus_event){.kind       = FED_C_SHOWN,
                                                            .valid_view = consensus->valid_view,
                                                            .hash       = consensus->valid,
                                                            .votes      = votes,
                                                            .vote_count = count});
    return at;
}

/* The whole file, checked; false where there is none, or of an earlier height. */
static bool
load_vote(struct swarm_engine *engine, struct pn_buffer *bytes)
{
    const struct store_disk *disk = engine->config.disk;
    const size_t             head = sizeof(struct sec_hash);
    struct sec_hash          hash;
    enum pn_status           st = store_disk_load(bytes, disk, "vote");
    if (st == PN_ENOENT)
        return false; /* a member that caught up with blocks alone has never voted */
    if (st == PN_OK && bytes->size >= head + FED_CONSENSUS_SAVED) {
        sec_hash_of(&hash, "saved", bytes->bytes + head, bytes->size - head);
        uint64_t height = pn_get_u64(bytes->bytes + head);
        if (memcmp(hash.bytes, bytes->bytes, head) == 0 && height < engine->chain.height)
            return false;
        if (memcmp(hash.bytes, bytes->bytes, head) == 0 &&
            fed_consensus_restore(&engine->machine.consensus, bytes->bytes + head) == PN_OK)
            return true;
    }
    swarm_break(
        engine, st == PN_OK ? PN_ECORRUPT : st,
        "the file \"vote\" of the state directory is damaged: a member that forgets what "
        "it voted must not vote. Put it back from a copy, or begin anew with an empty state "
        "directory once this height is decided");
    return false;
}

void
swarm_resume_vote(struct swarm_engine *engine, pn_ms now)
{
    struct pn_buffer bytes;
    pn_buffer_init(&bytes, SWARM_VOTE_MAX);
    if (load_vote(engine, &bytes)) {
        const uint8_t *saved = bytes.bytes + sizeof(struct sec_hash);
        const uint8_t *end   = bytes.bytes + bytes.size;
        const uint8_t *proof = saved + FED_CONSENSUS_SAVED, *at = proof;
        memcpy(engine->saved, saved, sizeof engine->saved);
        if (end - proof >= 4 && pn_get_u32(proof) <= FED_SWARM_MAX)
            at = proof + 4 + (size_t)pn_get_u32(proof) * SWARM_PROOF_VOTE;
        while (at < end)
            at = restore_bound(engine, at, end, now);
        (void)restore_proof(engine, proof, end, now); /* once the block is here */
    }
    pn_buffer_fini(&bytes);
}
