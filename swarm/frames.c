#include "swarm/state.h"

#include <string.h>

static struct wire_arena *
arena_of(struct swarm_engine *engine)
{
    wire_arena_reset(&engine->config.scratch->arena);
    return &engine->config.scratch->arena;
}

/* ---- how much one member may say at a height ---- */

enum {
    FRAMES_SPARE    = 128,
    FRAMES_A_SECOND = 64,
    BYTES_A_FRAME   = 16384,
    COMPLAINTS      = 16,
};

/* Chunks of every update, three times over, and the model; asked from one member at worst. */
static uint64_t
frames_of_a_height(const struct swarm_engine *engine)
{
    uint64_t chunks = (uint64_t)sec_blob_chunks(engine->config.job->model_size) + 1;
    return FRAMES_SPARE + 3 * chunks * (engine->count + 1u) + engine->chain.height;
}

bool
swarm_may_speak(const struct swarm_engine *engine, struct swarm_member *member,
                const struct wire_span *bytes, pn_ms now)
{
    if (member->frames.most == 0 || member->budget_height != engine->machine.height) {
        uint64_t frames = frames_of_a_height(engine);
        engine_budget_init(&member->frames, frames, FRAMES_A_SECOND, now);
        engine_budget_init(&member->bytes,
                           (engine->count + 2u) * engine->config.job->model_size +
                               frames * (uint64_t)BYTES_A_FRAME,
                           (uint64_t)FRAMES_A_SECOND * BYTES_A_FRAME, now);
        engine_budget_init(&member->complaints, COMPLAINTS, 1, now);
        member->budget_height = engine->machine.height;
    }
    if (wire_type_of(bytes->bytes, bytes->size) == WIRE_RELAY)
        return swarm_take_relay(&member->relay, 4 * engine->count, engine->machine.height,
                                bytes->size, now);
    return engine_budget_take(&member->frames, 1, now) &&
           engine_budget_take(&member->bytes, bytes->size, now);
}

/* ---- how far others are ---- */

/* A member that holds as many blocks as we do holds the same ones. */
static enum pn_status
see_head(struct swarm_engine *engine, uint32_t member, uint64_t height, uint32_t mark)
{
    struct swarm_member *of = &engine->members[member];
    if (height == 0 || height != engine->chain.height || mark == swarm_mark(engine))
        return PN_OK;
    if (!of->forked)
        swarm_tell(engine, &(struct swarm_notice){.kind   = SWARM_FORKED,
                                                  .member = of->party->number,
                                                  .text   = "its newest block is not ours: the "
                                                            "ledger is forked; compare them with "
                                                            "`panal ledger diff`"});
    of->forked = true;
    return PN_EPEER_VALUE;
}

/* A member that speaks of a height holds all the blocks before it. */
static void
see_height(struct swarm_engine *engine, pn_ms now, uint32_t member, uint64_t height)
{
    swarm_raise(engine, now,
                &(struct fed_swarm_event){.kind = FED_S_SEEN, .member = member, .height = height});
}

static void
tell_up(struct swarm_engine *engine, uint32_t member)
{
    struct swarm_member *of  = &engine->members[member];
    uint32_t             via = fed_routes_via(&engine->routes, member);
    if (of->greeted && of->via == via)
        return;
    of->greeted = true;
    of->via     = via;
    swarm_tell(engine, &(struct swarm_notice){
                           .kind   = SWARM_UP,
                           .member = of->party->number,
                           .via    = via != FED_NOBODY ? engine->members[via].party->number : 0});
}

