#include "swarm/state.h"

#include "engine/summit.h"

#include <stdlib.h>
#include <string.h>

enum {
    EPOCH_LINGER_MS = 3000,  /* before it goes on by the next roster */
    LEAVE_LINGER_MS = 600000 /* before it goes for good */
};

/* ---- the votes that decided a block ---- */

void
swarm_certificate_from(struct fed_certificate *out, const struct swarm_engine *engine,
                       uint32_t view, const struct sec_hash *hash)
{
    struct fed_signed_vote votes[FED_SWARM_MAX];
    *out       = (struct fed_certificate){.height = engine->chain.height, .view = view};
    out->count = fed_consensus_votes(votes, &engine->machine.consensus, view, FED_PRECOMMIT, hash);
    for (uint32_t i = 0; i < out->count; i++) {
        out->witnesses[i].member = engine->members[votes[i].member].party->number;
        memcpy(out->witnesses[i].signature, votes[i].signature.bytes, 64);
    }
}

/* ---- what we voted ---- */

static enum pn_status
put_bound(struct pn_buffer *out, const struct swarm_block *block)
{
    uint8_t head[68];
    if (block == NULL)
        return PN_OK;
    pn_put_u32(head, (uint32_t)block->bytes.size);
    memcpy(head + 4, block->signature.bytes, 64);
    enum pn_status st = pn_buffer_append(out, head, sizeof head);
    return st == PN_OK ? pn_buffer_append(out, block->bytes.bytes, block->bytes.size) : st;
}

/* What we are locked on, what is valid, and what we prevoted: a leader proposes that again. */
static enum pn_status
put_all_bound(struct pn_buffer *out, struct swarm_engine *engine)
{
    const struct fed_consensus *consensus = &engine->machine.consensus;
    const struct sec_hash      *bound[]   = {&consensus->locked, &consensus->valid,
                                             &consensus->mine[0].hash};
    enum pn_status              st        = PN_OK;
    for (size_t i = 0; i < sizeof bound / sizeof bound[0] && st == PN_OK; i++) {
        bool again = false;
        for (size_t k = 0; k < i; k++)
            again = again || sec_hash_equal(bound[i], bound[k]);
        if (!again)
            st = put_bound(out, swarm_block_find(engine, bound[i]));
    }
    return st;
}

/* count u32 | count times: member u32, lock_view u32, lock 32, signature 64: of the valid block */
static enum pn_status
put_proof(struct pn_buffer *out, const struct fed_consensus *consensus)
{
    struct fed_signed_vote votes[FED_SWARM_MAX];
    uint32_t               count = 0;
    if (consensus->valid_view != FED_NO_VIEW)
        count = fed_consensus_proof(votes, consensus, consensus->valid_view, &consensus->valid);
    uint8_t bytes[SWARM_PROOF_VOTE];
    pn_put_u32(bytes, count);
    enum pn_status st = pn_buffer_append(out, bytes, 4);
    for (uint32_t i = 0; i < count && st == PN_OK; i++) {
        pn_put_u32(bytes, votes[i].member);
        pn_put_u32(bytes + 4, votes[i].vote.lock_view);
        memcpy(bytes + 8, votes[i].vote.lock.bytes, 32);
        memcpy(bytes + 40, votes[i].signature.bytes, 64);
        st = pn_buffer_append(out, bytes, sizeof bytes);
    }
    return st;
}

/* Of the first block only: a roster that a person changes before it is here does not free us. */
static enum pn_status
save_founds(struct swarm_engine *engine)
{
    const struct sec_hash *roster = &engine->config.roster->hash;
    if (engine->machine.height > 0 || sec_hash_equal(&engine->founds, roster))
        return PN_OK;
    engine->founds = *roster;
    return engine->config.disk->put(engine->config.disk->host, "founds", roster->bytes,
                                    sizeof roster->bytes);
}

/* hash of the rest 32, domain "saved" | state | proof | for each block that we are bound to: size
 * u32, signature 64, bytes */
