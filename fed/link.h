/*
 * fed/link -- the two directions of frames between this member and one peer.
 *
 * Seals outgoing frames (sequence, chain, signature) and opens incoming ones. A
 * *session* starts with a HELLO, whose previous hash is zero; every later frame names
 * the hash of the frame before it, so nothing can be dropped, repeated or reordered
 * inside a session unseen. Sequences never go back, over restarts too: their upper 32
 * bits are the sender's boot number, which is durable before the first frame leaves.
 *
 * After PN_EPEER_GAP the receiver sends a HELLO with `restart` set (at most one per
 * FED_RESTART_MS); the peer answers with a HELLO, which opens a new session.
 *
 * Memory     a plain struct; keys are borrowed. No I/O, no clock.
 */
#ifndef FED_LINK_H
#define FED_LINK_H

#include "crypto/keys.h"
#include "fed/body.h"
#include "proto/frame.h"

enum {
    FED_RESTART_MS = 1000
};

struct fed_link_ends {
    uint8_t                       run[16];
    uint32_t                      epoch, self, peer; /* roster epoch (in a swarm the peer may be at
                                                        another one); member numbers */
    bool                          self_is_coordinator, peer_is_coordinator;
    bool                          swarm;  /* neither is: both are members of one */
    const struct sec_sign_secret *secret; /* of self */
    const struct sec_sign_public *key;    /* of peer */
    struct fed_body              *last;   /* of all links of a thread; may be NULL */
};

struct fed_link {
    struct fed_link_ends ends;
    uint64_t             sent_sequence, taken_sequence;
    struct sec_hash      sent_hash, taken_hash;
    bool                 sent_hello, taken_hello; /* a session is open in this direction */
};

/* `boot` >= 1 and larger than in any earlier life of this process's state directory. */
void fed_link_init(struct fed_link *link, const struct fed_link_ends *ends, uint32_t boot);

/*
 * One frame into `out`. The body may lie in `out` already, at WIRE_HEADER_SIZE: then it is not
 * copied; otherwise not in `out` at all. Everything but HELLO is PN_ESTATE before a
 * HELLO was sealed; PN_ERANGE: a body beyond the limit of its type, or 2^32 - 1 frames since boot.
 * The link moves on at once: if the frame could not be handed to the
 * network, call fed_link_reset and open a new session with a HELLO.
 */
PN_MUST_CHECK enum pn_status fed_link_seal(struct pn_buffer *out, struct fed_link *link,
                                           enum wire_type type, uint64_t round, uint32_t attempt,
                                           const uint8_t *body, size_t body_size);

/* The connection went down, or a frame was lost: both directions need a HELLO again. */
void fed_link_reset(struct fed_link *link);

/*
 * Checks one received frame, cheapest check first: form, run, epoch, sender, recipient,
 * direction of the type, body hash, sequence, signature, chain. On PN_OK the link has moved on
 * and `out` holds views into `bytes`. Otherwise nothing has changed:
 *     PN_EPEER_FORMAT   no frame, its body is not the one that was signed, a type that the peer's
 *                       role does not send, a HELLO that names a frame before it
 *     PN_EPEER_LIMIT    longer than its type may be
 *     PN_EPEER_RUN      another run, or with a coordinator another roster epoch
 *     PN_EPEER_AUTH     another sender or recipient, or not signed by the peer
 *     PN_EPEER_REPLAY   a sequence at or before the last one
 *     PN_EPEER_GAP      properly signed, but not the frame after the last one
 */
PN_MUST_CHECK enum pn_status fed_link_open(struct wire_frame *out, struct fed_link *link,
                                           const uint8_t *bytes, size_t size);

#endif
