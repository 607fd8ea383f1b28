#include "nnlib/init.h"
#include "support/nn.h"
#include "vectors/goldens.h"

/* A tensor (out, in) of a dense layer, filled. */
static nn_real *
draw(const char *name, double scale, uint32_t out, uint32_t in, uint64_t seed)
{
    struct nn_tensor tensor = {
        .dims = 2, .dim = {out, in}, .count = (uint64_t)out * in, .fan_in = in, .fan_out = out};
    struct nn_init init = {.scale = scale};
    struct pn_rng  rng;
    while (strcmp(nn_init_names[init.kind], name) != 0)
        init.kind++;
    nn_real *w = malloc((size_t)tensor.count * sizeof *w);
    assert_non_null(w);
    pn_rng_init(&rng, seed);
    nn_init_fill(w, &tensor, &init, &rng);
    return w;
}

static int
by_value(const void *a, const void *b)
{
    double x = (double)*(const nn_real *)a, y = (double)*(const nn_real *)b;
    return (x > y) - (x < y);
}

/* The largest distance from the distribution: Kolmogorov and Smirnov. */
static double
distance(nn_real *w, size_t count, double width, char shape)
{
    double most = 0, edge = 0.022750131948179195; /* a normal below -2 */
    qsort(w, count, sizeof *w, by_value);
    for (size_t k = 0; k < count; k++) {
        double x = (double)w[k] / width, p = 0;
        if (shape == 'u')
            p = (x + 1) / 2;
        else if (shape == 'n')
            p = erfc(-x / sqrt(2)) / 2;
        else
            p = (erfc(-x * golden_truncation / sqrt(2)) / 2 - edge) / (1 - 2 * edge);
        most = fmax(most, fmax(fabs(p - (double)k / (double)count),
                               fabs(p - (double)(k + 1) / (double)count)));
    }
    return most;
}

/* Figures for fan_in 300, fan_out 100: those of goldens.json, and sqrt(1/300), sqrt(3/300). */
static void
initialisers_follow_their_distributions(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        char        shape; /* normal, uniform, truncated */
        double      width;
    } cases[] = {{"he", 'n', 0.08164965809277261},
                 {"he_uniform", 'u', 0.1414213562373095},
                 {"he_trunc", 't', 0.08164965809277261},
                 {"xavier", 'u', 0.1224744871391589},
                 {"xavier_normal", 'n', 0.07071067811865475},
                 {"xavier_trunc", 't', 0.07071067811865475},
                 {"lecun", 'n', 0.05773502691896258},
                 {"lecun_uniform", 'u', 0.1},
                 {"lecun_trunc", 't', 0.05773502691896258},
                 {"torch", 'u', 0.05773502691896257},
                 {"random", 'n', 0.3},
                 {"uniform", 'u', 0.3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        nn_real *w = draw(cases[i].name, 0.3, 100, 300, 7);
        double   n = 30000, sum = 0, squares = 0, most = 0, width = cases[i].width;
        for (size_t k = 0; k < 30000; k++) {
            sum += (double)w[k];
            squares += (double)w[k] * (double)w[k];
            most = fmax(most, fabs((double)w[k]));
        }
        double variance = cases[i].shape == 'u' ? width * width / 3 : width * width;
        EXPECT_NEAR(sum / n, 0, 4 * sqrt(variance / n));
        EXPECT_NEAR(squares / n, variance, 4 * variance * sqrt(2 / n));
        if (cases[i].shape != 'n') {
            double bound = cases[i].shape == 'u' ? width : 2 * width / golden_truncation;
            assert_true(most <= bound * (1 + 1e-6) && most > bound * 0.995);
        }
        /* p > 1e-3: sqrt(n) D < 1.95 */
        EXPECT_NEAR(distance(w, 30000, width, cases[i].shape), 0, 1.95 / sqrt(n));
        free(w);
    }
}

