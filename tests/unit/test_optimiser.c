/* Optimisers against traces of PyTorch; built in double and (test_optimiser_float.c) in float. */
#include "support/nn.h"
#include "vectors/nnlib.h"

enum {
    STEPS   = 5,
    VECTORS = sizeof opt_vectors / sizeof opt_vectors[0]
};

static double
trace_tolerance(double v)
{
    return NN_TEST_DOUBLE ? 1e-9 : fmax(1e-5, 1e-4 * fabs(v));
}

static nn_real *
state_of(const struct nn_optimiser_config *config, uint64_t params)
{
    nn_real *state =
        nn_block((size_t)(nn_optimiser_state_count(config, params) + 1) * sizeof *state);
    memset(state, 0, (size_t)nn_optimiser_state_count(config, params) * sizeof *state);
    return state;
}

static void
steps_in_a_bowl_equal_pytorch(void **unused)
{
    (void)unused;
    struct net net; /* two parameters that decay: a dense layer 2 -> 1 without bias */
    net_open(&net, "x = input 2\no = dense x 1 bias=no\nl = mse o\n", 1);
    for (size_t v = 0; v < VECTORS; v++) {
        nn_real *state = state_of(&opt_vectors[v].config, 2);
        net.theta[0]   = 1;
        net.theta[1]   = -2;
        for (uint64_t step = 1; step <= STEPS; step++) {
            nn_real grad[2] = {net.theta[0], 10 * net.theta[1]};
            nn_optimiser_step(net.theta, state, grad, net.plan, &opt_vectors[v].config, step);
            for (size_t k = 0; k < 2; k++) {
                double expected = opt_vectors[v].bowl[2 * (step - 1) + k];
                expect_near((double)net.theta[k], expected, trace_tolerance(expected),
                            opt_vectors[v].name, (size_t)step, __FILE__, __LINE__);
            }
        }
        free(state);
    }
    net_close(&net);
}

static void
steps_of_a_network_equal_pytorch(void **unused)
{
    (void)unused;
    for (size_t v = 0; v < VECTORS; v++) {
        struct net net;
        nn_real    x[18], t[6];
        if (opt_vectors[v].config.l2 > 0)
            continue; /* PyTorch decays biases, we do not */
        net_open(&net,
                 "x = input 3\nfc1 = dense x 5\na1 = gelu fc1\nfc2 = dense a1 5\na2 = tanh fc2\n"
                 "s = add a1 a2\nout = dense s 4\nloss = cce_logits out\n",
                 6);
        fill(net.theta, net.params, 0.7, 0);
        fill(x, 18, 1.5, 7);
        load(t, net_t, 6);
        struct nn_batch batch = {x, t, NULL, 6};
        nn_real        *state = state_of(&opt_vectors[v].config, net.params);
        for (uint64_t step = 1; step <= STEPS; step++) {
            (void)nn_gradient(net.pass, net.grad, NULL, net.theta, &batch);
            nn_optimiser_step(net.theta, state, net.grad, net.plan, &opt_vectors[v].config, step);
            for (size_t k = 0; k < net.params; k++) {
                double expected = opt_vectors[v].net[(step - 1) * net.params + k];
                expect_near((double)net.theta[k], expected, trace_tolerance(expected),
                            opt_vectors[v].name, k, __FILE__, __LINE__);
            }
        }
        free(state);
        net_close(&net);
    }
}

static void
decay_leaves_biases_alone_and_frozen_layers_stay(void **unused)
{
    (void)unused;
    for (int kind = 0; kind < NN_OPTIMISER_COUNT; kind++) {
        struct net                 net;
        struct nn_optimiser_config config;
        nn_real                    before[64], grad[64] = {0};
        nn_optimiser_defaults(&config);
        config.kind = (enum nn_optimiser_kind)kind;
        config.l2   = 0.1;
        net_open(&net, "x = input 3\na = dense x 4 role=frozen\no = dense a 2\nl = mse o\n", 1);
        fill(net.theta, net.params, 1, 0);
        memcpy(before, net.theta, net.params * sizeof before[0]);
        nn_real *state = state_of(&config, net.params);
        grad[0]        = 5; /* even where a gradient is given */
        nn_optimiser_step(net.theta, state, grad, net.plan, &config, 1);
        for (size_t k = 0; k < net.params; k++) {
            bool decays = k >= 16 && k < 24;
            if (decays != ((double)net.theta[k] != (double)before[k]))
                fail_msg("%s: parameter %zu", nn_optimiser_names[kind], k);
        }
        free(state);
        net_close(&net);
    }
}

static void
adams_first_step_is_the_rate_whatever_the_scale(void **unused)
{
    (void)unused;
    struct net                 net;
    struct nn_optimiser_config config;
    nn_optimiser_defaults(&config);
    config.kind = NN_ADAM;
    config.rate = 0.1;
    net_open(&net, "x = input 2\no = dense x 1 bias=no\nl = mse o\n", 1);
    nn_real *state = state_of(&config, 2), grad[2] = {1000, (nn_real)-0.01};
    net.theta[0] = net.theta[1] = 0;
    nn_optimiser_step(net.theta, state, grad, net.plan, &config, 1);
    EXPECT_NEAR((double)net.theta[0], -0.1, 1e-6);
    EXPECT_NEAR((double)net.theta[1], 0.1, 1e-6);
    free(state);
    net_close(&net);
}

static void
only_what_needs_state_asks_for_it(void **unused)
{
    (void)unused;
    struct nn_optimiser_config config;
    nn_optimiser_defaults(&config);
    assert_int_equal(nn_optimiser_state_count(&config, 10), 0);
    config.momentum = 0.9;
    assert_int_equal(nn_optimiser_state_count(&config, 10), 10);
    config.kind = NN_ADAM;
    assert_int_equal(nn_optimiser_state_count(&config, 10), 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_in_a_bowl_equal_pytorch),
        cmocka_unit_test(steps_of_a_network_equal_pytorch),
        cmocka_unit_test(decay_leaves_biases_alone_and_frozen_layers_stay),
        cmocka_unit_test(adams_first_step_is_the_rate_whatever_the_scale),
        cmocka_unit_test(only_what_needs_state_asks_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
