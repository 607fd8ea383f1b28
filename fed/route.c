#include "fed/route.h"

#include <string.h>

/* ---- who reaches whom ---- */

void
fed_reach_add(struct fed_reach *reach, uint32_t place)
{
    reach->bits[place / 8] |= (uint8_t)(1u << place % 8);
}

bool
fed_reach_has(const struct fed_reach *reach, uint32_t place)
{
    return (reach->bits[place / 8] >> place % 8 & 1) != 0;
}

size_t
fed_reach_size(uint32_t members)
{
    return (members + 7) / 8;
}

bool
fed_reach_take(struct fed_reach *out, const uint8_t *bytes, size_t size, uint32_t members)
{
    struct fed_reach reach = {{0}};
    if (size != fed_reach_size(members) || (members % 8 != 0 && bytes[size - 1] >> members % 8))
        return false;
    memcpy(reach.bits, bytes, size);
    *out = reach;
    return true;
}

/* ---- ways ---- */

struct turn { /* one call of step: what its functions share */
    struct fed_routes *routes;
    pn_ms              now;
    fed_route_emit    *emit;
    void              *host;
};

void
fed_routes_init(struct fed_routes *routes, const struct fed_route_limits *limits,
                struct fed_route *to)
{
    PN_ASSERT(limits->members <= FED_SWARM_MAX && limits->self < limits->members);
    *routes = (struct fed_routes){.limits = *limits, .to = to};
    for (uint32_t i = 0; i < limits->members; i++)
        to[i] = (struct fed_route){.near = FED_AWAY, .via = FED_NOBODY};
}

static bool
can_forward(const struct fed_routes *routes, uint32_t by, uint32_t member)
{
    return by != FED_NOBODY && routes->to[by].near == FED_NEAR &&
           fed_reach_has(&routes->to[by].reach, member);
}

/* The first that can, in the circle of places from `start` on. */
static uint32_t
forwarder(const struct fed_routes *routes, uint32_t member, uint32_t start)
{
    const uint32_t count = routes->limits.members;
    for (uint32_t i = 0; i < count; i++)
        if (can_forward(routes, (start + i) % count, member))
            return (start + i) % count;
    return FED_NOBODY;
}

static void
choose(const struct turn *turn, uint32_t member, uint32_t start)
{
    struct fed_route *route = &turn->routes->to[member];
    route->via              = forwarder(turn->routes, member, start);
    route->chosen_at        = turn->now;
}

static void
greet(const struct turn *turn, uint32_t member)
{
    turn->routes->to[member].greet_at = pn_ms_add(turn->now, turn->routes->limits.retry_ms);
    turn->emit(turn->host, &(struct fed_route_effect){FED_R_GREET, member});
}

static void
lose(const struct turn *turn, uint32_t member)
{
    turn->routes->to[member].met = false;
    turn->emit(turn->host, &(struct fed_route_effect){FED_R_LOST, member});
}

/* When a forwarded session is over, or greeted for again. */
static pn_ms
due_at(const struct fed_routes *routes, const struct fed_route *route)
{
    return route->met ? pn_ms_add(route->heard_at, routes->limits.silence_ms) : route->greet_at;
}

/* To one that is away: is there a way, and does it work? */
static void
look(const struct turn *turn, uint32_t member)
{
    struct fed_route *route = &turn->routes->to[member];
    if (route->doubt && turn->now >= route->try_at) {
        route->try_at = pn_ms_add(turn->now, turn->routes->limits.silence_ms);
        turn->emit(turn->host, &(struct fed_route_effect){FED_R_TRY, member});
    }
    if (!can_forward(turn->routes, route->via, member)) {
        choose(turn, member, turn->routes->limits.self + member);
        if (route->via != FED_NOBODY)
            greet(turn, member);
        else if (route->met)
            lose(turn, member);
    } else if (turn->now >= due_at(turn->routes, route)) {
        if (route->met)
            lose(turn, member);
        choose(turn, member, route->via + 1);
        greet(turn, member);
    }
}

