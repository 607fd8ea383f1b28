/* Optimisers against traces of PyTorch; built in double and (test_optimiser_float.c) in float. */
#include "nnlib/gradient.h"
#include "support/nn.h"
#include "vectors/goldens.h"
#include "vectors/optimisers.h"

enum {
    STEPS   = 5,
    VECTORS = sizeof opt_vectors / sizeof opt_vectors[0]
};

static double
trace_tolerance(double v)
{
    return NN_TEST_DOUBLE ? 1e-9 : fmax(1e-5, 1e-4 * fabs(v));
}

static void
expect_pair(const nn_real *theta, const double *expected, const char *what, size_t step)
{
    for (size_t k = 0; k < 2; k++)
        expect_near((double)theta[k], expected[k], trace_tolerance(expected[k]), what, step,
                    __FILE__, __LINE__);
}

static struct nn_optimiser_config
config_of(const char *text)
{
    struct nn_optimiser_config config;
    struct pn_error            why = {.text = ""};
    if (nn_optimiser_parse(&config, text, &why) != PN_OK)
        fail_msg("%s: %s", text, why.text);
    return config;
}

static nn_real *
state_of(const struct nn_optimiser_config *config, uint64_t params)
{
    size_t   count = (size_t)nn_optimiser_state_count(config, params);
    nn_real *state = nn_block((count + 1) * sizeof *state);
    memset(state, 0, count * sizeof *state);
    return state;
}

/* Two parameters that decay: a dense layer 2 -> 1 without bias. */
static void
open_pair(struct net *net)
{
    net_open(net, "x = input 2\no = dense x 1 bias=no\nl = mse o\n", 1);
}

static void
walk_bowl(struct net *net, const struct nn_optimiser_config *config, const double *expected,
          const char *what)
{
    nn_real *state = state_of(config, 2);
    net->theta[0]  = 1;
    net->theta[1]  = -2;
    for (uint64_t step = 1; step <= STEPS; step++) {
        nn_real grad[2] = {net->theta[0], 10 * net->theta[1]};
        nn_optimiser_step(net->theta, state, grad, net->plan, config, step);
        expect_pair(net->theta, expected + 2 * (step - 1), what, (size_t)step);
    }
    free(state);
}

static void
steps_in_a_bowl_equal_pytorch(void **unused)
{
    (void)unused;
    struct net net;
    open_pair(&net);
    for (size_t v = 0; v < VECTORS; v++) {
        struct nn_optimiser_config config = config_of(opt_vectors[v].text);
        walk_bowl(&net, &config, opt_vectors[v].bowl, opt_vectors[v].text);
    }
    net_close(&net);
}

static void
steps_equal_the_goldens(void **unused)
{
    (void)unused;
    struct net net;
    char       text[160];
    open_pair(&net);
    for (size_t v = 0; v < sizeof golden_opt / sizeof golden_opt[0]; v++) {
        (void)snprintf(text, sizeof text, "%s %s", golden_opt[v].kind, golden_opt[v].options);
        struct nn_optimiser_config config = config_of(text);
        walk_bowl(&net, &config, golden_opt[v].trace, text);
    }
    for (size_t v = 0; v < sizeof golden_opt_keras / sizeof golden_opt_keras[0]; v++) {
        (void)snprintf(text, sizeof text, "%s %s", golden_opt_keras[v].kind,
                       golden_opt_keras[v].options);
        struct nn_optimiser_config config = config_of(text);
        nn_real                   *state  = state_of(&config, 2);
        net.theta[0]                      = 1;
        net.theta[1]                      = -2;
        for (uint64_t step = 1; step <= STEPS; step++) {
            nn_real grad[2] = {net.theta[0], 10 * net.theta[1]};
            nn_optimiser_step(net.theta, state, grad, net.plan, &config, step);
            const double *expected =
                step == 1 ? golden_opt_keras[v].first : golden_opt_keras[v].last;
            for (size_t k = 0; (step == 1 || step == STEPS) && k < 2; k++) /* ten digits */
                EXPECT_NEAR((double)net.theta[k], expected[k], NN_TEST_DOUBLE ? 1e-9 : 2e-5);
        }
        free(state);
    }
    net_close(&net);
}

