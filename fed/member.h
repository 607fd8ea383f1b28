/*
 * fed/member -- decides one node's part in a run. Does no I/O.
 *
 *     OFFLINE -> HELLO -> (OFFER) -> CHECK -> JOINED <-> busy with one piece of work
 *                                       `-> REFUSED
 *
 * A node is driven by the coordinator's messages, and each is safe to receive twice:
 * work that is already running is not started again, and work that is done is answered from
 * its result (an update for the same round and model is announced again, not trained again).
 * One piece of work at a time; a message for newer work replaces older work: the old result is
 * dropped when it arrives. A late result for a closed round is not sent. KEEP is short and runs
 * beside the other work, so that training never holds up the ledger.
 *
 * The coordinator asks until it is answered, so nothing is repeated from here but the greeting;
 * what ends while the connection is down is answered when the coordinator asks again.
 *
 * Work is an effect: JOIN (read the data, ask the policy), SURVEY, TRAIN, EVALUATE, KEEP (append a
 * block to the own ledger copy). Before TRAIN and EVALUATE the machine asks for the blobs
 * they need (FED_NEED); blobs the host holds are answered with FED_HELD at once.
 *
 * Memory     caller owns the struct; no heap.   Threads  one at a time.
 */
#ifndef FED_MEMBER_H
#define FED_MEMBER_H

#include "crypto/merkle.h"
#include "proto/frame.h"
#include "proto/message.h"

enum fed_member_phase { FED_OFFLINE, FED_GREETED, FED_JOINING, FED_JOINED, FED_REFUSED, FED_OVER };
enum fed_member_work  { FED_NO_WORK, FED_WORK_JOIN, FED_WORK_SURVEY, FED_WORK_TRAIN,
                        FED_WORK_EVALUATE, FED_WORK_KEEP };

enum fed_member_event_kind {
    FED_M_TICK,
    FED_M_UP,       /* the connection stands: greet                                        */
    FED_M_DOWN,
    FED_M_HELLO,    /* from the coordinator; `restart`: greet again                        */
    FED_M_OFFER,    /* the host keeps the job text                                         */
    FED_M_SURVEY,
    FED_M_INVITE,   /* round, attempt                                                      */
    FED_M_TRAIN,    /* round, attempt, model, scaling, deadline_ms                         */
    FED_M_EVALUATE, /* round, attempt, model, scaling                                      */
    FED_M_COMMIT,   /* the host checked signature and chain; `height` = blocks with it     */
    FED_M_FINISH,   /* outcome                                                             */
    FED_M_HELD,     /* host: blob is here, whole and verified                              */
    FED_M_DONE,     /* host: work finished; `work`, `status`; for TRAIN `model` = update blob */
};

struct fed_member_event {
    enum fed_member_event_kind kind;
    uint64_t                   round, height;
    uint32_t                   attempt;
    struct sec_blob            model, scaling; /* HELD: model is the blob  */
    pn_ms                      deadline_ms;
    bool                       restart;
    bool                       sparse; /* COMMIT: blocks before it may be missing */
    enum fed_member_work       work;
    enum pn_status             status; /* DONE: PN_OK, or why not */
    enum wire_outcome          outcome;
};

enum fed_member_effect_kind {
    FED_M_SEND, /* `type`; ANSWER, STATISTICS, METRICS, FAULT from the host's last result;
                   UPDATE: `blob`; COUNTERSIGN: of the head of the own ledger              */
    FED_M_NEED, /* pull `blob` from the coordinator, or say FED_M_HELD; may come again        */
    FED_M_WORK, /* start `work` (round, model, scaling in the machine)                        */
    FED_M_END   /* the run is over                                                            */
};

struct fed_member_effect {
    enum fed_member_effect_kind kind;
    enum wire_type              type;
    enum fed_member_work        work;
    struct sec_blob             blob;
};

enum { FED_MEMBER_EFFECTS_MAX = 8 };
struct fed_member_effects {
    struct fed_member_effect items[FED_MEMBER_EFFECTS_MAX];
    size_t                   count;
};

struct fed_member_limits {
    pn_ms heartbeat_ms; /* between heartbeats while joined */
    pn_ms retry_ms;     /* between greetings while unanswered */
};

struct fed_member {
    struct fed_member_limits limits;
    enum fed_member_phase    phase;
    bool                     connected;
    bool                     greeted;        /* the coordinator's HELLO came on this connection */
    bool                     surveyed;       /* the host has the statistics */
    bool                     ended;          /* FED_M_END is out */
    enum fed_member_work     work;           /* running now; FED_NO_WORK = idle; never KEEP */
    uint64_t                 work_round;     /* what `work` is for */
    struct sec_blob          work_model;
    enum fed_member_work     order;          /* of the newest order; INVITE resets it */
    enum fed_member_work     wanted;         /* next; waits for blobs or for `work` to end */
    uint64_t                 round;          /* of the newest order */
    uint32_t                 attempt;
    struct sec_blob          model, scaling; /* of the newest order */
    bool                     has_model, has_scaling;
    uint64_t                 update_round;   /* of the update that is done; 0 = none */
    struct sec_blob          update_model, update; /* trained from; the update itself */
    uint64_t                 metrics_round;  /* of the metrics that are done; 0 = none */
    struct sec_blob          metrics_model;
    uint64_t                 height;         /* blocks in the own ledger */
    uint64_t                 keeping;        /* height when the KEEP that runs is done; 0 = none */
    enum wire_outcome        outcome;
    pn_ms                    heartbeat_at, retry_at;
};

void fed_member_init(struct fed_member *member, const struct fed_member_limits *limits,
                     uint64_t height);
PN_MUST_CHECK enum pn_status fed_member_step(struct fed_member *member, pn_ms now,
                                             const struct fed_member_event *event,
                                             struct fed_member_effects     *effects);
pn_ms fed_member_deadline(const struct fed_member *member);

#endif
