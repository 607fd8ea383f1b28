#include "engine/flow.h"

#include <stdlib.h>

enum pn_status
engine_flow_init(struct engine_flow *flow, uint32_t count)
{
    *flow = (struct engine_flow){
        .count = count, .limit = (uint64_t)count * ENGINE_FLOW_MEMBER, .deadline = UINT64_MAX};
    if (flow->limit < ENGINE_FLOW_LEAST)
        flow->limit = ENGINE_FLOW_LEAST;
    flow->members = calloc((size_t)count + 1, sizeof *flow->members);
    return flow->members != NULL ? PN_OK : PN_ENOMEM;
}

void
engine_flow_fini(struct engine_flow *flow)
{
    free(flow->members);
    *flow = (struct engine_flow){.members = NULL};
}

static struct engine_flow_member *
member_of(const struct engine_flow *flow, uint32_t member)
{
    PN_ASSERT(member < flow->count);
    return &flow->members[member];
}

void
engine_flow_want(struct engine_flow *flow, uint32_t member)
{
    if (engine_flow_is_waiting(flow, member))
        return;
    member_of(flow, member)->ticket = ++flow->tickets;
    flow->newest                    = member;
    flow->waiting++;
}

bool
engine_flow_is_waiting(const struct engine_flow *flow, uint32_t member)
{
    return member_of(flow, member)->ticket != 0;
}

void
engine_flow_forget(struct engine_flow *flow, uint32_t member)
{
    flow->waiting -= engine_flow_is_waiting(flow, member);
    member_of(flow, member)->ticket = 0;
}

static bool
is_full(const struct engine_flow *flow)
{
    return flow->bytes >= flow->limit;
}

static void
drop_late(struct engine_flow *flow, pn_ms now)
{
    flow->deadline = UINT64_MAX;
    for (uint32_t i = 0; i < flow->count; i++) {
        const struct engine_flow_member *member = &flow->members[i];
        if (member->bytes > 0 && now >= member->until)
            engine_flow_end(flow, i);
        if (member->bytes > 0 && member->until < flow->deadline)
            flow->deadline = member->until;
    }
}

static uint32_t
oldest_of(const struct engine_flow *flow)
{
    /* Of many members one alone waits, as a rule. */
    if (flow->waiting == 1 && engine_flow_is_waiting(flow, flow->newest))
        return flow->newest;
    uint32_t oldest = 0;
    for (uint32_t i = 1; i < flow->count; i++) /* without a ticket: 0 - 1, the largest number */
        if (flow->members[i].ticket - 1 < flow->members[oldest].ticket - 1)
            oldest = i;
    return oldest;
}

bool
engine_flow_next(uint32_t *member, struct engine_flow *flow, pn_ms now)
{
    if (flow->waiting > 0 && is_full(flow) && now >= flow->deadline)
        drop_late(flow, now);
    if (flow->waiting == 0 || is_full(flow))
        return false;
    *member = oldest_of(flow);
    engine_flow_forget(flow, *member);
    return true;
}

static void
set_until(struct engine_flow *flow, struct engine_flow_member *member, pn_ms until)
{
    member->until = until;
    if (until < flow->deadline)
        flow->deadline = until;
}

void
engine_flow_began(struct engine_flow *flow, uint32_t member, uint64_t bytes, pn_ms now)
{
    member_of(flow, member)->bytes += bytes;
    flow->bytes += bytes;
    set_until(flow, member_of(flow, member), pn_ms_add(now, ENGINE_FLOW_MS));
}

void
engine_flow_came(struct engine_flow *flow, uint32_t member, uint64_t bytes)
{
    struct engine_flow_member *its  = member_of(flow, member);
    uint64_t                   part = bytes < its->bytes ? bytes : its->bytes;
    its->bytes -= part;
    flow->bytes -= part;
}

void
engine_flow_last(struct engine_flow *flow, uint32_t member, pn_ms now)
{
    set_until(flow, member_of(flow, member), pn_ms_add(now, ENGINE_FLOW_LAST_MS));
}

void
engine_flow_end(struct engine_flow *flow, uint32_t member)
{
    engine_flow_came(flow, member, UINT64_MAX);
}

pn_ms
engine_flow_deadline(const struct engine_flow *flow)
{
    if (flow->waiting == 0)
        return UINT64_MAX;
    return is_full(flow) ? flow->deadline : 0;
}
