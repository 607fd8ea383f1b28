#include "fed/bound.h"

#include "fed/update.h"

#include <math.h>

double
fed_bound_norm_max(size_t count)
{
    return 128 * sqrt((double)count);
}

void
fed_bound_add(struct fed_bound *bound, uint64_t weight, double norm, bool kept)
{
    double part = (double)weight * norm;
    bound->weights += weight;
    bound->all += part;
    if (kept)
        return;
    bound->gone += part;
    bound->largest = fmax(bound->largest, part);
}

struct squares {
    double rest, size;
};

/* A part at a time, so that the sum of very many squares loses no more digits than that of few. */
static struct squares
sum_squares(const float *after, const float *before, const int64_t *sum, size_t count, double units)
{
    enum {
        PART = 4096
    };
    struct squares total = {0};
    for (size_t at = 0; at < count; at += PART) {
        struct squares part = {0};
        for (size_t k = at; k < count && k < at + PART; k++) {
            double rest = (double)after[k] - (double)before[k] - (double)sum[k] / units;
            part.rest += rest * rest;
            part.size += (double)after[k] * (double)after[k];
        }
        total.rest += part.rest;
        total.size += part.size;
    }
    return total;
}

bool
fed_bound_check(struct fed_bound_range *out, const struct fed_bound *bound, const float *after,
                const float *before, const int64_t *sum, size_t count)
{
    double         total = (double)bound->weights, one_unit = 1 << FED_FRACTION_BITS;
    struct squares squares = sum_squares(after, before, sum, count, total * one_unit);
    double         slack   = ldexp(sqrt(squares.size) + bound->all / total, -23);
    *out                   = (struct fed_bound_range){
                          .rest  = sqrt(squares.rest),
                          .least = fmax(0, (2 * bound->largest - bound->gone) / total - slack),
                          .most  = bound->gone / total + slack,
    };
    return isfinite(out->rest) && out->least <= out->rest && out->rest <= out->most;
}
