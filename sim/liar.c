#include "sim/liar.h"

#include "engine/blob.h"
#include "fed/link.h"
#include "fed/vote.h"
#include "proto/arena.h"

#include <stdlib.h>
#include <string.h>

enum {
    KEPT        = 8,
    STORM       = 24,
    SILENCE_MAX = 60, /* frames */
    FAR_HEIGHTS = 1000,
    SMALL_BLOB  = 4096
};

struct kept { /* said before */
    struct pn_buffer body;
    uint16_t         type;
};

struct sim_liar {
    struct sim_liar_config config;
    struct fed_link       *links; /* by place */
    uint8_t                run[16];
    struct pn_rng          rng;

    const struct fed_roster      *roster; /* of this life */
    const struct sec_sign_secret *secret;
    uint32_t                      habits;
    uint32_t                      silence; /* frames that still do not leave */
    struct wire_arena             arena;
    void                         *room;
    struct pn_buffer              frame, body, block;
    struct kept                   kept[KEPT];
    size_t                        next;
    struct sec_hash               proposed; /* the block that its engine voted for last */
};

/* One frame of the engine on its way. */
struct saying {
    struct sim_liar        *liar;
    const struct fed_chain *chain;
    uint32_t                to; /* place */
    struct wire_frame       frame;
};

/* ---- saying ---- */

static void
seal(const struct saying *saying, uint16_t type, const uint8_t *body, size_t size)
{
    struct sim_liar *liar = saying->liar;
    if (fed_link_seal(&liar->frame, &liar->links[saying->to], (enum wire_type)type,
                      saying->frame.header.round, saying->frame.header.attempt, body,
                      size) == PN_OK)
        liar->config.send(liar->config.host, liar->roster->members[saying->to].number,
                          liar->frame.bytes, liar->frame.size);
}

static void
seal_body(const struct saying *saying, uint16_t type)
{
    seal(saying, type, saying->liar->body.bytes, saying->liar->body.size);
}

static bool
has(struct sim_liar *liar, enum sim_habit habit)
{
    return (liar->habits >> habit & 1) != 0 && pn_rng_uniform(&liar->rng) < liar->config.chance;
}

/* To some members one thing, to the others another. */
static bool
is_other_half(const struct saying *saying)
{
    return (saying->to & 1) != 0;
}

static struct pn_buffer *
begin(struct sim_liar *liar)
{
    pn_buffer_clear(&liar->body);
    return &liar->body;
}

static struct wire_arena *
arena_of(struct sim_liar *liar)
{
    wire_arena_reset(&liar->arena);
    return &liar->arena;
}

static void
flip(uint8_t *bytes, size_t size, struct pn_rng *rng)
{
    bytes[pn_rng_below(rng, size)] ^= (uint8_t)(1u << pn_rng_below(rng, 8));
}

/* ---- votes ---- */

static void
sign_vote(struct sim_liar *liar, struct wire_vote *wire)
{
    struct sec_signature signature;
    struct fed_vote      vote = {.height    = wire->height,
                                 .view      = wire->view,
                                 .step      = (enum fed_step)wire->step,
                                 .lock_view = wire->lock_view};
    memcpy(vote.hash.bytes, wire->hash, sizeof wire->hash);
    memcpy(vote.lock.bytes, wire->lock, sizeof wire->lock);
    fed_vote_sign(&signature, liar->run, &vote, liar->secret);
    memcpy(wire->signature, signature.bytes, sizeof wire->signature);
}

static void
vote_for_another(struct sim_liar *liar, struct wire_vote *vote)
{
    struct sec_hash hash;
    memcpy(hash.bytes, vote->hash, sizeof hash.bytes);
    if (sec_hash_is_zero(&hash) && !sec_hash_is_zero(&liar->proposed))
        memcpy(vote->hash, liar->proposed.bytes, sizeof vote->hash);
    else if (sec_hash_is_zero(&hash) || pn_rng_below(&liar->rng, 4) == 0)
        pn_put_u64(vote->hash, 1 + pn_rng_u64(&liar->rng));
    else
        memset(vote->hash, 0, sizeof vote->hash);
}

