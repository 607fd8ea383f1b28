/*
 * engine/peer -- one member as an engine sees it: the link, its counters, and when to ask for a new
 * session.
 *
 * A HELLO says `restart` exactly when its sender has no session open in the other direction, or
 * misses frames of it; it is answered with a HELLO then. So two parties that lost each other's
 * place need one exchange to go on, whoever notices first; and at most one HELLO asks for it per
 * FED_RESTART_MS.
 *
 * A node that has no ledger yet does not know the number of the run: its first HELLO carries
 * zeros, and it takes the number from the coordinator's signed answer (the genesis block must then
 * say the same).
 *
 * Memory     plain struct; keys are borrowed.   Threads  the engine's.
 */
#ifndef ENGINE_PEER_H
#define ENGINE_PEER_H

#include "base/ports.h"
#include "engine/scratch.h"
#include "fed/link.h"
#include "proto/message.h"

/* Every frame ends in one of these. */
struct engine_counters {
    uint64_t accepted;
    uint64_t rejected;                 /* not acceptable from an honest member      */
    uint64_t discarded;                /* honest, but late, repeated or after a loss */
    uint32_t reasons[PN_STATUS_COUNT]; /* of these two; modulo 2^32                  */
};
enum engine_verdict {
    ENGINE_ACCEPTED,
    ENGINE_REJECTED,
    ENGINE_DISCARDED
};
enum engine_verdict engine_count(struct engine_counters *counters, enum pn_status status);

struct engine_peer {
    struct fed_link        link;
    struct engine_counters counters;
    bool                   reachable;  /* something came since it went down              */
    bool                   gap;        /* frames of it are missing: a HELLO must say so   */
    pn_ms                  restart_at; /* earliest time of the next HELLO that asks       */
    /* Of a swarm's member: its own, said in each HELLO; else NULL. Borrowed. */
    const struct sec_transport_public *session;
};

void engine_peer_init(struct engine_peer *peer, const struct fed_link_ends *ends, uint32_t boot);

/* fed_link_open, and notes what a HELLO or a gap means for the session. */
PN_MUST_CHECK enum pn_status engine_peer_open(struct wire_frame *out, struct engine_peer *peer,
                                              const uint8_t *bytes, size_t size);

/* What a frame says beside its body. */
struct engine_stamp {
    enum wire_type type;
    uint64_t       round;
    uint32_t       attempt;
};
/* Seals the body in the scratch and hands it to the network. PN_ESTATE without a session;
 * PN_ENETWORK when it could not leave: the link was reset and a HELLO is due. */
PN_MUST_CHECK enum pn_status engine_peer_send(struct engine_peer        *peer,
                                              const struct pn_ports     *ports,
                                              struct engine_scratch     *scratch,
                                              const struct engine_stamp *stamp);

/* The same with the body in `frame`, at WIRE_HEADER_SIZE. */
PN_MUST_CHECK enum pn_status engine_peer_send_in(struct engine_peer        *peer,
                                                 const struct pn_ports     *ports,
                                                 struct pn_buffer          *frame,
                                                 const struct engine_stamp *stamp);

/* Sends a HELLO with our ledger's height and head: opens a new session in our direction. */
PN_MUST_CHECK enum pn_status engine_peer_hello(struct engine_peer    *peer,
                                               const struct pn_ports *ports,
                                               struct engine_scratch *scratch, uint64_t height,
                                               const struct sec_hash *head, pn_ms now);

/* The connection is gone. */
void engine_peer_down(struct engine_peer *peer);

/* True when a HELLO that asks for a new session should leave now. */
bool  engine_peer_must_ask(const struct engine_peer *peer, pn_ms now);
pn_ms engine_peer_deadline(const struct engine_peer *peer);

#endif
