#include "data/transform.h"

#include <math.h>
#include <string.h>

static void
swap(float *a, float *b)
{
    float kept = *a;
    *a         = *b;
    *b         = kept;
}

void
data_transform_flip(float *x, struct data_planes size, bool vertical)
{
    const size_t h_size = size.height, w_size = size.width;
    for (size_t c = 0; c < size.count; c++, x += h_size * w_size)
        for (size_t h = 0; h < (vertical ? h_size / 2 : h_size); h++)
            for (size_t w = 0; w < (vertical ? w_size : w_size / 2); w++)
                swap(&x[h * w_size + w], vertical ? &x[(h_size - 1 - h) * w_size + w]
                                                  : &x[h * w_size + w_size - 1 - w]);
}

static int64_t
clamp(int64_t at, int64_t size)
{
    return at < 0 ? 0 : at >= size ? size - 1 : at;
}

void
data_transform_move(float *out, const float *x, struct data_planes size, int32_t down,
                    int32_t right, enum data_border border)
{
    const int64_t h_size = size.height, w_size = size.width;
    for (uint32_t c = 0; c < size.count; c++, x += h_size * w_size)
        for (int64_t h = 0; h < h_size; h++)
            for (int64_t w = 0; w < w_size; w++) {
                int64_t from_h = clamp(h + down, h_size), from_w = clamp(w + right, w_size);
                bool    inside = from_h == h + down && from_w == w + right;
                *out++ =
                    inside || border == DATA_BORDER_REPEAT ? x[from_h * w_size + from_w] : 0.0f;
            }
}

static double
speed_at(uint32_t t, uint32_t steps, const double *speeds, uint32_t knots)
{
    double   place = (double)t * (knots - 1) / (steps - 1);
    uint32_t knot  = (uint32_t)place < knots - 1 ? (uint32_t)place : knots - 2;
    double   part  = place - knot;
    return speeds[knot] + part * (speeds[knot + 1] - speeds[knot]);
}

void
data_transform_warp(float *out, const float *x, uint32_t steps, uint32_t features,
                    const double *speeds, uint32_t knots)
{
    double total = 0.0, now = 0.0;
    if (steps < 2) {
        memcpy(out, x, (size_t)steps * features * sizeof *x);
        return;
    }
    for (uint32_t t = 0; t + 1 < steps; t++)
        total += speed_at(t, steps, speeds, knots);
    for (uint32_t t = 0; t < steps; t++) {
        /* The scale is exactly 1 where all speeds are 1. */
        double       tau  = fmin(now * ((steps - 1) / total), steps - 1);
        uint32_t     from = (uint32_t)tau < steps - 1 ? (uint32_t)tau : steps - 2;
        float        part = (float)(tau - from); /* 1 at the end: what tau lost is below a float */
        const float *before = x + (size_t)from * features, *after = before + features;
        for (uint32_t f = 0; f < features; f++)
            *out++ = part <= 0.0f   ? before[f]
                     : part >= 1.0f ? after[f]
                                    : before[f] + part * (after[f] - before[f]);
        now += speed_at(t, steps, speeds, knots);
    }
}

void
data_transform_mix(float *x, const float *other, size_t count, double share)
{
    if (share == 1.0)
        return;
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(share * (double)x[i] + (1.0 - share) * (double)other[i]);
}
