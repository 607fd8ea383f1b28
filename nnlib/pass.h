/*
 * nnlib/pass -- forward and backward through a plan, in memory the caller gave.
 *
 * Memory     nn_pass_bytes says how large the workspace must be for a batch (PN_ERANGE when it is
 *            0 or does not fit a size_t); nn_pass_init lays it out (64-byte aligned block).
 *            After that nothing is allocated, ever.
 * Threads    one pass per thread; plan and theta are shared, read-only. BLAS runs one thread:
 *            call nn_start_up once per process.
 * Shapes     x (rows, input_size), target (rows, target_size), weight (rows) or NULL, all
 *            row-major; rows <= the batch the pass was made for.
 */
#ifndef NNLIB_PASS_H
#define NNLIB_PASS_H

#include "nnlib/plan.h"

enum nn_mode { NN_EVALUATE, NN_TRAIN };

struct nn_batch {
    const nn_real *x, *target, *weight;
    uint32_t       rows;
};

struct nn_pass; /* lives at the start of the workspace */

/* Sets BLAS to one thread; PN_ESTATE when it cannot be (an OpenMP build). */
PN_MUST_CHECK enum pn_status nn_start_up(void);

PN_MUST_CHECK enum pn_status nn_pass_bytes(size_t *out, const struct nn_plan *plan,
                                           uint32_t batch, enum nn_mode mode);
struct nn_pass *nn_pass_init(void *workspace, const struct nn_plan *plan, uint32_t batch,
                             enum nn_mode mode);

/* Output of the layer the loss reads, (rows, output_size); borrowed until the next forward. */
const nn_real *nn_forward(struct nn_pass *pass, const nn_real *theta, const nn_real *x,
                          uint32_t rows);
/* forward, then the mean loss over rows (weighted mean when weight is given; 0 when all weights are
 * 0), in double. NAN for a target that is no class. */
double nn_loss(struct nn_pass *pass, const nn_real *theta, const struct nn_batch *batch);
/* nn_loss, and its gradient: grad[k] overwritten, 0 where FROZEN or BUFFER; dx (rows, input_size)
 * overwritten, may be NULL. The pass must be for NN_TRAIN. */
double nn_gradient(struct nn_pass *pass, nn_real *grad, nn_real *dx, const nn_real *theta,
                   const struct nn_batch *batch);
/* Backward from a given dout (rows, output_size) of the last forward; grad overwritten. */
void nn_backward(struct nn_pass *pass, nn_real *grad, nn_real *dx, const nn_real *theta,
                 const nn_real *dout);
/* The activation of any layer after the last forward, by name; NULL when unknown. */
const nn_real *nn_tap(const struct nn_pass *pass, const char *layer, uint32_t *size);

/* Scores from outputs, for metrics: (rows) share of class 1 for bce_logits and for cce_logits with
 * two classes; (rows, output_size) softmax for more classes, and the outputs as they are for mse.
 */
void nn_scores(nn_real *out, const struct nn_plan *plan, const nn_real *output, uint32_t rows);

#endif