bool
swarm_save_vote(struct swarm_engine *engine)
{
    const struct fed_consensus *consensus = &engine->machine.consensus;
    const struct store_disk    *disk      = engine->config.disk;
    uint8_t                     saved[FED_CONSENSUS_SAVED];
    struct pn_buffer            bytes;
    fed_consensus_save(saved, consensus);
    if (memcmp(saved, engine->saved, sizeof saved) == 0)
        return true; /* said again */
    pn_buffer_init(&bytes, SWARM_VOTE_MAX);
    enum pn_status st = pn_buffer_extend(&bytes, sizeof(struct sec_hash));
    if (st == PN_OK)
        st = pn_buffer_append(&bytes, saved, sizeof saved);
    if (st == PN_OK)
        st = put_proof(&bytes, consensus);
    if (st == PN_OK)
        st = put_all_bound(&bytes, engine);
    if (st == PN_OK) {
        struct sec_hash hash;
        sec_hash_of(&hash, "saved", bytes.bytes + sizeof hash, bytes.size - sizeof hash);
        memcpy(bytes.bytes, hash.bytes, sizeof hash);
        st = save_founds(engine);
    }
    if (st == PN_OK)
        st = disk->save(disk->host, "vote", bytes.bytes, bytes.size);
    pn_buffer_fini(&bytes);
    if (st == PN_OK)
        memcpy(engine->saved, saved, sizeof saved);
    else
        swarm_break(engine, st, "a vote cannot be written to the state directory");
    return st == PN_OK;
}

/* ---- what a block means for what comes after ---- */

static enum pn_status
keep(struct swarm_engine *engine, uint64_t height, enum swarm_folder folder,
     const struct wire_blob *blob)
{
    if (engine->kept_count == engine->kept_capacity) {
        size_t             more  = 2 * engine->kept_capacity + 16;
        struct swarm_kept *grown = realloc(engine->kept, more * sizeof *grown);
        if (grown == NULL)
            return PN_ENOMEM;
        engine->kept          = grown;
        engine->kept_capacity = more;
    }
    struct swarm_kept *kept = &engine->kept[engine->kept_count++];
    kept->height            = height;
    kept->folder            = folder;
    memcpy(kept->root.bytes, blob->root, sizeof kept->root.bytes);
    return PN_OK;
}

/* Blobs of so many of the newest blocks; 0 = all. An aggregate is proved with the updates, and with
 * the models before and after it. */
static uint64_t
rounds_kept(const struct swarm_config *config, uint32_t folder)
{
    uint64_t updates = config->keep_updates, models = config->keep_models;
    if (folder != SWARM_MODELS || updates == 0 || models == 0)
        return folder == SWARM_MODELS ? 0 : updates;
    return models > updates ? models : updates + 1;
}

static bool
stays(const struct swarm_config *config, const struct swarm_kept *kept, uint64_t height)
{
    uint64_t rounds = rounds_kept(config, kept->folder);
    return rounds == 0 || kept->height + rounds > height;
}

enum pn_status
swarm_remember(struct swarm_engine *engine, const struct wire_block *block)
{
    enum pn_status st = keep(engine, block->height, SWARM_MODELS, &block->model_out);
    for (size_t i = 0; i < block->entry_count && st == PN_OK; i++)
        st = keep(engine, block->height, SWARM_UPDATES, &block->entries[i].update);
    for (size_t i = 0; i < block->agreement->report_count && st == PN_OK; i++)
        st = keep(engine, block->height, SWARM_REPORTS, &block->agreement->reports[i].report);
    size_t left = 0;
    for (size_t i = 0; i < engine->kept_count; i++)
        if (stays(&engine->config, &engine->kept[i], block->height))
            engine->kept[left++] = engine->kept[i];
    engine->kept_count = left;
    return st;
}

void
swarm_teach(struct swarm_engine *engine, const struct wire_block *block)
{
    uint32_t places[2 * FED_SWARM_MAX];
    size_t   count = 0;
    for (size_t i = 0; i < block->entry_count; i++)
        places[count++] = fed_roster_place(engine->config.roster, block->entries[i].member);
    for (size_t i = 0; i < block->agreement->report_count; i++)
        places[count++] =
            fed_roster_place(engine->config.roster, block->agreement->reports[i].member);
    fed_swarm_take(&engine->machine, block, places);
}

/* ---- writing it ---- */

struct commit {
    struct engine_work       base;
    const struct store_disk *disk;
    const struct pn_buffer  *record; /* the engine's; it does not change meanwhile */
    uint8_t                  certificate[FED_CERTIFICATE_MAX];
    size_t                   certificate_size;
    uint64_t                 height;
    struct sec_hash          hash;
    struct sec_hash         *roots[SWARM_FOLDERS]; /* that stay; NULL: all do */
    size_t                   counts[SWARM_FOLDERS];
};

