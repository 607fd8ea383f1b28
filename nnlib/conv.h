/*
 * nnlib/conv -- convolution between a large image and a small one, image by image; inside nnlib
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
 * One group of one record at a time:
 *
 *     take: a padded copy with the pixels' channels together, where tile.h reads it
 *     correlate, spread, add_weights: on these copies, all in the cache
 *     give: from the tile to the value
 *
 * With a stride the adjoint falls into stride x stride phases of positions, each with the taps that
 * reach it, so nothing is multiplied by a zero between pixels.
 *
 * Planar     (C, H, W), as for images; else (H, W, C): H = 1 is a sequence (T, F).
 * Scratch    nn_conv_scratch bytes, 64-byte aligned.
 */
#ifndef NNLIB_CONV_H
#define NNLIB_CONV_H

#include "nnlib/window.h"

struct nn_conv {
    uint32_t       groups, in, out; /* in, out: channels of one group */
    struct nn_axis axis[2];         /* y, x; size: of the large image, out: of the small one */
    bool           planar;
};

enum nn_conv_side {
    NN_CONV_LARGE,
    NN_CONV_SMALL
};

struct nn_conv_frame { /* one group of an image, padded */
    size_t channels, height, width;
    size_t above, left, pitch, lines; /* of the padded image: pixels of a line, and lines */
};

struct nn_conv_work {
    struct nn_conv       conv;
    struct nn_conv_frame frame[2];
    nn_real             *image[2], *tile, *packed[2], *start;
    nn_real             *sum_w, *sum; /* of the gradients of w and of the bias */
    size_t              *runs, bytes;
};

size_t nn_conv_scratch(const struct nn_conv *conv);
/* Lays the scratch out; the paddings are cleared. */
struct nn_conv_work nn_conv_begin(const struct nn_conv *conv, void *scratch);

/* Group g of row b of a value: its padded copy. Where `gate` is not NULL and not above 0, the value
 * counts as 0 (the derivative of ReLU). */
void nn_conv_take(struct nn_conv_work *work, enum nn_conv_side side, const nn_real *value,
                  const nn_real *gate, size_t b, uint32_t g);

enum nn_conv_end {
    NN_CONV_SET,
    NN_CONV_ADD, /* += */
    NN_CONV_RELU /* = max(0, .) */
};
/* The tile becomes group g of row b of a value. */
void nn_conv_give(const struct nn_conv_work *work, enum nn_conv_side side, nn_real *value, size_t b,
                  uint32_t g, enum nn_conv_end end);

/* Group g of w, and of the bias (NULL: none), for nn_conv_turn to the `to` side. */
void nn_conv_pack(struct nn_conv_work *work, enum nn_conv_side to, const nn_real *w,
                  const nn_real *bias, uint32_t g);
/* correlate (to small) or spread (to large) of the image taken of the other side, to the tile. */
void nn_conv_turn(const struct nn_conv_work *work, enum nn_conv_side to);

/* The sums over rows of the gradients of w and the bias for one group: cleared, added to from the
 * two images, read. `side` is that of the image that the bias belongs to. */
void nn_conv_clear_sums(struct nn_conv_work *work);
void nn_conv_add_weights(struct nn_conv_work *work);
void nn_conv_add_bias(struct nn_conv_work *work, enum nn_conv_side side);
void nn_conv_blend_weights(const struct nn_conv_work *work, nn_real *dw, uint32_t g, nn_real alpha,
                           nn_real beta);
void nn_conv_blend_bias(const struct nn_conv_work *work, enum nn_conv_side side, nn_real *db,
                        uint32_t g, nn_real alpha, nn_real beta);
double nn_conv_weights_norm2(const struct nn_conv_work *work);
double nn_conv_bias_norm2(const struct nn_conv_work *work, enum nn_conv_side side);

uint64_t nn_conv_multiplications(const struct nn_conv *conv); /* of one record */

#endif
