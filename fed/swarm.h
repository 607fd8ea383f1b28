/*
 * fed/swarm -- decides one member's part in a swarm: rounds without a coordinator. Does no I/O.
 *
 * Every block of the ledger is one *height*. Members contribute to it, and agree on a block that
 * names exactly the contributions that count (fed/consensus):
 *
 *     height 0        report: the sums over a member's records, for the scaling
 *     height h >= 1   update: of the cohort, from the model of the block before;
 *                     report: what that model's metrics are, of the members whose updates made it
 *     the last one    reports only: the finish block
 *
 *     CONTRIBUTE own --> announce --> PULL the others' --> ready --> propose, vote --> COMMITTED
 *          ^  all of the draw are here or lost, or its time is up: |                      |
 *          |---- no quorum is here: the next draw                  '- a quorum is here    |
 *          '---------------------------------- next height -------------------------------'
 *
 * Who is away is not waited for. Who has not joined yet may report at any height, and is in from
 * the next one.
 *
 * A member whose machine is not ready does not look at a proposal that leaves out what it still
 * waits for, so a leader cannot hurry anybody; after the time it does, and the block says who was
 * left out. A member is *joined* once a block names a contribution of it.
 *
 * The cohort of a round is drawn from who has joined, by the job's seed and the round, the same as
 * a coordinator draws it. When so many of it are dead or silent that no quorum comes, there is a
 * further *draw*, by the same generator: it makes the cohort twice as large, the last but one is
 * everybody who has joined, and the last everybody. A block says of which draw its cohort is, and
 * is not looked at before our own time for all draws before it is up, or that of an honest member:
 * a leader cannot choose one.
 * So after log2(members / cohort) + 3 draws at most every update that there is may count.
 *
 * Whoever sees that others hold more blocks asks them for the next one (FED_S_ASK), and contributes
 * from the height that they are at. All messages are safe to receive twice.
 *
 * Memory     the caller owns the struct and its arrays; no heap.
 * Threads    one at a time.
 * Time       milliseconds from any fixed origin; must not run backwards.
 */
#ifndef FED_SWARM_H
#define FED_SWARM_H

#include "crypto/merkle.h"
#include "fed/consensus.h"
#include "fed/job.h"
#include "proto/message.h"

struct fed_swarm_limits {
    struct fed_consensus_limits consensus;
    uint32_t                    rounds, cohort, quorum, evaluate_every;
    uint64_t                    seed;
    pn_ms                       away_ms;   /* a member that is away for so long is not waited for */
    pn_ms                       gather_ms; /* for the reports of height 0                         */
    pn_ms collect_ms;                      /* for the contributions of a round                    */
    pn_ms evaluate_ms;                     /* for the reports of the last height                  */
    pn_ms status_ms;                       /* between two words on how far we are                 */
    pn_ms retry_ms;                        /* between two requests for what is missing            */
    pn_ms linger_ms;                       /* after the last block, for members that lack it      */
};
/* From the job; status 5 s, retry 1 s, linger 10 s; a proposal 10 s, votes 2 s, each view 2 s more.
 * The caller adds consensus.members, self, quorum and liars. */
void fed_swarm_limits_from_job(struct fed_swarm_limits *out, const struct fed_job *job);

enum fed_part_kind {
    FED_UPDATE_PART,
    FED_REPORT_PART
};
enum fed_part_state {
    FED_PART_NONE,      /* nobody waits for it */
    FED_PART_WANTED,    /* not heard of yet */
    FED_PART_ANNOUNCED, /* committed to; being pulled */
    FED_PART_HERE,      /* whole and good: counts */
    FED_PART_LOST       /* will not count */
};

struct fed_contribution {
    enum fed_part_state state;
    enum wire_absence   absence; /* why it is lost */
    struct sec_blob     blob;
    uint64_t            weight; /* of an update */
    double              norm;   /* likewise     */
    uint8_t             signature[64];
};

struct fed_swarm_member {
    bool                    connected, joined, counted; /* counted: in the block before */
    pn_ms                   since;                      /* connected, or away, since then */
    uint32_t                drawn;    /* into the round's cohort, by which draw; 0: no round */
    uint64_t                height;   /* blocks that it says it holds */
    struct fed_contribution parts[2]; /* by fed_part_kind             */
};

enum fed_swarm_event_kind {
    FED_S_TICK,
    FED_S_UP, /* a session with `member` is open; `height`: blocks it holds */
    FED_S_DOWN,
    FED_S_SEEN,      /* `member` holds `height` blocks */
    FED_S_REACH,     /* host: we have a connection more or less: others hear of it soon */
    FED_S_ABLE,      /* host: our records are read, or never will be: ask for our parts */
    FED_S_ANNOUNCED, /* `member` committed to `contribution` as `part`, for `height`; checked */
    FED_S_HERE,      /* host: that part of `member` is whole and good; `norm` */
    FED_S_LOST,      /* it will not come, or is no good: `absence` */
    FED_S_AGREED,    /* `consensus`: an event of it */
    FED_S_COMMITTED  /* the block of this height is durable; fed_swarm_take was called for it */
};

