/*
 * fed/round -- decides the rounds of a run in coordinator mode. Does no I/O.
 *
 * The host (coordinator/, sim/ or a test) feeds it events and the time, and carries
 * out the effects it asks for, in order. Same events, same times, same effects: always.
 *
 *     GATHER -> SURVEY -> PREPARE -.
 *                                   v
 *        .------------------->  INVITE -> TRAIN -> COLLECT -> AGGREGATE -> EVALUATE -> COMMIT -.
 *        |                        |         |         |                                       |
 *        |  <-- BACKOFF <---------+---------+---------'  (attempt + 1, at most `attempts`)     |
 *        '---------------------------------------------------------------- next round <------'
 *                                                                 after the last: CLOSE -> ENDED
 *
 *   GATHER    offers the job; all nodes answered, or gather_ms passed and a quorum joined
 *   SURVEY    (when the schema standardises) asks every joined node for sums; when all answered,
 *             or gather_ms passed and a quorum answered: SUM
 *   PREPARE   host makes the scaling and the first model and commits the genesis block
 *   INVITE    to the round's cohort; all accepted, or invite_ms passed and a quorum accepted
 *   TRAIN     all who accepted announced an update or failed, or train_ms passed and a quorum
 *             announced. An announced update is pulled at once
 *   COLLECT   all announced updates are staged and valid (or refused), or collect_ms passed and
 *             a quorum is valid
 *   AGGREGATE host folds the valid updates, in integers
 *   EVALUATE  (every evaluate_every rounds) asks the members that counted; all answered, or
 *             evaluate_ms passed. Never fails the round: a metric is reported over the members
 *             that answered
 *   COMMIT    host makes model, then block, durable; only then is it announced
 *   CLOSE     the run is over: commits the finish block, tells everybody, waits linger_ms for
 *             their countersignatures
 *
 * Late updates are discarded and counted. A member that was down rejoins with the
 * next invitation. What is awaited is asked for again every retry_ms, and at once when a
 * member comes back; every message of a node is safe to receive twice.
 *
 * The cohort is drawn from the joined members, connected or not, by the job's seed and the round;
 * from attempt 2 on, connected members that did not fail the attempt before come first.
 *
 * Blocks travel by a cursor per member: whoever has fewer blocks than the head is sent
 * the next one until it countersigns it. FINISH goes to a member right after its last block.
 * With follow_cohort only members of this cohort and of the one before are sent the newest block,
 * whatever they miss before it; everybody gets the first block and the finish block.
 *
 * A run that ends without a finish block (FED_END with WIRE_FAILED) has lost nothing durable:
 * started again, it goes on with the same round. `attempts` counts tries since the start.
 *
 * Early stopping: a round that is better than the best by more than min_delta sets `stale` to 0,
 * another one adds 1, and `patience` of them end the run. A round without a metric changes nothing.
 *
 * Memory     the caller owns struct fed_round and its member array; no heap.
 * Threads    none inside; one thread at a time.
 * Time       milliseconds from any fixed origin; must not run backwards.
 */
#ifndef FED_ROUND_H
#define FED_ROUND_H

#include "crypto/merkle.h"
#include "fed/job.h"
#include "proto/frame.h"
#include "proto/message.h"

enum { FED_COHORT_MAX = 1024 };

struct fed_round_limits {
    uint32_t rounds, cohort, quorum, attempts;
    pn_ms    gather_ms, invite_ms, train_ms, collect_ms, evaluate_ms;
    pn_ms    retry_ms, backoff_ms, linger_ms; /* backoff doubles per attempt, at most 30 s */
    bool     survey;                          /* the schema standardises a column */
    bool     stopping;                        /* early stopping on a metric       */
    bool     stop_on_smaller;                 /* the metric is better when smaller */
    uint32_t evaluate_every;                  /* rounds, at least 1; and the last one */
    bool     follow_cohort;                   /* blocks go to the cohort only, see fed/job */
    uint32_t patience;
    double   min_delta;
    uint64_t weight_max;
    uint64_t update_size; /* bytes of an update: exactly this */
    uint64_t seed;        /* of the job: draws the cohort     */
};
/* From the job; `retry_ms` 2 s, `backoff_ms` 1 s, `linger_ms` 5 s. The host adds `survey` (from the
 * schema) and `update_size` (from the plan). */
