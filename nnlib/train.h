/*
 * nnlib/train -- epochs of mini-batches over records in memory, step by step.
 *
 *     nn_trainer_bytes -> nn_trainer_init -> nn_trainer_step ... -> nn_trainer_is_done
 *
 * A trainer holds no model: theta is the caller's, and so are files. What must be kept to go on
 * later are theta, the optimiser's state and the cursor; a training that is stopped after any step
 * and resumed from them ends with the same bits as one that was not (features.md, identity 24).
 *
 * Deterministic: the order of epoch e is the shuffle of child (PN_RNG_SHUFFLE, e) of `rng`, the
 * draws of step s (dropout, noise) are those of child (PN_RNG_STEP, s); the last, smaller batch is
 * kept. Same records, theta, training and rng give the same bits on the same machine.
 *
 * Plain SGD (no momentum) is written into theta by the backward pass itself (nn_sgd).
 *
 * With a team the bits depend on the number of its parts, not on that of its threads.
 *
 * Memory     nn_trainer_bytes of workspace, the caller's, 64-byte aligned; nothing is allocated
 *            while training.
 * Threads    one trainer per thread; plan and records are shared, read-only.
 */
#ifndef NNLIB_TRAIN_H
#define NNLIB_TRAIN_H

#include "nnlib/optimiser.h"
#include "nnlib/pass.h"
#include "nnlib/schedule.h"
#include "nnlib/team.h"

struct nn_records {                     /* row-major, borrowed */
    const nn_real *x, *target, *weight; /* weight may be NULL */
    uint32_t       rows;
};

/* Changes a batch before it is learned from, in place: x (rows, input_size), target (rows,
 * target_size); record[b] is the number of row b among the records. What it does to a record must
 * depend on record, epoch and its own seed only, not on the batch. */
struct nn_augment {
    void (*apply)(void *context, nn_real *x, nn_real *target, const uint32_t *record, uint32_t rows,
                  uint64_t epoch);
    void *context;
};

struct nn_training {
    struct nn_optimiser_config optimiser;
    uint32_t                   batch, epochs;
    uint64_t                   steps; /* at most so many batches; 0: all of the epochs */
    uint32_t                   micro; /* rows computed at once, 0: the batch; the sum is the same */
    struct nn_team            *team;  /* computes the batches, made for this plan and batch; not
                                       * beside `micro`. NULL: this thread, in one part */
    struct nn_pace pace;
    double         average;    /* decay of a running mean of theta, one value a step
                                * (nnlib/average); 0: none */
    struct nn_augment augment; /* apply NULL: none */
    /* Called after every batch; false stops the training with PN_ESTATE. May be NULL. */
    bool (*progress)(void *context, uint64_t done, uint64_t total);
    /* For nn_train: asked after every batch; true ends the training there, as if it had no more.
     * NULL: never. */
    bool (*enough)(void *context, uint64_t done);
    void *context;
};

/* Where a training stands: plain numbers, to be kept beside theta and the optimiser's state. */
struct nn_cursor {
    uint64_t step;         /* batches done in all                        */
    uint32_t epoch, at;    /* the epoch, and its records that were used  */
    double   loss, weight; /* of this epoch so far: sum of weighted losses, sum of weights */
};

/* Targets come from files of a site: a class number out of range must not get into a loss. False
 * for that, for a number that is not finite, for a weight below 0. */
PN_MUST_CHECK bool nn_targets_fit(const struct nn_plan *plan, const struct nn_records *records);

struct nn_trainer; /* lives at the start of the workspace */

/* PN_EDATA without records; PN_ERANGE for batch or epochs 0, or more than a size_t holds; PN_ESTATE
 * for a plan that can only infer, and with `micro` for one whose batches do not add up of parts. */
PN_MUST_CHECK enum pn_status nn_trainer_bytes(size_t *out, const struct nn_plan *plan,
                                              const struct nn_training *training, uint32_t rows);
/* Everything is borrowed until the trainer is no longer used. PN_EDATA when a target or weight is
 * not usable (no such class, not finite, weight below 0). */
PN_MUST_CHECK enum pn_status nn_trainer_init(struct nn_trainer **out, void *workspace,
                                             const struct nn_plan     *plan,
                                             const struct nn_records  *records,
                                             const struct nn_training *training,
                                             const struct pn_rng      *rng);
bool                         nn_trainer_is_done(const struct nn_trainer *trainer);
bool     nn_trainer_is_between_epochs(const struct nn_trainer *trainer); /* one has just ended */
uint64_t nn_trainer_steps(const struct nn_trainer *trainer);             /* of the whole training */
/* One batch. PN_EDIVERGED when the loss is not finite: theta is as before that batch. */
PN_MUST_CHECK enum pn_status nn_trainer_step(struct nn_trainer *trainer, nn_real *theta);
/* Mean loss over the batches of the epoch so far, or of the last one when it has just ended. */
double nn_trainer_loss(const struct nn_trainer *trainer);
/* After PN_EDIVERGED: the first layer whose value was not finite, or NULL: the loss itself. */
const char *nn_trainer_culprit(const struct nn_trainer *trainer);

/* The running mean of theta, often the better model; NULL where there is none (yet). */
const nn_real *nn_trainer_average(const struct nn_trainer *trainer);
/* From here on the rate is that of optimiser and pace times `share`; 1 at first. */
void nn_trainer_slow(struct nn_trainer *trainer, double share);

/* To stop and go on: the cursor, and `count` floats of the optimiser's state and running mean. */
struct nn_cursor nn_trainer_cursor(const struct nn_trainer *trainer);
nn_real         *nn_trainer_state(const struct nn_trainer *trainer, uint64_t *count);
/* The state is put back through nn_trainer_state. PN_ERANGE for a cursor that this training cannot
 * have. */
PN_MUST_CHECK enum pn_status nn_trainer_resume(struct nn_trainer      *trainer,
                                               const struct nn_cursor *cursor);

/* All of it: trains theta in place; with `average`, theta is then the running mean. `loss` (out) is
 * the mean loss over the last epoch's batches. Statuses as above; PN_EDIVERGED also when theta
 * leaves the finite numbers, PN_ESTATE when `progress` stopped it: theta is then half-trained, to
 * be thrown away. */
PN_MUST_CHECK enum pn_status nn_train(nn_real *theta, double *loss, const struct nn_plan *plan,
                                      const struct nn_records  *records,
                                      const struct nn_training *training, const struct pn_rng *rng,
                                      void *workspace);

#endif
