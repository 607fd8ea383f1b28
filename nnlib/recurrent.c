/* Shape, tensors and memory of recurrent layers. */
#include "nnlib/recurrent_inside.h"

#include "nnlib/packed.h"

#include <string.h>

const char *const nn_direction_names[] = {"forward", "backward", "both", NULL};
const char *const nn_output_names[]    = {"sequence", "last", NULL};
const char *const nn_yes_no[]          = {"no", "yes", NULL};
const char *const nn_role_names[]      = {"shared", "frozen", NULL};

struct nn_recurrent_options
run_options(const struct nn_layer *layer)
{
    struct nn_recurrent_options options;
    memcpy(&options, layer->options, sizeof options);
    return options;
}

static const struct nn_cell *
cell_of(const struct nn_layer *layer)
{
    if (layer->kind == &nn_lstm_kind)
        return &nn_lstm_cell;
    if (layer->kind == &nn_gru_kind)
        return &nn_gru_cell;
    return run_options(layer).activation == 0 ? &nn_rnn_tanh_cell : &nn_rnn_relu_cell;
}

uint32_t
run_directions(const struct nn_layer *layer)
{
    return run_options(layer).direction == NN_BOTH ? 2 : 1;
}

/* ---- shape and tensors ---- */

enum pn_status
nn_recurrent_shape(struct nn_layer *layer, const struct nn_layer *const *inputs,
                   struct pn_error *why)
{
    uint32_t size  = layer->given.dim[0] * run_directions(layer); /* at most 2^25 */
    uint32_t steps = inputs[0]->shape.dim[0];
    layer->shape   = run_options(layer).output == 0
                         ? (struct nn_shape){.dims = 2, .dim = {steps, size}}
                         : (struct nn_shape){.dims = 1, .dim = {size}};
    return nn_sequence_check(layer, inputs, why);
}

/* weight_ih, weight_hh and biases of one direction. */
static void
add_tensors(struct nn_manifest *out, struct nn_layer *layer, uint32_t in, const char *const *names)
{
    struct nn_recurrent_options o     = run_options(layer);
    const struct nn_cell       *cell  = cell_of(layer);
    uint32_t                    units = layer->given.dim[0];
    struct nn_init              init  = {(enum nn_init_kind)o.init, o.scale};
    struct nn_init              side  = {(enum nn_init_kind)o.recurrent, o.scale};
    struct nn_init              bias  = {NN_INIT_ZERO, 0};
    struct nn_tensor            row   = {.role    = o.role == 1 ? NN_FROZEN : NN_SHARED,
                                         .dims    = 2,
                                         .dim     = {cell->gates * units, in},
                                         .fan_in  = in,
                                         .fan_out = units,
                                         .decay   = true};
    if (init.kind == NN_INIT_TORCH) { /* PyTorch: all within 1/sqrt(units) */
        row.fan_in = units;
        bias       = init;
    } else if (cell == &nn_lstm_cell) {
        bias = (struct nn_init){NN_INIT_FORGET, o.forget};
    }
    nn_manifest_add(out, layer, names[0], &row, init);
    row.dim[1] = row.fan_in = units;
    nn_manifest_add(out, layer, names[1], &row, side);
    row.dims   = 1;
    row.dim[1] = 0;
    row.decay  = false;
    if (o.bias == 1)
        nn_manifest_add(out, layer, names[2], &row, bias);
    if (o.bias == 1 && cell->apart)
        nn_manifest_add(out, layer, names[3], &row, bias);
}

