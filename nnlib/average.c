#include "nnlib/average.h"

#include <string.h>

static void
approach(nn_real *average, const nn_real *theta, size_t count, double part, uint64_t seen)
{
    nn_real step = (nn_real)part;
    if (seen == 0)
        memcpy(average, theta, count * sizeof *average);
    else
        for (size_t k = 0; k < count; k++)
            average[k] += step * (theta[k] - average[k]);
}

void
nn_average_exponential(nn_real *average, const nn_real *theta, size_t count, double decay,
                       uint64_t seen)
{
    approach(average, theta, count, 1 - decay, seen);
}

void
nn_average_polyak(nn_real *average, const nn_real *theta, size_t count, uint64_t seen)
{
    approach(average, theta, count, 1 / ((double)seen + 1), seen);
}
