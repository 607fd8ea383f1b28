/* Metrics of how often each class is true, guessed and right; of two classes, class 1 is "it". */
#include "nnlib/metric_rule.h"

#include <math.h>

uint32_t
nn_rule_classes(uint32_t classes)
{
    return classes;
}

uint32_t
nn_rule_matrix(uint32_t classes)
{
    return classes <= 45 ? classes * classes : NN_METRIC_CELLS + 1; /* 46^2 cells are too many */
}

/* How often class k is true, guessed, and both. */
struct tally {
    double truth, guess, right;
};

static struct tally
tally_of(const struct nn_metric *metric, uint32_t k)
{
    const uint32_t *cells = metric->cells;
    uint32_t        n     = metric->classes;
    return (struct tally){.truth = cells[k], .guess = cells[n + k], .right = cells[2 * n + k]};
}

void
nn_rule_count_classes(struct nn_metric *metric, const nn_real *score, double target)
{
    uint32_t n = metric->classes, truth = (uint32_t)target, guess = nn_metric_guess(metric, score);
    nn_metric_tick(metric, truth);
    nn_metric_tick(metric, n + guess);
    if (truth == guess)
        nn_metric_tick(metric, 2 * n + truth);
}

void
nn_rule_count_pair(struct nn_metric *metric, const nn_real *score, double target)
{
    nn_metric_tick(metric, (size_t)target * metric->classes + nn_metric_guess(metric, score));
}

bool
nn_rule_classes_add_up(const struct nn_metric *metric)
{
    uint32_t n          = metric->classes;
    double   truth_left = 0, guess_left = 0, most = 0;
    for (uint32_t k = 0; k < n; k++) {
        struct tally t = tally_of(metric, k);
        if (t.right > t.truth || t.right > t.guess)
            return false;
        truth_left += t.truth - t.right;
        guess_left += t.guess - t.right;
        most = fmax(most, t.truth - t.right + t.guess - t.right);
    }
    /* Wrong guesses go from one class to another: no class has more than all of them. */
    return metric->sum[0] == 0 && truth_left == guess_left && most <= truth_left &&
           nn_metric_cell_sum(metric, 0, n) == metric->count;
}

bool
nn_rule_matrix_adds_up(const struct nn_metric *metric)
{
    return metric->sum[0] == 0 &&
           nn_metric_cell_sum(metric, 0, nn_rule_matrix(metric->classes)) == metric->count;
}

uint32_t
nn_metric_confusion(const struct nn_metric *metric, uint32_t truth, uint32_t guess)
{
    PN_ASSERT(metric->kind == NN_CONFUSION && truth < metric->classes && guess < metric->classes);
    return metric->cells[truth * metric->classes + guess];
}

double
nn_rule_trace(const struct nn_metric *metric)
{
    double right = 0;
    for (uint32_t k = 0; k < metric->classes; k++)
        right += metric->cells[k * metric->classes + k];
    return right / (double)metric->count;
}

/* ---- right or wrong, one sum ---- */

void
nn_rule_add_right(struct nn_metric *metric, const nn_real *score, double target)
{
    metric->sum[0] += nn_metric_guess(metric, score) == (uint32_t)target ? 1 : 0;
}

/* Among equals the lower class comes first, as in a guess. */
static void
add_top(struct nn_metric *metric, const nn_real *score, uint32_t truth, uint32_t most)
{
    uint32_t before = 0;
    for (uint32_t j = 0; j < metric->classes; j++)
        before += score[j] > score[truth] || (score[j] >= score[truth] && j < truth);
    metric->sum[0] += before < most ? 1 : 0;
}

void
nn_rule_add_top3(struct nn_metric *metric, const nn_real *score, double target)
{
    add_top(metric, score, (uint32_t)target, 3);
}

void
nn_rule_add_top5(struct nn_metric *metric, const nn_real *score, double target)
{
    add_top(metric, score, (uint32_t)target, 5);
}

/* ---- of class 1 ---- */

static double
ratio(double part, double whole)
{
    return whole > 0 ? part / whole : (double)NAN;
}

double
nn_rule_precision(const struct nn_metric *metric)
{
    struct tally t = tally_of(metric, 1);
    return ratio(t.right, t.guess);
}

double
nn_rule_recall(const struct nn_metric *metric)
{
    struct tally t = tally_of(metric, 1);
    return ratio(t.right, t.truth);
}

