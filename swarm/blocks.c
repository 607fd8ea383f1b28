#include "swarm/state.h"

#include "fed/update.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOOK_AGAIN_MS = 1000
};

/* ---- remembering ---- */

void
swarm_blocks_clear(struct swarm_engine *engine)
{
    for (size_t i = 0; i < SWARM_BLOCKS; i++) {
        struct swarm_block *block = &engine->blocks[i];
        pn_buffer_clear(&block->bytes);
        block->hash   = (struct sec_hash){{0}};
        block->wanted = block->checking = false;
    }
    engine->asked_count = 0;
    engine->look_at     = 0;
    engine->must_build  = false;
}

struct swarm_block *
swarm_block_find(struct swarm_engine *engine, const struct sec_hash *hash)
{
    for (size_t i = 0; i < SWARM_BLOCKS; i++)
        if (!sec_hash_is_zero(hash) && sec_hash_equal(&engine->blocks[i].hash, hash))
            return &engine->blocks[i];
    return NULL;
}

/* The machine may still ask about it, or decide for it. */
static bool
is_needed(const struct swarm_engine *engine, const struct swarm_block *block)
{
    const struct fed_consensus *consensus = &engine->machine.consensus;
    if (sec_hash_is_zero(&block->hash))
        return false;
    for (size_t i = 0; i < FED_C_BLOCKS; i++)
        if (sec_hash_equal(&block->hash, &consensus->blocks[i].hash))
            return true;
    return block->checking || sec_hash_equal(&block->hash, &consensus->locked) ||
           sec_hash_equal(&block->hash, &consensus->valid);
}

struct swarm_block *
swarm_block_keep(struct swarm_engine *engine, const struct sec_hash *hash,
                 const struct wire_span *bytes, const struct sec_signature *signature)
{
    struct swarm_block *place = swarm_block_find(engine, hash);
    if (place != NULL)
        return place;
    for (size_t i = 0; i < SWARM_BLOCKS; i++)
        if (place == NULL || sec_hash_is_zero(&engine->blocks[i].hash))
            if (!is_needed(engine, &engine->blocks[i]))
                place = &engine->blocks[i];
    if (place == NULL)
        return NULL;
    place->hash = (struct sec_hash){{0}};
    pn_buffer_clear(&place->bytes);
    if (pn_buffer_append(&place->bytes, bytes->bytes, bytes->size) != PN_OK)
        return NULL;
    place->hash      = *hash;
    place->signature = *signature;
    place->wanted = place->checking = false;
    return place;
}

/* A block that we keep, decoded; `room` is to be freed when it is no longer looked at. */
static bool
open_block(struct wire_block *out, void **room, const struct swarm_block *block)
{
    struct wire_arena arena;
    *room = aligned_alloc(16, WIRE_ARENA_SIZE);
    if (*room == NULL)
        return false;
    wire_arena_init(&arena, *room, WIRE_ARENA_SIZE);
    if (wire_block_decode(out, &arena, block->bytes.bytes, block->bytes.size) == PN_OK)
        return true;
    free(*room);
    return false;
}

/* ---- making one ---- */

static enum wire_absence
absence_of(const struct fed_contribution *part)
{
    if (part->state == FED_PART_LOST)
        return part->absence;
    return part->state == FED_PART_WANTED ? WIRE_ABSENT_SILENT : WIRE_ABSENT_LATE;
}

/* A job's weights fit for the cohort that it asks for; of a larger one not all may count. */
static bool
fits(const struct wire_block *block, uint64_t weight)
{
    for (size_t i = 0; i < block->entry_count; i++)
        weight += block->entries[i].weight;
    return weight <= FED_WEIGHTS_MAX;
}

static void
draft_update(struct wire_block *block, const struct swarm_engine *engine, uint32_t member)
{
    const struct fed_contribution *part   = &engine->parts[member].parts[FED_UPDATE_PART];
    uint32_t                       number = engine->members[member].party->number;
    if (!fed_swarm_is_drawn(&engine->machine, member, block->attempt))
        return;
    if (part->state == FED_PART_HERE && fits(block, part->weight)) {
        struct wire_entry *entry = &block->entries[block->entry_count++];
        *entry                   = (struct wire_entry){.member = number,
                                                       .weight = part->weight,
                                                       .update = fed_blob_to_wire(&part->blob),
                                                       .norm   = part->norm};
        memcpy(entry->signature, part->signature, sizeof entry->signature);
    } else {
        enum wire_absence why                = absence_of(part);
        block->absent[block->absent_count++] = (struct wire_absent){number, why};
    }
}

