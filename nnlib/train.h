/*
 * nnlib/train -- epochs of mini-batches over records in memory.
 *
 * Deterministic: the order of epoch e is the shuffle of child (PN_RNG_SHUFFLE, e) of `rng`; the
 * last, smaller batch is kept. Same records, theta, config and rng give the same bits on the same
 * machine.
 *
 * Memory     nn_trainer_bytes of workspace, the caller's, 64-byte aligned; nothing is allocated
 *            while training.
 */
#ifndef NNLIB_TRAIN_H
#define NNLIB_TRAIN_H

#include "nnlib/metric.h"
#include "nnlib/optimiser.h"
#include "nnlib/pass.h"

struct nn_records {                     /* row-major, borrowed */
    const nn_real *x, *target, *weight; /* weight may be NULL */
    uint32_t       rows;
};

struct nn_training {
    struct nn_optimiser_config optimiser;
    uint32_t                   batch, epochs;
    /* Called after every batch; false stops the training with PN_ESTATE. May be NULL. */
    bool (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
};

/* PN_EDATA without records; PN_ERANGE for batch or epochs 0, or more than a size_t holds. */
PN_MUST_CHECK enum pn_status nn_trainer_bytes(size_t *out, const struct nn_plan *plan,
                                              const struct nn_training *training, uint32_t rows);
/* Trains theta in place. `loss` (out) is the mean loss over the last epoch's batches.
 * PN_EDATA when a target or weight is not usable (no such class, not finite, weight below 0): theta
 * is untouched. PN_EDIVERGED when the loss or theta leaves the finite numbers, PN_ESTATE when
 * `progress` stopped it: theta is then half-trained, to be thrown away. */
PN_MUST_CHECK enum pn_status nn_train(nn_real *theta, double *loss, const struct nn_plan *plan,
                                      const struct nn_records  *records,
                                      const struct nn_training *training, const struct pn_rng *rng,
                                      void *workspace);
/* Adds all records to the metrics, batch by batch; workspace from nn_pass_bytes(NN_EVALUATE) plus
 * batch * output_size floats: nn_evaluate_bytes, 64-byte aligned. Weights of records do not count.
 */
PN_MUST_CHECK enum pn_status nn_evaluate_bytes(size_t *out, const struct nn_plan *plan,
                                               uint32_t batch);
void nn_evaluate(struct nn_metric *metrics, size_t metric_count, const struct nn_plan *plan,
                 const nn_real *theta, const struct nn_records *records, uint32_t batch,
                 void *workspace);

#endif
