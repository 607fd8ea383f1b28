#include "fed/consensus.h"

#include <string.h>

enum {
    AHEAD      = FED_VIEWS_KEPT - 1, /* proposals of so many views to come are kept */
    LONGEST_MS = 600000
};

static const struct sec_hash NO_BLOCK;

/* One call of step: what its functions share. */
struct turn {
    struct fed_consensus         *consensus;
    struct fed_consensus_effects *effects;
    pn_ms                         now;
};

static struct fed_consensus_effect *
emit(struct turn *turn, enum fed_consensus_effect_kind kind)
{
    PN_ASSERT(turn->effects->count < FED_CONSENSUS_EFFECTS_MAX);
    struct fed_consensus_effect *effect = &turn->effects->items[turn->effects->count++];
    *effect                             = (struct fed_consensus_effect){.kind = kind};
    return effect;
}

/* ---- numbers ---- */

uint32_t
fed_quorum_bft(uint32_t members, uint32_t *liars)
{
    if (liars != NULL)
        *liars = members > 0 ? (members - 1) / 3 : 0;
    return 2 * members / 3 + 1;
}

uint32_t
fed_quorum_majority(uint32_t members, uint32_t *liars)
{
    if (liars != NULL)
        *liars = 0;
    return members / 2 + 1;
}

uint32_t
fed_consensus_leader(const struct fed_consensus *consensus, uint32_t view)
{
    return (uint32_t)((consensus->height + view - 1) % consensus->limits.members);
}

static bool
we_lead(const struct fed_consensus *consensus)
{
    return fed_consensus_leader(consensus, consensus->view) == consensus->limits.self;
}

static pn_ms
time_in_view(const struct fed_consensus *consensus, pn_ms base)
{
    pn_ms span = base + consensus->limits.grow_ms * (consensus->view - 1);
    return span < LONGEST_MS ? span : LONGEST_MS;
}

/* ---- what was said ---- */

static const struct fed_signed_vote *
said_by(const struct fed_consensus *consensus, uint32_t member, uint32_t view, enum fed_step step)
{
    const struct fed_signed_vote *vote =
        &consensus->voters[member].said[view % FED_VIEWS_KEPT][step - FED_PREVOTE];
    return vote->vote.view == view ? vote : NULL;
}

/* Members that voted in this step for `hash`; for anything when `hash` is NULL. */
static uint32_t
count_votes(const struct fed_consensus *consensus, uint32_t view, enum fed_step step,
            const struct sec_hash *hash)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < consensus->limits.members; i++) {
        const struct fed_signed_vote *vote = said_by(consensus, i, view, step);
        count += vote != NULL && (hash == NULL || sec_hash_equal(&vote->vote.hash, hash));
    }
    return count;
}

uint32_t
fed_consensus_votes(struct fed_signed_vote *out, const struct fed_consensus *consensus,
                    uint32_t view, enum fed_step step, const struct sec_hash *hash)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < consensus->limits.members; i++) {
        const struct fed_signed_vote *vote = said_by(consensus, i, view, step);
        if (vote != NULL && sec_hash_equal(&vote->vote.hash, hash))
            out[count++] = *vote;
    }
    return count;
}

/* The block, not none, that a quorum voted for; false when there is none. */
static bool
find_quorum(struct sec_hash *out, const struct fed_consensus *consensus, uint32_t view,
            enum fed_step step)
{
    for (uint32_t i = 0; i < consensus->limits.members; i++) {
        const struct fed_signed_vote *vote = said_by(consensus, i, view, step);
        if (vote == NULL || sec_hash_is_zero(&vote->vote.hash) ||
            count_votes(consensus, view, step, &vote->vote.hash) < consensus->limits.quorum)
            continue;
        *out = vote->vote.hash;
        return true;
    }
    return false;
}

/* ---- blocks that we heard of ---- */

