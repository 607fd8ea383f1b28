/* Calibration against scikit-learn and SciPy; cuts against every cut there is. */
#include "nnlib/calibrate.h"
#include "support/nn.h"
#include "vectors/calibrate.h"

enum {
    ROWS = CALIBRATE_ROWS
};

static size_t
scored_of(struct nn_scored *out)
{
    nn_real score[ROWS], label[ROWS];
    size_t  count;
    load(score, calibrate_score, ROWS);
    load(label, calibrate_label, ROWS);
    EXPECT_OK(nn_scored_init(out, &count, score, label, NULL, ROWS));
    return count;
}

static void
scores_are_sorted_and_equal_ones_are_one_entry(void **state)
{
    (void)state;
    struct nn_scored out[5];
    nn_real score[] = {2, -1, 2, 0, 2}, label[] = {1, 0, 0, 1, 1}, weight[] = {1, 2, 3, 4, 5};
    size_t  count;
    EXPECT_OK(nn_scored_init(out, &count, score, label, weight, 5));
    assert_int_equal(count, 3);
    assert_true(out[0].score == -1 && out[0].on == 0 && out[0].off == 2);
    assert_true(out[2].score == 2 && out[2].on == 6 && out[2].off == 3);
    score[1] = (nn_real)NAN;
    EXPECT_STATUS(PN_EDATA, nn_scored_init(out, &count, score, label, weight, 5));
    EXPECT_STATUS(PN_EDATA, nn_scored_init(out, &count, score, label, NULL, 0));
}

static void
platt_and_isotonic_equal_scikit_learn(void **state)
{
    (void)state;
    struct nn_scored scored[ROWS];
    struct nn_step   steps[ROWS];
    struct nn_platt  platt;
    size_t           count = scored_of(scored), step_count;
    EXPECT_OK(nn_platt_fit(&platt, scored, count));
    EXPECT_NEAR(platt.a, calibrate_platt[0], 1e-8);
    EXPECT_NEAR(platt.b, calibrate_platt[1], 1e-8);
    EXPECT_OK(nn_isotonic_fit(steps, &step_count, scored, count));
    for (size_t i = 0; i < sizeof calibrate_isotonic / sizeof calibrate_isotonic[0]; i++)
        EXPECT_NEAR(nn_isotonic_share(steps, step_count, calibrate_isotonic_at[i]),
                    calibrate_isotonic[i], 1e-12);
    assert_true(isnan(nn_isotonic_share(steps, step_count, (double)NAN)));
    for (size_t i = 1; i < step_count; i++)
        assert_true(steps[i].share > steps[i - 1].share);
}

static void
temperatures_equal_scipy(void **state)
{
    (void)state;
    struct nn_scored scored[ROWS];
    nn_real          logits[ROWS * CALIBRATE_CLASSES], t[ROWS], score[ROWS], label[ROWS];
    double           found, single;
    load(logits, calibrate_logits, ROWS * CALIBRATE_CLASSES);
    load(t, calibrate_class, ROWS);
    load(score, calibrate_score, ROWS);
    load(label, calibrate_label, ROWS);
    EXPECT_OK(nn_temperature_fit(&found, logits, t, ROWS, CALIBRATE_CLASSES));
    EXPECT_NEAR(found, calibrate_temperature, 1e-10);
    EXPECT_OK(nn_temperature_fit_scored(&found, scored, scored_of(scored)));
    EXPECT_NEAR(found, calibrate_temperature_binary, 1e-10);
    EXPECT_OK(nn_temperature_fit(&single, score, label, ROWS, 1));
    EXPECT_NEAR(single, found, 1e-12);
    t[0] = 3;
    EXPECT_STATUS(PN_EDATA, nn_temperature_fit(&found, logits, t, ROWS, CALIBRATE_CLASSES));
    EXPECT_STATUS(PN_EDATA, nn_temperature_fit(&found, logits, t, 0, CALIBRATE_CLASSES));
}