static void
draft_report(struct wire_agreement *agreement, const struct swarm_engine *engine, uint32_t member)
{
    const struct fed_contribution *part = &engine->parts[member].parts[FED_REPORT_PART];
    if (part->state != FED_PART_HERE)
        return;
    struct wire_report *report = &agreement->reports[agreement->report_count++];
    report->member             = engine->members[member].party->number;
    report->report             = fed_blob_to_wire(&part->blob);
    memcpy(report->signature, part->signature, sizeof report->signature);
}

static void
draft_certificate(struct swarm_aggregate *aggregate, const struct swarm_engine *engine)
{
    const struct fed_certificate *certificate = &engine->certificate;
    if (engine->chain.height == 0)
        return;
    aggregate->agreement.witness_view = certificate->view;
    aggregate->draft.witness_count    = certificate->count;
    memcpy(aggregate->draft.witnesses, certificate->witnesses,
           certificate->count * sizeof *certificate->witnesses);
}

static enum pn_status
seal_block(struct sec_hash *hash, struct pn_buffer *bytes, const struct swarm_aggregate *aggregate)
{
    enum pn_status st = wire_block_encode(bytes, &aggregate->draft);
    if (st == PN_OK)
        fed_block_hash(hash, bytes->bytes, bytes->size);
    return st;
}

/* What was computed is here now: others may ask for it. We train on the model as it was made. */
static void
shelve(struct swarm_engine *engine, struct swarm_aggregate *aggregate)
{
    struct sec_blob model   = fed_blob_from_wire(&aggregate->draft.model_out);
    struct sec_blob scaling = fed_blob_from_wire(&aggregate->draft.scaling);
    if (aggregate->model != NULL) {
        struct engine_shelf *shelf = &engine->shelves[SWARM_MODELS];
        engine_shelf_put(shelf, swarm_folders[SWARM_MODELS], &model, aggregate->model_leaves);
        engine_shelf_hold(shelf,
                          engine_held_put(&engine->config.scratch->held, &model, aggregate->model));
        aggregate->model        = NULL;
        aggregate->model_leaves = NULL;
    }
    if (aggregate->scaling_leaves != NULL) {
        engine_shelf_put(&engine->shelves[SWARM_SCALING], swarm_folders[SWARM_SCALING], &scaling,
                         aggregate->scaling_leaves);
        aggregate->scaling_leaves = NULL;
    }
}

static void
finish_build(struct swarm_engine *engine, struct swarm_aggregate *aggregate, pn_ms now)
{
    struct pn_buffer     bytes;
    struct sec_hash      hash;
    struct sec_signature signature;
    pn_buffer_init(&bytes, WIRE_BLOCK_MAX);
    enum pn_status st = seal_block(&hash, &bytes, aggregate);
    if (st != PN_OK) {
        swarm_break(engine, st, "a block of our own cannot be put together");
    } else {
        fed_block_sign(&signature, &hash, engine->config.secret);
        const struct wire_span span = {bytes.bytes, bytes.size};
        if (swarm_block_keep(engine, &hash, &span, &signature) != NULL) {
            swarm_tell(engine, &(struct swarm_notice){.kind = SWARM_PROPOSED,
                                                      .view = aggregate->agreement.view});
            swarm_raise_consensus(engine, now,
                                  &(struct fed_consensus_event){.kind = FED_C_BUILT, .hash = hash});
        }
    }
    pn_buffer_fini(&bytes);
}

static void
finish_check(struct swarm_engine *engine, struct swarm_aggregate *aggregate, pn_ms now)
{
    struct swarm_block *block = swarm_block_find(engine, &aggregate->about);
    struct pn_buffer    bytes;
    struct sec_hash     hash = {{0}};
    if (block == NULL)
        return;
    pn_buffer_init(&bytes, WIRE_BLOCK_MAX);
    bool good = aggregate->base.status == PN_OK && seal_block(&hash, &bytes, aggregate) == PN_OK &&
                sec_hash_equal(&hash, &aggregate->about);
    pn_buffer_fini(&bytes);
    block->checking = block->wanted = false;
    if (!good)
        swarm_tell(engine, &(struct swarm_notice){
                               .kind = SWARM_BAD,
                               .text = "a proposed block is not what its contributions give here"});
    swarm_raise_consensus(engine, now,
                          &(struct fed_consensus_event){
                              .kind = FED_C_CHECKED, .hash = aggregate->about, .good = good});
}

