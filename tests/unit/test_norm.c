/* Norms, PReLU and self-attention against PyTorch; what norms must do besides; built in double and
 * (test_norm_float.c) in float. */
#include "support/nn.h"
#include "vectors/layers.h"

#include "nnlib/layer.h"

/* The tolerance of an identity: rounding only. */
static const double exact = NN_TEST_DOUBLE ? 1e-12 : 1e-5;

/* Gradients: groups of two numbers are divided by small deviations, and large terms cancel. */
static const double backward = NN_TEST_DOUBLE ? 1e-9 : 1e-4;

/* A pass for evaluation of the same plan and parameters. */
struct evaluation {
    void           *workspace;
    struct nn_pass *pass;
};

static void
evaluation_open(struct evaluation *e, const struct net *net, uint32_t batch)
{
    size_t bytes;
    EXPECT_OK(nn_pass_bytes(&bytes, net->plan, batch, NN_EVALUATE));
    e->workspace = nn_block(bytes);
    e->pass      = nn_pass_init(e->workspace, net->plan, batch, NN_EVALUATE);
}

/* Parameters as in the vectors; running statistics as they start. */
static void
fill_parameters(const struct net *net)
{
    size_t                  count, off = 0;
    const struct nn_tensor *rows = nn_plan_manifest(net->plan, &count);
    for (size_t t = 0; t < count; t++) {
        if (strstr(rows[t].name, "running") != NULL)
            continue;
        fill(net->theta + rows[t].offset, rows[t].count, 0.5, (double)off);
        off += rows[t].count;
    }
}

static void
layers_and_their_gradients_equal_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof layer_vectors / sizeof layer_vectors[0]; i++) {
        struct net  net;
        nn_real     x[64], dx[64], dout[64];
        const char *text = layer_vectors[i].text;
        uint32_t    rows = layer_vectors[i].rows;
        net_open(&net, text, rows);
        fill_parameters(&net);
        fill(x, rows * net.in, 1, 0);
        const nn_real *y = nn_forward(net.pass, net.theta, x, rows);
        expect_figures(y, layer_vectors[i].y, rows * net.out, text, __FILE__, __LINE__);
        for (size_t k = 0; k < rows * net.out; k++)
            dout[k] = 2 * y[k];
        nn_backward(net.pass, net.grad, dx, net.theta, dout);
        /* Running statistics come last and have no gradient. */
        size_t trained = strstr(text, "batch_norm") != NULL ? net.params / 2 : net.params;
        for (size_t k = 0; k < rows * net.in; k++)
            expect_near((double)dx[k], layer_vectors[i].dx[k], backward, text, k, __FILE__,
                        __LINE__);
        for (size_t k = 0; k < net.params; k++)
            expect_near((double)net.grad[k], k < trained ? layer_vectors[i].grad[k] : 0, backward,
                        text, k, __FILE__, __LINE__);
        net_close(&net);
    }
}

static void
norms_without_affine_equal_the_goldens(void **state)
{
    (void)state;
    static const double bn[8] = {1.047771243734,  1.138791181947,  0.107932727451, -1.097037610736,
                                 -1.178112810888, -0.283082535605, 0.950320557349, 1.388111352441};
    static const double gn[8] = {0.891102438343,  0.984290446378,  -0.071122772156, -1.304795171426,
                                 -1.582494036914, -0.648904312366, 0.63763591494,   1.094287493202};
    static const double ln[8] = {0.83010321908,   0.931058926379,  -0.212328406581, -1.548833738878,
                                 -1.379311318616, -0.495880664268, 0.721537485234,  1.153654497649};
    static const double mean[4] = {0.006069045577, -0.006449867056, 0.002362783336, 0.003361030545};
    static const double var[4]  = {0.963461323456, 0.965871734765, 0.947661179531, 0.950550041026};
    struct net          net;
    nn_real             x[32];
    fill(x, 32, 1, 0);
    net_open(&net, "x = input 4x2x2\ny = batch_norm x affine=no\nl = mse y\n", 2);
    EXPECT_FIGURES(nn_forward(net.pass, net.theta, x, 2), bn, 8);
    nn_settle(net.pass, net.theta);
    EXPECT_FIGURES(net.theta, mean, 4);
    EXPECT_FIGURES(net.theta + 4, var, 4); /* unbiased: the biased one is off by a tenth */
    net_close(&net);
    net_open(&net, "x = input 4x2x2\ny = group_norm x groups=2\nl = mse y\n", 2);
    EXPECT_FIGURES(nn_forward(net.pass, net.theta, x, 2), gn, 8);
    net_close(&net);
    net_open(&net, "x = input 4\ny = layer_norm x\nl = mse y\n", 2);
    EXPECT_FIGURES(nn_forward(net.pass, net.theta, x, 2), ln, 8);
    net_close(&net);
}

