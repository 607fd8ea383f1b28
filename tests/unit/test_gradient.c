/* Gradients against centred differences, in double (features.md, section 3.3). */
#include "nnlib/layer.h"

#include "support/nets.h"
#include "support/nn.h"

enum {
    BATCH = 3
};

enum {
    NETS = sizeof nets / sizeof nets[0]
};

struct check {
    struct net net;
    nn_real    x[BATCH * NET_VALUES], dx[BATCH * NET_VALUES], target[BATCH * NET_VALUES],
        weight[BATCH], c[BATCH * NET_VALUES];
    bool   weighted, projected; /* projected: sum c[k] y[k] and sum y^2 instead of the loss */
    size_t checked, skipped;
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
    nn_real        dout[BATCH * NET_VALUES];
    for (size_t i = 0; i < BATCH * k->net.out; i++)
        dout[i] = k->c[i] + 2 * y[i];
    nn_backward(k->net.pass, k->net.grad, k->dx, k->net.theta, dout);
}

/* The centred difference with steps of h; two of them make Richardson's (features.md, 3.3, row 9).
 */
static double
slope(struct check *k, nn_real *at, double h)
{
    double kept  = (double)*at;
    *at          = (nn_real)(kept + h);
    double above = value(k);
    *at          = (nn_real)(kept - h);
    double below = value(k);
    *at          = (nn_real)kept;
    return (above - below) / (2 * h);
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
    if (fabs(analytic - numeric) > most) /* a bug, or a sum so large that rounding shows */
        numeric = (4 * slope(k, at, 0.5e-4) - slope(k, at, 1e-4)) / 3;
    if (fabs(analytic - numeric) > most)
        fail_msg("%s: d%s[%zu]: analytic %.12g, numeric %.12g, in\n%s",
                 k->projected ? "projection" : "loss", what, i, analytic, numeric, text);
}

/* A number that the loss takes: some want shares, some counts. */
static double
draw_number(const struct nn_loss *loss, struct pn_rng *rng)
{
    double number = pn_rng_normal(rng);
    bool   any    = loss->kind->accepts(loss->options, (nn_real)-0.5, loss->size);
    return any ? number : pn_rng_uniform(rng);
}

/* Each loss its own kind of target: classes, or numbers. */
static void
draw_targets(nn_real *target, const struct nn_plan *plan, uint32_t rows, struct pn_rng *rng)
{
    for (uint32_t b = 0; b < rows; b++)
        for (uint32_t i = 0; i < plan->loss_count; i++) {
            const struct nn_loss *loss    = &plan->losses[i];
            uint32_t              classes = loss->kind->class_count(loss->size);
            for (uint32_t k = 0; k < loss->target; k++)
                *target++ = (nn_real)(classes > 0 ? (double)pn_rng_below(rng, classes)
                                                  : draw_number(loss, rng));
        }
}

/* Normals; for inputs named index or length whole numbers 0..3. */
static void
draw_records(nn_real *x, const struct nn_plan *plan, uint32_t rows, struct pn_rng *rng)
{
    for (uint32_t b = 0; b < rows; b++)
        for (uint32_t i = 0; i < plan->input_count; i++) {
            const struct nn_layer *input = &plan->layers[i];
            bool whole = strcmp(input->name, "index") == 0 || strcmp(input->name, "length") == 0;
            for (uint32_t k = 0; k < input->size; k++)
                *x++ = (nn_real)(whole ? (double)pn_rng_below(rng, 4) : pn_rng_normal(rng));
        }
}

static void
check_net(struct check *k, const char *text, uint64_t seed)
{
    struct pn_rng rng;
    net_open(&k->net, text, BATCH + 1);
    pn_rng_init(&rng, seed);
    for (size_t i = 0; i < k->net.params; i++)
        k->net.theta[i] = (nn_real)(0.6 * pn_rng_normal(&rng));
    draw_records(k->x, k->net.plan, BATCH, &rng);
    for (size_t i = 0; i < BATCH * k->net.out; i++)
        k->c[i] = (nn_real)pn_rng_normal(&rng);
    draw_targets(k->target, k->net.plan, BATCH, &rng);
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
        /* Steps have no derivative to compare with: tests/unit/test_threshold.c. */
        if (nn_layer_kinds[i] == &nn_threshold_kind || nn_layer_kinds[i] == &nn_threshold_ste_kind)
            continue;
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
        struct net    net;
        nn_real       x[BATCH * NET_VALUES], dx[BATCH * NET_VALUES];
        nn_real       target[BATCH * NET_VALUES] = {0}, with[NET_PARAMS];
        struct pn_rng rng;
        net_open(&net, nets[n], BATCH);
        assert_true(net.params <= NET_PARAMS);
        pn_rng_init(&rng, n);
        draw_records(x, net.plan, BATCH, &rng);
        struct nn_batch batch = {x, target, NULL, BATCH};
        (void)nn_gradient(net.pass, net.grad, dx, net.theta, &batch);
        memcpy(with, net.grad, net.params * sizeof with[0]);
        memset(net.grad, 0xff, net.params * sizeof with[0]);
        (void)nn_gradient(net.pass, net.grad, NULL, net.theta, &batch);
        assert_memory_equal(with, net.grad, net.params * sizeof with[0]);
        net_close(&net);
    }
}

/* A net with parameters, records and targets drawn. */
struct sample {
    struct net      net;
    nn_real         x[BATCH * NET_VALUES], target[BATCH * NET_VALUES], weight[BATCH];
    struct nn_batch batch;
    struct pn_rng   rng;
};