void fed_round_limits_from_job(struct fed_round_limits *out, const struct fed_job *job);

enum fed_phase { FED_GATHER, FED_SURVEY, FED_PREPARE, FED_INVITE, FED_TRAIN, FED_COLLECT,
                 FED_AGGREGATE, FED_EVALUATE, FED_COMMIT, FED_BACKOFF, FED_CLOSE, FED_ENDED };
const char *fed_phase_text(enum fed_phase phase);

/* True when `value` ends the wait for an improvement; NAN as `best` means none so far. A host that
 * resumes a run counts `stale` with it from the metrics in the ledger. */
bool fed_round_is_better(const struct fed_round_limits *limits, double best, double value);

/* What one member did in this round; reset at each attempt. */
enum fed_part { FED_OUT, /* not in the cohort */
                FED_INVITED, FED_ACCEPTED, FED_ANNOUNCED, FED_VALID, /* staged: counts */
                FED_LOST /* will not count; see `absence` */ };

struct fed_round_member {
    uint32_t          number;
    bool              connected, joined, refused, surveyed, evaluated;
    bool              excused; /* answered SURVEY or EVALUATE with a fault: not waited for */
    enum fed_part     part;
    enum wire_absence absence;
    uint64_t          records, weight, height; /* height: blocks it holds */
    struct sec_blob   update;
    double            norm;
    uint8_t           signature[64]; /* commitment */
};

enum fed_event_kind {
    FED_START,         /* once, first; see struct fed_event.start                              */
    FED_TICK,          /* only time passed                                                     */
    FED_UP,            /* member's HELLO opened a session; `height` = blocks it holds          */
    FED_DOWN,          /* its connection is gone                                               */
    FED_ANSWERED,      /* `accepted`, `records`                                                */
    FED_SURVEYED,      /* its statistics were checked and kept by the host                     */
    FED_ACCEPT,        /* takes part; `records`                                                */
    FED_UPDATE,        /* commitment checked by the host: `blob`, `weight`, `signature`        */
    FED_STAGED,        /* host: `blob` is whole, right root, norm in bounds; `norm`            */
    FED_INVALID,       /* host: the staged update `blob` was refused                           */
    FED_FAULT,         /* the node could not do its part                                       */
    FED_METRICS,       /* its metric state was checked and kept by the host                    */
    FED_COUNTERSIGNED, /* signature checked by the host; `height` = blocks it now holds        */
    FED_PREPARED,      /* effect done: `blob` = first model                                    */
    FED_AGGREGATED,    /* effect done: `blob` = next model                                     */
    FED_SCORED,        /* effect done: `value` of the stopping metric; NAN when there is none  */
    FED_COMMITTED,     /* effect done: the block is durable; `height` = blocks now             */
    FED_BROKEN         /* an effect failed for good (disk full, ...): the run ends as failed   */
};

struct fed_event {
    enum fed_event_kind kind;
    uint32_t            member, attempt; /* attempt, round: as in the frame's header */
    uint64_t            round, records, weight, height;
    bool                accepted;
    struct sec_blob     blob;
    double              norm, value;
    uint8_t             signature[64];
    struct {            /* FED_START: what the ledger says; all zero for a new run */
        uint64_t        height;     /* blocks in the ledger                          */
        uint64_t        round;      /* last committed round                          */
        uint32_t        attempt;    /* first attempt to use for the next round; 0 = 1 */
        struct sec_blob model;      /* after that round                              */
        bool            finished;   /* the last block is a finish block              */
        uint32_t        stale;      /* rounds without improvement, for early stopping */
        double          best;       /* best metric so far                            */
        uint64_t        best_round; /* 0 = there is no best yet                      */
    } start;
};

