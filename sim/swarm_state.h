/*
 * sim/swarm_state -- a swarm's world from the inside: its members, its network, its clock. For sim/
 * only.
 *
 *     swarm.c          the clock, events, the end
 *     swarm_party.c    a member: boot, work, ticks, crash
 *     swarm_roster.c   which roster it goes by, and who gives it another
 *     swarm_lines.c    frames, connections, partitions
 *     swarm_check.c    what must hold
 *     swarm_pace.c     how soon
 */
#ifndef SIM_SWARM_STATE_H
#define SIM_SWARM_STATE_H

#include "engine/party.h"
#include "sim/disk.h"
#include "sim/epochs.h"
#include "sim/liar.h"
#include "sim/queue.h"
#include "sim/swarm.h"
#include "swarm/engine.h"

enum sim_cut_state {
    SIM_CUT_WAITS,
    SIM_CUT_LEADER, /* the first leader is cut off until the second view */
    SIM_CUT_DONE
};

struct sim_swarm_party {
    struct sim_swarm *world;
    uint32_t          index;
    bool              alive, side, dies, dead; /* for good: it will; it did */
    uint32_t          rate;                    /* of its clock: thousandths of ours */
    pn_ms             origin;                  /* what it shows when ours begins */
    size_t            given, epoch; /* of the roster, from 0: that it was given, that it goes by */
    bool              joins;        /* by its ledger's it came no further: it tries the given one */
    struct engine_alone         alone;
    uint32_t                    boot, life;
    struct sec_transport_secret session; /* of this life */
    struct sim_liar            *liar;    /* NULL: it is honest */
    struct swarm_engine        *engine;
    struct sim_disk            *disk;
    struct store_disk           port;
    pn_ms                       tick_at;
    uint64_t                    height; /* the most that it ever held */
};

struct sim_swarm {
    const struct sim_config *config;
    struct sim_result       *result;
    struct sim_epochs        epochs;
    size_t                   reached; /* the newest epoch that any ledger has */
    struct engine_scratch    scratch;
    struct sim_press        *press;
    struct sim_queue         queue;
    struct sim_swarm_party  *parties;
    bool                    *connected, *blocked; /* count x count, symmetric */
    size_t                   count;
    struct pn_rng            rng;
    struct sec_hasher        trace;
    struct sec_hash         *heads; /* by height - 1: what everybody must agree on */
    size_t                   head_capacity, in_flight;
    pn_ms                    now, calm_at; /* calm_at: nothing fails from then on; UINT64_MAX */
    uint64_t                 top;          /* blocks that the furthest honest member holds, */
    pn_ms                    top_at, due;  /* since; and when there must be more             */
    bool                     failed, parted;
    enum sim_cut_state       cut; /* of faults.cut */
    bool    forked;               /* two honest members hold different blocks, as may_fork allows */
    pn_ms   forked_at;
    bool    may_fork; /* more lie than it withstands: nothing is promised but that it is seen */
    uint8_t run[16];
    struct sim_plot   plot;
    struct fed_policy policy;
};

/* ---- swarm.c ---- */

/* Every event goes into the trace, so that two runs of one seed can be compared. */
void sim_swarm_trace(struct sim_swarm *world, const char *what, uint32_t a, uint32_t b, uint64_t c);
bool sim_swarm_has_faults(const struct sim_swarm *world);
/* Nobody has to catch up with rounds whose updates it did not get. */
bool sim_swarm_is_calm(const struct sim_swarm *world);
/* A duration around `mean`. */
pn_ms sim_swarm_about(struct sim_swarm *world, pn_ms mean);
bool  sim_swarm_happens(struct sim_swarm *world, double chance);
void  sim_swarm_plan(struct sim_swarm *world, pn_ms in, const struct sim_event *event);

/* ---- swarm_lines.c ---- */

/* As pn_ports.send, with a party as host; and for a liar's frames. */
enum pn_status sim_swarm_send(void *host, uint32_t number, struct pn_buffer *frame);
void           sim_swarm_send_lie(void *host, uint32_t number, const uint8_t *frame, size_t size);
/* Its connections stand after a while; they are gone. */
void sim_swarm_dial(struct sim_swarm_party *party);
void sim_swarm_cut_off(struct sim_swarm_party *party);
void sim_swarm_take_frame(struct sim_swarm *world, const struct sim_event *event);
void sim_swarm_take_up(struct sim_swarm *world, const struct sim_event *event);
void sim_swarm_take_cut(struct sim_swarm *world);
/* The partition that waits for a phase begins, if `party` has come to it. */
void sim_swarm_look_at_phase(const struct sim_swarm_party *party);
void sim_swarm_take_silent(struct sim_swarm *world);
void sim_swarm_take_heal(struct sim_swarm *world);

/* ---- swarm_party.c ---- */

PN_MUST_CHECK enum pn_status sim_swarm_make_liar(struct sim_swarm_party *party);
void                         sim_swarm_boot(struct sim_swarm_party *party);
/* Power off: nothing leaves, nothing is written, what runs comes back to nobody. */
void sim_swarm_crash(struct sim_swarm_party *party);
/* What its clock shows; and when it will show that. */
pn_ms sim_swarm_clock(const struct sim_swarm_party *party);
pn_ms sim_swarm_when(const struct sim_swarm_party *party, pn_ms shown);
/* Ends its process; what still runs comes back to it first. */
void sim_swarm_stop(struct sim_swarm_party *party);
void sim_swarm_finish_work(struct sim_swarm_party *party, const struct sim_event *event);
/* After every call into an engine: what must hold, and when to call next. */
void sim_swarm_after_call(struct sim_swarm_party *party);

/* ---- swarm_roster.c ---- */

size_t sim_swarm_choose_epoch(const struct sim_swarm_party *party);
/* Its next epoch is for the blocks that it makes. */
void sim_swarm_offer(struct sim_swarm_party *party);
void sim_swarm_take_offer(struct sim_swarm *world);
/* True when each knows the other's keys. */
bool sim_swarm_admit(const struct sim_swarm_party *a, const struct sim_swarm_party *b);
/* True when it has come no further for so long that it starts anew by another roster. */
bool sim_swarm_is_lost(struct sim_swarm_party *party);

/* ---- swarm_pace.c ---- */

/* After every event: once nothing fails any more, the next height comes in time. */
void sim_swarm_look_at_pace(struct sim_swarm *world);

/* ---- swarm_check.c ---- */

/* The run is a failure; the first one is reported. `party` may be NULL. */
void sim_swarm_fail(struct sim_swarm *world, const char *what, const struct sim_swarm_party *party);
void sim_swarm_check(struct sim_swarm_party *party);
/* One honest member says of another that it forked the ledger, or signed two votes. */
void sim_swarm_accuse(struct sim_swarm_party *party, uint32_t other, bool forked);
/* It must have the last block at the end. */
bool sim_swarm_must_finish(const struct sim_swarm_party *party);
/* At the end: a fork was seen, and its votes name those who made it. */
void sim_swarm_check_forks(struct sim_swarm *world);
/* At the end, from the disk alone. */
void sim_swarm_check_disk(struct sim_swarm_party *party);

#endif
