/* Activations. Derivatives at kinks follow PyTorch: relu'(0) = 0, leaky_relu'(0) = slope. */
#include "nnlib/elementwise.h"

static inline nn_real
same(nn_real x)
{
    return x;
}

static inline bool
is_tanh_form(const struct nn_layer *layer)
{
    uint32_t word;
    memcpy(&word, layer->options, sizeof word);
    return word == 1;
}

static const struct nn_option no_options[]    = {{0}};
static const struct nn_option leaky_options[] = {
    {.name = "slope", .fallback = "0.01", .kind = NN_OPTION_NUMBER, .min = 0, .max = 1}, {0}};
static const struct nn_option elu_options[] = {
    {.name = "alpha", .fallback = "1", .kind = NN_OPTION_NUMBER, .min = 0, .max = 1e3}, {0}};
static const char *const      gelu_forms[]   = {"erf", "tanh", NULL};
static const struct nn_option gelu_options[] = {
    {.name = "form", .fallback = "erf", .kind = NN_OPTION_WORD, .words = gelu_forms}, {0}};

/* Written with the comparison that a NaN fails, so that NaN passes through and is seen. */
static inline nn_real
relu_f(nn_real x, nothing o)
{
    (void)o;
    return x < NN_R(0.0) ? NN_R(0.0) : x;
}

static inline nn_real
relu_d(nn_real x, nn_real y, nothing o)
{
    (void)x;
    (void)o;
    return y > NN_R(0.0) ? NN_R(1.0) : NN_R(0.0);
}
ELEMENTWISE(relu, nothing)
KIND(relu, relu, no_options);

static inline nn_real
leaky_f(nn_real x, number slope)
{
    return x < NN_R(0.0) ? slope * x : x;
}

static inline nn_real
leaky_d(nn_real x, nn_real y, number slope)
{
    (void)y;
    return x > NN_R(0.0) ? NN_R(1.0) : slope;
}
ELEMENTWISE(leaky, number)
KIND(leaky_relu, leaky, leaky_options);

static inline nn_real
elu_f(nn_real x, nn_real expm1_x, number alpha)
{
    return x < NN_R(0.0) ? alpha * expm1_x : x;
}

static inline nn_real
elu_d(nn_real x, nn_real y, number alpha)
{
    return x > NN_R(0.0) ? NN_R(1.0) : y + alpha; /* alpha e^x */
}
FORWARD_BY(elu, number, same, expm1)
BACKWARD(elu, number)
KIND(elu, elu, elu_options);

/* Klambauer et al., 2017: the fixed point of mean 0 and variance 1. */
static const nn_real selu_scale = NN_R(1.0507009873554804934);
static const nn_real selu_alpha = NN_R(1.6732632423543772848);

static inline nn_real
selu_f(nn_real x, nn_real expm1_x, nothing o)
{
    (void)o;
    return selu_scale * (x < NN_R(0.0) ? selu_alpha * expm1_x : x);
}

static inline nn_real
selu_d(nn_real x, nn_real y, nothing o)
{
    (void)o;
    return x > NN_R(0.0) ? selu_scale : y + selu_scale * selu_alpha;
}
FORWARD_BY(selu, nothing, same, expm1)
BACKWARD(selu, nothing)
KIND(selu, selu, no_options);

static inline nn_real
sigmoid_d(nn_real x, nn_real y, nothing o)
{
    (void)x;
    (void)o;
    return y * (NN_R(1.0) - y);
}
FORWARD_IS(sigmoid, sigmoid)
BACKWARD(sigmoid, nothing)
KIND(sigmoid, sigmoid, no_options);

static inline nn_real
tanh_d(nn_real x, nn_real y, nothing o)
{
    (void)x;
    (void)o;
    return NN_R(1.0) - y * y;
}
FORWARD_IS(tanh, tanh)
BACKWARD(tanh, nothing)
KIND(tanh, tanh, no_options);

static inline nn_real
softplus_d(nn_real x, nn_real y, nn_real sigmoid_x, nothing o)
{
    (void)x;
    (void)y;
    (void)o;
    return sigmoid_x;
}
FORWARD_IS(softplus, softplus)
BACKWARD_BY(softplus, nothing, same, sigmoid)
KIND(softplus, softplus, no_options);

static inline nn_real
silu_f(nn_real x, nn_real sigmoid_x, nothing o)
{
    (void)o;
    return x * sigmoid_x;
}

static inline nn_real
silu_d(nn_real x, nn_real y, nn_real sigmoid_x, nothing o)
{
    (void)x;
    (void)o;
    return sigmoid_x + y * (NN_R(1.0) - sigmoid_x);
}
FORWARD_BY(silu, nothing, same, sigmoid)
BACKWARD_BY(silu, nothing, same, sigmoid)
KIND(silu, silu, no_options);