static void
batch_norm_evaluates_with_what_it_saw_in_training(void **state)
{
    (void)state;
    struct net        net;
    struct evaluation e;
    nn_real           x[36];
    net_open(&net, "x = input 3x2x2\ny = batch_norm x\nl = mse y\n", 3);
    fill_parameters(&net);
    evaluation_open(&e, &net, 1);
    fill(x, 36, 1, 0);
    (void)nn_forward(net.pass, net.theta, x, 3);
    nn_settle(net.pass, net.theta);
    fill(x, 36, 2, 5);
    (void)nn_forward(net.pass, net.theta, x, 3);
    nn_settle(net.pass, net.theta);
    EXPECT_FIGURES(net.theta + 6, bn_mean, 3);
    EXPECT_FIGURES(net.theta + 9, bn_var, 3);
    fill(x, 12, 1, 9);
    EXPECT_FIGURES(nn_forward(e.pass, net.theta, x, 1), bn_eval, 12);
    nn_settle(e.pass, net.theta); /* evaluation teaches nothing */
    EXPECT_FIGURES(net.theta + 6, bn_mean, 3);
    free(e.workspace);
    net_close(&net);
}

/* Identity 30. */
static void
batch_norm_in_evaluation_folds_into_the_dense_layer_below(void **state)
{
    (void)state;
    struct net        net, folded;
    struct evaluation e;
    nn_real           x[12];
    net_open(&net, "x = input 4\nh = dense x 3\ny = batch_norm h\nl = mse y\n", 3);
    net_open(&folded, "x = input 4\nh = dense x 3\nl = mse h\n", 3);
    fill(net.theta, net.params, 1, 3);
    nn_real *gamma = net.theta + 15, *beta = gamma + 3, *mean = beta + 3, *var = mean + 3;
    for (int c = 0; c < 3; c++) {
        var[c]    = (nn_real)fabs((double)var[c]);
        nn_real s = gamma[c] / (nn_real)sqrt((double)var[c] + 1e-5);
        for (int i = 0; i < 4; i++)
            folded.theta[4 * c + i] = s * net.theta[4 * c + i];
        folded.theta[12 + c] = (net.theta[12 + c] - mean[c]) * s + beta[c];
    }
    fill(x, 12, 1, 0);
    evaluation_open(&e, &net, 3);
    const nn_real *y = nn_forward(e.pass, net.theta, x, 3);
    const nn_real *z = nn_forward(folded.pass, folded.theta, x, 3);
    for (int k = 0; k < 9; k++)
        EXPECT_NEAR((double)y[k], (double)z[k], exact);
    free(e.workspace);
    net_close(&net);
    net_close(&folded);
}

static void
a_batch_of_one_number_a_channel_leaves_the_statistics(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[2] = {3, 4};
    net_open(&net, "x = input 2\ny = batch_norm x affine=no\nl = mse y\n", 1);
    const nn_real *y = nn_forward(net.pass, net.theta, x, 1);
    nn_settle(net.pass, net.theta);
    for (int c = 0; c < 2; c++) {
        EXPECT_NEAR((double)y[c], 0, 0);
        EXPECT_NEAR((double)net.theta[c], 0, 0);
        EXPECT_NEAR((double)net.theta[2 + c], 1, 0);
    }
    net_close(&net);
}

/* Identity 29: groups = 1 is layer norm over all numbers, groups = channels is each by itself. */
static void
group_norm_is_layer_norm_and_instance_norm_at_its_ends(void **state)
{
    (void)state;
    struct net one, layer, each, alone;
    nn_real    x[24];
    net_open(&one, "x = input 3x2x2\ny = group_norm x groups=1\nl = mse y\n", 2);
    net_open(&layer, "x = input 3x2x2\ny = layer_norm x\nl = mse y\n", 2);
    net_open(&each, "x = input 3x2x2\ny = group_norm x groups=3\nl = mse y\n", 2);
    net_open(&alone, "x = input 4\ny = layer_norm x\nl = mse y\n", 6);
    fill(x, 24, 2, 1);
    const nn_real *a = nn_forward(one.pass, one.theta, x, 2);
    const nn_real *b = nn_forward(layer.pass, layer.theta, x, 2);
    const nn_real *c = nn_forward(each.pass, each.theta, x, 2);
    const nn_real *d = nn_forward(alone.pass, alone.theta, x, 6);
    for (int k = 0; k < 24; k++) {
        EXPECT_NEAR((double)a[k], (double)b[k], exact);
        EXPECT_NEAR((double)c[k], (double)d[k], exact);
    }
    net_close(&one);
    net_close(&layer);
    net_close(&each);
    net_close(&alone);
}

