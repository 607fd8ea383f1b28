/*
 * proto/message -- the bodies of frames: checked structs of ours <-> bytes.
 *
 * One struct, one encode and one decode per message of proto/panal.proto (proto2;
 * no recursion, no maps). Decoding checks everything that can be checked without
 * knowing the run: presence, lengths, counts, ranges, finiteness, UTF-8 of text
 * (control characters are refused). Every field is required and unknown ones are
 * refused; a message has exactly one encoding and no other is accepted, so
 * encoding what was decoded gives the same bytes.
 *
 * Memory     decode uses the arena only; strings, arrays and views live in it
 *            until it is reset. encode appends to the buffer.
 * Errors     decode: PN_EPEER_FORMAT (not the message), PN_EPEER_VALUE (a field out
 *            of its range), PN_EPEER_LIMIT (too many), PN_ENOMEM (arena too small);
 *            the struct and the arena are then as before.
 *            encode: PN_ERANGE (the struct breaks a rule that decode checks, or the
 *            buffer's limit), PN_ENOMEM; the buffer is then as before.
 */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

#include "proto/arena.h"

enum {
    WIRE_TEXT_MAX    = 200,   /* bytes of a reason or a name             */
    WIRE_JOB_MAX     = 61440, /* bytes of a job file                     */
    WIRE_COLUMNS_MAX = 1024,
    WIRE_METRICS_MAX = 16,
    WIRE_STATE_MAX   = 16384, /* bytes of one metric's state             */
    WIRE_MEMBERS_MAX = 1024,
    WIRE_SWARM_MAX   = 128,   /* members of a swarm                      */
    WIRE_CONVICTIONS_MAX = 16,
    WIRE_REACH_MAX   = WIRE_SWARM_MAX / 8,
    WIRE_ROSTER_MAX  = 262144, /* bytes of federation.yaml                */
    WIRE_SIGNERS_MAX = 64,
    WIRE_MINISIGN_MAX = 1024,
    WIRE_PULL_MAX    = 2,     /* chunks asked for at once                */
    WIRE_CHUNK_SIZE  = 1048576,
    WIRE_CHUNKS_MAX  = 65536, /* of one blob                             */
    WIRE_PROOF_MAX   = 17,    /* hashes                                  */
    WIRE_ARENA_SIZE  = 2097152 /* an arena that holds any message         */
};
#define WIRE_BLOB_MAX ((uint64_t)WIRE_CHUNK_SIZE * WIRE_CHUNKS_MAX)

/* Makes any text sendable: cuts it between characters, "?" for what is not allowed. */
void wire_text_cut(char out[static WIRE_TEXT_MAX + 1], const char *text);

struct wire_span { /* borrowed bytes */
    const uint8_t *bytes;
    size_t         size;
};

struct wire_blob {
    uint64_t size;
    uint8_t  root[32];
};

struct wire_hello {
    bool        restart;  /* the sender misses frames: answer with a hello of your own */
    const char *software; /* "panal 0.1.0" */
    uint64_t    height;   /* blocks that the sender holds */
    uint8_t     head[32]; /* hash of the last one; zeros exactly when there is none */
    uint8_t     key[32];  /* X25519, of this life of a swarm's member: for frames that others
                             forward; else zeros */
};

struct wire_offer {
    struct wire_span job; /* the text of job.yaml */
};

struct wire_answer {
    bool        accepted;
    const char *reason; /* "" exactly when accepted */
    uint64_t    records, validation_records;
};

struct wire_column_sums { /* of q = rint(x * 2^24) over the records that have a value */
    uint64_t count; /* at most `records`; sums are 0 when it is 0 */
    pn_i128  sum, sum_of_squares; /* the second is >= 0 and >= |sum|, as for any integers */
};

struct wire_statistics {
    uint64_t                 records;
    struct wire_column_sums *columns;
    size_t                   column_count;
};

struct wire_invite {
    pn_ms answer_ms; /* how long the coordinator waits for the answer */
};

struct wire_accept {
    uint64_t records;
};

struct wire_train {
    struct wire_blob model, scaling; /* scaling.size is 0 when the job pins none */
    pn_ms            deadline_ms;
};

/* A commitment: what a node says once, and can be held to. See fed/block. */
struct wire_update {
    struct wire_blob update;
    uint64_t         weight; /* >= 1 */
    double           loss; /* mean training loss, finite */
    uint8_t          signature[64];
};

struct wire_evaluate {
    struct wire_blob model, scaling;
    pn_ms            deadline_ms;
};

struct wire_metric_state {
    const char      *name;  /* not empty, unique */
    struct wire_span state; /* not empty         */
};

struct wire_metrics {
    uint64_t                  records;
    struct wire_metric_state *metrics;
    size_t                    metric_count;
};

struct wire_commit {
    struct wire_span block;        /* encoded struct wire_block */
    uint8_t          signature[64]; /* of the proposer over its hash */
};

