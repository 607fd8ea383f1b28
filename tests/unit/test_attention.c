/* Attention and positions; values and gradients against PyTorch are in test_norm.c. */
#include "support/nn.h"
#include "vectors/layers.h"

#include "nnlib/layer.h"

static const double exact = NN_TEST_DOUBLE ? 1e-12 : 1e-5;

#define THREE "q = input 3x4\nk = input 3x4\nv = input 3x4\n"
#define BEHIND "\no = prelu y start=1\nl = mse o\n" /* a plan needs something to learn */

static void
scaled_dot_product_attention_equals_the_golden(void **state)
{
    (void)state;
    static const double o[12] = {0.123279368542,  -0.185124308595, -0.323325550154, -0.164262771994,
                                 -0.13930727079,  0.158988304173,  0.311110765492,  0.177199423778,
                                 -0.283672779341, -0.510155139401, -0.267603216997, 0.220981868998};
    struct net          net;
    nn_real             x[36];
    net_open(&net, THREE "y = attention q k v" BEHIND, 1);
    fill(x, 12, 1, 0);
    fill(x + 12, 12, 1, 20);
    fill(x + 24, 12, 1, 40);
    EXPECT_FIGURES(nn_forward(net.pass, net.theta, x, 1), o, 12);
    net_close(&net);
}

/* Identity 36. */
static void
equal_keys_give_the_mean_of_the_values(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[36];
    net_open(&net, THREE "y = attention q k v heads=2" BEHIND, 1);
    fill(x, 36, 1, 0);
    for (int s = 1; s < 3; s++)
        memcpy(x + 12 + 4 * s, x + 12, 4 * sizeof x[0]);
    const nn_real *y = nn_forward(net.pass, net.theta, x, 1);
    for (int t = 0; t < 3; t++)
        for (int f = 0; f < 4; f++)
            EXPECT_NEAR((double)y[4 * t + f], (double)(x[24 + f] + x[28 + f] + x[32 + f]) / 3,
                        exact);
    net_close(&net);
}

/* Identity 36: exactly, not nearly. */
static void
a_causal_position_does_not_see_what_comes_after(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[20], y[20], dx[20], dout[20];
    net_open(&net, "x = input 5x4\ny = self_attention x heads=2 causal=yes\nl = mse y\n", 1);
    fill(net.theta, net.params, 1, 0);
    fill(x, 20, 1, 0);
    memcpy(y, nn_forward(net.pass, net.theta, x, 1), sizeof y);
    for (int t = 0; t < 4; t++) {
        memset(dout, 0, sizeof dout);
        for (int f = 0; f < 4; f++)
            dout[4 * t + f] = 1;
        nn_backward(net.pass, net.grad, dx, net.theta, dout);
        for (int k = 4 * (t + 1); k < 20; k++)
            assert_true(dx[k] == 0);
        assert_true(dx[4 * t] != 0);
    }
    for (int k = 12; k < 20; k++)
        x[k] = 100;
    const nn_real *z = nn_forward(net.pass, net.theta, x, 1);
    assert_memory_equal(z, y, 12 * sizeof y[0]);
    assert_memory_not_equal(z + 12, y + 12, 8 * sizeof y[0]);
    net_close(&net);
}

static void
keys_behind_the_length_are_not_seen(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[2 * 25], y[48], dx[2 * 25], dout[48];
    net_open(&net, "x = input 4x6\nn = input 1\ny = self_attention x n heads=2\nl = mse y\n", 2);
    fill(net.theta, 108, 0.5, 0);
    fill(net.theta + 108, 18, 0.5, 108);
    fill(net.theta + 126, 42, 0.5, 126);
    fill(x, 24, 1, 0);
    fill(x + 25, 24, 1, 24);
    x[24] = 2;
    x[49] = 4;
    memcpy(y, nn_forward(net.pass, net.theta, x, 2), sizeof y);
    EXPECT_FIGURES(y, attention_lengths_y, 48);
    /* what is behind the end neither counts nor gets a gradient from positions within */
    memset(dout, 0, sizeof dout);
    for (int k = 0; k < 12; k++)
        dout[k] = 1;
    nn_backward(net.pass, net.grad, dx, net.theta, dout);
    for (int k = 12; k < 50; k++)
        assert_true(dx[k] == 0);
    x[20]            = 99;
    const nn_real *z = nn_forward(net.pass, net.theta, x, 2);
    assert_memory_equal(z, y, 12 * sizeof y[0]);
    net_close(&net);
}

