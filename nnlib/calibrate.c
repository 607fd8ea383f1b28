#include "nnlib/calibrate.h"

#include <math.h>
#include <stdlib.h>

enum {
    ITERATIONS = 200
};

static int
by_score(const void *a, const void *b)
{
    double x = ((const struct nn_scored *)a)->score, y = ((const struct nn_scored *)b)->score;
    return (x > y) - (x < y);
}

enum pn_status
nn_scored_init(struct nn_scored *out, size_t *count, const nn_real *score, const nn_real *target,
               const nn_real *weight, size_t rows)
{
    size_t last = 0;
    if (rows == 0)
        return PN_EDATA;
    for (size_t r = 0; r < rows; r++) {
        double w  = weight != NULL ? (double)weight[r] : 1;
        bool   on = target[r] >= (nn_real)0.5;
        if (!isfinite(score[r]) || !isfinite(target[r]) || !isfinite(w) || w < 0)
            return PN_EDATA;
        out[r] = (struct nn_scored){(double)score[r], on ? w : 0, on ? 0 : w};
    }
    qsort(out, rows, sizeof *out, by_score);
    for (size_t r = 1; r < rows; r++) {
        if (out[r].score > out[last].score) {
            out[++last] = out[r];
            continue;
        }
        out[last].on += out[r].on;
        out[last].off += out[r].off;
    }
    *count = last + 1;
    return PN_OK;
}

enum pn_status
nn_scored_from_bins(struct nn_scored *out, size_t *count, const struct nn_metric *metric)
{
    static const double range = 32; /* logits -16..16, see nnlib/metric.h */
    size_t              n     = 0;
    PN_ASSERT(metric->kind == NN_AUROC || metric->kind == NN_AUPRC || metric->kind == NN_KS ||
              metric->kind == NN_GINI);
    for (size_t b = 0; b < NN_BINS && isfinite(metric->sum[0]); b++) {
        double off = metric->cells[b], on = metric->cells[NN_BINS + b];
        if (on + off > 0)
            out[n++] = (struct nn_scored){((double)b + 0.5) * range / NN_BINS - range / 2, on, off};
    }
    if (n == 0)
        return PN_EDATA;
    *count = n;
    return PN_OK;
}

/* Weights of both classes; false where one has none. */
static bool
both_classes(double *on, double *off, const struct nn_scored *scored, size_t count)
{
    *on = *off = 0;
    for (size_t i = 0; i < count; i++) {
        *on += scored[i].on;
        *off += scored[i].off;
    }
    return *on > 0 && *off > 0;
}

static double
sigmoid(double x)
{
    double e = exp(-fabs(x));
    return (x >= 0 ? 1 : e) / (1 + e);
}

static double
softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

/* ---- temperature: the loss is convex in 1 / T, so its slope has one root ---- */

/* The slope of the summed loss by beta = 1 / T. */
struct tempered {
    const nn_real          *logits, *target;
    const struct nn_scored *scored;
    size_t                  rows;
    uint32_t                size;
};

/* sum_j p_j z_j - z_t of one row, p = softmax(beta z) */
static double
row_slope(const nn_real *z, uint32_t size, uint32_t t, double beta)
{
    double max = (double)z[0], sum = 0, mean = 0;
    for (uint32_t j = 1; j < size; j++)
        max = fmax(max, (double)z[j]);
    for (uint32_t j = 0; j < size; j++) {
        double e = exp(beta * ((double)z[j] - max));
        sum += e;
        mean += e * (double)z[j];
    }
    return mean / sum - (double)z[t];
}

static double
slope_at(const struct tempered *f, double beta)
{
    double sum = 0;
    for (size_t r = 0; f->scored != NULL && r < f->rows; r++) {
        double z = f->scored[r].score;
        sum += z * (f->scored[r].off * sigmoid(beta * z) - f->scored[r].on * sigmoid(-beta * z));
    }
    for (size_t r = 0; f->scored == NULL && r < f->rows; r++) {
        const nn_real *z = f->logits + r * f->size;
        if (f->size > 1)
            sum += row_slope(z, f->size, (uint32_t)f->target[r], beta);
        else
            sum += (double)*z * (sigmoid(beta * (double)*z) - (double)f->target[r]);
    }
    return sum;
}

/* Halves the range of log beta: 60 times for the last digit of a double. */
static enum pn_status
find_temperature(double *out, const struct tempered *f)
{
    double low = log(1e-3), high = log(1e3);
    if (f->rows == 0)
        return PN_EDATA;
    for (int i = 0; i < ITERATIONS && high - low > 1e-15 * fmax(1, fabs(low)); i++) {
        double middle = (low + high) / 2, slope = slope_at(f, exp(middle));
        if (!isfinite(slope))
            return PN_EDATA;
        if (slope > 0)
            high = middle;
        else
            low = middle;
    }
    *out = exp(-(low + high) / 2);
    return PN_OK;
}