/* For the block that this member was shown. */
static bool
vote_for_twin(struct sim_liar *liar, uint32_t to, struct wire_vote *vote)
{
    const struct sec_hash *blocks = liar->config.plot->blocks;
    if (!has(liar, SIM_FORK) || (memcmp(vote->hash, blocks[0].bytes, 32) != 0 &&
                                 memcmp(vote->hash, blocks[1].bytes, 32) != 0))
        return false;
    memcpy(vote->hash, blocks[to & 1].bytes, sizeof vote->hash);
    return true;
}

static bool
lie_vote(const struct saying *saying)
{
    struct sim_liar *liar = saying->liar;
    struct wire_vote vote;
    bool             both = pn_rng_below(&liar->rng, 4) == 0, lied = false;
    if (wire_vote_decode(&vote, arena_of(liar), saying->frame.body,
                         saying->frame.header.body_size) != PN_OK)
        return false;
    if (vote.hash[0] != 0)
        memcpy(liar->proposed.bytes, vote.hash, sizeof vote.hash);
    if (has(liar, SIM_TWO_VOTES) && (both || is_other_half(saying))) {
        if (both)
            seal(saying, WIRE_VOTE, saying->frame.body, saying->frame.header.body_size);
        vote_for_another(liar, &vote);
        lied = true;
    }
    if (vote.step == WIRE_PREVOTE && vote.view > 1 && has(liar, SIM_FALSE_LOCK)) {
        vote.lock_view = vote.view - 1;
        pn_put_u64(vote.lock, 1 + pn_rng_u64(&liar->rng));
        lied = true;
    }
    lied = vote_for_twin(liar, saying->to, &vote) || lied;
    sign_vote(liar, &vote);
    if (lied && wire_vote_encode(begin(liar), &vote) == PN_OK)
        seal_body(saying, WIRE_VOTE);
    return lied;
}

/* ---- contributions ---- */

/* Other bytes under another name, on the disk: the engine gives them to whoever asks. */
static bool
make_another(struct wire_blob *blob, struct sim_liar *liar, const char *folder)
{
    uint8_t          bytes[SMALL_BLOB];
    char             name[ENGINE_NAME_SIZE];
    struct sec_blob  made = fed_blob_from_wire(blob);
    struct sec_hash *leaves;
    if (blob->size == 0 || blob->size > sizeof bytes)
        return false;
    engine_blob_name(name, folder, &made.root);
    const struct store_disk *disk = liar->config.disk;
    if (disk->read(disk->host, name, bytes, 0, (size_t)blob->size) != PN_OK)
        return false;
    bytes[0] ^= 1;
    if (engine_blob_of(&made, &leaves, bytes, blob->size) != PN_OK)
        return false;
    free(leaves);
    engine_blob_name(name, folder, &made.root);
    *blob = fed_blob_to_wire(&made);
    return disk->save(disk->host, name, bytes, made.size) == PN_OK;
}

static bool
lie_update(const struct saying *saying)
{
    struct sim_liar     *liar = saying->liar;
    struct wire_update   update;
    struct sec_signature signature;
    if (!is_other_half(saying) || wire_update_decode(&update, arena_of(liar), saying->frame.body,
                                                     saying->frame.header.body_size) != PN_OK)
        return false;
    if (has(liar, SIM_HUGE))
        update.update.size = (uint64_t)1 << 34;
    else if (!has(liar, SIM_TWO_UPDATES))
        return false;
    else if (pn_rng_below(&liar->rng, 3) == 0)
        update.weight++;
    else if (!make_another(&update.update, liar, "updates"))
        return false;
    struct fed_commitment commitment = {.round    = saying->frame.header.round,
                                        .weight   = update.weight,
                                        .member   = liar->config.self,
                                        .model_in = saying->chain->model,
                                        .update   = fed_blob_from_wire(&update.update)};
    memcpy(commitment.run, liar->run, sizeof commitment.run);
    fed_commitment_sign(&signature, &commitment, liar->secret);
    memcpy(update.signature, signature.bytes, sizeof update.signature);
    if (wire_update_encode(begin(liar), &update) != PN_OK)
        return false;
    seal_body(saying, WIRE_UPDATE);
    return true;
}

