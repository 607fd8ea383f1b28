/*
 * nnlib/team -- the gradient of a batch by several threads, to the same bits for any number of
 * them.
 *
 *     batch --cut into `shards` parts--> gradient of each --added in the order of the parts--> sum
 *              1 .. workers threads, one part at a time         1 .. workers threads, a slice each
 *
 * The weights of dense layers, most of such a network, have no gradient of a part: their sum is
 * made from the values and deltas of all parts, some units at a time.
 *
 * Into how many parts a batch is cut is a setting of the training, never of the machine: it decides
 * how sums round. How many threads there are decides only how long it takes. A batch of fewer rows
 * than parts is cut into single rows.
 *
 * Memory     one heap object, made by nn_team_new: a pass and a gradient for each part. After that
 *            nothing is allocated. nn_team_free also ends the threads.
 * Threads    the team's own; one caller at a time, who works along as the first of `workers`. BLAS
 *            runs one thread in each.
 */
#ifndef NNLIB_TEAM_H
#define NNLIB_TEAM_H

#include "nnlib/pass.h"

enum {
    NN_SHARDS_MAX = 256
};

struct nn_team_size {
    uint32_t batch;   /* rows, at most         */
    uint32_t shards;  /* 1 .. NN_SHARDS_MAX    */
    uint32_t workers; /* 1 .. shards           */
};

struct nn_team;

/* PN_ESTATE with a sentence for a plan that mixes rows or cannot be trained, PN_ERANGE for a size
 * that cannot be, PN_ENOMEM; also where the system gives no more threads. */
PN_MUST_CHECK enum pn_status nn_team_new(struct nn_team **out, const struct nn_plan *plan,
                                         struct nn_team_size size, struct pn_error *why);
void                         nn_team_free(struct nn_team *team);

/* As nn_pass_draw, for the rows of the next batches. */
void nn_team_draw(struct nn_team *team, const struct pn_rng *rng, uint64_t first_row);
/* As nn_gradient: the mean loss, and grad overwritten. */
double nn_team_gradient(struct nn_team *team, nn_real *grad, const nn_real *theta,
                        const struct nn_batch *batch);
/* As nn_sgd, for plans with tied weights too: theta -= rate (gradient + l2 theta); when the loss is
 * not finite theta is untouched. */
double nn_team_sgd(struct nn_team *team, nn_real *theta, const struct nn_batch *batch, double rate,
                   double l2);
/* As nn_settle. */
void nn_team_settle(struct nn_team *team, nn_real *theta);
/* What a training of this plan could not be cut for: PN_ESTATE with a sentence. */
PN_MUST_CHECK enum pn_status nn_team_may_cut(const struct nn_plan *plan, struct pn_error *why);
/* As nn_first_not_finite, over all parts of the last batch. */
const char *nn_team_first_not_finite(const struct nn_team *team);

#endif
