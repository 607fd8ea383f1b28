/*
 * nnlib/pass -- forward and backward through a plan, in memory the caller gave.
 *
 * Memory     nn_pass_bytes says how large the workspace must be for a batch (PN_ERANGE when it is
 *            0 or does not fit a size_t, PN_ESTATE for training where nn_plan_may_train says no);
 *            nn_pass_init lays it out (64-byte aligned block). After that nothing is allocated,
 * ever. Threads    one pass per thread; plan and theta are shared, read-only. BLAS runs one thread:
 *            call nn_start_up once per process.
 * Shapes     x (rows, input_size), target (rows, target_size), weight (rows) or NULL, all
 *            row-major; rows <= the batch the pass was made for.
 */
#ifndef NNLIB_PASS_H
#define NNLIB_PASS_H

#include "nnlib/plan.h"

enum nn_mode {
    NN_EVALUATE,
    NN_TRAIN
};

struct nn_batch {
    const nn_real *x, *target, *weight;
    uint32_t       rows;
};

struct nn_pass; /* lives at the start of the workspace */

/* Sets BLAS to one thread; PN_ESTATE when it cannot be (an OpenMP build). */
PN_MUST_CHECK enum pn_status nn_start_up(void);

PN_MUST_CHECK enum pn_status nn_pass_bytes(size_t *out, const struct nn_plan *plan, uint32_t batch,
                                           enum nn_mode mode);
struct nn_pass *nn_pass_init(void *workspace, const struct nn_plan *plan, uint32_t batch,
                             enum nn_mode mode);

/* The draws of the next forwards in training (dropout, noise): those of children of `rng`, by layer
 * and by first_row + row; the caller derives `rng` for each step. At first: seed 0. */
void nn_pass_draw(struct nn_pass *pass, const struct pn_rng *rng, uint64_t first_row);
/* Whether recurrent layers start from the state that the last forward left, for long sequences cut
 * into pieces (truncated back-propagation through time), or, as at first, from zero. */
void nn_pass_carry(struct nn_pass *pass, bool on);

/* Output of the layer the first loss reads, (rows, output_size); borrowed until the next forward.
 */
const nn_real *nn_forward(struct nn_pass *pass, const nn_real *theta, const nn_real *x,
                          uint32_t rows);
/* forward, then the mean loss over rows (weighted mean when weight is given; 0 when all weights are
 * 0), in double. NAN for a target that is no class. */
double nn_loss(struct nn_pass *pass, const nn_real *theta, const struct nn_batch *batch);
/* nn_loss, and its gradient: grad[k] overwritten, 0 where FROZEN or BUFFER; dx (rows, input_size)
 * overwritten, may be NULL. The pass must be for NN_TRAIN. */
double nn_gradient(struct nn_pass *pass, nn_real *grad, nn_real *dx, const nn_real *theta,
                   const struct nn_batch *batch);
/* grad = alpha gradient + beta grad: micro-batches of shares n_k/n add up with alpha n_k/n, beta 0
 * for the first and 1 for the others (features.md, identity 7). */
struct nn_blend {
    nn_real alpha, beta;
};
double nn_gradient_blend(struct nn_pass *pass, nn_real *grad, struct nn_blend blend,
                         const nn_real *theta, const struct nn_batch *batch);
/* Backward from a given dout (rows, output_size) of the last forward, the first loss's layer; grad
 * overwritten. */
void nn_backward(struct nn_pass *pass, nn_real *grad, nn_real *dx, const nn_real *theta,
                 const nn_real *dout);
/* One step of plain SGD, theta -= rate (gradient + l2 theta), l2 where the decay flag is set,
 * written by the backward pass itself: no gradient array, one sweep over memory less. Returns the
 * loss; when it is not finite theta is untouched. nn_pass_may_sgd: false for plans with tied
 * weights. */
double nn_sgd(struct nn_pass *pass, nn_real *theta, const struct nn_batch *batch, double rate,
              double l2);
bool   nn_plan_may_sgd(const struct nn_plan *plan);
/* After every training step: running means of theta take up the last forward, and weights of one
 * sign get it. */
void nn_settle(struct nn_pass *pass, nn_real *theta);

/*
 * Gradients of single records, for clipping them (DP-SGD): norm2[b] = |g_b|^2, where g_b is row b's
 * part of the gradient times the number of rows, so that the gradient is the mean of the g_b; then
 * grad = (1/rows) sum_b scale[b] g_b from the same pass. PN_ESTATE when the plan mixes rows or some
 * layer cannot say ("ghost clipping", security.md, section 3.5).
 */
PN_MUST_CHECK enum pn_status nn_row_norms(struct nn_pass *pass, double *norm2, double *loss,
                                          const nn_real *theta, const struct nn_batch *batch);
void nn_row_gradient(struct nn_pass *pass, nn_real *grad, const nn_real *theta,
                     const nn_real *scale);

/*
 * A part of a plan, behind layer `from` up to layer `to`: what a split model's two sides run.
 * PN_ENOENT / PN_ECONFIG when there is no such layer, or something else than `from` leads into
 * the part (`why`). from NULL: the inputs; to NULL: the first output.
 */
struct nn_range {
    uint32_t from, to;
};
PN_MUST_CHECK enum pn_status nn_range_find(struct nn_range *out, const struct nn_plan *plan,
                                           const char *from, const char *to, struct pn_error *why);
/* x is the value of layer `from`, (rows, its size); returns the value of layer `to`. */
const nn_real *nn_forward_range(struct nn_pass *pass, const nn_real *theta, struct nn_range range,
                                const nn_real *x, uint32_t rows);
/* From dout of layer `to`: grad of the part's tensors (others untouched), dx of layer `from` or
 * NULL.
 */
void nn_backward_range(struct nn_pass *pass, nn_real *grad, nn_real *dx, const nn_real *theta,
                       struct nn_range range, const nn_real *dout);

/* The other way: x of layer `from`, (rows, its size), from y of layer `to`, through bijections.
 * PN_ESTATE when some layer of the part is none, or has several inputs. */
PN_MUST_CHECK enum pn_status nn_invert_range(struct nn_pass *pass, nn_real *x, const nn_real *theta,
                                             struct nn_range range, const nn_real *y,
                                             uint32_t rows);

/* The value of any layer after the last forward, by name, and after a backward its gradient; NULL
 * when unknown. */
const nn_real *nn_tap(const struct nn_pass *pass, const char *layer, uint32_t *size);
const nn_real *nn_tap_gradient(const struct nn_pass *pass, const char *layer, uint32_t *size);
/* The first layer whose last value is not finite, or NULL. */
const char *nn_first_not_finite(const struct nn_pass *pass);

/* Scores from outputs, for metrics: (rows) share of class 1 for bce_logits and for cce_logits with
 * two classes; (rows, output_size) softmax for more classes, and the outputs as they are for mse.
 * With nn_plan_positions of more than one, rows times positions of them. */
void nn_scores(nn_real *out, const struct nn_plan *plan, const nn_real *output, uint32_t rows);

#endif
