/* Gradients against centred differences, in double (features.md, section 3.3). */
#include "nnlib/layer.h"

#include "support/nn.h"

enum {
    BATCH = 3
};

/* Every layer kind and every loss occurs here; a test below holds that. */
static const char *const nets[] = {
    "x = input 4\no = dense x 3\nl = mse o\n",
    "x = input 4\no = dense x 3 bias=no init=xavier\nl = mse o\n",
    "x = input 5\nh = dense x 7\na = relu h\no = dense a 1\nl = bce_logits o\n",
    "x = input 5\nh = dense x 7\na = leaky_relu h slope=0.2\no = dense a 1\n"
    "l = bce_logits o positive=3\n",
    "x = input 4\nh = dense x 6 init=torch\na = elu h alpha=0.7\no = dense a 3\nl = cce_logits o\n",
    "x = input 4\nh = dense x 6 init=lecun\na = selu h\no = dense a 3\nl = cce_logits o\n",
    "x = input 4\nh = dense x 6\na = sigmoid h\no = dense a 2\nl = mse o\n",
    "x = input 4\nh = dense x 6\na = tanh h\ng = dense a 5\nb = tanh g\no = dense b 2\nl = mse o\n",
    "x = input 4\nh = dense x 6\na = softplus h\no = dense a 2\nl = cce_logits o\n",
    "x = input 4\nh = dense x 6\na = gelu h\no = dense a 2\nl = mse o\n",
    "x = input 4\nh = dense x 6\na = gelu h form=tanh\no = dense a 2\nl = mse o\n",
    "x = input 4\nh = dense x 6\na = silu h\no = dense a 2\nl = mse o\n",
    "x = input 4\nh = dense x 6\na = identity h\nb = linear a\no = dense b 2\nl = mse o\n",
    "x = input 4\nh = dense x 5\na = softmax h\no = dense a 2\nl = mse o\n",
    "x = input 4\nh = dense x 5\no = softmax h\nl = mse o\n",
    "x = input 4\nh = dense x 6\na = relu6 h\nb = hardtanh a\no = dense b 2\nl = mse o\n",
    "x = input 4\nh = dense x 6\na = hardsigmoid h\nb = hardswish h\nc = add a b\n"
    "o = dense c 2\nl = mse o\n",
    "x = input 4\nh = dense x 6\na = softsign h\nb = mish a\no = dense b 2\nl = mse o\n",
    "x = input 4\nh = dense x 6\na = celu h alpha=0.6\nb = swish a beta=1.4\no = dense b 2\n"
    "l = mse o\n",
    "x = input 4\nh = dense x 3\na = exp h\no = log_softmax a\nl = mse o\n",
    "x = input 4\no = dense x 3\nl = bce_labels o positive=2 smoothing=0.1\n",
    "x = input 4\no = dense x 1\nl = bce_focal o gamma=1.5 alpha=0.4\n",
    "x = input 4\no = dense x 3\nl = cce_logits o smoothing=0.2 reduce=rows\n",
    "x = input 4\no = dense x 3\nl = cce_logits o smoothing=0.2 class_weights=1,3,0.5 "
    "reduce=rows\n",
    "x = input 4\no = dense x 3\nl = cce_focal o class_weights=1,3,0.5 reduce=rows\n",
    "x = input 4\no = dense x 3\nl = cce_shares o smoothing=0.1\n",
    "x = input 4\no = dense x 3\nl = kl_logits o temperature=2.5\n",
    "x = input 4\no = dense x 3\nl = half_sse o\n",
    "x = input 4\no = dense x 3\nl = mae o reduce=rows\n",
    "x = input 4\no = dense x 3\nl = huber o delta=0.5\n",
    "x = input 4\no = dense x 3\nl = smooth_l1 o beta=0.5\n",
    "x = input 4\no = dense x 3\nl = quantile o q=0.8\n",
    "x = input 4\no = dense x 3\nl = poisson_nll o full=yes\n",
    "x = input 4\no = dense x 4\nl = gaussian_nll o\n",
    /* a value that several layers use, one of them twice, and the input itself */
    "x = input 5\nh = dense x 5\na = tanh h\ng = dense a 5\nb = gelu g\ns = add a b x a\n"
    "r = silu s\nq = softmax s\nt = add r q\no = dense t 3\nl = cce_logits o\n",
    "x = input 4\nh = dense x 4\ns = add h h\na = tanh s\nb = sigmoid s\nt = add a b x\n"
    "o = dense t 2\nl = mse o\n",
};
enum {
    NETS = sizeof nets / sizeof nets[0]
};

