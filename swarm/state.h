/*
 * swarm/state -- what the files of this folder share; nobody else includes it.
 *
 *     engine.c      from the outside in: new, frame, tick, and one turn of the machine
 *     frames.c      one function per message: decode, check, the machine's event
 *     effects.c     one function per effect of the machine
 *     relay.c       frames that a third member forwards: ours, to us, and others'
 *     pulls.c       blobs that are coming, each from whoever has it; blobs that we give
 *     contribute.c  our own part: read the data, train, measure              work
 *     aggregate.c   what follows from the contributions: sums, model, metrics work
 *     blocks.c      blocks that are talked about at this height: make, check, remember
 *     commit.c      our ledger, and what we voted                            work
 *     resume.c      from a disk back to a run
 */
#ifndef SWARM_STATE_H
#define SWARM_STATE_H

#include "crypto/seal.h"
#include "engine/blob.h"
#include "engine/budget.h"
#include "engine/fetch.h"
#include "engine/pace.h"
#include "engine/shelf.h"
#include "engine/work.h"
#include "fed/route.h"
#include "fed/vote.h"
#include "swarm/engine.h"
#include "swarm/evidence.h"

enum {
    SWARM_PENDING_MAX = 32,
    SWARM_PULLS       = 8, /* at once; the others wait */
    SWARM_BLOCKS      = FED_C_BLOCKS + 2,
    SWARM_FOLDERS     = 4,
    SWARM_OWED        = 8 /* of one member */
};
enum swarm_folder {
    SWARM_MODELS,
    SWARM_UPDATES,
    SWARM_REPORTS,
    SWARM_SCALING
};
extern const char *const swarm_folders[SWARM_FOLDERS];

struct swarm_relay_budget {
    struct engine_budget frames, bytes;
    uint64_t             height; /* that it was filled at */
};

struct swarm_member {
    const struct fed_roster_member *party;
    struct engine_peer              peer;
    struct engine_budget            frames, bytes, complaints;
    struct swarm_relay_budget       relay;   /* of what it has us forward, and forwards to us */
    struct sec_transport_public     session; /* of its newest greeting */
    struct sec_seal_key             keys[2]; /* between us; 0: of our sessions, 1: of greetings */
    bool                            has_session, has_key[2];
    uint64_t                        budget_height;
    enum pn_status                  complained;    /* why a frame of it was rejected, */
    pn_ms                           complained_at; /* when we last said so            */
    bool                            greeted, forked;
    uint32_t                        via;              /* greeted: as was said to the host last */
    struct wire_pull                owed[SWARM_OWED]; /* asked for, and not here; count 0: none */
    uint32_t                        owed_next;
};

struct swarm_pull {                    /* a blob that we fetch */
    bool                busy, landing; /* landing: whole, being made durable */
    enum swarm_folder   folder;
    uint32_t            member; /* whose part it is; FED_SWARM_MAX: a model or the scaling */
    enum fed_part_kind  part;
    uint64_t            height;
    uint32_t            source;   /* place of the member that we ask */
    pn_ms               ask_at;   /* nothing came until then: another source */
    uint32_t            silences; /* sources that gave nothing, one after the other */
    struct sec_blob     blob;
    struct engine_fetch fetch;
    pn_u128             squares; /* of an update: of the chunks that came */
};

struct swarm_block {           /* talked about at this height */
    struct sec_hash      hash; /* zeros: free */
    struct sec_signature signature;
    struct pn_buffer     bytes;
    bool                 wanted;   /* the machine asked whether it is good */
    bool                 checking; /* the work is out */
};

struct swarm_ours { /* what we committed to at a height; durable before it is announced */
    uint64_t        height;
    bool            has[2];         /* by fed_part_kind */
    struct sec_blob blob[2], model; /* model: the one that we started from */
    uint64_t        weight;
    double          loss, norm;
    uint8_t         signature[2][64];
};

struct swarm_pending { /* an event with what it points at */
    struct fed_swarm_event     event;
    struct fed_consensus_event consensus;
    struct fed_contribution    contribution;
};

struct swarm_kept { /* blobs of an older block, in the order of heights */
    uint64_t        height;
    uint32_t        folder;
    struct sec_hash root;
};

struct swarm_engine {
    struct swarm_config      config;
    struct swarm_member     *members; /* by place */
    uint32_t                 count, self;
    uint8_t                  run[16];
    struct fed_swarm         machine;
    struct fed_swarm_member *parts;
    struct fed_voter        *voters;

