/* Passes against PyTorch and against identities; built in double and (test_pass_float.c) in float.
 */
#include "support/nn.h"
#include "vectors/goldens.h"
#include "vectors/nnlib.h"

#include "nnlib/layer.h"

/* The tolerance of an identity: rounding only. */
static const double exact = NN_TEST_DOUBLE ? 1e-12 : 1e-5;

/* A plan needs parameters, so activations under test sit on a dense layer that is the identity. */
static void
open_with_identity(struct net *net, uint32_t size, const char *line, uint32_t batch)
{
    char text[256];
    (void)snprintf(text, sizeof text, "x = input %u\na = dense x %u\ny = %s\nl = mse y\n", size,
                   size, line);
    net_open(net, text, batch);
    for (size_t k = 0; k < net->params; k++)
        net->theta[k] = k < (size_t)size * size && k % (size + 1) == 0 ? 1 : 0;
}

static void
activations_and_their_derivatives_equal_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof act_vectors / sizeof act_vectors[0]; i++) {
        struct net net;
        nn_real    x[9], dx[9], ones[9];
        open_with_identity(&net, 1, act_vectors[i].line, 9);
        load(x, act_x, 9);
        for (int k = 0; k < 9; k++)
            ones[k] = 1;
        const nn_real *y = nn_forward(net.pass, net.theta, x, 9);
        expect_figures(y, act_vectors[i].f, 9, act_vectors[i].line, __FILE__, __LINE__);
        nn_backward(net.pass, net.grad, dx, net.theta, ones);
        expect_figures(dx, act_vectors[i].df, 9, act_vectors[i].line, __FILE__, __LINE__);
        net_close(&net);
    }
}

static void
activations_equal_the_goldens(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof golden_act / sizeof golden_act[0]; i++) {
        struct net net;
        nn_real    x[7], dx[7], ones[7];
        /* The golden of hardsigmoid has a float32 constant in it: good to 1e-8. */
        bool loose = strcmp(golden_act[i].line, "hardsigmoid a") == 0;
        open_with_identity(&net, 1, golden_act[i].line, 7);
        load(x, golden_act_x, 7);
        for (int k = 0; k < 7; k++)
            ones[k] = 1;
        const nn_real *y = nn_forward(net.pass, net.theta, x, 7);
        expect_figures(y, golden_act[i].f, 7, golden_act[i].line, __FILE__, __LINE__);
        nn_backward(net.pass, net.grad, dx, net.theta, ones);
        for (size_t k = 0; k < 7; k++)
            expect_near((double)dx[k], golden_act[i].df[k],
                        loose ? 1e-8 + figure_tolerance(1) : figure_tolerance(golden_act[i].df[k]),
                        golden_act[i].line, k, __FILE__, __LINE__);
        net_close(&net);
    }
}

static void
activations_stay_finite_far_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof act_vectors / sizeof act_vectors[0]; i++) {
        struct net net;
        nn_real    x[4] = {-10000, 10000, -88, 88}, dx[4], ones[4] = {1, 1, 1, 1};
        open_with_identity(&net, 1, act_vectors[i].line, 4);
        const nn_real *y = nn_forward(net.pass, net.theta, x, 4);
        nn_backward(net.pass, net.grad, dx, net.theta, ones);
        for (int k = 0; k < 4; k++)
            if (!isfinite(y[k]) || !isfinite(dx[k]))
                fail_msg("%s: f(%g) = %g, f' = %g", act_vectors[i].line, (double)x[k], (double)y[k],
                         (double)dx[k]);
        net_close(&net);
    }
}

static void
relu_lets_a_nan_through(void **state)
{
    (void)state;
    struct net net;
    nn_real    x = (nn_real)NAN;
    open_with_identity(&net, 1, "relu a", 1);
    assert_true(isnan(nn_forward(net.pass, net.theta, &x, 1)[0]));
    net_close(&net);
}

static void
softmax_equals_pytorch_and_does_not_overflow(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[12], dx[12], c[12], large[4] = {1000, 1001, 1002, -5000};
    open_with_identity(&net, 4, "softmax a", 3);
    fill(x, 12, 2, 0);
    fill(c, 12, 1, 50);
    EXPECT_FIGURES(nn_forward(net.pass, net.theta, x, 3), softmax_y, 12);
    nn_backward(net.pass, net.grad, dx, net.theta, c);
    EXPECT_FIGURES(dx, softmax_dx, 12);
    EXPECT_FIGURES(nn_forward(net.pass, net.theta, large, 1), softmax_large, 4);
    nn_real count[4] = {1, 2, 3, 4}, thousand[3] = {1000, 1001, 1002}, shares[3];
    EXPECT_FIGURES(nn_forward(net.pass, net.theta, count, 1), golden_softmax, 4);
    (void)nn_softmax_row(shares, thousand, 3);
    EXPECT_FIGURES(shares, golden_softmax_large, 3);
    net_close(&net);
}

