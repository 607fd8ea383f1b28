#include "nnlib/metric.h"

#include "support/nn.h"
#include "vectors/nnlib.h"

/* The 997 records of make_nnlib.py: many ties, one in five positive. */
enum {
    MANY = 997
};

static void
make_many(nn_real *score, nn_real *label)
{
    for (int k = 0; k < MANY; k++) {
        double s = floor(64 / (1 + exp(-3 * sin(1.7 * k)))) / 64 + 1.0 / 128;
        score[k] = (nn_real)s;
        label[k] = sin((double)k * k * 0.37) + sin(1.7 * k) > 1 ? 1 : 0;
    }
}

static double
value_of(enum nn_metric_kind kind, uint32_t classes, const nn_real *score, const nn_real *target,
         uint32_t rows)
{
    struct nn_metric metric;
    EXPECT_OK(nn_metric_init(&metric, kind, classes));
    nn_metric_add(&metric, score, target, rows);
    return nn_metric_value(&metric);
}

static void
metrics_equal_scikit_learn(void **state)
{
    (void)state;
    nn_real s[10], y[10], p[30], t[10], score[MANY], label[MANY];
    load(s, ten_s, 10);
    load(y, ten_y, 10);
    EXPECT_NEAR(value_of(NN_AUROC, 2, s, y, 10), ten_auroc, 1e-12);
    EXPECT_NEAR(value_of(NN_AUPRC, 2, s, y, 10), ten_auprc, 1e-12);
    EXPECT_NEAR(value_of(NN_ACCURACY, 2, s, y, 10), ten_accuracy, 0);
    EXPECT_NEAR(value_of(NN_LOG_LOSS, 2, s, y, 10), ten_log_loss, 1e-7);
    make_many(score, label);
    /* 64 levels of the score: no two of them share a bin, so binned is exact. */
    EXPECT_NEAR(value_of(NN_AUROC, 2, score, label, MANY), many_auroc, 1e-12);
    EXPECT_NEAR(value_of(NN_AUPRC, 2, score, label, MANY), many_auprc, 1e-12);
    EXPECT_NEAR(value_of(NN_ACCURACY, 2, score, label, MANY), many_accuracy, 0);
    EXPECT_NEAR(value_of(NN_LOG_LOSS, 2, score, label, MANY), many_log_loss, 1e-6);
    load(p, three_p, 30);
    load(t, three_t, 10);
    EXPECT_NEAR(value_of(NN_LOG_LOSS, 3, p, t, 10), three_log_loss, 1e-6);
    EXPECT_NEAR(value_of(NN_ACCURACY, 3, p, t, 10), three_accuracy, 0);
    nn_real o[4] = {2.5f, 0, 2, 8}, target[4] = {3, -0.5f, 2, 7};
    EXPECT_NEAR(value_of(NN_RMSE, 0, o, target, 4), 0.6123724356957945, 1e-12);
}

static void
exact_values_equal_scikit_learn(void **state)
{
    (void)state;
    nn_real s[10], y[10], score[MANY], label[MANY];
    void   *scratch = malloc(nn_exact_scratch_bytes(MANY));
    assert_non_null(scratch);
    load(s, ten_s, 10);
    load(y, ten_y, 10);
    EXPECT_NEAR(nn_auroc_exact(s, y, 10, scratch), ten_auroc, 1e-12);
    EXPECT_NEAR(nn_auprc_exact(s, y, 10, scratch), ten_auprc, 1e-12);
    make_many(score, label);
    EXPECT_NEAR(nn_auroc_exact(score, label, MANY, scratch), many_auroc, 1e-12);
    EXPECT_NEAR(nn_auprc_exact(score, label, MANY, scratch), many_auprc, 1e-12);
    free(scratch);
}

static void
binned_auroc_is_within_its_bound_of_the_exact_one(void **state)
{
    (void)state;
    enum {
        ROWS = 4000
    };
    static nn_real score[ROWS], label[ROWS];
    static char    scratch[ROWS * 16];
    assert_true(nn_exact_scratch_bytes(ROWS) <= sizeof scratch);
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct pn_rng    rng;
        struct nn_metric metric;
        pn_rng_init(&rng, seed);
        for (int k = 0; k < ROWS; k++) {
            label[k] = pn_rng_uniform(&rng) < 0.1 ? 1 : 0;
            double z = pn_rng_normal(&rng) * (seed % 2 == 0 ? 0.05 : 3) + (double)label[k];
            score[k] = (nn_real)(1 / (1 + exp(-z)));
        }
        EXPECT_OK(nn_metric_init(&metric, NN_AUROC, 2));
        nn_metric_add(&metric, score, label, ROWS);
        double shared = 0, positives = 0, negatives = 0;
        for (int b = 0; b < NN_BINS; b++) {
            shared += (double)metric.bins[0][b] * metric.bins[1][b];
            negatives += metric.bins[0][b];
            positives += metric.bins[1][b];
        }
        double exact = nn_auroc_exact(score, label, ROWS, scratch);
        EXPECT_NEAR(nn_metric_value(&metric), exact, shared / (positives * negatives) / 2 + 1e-12);
        assert_true(fabs(exact - 0.5) > 0.05);
    }
}

