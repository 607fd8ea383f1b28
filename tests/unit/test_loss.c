/* Losses against PyTorch, goldens and identities; built in double and (test_loss_float.c) in float.
 */
#include "nnlib/loss.h"
#include "nnlib/spec.h"
#include "support/nn.h"
#include "vectors/goldens.h"
#include "vectors/losses.h"

/* The tolerance of an identity: rounding only. */
static const double exact = NN_TEST_DOUBLE ? 1e-12 : 1e-5;

struct loss {
    const struct nn_loss_kind *kind;
    struct nn_loss_call        call;
    _Alignas(8) unsigned char options[NN_OPTIONS_MAX];
    nn_real output[64], target[64], weight[64], gradient[64];
};

static void
set_options(struct loss *loss, const char *text)
{
    memset(loss->options, 0, sizeof loss->options);
    for (const struct nn_option *o = loss->kind->options; o->name != NULL; o++)
        assert_true(nn_option_set(loss->options, o, o->fallback, strlen(o->fallback)));
    while (*text != '\0') {
        size_t name = strcspn(text, "="), len = strcspn(text + name + 1, " ");
        bool   known = false;
        for (const struct nn_option *o = loss->kind->options; o->name != NULL; o++)
            if (strlen(o->name) == name && memcmp(o->name, text, name) == 0)
                known = nn_option_set(loss->options, o, text + name + 1, len);
        if (!known)
            fail_msg("%s: no option %s", loss->kind->name, text);
        text += name + 1 + len;
        text += strspn(text, " ");
    }
}

static void
open_loss(struct loss *loss, const char *kind, const char *options, uint32_t rows, uint32_t size)
{
    memset(loss, 0, sizeof *loss);
    for (size_t i = 0; nn_loss_kinds[i] != NULL; i++)
        if (strcmp(nn_loss_kinds[i]->name, kind) == 0)
            loss->kind = nn_loss_kinds[i];
    if (loss->kind == NULL)
        fail_msg("no loss %s", kind);
    set_options(loss, options);
    loss->call = (struct nn_loss_call){.options  = loss->options,
                                       .output   = loss->output,
                                       .target   = loss->target,
                                       .rows     = rows,
                                       .size     = size,
                                       .gradient = loss->gradient};
}

static double
value_of(struct loss *loss)
{
    return loss->kind->value(&loss->call);
}

static void
losses_and_their_gradients_equal_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof loss_vectors / sizeof loss_vectors[0]; i++) {
        struct loss loss;
        uint32_t    rows = loss_sets[loss_vectors[i].set].rows;
        uint32_t    size = loss_sets[loss_vectors[i].set].size;
        open_loss(&loss, loss_vectors[i].kind, loss_vectors[i].options, rows, size);
        load(loss.output, loss_sets[loss_vectors[i].set].output, 12);
        load(loss.target, loss_sets[loss_vectors[i].set].target, 12);
        load(loss.weight, loss_weight, 7);
        if (loss_vectors[i].weighted)
            loss.call.weight = loss.weight;
        EXPECT_FIGURE(value_of(&loss), loss_vectors[i].value);
        EXPECT_FIGURES(loss.gradient, loss_vectors[i].gradient, rows * size);
        loss.call.gradient = NULL;
        EXPECT_FIGURE(value_of(&loss), loss_vectors[i].value);
    }
}

/* Sometimes the goldens of the specification are rounded to 12 digits: hence 1e-9. */
static void
losses_equal_the_goldens(void **state)
{
    (void)state;
    struct loss loss;
    for (size_t i = 0; i < sizeof golden_loss / sizeof golden_loss[0]; i++) {
        open_loss(&loss, golden_loss[i].kind, golden_loss[i].options, 5, 1);
        load(loss.output, golden_loss_z, 5);
        load(loss.target, golden_loss_t, 5);
        EXPECT_FIGURE(value_of(&loss), golden_loss[i].v);
        EXPECT_FIGURES(loss.gradient, golden_loss[i].g, 5);
    }
    for (size_t i = 0; i < sizeof golden_ce / sizeof golden_ce[0]; i++) {
        open_loss(&loss, "cce_logits", golden_ce[i].options, 3, 4);
        fill(loss.output, 12, 2, 0);
        loss.target[1] = 3;
        loss.target[2] = 1;
        load(loss.weight, golden_ce[i].weight, 3); /* class weights are record weights */
        loss.call.weight = loss.weight;
        EXPECT_FIGURE(value_of(&loss), golden_ce[i].v);
        EXPECT_FIGURES(loss.gradient, golden_ce[i].g, 12);
    }
}

