#include "nnlib/metric.h"

#include <math.h>
#include <string.h>

const char *const nn_metric_names[] = {"accuracy", "auroc", "auprc", "log_loss", "rmse", NULL};

/* A score is kept this far from 0 and 1, so that a single sure mistake stays finite. It is the
 * resolution of a float near 1. */
static const double score_margin = 1e-7;
/* Bins cover logits -16..16: float shares beyond are 0 or 1 within their resolution. */
static const double logit_range = 16;
/* So many records that sums and products of counts below cannot overflow. */
static const uint64_t count_max = (uint64_t)1 << 48;

static bool
has_bins(enum nn_metric_kind kind)
{
    return kind == NN_AUROC || kind == NN_AUPRC;
}

bool
nn_metric_smaller_is_better(enum nn_metric_kind kind)
{
    return kind == NN_LOG_LOSS || kind == NN_RMSE;
}

static bool
fits(enum nn_metric_kind kind, uint32_t classes)
{
    switch (kind) {
    case NN_ACCURACY:
    case NN_LOG_LOSS:
        return classes >= 2;
    case NN_AUROC:
    case NN_AUPRC:
        return classes == 2;
    case NN_RMSE:
        return classes == 0;
    }
    return false;
}

size_t
nn_metrics_for(enum nn_metric_kind out[static NN_METRIC_COUNT], uint32_t classes)
{
    size_t count = 0;
    for (int kind = 0; kind < NN_METRIC_COUNT; kind++)
        if (fits((enum nn_metric_kind)kind, classes))
            out[count++] = (enum nn_metric_kind)kind;
    return count;
}

