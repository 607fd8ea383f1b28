#include "nnlib/weigh.h"

#include <math.h>
#include <string.h>

enum pn_status
nn_weigh_balanced(double *weights, const uint64_t *counts, uint32_t classes)
{
    double all = 0;
    for (uint32_t k = 0; k < classes; k++)
        all += (double)counts[k];
    for (uint32_t k = 0; all > 0 && k < classes; k++)
        weights[k] = counts[k] > 0 ? all / (classes * (double)counts[k]) : 0;
    return all > 0 ? PN_OK : PN_EDATA;
}

enum pn_status
nn_weigh_effective(double *weights, const uint64_t *counts, uint32_t classes, double beta)
{
    double all = 0, total = 0;
    for (uint32_t k = 0; k < classes; k++)
        all += (double)counts[k];
    if (all == 0)
        return PN_EDATA;
    for (uint32_t k = 0; k < classes; k++) {
        weights[k] = counts[k] > 0 ? (1 - beta) / (1 - pow(beta, (double)counts[k])) : 0;
        total += weights[k] * (double)counts[k];
    }
    for (uint32_t k = 0; k < classes; k++)
        weights[k] *= all / total;
    return PN_OK;
}

static bool
is_class(nn_real target, uint32_t classes)
{
    return target >= (nn_real)0 && target < (nn_real)classes && (nn_real)(uint32_t)target == target;
}

enum pn_status
nn_weigh_count(uint64_t *counts, uint32_t classes, const nn_real *target, size_t rows)
{
    for (size_t r = 0; r < rows; r++)
        if (!is_class(target[r], classes))
            return PN_EDATA;
    memset(counts, 0, classes * sizeof *counts);
    for (size_t r = 0; r < rows; r++)
        counts[(uint32_t)target[r]]++;
    return PN_OK;
}

enum pn_status
nn_weigh_records(nn_real *out, const nn_real *weight, const nn_real *target, size_t rows,
                 const double *weights, uint32_t classes)
{
    for (size_t r = 0; r < rows; r++)
        if (!is_class(target[r], classes) &&
            !(classes == 2 && target[r] > (nn_real)0 && target[r] < (nn_real)1))
            return PN_EDATA;
    for (size_t r = 0; r < rows; r++) {
        double t = (double)target[r], base = weight != NULL ? (double)weight[r] : 1;
        double of = classes == 2 ? (1 - t) * weights[0] + t * weights[1] : weights[(uint32_t)t];
        out[r]    = (nn_real)(base * of);
    }
    return PN_OK;
}
