/*
 * fed/route -- by which way a member of a swarm speaks with each of the others. Does no I/O.
 *
 * Who can be dialled is; two members without a connection of their own speak through a third that
 * has one with both, and says so (WIRE_STATUS). Each chooses for its own direction:
 *
 *     near      a connection, and a greeting came by it: preferred as long as it stands
 *     forwarded the first who reaches the other one, counted from the sum of both places, so that
 *               both begin with the same and the load is spread
 *     nobody    it is away
 *
 * Who is greeted through another by one that it has a connection with answers by the same way, and
 * greets by both now and then (*doubt*): a cut may heal, and one end never noticed that there was
 * one.
 *
 * When this one no longer reaches it, the first that does is taken again. The next in the circle is
 * taken when what we said did not arrive (the other misses frames), or when nothing came for
 * `retry_ms` (before the other answered) or `silence_ms` (after): then the session is over, and
 * greeted for anew. So one that forwards nothing, or only some, costs a time-out and not a member.
 *
 * Memory     the caller owns the struct and its array; no heap.
 * Threads    one at a time.
 * Time       milliseconds from any fixed origin; must not run backwards.
 */
#ifndef FED_ROUTE_H
#define FED_ROUTE_H

#include "fed/consensus.h"

enum {
    FED_NOBODY     = FED_SWARM_MAX,
    FED_REACH_SIZE = FED_SWARM_MAX / 8
};

struct fed_reach { /* members by place: bit place % 8 of byte place / 8 */
    uint8_t bits[FED_REACH_SIZE];
};
void   fed_reach_add(struct fed_reach *reach, uint32_t place);
bool   fed_reach_has(const struct fed_reach *reach, uint32_t place);
size_t fed_reach_size(uint32_t members); /* bytes on the wire: a bit for each member */
/* False: of another size, or with a member that does not exist. */
PN_MUST_CHECK bool fed_reach_take(struct fed_reach *out, const uint8_t *bytes, size_t size,
                                  uint32_t members);

enum fed_nearness {
    FED_AWAY, /* no connection                                          */
    FED_LINE, /* a connection: greetings go there and nowhere else       */
    FED_NEAR  /* and a greeting came by it                               */
};

struct fed_route {
    enum fed_nearness near;
    struct fed_reach  reach; /* of one that is near: who it says is near to it     */
    uint32_t          via;   /* to one that is away: place of who forwards; or FED_NOBODY */
    bool              met;   /* it answered, forwarded                              */
    bool              doubt; /* there is a connection that the other end does not use */
    pn_ms             chosen_at, greet_at, heard_at, try_at;
};

struct fed_route_limits {
    uint32_t members, self; /* self: our place */
    pn_ms    retry_ms, silence_ms;
};

struct fed_routes {
    struct fed_route_limits limits;
    struct fed_route       *to; /* by place */
};

enum fed_route_event_kind {
    FED_R_TICK,
    FED_R_LINE,  /* a connection with `member` stands, or something came by it */
    FED_R_NEAR,  /* a greeting of `member` came by its own connection           */
    FED_R_AWAY,  /* the connection is gone                                      */
    FED_R_REACH, /* `member` said who is near to it: `reach`                     */
    FED_R_HEARD, /* a frame of `member` came, forwarded by `by`                  */
    FED_R_MISSED /* `member` says that it misses what we said                    */
};
struct fed_route_event {
    enum fed_route_event_kind kind;
    uint32_t                  member, by;
    bool                    greeting; /* HEARD: a greeting: it has no connection with us any more */
    const struct fed_reach *reach;
};

enum fed_route_effect_kind {
    FED_R_GREET, /* open a session with `member`, forwarded, and ask for one */
    FED_R_TRY,   /* greet it by both ways                                    */
    FED_R_LOST   /* the forwarded session with `member` is over              */
};
struct fed_route_effect {
    enum fed_route_effect_kind kind;
    uint32_t                   member;
};
typedef void fed_route_emit(void *host, const struct fed_route_effect *effect);

/* `to`: limits->members of them, the caller's. Everybody is away. */
void  fed_routes_init(struct fed_routes *routes, const struct fed_route_limits *limits,
                      struct fed_route *to);
void  fed_routes_step(struct fed_routes *routes, pn_ms now, const struct fed_route_event *event,
                      fed_route_emit *emit, void *host);
pn_ms fed_routes_deadline(const struct fed_routes *routes);

/* Who is near to us: what others hear of. */
void fed_routes_reach(struct fed_reach *out, const struct fed_routes *routes);
/* The place of who forwards to `member`, or FED_NOBODY: then it has a connection, or is away. */
uint32_t fed_routes_via(const struct fed_routes *routes, uint32_t member);
bool     fed_routes_doubts(const struct fed_routes *routes, uint32_t member);
bool     fed_routes_is_near(const struct fed_routes *routes, uint32_t member);

#endif
