#include "engine/peer.h"

#include <string.h>

static enum engine_verdict
verdict_of(enum pn_status status)
{
    switch (status) {
    case PN_OK:
        return ENGINE_ACCEPTED;
    case PN_EPEER_FORMAT:
    case PN_EPEER_AUTH:
    case PN_EPEER_RUN:
    case PN_EPEER_VALUE:
    case PN_EPEER_LIMIT:
        return ENGINE_REJECTED;
    default: /* replays, gaps, late answers; and frames that our own side had no room for */
        return ENGINE_DISCARDED;
    }
}

enum engine_verdict
engine_count(struct engine_counters *counters, enum pn_status status)
{
    enum engine_verdict verdict = verdict_of(status);
    counters->accepted += verdict == ENGINE_ACCEPTED;
    counters->rejected += verdict == ENGINE_REJECTED;
    counters->discarded += verdict == ENGINE_DISCARDED;
    counters->reasons[status] += verdict != ENGINE_ACCEPTED;
    return verdict;
}

void
engine_peer_init(struct engine_peer *peer, const struct fed_link_ends *ends, uint32_t boot)
{
    *peer = (struct engine_peer){.gap = false};
    fed_link_init(&peer->link, ends, boot);
}

/*
 * The one frame whose run number may differ from the link's: a HELLO while the node does not know
 * the number yet. Everything else about it is checked as ever, under the run that it names.
 */
static enum pn_status
open_first_hello(struct wire_frame *out, struct fed_link *link, const uint8_t *bytes, size_t size)
{
    static const uint8_t unknown[16];
    struct wire_frame    frame;
    enum pn_status       st = wire_frame_decode(&frame, bytes, size);
    if (st != PN_OK)
        return st;

    const uint8_t *side =
        link->ends.self_is_coordinator ? frame.header.run : link->ends.run; /* the node's */
    if (memcmp(side, unknown, sizeof unknown) != 0 || frame.header.type != WIRE_HELLO)
        return PN_EPEER_RUN;

    struct fed_link other = *link;
    memcpy(other.ends.run, frame.header.run, sizeof other.ends.run);
    if ((st = fed_link_open(out, &other, bytes, size)) != PN_OK)
        return st;
    if (link->ends.self_is_coordinator)
        memcpy(other.ends.run, link->ends.run, sizeof other.ends.run);
    *link = other;
    return PN_OK;
}

enum pn_status
engine_peer_open(struct wire_frame *out, struct engine_peer *peer, const uint8_t *bytes,
                 size_t size)
{
    enum pn_status st = fed_link_open(out, &peer->link, bytes, size);
    if (st == PN_EPEER_RUN)
        st = open_first_hello(out, &peer->link, bytes, size);
    if (st == PN_EPEER_GAP)
        peer->gap = true;
    if (st == PN_OK || st == PN_EPEER_GAP)
        peer->reachable = true;
    if (st == PN_OK && out->header.type == WIRE_HELLO)
        peer->gap = false;
    return st;
}

enum pn_status
engine_peer_send_in(struct engine_peer *peer, const struct pn_ports *ports, struct pn_buffer *frame,
                    const struct engine_stamp *stamp)
{
    enum pn_status st =
        fed_link_seal(frame, &peer->link, stamp->type, stamp->round, stamp->attempt,
                      frame->bytes + WIRE_HEADER_SIZE, frame->size - WIRE_HEADER_SIZE);
    if (st != PN_OK)
        return st;
    st = ports->send(ports->host, peer->link.ends.peer, frame);
    if (st == PN_OK)
        return PN_OK;
    fed_link_reset(&peer->link);
    peer->gap = true;
    return PN_ENETWORK;
}

enum pn_status
engine_peer_send(struct engine_peer *peer, const struct pn_ports *ports,
                 struct engine_scratch *scratch, const struct engine_stamp *stamp)
{
    return engine_peer_send_in(peer, ports, &scratch->frame, stamp);
}

enum pn_status
engine_peer_hello(struct engine_peer *peer, const struct pn_ports *ports,
                  struct engine_scratch *scratch, uint64_t height, const struct sec_hash *head,
                  pn_ms now)
{
    struct wire_hello hello = {.restart  = peer->gap || !peer->link.taken_hello,
                               .software = "panal " PANAL_VERSION,
                               .height   = height};
    memcpy(hello.head, head->bytes, sizeof hello.head);
    if (peer->session != NULL)
        memcpy(hello.key, peer->session->bytes, sizeof hello.key);
    if (hello.restart)
        peer->restart_at = pn_ms_add(now, FED_RESTART_MS);

    enum pn_status st = wire_hello_encode(engine_scratch_begin(scratch), &hello);
    if (st != PN_OK)
        return st;
    const struct engine_stamp stamp = {.type = WIRE_HELLO};
    return engine_peer_send(peer, ports, scratch, &stamp);
}

void
engine_peer_down(struct engine_peer *peer)
{
    fed_link_reset(&peer->link);
    peer->reachable = false;
    peer->gap       = false;
}

bool
engine_peer_must_ask(const struct engine_peer *peer, pn_ms now)
{
    return now >= engine_peer_deadline(peer);
}

pn_ms
engine_peer_deadline(const struct engine_peer *peer)
{
    return peer->gap && peer->reachable ? peer->restart_at : UINT64_MAX;
}
