#include "fed/consensus.h"

#include <string.h>

enum {
    AHEAD       = FED_VIEWS_KEPT - 1, /* proposals of so many views to come are kept */
    LONGEST_MS  = 600000,
    CONVICTIONS = 4
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

pn_ms
fed_consensus_time(const struct fed_consensus_limits *limits, pn_ms base, uint32_t view)
{
    pn_ms span = base + limits->grow_ms * (view - 1);
    return span < LONGEST_MS ? span : LONGEST_MS;
}

static pn_ms
time_in_view(const struct fed_consensus *consensus, pn_ms base)
{
    return fed_consensus_time(&consensus->limits, base, consensus->view);
}

/* ---- what was said ---- */

static const struct fed_signed_vote *
said_by(const struct fed_consensus *consensus, uint32_t member, uint32_t view, enum fed_step step)
{
    const struct fed_signed_vote *vote =
        &consensus->voters[member].said[view % FED_VIEWS_KEPT][step - FED_PREVOTE];
    return vote->vote.view == view ? vote : NULL;
}

/* Members that have voted in this step, or are past it. */
static uint32_t
count_arrived(const struct fed_consensus *consensus, uint32_t view, enum fed_step step)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < consensus->limits.members; i++) {
        uint32_t newest = consensus->voters[i].newest;
        count += newest > view ||
                 (newest == view && (step == FED_PREVOTE || said_by(consensus, i, view, step)));
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

static bool
same_choice(const struct fed_vote *a, const struct fed_vote *b)
{
    return a->view == b->view && sec_hash_equal(&a->hash, &b->hash);
}

/* What a quorum voted in `step` of a view that is kept in `slot`; NULL when there is none. More
 * than half of the votes are equal then (Boyer and Moore: each pair of different ones cancels out).
 */
static const struct fed_vote *
find_quorum(const struct fed_consensus *consensus, uint32_t slot, enum fed_step step)
{
    const struct fed_vote *choice = NULL;
    uint32_t               lead = 0, count = 0;
    for (uint32_t i = 0; i < consensus->limits.members; i++) {
        const struct fed_vote *vote = &consensus->voters[i].said[slot][step - FED_PREVOTE].vote;
        if (vote->view == FED_NO_VIEW)
            continue;
        if (lead == 0)
            choice = vote;
        if (same_choice(choice, vote))
            lead++;
        else
            lead--;
    }
    for (uint32_t i = 0; choice != NULL && i < consensus->limits.members; i++)
        count += same_choice(choice, &consensus->voters[i].said[slot][step - FED_PREVOTE].vote);
    return count >= consensus->limits.quorum ? choice : NULL;
}

static const struct fed_vote *
prevoted(const struct fed_consensus *consensus)
{
    const struct fed_vote *vote =
        find_quorum(consensus, consensus->view % FED_VIEWS_KEPT, FED_PREVOTE);
    return vote != NULL && vote->view == consensus->view ? vote : NULL;
}

uint32_t
fed_consensus_proof(struct fed_signed_vote *out, const struct fed_consensus *consensus,
                    uint32_t valid_view, const struct sec_hash *hash)
{
    if (valid_view != consensus->valid_view || !sec_hash_equal(hash, &consensus->valid))
        return fed_consensus_votes(out, consensus, valid_view, FED_PREVOTE, hash);
    uint32_t count = 0;
    for (uint32_t i = 0; i < consensus->limits.members; i++)
        if (consensus->voters[i].proof.vote.view != FED_NO_VIEW)
            out[count++] = consensus->voters[i].proof;
    return count;
}

/* ---- what a quorum prevoted ---- */

static bool
proves(const struct fed_signed_vote *vote, uint32_t members, uint32_t view,
       const struct sec_hash *hash)
{
    return vote->member < members && vote->vote.view == view && vote->vote.step == FED_PREVOTE &&
           sec_hash_equal(&vote->vote.hash, hash);
}

/* Is it a quorum, each member once, in the order of their places? */
static bool
is_proof(const struct fed_consensus *consensus, const struct fed_consensus_event *event)
{
    for (uint32_t i = 0; i < event->vote_count; i++)
        if (!proves(&event->votes[i], consensus->limits.members, event->valid_view, &event->hash) ||
            event->votes[i].vote.height != consensus->height ||
            (i > 0 && event->votes[i].member <= event->votes[i - 1].member))
            return false;
    return event->vote_count >= consensus->limits.quorum;
}

static void
adopt(struct fed_consensus *consensus, const struct sec_hash *hash, uint32_t view)
{
    for (uint32_t i = 0; i < consensus->limits.members; i++)
        consensus->voters[i].proof = (struct fed_signed_vote){.member = i};
    consensus->valid      = *hash;
    consensus->valid_view = view;
}

static void
adopt_prevoted(struct fed_consensus *consensus, const struct sec_hash *hash)
{
    adopt(consensus, hash, consensus->view);
    for (uint32_t i = 0; i < consensus->limits.members; i++) {
        const struct fed_signed_vote *vote = said_by(consensus, i, consensus->view, FED_PREVOTE);
        if (vote != NULL && sec_hash_equal(&vote->vote.hash, hash))
            consensus->voters[i].proof = *vote;
    }
}

/* Newer than ours, or ours itself, which a restart lost. */
static void
adopt_shown(struct fed_consensus *consensus, const struct fed_consensus_event *event)
{
    if (event->valid_view < consensus->valid_view ||
        (event->valid_view == consensus->valid_view &&
         !sec_hash_equal(&event->hash, &consensus->valid)))
        return;
    adopt(consensus, &event->hash, event->valid_view);
    for (uint32_t i = 0; i < event->vote_count; i++)
        consensus->voters[event->votes[i].member].proof = event->votes[i];
}

/* ---- blocks that we heard of ---- */

static struct fed_proposal *
proposal_of_view(struct fed_consensus *consensus, uint32_t view)
{
    struct fed_proposal *proposal = &consensus->proposals[view % FED_VIEWS_KEPT];
    return proposal->view == view ? proposal : NULL;
}

static void
note_proposal(struct fed_consensus *consensus, uint32_t view, const struct sec_hash *hash,
              uint32_t valid_view)
{
    consensus->proposals[view % FED_VIEWS_KEPT] =
        (struct fed_proposal){.view = view, .valid_view = valid_view, .hash = *hash};
}

static struct fed_candidate *
find_block(struct fed_consensus *consensus, const struct sec_hash *hash)
{
    for (size_t i = 0; i < FED_C_BLOCKS; i++)
        if (!sec_hash_is_zero(hash) && sec_hash_equal(&consensus->blocks[i].hash, hash))
            return &consensus->blocks[i];
    return NULL;
}

static bool
is_pinned(const struct fed_consensus *consensus, const struct sec_hash *hash)
{
    for (size_t i = 0; i < FED_VIEWS_KEPT; i++)
        if (consensus->proposals[i].view >= consensus->view &&
            sec_hash_equal(hash, &consensus->proposals[i].hash))
            return true;
    return sec_hash_equal(hash, &consensus->locked) || sec_hash_equal(hash, &consensus->valid) ||
           sec_hash_equal(hash, &consensus->own);
}

/* The entry of this block: a new one takes the place of one that nothing speaks of any more. */
static struct fed_candidate *
note_block(struct fed_consensus *consensus, const struct sec_hash *hash)
{
    struct fed_candidate *place = find_block(consensus, hash);
    if (place != NULL)
        return place;
    for (size_t i = 0; i < FED_C_BLOCKS; i++) {
        struct fed_candidate *each = &consensus->blocks[i];
        if (sec_hash_is_zero(&each->hash)) {
            place = each;
            break;
        }
        if (place == NULL && !is_pinned(consensus, &each->hash))
            place = each;
    }
    PN_ASSERT(place != NULL);
    *place = (struct fed_candidate){.hash = *hash};
    return place;
}

static bool
is_good(struct turn *turn, struct fed_candidate *block)
{
    if (!block->checked && !block->checking) {
        block->checking               = true;
        emit(turn, FED_C_CHECK)->hash = block->hash;
    }
    return block->checked && block->good;
}

/* ---- saying something ---- */

/* A restart may have lost the votes. */
static bool
has_proof(const struct fed_consensus *consensus)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < consensus->limits.members; i++)
        count += consensus->voters[i].proof.vote.view != FED_NO_VIEW;
    return consensus->valid_view != FED_NO_VIEW && count >= consensus->limits.quorum;
}