static void
steps_along_given_gradients_equal_pytorch(void **unused)
{
    (void)unused;
    struct net net;
    open_pair(&net);
    for (size_t v = 0; v < VECTORS; v++) {
        struct nn_optimiser_config config = config_of(opt_vectors[v].text);
        nn_real                   *state  = state_of(&config, 2);
        net.theta[0]                      = (nn_real)0.5;
        net.theta[1]                      = (nn_real)-0.3;
        for (size_t step = 1; step <= OPT_GIVEN; step++) {
            nn_real grad[2];
            load(grad, opt_given + 2 * (step - 1), 2);
            nn_optimiser_step(net.theta, state, grad, net.plan, &config, step);
            expect_pair(net.theta, opt_vectors[v].given + 2 * (step - 1), opt_vectors[v].text,
                        step);
        }
        free(state);
    }
    net_close(&net);
}

static const char net_text[] = "x = input 3\nfc1 = dense x 5\na1 = gelu fc1\nfc2 = dense a1 5\n"
                               "a2 = tanh fc2\ns = add a1 a2\nout = dense s 4\n"
                               "loss = cce_logits out\n";

static void
steps_of_a_network_equal_pytorch(void **unused)
{
    (void)unused;
    static const double classes[] = {0, 1, 2, 3, 1, 2};
    for (size_t v = 0; v < VECTORS; v++) {
        struct nn_optimiser_config config = config_of(opt_vectors[v].text);
        struct net                 net;
        nn_real                    x[18], t[6];
        if (config.l2 > 0 || config.decay > 0)
            continue; /* PyTorch decays biases, we do not */
        net_open(&net, net_text, 6);
        assert_int_equal(net.params, OPT_NET);
        fill(net.theta, net.params, 0.7, 0);
        fill(x, 18, 1.5, 7);
        load(t, classes, 6);
        struct nn_batch batch = {x, t, NULL, 6};
        nn_real        *state = state_of(&config, net.params);
        for (uint64_t step = 1; step <= STEPS; step++) {
            (void)nn_gradient(net.pass, net.grad, NULL, net.theta, &batch);
            nn_optimiser_step(net.theta, state, net.grad, net.plan, &config, step);
        }
        for (size_t k = 0; k < net.params; k++)
            expect_near((double)net.theta[k], opt_vectors[v].net[k],
                        trace_tolerance(opt_vectors[v].net[k]), opt_vectors[v].text, k, __FILE__,
                        __LINE__);
        free(state);
        net_close(&net);
    }
}

static void
penalties_leave_biases_alone_and_frozen_layers_stay(void **unused)
{
    (void)unused;
    static const char *const penalties[] = {"l2=0.1", "decay=0.1", "l1=0.1", "max_norm=0.5",
                                            "l1=0.1 l1_form=subgradient"};
    for (size_t i = 0; nn_optimiser_kinds[i] != NULL; i++)
        for (size_t p = 0; p < 5; p++) {
            struct net net;
            nn_real    before[64], grad[64] = {0};
            char       text[80];
            (void)snprintf(text, sizeof text, "%s %s", nn_optimiser_kinds[i]->name, penalties[p]);
            struct nn_optimiser_config config = config_of(text);
            net_open(&net, "x = input 3\na = dense x 4 role=frozen\no = dense a 2\nl = mse o\n", 1);
            fill(net.theta, net.params, 1, 0);
            memcpy(before, net.theta, net.params * sizeof before[0]);
            nn_real *state = state_of(&config, net.params);
            grad[0]        = 5; /* even where a gradient is given */
            nn_optimiser_step(net.theta, state, grad, net.plan, &config, 1);
            for (size_t k = 0; k < net.params; k++) {
                bool decays = k >= 16 && k < 24;
                if (decays != ((double)net.theta[k] != (double)before[k]))
                    fail_msg("%s: parameter %zu", text, k);
            }
            free(state);
            net_close(&net);
        }
}

static void
coupled_and_decoupled_decay_are_the_same_for_sgd_only(void **unused)
{
    (void)unused;
    nn_real theta[2][2][2];
    for (int kind = 0; kind < 2; kind++)
        for (int coupled = 0; coupled < 2; coupled++) {
            struct net net;
            char       text[80];
            (void)snprintf(text, sizeof text, "%s rate=0.1 %s=0.3", kind == 0 ? "sgd" : "adam",
                           coupled ? "l2" : "decay");
            struct nn_optimiser_config config = config_of(text);
            nn_real                   *state = state_of(&config, 2), grad[2] = {1, -2};
            open_pair(&net);
            fill(net.theta, 2, 1, 0);
            nn_optimiser_step(net.theta, state, grad, net.plan, &config, 1);
            memcpy(theta[kind][coupled], net.theta, sizeof theta[0][0]);
            free(state);
            net_close(&net);
        }
    EXPECT_NEAR((double)theta[0][0][0], (double)theta[0][1][0], NN_TEST_DOUBLE ? 1e-15 : 1e-7);
    assert_true(fabs((double)(theta[1][0][0] - theta[1][1][0])) > 1e-3);
}