static void
any_length_is_safe(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[25], whole[24];
    nn_real    lengths[] = {4, 5, (nn_real)1e30, -1, (nn_real)NAN, (nn_real)INFINITY};
    net_open(&net, "x = input 4x6\nn = input 1\ny = self_attention x n heads=3\nl = mse y\n", 1);
    fill(net.theta, net.params, 0.5, 0);
    fill(x, 24, 1, 0);
    x[24] = 4;
    memcpy(whole, nn_forward(net.pass, net.theta, x, 1), sizeof whole);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        x[24] = lengths[i];
        assert_memory_equal(nn_forward(net.pass, net.theta, x, 1), whole, sizeof whole);
    }
    x[24]            = 0; /* nothing to see: the bias of the last projection alone */
    const nn_real *y = nn_forward(net.pass, net.theta, x, 1);
    for (int k = 0; k < 24; k++)
        EXPECT_NEAR((double)y[k], (double)net.theta[net.params - 6 + (size_t)k % 6], 0);
    net_close(&net);
}

/* Without a position, attention does not know the order; with one it does. */
static void
positions_break_the_symmetry(void **state)
{
    (void)state;
    static const char *const lines[] = {"p = identity x\n", "p = position x\n",
                                        "p = position x form=learned\n"};
    for (int i = 0; i < 3; i++) {
        struct net net;
        char       text[160];
        nn_real    x[12], swapped[12], y[12];
        double     apart = 0;
        (void)snprintf(text, sizeof text, "x = input 3x4\n%sy = self_attention p\nl = mse y\n",
                       lines[i]);
        net_open(&net, text, 1);
        fill(net.theta, net.params, 0.7, 0);
        fill(x, 12, 1, 0);
        memcpy(swapped, x + 8, 4 * sizeof x[0]);
        memcpy(swapped + 4, x + 4, 4 * sizeof x[0]);
        memcpy(swapped + 8, x, 4 * sizeof x[0]);
        memcpy(y, nn_forward(net.pass, net.theta, x, 1), sizeof y);
        const nn_real *z = nn_forward(net.pass, net.theta, swapped, 1);
        for (int f = 0; f < 4; f++)
            apart = fmax(apart, fabs((double)(z[8 + f] - y[f])));
        assert_true(i == 0 ? apart < exact : apart > 1e-4);
        net_close(&net);
    }
}

static void
sinusoids_are_those_of_the_paper(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[2 * 50 * 5] = {0};
    uint32_t   size;
    net_open(&net, "x = input 50x5\ny = position x" BEHIND, 2);
    for (int pass = 0; pass < 2; pass++) { /* made once, used twice, by both records */
        (void)nn_forward(net.pass, net.theta, x, 2);
        const nn_real *y = nn_tap(net.pass, "y", &size);
        for (int b = 0; b < 2; b++)
            for (int t = 0; t < 50; t++)
                for (int i = 0; i < 5; i++) {
                    double angle = t / pow(10000, 2.0 * (i / 2) / 5);
                    EXPECT_NEAR((double)y[(b * 50 + t) * 5 + i],
                                i % 2 == 0 ? sin(angle) : cos(angle), exact);
                }
    }
    net_close(&net);
}

static void
shapes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"x = input 6\ny = self_attention x\nl = mse y\n",
         "model:2:1: self_attention reads positions x features, such as 16x32; x is not of that "
         "form"},
        {"x = input 4x6\ny = self_attention x heads=4\nl = mse y\n",
         "model:2:1: heads: expected a divisor of the 6 features of x, seen 4"},
        {"x = input 4x6\ny = self_attention x x\nl = mse y\n",
         "model:2:1: lengths are one number a record, but x has 24"},
        {"q = input 4x6\nk = input 4x5\ny = attention q k k\nl = mse y\n",
         "model:3:1: queries and keys need as many features, but q has 6 and k has 5"},
        {"q = input 4x6\nk = input 3x6\ny = attention q k k causal=yes\nl = mse y\n",
         "model:3:1: expected a value for each key, and with causal=yes as many queries: q has 4 "
         "positions, k 3, k 3"},
        {"x = input 16777216x1\ny = self_attention x\nl = mse y\n",
         "model:2:1: expected at most 16777216 pairs of positions a record over all heads, y has "
         "more; make it shorter"},
        {"x = input 6\ny = position x\nl = mse y\n",
         "model:2:1: position reads positions x features, such as 16x32; x is not of that form"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nn_plan *plan;
        struct pn_error why;
        assert_int_equal(nn_plan_new(&plan, cases[i][0], strlen(cases[i][0]), &why), PN_ECONFIG);
        assert_string_equal(why.text, cases[i][1]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scaled_dot_product_attention_equals_the_golden),
        cmocka_unit_test(equal_keys_give_the_mean_of_the_values),
        cmocka_unit_test(a_causal_position_does_not_see_what_comes_after),
        cmocka_unit_test(keys_behind_the_length_are_not_seen),
        cmocka_unit_test(any_length_is_safe),
        cmocka_unit_test(positions_break_the_symmetry),
        cmocka_unit_test(sinusoids_are_those_of_the_paper),
        cmocka_unit_test(shapes_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
