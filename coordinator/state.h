/*
 * coordinator/state -- what the files of this folder share; nobody else includes it.
 *
 *     engine.c   from the outside in: new, frame, tick, and one turn of the machine
 *     frames.c   one function per message: decode, check, the machine's event
 *     effects.c  one function per effect of the machine
 *     chunks.c   chunks to and from the members, so many at a time
 *     work.c     prepare, check an update             what runs on the worker
 *     fold.c     the sum, and the next model          likewise
 *     commit.c   building, writing and keeping a block
 *     resume.c   from a disk back to a run
 */
#ifndef COORDINATOR_STATE_H
#define COORDINATOR_STATE_H

#include "coordinator/engine.h"
#include "engine/blob.h"
#include "engine/budget.h"
#include "engine/fetch.h"
#include "engine/flow.h"
#include "engine/shelf.h"
#include "engine/work.h"

enum {
    COORD_PULLS = 4 /* of one member that wait: what is outstanding of two blobs */
};

struct coord_member {
    const struct fed_roster_member *party;
    struct engine_peer              peer;
    bool                            foreign; /* holds blocks that we do not have */

    /* What it may still ask of us in this attempt: see coord_may_speak. */
    struct engine_budget frames, bytes, complaints;
    uint64_t             budget_round;
    uint32_t             budget_attempt;

    struct wire_pull pulls[COORD_PULLS]; /* not answered yet, oldest first */
    size_t           pull_count;

    struct engine_fetch fetch;   /* of its update                               */
    pn_u128             squares; /* of the chunks of it that came              */
    struct sec_blob     wanted;  /* the update being fetched or checked         */
    bool                waits;   /* until the very same blob is fetched or checked for another */

    struct data_sums *sums;     /* schema->numeric_count, once it sent them */
    struct nn_metric *metrics;  /* job->metric_count, once it sent them     */
    uint64_t          measured; /* records behind `metrics`                */

    uint64_t witnessed; /* blocks: its countersignature below is of the last of them; 0 = none */
    uint8_t  witness[64];
};

struct coord_kept { /* an update that stands in the ledger and on the disk */
    uint64_t        round;
    struct sec_hash root;
};

enum {
    COORD_PENDING_MAX = 4
};

struct coord_engine {
    struct coord_config       config;
    const struct data_schema *schema;

    struct fed_round         round;
    struct fed_round_member *parts; /* the machine's; same order as `members` */
    struct coord_member     *members;
    uint32_t                 member_count;
    uint32_t                 waiting;    /* members with `waits` */
    pn_ms                    members_at; /* no member needs a tick before; coord_watch */
    struct fed_effects       effects;
    struct fed_event         pending[COORD_PENDING_MAX]; /* effects that were done at once */
    size_t                   pending_count;
    struct fed_event         start; /* what resume found */

    struct fed_chain     chain;
    struct sec_hash     *heads; /* hash of every block */
    size_t               heads_capacity;
    struct coord_kept   *kept;
    size_t               kept_count, kept_capacity;
    struct coord_kept   *models; /* likewise, of models */
    size_t               model_count, model_capacity;
    struct sec_blob      scaling; /* of the run; size 0 = none */
    struct wire_metric   scores[NN_METRICS_MAX];
    size_t               score_count;
    struct data_scaling *scales; /* between FED_SUM and FED_PREPARE_MODEL */

    struct engine_flow     giving, fetching; /* by place among the members */
    struct engine_shelf    shelf;
    struct engine_held_set held;   /* the newest model's bytes, to be given */
    struct pn_buffer       record; /* room for one of the ledger */
    struct pn_buffer       said;   /* body of the last COMMIT: one block goes to many */
    uint64_t               said_height;
    uint64_t               noted_round; /* durable in the fact "attempt" */
    uint32_t               noted_attempt;

    struct engine_work *works; /* out with the host */
    uint64_t            strangers;
    bool                over, failed;
    enum fed_phase      told_phase; /* in the last COORD_PHASE notice */
    uint64_t            told_round;
    uint32_t            told_attempt;
};

/* ---- engine.c ---- */