static void
release_commit(struct engine_work *work)
{
    struct commit *commit = (struct commit *)work;
    for (size_t i = 0; i < SWARM_FOLDERS; i++)
        free(commit->roots[i]);
    free(commit);
}

/* The votes, the block, and then the mark below which this ledger never falls. */
static void
run_commit(struct pn_work *work)
{
    struct commit           *commit = (struct commit *)work;
    const struct store_disk *disk   = commit->disk;
    uint8_t                  summit[ENGINE_SUMMIT_SIZE];
    enum pn_status           st = disk->save(disk->host, engine_summit_votes_name(commit->height),
                                             commit->certificate, commit->certificate_size);
    if (st == PN_OK)
        st = disk->append(disk->host, commit->record->bytes, commit->record->size);
    engine_summit_encode(summit, commit->height, &commit->hash);
    if (st == PN_OK)
        st = disk->save(disk->host, "summit", summit, sizeof summit);
    for (size_t i = 0; i < SWARM_FOLDERS && st == PN_OK; i++)
        if (commit->roots[i] != NULL)
            engine_blob_tidy(disk, swarm_folders[i], commit->roots[i], commit->counts[i]);
    commit->base.status = st;
}

static void
stop_stale_training(struct swarm_engine *engine)
{
    if (engine->working)
        atomic_store(&engine->progress.stop, true);
}

static void
move_on(struct swarm_engine *engine, const struct wire_block *block, pn_ms now)
{
    engine->chain = engine->after;
    fed_chain_note(&engine->chain, engine->record.bytes + 64, engine->record.size - 64);
    engine->certificate = engine->decided;
    swarm_note_metrics(engine, block);
    swarm_teach(engine, block);
    if (swarm_evidence_forget(&engine->evidence, block))
        swarm_evidence_save(&engine->evidence, engine->config.disk);
    swarm_blocks_clear(engine);
    swarm_pull_forget(engine);
    engine_shelf_lighten(&engine->shelves[SWARM_UPDATES], swarm_folders[SWARM_UPDATES]);
    engine->told_view          = 1;
    engine->told_draw          = 1;
    engine->needs_contribution = false;
    engine->holds_model        = false;
    swarm_tell(engine, &(struct swarm_notice){.kind   = SWARM_COMMITTED,
                                              .height = block->height,
                                              .round  = block->round,
                                              .votes  = engine->certificate.count,
                                              .block  = block});
    if (swarm_engine_is_superseded(engine)) {
        engine->linger_until =
            pn_ms_add(now, swarm_leaves(engine) ? LEAVE_LINGER_MS : EPOCH_LINGER_MS);
        swarm_tell(engine, &(struct swarm_notice){.kind   = SWARM_EPOCH,
                                                  .height = block->height + 1,
                                                  .view   = engine->chain.roster->epoch});
    } else if (block->kind != WIRE_BLOCK_FINISH) {
        swarm_tell(engine,
                   &(struct swarm_notice){.kind = SWARM_HEIGHT, .round = engine->machine.round});
    }
    swarm_pay(engine, &engine->chain.model);
    swarm_pay(engine, &engine->chain.scaling);
    swarm_raise(engine, now, &(struct fed_swarm_event){.kind = FED_S_COMMITTED});
}

static void
done_commit(struct pn_work *work, pn_ms now)
{
    struct commit       *commit = (struct commit *)engine_work_take(work);
    struct swarm_engine *engine = commit->base.engine;
    struct wire_arena   *arena  = &engine->config.scratch->arena;
    struct wire_block    block;
    engine->committing = false;
    wire_arena_reset(arena);
    if (commit->base.status != PN_OK)
        swarm_break(engine, commit->base.status,
                    "the block cannot be written to the ledger of the state directory");
    else if (wire_block_decode(&block, arena, engine->record.bytes + 64,
                               engine->record.size - 64) != PN_OK ||
             swarm_remember(engine, &block) != PN_OK)
        swarm_break(engine, PN_ENOMEM, "no memory for a block");
    else
        move_on(engine, &block, now);
    release_commit(&commit->base);
    swarm_engine_tick(engine, now);
}

