/* Tied autoencoders and couplings: weights used twice, and bijections. */
#include "support/nn.h"

#include "nnlib/layer.h"

static const double exact = NN_TEST_DOUBLE ? 1e-12 : 1e-5;

/* A decoder with the transpose copied into weights of its own. */
static void
tied_weights_are_the_transpose_of_the_encoder(void **state)
{
    (void)state;
    struct net tied, free_;
    nn_real    x[18], a[18];
    net_open(&tied, "x = input 6\ne = dense x 4\nc = tanh e\nd = tied c e\nl = mse d\n", 3);
    net_open(&free_, "x = input 6\ne = dense x 4\nc = tanh e\nd = dense c 6\nl = mse d\n", 3);
    assert_int_equal(tied.params, 24 + 4 + 6);
    fill(tied.theta, tied.params, 0.7, 2);
    memcpy(free_.theta, tied.theta, 28 * sizeof tied.theta[0]);
    for (int o = 0; o < 4; o++)
        for (int i = 0; i < 6; i++)
            free_.theta[28 + i * 4 + o] = tied.theta[o * 6 + i];
    memcpy(free_.theta + 52, tied.theta + 28, 6 * sizeof tied.theta[0]);
    fill(x, 18, 1, 0);
    memcpy(a, nn_forward(tied.pass, tied.theta, x, 3), sizeof a);
    const nn_real *b = nn_forward(free_.pass, free_.theta, x, 3);
    for (int k = 0; k < 18; k++)
        EXPECT_NEAR((double)a[k], (double)b[k], exact);
    /* and the gradient of a tied weight is the sum of both */
    struct nn_batch batch = {x, x, NULL, 3};
    (void)nn_gradient(tied.pass, tied.grad, NULL, tied.theta, &batch);
    (void)nn_gradient(free_.pass, free_.grad, NULL, free_.theta, &batch);
    for (int o = 0; o < 4; o++)
        for (int i = 0; i < 6; i++)
            EXPECT_NEAR((double)tied.grad[o * 6 + i],
                        (double)(free_.grad[o * 6 + i] + free_.grad[28 + i * 4 + o]), exact);
    assert_false(nn_plan_may_sgd(tied.plan));
    net_close(&tied);
    net_close(&free_);
}

static void
a_tied_autoencoder_learns(void **state)
{
    (void)state;
    struct net                 net;
    nn_real                    x[16 * 6], adam[2 * 34] = {0};
    struct nn_batch            batch = {x, x, NULL, 16};
    struct nn_optimiser_config config;
    net_open(&net, "x = input 6\ne = dense x 4\nc = tanh e\nd = tied c e\nl = mse d\n", 16);
    fill(x, 96, 0.5, 0); /* sinusoids: two numbers are enough for a record */
    nn_optimiser_init(&config, &nn_adam_kind);
    config.rate  = 0.02;
    double first = nn_loss(net.pass, net.theta, &batch);
    for (uint64_t step = 1; step <= 300; step++) {
        (void)nn_gradient(net.pass, net.grad, NULL, net.theta, &batch);
        nn_optimiser_step(net.theta, adam, net.grad, net.plan, &config, step);
    }
    assert_true(nn_loss(net.pass, net.theta, &batch) < 0.02 * first);
    net_close(&net);
}

static void
what_cannot_be_tied_is_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"x = input 6\ne = tanh x\nd = tied e e\nl = mse d\n",
         "model:3:1: d takes the weights of a dense layer, but e is a tanh"},
        {"x = input 6\ne = dense x 4\nh = dense e 3\nd = tied h e\nl = mse d\n",
         "model:4:1: d reads what e gives, 4 numbers, but h has 3"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nn_plan *plan;
        struct pn_error why;
        assert_int_equal(nn_plan_new(&plan, cases[i][0], strlen(cases[i][0]), &why), PN_ECONFIG);
        assert_string_equal(why.text, cases[i][1]);
    }
}

/* ---- couplings ---- */

static const char flow[] = "x = input 7\na = coupling x 16\nb = coupling a 8 half=first\n"
                           "c = coupling b 4\ny = coupling c 8 half=first\nl = mse y\n";

