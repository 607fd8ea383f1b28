/*
 * nnlib/evaluate -- what a model does on records: metrics, mean loss, scores.
 *
 * Memory     workspace of nn_evaluate_bytes, the caller's, 64-byte aligned.
 */
#ifndef NNLIB_EVALUATE_H
#define NNLIB_EVALUATE_H

#include "nnlib/metric.h"
#include "nnlib/train.h"

PN_MUST_CHECK enum pn_status nn_evaluate_bytes(size_t *out, const struct nn_plan *plan,
                                               uint32_t batch);
/* Adds all records to the metrics, batch by batch. Weights of records do not count. */
void nn_evaluate(struct nn_metric *metrics, size_t metric_count, const struct nn_plan *plan,
                 const nn_real *theta, const struct nn_records *records, uint32_t batch,
                 void *workspace);
/* The model's loss, weighted as in training; NAN without records. */
double nn_mean_loss(const struct nn_plan *plan, const nn_real *theta,
                    const struct nn_records *records, uint32_t batch, void *workspace);
/* The model's loss of every record alone, as a weight of 1 would give it: of an autoencoder, how
 * unusual a record is. */
void nn_losses(double *out, const struct nn_plan *plan, const nn_real *theta,
               const struct nn_records *records, void *workspace);
/* scores (rows times nn_plan_positions, score width as in nn_scores). */
void nn_predict(nn_real *scores, const struct nn_plan *plan, const nn_real *theta, const nn_real *x,
                uint32_t rows, uint32_t batch, void *workspace);

#endif