static void
log_softmax_equals_pytorch_and_does_not_overflow(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[12], dx[12], c[12], large[4] = {1000, 1001, 1002, -5000}, count[4] = {1, 2, 3, 4};
    open_with_identity(&net, 4, "log_softmax a", 3);
    fill(x, 12, 2, 0);
    fill(c, 12, 1, 50);
    EXPECT_FIGURES(nn_forward(net.pass, net.theta, x, 3), log_softmax_y, 12);
    nn_backward(net.pass, net.grad, dx, net.theta, c);
    EXPECT_FIGURES(dx, log_softmax_dx, 12);
    EXPECT_FIGURES(nn_forward(net.pass, net.theta, count, 1), golden_log_softmax, 4);
    const nn_real *y = nn_forward(net.pass, net.theta, large, 1);
    EXPECT_NEAR((double)y[3], -6002.40760596444438, NN_TEST_DOUBLE ? 1e-9 : 1e-3);
    net_close(&net);
}

/* An output link and its inverse: what a model predicts on the scale of the target. */
static void
links_undo_their_inverses(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        double (*inverse)(double);
    } links[] = {{"identity a", NULL}, {"exp a", log}, {"softplus a", expm1}};
    for (size_t i = 0; i < 3; i++) {
        struct net net;
        nn_real    x[5];
        open_with_identity(&net, 1, links[i].line, 5);
        fill(x, 5, 3, 0);
        const nn_real *y = nn_forward(net.pass, net.theta, x, 5);
        for (int k = 0; k < 5; k++) {
            double back = (double)y[k];
            if (links[i].inverse != NULL)
                back = i == 2 ? log(links[i].inverse(back)) : links[i].inverse(back);
            EXPECT_NEAR(back, (double)x[k], NN_TEST_DOUBLE ? 1e-12 : 1e-5);
        }
        net_close(&net);
    }
}

static void
softmax_does_not_see_a_shift_and_sums_to_one(void **state)
{
    (void)state;
    nn_real z[5], shifted[5], a[5], b[5];
    double  sum = 0;
    fill(z, 5, 3, 0);
    for (int j = 0; j < 5; j++)
        shifted[j] = z[j] + 7;
    (void)nn_softmax_row(a, z, 5);
    (void)nn_softmax_row(b, shifted, 5);
    for (int j = 0; j < 5; j++) {
        EXPECT_NEAR((double)a[j], (double)b[j], exact);
        sum += (double)a[j];
    }
    EXPECT_NEAR(sum, 1, exact);
}

static void
weights_that_are_all_zero_give_loss_and_gradient_zero(void **state)
{
    (void)state;
    struct net      net;
    nn_real         x[4] = {1, 2, 3, 4}, t[2] = {0, 1}, w[2] = {0, 0};
    struct nn_batch batch = {x, t, w, 2};
    net_open(&net, "x = input 2\no = dense x 1\nl = bce_logits o\n", 2);
    EXPECT_NEAR(nn_gradient(net.pass, net.grad, NULL, net.theta, &batch), 0, 0);
    for (size_t k = 0; k < net.params; k++)
        EXPECT_NEAR((double)net.grad[k], 0, 0);
    net_close(&net);
}

static void
dense_forward_and_gradients_equal_pytorch(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[8], dx[8], dout[6];
    net_open(&net, "x = input 4\no = dense x 3\nl = mse o\n", 2);
    fill(net.theta, 12, 1, 0);
    fill(net.theta + 12, 3, 0.1, 0);
    fill(x, 8, 1, 100);
    const nn_real *o = nn_forward(net.pass, net.theta, x, 2);
    EXPECT_FIGURES(o, dense_o, 6);
    for (int k = 0; k < 6; k++)
        dout[k] = 2 * o[k];
    nn_backward(net.pass, net.grad, dx, net.theta, dout);
    EXPECT_FIGURES(dx, dense_dx, 8);
    EXPECT_FIGURES(net.grad, dense_dw, 12);
    EXPECT_FIGURES(net.grad + 12, dense_db, 3);
    net_close(&net);
}

