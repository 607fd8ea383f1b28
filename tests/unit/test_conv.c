/* Convolution, pooling and resampling against PyTorch and identities (features.md, section 3.4,
 * rows 31, 32, 37); built in double and (test_conv_float.c) in float. */
#include "nnlib/layer.h"

#include "support/nn.h"
#include "vectors/conv.h"

enum {
    ROWS = 2,
    MOST = 4096
};

/* The tolerance of an identity: rounding only. */
static const double exact = NN_TEST_DOUBLE ? 1e-12 : 2e-5;

/* Weights sin, biases a tenth of it; an identity layer `i` is ones. */
static void
fill_parameters(struct net *net)
{
    size_t                  count;
    const struct nn_tensor *rows = nn_plan_manifest(net->plan, &count);
    for (size_t t = 0; t < count; t++) {
        nn_real *at = net->theta + rows[t].offset;
        fill(at, rows[t].count, rows[t].dims > 1 ? 0.3 : 0.1, 0);
        for (size_t k = 0; rows[t].name[0] == 'i' && k < rows[t].count; k++)
            at[k] = 1;
    }
}

/* Forward and the gradients of sum y^2; returns y. */
static const nn_real *
run(struct net *net, nn_real *dx, const nn_real *x)
{
    static nn_real dy[MOST];
    const nn_real *y = nn_forward(net->pass, net->theta, x, ROWS);
    assert_true(ROWS * net->out <= MOST && ROWS * net->in <= MOST);
    for (size_t k = 0; k < ROWS * net->out; k++)
        dy[k] = 2 * y[k];
    nn_backward(net->pass, net->grad, dx, net->theta, dy);
    return y;
}

static void
layers_and_their_gradients_equal_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof conv_cases / sizeof conv_cases[0]; i++) {
        struct net     net;
        static nn_real x[MOST], dx[MOST];
        const char    *text = conv_cases[i].text;
        net_open(&net, text, ROWS);
        fill_parameters(&net);
        fill(x, ROWS * net.in, 1, 0);
        const nn_real *y = run(&net, dx, x);
        expect_figures(y, conv_cases[i].y, ROWS * net.out, text, __FILE__, __LINE__);
        expect_figures(dx, conv_cases[i].dx, ROWS * net.in, text, __FILE__, __LINE__);
        if (conv_cases[i].dw != NULL)
            expect_figures(net.grad, conv_cases[i].dw, net.params, text, __FILE__, __LINE__);
        net_close(&net);
    }
}

/* ../shared/reference/goldens.json: one record, loss sum of y^2. */
static void
the_golden_values_come_out(void **state)
{
    (void)state;
    struct net          net;
    nn_real             x[ROWS * 64], dx[ROWS * 64];
    static const double o[]  = {0.169640368873,  -0.008995597437, 0.152112379934,  0.028477502237,
                                0.096308311162,  0.066386518079,  0.212186993816,  -0.038244323775,
                                0.158350317184,  0.055721992502,  0.108262841411,  0.251532475231,
                                0.090191266221,  0.091055503507,  0.023839441106,  0.050271919155,
                                -0.001796286891, 0.287947284248,  -0.117877800995, 0.130145366115,
                                0.158244054735,  0.068806340357,  0.002116872071,  -0.056729112977,
                                -0.167621974922, 0.014046329829,  0.200096731129};
    static const double dw[] = {0.30226696339,   0.326815058491, -0.302656447099,
                                -0.504544538486, 0.479410132063, 0.547880011678,
                                -0.051724812136, -0.31794037399, 0.189600837361};
    static const double in[] = {-0.114676357983, 0.067799648108, -0.062179280385, -0.128546221406,
                                -0.23029035644,  0.202119573071, 0.080117155455,  0.148373797785,
                                0.200010914917,  0.24625172669};
    static const double db[] = {1.672444940149, 1.914052872978, 0.462453610685};
    net_open(&net, "x = input 2x5x5\ny = conv2d x 3 stride=2 pad=1\nl = mse y\n", ROWS);
    fill_parameters(&net);
    fill(x, net.in, 1, 0);
    memset(x + net.in, 0, net.in * sizeof x[0]);
    const nn_real *y = nn_forward(net.pass, net.theta, x, ROWS);
    EXPECT_FIGURES(y, o, 27);
    nn_real dy[ROWS * 27] = {0};
    for (size_t k = 0; k < 27; k++)
        dy[k] = 2 * y[k];
    nn_backward(net.pass, net.grad, dx, net.theta, dy);
    EXPECT_FIGURES(net.grad, dw, 9);
    EXPECT_FIGURES(dx, in, 10);
    EXPECT_FIGURES(net.grad + 54, db, 3);
    net_close(&net);
}