double
nn_rule_f1(const struct nn_metric *metric)
{
    struct tally t = tally_of(metric, 1);
    return ratio(2 * t.right, t.truth + t.guess);
}

double
nn_rule_specificity(const struct nn_metric *metric)
{
    struct tally t = tally_of(metric, 0);
    return ratio(t.right, t.truth);
}

/* ---- means over classes ---- */

static double
precision_of(struct tally t)
{
    return t.guess > 0 ? t.right / t.guess : 0;
}

static double
recall_of(struct tally t)
{
    return t.truth > 0 ? t.right / t.truth : 0;
}

static double
f1_of(struct tally t)
{
    return t.truth + t.guess > 0 ? 2 * t.right / (t.truth + t.guess) : 0;
}

static double
macro(const struct nn_metric *metric, double (*of)(struct tally))
{
    double sum = 0, occur = 0;
    for (uint32_t k = 0; k < metric->classes; k++) {
        struct tally t = tally_of(metric, k);
        sum += of(t);
        occur += t.truth + t.guess > 0 ? 1 : 0;
    }
    return sum / occur;
}

static double
weighted(const struct nn_metric *metric, double (*of)(struct tally))
{
    double sum = 0;
    for (uint32_t k = 0; k < metric->classes; k++) {
        struct tally t = tally_of(metric, k);
        sum += t.truth * of(t);
    }
    return sum / (double)metric->count;
}

double
nn_rule_precision_macro(const struct nn_metric *metric)
{
    return macro(metric, precision_of);
}

double
nn_rule_recall_macro(const struct nn_metric *metric)
{
    return macro(metric, recall_of);
}

double
nn_rule_f1_macro(const struct nn_metric *metric)
{
    return macro(metric, f1_of);
}

double
nn_rule_precision_weighted(const struct nn_metric *metric)
{
    return weighted(metric, precision_of);
}

double
nn_rule_recall_weighted(const struct nn_metric *metric)
{
    return weighted(metric, recall_of);
}

double
nn_rule_f1_weighted(const struct nn_metric *metric)
{
    return weighted(metric, f1_of);
}

/* Every record has one class and one guess: precision, recall and f1 are all the accuracy. */
double
nn_rule_micro(const struct nn_metric *metric)
{
    uint32_t n = metric->classes;
    return (double)nn_metric_cell_sum(metric, 2 * n, n) / (double)metric->count;
}

double
nn_rule_balanced_accuracy(const struct nn_metric *metric)
{
    double sum = 0, occur = 0;
    for (uint32_t k = 0; k < metric->classes; k++) {
        struct tally t = tally_of(metric, k);
        sum += recall_of(t);
        occur += t.truth > 0 ? 1 : 0;
    }
    return sum / occur;
}

/* sum_k truth[k]^a guess[k]^b of the exponents 2 and 0, 0 and 2, 1 and 1, in whole numbers. */
struct products {
    pn_i128 truths, guesses, both;
};

static struct products
products_of(const struct nn_metric *metric)
{
    struct products p = {0};
    for (uint32_t k = 0; k < metric->classes; k++) {
        pn_i128 truth = metric->cells[k], guess = metric->cells[metric->classes + k];
        p.truths += truth * truth;
        p.guesses += guess * guess;
        p.both += truth * guess;
    }
    return p;
}

/* Gorodkin, 2004, formula 8; of two classes it is Matthews'. */
double
nn_rule_mcc(const struct nn_metric *metric)
{
    uint32_t        n     = metric->classes;
    struct products p     = products_of(metric);
    pn_i128         all   = (pn_i128)metric->count;
    pn_i128         right = (pn_i128)nn_metric_cell_sum(metric, 2 * n, n);
    double spread = sqrt((double)(all * all - p.truths)) * sqrt((double)(all * all - p.guesses));
    return spread > 0 ? (double)(right * all - p.both) / spread : (double)NAN;
}

/* Cohen, 1960: (seen - chance) / (1 - chance) */
double
nn_rule_kappa(const struct nn_metric *metric)
{
    uint32_t        n     = metric->classes;
    struct products p     = products_of(metric);
    pn_i128         all   = (pn_i128)metric->count;
    pn_i128         right = (pn_i128)nn_metric_cell_sum(metric, 2 * n, n);
    return ratio((double)(right * all - p.both), (double)(all * all - p.both));
}