/* Features that do not touch: min |x - b|^2 / 2 + a |x|_1 is the soft threshold of b. */
static void
proximal_l1_is_the_lasso_with_exact_zeros(void **unused)
{
    (void)unused;
    struct net net;
    net_open(&net, "x = input 5\no = dense x 1 bias=no\nl = mse o\n", 1);
    const double               b[5] = {2, -0.7, 0.3, -0.29, 0}, a = 0.3;
    struct nn_optimiser_config config = config_of("sgd rate=0.5 l1=0.3");
    for (int k = 0; k < 5; k++)
        net.theta[k] = 1;
    for (uint64_t step = 1; step <= 60; step++) {
        nn_real grad[5];
        for (int k = 0; k < 5; k++)
            grad[k] = net.theta[k] - (nn_real)b[k];
        nn_optimiser_step(net.theta, NULL, grad, net.plan, &config, step);
    }
    for (int k = 0; k < 5; k++) {
        double expected = fmax(fabs(b[k]) - a, 0) * (b[k] < 0 ? -1 : 1);
        EXPECT_NEAR((double)net.theta[k], expected, NN_TEST_DOUBLE ? 1e-12 : 1e-6);
        if (fabs(b[k]) < a)
            assert_true((double)net.theta[k] == 0);
    }
    net_close(&net);
}

static void
max_norm_bounds_the_weights_into_a_unit(void **unused)
{
    (void)unused;
    struct net                 net;
    struct nn_optimiser_config config = config_of("sgd rate=0.001 max_norm=0.8");
    nn_real                    grad[4 * 3 + 4 + 4 * 2 + 2] = {0}, kept[64];
    net_open(&net, "x = input 3\na = dense x 4\no = dense a 2\nl = mse o\n", 1);
    fill(net.theta, net.params, 1, 0);
    net.theta[3] = net.theta[4] = net.theta[5] = (nn_real)0.1; /* row 1 is short enough */
    memcpy(kept, net.theta, net.params * sizeof kept[0]);
    nn_optimiser_step(net.theta, NULL, grad, net.plan, &config, 1);
    for (int r = 0; r < 4; r++) {
        double norm = sqrt(nn_square_sum(net.theta + 3 * r, 3));
        double was  = sqrt(nn_square_sum(kept + 3 * r, 3));
        EXPECT_NEAR(norm, was > 0.8 ? 0.8 : was, NN_TEST_DOUBLE ? 1e-12 : 1e-6);
    }
    memcpy(kept, net.theta, net.params * sizeof kept[0]);
    nn_optimiser_step(net.theta, NULL, grad, net.plan, &config, 1);
    for (size_t k = 0; k < net.params; k++) /* projecting again changes nothing */
        EXPECT_NEAR((double)net.theta[k], (double)kept[k], 1e-7);
    net_close(&net);
}

static void
clipping_equals_pytorch_and_the_golden(void **unused)
{
    (void)unused;
    nn_real g[2], values[4] = {-5, (nn_real)0.5, 5, (nn_real)NAN}, zero[3] = {0};
    load(g, golden_clip_g, 2);
    EXPECT_NEAR(nn_clip_norm(g, 2, 1), 5, 0);
    EXPECT_NEAR((double)g[0], golden_clipped[0], NN_TEST_DOUBLE ? 1e-8 : 1e-7);
    EXPECT_NEAR((double)g[1], golden_clipped[1], NN_TEST_DOUBLE ? 1e-8 : 1e-7);
    nn_real kept = g[0];
    (void)nn_clip_norm(g, 2, 1.1); /* short enough: bit for bit */
    assert_true((double)g[0] == (double)kept);
    EXPECT_NEAR(nn_clip_norm(zero, 3, 1), 0, 0);
    nn_clip_value(values, 4, 1);
    assert_true((double)values[0] == -1 && (double)values[1] == 0.5 && (double)values[2] == 1);
    assert_true(isnan(values[3]));
    assert_true(isnan(nn_clip_norm(values, 4, 1)) && isnan(values[0]));
}