static void
the_golden_values_of_the_others_come_out(void **state)
{
    (void)state;
    struct net          net;
    nn_real             x[2 * 64], ft[16];
    static const double c1[]  = {-0.003892489074, -0.001881282843, -0.061579137721, -0.064661417365,
                                 -0.008294288085, 0.063104739754,  0.00582345912,   -0.017184156841,
                                 -0.06999511717,  -0.058452889572, 0.00683065513,   0.052242306339,
                                 0.015075513899,  -0.031118150757, -0.072835325714, -0.047588038106,
                                 0.021411472273,  0.037218280751};
    static const double ct[]  = {-0.111095733723, 0.036332460594, -0.051164721257,
                                 0.100834869319,  0.055806899975, -0.096100564224};
    static const double max[] = {0.909297426826, 0.989358246623, 0.990607355695, 0.650287840157};
    static const double avg[] = {0.128107159693, 0.257665589524, 0.319717941718, -0.293544650265};
    net_open(&net, "x = input 6x2\ny = conv1d x 3 pad=1 bias=no\nl = mse y\n", 1);
    fill_parameters(&net);
    fill(ft, 12, 1, 0);
    for (size_t t = 0; t < 6; t++)
        for (size_t f = 0; f < 2; f++)
            x[t * 2 + f] = ft[f * 6 + t];
    const nn_real *y = nn_forward(net.pass, net.theta, x, 1);
    for (size_t t = 0; t < 6; t++)
        for (size_t o = 0; o < 3; o++)
            EXPECT_FIGURE((double)y[t * 3 + o], c1[o * 6 + t]);
    net_close(&net);

    net_open(&net,
             "x = input 3x3x3\n"
             "y = conv2d_transpose x 2 stride=2 pad=1 output_pad=1 bias=no\nl = mse y\n",
             1);
    fill_parameters(&net);
    fill(x, 27, 1, 0);
    y          = nn_forward(net.pass, net.theta, x, 1);
    double sum = 0;
    for (size_t k = 0; k < 72; k++)
        sum += (double)y[k];
    EXPECT_FIGURES(y, ct, 6);
    EXPECT_NEAR(sum, -0.030728964883, NN_TEST_DOUBLE ? 1e-9 : 1e-5);
    net_close(&net);

    for (int avg_too = 0; avg_too < 2; avg_too++) {
        net_open(&net,
                 avg_too ? "x = input 1x4x4\ni = conv2d x 1 kernel=1 bias=no\n"
                           "y = avgpool2d i\nl = mse y\n"
                         : "x = input 1x4x4\ni = conv2d x 1 kernel=1 bias=no\n"
                           "y = maxpool2d i\nl = mse y\n",
                 1);
        fill_parameters(&net);
        fill(x, 16, 1, 0);
        EXPECT_FIGURES(nn_forward(net.pass, net.theta, x, 1), avg_too ? avg : max, 4);
        net_close(&net);
    }
}

/* Two nets with the same output, given the same parameters or those that `set` makes. */
static void
expect_equal_nets(const char *one, const char *other, void (*set)(struct net *, struct net *))
{
    struct net     a, b;
    static nn_real x[MOST], first[MOST], dx[MOST], dx_b[MOST];
    net_open(&a, one, ROWS);
    net_open(&b, other, ROWS);
    assert_int_equal(a.in, b.in);
    assert_int_equal(a.out, b.out);
    fill_parameters(&a);
    fill_parameters(&b);
    if (set != NULL)
        set(&a, &b);
    fill(x, ROWS * a.in, 1, 0.3);
    memcpy(first, run(&a, dx, x), ROWS * a.out * sizeof first[0]);
    const nn_real *y = run(&b, dx_b, x);
    for (size_t k = 0; k < ROWS * a.out; k++)
        EXPECT_NEAR((double)y[k], (double)first[k], exact);
    for (size_t k = 0; k < ROWS * a.in; k++)
        EXPECT_NEAR((double)dx_b[k], (double)dx[k], 10 * exact);
    net_close(&a);
    net_close(&b);
}

static void
set_average(struct net *a, struct net *b)
{
    (void)a;
    for (size_t k = 0; k < b->params; k++)
        b->theta[k] = NN_R(1.0) / 6;
}