static enum pn_status
take_hello(struct swarm_engine *engine, pn_ms now, uint32_t member, const struct wire_frame *frame)
{
    struct swarm_member *of = &engine->members[member];
    struct wire_hello    hello;
    enum pn_status       st =
        wire_hello_decode(&hello, arena_of(engine), frame->body, frame->header.body_size);
    if (st == PN_OK)
        st = see_head(engine, member, hello.height, pn_get_u32(hello.head));
    if (st != PN_OK)
        return st;
    swarm_relay_learn(of, hello.key);
    if (hello.restart)
        swarm_route(engine, now, &(struct fed_route_event){.kind = FED_R_MISSED, .member = member});
    if (hello.restart || !of->peer.link.sent_hello)
        swarm_greet(engine, member, now);
    for (size_t i = 0; i < SWARM_PULLS; i++)
        if (engine_fetch_is_busy(&engine->pulls[i].fetch) && engine->pulls[i].source == member)
            engine_fetch_reconnected(&engine->pulls[i].fetch);
    tell_up(engine, member);
    return swarm_turn(
        engine, now,
        &(struct fed_swarm_event){.kind = FED_S_UP, .member = member, .height = hello.height});
}

static enum pn_status
take_status(struct swarm_engine *engine, pn_ms now, uint32_t member, const struct wire_frame *frame)
{
    struct wire_status status;
    enum pn_status     st =
        wire_status_decode(&status, arena_of(engine), frame->body, frame->header.body_size);
    if (st == PN_OK)
        st = see_head(engine, member, status.height, pn_get_u32(status.head));
    struct fed_reach reach; /* its places are ours when its roster is */
    bool             ours = frame->header.epoch == engine->config.roster->epoch;
    if (st == PN_OK && ours &&
        !fed_reach_take(&reach, status.reach.bytes, status.reach.size, engine->count))
        st = PN_EPEER_VALUE;
    if (st != PN_OK)
        return st;
    see_height(engine, now, member, status.height);
    if (ours)
        swarm_route(
            engine, now,
            &(struct fed_route_event){.kind = FED_R_REACH, .member = member, .reach = &reach});
    return PN_OK;
}

/* ---- contributions ---- */

static enum pn_status
offer(struct swarm_engine *engine, pn_ms now, uint32_t member, const struct wire_frame *frame,
      enum fed_part_kind part, const struct fed_contribution *contribution)
{
    return swarm_turn(engine, now,
                      &(struct fed_swarm_event){.kind         = FED_S_ANNOUNCED,
                                                .member       = member,
                                                .height       = frame->header.round,
                                                .part         = part,
                                                .contribution = contribution});
}

/* Said again: it was checked when it came. */
static bool
is_known(const struct swarm_engine *engine, uint32_t member, enum fed_part_kind kind,
         const struct wire_blob *wire, uint64_t weight, const uint8_t signature[64])
{
    const struct fed_contribution *part = &engine->parts[member].parts[kind];
    const struct sec_blob          blob = fed_blob_from_wire(wire);
    return (part->state == FED_PART_ANNOUNCED || part->state == FED_PART_HERE) &&
           part->weight == weight && sec_blob_equal(&part->blob, &blob) &&
           memcmp(part->signature, signature, sizeof part->signature) == 0;
}

static enum pn_status
take_update(struct swarm_engine *engine, pn_ms now, uint32_t member, const struct wire_frame *frame)
{
    const struct engine_job *job = engine->config.job;
    struct wire_update       update;
    enum pn_status           st =
        wire_update_decode(&update, arena_of(engine), frame->body, frame->header.body_size);
    if (st != PN_OK)
        return st;
    see_height(engine, now, member, frame->header.round);
    if (frame->header.round != engine->chain.height || engine->chain.height == 0)
        return PN_EPEER_STALE;
    if (is_known(engine, member, FED_UPDATE_PART, &update.update, update.weight, update.signature))
        return PN_OK;
    struct fed_commitment commitment = {.round    = frame->header.round,
                                        .weight   = update.weight,
                                        .member   = engine->members[member].party->number,
                                        .model_in = engine->chain.model,
                                        .update   = fed_blob_from_wire(&update.update)};
    struct sec_signature  signature;
    memcpy(commitment.run, engine->run, sizeof commitment.run);
    memcpy(signature.bytes, update.signature, sizeof signature.bytes);
    if (!fed_commitment_check(&signature, &commitment,
                              &engine->members[member].party->certificate.node))
        return PN_EPEER_AUTH;
    if (update.update.size != job->model_size || update.weight > job->job->weight_max)
        return PN_EPEER_VALUE;
    struct fed_contribution contribution = {.blob = commitment.update, .weight = update.weight};
    memcpy(contribution.signature, update.signature, sizeof contribution.signature);
    return offer(engine, now, member, frame, FED_UPDATE_PART, &contribution);
}