/* A fixture per kind: scores, targets, and how many of each make a record. */
struct records {
    nn_real  score[MANY * 3], target[MANY];
    uint32_t width, classes;
};

static void
make_records(struct records *r, enum nn_metric_kind kind)
{
    r->classes = kind == NN_RMSE ? 0 : 2;
    r->width   = 1;
    make_many(r->score, r->target);
}

static void
merged_states_are_the_state_of_the_pooled_records(void **state)
{
    (void)state;
    static const uint32_t cuts[] = {0, 1, 400, 400, MANY};
    static struct records r;
    for (int kind = 0; kind < NN_METRIC_COUNT; kind++) {
        struct nn_metric pooled, merged, part;
        make_records(&r, (enum nn_metric_kind)kind);
        EXPECT_OK(nn_metric_init(&pooled, (enum nn_metric_kind)kind, r.classes));
        EXPECT_OK(nn_metric_init(&merged, (enum nn_metric_kind)kind, r.classes));
        nn_metric_add(&pooled, r.score, r.target, MANY);
        for (int p = 0; p < 4; p++) {
            EXPECT_OK(nn_metric_init(&part, (enum nn_metric_kind)kind, r.classes));
            nn_metric_add(&part, r.score + cuts[p], r.target + cuts[p], cuts[p + 1] - cuts[p]);
            EXPECT_OK(nn_metric_merge(&merged, &part));
        }
        assert_int_equal(merged.count, pooled.count);
        assert_memory_equal(merged.bins, pooled.bins, sizeof merged.bins);
        bool whole = kind != NN_LOG_LOSS && kind != NN_RMSE; /* integers: exact */
        EXPECT_NEAR(merged.sum, pooled.sum, whole ? 0 : 1e-9);
        EXPECT_NEAR(nn_metric_value(&merged), nn_metric_value(&pooled), whole ? 0 : 1e-12);
    }
}

static void
mean_of_means_would_be_wrong_and_is_not_what_merge_does(void **state)
{
    (void)state;
    struct nn_metric one, many;
    nn_real          right[1] = {0.9f}, label[1] = {1}, wrong[999], zeros[999] = {0};
    for (int i = 0; i < 999; i++)
        wrong[i] = 0.9f;
    EXPECT_OK(nn_metric_init(&one, NN_ACCURACY, 2));
    EXPECT_OK(nn_metric_init(&many, NN_ACCURACY, 2));
    nn_metric_add(&one, right, label, 1);
    nn_metric_add(&many, wrong, zeros, 999);
    EXPECT_OK(nn_metric_merge(&one, &many));
    EXPECT_NEAR(nn_metric_value(&one), 0.001, 0);
}

static void
what_is_undefined_is_nan(void **state)
{
    (void)state;
    nn_real s[4] = {0.1f, 0.9f, 0.4f, 0.6f}, ones[4] = {1, 1, 1, 1}, zeros[4] = {0};
    char    scratch[64];
    assert_true(nn_exact_scratch_bytes(4) <= sizeof scratch);
    for (int kind = NN_AUROC; kind <= NN_AUPRC; kind++) {
        assert_true(isnan(value_of((enum nn_metric_kind)kind, 2, s, ones, 4)));
        assert_true(isnan(value_of((enum nn_metric_kind)kind, 2, s, zeros, 4)));
    }
    assert_true(isnan(nn_auroc_exact(s, ones, 4, scratch)));
    assert_true(isnan(nn_auprc_exact(s, zeros, 4, scratch)));
    for (int kind = 0; kind < NN_METRIC_COUNT; kind++)
        assert_true(
            isnan(value_of((enum nn_metric_kind)kind, kind == NN_RMSE ? 0 : 2, s, ones, 0)));
    nn_real mixed[4] = {0, 1, 0, 1};
    s[2]             = (nn_real)NAN;
    assert_true(isnan(nn_auroc_exact(s, mixed, 4, scratch)));
}

