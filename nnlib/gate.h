/*
 * nnlib/gate -- sigmoid and tanh of whole rows, as fast as the machine allows; inside nnlib only.
 *
 * In the double build these are C's functions. In float they are polynomials over e^x (Cephes'
 * expf and tanhf), measured against long double over every float of -100..100:
 *     sigmoid    within 1.3e-7 of the value, exactly 0 or 1 far out (below -104, above 17)
 *     tanh       within 1.5e-7, exactly -1 or 1 far out (beyond 9.1); tanh(-x) = -tanh(x)
 * NaN stays NaN.
 */
#ifndef NNLIB_GATE_H
#define NNLIB_GATE_H

#include "nnlib/real.h"

#include <stddef.h>

/* v[k] = 1 / (1 + e^-v[k]) */
void nn_gate_sigmoid(nn_real *v, size_t count);
/* out[k] = tanh(v[k]); out may be v. */
void nn_gate_tanh(nn_real *out, const nn_real *v, size_t count);

#endif