/* ---- events ---- */

static void
approach(struct fed_route *route, enum fed_nearness near)
{
    if (near > route->near)
        route->near = near;
    route->via = FED_NOBODY;
    route->met = route->doubt = false;
}

static void
leave(struct fed_route *route)
{
    if (route->near != FED_AWAY)
        *route = (struct fed_route){.near = FED_AWAY, .via = FED_NOBODY};
    route->doubt = false;
}

/* Who forwards from it can forward to it. */
static void
hear(const struct turn *turn, const struct fed_route_event *event)
{
    struct fed_route *route = &turn->routes->to[event->member];
    if (event->greeting && route->near != FED_AWAY) {
        leave(route);
        route->doubt  = true;
        route->try_at = pn_ms_add(turn->now, turn->routes->limits.silence_ms);
    }
    if (route->near != FED_AWAY)
        return;
    fed_reach_add(&turn->routes->to[event->by].reach, event->member);
    route->met      = true;
    route->heard_at = turn->now;
}

static void
miss(const struct turn *turn, uint32_t member)
{
    const struct fed_route *route = &turn->routes->to[member];
    if (route->via != FED_NOBODY &&
        turn->now >= pn_ms_add(route->chosen_at, turn->routes->limits.retry_ms))
        choose(turn, member, route->via + 1);
}

static void
take(const struct turn *turn, const struct fed_route_event *event)
{
    struct fed_route *route = &turn->routes->to[event->member];
    switch (event->kind) {
    case FED_R_TICK:
        return;
    case FED_R_LINE:
        approach(route, FED_LINE);
        return;
    case FED_R_NEAR:
        approach(route, FED_NEAR);
        return;
    case FED_R_AWAY:
        leave(route);
        return;
    case FED_R_REACH:
        if (route->near == FED_NEAR)
            route->reach = *event->reach;
        return;
    case FED_R_HEARD:
        hear(turn, event);
        return;
    case FED_R_MISSED:
        miss(turn, event->member);
        return;
    }
    PN_UNREACHABLE("event of the routes");
}

void
fed_routes_step(struct fed_routes *routes, pn_ms now, const struct fed_route_event *event,
                fed_route_emit *emit, void *host)
{
    const struct turn turn = {.routes = routes, .now = now, .emit = emit, .host = host};
    PN_ASSERT(event->member < routes->limits.members && event->by < routes->limits.members);
    take(&turn, event);
    for (uint32_t i = 0; i < routes->limits.members; i++)
        if (i != routes->limits.self && routes->to[i].near == FED_AWAY)
            look(&turn, i);
}

pn_ms
fed_routes_deadline(const struct fed_routes *routes)
{
    pn_ms next = UINT64_MAX;
    for (uint32_t i = 0; i < routes->limits.members; i++) {
        const struct fed_route *route = &routes->to[i];
        pn_ms                   at    = UINT64_MAX;
        if (route->via != FED_NOBODY)
            at = route->met ? pn_ms_add(route->heard_at, routes->limits.silence_ms)
                            : route->greet_at;
        if (route->doubt && route->try_at < at)
            at = route->try_at;
        next = at < next ? at : next;
    }
    return next;
}

/* ---- what came of it ---- */

void
fed_routes_reach(struct fed_reach *out, const struct fed_routes *routes)
{
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < routes->limits.members; i++)
        if (routes->to[i].near == FED_NEAR)
            fed_reach_add(out, i);
}

uint32_t
fed_routes_via(const struct fed_routes *routes, uint32_t member)
{
    return routes->to[member].via;
}

bool
fed_routes_doubts(const struct fed_routes *routes, uint32_t member)
{
    return routes->to[member].doubt;
}

bool
fed_routes_is_near(const struct fed_routes *routes, uint32_t member)
{
    return routes->to[member].near == FED_NEAR;
}
