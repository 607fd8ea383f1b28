/*
 * fed/consensus -- decides one height of a swarm's ledger: which block it is. Does no I/O.
 *
 * Tendermint (Buchman, Kwon, Milosevic 2018, "The latest gossip on BFT consensus", algorithm 1): a
 * rotating leader proposes, members prevote, and precommit what a quorum prevoted. A member that
 * precommits is *locked*: it prevotes another block only when it is shown a quorum of prevotes for
 * it in a view after its lock. A quorum of precommits in one view decides.
 *
 *     leader of height h, view v = member (h + v - 1) mod n, by place in the roster
 *     quorum   bft       q = floor(2n/3) + 1: no two honest members decide differently while at
 *                        most f = floor((n-1)/3) lie
 *              majority  q = floor(n/2) + 1: any two quorums share one member, so the lie of one
 *                        that is in both forks the ledger
 *
 *     one view:  PROPOSE --(block, found good)--> PREVOTE --(q for it)--> lock, PRECOMMIT
 *                   |  bad, or time is up           |  q for none, or time is up    |  q: decided
 *                   v                               v                               v  time is up
 *                prevote none                    precommit none                  view + 1
 *
 * A member takes part from the beginning of the height; its time for view 1 runs from FED_C_READY,
 * when it would propose itself, so a swarm that trains does not change views. f + 1 members that
 * are in later views take it along. Time for the others' votes runs once a quorum is in this step
 * or past it: whoever went on does not repeat its older votes, and is not waited for.
 *
 * Votes are not passed on, so a liar could give one member alone the vote that locks it. Therefore
 * a member shows the next leader the quorum for its newest *valid* block (FED_C_SHOW) before the
 * view ends: that leader proposes what nobody honest has a reason to refuse. So a quorum for none
 * does not end a view before its time, unless everybody who can be heard is in it.
 *
 * The host carries out effects in order. Before the first FED_C_PROPOSE or FED_C_VOTE of a step
 * leaves, it makes durable the block, what the machine is after the step (fed_consensus_save) and
 * the quorum behind it (fed_consensus_proof): after a restart nothing is voted that contradicts it.
 * Votes come in with their signatures checked, those of a proof too; they are kept, so that a
 * quorum of them can be shown to others, and so that two that contradict each other convict their
 * signer.
 *
 * Memory     the caller owns the struct and its array; no heap.
 * Threads    one at a time.
 * Time       milliseconds from any fixed origin; must not run backwards.
 */
#ifndef FED_CONSENSUS_H
#define FED_CONSENSUS_H

#include "crypto/hash.h"
#include "crypto/keys.h"

enum {
    FED_SWARM_MAX  = 128,
    FED_VIEWS_KEPT = 4,
    FED_NO_VIEW    = 0,
    FED_VIEW_MAX   = 1 << 30
};

enum fed_step {
    FED_PREVOTE   = 1,
    FED_PRECOMMIT = 2,
    FED_BOTH_SAID = 3
};

/* What is signed, domain "vote", with the run in front (fed/vote). Views count from 1 here, so that
 * 0 can say "none". A hash of zeros is a vote for no block. */
struct fed_vote {
    uint64_t        height;
    uint32_t        view;
    enum fed_step   step;
    struct sec_hash hash;
    uint32_t        lock_view; /* prevotes: the view of the voter's lock, or FED_NO_VIEW */
    struct sec_hash lock;      /* and on what; zeros when there is none                 */
};

struct fed_signed_vote {
    uint32_t             member; /* place in the roster's order, 0 to n - 1 */
    struct fed_vote      vote;   /* view FED_NO_VIEW: there is none */
    struct sec_signature signature;
};

struct fed_voter { /* what one member said; a later view takes the place of one four views older */
    struct fed_signed_vote said[FED_VIEWS_KEPT][2];
    struct fed_signed_vote proof;  /* its part in the quorum of prevotes for what is valid */
    uint32_t               newest; /* view of its newest vote */
    bool                   away;   /* fed_consensus_away */
};

struct fed_consensus_limits {
    uint32_t members, self; /* self: our place */
    uint32_t quorum, liars; /* q; f, of which f + 1 have an honest one among them */
    pn_ms    propose_ms;    /* for a proposal, and the checking of it, in view 1            */
    pn_ms    vote_ms;       /* for the others' votes                                        */
    pn_ms    grow_ms;       /* what each later view has more of both; at most 10 min in all */
    pn_ms    repeat_ms;     /* between repetitions of what we said                          */
};

/* A time-out (propose_ms or vote_ms) in that view. */
pn_ms fed_consensus_time(const struct fed_consensus_limits *limits, pn_ms base, uint32_t view);

/* The quorum of `members`; `*liars` (may be NULL) the number that cannot hurt. */
uint32_t fed_quorum_bft(uint32_t members, uint32_t *liars);
uint32_t fed_quorum_majority(uint32_t members, uint32_t *liars);

enum fed_consensus_event_kind {
    FED_C_READY,    /* the host could make a block of its own now                              */
    FED_C_TICK,     /* only time passed                                                       */
    FED_C_BUILT,    /* FED_C_BUILD is done: `hash`; it is good, no FED_C_CHECK follows        */
    FED_C_PROPOSAL, /* of the leader of `view`: `hash`; `valid_view` and the quorum of prevotes
                     * for it in `votes`, signatures checked, or FED_NO_VIEW                  */
    FED_C_SHOWN,    /* somebody's FED_C_SHOW: `hash`, `valid_view`, `votes`. After a restart also
                     * the host's own fed_consensus_proof                                     */
    FED_C_CHECKED,  /* FED_C_CHECK of `hash` is done: `good`                                  */
    FED_C_VOTED     /* `vote`: its signature is its member's, its height is this one          */
};

