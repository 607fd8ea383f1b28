/*
 * sim/cargo -- frames on their way. What goes to everybody is carried once.
 *
 * A block goes to a thousand nodes in frames that differ in header and signature only. Such a frame
 * shares the body of the large one before it, and is made whole where it arrives.
 *
 * Memory     event->bytes: the frame, or its header and signature; event->cargo: counted.
 * Threads    the world's one.
 */
#ifndef SIM_CARGO_H
#define SIM_CARGO_H

#include "sim/queue.h"

/* A copy of the frame into the event. `*last` is the cargo of the large frame before it, or NULL.
 */
PN_MUST_CHECK enum pn_status sim_cargo_load(struct sim_event *event, struct sim_cargo **last,
                                            const uint8_t *frame, size_t size);
/* The whole frame, until the next one of the same cargo is asked for. */
const uint8_t *sim_cargo_frame(const struct sim_event *event);
void           sim_cargo_unload(struct sim_event *event);
/* NULL is fine. */
void sim_cargo_drop(struct sim_cargo *cargo);

#endif