static void
a_convolution_that_covers_its_input_is_dense(void **state)
{
    (void)state;
    expect_equal_nets("x = input 3x4x5\nc = conv2d x 6 kernel=4x5\ny = flatten c\nl = mse y\n",
                      "x = input 3x4x5\nf = flatten x\ny = dense f 6\nl = mse y\n", NULL);
    /* 1 x 1: dense at each position; for a sequence dense acts on positions itself */
    expect_equal_nets("x = input 7x5\ny = conv1d x 4 kernel=1\nl = mse y\n",
                      "x = input 7x5\ny = dense x 4\nl = mse y\n", NULL);
    expect_equal_nets("x = input 5x1x1\nc = conv2d x 4 kernel=1\ny = flatten c\nl = mse y\n",
                      "x = input 5x1x1\nf = flatten x\ny = dense f 4\nl = mse y\n", NULL);
}

static void
average_pooling_is_a_constant_depthwise_convolution(void **state)
{
    (void)state;
    expect_equal_nets(
        "x = input 4x7x8\ni = conv2d x 4 kernel=1 groups=4 bias=no\n"
        "y = avgpool2d i kernel=2x3 stride=1x2 pad=1 count_pad=yes\nl = mse y\n",
        "x = input 4x7x8\ny = conv2d x 4 kernel=2x3 stride=1x2 pad=1 groups=4 bias=no\nl = mse y\n",
        set_average);
}

static void
a_transposed_convolution_is_the_adjoint(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"x = input 3x8x7\ny = conv2d x 5 kernel=3x2 bias=no\nl = mse y\n",
         "x = input 5x6x6\ny = conv2d_transpose x 3 kernel=3x2 bias=no\nl = mse y\n"},
        {"x = input 4x9x8\ny = conv2d x 6 kernel=3 stride=2x3 pad=1 groups=2 bias=no\nl = mse y\n",
         "x = input 6x5x3\ny = conv2d_transpose x 4 kernel=3 stride=2x3 pad=1 groups=2 "
         "output_pad=0x1 bias=no\nl = mse y\n"},
        {"x = input 12x3\ny = conv1d x 20 kernel=3 dilation=2 stride=3 pad=2 bias=no\nl = mse y\n",
         "x = input 4x20\ny = conv1d_transpose x 3 kernel=3 dilation=2 stride=3 pad=2 output_pad=2 "
         "bias=no\nl = mse y\n"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct net     conv, back;
        static nn_real x[MOST], y[MOST];
        double         left = 0, right = 0;
        net_open(&conv, pairs[i][0], 1);
        net_open(&back, pairs[i][1], 1);
        assert_int_equal(conv.in, back.out);
        assert_int_equal(conv.out, back.in);
        fill_parameters(&conv);
        fill_parameters(&back);
        fill(x, conv.in, 1, 3);
        fill(y, conv.out, 1, 20);
        const nn_real *cx = nn_forward(conv.pass, conv.theta, x, 1);
        const nn_real *by = nn_forward(back.pass, back.theta, y, 1);
        for (size_t k = 0; k < conv.out; k++)
            left += (double)cx[k] * (double)y[k];
        for (size_t k = 0; k < conv.in; k++)
            right += (double)x[k] * (double)by[k];
        assert_true(fabs(left) > 1e-3);
        EXPECT_NEAR(left, right, NN_TEST_DOUBLE ? 1e-10 : 1e-4);
        net_close(&conv);
        net_close(&back);
    }
}

static void
a_relu_net_without_biases_is_homogeneous(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[48], y[3];
    net_open(&net,
             "x = input 3x4x4\nc = conv2d x 5 pad=1 bias=no activation=relu\np = maxpool2d c\n"
             "f = flatten p\no = dense f 3 bias=no\nl = mse o\n",
             1);
    fill_parameters(&net);
    fill(x, 48, 1, 0);
    memcpy(y, nn_forward(net.pass, net.theta, x, 1), sizeof y);
    fill(x, 48, 2.5, 0);
    const nn_real *scaled = nn_forward(net.pass, net.theta, x, 1);
    for (size_t k = 0; k < 3; k++)
        EXPECT_NEAR((double)scaled[k], 2.5 * (double)y[k], 20 * exact);
    net_close(&net);
}

