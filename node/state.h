/*
 * node/state -- what the files of this folder share; nobody else includes it.
 *
 *     engine.c   from the outside in: new, frame, tick, and one turn of the machine
 *     frames.c   one function per message: decode, check, the machine's event
 *     effects.c  one function per effect of the machine: messages, blobs, work
 *     join.c     the job, the policy, the data; statistics     work
 *     work.c     training and evaluating                       work
 *     keep.c     our copy of the ledger                        work
 *     resume.c   from a disk back to a run
 */
#ifndef NODE_STATE_H
#define NODE_STATE_H

#include "engine/blob.h"
#include "engine/budget.h"
#include "engine/fetch.h"
#include "engine/pace.h"
#include "engine/shelf.h"
#include "engine/work.h"
#include "node/engine.h"

enum {
    NODE_PENDING_MAX = 8
};

struct node_update { /* ours, of one round; durable before it is announced */
    uint64_t             round, weight;
    struct sec_blob      model, update;
    double               loss;
    struct sec_signature signature;
};

struct node_metrics { /* encoded states of the validation part */
    uint64_t         records;
    struct pn_buffer states[NN_METRICS_MAX];
};

struct node_next { /* a block that was checked, until it stands in our ledger */
    struct engine_known_record *record;
    struct fed_chain            chain; /* with it */
};

/* While the machine has its turn: effects that were done at once, whose events are its next. */
struct node_turn {
    struct fed_member_event events[NODE_PENDING_MAX];
    size_t                  count;
    struct node_turn       *outer;
};

struct node_engine {
    struct node_config config;
    struct engine_peer peer;

    struct fed_member machine;
    struct node_turn *turn; /* that runs; else NULL */

    struct wire_span         job_text; /* as offered; empty before. The host's, or else ours: */
    uint8_t                 *own_text;
    const struct engine_job *job;     /* once joined; own_job, or the host's */
    struct engine_job       *own_job; /* NULL when the host's serves         */
    struct engine_trainer   *trainer; /* likewise                  */
    struct engine_progress   progress;
    struct engine_pace       pace; /* of a job that adapts it */

    bool                 accepts; /* what the last results say: ANSWER ... */
    char                *reason;  /* (texts as of node_note) */
    struct node_update   update;  /* ... UPDATE ... */
    struct node_metrics *metrics; /* ... METRICS: NULL before the first ... */
    enum pn_status       fault;   /* ... and FAULT */

    struct fed_chain  chain;
    struct node_next *next;       /* NULL: no block waits */
    bool              foreign;    /* the coordinator has fewer blocks than we hold */
    bool              keep_waits; /* for the run's last model */

    struct fed_member_event *early; /* a TRAIN that came before the block it builds on; or NULL */
    uint64_t                 candidates_round; /* models to evaluate: shown in this round ... */
    uint32_t                 candidate_count;
    struct sec_blob          candidate; /* ... and the last of them */

    struct engine_shelf shelf;
    struct engine_fetch model, scaling;            /* as they come ...                        */
    struct engine_held *held_model, *held_scaling; /* ... and the last of each that was whole */

    uint32_t             greetings;  /* sent and not answered         */
    struct engine_budget complaints; /* about the coordinator's frames */

    struct engine_work *works; /* out with the host */
    bool                over;
    char               *ending; /* why the run ended */
};

/* ---- engine.c ---- */

enum pn_status node_take_turn(struct node_engine *engine, pn_ms now,
                              const struct fed_member_event *event);
/* Around what may raise events outside of a turn of the machine; `turn` is the caller's. */
void node_begin_turn(struct node_engine *engine, struct node_turn *turn);
void node_end_turn(struct node_engine *engine, pn_ms now);
void node_raise(struct node_engine *engine, const struct fed_member_event *event);
void node_tell(const struct node_engine *engine, const struct node_notice *notice);
/* Keeps what of `text` a message may say. Read with node_text: without memory it says so. */
void        node_note(char **to, const char *text);
const char *node_text(const char *noted);
void        node_submit(struct node_engine *engine, struct engine_work *work,
                        const struct engine_work_how *how);

/* ---- frames.c ---- */

/* The frame was opened: decodes, checks, steps. `why` says more about a rejected frame. */
enum pn_status node_take(struct node_engine *engine, pn_ms now, const struct wire_frame *frame,
                         struct pn_error *why);

/* ---- effects.c ---- */

void node_perform(struct node_engine *engine, const struct fed_member_effects *effects, pn_ms now);
/* Fetches a model or the scaling of the coordinator (`fetch` is the engine's own for it), or raises
 * FED_M_HELD. */
void node_need(struct node_engine *engine, struct engine_fetch *fetch, const struct sec_blob *blob,
               pn_ms now);
/* What an order needs cannot be had: the coordinator hears of it, and need not wait. */
void node_miss(struct node_engine *engine, enum pn_status status, const char *what, pn_ms now);
/* A fetch is whole: it takes the place of the last one. */
void node_hold(struct node_engine *engine, struct engine_fetch *fetch, pn_ms now);

/* ---- join.c ---- */

void node_begin_join(struct node_engine *engine);
void node_begin_survey(struct node_engine *engine);

/* ---- work.c ---- */

/* In `done`: what the machine hears of it. `update` is NULL but for a training. */
void node_finish_work(struct node_engine *engine, pn_ms now, enum fed_member_work which,
                      enum pn_status status, const struct sec_blob *update);
void node_begin_train(struct node_engine *engine);
void node_begin_evaluate(struct node_engine *engine);
/* The fact of an update that is done, and back. */
enum {
    NODE_UPDATE_FACT_SIZE = 168
};
void node_update_encode(uint8_t                   out[static NODE_UPDATE_FACT_SIZE],
                        const struct node_update *update);
void node_update_decode(struct node_update *out, const uint8_t bytes[static NODE_UPDATE_FACT_SIZE]);

/* ---- keep.c ---- */

/* The block of a COMMIT, that we do not have yet, or one that we have: PN_OK when it is of our
 * history. */
enum pn_status node_check_block(struct node_engine *engine, const struct wire_frame *frame,
                                uint64_t *height, struct pn_error *why);
void           node_begin_keep(struct node_engine *engine, pn_ms now);
void           node_drop_next(struct node_engine *engine);

/* ---- resume.c ---- */

enum pn_status node_resume(struct node_engine *engine, struct pn_error *why);

#endif