static bool
lie_report(const struct saying *saying)
{
    struct sim_liar         *liar = saying->liar;
    struct wire_contribution report;
    struct sec_signature     signature;
    if (!is_other_half(saying) || !has(liar, SIM_TWO_UPDATES) ||
        wire_contribution_decode(&report, arena_of(liar), saying->frame.body,
                                 saying->frame.header.body_size) != PN_OK ||
        !make_another(&report.report, liar, "reports"))
        return false;
    struct fed_report said = {.height = saying->frame.header.round,
                              .member = liar->config.self,
                              .blob   = fed_blob_from_wire(&report.report)};
    memcpy(said.run, liar->run, sizeof said.run);
    fed_report_sign(&signature, &said, liar->secret);
    memcpy(report.signature, signature.bytes, sizeof report.signature);
    if (wire_contribution_encode(begin(liar), &report) != PN_OK)
        return false;
    seal_body(saying, WIRE_REPORT);
    return true;
}

static bool
lie_chunk(const struct saying *saying)
{
    struct sim_liar *liar = saying->liar;
    if (has(liar, SIM_WITHHOLD))
        return true;
    if (!has(liar, SIM_WRONG_CHUNK) ||
        pn_buffer_append(begin(liar), saying->frame.body, saying->frame.header.body_size) != PN_OK)
        return false;
    flip(liar->body.bytes, liar->body.size, &liar->rng);
    seal_body(saying, WIRE_CHUNK);
    return true;
}

/* ---- proposals ---- */

static void
leave_out(struct wire_block *block)
{
    uint32_t left = (uint32_t)(block->entry_count + 1) / 2;
    size_t   at   = block->absent_count;
    for (size_t i = left; i < block->entry_count; i++, block->absent_count++)
        block->absent[block->absent_count] =
            (struct wire_absent){block->entries[i].member, WIRE_ABSENT_LATE};
    block->entry_count = left;
    for (size_t i = at; i < block->absent_count; i++) /* members increase */
        for (size_t k = i; k > 0 && block->absent[k - 1].member > block->absent[k].member; k--) {
            struct wire_absent swap = block->absent[k];
            block->absent[k]        = block->absent[k - 1];
            block->absent[k - 1]    = swap;
        }
}

/* Two votes of somebody else, signed by the liar. */
static void
convict_innocent(struct sim_liar *liar, struct wire_block *block)
{
    const struct fed_roster *roster     = liar->roster;
    struct wire_conviction  *conviction = &block->agreement->convictions[0];
    uint32_t                 place      = (uint32_t)pn_rng_below(&liar->rng, roster->member_count);
    struct wire_vote         vote       = {.height = block->height,
                                           .member = roster->members[place].number,
                                           .view   = 1,
                                           .step   = WIRE_PRECOMMIT,
                                           .hash   = {1}};
    sign_vote(liar, &vote);
    conviction->first = vote;
    vote.hash[0]      = 2;
    sign_vote(liar, &vote);
    conviction->other                  = vote;
    block->agreement->conviction_count = 1;
}

/* The decoder's lists are as long as what came: these have room for every member. */
static bool
open_block(struct wire_block *block, struct sim_liar *liar, const struct wire_propose *propose)
{
    size_t              members = liar->roster->member_count;
    struct wire_absent *absent;
    if (wire_block_decode(block, &liar->arena, propose->block.bytes, propose->block.size) !=
            PN_OK ||
        block->agreement == NULL || block->proposer != liar->config.self)
        return false;
    absent = wire_arena_take(&liar->arena, members * sizeof *absent);
    block->agreement->convictions =
        wire_arena_take(&liar->arena, WIRE_CONVICTIONS_MAX * sizeof *block->agreement->convictions);
    if (absent == NULL || block->agreement->convictions == NULL ||
        block->absent_count + block->entry_count > members)
        return false;
    block->agreement->conviction_count = 0;
    if (block->absent_count > 0)
        memcpy(absent, block->absent, block->absent_count * sizeof *absent);
    block->absent = absent;
    return true;
}

