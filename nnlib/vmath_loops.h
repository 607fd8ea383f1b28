/*
 * nnlib/vmath_loops -- the functions of vmath.h for one level: included once by each vmath_*.c,
 * which is compiled for that level. Plain C that compilers turn into vectors.
 *
 * Ranges are reduced as in Moshier's Cephes library (1984-2000), whose minimax polynomials these
 * are; written without branches.
 */
#ifndef NNLIB_VMATH_LOOPS_H
#define NNLIB_VMATH_LOOPS_H

#include "nnlib/vmath_table.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t
to_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float
of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* ln 2 in two parts; the product of the first with a whole number below 2^14 is exact. */
static const float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
static const float log2_e = 1.44269504088896341f;

/* 1.5 2^23: adding it rounds to a whole number, which then stands in the lowest bits. */
static const float rounder = 12582912.0f;

/* x = n ln 2 + r, |r| <= ln(2)/2; returns e^r - 1. A NaN makes r NaN and n anything. */
static inline float
reduce(uint32_t *n, float x)
{
    float t = x * log2_e + rounder, whole = t - rounder;
    *n      = to_bits(t) - to_bits(rounder);
    float r = (x - whole * ln2_high) - whole * ln2_low;
    float p = 1.9875691500e-4f;
    p       = p * r + 1.3981999507e-3f;
    p       = p * r + 8.3334519073e-3f;
    p       = p * r + 4.1665795894e-2f;
    p       = p * r + 1.6666665459e-1f;
    p       = p * r + 5.0000001201e-1f;
    return p * (r * r) + r;
}

/* 2^n for -127 < n < 128. */
static inline float
power_of_two(uint32_t n)
{
    return of_bits((n + 127u) << 23);
}

static inline float
exp_of(float x)
{
    uint32_t n;
    /* Beyond these bounds the result is infinite, or 0; a NaN passes. */
    x          = x > 89.0f ? 89.0f : x;
    x          = x < -104.0f ? -104.0f : x;
    float    e = reduce(&n, x) + 1.0f;
    uint32_t h = (uint32_t)((int32_t)n >> 1); /* two factors: 2^128 and 2^-150 are none */
    return e * power_of_two(h) * power_of_two(n - h);
}

static inline float
expm1_of(float x)
{
    uint32_t n;
    x          = x > 89.0f ? 89.0f : x;
    x          = x < -20.0f ? -20.0f : x; /* e^-20 < 2^-25: the result is -1 */
    float p    = reduce(&n, x);
    float half = power_of_two(n - 1u);
    float far  = 2.0f * (half * p + (half - 0.5f));
    return n == 0 ? p : far;
}

static inline float
log_of(float x)
{
    float    tiny = x < 1.17549435e-38f ? 8388608.0f : 1.0f; /* subnormal: times 2^23 */
    float    bias = x < 1.17549435e-38f ? -23.0f : 0.0f;
    uint32_t bits = to_bits(x * tiny);
    uint32_t from = bits - 0x3f3504f3u; /* sqrt(1/2) */
    int32_t  n    = (int32_t)from >> 23;
    float    f    = of_bits(bits - ((uint32_t)n << 23)) - 1.0f; /* sqrt(1/2)-1 .. sqrt(2)-1 */
    float    e    = (float)n + bias;
    float    z    = f * f;
    float    p    = 7.0376836292e-2f;
    p             = p * f - 1.1514610310e-1f;
    p             = p * f + 1.1676998740e-1f;
    p             = p * f - 1.2420140846e-1f;
    p             = p * f + 1.4249322787e-1f;
    p             = p * f - 1.6668057665e-1f;
    p             = p * f + 2.0000714765e-1f;
    p             = p * f - 2.4999993993e-1f;
    p             = p * f + 3.3333331174e-1f;
    float y       = (p * f) * z + e * ln2_low;
    y             = (y - 0.5f * z) + f;
    y             = y + e * ln2_high;
    y             = x > 3.40282347e+38f ? x : y; /* infinity */
    y             = x < 0.0f ? NAN : y;
    y             = x == 0.0f ? -INFINITY : y;
    return x != x ? x : y;
}

static inline float
tanh_of(float x)
{
    float a = fabsf(x), z = x * x;
    float p    = -5.70498872745e-3f;
    p          = p * z + 2.06390887954e-2f;
    p          = p * z - 5.37397155531e-2f;
    p          = p * z + 1.33314422036e-1f;
    p          = p * z - 3.33332819422e-1f;
    float near = (p * z) * x + x;
    float far  = 1.0f - 2.0f / (exp_of(2.0f * a) + 1.0f);
    float y    = a < 0.625f ? near : far;
    return of_bits(to_bits(y) | (to_bits(x) & 0x80000000u)); /* -0 keeps its sign too */
}

static inline float
sigmoid_of(float x)
{
    float e = exp_of(-fabsf(x));
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

static inline float
softplus_of(float x)
{
    float e = exp_of(-fabsf(x)), u = 1.0f + e;
    /* ln(1 + e) from ln u and what the rounding of u lost. */
    return (x < 0.0f ? 0.0f : x) + (log_of(u) + (e - (u - 1.0f)) / u);
}

/* Whole blocks, the last filled up with zeros: no number takes another way than its neighbour. */
enum {
    BLOCK = 32
};
#define LOOP(name)                                                                                 \
    static inline void name##_block(float *restrict y, const float *restrict x)                    \
    {                                                                                              \
        for (int i = 0; i < BLOCK; i++)                                                            \
            y[i] = name##_of(x[i]);                                                                \
    }                                                                                              \
    static void name##_all(float *out, const float *x, size_t count)                               \
    {                                                                                              \
        float in[BLOCK], y[BLOCK];                                                                 \
        for (; count >= BLOCK; count -= BLOCK, out += BLOCK, x += BLOCK) {                         \
            name##_block(y, x);                                                                    \
            memcpy(out, y, sizeof y);                                                              \
        }                                                                                          \
        memset(in, 0, sizeof in);                                                                  \
        memcpy(in, x, count * sizeof *x);                                                          \
        name##_block(y, in);                                                                       \
        memcpy(out, y, count * sizeof *x);                                                         \
    }
LOOP(exp)
LOOP(expm1)
LOOP(log)
LOOP(tanh)
LOOP(sigmoid)
LOOP(softplus)

#define VMATH_TABLE(level)                                                                         \
    const struct nn_vmath_table nn_vmath_##level = {.exp      = exp_all,                           \
                                                    .expm1    = expm1_all,                         \
                                                    .log      = log_all,                           \
                                                    .tanh     = tanh_all,                          \
                                                    .sigmoid  = sigmoid_all,                       \
                                                    .softplus = softplus_all}

#endif
