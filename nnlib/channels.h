/*
 * nnlib/channels -- the channels of a value, and sums over them; inside nnlib only.
 *
 *     (F)        F channels of one number
 *     (T, F)     F channels of one number, at T positions
 *     (C, H, W)  C channels of H x W numbers
 *
 * so that a number of a record is at ((position * count) + channel) * area + place.
 */
#ifndef NNLIB_CHANNELS_H
#define NNLIB_CHANNELS_H

#include "nnlib/layer.h"

struct nn_channels {
    size_t positions, count, area;
};

static inline struct nn_channels
nn_channels_of(const struct nn_shape *shape)
{
    if (shape->dims == 3)
        return (struct nn_channels){1, shape->dim[0], (size_t)shape->dim[1] * shape->dim[2]};
    if (shape->dims == 2)
        return (struct nn_channels){shape->dim[0], shape->dim[1], 1};
    return (struct nn_channels){1, shape->dim[0], 1};
}

/* Sums run in lanes, since the order of additions is fixed and one lane would be slow. */
enum {
    NN_LANES = 16
};

static inline nn_real
nn_sum_lanes(const nn_real lane[static NN_LANES])
{
    nn_real four[4] = {0};
    for (int l = 0; l < NN_LANES; l++)
        four[l % 4] += lane[l];
    return (four[0] + four[1]) + (four[2] + four[3]);
}

/* sum x[k] */
static inline nn_real
nn_sum(const nn_real *x, size_t count)
{
    nn_real lane[NN_LANES] = {0};
    size_t  k              = 0;
    for (; k + NN_LANES <= count; k += NN_LANES)
        for (size_t l = 0; l < NN_LANES; l++)
            lane[l] += x[k + l];
    for (size_t l = 0; k < count; k++, l++)
        lane[l] += x[k];
    return nn_sum_lanes(lane);
}

/* sum g[k] (x[k] - mean) */
static inline nn_real
nn_sum_product(const nn_real *g, const nn_real *x, nn_real mean, size_t count)
{
    nn_real lane[NN_LANES] = {0};
    size_t  k              = 0;
    for (; k + NN_LANES <= count; k += NN_LANES)
        for (size_t l = 0; l < NN_LANES; l++)
            lane[l] += g[k + l] * (x[k + l] - mean);
    for (size_t l = 0; k < count; k++, l++)
        lane[l] += g[k] * (x[k] - mean);
    return nn_sum_lanes(lane);
}

/* sum (x[k] - mean)^2 */
static inline nn_real
nn_sum_squares(const nn_real *x, nn_real mean, size_t count)
{
    nn_real lane[NN_LANES] = {0};
    size_t  k              = 0;
    for (; k + NN_LANES <= count; k += NN_LANES)
        for (size_t l = 0; l < NN_LANES; l++)
            lane[l] += (x[k + l] - mean) * (x[k + l] - mean);
    for (size_t l = 0; k < count; k++, l++)
        lane[l] += (x[k] - mean) * (x[k] - mean);
    return nn_sum_lanes(lane);
}

/* |x|^2 in double, for gradients of single records. */
static inline double
nn_squared(const nn_real *x, size_t count)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += (double)x[k] * (double)x[k];
    return sum;
}

#endif