/* Before the view ends, the next leader learns what it must propose: from who precommits none
 * before that vote, so that whoever has all of these may go on at once. */
static void
show(struct turn *turn)
{
    struct fed_consensus *consensus = turn->consensus;
    uint32_t              next      = fed_consensus_leader(consensus, consensus->view + 1);
    if (!has_proof(consensus) || next == consensus->limits.self)
        return;
    struct fed_consensus_effect *effect = emit(turn, FED_C_SHOW);
    effect->member                      = next;
    effect->hash                        = consensus->valid;
    effect->valid_view                  = consensus->valid_view;
}

static void
say(struct turn *turn, enum fed_step step, const struct sec_hash *hash)
{
    struct fed_consensus *consensus = turn->consensus;
    struct fed_vote       vote      = {.step = step, .hash = *hash};
    vote.height                     = consensus->height;
    vote.view                       = consensus->view;
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
    if (step == FED_PRECOMMIT && sec_hash_is_zero(hash))
        show(turn);
    emit(turn, FED_C_VOTE)->vote = vote;
}

static void
say_proposal(struct turn *turn, const struct fed_proposal *proposal)
{
    struct fed_consensus_effect *effect = emit(turn, FED_C_PROPOSE);
    effect->hash                        = proposal->hash;
    effect->view                        = proposal->view;
    effect->valid_view                  = proposal->valid_view;
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
}

