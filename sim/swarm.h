/*
 * sim/swarm -- the members of a swarm on a virtual clock, network and disk: the same engines as
 * the daemons, hosted by a seeded scheduler.
 *
 * Everything of sim/world that does not speak of a coordinator holds here: configuration, result,
 * faults. A partition cuts the members in two; frames of one direction overtake each other. What is
 * checked after every event:
 *
 *     safety        no two honest members hold different blocks at a height, over crashes too
 *     memory        nobody's ledger gets shorter
 *     progress      after the faults heal, every honest member of the newest roster that did not
 *                   stop for good holds the finish block within `grace_ms`, whatever up to f liars
 *                   go on with (sim/liar)
 *     pace          from the moment on in which nothing fails any more, somebody honest holds one
 *                   more block within D + 1 times of a height (the job's longest of gather, train +
 *                   collect, evaluate) and f + 4 views after the furthest, with all their time-outs
 *                   (D = log2(members / cohort) + 3 draws, fed/swarm; of views: f lying leaders in
 *                   a row, one view to come together, one to show each other what is valid, one to
 *                   decide, and one in hand), by the slowest clock. Where members change, 21 min
 *                   more: 10 + 10 min of patience (engine/party), 1 until a person helps
 *     honesty       nobody honest is convicted, or said to have forked, by anybody honest
 *     membership    a ledger's blocks are made of, and decided by, members of the epoch that the
 *                   world issued for their height, with the keys of it (at the end)
 *     bounds        bytes in flight, and what a disk holds, stay below a limit
 *
 * and at the end: the ledgers of those members verify from the disks alone, with those aggregates
 * recomputed whose parts they keep (in a calm world that keeps all: every one), and each of them
 * holds the final model.
 *
 * With more liars than a swarm withstands it may fork, or not end: the world ends when a member
 * says so, or late; a fork must have been said. The votes that decided the two blocks (sim/forks)
 * then name who signed both: at least 2 quorum - members of them, and nobody honest.
 */
#ifndef SIM_SWARM_H
#define SIM_SWARM_H

#include "sim/world.h"

/* Runs to the end, as sim_world_run. */
PN_MUST_CHECK enum pn_status sim_swarm_run(struct sim_result *out, const struct sim_config *config,
                                           struct pn_error *why);

#endif
