#include "nnlib/metric.h"

#include "support/nn.h"
#include "vectors/goldens.h"
#include "vectors/metrics.h"

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

static enum nn_metric_kind
kind_of(const char *name)
{
    int kind = 0;
    while (kind < NN_METRIC_COUNT && strcmp(nn_metric_names[kind], name) != 0)
        kind++;
    if (kind == NN_METRIC_COUNT)
        fail_msg("no metric %s", name);
    return (enum nn_metric_kind)kind;
}

/* log_loss keeps away from 0 and 1 by 1e-7; shares are floats. */
#define EXPECT_TABLE(table, classes, score, target, rows)                                          \
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)                                    \
    expect_near(value_of(kind_of(table[i].metric), classes, score, target, rows), table[i].value,  \
                2e-6 * fmax(1, fabs(table[i].value)), table[i].metric, i, __FILE__, __LINE__)

static void
metrics_equal_scikit_learn(void **state)
{
    (void)state;
    nn_real s[10], y[10], p[84], t[12], score[MANY], label[MANY], o[40], truth[40];
    load(s, ten_s, 10);
    load(y, ten_y, 10);
    EXPECT_TABLE(ten_values, 2, s, y, 10);
    /* 64 levels of the score: no two of them share a bin, so binned is exact. */
    make_many(score, label);
    EXPECT_TABLE(many_values, 2, score, label, MANY);
    EXPECT_NEAR(value_of(NN_AUROC, 2, score, label, MANY), many_values[0].value, 1e-12);
    load(p, three_p, 30);
    load(t, three_t, 10);
    EXPECT_TABLE(three_values, 3, p, t, 10);
    load(p, seven_p, 84);
    load(t, seven_t, 12);
    EXPECT_TABLE(seven_values, 7, p, t, 12);
    load(o, reg_p, 40);
    load(truth, reg_t, 40);
    EXPECT_TABLE(reg_values, 0, o, truth, 40);
}

static void
metrics_equal_the_goldens(void **state)
{
    (void)state;
    nn_real          s[10], y[10], classes[8], guess[8], shares[24] = {0}, o[4], t[4];
    char             scratch[256];
    struct nn_metric metric;
    assert_true(nn_exact_scratch_bytes(10) <= sizeof scratch);
    load(s, golden_binary_s, 10);
    load(y, golden_binary_y, 10);
    EXPECT_TABLE(golden_binary, 2, s, y, 10);
    EXPECT_OK(nn_metric_init(&metric, NN_ECE, 2));
    nn_metric_add(&metric, s, y, 10);
    EXPECT_NEAR(nn_metric_ece(&metric, 5), golden_ece5, 1e-6);
    EXPECT_OK(nn_metric_init(&metric, NN_CONFUSION, 2));
    nn_metric_add(&metric, s, y, 10);
    for (uint32_t k = 0; k < 4; k++)
        assert_int_equal(nn_metric_confusion(&metric, k / 2, k % 2), golden_binary_confusion[k]);

    load(classes, golden_multi_y, 8);
    load(guess, golden_multi_p, 8);
    for (int r = 0; r < 8; r++)
        shares[3 * r + (int)guess[r]] = 1;
    EXPECT_TABLE(golden_multi, 3, shares, classes, 8);
    EXPECT_OK(nn_metric_init(&metric, NN_CONFUSION, 3));
    nn_metric_add(&metric, shares, classes, 8);
    for (uint32_t k = 0; k < 9; k++)
        assert_int_equal(nn_metric_confusion(&metric, k / 3, k % 3), golden_multi_confusion[k]);

    load(o, golden_reg_p, 4);
    load(t, golden_reg_t, 4);
    EXPECT_TABLE(golden_reg, 0, o, t, 4);
    EXPECT_NEAR(nn_median_error_exact(o, t, 4, scratch), golden_median_error, 1e-12);
    EXPECT_NEAR(nn_pr_trapezoid_exact(s, y, 10, scratch), golden_pr_trapezoid, 1e-12);
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
    EXPECT_NEAR(nn_auroc_exact(s, y, 10, scratch), ten_values[0].value, 1e-12);
    EXPECT_NEAR(nn_auprc_exact(s, y, 10, scratch), ten_values[1].value, 1e-12);
    make_many(score, label);
    EXPECT_NEAR(nn_auroc_exact(score, label, MANY, scratch), many_values[0].value, 1e-12);
    EXPECT_NEAR(nn_auprc_exact(score, label, MANY, scratch), many_values[1].value, 1e-12);
    EXPECT_NEAR(nn_ks_exact(score, label, MANY, scratch), value_of(NN_KS, 2, score, label, MANY),
                1e-12);
    s[3] = (nn_real)NAN;
    assert_true(isnan(nn_ks_exact(s, y, 10, scratch)));
    assert_true(isnan(nn_median_error_exact(s, y, 10, scratch)));
    assert_true(isnan(nn_median_error_exact(s, y, 0, scratch)));
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
            shared += (double)metric.cells[b] * metric.cells[NN_BINS + b];
            negatives += metric.cells[b];
            positives += metric.cells[NN_BINS + b];
        }
        double exact = nn_auroc_exact(score, label, ROWS, scratch);
        EXPECT_NEAR(nn_metric_value(&metric), exact, shared / (positives * negatives) / 2 + 1e-12);
        assert_true(fabs(exact - 0.5) > 0.05);
    }
}

