/*
 * nnlib/product_loops -- the products of product_table.h for one level: included once by each
 * product_*.c, which says how wide a register is (LANES) and how many rows of C fit into registers
 * (ROWS_MAX), and is compiled with fused multiply-adds allowed.
 */
#ifndef NNLIB_PRODUCT_LOOPS_H
#define NNLIB_PRODUCT_LOOPS_H

#include "nnlib/product_table.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef float four __attribute__((vector_size(16)));

enum {
    PANEL = 2 * LANES, /* columns of C at a time */
    DEPTH = 256        /* of k: a panel of B is 16 or 32 KiB and stays in the first cache */
};

INLINE vec
load(const float *at)
{
    vec v;
    memcpy(&v, at, sizeof v);
    return v;
}

INLINE void
store(float *at, vec v)
{
    memcpy(at, &v, sizeof v);
}

/* The level's own: the first `count` < LANES numbers; the others are 0, and are not touched. */
INLINE vec  load_some(const float *at, size_t count);
INLINE void store_some(float *at, vec v, size_t count);

/* ---- across ---- */

/* A as the loops see it: element (i, t) is at[i * row + t * column]. */
struct view {
    const float *at;
    size_t       row, column;
};

struct corner {
    struct nn_result c;
    float            alpha, beta;
    size_t           some; /* numbers in the last register, when it is not full */
};

/* Columns of C in registers: `full` whole ones, then one of which `some` numbers count, if any. */
INLINE void
read_row(vec *out, const int full, const bool cut, const float *at, size_t some)
{
#pragma GCC unroll 2
    for (int v = 0; v < full; v++)
        out[v] = load(at + v * LANES);
    if (cut)
        out[full] = load_some(at + full * LANES, some);
}

INLINE void
write_row(float *at, const vec *row, const int full, const bool cut, size_t some)
{
#pragma GCC unroll 2
    for (int v = 0; v < full; v++)
        store(at + v * LANES, row[v]);
    if (cut)
        store_some(at + full * LANES, row[full], some);
}

/* One tile of C; b is (depth, columns), rows b_stride apart. */
INLINE void
tile(const int rows, const int full, const bool cut, struct corner to, struct view a,
     const float *b, size_t b_stride, size_t depth)
{
    const int vectors = full + cut;
    vec       sum[ROWS_MAX][2];
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++)
            sum[i][v] = (vec){0};
    for (size_t t = 0; t < depth; t++, b += b_stride, a.at += a.column) {
        vec right[2];
        read_row(right, full, cut, b, to.some);
#pragma GCC unroll 12
        for (int i = 0; i < rows; i++) {
            float left = a.at[(size_t)i * a.row];
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++)
                sum[i][v] += left * right[v];
        }
    }
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++, to.c.at += to.c.stride, to.c.from += to.c.from_stride) {
        vec old[2] = {{0}};
        if (to.beta != 0.0f)
            read_row(old, full, cut, to.c.from, to.some);
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++)
            sum[i][v] = to.alpha * sum[i][v] + to.beta * old[v];
        write_row(to.c.at, sum[i], full, cut, to.some);
    }
}

#define CASE(r)                                                                                    \
    case r:                                                                                        \
        if (columns == PANEL)                                                                      \
            tile(r, 2, false, to, a, b, b_stride, depth);                                          \
        else if (columns > LANES)                                                                  \
            tile(r, 1, true, to, a, b, b_stride, depth);                                           \
        else if (columns == LANES)                                                                 \
            tile(r, 1, false, to, a, b, b_stride, depth);                                          \
        else                                                                                       \
            tile(r, 0, true, to, a, b, b_stride, depth);                                           \
        break;

static void
any_tile(size_t rows, size_t columns, struct corner to, struct view a, const float *b,
         size_t b_stride, size_t depth)
{
    to.some = columns % LANES;
    switch (rows) {
        CASE(1)
        CASE(2)
        CASE(3)
        CASE(4)
        CASE(5)
        CASE(6)
#if ROWS_MAX > 6
        CASE(7)
        CASE(8)
        CASE(9)
        CASE(10)
        CASE(11)
        CASE(12)
#endif
    }
}