/* Another block, as good as the first. */
static bool
make_twin(struct sim_liar *liar, struct wire_block *block, const struct wire_span *first)
{
    if (!has(liar, SIM_FORK))
        return false;
    fed_block_hash(&liar->config.plot->blocks[0], first->bytes, first->size);
    block->time_ms++;
    return true;
}

static bool
bend_block(struct sim_liar *liar, struct wire_propose *propose)
{
    struct wire_block    block;
    struct sec_hash      hash;
    struct sec_signature signature;
    bool                 lied = false;
    if (!open_block(&block, liar, propose))
        return false;
    if (has(liar, SIM_WRONG_MODEL)) {
        block.model_out.root[0] ^= 1;
        lied = true;
    }
    if (block.entry_count > 1 && has(liar, SIM_LEAVE_OUT)) {
        leave_out(&block);
        lied = true;
    }
    if (has(liar, SIM_FALSE_WITNESS)) {
        convict_innocent(liar, &block);
        lied = true;
    }
    bool twin = make_twin(liar, &block, &propose->block);
    lied      = twin || lied;
    pn_buffer_clear(&liar->block);
    if (!lied || wire_block_encode(&liar->block, &block) != PN_OK)
        return false;
    fed_block_hash(&hash, liar->block.bytes, liar->block.size);
    fed_block_sign(&signature, &hash, liar->secret);
    if (twin)
        liar->config.plot->blocks[1] = hash;
    memcpy(propose->signature, signature.bytes, sizeof propose->signature);
    propose->block = (struct wire_span){liar->block.bytes, liar->block.size};
    return true;
}

/* A quorum of prevotes for the block in the view before, all of them by the liar's own hand. */
static bool
invent_proof(struct sim_liar *liar, struct wire_propose *propose, uint64_t height)
{
    const struct fed_roster *roster = liar->roster;
    struct sec_hash          hash;
    if (propose->view < 2)
        return false;
    propose->votes = wire_arena_take(&liar->arena, roster->member_count * sizeof *propose->votes);
    if (propose->votes == NULL)
        return false;
    propose->valid_view = propose->view - 1;
    propose->vote_count = roster->member_count;
    fed_block_hash(&hash, propose->block.bytes, propose->block.size);
    for (uint32_t i = 0; i < roster->member_count; i++) {
        propose->votes[i] = (struct wire_vote){.height = height,
                                               .member = roster->members[i].number,
                                               .view   = propose->valid_view,
                                               .step   = WIRE_PREVOTE};
        memcpy(propose->votes[i].hash, hash.bytes, sizeof hash.bytes);
        sign_vote(liar, &propose->votes[i]);
    }
    return true;
}

static bool
lie_propose(const struct saying *saying)
{
    struct sim_liar    *liar = saying->liar;
    struct wire_propose propose;
    if (wire_propose_decode(&propose, arena_of(liar), saying->frame.body,
                            saying->frame.header.body_size) != PN_OK)
        return false;
    bool some = pn_rng_below(&liar->rng, 2) == 0 && (liar->habits >> SIM_FORK & 1) == 0;
    bool lied = (some || is_other_half(saying)) && bend_block(liar, &propose);
    if (has(liar, SIM_FALSE_PROOF))
        lied = invent_proof(liar, &propose, saying->frame.header.round) || lied;
    if (!lied || wire_propose_encode(begin(liar), &propose) != PN_OK)
        return false;
    seal_body(saying, saying->frame.header.type);
    return true;
}

/* ---- anything ---- */

static bool
lie_status(const struct saying *saying)
{
    struct sim_liar   *liar = saying->liar;
    struct wire_status status;
    if (!has(liar, SIM_FAR) || wire_status_decode(&status, arena_of(liar), saying->frame.body,
                                                  saying->frame.header.body_size) != PN_OK)
        return false;
    for (uint32_t i = 0; i < STORM; i++) {
        struct wire_ask ask = {.height = pn_rng_below(&liar->rng, saying->chain->height + 2)};
        memcpy(ask.hash, liar->proposed.bytes, i % 2 == 0 ? sizeof ask.hash : 0);
        if (wire_ask_encode(begin(liar), &ask) == PN_OK)
            seal_body(saying, WIRE_ASK);
    }
    status.height += 1 + pn_rng_below(&liar->rng, FAR_HEIGHTS);
    memset(status.head, 1, sizeof status.head);
    if (wire_status_encode(begin(liar), &status) == PN_OK)
        seal_body(saying, WIRE_STATUS);
    return true;
}

