#include "nnlib/gradient.h"

#include <math.h>

static const double norm_margin = 1e-6; /* PyTorch's, so that a norm of 0 divides nothing */

double
nn_square_sum(const nn_real *grad, size_t count)
{
    double lanes[4] = {0}; /* four sums: one would be a chain of additions, each waiting */
    size_t k        = 0;
    for (; k + 4 <= count; k += 4)
        for (size_t lane = 0; lane < 4; lane++)
            lanes[lane] += (double)grad[k + lane] * (double)grad[k + lane];
    for (; k < count; k++)
        lanes[0] += (double)grad[k] * (double)grad[k];
    return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

void
nn_clip_value(nn_real *grad, size_t count, double most)
{
    nn_real high = (nn_real)most;
    for (size_t k = 0; k < count; k++) /* NaN stays */
        grad[k] = grad[k] < -high ? -high : grad[k] > high ? high : grad[k];
}

double
nn_clip_factor(double norm, double most)
{
    double factor = most / (norm + norm_margin);
    return factor < 1 ? factor : 1;
}

double
nn_clip_norm(nn_real *grad, size_t count, double most)
{
    double  norm   = sqrt(nn_square_sum(grad, count));
    nn_real factor = (nn_real)(isfinite(norm) ? nn_clip_factor(norm, most) : (double)NAN);
    for (size_t k = 0; factor != (nn_real)1 && k < count; k++)
        grad[k] *= factor;
    return norm;
}