static void
a_score_that_is_nan_makes_the_metric_nan_and_cannot_be_sent(void **state)
{
    (void)state;
    nn_real bad[] = {(nn_real)NAN, (nn_real)INFINITY};
    for (int kind = 0; kind < NN_METRIC_COUNT; kind++)
        for (int i = 0; i < 2; i++) {
            struct nn_metric metric, other;
            struct pn_buffer out;
            nn_real          s[3] = {0.2f, bad[i], 0.8f}, t[3] = {0, 1, 1};
            uint32_t         classes = kind == NN_RMSE ? 0 : 2;
            EXPECT_OK(nn_metric_init(&metric, (enum nn_metric_kind)kind, classes));
            EXPECT_OK(nn_metric_init(&other, (enum nn_metric_kind)kind, classes));
            nn_metric_add(&metric, s, t, 3);
            nn_metric_add(&other, s, t, 1);
            assert_true(isnan(nn_metric_value(&metric)));
            pn_buffer_init(&out, NN_METRIC_STATE_MAX);
            EXPECT_STATUS(PN_EDIVERGED, nn_metric_encode(&out, &metric));
            assert_int_equal(out.size, 0);
            EXPECT_OK(nn_metric_merge(&other, &metric));
            assert_true(isnan(nn_metric_value(&other)));
            pn_buffer_fini(&out);
        }
}

static void
extreme_scores_stay_finite(void **state)
{
    (void)state;
    nn_real s[4] = {0, 1, 0, 1}, t[4] = {1, 0, 0, 1};
    EXPECT_NEAR(value_of(NN_LOG_LOSS, 2, s, t, 4), -log(1e-7) / 2, 1e-6);
    EXPECT_NEAR(value_of(NN_AUROC, 2, s, t, 4), 0.5, 0);
}

static void
what_is_encoded_decodes_to_the_same_state(void **state)
{
    (void)state;
    static struct records r;
    for (int kind = 0; kind < NN_METRIC_COUNT; kind++) {
        struct nn_metric metric, back;
        struct pn_buffer out;
        make_records(&r, (enum nn_metric_kind)kind);
        EXPECT_OK(nn_metric_init(&metric, (enum nn_metric_kind)kind, r.classes));
        pn_buffer_init(&out, NN_METRIC_STATE_MAX);
        for (int filled = 0; filled < 2; filled++) {
            pn_buffer_clear(&out);
            EXPECT_OK(nn_metric_encode(&out, &metric));
            memset(&back, 0x55, sizeof back);
            EXPECT_OK(
                nn_metric_decode(&back, (enum nn_metric_kind)kind, r.classes, out.bytes, out.size));
            assert_memory_equal(&back, &metric, sizeof metric);
            nn_metric_add(&metric, r.score, r.target, MANY);
        }
        pn_buffer_fini(&out);
    }
}

static void
a_full_state_fits_its_limit(void **state)
{
    (void)state;
    struct nn_metric metric, back;
    struct pn_buffer out;
    EXPECT_OK(nn_metric_init(&metric, NN_AUPRC, 2));
    for (int b = 0; b < NN_BINS; b++) {
        metric.bins[0][b] = metric.bins[1][b] = UINT32_MAX;
        metric.count += 2 * (uint64_t)UINT32_MAX;
    }
    pn_buffer_init(&out, NN_METRIC_STATE_MAX);
    EXPECT_OK(nn_metric_encode(&out, &metric));
    EXPECT_OK(nn_metric_decode(&back, NN_AUPRC, 2, out.bytes, out.size));
    EXPECT_NEAR(nn_metric_value(&back), 0.5, 1e-12); /* no sum overflows */
    metric.kind = NN_AUROC;
    EXPECT_NEAR(nn_metric_value(&metric), 0.5, 1e-12);
    EXPECT_STATUS(PN_ERANGE, nn_metric_merge(&back, &back));
    pn_buffer_fini(&out);
}

static void
states_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct nn_metric metric, back;
    struct pn_buffer out;
    nn_real          s[2] = {0.2f, 0.8f}, t[2] = {0, 1};
    pn_buffer_init(&out, NN_METRIC_STATE_MAX);
    EXPECT_OK(nn_metric_init(&metric, NN_AUROC, 2));
    nn_metric_add(&metric, s, t, 2);
    EXPECT_OK(nn_metric_encode(&out, &metric));
    uint8_t bytes[64];
    assert_int_equal(out.size, 21 + 2 * 8);
