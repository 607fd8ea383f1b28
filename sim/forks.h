/*
 * sim/forks -- two ledgers of a swarm that are no longer one, and who signed both.
 */
#ifndef SIM_FORKS_H
#define SIM_FORKS_H

#include "fed/vote.h"
#include "store/disk.h"

struct sim_fork {
    bool     forked;   /* there is a height at which both hold a block, and not the same */
    uint64_t height;   /* the first such */
    uint32_t views[2]; /* in which the one and the other was decided */
    uint32_t count;    /* of one view: members whose votes decided both: each signed two */
    uint32_t members[FED_SWARM_MAX]; /* their numbers */
};

/* From the disks alone, of a roster that did not change. PN_ECORRUPT: a block without the votes
 * that decided it. */
PN_MUST_CHECK enum pn_status sim_fork_find(struct sim_fork *out, const struct store_disk *a,
                                           const struct store_disk *b);

#endif