struct fed_consensus_event {
    enum fed_consensus_event_kind kind;
    uint32_t                      view, valid_view;
    struct sec_hash               hash;
    bool                          good;
    struct fed_signed_vote        vote;
    const struct fed_signed_vote *votes; /* for the call only */
    uint32_t                      vote_count;
};

enum fed_consensus_effect_kind {
    /* We lead: make a block of what has come in; answer FED_C_BUILT. Once a height. */
    FED_C_BUILD,
    FED_C_PROPOSE, /* `hash` in `view`; `valid_view` with its quorum (fed_consensus_proof) */
    FED_C_CHECK,   /* is the block `hash` good? Have it first: whoever votes for it does   */
    /* `vote`: save, sign, send to everybody, and hand it in as FED_C_VOTED: the machine counts it
     * like any other. It comes again while nothing is decided: somebody may have missed it. The
     * same for FED_C_PROPOSE. */
    FED_C_VOTE,
    FED_C_SHOW,   /* to `member`, who leads next: `hash`, `valid_view` and its quorum  */
    FED_C_DECIDE, /* `hash`, by the precommits of `view`: last effect of the height    */
    FED_C_CONVICT /* `first` and `other` are signed by one member and contradict       */
};

struct fed_consensus_effect {
    enum fed_consensus_effect_kind kind;
    uint32_t                       view, valid_view, member;
    struct sec_hash                hash;
    struct fed_vote                vote;
    struct fed_signed_vote         first, other;
};

enum {
    FED_CONSENSUS_EFFECTS_MAX = 16
};
struct fed_consensus_effects {
    struct fed_consensus_effect items[FED_CONSENSUS_EFFECTS_MAX];
    size_t                      count;
};

struct fed_proposal {           /* of the leader of a view */
    uint32_t        view;       /* FED_NO_VIEW: free */
    uint32_t        valid_view; /* as proven */
    struct sec_hash hash;
};

/* Own, locked, valid, those that are proposed now or ahead, and one that only votes speak of. */
enum {
    FED_C_BLOCKS = 3 + FED_VIEWS_KEPT + 1
};
struct fed_candidate {    /* a block that we heard of in this height */
    struct sec_hash hash; /* zeros: free */
    bool            checking, checked, good;
};

struct fed_consensus {
    struct fed_consensus_limits limits;
    uint64_t                    height;
    uint32_t                    view; /* from 1 */
    enum fed_step               next; /* the step that we have not voted in this view; PRECOMMIT
                                         + 1 when both are done */
    bool            ready, building, decided;
    uint32_t        locked_view, valid_view;
    struct sec_hash locked, valid;
    struct sec_hash own;     /* what we built; zeros: nothing */
    struct fed_vote mine[2]; /* our votes of this view, by step */
    struct fed_vote before;  /* our newest precommit of an earlier view: whoever is still there may
                                need it to leave it */
    bool                 timed;    /* enough have voted in this step: its time runs */
    bool                 restored; /* what we said is to be said again at once */
    struct fed_proposal  proposals[FED_VIEWS_KEPT]; /* by view, modulo; this view and later */
    struct fed_candidate blocks[FED_C_BLOCKS];
    pn_ms                deadline, repeat_at; /* UINT64_MAX: none */
    struct fed_voter    *voters;
};

/* Of a height, from its beginning. `voters`: limits->members of them, the caller's. */
void fed_consensus_init(struct fed_consensus *consensus, const struct fed_consensus_limits *limits,
                        struct fed_voter *voters, uint64_t height);
PN_MUST_CHECK enum pn_status fed_consensus_step(struct fed_consensus *consensus, pn_ms now,
                                                const struct fed_consensus_event *event,
                                                struct fed_consensus_effects     *effects);
pn_ms                        fed_consensus_deadline(const struct fed_consensus *consensus);
uint32_t fed_consensus_leader(const struct fed_consensus *consensus, uint32_t view);

/* The host cannot reach `member` (or can again): from the next step on it is not given the time for
 * a proposal when it leads, but that for a vote, and its vote for none is not waited for when all
 * others are here. Forgotten with the height. */
void fed_consensus_away(struct fed_consensus *consensus, uint32_t member, bool away);

/* What we said and may have to say again: FED_C_PROPOSE, FED_C_VOTE. For a member that is back. */
void fed_consensus_repeat(struct fed_consensus_effects *effects, struct fed_consensus *consensus);

/* The votes for `hash` of one view and step: at most members of them into `out`, by place. */
uint32_t fed_consensus_votes(struct fed_signed_vote *out, const struct fed_consensus *consensus,
                             uint32_t view, enum fed_step step, const struct sec_hash *hash);

/* The prevotes for `hash` in `valid_view`: at most members of them into `out`, by place. For
 * consensus->valid in consensus->valid_view a quorum, unless a restart lost it: it is saved beside
 * what fed_consensus_save gives, and comes back as FED_C_SHOWN. */
uint32_t fed_consensus_proof(struct fed_signed_vote *out, const struct fed_consensus *consensus,
                             uint32_t valid_view, const struct sec_hash *hash);

/* What must survive: enough never to contradict what was voted. */
enum {
    FED_CONSENSUS_SAVED = 224
};
void fed_consensus_save(uint8_t                     out[static FED_CONSENSUS_SAVED],
                        const struct fed_consensus *consensus);
/* After init for the same height. PN_ECORRUPT when it is of another height, or nonsense. */
PN_MUST_CHECK enum pn_status fed_consensus_restore(struct fed_consensus *consensus,
                                                   const uint8_t saved[static FED_CONSENSUS_SAVED]);

#endif