static const char net_text[] = "x = input 3\nfc1 = dense x 5\na1 = gelu fc1\nfc2 = dense a1 5\n"
                               "a2 = tanh fc2\ns = add a1 a2\nout = dense s 4\n"
                               "loss = cce_logits out\n";

static void
a_residual_network_equals_pytorch(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[18], dx[18], t[6];
    net_open(&net, net_text, 8);
    fill(net.theta, net.params, 0.7, 0);
    fill(x, 18, 1.5, 7);
    load(t, net_t, 6);
    struct nn_batch batch = {x, t, NULL, 6};
    EXPECT_FIGURE(nn_gradient(net.pass, net.grad, dx, net.theta, &batch), net_loss);
    EXPECT_FIGURES(net.grad, net_grad, net.params);
    EXPECT_FIGURES(dx, net_dx, 18);
    EXPECT_FIGURES(nn_forward(net.pass, net.theta, x, 6), net_out, 24);
    net_close(&net);
}

static void
taps_show_every_layer_and_no_other(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[6];
    uint32_t   size;
    net_open(&net, net_text, 2);
    fill(x, 6, 1, 0);
    assert_null(nn_tap(net.pass, "fc1", &size)); /* nothing yet */
    const nn_real *out = nn_forward(net.pass, net.theta, x, 2);
    assert_ptr_equal(nn_tap(net.pass, "out", &size), out);
    assert_int_equal(size, 4);
    assert_ptr_equal(nn_tap(net.pass, "x", &size), x);
    assert_int_equal(size, 3);
    const nn_real *a1 = nn_tap(net.pass, "a1", &size), *a2 = nn_tap(net.pass, "a2", &size);
    const nn_real *s = nn_tap(net.pass, "s", &size);
    for (int k = 0; k < 10; k++)
        EXPECT_NEAR((double)s[k], (double)(a1[k] + a2[k]), 0);
    assert_null(nn_tap(net.pass, "fc", &size));
    net_close(&net);
}

static void
a_bias_is_the_weight_of_a_constant_one(void **state)
{
    (void)state;
    struct net with, without;
    nn_real    x[4 * 5], x1[4 * 6];
    net_open(&with, "x = input 5\no = dense x 3\nl = mse o\n", 4);
    net_open(&without, "x = input 6\no = dense x 3 bias=no\nl = mse o\n", 4);
    fill(with.theta, with.params, 1, 0);
    fill(x, 20, 1, 40);
    for (int o = 0; o < 3; o++) {
        memcpy(without.theta + o * 6, with.theta + o * 5, 5 * sizeof x[0]);
        without.theta[o * 6 + 5] = with.theta[15 + o];
    }
    for (int b = 0; b < 4; b++) {
        memcpy(x1 + b * 6, x + b * 5, 5 * sizeof x[0]);
        x1[b * 6 + 5] = 1;
    }
    const nn_real *a = nn_forward(with.pass, with.theta, x, 4);
    const nn_real *b = nn_forward(without.pass, without.theta, x1, 4);
    for (int k = 0; k < 12; k++)
        EXPECT_NEAR((double)a[k], (double)b[k], exact);
    net_close(&with);
    net_close(&without);
}

static void
stacked_linear_layers_are_one_matrix_product(void **state)
{
    (void)state;
    struct net stack, single;
    nn_real    x[2 * 4];
    net_open(&stack,
             "x = input 4\nh = dense x 6 bias=no\ni = linear h\no = dense i 3 bias=no\n"
             "l = mse o\n",
             2);
    net_open(&single, "x = input 4\no = dense x 3 bias=no\nl = mse o\n", 2);
    fill(stack.theta, stack.params, 1, 0);
    fill(x, 8, 1, 60);
    const nn_real *w1 = stack.theta, *w2 = stack.theta + 24;
    for (int o = 0; o < 3; o++)
        for (int i = 0; i < 4; i++) {
            double sum = 0;
            for (int h = 0; h < 6; h++)
                sum += (double)w2[o * 6 + h] * (double)w1[h * 4 + i];
            single.theta[o * 4 + i] = (nn_real)sum;
        }
    const nn_real *a = nn_forward(stack.pass, stack.theta, x, 2);
    const nn_real *b = nn_forward(single.pass, single.theta, x, 2);
    for (int k = 0; k < 6; k++)
        EXPECT_NEAR((double)a[k], (double)b[k], exact);
    net_close(&stack);
    net_close(&single);
}