static enum pn_status
take_report(struct swarm_engine *engine, pn_ms now, uint32_t member, const struct wire_frame *frame)
{
    struct wire_contribution message;
    enum pn_status           st =
        wire_contribution_decode(&message, arena_of(engine), frame->body, frame->header.body_size);
    if (st != PN_OK)
        return st;
    see_height(engine, now, member, frame->header.round);
    if (frame->header.round != engine->chain.height)
        return PN_EPEER_STALE;
    if (is_known(engine, member, FED_REPORT_PART, &message.report, 0, message.signature))
        return PN_OK;
    struct fed_report    report = {.height = frame->header.round,
                                   .member = engine->members[member].party->number,
                                   .blob   = fed_blob_from_wire(&message.report)};
    struct sec_signature signature;
    memcpy(report.run, engine->run, sizeof report.run);
    memcpy(signature.bytes, message.signature, sizeof signature.bytes);
    if (!fed_report_check(&signature, &report, &engine->members[member].party->certificate.node))
        return PN_EPEER_AUTH;
    if (report.blob.size > WIRE_CONTROL_MAX)
        return PN_EPEER_LIMIT;
    struct fed_contribution contribution = {.blob = report.blob};
    memcpy(contribution.signature, message.signature, sizeof contribution.signature);
    return offer(engine, now, member, frame, FED_REPORT_PART, &contribution);
}

static enum pn_status
take_fault(struct swarm_engine *engine, pn_ms now, uint32_t member, const struct wire_frame *frame)
{
    struct wire_fault fault;
    enum pn_status    st =
        wire_fault_decode(&fault, arena_of(engine), frame->body, frame->header.body_size);
    if (st != PN_OK)
        return st;
    struct fed_swarm_event event = {.kind    = FED_S_LOST,
                                    .member  = member,
                                    .height  = frame->header.round,
                                    .absence = WIRE_ABSENT_FAULT};
    bool                   lost  = false;
    for (event.part = FED_UPDATE_PART; event.part <= FED_REPORT_PART; event.part++)
        lost = swarm_turn(engine, now, &event) == PN_OK || lost;
    if (!lost)
        return PN_EPEER_STALE;
    swarm_tell(engine, &(struct swarm_notice){.kind   = SWARM_LOST,
                                              .member = engine->members[member].party->number,
                                              .text   = fault.reason});
    return PN_OK;
}

/* ---- agreeing ---- */

static bool
is_same_vote(const struct wire_vote *a, const struct wire_vote *b)
{
    return a->height == b->height && a->member == b->member && a->view == b->view &&
           a->step == b->step && a->lock_view == b->lock_view &&
           memcmp(a->hash, b->hash, sizeof a->hash) == 0 &&
           memcmp(a->lock, b->lock, sizeof a->lock) == 0 &&
           memcmp(a->signature, b->signature, sizeof a->signature) == 0;
}

static enum pn_status
vote(struct swarm_engine *engine, pn_ms now, const struct fed_signed_vote *signed_vote)
{
    const struct fed_consensus_event event = {.kind = FED_C_VOTED, .vote = *signed_vote};
    return swarm_turn(engine, now,
                      &(struct fed_swarm_event){.kind = FED_S_AGREED, .consensus = &event});
}

/* Votes are said again and again: one that is here to the last byte was checked when it came. */
static enum pn_status
open_vote(struct fed_signed_vote *out, const struct swarm_engine *engine,
          const struct wire_vote *message)
{
    const struct fed_roster *roster = engine->config.roster;
    uint32_t                 place  = fed_roster_place(roster, message->member);
    struct wire_vote         known;
    if (place == engine->count)
        return PN_EPEER_AUTH;
    const struct fed_signed_vote *said =
        &engine->voters[place].said[message->view % FED_VIEWS_KEPT][message->step - WIRE_PREVOTE];
    if (said->vote.view == FED_NO_VIEW)
        return fed_vote_from_wire(out, engine->run, message, roster);
    fed_vote_to_wire(&known, said, roster);
    if (!is_same_vote(&known, message))
        return fed_vote_from_wire(out, engine->run, message, roster);
    *out = *said;
    return PN_OK;
}