static void
zero_and_constant_are_what_they_say(void **state)
{
    (void)state;
    nn_real *zero = draw("zero", 0.3, 3, 4, 1), *constant = draw("constant", 0.25, 3, 4, 1);
    for (size_t k = 0; k < 12; k++)
        assert_true((double)zero[k] == 0 && (double)constant[k] == 0.25);
    free(zero);
    free(constant);
}

static void
orthogonal_vectors_are_orthonormal(void **state)
{
    (void)state;
    static const uint32_t shapes[][2] = {{1, 1},    {8, 8},    {5, 12}, {12, 5},
                                         {200, 70}, {70, 200}, {1, 9},  {9, 1}};
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        uint32_t rows = shapes[s][0], columns = shapes[s][1];
        nn_real *w     = draw("orthogonal", 0, rows, columns, 3 + s);
        bool     wide  = rows <= columns;
        size_t   count = wide ? rows : columns, len = wide ? columns : rows;
        double   off = 0;
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j <= i; j++) {
                double dot = 0;
                for (size_t k = 0; k < len; k++)
                    dot += (double)w[wide ? i * columns + k : k * columns + i] *
                           (double)w[wide ? j * columns + k : k * columns + j];
                off += (dot - (i == j)) * (dot - (i == j)) * (i == j ? 1 : 2);
            }
        EXPECT_NEAR(sqrt(off), 0, 1e-5);
        free(w);
    }
    nn_real *a = draw("orthogonal", 0, 8, 8, 1), *b = draw("orthogonal", 0, 8, 8, 1);
    nn_real *c = draw("orthogonal", 0, 8, 8, 2);
    assert_memory_equal(a, b, 64 * sizeof *a);
    assert_memory_not_equal(a, c, 64 * sizeof *a);
    free(a);
    free(b);
    free(c);
}

/* Mean square of the values of the last of `depth` layers of 200, for inputs of mean square 1. */
static double
signal_after(const char *init, const char *activation, int depth)
{
    char       text[4096];
    struct net net;
    size_t     at = (size_t)snprintf(text, sizeof text, "x = input 200\n");
    nn_real    x[200 * 20];
    double     sum = 0;
    for (int i = 0; i < depth; i++) {
        char below[16] = "x";
        if (i > 0)
            (void)snprintf(below, sizeof below, "a%d", i - 1);
        at += (size_t)snprintf(text + at, sizeof text - at,
                               "d%d = dense %s 200 init=%s\na%d = %s d%d\n", i, below, init, i,
                               activation, i);
    }
    (void)snprintf(text + at, sizeof text - at, "l = mse a%d\n", depth - 1);
    net_open(&net, text, 20);
    fill(x, 200 * 20, sqrt(2), 0);
    const nn_real *y = nn_forward(net.pass, net.theta, x, 20);
    for (int k = 0; k < 200 * 20; k++)
        sum += (double)y[k] * (double)y[k] / (200 * 20);
    net_close(&net);
    return sum;
}

static void
signals_keep_their_size_with_the_right_initialiser(void **state)
{
    (void)state;
    /* He: the mean square before ReLU stays, so half of it behind; Xavier halves it each layer. */
    double he = signal_after("he", "relu", 20), xavier = signal_after("xavier", "relu", 20);
    assert_true(he > 1.0 / 3 && he < 3);
    assert_true(xavier < 20 * pow(2, -20) && xavier > pow(2, -20) / 20);
    double first = signal_after("xavier", "tanh", 1), tenth = signal_after("xavier", "tanh", 10);
    assert_true(tenth > first / 9 && tenth < first); /* deviations within a factor of 3 */
}

