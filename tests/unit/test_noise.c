/* Dropout and Gaussian noise: moments, streams, and that evaluation is the identity. */
#include "support/nn.h"

#include "nnlib/layer.h"

enum {
    ROWS  = 64,
    WIDTH = 500
};

/* The layer under test right behind the input. */
static void
open_on_input(struct net *net, const char *size, const char *line, uint32_t batch)
{
    char text[256];
    (void)snprintf(text, sizeof text, "x = input %s\ny = %s\no = prelu y start=1\nl = mse o\n",
                   size, line);
    net_open(net, text, batch);
}

static const nn_real *
value_of(struct net *net, const nn_real *x, uint32_t rows, uint64_t seed, uint64_t first_row)
{
    uint32_t      size;
    struct pn_rng rng;
    pn_rng_init(&rng, seed);
    nn_pass_draw(net->pass, &rng, first_row);
    (void)nn_forward(net->pass, net->theta, x, rows);
    return nn_tap(net->pass, "y", &size);
}

static void
dropout_keeps_the_mean_and_drops_its_share(void **state)
{
    (void)state;
    static nn_real      x[ROWS * WIDTH];
    static const double shares[] = {0.1, 0.3, 0.5, 0.9};
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        struct net net;
        char       line[32];
        double     p = shares[i], n = ROWS * WIDTH, dropped = 0, sum = 0;
        (void)snprintf(line, sizeof line, "dropout x p=%g", p);
        open_on_input(&net, "500", line, ROWS);
        for (size_t k = 0; k < ROWS * WIDTH; k++)
            x[k] = 1;
        const nn_real *y = value_of(&net, x, ROWS, 5 + i, 0);
        for (size_t k = 0; k < ROWS * WIDTH; k++) {
            dropped += y[k] == 0;
            sum += (double)y[k];
            if (y[k] != 0) /* p is kept to 1/65536 */
                EXPECT_NEAR((double)y[k], 1 / (1 - p), 2e-5 / ((1 - p) * (1 - p)));
        }
        EXPECT_NEAR(dropped / n, p, 4 * sqrt(p * (1 - p) / n));
        EXPECT_NEAR(sum / n, 1, 4 * sqrt(p / (1 - p) / n));
        net_close(&net);
    }
}

static void
dropout_of_nothing_is_the_identity(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[21];
    open_on_input(&net, "7", "dropout x p=0", 3);
    fill(x, 21, 1, 0);
    assert_memory_equal(value_of(&net, x, 3, 1, 0), x, sizeof x);
    net_close(&net);
}

static void
backward_uses_the_mask_of_forward(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[22], dx[22], dout[22];
    open_on_input(&net, "11", "dropout x", 2);
    for (int k = 0; k < 22; k++)
        x[k] = dout[k] = (nn_real)(k + 1);
    const nn_real *y = value_of(&net, x, 2, 3, 0);
    nn_backward(net.pass, net.grad, dx, net.theta, dout);
    for (int k = 0; k < 22; k++)
        assert_true(dx[k] == y[k]); /* x = dout */
    net_close(&net);
}

/* A batch in pieces, by rows: the same draws; another seed, row or layer: others. */
static void
a_row_has_its_draws_wherever_it_is(void **state)
{
    (void)state;
    static const char *const lines[] = {"dropout x", "dropout x by=channel",
                                        "gaussian_noise x sigma=2"};
    for (size_t i = 0; i < 3; i++) {
        struct net net;
        nn_real    x[6 * 40], whole[6 * 40];
        open_on_input(&net, "40", lines[i], 6);
        fill(x, 6 * 40, 1, 0);
        memcpy(whole, value_of(&net, x, 6, 8, 100), sizeof whole);
        for (uint32_t r = 0; r < 6; r += 2)
            assert_memory_equal(value_of(&net, x + r * 40, 2, 8, 100 + r), whole + r * 40,
                                2 * 40 * sizeof x[0]);
        assert_memory_not_equal(value_of(&net, x, 6, 9, 100), whole, sizeof whole);
        assert_memory_not_equal(value_of(&net, x, 6, 8, 101), whole, sizeof whole);
        net_close(&net);
    }
}

static void
two_layers_draw_different_masks(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[100];
    uint32_t   size;
    net_open(&net,
             "x = input 100\na = dropout x\nb = dropout x\nc = concat a b\n"
             "o = prelu c\nl = mse o\n",
             1);
    fill(x, 100, 1, 0);
    (void)nn_forward(net.pass, net.theta, x, 1);
    assert_memory_not_equal(nn_tap(net.pass, "a", &size), nn_tap(net.pass, "b", &size), sizeof x);
    net_close(&net);
}

