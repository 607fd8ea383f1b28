/*
 * fed/update -- an update as integers: quantise, check, fold, apply.
 *
 *     q[k]  = rint((theta_local[k] - theta_round[k]) * 2^24), saturated to +-(2^31 - 1)
 *     S[k]  = sum over nodes of weight * q[k]                       (int64, exact)
 *     theta_next[k] = theta_round[k] + (float)(S[k] / (W * 2^24))   (one double division)
 *
 * Sums of integers do not depend on order or machine, so a ledger can verify an
 * aggregate and a resumed round equals an uninterrupted one (design.md, principle 3).
 * No overflow: |q| < 2^31 and the sum of weights W < 2^31 give |S| < 2^62.
 *
 * On the wire an update is its q as little-endian int32: 4 bytes a parameter.
 * NaN and Inf cannot be written in it; a node whose training diverged says so.
 */
#ifndef FED_UPDATE_H
#define FED_UPDATE_H

#include "base/bytes.h"

enum { FED_FRACTION_BITS = 24 };
#define FED_WEIGHTS_MAX 2147483647u /* largest sum of weights */

/* What a difference is multiplied with, so that its L2 norm is at most `clip` (0: as it is) and its
 * unit 2^-24. PN_EDIVERGED when a value is not finite. */
PN_MUST_CHECK enum pn_status fed_update_scale(double *scale, const float *local,
                                              const float *start, size_t count, double clip);
/* Rounds a part of the difference; how many values were cut. Assumes round-to-nearest. */
uint64_t fed_update_round(int32_t *q, const float *local, const float *start, size_t count,
                          double scale);
/*
 * Both, of a whole difference. PN_EDIVERGED when a value is not finite; `saturated` counts the
 * values cut.
 */
PN_MUST_CHECK enum pn_status fed_update_quantise(int32_t *q, uint64_t *saturated,
                                                 const float *local, const float *start,
                                                 size_t count, double clip);

/* Adds the squares of q to `*squares`: exact, so the parts of an update may come in any order. */
void fed_update_measure(pn_u128 *squares, const int32_t *q, size_t count);
/* The same of `size` bytes of an encoded update, whole numbers of it. */
void fed_update_measure_bytes(pn_u128 *squares, const uint8_t *bytes, size_t size);
/* The L2 norm of q * 2^-24, given the sum of its squares. */
double fed_update_norm_of(pn_u128 squares);

/* sum[k] += weight * q[k]. */
void fed_update_fold(int64_t *sum, const int32_t *q, size_t count, uint32_t weight);

/* next[k] from start[k] and sum[k]; total = sum of the weights, 1..FED_WEIGHTS_MAX. A sum beyond
 * 2^53 is rounded to a double first; every step is one IEEE operation. `next` may be `start`. */
void fed_update_apply(float *next, const float *start, const int64_t *sum, size_t count,
                      uint64_t total);

/* Little-endian bytes <-> numbers, in place on little-endian machines. */
void fed_update_encode(uint8_t *out, const int32_t *q, size_t count);
void fed_update_decode(int32_t *out, const uint8_t *bytes, size_t count);

#endif