/* What stays when this block is in: as swarm_remember will have it. */
static enum pn_status
fill_roots(struct commit *commit, const struct swarm_engine *engine, const struct wire_block *block)
{
    const struct swarm_config *config = &engine->config;
    size_t most = engine->kept_count + block->entry_count + block->agreement->report_count + 2;
    for (size_t f = 0; f <= SWARM_REPORTS; f++) {
        if (rounds_kept(config, (uint32_t)f) > 0 &&
            (commit->roots[f] = calloc(most, sizeof(struct sec_hash))) == NULL)
            return PN_ENOMEM;
    }
    for (size_t i = 0; i < engine->kept_count; i++) {
        const struct swarm_kept *kept = &engine->kept[i];
        if (commit->roots[kept->folder] != NULL && stays(config, kept, block->height))
            commit->roots[kept->folder][commit->counts[kept->folder]++] = kept->root;
    }
    if (commit->roots[SWARM_MODELS] != NULL)
        memcpy(commit->roots[SWARM_MODELS][commit->counts[SWARM_MODELS]++].bytes,
               block->model_out.root, 32);
    if (commit->roots[SWARM_UPDATES] == NULL)
        return PN_OK;
    for (size_t i = 0; i < block->entry_count; i++)
        memcpy(commit->roots[SWARM_UPDATES][commit->counts[SWARM_UPDATES]++].bytes,
               block->entries[i].update.root, 32);
    for (size_t i = 0; i < block->agreement->report_count; i++)
        memcpy(commit->roots[SWARM_REPORTS][commit->counts[SWARM_REPORTS]++].bytes,
               block->agreement->reports[i].report.root, 32);
    return PN_OK;
}

enum pn_status
swarm_chain_take(struct swarm_engine *engine, struct wire_block *block, struct fed_chain *after,
                 struct wire_arena *arena, const struct wire_span *bytes,
                 const struct sec_signature *signature)
{
    struct engine_known *known = &engine->config.scratch->known;
    struct pn_error      why;
    *after = engine->chain;
    const struct fed_block_facts *facts =
        engine_known_find(known, after->roster, bytes->bytes, bytes->size, signature);
    if (facts != NULL) {
        enum pn_status st = fed_chain_take_known(after, facts, &why);
        return st == PN_OK ? wire_block_decode(block, arena, bytes->bytes, bytes->size) : st;
    }
    enum pn_status st =
        fed_chain_take(block, after, arena, bytes->bytes, bytes->size, signature, &why);
    if (st == PN_OK) {
        struct fed_block_facts      found = fed_block_facts_of(block, &after->head);
        struct engine_known_record *record =
            engine_known_record_new(signature, bytes->bytes, bytes->size);
        if (record != NULL) /* else it is checked again */
            engine_known_add(known, after->roster, record, NULL, &found);
        engine_known_record_drop(record);
    }
    return st;
}

static enum pn_status
prepare(struct commit *commit, struct swarm_engine *engine, const struct swarm_block *block,
        const struct fed_certificate *certificate)
{
    struct wire_arena arena;
    struct wire_block decoded;
    void             *room = aligned_alloc(16, WIRE_ARENA_SIZE);
    if (room == NULL)
        return PN_ENOMEM;
    wire_arena_init(&arena, room, WIRE_ARENA_SIZE);
    engine->decided              = *certificate;
    const struct wire_span bytes = {block->bytes.bytes, block->bytes.size};
    enum pn_status         st =
        swarm_chain_take(engine, &decoded, &engine->after, &arena, &bytes, &block->signature);
    if (st == PN_OK)
        st = fill_roots(commit, engine, &decoded);
    free(room);
    pn_buffer_clear(&engine->record);
    if (st == PN_OK)
        st = pn_buffer_append(&engine->record, block->signature.bytes, 64);
    if (st == PN_OK)
        st = pn_buffer_append(&engine->record, block->bytes.bytes, block->bytes.size);
    commit->disk             = engine->config.disk;
    commit->record           = &engine->record;
    commit->height           = certificate->height;
    commit->hash             = block->hash;
    commit->certificate_size = fed_certificate_encode(commit->certificate, certificate);
    return st;
}

void
swarm_commit(struct swarm_engine *engine, const struct swarm_block *block,
             const struct fed_certificate *certificate)
{
    if (engine->committing || engine->halted)
        return;
    struct commit *commit = calloc(1, sizeof *commit);
    enum pn_status st = commit == NULL ? PN_ENOMEM : prepare(commit, engine, block, certificate);
    if (st != PN_OK) {
        if (commit != NULL)
            release_commit(&commit->base);
        swarm_break(engine, st, "a decided block cannot be taken into the ledger");
        return;
    }
    engine->committing = true;
    stop_stale_training(engine);
    swarm_submit(
        engine, &commit->base,
        &(struct engine_work_how){engine->record.size, run_commit, done_commit, release_commit});
}
