#include "nnlib/tile.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A block of NN_TILE_WIDE, or half of one: vectors of it, and rows of a tile, so that the sums and
 * one row of w fit the registers, and enough sums are under way to hide an addition's latency. */
#define TARGET
#define FMA(a, b, c) ((a) * (b) + (c))
#define VECTOR 16
#define TILE(name) plain_wide_##name
#define VECTORS 4
#define ROWS 3
#include "nnlib/tile_body.h"
#undef TILE
#undef VECTORS
#undef ROWS
#define TILE(name) plain_half_##name
#define VECTORS 2
#define ROWS 6
#include "nnlib/tile_body.h"
#undef TILE
#undef VECTORS
#undef ROWS
#undef VECTOR
#undef FMA
#undef TARGET

#if defined(__x86_64__)

#ifdef NN_DOUBLE
#define FMA256(a, b, c) _mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c))
#define FMA512(a, b, c) _mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c))
#else
#define FMA256(a, b, c) _mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c))
#define FMA512(a, b, c) _mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c))
#endif

#define TARGET __attribute__((target("avx2,fma")))
#define FMA FMA256
#define VECTOR 32
#define TILE(name) avx2_wide_##name
#define VECTORS 2
#define ROWS 6
#include "nnlib/tile_body.h"
#undef TILE
#undef VECTORS
#undef ROWS
#define TILE(name) avx2_half_##name
#define VECTORS 1
#define ROWS 10
#include "nnlib/tile_body.h"
#undef TILE
#undef VECTORS
#undef ROWS
#undef VECTOR
#undef FMA
#undef TARGET

#define TARGET __attribute__((target("avx512f")))
#define FMA FMA512
#define VECTOR 64
#define TILE(name) avx512_wide_##name
#define VECTORS 1
#define ROWS 12
#include "nnlib/tile_body.h"
#undef TILE
#undef VECTORS
#undef ROWS
#undef VECTOR
#undef FMA
#undef TARGET

static bool
has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool
has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && has_avx2();
}

#endif

static bool
always(void)
{
    return true;
}

/* The blocks of lanes one after another. */
#define KERNELS(set, wide, half)                                                                   \
    static void set##_correlate(nn_real *out, const nn_real *in, const nn_real *w,                 \
                                const nn_real *start, size_t lanes, const struct nn_sweep *s)      \
    {                                                                                              \
        size_t taps = s->run_count * s->run_length, at = 0;                                        \
        for (; lanes - at >= NN_TILE_WIDE; at += NN_TILE_WIDE)                                     \
            wide##_correlate(out + at, in, w + at * taps, start + at, s);                          \
        if (at < lanes)                                                                            \
            half##_correlate(out + at, in, w + at * taps, start + at, s);                          \
    }                                                                                              \
    static void set##_weights(nn_real *w, const nn_real *in, const nn_real *out, size_t lanes,     \
                              const struct nn_sweep *s)                                            \
    {                                                                                              \
        size_t taps = s->run_count * s->run_length, at = 0;                                        \
        for (; lanes - at >= NN_TILE_WIDE; at += NN_TILE_WIDE)                                     \
            wide##_weights(w + at * taps, in, out + at, s);                                        \
        if (at < lanes)                                                                            \
            half##_weights(w + at * taps, in, out + at, s);                                        \
    }
KERNELS(plain, plain_wide, plain_half)
#if defined(__x86_64__)
KERNELS(avx2, avx2_wide, avx2_half)
KERNELS(avx512, avx512_wide, avx2_half)
#endif

const struct nn_tile nn_tiles[] = {
#if defined(__x86_64__)
    {"avx512", has_avx512, avx512_correlate, avx512_weights},
    {"avx2", has_avx2, avx2_correlate, avx2_weights},
#endif
    {"plain", always, plain_correlate, plain_weights},
    {0}};

const struct nn_tile *
nn_tile(void)
{
    const struct nn_tile *tile = nn_tiles;
    while (!tile->runs_here())
        tile++;
    return tile;
}