static void
done_aggregate(struct pn_work *work, pn_ms now)
{
    struct swarm_aggregate *aggregate = (struct swarm_aggregate *)engine_work_take(work);
    struct swarm_engine    *engine    = aggregate->base.engine;
    enum pn_status          st        = aggregate->base.status;
    bool current = aggregate->draft.height == engine->chain.height && !engine->committing;
    bool fatal   = st != PN_OK && !pn_status_is_peer(st) && st != PN_ENOENT && st != PN_ECORRUPT;
    if (fatal)
        swarm_break(engine, st,
                    aggregate->base.why.text[0] != '\0'
                        ? aggregate->base.why.text
                        : "the next model cannot be made in the state directory");
    if (st == PN_OK && current)
        shelve(engine, aggregate);
    if (current && !fatal) {
        if (!sec_hash_is_zero(&aggregate->about))
            finish_check(engine, aggregate, now);
        else if (st == PN_OK)
            finish_build(engine, aggregate, now);
    }
    swarm_aggregate_release(&aggregate->base);
    swarm_engine_tick(engine, now);
}

static void
submit_aggregate(struct swarm_engine *engine, struct swarm_aggregate *aggregate)
{
    uint64_t touched = (aggregate->draft.entry_count + 2u) * engine->config.job->model_size + 65536;
    for (size_t i = 0; i < aggregate->agreement.report_count; i++)
        aggregate->measures[i] = fed_swarm_measures(
            &engine->machine,
            fed_roster_place(engine->config.roster, aggregate->agreement.reports[i].member));
    /* It makes room for the next one. */
    engine_shelf_lighten(&engine->shelves[SWARM_MODELS], swarm_folders[SWARM_MODELS]);
    swarm_submit(engine, &aggregate->base,
                 &(struct engine_work_how){touched, swarm_aggregate_run, done_aggregate,
                                           swarm_aggregate_release});
}

/* Whoever proposes has the model that the block is about, also when nothing is added to it. */
static bool
has_model(struct swarm_engine *engine)
{
    const struct sec_blob *model = &engine->chain.model;
    if (engine->chain.height == 0 ||
        engine_blob_is_there(engine->config.disk, swarm_folders[SWARM_MODELS], model))
        return true;
    swarm_pull_blob(engine, SWARM_MODELS, model, engine->now);
    engine->look_at = pn_ms_add(engine->now, LOOK_AGAIN_MS);
    return false;
}

void
swarm_block_build(struct swarm_engine *engine)
{
    engine->must_build = !has_model(engine);
    if (engine->must_build)
        return;
    struct swarm_aggregate *aggregate = swarm_aggregate_new(engine);
    if (aggregate == NULL || (engine->next != NULL && engine->chain.height > 0 &&
                              swarm_aggregate_carry(aggregate, engine->next) != PN_OK)) {
        if (aggregate != NULL)
            swarm_aggregate_release(&aggregate->base);
        swarm_break(engine, PN_ENOMEM, "no memory for a block");
        return;
    }
    aggregate->draft.proposer = engine->config.self;
    aggregate->draft.time_ms  = engine->config.wall_ms(engine->config.host);
    aggregate->draft.attempt  = engine->machine.draw;
    aggregate->agreement.view = engine->build_view;
    for (uint32_t i = 0; i < engine->count; i++) {
        draft_update(&aggregate->draft, engine, i);
        draft_report(&aggregate->agreement, engine, i);
    }
    draft_certificate(aggregate, engine);
    aggregate->agreement.conviction_count = engine->evidence.count;
    memcpy(aggregate->agreement.convictions, engine->evidence.items,
           engine->evidence.count * sizeof engine->evidence.items[0]);
    submit_aggregate(engine, aggregate);
}

/* ---- is one good? ---- */

enum verdict { /* the later, the worse */
    GOOD,
    WAITS,
    BAD
};

/* Is this the contribution that we hold of this member, and judged already? */
static bool
is_judged(const struct swarm_engine *engine, uint32_t number, enum fed_part_kind kind,
          const struct wire_blob *wire)
{
    uint32_t                       member = fed_roster_place(engine->config.roster, number);
    const struct sec_blob          blob   = fed_blob_from_wire(wire);
    const struct fed_contribution *part   = &engine->parts[member].parts[kind];
    return sec_blob_equal(&part->blob, &blob) &&
           (part->state == FED_PART_HERE ||
            (part->state == FED_PART_LOST && part->absence == WIRE_ABSENT_INVALID));
}