static struct fed_proposal *
find_proposal(struct fed_consensus *consensus, const struct sec_hash *hash)
{
    for (size_t i = 0; i < FED_C_PROPOSALS; i++)
        if (!sec_hash_is_zero(hash) && sec_hash_equal(&consensus->proposals[i].hash, hash))
            return &consensus->proposals[i];
    return NULL;
}

static struct fed_proposal *
proposal_of_view(struct fed_consensus *consensus, uint32_t view)
{
    for (size_t i = 0; i < FED_C_PROPOSALS; i++)
        if (consensus->proposals[i].view == view &&
            !sec_hash_is_zero(&consensus->proposals[i].hash))
            return &consensus->proposals[i];
    return NULL;
}

static bool
is_pinned(const struct fed_consensus *consensus, const struct sec_hash *hash)
{
    return sec_hash_equal(hash, &consensus->locked) || sec_hash_equal(hash, &consensus->valid) ||
           sec_hash_equal(hash, &consensus->own);
}

/* The entry of this block: a new one takes a free place, or that of the oldest view. */
static struct fed_proposal *
note_proposal(struct fed_consensus *consensus, const struct sec_hash *hash)
{
    struct fed_proposal *place = find_proposal(consensus, hash);
    if (place != NULL)
        return place;
    for (size_t i = 0; i < FED_C_PROPOSALS; i++) {
        struct fed_proposal *each = &consensus->proposals[i];
        if (sec_hash_is_zero(&each->hash)) {
            place = each;
            break;
        }
        if (!is_pinned(consensus, &each->hash) && (place == NULL || each->view < place->view))
            place = each;
    }
    *place = (struct fed_proposal){.hash = *hash, .view = FED_NO_VIEW};
    return place;
}

static bool
is_good(struct turn *turn, struct fed_proposal *proposal)
{
    if (!proposal->checked && !proposal->checking) {
        proposal->checking            = true;
        emit(turn, FED_C_CHECK)->hash = proposal->hash;
    }
    return proposal->checked && proposal->good;
}

/* ---- saying something ---- */

static void
say(struct turn *turn, enum fed_step step, const struct sec_hash *hash)
{
    struct fed_consensus *consensus = turn->consensus;
    struct fed_vote       vote      = {
                   .height = consensus->height, .view = consensus->view, .step = step, .hash = *hash};
    if (step == FED_PREVOTE) {
        vote.lock_view = consensus->locked_view;
        vote.lock      = consensus->locked;
    }
    consensus->mine[step - FED_PREVOTE] = vote;
    consensus->next                     = (enum fed_step)(step + 1);
    consensus->timed                    = false;
    consensus->deadline                 = UINT64_MAX;
    if (consensus->repeat_at == UINT64_MAX)
        consensus->repeat_at = turn->now + consensus->limits.repeat_ms;
    emit(turn, FED_C_VOTE)->vote = vote;
}

static void
propose(struct turn *turn, const struct sec_hash *hash, uint32_t valid_view)
{
    struct fed_consensus        *consensus = turn->consensus;
    struct fed_proposal         *proposal  = note_proposal(consensus, hash);
    struct fed_consensus_effect *effect    = emit(turn, FED_C_PROPOSE);
    proposal->view                         = consensus->view;
    proposal->valid_view                   = valid_view;
    effect->hash                           = *hash;
    effect->view                           = consensus->view;
    effect->valid_view                     = valid_view;
    if (consensus->repeat_at == UINT64_MAX)
        consensus->repeat_at = turn->now + consensus->limits.repeat_ms;
}

/* What a quorum prevoted comes first: members may be locked on it. */
static void
lead(struct turn *turn)
{
    struct fed_consensus *consensus = turn->consensus;
    if (!we_lead(consensus) || consensus->next != FED_PREVOTE ||
        proposal_of_view(consensus, consensus->view) != NULL)
        return;
    if (consensus->valid_view != FED_NO_VIEW) {
        propose(turn, &consensus->valid, consensus->valid_view);
    } else if (!sec_hash_is_zero(&consensus->own)) {
        propose(turn, &consensus->own, FED_NO_VIEW);
    } else if (consensus->ready && !consensus->building) {
        consensus->building = true;
        (void)emit(turn, FED_C_BUILD);
    }
}

