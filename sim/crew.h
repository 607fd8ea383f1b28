/*
 * sim/crew -- threads that do the heavy work of virtual nodes ahead of its virtual time.
 *
 * Work that a node submits may run any time before its completion is due (base/ports), and sees
 * only what hangs on it and its own node's disk. So nodes work side by side, and the result does
 * not depend on how many threads there are: whoever is about to touch a node waits for its work
 * first (sim_crew_wait), and helps meanwhile.
 *
 * Threads    push and wait: the world's one thread.
 */
#ifndef SIM_CREW_H
#define SIM_CREW_H

#include "base/ports.h"

enum { SIM_CREW_MAX = 256 };

struct sim_crew;

/* `threads` besides the caller's, 1 to SIM_CREW_MAX. */
PN_MUST_CHECK enum pn_status sim_crew_new(struct sim_crew **out, uint32_t threads);
/* Everything that was pushed has run. NULL is fine. */
void sim_crew_free(struct sim_crew *crew);

/* Runs `work`; `*left`, which starts at 0, counts what is not done yet. */
void sim_crew_push(struct sim_crew *crew, struct pn_work *work, uint32_t *left);
/* Until *left is 0. */
void sim_crew_wait(struct sim_crew *crew, const uint32_t *left);

#endif