struct fed_swarm_event {
    enum fed_swarm_event_kind         kind;
    uint32_t                          member; /* place */
    uint64_t                          height;
    enum fed_part_kind                part;
    const struct fed_contribution    *contribution;
    double                            norm;
    enum wire_absence                 absence;
    const struct fed_consensus_event *consensus;
};

enum fed_swarm_effect_kind {
    FED_S_CONTRIBUTE, /* make our parts of this height that are wanted; then FED_S_ANNOUNCED and
                         FED_S_HERE of our own place                                              */
    FED_S_ANNOUNCE,   /* tell `member` what we committed to and voted; our place: tell
                         everybody what we committed to */
    FED_S_PULL,       /* fetch `part` of `member`, from it or from whoever has it */
    FED_S_ASK,        /* ask `member` for the block of our height */
    FED_S_STATUS,     /* tell everybody how far we are */
    FED_S_AGREE,      /* `consensus`: an effect of it */
    FED_S_END         /* the run is over, and everybody who is here has its last block */
};

struct fed_swarm_effect {
    enum fed_swarm_effect_kind  kind;
    uint32_t                    member;
    enum fed_part_kind          part;
    struct fed_consensus_effect consensus;
};

struct fed_swarm {
    struct fed_swarm_limits  limits;
    struct fed_swarm_member *members;
    uint64_t                 height; /* the one being decided: blocks that we hold       */
    uint64_t                 round;  /* the one that an update of this height belongs to */
    bool                     begun, able, asked_own, ready, finished, ended;
    uint32_t                 draw, draws;    /* the one that we are at; the last; 0: no round */
    struct sec_hash      held[FED_C_BLOCKS]; /* proposals to check once we are ready or at draw 2 */
    uint32_t             held_count;
    struct fed_consensus consensus;
    pn_ms                now; /* of the last step */
    pn_ms                due; /* the time for this draw is up */
    pn_ms                status_at, retry_at, end_at;
    uint32_t             asked; /* place of the member asked last */
};

/* `members` and `voters`: limits->consensus.members of each, the caller's. Height 0. */
void fed_swarm_init(struct fed_swarm *swarm, const struct fed_swarm_limits *limits,
                    struct fed_swarm_member *members, struct fed_voter *voters);
/* What a block of our ledger, decided and checked, means for the ones after it: who has joined,
 * who counted. Called for every block, in order: at the start, and before FED_S_COMMITTED.
 * `places`: of the block's entries, then of its reports; a place behind the last member's: it is
 * none any more. */
void fed_swarm_take(struct fed_swarm *swarm, const struct wire_block *block,
                    const uint32_t *places);
/* After fed_swarm_take for every block that is there: the current height begins. */
void fed_swarm_start(struct fed_swarm *swarm, pn_ms now);

/* Effects go to `emit` one by one, in order. PN_EPEER_STALE: for another height, or not wanted;
 * PN_EPEER_STATE: another contribution than the one committed to before. */
typedef void                 fed_swarm_emit(void *host, const struct fed_swarm_effect *effect);
PN_MUST_CHECK enum pn_status fed_swarm_step(struct fed_swarm *swarm, pn_ms now,
                                            const struct fed_swarm_event *event,
                                            fed_swarm_emit *emit, void *host);
pn_ms                        fed_swarm_deadline(const struct fed_swarm *swarm);

/* True when a part of that member may count at this height, whatever became of it: its update as
 * soon as its draw comes. */
bool fed_swarm_wants(const struct fed_swarm *swarm, uint32_t member, enum fed_part_kind part);
/* True when the metrics that this member reports at this height count for the block: of
 * the model that it helped to make. */
bool fed_swarm_measures(const struct fed_swarm *swarm, uint32_t member);
/* True when that member is in the cohort of that draw: there is such a draw, and it or one before
 * drew the member. */
bool fed_swarm_is_drawn(const struct fed_swarm *swarm, uint32_t member, uint32_t draw);
/* True when the job's quorum is not here, nothing more is waited for, and nobody else can be asked.
 */
bool fed_swarm_is_short(const struct fed_swarm *swarm);
/* True while our own part is still to be made or said. */
bool fed_swarm_owes(const struct fed_swarm *swarm, enum fed_part_kind part);
/* Members that are connected, and we. */
uint32_t fed_swarm_here(const struct fed_swarm *swarm);
/* Parts that are here, and count in the draw that we are at. */
uint32_t fed_swarm_count(const struct fed_swarm *swarm, enum fed_part_kind part);
/* True while more members than may lie hold more blocks than we do: this height is decided, and
 * what is still to be done for it, or to be said of it, is for nothing. */
bool fed_swarm_is_behind(const struct fed_swarm *swarm);
/* No update belongs to this height: all rounds are done. */
bool fed_swarm_is_last(const struct fed_swarm *swarm);

#endif
