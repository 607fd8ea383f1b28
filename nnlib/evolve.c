#include "nnlib/evolve.h"

#include "base/status.h"

#include <math.h>
#include <string.h>

/* The generator of child i, and the child's step: the first thing that it draws. */
static double
begin_child(struct pn_rng *rng, const struct nn_evolution *evolution, uint32_t i)
{
    struct pn_rng generation;
    double        rate = 1 / sqrt(2 * (double)evolution->count);
    pn_rng_derive(&generation, &evolution->rng, PN_RNG_ROUND, evolution->generation);
    pn_rng_derive(rng, &generation, PN_RNG_NODE, i);
    return evolution->step * exp(rate * pn_rng_normal(rng));
}

void
nn_evolve_child(nn_real *out, const struct nn_evolution *evolution, const nn_real *parent,
                uint32_t i)
{
    struct pn_rng rng;
    double        step = begin_child(&rng, evolution, i);
    for (size_t k = 0; k < evolution->count; k++)
        out[k] = (nn_real)((double)parent[k] + step * pn_rng_normal(&rng));
}

/* The number of the best child that is not taken yet. */
static uint32_t
best_left(const double *fitness, const bool *taken, uint32_t children)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < children; i++)
        if (!taken[i] && (best == UINT32_MAX || fitness[i] < fitness[best] ||
                          (isnan(fitness[best]) && !isnan(fitness[i]))))
            best = i;
    return best;
}

void
nn_evolve_next(nn_real *parent, struct nn_evolution *evolution, const double *fitness,
               nn_real *scratch)
{
    bool     taken[NN_CHILDREN_MAX] = {false};
    uint32_t best[NN_CHILDREN_MAX];
    double   log_step = 0, part = 1 / (double)evolution->parents;
    PN_ASSERT(evolution->parents >= 1 && evolution->parents <= evolution->children &&
              evolution->children <= NN_CHILDREN_MAX);
    memset(scratch, 0, evolution->count * sizeof *scratch);
    for (uint32_t p = 0; p < evolution->parents; p++) {
        struct pn_rng rng;
        best[p]        = best_left(fitness, taken, evolution->children);
        taken[best[p]] = true;
        double step    = begin_child(&rng, evolution, best[p]);
        log_step += part * log(step);
        for (size_t k = 0; k < evolution->count; k++) /* the child again, from its number */
            scratch[k] += (nn_real)(part * step * pn_rng_normal(&rng));
    }
    for (size_t k = 0; k < evolution->count; k++)
        parent[k] += scratch[k];
    evolution->step = exp(log_step);
    evolution->generation++;
}
