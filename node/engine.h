/*
 * node/engine -- one organisation's part in a run, without a socket, a file or a clock of its own.
 *
 * The host (main.c, sim/ or a test) hands in frames and the time; the engine reaches out through
 * base/ports (send, submit) and store/disk only. One frame goes one way:
 *
 *     open the link -> decode -> check -> fed_member_step -> perform the effects
 *
 * Loading data, asking the policy, training, evaluating and writing blocks are work for the host's
 * worker, one piece at a time (fed/member). What the site's policy refuses is answered with the
 * policy's own sentence; a fault in the data with a sentence that says nothing of the data.
 *
 *     memory   model, scaling of the newest order: fetched, whole, proved
 *     disk     models/ROOT   the run's last model, before the finish block is countersigned
 *              updates/ROOT  our own, until the next one is
 *              own/ROOT, fact own   the tensors that stay with the site (engine/own)
 *              record h      signature 64 | block h       job.yaml      the job's text
 *              fact update   which update is for which round and model: durable before it is
 *                            announced, so that after a restart it is announced again and not
 *                            made again
 *
 * One state directory holds one run. A node trains on the model and the scaling that its own copy
 * of the ledger shows, and on no other; it answers a bounded number of EVALUATE a round.
 *
 * Memory     one heap object; the site's records while joined; the newest model, and the next one
 *            while it comes; a model, which becomes the update, and its gradient while training;
 *            the update until its round is over. Config and what it points at are borrowed until
 *            free.
 * Threads    the host's one; `submit` returns before `done` of that work is called, and a host that
 *            frees the engine has first waited for its work (node_engine_stop shortens it).
 */
#ifndef NODE_ENGINE_H
#define NODE_ENGINE_H

#include "base/ports.h"
#include "engine/job.h"
#include "engine/peer.h"
#include "engine/trainer.h"
#include "fed/block.h"
#include "fed/member.h"
#include "fed/policy.h"
#include "store/disk.h"

enum node_notice_kind {
    NODE_UP, /* the connection stands                                              */
    NODE_DOWN,
    NODE_JOINED,    /* `records` for training, `validation`, `test`                       */
    NODE_REFUSED,   /* this site does not take part; `text`: why, in full (stays here)    */
    NODE_WORK,      /* `work` begins, for `round`                                         */
    NODE_TRAINED,   /* `round`, `steps`, `loss`, `norm` of the update, `weight`, `saturated` */
    NODE_MEASURED,  /* `round`: `metrics` of the received model on our `part`             */
    NODE_FAILED,    /* `work` for `round` failed; `text`: why, in full (stays here)       */
    NODE_COMMITTED, /* block `height`, of `round`, stands in our own ledger               */
    NODE_REJECTED,  /* a frame of the coordinator was rejected: `type`, `status`, `text`  */
    NODE_ENDED      /* `outcome`, `text`                                                  */
};

struct node_metric {
    const char *name;
    double      value; /* NAN when undefined */
};

struct node_notice {
    enum node_notice_kind     kind;
    uint64_t                  round, height, records, validation, test, weight, steps, saturated;
    double                    loss, norm;
    enum fed_member_work      work;
    enum data_part_kind       part;
    const struct node_metric *metrics;
    size_t                    metric_count;
    uint16_t                  type;
    enum pn_status            status;
    enum wire_outcome         outcome;
    const char               *text;
};

struct node_config {
    const struct fed_roster      *roster;
    uint32_t                      self;   /* our member number                                */
    const struct sec_sign_secret *secret; /* our node key                                     */
    uint32_t                      boot;   /* larger than in any earlier life; durable already */
    const struct fed_policy      *policy;
    const struct data_source     *source;
    const struct engine_job      *job;  /* read already: serves for an offer of the same text, for
                                           hosts of many nodes; NULL: every offer is read */
    uint64_t                 bytes_max; /* of the site's records in memory               */
    uint32_t                 threads;   /* of a training; 0: one                         */
    const struct store_disk *disk;
    struct pn_ports          ports;
    struct engine_scratch   *scratch;
    bool common; /* what another node of this scratch has fetched and proved is not fetched again:
                    for hosts of many nodes */
    struct fed_member_limits limits;
    void (*notice)(void *host, const struct node_notice *notice); /* may be NULL */
    void *host;
};
/* heartbeat 5 s, retry 2 s, records of at most 4 GiB; everything else zero. */
void node_config_defaults(struct node_config *config);

struct node_engine;

/* Reads the disk: walks and checks our copy of the ledger, finds an update that is done. `why`:
 * what to do. */
PN_MUST_CHECK enum pn_status
node_engine_new(struct node_engine **out, const struct node_config *config, struct pn_error *why);
void node_engine_free(struct node_engine *engine);

/* The connection to the coordinator stands, or is gone. */
void node_engine_up(struct node_engine *engine, pn_ms now);
void node_engine_down(struct node_engine *engine, pn_ms now);
/* Frames of the coordinator. */
void  node_engine_frame(struct node_engine *engine, pn_ms now, const uint8_t *bytes, size_t size);
void  node_engine_tick(struct node_engine *engine, pn_ms now);
pn_ms node_engine_deadline(const struct node_engine *engine);
/* Asks a training that runs to end early. */
void node_engine_stop(struct node_engine *engine);

bool                          node_engine_is_over(const struct node_engine *engine);
const struct fed_member      *node_engine_member(const struct node_engine *engine);
const struct fed_chain       *node_engine_chain(const struct node_engine *engine);
const struct engine_counters *node_engine_counters(const struct node_engine *engine);

#endif
