#include "nnlib/optimiser.h"

#include "nnlib/layer.h"

const char *const nn_optimiser_names[] = {"sgd", "adam", NULL};

void
nn_optimiser_defaults(struct nn_optimiser_config *config)
{
    *config = (struct nn_optimiser_config){
        .kind = NN_SGD, .rate = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
}

uint64_t
nn_optimiser_state_count(const struct nn_optimiser_config *config, uint64_t params)
{
    switch (config->kind) {
    case NN_SGD:
        return config->momentum != 0 ? params : 0;
    case NN_ADAM:
        return 2 * params;
    }
    PN_UNREACHABLE("optimiser kind");
}

static void
sgd(nn_real *restrict theta, const nn_real *restrict grad, size_t count, nn_real rate, nn_real l2)
{
    if (l2 == NN_R(0.0))
        for (size_t k = 0; k < count; k++)
            theta[k] -= rate * grad[k];
    else
        for (size_t k = 0; k < count; k++)
            theta[k] -= rate * (grad[k] + l2 * theta[k]);
}

static void
momentum(nn_real *restrict theta, nn_real *restrict b, const nn_real *restrict grad, size_t count,
         nn_real rate, nn_real l2, nn_real mu)
{
    for (size_t k = 0; k < count; k++) {
        b[k] = mu * b[k] + (grad[k] + l2 * theta[k]);
        theta[k] -= rate * b[k];
    }
}

struct adam {
    nn_real l2, beta1, beta2, rest1, rest2; /* rest = 1 - beta */
    nn_real rate;                           /* lr / (1 - beta1^t)        */
    nn_real root;                           /* 1 / sqrt(1 - beta2^t)     */
    nn_real epsilon;
};

static struct adam
adam_scalars(const struct nn_optimiser_config *c, uint64_t step, double l2)
{
    return (struct adam){.l2      = (nn_real)l2,
                         .beta1   = (nn_real)c->beta1,
                         .beta2   = (nn_real)c->beta2,
                         .rest1   = (nn_real)(1 - c->beta1),
                         .rest2   = (nn_real)(1 - c->beta2),
                         .rate    = (nn_real)(c->rate / (1 - pow(c->beta1, (double)step))),
                         .root    = (nn_real)(1 / sqrt(1 - pow(c->beta2, (double)step))),
                         .epsilon = (nn_real)c->epsilon};
}

static void
adam(nn_real *restrict theta, nn_real *restrict m, nn_real *restrict v,
     const nn_real *restrict grad, size_t count, struct adam a)
{
    for (size_t k = 0; k < count; k++) {
        nn_real g = grad[k] + a.l2 * theta[k];
        m[k]      = a.beta1 * m[k] + a.rest1 * g;
        v[k]      = a.beta2 * v[k] + a.rest2 * g * g;
        theta[k] -= a.rate * m[k] / (nn_sqrt(v[k]) * a.root + a.epsilon);
    }
}

void
nn_optimiser_step(nn_real *theta, nn_real *state, nn_real *grad, const struct nn_plan *plan,
                  const struct nn_optimiser_config *config, uint64_t step)
{
    for (uint32_t i = 0; i < plan->tensor_count; i++) {
        const struct nn_tensor *row = &plan->tensors[i];
        if (row->role == NN_FROZEN || row->role == NN_BUFFER)
            continue;
        size_t  at = (size_t)row->offset, count = (size_t)row->count;
        double  l2   = row->decay ? config->l2 : 0;
        nn_real rate = (nn_real)config->rate, mu = (nn_real)config->momentum;
        switch (config->kind) {
        case NN_SGD:
            if (config->momentum != 0)
                momentum(theta + at, state + at, grad + at, count, rate, (nn_real)l2, mu);
            else
                sgd(theta + at, grad + at, count, rate, (nn_real)l2);
            break;
        case NN_ADAM:
            adam(theta + at, state + at, state + plan->params + at, grad + at, count,
                 adam_scalars(config, step, l2));
            break;
        }
    }
}
