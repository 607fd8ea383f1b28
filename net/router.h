/*
 * net/router -- the listening side: a ROUTER and who is behind which of its connections.
 *
 * Threads    that of the loop.
 */
#ifndef NET_ROUTER_H
#define NET_ROUTER_H

#include "net/curve.h"

#include <zmq.h>

enum {
    NET_ROUTE_SIZE = 5 /* what a ROUTER gives a peer that names no routing id: 0 and a counter */
};

struct net_routed {
    uint32_t number;
    bool     is_dialled; /* by us, too: its ups and downs are told by that connection */
    bool     has_route, is_heard;
    uint8_t  route[NET_ROUTE_SIZE]; /* of its newest connection */
    pn_ms    heard;                 /* its last frame           */
};

struct net_router {
    void              *socket;
    char               endpoint[NET_ENDPOINT_SIZE]; /* port 0 resolved */
    struct net_zap     zap;
    struct net_peer   *admit;   /* lent to zap, which counts them                           */
    struct net_routed *members; /* one per entry of admit; a repeated number uses the first */
    pn_ms              silence_ms;
    uint64_t           strangers; /* frames of nobody we admit */
};

/* Listens as `config` says; `router` is zeros. 0 or an errno; close it in either case. */
PN_MUST_CHECK int net_router_open(struct net_router *router, void *context,
                                  const struct net_loop_config *config);
void              net_router_close(struct net_router *router);

/* Writes the member's route, the first part of a message to it. False without one. */
bool net_router_address(struct net_router *router, uint32_t member);
/* Whose message it is, by the key of its connection; false (and counted) when nobody's. */
bool net_router_recognise(uint32_t *member, struct net_router *router, zmq_msg_t *route,
                          zmq_msg_t *body, pn_ms now);
/* A NET_DOWN for a member that has been silent for too long. */
bool  net_router_find_silent(struct net_event *out, struct net_router *router, pn_ms now);
pn_ms net_router_deadline(const struct net_router *router, pn_ms until); /* of the next silence */

#endif
