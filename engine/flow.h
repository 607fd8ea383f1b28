/*
 * engine/flow -- how much may be on the way at once, where many want chunks to travel.
 *
 * What is on the way lies in memory: at one end of the line, and in ZeroMQ's queues sealed and
 * open. So whoever wants chunks to travel waits, in the order of asking, until less than the limit
 * is on the way: 256 KiB a member, 16 MiB at least. What did not come in ENGINE_FLOW_MS after the
 * last that its member began is not counted any more: a member that is slow, silent or lying takes
 * the room of others for no longer. So this bounds what lies in memory where a line carries the
 * limit in that time (1.3 Gbit/s for up to 64 members), and what travels where it could carry more
 * than that to members that are slow themselves; on a slower line all that members ask for is on
 * the way.
 *
 * Memory     24 bytes a member.   Threads  the engine's.
 */
#ifndef ENGINE_FLOW_H
#define ENGINE_FLOW_H

#include "base/bytes.h"

enum {
    ENGINE_FLOW_LEAST   = 16 * 1048576,
    ENGINE_FLOW_MEMBER  = 262144,
    ENGINE_FLOW_MS      = 100,
    ENGINE_FLOW_LAST_MS = 20
};

struct engine_flow_member {
    uint64_t bytes;  /* of it on the way                     */
    uint64_t ticket; /* order of asking; 0: it does not wait */
    pn_ms    until;  /* its bytes count                      */
};
struct engine_flow {
    struct engine_flow_member *members;
    uint32_t                   count, waiting, newest; /* who was the last to ask */
    uint64_t                   bytes, limit, tickets;
    pn_ms                      deadline; /* no member's bytes stop counting before */
};

/* PN_ENOMEM. Members are 0 to count - 1. */
PN_MUST_CHECK enum pn_status engine_flow_init(struct engine_flow *flow, uint32_t count);
void                         engine_flow_fini(struct engine_flow *flow);

/* It waits, if it does not already. */
void engine_flow_want(struct engine_flow *flow, uint32_t member);
bool engine_flow_is_waiting(const struct engine_flow *flow, uint32_t member);
/* Who may begin now; it does not wait any more. False: nobody. Ask until it says so, after all that
 * may have changed it and at the deadline. */
PN_MUST_CHECK bool engine_flow_next(uint32_t *member, struct engine_flow *flow, pn_ms now);
/* So many bytes of this member are on the way from now on, besides what was. */
void engine_flow_began(struct engine_flow *flow, uint32_t member, uint64_t bytes, pn_ms now);
/* So many of them have come. */
void engine_flow_came(struct engine_flow *flow, uint32_t member, uint64_t bytes);
/* Nobody will say when they have: in ENGINE_FLOW_LAST_MS, unless it begins more. */
void engine_flow_last(struct engine_flow *flow, uint32_t member, pn_ms now);
/* None of its bytes will come. */
void engine_flow_end(struct engine_flow *flow, uint32_t member);
/* It does not wait any more. */
void engine_flow_forget(struct engine_flow *flow, uint32_t member);
/* When engine_flow_next may have somebody, if nothing happens; UINT64_MAX: nobody waits. */
pn_ms engine_flow_deadline(const struct engine_flow *flow);

#endif