    struct fed_routes           routes;
    struct fed_route           *ways;
    struct sec_transport_public session;     /* of config.session */
    struct pn_ports             ports;       /* by the way that there is to a member; config.ports:
                                                by its connection only */
    struct pn_buffer           relay, inner; /* a frame to be forwarded; one that was, opened */
    struct swarm_relay_budget *pairs; /* origin x target, of what we forward; NULL: nothing yet */

    struct sec_hash      founds; /* the roster by which we voted on the first block; or zeros */
    struct swarm_pending pending[SWARM_PENDING_MAX]; /* raised inside a turn, for after it */
    size_t               pending_count;
    bool                 turning;
    pn_ms                now; /* of the turn */

    struct fed_epochs         epochs;
    struct fed_chain          chain;
    const struct wire_roster *next;        /* swarm_engine_offer; NULL: none */
    struct fed_certificate    certificate; /* of the chain's head */
    double                    best;        /* of the stopping metric */
    uint32_t                  stale;
    struct swarm_evidence     evidence; /* for our next block */
    uint32_t                  told_view, told_draw;
    pn_ms                     short_at; /* until then it is not said again that we wait */

    struct swarm_block     blocks[SWARM_BLOCKS];
    struct sec_hash        asked[FED_C_BLOCKS]; /* blocks that we asked others for */
    size_t                 asked_count;
    bool                   committing;
    uint8_t                saved[FED_CONSENSUS_SAVED]; /* of the vote that is durable */
    struct pn_buffer       record;                     /* being committed */
    struct fed_chain       after;                      /* the chain with it */
    struct fed_certificate decided;

    struct engine_trainer *trainer; /* once our records are read */
    struct engine_progress progress;
    struct engine_pace     pace; /* of a job that adapts it */
    struct swarm_ours      ours;
    bool                   working, needs_contribution;
    bool                   holds_model; /* the chain's newest, and the scaling */
    bool                   refuses;     /* our policy does, or our records cannot be read */
    char fault[WIRE_TEXT_MAX + 1];      /* why a part of ours was lost, for the others */

    uint32_t            build_view; /* that we were asked to lead */
    bool                must_build; /* a block of our own, once the model is here */
    pn_ms               look_at;    /* blocks that wait are looked at again then; 0: none waits */
    uint32_t            pull_first; /* whose parts are pulled first when a place is free */
    struct engine_shelf shelves[SWARM_FOLDERS];
    struct swarm_pull   pulls[SWARM_PULLS];
    struct swarm_kept  *kept;
    size_t              kept_count, kept_capacity;

    struct engine_work *works;        /* out with the host */
    pn_ms               linger_until; /* another roster is in force, and others may lack the block
                                         that brought it; 0: it is not */
    bool halted, over;                /* halted: does nothing any more */
};

/* ---- engine.c ---- */

enum pn_status swarm_turn(struct swarm_engine *engine, pn_ms now,
                          const struct fed_swarm_event *event);
/* Any time: taken after the turn that runs, if one does. */
void swarm_raise(struct swarm_engine *engine, pn_ms now, const struct fed_swarm_event *event);
void swarm_raise_consensus(struct swarm_engine *engine, pn_ms now,
                           const struct fed_consensus_event *event);
void swarm_tell(const struct swarm_engine *engine, const struct swarm_notice *notice);
void swarm_break(struct swarm_engine *engine, enum pn_status status, const char *what);
void swarm_submit(struct swarm_engine *engine, struct engine_work *work,
                  const struct engine_work_how *how);
/* The first four bytes of our newest block's hash; zeros before there is one. */
uint32_t swarm_mark(const struct swarm_engine *engine);
/* The body is in the scratch. */
void swarm_send(struct swarm_engine *engine, uint32_t member, enum wire_type type);
void swarm_greet(struct swarm_engine *engine, uint32_t member, pn_ms now);
/* The session with `member` is over, by whatever way. */
void swarm_lose(struct swarm_engine *engine, pn_ms now, uint32_t member);
/* The roster that we go by is in force: we are a member now, and not only catching up. */
bool swarm_takes_part(const struct swarm_engine *engine);
/* The roster in force has us no more. */
bool swarm_leaves(const struct swarm_engine *engine);
/* We voted on the first block by another roster: places and keys were others, and two votes there
 * could found two runs. */