/* The option is the layer, to the bit. */
static void
activation_relu_equals_a_relu_layer(void **state)
{
    (void)state;
    expect_equal_nets("x = input 2x6x5\ny = conv2d x 18 pad=1 activation=relu\nl = mse y\n",
                      "x = input 2x6x5\nc = conv2d x 18 pad=1\ny = relu c\nl = mse y\n", NULL);
}

static void
a_shift_of_the_image_shifts_the_result(void **state)
{
    (void)state;
    struct net     net;
    static nn_real x[2][100];
    net_open(&net, "x = input 1x10x10\ny = conv2d x 2 kernel=3\nl = mse y\n", ROWS);
    fill_parameters(&net);
    for (size_t k = 0; k < 9; k++) {
        x[0][(2 + k / 3) * 10 + 3 + k % 3] = (nn_real)k;
        x[1][(4 + k / 3) * 10 + 4 + k % 3] = (nn_real)k;
    }
    const nn_real *y = nn_forward(net.pass, net.theta, x[0], ROWS);
    for (size_t o = 0; o < 2; o++)
        for (size_t r = 0; r < 6; r++)
            for (size_t c = 0; c < 7; c++)
                assert_true(y[o * 64 + r * 8 + c] == y[128 + o * 64 + (r + 2) * 8 + c + 1]);
    net_close(&net);
}

struct window {
    uint32_t size[2], kernel[2], stride[2], pad[2], dilation[2], groups, in, out;
};

static void
draw_window(struct window *w, struct pn_rng *rng)
{
    for (int k = 0; k < 2; k++) {
        w->kernel[k]   = 1 + (uint32_t)pn_rng_below(rng, 4);
        w->stride[k]   = 1 + (uint32_t)pn_rng_below(rng, 5);
        w->pad[k]      = (uint32_t)pn_rng_below(rng, 4);
        w->dilation[k] = 1 + (uint32_t)pn_rng_below(rng, 3);
        w->size[k]     = w->dilation[k] * (w->kernel[k] - 1) + 1 + (uint32_t)pn_rng_below(rng, 6);
    }
    w->groups = 1 + (uint32_t)pn_rng_below(rng, 2);
    w->in     = w->groups * (1 + (uint32_t)pn_rng_below(rng, 5));
    w->out    = w->groups * (1 + (uint32_t)pn_rng_below(rng, 20));
}

/* y[o, jy, jx] of a record by the formula. */
static double
by_formula(const struct window *w, const nn_real *x, const nn_real *weight, const uint32_t at[3])
{
    uint32_t each = w->in / w->groups, first = at[0] / (w->out / w->groups) * each;
    double   sum = 0;
    for (uint32_t c = 0; c < each; c++)
        for (uint32_t ty = 0; ty < w->kernel[0]; ty++)
            for (uint32_t tx = 0; tx < w->kernel[1]; tx++) {
                uint32_t y = at[1] * w->stride[0] + ty * w->dilation[0] - w->pad[0];
                uint32_t i = at[2] * w->stride[1] + tx * w->dilation[1] - w->pad[1];
                if (y < w->size[0] && i < w->size[1]) /* what is below 0 has wrapped around */
                    sum += (double)x[((first + c) * w->size[0] + y) * w->size[1] + i] *
                           (double)
                               weight[((at[0] * each + c) * w->kernel[0] + ty) * w->kernel[1] + tx];
            }
    return sum;
}

static double
dot(const nn_real *a, const nn_real *b, size_t count)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += (double)a[k] * (double)b[k];
    return sum;
}

/* y by the formula; and as y is linear in x and in w: <y, dy> = <x, dx> = <w, dw>. */
static void
check_window(const struct window *w)
{
    struct net     net;
    char           text[256];
    static nn_real x[16384], dx[16384], dy[65536];
    (void)snprintf(text, sizeof text,
                   "x = input %ux%ux%u\ny = conv2d x %u kernel=%ux%u stride=%ux%u pad=%ux%u "
                   "dilation=%ux%u groups=%u bias=no\nl = mse y\n",
                   w->in, w->size[0], w->size[1], w->out, w->kernel[0], w->kernel[1], w->stride[0],
                   w->stride[1], w->pad[0], w->pad[1], w->dilation[0], w->dilation[1], w->groups);
    net_open(&net, text, 1);
    assert_true(net.in <= 16384 && net.out <= 65536);
    fill_parameters(&net);
    fill(x, net.in, 1, 0.7);
    fill(dy, net.out, 1, 0.1);
    const nn_real  *y     = nn_forward(net.pass, net.theta, x, 1);
    const uint32_t *shape = net.plan->layers[1].shape.dim;
    double inside = dot(y, dy, net.out), scale = 1 + sqrt(dot(y, y, net.out) * (double)net.out);
    for (uint32_t k = 0; k < net.out; k++) {
        uint32_t at[3] = {k / (shape[1] * shape[2]), k / shape[2] % shape[1], k % shape[2]};
        expect_near((double)y[k], by_formula(w, x, net.theta, at), 10 * exact, text, k, __FILE__,
                    __LINE__);
    }
    nn_backward(net.pass, net.grad, dx, net.theta, dy);
    expect_near(dot(x, dx, net.in), inside, scale * exact, text, 0, __FILE__, __LINE__);
    expect_near(dot(net.theta, net.grad, net.params), inside, scale * exact, text, 1, __FILE__,
                __LINE__);
    net_close(&net);
}

