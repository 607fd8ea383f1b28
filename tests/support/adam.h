/*
 * tests/support/adam -- a network and a few lines of Adam, so that a test of layers depends on
 * nothing else.
 */
#ifndef TESTS_SUPPORT_ADAM_H
#define TESTS_SUPPORT_ADAM_H

#include "support/nn.h"

struct adam {
    struct net net;
    nn_real   *m, *v;
    uint64_t   step;
};

static inline void
adam_open(struct adam *l, const char *text, uint32_t batch)
{
    net_open(&l->net, text, batch);
    l->m    = calloc(l->net.params, sizeof *l->m);
    l->v    = calloc(l->net.params, sizeof *l->v);
    l->step = 0;
    assert_non_null(l->m);
    assert_non_null(l->v);
}

static inline void
adam_close(struct adam *l)
{
    free(l->m);
    free(l->v);
    net_close(&l->net);
}

/* Adam, the gradient's norm clipped to 5. Returns the loss. */
static inline double
learn(struct adam *l, const struct nn_batch *batch, double rate)
{
    double loss = nn_gradient(l->net.pass, l->net.grad, NULL, l->net.theta, batch), norm2 = 0;
    for (size_t k = 0; k < l->net.params; k++)
        norm2 += (double)l->net.grad[k] * (double)l->net.grad[k];
    float scale = norm2 > 25 ? (float)(5 / sqrt(norm2)) : 1;
    l->step++;
    float m_share = (float)(1 / (1 - pow(0.9, (double)l->step)));
    float v_share = (float)(1 / (1 - pow(0.999, (double)l->step)));
    for (size_t k = 0; k < l->net.params; k++) {
        float g = scale * l->net.grad[k];
        l->m[k] = 0.9f * l->m[k] + 0.1f * g;
        l->v[k] = 0.999f * l->v[k] + 0.001f * g * g;
        l->net.theta[k] -= (float)rate * m_share * l->m[k] / (sqrtf(v_share * l->v[k]) + 1e-8f);
    }
    return loss;
}

#endif