/* A fixture per kind: scores, targets, and how many of each make a record. */
struct records {
    nn_real  score[MANY * 7], target[MANY];
    uint32_t width, classes;
};

/* A number of classes that the metric fits. */
static uint32_t
classes_for(enum nn_metric_kind kind)
{
    return nn_metric_fits(kind, 2) ? 2 : nn_metric_fits(kind, 7) ? 7 : 0;
}

static void
make_records(struct records *r, enum nn_metric_kind kind, uint32_t classes)
{
    (void)kind;
    r->classes = classes;
    r->width   = classes > 2 ? classes : 1;
    make_many(r->score, r->target);
    for (uint32_t k = 0; classes > 2 && k < MANY; k++) {
        nn_real *row = r->score + (size_t)k * classes, sum = 0;
        for (uint32_t j = 0; j < classes; j++)
            sum += row[j] = (nn_real)exp(2 * sin((double)(k * classes + j)));
        for (uint32_t j = 0; j < classes; j++)
            row[j] /= sum;
        r->target[k] = (nn_real)(k * k % (classes - 1)); /* the last class never occurs */
    }
}

static void
expect_merged(struct records *r, enum nn_metric_kind kind)
{
    static const uint32_t cuts[] = {0, 1, 400, 400, MANY};
    struct nn_metric      pooled, merged, part;
    EXPECT_OK(nn_metric_init(&pooled, kind, r->classes));
    EXPECT_OK(nn_metric_init(&merged, kind, r->classes));
    nn_metric_add(&pooled, r->score, r->target, MANY);
    for (int p = 0; p < 4; p++) {
        EXPECT_OK(nn_metric_init(&part, kind, r->classes));
        nn_metric_add(&part, r->score + cuts[p] * r->width, r->target + cuts[p],
                      cuts[p + 1] - cuts[p]);
        EXPECT_OK(nn_metric_merge(&merged, &part));
    }
    assert_int_equal(merged.count, pooled.count);
    assert_memory_equal(merged.cells, pooled.cells, sizeof merged.cells);
    bool sums = kind == NN_LOG_LOSS || kind == NN_PERPLEXITY || kind == NN_BRIER ||
                kind == NN_ECE || r->classes == 0; /* the others are integers: exact */
    for (int i = 0; i < NN_METRIC_SUMS; i++)
        EXPECT_NEAR(merged.sum[i], pooled.sum[i], sums ? 1e-9 : 0);
    double value = nn_metric_value(&pooled);
    expect_near(nn_metric_value(&merged), value, sums ? 1e-12 * fmax(1, fabs(value)) : 0,
                nn_metric_names[kind], r->classes, __FILE__, __LINE__);
    assert_true(isfinite(value));
}

static void
merged_states_are_the_state_of_the_pooled_records(void **state)
{
    (void)state;
    static struct records r;
    static const uint32_t classes[] = {0, 2, 3, 7};
    size_t                checked   = 0;
    for (int kind = 0; kind < NN_METRIC_COUNT; kind++)
        for (int c = 0; c < 4; c++) {
            if (!nn_metric_fits((enum nn_metric_kind)kind, classes[c]))
                continue;
            make_records(&r, (enum nn_metric_kind)kind, classes[c]);
            expect_merged(&r, (enum nn_metric_kind)kind);
            checked++;
        }
    assert_true(checked > 60);
}