static void
start_clock(struct turn *turn, pn_ms base)
{
    turn->consensus->timed    = true;
    turn->consensus->deadline = turn->now + time_in_view(turn->consensus, base);
}

static void
enter_view(struct turn *turn, uint32_t view)
{
    struct fed_consensus  *consensus = turn->consensus;
    const struct fed_vote *said      = &consensus->mine[FED_PRECOMMIT - FED_PREVOTE];
    if (said->view != FED_NO_VIEW)
        consensus->before = *said;
    consensus->view = view;
    consensus->next = FED_PREVOTE;
    memset(consensus->mine, 0, sizeof consensus->mine);
    start_clock(turn, consensus->limits.propose_ms);
    lead(turn);
}

/* ---- the rules; each is true when it changed something ---- */

/* Lock rule: a proposal that is not what we are locked on needs a quorum after our lock. */
static bool
may_prevote(const struct fed_consensus *consensus, const struct fed_proposal *proposal)
{
    return consensus->locked_view == FED_NO_VIEW ||
           sec_hash_equal(&consensus->locked, &proposal->hash) ||
           (proposal->valid_view != FED_NO_VIEW && proposal->valid_view >= consensus->locked_view &&
            proposal->valid_view < consensus->view);
}

static bool
rule_prevote(struct turn *turn)
{
    struct fed_consensus *consensus = turn->consensus;
    struct fed_proposal  *proposal  = proposal_of_view(consensus, consensus->view);
    if (consensus->next != FED_PREVOTE || proposal == NULL)
        return false;
    bool good = is_good(turn, proposal);
    if (!proposal->checked)
        return false;
    say(turn, FED_PREVOTE, good && may_prevote(consensus, proposal) ? &proposal->hash : &NO_BLOCK);
    return true;
}

/* A quorum of prevotes for a good block: it is the one that may be decided; lock on it. */
static bool
rule_lock(struct turn *turn)
{
    struct fed_consensus *consensus = turn->consensus;
    struct sec_hash       hash;
    if (consensus->valid_view == consensus->view ||
        !find_quorum(&hash, consensus, consensus->view, FED_PREVOTE) ||
        !is_good(turn, note_proposal(consensus, &hash)))
        return false;
    consensus->valid      = hash;
    consensus->valid_view = consensus->view;
    if (consensus->next == FED_PREVOTE) /* the quorum shows that it is right to */
        say(turn, FED_PREVOTE, &hash);
    if (consensus->next == FED_PRECOMMIT) {
        consensus->locked      = hash;
        consensus->locked_view = consensus->view;
        say(turn, FED_PRECOMMIT, &hash);
    }
    return true;
}

static bool
rule_none(struct turn *turn)
{
    struct fed_consensus *consensus = turn->consensus;
    if (consensus->next != FED_PRECOMMIT ||
        count_votes(consensus, consensus->view, FED_PREVOTE, &NO_BLOCK) < consensus->limits.quorum)
        return false;
    say(turn, FED_PRECOMMIT, &NO_BLOCK);
    return true;
}

/* Enough have spoken that the rest may be waited for no longer than a while. Before our prevote
 * that is the time for the proposal, which others count already. */
static bool
rule_clock(struct turn *turn)
{
    struct fed_consensus *consensus = turn->consensus;
    if (consensus->timed)
        return false;
    bool start = false;
    if (consensus->next == FED_PREVOTE)
        start = consensus->ready || count_votes(consensus, consensus->view, FED_PREVOTE, NULL) >
                                        consensus->limits.liars;
    else
        start = count_votes(consensus, consensus->view, (enum fed_step)(consensus->next - 1),
                            NULL) >= consensus->limits.quorum;
    if (start)
        start_clock(turn, consensus->next == FED_PREVOTE ? consensus->limits.propose_ms
                                                         : consensus->limits.vote_ms);
    return start;
}

