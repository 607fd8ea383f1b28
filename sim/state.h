/*
 * sim/state -- a world from the inside: its parties, its network, its clock. For sim/ only.
 *
 *     world.c      the clock, events, the end      network.c  frames, connections, partitions
 *     party.c      boot, work, ticks, crash        check.c    what must hold
 */
#ifndef SIM_STATE_H
#define SIM_STATE_H

#include "coordinator/engine.h"
#include "node/engine.h"
#include "sim/cargo.h"
#include "sim/crew.h"
#include "sim/disk.h"
#include "sim/federation.h"
#include "sim/queue.h"
#include "sim/tamper.h"
#include "sim/world.h"

enum {
    SIM_HUB  = 0, /* party 0 is the coordinator; party i is site i - 1 */
    SIM_KEPT = 8  /* frames of a direction that a hostile network remembers */
};

struct sim_kept_frame {
    uint8_t *bytes;
    size_t   size;
    uint64_t number;
    uint32_t life, from_life;
};

/* One direction between the hub and a node. Honest frames are numbered from 1. */
struct sim_line {
    uint64_t sent, taken; /* the number given last; the newest one that was accepted */
    uint64_t accepted;
    struct sim_kept_frame *kept; /* SIM_KEPT, once a frame was; only where they are tampered with */
};

struct sim_party {
    struct sim_world    *world;
    uint32_t             index, number;
    bool                 alive, cut, connected; /* cut: partitioned from the hub (node side)      */
    uint32_t             boot, life;            /* life: frames and work of an older one are void */
    struct coord_engine *coord;                 /* one of the two while alive                     */
    struct node_engine  *node;
    struct sim_disk     *disk;
    struct store_disk    port;
    pn_ms                tick_at;
    uint32_t             working;  /* work submitted and not yet done         */
    uint32_t             ahead;    /* of these, what the crew still has       */
    struct sim_line      up, down; /* node side: to the hub, and from the hub */
};

struct sim_world {
    const struct sim_config *config;
    struct sim_result       *result;
    struct sim_federation    federation;
    struct engine_scratch    scratch;
    struct sim_queue         queue;
    struct sim_cargo        *cargo; /* of the last large frame */
    struct sim_press        *press;
    struct sim_crew         *crew; /* NULL: the one thread does all */
    struct sim_party        *parties;
    size_t                   party_count;
    struct pn_rng            rng;
    struct sec_hasher        trace;
    struct sec_hash         *heads; /* by height - 1: what everybody must agree on */
    size_t                   head_capacity;
    pn_ms                    now;
    size_t                   in_flight;
    bool                     over, failed;
    enum wire_outcome        outcome;
    struct fed_policy        policy;
    char                     complaint[256]; /* why a node last did not take part */
};

/* ---- world.c ---- */

/* The run is a failure; the first one is reported. `party` may be NULL. */
void sim_fail(struct sim_world *world, const char *what, const struct sim_party *party);
/* Every event goes into the trace, so that two runs of one seed can be compared. */
void sim_trace(struct sim_world *world, const char *what, uint32_t a, uint32_t b, uint64_t c);
bool sim_has_faults(const struct sim_world *world);
/* This world has no faults at all: what only a fault can break needs no check. */
bool sim_is_calm(const struct sim_world *world);
/* A duration around `mean`. */
pn_ms sim_about(struct sim_world *world, pn_ms mean);
void  sim_plan(struct sim_world *world, pn_ms in, const struct sim_event *event);
/* In a calm world every node has a lane of its own, the hub has the first: what a node and the hub
 * do at one time is done before the next node has its turn. So few frames are on their way at once,
 * and what an exchange needs is in the cache. With faults there is one lane: all mixes. */
uint32_t sim_lane(const struct sim_world *world, uint32_t party, uint32_t from);

/* ---- network.c ---- */

/* As pn_ports.send, with a party as host. */
enum pn_status sim_send(void *host, uint32_t member, struct pn_buffer *frame);
void           sim_take_frame(struct sim_party *party, const struct sim_event *event);
void           sim_plan_connection(struct sim_party *node);
void           sim_take_up(struct sim_party *node, const struct sim_event *event);
void           sim_disconnect(struct sim_party *node);
void           sim_take_cut(struct sim_world *world);
void           sim_take_silent(struct sim_world *world);
void           sim_take_heal(struct sim_world *world);
void           sim_lines_fini(struct sim_party *node);

/* ---- party.c ---- */

/* Before a party is touched: what the crew does for it is done. */
void sim_settle(struct sim_party *party);
void sim_boot(struct sim_party *party);
void sim_crash(struct sim_party *party);
void sim_take_done(struct sim_party *party, const struct sim_event *event);
void sim_take_tick(struct sim_party *party, const struct sim_event *event);
/* After every call into an engine: what must hold, and when to call next. */
void sim_after_call(struct sim_party *party);
/* Ends its process; what still runs comes back to it first. */
void sim_stop(struct sim_party *party);

/* ---- check.c ---- */

void sim_check_party(struct sim_party *party);
struct sim_tally { /* of a receiver's counters of one line */
    uint64_t accepted, rejected, discarded;
    uint32_t refused; /* for what a network alone can do to a frame */
};
void sim_tally_take(struct sim_tally *out, const struct engine_counters *counters);
/* `before` and `after`: around the call with the frame. */
void sim_check_frame(struct sim_party *party, struct sim_line *line, const struct sim_event *event,
                     const struct sim_tally *before, const struct sim_tally *after);
/* At the end, from the disk alone. */
void sim_check_disk(struct sim_party *party);

#endif
