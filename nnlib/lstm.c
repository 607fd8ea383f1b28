/*
 * Gates in the order i f g o (features.md, conventions 3 and 4):
 *     i, f, o = sigmoid(sums)    g = tanh(sum)
 *     c[s] = f c[s-1] + i g      h[s] = o tanh(c[s])        Hochreiter and Schmidhuber 1997, with
 *                                                           the forget gate of Gers et al. 2000
 * inner is tanh(c).
 */
#include "nnlib/recurrent.h"
#include "nnlib/vmath.h"

static const struct nn_option table[] = {NN_RECURRENT_OPTIONS,
                                         {"forget", "1", NN_OPTION_NUMBER,
                                          offsetof(struct nn_recurrent_options, forget), -1e3, 1e3,
                                          NULL},
                                         {0}};

static void
forward(const struct nn_moment *m)
{
    size_t         n = m->units;
    const nn_real *i = m->gate, *f = i + n, *g = f + n, *o = g + n, *before = m->c_before;
    nn_real       *c = m->c, *h = m->h, *inner = m->inner;
    nn_vmath_sigmoid(m->gate, m->gate, 2 * n);
    nn_vmath_tanh(m->gate + 2 * n, m->gate + 2 * n, n);
    nn_vmath_sigmoid(m->gate + 3 * n, m->gate + 3 * n, n);
    for (size_t k = 0; k < n; k++)
        c[k] = f[k] * before[k] + i[k] * g[k];
    nn_vmath_tanh(inner, c, n);
    for (size_t k = 0; k < n; k++)
        h[k] = o[k] * inner[k];
}

static void
backward(const struct nn_moment *m)
{
    size_t n                  = m->units;
    const nn_real *restrict i = m->gate, *restrict f = i + n, *restrict g = f + n,
                            *restrict o = g + n, *restrict before = m->c_before,
                            *restrict t = m->inner;
    nn_real *restrict di = m->dgate, *restrict df = di + n, *restrict dg = df + n,
                      *restrict d_o = dg + n, *restrict dh = m->dh, *restrict dc = m->dc;
    for (size_t k = 0; k < n; k++) {
        nn_real by_c = dc[k] + dh[k] * o[k] * (NN_R(1.0) - t[k] * t[k]);
        d_o[k]       = dh[k] * t[k] * o[k] * (NN_R(1.0) - o[k]);
        di[k]        = by_c * g[k] * i[k] * (NN_R(1.0) - i[k]);
        df[k]        = by_c * before[k] * f[k] * (NN_R(1.0) - f[k]);
        dg[k]        = by_c * i[k] * (NN_R(1.0) - g[k] * g[k]);
        dc[k]        = by_c * f[k];
        dh[k]        = NN_R(0.0);
    }
}

const struct nn_cell nn_lstm_cell = {
    .gates = 4, .memory = true, .inner = true, .forward = forward, .backward = backward};

const struct nn_layer_kind nn_lstm_kind = NN_RECURRENT_KIND("lstm", table);