/* ---- the rules; each is true when it changed something ---- */

/* What a quorum prevoted comes first: members may be locked on it. */
static bool
rule_lead(struct turn *turn)
{
    struct fed_consensus *consensus = turn->consensus;
    if (!we_lead(consensus) || consensus->next != FED_PREVOTE ||
        proposal_of_view(consensus, consensus->view) != NULL)
        return false;
    if (consensus->valid_view != FED_NO_VIEW) {
        if (!is_good(turn, note_block(consensus, &consensus->valid)))
            return false;
        note_proposal(consensus, consensus->view, &consensus->valid,
                      has_proof(consensus) && consensus->valid_view < consensus->view
                          ? consensus->valid_view
                          : FED_NO_VIEW);
    } else if (!sec_hash_is_zero(&consensus->own)) {
        note_proposal(consensus, consensus->view, &consensus->own, FED_NO_VIEW);
    } else if (consensus->ready && !consensus->building) {
        consensus->building = true;
        (void)emit(turn, FED_C_BUILD);
        return true;
    } else {
        return false;
    }
    say_proposal(turn, proposal_of_view(consensus, consensus->view));
    return true;
}

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
    struct fed_candidate *block = note_block(consensus, &proposal->hash);
    bool                  good  = is_good(turn, block);
    if (!block->checked)
        return false;
    say(turn, FED_PREVOTE, good && may_prevote(consensus, proposal) ? &proposal->hash : &NO_BLOCK);
    return true;
}