static void
a_relu_network_without_biases_scales_with_its_input(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[4], scaled[4], first[2];
    net_open(&net,
             "x = input 4\nh = dense x 9 bias=no\na = relu h\ng = dense a 5 bias=no\n"
             "b = relu g\no = dense b 2 bias=no\nl = mse o\n",
             1);
    fill(x, 4, 1, 2);
    for (int i = 0; i < 4; i++)
        scaled[i] = (nn_real)2.5 * x[i];
    memcpy(first, nn_forward(net.pass, net.theta, x, 1), sizeof first);
    const nn_real *y = nn_forward(net.pass, net.theta, scaled, 1);
    for (int k = 0; k < 2; k++)
        EXPECT_NEAR((double)y[k], 2.5 * (double)first[k], NN_TEST_DOUBLE ? 1e-12 : 1e-5);
    net_close(&net);
}

static void
a_row_of_a_batch_is_the_row_alone(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[64 * 3], all[64 * 4];
    net_open(&net, net_text, 64);
    fill(x, 64 * 3, 1, 0);
    memcpy(all, nn_forward(net.pass, net.theta, x, 64), sizeof all);
    for (uint32_t r = 0; r < 64; r++) {
        const nn_real *y = nn_forward(net.pass, net.theta, x + 3 * r, 1);
        for (uint32_t k = 0; k < 4; k++)
            EXPECT_NEAR((double)y[k], (double)all[4 * r + k], 1e-5);
    }
    net_close(&net);
}

/* Parts of unequal size, weighted by their records: FedSGD, gradient accumulation, merged loss. */
static void
weighted_mean_of_the_parts_gradients_is_the_pooled_gradient(void **state)
{
    (void)state;
    static const uint32_t cuts[] = {0, 1, 8, 40, 64};
    struct net            net;
    nn_real               x[64 * 3], t[64];
    double                sum[80] = {0}, loss = 0;
    net_open(&net, net_text, 64);
    fill(x, 64 * 3, 1, 0);
    for (int r = 0; r < 64; r++)
        t[r] = (nn_real)(r * r % 4);
    for (int p = 0; p < 4; p++) {
        uint32_t        rows = cuts[p + 1] - cuts[p];
        struct nn_batch part = {x + 3 * cuts[p], t + cuts[p], NULL, rows};
        loss += nn_gradient(net.pass, net.grad, NULL, net.theta, &part) * rows / 64;
        for (size_t k = 0; k < net.params; k++)
            sum[k] += (double)net.grad[k] * rows / 64;
    }
    struct nn_batch pooled = {x, t, NULL, 64};
    EXPECT_NEAR(nn_gradient(net.pass, net.grad, NULL, net.theta, &pooled), loss,
                NN_TEST_DOUBLE ? 1e-12 : 1e-6);
    for (size_t k = 0; k < net.params; k++)
        EXPECT_NEAR((double)net.grad[k], sum[k], NN_TEST_DOUBLE ? 1e-12 : 1e-6);
    net_close(&net);
}

static void
frozen_layers_have_gradient_zero_and_pass_it_on(void **state)
{
    (void)state;
    struct net net, free_net;
    nn_real    x[6], t[2] = {0, 1}, dx[6], free_dx[6];
    net_open(&net,
             "x = input 3\na = dense x 4\nb = dense a 4 role=frozen\no = dense b 2\n"
             "l = cce_logits o\n",
             2);
    net_open(&free_net,
             "x = input 3\na = dense x 4\nb = dense a 4\no = dense b 2\n"
             "l = cce_logits o\n",
             2);
    fill(x, 6, 1, 0);
    struct nn_batch batch = {x, t, NULL, 2};
    (void)nn_gradient(net.pass, net.grad, dx, net.theta, &batch);
    (void)nn_gradient(free_net.pass, free_net.grad, free_dx, net.theta, &batch);
    for (size_t k = 0; k < net.params; k++)
        EXPECT_NEAR((double)net.grad[k], k >= 16 && k < 36 ? 0 : (double)free_net.grad[k], 0);
    assert_memory_equal(dx, free_dx, sizeof dx);
    net_close(&net);
    net_close(&free_net);
}