/* Two losses on the same arrays; `times` of the first is the second. */
static void
expect_same(const char *a, const char *a_options, double times, const char *b,
            const char *b_options, uint32_t size, bool classes)
{
    struct loss one, two;
    for (int seed = 0; seed < 5; seed++) {
        open_loss(&one, a, a_options, 4, size);
        open_loss(&two, b, b_options, 4, size);
        fill(one.output, 4 * size, 2, 10 * seed);
        fill(one.target, 4 * size, 1, 10 * seed + 5);
        for (uint32_t r = 0; classes && r < 4; r++)
            one.target[r] = (nn_real)((r + (uint32_t)seed) % (size == 1 ? 2 : size));
        memcpy(two.output, one.output, sizeof two.output);
        memcpy(two.target, one.target, sizeof two.target);
        EXPECT_NEAR(times * value_of(&one), value_of(&two), exact * 10);
        for (uint32_t k = 0; k < 4 * size; k++)
            EXPECT_NEAR(times * (double)one.gradient[k], (double)two.gradient[k], exact);
    }
}

static void
losses_agree_where_they_must(void **state)
{
    (void)state;
    expect_same("bce_logits", "", 0.5, "bce_focal", "gamma=0 alpha=0.5", 1, true);
    expect_same("mse", "", 0.5, "huber", "delta=1e6", 3, false);
    expect_same("mse", "", 1.5, "half_sse", "", 3, false);
    expect_same("huber", "delta=0.7", 1 / 0.7, "smooth_l1", "beta=0.7", 3, false);
    expect_same("mae", "", 0.5, "quantile", "q=0.5", 3, false);
    expect_same("cce_logits", "", 1, "cce_logits", "smoothing=0", 4, true);
    expect_same("cce_logits", "", 1, "cce_focal", "gamma=0", 4, true);
    expect_same("bce_logits", "", 1, "bce_logits", "smoothing=0 positive=1", 1, true);
}

static void
bce_of_a_logit_is_cce_of_zero_and_the_logit(void **state)
{
    (void)state;
    for (int k = -8; k <= 8; k++) {
        struct loss one, two;
        open_loss(&one, "bce_logits", "", 1, 1);
        open_loss(&two, "cce_logits", "", 1, 2);
        one.output[0] = two.output[1] = (nn_real)(1.3 * k);
        one.target[0] = two.target[0] = k % 2 == 0 ? 1 : 0;
        EXPECT_NEAR(value_of(&one), value_of(&two), exact);
        EXPECT_NEAR((double)one.gradient[0], (double)two.gradient[1], exact);
    }
}

static void
the_slopes_of_a_rows_classes_sum_to_zero(void **state)
{
    (void)state;
    static const char *const kinds[] = {"cce_logits", "cce_focal", "cce_shares", "kl_logits"};
    for (size_t i = 0; i < 4; i++) {
        struct loss loss;
        open_loss(&loss, kinds[i], "", 3, 4);
        fill(loss.output, 12, 3, 0);
        if (i < 2)
            loss.target[0] = 2;
        else
            for (int k = 0; k < 12; k++)
                loss.target[k] = (nn_real)0.25;
        (void)value_of(&loss);
        for (int r = 0; r < 3; r++) {
            double sum = 0;
            for (int j = 0; j < 4; j++)
                sum += (double)loss.gradient[4 * r + j];
            EXPECT_NEAR(sum, 0, NN_TEST_DOUBLE ? 1e-12 : 1e-6);
        }
    }
}