/* out (4,4) = the transpose of in (4,4) */
INLINE void
turn_four(float *out, size_t out_stride, const float *in, size_t in_stride)
{
    four r[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        memcpy(&r[i], in + (size_t)i * in_stride, sizeof r[i]);
    four low01     = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5);
    four high01    = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
    four low23     = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
    four high23    = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
    four turned[4] = {__builtin_shufflevector(low01, low23, 0, 1, 4, 5),
                      __builtin_shufflevector(low01, low23, 2, 3, 6, 7),
                      __builtin_shufflevector(high01, high23, 0, 1, 4, 5),
                      __builtin_shufflevector(high01, high23, 2, 3, 6, 7)};
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        memcpy(out + (size_t)i * out_stride, &turned[i], sizeof turned[i]);
}

/* out (depth, PANEL) = the transpose of b (columns, depth) */
static void
turn_panel(float *out, const float *b, size_t stride, size_t columns, size_t depth)
{
    size_t fours = columns & ~(size_t)3, deep = depth & ~(size_t)3;
    for (size_t j = 0; j < fours; j += 4)
        for (size_t t = 0; t < deep; t += 4)
            turn_four(out + t * PANEL + j, PANEL, b + j * stride + t, stride);
    for (size_t j = 0; j < columns; j++)
        for (size_t t = j < fours ? deep : 0; t < depth; t++)
            out[t * PANEL + j] = b[j * stride + t];
}

/* Columns of C at a time: what keeps this much of B, `depth` rows, in the first cache. */
static size_t
span_of(size_t depth)
{
    size_t panels = 4096 / (depth * PANEL);
    return panels > 1 ? panels * PANEL : PANEL;
}

static struct nn_result
moved(struct nn_result c, size_t rows, size_t columns)
{
    c.at += rows * c.stride + columns;
    c.from += rows * c.from_stride + columns;
    return c;
}

/* C (m, columns): tiles of nearly equal height, so that none is left thin. */
static void
block(struct corner to, struct view a, const float *b, size_t b_stride, size_t m, size_t columns,
      size_t depth)
{
    size_t tiles = (m + ROWS_MAX - 1) / ROWS_MAX;
    for (size_t i = 0; tiles > 0; tiles--) {
        size_t rows = (m - i + tiles - 1) / tiles;
        for (size_t j = 0; j < columns; j += PANEL) {
            struct corner here = to;
            here.c             = moved(to.c, 0, j);
            any_tile(rows, columns - j < PANEL ? columns - j : PANEL, here, a, b + j, b_stride,
                     depth);
        }
        i += rows;
        to.c = moved(to.c, rows, 0);
        a.at += rows * a.row;
    }
}

static void
across(struct nn_result c, struct nn_operand a, struct nn_operand b, struct nn_product p)
{
    _Alignas(64) float turned[DEPTH * PANEL];
    size_t             row = a.transposed ? 1 : a.stride, column = a.transposed ? a.stride : 1;
    for (size_t t = 0; t < p.k; t += DEPTH) {
        size_t      depth = p.k - t < DEPTH ? p.k - t : DEPTH;
        size_t      span  = b.transposed ? PANEL : span_of(depth);
        struct view view  = {a.at + t * column, row, column};
        for (size_t j = 0; j < p.n; j += span) {
            size_t        columns = p.n - j < span ? p.n - j : span;
            struct corner to      = {moved(c, 0, j), p.alpha, p.beta, 0};
            if (b.transposed)
                turn_panel(turned, b.at + j * b.stride + t, b.stride, columns, depth);
            const float *right = b.transposed ? turned : b.at + t * b.stride + j;
            block(to, view, right, b.transposed ? PANEL : b.stride, p.m, columns, depth);
        }
        /* The next depth adds to this one's. */
        c      = (struct nn_result){c.at, c.stride, c.at, c.stride};
        p.beta = 1.0f;
    }
}