struct check {
    struct net net;
    nn_real    x[BATCH * 8], dx[BATCH * 8], target[BATCH * 8], weight[BATCH], c[BATCH * 8];
    bool       weighted, projected; /* projected: sum c[k] y[k] and sum y^2 instead of the loss */
    size_t     checked, skipped;
};

static double
value(struct check *k)
{
    struct nn_batch batch = {k->x, k->target, k->weighted ? k->weight : NULL, BATCH};
    if (!k->projected)
        return nn_loss(k->net.pass, k->net.theta, &batch);
    const nn_real *y   = nn_forward(k->net.pass, k->net.theta, k->x, BATCH);
    double         sum = 0;
    for (size_t i = 0; i < BATCH * k->net.out; i++)
        sum += (double)(k->c[i] * y[i] + y[i] * y[i]);
    return sum;
}

static void
gradient(struct check *k)
{
    struct nn_batch batch = {k->x, k->target, k->weighted ? k->weight : NULL, BATCH};
    if (!k->projected) {
        double loss = nn_gradient(k->net.pass, k->net.grad, k->dx, k->net.theta, &batch);
        EXPECT_NEAR(loss, value(k), 1e-14);
        return;
    }
    const nn_real *y = nn_forward(k->net.pass, k->net.theta, k->x, BATCH);
    nn_real        dout[BATCH * 8];
    for (size_t i = 0; i < BATCH * k->net.out; i++)
        dout[i] = k->c[i] + 2 * y[i];
    nn_backward(k->net.pass, k->net.grad, k->dx, k->net.theta, dout);
}

/* d value / d at[i] against the numeric one; a kink between the two points is skipped, counted. */
static void
check_one(struct check *k, nn_real *at, double analytic, const char *text, const char *what,
          size_t i)
{
    double kept = (double)*at, h = 1e-6 * fmax(1, fabs(kept));
    double middle = value(k);
    *at           = (nn_real)(kept + h);
    double above  = value(k);
    *at           = (nn_real)(kept - h);
    double below  = value(k);
    *at           = (nn_real)kept;
    k->checked++;
    if (fabs(above - 2 * middle + below) > 1e-9 * fmax(1, fabs(middle))) { /* smooth: about 1e-12 */
        k->skipped++;
        return;
    }
    double numeric = (above - below) / (2 * h);
    double most    = 1e-7 + 1e-5 * fmax(fabs(analytic), fabs(numeric));
    if (fabs(analytic - numeric) > most)
        fail_msg("%s: d%s[%zu]: analytic %.12g, numeric %.12g, in\n%s",
                 k->projected ? "projection" : "loss", what, i, analytic, numeric, text);
}

/* A number that the loss takes: some want shares, some counts. */
static double
draw_target(const struct check *k, struct pn_rng *rng)
{
    double   number = pn_rng_normal(rng);
    uint32_t size   = nn_plan_output_size(k->net.plan);
    bool     any    = k->net.plan->loss->accepts(k->net.plan->loss_options, (nn_real)-0.5, size);
    return any ? number : pn_rng_uniform(rng);
}

static void
check_net(struct check *k, const char *text, uint64_t seed)
{
    struct pn_rng rng;
    net_open(&k->net, text, BATCH + 1);
    pn_rng_init(&rng, seed);
    uint32_t classes = nn_plan_class_count(k->net.plan);
    for (size_t i = 0; i < k->net.params; i++)
        k->net.theta[i] = (nn_real)(0.6 * pn_rng_normal(&rng));
    for (size_t i = 0; i < BATCH * k->net.in; i++)
        k->x[i] = (nn_real)pn_rng_normal(&rng);
    for (size_t i = 0; i < BATCH * k->net.out; i++)
        k->c[i] = (nn_real)pn_rng_normal(&rng);
    for (size_t i = 0; i < BATCH * k->net.targets; i++)
        k->target[i] =
            (nn_real)(classes > 0 ? (double)pn_rng_below(&rng, classes) : draw_target(k, &rng));
    for (size_t i = 0; i < BATCH; i++)
        k->weight[i] = (nn_real)(0.2 + pn_rng_uniform(&rng));

    gradient(k);
    for (size_t i = 0; i < k->net.params; i++)
        check_one(k, &k->net.theta[i], (double)k->net.grad[i], text, "theta", i);
    for (size_t i = 0; i < BATCH * k->net.in; i++)
        check_one(k, &k->x[i], (double)k->dx[i], text, "x", i);
    net_close(&k->net);
}