static void
distillation_is_zero_where_student_and_teacher_agree(void **state)
{
    (void)state;
    struct loss loss;
    open_loss(&loss, "kl_logits", "temperature=2", 1, 4);
    fill(loss.output, 4, 3, 0);
    nn_real cool[4];
    for (int j = 0; j < 4; j++)
        cool[j] = loss.output[j] / 2;
    (void)nn_softmax_row(loss.target, cool, 4);
    EXPECT_NEAR(value_of(&loss), 0, exact);
    for (int j = 0; j < 4; j++)
        EXPECT_NEAR((double)loss.gradient[j], 0, exact);
}

/* What every kind takes as a target here. */
static nn_real
some_target(const struct loss *loss, size_t k)
{
    nn_real tries[] = {(nn_real)(k % 2), (nn_real)0.5};
    for (int i = 0; i < 2; i++)
        if (loss->kind->accepts(loss->options, tries[i], loss->call.size))
            return tries[i];
    fail_msg("%s takes neither 0, 1 nor 0.5", loss->kind->name);
    return 0;
}

static uint32_t
some_size(const struct nn_loss_kind *kind)
{
    _Alignas(8) unsigned char options[NN_OPTIONS_MAX] = {0};
    nn_options_default(options, kind->options);
    for (uint32_t size = 4; size >= 1; size--)
        if (kind->check(options, size, "out", NULL) == PN_OK)
            return size;
    return 0;
}

static void
extreme_outputs_stay_finite(void **state)
{
    (void)state;
    static const double extremes[] = {-1e4, 1e4, -500, 500, 1e4, -1e4, -90, 90};
    for (size_t i = 0; nn_loss_kinds[i] != NULL; i++) {
        struct loss loss;
        uint32_t    size = some_size(nn_loss_kinds[i]);
        open_loss(&loss, nn_loss_kinds[i]->name, "", 8 / size, size);
        for (size_t k = 0; k < 8; k++) {
            loss.output[k] = (nn_real)extremes[k];
            loss.target[k] = some_target(&loss, k);
        }
        if (!isfinite(value_of(&loss)))
            fail_msg("%s: %g", loss.kind->name, value_of(&loss));
        for (size_t k = 0; k < 8; k++)
            if (!isfinite(loss.gradient[k]))
                fail_msg("%s: slope of %g is %g", loss.kind->name, extremes[k],
                         (double)loss.gradient[k]);
    }
}

static void
a_missing_target_has_slope_zero_and_does_not_count(void **state)
{
    (void)state;
    for (size_t i = 0; nn_loss_kinds[i] != NULL; i++) {
        struct loss loss, less;
        uint32_t    size = some_size(nn_loss_kinds[i]), width;
        open_loss(&loss, nn_loss_kinds[i]->name, "missing=skip", 3, size);
        open_loss(&less, nn_loss_kinds[i]->name, "missing=skip", 2, size);
        width = loss.kind->target_size(size);
        assert_true(loss.kind->accepts(loss.options, (nn_real)NAN, size));
        fill(loss.output, 3 * (size_t)size, 1, 0);
        for (size_t k = 0; k < 2 * (size_t)width; k++)
            loss.target[k] = some_target(&loss, k);
        memcpy(less.output, loss.output, sizeof less.output);
        memcpy(less.target, loss.target, sizeof less.target);
        for (size_t k = 2 * (size_t)width; k < 3 * (size_t)width; k++)
            loss.target[k] = (nn_real)NAN;
        EXPECT_NEAR(value_of(&loss), value_of(&less), exact);
        assert_memory_equal(loss.gradient, less.gradient, 2 * size * sizeof(nn_real));
        for (size_t k = 2 * (size_t)size; k < 3 * (size_t)size; k++)
            assert_true((double)loss.gradient[k] == 0);
        set_options(&loss, "");
        assert_false(loss.kind->accepts(loss.options, (nn_real)NAN, size));
    }
}