/*
 * Whether a block is good depends on the block alone, or a liar could divide us for ever: it
 * commits to one contribution here and to another there, or says to some that it has none. So which
 * one counts is the block's to say; one that we do not have is fetched, and the work that checks
 * the block measures it.
 */
static enum verdict
look_at_part(struct swarm_engine *engine, uint32_t number, enum fed_part_kind kind,
             const struct wire_blob *wire)
{
    enum swarm_folder     folder = kind == FED_UPDATE_PART ? SWARM_UPDATES : SWARM_REPORTS;
    uint32_t              member = fed_roster_place(engine->config.roster, number);
    const struct sec_blob blob   = fed_blob_from_wire(wire);
    if (member == engine->count || !fed_swarm_wants(&engine->machine, member, kind))
        return BAD;
    if (is_judged(engine, number, kind, wire))
        return engine->parts[member].parts[kind].state == FED_PART_HERE ? GOOD : BAD;
    if (engine_blob_is_there(engine->config.disk, swarm_folders[folder], &blob))
        return GOOD;
    swarm_pull_blob(engine, folder, &blob, engine->now);
    return WAITS;
}

static enum verdict
look_at_entry(struct swarm_engine *engine, const struct wire_entry *entry)
{
    enum verdict verdict = look_at_part(engine, entry->member, FED_UPDATE_PART, &entry->update);
    if (verdict != GOOD || !is_judged(engine, entry->member, FED_UPDATE_PART, &entry->update))
        return verdict;
    uint32_t member = fed_roster_place(engine->config.roster, entry->member);
    double   norm   = engine->parts[member].parts[FED_UPDATE_PART].norm;
    return norm < entry->norm || norm > entry->norm ? BAD : GOOD;
}

static enum verdict
worse(enum verdict a, enum verdict b)
{
    return a > b ? a : b;
}

static enum verdict
look_at_entries(struct swarm_engine *engine, const struct wire_block *block)
{
    enum verdict all = GOOD;
    for (size_t i = 0; i < block->entry_count && all != BAD; i++)
        all = worse(all, look_at_entry(engine, &block->entries[i]));
    for (size_t i = 0; i < block->agreement->report_count && all != BAD; i++) {
        const struct wire_report *report = &block->agreement->reports[i];
        all = worse(all, look_at_part(engine, report->member, FED_REPORT_PART, &report->report));
    }
    return all;
}

static bool
is_of_cohort(const struct swarm_engine *engine, uint32_t number, uint32_t draw)
{
    uint32_t member = fed_roster_place(engine->config.roster, number);
    return member < engine->count && fed_swarm_is_drawn(&engine->machine, member, draw);
}

/* A round's entries and absent ones are the cohort of its draw, and a quorum counts. */
static bool
covers_cohort(const struct swarm_engine *engine, const struct wire_block *block)
{
    uint32_t cohort = 0, quorum = engine->config.limits.quorum;
    if (block->kind == WIRE_BLOCK_GENESIS)
        return block->agreement->report_count >= quorum;
    for (uint32_t i = 0; i < engine->count; i++)
        cohort += fed_swarm_is_drawn(&engine->machine, i, block->attempt);
    for (size_t i = 0; i < block->entry_count; i++)
        if (!is_of_cohort(engine, block->entries[i].member, block->attempt))
            return false;
    for (size_t i = 0; i < block->absent_count; i++)
        if (!is_of_cohort(engine, block->absent[i].member, block->attempt))
            return false;
    return block->kind == WIRE_BLOCK_FINISH ||
           (block->entry_count >= quorum && block->entry_count + block->absent_count == cohort);
}

/* So many prevoted it in this view that one of them is honest: its time was up. */
static bool
is_vouched_for(const struct swarm_engine *engine, const struct sec_hash *hash)
{
    const struct fed_consensus *consensus = &engine->machine.consensus;
    struct fed_signed_vote      votes[FED_SWARM_MAX];
    return fed_consensus_votes(votes, consensus, consensus->view, FED_PREVOTE, hash) >
           consensus->limits.liars;
}

/* A roster that it brings leaves enough members for the rounds to come. It was taken with the
 * block, but for a block that we kept over a restart because we are bound to it. */
