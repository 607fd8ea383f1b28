/*
 * swarm/engine -- one organisation's part in a swarm, without a socket, a file or a clock of its
 * own. There is no coordinator: every member decides with the others what the next block is.
 *
 * The host (panal-node, sim/ or a test) hands in frames, connections and the time; the engine
 * reaches out through base/ports (send, submit) and store/disk only. One frame goes one way:
 *
 *     open the link -> decode -> check -> fed_swarm_step -> perform the effects
 *
 * A block may bring the next epoch of the roster (fed/epochs). Then the engine gives that block to
 * whoever lacks it, for 3 s at most, and is over: its host makes another one of that roster, on the
 * same disk. One that has left is over as soon as more members have the block than may lie, or in
 * 10 min. A member that the roster in force has not yet, or has with other keys, catches up until
 * the one that it goes by is.
 *
 * A member without a connection to us is spoken to through others (fed/route): the same frames,
 * sealed end to end (crypto/seal). So are frames between others passed on, unread.
 *
 * Training, measuring, folding and writing are work for the host's worker. What every member has
 * to compute it computes itself: it votes for a block only when it made the same bytes.
 *
 *     disk     models/ROOT   every model that we computed or fetched; the newest stay
 *              updates/ROOT  ours and the others', of the newest rounds
 *              reports/ROOT  likewise: sums of height 0, states of metrics
 *              scaling/ROOT
 *              record h      signature of the proposer 64 | block h
 *              certificate.0, certificate.1   the votes that decided the newest block of even and
 *                            of odd height
 *              summit        height and hash of the newest block: a ledger with less was put back
 *              vote          what we voted at the current height, and what we are locked on:
 *                            durable before the vote leaves
 *              fact ours     what we committed to at the current height: durable before it leaves
 *              fact founds   the roster by which we voted on the first block: by another one we do
 *                            not vote on it, and wait for it
 *              own/ROOT, fact own   the tensors that stay with the site (engine/own)
 *              job.yaml
 *
 * Memory     one heap object; the site's records; two models while a block is made or checked; once
 *            anything is forwarded two frames of at most 590 KB, and a budget for each pair.
 *            Config and what it points at are borrowed until free.
 * Threads    the host's one; `submit` returns before `done` of that work is called, and a host that
 *            frees the engine has first waited for its work (swarm_engine_stop shortens it).
 */
#ifndef SWARM_ENGINE_H
#define SWARM_ENGINE_H

#include "base/ports.h"
#include "engine/job.h"
#include "engine/peer.h"
#include "engine/trainer.h"
#include "fed/block.h"
#include "fed/policy.h"
#include "fed/swarm.h"
#include "store/disk.h"

enum swarm_notice_kind {
    SWARM_UP, /* a session with `member`, or another way to it: `via` forwards, 0: nobody */
    SWARM_DOWN,
    SWARM_ABLE,      /* our records are read: `records`, `validation`, `test`               */
    SWARM_REFUSED,   /* this site contributes nothing; `text`: why, in full (stays here)    */
    SWARM_HEIGHT,    /* `height` begins, `round`                                            */
    SWARM_TRAINED,   /* `round`, `steps`, `loss`, `norm` of the update, `weight`, `saturated` */
    SWARM_MEASURED,  /* `round` - 1's model on our `part`: `metrics`                        */
    SWARM_HERE,      /* the update of `member` is whole and good: `weight`, `norm`          */
    SWARM_LOST,      /* a part of `member` will not count: `text`                           */
    SWARM_PROPOSED,  /* we lead and proposed a block, in `view`                             */
    SWARM_VIEW,      /* `view` begins: the leader before did not bring a block through      */
    SWARM_DRAW,      /* `draw` begins: too few updates came of the members drawn before     */
    SWARM_SHORT,     /* it waits for others, and for nothing else: `text`                   */
    SWARM_BAD,       /* a proposed block is not what we computed: `text`                    */
    SWARM_COMMITTED, /* `block` stands in our ledger; `votes` decided it                    */
    SWARM_CONVICTED, /* `member` signed two votes that contradict each other                */
    SWARM_FORKED,    /* `member` shows another block than ours: `text`                      */
    SWARM_REJECTED,  /* a frame of `member` was rejected: `type`, `status`. PN_EPEER_REPLAY: it
                        greeted as in an earlier life, and its session is over              */
    SWARM_FAILED,    /* our part of this height cannot be made, and is lost: `text`         */
    SWARM_BROKEN,    /* it cannot go on: `status`, `text`                                   */
    SWARM_EPOCH,     /* `height` - 1 brought the epoch `view` of the roster: another engine now */
    SWARM_ENDED      /* the last block is here, and with everybody who is; `round` was the last */
};