static void
gradients_of_all_kinds_equal_centred_differences(void **state)
{
    (void)state;
    size_t checked = 0, skipped = 0;
    for (size_t n = 0; n < NETS; n++)
        for (uint64_t seed = 1; seed <= 6; seed++) {
            struct check k = {.weighted = seed % 2 == 0, .projected = seed % 3 == 0};
            check_net(&k, nets[n], 100 * n + seed);
            checked += k.checked;
            skipped += k.skipped;
        }
    assert_true(checked > 5000);
    if (skipped * 100 > checked)
        fail_msg("%zu of %zu elements skipped for kinks", skipped, checked);
}

static void
every_kind_and_every_loss_is_checked(void **state)
{
    (void)state;
    char word[80];
    for (size_t i = 0; nn_layer_kinds[i] != NULL; i++) {
        bool found = false;
        (void)snprintf(word, sizeof word, "= %s ", nn_layer_kinds[i]->name);
        for (size_t n = 0; n < NETS; n++)
            found = found || strstr(nets[n], word) != NULL;
        if (!found)
            fail_msg("no net of this test has a layer %s", nn_layer_kinds[i]->name);
    }
    for (size_t i = 0; nn_loss_kinds[i] != NULL; i++) {
        bool found = false;
        (void)snprintf(word, sizeof word, "= %s ", nn_loss_kinds[i]->name);
        for (size_t n = 0; n < NETS; n++)
            found = found || strstr(nets[n], word) != NULL;
        if (!found)
            fail_msg("no net of this test has the loss %s", nn_loss_kinds[i]->name);
    }
}

static void
gradients_without_dx_are_the_same_numbers(void **state)
{
    (void)state;
    for (size_t n = 0; n < NETS; n++) {
        struct net net;
        nn_real    x[BATCH * 8], dx[BATCH * 8], target[BATCH * 8] = {0}, with[256];
        net_open(&net, nets[n], BATCH);
        assert_true(net.params <= 256);
        fill(x, BATCH * net.in, 1, 3);
        struct nn_batch batch = {x, target, NULL, BATCH};
        (void)nn_gradient(net.pass, net.grad, dx, net.theta, &batch);
        memcpy(with, net.grad, net.params * sizeof with[0]);
        memset(net.grad, 0xff, net.params * sizeof with[0]);
        (void)nn_gradient(net.pass, net.grad, NULL, net.theta, &batch);
        assert_memory_equal(with, net.grad, net.params * sizeof with[0]);
        net_close(&net);
    }
}

static void
mean_of_the_records_gradients_is_the_batch_gradient(void **state)
{
    (void)state;
    for (size_t n = 0; n < NETS; n++) {
        struct net net;
        nn_real    x[BATCH * 8], target[BATCH * 8] = {0};
        double     sum[256] = {0};
        net_open(&net, nets[n], BATCH);
        fill(x, BATCH * net.in, 1, 3);
        for (uint32_t r = 0; r < BATCH; r++) {
            struct nn_batch one = {x + r * net.in, target + r * net.targets, NULL, 1};
            (void)nn_gradient(net.pass, net.grad, NULL, net.theta, &one);
            for (size_t i = 0; i < net.params; i++)
                sum[i] += (double)net.grad[i] / BATCH;
        }
        struct nn_batch batch = {x, target, NULL, BATCH};
        (void)nn_gradient(net.pass, net.grad, NULL, net.theta, &batch);
        for (size_t i = 0; i < net.params; i++)
            EXPECT_NEAR((double)net.grad[i], sum[i], 1e-12);
        net_close(&net);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_all_kinds_equal_centred_differences),
        cmocka_unit_test(every_kind_and_every_loss_is_checked),
        cmocka_unit_test(gradients_without_dx_are_the_same_numbers),
        cmocka_unit_test(mean_of_the_records_gradients_is_the_batch_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
