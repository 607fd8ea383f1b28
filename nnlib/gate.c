#include "nnlib/gate.h"

#include "nnlib/layer.h"
#include "nnlib/wide.h"

#include <string.h>

#ifdef NN_DOUBLE

void
nn_gate_sigmoid(nn_real *v, size_t count)
{
    for (size_t k = 0; k < count; k++)
        v[k] = nn_sigmoid(v[k]);
}

void
nn_gate_tanh(nn_real *out, const nn_real *v, size_t count)
{
    for (size_t k = 0; k < count; k++)
        out[k] = nn_tanh(v[k]);
}

#else

/* e^x for |x| <= 87, NaN for NaN: x = n ln 2 + r, e^r by Cephes' polynomial, times 2^n. */
static NN_WIDE_BODY float
exponential(float x)
{
    const float magic = 12582912.0f; /* 1.5 2^23: adding it rounds to a whole number */
    float       n     = x * 1.44269504088896341f + magic, power;
    int32_t     bits;
    memcpy(&bits, &n, sizeof bits);
    n -= magic;
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f; /* ln 2 in two parts */
    float p = 1.9875691500e-4f;
    p       = p * r + 1.3981999507e-3f;
    p       = p * r + 8.3334519073e-3f;
    p       = p * r + 4.1665795894e-2f;
    p       = p * r + 1.6666665459e-1f;
    p       = p * r + 5.0000001201e-1f;
    p       = p * r * r + r + 1.0f;
    bits    = (int32_t)((uint32_t)(bits - 0x4b400000 + 127) << 23); /* 2^n; NaN: p is NaN anyway */
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

static NN_WIDE_BODY float
within(float x, float least, float most)
{
    x = x < least ? least : x;
    return x > most ? most : x;
}

static NN_WIDE_BODY void
sigmoid_body(float *v, size_t count)
{
    for (size_t k = 0; k < count; k++)
        v[k] = 1.0f / (1.0f + exponential(within(-v[k], -87.0f, 87.0f)));
}
NN_WIDE_PAIR(sigmoid, (float *v, size_t count), (v, count))

/* Near 0 a polynomial, else 1 - 2 / (e^2|x| + 1) with the sign of x. */
static NN_WIDE_BODY void
tanh_of_body(float *out, const float *v, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        float x = v[k], size = within(fabsf(x), 0.0f, 10.0f), s = x * x;
        float p = -5.70498872745e-3f;
        p       = p * s + 2.06390887954e-2f;
        p       = p * s - 5.37397155531e-2f;
        p       = p * s + 1.33314422036e-1f;
        p       = p * s - 3.33332819422e-1f;
        p       = p * s * x + x;
        float q = copysignf(1.0f - 2.0f / (exponential(size + size) + 1.0f), x);
        out[k]  = size < 0.625f ? p : q;
    }
}
NN_WIDE_PAIR(tanh_of, (float *out, const float *v, size_t count), (out, v, count))

void
nn_gate_sigmoid(nn_real *v, size_t count)
{
    sigmoid(v, count);
}

void
nn_gate_tanh(nn_real *out, const nn_real *v, size_t count)
{
    tanh_of(out, v, count);
}

#endif
