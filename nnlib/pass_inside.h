/*
 * nnlib/pass_inside -- a pass from the inside, for pass.c (workspace and forward), descend.c
 * (losses and backward), range.c (parts of a plan, taps) and team.c (several threads) only.
 *
 * A workspace, in this order, each part 64-byte aligned:
 *     struct nn_pass | parts | scratch of one call | targets and weights of one loss
 *     | values, keeps and, in training, deltas of layer 0 .. n-1
 */
#ifndef NNLIB_PASS_INSIDE_H
#define NNLIB_PASS_INSIDE_H

#include "nnlib/layer.h"

struct part {
    nn_real *value; /* (batch, size) */
    nn_real *delta; /* gradient by the value, NN_TRAIN only */
    void    *keep;
    bool     wanted;  /* some layer below learns, or the caller wants dx   */
    bool     touched; /* delta holds a part of the sum already             */
};

struct nn_pass {
    const struct nn_plan *plan;
    struct part          *parts;
    void                 *scratch;
    nn_real              *targets, *weights; /* NULL where the caller's serve */
    struct pn_rng         rng;
    uint64_t              first_row;
    uint32_t              batch, rows;
    enum nn_mode          mode;
    bool                  carry;
};

/* Where a backward pass puts the gradient of the tensors. */
struct sink {
    nn_real *into;                    /* a flat array; NULL: nowhere */
    nn_real  alpha, beta, beta_decay; /* beta_decay: for tensors that decay */
    double  *norm2;                   /* squared norms by row instead */
    bool     spares;                  /* layers with pass_units are left to pass_unit_gradient */
};

static inline struct sink
sink_of(nn_real *grad, nn_real alpha, nn_real beta)
{
    return (struct sink){.into = grad, .alpha = alpha, .beta = beta, .beta_decay = beta};
}

/* ---- pass.c ---- */

/* The input of a plan with one is the caller's array, and so is its gradient. */
bool pass_is_borrowed(const struct nn_plan *plan, uint32_t layer);
/* The part of a call that forward and backward share. */
void pass_begin_call(struct nn_call *call, const struct nn_pass *pass, const nn_real *theta,
                     uint32_t layer);
void pass_run_forward(struct nn_pass *pass, const nn_real *theta, uint32_t first, uint32_t last);

/* ---- descend.c ---- */

/* Nothing has a gradient yet; those of layers below `first` are not wanted, that of `first` itself
 * is the caller's say. */
void pass_begin_backward(struct nn_pass *pass, uint32_t first, bool from_first);
/* Through layers `last` .. first + 1. */
void pass_run_backward(struct nn_pass *pass, const struct sink *sink, const nn_real *theta,
                       uint32_t first, uint32_t last);
/* The loss, and its gradient into the sink, and by the inputs into dx unless it is NULL. */
double pass_descend(struct nn_pass *pass, const struct sink *sink, nn_real *dx,
                    const nn_real *theta, const struct nn_batch *batch);
/* How many units of this layer can get their gradient apart from each other; 0: it is one piece, or
 * a tensor of it does not learn, or is tied. */
uint32_t pass_units(const struct nn_plan *plan, uint32_t layer);
/* Of the last pass_descend, for some of them; other units at the same time in other threads. */
void pass_unit_gradient(const struct nn_pass *pass, const struct sink *sink, const nn_real *theta,
                        uint32_t layer, uint32_t from, uint32_t to);

#endif
