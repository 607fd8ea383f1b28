/*
 * fed/pace -- how many batches a round has, where the job adapts that (training.interval).
 *
 * Longer while the model improves, shorter when it does not: each measured model that is better
 * than the best before it, by more than min_delta, doubles the number, every other one halves it,
 * within [min, max]. The first one is only what the next is held against. A model that was not
 * measured, or has no value in this metric, changes nothing.
 *
 *     round 1 to 3  training.steps
 *     round r       what the models of rounds 1 to r - 2 came to
 *
 * Round r - 1's does not count yet: in a swarm its members measure it while they train round r. So
 * the number follows from the ledger alone, is the same in both modes, and is the same for whoever
 * holds the blocks: members, after a restart too, and who verifies.
 *
 * A block of a coordinator shows the metrics of its round's model, one of a swarm (it has an
 * agreement) those of the model before.
 *
 * Memory     plain struct.
 */
#ifndef FED_PACE_H
#define FED_PACE_H

#include "fed/job.h"
#include "nnlib/schedule.h"
#include "proto/message.h"

struct fed_pace {
    uint32_t           steps;
    struct nn_stopping watch;  /* the best model so far */
    double             newest; /* of the model of round `measured`; it waits for its turn */
    uint64_t           measured;
};

/* The job has an interval. */
void fed_pace_init(struct fed_pace *pace, const struct fed_job *job);
/* One block after the other, from genesis. */
void fed_pace_take(struct fed_pace *pace, const struct fed_job *job,
                   const struct wire_block *block);
/* Of the round after the last block that was taken, or of the one after that. */
uint32_t fed_pace_steps(const struct fed_pace *pace, const struct fed_job *job, uint64_t round);

#endif
