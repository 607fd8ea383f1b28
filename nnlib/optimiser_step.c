/* One step of any kind: clipping and penalties around the kind's own rule. */
#include "nnlib/gradient.h"
#include "nnlib/layer.h"
#include "nnlib/optimiser.h"

uint64_t
nn_optimiser_state_count(const struct nn_optimiser_config *config, uint64_t params)
{
    return config->kind->slots(config) * params + config->kind->scalars;
}

/* Neighbouring tensors that are treated alike: one loop for all of them. */
struct stretch {
    size_t at, count;
    bool   decays;
};

static bool
is_trained(const struct nn_tensor *row)
{
    return row->role != NN_FROZEN && row->role != NN_BUFFER;
}

/* The next one from tensor `*i` on; tensors of another decay flag end it when `split`. */
static bool
next_stretch(struct stretch *out, uint32_t *i, const struct nn_plan *plan, bool split)
{
    while (*i < plan->tensor_count && !is_trained(&plan->tensors[*i]))
        ++*i;
    if (*i == plan->tensor_count)
        return false;
    const struct nn_tensor *first = &plan->tensors[*i];
    *out = (struct stretch){.at = (size_t)first->offset, .decays = first->decay};
    for (; *i < plan->tensor_count; ++*i) {
        const struct nn_tensor *row = &plan->tensors[*i];
        if (!is_trained(row) || (split && row->decay != first->decay))
            break;
        out->count += (size_t)row->count;
    }
    return true;
}

static void
clip(nn_real *grad, const struct nn_plan *plan, const struct nn_optimiser_config *config)
{
    struct stretch s;
    double         squares = 0;
    for (uint32_t i = 0; config->clip_value > 0 && next_stretch(&s, &i, plan, false);)
        nn_clip_value(grad + s.at, s.count, config->clip_value);
    if (config->clip_norm == 0)
        return;
    for (uint32_t i = 0; next_stretch(&s, &i, plan, false);)
        squares += nn_square_sum(grad + s.at, s.count);
    nn_real factor = (nn_real)nn_clip_factor(sqrt(squares), config->clip_norm);
    for (uint32_t i = 0; factor != NN_R(1.0) && next_stretch(&s, &i, plan, false);)
        for (size_t k = s.at; k < s.at + s.count; k++)
            grad[k] *= factor;
}

static nn_real
sign(nn_real x)
{
    return x > NN_R(0.0) ? NN_R(1.0) : x < NN_R(0.0) ? -NN_R(1.0) : NN_R(0.0);
}

/* The penalties that come before the kind's rule. */
static void
penalise(nn_real *restrict theta, nn_real *restrict grad, size_t count,
         const struct nn_optimiser_config *config)
{
    nn_real keep = (nn_real)(1 - config->rate * config->decay);
    nn_real l2 = (nn_real)config->l2, l1 = (nn_real)config->l1;
    for (size_t k = 0; config->decay > 0 && k < count; k++)
        theta[k] *= keep;
    for (size_t k = 0; config->l2 > 0 && k < count; k++)
        grad[k] += l2 * theta[k];
    for (size_t k = 0; config->l1 > 0 && config->l1_form == NN_L1_SUBGRADIENT && k < count; k++)
        grad[k] += l1 * sign(theta[k]);
}

/* prox(x, a) = sign(x) max(|x| - a, 0) */
static void
shrink(nn_real *theta, size_t count, nn_real by)
{
    for (size_t k = 0; k < count; k++) {
        nn_real left = nn_fabs(theta[k]) - by;
        theta[k]     = left > NN_R(0.0) ? sign(theta[k]) * left : NN_R(0.0) * theta[k];
    }
}

static void
bound_rows(nn_real *theta, const struct nn_plan *plan, double most)
{
    for (uint32_t i = 0; i < plan->tensor_count; i++) {
        const struct nn_tensor *row = &plan->tensors[i];
        if (!is_trained(row) || !row->decay || row->dims < 2)
            continue;
        size_t width = (size_t)(row->count / row->dim[0]);
        for (size_t r = 0; r < row->dim[0]; r++) {
            nn_real *w    = theta + row->offset + r * width;
            double   norm = sqrt(nn_square_sum(w, width));
            for (size_t k = 0; norm > most && k < width; k++)
                w[k] = (nn_real)((double)w[k] * (most / norm));
        }
    }
}

void
nn_optimiser_step(nn_real *theta, nn_real *state, nn_real *grad, const struct nn_plan *plan,
                  const struct nn_optimiser_config *config, uint64_t step)
{
    const struct nn_optimiser_kind *kind  = config->kind;
    uint32_t                        slots = kind->slots(config);
    bool                            split = config->l2 > 0 || config->l1 > 0 || config->decay > 0;
    nn_real       *scalar                 = kind->scalars > 0 ? state + slots * plan->params : NULL;
    struct stretch s;
    clip(grad, plan, config);
    if (kind->begin != NULL)
        kind->begin(scalar, config, step);
    for (uint32_t i = 0; next_stretch(&s, &i, plan, split);) {
        struct nn_optimiser_call call = {.config = config,
                                         .step   = step,
                                         .theta  = theta + s.at,
                                         .grad   = grad + s.at,
                                         .scalar = scalar,
                                         .count  = s.count};
        for (uint32_t slot = 0; slot < slots; slot++)
            call.slot[slot] = state + slot * plan->params + s.at;
        if (s.decays && split)
            penalise(theta + s.at, grad + s.at, s.count, config);
        kind->step(&call);
        if (s.decays && config->l1 > 0 && config->l1_form == NN_L1_PROXIMAL)
            shrink(theta + s.at, s.count, (nn_real)(config->rate * config->l1));
    }
    if (config->max_norm > 0)
        bound_rows(theta, plan, config->max_norm);
}
