#include "fed/update.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Intermediate results must not be wider than their type, or machines would differ. */
_Static_assert(FLT_EVAL_METHOD == 0, "float and double arithmetic in their own precision");

static const double one_unit = 1 << FED_FRACTION_BITS;
static const double q_max    = INT32_MAX;
enum {
    LANES = 8
};

/* The loops below are made twice, and the processor's own is taken when the program is loaded: both
 * do the same IEEE and integer operations in the same order. (A resolver runs before the thread
 * sanitizer does, and fails; clang 14 gives a function that other files call another name.) */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define TWO_WAYS __attribute__((target_clones("avx2", "default")))
#else
#define TWO_WAYS
#endif

/*
 * The sum of the squared differences, in this order on every machine: LANES sums, element k in sum
 * k % LANES, then the sums from first to last. Not finite if any value is not: the difference of
 * two floats is at most 2^129, so finite values cannot overflow a double.
 */
TWO_WAYS static double
sum_of_squares(const float *local, const float *start, size_t count)
{
    double lane[LANES] = {0}, total = 0;
    size_t whole = count - count % LANES;
    for (size_t k = 0; k < whole; k += LANES)
        for (size_t i = 0; i < LANES; i++) {
            double d = (double)local[k + i] - (double)start[k + i];
            lane[i] += d * d;
        }
    for (size_t k = whole; k < count; k++) {
        double d = (double)local[k] - (double)start[k];
        lane[k - whole] += d * d;
    }
    for (size_t i = 0; i < LANES; i++)
        total += lane[i];
    return total;
}

/* How many were cut. Below 2^51 a double plus 1.5 * 2^52 has no bits after the point: the addition
 * rounds to nearest, ties to even, as rint does. */
TWO_WAYS uint64_t
fed_update_round(int32_t *q, const float *local, const float *start, size_t count, double scale)
{
    const double shift = 6755399441055744.0;
    uint64_t     cut   = 0;
    for (size_t k = 0; k < count; k++) {
        double value = ((double)local[k] - (double)start[k]) * scale;
        double least = value > q_max ? q_max : value;
        double most  = least < -q_max ? -q_max : least;
        cut += most != value;
        q[k] = (int32_t)((most + shift) - shift);
    }
    return cut;
}

enum pn_status
fed_update_scale(double *scale, const float *local, const float *start, size_t count, double clip)
{
    PN_ASSERT(clip >= 0);
    double squares = sum_of_squares(local, start, count);
    if (!isfinite(squares))
        return PN_EDIVERGED;
    double norm = sqrt(squares);
    *scale      = one_unit; /* times clip / norm: a power of two changes no bit of it */
    if (clip > 0 && norm > clip)
        *scale *= clip / norm;
    return PN_OK;
}

enum pn_status
fed_update_quantise(int32_t *q, uint64_t *saturated, const float *local, const float *start,
                    size_t count, double clip)
{
    double         scale;
    enum pn_status st = fed_update_scale(&scale, local, start, count, clip);
    if (st == PN_OK)
        *saturated = fed_update_round(q, local, start, count, scale);
    return st;
}

/* Exact: each is at most 2^62, and the halves of 2^32 of them fit their sums. */
TWO_WAYS void
fed_update_measure(pn_u128 *squares, const int32_t *q, size_t count)
{
    uint64_t low = 0, high = 0;
    PN_ASSERT(count <= UINT32_MAX);
    for (size_t k = 0; k < count; k++) {
        int64_t  value  = q[k];
        uint64_t square = (uint64_t)(value * value);
        low += square & UINT32_MAX;
        high += square >> 32;
    }
    *squares += ((pn_u128)high << 32) + low;
}

double
fed_update_norm_of(pn_u128 squares)
{
    return sqrt((double)squares) / one_unit;
}

TWO_WAYS void
fed_update_fold(int64_t *sum, const int32_t *q, size_t count, uint32_t weight)
{
    int64_t factor = weight;
    for (size_t k = 0; k < count; k++)
        sum[k] += factor * q[k];
}

void
fed_update_apply(float *next, const float *start, const int64_t *sum, size_t count, uint64_t total)
{
    PN_ASSERT(total >= 1 && total <= FED_WEIGHTS_MAX);
    double units = (double)total * one_unit; /* exact: 31 bits and a power of two */
    for (size_t k = 0; k < count; k++) {
        /* Beyond 2^53 the conversion rounds (to nearest, as the division and the cast do): three
         * IEEE operations, so the same bits on every machine. */
        float mean = (float)((double)sum[k] / units);
        next[k]    = start[k] + mean;
    }
}

void
fed_update_encode(uint8_t *out, const int32_t *q, size_t count)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (out != (const uint8_t *)q)
        memmove(out, q, count * sizeof *q);
#else
    for (size_t k = 0; k < count; k++)
        pn_put_u32(out + 4 * k, (uint32_t)q[k]);
#endif
}

void
fed_update_decode(int32_t *out, const uint8_t *bytes, size_t count)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (bytes != (const uint8_t *)out)
        memmove(out, bytes, count * sizeof *out);
#else
    for (size_t k = 0; k < count; k++)
        out[k] = (int32_t)pn_get_u32(bytes + 4 * k);
#endif
}

/* In parts, so that what is decoded stays in the cache. */
void
fed_update_measure_bytes(pn_u128 *squares, const uint8_t *bytes, size_t size)
{
    int32_t q[1024];
    for (size_t left = size / 4; left > 0;) {
        size_t count = left < sizeof q / sizeof q[0] ? left : sizeof q / sizeof q[0];
        fed_update_decode(q, bytes, count);
        fed_update_measure(squares, q, count);
        bytes += 4 * count;
        left -= count;
    }
}
