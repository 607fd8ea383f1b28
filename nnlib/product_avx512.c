/* Products of small matrices for AVX-512: 12 x 2 sums, 2 of B and 1 of A in 32 registers. */
#define LANES 16
#define ROWS_MAX 12
#define STRIP_MAX 6
#include "nnlib/product_loops.h"

#include <immintrin.h>

INLINE vec
load_some(const float *at, size_t count)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), at);
}

INLINE void
store_some(float *at, vec v, size_t count)
{
    _mm512_mask_storeu_ps(at, (__mmask16)((1u << count) - 1), v);
}

const struct nn_product_table nn_product_avx512 = {.across = across, .along = along};
