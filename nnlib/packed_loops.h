/*
 * nnlib/packed_loops -- nn_packed_add for one level of nnlib/cpu: included once by packed.c and by
 * each packed_*.c, which is compiled for that level. Plain C over vectors of 32 bytes.
 */
#ifndef NNLIB_PACKED_LOOPS_H
#define NNLIB_PACKED_LOOPS_H

#include "nnlib/packed.h"

/* GCC: the tile must become part of its caller, where its rows are a constant. */
#define INLINE static inline __attribute__((always_inline))

enum {
    TALL  = 6,  /* rows of a tile: 12 accumulators, 2 columns and 1 factor are the 16 registers */
    DEPTH = 256 /* of a tile: 16 KiB of a panel stay in the first cache for all rows */
};

/* SAFE: two types for the same bytes; packed memory is aligned, that of C need not be. */
typedef nn_real vector __attribute__((vector_size(32), may_alias));
typedef nn_real anywhere __attribute__((vector_size(32), may_alias, aligned(sizeof(nn_real))));

/* C (rows, NN_PANEL) += A (rows, k) panel (k, NN_PANEL), all accumulators in registers. */
INLINE void
tile(nn_real *c, size_t c_stride, const nn_real *a, size_t a_stride, const vector *b, size_t k,
     const size_t rows)
{
    vector sum[TALL][2];
#pragma GCC unroll 6
    for (size_t r = 0; r < rows; r++) {
        sum[r][0] = ((const anywhere *)(c + r * c_stride))[0];
        sum[r][1] = ((const anywhere *)(c + r * c_stride))[1];
    }
    for (size_t i = 0; i < k; i++) {
        vector left = b[2 * i], right = b[2 * i + 1];
#pragma GCC unroll 6
        for (size_t r = 0; r < rows; r++) {
            nn_real factor = a[r * a_stride + i];
            sum[r][0] += factor * left;
            sum[r][1] += factor * right;
        }
    }
#pragma GCC unroll 6
    for (size_t r = 0; r < rows; r++) {
        ((anywhere *)(c + r * c_stride))[0] = sum[r][0];
        ((anywhere *)(c + r * c_stride))[1] = sum[r][1];
    }
}

INLINE void
tile_of(nn_real *c, size_t c_stride, const nn_real *a, size_t a_stride, const vector *b, size_t k,
        size_t rows)
{
    switch (rows) { /* a constant each, so that the loops above unroll */
    case 1:
        tile(c, c_stride, a, a_stride, b, k, 1);
        break;
    case 2:
        tile(c, c_stride, a, a_stride, b, k, 2);
        break;
    case 3:
        tile(c, c_stride, a, a_stride, b, k, 3);
        break;
    case 4:
        tile(c, c_stride, a, a_stride, b, k, 4);
        break;
    case 5:
        tile(c, c_stride, a, a_stride, b, k, 5);
        break;
    default:
        tile(c, c_stride, a, a_stride, b, k, 6);
    }
}

/* All rows of one panel: in blocks of at most TALL, as equal as they can be. */
INLINE void
panel(nn_real *c, size_t c_stride, const nn_real *a, size_t a_stride, const nn_real *b, size_t k,
      size_t m)
{
    size_t blocks = (m + TALL - 1) / TALL;
    for (size_t i = 0; i < k; i += DEPTH) {
        size_t depth = k - i < DEPTH ? k - i : DEPTH;
        for (size_t q = 0, row = 0; q < blocks; q++) {
            size_t rows = (m - row) / (blocks - q);
            tile_of(c + row * c_stride, c_stride, a + row * a_stride + i, a_stride,
                    (const vector *)(b + i * NN_PANEL), depth, rows);
            row += rows;
        }
    }
}

static void
add(nn_real *c, const nn_real *a, const nn_real *packed, struct nn_few_rows p)
{
    size_t j = 0;
    for (; j + NN_PANEL <= p.n; j += NN_PANEL, packed += p.k * NN_PANEL)
        panel(c + j, p.c_stride, a, p.a_stride, packed, p.k, p.m);
    for (size_t r = 0; j < p.n && r < p.m;
         r += TALL) { /* the last columns, by way of a whole panel */
        nn_real edge[TALL * NN_PANEL] = {0};
        size_t  rows                  = p.m - r < TALL ? p.m - r : TALL;
        panel(edge, NN_PANEL, a + r * p.a_stride, p.a_stride, packed, p.k, rows);
        for (size_t i = 0; i < rows; i++)
            for (size_t x = j; x < p.n; x++)
                c[(r + i) * p.c_stride + x] += edge[i * NN_PANEL + x - j];
    }
}

#endif
