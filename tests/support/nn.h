/*
 * tests/support/nn -- a network under test: plan, parameters, workspace, in one struct.
 *
 *     struct net net;
 *     net_open(&net, "x = input 3\n...", 4);
 *     ... nn_gradient(net.pass, net.grad, NULL, net.theta, &batch) ...
 *     net_close(&net);
 */
#ifndef TESTS_SUPPORT_NN_H
#define TESTS_SUPPORT_NN_H

#include "nnlib/evaluate.h"
#include "support/expect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Against figures in double: 1e-9 in the double build, float's resolution otherwise. */
#ifdef NN_DOUBLE
enum {
    NN_TEST_DOUBLE = 1
};
#else
enum {
    NN_TEST_DOUBLE = 0
};
#endif

struct net {
    struct nn_plan *plan;
    struct nn_pass *pass;
    void           *workspace;
    nn_real        *theta, *grad;
    size_t          params, in, out, targets;
};

static inline void *
nn_block(size_t bytes)
{
    size_t whole = (bytes + 127) / 64 * 64;
    void  *block = aligned_alloc(64, whole);
    assert_non_null(block);
    /* 0xff bytes are NaN: whatever is read before it is written shows. */
    return memset(block, 0xff, whole);
}

static inline void
net_open(struct net *net, const char *text, uint32_t batch)
{
    struct pn_error why = {.text = ""};
    struct pn_rng   rng;
    size_t          bytes;
    if (nn_plan_new(&net->plan, text, strlen(text), &why) != PN_OK)
        fail_msg("%s", why.text);
    EXPECT_OK(nn_pass_bytes(&bytes, net->plan, batch, NN_TRAIN));
    net->workspace = nn_block(bytes);
    net->pass      = nn_pass_init(net->workspace, net->plan, batch, NN_TRAIN);
    net->params    = (size_t)nn_plan_param_count(net->plan);
    net->in        = nn_plan_input_size(net->plan);
    net->out       = nn_plan_output_size(net->plan);
    net->targets   = nn_plan_target_size(net->plan);
    net->theta     = nn_block(net->params * sizeof(nn_real));
    net->grad      = nn_block(net->params * sizeof(nn_real));
    pn_rng_init(&rng, 1);
    nn_plan_init(net->theta, net->plan, &rng);
}

static inline void
net_close(struct net *net)
{
    nn_plan_free(net->plan);
    free(net->workspace);
    free(net->theta);
    free(net->grad);
}

/* v[k] = s sin(k + 1 + off), as in the vectors. */
static inline void
fill(nn_real *out, size_t count, double s, double off)
{
    for (size_t k = 0; k < count; k++)
        out[k] = (nn_real)(s * sin((double)(k + 1) + off));
}

static inline void
load(nn_real *out, const double *from, size_t count)
{
    for (size_t k = 0; k < count; k++)
        out[k] = (nn_real)from[k];
}

static inline void
expect_near(double seen, double expected, double tolerance, const char *what, size_t at,
            const char *file, int line)
{
    if (fabs(seen - expected) <= tolerance)
        return;
    print_error("%s[%zu]\n  expected: %.15g\n  seen:     %.15g\n  apart:    %.3g > %.3g\n", what,
                at, expected, seen, fabs(seen - expected), tolerance);
    _fail(file, line);
}

/* One value against a figure in double, at the precision of this build. */
static inline double
figure_tolerance(double v)
{
    return NN_TEST_DOUBLE ? 1e-9 : fmax(2e-6, 2e-5 * fabs(v));
}

static inline void
expect_figures(const nn_real *seen, const double *expected, size_t count, const char *what,
               const char *file, int line)
{
    for (size_t k = 0; k < count; k++)
        expect_near((double)seen[k], expected[k], figure_tolerance(expected[k]), what, k, file,
                    line);
}

#define EXPECT_NEAR(seen, expected, tolerance)                                                     \
    expect_near((seen), (expected), (tolerance), #seen, 0, __FILE__, __LINE__)
#define EXPECT_FIGURE(seen, expected)                                                              \
    expect_near((seen), (expected), figure_tolerance(expected), #seen, 0, __FILE__, __LINE__)
#define EXPECT_FIGURES(seen, expected, count)                                                      \
    expect_figures((seen), (expected), (count), #seen, __FILE__, __LINE__)

#endif