/* Inside a step: over all that is trained, and nothing else. */
static void
a_step_clips_the_whole_gradient_but_not_what_is_frozen(void **unused)
{
    (void)unused;
    struct net                 net;
    struct nn_optimiser_config config   = config_of("sgd rate=1 clip_norm=1");
    nn_real                    grad[64] = {0};
    net_open(&net, "x = input 3\na = dense x 4 role=frozen\no = dense a 2\nl = mse o\n", 1);
    memset(net.theta, 0, net.params * sizeof(nn_real));
    grad[0]  = 1000;
    grad[16] = 3;
    grad[25] = 4; /* a bias */
    nn_optimiser_step(net.theta, NULL, grad, net.plan, &config, 1);
    EXPECT_NEAR((double)net.theta[16], -golden_clipped[0], 1e-7);
    EXPECT_NEAR((double)net.theta[25], -golden_clipped[1], 1e-7);
    config = config_of("sgd rate=1 clip_value=0.5");
    memset(net.theta, 0, net.params * sizeof(nn_real));
    nn_optimiser_step(net.theta, NULL, grad, net.plan, &config, 1);
    EXPECT_NEAR((double)net.theta[16], -0.5, 0);
    net_close(&net);
}

static void
accumulated_micro_batches_are_one_batch(void **unused)
{
    (void)unused;
    static const uint32_t cuts[] = {0, 1, 8, 40, 64};
    struct net            net;
    nn_real               x[64 * 3], t[64], sum[80] = {0};
    net_open(&net, net_text, 64);
    fill(x, 64 * 3, 1, 0);
    for (int r = 0; r < 64; r++)
        t[r] = (nn_real)(r * r % 4);
    for (int p = 0; p < 4; p++) {
        uint32_t        rows  = cuts[p + 1] - cuts[p];
        struct nn_batch part  = {x + 3 * cuts[p], t + cuts[p], NULL, rows};
        struct nn_blend blend = {(nn_real)rows / 64, (nn_real)(p > 0)};
        (void)nn_gradient_blend(net.pass, sum, blend, net.theta, &part);
    }
    struct nn_batch whole = {x, t, NULL, 64};
    (void)nn_gradient(net.pass, net.grad, NULL, net.theta, &whole);
    for (size_t k = 0; k < net.params; k++)
        EXPECT_NEAR((double)sum[k], (double)net.grad[k], NN_TEST_DOUBLE ? 1e-12 : 1e-6);
    net_close(&net);
}

static void
adams_first_step_is_the_rate_whatever_the_scale(void **unused)
{
    (void)unused;
    struct net                 net;
    struct nn_optimiser_config config = config_of("adam rate=0.1");
    nn_real                   *state = state_of(&config, 2), grad[2] = {1000, (nn_real)-0.01};
    open_pair(&net);
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
    static const struct {
        const char *text;
        uint64_t    count;
    } cases[] = {{"sgd", 0},
                 {"sgd momentum=0.9", 10},
                 {"adagrad", 10},
                 {"rmsprop", 10},
                 {"rmsprop centered=yes", 20},
                 {"adadelta", 20},
                 {"rprop", 20},
                 {"rmsprop centered=yes momentum=0.1", 30},
                 {"adam", 20},
                 {"adamw amsgrad=yes", 30},
                 {"adamax", 20},
                 {"nadam", 21},
                 {"yogi", 20}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nn_optimiser_config config = config_of(cases[i].text);
        assert_int_equal(nn_optimiser_state_count(&config, 10), cases[i].count);
    }
}

static void
only_bare_sgd_is_plain(void **unused)
{
    (void)unused;
    static const char *const   others[] = {"sgd momentum=0.9",  "sgd l1=0.1",     "sgd decay=0.1",
                                           "sgd clip_norm=1",   "sgd max_norm=3", "adam",
                                           "sgd clip_value=0.5"};
    struct nn_optimiser_config config   = config_of("sgd rate=0.3 l2=0.1");
    assert_true(nn_optimiser_is_plain(&config));
    for (size_t i = 0; i < 7; i++) {
        config = config_of(others[i]);
        assert_false(nn_optimiser_is_plain(&config));
    }
}