static enum pn_status
take_vote(struct swarm_engine *engine, pn_ms now, uint32_t member, const struct wire_frame *frame)
{
    struct wire_vote       message;
    struct fed_signed_vote signed_vote;
    enum pn_status         st =
        wire_vote_decode(&message, arena_of(engine), frame->body, frame->header.body_size);
    if (st != PN_OK)
        return st;
    see_height(engine, now, member, message.height);
    if (message.height != engine->chain.height)
        return PN_EPEER_STALE;
    st = open_vote(&signed_vote, engine, &message);
    return st == PN_OK ? vote(engine, now, &signed_vote) : st;
}

/* The prevotes that are shown for a block, their signatures checked; what they prove is for the
 * machine to judge. */
static enum pn_status
open_votes(struct fed_signed_vote *out, const struct swarm_engine *engine,
           const struct wire_propose *propose)
{
    for (size_t i = 0; i < propose->vote_count; i++) {
        enum pn_status st = open_vote(&out[i], engine, &propose->votes[i]);
        if (st != PN_OK)
            return st;
    }
    return PN_OK;
}

/* As everybody will check it who gets it with a certificate: in its place of our chain. `after`:
 * the chain with it. */
static enum pn_status
check_block(struct swarm_engine *engine, struct wire_block *block, struct fed_chain *after,
            const struct wire_span *bytes, const struct sec_signature *signature)
{
    return swarm_chain_take(engine, block, after, &engine->config.scratch->arena, bytes,
                            signature) == PN_OK &&
                   swarm_block_is_possible(engine, block)
               ? PN_OK
               : PN_EPEER_VALUE;
}

/* The one that we go by was in force for the newest block of `after`: so were our places. */
static bool
is_of_our_roster(const struct swarm_engine *engine, const struct fed_chain *after)
{
    return sec_hash_equal(&after->head_roster->hash, &engine->config.roster->hash);
}

/* The machine asked about it before it came. */
static void
want_if_asked(struct swarm_engine *engine, const struct sec_hash *hash, pn_ms now)
{
    engine->now = now;
    if (swarm_block_is_asked(engine, hash))
        swarm_block_check(engine, hash);
}

/* PROPOSE of a view's leader, or SHOW of anybody to the leader of the next one. */
static enum pn_status
take_propose(struct swarm_engine *engine, pn_ms now, uint32_t member,
             const struct wire_frame *frame)
{
    bool                   shown = frame->header.type == WIRE_SHOW;
    struct wire_propose    propose;
    struct fed_signed_vote votes[WIRE_SWARM_MAX];
    struct wire_block      block;
    struct fed_chain       after;
    struct sec_signature   signature;
    struct sec_hash        hash;
    enum pn_status         st =
        wire_propose_decode(&propose, arena_of(engine), frame->body, frame->header.body_size);
    if (st != PN_OK)
        return st;
    see_height(engine, now, member, frame->header.round);
    if (frame->header.round != engine->chain.height)
        return PN_EPEER_STALE;
    if (fed_consensus_leader(&engine->machine.consensus, propose.view) !=
        (shown ? engine->self : member))
        return PN_EPEER_AUTH;
    if (propose.view < engine->machine.consensus.view ||
        propose.view >= engine->machine.consensus.view + FED_VIEWS_KEPT)
        return PN_EPEER_STALE; /* before anything is verified or kept for it */
    fed_block_hash(&hash, propose.block.bytes, propose.block.size);
    memcpy(signature.bytes, propose.signature, sizeof signature.bytes);
    if ((st = open_votes(votes, engine, &propose)) != PN_OK)
        return st;
    if (swarm_block_find(engine, &hash) == NULL) {
        if ((st = check_block(engine, &block, &after, &propose.block, &signature)) != PN_OK)
            return st;
        if (!is_of_our_roster(engine, &after))
            return PN_EPEER_VALUE; /* a genesis by an earlier epoch, which nobody proposes to us */
        if (swarm_block_keep(engine, &hash, &propose.block, &signature) == NULL)
            return PN_ENOMEM;
        swarm_block_learn(engine, member, &block, now);
        want_if_asked(engine, &hash, now);
    }
    const struct fed_consensus_event event = {.kind       = shown ? FED_C_SHOWN : FED_C_PROPOSAL,
                                              .view       = propose.view,
                                              .valid_view = propose.valid_view,
                                              .hash       = hash,
                                              .votes      = votes,
                                              .vote_count = (uint32_t)propose.vote_count};
    for (size_t i = 0; i < propose.vote_count; i++)
        (void)!vote(engine, now,
                    &votes[i]); /* SAFE: one that is too old counts in the proof only */
    return swarm_turn(engine, now,
                      &(struct fed_swarm_event){.kind = FED_S_AGREED, .consensus = &event});
}

