/*
 * sim/queue -- what will happen, ordered by virtual time; events of one time by lane, and in one
 * lane in the order they were put.
 *
 * Memory     slots only; what an event points at is whoever's took it out.
 */
#ifndef SIM_QUEUE_H
#define SIM_QUEUE_H

#include "base/ports.h"

enum sim_event_kind {
    SIM_FRAME,  /* one from party `from` reaches `party`; the taker unloads it (sim/cargo) */
    SIM_DONE,   /* `work` of `party` is complete                                    */
    SIM_TICK,   /* a deadline of `party`                                            */
    SIM_UP,     /* the connection of node `party` stands                            */
    SIM_BOOT,   /* `party` starts again                                             */
    SIM_CUT,    /* a partition begins                                               */
    SIM_SILENT, /* ... and is noticed                                               */
    SIM_HEAL,   /* ... and ends                                                     */
    SIM_CRASH,  /* some party crashes                                               */
    SIM_OFFER,  /* some party is given the next epoch of the roster                 */
    SIM_DIE     /* `party` stops for good                                           */
};

struct sim_cargo;

struct sim_event {
    enum sim_event_kind kind;
    uint32_t            party, from, life, from_life;
    uint32_t            lane;
    uint8_t            *bytes; /* frame: see sim/cargo */
    size_t              size;
    struct sim_cargo   *cargo;
    struct pn_work     *work;
    bool                ran;    /* work: it was run when it was submitted                      */
    bool                is_lie; /* frame: changed and signed by its own sender                  */
    uint64_t            frame;  /* its number, from 1; 0: not what anybody sent on this line   */
};

struct sim_queue {
    struct sim_slot *slots; /* a binary heap */
    size_t           count, capacity;
    uint64_t         put_count;
};

void                         sim_queue_init(struct sim_queue *queue);
void                         sim_queue_fini(struct sim_queue *queue);
PN_MUST_CHECK enum pn_status sim_queue_put(struct sim_queue *queue, pn_ms at,
                                           const struct sim_event *event);
/* The next event and its time; false when there is none. */
PN_MUST_CHECK bool sim_queue_take(struct sim_queue *queue, pn_ms *now, struct sim_event *event);
/* A SIM_DONE of this party, out of order: its machine died. */
PN_MUST_CHECK bool sim_queue_take_work(struct sim_queue *queue, uint32_t party,
                                       struct sim_event *event);

#endif
