/* Products of small matrices for AVX2: 6 x 2 sums, 2 of B and 1 of A in 16 registers. */
#define LANES 8
#define ROWS_MAX 6
#define STRIP_MAX 3
#include "nnlib/product_loops.h"

#include <immintrin.h>

INLINE vec
load_some(const float *at, size_t count)
{
    static const int32_t on[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    __m256i              mask;
    memcpy(&mask, on + 8 - count, sizeof mask);
    return _mm256_maskload_ps(at, mask);
}

/* Masked stores are slow on Zen: pieces of 4, 2 and 1. */
INLINE void
store_some(float *at, vec v, size_t count)
{
    float        all[8];
    const float *from = all;
    store(all, v);
#pragma GCC unroll 3
    for (size_t piece = 4; piece > 0; piece /= 2)
        if (count & piece) {
            memcpy(at, from, piece * sizeof *at);
            at += piece;
            from += piece;
        }
}

const struct nn_product_table nn_product_avx2 = {.across = across, .along = along};
