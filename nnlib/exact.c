/* Exact values: sort by score, records of one score as one group. */
#include "nnlib/metric.h"

#include <math.h>
#include <string.h>

struct item {
    nn_real  score;
    uint32_t positive;
};

size_t
nn_exact_scratch_bytes(size_t count)
{
    return count <= SIZE_MAX / sizeof(struct item) ? count * sizeof(struct item) : SIZE_MAX;
}

static void
sift(struct item *items, size_t at, size_t count)
{
    struct item moving = items[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && items[child + 1].score < items[child].score)
            child++;
        if (!(items[child].score < moving.score))
            break;
        items[at] = items[child];
    }
    items[at] = moving;
}

/* Heap sort, largest score first: in place, where qsort may allocate. */
static void
sort(struct item *items, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift(items, i, count);
    for (size_t left = count; left > 1; left--) {
        struct item smallest = items[0];
        items[0]             = items[left - 1];
        items[left - 1]      = smallest;
        sift(items, 0, left - 1);
    }
}

/* False where the value is undefined: NaN, or records of one class only. */
static bool
prepare(struct item *items, size_t *positives, const nn_real *score, const nn_real *target,
        size_t count)
{
    *positives = 0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(score[i]) || isnan(target[i]))
            return false;
        items[i] = (struct item){.score = score[i], .positive = target[i] >= (nn_real)0.5};
        *positives += items[i].positive;
    }
    if (*positives == 0 || *positives == count)
        return false;
    sort(items, count);
    return true;
}

/* Counts the group that begins at `at`; returns the place behind it. */
static size_t
group(const struct item *items, size_t at, size_t count, size_t *positives)
{
    size_t end = at;
    *positives = 0;
    while (end < count && !(items[end].score < items[at].score))
        *positives += items[end++].positive;
    return end;
}

double
nn_auroc_exact(const nn_real *score, const nn_real *target, size_t count, void *scratch)
{
    size_t       positives, above = 0, here;
    struct item *items = scratch;
    pn_u128      twice = 0;
    if (!prepare(items, &positives, score, target, count))
        return (double)NAN;
    for (size_t at = 0; at < count;) {
        size_t end = group(items, at, count, &here);
        twice += (pn_u128)(end - at - here) * (2 * above + here);
        above += here;
        at = end;
    }
    return (double)twice / (2.0 * (double)positives * (double)(count - positives));
}

double
nn_auprc_exact(const nn_real *score, const nn_real *target, size_t count, void *scratch)
{
    size_t       positives, above = 0, here;
    struct item *items = scratch;
    double       area  = 0;
    if (!prepare(items, &positives, score, target, count))
        return (double)NAN;
    for (size_t at = 0; at < count;) {
        at = group(items, at, count, &here);
        above += here;
        area += (double)here / (double)positives * ((double)above / (double)at);
    }
    return area;
}

double
nn_ks_exact(const nn_real *score, const nn_real *target, size_t count, void *scratch)
{
    size_t       positives, above = 0, here;
    struct item *items = scratch;
    double       most  = 0;
    if (!prepare(items, &positives, score, target, count))
        return (double)NAN;
    for (size_t at = 0; at < count;) {
        at = group(items, at, count, &here);
        above += here;
        double hits = (double)above / (double)positives;
        most        = fmax(most, fabs(hits - (double)(at - above) / (double)(count - positives)));
    }
    return most;
}

double
nn_pr_trapezoid_exact(const nn_real *score, const nn_real *target, size_t count, void *scratch)
{
    size_t       positives, above = 0, here;
    struct item *items = scratch;
    double       area = 0, before = 1; /* precision where nothing is taken yet */
    if (!prepare(items, &positives, score, target, count))
        return (double)NAN;
    for (size_t at = 0; at < count;) {
        at = group(items, at, count, &here);
        above += here;
        double precision = (double)above / (double)at;
        area += (double)here / (double)positives * (precision + before) / 2;
        before = precision;
    }
    return area;
}

double
nn_median_error_exact(const nn_real *output, const nn_real *target, size_t count, void *scratch)
{
    struct item *items = scratch;
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct item){.score = (nn_real)fabs((double)output[i] - (double)target[i])};
        if (isnan(items[i].score))
            return (double)NAN;
    }
    if (count == 0)
        return (double)NAN;
    sort(items, count);
    return ((double)items[(count - 1) / 2].score + (double)items[count / 2].score) / 2;
}