static const nn_real sqrt_half      = NN_R(0.70710678118654752440);
static const nn_real sqrt_two_by_pi = NN_R(0.79788456080286535588);
static const nn_real normal_density = NN_R(0.39894228040143267794); /* 1 / sqrt(2 pi) */
static const nn_real gelu_cubic     = NN_R(0.044715);               /* Hendrycks and Gimpel, 2016 */

static inline nn_real
gelu_erf_f(nn_real x, nothing o)
{
    (void)o;
    return NN_R(0.5) * x * (NN_R(1.0) + nn_erf(x * sqrt_half));
}

static inline nn_real
gelu_erf_d(nn_real x, nn_real y, nothing o)
{
    (void)y;
    (void)o;
    return NN_R(0.5) * (NN_R(1.0) + nn_erf(x * sqrt_half)) +
           x * normal_density * nn_exp(NN_R(-0.5) * x * x);
}
ELEMENTWISE(gelu_erf, nothing)

static inline nn_real
gelu_inner(nn_real x)
{
    return sqrt_two_by_pi * (x + gelu_cubic * x * x * x);
}

static inline nn_real
gelu_tanh_f(nn_real x, nn_real tanh_x, nothing o)
{
    (void)o;
    return NN_R(0.5) * x * (NN_R(1.0) + tanh_x);
}

static inline nn_real
gelu_tanh_d(nn_real x, nn_real y, nn_real tanh_x, nothing o)
{
    nn_real slope = sqrt_two_by_pi * (NN_R(1.0) + NN_R(3.0) * gelu_cubic * x * x);
    (void)y;
    (void)o;
    return NN_R(0.5) * (NN_R(1.0) + tanh_x) + NN_R(0.5) * x * (NN_R(1.0) - tanh_x * tanh_x) * slope;
}
FORWARD_BY(gelu_tanh, nothing, gelu_inner, tanh)
BACKWARD_BY(gelu_tanh, nothing, gelu_inner, tanh)

static void
gelu_forward(const struct nn_call *call)
{
    (is_tanh_form(call->layer) ? gelu_tanh_forward : gelu_erf_forward)(call);
}

static void
gelu_backward(const struct nn_call *call)
{
    (is_tanh_form(call->layer) ? gelu_tanh_backward : gelu_erf_backward)(call);
}
KIND(gelu, gelu, gelu_options);

static inline nn_real
identity_f(nn_real x, nothing o)
{
    (void)o;
    return x;
}

static inline nn_real
identity_d(nn_real x, nn_real y, nothing o)
{
    (void)x;
    (void)y;
    (void)o;
    return NN_R(1.0);
}
ELEMENTWISE(identity, nothing)
KIND(identity, identity, no_options);
KIND(linear, identity, no_options);

nn_real
nn_softmax_row(nn_real *out, const nn_real *z, uint32_t size)
{
    nn_real max = z[0], sum = NN_R(0.0);
    for (uint32_t j = 1; j < size; j++)
        max = z[j] > max ? z[j] : max;
    for (uint32_t j = 0; j < size; j++)
        out[j] = z[j] - max;
    nn_vmath_exp(out, out, size);
    for (uint32_t j = 0; j < size; j++)
        sum += out[j];
    nn_real scale = NN_R(1.0) / sum;
    for (uint32_t j = 0; j < size; j++)
        out[j] *= scale;
    return max + nn_log(sum);
}

static void
softmax_forward(const struct nn_call *call)
{
    uint32_t n    = nn_width_of(call->layer);
    size_t   rows = nn_count_of(call) / n;
    for (size_t b = 0; b < rows; b++)
        (void)nn_softmax_row(call->y + b * n, call->x[0] + b * n, n);
}

/* dx[j] = y[j] (dy[j] - sum_k dy[k] y[k]) */
static void
softmax_backward(const struct nn_call *call)
{
    uint32_t n    = nn_width_of(call->layer);
    size_t   rows = nn_count_of(call) / n;
    if (call->dx[0] == NULL)
        return;
    for (size_t b = 0; b < rows; b++) {
        const nn_real *y = call->y + b * n, *dy = call->dy + b * n;
        nn_real       *dx = call->dx[0] + b * n, dot = NN_R(0.0);
        for (uint32_t k = 0; k < n; k++)
            dot += dy[k] * y[k];
        for (uint32_t j = 0; j < n; j++)
            dx[j] = (call->add[0] ? dx[j] : NN_R(0.0)) + y[j] * (dy[j] - dot);
    }
}
KIND(softmax, softmax, no_options);