/* A quorum of prevotes for a good block: it is the one that may be decided; lock on it. */
static bool
rule_lock(struct turn *turn)
{
    struct fed_consensus  *consensus = turn->consensus;
    const struct fed_vote *quorum    = prevoted(consensus);
    if (quorum == NULL || sec_hash_is_zero(&quorum->hash) ||
        (consensus->next == FED_BOTH_SAID && consensus->valid_view >= consensus->view) ||
        !is_good(turn, note_block(consensus, &quorum->hash)))
        return false;
    const struct sec_hash hash = quorum->hash;
    if (consensus->valid_view < consensus->view)
        adopt_prevoted(consensus, &hash);
    if (consensus->next == FED_PREVOTE) /* against our lock there is no proof before this view */
        say(turn, FED_PREVOTE,
            consensus->locked_view == FED_NO_VIEW || sec_hash_equal(&consensus->locked, &hash)
                ? &hash
                : &NO_BLOCK);
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
    struct fed_consensus  *consensus = turn->consensus;
    const struct fed_vote *quorum    = prevoted(consensus);
    if (consensus->next != FED_PRECOMMIT || quorum == NULL || !sec_hash_is_zero(&quorum->hash))
        return false;
    say(turn, FED_PRECOMMIT, &NO_BLOCK);
    return true;
}

static bool
rule_decide(struct turn *turn)
{
    struct fed_consensus *consensus = turn->consensus;
    for (uint32_t slot = 0; slot < FED_VIEWS_KEPT; slot++) {
        const struct fed_vote *quorum = find_quorum(consensus, slot, FED_PRECOMMIT);
        if (quorum == NULL || sec_hash_is_zero(&quorum->hash) ||
            !is_good(turn, note_block(consensus, &quorum->hash)))
            continue;
        struct fed_consensus_effect *effect = emit(turn, FED_C_DECIDE);
        effect->hash                        = quorum->hash;
        effect->view                        = quorum->view;
        consensus->decided                  = true;
        consensus->deadline = consensus->repeat_at = UINT64_MAX;
        return true;
    }
    return false;
}

/* Enough are here or further that the rest may be waited for no longer than a while. In view 1
 * before our prevote that is the time for the proposal, which others count already. */
static bool
rule_clock(struct turn *turn)
{
    struct fed_consensus *consensus = turn->consensus;
    if (consensus->timed)
        return false;
    if (consensus->next == FED_PREVOTE) {
        if (consensus->view == 1 && !consensus->ready &&
            count_arrived(consensus, consensus->view, FED_PREVOTE) <= consensus->limits.liars)
            return false;
        start_clock(turn, consensus->limits.propose_ms);
        return true;
    }
    if (count_arrived(consensus, consensus->view, (enum fed_step)(consensus->next - 1)) <
        consensus->limits.quorum)
        return false;
    start_clock(turn, consensus->limits.vote_ms);
    if (consensus->next == FED_BOTH_SAID && !sec_hash_is_zero(&consensus->mine[1].hash))
        show(turn);
    return true;
}

