/*
 * h[s] = f(W x[s] + U h[s-1] + b), f = tanh or relu      Elman 1990
 * dsum = dh f'(sum), from h alone: 1 - h^2, or 1 where h > 0
 */
#include "nnlib/recurrent.h"
#include "nnlib/vmath.h"

static const char *const      forms[] = {"tanh", "relu", NULL};
static const struct nn_option table[] = {
    NN_RECURRENT_OPTIONS, NN_RECURRENT_OPTION("activation", "tanh", activation, forms), {0}};

static void
tanh_forward(const struct nn_moment *m)
{
    nn_vmath_tanh(m->h, m->gate, m->units);
}

static void
tanh_backward(const struct nn_moment *m)
{
    for (size_t k = 0; k < m->units; k++) {
        m->dgate[k] = m->dh[k] * (NN_R(1.0) - m->h[k] * m->h[k]);
        m->dh[k]    = NN_R(0.0);
    }
}

static void
relu_forward(const struct nn_moment *m)
{
    for (size_t k = 0; k < m->units; k++)
        m->h[k] = m->gate[k] < NN_R(0.0) ? NN_R(0.0) : m->gate[k]; /* NaN stays */
}

static void
relu_backward(const struct nn_moment *m)
{
    for (size_t k = 0; k < m->units; k++) {
        m->dgate[k] = m->h[k] > NN_R(0.0) ? m->dh[k] : NN_R(0.0);
        m->dh[k]    = NN_R(0.0);
    }
}

const struct nn_cell nn_rnn_tanh_cell = {
    .gates = 1, .forward = tanh_forward, .backward = tanh_backward};
const struct nn_cell nn_rnn_relu_cell = {
    .gates = 1, .forward = relu_forward, .backward = relu_backward};

const struct nn_layer_kind nn_rnn_kind = NN_RECURRENT_KIND("rnn", table);