/* ---- blocks that were decided, or are about to be ---- */

static void
give_block(struct swarm_engine *engine, uint32_t member, const uint8_t *record, size_t size,
           const struct fed_certificate *certificate)
{
    struct wire_decision decision = {.block = {record + 64, size - 64}};
    struct wire_witness  witnesses[FED_SWARM_MAX];
    memcpy(decision.signature, record, sizeof decision.signature);
    if (certificate != NULL) {
        memcpy(witnesses, certificate->witnesses, certificate->count * sizeof *witnesses);
        decision.view          = certificate->view;
        decision.witnesses     = witnesses;
        decision.witness_count = certificate->count;
    }
    if (wire_decision_encode(engine_scratch_begin(engine->config.scratch), &decision) == PN_OK)
        swarm_send(engine, member, WIRE_DECISION);
}

/* The votes that decided a block stand in the one after it, or in our hand for the newest. */
static enum pn_status
certificate_of(struct fed_certificate *out, struct swarm_engine *engine, uint64_t height)
{
    const struct store_disk *disk = engine->config.disk;
    if (height + 1 == engine->chain.height) {
        *out = engine->certificate;
        return out->count > 0 ? PN_OK : PN_EPEER_STALE;
    }
    struct pn_buffer  next;
    struct wire_block block;
    pn_buffer_init(&next, 64 + WIRE_BLOCK_MAX);
    enum pn_status st = disk->record(disk->host, height + 1, &next);
    if (st == PN_OK)
        st = wire_block_decode(&block, arena_of(engine), next.bytes + 64, next.size - 64);
    if (st == PN_OK && !fed_certificate_of(out, &block))
        st = PN_ECORRUPT;
    pn_buffer_fini(&next);
    return st;
}

static enum pn_status
give_decided(struct swarm_engine *engine, uint32_t member, uint64_t height)
{
    const struct store_disk *disk = engine->config.disk;
    struct fed_certificate   certificate;
    struct pn_buffer         record;
    if (height >= engine->chain.height)
        return PN_EPEER_STALE;
    enum pn_status st = certificate_of(&certificate, engine, height);
    if (st != PN_OK)
        return st;
    pn_buffer_init(&record, 64 + WIRE_BLOCK_MAX);
    st = disk->record(disk->host, height, &record);
    if (st == PN_OK)
        give_block(engine, member, record.bytes, record.size, &certificate);
    pn_buffer_fini(&record);
    return st;
}

static enum pn_status
give_open(struct swarm_engine *engine, uint32_t member, const struct sec_hash *hash)
{
    const struct swarm_block *block = swarm_block_find(engine, hash);
    struct pn_buffer          record;
    if (block == NULL)
        return PN_EPEER_STALE;
    pn_buffer_init(&record, 64 + WIRE_BLOCK_MAX);
    enum pn_status st = pn_buffer_append(&record, block->signature.bytes, 64);
    if (st == PN_OK)
        st = pn_buffer_append(&record, block->bytes.bytes, block->bytes.size);
    if (st == PN_OK)
        give_block(engine, member, record.bytes, record.size, NULL);
    pn_buffer_fini(&record);
    return st;
}