struct wire_countersign {
    uint64_t height;
    uint8_t  hash[32], signature[64];
};

enum wire_outcome { WIRE_DONE = 1, WIRE_STOPPED_EARLY = 2, WIRE_FAILED = 3 };

struct wire_finish {
    enum wire_outcome outcome;
    const char       *reason;
    struct wire_blob  model; /* size 0 and zeros when none was made */
};

struct wire_fault {
    const char *reason; /* not empty */
};

enum wire_activity { WIRE_IDLE = 1, WIRE_LOADING = 2, WIRE_TRAINING = 3, WIRE_EVALUATING = 4,
                     WIRE_SENDING = 5 };

struct wire_heartbeat {
    enum wire_activity activity;
    uint64_t           done, total; /* done <= total */
};

struct wire_pull {
    struct wire_blob blob;
    uint32_t         first, count; /* count 1..WIRE_PULL_MAX; all are chunks of the blob */
};

struct wire_witness { /* a member's signature over the previous block: fed/block */
    uint32_t member;
    uint8_t  signature[64];
};

/* ---- between the members of a swarm ---- */

enum wire_step { WIRE_PREVOTE = 1, WIRE_PRECOMMIT = 2 };

struct wire_vote {
    uint64_t       height;
    uint32_t       member, view; /* view >= 1 */
    enum wire_step step;
    uint8_t        hash[32];     /* zeros: for no block */
    uint32_t       lock_view;    /* below view; 0 exactly when lock is zeros; 0 in a precommit */
    uint8_t        lock[32], signature[64];
};

/* A commitment to what a member measured: its statistics, or its metrics of a model. */
struct wire_contribution {
    struct wire_blob report;
    uint8_t          signature[64];
};

struct wire_propose {
    uint32_t          view, valid_view; /* valid_view < view; 0: `votes` is empty */
    struct wire_span  block;            /* encoded struct wire_block */
    uint8_t           signature[64];    /* of its proposer over its hash */
    struct wire_vote *votes;            /* prevotes of valid_view */
    size_t            vote_count;
};

struct wire_ask {
    uint64_t height;
    uint8_t  hash[32]; /* zeros: the block that was decided */
};

struct wire_decision {
    struct wire_span     block;
    uint8_t              signature[64]; /* of its proposer */
    uint32_t             view;          /* 0: not decided, `witnesses` is empty */
    struct wire_witness *witnesses;     /* precommits of `view`, members increasing */
    size_t               witness_count;
};

struct wire_status {
    uint64_t           height;   /* blocks that the sender holds */
    uint8_t            head[32]; /* zeros exactly when there is none */
    enum wire_activity activity;
    struct wire_span   reach; /* bit place % 8 of byte place / 8: the sender has a session with it
                                 on a connection of their own; 1 to WIRE_REACH_MAX bytes */
};

#define WIRE_MESSAGE(type)                                                              \
    PN_MUST_CHECK enum pn_status wire_##type##_encode(struct pn_buffer         *out,     \
                                                      const struct wire_##type *message); \
    PN_MUST_CHECK enum pn_status wire_##type##_decode(struct wire_##type *out,           \
                                                      struct wire_arena  *arena,         \
                                                      const uint8_t *bytes, size_t size);
WIRE_MESSAGE(hello)
WIRE_MESSAGE(offer)
WIRE_MESSAGE(answer)
WIRE_MESSAGE(statistics)
WIRE_MESSAGE(invite)
WIRE_MESSAGE(accept)
WIRE_MESSAGE(train)
WIRE_MESSAGE(update)
WIRE_MESSAGE(evaluate)
WIRE_MESSAGE(metrics)
WIRE_MESSAGE(commit)
WIRE_MESSAGE(countersign)
WIRE_MESSAGE(finish)
WIRE_MESSAGE(fault)
WIRE_MESSAGE(heartbeat)
WIRE_MESSAGE(pull)
WIRE_MESSAGE(vote)
WIRE_MESSAGE(contribution)
WIRE_MESSAGE(propose)
WIRE_MESSAGE(ask)
WIRE_MESSAGE(decision)
WIRE_MESSAGE(status)
/* WIRE_SURVEY has an empty body. */

/*
 * WIRE_CHUNK is raw, so that a tensor is never inside protobuf:
 *     root 32 | blob size u64 | index u32 | proof count u32 | proof 32 * count | data
 */
struct wire_chunk {
    struct wire_blob blob;
    uint32_t         index, proof_count;
    const uint8_t   *proof; /* 32 * proof_count */
    struct wire_span data;
};
/* Leaves room at the end for data.size bytes of data when data.bytes is NULL. */
PN_MUST_CHECK enum pn_status wire_chunk_encode(struct pn_buffer *out,
                                               const struct wire_chunk *message);
PN_MUST_CHECK enum pn_status wire_chunk_decode(struct wire_chunk *out, const uint8_t *bytes,
                                               size_t size);

