/*
 * nnlib/gate -- sigmoid and tanh of whole rows, as fast as the machine allows; inside nnlib only.
 *
 * In the double build these are C's functions. In float they are Cephes' polynomials for e^x and
 * tanh. Relative errors, measured against double on every 37th float of -110..110:
 *     sigmoid    below 1.5e-7 down to x = -87, below that the value is 1.6e-38; 1 from 17 on
 *     tanh       below 1.4e-7; -1 and 1 beyond 9.1; tanh(-x) = -tanh(x)
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
