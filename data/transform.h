/*
 * data/transform -- changes of one record, each a pure function of its arguments.
 *
 * An image is (C, H, W), a series (T, F) with time first.
 *
 * Memory     the caller's; `out` and `x` do not overlap.
 */
#ifndef DATA_TRANSFORM_H
#define DATA_TRANSFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct data_planes {
    uint32_t count, height, width;
};

/* In place: x[c, h, w] <-> x[c, h, W-1-w], or x[c, H-1-h, w] when vertical. */
void data_transform_flip(float *x, struct data_planes size, bool vertical);

enum data_border {
    DATA_BORDER_ZERO,  /* 0 outside */
    DATA_BORDER_REPEAT /* the nearest pixel */
};
/* out[c, h, w] = x[c, h + down, w + right]. */
void data_transform_move(float *out, const float *x, struct data_planes size, int32_t down,
                         int32_t right, enum data_border border);

/*
 * out[t, f] = x at the time tau(t), linear between steps. The clock runs at speeds given at `knots`
 * equidistant points of [0, T-1], linear in between; tau is its sum from 0, scaled to end at T-1:
 * so the ends stay and time never runs backwards. Speeds of 1 change no bit. speeds > 0,
 * knots >= 2. (Um et al. 2017, "Data augmentation of wearable sensor data", with straight pieces
 * for the spline.)
 */
void data_transform_warp(float *out, const float *x, uint32_t steps, uint32_t features,
                         const double *speeds, uint32_t knots);

/* In place: x = share x + (1 - share) other. share 1 changes no bit. */
void data_transform_mix(float *x, const float *other, size_t count, double share);

#endif