bool swarm_founds_other(const struct swarm_engine *engine);
/* Of the next epoch of the roster enough members have joined, or do with `block` (NULL: none), that
 * rounds can go on: new ones join by a block. */
bool swarm_can_go_on(const struct swarm_engine *engine, const struct fed_roster *next,
                     const struct wire_block *block);
/* What is said to the member may leave. */
bool swarm_is_open(const struct swarm_engine *engine, uint32_t member);
/* By a connection of its own: what is large goes there only. */
bool swarm_is_near(const struct swarm_engine *engine, uint32_t member);
/* A frame of `member`; `by`: place of who forwarded it, or FED_NOBODY. Counts it. */
void swarm_hear(struct swarm_engine *engine, pn_ms now, uint32_t member, uint32_t by,
                const struct wire_span *bytes);

/* ---- relay.c ---- */

void swarm_relay_init(struct swarm_engine *engine);
void swarm_relay_fini(struct swarm_engine *engine);
/* One step of the routes. */
void swarm_route(struct swarm_engine *engine, pn_ms now, const struct fed_route_event *event);
/* The key that it greeted with: frames to it may be sealed from now on. */
void swarm_relay_learn(struct swarm_member *member, const uint8_t key[static 32]);
/* A relay of `size` bytes may pass: as much as `pairs` pairs of members may say to each other
 * through a third at this height. */
bool           swarm_take_relay(struct swarm_relay_budget *budget, uint64_t pairs, uint64_t height,
                                size_t size, pn_ms now);
enum pn_status swarm_relay_take(struct swarm_engine *engine, pn_ms now, uint32_t by,
                                const struct wire_frame *frame);

/* ---- frames.c ---- */

enum pn_status swarm_take(struct swarm_engine *engine, pn_ms now, uint32_t member,
                          const struct wire_frame *frame);
/* `bytes`: as they came, not looked at yet. */
bool swarm_may_speak(const struct swarm_engine *engine, struct swarm_member *member,
                     const struct wire_span *bytes, pn_ms now);

/* ---- effects.c ---- */

void swarm_perform(void *host, const struct fed_swarm_effect *effect);
/* What we committed to and voted at this height, to one member; our place: what we committed to, to
 * everybody. */
void swarm_announce(struct swarm_engine *engine, uint32_t member);

/* ---- pulls.c ---- */

/* Fetches a part of a member; one that waits for a free place is found again by swarm_pull_more. */
void swarm_pull_part(struct swarm_engine *engine, uint32_t member, enum fed_part_kind part,
                     pn_ms now);
/* Fetches a blob of the ledger: the newest model, the scaling. */
void swarm_pull_blob(struct swarm_engine *engine, enum swarm_folder folder,
                     const struct sec_blob *blob, pn_ms now);
/* `member` has this blob: it is asked for what is missing, unless that comes from its owner. */
void swarm_pull_from(struct swarm_engine *engine, uint32_t member, const struct wire_blob *wire,
                     pn_ms now);
/* Starts what waits; asks for what is due. */
void  swarm_pull_more(struct swarm_engine *engine, pn_ms now);
pn_ms swarm_pull_deadline(const struct swarm_engine *engine);
/* Pulls for heights before the current one are of no use. */
void           swarm_pull_forget(struct swarm_engine *engine);
enum pn_status swarm_pull_take(struct swarm_engine *engine, const struct wire_chunk *chunk);
/* What is not here yet is given when it is. */
enum pn_status swarm_give(struct swarm_engine *engine, uint32_t member,
                          const struct wire_pull *pull);
/* The blob is here: to whom it is owed. */
void swarm_pay(struct swarm_engine *engine, const struct sec_blob *blob);

/* ---- contribute.c ---- */

/* Reads the records and asks the policy; then FED_S_ABLE, whatever came of it. */
void swarm_begin_join(struct swarm_engine *engine);
/* Makes our parts of this height, once model and scaling are here. */
void swarm_contribute(struct swarm_engine *engine, pn_ms now);
/* True when it is here; else it is fetched. */
bool swarm_have(struct swarm_engine *engine, enum swarm_folder folder, const struct sec_blob *blob,
                pn_ms now);
/* They are durable: the machine hears of them. */
void swarm_offer_ours(struct swarm_engine *engine);
enum {
    SWARM_OURS_SIZE = 400
};
void swarm_ours_encode(uint8_t out[static SWARM_OURS_SIZE], const struct swarm_ours *ours);
void swarm_ours_decode(struct swarm_ours *out, const uint8_t bytes[static SWARM_OURS_SIZE]);

