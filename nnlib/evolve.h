/*
 * nnlib/evolve -- a search without gradients: the (mu/mu, lambda) evolution strategy.
 *
 * For what has no derivative (threshold units), and as the baseline that back-propagation is
 * compared with. A generation: child i of the parent x with step s is
 *
 *     s_i = s e^(t N(0,1)),   x_i = x + s_i N(0, I),   t = 1 / sqrt(2 d)
 *
 * from the generator's child (PN_RNG_ROUND, generation), its child (PN_RNG_NODE, i). The next
 * parent is the mean of the best mu children, and the geometric mean of their steps (Beyer and
 * Schwefel, "Evolution strategies", 2002). A child is known by its number: members of a federation
 * send numbers and fitness, a few bytes, and everybody makes the same next parent.
 *
 * Memory     the caller's: parent and child, d numbers each, and the fitness of lambda children.
 *            Back-propagation needs one gradient; this needs no more, but many more evaluations.
 */
#ifndef NNLIB_EVOLVE_H
#define NNLIB_EVOLVE_H

#include "base/rng.h"
#include "nnlib/real.h"

enum {
    NN_CHILDREN_MAX = 1024
};

struct nn_evolution {
    struct pn_rng rng;
    uint64_t      generation;
    size_t        count;             /* d */
    double        step;              /* s > 0 */
    uint32_t      parents, children; /* mu 1..lambda, lambda 1..NN_CHILDREN_MAX */
};

/* Child i of this generation. */
void nn_evolve_child(nn_real *out, const struct nn_evolution *evolution, const nn_real *parent,
                     uint32_t i);
/* The next generation: the parent moves to the mean of the children with the smallest fitness (NaN
 * is the worst; among equals the lower number). `scratch` holds count numbers. */
void nn_evolve_next(nn_real *parent, struct nn_evolution *evolution, const double *fitness,
                    nn_real *scratch);

#endif
