/*
 * coordinator/engine -- runs one job over its rounds, without a socket, a file or a clock of its
 * own.
 *
 * The host (main.c, sim/ or a test) hands in frames and the time; the engine reaches out through
 * base/ports (send, submit) and store/disk only. One frame goes one way:
 *
 *     open the link -> decode -> check -> fed_round_step -> perform the effects
 *
 * and ends in one of three counters: accepted, rejected, discarded, with its reason. Everything
 * that touches a whole model or update (hashing, checking, folding, writing) is work for the
 * host's worker.
 *
 *     disk     models/ROOT   float32, little-endian      scaling/ROOT  data_scaling_encode
 *              updates/ROOT  int32, little-endian        job.yaml      the job's text
 *              record h      signature 64 | block h      fact attempt  round u64 | attempt u32
 *
 * COMMIT is durable before it is visible: model, then block, then the frame that announces it.
 * After a crash at any instant the ledger says where to go on, and the run ends with the same
 * model.
 *
 * Memory     one heap object; per member a link and, while it counts, its sums and metric states.
 *            Nothing a member sends makes it grow. Config and what it points at are borrowed until
 *            free.
 * Threads    the host's one; `submit` returns before `done` of that work is called, and a host that
 *            frees the engine has first waited for its work.
 * Time       milliseconds from any origin; must not run backwards. wall_ms stands in blocks only.
 */
#ifndef COORDINATOR_ENGINE_H
#define COORDINATOR_ENGINE_H

#include "base/ports.h"
#include "engine/job.h"
#include "engine/peer.h"
#include "fed/block.h"
#include "fed/round.h"
#include "store/disk.h"

enum coord_notice_kind {
    COORD_PHASE,     /* `phase`, `round`, `attempt`                                            */
    COORD_GREETED,   /* `member` opened a session                                              */
    COORD_GONE,      /* `member`'s connection is gone                                          */
    COORD_JOINED,    /* `member`, `records`                                                    */
    COORD_REFUSED,   /* `member` does not take part; `text` is its reason                      */
    COORD_FOREIGN,   /* `member` holds blocks that this ledger does not have; `text`: which    */
    COORD_FAULTED,   /* `member` could not do its part; `text` is its reason                   */
    COORD_UPDATE,    /* `member`'s update is whole and valid: `weight`, `norm`                 */
    COORD_INVALID,   /* `member`'s update was refused; `text`: why                             */
    COORD_REJECTED,  /* a frame of `member` was rejected: `type` (0 unknown), `status`         */
    COORD_COMMITTED, /* `block` is durable: entries, absent and metrics stand in it            */
    COORD_BROKEN,    /* our own side failed; `text` says what a person can do                  */
    COORD_ENDED      /* `outcome`, `text`                                                      */
};

struct coord_notice {
    enum coord_notice_kind   kind;
    uint32_t                 member, attempt;
    uint64_t                 round, records, weight;
    double                   norm;
    enum fed_phase           phase;
    uint16_t                 type;
    enum pn_status           status;
    enum wire_outcome        outcome;
    const char              *text; /* one from a peer is valid UTF-8 without control characters */
    const struct wire_block *block;
};

struct coord_config {
    const struct fed_roster      *roster;
    const struct engine_job      *job;
    const struct sec_sign_secret *secret; /* the coordinator's node key                       */
    uint8_t                       run[16]; /* fed_job_run                                      */
    uint32_t                      boot;    /* larger than in any earlier life; durable already */
    const struct store_disk      *disk;
    struct pn_ports               ports;
    struct engine_scratch        *scratch;
    uint32_t keep_updates; /* rounds whose updates stay, for `panal ledger verify`; 0 = all */
    uint32_t keep_models;  /* rounds whose models stay; 0 = all                              */
    uint64_t (*wall_ms)(void *host);                               /* Unix time    */
    void (*notice)(void *host, const struct coord_notice *notice); /* may be NULL  */
    void *host;                                                    /* of these two */
};

struct coord_engine;

/*
 * Reads the disk: a new run, or the one in the ledger (same run, job and roster, or PN_ESTATE).
 * Walks and checks the whole ledger; hashes the newest model. `why`: what to do. Sends nothing yet.
 */
PN_MUST_CHECK enum pn_status coord_engine_new(struct coord_engine      **out,
                                              const struct coord_config *config,
                                              struct pn_error           *why);
void coord_engine_free(struct coord_engine *engine);

/* Once, first: the run begins, or goes on. */
void coord_engine_start(struct coord_engine *engine, pn_ms now);
void coord_engine_frame(struct coord_engine *engine, pn_ms now, uint32_t member,
                        const uint8_t *bytes, size_t size);
/* A listening host need not call up: a member's first frame says as much. */
void coord_engine_up(struct coord_engine *engine, pn_ms now, uint32_t member);
void coord_engine_down(struct coord_engine *engine, pn_ms now, uint32_t member);
void coord_engine_tick(struct coord_engine *engine, pn_ms now);
/* When tick must be called if nothing else happens; UINT64_MAX = never. */
pn_ms coord_engine_deadline(const struct coord_engine *engine);

bool                    coord_engine_is_over(const struct coord_engine *engine);
const struct fed_round *coord_engine_round(const struct coord_engine *engine);
const struct fed_chain *coord_engine_chain(const struct coord_engine *engine);
/* NULL when the number is no node of the roster. */
const struct engine_counters *coord_engine_counters(const struct coord_engine *engine,
                                                    uint32_t                   member);
/* Frames that named no node of the roster at all. */
uint64_t coord_engine_strangers(const struct coord_engine *engine);

#endif
