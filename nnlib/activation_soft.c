/*
 * Smooth activations beyond those of activation.c:
 *
 * softsign     x / (1 + |x|)
 * mish         x tanh(softplus(x))                 Misra, 2019
 * celu         max(x, 0) + min(0, a (e^(x/a) - 1)) Barron, 2017; a = `alpha`
 * swish        x sigmoid(b x)                      Ramachandran et al., 2017; b = `beta`, 1 is silu
 * exp          e^x, from x = 70 on its tangent     the output link of a rate: finite everywhere
 * log_softmax  x_j - log sum_k e^x_k               dx_j = dy_j - e^y_j sum_k dy_k
 */
#include "nnlib/elementwise.h"

static const struct nn_option no_options[]   = {{0}};
static const struct nn_option celu_options[] = {
    {.name = "alpha", .fallback = "1", .kind = NN_OPTION_NUMBER, .min = 1e-3, .max = 1e3}, {0}};
static const struct nn_option swish_options[] = {
    {.name = "beta", .fallback = "1", .kind = NN_OPTION_NUMBER, .min = 0, .max = 1e3}, {0}};

static inline nn_real
softsign_f(nn_real x, nothing o)
{
    (void)o;
    return x / (NN_R(1.0) + nn_fabs(x));
}

static inline nn_real
softsign_d(nn_real x, nn_real y, nothing o)
{
    (void)y;
    (void)o;
    nn_real r = NN_R(1.0) / (NN_R(1.0) + nn_fabs(x));
    return r * r;
}
ELEMENTWISE(softsign, nothing)
KIND(softsign, softsign, no_options);

static inline nn_real
softplus(nn_real x)
{
    return (x < NN_R(0.0) ? NN_R(0.0) : x) + nn_log1p(nn_exp(-nn_fabs(x)));
}

static inline nn_real
mish_f(nn_real x, nothing o)
{
    (void)o;
    return x * nn_tanh(softplus(x));
}

static inline nn_real
mish_d(nn_real x, nn_real y, nothing o)
{
    (void)y;
    (void)o;
    nn_real t = nn_tanh(softplus(x));
    return t + x * (NN_R(1.0) - t * t) * nn_sigmoid(x);
}
ELEMENTWISE(mish, nothing)
KIND(mish, mish, no_options);

static inline nn_real
celu_f(nn_real x, number alpha)
{
    return x < NN_R(0.0) ? alpha * nn_expm1(x / alpha) : x;
}

static inline nn_real
celu_d(nn_real x, nn_real y, number alpha)
{
    (void)y;
    return x > NN_R(0.0) ? NN_R(1.0) : nn_exp(x / alpha);
}
ELEMENTWISE(celu, number)
KIND(celu, celu, celu_options);

static inline nn_real
swish_f(nn_real x, number beta)
{
    return x * nn_sigmoid(beta * x);
}

static inline nn_real
swish_d(nn_real x, nn_real y, number beta)
{
    return nn_sigmoid(beta * x) + beta * y * nn_sigmoid(-beta * x);
}
ELEMENTWISE(swish, number)
KIND(swish, swish, swish_options);

static const nn_real exp_limit = NN_R(70.0); /* e^70 = 2.5e30, far below float's 3.4e38 */

static inline nn_real
exp_f(nn_real x, nothing o)
{
    (void)o;
    return x > exp_limit ? nn_exp(exp_limit) * (NN_R(1.0) + x - exp_limit) : nn_exp(x);
}

static inline nn_real
exp_d(nn_real x, nn_real y, nothing o)
{
    (void)o;
    return x > exp_limit ? nn_exp(exp_limit) : y;
}
ELEMENTWISE(exp, nothing)
KIND(exp, exp, no_options);

static void
log_softmax_forward(const struct nn_call *call)
{
    uint32_t n    = nn_width_of(call->layer);
    size_t   rows = nn_count_of(call) / n;
    for (size_t b = 0; b < rows; b++) {
        const nn_real *x = call->x[0] + b * n;
        nn_real       *y = call->y + b * n, max = x[0], sum = NN_R(0.0);
        for (uint32_t j = 1; j < n; j++)
            max = x[j] > max ? x[j] : max;
        for (uint32_t j = 0; j < n; j++)
            sum += nn_exp(y[j] = x[j] - max);
        nn_real log_sum = nn_log(sum);
        for (uint32_t j = 0; j < n; j++)
            y[j] -= log_sum;
    }
}

static void
log_softmax_backward(const struct nn_call *call)
{
    uint32_t n    = nn_width_of(call->layer);
    size_t   rows = nn_count_of(call) / n;
    if (call->dx[0] == NULL)
        return;
    for (size_t b = 0; b < rows; b++) {
        const nn_real *y = call->y + b * n, *dy = call->dy + b * n;
        nn_real       *dx = call->dx[0] + b * n, all = NN_R(0.0);
        for (uint32_t k = 0; k < n; k++)
            all += dy[k];
        for (uint32_t j = 0; j < n; j++)
            dx[j] = (call->add[0] ? dx[j] : NN_R(0.0)) + dy[j] - nn_exp(y[j]) * all;
    }
}
KIND(log_softmax, log_softmax, no_options);