/* State and step number are all there is: a copy goes on to the same bits. */
static void
a_copied_state_goes_on_to_the_same_bits(void **unused)
{
    (void)unused;
    for (size_t i = 0; nn_optimiser_kinds[i] != NULL; i++) {
        struct net                 net;
        struct nn_optimiser_config config = config_of(nn_optimiser_kinds[i]->name);
        size_t   bytes = (size_t)nn_optimiser_state_count(&config, 2) * sizeof(nn_real);
        nn_real *state = state_of(&config, 2), *copy = state_of(&config, 2);
        nn_real  theta[2] = {0}, last[2];
        open_pair(&net);
        for (uint64_t step = 1; step <= 6; step++) {
            nn_real grad[2] = {net.theta[0], 10 * net.theta[1]};
            nn_optimiser_step(net.theta, state, grad, net.plan, &config, step);
            if (step == 3) {
                memcpy(copy, state, bytes);
                memcpy(theta, net.theta, sizeof theta);
            }
        }
        memcpy(last, net.theta, sizeof last);
        memcpy(net.theta, theta, sizeof theta);
        for (uint64_t step = 4; step <= 6; step++) {
            nn_real grad[2] = {net.theta[0], 10 * net.theta[1]};
            nn_optimiser_step(net.theta, copy, grad, net.plan, &config, step);
        }
        assert_memory_equal(last, net.theta, sizeof last);
        free(state);
        free(copy);
        net_close(&net);
    }
}

static void
texts_come_back_and_refusals_are_sentences(void **unused)
{
    (void)unused;
    static const char *const texts[] = {"sgd", "adam rate=0.1 amsgrad=yes l2=0.25",
                                        "adamw decay=0.1 clip_norm=5",
                                        "rmsprop epsilon_in_root=yes l1=0.5 l1_form=subgradient"};
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "optimiser: expected one of sgd, adam, adamw, adamax"},
        {"adm", "yogi; seen 'adm'"},
        {"adam rate", "expected `key=value`, seen 'rate'"},
        {"adam rate=0", "rate: expected a number 1e-12..1000, seen '0'"},
        {"adam rate=nan", "rate: expected a number"},
        {"adam momentum=0.9", "momentum: belongs to optimiser sgd, not adam"},
        {"adam betta1=0.9", "optimiser adam has no option 'betta1'; did you mean 'beta1'?"},
        {"sgd nesterov=yes", "nesterov: expected a momentum above 0"},
        {"sgd nesterov=maybe", "nesterov: expected one of no, yes; seen 'maybe'"},
        {"sgd l1_form=subgradient", "l1_form: expected l1 above 0"},
        {"rprop shortest=2 longest=1", "longest: expected at least shortest, 2; seen 1"},
        {"sgd "
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "expected `key=value`, seen 'aaaa"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct nn_optimiser_config config = config_of(texts[i]);
        struct pn_buffer           out;
        pn_buffer_init(&out, 256);
        EXPECT_OK(nn_optimiser_print(&out, &config));
        assert_int_equal(out.size, strlen(texts[i]));
        assert_memory_equal(out.bytes, texts[i], out.size);
        pn_buffer_fini(&out);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct nn_optimiser_config config = {.rate = 42};
        struct pn_error            why    = {.text = ""};
        EXPECT_STATUS(PN_ECONFIG, nn_optimiser_parse(&config, bad[i].text, &why));
        EXPECT_SAYS(&why, bad[i].says);
        assert_true(config.rate == 42);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_in_a_bowl_equal_pytorch),
        cmocka_unit_test(steps_equal_the_goldens),
        cmocka_unit_test(steps_along_given_gradients_equal_pytorch),
        cmocka_unit_test(steps_of_a_network_equal_pytorch),
        cmocka_unit_test(penalties_leave_biases_alone_and_frozen_layers_stay),
        cmocka_unit_test(coupled_and_decoupled_decay_are_the_same_for_sgd_only),
        cmocka_unit_test(proximal_l1_is_the_lasso_with_exact_zeros),
        cmocka_unit_test(max_norm_bounds_the_weights_into_a_unit),
        cmocka_unit_test(clipping_equals_pytorch_and_the_golden),
        cmocka_unit_test(a_step_clips_the_whole_gradient_but_not_what_is_frozen),
        cmocka_unit_test(accumulated_micro_batches_are_one_batch),
        cmocka_unit_test(adams_first_step_is_the_rate_whatever_the_scale),
        cmocka_unit_test(only_what_needs_state_asks_for_it),
        cmocka_unit_test(only_bare_sgd_is_plain),
        cmocka_unit_test(a_copied_state_goes_on_to_the_same_bits),
        cmocka_unit_test(texts_come_back_and_refusals_are_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