/* Means that differ by far more than the deviation: sums of squares would lose every digit. */
static void
r2_does_not_cancel_where_the_mean_is_large(void **state)
{
    (void)state;
    struct nn_metric merged, part;
    double           mean = 0, squares = 0, errors = 0;
    nn_real          t[200], o[200];
    for (int k = 0; k < 200; k++) {
        t[k] = (nn_real)(1e6 + sin(k) + (k >= 100 ? 1 : 0));
        o[k] = (nn_real)((double)t[k] + 0.25 * cos(k));
        mean += (double)t[k] / 200;
    }
    for (int k = 0; k < 200; k++) {
        squares += ((double)t[k] - mean) * ((double)t[k] - mean);
        errors += ((double)o[k] - (double)t[k]) * ((double)o[k] - (double)t[k]);
    }
    EXPECT_OK(nn_metric_init(&merged, NN_R2, 0));
    for (int p = 0; p < 2; p++) {
        EXPECT_OK(nn_metric_init(&part, NN_R2, 0));
        nn_metric_add(&part, o + 100 * p, t + 100 * p, 100);
        EXPECT_OK(nn_metric_merge(&merged, &part));
    }
    EXPECT_NEAR(nn_metric_value(&merged), 1 - errors / squares, 1e-9);
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
        assert_true(isnan(value_of((enum nn_metric_kind)kind,
                                   classes_for((enum nn_metric_kind)kind), s, ones, 0)));
    nn_real low[4] = {0.1f, 0.1f, 0.1f, 0.1f};
    assert_true(isnan(value_of(NN_PRECISION, 2, low, ones, 4))); /* nothing guessed */
    assert_true(isnan(value_of(NN_RECALL, 2, low, zeros, 4)));
    assert_true(isnan(value_of(NN_F1, 2, low, zeros, 4)));
    assert_true(isnan(value_of(NN_SPECIFICITY, 2, low, ones, 4)));
    assert_true(isnan(value_of(NN_MCC, 2, low, ones, 4)));
    assert_true(isnan(value_of(NN_KAPPA, 2, low, zeros, 4)));
    assert_true(isnan(value_of(NN_R2, 0, s, ones, 4))); /* a constant target */
    assert_true(isinf(value_of(NN_PSNR, 0, s, s, 4)));
    EXPECT_NEAR(value_of(NN_SMAPE, 0, zeros, zeros, 4), 0, 0);
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
            uint32_t         classes = classes_for((enum nn_metric_kind)kind);
            nn_real          s[21] = {0.2f, 0.1f, 0.3f}, t[3] = {0, 1, 1};
            s[classes > 2 ? classes : 1] = bad[i]; /* in the second record */
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
        make_records(&r, (enum nn_metric_kind)kind, classes_for((enum nn_metric_kind)kind));
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
    for (int b = 0; b < 2 * NN_BINS; b++) {
        metric.cells[b] = UINT32_MAX;
        metric.count += UINT32_MAX;
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
                {NN_TOP3, 10, 11},
                {NN_BRIER, 10, 10.5},
                {NN_SMAPE, 10, 21},
                {NN_MAPE, 10, -1},
                {NN_RMSE, 0, 1},
                {NN_RMSE, 1, -1}};
    for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
        uint32_t classes = classes_for(sums[i].kind);
        memset(bytes, 0, sizeof bytes);
        bytes[0] = (uint8_t)sums[i].kind;
        pn_put_u32(bytes + 1, classes);
        pn_put_u64(bytes + 5, sums[i].count);
        pn_put_f64(bytes + 13, sums[i].sum);
        EXPECT_STATUS(PN_EPEER_VALUE, nn_metric_decode(&back, sums[i].kind, classes, bytes, 21));
    }
}

/* States of classes, of bins of shares and of moments that no records give. */
static void
other_states_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct nn_metric metric, back;
    struct pn_buffer out;
    nn_real          s[4] = {0.2f, 0.8f, 0.7f, 0.4f}, t[4] = {0, 1, 0, 1};
    pn_buffer_init(&out, NN_METRIC_STATE_MAX);
