#include "net/router.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening and closing ---- */

static bool
is_dialled(const struct net_loop_config *config, uint32_t member)
{
    for (size_t i = 0; i < config->dial_count; i++)
        if (config->dials[i].member == member)
            return true;
    return false;
}

static int
copy_members(struct net_router *router, const struct net_loop_config *config)
{
    size_t count = config->admit_count;
    if (count == 0)
        return 0;
    router->admit   = calloc(count, sizeof *router->admit);
    router->members = calloc(count, sizeof *router->members);
    if (router->admit == NULL || router->members == NULL)
        return ENOMEM;
    memcpy(router->admit, config->admit, count * sizeof *router->admit);
    for (size_t i = 0; i < count; i++)
        router->members[i] =
            (struct net_routed){.number     = config->admit[i].member,
                                .is_dialled = is_dialled(config, config->admit[i].member)};
    router->zap.admit       = router->admit;
    router->zap.admit_count = count;
    return 0;
}

int
net_router_open(struct net_router *router, void *context, const struct net_loop_config *config)
{
    struct net_curve_keys keys = {.own = config->public_key, .secret = config->secret};
    size_t                size = sizeof router->endpoint;
    router->silence_ms         = config->silence_ms;
    int error                  = copy_members(router, config);
    if (error == 0)
        error = net_zap_open(&router->zap, context);
    if (error == 0)
        error = net_curve_socket(&router->socket, context, &keys);
    if (error == 0)
        error = net_curve_allow_ipv6(router->socket, config->listen);
    if (error == 0 &&
        (zmq_bind(router->socket, config->listen) != 0 ||
         zmq_getsockopt(router->socket, ZMQ_LAST_ENDPOINT, router->endpoint, &size) != 0))
        error = errno;
    return error;
}

void
net_router_close(struct net_router *router)
{
    if (router->socket != NULL)
        (void)zmq_close(router->socket);
    net_zap_close(&router->zap);
    free(router->admit);
    free(router->members);
}

/* ---- who is where ---- */

static struct net_routed *
find_member(struct net_router *router, uint32_t number)
{
    for (size_t i = 0; i < router->zap.admit_count; i++)
        if (router->members[i].number == number)
            return &router->members[i];
    return NULL;
}

bool
net_router_address(struct net_router *router, uint32_t number)
{
    struct net_routed *member = find_member(router, number);
    int                sent;
    if (member == NULL || !member->has_route)
        return false;
    do
        sent = zmq_send(router->socket, member->route, NET_ROUTE_SIZE, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno == EHOSTUNREACH)
        member->has_route = false;
    return sent >= 0;
}

/* The member that ZAP found the connection's key to belong to. */
static struct net_routed *
sender_of(struct net_router *router, zmq_msg_t *body)
{
    const char *user   = zmq_msg_gets(body, "User-Id");
    uint64_t    number = 0;
    if (user == NULL || *user == '\0' || strlen(user) > 10)
        return NULL;
    for (const char *c = user; *c != '\0'; c++) {
        if (*c < '0' || *c > '9')
            return NULL;
        number = number * 10 + (uint64_t)(*c - '0');
    }
    return number > UINT32_MAX ? NULL : find_member(router, (uint32_t)number);
}

/* Answers go to the newest connection: what an older one still had on the way does not take them
 * back. Routes are 0 and a counter, unless the peer chose its own, which we do not serve. */
static bool
learn_route(struct net_routed *member, const uint8_t *route, size_t size)
{
    if (size != NET_ROUTE_SIZE || route[0] != 0)
        return false;
    uint32_t age = (uint32_t)route[1] << 24 | (uint32_t)route[2] << 16 | (uint32_t)route[3] << 8 |
                   (uint32_t)route[4];
    uint32_t had = (uint32_t)member->route[1] << 24 | (uint32_t)member->route[2] << 16 |
                   (uint32_t)member->route[3] << 8 | (uint32_t)member->route[4];
    if (!member->has_route || age - had < UINT32_C(1) << 31)
        memcpy(member->route, route, NET_ROUTE_SIZE);
    member->has_route = true;
    return true;
}

bool
net_router_recognise(uint32_t *number, struct net_router *router, zmq_msg_t *route, zmq_msg_t *body,
                     pn_ms now)
{
    struct net_routed *member = sender_of(router, body);
    if (member == NULL || !learn_route(member, zmq_msg_data(route), zmq_msg_size(route))) {
        router->strangers++;
        return false;
    }
    member->is_heard = true;
    member->heard    = now;
    *number          = member->number;
    return true;
}

/* ---- silence ---- */

/* When it counts as silent, or the end of time. */
static pn_ms
silent_at(const struct net_router *router, const struct net_routed *member)
{
    if (router->silence_ms == 0 || member->is_dialled || !member->is_heard)
        return UINT64_MAX;
    return pn_ms_add(member->heard, router->silence_ms);
}

bool
net_router_find_silent(struct net_event *out, struct net_router *router, pn_ms now)
{
    for (size_t i = 0; i < router->zap.admit_count; i++) {
        struct net_routed *member = &router->members[i];
        if (now < silent_at(router, member))
            continue;
        member->is_heard = false;
        out->kind        = NET_DOWN;
        out->member      = member->number;
        return true;
    }
    return false;
}

pn_ms
net_router_deadline(const struct net_router *router, pn_ms until)
{
    for (size_t i = 0; i < router->zap.admit_count; i++) {
        pn_ms end = silent_at(router, &router->members[i]);
        until     = end < until ? end : until;
    }
    return until;
}