/* ---- aggregate.c ---- */

struct swarm_aggregate { /* work: in, then out */
    struct engine_work    base;
    struct sec_hash       about; /* the block that is checked; zeros: one of our own is built */
    struct wire_block     draft; /* entries, absent, reports and what is copied; arrays are ours */
    struct wire_agreement agreement;
    bool              *strange; /* entries whose update we hold another of: measured by the work */
    struct wire_metric metrics[NN_METRICS_MAX];
    uint8_t           *model; /* that was made, durable; NULL: none was */
    struct sec_hash   *model_leaves, *scaling_leaves;
    bool               last;
    bool               measures[FED_SWARM_MAX]; /* by report: its metrics count */
    const struct engine_job *job;
    const struct store_disk *disk;
    double                   best;
    uint32_t                 stale, members;
    char                     note[WIRE_TEXT_MAX + 1];
    struct wire_roster      *roster; /* that the block carries; one piece of memory */
};
/* Fills kind, model_out, scaling, metrics, note of the draft; models and scaling are durable. */
void swarm_aggregate_run(struct pn_work *work);
void swarm_aggregate_release(struct engine_work *work);
/* The block is to carry this; copied. */
PN_MUST_CHECK enum pn_status swarm_aggregate_carry(struct swarm_aggregate   *aggregate,
                                                   const struct wire_roster *roster);
struct swarm_aggregate      *swarm_aggregate_new(const struct swarm_engine *engine);
/* For the history of early stopping: the metrics of a block that is ours now. */
void swarm_note_metrics(struct swarm_engine *engine, const struct wire_block *block);

/* ---- blocks.c ---- */

void                swarm_blocks_clear(struct swarm_engine *engine);
struct swarm_block *swarm_block_find(struct swarm_engine *engine, const struct sec_hash *hash);
/* Remembers it; NULL without memory. */
struct swarm_block *swarm_block_keep(struct swarm_engine *engine, const struct sec_hash *hash,
                                     const struct wire_span     *bytes,
                                     const struct sec_signature *signature);
void                swarm_block_build(struct swarm_engine *engine);
/* The machine asks whether a block is good: checked as soon as its parts are here. */
void swarm_block_check(struct swarm_engine *engine, const struct sec_hash *hash);
void swarm_block_check_more(struct swarm_engine *engine);
bool swarm_block_is_asked(const struct swarm_engine *engine, const struct sec_hash *hash);
/* Nothing in it is larger than this job allows, whoever signed it. */
bool swarm_block_is_possible(const struct swarm_engine *engine, const struct wire_block *block);
/* A block names contributions: what we have not heard of is pulled. `member` has them. */
void swarm_block_learn(struct swarm_engine *engine, uint32_t member, const struct wire_block *block,
                       pn_ms now);

/* ---- commit.c ---- */

/* What we voted is durable when it returns true, with the blocks that we are bound to. */
bool swarm_save_vote(struct swarm_engine *engine);
enum {
    SWARM_PROOF_VOTE = 104,
    SWARM_VOTE_MAX =
        32 + FED_CONSENSUS_SAVED + 4 + FED_SWARM_MAX * SWARM_PROOF_VOTE + 3 * (68 + WIRE_BLOCK_MAX)
};
/* fed_chain_take onto our chain; signatures of a block that this process has checked before are
 * not checked again. `after` and `block` are the caller's. */
enum pn_status swarm_chain_take(struct swarm_engine *engine, struct wire_block *block,
                                struct fed_chain *after, struct wire_arena *arena,
                                const struct wire_span     *bytes,
                                const struct sec_signature *signature);
void           swarm_commit(struct swarm_engine *engine, const struct swarm_block *block,
                            const struct fed_certificate *certificate);
void swarm_certificate_from(struct fed_certificate *out, const struct swarm_engine *engine,
                            uint32_t view, const struct sec_hash *hash);
/* Notes which blobs a block names, for tidying up later. */
enum pn_status swarm_remember(struct swarm_engine *engine, const struct wire_block *block);
/* Tells the machine what a block of ours means. */
void swarm_teach(struct swarm_engine *engine, const struct wire_block *block);

/* ---- resume.c ---- */

enum pn_status swarm_resume(struct swarm_engine *engine, struct pn_error *why);
/* What we voted at the current height before a restart. */
void swarm_resume_vote(struct swarm_engine *engine, pn_ms now);

#endif