/* One turn: step, perform, and whatever was done at once. */
enum pn_status coord_turn(struct coord_engine *engine, pn_ms now, const struct fed_event *event);
/* An effect that is done at once: its event is the machine's next. */
void coord_raise(struct coord_engine *engine, const struct fed_event *event);
/* An effect failed for good: says why, ends the run. */
void coord_break(struct coord_engine *engine, enum pn_status status, const char *what);
void coord_tell(const struct coord_engine *engine, const struct coord_notice *notice);
/* PN_ENETWORK and PN_ESTATE are the connection's business and need no answer. */
void coord_send(struct coord_engine *engine, struct coord_member *member, enum wire_type type);
void coord_greet(struct coord_engine *engine, struct coord_member *member, pn_ms now);
/* After anything that may have set a member a deadline: so that nobody looks at all of them. */
void                 coord_watch(struct coord_engine *engine, const struct coord_member *member);
struct coord_member *coord_member_of(const struct coord_engine *engine, uint32_t number);
struct fed_round_member *coord_part_of(const struct coord_engine *engine,
                                       const struct coord_member *member);

/* ---- frames.c ---- */

/* False when the member has used up what its part of this round and attempt can need: what it says
 * is then dropped unread, and counted as PN_EPEER_LIMIT. */
bool coord_may_speak(const struct coord_engine *engine, struct coord_member *member, size_t size,
                     pn_ms now);

/* The frame was opened: decodes, checks, steps. The status says how it is counted. */
enum pn_status coord_take(struct coord_engine *engine, pn_ms now, struct coord_member *member,
                          const struct wire_frame *frame);

/* ---- effects.c ---- */

void coord_perform(struct coord_engine *engine, pn_ms now);

/* ---- chunks.c ---- */

/* It is given what it pulls, in time. As engine_shelf_check; a blob that leaves the shelf meanwhile
 * is not given. */
enum pn_status coord_asked(struct coord_engine *engine, struct coord_member *member,
                           const struct wire_pull *pull);
/* Its fetch, where due, goes on in time. */
void coord_want(struct coord_engine *engine, struct coord_member *member, pn_ms now);
/* So much of what was fetched from it is here. */
void coord_came(struct coord_engine *engine, struct coord_member *member, uint64_t bytes);
/* Nothing is fetched from it any more. */
void coord_drop_fetch(struct coord_engine *engine, struct coord_member *member);
/* Its session is over: what it waited for is asked for again in the next one. */
void coord_parted(struct coord_engine *engine, struct coord_member *member);
/* When coord_want is needed. */
pn_ms coord_fetch_deadline(const struct coord_engine *engine, const struct coord_member *member);
/* Gives and asks for what may be on the way now. At every tick. */
void coord_move_chunks(struct coord_engine *engine, pn_ms now);

/* ---- work.c ---- */

void coord_begin_prepare(struct coord_engine *engine);
/* Fetches member->wanted, or checks it when it is on the disk already. */
void coord_begin_pull(struct coord_engine *engine, struct coord_member *member, pn_ms now);
/* After a fetch became whole. */
void coord_begin_check(struct coord_engine *engine, struct coord_member *member, bool staged);
/* `waits` of this member is over. */
void coord_stop_waiting(struct coord_engine *engine, struct coord_member *member);
/* Those that waited for a fetch which is over now. */
void coord_wake_pulls(struct coord_engine *engine, pn_ms now);

/* Puts a model that is on the disk on the shelf, and holds it; takes both over. */
void coord_shelve_model(struct coord_engine *engine, const struct sec_blob *blob,
                        struct sec_hash **leaves, uint8_t **bytes);

/* ---- fold.c ---- */

void coord_begin_fold(struct coord_engine *engine);

/* ---- commit.c ---- */

void coord_begin_write(struct coord_engine *engine, const struct fed_effect *effect);
/* Remembers what a durable block says: hash, updates and models to keep. */
enum pn_status coord_remember(struct coord_engine *engine, const struct wire_block *block,
                              const struct sec_hash *hash);

/* ---- resume.c ---- */

enum pn_status coord_resume(struct coord_engine *engine, struct pn_error *why);

#endif
