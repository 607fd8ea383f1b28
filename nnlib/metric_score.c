/* Metrics of shares: ranking in bins of the logit, and how good the shares are. */
#include "nnlib/metric_rule.h"

#include <math.h>

/* A score is kept this far from 0 and 1, so that a single sure mistake stays finite. It is the
 * resolution of a float near 1. */
static const double score_margin = 1e-7;
/* Bins cover logits -16..16: float shares beyond are 0 or 1 within their resolution. */
static const double logit_range = 16;

uint32_t
nn_rule_bins(uint32_t classes)
{
    (void)classes;
    return NN_BINS;
}

uint32_t
nn_rule_ece_bins(uint32_t classes)
{
    (void)classes;
    return NN_ECE_BINS;
}

static double
clamp(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

static uint32_t
bin_of(double score)
{
    double p     = clamp(score, 1e-30, 1 - 0x1p-53);
    double logit = clamp(log(p / (1 - p)), -logit_range, logit_range);
    double place = floor((logit + logit_range) * (NN_BINS / (2 * logit_range)));
    return place >= NN_BINS ? NN_BINS - 1 : (uint32_t)place;
}

void
nn_rule_count_bin(struct nn_metric *metric, const nn_real *score, double target)
{
    nn_metric_tick(metric, (size_t)target * NN_BINS + bin_of((double)score[0]));
}

bool
nn_rule_bins_add_up(const struct nn_metric *metric)
{
    return metric->sum[0] == 0 && nn_metric_cell_sum(metric, 0, 2 * NN_BINS) == metric->count;
}

/* Pairs in the right order, those of one bin counted half: twice the area in whole numbers, so that
 * merged states give the very value of the pooled records. */
double
nn_rule_auroc(const struct nn_metric *metric)
{
    const uint32_t *off = metric->cells, *on = metric->cells + NN_BINS;
    uint64_t        positives = 0, negatives = 0;
    pn_u128         twice = 0;
    for (int b = NN_BINS - 1; b >= 0; b--) {
        twice += (pn_u128)off[b] * (2 * positives + on[b]);
        positives += on[b];
        negatives += off[b];
    }
    if (positives == 0 || negatives == 0)
        return (double)NAN;
    return (double)twice / (2.0 * (double)positives * (double)negatives);
}

double
nn_rule_gini(const struct nn_metric *metric)
{
    return 2 * nn_rule_auroc(metric) - 1;
}

double
nn_rule_auprc(const struct nn_metric *metric)
{
    const uint32_t *off = metric->cells, *on = metric->cells + NN_BINS;
    uint64_t        all = nn_metric_cell_sum(metric, NN_BINS, NN_BINS), positives = 0, taken = 0;
    double          area = 0;
    if (all == 0 || all == metric->count)
        return (double)NAN;
    for (int b = NN_BINS - 1; b >= 0; b--) {
        positives += on[b];
        taken += (uint64_t)on[b] + off[b];
        if (on[b] > 0)
            area += (double)on[b] / (double)all * ((double)positives / (double)taken);
    }
    return area;
}

double
nn_rule_ks(const struct nn_metric *metric)
{
    double off = (double)nn_metric_cell_sum(metric, 0, NN_BINS), off_so_far = 0;
    double on = (double)nn_metric_cell_sum(metric, NN_BINS, NN_BINS), on_so_far = 0, most = 0;
    if (off == 0 || on == 0)
        return (double)NAN;
    for (int b = NN_BINS - 1; b >= 0; b--) {
        off_so_far += metric->cells[b];
        on_so_far += metric->cells[NN_BINS + b];
        most = fmax(most, fabs(on_so_far / on - off_so_far / off));
    }
    return most;
}

/* ---- log_loss, perplexity, brier ---- */

/* The share that a model gave to the right class. */
static double
right_share(const struct nn_metric *metric, const nn_real *score, uint32_t label)
{
    if (metric->classes > 2)
        return (double)score[label];
    return label == 1 ? (double)score[0] : 1 - (double)score[0];
}

void
nn_rule_add_log(struct nn_metric *metric, const nn_real *score, double target)
{
    double share = right_share(metric, score, (uint32_t)target);
    metric->sum[0] -= log(clamp(share, score_margin, 1 - score_margin));
}

bool
nn_rule_log_adds_up(const struct nn_metric *metric)
{
    /* at most -log(margin) a record, and a little for the rounding of sums */
    double most = (double)metric->count * -log(score_margin) * (1 + 1e-6);
    return !signbit(metric->sum[0]) && metric->sum[0] <= most;
}

double
nn_rule_perplexity(const struct nn_metric *metric)
{
    return exp(metric->sum[0] / (double)metric->count);
}

void
nn_rule_add_brier(struct nn_metric *metric, const nn_real *score, double target)
{
    uint32_t width = metric->classes > 2 ? metric->classes : 1;
    for (uint32_t j = 0; j < width; j++) {
        double truth = width == 1 ? target : j == (uint32_t)target ? 1 : 0;
        double error = clamp((double)score[j], 0, 1) - truth;
        metric->sum[0] += error * error;
    }
}

bool
nn_rule_brier_adds_up(const struct nn_metric *metric)
{
    double each = metric->classes > 2 ? metric->classes : 1;
    return !signbit(metric->sum[0]) && metric->sum[0] <= (double)metric->count * each;
}

/* ---- ece: cells[right][bin] and the sum of the shares in each bin ---- */

/* Bins (lo, hi]. In the score's own precision, so that 0.4 is the end of a bin and not beyond. */
static uint32_t
share_bin(nn_real share)
{
    double place = ceil((double)(share * (nn_real)NN_ECE_BINS)) - 1;
    return (uint32_t)clamp(place, 0, NN_ECE_BINS - 1);
}

void
nn_rule_count_share(struct nn_metric *metric, const nn_real *score, double target)
{
    uint32_t guess = metric->classes > 2 ? nn_metric_guess(metric, score) : 0;
    nn_real  share = score[guess] < (nn_real)0   ? (nn_real)0
                     : score[guess] > (nn_real)1 ? (nn_real)1
                                                 : score[guess];
    uint32_t right = metric->classes > 2 ? guess == (uint32_t)target : (uint32_t)target;
    uint32_t bin   = share_bin(share);
    nn_metric_tick(metric, right * NN_ECE_BINS + bin);
    metric->sum[bin] += (double)share;
}

bool
nn_rule_shares_add_up(const struct nn_metric *metric)
{
    for (uint32_t b = 0; b < NN_ECE_BINS; b++) {
        double here = (double)metric->cells[b] + (double)metric->cells[NN_ECE_BINS + b];
        double low = b, high = b + 1, sum = metric->sum[b] * NN_ECE_BINS;
        if (signbit(metric->sum[b]) || sum < here * low * (1 - 1e-6) ||
            sum > here * high * (1 + 1e-6))
            return false;
    }
    return nn_metric_cell_sum(metric, 0, 2 * NN_ECE_BINS) == metric->count;
}

double
nn_metric_ece(const struct nn_metric *metric, uint32_t bins)
{
    PN_ASSERT(metric->kind == NN_ECE && bins > 0 && NN_ECE_BINS % bins == 0);
    uint32_t each = NN_ECE_BINS / bins;
    double   sum  = 0;
    if (metric->count == 0 || !isfinite(metric->sum[0]))
        return (double)NAN;
    for (uint32_t b = 0; b < NN_ECE_BINS; b += each) {
        double gap = (double)nn_metric_cell_sum(metric, NN_ECE_BINS + b, each);
        for (uint32_t i = b; i < b + each; i++)
            gap -= metric->sum[i];
        sum += fabs(gap);
    }
    return sum / (double)metric->count;
}

double
nn_rule_ece(const struct nn_metric *metric)
{
    return nn_metric_ece(metric, 10);
}