static void
all_targets_missing_or_all_weights_zero_give_zero(void **state)
{
    (void)state;
    for (size_t i = 0; nn_loss_kinds[i] != NULL; i++)
        for (int missing = 0; missing < 2; missing++) {
            struct loss loss;
            uint32_t    size = some_size(nn_loss_kinds[i]);
            open_loss(&loss, nn_loss_kinds[i]->name, "missing=skip", 2, size);
            fill(loss.output, 2 * (size_t)size, 1, 0);
            for (size_t k = 0; k < 8; k++)
                loss.target[k] = missing ? (nn_real)NAN : some_target(&loss, k);
            if (!missing)
                loss.call.weight = loss.weight;
            EXPECT_NEAR(value_of(&loss), 0, 0);
            for (size_t k = 0; k < 2 * (size_t)size; k++)
                assert_true((double)loss.gradient[k] == 0);
        }
}

static void
a_class_out_of_range_gives_nan_and_reads_nothing(void **state)
{
    (void)state;
    nn_real bad[] = {-1, 3, (nn_real)0.5, (nn_real)NAN, 4e9f};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct loss loss;
        open_loss(&loss, "cce_logits", "", 1, 3);
        loss.target[0] = bad[i];
        assert_true(isnan(value_of(&loss)));
        assert_false(loss.kind->accepts(loss.options, bad[i], 3));
    }
}

static void
merged_numerators_and_counts_are_the_pooled_loss(void **state)
{
    (void)state;
    for (size_t i = 0; nn_loss_kinds[i] != NULL; i++) {
        struct loss pooled, part;
        uint32_t    size = some_size(nn_loss_kinds[i]), width;
        double      sum = 0, weights = 0, each[10], mean = 0;
        open_loss(&pooled, nn_loss_kinds[i]->name, "", 10, size);
        width = pooled.kind->target_size(size);
        fill(pooled.output, 10 * (size_t)size, 1, 7);
        for (uint32_t b = 0; b < 10; b++)
            pooled.weight[b] = (nn_real)(b + 1);
        for (size_t k = 0; k < 10 * (size_t)width; k++)
            pooled.target[k] = some_target(&pooled, k);
        pooled.call.weight = pooled.weight;
        for (uint32_t from = 0, to; from < 10; from = to) { /* sites of 1, 2, 3 and 4 records */
            to   = from == 0 ? 1 : from == 1 ? 3 : from == 3 ? 6 : 10;
            part = pooled;
            for (uint32_t b = from; b < to; b++)
                weights += (double)pooled.weight[b];
            set_options(&part, "reduce=sum");
            part.call          = pooled.call;
            part.call.options  = part.options;
            part.call.gradient = NULL;
            part.call.output += (size_t)from * size;
            part.call.target += (size_t)from * width;
            part.call.weight += from;
            part.call.rows = to - from;
            /* of losses of numbers every number counts; half_sse sums over them */
            sum += value_of(&part);
        }
        double numbers = value_of(&pooled) * weights / sum; /* 1, or 1 / the numbers of a record */
        assert_true(fabs(numbers - 1) < 1e-5 || fabs(numbers * width - 1) < 1e-5);
        nn_loss_each(each, pooled.kind, &pooled.call);
        for (uint32_t b = 0; b < 10; b++)
            mean += each[b] * (double)pooled.weight[b] / weights;
        EXPECT_NEAR(mean, value_of(&pooled), exact * fmax(1, fabs(mean)));
    }
}

/* Maximum likelihood: at the true parameter the slope is 0 on average, within 4 deviations. */
static void
slopes_vanish_at_the_true_parameter(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        double      output[2];
        uint32_t    size;
    } cases[] = {{"bce_logits", {0.8}, 1},
                 {"cce_logits", {0.3, -0.4}, 2},
                 {"mse", {1.5}, 1},
                 {"poisson_nll", {0.7}, 1},
                 {"gaussian_nll", {0.4, 0.6}, 2}};
    enum {
        DRAWS = 20000
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct pn_rng rng;
        double        sum[2] = {0}, squares[2] = {0};
        const double *o = cases[c].output;
        pn_rng_init(&rng, 11 + c);
        for (int d = 0; d < DRAWS; d++) {
            struct loss loss;
            double      u = pn_rng_uniform(&rng), t = 0;
            open_loss(&loss, cases[c].kind, "", 1, cases[c].size);
            load(loss.output, o, cases[c].size);
            if (c == 0)
                t = u < 1 / (1 + exp(-o[0])) ? 1 : 0;
            else if (c == 1)
                t = u < 1 / (1 + exp(o[0] - o[1])) ? 1 : 0;
            else if (c == 2)
                t = o[0] + 0.7 * pn_rng_normal(&rng);
            else if (c == 3)
                for (double p = exp(-exp(o[0])), below = p; u > below; below += p)
                    p *= exp(o[0]) / ++t;
            else
                t = o[0] + exp(o[1] / 2) * pn_rng_normal(&rng);
            loss.target[0] = (nn_real)t;
            (void)value_of(&loss);
            for (uint32_t j = 0; j < cases[c].size; j++) {
                sum[j] += (double)loss.gradient[j];
                squares[j] += (double)loss.gradient[j] * (double)loss.gradient[j];
            }
        }
        for (uint32_t j = 0; j < cases[c].size; j++)
            EXPECT_NEAR(sum[j] / DRAWS, 0, 4 * sqrt(squares[j]) / DRAWS);
    }
}