static void
windows_of_all_kinds_equal_the_formula(void **state)
{
    (void)state;
    struct pn_rng rng;
    pn_rng_init(&rng, 77);
    for (int i = 0; i < 400; i++) {
        struct window w;
        draw_window(&w, &rng);
        check_window(&w);
    }
}

static void
output_sizes_follow_the_formula(void **state)
{
    (void)state;
    size_t checked = 0;
    for (uint32_t n = 1; n <= 9; n++)
        for (uint32_t k = 1; k <= 4; k++)
            for (uint32_t s = 1; s <= 3; s++)
                for (uint32_t p = 0; p <= 2; p++)
                    for (uint32_t d = 1; d <= 2; d++) {
                        char            text[160];
                        struct nn_plan *plan = NULL;
                        (void)snprintf(text, sizeof text,
                                       "x = input %ux1\ny = conv1d x 1 kernel=%u stride=%u pad=%u "
                                       "dilation=%u\nl = mse y\n",
                                       n, k, s, p, d);
                        enum pn_status st = nn_plan_new(&plan, text, strlen(text), NULL);
                        if (n + 2 * p < d * (k - 1) + 1) {
                            assert_int_equal(st, PN_ECONFIG);
                            continue;
                        }
                        EXPECT_OK(st);
                        assert_int_equal(nn_plan_output_size(plan),
                                         (n + 2 * p - d * (k - 1) - 1) / s + 1);
                        nn_plan_free(plan);
                        checked++;
                    }
    assert_true(checked > 500);
}

static void
max_pooling_lets_a_nan_through(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[4] = {1, (nn_real)NAN, 2, 0};
    net_open(&net, "x = input 1x2x2\ni = conv2d x 1 kernel=1 bias=no\ny = maxpool2d i\nl = mse y\n",
             1);
    fill_parameters(&net);
    assert_true(isnan(nn_forward(net.pass, net.theta, x, 1)[0]));
    net_close(&net);
}

static void
operations_are_counted(void **state)
{
    (void)state;
    struct net net;
    net_open(&net, "x = input 3x32x32\ny = conv2d x 32\nl = mse y\n", 1);
    assert_int_equal(nn_plan_flops(net.plan), 2 * 32 * 27 * 900);
    net_close(&net);
    net_open(&net, "x = input 4x8x8\ny = conv2d x 4 groups=4 pad=1 stride=2\nl = mse y\n", 1);
    assert_int_equal(nn_plan_flops(net.plan), 2 * 4 * 9 * 16);
    net_close(&net);
}