enum fed_effect_kind {
    FED_SEND,      /* `type` to `member`; body from the host's knowledge of the run. COMMIT: the
                      block at `height`                                                        */
    FED_SUM,       /* nothing to send: host sums the statistics of members with `surveyed`; it is
                      part of PREPARE and comes right before it                                 */
    FED_PREPARE_MODEL, /* first model and scaling, durable; then FED_PREPARED                    */
    FED_PULL,      /* fetch member's `blob`, check it, then FED_STAGED or FED_INVALID           */
    FED_DROP,      /* stop fetching from member; its staged file is not needed                  */
    FED_FOLD,      /* aggregate the FED_VALID members; then FED_AGGREGATED                      */
    FED_SCORE,     /* merge the metrics of members with `evaluated`, in member order            */
    FED_WRITE,     /* make the block of `block`, number `height`, durable; then FED_COMMITTED   */
    FED_END        /* the run is over: `outcome`; `reason` in the round                         */
};

struct fed_effect {
    enum fed_effect_kind kind;
    enum wire_type       type;
    enum wire_block_kind block;
    enum wire_outcome    outcome;
    uint32_t             member;
    uint64_t             height;
    struct sec_blob      blob;
};

struct fed_effects {
    struct fed_effect *items; /* caller's, fed_round_effects_max() of them */
    size_t             count, capacity;
};

struct fed_round {
    struct fed_round_limits  limits;
    struct fed_round_member *members;
    uint32_t                 member_count;
    enum fed_phase           phase;
    enum wire_outcome        outcome; /* valid in CLOSE and ENDED */
    const char              *reason;  /* why it ended; static text */
    bool                     started;   /* FED_START was seen                             */
    bool                     returning; /* it started in CLOSE: waits for everybody        */
    bool                     scoring;   /* FED_SCORE is out                               */
    bool                     writing;   /* FED_WRITE is out                               */
    bool                     finished;  /* the finish block is durable                    */
    uint64_t                 round;   /* being made; the first is 1 */
    uint32_t                 attempt; /* from 1 */
    uint32_t                 first_attempt; /* of this round since the start */
    uint64_t                 height;  /* blocks in the ledger */
    struct sec_blob          model;   /* start of this round */
    struct sec_blob          next;    /* after AGGREGATE     */
    uint32_t                 cohort[FED_COHORT_MAX]; /* indices of members whose part is not OUT */
    uint32_t                 cohort_count;
    pn_ms                    deadline;
    pn_ms                    retry_at;  /* of what this phase awaits         */
    pn_ms                    follow_at; /* of answers to the job, and blocks */
    uint32_t                 stale;
    double                   best;
    uint64_t                 best_round;
    struct { uint64_t accepted, rejected, discarded; } counters; /* of member events */
};

size_t fed_round_effects_max(uint32_t member_count);

/* `members` has member_count entries in member order (ascending numbers), only `number` set;
 * roster nodes only. */
void fed_round_init(struct fed_round *round, const struct fed_round_limits *limits,
                    struct fed_round_member *members, uint32_t member_count);

/*
 * Advances by one event and lists in `effects` (emptied first) what the host must do.
 * Deadlines are applied first, so carry out the effects whatever the status.
 *
 * Returns PN_OK            the event was used, or was a repetition that needs nothing;
 *         PN_EPEER_STATE   right peer, wrong moment; the event changed nothing;
 *         PN_EPEER_STALE   another round or attempt; likewise (a late update is this);
 *         PN_EPEER_VALUE   not a member, wrong size, not in the cohort, a second different
 *                          update; likewise.
 */
PN_MUST_CHECK enum pn_status fed_round_step(struct fed_round *round, pn_ms now,
                                            const struct fed_event *event,
                                            struct fed_effects     *effects);

/* When step must be called next, with a tick if nothing else happens; UINT64_MAX = never. */
pn_ms fed_round_deadline(const struct fed_round *round);

#endif