static void
norms_do_not_see_a_shift_and_keep_their_precision_far_out(void **state)
{
    (void)state;
    static const char *const kinds[] = {"batch_norm x", "layer_norm x", "group_norm x groups=2"};
    for (int i = 0; i < 3; i++) {
        struct net net;
        char       text[96];
        nn_real    x[12], y[12];
        (void)snprintf(text, sizeof text, "x = input 4\ny = %s\nl = mse y\n", kinds[i]);
        net_open(&net, text, 3);
        fill(x, 12, 1, 0);
        memcpy(y, nn_forward(net.pass, net.theta, x, 3), sizeof y);
        for (int k = 0; k < 12; k++)
            x[k] += 1024;
        const nn_real *z = nn_forward(net.pass, net.theta, x, 3);
        for (int k = 0; k < 12; k++)
            EXPECT_NEAR((double)z[k], (double)y[k], NN_TEST_DOUBLE ? 1e-10 : 2e-3);
        net_close(&net);
    }
}

static void
roles_say_what_stays_at_the_site(void **state)
{
    (void)state;
    static const struct {
        const char  *options;
        size_t       count;
        enum nn_role affine, running;
    } cases[] = {{"", 4, NN_SHARED, NN_LOCAL},
                 {"stats=buffer", 4, NN_SHARED, NN_BUFFER},
                 {"affine=local", 4, NN_LOCAL, NN_LOCAL},
                 {"affine=no stats=buffer", 2, NN_BUFFER, NN_BUFFER}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct net net;
        char       text[96];
        size_t     count;
        (void)snprintf(text, sizeof text,
                       "x = input 3\nh = dense x 2\nn = batch_norm h %s\nl = mse n\n",
                       cases[i].options);
        net_open(&net, text, 2);
        const struct nn_tensor *rows = nn_plan_manifest(net.plan, &count);
        assert_int_equal(count, 2 + cases[i].count);
        assert_int_equal(rows[2].role, cases[i].affine);
        assert_int_equal(rows[count - 2].role, cases[i].running);
        assert_string_equal(rows[count - 2].name, "n.running_mean");
        assert_string_equal(rows[count - 1].name, "n.running_var");
        EXPECT_NEAR((double)net.theta[rows[count - 1].offset], 1, 0);
        for (size_t t = 2; t < count; t++)
            assert_false(rows[t].decay);
        assert_true(nn_plan_mixes_rows(net.plan));
        net_close(&net);
    }
}

static void
groups_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct nn_plan          *plan;
    struct pn_error          why;
    static const char *const texts[][2] = {
        {"x = input 4x2x2\ny = group_norm x groups=3\nl = mse y\n",
         "model:2:1: groups: expected a divisor of the 4 channels of x, seen 3"},
        {"x = input 4\ny = group_norm x groups=4\nl = mse y\n",
         "model:2:1: groups: expected groups of several numbers, but each of the 4 groups of x "
         "would "
         "be one number, which normalises to 0"}};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(nn_plan_new(&plan, texts[i][0], strlen(texts[i][0]), &why), PN_ECONFIG);
        assert_string_equal(why.text, texts[i][1]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_and_their_gradients_equal_pytorch),
        cmocka_unit_test(norms_without_affine_equal_the_goldens),
        cmocka_unit_test(batch_norm_evaluates_with_what_it_saw_in_training),
        cmocka_unit_test(batch_norm_in_evaluation_folds_into_the_dense_layer_below),
        cmocka_unit_test(a_batch_of_one_number_a_channel_leaves_the_statistics),
        cmocka_unit_test(group_norm_is_layer_norm_and_instance_norm_at_its_ends),
        cmocka_unit_test(norms_do_not_see_a_shift_and_keep_their_precision_far_out),
        cmocka_unit_test(roles_say_what_stays_at_the_site),
        cmocka_unit_test(groups_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