static void
scores_are_shares_for_classes_and_outputs_for_numbers(void **state)
{
    (void)state;
    struct net net;
    nn_real    z[6] = {0, 1, -2, 2, 3, -1}, out[6];
    net_open(&net, "x = input 2\no = dense x 1\nl = bce_logits o\n", 1);
    nn_scores(out, net.plan, z, 6);
    EXPECT_NEAR((double)out[1], 1 / (1 + exp(-1)), 1e-7);
    net_close(&net);
    net_open(&net, "x = input 2\no = dense x 2\nl = cce_logits o\n", 1);
    nn_scores(out, net.plan, z, 3); /* one score a row: the share of class 1 */
    EXPECT_NEAR((double)out[0], 1 / (1 + exp(-1)), 1e-7);
    EXPECT_NEAR((double)out[1], 1 / (1 + exp(-4)), 1e-7);
    EXPECT_NEAR((double)out[2], 1 / (1 + exp(4)), 1e-7);
    net_close(&net);
    net_open(&net, "x = input 2\no = dense x 3\nl = cce_logits o\n", 1);
    nn_scores(out, net.plan, z, 2);
    EXPECT_NEAR((double)(out[0] + out[1] + out[2]), 1, 1e-6);
    EXPECT_NEAR((double)(out[4] / out[3]), exp(1), 1e-5);
    net_close(&net);
    net_open(&net, "x = input 2\no = dense x 3\nl = mse o\n", 1);
    nn_scores(out, net.plan, z, 2);
    assert_memory_equal(out, z, sizeof z);
    net_close(&net);
}

static void
workspaces_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static char     text[16384];
    struct nn_plan *plan  = NULL;
    size_t          bytes = 7, at = (size_t)snprintf(text, sizeof text, "a0 = input 16777216\n");
    for (int i = 1; i < 250; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "a%d = relu a%d\n", i, i - 1);
    (void)snprintf(text + at, sizeof text - at, "o = dense a249 1\nl = mse o\n");
    EXPECT_OK(nn_plan_new(&plan, text, strlen(text), NULL));
    EXPECT_STATUS(PN_ERANGE, nn_pass_bytes(&bytes, plan, 0, NN_TRAIN));
    EXPECT_STATUS(PN_ERANGE, nn_pass_bytes(&bytes, plan, UINT32_MAX, NN_TRAIN)); /* over 2^64 */
    assert_int_equal(bytes, 7);
    EXPECT_OK(nn_pass_bytes(&bytes, plan, 1, NN_TRAIN));
    nn_plan_free(plan);
}

static void
blas_runs_one_thread(void **state)
{
    (void)state;
    EXPECT_OK(nn_start_up());
}

/* Over the last dimension, as PyTorch's softmax(dim=-1): every position for itself. */
static void
softmax_of_a_sequence_is_that_of_each_position(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[2 * 12];
    net_open(&net, "x = input 4x3\ny = softmax x\no = dense y 1\nl = mse o\n", 2);
    fill(x, 24, 1, 0);
    (void)nn_forward(net.pass, net.theta, x, 2);
    uint32_t       size;
    const nn_real *y = nn_tap(net.pass, "y", &size);
    for (size_t p = 0; p < 8; p++) {
        double sum = 0;
        for (size_t k = 0; k < 3; k++)
            sum += (double)y[3 * p + k];
        EXPECT_NEAR(sum, 1, 1e-6);
    }
    net_close(&net);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(softmax_of_a_sequence_is_that_of_each_position),
        cmocka_unit_test(blas_runs_one_thread),
        cmocka_unit_test(activations_and_their_derivatives_equal_pytorch),
        cmocka_unit_test(activations_equal_the_goldens),
        cmocka_unit_test(activations_stay_finite_far_out),
        cmocka_unit_test(relu_lets_a_nan_through),
        cmocka_unit_test(softmax_equals_pytorch_and_does_not_overflow),
        cmocka_unit_test(log_softmax_equals_pytorch_and_does_not_overflow),
        cmocka_unit_test(links_undo_their_inverses),
        cmocka_unit_test(softmax_does_not_see_a_shift_and_sums_to_one),
        cmocka_unit_test(weights_that_are_all_zero_give_loss_and_gradient_zero),
        cmocka_unit_test(dense_forward_and_gradients_equal_pytorch),
        cmocka_unit_test(a_residual_network_equals_pytorch),
        cmocka_unit_test(taps_show_every_layer_and_no_other),
        cmocka_unit_test(a_bias_is_the_weight_of_a_constant_one),
        cmocka_unit_test(stacked_linear_layers_are_one_matrix_product),
        cmocka_unit_test(a_relu_network_without_biases_scales_with_its_input),
        cmocka_unit_test(a_row_of_a_batch_is_the_row_alone),
        cmocka_unit_test(weighted_mean_of_the_parts_gradients_is_the_pooled_gradient),
        cmocka_unit_test(frozen_layers_have_gradient_zero_and_pass_it_on),
        cmocka_unit_test(scores_are_shares_for_classes_and_outputs_for_numbers),
        cmocka_unit_test(workspaces_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