static void
a_new_coupling_is_the_identity(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[14];
    net_open(&net, flow, 2);
    fill(x, 14, 3, 0);
    assert_memory_equal(nn_forward(net.pass, net.theta, x, 2), x, sizeof x);
    net_close(&net);
}

/* Row 67: a true bijection. */
static void
couplings_are_inverted(void **state)
{
    (void)state;
    struct net      net;
    struct nn_range range;
    struct pn_error why;
    struct pn_rng   rng;
    nn_real         x[20 * 7], y[20 * 7], back[20 * 7];
    net_open(&net, flow, 20);
    pn_rng_init(&rng, 4);
    for (size_t k = 0; k < net.params; k++)
        net.theta[k] = (nn_real)(0.5 * pn_rng_normal(&rng));
    for (int k = 0; k < 140; k++)
        x[k] = (nn_real)pn_rng_normal(&rng);
    memcpy(y, nn_forward(net.pass, net.theta, x, 20), sizeof y);
    EXPECT_OK(nn_range_find(&range, net.plan, NULL, NULL, &why));
    EXPECT_OK(nn_invert_range(net.pass, back, net.theta, range, y, 20));
    double moved = 0;
    for (int k = 0; k < 140; k++) {
        EXPECT_NEAR((double)back[k], (double)x[k], NN_TEST_DOUBLE ? 1e-13 : 1e-5);
        moved = fmax(moved, fabs((double)(y[k] - x[k])));
    }
    assert_true(moved > 1); /* it was no identity */
    /* a part of it, and the other way round: forward of the inverse */
    EXPECT_OK(nn_range_find(&range, net.plan, "a", "c", &why));
    EXPECT_OK(nn_invert_range(net.pass, back, net.theta, range, x, 20));
    const nn_real *again = nn_forward_range(net.pass, net.theta, range, back, 20);
    for (int k = 0; k < 140; k++)
        EXPECT_NEAR((double)again[k], (double)x[k], NN_TEST_DOUBLE ? 1e-12 : 1e-5);
    net_close(&net);
}

static void
each_half_moves_by_what_the_other_says(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[7], y[7];
    for (int half = 0; half < 2; half++) {
        net_open(&net,
                 half == 0 ? "x = input 7\ny = coupling x 5\nl = mse y\n"
                           : "x = input 7\ny = coupling x 5 half=first\nl = mse y\n",
                 1);
        fill(net.theta, net.params, 0.5, 1);
        fill(x, 7, 1, 0);
        memcpy(y, nn_forward(net.pass, net.theta, x, 1), sizeof y);
        for (int k = 0; k < 7; k++)
            assert_true((y[k] == x[k]) == (half == 0 ? k < 3 : k >= 3));
        net_close(&net);
    }
}

static void
what_is_no_bijection_is_not_inverted(void **state)
{
    (void)state;
    struct net      net;
    struct nn_range range;
    struct pn_error why;
    nn_real         x[4] = {1, 2, 3, 4}, back[4] = {0};
    net_open(&net, "x = input 4\nh = dense x 4\ny = coupling h 3\nl = mse y\n", 1);
    EXPECT_OK(nn_range_find(&range, net.plan, NULL, NULL, &why));
    assert_int_equal(nn_invert_range(net.pass, back, net.theta, range, x, 1), PN_ESTATE);
    EXPECT_OK(nn_range_find(&range, net.plan, "h", NULL, &why));
    EXPECT_OK(nn_invert_range(net.pass, back, net.theta, range, x, 1));
    net_close(&net);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tied_weights_are_the_transpose_of_the_encoder),
        cmocka_unit_test(a_tied_autoencoder_learns),
        cmocka_unit_test(what_cannot_be_tied_is_refused),
        cmocka_unit_test(a_new_coupling_is_the_identity),
        cmocka_unit_test(couplings_are_inverted),
        cmocka_unit_test(each_half_moves_by_what_the_other_says),
        cmocka_unit_test(what_is_no_bijection_is_not_inverted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