static enum pn_status
take_ask(struct swarm_engine *engine, pn_ms now, uint32_t member, const struct wire_frame *frame)
{
    struct wire_ask ask;
    struct sec_hash hash;
    enum pn_status  st =
        wire_ask_decode(&ask, arena_of(engine), frame->body, frame->header.body_size);
    (void)now;
    if (st != PN_OK)
        return st;
    memcpy(hash.bytes, ask.hash, sizeof hash.bytes);
    return sec_hash_is_zero(&hash) ? give_decided(engine, member, ask.height)
                                   : give_open(engine, member, &hash);
}

/* Two members may have given what we asked for; the second comes when we are past it. */
static bool
is_of_now(struct swarm_engine *engine, const struct wire_span *bytes)
{
    struct wire_block block;
    return wire_block_decode(&block, &engine->config.scratch->arena, bytes->bytes, bytes->size) ==
               PN_OK &&
           block.height == engine->chain.height;
}

/* The votes of a certificate are votes like others: whoever gave us another one is convicted. */
static void
hear_witnesses(struct swarm_engine *engine, pn_ms now, const struct fed_decided *decided,
               const struct wire_decision *decision)
{
    for (size_t i = 0; i < decision->witness_count && !engine->committing; i++) {
        const struct wire_witness *witness = &decision->witnesses[i];
        struct fed_signed_vote     given   = {
                  .member = fed_roster_place(engine->config.roster, witness->member),
                  .vote   = {.height = decided->height,
                             .view   = decided->view,
                             .step   = FED_PRECOMMIT,
                             .hash   = decided->hash}};
        memcpy(given.signature.bytes, witness->signature, sizeof witness->signature);
        (void)!vote(engine, now, &given); /* SAFE: one that says nothing new */
    }
}

static enum pn_status
take_decided(struct swarm_engine *engine, pn_ms now, const struct wire_decision *decision,
             const struct sec_hash *hash, const struct sec_signature *signature)
{
    struct fed_certificate certificate = {.height = engine->chain.height,
                                          .view   = decision->view,
                                          .count  = (uint32_t)decision->witness_count};
    struct fed_decided     decided     = {
                .height = engine->chain.height, .view = decision->view, .hash = *hash};
    struct wire_block block;
    struct fed_chain  after;
    struct pn_error   why;
    memcpy(decided.run, engine->run, sizeof decided.run);
    memcpy(certificate.witnesses, decision->witnesses,
           decision->witness_count * sizeof *decision->witnesses);
    if (check_block(engine, &block, &after, &decision->block, signature) != PN_OK)
        return is_of_now(engine, &decision->block) ? PN_EPEER_VALUE : PN_EPEER_STALE;
    if (fed_certificate_check(after.head_roster, &decided, decision->witnesses,
                              decision->witness_count, &why) != PN_OK)
        return PN_EPEER_AUTH;
    const struct sec_blob model = fed_blob_from_wire(&block.model_out);
    if (block.kind == WIRE_BLOCK_FINISH &&
        !engine_blob_is_there(engine->config.disk, swarm_folders[SWARM_MODELS], &model)) {
        swarm_pull_blob(engine, SWARM_MODELS, &model, now);
        return PN_OK; /* others end when we say that we have the last block: the model first */
    }
    const struct swarm_block *kept = swarm_block_keep(engine, hash, &decision->block, signature);
    if (kept == NULL)
        return PN_ENOMEM;
    if (is_of_our_roster(engine, &after))
        hear_witnesses(engine, now, &decided, decision);
    swarm_commit(engine, swarm_block_find(engine, hash), &certificate);
    return PN_OK;
}