static void
scores_are_what_metrics_read(void **state)
{
    (void)state;
    nn_real     out[4];
    struct loss loss;
    open_loss(&loss, "gaussian_nll", "", 2, 4);
    fill(loss.output, 8, 1, 0);
    loss.kind->scores(out, loss.output, 2, 4); /* the means of both rows, packed */
    assert_true((double)out[0] == (double)loss.output[0] &&
                (double)out[2] == (double)loss.output[4]);
    open_loss(&loss, "poisson_nll", "", 1, 2);
    loss.output[1] = 2;
    loss.kind->scores(out, loss.output, 1, 2);
    EXPECT_NEAR((double)out[0], 1, exact);
    EXPECT_NEAR((double)out[1], exp(2), exact * 10);
}

static void
sizes_that_a_loss_cannot_read_are_refused_with_a_sentence(void **state)
{
    (void)state;
    struct pn_error           why;
    _Alignas(8) unsigned char none[NN_OPTIONS_MAX] = {0};
    struct loss               loss;
    EXPECT_STATUS(PN_ECONFIG, nn_gaussian_nll_kind.check(none, 3, "out", &why));
    EXPECT_SAYS(&why, "a mean and a log variance for each target, but out has 3 numbers");
    EXPECT_STATUS(PN_ECONFIG, nn_bce_focal_kind.check(none, 3, "out", &why));
    EXPECT_SAYS(&why, "bce_focal reads one number a record, but out has 3");
    EXPECT_STATUS(PN_ECONFIG, nn_kl_logits_kind.check(none, 1, "out", &why));
    EXPECT_SAYS(&why, "kl_logits reads one number a class, but out has only 1");
    open_loss(&loss, "cce_logits", "class_weights=1,2.5", 1, 3);
    EXPECT_OK(nn_cce_logits_kind.check(loss.options, 2, "out", &why));
    EXPECT_STATUS(PN_ECONFIG, nn_cce_logits_kind.check(loss.options, 3, "out", &why));
    EXPECT_SAYS(&why, "class_weights: expected one for each of the 3 classes of out, seen 2");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_and_their_gradients_equal_pytorch),
        cmocka_unit_test(losses_equal_the_goldens),
        cmocka_unit_test(losses_agree_where_they_must),
        cmocka_unit_test(bce_of_a_logit_is_cce_of_zero_and_the_logit),
        cmocka_unit_test(the_slopes_of_a_rows_classes_sum_to_zero),
        cmocka_unit_test(distillation_is_zero_where_student_and_teacher_agree),
        cmocka_unit_test(extreme_outputs_stay_finite),
        cmocka_unit_test(a_missing_target_has_slope_zero_and_does_not_count),
        cmocka_unit_test(all_targets_missing_or_all_weights_zero_give_zero),
        cmocka_unit_test(a_class_out_of_range_gives_nan_and_reads_nothing),
        cmocka_unit_test(merged_numerators_and_counts_are_the_pooled_loss),
        cmocka_unit_test(slopes_vanish_at_the_true_parameter),
        cmocka_unit_test(scores_are_what_metrics_read),
        cmocka_unit_test(sizes_that_a_loss_cannot_read_are_refused_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