void
nn_recurrent_manifest(struct nn_manifest *out, struct nn_layer *layer,
                      const struct nn_layer *const *inputs)
{
    static const char *const names[2][4] = {
        {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"},
        {"weight_ih_l0_reverse", "weight_hh_l0_reverse", "bias_ih_l0_reverse",
         "bias_hh_l0_reverse"}};
    uint32_t direction = run_options(layer).direction;
    if (direction != NN_BACKWARD)
        add_tensors(out, layer, inputs[0]->shape.dim[1], names[0]);
    if (direction != NN_FORWARD)
        add_tensors(out, layer, inputs[0]->shape.dim[1], names[1]);
}

uint64_t
nn_recurrent_flops(const struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    uint64_t units = layer->given.dim[0], width = cell_of(layer)->gates * units;
    uint64_t step = 2 * width * (inputs[0]->shape.dim[1] + units) + 4 * width;
    return step * inputs[0]->shape.dim[0] * run_directions(layer);
}

/* ---- memory ---- */

/* Memory taken piece by piece; base NULL: only how much. */
struct arena {
    unsigned char *base;
    size_t         used; /* SIZE_MAX: more than there can be */
};

static void *
take(struct arena *arena, size_t rows, size_t size)
{
    size_t at = arena->used, bytes;
    if (!pn_size_mul(&bytes, rows, size) || !pn_size_mul(&bytes, bytes, sizeof(nn_real)) ||
        !pn_size_add(&bytes, bytes, 63) || !pn_size_add(&arena->used, at, bytes & ~(size_t)63))
        arena->used = SIZE_MAX;
    return arena->base != NULL ? arena->base + at : NULL;
}

static void
take_steps(struct run *r, struct arena *a)
{
    size_t rows = r->steps * r->rows, more = rows + r->rows;
    r->x     = take(a, rows, r->in);
    r->gate  = take(a, rows, r->width);
    r->inner = r->cell->inner ? take(a, rows, r->units) : NULL;
    r->h     = take(a, more, r->units);
    r->c     = r->cell->memory ? take(a, more, r->units) : NULL;
}

static void
take_gradients(struct run *r, struct arena *a)
{
    size_t rows = r->steps * r->rows;
    r->dgate    = take(a, rows, r->width);
    r->dside    = r->cell->apart ? take(a, rows, r->width) : r->dgate;
    r->dx       = take(a, rows, r->in);
    r->dh       = take(a, r->rows, r->units);
    r->dc       = r->cell->memory ? take(a, r->rows, r->units) : NULL;
    r->record   = take(a, r->steps, r->in + r->units + 2 * r->width);
}

/* U for one of the two ways; with an `apart` gate it is two matrices on the way forward. */
static size_t
packed_count(const struct run *r)
{
    size_t forward  = nn_packed_count(r->units, r->width) + NN_PANEL * r->units;
    size_t backward = nn_packed_count(r->width, r->units);
    return forward > backward ? forward : backward;
}

/* In training what forward computes is kept for backward; else it is scratch. */
static void
lay_out(struct run *r, struct arena *keep, struct arena *scratch, enum nn_mode mode)
{
    scratch->used = 0;
    if (!r->from_end) {
        r->carried = take(keep, 1, 1);
        r->state_h = take(keep, r->rows, r->units);
        r->state_c = r->cell->memory ? take(keep, r->rows, r->units) : NULL;
    }
    take_steps(r, mode == NN_TRAIN ? keep : scratch);
    r->length = take(scratch, r->rows, 1);
    r->bias   = take(scratch, 2, r->width);
    r->packed = take(scratch, 1, packed_count(r));
    if (mode == NN_TRAIN)
        take_gradients(r, scratch);
}

static void
describe(struct run *r, const struct nn_layer *layer, const struct nn_layer *input, uint32_t rows,
         uint32_t direction)
{
    bool backward   = run_options(layer).direction == NN_BACKWARD;
    *r              = (struct run){.cell      = cell_of(layer),
                                   .steps     = input->shape.dim[0],
                                   .rows      = rows,
                                   .in        = input->shape.dim[1],
                                   .units     = layer->given.dim[0],
                                   .from_end  = direction == 1 || backward,
                                   .direction = direction};
    r->width        = r->cell->gates * r->units;
    r->first_tensor = direction * (layer->tensor_count / 2);
}

void
run_open(struct run *r, const struct nn_call *call, uint32_t direction)
{
    struct arena keep = {.base = call->keep}, scratch = {.base = call->scratch};
    for (uint32_t d = 0; d <= direction; d++) {
        describe(r, call->layer, call->input[0], call->rows, d);
        lay_out(r, &keep, &scratch, call->mode);
    }
    for (uint32_t b = 0; b < call->rows; b++)
        (void)nn_sequence_length(&r->length[b], call, b);
}

static void
measure(struct arena *keep, struct arena *scratch, const struct nn_layer *layer,
        const struct nn_layer *input, uint32_t batch, enum nn_mode mode)
{
    struct run r;
    for (uint32_t d = 0; d < run_directions(layer); d++) {
        describe(&r, layer, input, batch, d);
        lay_out(&r, keep, scratch, mode);
    }
}

size_t
nn_recurrent_keep(const struct nn_layer *layer, const struct nn_layer *const *inputs,
                  uint32_t batch, enum nn_mode mode)
{
    struct arena keep = {0}, scratch = {0};
    measure(&keep, &scratch, layer, inputs[0], batch, mode);
    return keep.used;
}

size_t
nn_recurrent_scratch(const struct nn_layer *layer, const struct nn_layer *const *inputs,
                     uint32_t batch, enum nn_mode mode)
{
    struct arena keep = {0}, scratch = {0};
    measure(&keep, &scratch, layer, inputs[0], batch, mode);
    return scratch.used;
}

struct nn_moment
run_moment(const struct run *r, size_t s, size_t b)
{
    size_t           at = s * r->rows + b, before = at * r->units;
    size_t           after = (at + r->rows) * r->units;
    struct nn_moment m     = {.units    = r->units,
                              .gate     = r->gate + at * r->width,
                              .h_before = r->h + before,
                              .h        = r->h + after};
    if (r->cell->inner)
        m.inner = r->inner + before;
    if (r->cell->memory) {
        m.c_before = r->c + before;
        m.c        = r->c + after;
    }
    return m;
}