/* A channel lives or dies as a whole: the area of an image, the positions of a series. */
static void
spatial_dropout_drops_channels(void **state)
{
    (void)state;
    static nn_real x[50 * 64];
    for (int form = 0; form < 2; form++) {
        struct net net;
        size_t     dropped = 0, step = form == 0 ? 1 : 16, next = form == 0 ? 4 : 1;
        open_on_input(&net, form == 0 ? "16x2x2" : "4x16", "dropout x by=channel", 50);
        for (size_t k = 0; k < 50 * 64; k++)
            x[k] = 1;
        const nn_real *y = value_of(&net, x, 50, 4, 0);
        for (size_t b = 0; b < 50; b++)
            for (size_t c = 0; c < 16; c++) {
                const nn_real *at = y + b * 64 + c * next;
                dropped += at[0] == 0;
                for (size_t k = 1; k < 4; k++)
                    assert_true(at[k * step] == at[0]);
            }
        assert_in_range(dropped, 400 - 57, 400 + 57); /* 4 deviations */
        net_close(&net);
    }
}

static void
gaussian_noise_has_its_moments(void **state)
{
    (void)state;
    static nn_real x[ROWS * WIDTH];
    struct net     net;
    double         n = ROWS * WIDTH, sum = 0, squares = 0, fourth = 0, next = 0;
    open_on_input(&net, "500", "gaussian_noise x sigma=0.5", ROWS);
    fill(x, ROWS * WIDTH, 3, 0);
    const nn_real *y = value_of(&net, x, ROWS, 6, 0);
    for (size_t k = 0; k < ROWS * WIDTH; k++) {
        double e = (double)(y[k] - x[k]) / 0.5;
        sum += e;
        squares += e * e;
        fourth += e * e * e * e;
        next += k > 0 ? e * (double)(y[k - 1] - x[k - 1]) / 0.5 : 0;
    }
    EXPECT_NEAR(sum / n, 0, 4 / sqrt(n));
    EXPECT_NEAR(squares / n, 1, 4 * sqrt(2 / n));
    EXPECT_NEAR(fourth / n, 3, 4 * sqrt(96 / n));
    EXPECT_NEAR(next / n, 0, 4 / sqrt(n));
    net_close(&net);
}

/* For a linear model, noise on the input adds sigma^2 |w|^2 to the mean squared error. */
static void
noise_on_the_input_of_a_linear_model_is_an_l2_penalty(void **state)
{
    (void)state;
    static nn_real  x[ROWS * 8], t[ROWS];
    struct net      net;
    struct nn_batch batch = {x, t, NULL, ROWS};
    double          sum = 0, squares = 0, w2 = 0, plain;
    size_t          draws = 400;
    net_open(&net,
             "x = input 8\nn = gaussian_noise x sigma=0.3\no = dense n 1 bias=no\nl = mse o\n",
             ROWS);
    fill(x, ROWS * 8, 1, 0);
    fill(net.theta, 8, 1, 4);
    for (int i = 0; i < 8; i++)
        w2 += (double)(net.theta[i] * net.theta[i]);
    for (size_t b = 0; b < ROWS; b++) /* targets that the model gives: the loss is the noise's */
        for (int i = 0; i < 8; i++)
            t[b] += net.theta[i] * x[b * 8 + (size_t)i];
    for (size_t d = 0; d < draws; d++) {
        struct pn_rng rng;
        pn_rng_init(&rng, d);
        nn_pass_draw(net.pass, &rng, 0);
        plain = nn_loss(net.pass, net.theta, &batch);
        sum += plain;
        squares += plain * plain;
    }
    double mean = sum / (double)draws, deviation = sqrt(squares / (double)draws - mean * mean);
    EXPECT_NEAR(mean, 0.09 * w2, 4 * deviation / sqrt((double)draws));
    net_close(&net);
}

static void
evaluation_draws_nothing(void **state)
{
    (void)state;
    struct net net;
    nn_real    x[14];
    size_t     bytes;
    uint32_t   size;
    net_open(&net, "x = input 7\na = dropout x\ny = gaussian_noise a\no = prelu y\nl = mse o\n", 2);
    EXPECT_OK(nn_pass_bytes(&bytes, net.plan, 2, NN_EVALUATE));
    void           *workspace = nn_block(bytes);
    struct nn_pass *pass      = nn_pass_init(workspace, net.plan, 2, NN_EVALUATE);
    fill(x, 14, 1, 0);
    (void)nn_forward(pass, net.theta, x, 2);
    assert_memory_equal(nn_tap(pass, "y", &size), x, sizeof x);
    free(workspace);
    net_close(&net);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropout_keeps_the_mean_and_drops_its_share),
        cmocka_unit_test(dropout_of_nothing_is_the_identity),
        cmocka_unit_test(backward_uses_the_mask_of_forward),
        cmocka_unit_test(a_row_has_its_draws_wherever_it_is),
        cmocka_unit_test(two_layers_draw_different_masks),
        cmocka_unit_test(spatial_dropout_drops_channels),
        cmocka_unit_test(gaussian_noise_has_its_moments),
        cmocka_unit_test(noise_on_the_input_of_a_linear_model_is_an_l2_penalty),
        cmocka_unit_test(evaluation_draws_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
