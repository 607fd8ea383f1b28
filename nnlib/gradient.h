/*
 * nnlib/gradient -- a gradient as a flat array: norms and clipping.
 *
 *     clip by norm   g *= min(1, most / (|g| + 1e-6))          the 1e-6 is PyTorch's
 *     clip by value  g  = min(max(g, -most), most)
 *
 * Gradients of micro-batches are added up while they are made: nn_gradient_blend (nnlib/pass).
 *
 * Memory     the caller's; nothing is allocated.   Threads  any.
 */
#ifndef NNLIB_GRADIENT_H
#define NNLIB_GRADIENT_H

#include "nnlib/real.h"

#include <stddef.h>

/* Sum of squares, in double. */
double nn_square_sum(const nn_real *grad, size_t count);
void   nn_clip_value(nn_real *grad, size_t count, double most);
/* What clipping by norm multiplies a gradient of this norm with. */
double nn_clip_factor(double norm, double most);
/* Clips and returns the norm from before. A norm that is not finite makes the gradient NaN. */
double nn_clip_norm(nn_real *grad, size_t count, double most);

#endif