static bool
rule_decide(struct turn *turn)
{
    struct fed_consensus *consensus = turn->consensus;
    for (uint32_t i = 0; i < consensus->limits.members; i++)
        for (uint32_t slot = 0; slot < FED_VIEWS_KEPT; slot++) {
            const struct fed_vote *vote =
                &consensus->voters[i].said[slot][FED_PRECOMMIT - FED_PREVOTE].vote;
            struct sec_hash hash;
            if (vote->view == FED_NO_VIEW || sec_hash_is_zero(&vote->hash) ||
                !find_quorum(&hash, consensus, vote->view, FED_PRECOMMIT) ||
                !is_good(turn, note_proposal(consensus, &hash)))
                continue;
            struct fed_consensus_effect *effect = emit(turn, FED_C_DECIDE);
            effect->hash                        = hash;
            effect->view                        = vote->view;
            consensus->decided                  = true;
            consensus->deadline = consensus->repeat_at = UINT64_MAX;
            return false;
        }
    return false;
}

/* The newest view that more than `liars` members have reached: one of them is honest. */
static bool
rule_follow(struct turn *turn)
{
    struct fed_consensus *consensus = turn->consensus;
    uint32_t              best      = consensus->view;
    for (uint32_t i = 0; i < consensus->limits.members; i++) {
        uint32_t view = consensus->voters[i].newest, reached = 0;
        if (view <= best)
            continue;
        for (uint32_t k = 0; k < consensus->limits.members; k++)
            reached += consensus->voters[k].newest >= view;
        if (reached > consensus->limits.liars)
            best = view;
    }
    if (best == consensus->view)
        return false;
    enter_view(turn, best);
    return true;
}

static void
settle(struct turn *turn)
{
    struct fed_consensus *consensus = turn->consensus;
    bool                  moved     = true;
    while (moved && !consensus->decided)
        moved = rule_follow(turn) || rule_prevote(turn) || rule_lock(turn) || rule_none(turn) ||
                rule_clock(turn) || rule_decide(turn);
}

/* ---- events ---- */

static void
repeat(struct turn *turn)
{
    struct fed_consensus  *consensus = turn->consensus;
    const struct fed_vote *said[] = {&consensus->before, &consensus->mine[0], &consensus->mine[1]};
    struct fed_proposal   *proposal = proposal_of_view(consensus, consensus->view);
    if (proposal != NULL && we_lead(consensus)) {
        struct fed_consensus_effect *effect = emit(turn, FED_C_PROPOSE);
        effect->hash                        = proposal->hash;
        effect->view                        = consensus->view;
        effect->valid_view                  = proposal->valid_view;
    }
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
        if (said[i]->view != FED_NO_VIEW)
            emit(turn, FED_C_VOTE)->vote = *said[i];
}

void
fed_consensus_repeat(struct fed_consensus_effects *effects, struct fed_consensus *consensus)
{
    struct turn turn = {.consensus = consensus, .effects = effects};
    effects->count   = 0;
    if (!consensus->decided)
        repeat(&turn);
}

static void
on_time(struct turn *turn)
{
    struct fed_consensus *consensus = turn->consensus;
    if (turn->now >= consensus->repeat_at || consensus->restored) {
        consensus->restored  = false;
        consensus->repeat_at = turn->now + consensus->limits.repeat_ms;
        repeat(turn);
    }
    if (turn->now < consensus->deadline)
        return;
    if (consensus->next < FED_BOTH_SAID)
        say(turn, consensus->next, &NO_BLOCK);
    else
        enter_view(turn, consensus->view + 1);
}