static bool
can_go_on(struct swarm_engine *engine, const struct wire_block *block)
{
    const struct wire_roster *carried = block->agreement->roster;
    struct pn_error           why;
    if (carried == NULL || block->height == 0)
        return true;
    const struct fed_roster *next = fed_epochs_find(&engine->epochs, carried);
    if (next == NULL &&
        fed_epochs_next(&next, &engine->epochs, engine->chain.roster, carried, &why) != PN_OK)
        return false;
    return swarm_can_go_on(engine, next, block);
}

static enum verdict
look(struct swarm_engine *engine, const struct wire_block *block, const struct sec_hash *hash)
{
    if (!can_go_on(engine, block))
        return BAD;
    if (!covers_cohort(engine, block))
        return BAD;
    /* Of a draw that we have given up ourselves a block may come with a quorum that we had not
     * seen: there is nothing to wait for. */
    bool past = block->kind == WIRE_BLOCK_ROUND && block->attempt < engine->machine.draw;
    if (!engine->machine.ready && !past)
        return WAITS;
    if (block->kind == WIRE_BLOCK_ROUND && block->attempt > engine->machine.draw &&
        !is_vouched_for(engine, hash))
        return WAITS; /* the time for the draws before is not up here */
    enum verdict all = look_at_entries(engine, block);
    return all == GOOD && !has_model(engine) ? WAITS : all;
}

/* The same lists and circumstances as the proposal; everything else we make ourselves. */
static enum pn_status
copy_draft(struct swarm_aggregate *aggregate, const struct wire_block *block)
{
    struct wire_block     *draft     = &aggregate->draft;
    struct wire_agreement *agreement = &aggregate->agreement;
    draft->proposer                  = block->proposer;
    draft->time_ms                   = block->time_ms;
    draft->attempt                   = block->attempt;
    draft->entry_count               = block->entry_count;
    draft->absent_count              = block->absent_count;
    draft->witness_count             = block->witness_count;
    memcpy(draft->entries, block->entries, block->entry_count * sizeof *block->entries);
    memcpy(draft->absent, block->absent, block->absent_count * sizeof *block->absent);
    memcpy(draft->witnesses, block->witnesses, block->witness_count * sizeof *block->witnesses);
    agreement->view             = block->agreement->view;
    agreement->witness_view     = block->agreement->witness_view;
    agreement->report_count     = block->agreement->report_count;
    agreement->conviction_count = block->agreement->conviction_count;
    memcpy(agreement->reports, block->agreement->reports,
           agreement->report_count * sizeof *agreement->reports);
    memcpy(agreement->convictions, block->agreement->convictions,
           agreement->conviction_count * sizeof *agreement->convictions);
    return block->height == 0 || block->agreement->roster == NULL
               ? PN_OK
               : swarm_aggregate_carry(aggregate, block->agreement->roster);
}

static void
begin_check(struct swarm_engine *engine, struct swarm_block *kept, const struct wire_block *block)
{
    struct swarm_aggregate *aggregate = swarm_aggregate_new(engine);
    if (aggregate == NULL || copy_draft(aggregate, block) != PN_OK) {
        if (aggregate != NULL)
            swarm_aggregate_release(&aggregate->base);
        swarm_break(engine, PN_ENOMEM, "no memory to check a block");
        return;
    }
    for (size_t i = 0; i < block->entry_count; i++)
        aggregate->strange[i] = !is_judged(engine, block->entries[i].member, FED_UPDATE_PART,
                                           &block->entries[i].update);
    aggregate->about = kept->hash;
    kept->checking   = true;
    submit_aggregate(engine, aggregate);
}

static void
check_one(struct swarm_engine *engine, struct swarm_block *kept)
{
    struct wire_block block;
    void             *room;
    if (!open_block(&block, &room, kept))
        return; /* no memory now; the next event tries again */
    enum verdict verdict = look(engine, &block, &kept->hash);
    if (verdict == WAITS) {
        engine->look_at = pn_ms_add(engine->now, LOOK_AGAIN_MS);
    } else if (verdict == GOOD) {
        begin_check(engine, kept, &block);
    } else {
        kept->wanted = false;
        swarm_tell(engine, &(struct swarm_notice){
                               .kind   = SWARM_BAD,
                               .member = block.proposer,
                               .text   = "a proposed block names what was not asked for or is no "
                                         "good"});
        swarm_raise_consensus(
            engine, engine->now,
            &(struct fed_consensus_event){.kind = FED_C_CHECKED, .hash = kept->hash});
    }
    free(room);
}

