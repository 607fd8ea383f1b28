/*
 * nnlib/conv -- convolution between a large image and a small one, by rows of a batch; inside nnlib
 * only, what all convolutional kinds compute with.
 *
 *     large (groups in, H, W) --correlate--> small (groups out, H', W')
 *           small[o,j] = b[o] + sum_{c,t} w[o,c,t] large[c, j stride - pad + dilation t]
 *     small --spread--> large, the adjoint: <correlate(x), y> = <x, spread(y)>
 *     weights: dw[o,c,t] = sum_{b,j} small[b,o,j] large[b,c, j stride - pad + dilation t]
 *
 * A convolution goes forward with correlate and back with spread, a transposed convolution the
 * other way round; w (groups out, in, kernel) belongs to the pair. It is cross-correlation, as in
 * every framework: the kernel is not flipped (features.md, row 79).
 *
 * Image by image, a padded copy with the pixels' channels together, which tile.h reads where it
 * is. With a stride the adjoint falls into stride x stride phases of positions, each with the taps
 * that reach it, so nothing is multiplied by a zero between pixels.
 *
 * Planar     (C, H, W), as for images; else (H, W, C): H = 1 is a sequence (T, F).
 * Scratch    nn_conv_scratch bytes, 64-byte aligned, for each call.
 */
#ifndef NNLIB_CONV_H
#define NNLIB_CONV_H

#include "nnlib/window.h"

struct nn_conv {
    uint32_t       groups, in, out; /* in, out: channels of one group */
    struct nn_axis axis[2];         /* y, x; size: of the large image, out: of the small one */
    bool           planar;
    uint32_t       rows; /* of the batch */
    void          *scratch;
};

size_t nn_conv_scratch(const struct nn_conv *conv);

/* What becomes of a result on its way to memory. */
enum nn_conv_end {
    NN_CONV_SET,
    NN_CONV_ADD, /* += */
    NN_CONV_RELU /* = max(0, .) */
};
/* bias (groups out, or for spread groups in) may be NULL. */
void nn_conv_correlate(const struct nn_conv *conv, nn_real *small, const nn_real *large,
                       const nn_real *w, const nn_real *bias, enum nn_conv_end end);
/* `gate` may be NULL: where it is not above 0, small counts as 0 (the derivative of ReLU). */
void nn_conv_spread(const struct nn_conv *conv, nn_real *large, const nn_real *small,
                    const nn_real *gate, const nn_real *w, const nn_real *bias,
                    enum nn_conv_end end);
/* dw = alpha (the sum) + beta dw */
void nn_conv_weights(const struct nn_conv *conv, nn_real *dw, const nn_real *large,
                     const nn_real *small, const nn_real *gate, nn_real alpha, nn_real beta);
/* norm2[b] += |the sum for row b alone|^2 */
void nn_conv_weights_norm(const struct nn_conv *conv, double *norm2, const nn_real *large,
                          const nn_real *small, const nn_real *gate);

/* The bias: sum[c] over the pixels of one row's value g of `channels` (gated). */
void     nn_conv_sum_pixels(nn_real *sum, const nn_real *g, const nn_real *gate, size_t channels,
                            size_t pixels, bool planar);
uint64_t nn_conv_multiplications(const struct nn_conv *conv); /* of one row */

#endif
