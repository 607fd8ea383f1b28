/*
 * Gates in the order r z n, as PyTorch has it (features.md, convention 5):
 *     r, z = sigmoid(sums)    n = tanh(W x + b + r q), q = U h[s-1] + bias_hh of the third gate
 *     h[s] = (1 - z) n + z h[s-1]                              Cho et al. 2014
 * inner is q: the reset gate acts behind the product, so that bias_hh cannot be merged with b.
 */
#include "nnlib/recurrent.h"
#include "nnlib/vmath.h"

static const struct nn_option table[] = {NN_RECURRENT_OPTIONS, {0}};

static void
forward(const struct nn_moment *m)
{
    size_t         count = m->units;
    const nn_real *r = m->gate, *z = r + count, *q = m->inner, *before = m->h_before;
    nn_real       *n = m->gate + 2 * count, *h = m->h;
    nn_vmath_sigmoid(m->gate, m->gate, 2 * count);
    for (size_t k = 0; k < count; k++)
        n[k] += r[k] * q[k];
    nn_vmath_tanh(n, n, count);
    for (size_t k = 0; k < count; k++)
        h[k] = (NN_R(1.0) - z[k]) * n[k] + z[k] * before[k];
}

static void
backward(const struct nn_moment *m)
{
    size_t count              = m->units;
    const nn_real *restrict r = m->gate, *restrict z = r + count, *restrict n = z + count,
                            *restrict q = m->inner, *restrict before = m->h_before;
    nn_real *restrict dr = m->dgate, *restrict dz = dr + count, *restrict dn = dz + count,
                      *restrict side = m->dside, *restrict dh = m->dh;
    for (size_t k = 0; k < count; k++) {
        dn[k] = dh[k] * (NN_R(1.0) - z[k]) * (NN_R(1.0) - n[k] * n[k]);
        dz[k] = dh[k] * (before[k] - n[k]) * z[k] * (NN_R(1.0) - z[k]);
        dr[k] = dn[k] * q[k] * r[k] * (NN_R(1.0) - r[k]);
        dh[k] *= z[k];
        side[k]             = dr[k];
        side[count + k]     = dz[k];
        side[2 * count + k] = dn[k] * r[k];
    }
}

const struct nn_cell nn_gru_cell = {
    .gates = 3, .apart = true, .inner = true, .forward = forward, .backward = backward};

const struct nn_layer_kind nn_gru_kind = NN_RECURRENT_KIND("gru", table);
