/* Threshold units, Rosenblatt's perceptron, and weights of one sign. */
#include "support/nn.h"

#include "nnlib/loss.h"

/* ---- McCulloch and Pitts ---- */

struct neuron {
    struct nn_plan *plan;
    struct nn_pass *pass;
    void           *workspace;
};

/* A threshold unit cannot train, so net_open, which makes a pass for training, is not for it. */
static void
neuron_open(struct neuron *n, const char *text, uint32_t batch)
{
    struct pn_error why = {.text = ""};
    size_t          bytes;
    if (nn_plan_new(&n->plan, text, strlen(text), &why) != PN_OK)
        fail_msg("%s", why.text);
    EXPECT_OK(nn_pass_bytes(&bytes, n->plan, batch, NN_EVALUATE));
    n->workspace = nn_block(bytes);
    n->pass      = nn_pass_init(n->workspace, n->plan, batch, NN_EVALUATE);
}

static void
neuron_close(struct neuron *n)
{
    nn_plan_free(n->plan);
    free(n->workspace);
}

static const nn_real pairs[8] = {0, 0, 0, 1, 1, 0, 1, 1};

static void
neurons_have_their_truth_tables(void **state)
{
    (void)state;
    static const struct {
        uint32_t inputs;
        nn_real  weight;
        int      at;
        unsigned ones;             /* bit k: the output for the k-th row of inputs */
    } cases[] = {{2, 1, 2, 0x8},   /* AND */
                 {2, 1, 1, 0xe},   /* OR */
                 {1, -1, 0, 0x1},  /* NOT */
                 {2, -1, 0, 0x1},  /* NOR, with the threshold reached exactly at 0, 0 */
                 {3, 1, 2, 0xe8}}; /* majority of three */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct neuron n;
        char          text[160];
        nn_real       w[3] = {cases[i].weight, cases[i].weight, cases[i].weight}, x[24];
        uint32_t      rows = 1u << cases[i].inputs;
        (void)snprintf(text, sizeof text,
                       "x = input %u\ns = dense x 1 bias=no\ny = threshold s at=%d\nl = mse y\n",
                       cases[i].inputs, cases[i].at);
        neuron_open(&n, text, 8);
        for (uint32_t r = 0; r < rows; r++)
            for (uint32_t k = 0; k < cases[i].inputs; k++)
                x[r * cases[i].inputs + k] = (nn_real)(r >> k & 1);
        const nn_real *y = nn_forward(n.pass, w, x, rows);
        for (uint32_t r = 0; r < rows; r++)
            assert_true(y[r] == (nn_real)(cases[i].ones >> r & 1));
        neuron_close(&n);
    }
}

static void
no_neuron_computes_xor_but_two_layers_do(void **state)
{
    (void)state;
    struct neuron one, two;
    nn_real       w[2];
    char          text[96];
    for (int at = -3; at <= 3; at++) {
        (void)snprintf(text, sizeof text,
                       "x = input 2\ns = dense x 1 bias=no\ny = threshold s at=%d\nl = mse y\n",
                       at);
        neuron_open(&one, text, 4);
        for (int a = -3; a <= 3; a++)
            for (int b = -3; b <= 3; b++) {
                w[0]             = (nn_real)a;
                w[1]             = (nn_real)b;
                const nn_real *y = nn_forward(one.pass, w, pairs, 4);
                assert_false(y[0] == 0 && y[1] == 1 && y[2] == 1 && y[3] == 0);
            }
        neuron_close(&one);
    }
    /* OR and AND below, and OR and not AND above */
    static const nn_real theta[8] = {1, 1, 1, 1, /* biases: */ 0, -1, /* above: */ 1, -1};
    neuron_open(&two,
                "x = input 2\ns = dense x 2\nh = threshold s at=1\nz = dense h 1 bias=no\n"
                "y = threshold z at=1\nl = mse y\n",
                4);
    const nn_real *y = nn_forward(two.pass, theta, pairs, 4);
    assert_true(y[0] == 0 && y[1] == 1 && y[2] == 1 && y[3] == 0);
    neuron_close(&two);
}

static void
a_threshold_refuses_to_train_with_a_sentence(void **state)
{
    (void)state;
    struct neuron   n;
    struct pn_error why;
    size_t          bytes;
    neuron_open(&n, "x = input 2\ns = dense x 1\ny = threshold s\nl = mse y\n", 4);
    assert_int_equal(nn_pass_bytes(&bytes, n.plan, 4, NN_TRAIN), PN_ESTATE);
    assert_int_equal(nn_plan_may_train(n.plan, &why), PN_ECONFIG);
    assert_string_equal(why.text, "model:3:1: y is a threshold, which has no derivative: the model "
                                  "can be evaluated, not trained; use sigmoid or tanh to train");
    struct nn_training training = {.batch = 1, .epochs = 1};
    nn_optimiser_init(&training.optimiser, &nn_sgd_kind);
    assert_int_equal(nn_trainer_bytes(&bytes, n.plan, &training, 4), PN_ESTATE);
    neuron_close(&n);
}

