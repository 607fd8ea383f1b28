/* Metrics of numbers. sum[0] is of errors. */
#include "nnlib/metric_rule.h"

#include <float.h>
#include <math.h>

/* Of a difference of two floats: above it a sum is no record's, and sums of sites stay finite. */
static const double square_max = 1e78;

static double
error_of(const nn_real *score, double target)
{
    return (double)*score - target;
}

void
nn_rule_add_square(struct nn_metric *metric, const nn_real *score, double target)
{
    metric->sum[0] += error_of(score, target) * error_of(score, target);
}

void
nn_rule_add_error(struct nn_metric *metric, const nn_real *score, double target)
{
    metric->sum[0] += fabs(error_of(score, target));
}

/* A target of 0 divides by the smallest step instead, as in scikit-learn. */
void
nn_rule_add_share_of_target(struct nn_metric *metric, const nn_real *score, double target)
{
    metric->sum[0] += fabs(error_of(score, target)) / fmax(fabs(target), DBL_EPSILON);
}

void
nn_rule_add_share_of_both(struct nn_metric *metric, const nn_real *score, double target)
{
    double both = fabs((double)*score) + fabs(target);
    metric->sum[0] += both > 0 ? 2 * fabs(error_of(score, target)) / both : 0;
}

/* Welford, 1962. The count holds this record already. */
void
nn_rule_add_moments(struct nn_metric *metric, const nn_real *score, double target)
{
    double from = target - metric->sum[1];
    metric->sum[1] += from / (double)metric->count;
    metric->sum[2] += from * (target - metric->sum[1]);
    nn_rule_add_square(metric, score, target);
}

/* Chan, Golub and LeVeque, 1979: M2 = M2_a + M2_b + d^2 n_a n_b / n. */
void
nn_rule_merge_moments(struct nn_metric *into, const struct nn_metric *from)
{
    double a = (double)into->count, b = (double)from->count, d = from->sum[1] - into->sum[1];
    into->sum[0] += from->sum[0];
    into->sum[1] += d * (b / (a + b));
    into->sum[2] += from->sum[2] + d * d * (a * (b / (a + b)));
}

double
nn_rule_mean(const struct nn_metric *metric)
{
    return metric->sum[0] / (double)metric->count;
}

double
nn_rule_root(const struct nn_metric *metric)
{
    return sqrt(nn_rule_mean(metric));
}

double
nn_rule_r2(const struct nn_metric *metric)
{
    return metric->sum[2] > 0 ? 1 - metric->sum[0] / metric->sum[2] : (double)NAN;
}

/* Infinite where there is no error at all. */
double
nn_rule_psnr(const struct nn_metric *metric)
{
    return -10 * log10(nn_rule_mean(metric));
}

bool
nn_rule_whole_adds_up(const struct nn_metric *metric)
{
    return !signbit(metric->sum[0]) && metric->sum[0] <= (double)metric->count &&
           floor(metric->sum[0]) == metric->sum[0];
}

bool
nn_rule_numbers_add_up(const struct nn_metric *metric)
{
    return !signbit(metric->sum[0]) && metric->sum[0] <= (double)metric->count * square_max;
}

bool
nn_rule_both_adds_up(const struct nn_metric *metric)
{
    return !signbit(metric->sum[0]) && metric->sum[0] <= 2 * (double)metric->count * (1 + 1e-6);
}

bool
nn_rule_moments_add_up(const struct nn_metric *metric)
{
    double count = (double)metric->count;
    return nn_rule_numbers_add_up(metric) && fabs(metric->sum[1]) <= (count > 0 ? 1e39 : 0) &&
           !signbit(metric->sum[2]) && metric->sum[2] <= (count > 1 ? count : 0) * square_max;
}
