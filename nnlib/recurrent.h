/*
 * nnlib/recurrent -- the frame of rnn, lstm and gru: sequences in and out, directions, lengths,
 * carried state, all products of matrices; a cell adds what one record does at one step. Inside
 * nnlib only.
 *
 *     sums      gate[s] = W x[s] + b               one product for all steps and records
 *     step s    gate[s] += U h[s-1]                U packed once a sequence (packed.h)
 *               h[s], c[s] = cell(gate[s], h[s-1], c[s-1])
 *     back      dgate[s] from dh, dc; dh += U' dgate[s]
 *               dx = dgate W;  dW = dgate' x;  dU = dgate' h  one product each for all steps
 *
 * Inside, everything is in the order of processing, step by step: (steps, records, numbers).
 * Backward in time, the order of a record's steps is turned round within its length, so that cells
 * know one direction only. Beyond the length the state passes through unchanged and the value is 0.
 *
 * Tensors    NAME.weight_ih_l0 (gates*units, in), NAME.weight_hh_l0 (gates*units, units),
 *            NAME.bias_ih_l0 (gates*units), gru also NAME.bias_hh_l0; those that run backward end
 * in _reverse. These are PyTorch's names for one layer. rnn and lstm have one bias, the sum of
 * PyTorch's two (features.md, conventions 3 and 6): on import bias_ih_l0 gets bias_ih_l0 +
 * bias_hh_l0, on export bias_hh_l0 is 0. State      call->carry: row b starts from what the last
 * forward of as many rows left in row b, else from 0. Backward in time always starts from 0, and
 * gradients end at the start.
 */
#ifndef NNLIB_RECURRENT_H
#define NNLIB_RECURRENT_H

#include "nnlib/sequence.h"

enum nn_direction {
    NN_FORWARD,
    NN_BACKWARD,
    NN_BOTH
};

struct nn_recurrent_options {
    double   scale, forget;
    uint32_t direction, output, bias, init, recurrent, role, activation;
};
_Static_assert(sizeof(struct nn_recurrent_options) <= NN_OPTIONS_MAX, "options fit");

extern const char *const nn_direction_names[], *const nn_output_names[], *const nn_yes_no[],
                                                                             *const nn_role_names[];

/* The rows of the options table that all three have. */
#define NN_RECURRENT_OPTION(name, fallback, field, words)                                          \
    {                                                                                              \
        name, fallback, NN_OPTION_WORD, offsetof(struct nn_recurrent_options, field), 0, 0, words  \
    }
#define NN_RECURRENT_OPTIONS                                                                       \
    NN_RECURRENT_OPTION("direction", "forward", direction, nn_direction_names),                    \
        NN_RECURRENT_OPTION("output", "sequence", output, nn_output_names),                        \
        NN_RECURRENT_OPTION("bias", "yes", bias, nn_yes_no),                                       \
        NN_RECURRENT_OPTION("init", "xavier", init, nn_init_names),                                \
        NN_RECURRENT_OPTION("recurrent", "xavier", recurrent, nn_init_names),                      \
        {"scale", "0.01", NN_OPTION_NUMBER, offsetof(struct nn_recurrent_options, scale), 0,       \
         1e3,     NULL},                                                                           \
        NN_RECURRENT_OPTION("role", "shared", role, nn_role_names)

/* One record at one step; arrays of `units` numbers, `gate` and its gradients (gates, units). */
struct nn_moment {
    size_t         units;
    nn_real       *gate;  /* forward: the sums, to become what backward needs      */
    nn_real       *inner; /* of cells that have it                                 */
    const nn_real *h_before, *c_before;
    nn_real       *h, *c; /* written by forward                                    */
    /* Backward: in, the gradient by h and c; out, by h_before and c_before, without what comes
     * through U. */
    nn_real *dh, *dc;
    nn_real *dgate; /* out: by the sums                                                */
    nn_real *dside; /* out: by the part of them that U h_before is; `apart` cells only */
};

struct nn_cell {
    uint32_t gates;
    bool     memory; /* it has c */
    /* The last gate's U h_before + bias_hh goes to `inner` instead of the sum, and has a gradient
     * of its own; without, `inner` is the cell's to write. */
    bool apart;
    bool inner;
    void (*forward)(const struct nn_moment *m);
    void (*backward)(const struct nn_moment *m);
};
extern const struct nn_cell nn_rnn_tanh_cell, nn_rnn_relu_cell, nn_lstm_cell, nn_gru_cell;

/* ---- functions of a kind ---- */

enum pn_status nn_recurrent_shape(struct nn_layer *layer, const struct nn_layer *const *inputs,
                                  struct pn_error *why);
void           nn_recurrent_manifest(struct nn_manifest *out, struct nn_layer *layer,
                                     const struct nn_layer *const *inputs);
size_t         nn_recurrent_keep(const struct nn_layer *layer, const struct nn_layer *const *inputs,
                                 uint32_t batch, enum nn_mode mode);
size_t   nn_recurrent_scratch(const struct nn_layer *layer, const struct nn_layer *const *inputs,
                              uint32_t batch, enum nn_mode mode);
void     nn_recurrent_forward(const struct nn_call *call);
void     nn_recurrent_backward(const struct nn_call *call);
void     nn_recurrent_row_norms(const struct nn_call *call, double *norm2);
uint64_t nn_recurrent_flops(const struct nn_layer *layer, const struct nn_layer *const *inputs);

#define NN_RECURRENT_KIND(text, table)                                                             \
    {                                                                                              \
        .name = text, .options = table, .inputs_min = 1, .inputs_max = 2, .size_dims = 1,          \
        .shape = nn_recurrent_shape, .manifest = nn_recurrent_manifest,                            \
        .keep_bytes = nn_recurrent_keep, .scratch_bytes = nn_recurrent_scratch,                    \
        .forward = nn_recurrent_forward, .backward = nn_recurrent_backward,                        \
        .row_norms = nn_recurrent_row_norms, .flops = nn_recurrent_flops                           \
    }

#endif