enum pn_status
nn_temperature_fit(double *out, const nn_real *logits, const nn_real *target, size_t rows,
                   uint32_t size)
{
    for (size_t k = 0; k < rows * size; k++)
        if (!isfinite(logits[k]))
            return PN_EDATA;
    for (size_t r = 0; r < rows; r++)
        if (!(target[r] >= (nn_real)0) || target[r] >= (nn_real)(size > 1 ? size : 2))
            return PN_EDATA;
    return find_temperature(
        out, &(struct tempered){.logits = logits, .target = target, .rows = rows, .size = size});
}

enum pn_status
nn_temperature_fit_scored(double *out, const struct nn_scored *scored, size_t count)
{
    return find_temperature(out, &(struct tempered){.scored = scored, .rows = count});
}

/* ---- Platt ---- */

/* The loss, and its first and second derivatives by a and b. */
struct newton {
    double loss, da, db, daa, dab, dbb;
};

static struct newton
look(const struct nn_platt *p, const struct nn_scored *scored, size_t count, double high,
     double low)
{
    struct newton n = {0};
    for (size_t i = 0; i < count; i++) {
        const struct nn_scored *s = &scored[i];
        double                  z = s->score, f = p->a * z + p->b;
        double                  on   = s->on * high + s->off * low; /* smoothed weight of class 1 */
        double                  off  = s->on + s->off - on;
        double                  q    = sigmoid(f); /* share of class 0 */
        double                  step = on * q - off * (1 - q), curve = (on + off) * q * (1 - q);
        n.loss += on * softplus(f) + off * softplus(-f);
        n.da += step * z;
        n.db += step;
        n.daa += curve * z * z;
        n.dab += curve * z;
        n.dbb += curve;
    }
    return n;
}

enum pn_status
nn_platt_fit(struct nn_platt *out, const struct nn_scored *scored, size_t count)
{
    double on, off;
    if (!both_classes(&on, &off, scored, count))
        return PN_EDATA;
    double          high = (on + 1) / (on + 2), low = 1 / (off + 2);
    struct nn_platt p = {.a = 0, .b = log((off + 1) / (on + 1))};
    struct newton   n = look(&p, scored, count, high, low);
    for (int i = 0; i < ITERATIONS && fabs(n.da) + fabs(n.db) > 1e-12 * (on + off); i++) {
        double ridge = 1e-12 * (n.daa + n.dbb); /* all scores may be equal */
        double daa = n.daa + ridge, dbb = n.dbb + ridge, det = daa * dbb - n.dab * n.dab;
        double a = -(dbb * n.da - n.dab * n.db) / det, b = -(daa * n.db - n.dab * n.da) / det;
        double slope = n.da * a + n.db * b, length = 1;
        for (; length > 1e-12; length /= 2) {
            struct nn_platt next = {.a = p.a + length * a, .b = p.b + length * b};
            struct newton   seen = look(&next, scored, count, high, low);
            if (seen.loss <= n.loss + 1e-4 * length * slope) {
                p = next;
                n = seen;
                break;
            }
        }
        if (length <= 1e-12) /* no step is better: as near as doubles come */
            break;
    }
    if (!isfinite(p.a) || !isfinite(p.b))
        return PN_EDATA;
    *out = p;
    return PN_OK;
}

double
nn_platt_share(const struct nn_platt *platt, double score)
{
    return sigmoid(-(platt->a * score + platt->b));
}

/* ---- isotonic ---- */

enum pn_status
nn_isotonic_fit(struct nn_step *steps, size_t *step_count, const struct nn_scored *scored,
                size_t count)
{
    double on, off;
    size_t n = 0;
    if (!both_classes(&on, &off, scored, count))
        return PN_EDATA;
    for (size_t i = 0; i < count; i++) {
        double weight = scored[i].on + scored[i].off;
        if (!(weight > 0))
            continue;
        steps[n++] = (struct nn_step){.first  = scored[i].score,
                                      .last   = scored[i].score,
                                      .share  = scored[i].on / weight,
                                      .weight = weight};
        for (; n > 1 && steps[n - 2].share >= steps[n - 1].share; n--) { /* one step of both */
            struct nn_step *low = &steps[n - 2], *high = &steps[n - 1];
            double          both = low->weight + high->weight;
            low->share           = (low->share * low->weight + high->share * high->weight) / both;
            low->weight          = both;
            low->last            = high->last;
        }
    }
    *step_count = n;
    return PN_OK;
}

double
nn_isotonic_share(const struct nn_step *steps, size_t step_count, double score)
{
    size_t low = 0, high = step_count;
    if (isnan(score))
        return score;
    while (high - low > 1) { /* the last step that begins at or below the score, or the first */
        size_t middle = low + (high - low) / 2;
        if (steps[middle].first <= score)
            low = middle;
        else
            high = middle;
    }
    const struct nn_step *step = &steps[low], *next = step + 1;
    if (score <= step->last || low + 1 == step_count)
        return step->share;
    double part = (score - step->last) / (next->first - step->last);
    return step->share + part * (next->share - step->share);
}

double
nn_prior_correct(double share, double weight)
{
    return share / (share + weight * (1 - share));
}