/*
 * WIRE_RELAY is raw: a whole frame from one member of a swarm to another, that a third one passes
 * on without being able to read it.
 *     origin u32 | target u32 | greeting u32 | sealed
 * The first WIRE_RELAY_HEAD bytes are what the seal is about (crypto/seal).
 */
enum { WIRE_RELAY_HEAD = 12, WIRE_RELAY_SEAL = 40, WIRE_RELAY_INNER_MIN = 192 };
struct wire_relay {
    uint32_t         origin, target; /* member numbers, different                        */
    bool             greeting;       /* a HELLO, sealed under the key for greetings       */
    struct wire_span sealed;         /* nonce, ciphertext, tag of at least an empty frame */
};
void wire_relay_head(uint8_t out[static WIRE_RELAY_HEAD], const struct wire_relay *relay);
PN_MUST_CHECK enum pn_status wire_relay_decode(struct wire_relay *out, const uint8_t *bytes,
                                               size_t size);

/* ---- the ledger's entry; its encoded bytes are what is hashed, signed and stored ---- */

enum wire_block_kind { WIRE_BLOCK_GENESIS = 1, WIRE_BLOCK_ROUND = 2, WIRE_BLOCK_FINISH = 3 };

/* Why a member of the cohort does not stand in a round's sum. */
enum wire_absence { WIRE_ABSENT_SILENT = 1, WIRE_ABSENT_LATE = 2, WIRE_ABSENT_FAULT = 3,
                    WIRE_ABSENT_REFUSED = 4, WIRE_ABSENT_INVALID = 5 };

struct wire_entry {
    uint32_t         member;
    uint64_t         weight; /* >= 1 */
    struct wire_blob update;
    double           norm;          /* >= 0; of the update, as the coordinator measured it */
    uint8_t          signature[64]; /* the member's commitment                       */
};

struct wire_absent {
    uint32_t          member;
    enum wire_absence reason;
};

struct wire_metric {
    const char *name;  /* not empty, unique */
    double      value; /* finite: a metric that has no value is left out */
    uint64_t    records;
};

struct wire_report {
    uint32_t         member;
    struct wire_blob report;
    uint8_t          signature[64]; /* the member's commitment */
};

struct wire_conviction { /* two votes of one member that contradict each other */
    struct wire_vote first, other;
};

struct wire_roster_signature {
    const char      *signer; /* not empty, unique      */
    struct wire_span text;   /* a minisign file, 1 to WIRE_MINISIGN_MAX bytes */
};

struct wire_roster {
    struct wire_span              text; /* federation.yaml, 1 to WIRE_ROSTER_MAX bytes */
    struct wire_roster_signature *signatures;
    size_t                        signature_count;
};

/* What a block of a swarm says besides: how it was agreed on. */
struct wire_agreement {
    uint32_t                view;         /* >= 1: in which it was proposed first            */
    uint32_t                witness_view; /* of the witnesses' precommits; 0 exactly in genesis */
    uint8_t                 log[32]; /* RFC 6962 root over the blocks before it: crypto/log_tree */
    struct wire_report     *reports;      /* members increasing */
    struct wire_conviction *convictions;
    size_t                  report_count, conviction_count;
    struct wire_roster     *roster; /* NULL: none */
};

/*
 * Rules of a block alone:
 *   all      entries, absent and witnesses each with members increasing; nobody both in entries and
 *            absent; scaling is a blob or none (size 0, zeros)
 *   genesis  height 0, round 0, previous zeros, model_in none, model_out a blob;
 *            no entries, absent, metrics or witnesses
 *   round    height, round and attempt >= 1, previous not zeros, both models blobs, >= 1 entry
 *   finish   height >= 1, previous not zeros, no entries or absent; model_out = model_in, a blob
 *   note     "" unless finish
 *   agreement  in a block of a swarm. Metrics are then of model_in, without it of model_out. Its
 *              roster: in genesis that of the run, without signatures; in a round the next epoch,
 *              signed, or none; in finish none
 */
struct wire_block {
    enum wire_block_kind kind;
    uint8_t              run[16];
    uint64_t             height; /* 0 = genesis */
    uint8_t              previous[32];
    uint8_t              roster[32], job[32];
    uint32_t             epoch, proposer, attempt;
    uint64_t             round;
    uint64_t             time_ms; /* Unix, as the proposer's clock showed */
    struct wire_blob     model_in, model_out, scaling;
    struct wire_entry   *entries;
    struct wire_absent  *absent;
    struct wire_metric  *metrics;
    struct wire_witness *witnesses;
    size_t               entry_count, absent_count, metric_count, witness_count;
    const char          *note; /* finish: why the run ended; else "" */
    struct wire_agreement *agreement; /* NULL: a coordinator's block */
};
WIRE_MESSAGE(block)
#undef WIRE_MESSAGE

#endif
