/*
 * nnlib/tile -- the inner loops of convolution: one image, channels in the lanes; inside nnlib
 * only.
 *
 * An image is pixel-major: the channels of a pixel lie together. A window over it is a list of
 * runs: stretches of numbers that lie together, at the same distances from every position. So the
 * image is read where it is, and there is no matrix of patches (im2col).
 *
 *     correlate   out[q][o] = start[o] + sum_k in[at(q) + tap(k)] w[k][o]
 *     weights     w[k][o] += sum_q in[at(q) + tap(k)] out[q][o]
 *
 * A tile of positions (or of taps) times a block of lanes stays in registers while k (or q) runs:
 * every number of `in` is broadcast, every one of w (or out) is loaded as it lies.
 *
 * Lanes      channels come in blocks of NN_TILE_WIDE, the last of NN_TILE_WIDE / 2 if that is
 *            enough: nn_tile_lanes says how many in all. w is packed, block after block
 *            [k][lanes of the block], as nn_tile_at says.
 * Kernels    one set for each instruction set; nn_tile picks the best that this machine has. A sum
 *            is in the order of k (or q) in all of them; AVX2 and AVX-512 fuse the multiply-add.
 * Reads      up to NN_TILE_SLACK numbers behind an image; what comes of them is dropped.
 */
#ifndef NNLIB_TILE_H
#define NNLIB_TILE_H

#include "nnlib/real.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    NN_TILE_WIDE  = 64 / sizeof(nn_real),
    NN_TILE_SLACK = 32
};

struct nn_sweep {
    size_t        rows, cols;     /* positions */
    size_t        in_row, in_col; /* steps from one to the next, in numbers */
    size_t        out_row, out_col;
    const size_t *runs; /* where they begin */
    size_t        run_count, run_length;
};

struct nn_tile {
    const char *name;
    bool (*runs_here)(void);
    /* out: nn_tile_lanes(lanes) numbers at each position; start likewise. */
    void (*correlate)(nn_real *out, const nn_real *in, const nn_real *w, const nn_real *start,
                      size_t lanes, const struct nn_sweep *sweep);
    void (*weights)(nn_real *w, const nn_real *in, const nn_real *out, size_t lanes,
                    const struct nn_sweep *sweep);
};
extern const struct nn_tile nn_tiles[]; /* the best first, the last runs anywhere */

const struct nn_tile *nn_tile(void);

static inline size_t
nn_tile_lanes(size_t channels)
{
    size_t half = NN_TILE_WIDE / 2;
    return (channels + half - 1) / half * half;
}

/* The lanes of the block that begins with lane `first`. */
static inline size_t
nn_tile_block(size_t first, size_t lanes)
{
    return lanes - first < NN_TILE_WIDE ? lanes - first : NN_TILE_WIDE;
}

/* Where w[k][lane] is, of `taps` taps. */
static inline size_t
nn_tile_at(size_t k, size_t lane, size_t lanes, size_t taps)
{
    size_t first = lane / NN_TILE_WIDE * NN_TILE_WIDE;
    return first * taps + k * nn_tile_block(first, lanes) + lane - first;
}

#endif