struct swarm_metric {
    const char *name;
    double      value; /* NAN when undefined */
};

struct swarm_notice {
    enum swarm_notice_kind     kind;
    uint32_t                   member, via, view, draw; /* member, via: numbers */
    uint64_t                   height, round, records, validation, test, weight, steps, saturated;
    double                     loss, norm;
    enum data_part_kind        part;
    const struct swarm_metric *metrics;
    size_t                     metric_count, votes;
    uint16_t                   type;
    enum pn_status             status;
    const char                *text;
    const struct wire_block   *block;
};

struct swarm_config {
    const struct fed_roster      *trusted; /* by whoever runs this member: fed/epochs        */
    const struct fed_roster      *roster;  /* that we go by: whom we speak with; mode: swarm */
    struct wire_span              text;    /* of `roster`: a new run's genesis carries it    */
    uint32_t                      self;    /* our member number in it */
    const struct sec_sign_secret *secret;
    uint32_t                      boot; /* larger than in any earlier life; durable already */
    /* Of our certificate; and a new one for this life, never stored. For frames that others
     * forward. */
    const struct sec_transport_secret *transport, *session;
    const struct fed_policy           *policy;
    const struct data_source          *source;
    const struct engine_job           *job;
    uint64_t                           bytes_max; /* of the site's records in memory */
    uint32_t                           threads;   /* of a training; 0: one           */
    const struct store_disk           *disk;
    struct pn_ports                    ports;
    struct engine_scratch             *scratch;
    struct fed_swarm_limits            limits; /* consensus.members ... liars: filled in by us */
    uint32_t keep_updates; /* rounds whose updates and reports stay, with the models before and
                            * after them; 0 = all */
    uint32_t keep_models;  /* newest models that stay, if that is more; 0 = all */
    uint64_t (*wall_ms)(void *host);                               /* Unix time, for blocks */
    void (*notice)(void *host, const struct swarm_notice *notice); /* may be NULL */
    void *host;
};
/* Limits of the job; records of at most 4 GiB, keep_updates 2, keep_models 1; else zero. */
void swarm_config_defaults(struct swarm_config *config, const struct engine_job *job);

struct swarm_engine;

/* Reads the disk: walks and checks the ledger, finds what we voted and committed to. `why`: what to
 * do. */
PN_MUST_CHECK enum pn_status swarm_engine_new(struct swarm_engine      **out,
                                              const struct swarm_config *config,
                                              struct pn_error           *why);
void                         swarm_engine_free(struct swarm_engine *engine);

/* Begins; before anything else. */
void swarm_engine_start(struct swarm_engine *engine, pn_ms now);
/* The connection to `member` (its number) stands, or is gone. */
void  swarm_engine_up(struct swarm_engine *engine, pn_ms now, uint32_t member);
void  swarm_engine_down(struct swarm_engine *engine, pn_ms now, uint32_t member);
void  swarm_engine_frame(struct swarm_engine *engine, pn_ms now, uint32_t member,
                         const uint8_t *bytes, size_t size);
void  swarm_engine_tick(struct swarm_engine *engine, pn_ms now);
pn_ms swarm_engine_deadline(const struct swarm_engine *engine);
/* Asks a training that runs to end early. */
void swarm_engine_stop(struct swarm_engine *engine);

/* The next epoch of the roster, for the blocks that we propose; borrowed until free or until
 * another is taken. PN_EAUTH when it does not follow the one in force or is not signed by enough;
 * PN_ESTATE while we catch up, when the run is over, or when fewer of its members have taken part
 * than a round needs. */
PN_MUST_CHECK enum pn_status swarm_engine_offer(struct swarm_engine      *engine,
                                                const struct wire_roster *next,
                                                struct pn_error          *why);
/* The ledger's roster is of a later epoch than config.roster: the engine will be over soon. */
bool swarm_engine_is_superseded(const struct swarm_engine *engine);
/* Fewer members than decide are here, or we go by a roster that the ledger has not come to: unless
 * others give us blocks nothing will come of it. */
bool swarm_engine_is_stranded(const struct swarm_engine *engine);

bool                          swarm_engine_is_over(const struct swarm_engine *engine);
const struct fed_swarm       *swarm_engine_machine(const struct swarm_engine *engine);
const struct fed_chain       *swarm_engine_chain(const struct swarm_engine *engine);
const struct engine_counters *swarm_engine_counters(const struct swarm_engine *engine,
                                                    uint32_t                   member);

#endif