static enum pn_status
on_proposal(struct turn *turn, const struct fed_consensus_event *event)
{
    struct fed_consensus *consensus = turn->consensus;
    struct fed_proposal  *known     = proposal_of_view(consensus, event->view);
    if (event->view < consensus->view || event->view > consensus->view + AHEAD)
        return PN_EPEER_STALE;
    if (sec_hash_is_zero(&event->hash) || event->valid_view >= event->view)
        return PN_EPEER_VALUE;
    if (known != NULL)
        return sec_hash_equal(&known->hash, &event->hash) ? PN_OK : PN_EPEER_STATE;
    struct fed_proposal *proposal = note_proposal(consensus, &event->hash);
    proposal->view                = event->view;
    proposal->valid_view          = event->valid_view;
    return PN_OK;
}

static enum pn_status
on_vote(struct turn *turn, const struct fed_signed_vote *vote)
{
    struct fed_consensus *consensus = turn->consensus;
    if (vote->member >= consensus->limits.members || vote->vote.height != consensus->height ||
        vote->vote.view == FED_NO_VIEW || vote->vote.view > FED_VIEW_MAX ||
        vote->vote.step < FED_PREVOTE || vote->vote.step > FED_PRECOMMIT)
        return PN_EPEER_VALUE;
    struct fed_voter       *voter = &consensus->voters[vote->member];
    struct fed_signed_vote *place =
        &voter->said[vote->vote.view % FED_VIEWS_KEPT][vote->vote.step - FED_PREVOTE];
    if (place->vote.view > vote->vote.view)
        return PN_EPEER_STALE;
    if (place->vote.view == vote->vote.view) {
        if (sec_hash_equal(&place->vote.hash, &vote->vote.hash))
            return PN_OK;
        struct fed_consensus_effect *effect = emit(turn, FED_C_CONVICT);
        effect->first                       = *place;
        effect->other                       = *vote;
        return PN_EPEER_VALUE;
    }
    *place = *vote;
    if (voter->newest < vote->vote.view)
        voter->newest = vote->vote.view;
    return PN_OK;
}

static void
on_checked(struct fed_consensus *consensus, const struct sec_hash *hash, bool good)
{
    struct fed_proposal *proposal = find_proposal(consensus, hash);
    if (proposal == NULL)
        return;
    proposal->checking = false;
    proposal->checked  = true;
    proposal->good     = good;
}

static enum pn_status
take(struct turn *turn, const struct fed_consensus_event *event)
{
    struct fed_consensus *consensus = turn->consensus;
    switch (event->kind) {
    case FED_C_TICK:
        return PN_OK;
    case FED_C_READY:
        consensus->ready = true;
        lead(turn);
        return PN_OK;
    case FED_C_BUILT:
        consensus->own = event->hash;
        on_checked(consensus, &note_proposal(consensus, &event->hash)->hash, true);
        lead(turn);
        return PN_OK;
    case FED_C_PROPOSAL:
        return on_proposal(turn, event);
    case FED_C_CHECKED:
        on_checked(consensus, &event->hash, event->good);
        return PN_OK;
    case FED_C_VOTED:
        return on_vote(turn, &event->vote);
    }
    return PN_EPEER_VALUE;
}

enum pn_status
fed_consensus_step(struct fed_consensus *consensus, pn_ms now,
                   const struct fed_consensus_event *event, struct fed_consensus_effects *effects)
{
    struct turn turn = {.consensus = consensus, .effects = effects, .now = now};
    effects->count   = 0;
    if (consensus->decided)
        return PN_EPEER_STALE;
    enum pn_status st = take(&turn, event);
    settle(&turn);
    if (!consensus->decided && event->kind == FED_C_TICK) {
        on_time(&turn);
        settle(&turn);
    }
    return st;
}

pn_ms
fed_consensus_deadline(const struct fed_consensus *consensus)
{
    if (consensus->restored)
        return 0;
    return consensus->deadline < consensus->repeat_at ? consensus->deadline : consensus->repeat_at;
}