static void
the_straight_through_gradient_is_the_identity_near_the_threshold(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[7]    = {(nn_real)-1.5, (nn_real)-0.5, 0, (nn_real)0.5, 1, (nn_real)1.5, 3}, dx[7];
    nn_real    dout[7] = {1, 2, 3, 4, 5, 6, 7}, expected[7] = {0, 2, 3, 4, 5, 6, 0};
    net_open(&net, "x = input 7\np = prelu x start=1\ny = threshold_ste p at=0.5\nl = mse y\n", 1);
    const nn_real *y = nn_forward(net.pass, net.theta, x, 1);
    for (int k = 0; k < 7; k++)
        assert_true(y[k] == (k >= 3 ? 1 : 0)); /* 1 at equality */
    nn_backward(net.pass, net.grad, dx, net.theta, dout);
    for (int k = 0; k < 7; k++)
        EXPECT_NEAR((double)dx[k], (double)expected[k], 0);
    x[2] = (nn_real)NAN;
    assert_true(isnan(nn_forward(net.pass, net.theta, x, 1)[2]));
    net_close(&net);
}

/* ---- the perceptron ---- */

static void
the_rule_moves_only_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        uint32_t size;
        nn_real  z[3], target;
        double   loss, g[3];
    } cases[]                                 = {{1, {2}, 1, 0, {0}},
                                                 {1, {2}, 0, 2, {1}},
                                                 {1, {-3}, 1, 3, {-1}},
                                                 {1, {0}, 1, 0, {-1}}, /* boundary: an update */
                                                 {1, {0}, 0, 0, {1}},
                                                 {3, {1, 5, 3}, 1, 0, {0, 0, 0}},
                                                 {3, {1, 5, 3}, 0, 4, {-1, 1, 0}},
                                                 {3, {1, 5, 3}, 2, 2, {0, 1, -1}},
                                                 {3, {2, 2, 1}, 0, 0, {-1, 1, 0}}, /* a draw */
                                                 {3, {0, 0, 0}, 2, 0, {1, 0, -1}}};
    static const struct nn_loss_common common = {NN_REDUCE_MEAN, 0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        nn_real             g[3];
        struct nn_loss_call call = {.options  = &common,
                                    .output   = cases[i].z,
                                    .target   = &cases[i].target,
                                    .rows     = 1,
                                    .size     = cases[i].size,
                                    .gradient = g};
        EXPECT_NEAR(nn_perceptron_kind.value(&call), cases[i].loss, 0);
        for (uint32_t k = 0; k < cases[i].size; k++)
            EXPECT_NEAR((double)g[k], cases[i].g[k], 0);
    }
    assert_true(nn_perceptron_kind.accepts(&common, 1, 1) &&
                !nn_perceptron_kind.accepts(&common, 2, 1));
    assert_true(nn_perceptron_kind.accepts(&common, 2, 3) &&
                !nn_perceptron_kind.accepts(&common, 3, 3));
    assert_false(nn_perceptron_kind.accepts(&common, (nn_real)0.5, 1));
}

/* Novikoff 1962: on separable data the perceptron makes at most (R / gamma)^2 mistakes. */
static void
mistakes_stay_below_the_bound_of_novikoff(void **state)
{
    (void)state;
    enum {
        RECORDS = 200
    };
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct net    net;
        struct pn_rng rng;
        nn_real       x[RECORDS * 2], t[RECORDS];
        double        radius2 = 0, gamma = 1e9;
        uint64_t      mistakes = 0, last = 1;
        net_open(&net, "x = input 2\nz = dense x 1 bias=no init=zero\nl = perceptron z\n", 1);
        pn_rng_init(&rng, seed);
        for (int k = 0; k < RECORDS;) { /* u = (.6, .8), at least 0.1 from the boundary */
            double a = pn_rng_normal(&rng), b = pn_rng_normal(&rng), side = 0.6 * a + 0.8 * b;
            if (fabs(side) < 0.1)
                continue;
            x[2 * k]     = (nn_real)a;
            x[2 * k + 1] = (nn_real)b;
            t[k++]       = side > 0 ? 1 : 0;
            radius2      = fmax(radius2, a * a + b * b);
            gamma        = fmin(gamma, fabs(side));
        }
        for (int epoch = 0; epoch < 1000 && last > 0; epoch++) {
            last = 0;
            for (int k = 0; k < RECORDS; k++) {
                struct nn_batch one       = {x + 2 * k, t + k, NULL, 1};
                nn_real         before[2] = {net.theta[0], net.theta[1]};
                (void)nn_sgd(net.pass, net.theta, &one, 1, 0);
                last += memcmp(before, net.theta, sizeof before) != 0;
            }
            mistakes += last;
        }
        assert_int_equal(last, 0); /* an epoch without a mistake: all are right */
        assert_true(mistakes > 0 && (double)mistakes <= radius2 / (gamma * gamma));
        net_close(&net);
    }
}

