/*
 * nnlib/recurrent_inside -- one direction of a recurrent layer in one call, for recurrent.c (shape,
 * tensors, memory), recurrent_forward.c and recurrent_backward.c only.
 */
#ifndef NNLIB_RECURRENT_INSIDE_H
#define NNLIB_RECURRENT_INSIDE_H

#include "nnlib/recurrent.h"

/* One direction of one layer in one call. All arrays are in the order of processing. */
struct run {
    const struct nn_cell *cell;
    size_t                steps, rows, in, units, width; /* width: of all gates */
    bool                  from_end;
    uint32_t              first_tensor, direction;
    uint32_t             *carried;           /* rows that state_h and state_c are of      */
    nn_real              *state_h, *state_c; /* (rows, units), from call to call          */
    nn_real              *x, *gate, *inner;  /* (steps, rows, in | width | units)         */
    nn_real              *h, *c;             /* (steps + 1, rows, units), the start first */
    uint32_t             *length;            /* (rows)                                    */
    nn_real              *bias, *packed;
    nn_real              *dgate, *dside, *dx; /* (steps, rows, width | width | in)         */
    nn_real              *dh, *dc;            /* (rows, units)                             */
    nn_real              *record;             /* x, h, dgate and dside of one record       */
};

struct nn_recurrent_options run_options(const struct nn_layer *layer);
uint32_t                    run_directions(const struct nn_layer *layer);
/* Lays out the arrays and reads the lengths; direction 0, then with direction=both 1. */
void run_open(struct run *r, const struct nn_call *call, uint32_t direction);
/* Record b at step s, without gradients. */
struct nn_moment run_moment(const struct run *r, size_t s, size_t b);

#endif