static void
bad_layers_are_refused_with_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"x = input 12\ny = conv2d x 3\nl = mse y\n",
         "model:2:1: conv2d reads an image CxHxW, but x has 1 dimension; put `r = reshape x"},
        {"x = input 3x4x4\ny = conv1d x 3\nl = mse y\n",
         "model:2:1: conv1d reads a sequence TxF, but x has 3 dimensions"},
        {"x = input 3x4x4\ny = conv2d x 3 kernel=5\nl = mse y\n",
         "model:2:1: the window does not fit: it is 5 wide, but x with its padding is 4"},
        {"x = input 3x4x4\ny = conv2d x 3 dilation=2\nl = mse y\n", "it is 5 wide"},
        {"x = input 3x4x4\ny = conv2d x 4 groups=2\nl = mse y\n",
         "groups=2 does not divide 3 channels in and 4 out"},
        {"x = input 3x4x4\ny = conv2d x 3 same=yes pad=1\nl = mse y\n",
         "same=yes chooses the padding itself: leave out pad=1"},
        {"x = input 3x4x4\ny = conv2d x 3 kernel=0\nl = mse y\n",
         "kernel: expected a whole number 1..255, or two as in 5x3, seen '0'"},
        {"x = input 9x2\ny = conv1d x 3 kernel=3x3\nl = mse y\n",
         "kernel: expected a whole number 1..255, seen '3x3'"},
        {"x = input 16x1024x1024\ny = conv2d x 3 pad=9\nl = mse y\n",
         "expected an image of at most 16777216 numbers with its padding"},
        {"x = input 65536x1x1\ny = conv2d x 3 kernel=99 pad=98\nl = mse y\n", "with its padding"},
        {"x = input 65536x1x1\ny = conv2d x 16777216 kernel=1\nl = mse y\n",
         "expected at most 2147483648 parameters"},
        {"x = input 2x3x3\ny = conv2d x 16777216 kernel=3\nl = mse y\n",
         "expected kernels of at most 16777216 numbers over all channels"},
        {"x = input 3x4x4\ny = conv2d_transpose x 3 stride=2 output_pad=2\nl = mse y\n",
         "output_pad: expected less than the stride 2 or the dilation 1, seen 2"},
        {"x = input 3x1x1\ny = conv2d_transpose x 3 kernel=1 pad=3\nl = mse y\n",
         "expected 1..16777216 positions, but from the 1 of x there are 1 - 6"},
        {"x = input 3x4x4\np = maxpool2d x kernel=2 pad=2\ny = flatten p\nl = mse y\n",
         "pad=2: expected less than the kernel 2"},
        {"x = input 3x4x4\np = maxpool2d x kernel=5\ny = flatten p\nl = mse y\n",
         "the window does not fit"},
        {"x = input 3x4\np = maxpool2d x\ny = flatten p\nl = mse y\n",
         "maxpool2d reads an image CxHxW, but x has 2 dimensions; put a reshape before it"},
        {"x = input 3\np = global_avgpool x\nl = mse p\n", "an image CxHxW or a sequence TxF"},
        {"x = input 3x4\np = adaptive_avgpool x 2x2\nl = mse p\n",
         "x is a sequence: expected one size, seen 2x2"},
        {"x = input 12\nr = reshape x 3x5\nl = mse r\n", "x has 12 numbers, but r has 15"},
        {"x = input 12\nr = reshape x 4096x4096x4096\nl = mse r\n", "r has at least"},
        {"x = input 12\nu = upsample x\nl = mse u\n", "upsample reads an image CxHxW, or a seq"},
        {"x = input 6x4x4\nd = depth_to_space x\nl = mse d\n",
         "depth_to_space reads an image CxHxW with a multiple of 4 channels, seen 3 dimensions and "
         "6 channels in x"},
        {"x = input 2x1024x1024\nu = upsample x scale=64\nl = mse u\n",
         "expected a value of at most 16777216 numbers"},
        {"x = input 3x4x4\np = adaptive_maxpool x 16777216x16777216\nl = mse p\n",
         "expected a value of at most 16777216 numbers"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pn_error why  = {.text = ""};
        struct nn_plan *plan = NULL;
        if (nn_plan_new(&plan, cases[i].text, strlen(cases[i].text), &why) != PN_ECONFIG)
            fail_msg("accepted, or another status: %s", cases[i].text);
        EXPECT_SAYS(&why, cases[i].says);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_and_their_gradients_equal_pytorch),
        cmocka_unit_test(the_golden_values_come_out),
        cmocka_unit_test(the_golden_values_of_the_others_come_out),
        cmocka_unit_test(a_convolution_that_covers_its_input_is_dense),
        cmocka_unit_test(average_pooling_is_a_constant_depthwise_convolution),
        cmocka_unit_test(a_transposed_convolution_is_the_adjoint),
        cmocka_unit_test(a_relu_net_without_biases_is_homogeneous),
        cmocka_unit_test(activation_relu_equals_a_relu_layer),
        cmocka_unit_test(a_shift_of_the_image_shifts_the_result),
        cmocka_unit_test(windows_of_all_kinds_equal_the_formula),
        cmocka_unit_test(output_sizes_follow_the_formula),
        cmocka_unit_test(max_pooling_lets_a_nan_through),
        cmocka_unit_test(operations_are_counted),
        cmocka_unit_test(bad_layers_are_refused_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