#define REFUSED(kind, task, change)                                                                \
    do {                                                                                           \
        EXPECT_OK(nn_metric_init(&metric, kind, task));                                            \
        nn_metric_add(&metric, s, t, 4);                                                           \
        change;                                                                                    \
        pn_buffer_clear(&out);                                                                     \
        EXPECT_OK(nn_metric_encode(&out, &metric));                                                \
        EXPECT_STATUS(PN_EPEER_VALUE, nn_metric_decode(&back, kind, task, out.bytes, out.size));   \
    } while (0)
    REFUSED(NN_F1, 2, metric.cells[5]++);                      /* more right than guessed or true */
    REFUSED(NN_F1, 2, metric.cells[4]--);                      /* a wrong guess that went nowhere */
    REFUSED(NN_F1, 2, (metric.cells[0]++, metric.cells[2]++)); /* more than there are records */
    REFUSED(NN_F1, 2, metric.sum[0] = 1);
    REFUSED(NN_CONFUSION, 2, metric.cells[0]++);
    REFUSED(NN_ECE, 2, metric.sum[3] += 0.1); /* 0.2 is the end of bin 3 */
    REFUSED(NN_ECE, 2, metric.sum[19] = 0.1);
    REFUSED(NN_ECE, 2, metric.cells[0]++);
    REFUSED(NN_R2, 0, metric.sum[2] = -1);
    REFUSED(NN_R2, 0, metric.sum[1] = 1e40);
    REFUSED(NN_R2, 0, (metric.count = 1, metric.sum[2] = 1));
#undef REFUSED
    pn_buffer_fini(&out);
}

static void
metrics_fit_their_number_of_classes(void **state)
{
    (void)state;
    enum nn_metric_kind kinds[NN_METRICS_MAX];
    struct nn_metric    metric, other;
    assert_int_equal(nn_metrics_for(kinds, 2), 4);
    assert_int_equal(nn_metrics_for(kinds, 0), 1);
    assert_int_equal(kinds[0], NN_RMSE);
    assert_int_equal(nn_metrics_for(kinds, 10), 2);
    assert_int_equal(kinds[0], NN_ACCURACY);
    assert_int_equal(kinds[1], NN_LOG_LOSS);
    EXPECT_STATUS(PN_ECONFIG, nn_metric_init(&metric, NN_AUROC, 3));
    EXPECT_STATUS(PN_ECONFIG, nn_metric_init(&metric, NN_RMSE, 2));
    EXPECT_STATUS(PN_ECONFIG, nn_metric_init(&metric, NN_TOP3, 3));
    EXPECT_STATUS(PN_ECONFIG, nn_metric_init(&metric, NN_CONFUSION, 46));
    EXPECT_OK(nn_metric_init(&metric, NN_CONFUSION, 45));
    EXPECT_OK(nn_metric_init(&metric, NN_F1_MACRO, 682));
    EXPECT_STATUS(PN_ECONFIG, nn_metric_init(&metric, NN_F1_MACRO, 683));
    EXPECT_STATUS(PN_ECONFIG, nn_metric_init(&metric, NN_ACCURACY, 1));
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
        cmocka_unit_test(metrics_equal_the_goldens),
        cmocka_unit_test(exact_values_equal_scikit_learn),
        cmocka_unit_test(binned_auroc_is_within_its_bound_of_the_exact_one),
        cmocka_unit_test(merged_states_are_the_state_of_the_pooled_records),
        cmocka_unit_test(r2_does_not_cancel_where_the_mean_is_large),
        cmocka_unit_test(mean_of_means_would_be_wrong_and_is_not_what_merge_does),
        cmocka_unit_test(what_is_undefined_is_nan),
        cmocka_unit_test(a_score_that_is_nan_makes_the_metric_nan_and_cannot_be_sent),
        cmocka_unit_test(extreme_scores_stay_finite),
        cmocka_unit_test(what_is_encoded_decodes_to_the_same_state),
        cmocka_unit_test(a_full_state_fits_its_limit),
        cmocka_unit_test(states_that_cannot_be_are_refused),
        cmocka_unit_test(other_states_that_cannot_be_are_refused),
        cmocka_unit_test(metrics_fit_their_number_of_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