static void
units_that_start_equal_stay_equal(void **state)
{
    (void)state;
    static const char *const inits[] = {"zero", "constant scale=0.3"};
    for (int i = 0; i < 2; i++) {
        char                       text[160];
        struct net                 net;
        struct nn_optimiser_config config;
        nn_real                    x[5 * 3], t[5], *state_of_adam;
        (void)snprintf(text, sizeof text,
                       "x = input 3\nh = dense x 4 init=%s\na = tanh h\n"
                       "o = dense a 1 init=constant scale=0.5\nl = mse o\n",
                       inits[i]);
        net_open(&net, text, 5);
        assert_string_equal(nn_init_symmetric(net.plan), "h.weight");
        fill(x, 15, 1, 0);
        fill(t, 5, 1, 9);
        nn_optimiser_init(&config, &nn_adam_kind);
        state_of_adam = nn_block(2 * net.params * sizeof(nn_real));
        memset(state_of_adam, 0, 2 * net.params * sizeof(nn_real));
        struct nn_batch batch = {x, t, NULL, 5};
        for (uint64_t step = 1; step <= 20; step++) {
            (void)nn_gradient(net.pass, net.grad, NULL, net.theta, &batch);
            nn_optimiser_step(net.theta, state_of_adam, net.grad, net.plan, &config, step);
        }
        for (int unit = 1; unit < 4; unit++)
            for (int k = 0; k < 3; k++)
                EXPECT_NEAR((double)net.theta[3 * unit + k], (double)net.theta[k], 1e-7);
        assert_true((double)net.theta[0] != (i == 0 ? 0 : 0.3));
        free(state_of_adam);
        net_close(&net);
    }
    struct net fine;
    net_open(&fine, "x = input 3\nh = dense x 4\no = dense h 1 init=zero\nl = mse o\n", 1);
    assert_null(nn_init_symmetric(fine.plan)); /* the last layer may */
    net_close(&fine);
}

static void
a_prior_bias_makes_the_first_loss_the_entropy_of_the_labels(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double      counts[3];
        uint32_t    classes;
    } cases[] = {{"x = input 2\no = dense x 1 init=zero\nl = bce_logits o\n", {90, 10}, 2},
                 {"x = input 2\no = dense x 2 init=zero\nl = cce_logits o\n", {30, 70}, 2},
                 {"x = input 2\no = dense x 3 init=zero\nl = cce_logits o\n", {50, 30, 20}, 3}};
    for (size_t i = 0; i < 3; i++) {
        struct net      net;
        struct pn_error why;
        nn_real         x[200], t[100];
        double          entropy = 0;
        uint32_t        row     = 0;
        net_open(&net, cases[i].text, 100);
        EXPECT_OK(nn_init_prior(net.theta, net.plan, cases[i].counts, cases[i].classes, &why));
        fill(x, 200, 1, 0);
        for (uint32_t k = 0; k < cases[i].classes; k++) {
            entropy -= cases[i].counts[k] / 100 * log(cases[i].counts[k] / 100);
            for (int r = 0; r < (int)cases[i].counts[k]; r++)
                t[row++] = (nn_real)k;
        }
        struct nn_batch batch = {x, t, NULL, 100};
        EXPECT_NEAR(nn_loss(net.pass, net.theta, &batch), entropy, 1e-6);

        double never[3] = {1, 0, 1};
        EXPECT_STATUS(PN_EDATA, nn_init_prior(net.theta, net.plan, never, cases[i].classes, &why));
        EXPECT_SAYS(&why, "expected records of every class, seen 0 of class 1");
        EXPECT_STATUS(PN_ECONFIG, nn_init_prior(net.theta, net.plan, never, 5, &why));
        net_close(&net);
    }
    struct net      net;
    struct pn_error why;
    net_open(&net, "x = input 2\no = dense x 1 bias=no\nl = bce_logits o\n", 1);
    EXPECT_STATUS(PN_ECONFIG, nn_init_prior(net.theta, net.plan, cases[0].counts, 2, &why));
    EXPECT_SAYS(&why, "expected a bias in 'o', the layer that bce_logits reads");
    net_close(&net);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initialisers_follow_their_distributions),
        cmocka_unit_test(zero_and_constant_are_what_they_say),
        cmocka_unit_test(orthogonal_vectors_are_orthonormal),
        cmocka_unit_test(signals_keep_their_size_with_the_right_initialiser),
        cmocka_unit_test(units_that_start_equal_stay_equal),
        cmocka_unit_test(a_prior_bias_makes_the_first_loss_the_entropy_of_the_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