static bool
lie_relay(const struct saying *saying)
{
    const struct fed_roster *roster = saying->liar->roster;
    struct sim_liar         *liar   = saying->liar;
    struct wire_relay        relay;
    struct pn_buffer        *body = begin(liar);
    if (!has(liar, SIM_BAD_RELAY) ||
        wire_relay_decode(&relay, saying->frame.body, saying->frame.header.body_size) != PN_OK ||
        pn_buffer_append(body, saying->frame.body, saying->frame.header.body_size) != PN_OK)
        return false;
    uint32_t other = roster->members[pn_rng_below(&liar->rng, roster->member_count)].number;
    switch (pn_rng_below(&liar->rng, 5)) {
    case 0:
        return true;
    case 1:
        flip(body->bytes, body->size, &liar->rng);
        break;
    case 2:
        relay.origin = other;
        wire_relay_head(body->bytes, &relay);
        break;
    case 3:
        relay.target = other;
        wire_relay_head(body->bytes, &relay);
        break;
    default:
        seal_body(saying, WIRE_RELAY);
    }
    seal_body(saying, WIRE_RELAY);
    return true;
}

static bool
lie_fault(const struct saying *saying)
{
    struct sim_liar *liar = saying->liar;
    if (saying->frame.header.type == WIRE_HELLO || !is_other_half(saying) ||
        pn_rng_below(&liar->rng, 4) != 0 || !has(liar, SIM_HALF_FAULT) ||
        wire_fault_encode(begin(liar), &(struct wire_fault){"a lie"}) != PN_OK)
        return false;
    seal(saying, saying->frame.header.type, saying->frame.body, saying->frame.header.body_size);
    if (wire_fault_encode(begin(liar), &(struct wire_fault){"a lie"}) == PN_OK)
        seal_body(saying, WIRE_FAULT);
    return true;
}

/* A body of its type's greatest length, or with wrong bits. */
static bool
lie_bytes(const struct saying *saying)
{
    struct sim_liar *liar = saying->liar;
    uint16_t         type = saying->frame.header.type;
    bool             huge = pn_rng_below(&liar->rng, 32) == 0 && has(liar, SIM_HUGE);
    if (type == WIRE_HELLO || (!huge && !has(liar, SIM_NOISE)) ||
        pn_buffer_append(begin(liar), saying->frame.body, saying->frame.header.body_size) != PN_OK)
        return false;
    if (huge && pn_buffer_extend(&liar->body, wire_body_max(type) - liar->body.size) != PN_OK)
        return false;
    if (!huge && liar->body.size > 0)
        flip(liar->body.bytes, liar->body.size, &liar->rng);
    seal_body(saying, type);
    return true;
}

static void
keep(struct sim_liar *liar, const struct wire_frame *frame)
{
    struct kept *kept = &liar->kept[liar->next++ % KEPT];
    pn_buffer_clear(&kept->body);
    kept->type = 0;
    if (frame->header.type != WIRE_HELLO &&
        pn_buffer_append(&kept->body, frame->body, frame->header.body_size) == PN_OK)
        kept->type = frame->header.type;
}

static bool
lie_again(const struct saying *saying)
{
    struct sim_liar   *liar = saying->liar;
    const struct kept *kept = &liar->kept[pn_rng_below(&liar->rng, KEPT)];
    if (kept->type == 0 || !has(liar, SIM_REPEAT))
        return false;
    seal(saying, kept->type, kept->body.bytes, kept->body.size);
    seal(saying, saying->frame.header.type, saying->frame.body, saying->frame.header.body_size);
    return true;
}

/* Nothing leaves for a while. */
static bool
is_silent(struct sim_liar *liar)
{
    if (liar->silence > 0)
        liar->silence--;
    else if (pn_rng_below(&liar->rng, SILENCE_MAX) == 0 && has(liar, SIM_MUTE))
        liar->silence = (uint32_t)pn_rng_below(&liar->rng, SILENCE_MAX);
    return liar->silence > 0;
}

