/*
 * nnlib/window -- how a window slides along one axis of a value: convolution and pooling; inside
 * nnlib only.
 *
 *     out = floor((size + 2 pad - dilation (kernel - 1) - 1) / stride) + 1
 *     position j reads the inputs j stride - pad + dilation t, t = 0 .. kernel - 1
 *
 * With `same` the padding is what makes out = ceil(size / stride), the odd one at the end, as in
 * TensorFlow (features.md, convention 21); with stride 1 it is PyTorch's padding='same'.
 *
 * Sums and products of these numbers are below 2^31: nn_axis_fit sees to it.
 */
#ifndef NNLIB_WINDOW_H
#define NNLIB_WINDOW_H

#include "nnlib/layer.h"

enum {
    NN_KERNEL_MAX = 255, /* also of strides, paddings and dilations */
};

struct nn_axis {
    uint32_t size, kernel, stride, pad, dilation, out;
};

/* Fills `out`, and `pad` if `same`; PN_ECONFIG when the window does not fit, `input` is for the
 * sentence. */
PN_MUST_CHECK enum pn_status nn_axis_fit(struct nn_axis *axis, bool same, const char *input,
                                         struct pn_error *why);
/* The inverse, for transposed convolution: `out` is given, size = (out - 1) stride - 2 pad +
 * dilation (kernel - 1) + 1 + extra. */
PN_MUST_CHECK enum pn_status nn_axis_unfit(struct nn_axis *axis, uint32_t extra, const char *input,
                                           struct pn_error *why);

#endif