#define REFUSED(status, change)                                                                    \
    do {                                                                                           \
        memcpy(bytes, out.bytes, out.size);                                                        \
        memset(&back, 0x55, sizeof back);                                                          \
        change;                                                                                    \
        EXPECT_STATUS(status, nn_metric_decode(&back, NN_AUROC, 2, bytes, out.size));              \
        assert_int_equal(back.classes, 0x55555555); /* untouched */                                \
    } while (0)
    REFUSED(PN_EPEER_FORMAT, bytes[0] = NN_AUPRC);      /* another metric */
    REFUSED(PN_EPEER_FORMAT, bytes[1] = 3);             /* other classes  */
    REFUSED(PN_EPEER_VALUE, bytes[5] = 3);              /* count          */
    REFUSED(PN_EPEER_VALUE, pn_put_f64(bytes + 13, 1)); /* a sum where there is none */
    REFUSED(PN_EPEER_VALUE, pn_put_f64(bytes + 13, (double)NAN));
    REFUSED(PN_EPEER_FORMAT, pn_put_u16(bytes + 21, 9));       /* more bins than bytes */
    REFUSED(PN_EPEER_FORMAT, pn_put_u16(bytes + 23, NN_BINS)); /* no such bin    */
    REFUSED(PN_EPEER_FORMAT, pn_put_u32(bytes + 25, 0));       /* an empty bin   */
    /* Two bins of label 0 in falling order: the same state in another form. */
    nn_real more[2] = {0.1f, 0.3f}, zeros[2] = {0, 0};
    nn_metric_add(&metric, more, zeros, 2);
    pn_buffer_clear(&out);
    EXPECT_OK(nn_metric_encode(&out, &metric));
    REFUSED(PN_EPEER_FORMAT,
            (memcpy(bytes + 23, out.bytes + 29, 6), memcpy(bytes + 29, out.bytes + 23, 6)));
#undef REFUSED
    for (size_t size = 0; size < out.size; size++)
        EXPECT_STATUS(PN_EPEER_FORMAT, nn_metric_decode(&back, NN_AUROC, 2, out.bytes, size));
    pn_buffer_fini(&out);

    /* accuracy: count and sum that no records give */
    static const struct {
        enum nn_metric_kind kind;
        uint64_t            count;
        double              sum;
    } sums[] = {{NN_ACCURACY, 10, 11},
                {NN_ACCURACY, 10, 0.5},
                {NN_ACCURACY, 10, -1},
                {NN_LOG_LOSS, 10, 200},
                {NN_LOG_LOSS, 10, INFINITY},
                {NN_LOG_LOSS, UINT64_MAX, 1},
                {NN_RMSE, 0, 1},
                {NN_RMSE, 1, -1}};
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        uint32_t classes = sums[i].kind == NN_RMSE ? 0 : 2;
        memset(bytes, 0, sizeof bytes);
        bytes[0] = (uint8_t)sums[i].kind;
        pn_put_u32(bytes + 1, classes);
        pn_put_u64(bytes + 5, sums[i].count);
        pn_put_f64(bytes + 13, sums[i].sum);
        EXPECT_STATUS(PN_EPEER_VALUE, nn_metric_decode(&back, sums[i].kind, classes, bytes, 21));
    }
}

static void
metrics_fit_their_number_of_classes(void **state)
{
    (void)state;
    enum nn_metric_kind kinds[NN_METRIC_COUNT];
    struct nn_metric    metric, other;
    assert_int_equal(nn_metrics_for(kinds, 2), 4);
    assert_int_equal(nn_metrics_for(kinds, 0), 1);
    assert_int_equal(kinds[0], NN_RMSE);
    assert_int_equal(nn_metrics_for(kinds, 10), 2);
    assert_int_equal(kinds[0], NN_ACCURACY);
    assert_int_equal(kinds[1], NN_LOG_LOSS);
    EXPECT_STATUS(PN_ECONFIG, nn_metric_init(&metric, NN_AUROC, 3));
    EXPECT_STATUS(PN_ECONFIG, nn_metric_init(&metric, NN_RMSE, 2));
    EXPECT_OK(nn_metric_init(&metric, NN_ACCURACY, 2));
    EXPECT_OK(nn_metric_init(&other, NN_ACCURACY, 3));
    EXPECT_STATUS(PN_ECONFIG, nn_metric_merge(&metric, &other));
    assert_true(nn_metric_smaller_is_better(NN_RMSE) && nn_metric_smaller_is_better(NN_LOG_LOSS));
    assert_false(nn_metric_smaller_is_better(NN_AUROC));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_equal_scikit_learn),
        cmocka_unit_test(exact_values_equal_scikit_learn),
        cmocka_unit_test(binned_auroc_is_within_its_bound_of_the_exact_one),
        cmocka_unit_test(merged_states_are_the_state_of_the_pooled_records),
        cmocka_unit_test(mean_of_means_would_be_wrong_and_is_not_what_merge_does),
        cmocka_unit_test(what_is_undefined_is_nan),
        cmocka_unit_test(a_score_that_is_nan_makes_the_metric_nan_and_cannot_be_sent),
        cmocka_unit_test(extreme_scores_stay_finite),
        cmocka_unit_test(what_is_encoded_decodes_to_the_same_state),
        cmocka_unit_test(a_full_state_fits_its_limit),
        cmocka_unit_test(states_that_cannot_be_are_refused),
        cmocka_unit_test(metrics_fit_their_number_of_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