/* A model twice as sure as it may be. */
static void
calibration_lowers_ece_and_loss_and_leaves_the_ranking(void **state)
{
    (void)state;
    enum {
        MANY = 4000
    };
    static nn_real          z[MANY], t[MANY], share[MANY];
    static struct nn_scored scored[MANY];
    static struct nn_step   steps[MANY];
    struct pn_rng           rng;
    struct nn_platt         platt;
    double                  temperature, ece[4], loss[4], auroc[4];
    size_t                  count, step_count;
    pn_rng_init(&rng, 5);
    for (int k = 0; k < MANY; k++) {
        double truth = 1.5 * pn_rng_normal(&rng);
        z[k]         = (nn_real)(2 * truth);
        t[k]         = pn_rng_uniform(&rng) < 1 / (1 + exp(-truth)) ? 1 : 0;
    }
    EXPECT_OK(nn_scored_init(scored, &count, z, t, NULL, MANY));
    EXPECT_OK(nn_temperature_fit_scored(&temperature, scored, count));
    EXPECT_NEAR(temperature, 2, 0.3);
    EXPECT_OK(nn_platt_fit(&platt, scored, count));
    EXPECT_OK(nn_isotonic_fit(steps, &step_count, scored, count));
    for (int way = 0; way < 4; way++) {
        struct nn_metric metric;
        double          *values[] = {&ece[way], &loss[way], &auroc[way]};
        for (int k = 0; k < MANY; k++) {
            double x = (double)z[k];
            share[k] = (nn_real)(way == 0   ? 1 / (1 + exp(-x))
                                 : way == 1 ? 1 / (1 + exp(-x / temperature))
                                 : way == 2 ? nn_platt_share(&platt, x)
                                            : nn_isotonic_share(steps, step_count, x));
        }
        for (int m = 0; m < 3; m++) {
            EXPECT_OK(nn_metric_init(&metric,
                                     m == 0   ? NN_ECE
                                     : m == 1 ? NN_LOG_LOSS
                                              : NN_AUROC,
                                     2));
            nn_metric_add(&metric, share, t, MANY);
            *values[m] = nn_metric_value(&metric);
        }
    }
    for (int way = 1; way < 4; way++) {
        assert_true(ece[way] < ece[0] / 3);
        assert_true(loss[way] < loss[0]);
        EXPECT_NEAR(auroc[way], auroc[0], 0.01);
    }
}

/* The bins of a merged metric give nearly what the records give: nobody sends records. */
static void
bins_of_a_metric_are_enough(void **state)
{
    (void)state;
    static struct nn_scored scored[NN_BINS];
    struct nn_scored        exact[ROWS];
    struct nn_metric        merged, part;
    struct nn_platt         a, b;
    nn_real                 share[ROWS], label[ROWS];
    double                  first, second;
    size_t                  count, exact_count = scored_of(exact);
    load(label, calibrate_label, ROWS);
    for (int k = 0; k < ROWS; k++)
        share[k] = (nn_real)(1 / (1 + exp(-calibrate_score[k])));
    EXPECT_OK(nn_metric_init(&merged, NN_AUROC, 2));
    for (int p = 0; p < 2; p++) {
        EXPECT_OK(nn_metric_init(&part, NN_AUROC, 2));
        nn_metric_add(&part, share + p * 100, label + p * 100, 100);
        EXPECT_OK(nn_metric_merge(&merged, &part));
    }
    EXPECT_OK(nn_scored_from_bins(scored, &count, &merged));
    EXPECT_OK(nn_platt_fit(&a, exact, exact_count));
    EXPECT_OK(nn_platt_fit(&b, scored, count));
    EXPECT_NEAR(b.a, a.a, 0.02);
    EXPECT_NEAR(b.b, a.b, 0.02);
    EXPECT_OK(nn_temperature_fit_scored(&first, exact, exact_count));
    EXPECT_OK(nn_temperature_fit_scored(&second, scored, count));
    EXPECT_NEAR(second, first, 0.02);
    EXPECT_OK(nn_metric_init(&merged, NN_AUROC, 2));
    EXPECT_STATUS(PN_EDATA, nn_scored_from_bins(scored, &count, &merged));
}

