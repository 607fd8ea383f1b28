/*
 * nnlib/attention -- scaled dot-product attention of one record; inside nnlib only.
 *
 *     P = softmax(q k' / sqrt(width))     over the keys a position may see
 *     y = P v                             head by head
 *
 * (Vaswani et al. 2017.) q (T, heads width), k (S, heads width), v (S, heads value), y
 * (T, heads value); a stride is the distance between positions. Position t sees keys 0 .. n - 1,
 * n = `length`, or with `causal` at most t + 1; where n is 0 its y is 0. P (heads, T, S) is kept
 * for backward, 0 where nothing is seen.
 */
#ifndef NNLIB_ATTENTION_H
#define NNLIB_ATTENTION_H

#include "nnlib/layer.h"

struct nn_attention {
    size_t heads, queries, keys, width, value; /* width and value of one head */
    size_t q_stride, k_stride, v_stride, y_stride;
    bool   causal;
};

void nn_attend(const struct nn_attention *shape, nn_real *y, nn_real *p, const nn_real *q,
               const nn_real *k, const nn_real *v, size_t length);

/* Gradients like q, k, v; NULL: not wanted; two may be the same. += where add. */
struct nn_attention_gradient {
    nn_real *q, *k, *v;
    bool     add_q, add_k, add_v;
};
/* scratch: (T, S) numbers. */
void nn_attend_back(const struct nn_attention *shape, const struct nn_attention_gradient *out,
                    nn_real *scratch, const nn_real *dy, const nn_real *p, const nn_real *q,
                    const nn_real *k, const nn_real *v);

/* Shares are kept for every pair of positions: their number has a limit. */
enum pn_status nn_attention_check(const struct nn_layer *layer, uint32_t heads, uint32_t keys,
                                  struct pn_error *why);

/* The length a record gives, 0 .. most; anything that is no such number means all. */
static inline size_t
nn_attention_length(const nn_real *length, size_t most)
{
    /* SAFE: the range is checked before the conversion. */
    return length != NULL && *length >= NN_R(0.0) && *length < (nn_real)most ? (size_t)*length
                                                                             : most;
}

#endif