static bool
lie_of_type(const struct saying *saying)
{
    switch (saying->frame.header.type) {
    case WIRE_VOTE:
        return lie_vote(saying);
    case WIRE_UPDATE:
        return lie_update(saying);
    case WIRE_REPORT:
        return lie_report(saying);
    case WIRE_CHUNK:
        return lie_chunk(saying);
    case WIRE_PROPOSE:
    case WIRE_SHOW:
        return lie_propose(saying);
    case WIRE_STATUS:
        return lie_status(saying);
    case WIRE_RELAY:
        return lie_relay(saying);
    default:
        return false;
    }
}

bool
sim_liar_say(struct sim_liar *liar, const struct fed_chain *chain, uint32_t member,
             const uint8_t *frame, size_t size)
{
    struct saying saying = {
        .liar = liar, .chain = chain, .to = fed_roster_place(liar->roster, member)};
    if (wire_frame_decode(&saying.frame, frame, size) != PN_OK)
        return false;
    bool lied = is_silent(liar) || lie_of_type(&saying) || lie_fault(&saying) ||
                lie_again(&saying) || lie_bytes(&saying);
    if (!lied)
        seal(&saying, saying.frame.header.type, saying.frame.body, saying.frame.header.body_size);
    keep(liar, &saying.frame);
    return lied;
}

/* ---- beginning and end ---- */

void
sim_liar_boot(struct sim_liar *liar, const struct sim_liar_life *life)
{
    const struct fed_roster *roster = life->roster;
    PN_ASSERT(roster->member_count <= liar->config.members);
    liar->roster = roster;
    liar->secret = life->secret;
    memcpy(liar->run, life->run, sizeof liar->run);
    for (uint32_t i = 0; i < roster->member_count; i++) {
        struct fed_link_ends ends = {.epoch  = roster->epoch,
                                     .self   = liar->config.self,
                                     .peer   = roster->members[i].number,
                                     .swarm  = true,
                                     .secret = liar->secret,
                                     .key    = &roster->members[i].certificate.node};
        memcpy(ends.run, life->run, sizeof ends.run);
        fed_link_init(&liar->links[i], &ends, life->boot);
    }
}

static void
draw_habits(struct sim_liar *liar)
{
    pn_rng_init(&liar->rng, liar->config.seed);
    liar->habits = liar->config.habits;
    for (uint32_t i = 0; i < SIM_HABITS_DRAWN && liar->config.habits == 0; i++)
        liar->habits |= (uint32_t)(pn_rng_below(&liar->rng, 3) == 0) << i;
}

enum pn_status
sim_liar_new(struct sim_liar **out, const struct sim_liar_config *config)
{
    struct sim_liar *liar = calloc(1, sizeof *liar);
    if (liar == NULL)
        return PN_ENOMEM;
    liar->config = *config;
    liar->links  = calloc(config->members, sizeof *liar->links);
    liar->room   = aligned_alloc(16, WIRE_ARENA_SIZE);
    pn_buffer_init(&liar->frame, WIRE_FRAME_MAX);
    pn_buffer_init(&liar->body, WIRE_BODY_MAX);
    pn_buffer_init(&liar->block, WIRE_BLOCK_MAX);
    for (size_t i = 0; i < KEPT; i++)
        pn_buffer_init(&liar->kept[i].body, WIRE_BODY_MAX);
    if (liar->links == NULL || liar->room == NULL) {
        sim_liar_free(liar);
        return PN_ENOMEM;
    }
    wire_arena_init(&liar->arena, liar->room, WIRE_ARENA_SIZE);
    draw_habits(liar);
    *out = liar;
    return PN_OK;
}

void
sim_liar_free(struct sim_liar *liar)
{
    if (liar == NULL)
        return;
    for (size_t i = 0; i < KEPT; i++)
        pn_buffer_fini(&liar->kept[i].body);
    pn_buffer_fini(&liar->frame);
    pn_buffer_fini(&liar->body);
    pn_buffer_fini(&liar->block);
    free(liar->room);
    free(liar->links);
    free(liar);
}