static void
what_cannot_be_fitted_is_refused(void **state)
{
    (void)state;
    struct nn_scored one[2] = {{0, 3, 0}, {1, 2, 0}};
    struct nn_scored equal  = {0.5, 3, 1};
    struct nn_step   steps[2];
    struct nn_platt  platt;
    struct nn_cut    cut;
    size_t           count;
    EXPECT_STATUS(PN_EDATA, nn_platt_fit(&platt, one, 2));
    EXPECT_STATUS(PN_EDATA, nn_isotonic_fit(steps, &count, one, 2));
    EXPECT_STATUS(PN_EDATA, nn_cut_best_f1(&cut, one, 2));
    EXPECT_STATUS(PN_EDATA, nn_platt_fit(&platt, one, 0));
    EXPECT_OK(nn_platt_fit(&platt, &equal, 1)); /* all scores equal: the share of the smoothed */
    double high = 4.0 / 5, low = 1.0 / 3;
    EXPECT_NEAR(nn_platt_share(&platt, 0.5), (3 * high + low) / 4, 1e-6);
}

/* Two classes that a score parts: shares go to the smoothed targets, not to infinity. */
static void
platt_of_perfect_scores_is_finite(void **state)
{
    (void)state;
    struct nn_scored scored[] = {{-1000, 0, 5}, {1000, 5, 0}};
    struct nn_platt  platt;
    EXPECT_OK(nn_platt_fit(&platt, scored, 2));
    EXPECT_NEAR(nn_platt_share(&platt, 1000), 6.0 / 7, 1e-6);
    EXPECT_NEAR(nn_platt_share(&platt, -1000), 1.0 / 7, 1e-6);
}

static void
a_weight_of_training_is_undone(void **state)
{
    (void)state;
    for (int k = 1; k < 10; k++) {
        double p = k / 10.0, w = 7, q = w * p / (w * p + 1 - p); /* what training with w gives */
        EXPECT_NEAR(nn_prior_correct(q, w), p, 1e-15);
        EXPECT_NEAR(nn_prior_correct(p, 1), p, 1e-15);
    }
}

static void
cuts_are_the_best_of_all_cuts(void **state)
{
    (void)state;
    struct nn_scored scored[ROWS];
    struct nn_cut    best, budget, cheap;
    size_t           count = scored_of(scored);
    EXPECT_OK(nn_cut_best_f1(&best, scored, count));
    EXPECT_OK(nn_cut_budget(&budget, scored, count, 40));
    EXPECT_OK(nn_cut_cheapest(&cheap, scored, count, 1, 3));
    double f1 = 0, alerts = 0, cost = 1e9;
    for (size_t i = 0; i <= count; i++) { /* cut below entry i */
        double hits = 0, all = 0, on = 0;
        for (size_t k = 0; k < count; k++) {
            on += scored[k].on;
            hits += k >= i ? scored[k].on : 0;
            all += k >= i ? scored[k].on + scored[k].off : 0;
        }
        f1     = fmax(f1, 2 * hits / (on + all));
        alerts = all <= 40 ? fmax(alerts, all) : alerts;
        cost   = fmin(cost, all - hits + 3 * (on - hits));
    }
    EXPECT_NEAR(best.f1, f1, 1e-15);
    EXPECT_NEAR(2 / (1 / best.precision + 1 / best.recall), best.f1, 1e-12);
    EXPECT_NEAR(budget.alerts, alerts, 0);
    assert_true(alerts <= 40 && alerts > 20);
    EXPECT_NEAR(cheap.cost, cost, 1e-12);
    EXPECT_STATUS(PN_EDATA, nn_cut_budget(&budget, scored, count, 0.5));
    const struct nn_scored mixed[2] = {{0, 1, 5}, {1, 1, 5}};
    EXPECT_OK(nn_cut_cheapest(&cheap, mixed, 2, 1000, 0.001)); /* better say nothing */
    assert_true(isinf(cheap.score) && cheap.alerts == 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_sorted_and_equal_ones_are_one_entry),
        cmocka_unit_test(platt_and_isotonic_equal_scikit_learn),
        cmocka_unit_test(temperatures_equal_scipy),
        cmocka_unit_test(calibration_lowers_ece_and_loss_and_leaves_the_ranking),
        cmocka_unit_test(bins_of_a_metric_are_enough),
        cmocka_unit_test(what_cannot_be_fitted_is_refused),
        cmocka_unit_test(platt_of_perfect_scores_is_finite),
        cmocka_unit_test(a_weight_of_training_is_undone),
        cmocka_unit_test(cuts_are_the_best_of_all_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