/* Votes speak of it; who has it? */
static void
ask_for_block(struct swarm_engine *engine, const struct sec_hash *hash)
{
    struct wire_ask ask = {.height = engine->chain.height};
    memcpy(ask.hash, hash->bytes, sizeof ask.hash);
    for (uint32_t i = 0; i < engine->count; i++)
        if (swarm_is_open(engine, i) &&
            wire_ask_encode(engine_scratch_begin(engine->config.scratch), &ask) == PN_OK)
            swarm_send(engine, i, WIRE_ASK);
    engine->look_at = pn_ms_add(engine->now, LOOK_AGAIN_MS);
}

/* Blocks that we asked for: here now, whichever way they came, or asked for again. */
static void
look_for_asked(struct swarm_engine *engine)
{
    size_t left = 0;
    for (size_t i = 0; i < engine->asked_count; i++) {
        struct swarm_block *block = swarm_block_find(engine, &engine->asked[i]);
        if (block != NULL)
            block->wanted = true;
        else
            engine->asked[left++] = engine->asked[i];
    }
    engine->asked_count = left;
    for (size_t i = 0; i < left; i++)
        ask_for_block(engine, &engine->asked[i]);
}

void
swarm_block_check_more(struct swarm_engine *engine)
{
    bool due        = engine->now >= engine->look_at;
    engine->look_at = due ? 0 : engine->look_at;
    if (due)
        look_for_asked(engine);
    if (engine->must_build && !engine->halted && !engine->committing)
        swarm_block_build(engine);
    for (size_t i = 0; i < SWARM_BLOCKS && !engine->halted && !engine->committing; i++)
        if (engine->blocks[i].wanted && !engine->blocks[i].checking)
            check_one(engine, &engine->blocks[i]);
}

bool
swarm_block_is_asked(const struct swarm_engine *engine, const struct sec_hash *hash)
{
    for (size_t i = 0; i < engine->asked_count; i++)
        if (sec_hash_equal(&engine->asked[i], hash))
            return true;
    return false;
}

void
swarm_block_check(struct swarm_engine *engine, const struct sec_hash *hash)
{
    struct swarm_block *block = swarm_block_find(engine, hash);
    if (block != NULL) {
        block->wanted = true;
        swarm_block_check_more(engine);
        return;
    }
    if (!swarm_block_is_asked(engine, hash) && engine->asked_count < FED_C_BLOCKS)
        engine->asked[engine->asked_count++] = *hash;
    ask_for_block(engine, hash);
}

/* ---- a proposal speaks of contributions ---- */

bool
swarm_block_is_possible(const struct swarm_engine *engine, const struct wire_block *block)
{
    const struct engine_job *job   = engine->config.job;
    uint64_t                 most  = job->job->weight_max;
    bool                     scale = block->scaling.size == job->scaling_size;
    for (size_t i = 0; i < block->entry_count; i++)
        if (block->entries[i].update.size != job->model_size || block->entries[i].weight > most)
            return false;
    for (size_t i = 0; i < block->agreement->report_count; i++)
        if (block->agreement->reports[i].report.size > WIRE_CONTROL_MAX)
            return false;
    return scale && block->model_out.size == job->model_size;
}

void
swarm_block_learn(struct swarm_engine *engine, uint32_t member, const struct wire_block *block,
                  pn_ms now)
{
    for (size_t i = 0; i < block->entry_count; i++) {
        const struct wire_entry *entry = &block->entries[i];
        struct fed_contribution  part  = {.blob   = fed_blob_from_wire(&entry->update),
                                          .weight = entry->weight};
        memcpy(part.signature, entry->signature, sizeof part.signature);
        swarm_raise(engine, now,
                    &(struct fed_swarm_event){
                        .kind         = FED_S_ANNOUNCED,
                        .member       = fed_roster_place(engine->config.roster, entry->member),
                        .height       = block->height,
                        .part         = FED_UPDATE_PART,
                        .contribution = &part});
        swarm_pull_from(engine, member, &entry->update, now);
    }
    for (size_t i = 0; i < block->agreement->report_count; i++) {
        const struct wire_report *report = &block->agreement->reports[i];
        struct fed_contribution   part   = {.blob = fed_blob_from_wire(&report->report)};
        memcpy(part.signature, report->signature, sizeof part.signature);
        swarm_raise(engine, now,
                    &(struct fed_swarm_event){
                        .kind         = FED_S_ANNOUNCED,
                        .member       = fed_roster_place(engine->config.roster, report->member),
                        .height       = block->height,
                        .part         = FED_REPORT_PART,
                        .contribution = &part});
        swarm_pull_from(engine, member, &report->report, now);
    }
}