void
fed_consensus_init(struct fed_consensus *consensus, const struct fed_consensus_limits *limits,
                   struct fed_voter *voters, uint64_t height)
{
    PN_ASSERT(limits->members > 0 && limits->members <= FED_SWARM_MAX);
    memset(voters, 0, limits->members * sizeof *voters);
    *consensus = (struct fed_consensus){.limits    = *limits,
                                        .height    = height,
                                        .view      = 1,
                                        .next      = FED_PREVOTE,
                                        .voters    = voters,
                                        .deadline  = UINT64_MAX,
                                        .repeat_at = UINT64_MAX};
}

/* ---- across a restart ---- */

/* height u64 | view, next, locked_view, valid_view u32 | locked, valid 32 |
 * prevote: hash 32, lock_view u32, lock 32 | precommit: hash 32 | before: view u32, hash 32 */
void
fed_consensus_save(uint8_t out[static FED_CONSENSUS_SAVED], const struct fed_consensus *consensus)
{
    memset(out, 0, FED_CONSENSUS_SAVED);
    pn_put_u64(out, consensus->height);
    pn_put_u32(out + 8, consensus->view);
    pn_put_u32(out + 12, (uint32_t)consensus->next);
    pn_put_u32(out + 16, consensus->locked_view);
    pn_put_u32(out + 20, consensus->valid_view);
    memcpy(out + 24, consensus->locked.bytes, 32);
    memcpy(out + 56, consensus->valid.bytes, 32);
    memcpy(out + 88, consensus->mine[0].hash.bytes, 32);
    pn_put_u32(out + 120, consensus->mine[0].lock_view);
    memcpy(out + 124, consensus->mine[0].lock.bytes, 32);
    memcpy(out + 156, consensus->mine[1].hash.bytes, 32);
    pn_put_u32(out + 188, consensus->before.view);
    memcpy(out + 192, consensus->before.hash.bytes, 32);
}

static void
restore_vote(struct fed_consensus *consensus, enum fed_step step)
{
    struct fed_vote *vote = &consensus->mine[step - FED_PREVOTE];
    vote->height          = consensus->height;
    vote->view            = consensus->view;
    vote->step            = step;
}

enum pn_status
fed_consensus_restore(struct fed_consensus *consensus,
                      const uint8_t         saved[static FED_CONSENSUS_SAVED])
{
    uint32_t view = pn_get_u32(saved + 8), next = pn_get_u32(saved + 12);
    uint32_t locked_view = pn_get_u32(saved + 16), valid_view = pn_get_u32(saved + 20);
    if (pn_get_u64(saved) != consensus->height || view == FED_NO_VIEW || next < FED_PREVOTE ||
        next > FED_BOTH_SAID || locked_view > valid_view || valid_view > view ||
        view > FED_VIEW_MAX || pn_get_u32(saved + 188) >= view)
        return PN_ECORRUPT;
    consensus->view        = view;
    consensus->next        = (enum fed_step)next;
    consensus->locked_view = locked_view;
    consensus->valid_view  = valid_view;
    memcpy(consensus->locked.bytes, saved + 24, 32);
    memcpy(consensus->valid.bytes, saved + 56, 32);
    memcpy(consensus->mine[0].hash.bytes, saved + 88, 32);
    consensus->mine[0].lock_view = pn_get_u32(saved + 120);
    memcpy(consensus->mine[0].lock.bytes, saved + 124, 32);
    memcpy(consensus->mine[1].hash.bytes, saved + 156, 32);
    consensus->before = (struct fed_vote){
        .height = consensus->height, .view = pn_get_u32(saved + 188), .step = FED_PRECOMMIT};
    memcpy(consensus->before.hash.bytes, saved + 192, 32);
    for (uint32_t step = FED_PREVOTE; step < next; step++)
        restore_vote(consensus, (enum fed_step)step);
    consensus->restored = true;
    return PN_OK;
}