enum pn_status
nn_metric_init(struct nn_metric *metric, enum nn_metric_kind kind, uint32_t classes)
{
    if (!fits(kind, classes))
        return PN_ECONFIG;
    memset(metric, 0, sizeof *metric);
    metric->kind    = kind;
    metric->classes = classes;
    return PN_OK;
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

/* The share that a model gave to the right class. */
static double
right_share(const struct nn_metric *metric, const nn_real *score, uint32_t label)
{
    if (metric->classes > 2)
        return (double)score[label];
    return label == 1 ? (double)score[0] : 1 - (double)score[0];
}

static uint32_t
guess(const struct nn_metric *metric, const nn_real *score)
{
    uint32_t best = 0;
    if (metric->classes == 2)
        return score[0] >= (nn_real)0.5 ? 1 : 0;
    for (uint32_t j = 1; j < metric->classes; j++)
        if (score[j] > score[best])
            best = j;
    return best;
}

static bool
all_finite(const nn_real *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

static void
add_classified(struct nn_metric *metric, const nn_real *score, uint32_t label)
{
    if (has_bins(metric->kind)) {
        uint32_t *bin = &metric->bins[label][bin_of((double)score[0])];
        if (*bin == UINT32_MAX)
            metric->sum = (double)NAN; /* a full bin cannot count on: undefined, not wrong */
        else
            ++*bin;
    } else if (metric->kind == NN_ACCURACY) {
        metric->sum += guess(metric, score) == label ? 1 : 0;
    } else {
        metric->sum -=
            log(clamp(right_share(metric, score, label), score_margin, 1 - score_margin));
    }
}

void
nn_metric_add(struct nn_metric *metric, const nn_real *score, const nn_real *target, uint32_t rows)
{
    uint32_t width = metric->classes > 2 ? metric->classes : 1;
    for (uint32_t r = 0; r < rows; r++, score += width) {
        double t = (double)target[r];
        metric->count++;
        if (!all_finite(score, width) || !isfinite(t)) {
            metric->sum = (double)NAN;
        } else if (metric->classes == 0) {
            metric->sum += ((double)*score - t) * ((double)*score - t);
        } else if (metric->classes == 2) {
            add_classified(metric, score, t >= 0.5 ? 1 : 0); /* a soft label counts as its side */
        } else if (t >= 0 && t < metric->classes) {
            add_classified(metric, score, (uint32_t)t);
        } else {
            metric->sum = (double)NAN;
        }
    }
}

enum pn_status
nn_metric_merge(struct nn_metric *into, const struct nn_metric *from)
{
    if (into->kind != from->kind || into->classes != from->classes)
        return PN_ECONFIG;
    if (from->count > count_max || into->count > count_max - from->count)
        return PN_ERANGE;
    for (int label = 0; has_bins(into->kind) && label < 2; label++)
        for (int b = 0; b < NN_BINS; b++)
            if (from->bins[label][b] > UINT32_MAX - into->bins[label][b])
                return PN_ERANGE;
    /* From here on nothing fails. */
    for (int label = 0; has_bins(into->kind) && label < 2; label++)
        for (int b = 0; b < NN_BINS; b++)
            into->bins[label][b] += from->bins[label][b];
    into->count += from->count;
    into->sum += from->sum;
    return PN_OK;
}

/* Pairs in the right order, those of one bin counted half: twice the area in whole numbers, so that
 * merged states give the very value of the pooled records. */
static double
binned_auroc(const struct nn_metric *metric)
{
    uint64_t positives = 0, negatives = 0;
    pn_u128  twice = 0;
    for (int b = NN_BINS - 1; b >= 0; b--) {
        twice += (pn_u128)metric->bins[0][b] * (2 * positives + metric->bins[1][b]);
        positives += metric->bins[1][b];
        negatives += metric->bins[0][b];
    }
    if (positives == 0 || negatives == 0)
        return (double)NAN;
    return (double)twice / (2.0 * (double)positives * (double)negatives);
}

static double
binned_auprc(const struct nn_metric *metric)
{
    uint64_t all = 0, positives = 0, taken = 0;
    double   area = 0;
    for (int b = 0; b < NN_BINS; b++) {
        all += metric->bins[1][b];
        taken += metric->bins[0][b];
    }
    if (all == 0 || taken == 0)
        return (double)NAN;
    taken = 0;
    for (int b = NN_BINS - 1; b >= 0; b--) {
        uint32_t here = metric->bins[1][b];
        positives += here;
        taken += (uint64_t)here + metric->bins[0][b];
        if (here > 0)
            area += (double)here / (double)all * ((double)positives / (double)taken);
    }
    return area;
}

double
nn_metric_value(const struct nn_metric *metric)
{
    if (metric->count == 0 || !isfinite(metric->sum))
        return (double)NAN;
    switch (metric->kind) {
    case NN_ACCURACY:
    case NN_LOG_LOSS:
        return metric->sum / (double)metric->count;
    case NN_RMSE:
        return sqrt(metric->sum / (double)metric->count);
    case NN_AUROC:
        return binned_auroc(metric);
    case NN_AUPRC:
        return binned_auprc(metric);
    }
    PN_UNREACHABLE("metric kind");
}

/*
 * kind u8, classes u32, count u64, sum f64; with bins, for label 0 and then 1: the number of bins
 * that are not empty u16, and for each, in rising order, bin u16 and count u32.
 */
enum {
    HEAD  = 21,
    ENTRY = 6
};
_Static_assert(HEAD + 2 * (2 + NN_BINS * ENTRY) <= NN_METRIC_STATE_MAX, "a full state fits");

static size_t
encode_bins(uint8_t *out, const uint32_t *bins)
{
    uint16_t filled = 0;
    size_t   size   = 2;
    for (uint16_t b = 0; b < NN_BINS; b++) {
        if (bins[b] == 0)
            continue;
        pn_put_u16(out + size, b);
        pn_put_u32(out + size + 2, bins[b]);
        size += ENTRY;
        filled++;
    }
    pn_put_u16(out, filled);
    return size;
}

enum pn_status
nn_metric_encode(struct pn_buffer *out, const struct nn_metric *metric)
{
    uint8_t bytes[NN_METRIC_STATE_MAX];
    size_t  size = HEAD;
    if (!isfinite(metric->sum) || metric->count > count_max)
        return PN_EDIVERGED;
    bytes[0] = (uint8_t)metric->kind;
    pn_put_u32(bytes + 1, metric->classes);
    pn_put_u64(bytes + 5, metric->count);
    pn_put_f64(bytes + 13, metric->sum);
    for (int label = 0; has_bins(metric->kind) && label < 2; label++)
        size += encode_bins(bytes + size, metric->bins[label]);
    return pn_buffer_append(out, bytes, size);
}

/* One label's bins; advances `*at` and adds to `*count`. */
static enum pn_status
decode_bins(uint32_t *bins, uint64_t *count, const uint8_t *bytes, size_t size, size_t *at)
{
    if (size - *at < 2)
        return PN_EPEER_FORMAT;
    uint16_t filled = pn_get_u16(bytes + *at);
    *at += 2;
    if (filled > NN_BINS || (size - *at) / ENTRY < filled)
        return PN_EPEER_FORMAT;
    uint32_t next = 0; /* bins rise, so that a state has one form */
    for (uint16_t i = 0; i < filled; i++, *at += ENTRY) {
        uint32_t bin = pn_get_u16(bytes + *at), here = pn_get_u32(bytes + *at + 2);
        if (bin < next || bin >= NN_BINS || here == 0)
            return PN_EPEER_FORMAT;
        next      = bin + 1;
        bins[bin] = here;
        *count += here;
    }
    return PN_OK;
}

/* Of a difference of two floats: above it a sum is no record's, and sums of sites stay finite. */
static const double square_max = 1e78;

/* Whether `sum` can come from `count` records. */
static bool
adds_up(const struct nn_metric *metric, uint64_t in_bins)
{
    double count = (double)metric->count;
    if (!isfinite(metric->sum) || signbit(metric->sum) || metric->count > count_max)
        return false;
    switch (metric->kind) {
    case NN_ACCURACY:
        return metric->sum <= count && floor(metric->sum) == metric->sum;
    case NN_LOG_LOSS: /* at most -log(margin) a record, and a little for the rounding of sums */
        return metric->sum <= count * -log(score_margin) * (1 + 1e-6);
    case NN_RMSE:
        return metric->sum <= count * square_max; /* 0 when there is no record */
    case NN_AUROC:
    case NN_AUPRC:
        return metric->sum == 0 && in_bins == metric->count;
    }
    return false;
}

enum pn_status
nn_metric_decode(struct nn_metric *out, enum nn_metric_kind kind, uint32_t classes,
                 const uint8_t *bytes, size_t size)
{
    struct nn_metric metric;
    uint64_t         in_bins = 0;
    size_t           at      = HEAD;
    enum pn_status   st      = nn_metric_init(&metric, kind, classes);
    if (st != PN_OK)
        return st;
    if (size < HEAD || bytes[0] != (uint8_t)kind || pn_get_u32(bytes + 1) != classes)
        return PN_EPEER_FORMAT;
    metric.count = pn_get_u64(bytes + 5);
    metric.sum   = pn_get_f64(bytes + 13);
    for (int label = 0; has_bins(kind) && label < 2; label++)
        if ((st = decode_bins(metric.bins[label], &in_bins, bytes, size, &at)) != PN_OK)
            return st;
    if (at != size)
        return PN_EPEER_FORMAT;
    if (!adds_up(&metric, in_bins))
        return PN_EPEER_VALUE;
    *out = metric;
    return PN_OK;
}