static enum pn_status
take_decision(struct swarm_engine *engine, pn_ms now, uint32_t member,
              const struct wire_frame *frame)
{
    struct wire_decision decision;
    struct sec_hash      hash;
    struct sec_signature signature;
    struct wire_block    block;
    struct fed_chain     after;
    enum pn_status       st =
        wire_decision_decode(&decision, arena_of(engine), frame->body, frame->header.body_size);
    if (st != PN_OK)
        return st;
    if (engine->committing || engine->machine.finished)
        return PN_EPEER_STALE;
    fed_block_hash(&hash, decision.block.bytes, decision.block.size);
    memcpy(signature.bytes, decision.signature, sizeof signature.bytes);
    if (decision.view != FED_NO_VIEW)
        return take_decided(engine, now, &decision, &hash, &signature);
    if (swarm_block_find(engine, &hash) != NULL || !swarm_block_is_asked(engine, &hash))
        return PN_EPEER_STALE;
    if ((st = check_block(engine, &block, &after, &decision.block, &signature)) != PN_OK)
        return st;
    if (swarm_block_keep(engine, &hash, &decision.block, &signature) == NULL)
        return PN_ENOMEM;
    swarm_block_learn(engine, member, &block, now);
    engine->now = now;
    swarm_block_check(engine, &hash);
    return PN_OK;
}

/* ---- blobs ---- */

static enum pn_status
take_pull(struct swarm_engine *engine, pn_ms now, uint32_t member, const struct wire_frame *frame)
{
    struct wire_pull pull;
    enum pn_status   st =
        wire_pull_decode(&pull, arena_of(engine), frame->body, frame->header.body_size);
    if (st == PN_OK && !engine_budget_take(&engine->members[member].frames, pull.count - 1, now))
        st = PN_EPEER_LIMIT;
    return st == PN_OK ? swarm_give(engine, member, &pull) : st;
}

static enum pn_status
take_chunk(struct swarm_engine *engine, pn_ms now, uint32_t member, const struct wire_frame *frame)
{
    struct wire_chunk chunk;
    enum pn_status    st = wire_chunk_decode(&chunk, frame->body, frame->header.body_size);
    (void)now, (void)member;
    return st == PN_OK ? swarm_pull_take(engine, &chunk) : st;
}

/* ---- all of them ---- */

typedef enum pn_status take_fn(struct swarm_engine *engine, pn_ms now, uint32_t member,
                               const struct wire_frame *frame);

static take_fn *const takers[] = {
    [WIRE_HELLO] = take_hello,       [WIRE_UPDATE] = take_update, [WIRE_FAULT] = take_fault,
    [WIRE_PULL] = take_pull,         [WIRE_CHUNK] = take_chunk,   [WIRE_REPORT] = take_report,
    [WIRE_PROPOSE] = take_propose,   [WIRE_VOTE] = take_vote,     [WIRE_ASK] = take_ask,
    [WIRE_DECISION] = take_decision, [WIRE_SHOW] = take_propose,  [WIRE_STATUS] = take_status,
    [WIRE_RELAY] = swarm_relay_take,
};

/* What also a member hears that only catches up. */
static bool
is_for_all(uint16_t type)
{
    return type == WIRE_HELLO || type == WIRE_STATUS || type == WIRE_ASK || type == WIRE_DECISION ||
           type == WIRE_PULL || type == WIRE_CHUNK || type == WIRE_RELAY;
}

enum pn_status
swarm_take(struct swarm_engine *engine, pn_ms now, uint32_t member, const struct wire_frame *frame)
{
    uint16_t type = frame->header.type;
    if (type >= sizeof takers / sizeof takers[0] || takers[type] == NULL)
        return PN_EPEER_FORMAT; /* a coordinator's or a node's; the link refuses it as well */
    /* HELLO, PULL, CHUNK and RELAY have no head in their headers. */
    bool has_head =
        type != WIRE_HELLO && type != WIRE_PULL && type != WIRE_CHUNK && type != WIRE_RELAY;
    enum pn_status st = PN_OK;
    if (has_head)
        st = see_head(engine, member, frame->header.round, frame->header.attempt);
    if (st == PN_OK && !swarm_takes_part(engine) && !is_for_all(type)) {
        see_height(engine, now, member, frame->header.round);
        return PN_EPEER_STALE;
    }
    return st == PN_OK ? takers[type](engine, now, member, frame) : st;
}