/* ---- monotone ---- */

static const char monotone_text[] =
    "x = input 3\ny = input 2\nu = monotone x 6\nd = monotone y 6 "
    "sign=minus\ns = add u d\na = tanh s\no = monotone a 1\nl = mse o\n";

static bool
has_signs(const struct net *net)
{
    size_t                  count;
    const struct nn_tensor *rows = nn_plan_manifest(net->plan, &count);
    for (size_t t = 0; t < count; t++)
        for (size_t k = rows[t].offset; k < rows[t].offset + rows[t].count; k++)
            if (strstr(rows[t].name, "weight") != NULL &&
                (rows[t].name[0] == 'd' ? net->theta[k] > 0 : net->theta[k] < 0))
                return false;
    return true;
}

static void
a_monotone_network_rises_and_falls_as_told_at_any_parameters(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[5];
    net_open(&net, monotone_text, 1);
    for (int seed = 0; seed < 20; seed++) {
        fill(net.theta, net.params, 2, seed); /* signs of all sorts, and no step was made */
        for (int j = 0; j < 5; j++) {
            double last = j < 3 ? -1e9 : 1e9;
            fill(x, 5, 1, 3 * seed);
            for (int step = -10; step <= 10; step++) {
                x[j]     = (nn_real)(0.3 * step);
                double o = (double)nn_forward(net.pass, net.theta, x, 1)[0];
                assert_true(j < 3 ? o >= last : o <= last);
                last = o;
            }
        }
    }
    net_close(&net);
}

static void
a_step_ends_with_signs_and_so_does_a_mean(void **state)
{
    (void)state;
    struct net net, other;
    nn_real    x[8 * 5], t[8], again[64];
    net_open(&net, monotone_text, 8);
    net_open(&other, monotone_text, 8);
    fill(x, 40, 1, 0);
    fill(t, 8, 1, 3);
    struct nn_batch batch = {x, t, NULL, 8};
    fill(other.theta, other.params, 1, 9);
    assert_false(has_signs(&net));
    for (int step = 0; step < 30; step++) {
        (void)nn_sgd(net.pass, net.theta, &batch, 0.3, 0);
        nn_settle(net.pass, net.theta);
        assert_true(has_signs(&net));
        (void)nn_sgd(other.pass, other.theta, &batch, 0.1, 0);
        nn_settle(other.pass, other.theta);
    }
    assert_true(net.params <= 64);
    memcpy(again, net.theta, net.params * sizeof again[0]);
    nn_settle(net.pass, net.theta); /* a projection: the second time nothing changes */
    assert_memory_equal(again, net.theta, net.params * sizeof again[0]);
    for (size_t k = 0; k < net.params; k++)
        net.theta[k] = (nn_real)0.25 * net.theta[k] + (nn_real)0.75 * other.theta[k];
    assert_true(has_signs(&net));
    net_close(&net);
    net_close(&other);
}

/* A weight that was put to 0 comes back when the data wants it. */
static void
a_weight_at_zero_can_grow_again(void **state)
{
    (void)state;
    struct net      net;
    nn_real         x[4] = {1, 2, 3, 4}, t[4] = {2, 4, 6, 8};
    struct nn_batch batch = {x, t, NULL, 4};
    net_open(&net, "x = input 1\no = monotone x 1 bias=no\nl = mse o\n", 4);
    net.theta[0] = -1;
    nn_settle(net.pass, net.theta); /* needs no forward: it reads the weights only */
    EXPECT_NEAR((double)net.theta[0], 0, 0);
    for (int step = 0; step < 100; step++) {
        (void)nn_sgd(net.pass, net.theta, &batch, 0.03, 0);
        nn_settle(net.pass, net.theta);
    }
    EXPECT_NEAR((double)net.theta[0], 2, 1e-4);
    net_close(&net);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neurons_have_their_truth_tables),
        cmocka_unit_test(no_neuron_computes_xor_but_two_layers_do),
        cmocka_unit_test(a_threshold_refuses_to_train_with_a_sentence),
        cmocka_unit_test(the_straight_through_gradient_is_the_identity_near_the_threshold),
        cmocka_unit_test(the_rule_moves_only_what_is_wrong),
        cmocka_unit_test(mistakes_stay_below_the_bound_of_novikoff),
        cmocka_unit_test(a_monotone_network_rises_and_falls_as_told_at_any_parameters),
        cmocka_unit_test(a_step_ends_with_signs_and_so_does_a_mean),
        cmocka_unit_test(a_weight_at_zero_can_grow_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