/* Without this each height that a dead member leads would cost the time for a proposal. */
static bool
rule_away(struct turn *turn)
{
    struct fed_consensus *consensus = turn->consensus;
    pn_ms                 soon = turn->now + time_in_view(consensus, consensus->limits.vote_ms);
    if (!consensus->timed || consensus->next != FED_PREVOTE || soon >= consensus->deadline ||
        proposal_of_view(consensus, consensus->view) != NULL ||
        !consensus->voters[fed_consensus_leader(consensus, consensus->view)].away)
        return false;
    consensus->deadline = soon;
    return true;
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

/* All who can be heard precommitted none, and they are a quorum: this view decides nothing, and no
 * word that is worth waiting for is still to come. What they are locked on they showed before. */
static bool
rule_nothing(struct turn *turn)
{
    struct fed_consensus *consensus = turn->consensus;
    uint32_t              none      = 0;
    if (consensus->next != FED_BOTH_SAID)
        return false;
    for (uint32_t i = 0; i < consensus->limits.members; i++) {
        const struct fed_signed_vote *vote = said_by(consensus, i, consensus->view, FED_PRECOMMIT);
        if (vote == NULL ? !consensus->voters[i].away : !sec_hash_is_zero(&vote->vote.hash))
            return false;
        none += vote != NULL;
    }
    if (none < consensus->limits.quorum)
        return false;
    enter_view(turn, consensus->view + 1);
    return true;
}

static void
settle(struct turn *turn)
{
    struct fed_consensus *consensus = turn->consensus;
    bool                  moved     = true;
    while (moved && !consensus->decided)
        moved = rule_follow(turn) || rule_lead(turn) || rule_prevote(turn) || rule_lock(turn) ||
                rule_none(turn) || rule_decide(turn) || rule_clock(turn) || rule_away(turn) ||
                rule_nothing(turn);
}

/* ---- events ---- */

static void
repeat(struct turn *turn)
{
    struct fed_consensus  *consensus = turn->consensus;
    const struct fed_vote *said[] = {&consensus->before, &consensus->mine[0], &consensus->mine[1]};
    struct fed_proposal   *proposal = proposal_of_view(consensus, consensus->view);
    if (proposal != NULL && we_lead(consensus))
        say_proposal(turn, proposal);
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

/* So many in one step are enough: whoever lies is heard again. */
static void
convict(struct turn *turn, const struct fed_signed_vote *first, const struct fed_signed_vote *other)
{
    if (turn->effects->count >= CONVICTIONS)
        return;
    struct fed_consensus_effect *effect = emit(turn, FED_C_CONVICT);
    effect->first                       = *first;
    effect->other                       = *other;
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
        convict(turn, place, vote);
        return PN_EPEER_VALUE;
    }
    *place = *vote;
    if (voter->newest < vote->vote.view)
        voter->newest = vote->vote.view;
    return PN_OK;
}

static enum pn_status
on_shown(struct turn *turn, const struct fed_consensus_event *event)
{
    if (sec_hash_is_zero(&event->hash) || event->valid_view == FED_NO_VIEW ||
        event->valid_view > FED_VIEW_MAX || !is_proof(turn->consensus, event))
        return PN_EPEER_VALUE;
    for (uint32_t i = 0; i < event->vote_count; i++)
        (void)!on_vote(turn, &event->votes[i]); /* SAFE: a vote is what it is, whoever shows it */
    adopt_shown(turn->consensus, event);
    return PN_OK;
}

static enum pn_status
on_proposal(struct turn *turn, const struct fed_consensus_event *event)
{
    struct fed_consensus      *consensus = turn->consensus;
    const struct fed_proposal *known     = proposal_of_view(consensus, event->view);
    if (event->view < consensus->view || event->view > consensus->view + AHEAD)
        return PN_EPEER_STALE;
    if (sec_hash_is_zero(&event->hash) || event->valid_view >= event->view)
        return PN_EPEER_VALUE;
    if (event->valid_view != FED_NO_VIEW) {
        enum pn_status st = on_shown(turn, event);
        if (st != PN_OK)
            return st;
    }
    if (known != NULL)
        return sec_hash_equal(&known->hash, &event->hash) ? PN_OK : PN_EPEER_STATE;
    note_proposal(consensus, event->view, &event->hash, event->valid_view);
    return PN_OK;
}

static void
on_checked(struct fed_consensus *consensus, const struct sec_hash *hash, bool good)
{
    struct fed_candidate *block = find_block(consensus, hash);
    if (block == NULL)
        return;
    block->checking = false;
    block->checked  = true;
    block->good     = good;
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
        return PN_OK;
    case FED_C_BUILT:
        consensus->own = event->hash;
        on_checked(consensus, &note_block(consensus, &event->hash)->hash, true);
        return PN_OK;
    case FED_C_PROPOSAL:
        return on_proposal(turn, event);
    case FED_C_SHOWN:
        return on_shown(turn, event);
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

void
fed_consensus_away(struct fed_consensus *consensus, uint32_t member, bool away)
{
    consensus->voters[member].away = away;
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
        next > FED_BOTH_SAID || locked_view > valid_view || locked_view > view ||
        valid_view > FED_VIEW_MAX || view > FED_VIEW_MAX || pn_get_u32(saved + 188) >= view)
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
    if (we_lead(consensus) && !sec_hash_is_zero(&consensus->mine[0].hash)) /* we proposed it */
        note_proposal(consensus, view, &consensus->mine[0].hash, FED_NO_VIEW);
    consensus->restored = true;
    return PN_OK;
}
