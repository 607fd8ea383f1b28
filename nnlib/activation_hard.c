/*
 * Activations of straight pieces (but relu and leaky_relu, which are in activation.c):
 *
 * relu6        min(max(x, 0), 6)
 * hardtanh     min(max(x, -1), 1)
 * hardsigmoid  min(max(x / 6 + 1/2, 0), 1)
 * hardswish    x hardsigmoid(x)                    Howard et al., 2019
 */
#include "nnlib/elementwise.h"

static const struct nn_option no_options[] = {{0}};

/* NaN passes through every comparison below and is seen. */
static inline nn_real
clamp(nn_real x, nn_real least, nn_real most)
{
    return x < least ? least : x > most ? most : x;
}

static inline nn_real
inside(nn_real x, nn_real least, nn_real most)
{
    return x > least && x < most ? NN_R(1.0) : NN_R(0.0);
}

static inline nn_real
relu6_f(nn_real x, nothing o)
{
    (void)o;
    return clamp(x, NN_R(0.0), NN_R(6.0));
}

static inline nn_real
relu6_d(nn_real x, nn_real y, nothing o)
{
    (void)y;
    (void)o;
    return inside(x, NN_R(0.0), NN_R(6.0));
}
ELEMENTWISE(relu6, nothing)
KIND(relu6, relu6, no_options);

static inline nn_real
hardtanh_f(nn_real x, nothing o)
{
    (void)o;
    return clamp(x, -NN_R(1.0), NN_R(1.0));
}

static inline nn_real
hardtanh_d(nn_real x, nn_real y, nothing o)
{
    (void)y;
    (void)o;
    return inside(x, -NN_R(1.0), NN_R(1.0));
}
ELEMENTWISE(hardtanh, nothing)
KIND(hardtanh, hardtanh, no_options);

static inline nn_real
hardsigmoid_f(nn_real x, nothing o)
{
    (void)o;
    return clamp(x / NN_R(6.0) + NN_R(0.5), NN_R(0.0), NN_R(1.0));
}

static inline nn_real
hardsigmoid_d(nn_real x, nn_real y, nothing o)
{
    (void)y;
    (void)o;
    return inside(x, -NN_R(3.0), NN_R(3.0)) / NN_R(6.0);
}
ELEMENTWISE(hardsigmoid, nothing)
KIND(hardsigmoid, hardsigmoid, no_options);

static inline nn_real
hardswish_f(nn_real x, nothing o)
{
    return x * hardsigmoid_f(x, o);
}

static inline nn_real
hardswish_d(nn_real x, nn_real y, nothing o)
{
    (void)y;
    (void)o;
    return x <= -NN_R(3.0) ? NN_R(0.0) : x >= NN_R(3.0) ? NN_R(1.0) : x / NN_R(3.0) + NN_R(0.5);
}
ELEMENTWISE(hardswish, nothing)
KIND(hardswish, hardswish, no_options);