/* ---- along ---- */

INLINE four
fold(vec v)
{
    four part[LANES / 4];
    memcpy(part, &v, sizeof v);
#if LANES == 16
    part[0] += part[2];
    part[1] += part[3];
#endif
    return part[0] + part[1];
}

/* The sums of four registers. */
INLINE four
sums_of(const vec v[4])
{
    four a = fold(v[0]), b = fold(v[1]), c = fold(v[2]), d = fold(v[3]);
    four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
    four cd = __builtin_shufflevector(c, d, 0, 4, 1, 5) + __builtin_shufflevector(c, d, 2, 6, 3, 7);
    return __builtin_shufflevector(ab, cd, 0, 1, 4, 5) +
           __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}

/* rows x 4 numbers of C, of which to.some are there; b has four rows to read, `ahead` is one to be
 * read soon. */
INLINE void
strip(const int rows, struct corner to, const float *a, size_t a_stride, const float *const b[4],
      const float *ahead, size_t k)
{
    vec    sum[STRIP_MAX][4], left[STRIP_MAX];
    size_t whole = k - k % LANES;
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            sum[i][j] = (vec){0};
    for (size_t t = 0; t < whole; t += LANES) {
        __builtin_prefetch(ahead + t);
#pragma GCC unroll 6
        for (int i = 0; i < rows; i++)
            left[i] = load(a + (size_t)i * a_stride + t);
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            vec right = load(b[j] + t);
#pragma GCC unroll 6
            for (int i = 0; i < rows; i++)
                sum[i][j] += left[i] * right;
        }
    }
    if (whole < k)
        for (int j = 0; j < 4; j++) {
            vec right = load_some(b[j] + whole, k - whole);
#pragma GCC unroll 6
            for (int i = 0; i < rows; i++)
                sum[i][j] += load_some(a + (size_t)i * a_stride + whole, k - whole) * right;
        }
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) {
        size_t bytes = to.some == 4 ? sizeof(four) : to.some * sizeof(float);
        four   sums = sums_of(sum[i]), old = {0};
        if (to.beta != 0.0f)
            memcpy(&old, to.c.from + (size_t)i * to.c.from_stride, bytes);
        sums = to.alpha * sums + to.beta * old;
        memcpy(to.c.at + (size_t)i * to.c.stride, &sums, bytes);
    }
}

#define STRIP(r)                                                                                   \
    case r:                                                                                        \
        strip(r, to, a, a_stride, b, ahead, k);                                                    \
        break;

static void
any_strip(size_t rows, struct corner to, const float *a, size_t a_stride, const float *const b[4],
          const float *ahead, size_t k)
{
    switch (rows) {
        STRIP(1)
        STRIP(2)
        STRIP(3)
#if STRIP_MAX > 3
        STRIP(4)
        STRIP(5)
        STRIP(6)
#endif
    }
}

static void
along(struct nn_result c, struct nn_operand a, struct nn_operand b, struct nn_product p)
{
    for (size_t j = 0; j < p.n; j += 4) {
        size_t       columns = p.n - j < 4 ? p.n - j : 4, tiles = (p.m + STRIP_MAX - 1) / STRIP_MAX;
        const float *right[4];
        for (size_t q = 0; q < 4; q++) /* a row that is not there: the first again */
            right[q] = b.at + (j + (q < columns ? q : 0)) * b.stride;
        for (size_t i = 0, q = 0; tiles > 0; tiles--, q++) {
            size_t        rows  = (p.m - i + tiles - 1) / tiles;
            struct corner to    = {moved(c, i, j), p.alpha, p.beta, columns};
            const float  *ahead = right[q % 4] + (j + 8 <= p.n ? 4 * b.stride : 0);
            any_strip(rows, to, a.at + i * a.stride, a.stride, right, ahead, p.k);
            i += rows;
        }
    }
}

#endif
