/*
 * nnlib/reach -- which taps of a kernel meet which positions along one axis, in either direction of
 * a convolution; inside nnlib only, for conv.c.
 *
 *     large position i = j stride - pad + dilation t        (j: small position, t: tap)
 *
 * Down, from large to small, every tap reaches every position. Up, the positions i fall into
 * `stride` phases, (i + pad) mod stride; of a phase u = 0, 1, .. is reached by the taps with
 * dilation t mod stride = phase, from j = u + shift(t).
 */
#ifndef NNLIB_REACH_H
#define NNLIB_REACH_H

#include "nnlib/window.h"

struct nn_reach {
    size_t    taps, first, step;   /* where they read, from position 0, in the padded input */
    ptrdiff_t weight, weight_step; /* their place in the kernel */
    size_t    positions, in_step;  /* how many, and how far they are apart in the input */
    size_t    out_first, out_step; /* where they are in the output */
};

/* The padding before an input, and its length with all padding. */
struct nn_margin {
    size_t before, length;
};

struct nn_reach  nn_reach_down(const struct nn_axis *axis);
struct nn_margin nn_margin_down(const struct nn_axis *axis);
struct nn_margin nn_margin_up(const struct nn_axis *axis);
/* before: nn_margin_up's */
struct nn_reach nn_reach_up(const struct nn_axis *axis, uint32_t phase, size_t before);

#endif