static void
sample_open(struct sample *s, const char *text, uint64_t seed)
{
    net_open(&s->net, text, BATCH);
    assert_true(s->net.params <= NET_PARAMS && s->net.in <= NET_VALUES);
    pn_rng_init(&s->rng, seed);
    for (size_t i = 0; i < s->net.params; i++)
        s->net.theta[i] = (nn_real)(0.6 * pn_rng_normal(&s->rng));
    draw_records(s->x, s->net.plan, BATCH, &s->rng);
    draw_targets(s->target, s->net.plan, BATCH, &s->rng);
    for (size_t i = 0; i < BATCH; i++)
        s->weight[i] = (nn_real)(0.2 + pn_rng_uniform(&s->rng));
    s->batch = (struct nn_batch){s->x, s->target, NULL, BATCH};
    nn_pass_draw(s->net.pass, &s->rng, 0);
}

/* Row r alone, with the draws it has in the batch. */
static struct nn_batch
row_of(struct sample *s, uint32_t r)
{
    nn_pass_draw(s->net.pass, &s->rng, r);
    return (struct nn_batch){s->x + r * s->net.in, s->target + r * s->net.targets, NULL, 1};
}

static void
micro_batches_add_up_to_the_batch(void **state)
{
    (void)state;
    for (size_t n = 0; n < NETS; n++) {
        struct sample s;
        double        whole[NET_PARAMS];
        sample_open(&s, nets[n], n);
        (void)nn_gradient(s.net.pass, s.net.grad, NULL, s.net.theta, &s.batch);
        for (size_t i = 0; i < s.net.params; i++)
            whole[i] = (double)s.net.grad[i];
        for (uint32_t r = 0; r < BATCH; r++) {
            struct nn_batch one   = row_of(&s, r);
            struct nn_blend blend = {NN_R(1.0) / BATCH, r == 0 ? NN_R(0.0) : NN_R(1.0)};
            (void)nn_gradient_blend(s.net.pass, s.net.grad, blend, s.net.theta, &one);
        }
        for (size_t i = 0; !nn_plan_mixes_rows(s.net.plan) && i < s.net.params; i++)
            EXPECT_NEAR((double)s.net.grad[i], whole[i], 1e-12);
        net_close(&s.net);
    }
}

static void
plain_sgd_is_the_gradient_and_a_step(void **state)
{
    (void)state;
    for (size_t n = 0; n < NETS; n++) {
        struct sample s;
        double        after[NET_PARAMS], rate = 0.05, l2 = 0.3;
        sample_open(&s, nets[n], n);
        if (nn_plan_may_sgd(s.net.plan)) {
            size_t                  count;
            const struct nn_tensor *rows = nn_plan_manifest(s.net.plan, &count);
            s.batch.weight               = s.weight;
            double loss = nn_gradient(s.net.pass, s.net.grad, NULL, s.net.theta, &s.batch);
            for (size_t t = 0; t < count; t++)
                for (size_t i = rows[t].offset; i < rows[t].offset + rows[t].count; i++)
                    after[i] = (double)s.net.theta[i] -
                               rate * ((double)s.net.grad[i] +
                                       (rows[t].decay && rows[t].role == NN_SHARED ? l2 : 0) *
                                           (double)s.net.theta[i]);
            double again = nn_sgd(s.net.pass, s.net.theta, &s.batch, rate, l2);
            assert_true(again == loss);
            for (size_t i = 0; i < s.net.params; i++)
                EXPECT_NEAR((double)s.net.theta[i], after[i], 1e-12);
        }
        net_close(&s.net);
    }
}

static double
squared(const nn_real *v, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)v[i] * (double)v[i];
    return sum;
}

/* Norms and clipped sums against a loop over records. */
static void
records_have_the_gradients_of_batches_of_one(void **state)
{
    (void)state;
    size_t checked = 0;
    for (size_t n = 0; n < NETS; n++) {
        struct sample s;
        double        norm2[BATCH], loss, sum[NET_PARAMS] = {0};
        nn_real       scale[BATCH];
        sample_open(&s, nets[n], n);
        if (nn_row_norms(s.net.pass, norm2, &loss, s.net.theta, &s.batch) != PN_OK) {
            assert_true(nn_plan_mixes_rows(s.net.plan) || !nn_plan_may_sgd(s.net.plan));
            net_close(&s.net);
            continue;
        }
        checked++;
        for (uint32_t r = 0; r < BATCH; r++) {
            struct nn_batch one = row_of(&s, r);
            (void)nn_gradient(s.net.pass, s.net.grad, NULL, s.net.theta, &one);
            double own = squared(s.net.grad, s.net.params);
            if (fabs(own - norm2[r]) > 1e-10 * fmax(1, own))
                fail_msg("record %u: |g|^2 %.12g, by the record alone %.12g, in\n%s", r, norm2[r],
                         own, nets[n]);
            scale[r] = (nn_real)(0.5 / sqrt(own + 1));
            for (size_t i = 0; i < s.net.params; i++)
                sum[i] += (double)(scale[r] * s.net.grad[i]) / BATCH;
        }
        nn_pass_draw(s.net.pass, &s.rng, 0);
        EXPECT_OK(nn_row_norms(s.net.pass, norm2, &loss, s.net.theta, &s.batch));
        nn_row_gradient(s.net.pass, s.net.grad, s.net.theta, scale);
        for (size_t i = 0; i < s.net.params; i++)
            EXPECT_NEAR((double)s.net.grad[i], sum[i], 1e-11);
        net_close(&s.net);
    }
    assert_true(checked >= 19);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_all_kinds_equal_centred_differences),
        cmocka_unit_test(every_kind_and_every_loss_is_checked),
        cmocka_unit_test(gradients_without_dx_are_the_same_numbers),
        cmocka_unit_test(micro_batches_add_up_to_the_batch),
        cmocka_unit_test(plain_sgd_is_the_gradient_and_a_step),
        cmocka_unit_test(records_have_the_gradients_of_batches_of_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
