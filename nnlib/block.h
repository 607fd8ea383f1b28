/*
 * nnlib/block -- one block of the caller's memory, laid out part by part; inside nnlib only.
 *
 * The same calls first say how large the block must be (base NULL), then give the places in it.
 */
#ifndef NNLIB_BLOCK_H
#define NNLIB_BLOCK_H

#include "base/bytes.h"
#include "nnlib/layer.h"

#include <math.h>

/* The next part, `count` elements, 64-byte aligned where the block is; NULL for none, and with base
 * NULL. False when the total does not fit a size_t. */
static inline bool
nn_block_take(void **out, unsigned char *base, size_t *total, uint64_t count, size_t element)
{
    size_t bytes;
    if (count > SIZE_MAX || !pn_size_mul(&bytes, (size_t)count, element) ||
        !pn_size_add(&bytes, bytes, 63))
        return false;
    *out = base != NULL && count > 0 ? base + *total : NULL;
    return pn_size_add(total, *total, bytes & ~(size_t)63);
}

/* Zero times a number is zero, but for what is not finite; side by side, so that it is quick. */
static inline bool
nn_all_finite(const nn_real *values, size_t count)
{
    nn_real zeros[16] = {0}, sum = 0;
    size_t  whole = count - count % 16;
    for (size_t k = 0; k < whole; k += 16)
        for (size_t i = 0; i < 16; i++)
            zeros[i] += values[k + i] * (nn_real)0;
    for (size_t k = whole; k < count; k++)
        sum += values[k] * (nn_real)0;
    for (size_t i = 0; i < 16; i++)
        sum += zeros[i];
    return sum == (nn_real)0;
}

#endif
