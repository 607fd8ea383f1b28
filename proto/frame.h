/*
 * proto/frame -- one message on the wire: header, body, signature.
 *
 *     offset size  field (little-endian)
 *          0    4  magic "PNL1"
 *          4    2  version = 1
 *          6    2  type
 *          8   16  run
 *         24    4  roster epoch
 *         28    4  sender (member number)
 *         32    4  recipient (member number)
 *         36    4  attempt
 *         40    8  round
 *         48    8  sequence
 *         56    4  body length
 *         60    4  zero
 *         64   32  BLAKE2b-256 of the body, domain "body"; in CHUNK of what comes before the data
 *         96   32  hash of the sender's previous frame to this recipient, domain
 *                  "frame" over header and signature; zero in the first of a session
 *        128    n  body
 *    128 + n   64  Ed25519 over the 128 header bytes, domain "frame"
 *
 * Parsed by hand. This file knows shapes and limits only; who may say what, and
 * when, is decided in fed/link and the machines.
 */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include "base/bytes.h"

enum {
    WIRE_VERSION        = 1,
    WIRE_HEADER_SIZE    = 128,
    WIRE_SIGNATURE_SIZE = 64,
    WIRE_BODY_MAX       = 1048576 + 2048, /* CHUNK: 1 MiB and its proof      */
    WIRE_BLOCK_MAX      = 524288,         /* body of COMMIT                  */
    WIRE_DECISION_MAX   = 589824,         /* PROPOSE, DECISION: a block and votes */
    WIRE_CONTROL_MAX    = 65536,          /* every other type; SURVEY: none   */
    WIRE_RELAY_MAX      = 590068,         /* RELAY: the largest of these frames, sealed */
    WIRE_FRAME_MAX      = WIRE_HEADER_SIZE + WIRE_BODY_MAX + WIRE_SIGNATURE_SIZE
};

/* N = node to coordinator, C = coordinator to node, S = between members of a swarm, B = all. The
 * members of a swarm send UPDATE and FAULT, too. */
#define WIRE_TYPE_LIST(X)                                                              \
    X(WIRE_HELLO, 1, "hello")           /* B opens a session: a new chain of frames */ \
    X(WIRE_OFFER, 2, "offer")           /* C the job                                */ \
    X(WIRE_ANSWER, 3, "answer")         /* N joins, or refuses and says why         */ \
    X(WIRE_SURVEY, 4, "survey")         /* C asks for statistics                    */ \
    X(WIRE_STATISTICS, 5, "statistics") /* N sums over its records                  */ \
    X(WIRE_INVITE, 6, "invite")         /* C to the cohort of a round               */ \
    X(WIRE_ACCEPT, 7, "accept")         /* N takes part                             */ \
    X(WIRE_TRAIN, 8, "train")           /* C start model, pinned scaling            */ \
    X(WIRE_UPDATE, 9, "update")         /* N signed commitment to its update        */ \
    X(WIRE_EVALUATE, 10, "evaluate")    /* C candidate model                        */ \
    X(WIRE_METRICS, 11, "metrics")      /* N mergeable metric state                 */ \
    X(WIRE_COMMIT, 12, "commit")        /* C a signed block                         */ \
    X(WIRE_COUNTERSIGN, 13, "countersign") /* N signs the block's hash              */ \
    X(WIRE_FINISH, 14, "finish")        /* C the run is over, with its outcome      */ \
    X(WIRE_FAULT, 15, "fault")          /* N could not do its part                  */ \
    X(WIRE_HEARTBEAT, 16, "heartbeat")  /* N is alive, and how far it is            */ \
    X(WIRE_PULL, 17, "pull")            /* B asks for chunks of a blob              */ \
    X(WIRE_CHUNK, 18, "chunk")          /* B one chunk, raw                         */ \
    X(WIRE_REPORT, 19, "report")        /* S what a member measured on its records  */ \
    X(WIRE_PROPOSE, 20, "propose")      /* S the leader's block                     */ \
    X(WIRE_VOTE, 21, "vote")            /* S for it, or against                     */ \
    X(WIRE_ASK, 22, "ask")              /* S for a block                            */ \
    X(WIRE_DECISION, 23, "decision")    /* S a block, with the votes that decided   */ \
    X(WIRE_STATUS, 24, "status")        /* S how far the sender is                  */ \
    X(WIRE_SHOW, 25, "show")            /* S to the next leader: a block that is valid */ \
    X(WIRE_RELAY, 26, "relay")          /* S a frame between two others, sealed; raw */

enum wire_type {
#define WIRE_TYPE_ENUM(name, number, text) name = number,
    WIRE_TYPE_LIST(WIRE_TYPE_ENUM)
#undef WIRE_TYPE_ENUM
};

/* NULL for a number that is no type. */
const char *wire_type_text(uint16_t type);
/* The largest body of a type: the limits above, and 0 for SURVEY, which has none. */
uint32_t wire_body_max(uint16_t type);
/* What bytes that may be a frame say their type is; 0 when they are too short to. */
uint16_t wire_type_of(const uint8_t *bytes, size_t size);

struct wire_header {
    uint16_t type;
    uint8_t  run[16];
    uint32_t epoch, sender, recipient, attempt;
    uint64_t round, sequence;
    uint32_t body_size;
    uint8_t  body_hash[32], previous[32];
};

struct wire_frame { /* views into the received bytes */
    struct wire_header header;
    const uint8_t     *header_bytes; /* WIRE_HEADER_SIZE    */
    const uint8_t     *body;         /* header.body_size    */
    const uint8_t     *signature;    /* WIRE_SIGNATURE_SIZE */
};

/* How many of the body's first bytes its hash covers: all, but for the data of a CHUNK, which its
 * proof ties to a root that was signed before: a model would be hashed twice on every way. */
size_t wire_hashed_size(uint16_t type, const uint8_t *body, size_t size);

void wire_header_encode(uint8_t out[static WIRE_HEADER_SIZE], const struct wire_header *header);
/*
 * Checks magic, version, known type, zero field, exact length and the limit of
 * the type. PN_EPEER_FORMAT or PN_EPEER_LIMIT. Hash and signature are not checked here.
 */
PN_MUST_CHECK enum pn_status wire_frame_decode(struct wire_frame *out, const uint8_t *bytes,
                                               size_t size);

#endif
