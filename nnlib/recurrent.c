#include "nnlib/recurrent.h"

#include "nnlib/packed.h"

#include <string.h>

const char *const nn_direction_names[] = {"forward", "backward", "both", NULL};
const char *const nn_output_names[]    = {"sequence", "last", NULL};
const char *const nn_yes_no[]          = {"no", "yes", NULL};
const char *const nn_role_names[]      = {"shared", "frozen", NULL};

static struct nn_recurrent_options
options_of(const struct nn_layer *layer)
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
    return options_of(layer).activation == 0 ? &nn_rnn_tanh_cell : &nn_rnn_relu_cell;
}

static uint32_t
directions_of(const struct nn_layer *layer)
{
    return options_of(layer).direction == NN_BOTH ? 2 : 1;
}

/* ---- shape and tensors ---- */

enum pn_status
nn_recurrent_shape(struct nn_layer *layer, const struct nn_layer *const *inputs,
                   struct pn_error *why)
{
    uint32_t size  = layer->given.dim[0] * directions_of(layer); /* at most 2^25 */
    uint32_t steps = inputs[0]->shape.dim[0];
    layer->shape   = options_of(layer).output == 0
                         ? (struct nn_shape){.dims = 2, .dim = {steps, size}}
                         : (struct nn_shape){.dims = 1, .dim = {size}};
    return nn_sequence_check(layer, inputs, why);
}

/* weight_ih, weight_hh and biases of one direction. */
static void
add_tensors(struct nn_manifest *out, struct nn_layer *layer, uint32_t in, const char *const *names)
{
    struct nn_recurrent_options o     = options_of(layer);
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
    uint32_t direction = options_of(layer).direction;
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
    return step * inputs[0]->shape.dim[0] * directions_of(layer);
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
    bool backward   = options_of(layer).direction == NN_BACKWARD;
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

static void
open_run(struct run *r, const struct nn_call *call, uint32_t direction)
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
    for (uint32_t d = 0; d < directions_of(layer); d++) {
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

/* ---- forward ---- */

/* x in the order of processing, 0 beyond the length, NaN where that is none. */
static void
gather(struct run *r, const struct nn_call *call)
{
    for (uint32_t b = 0; b < r->rows; b++) {
        uint32_t length;
        bool     good = nn_sequence_length(&length, call, b);
        for (size_t s = 0; s < r->steps; s++) {
            nn_real *to = r->x + (s * r->rows + b) * r->in;
            size_t   t  = b * r->steps + nn_sequence_step(s, length, r->from_end);
            if (s < length)
                memcpy(to, call->x[0] + t * r->in, r->in * sizeof *to);
            else
                memset(to, 0, r->in * sizeof *to);
            for (size_t k = 0; !good && k < r->in; k++)
                to[k] = (nn_real)NAN;
        }
    }
}

static void
begin(nn_real *start, const nn_real *state, bool carry, size_t count)
{
    if (carry)
        memcpy(start, state, count * sizeof *start);
    else
        memset(start, 0, count * sizeof *start);
}

static void
begin_states(struct run *r, const struct nn_call *call)
{
    bool carry = call->carry && !r->from_end && *r->carried == r->rows;
    begin(r->h, r->state_h, carry, r->rows * r->units);
    if (r->cell->memory)
        begin(r->c, r->state_c, carry, r->rows * r->units);
}

static void
keep_states(struct run *r)
{
    size_t count = r->rows * r->units;
    if (r->from_end)
        return;
    memcpy(r->state_h, r->h + r->steps * count, count * sizeof *r->h);
    if (r->cell->memory)
        memcpy(r->state_c, r->c + r->steps * count, count * sizeof *r->c);
    *r->carried = (uint32_t)r->rows;
}

/* The biases of the sums and of what goes to `inner`, in one row; 0 without. */
static void
add_biases(struct run *r, const struct nn_call *call)
{
    const nn_real *const *w      = call->w + r->first_tensor;
    uint32_t              own    = call->layer->tensor_count / directions_of(call->layer);
    size_t                common = r->cell->apart ? r->width - r->units : 0;
    memset(r->bias, 0, 2 * r->width * sizeof *r->bias);
    if (own > 2)
        memcpy(r->bias, w[2], r->width * sizeof *r->bias);
    for (size_t k = 0; own > 3 && k < common; k++)
        r->bias[k] += w[3][k];
    if (own > 3)
        memcpy(r->bias + r->width, w[3] + common, r->units * sizeof *r->bias);
}

/* gate = x W' + b for all steps and records. */
static void
project(struct run *r, const struct nn_call *call)
{
    size_t rows = r->steps * r->rows;
    add_biases(r, call);
    nn_fill_rows(r->gate, r->bias, rows, r->width);
    nn_gemm(r->gate, r->width, (struct nn_operand){r->x, r->in, false},
            (struct nn_operand){call->w[r->first_tensor], r->in, true},
            (struct nn_product){rows, r->width, r->in, NN_R(1.0), NN_R(1.0)});
}

static struct nn_moment
moment_of(const struct run *r, size_t s, size_t b)
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

/* Beyond a record's end its state passes through. */
static void
pass_through(const struct nn_moment *m)
{
    memcpy(m->h, m->h_before, m->units * sizeof *m->h);
    if (m->c != NULL)
        memcpy(m->c, m->c_before, m->units * sizeof *m->c);
}

static void
run_steps(struct run *r, const nn_real *w_hh)
{
    size_t   units = r->units, summed = r->width - (r->cell->apart ? units : 0);
    nn_real *apart = r->packed + nn_packed_count(units, summed);
    nn_pack(r->packed, (struct nn_operand){w_hh, units, true}, units, summed);
    if (r->cell->apart)
        nn_pack(apart, (struct nn_operand){w_hh + summed * units, units, true}, units, units);
    for (size_t s = 0; s < r->steps; s++) {
        const nn_real *h = r->h + s * r->rows * units;
        nn_packed_add(r->gate + s * r->rows * r->width, h, r->packed,
                      (struct nn_few_rows){r->rows, summed, units, units, r->width});
        if (r->cell->apart) {
            nn_real *inner = r->inner + s * r->rows * units;
            nn_fill_rows(inner, r->bias + r->width, r->rows, units);
            nn_packed_add(inner, h, apart,
                          (struct nn_few_rows){r->rows, units, units, units, units});
        }
        for (size_t b = 0; b < r->rows; b++) {
            struct nn_moment m = moment_of(r, s, b);
            if (s < r->length[b])
                r->cell->forward(&m);
            else
                pass_through(&m);
        }
    }
}

/* The value: h of every step, or of the last one. */
static void
scatter(const struct run *r, const struct nn_call *call)
{
    size_t         units = r->units, stride = units * directions_of(call->layer);
    nn_real       *y    = call->y + r->direction * units;
    const nn_real *last = r->h + r->steps * r->rows * units;
    bool           all  = options_of(call->layer).output == 0;
    for (size_t b = 0; b < r->rows; b++)
        for (size_t s = 0; s < (all ? r->steps : 1); s++) {
            size_t         t  = nn_sequence_step(s, r->length[b], r->from_end);
            const nn_real *h  = r->h + ((s + 1) * r->rows + b) * units;
            nn_real       *to = all ? y + (b * r->steps + t) * stride : y + b * stride;
            if (all && s >= r->length[b])
                memset(to, 0, units * sizeof *to);
            else
                memcpy(to, all ? h : last + b * units, units * sizeof *to);
        }
}

void
nn_recurrent_forward(const struct nn_call *call)
{
    struct run r;
    for (uint32_t d = 0; d < directions_of(call->layer); d++) {
        open_run(&r, call, d);
        gather(&r, call);
        begin_states(&r, call);
        project(&r, call);
        run_steps(&r, call->w[r.first_tensor + 1]);
        scatter(&r, call);
        keep_states(&r);
    }
}

/* ---- backward ---- */

/* dh of the last state; with all states in the value each step adds its own. */
static void
begin_gradients(struct run *r, const struct nn_call *call)
{
    size_t         units = r->units, stride = units * directions_of(call->layer);
    const nn_real *dy = call->dy + r->direction * units;
    memset(r->dh, 0, r->rows * units * sizeof *r->dh);
    if (r->cell->memory)
        memset(r->dc, 0, r->rows * units * sizeof *r->dc);
    for (size_t b = 0; options_of(call->layer).output == 1 && b < r->rows; b++)
        memcpy(r->dh + b * units, dy + b * stride, units * sizeof *dy);
}

/* One record at one step, with the gradient of its value there. */
static void
step_back(struct run *r, const struct nn_call *call, size_t s, size_t b)
{
    struct nn_moment m     = moment_of(r, s, b);
    size_t           units = r->units, stride = units * directions_of(call->layer);
    size_t           t  = b * r->steps + nn_sequence_step(s, r->length[b], r->from_end);
    size_t           at = (s * r->rows + b) * r->width;
    const nn_real   *dy = call->dy + t * stride + r->direction * units;
    m.dh                = r->dh + b * units;
    m.dc                = r->cell->memory ? r->dc + b * units : NULL;
    m.dgate             = r->dgate + at;
    m.dside             = r->dside + at;
    if (s >= r->length[b]) {
        memset(m.dgate, 0, r->width * sizeof *m.dgate);
        memset(m.dside, 0, r->width * sizeof *m.dside);
        return;
    }
    if (options_of(call->layer).output == 0)
        nn_give(m.dh, dy, units, true);
    r->cell->backward(&m);
}

static void
run_back(struct run *r, const struct nn_call *call)
{
    size_t units = r->units, width = r->width;
    nn_pack(r->packed, (struct nn_operand){call->w[r->first_tensor + 1], units, false}, width,
            units);
    begin_gradients(r, call);
    for (size_t s = r->steps; s-- > 0;) {
        for (size_t b = 0; b < r->rows; b++)
            step_back(r, call, s, b);
        if (s > 0)
            nn_packed_add(r->dh, r->dside + s * r->rows * width, r->packed,
                          (struct nn_few_rows){r->rows, units, width, width, units});
    }
}

/* dx = dgate W, each record's steps where they came from. */
static void
give_inputs(struct run *r, const struct nn_call *call)
{
    size_t in = r->in;
    if (call->dx[0] == NULL)
        return;
    nn_gemm(r->dx, in, (struct nn_operand){r->dgate, r->width, false},
            (struct nn_operand){call->w[r->first_tensor], in, false},
            (struct nn_product){r->steps * r->rows, in, r->width, NN_R(1.0), NN_R(0.0)});
    for (size_t b = 0; b < r->rows; b++)
        for (size_t s = 0; s < r->steps; s++) {
            size_t t = b * r->steps + nn_sequence_step(s, r->length[b], r->from_end);
            nn_give(call->dx[0] + t * in, r->dx + (s * r->rows + b) * in, in,
                    call->add[0] || r->direction > 0);
        }
}

static void
give_tensors(struct run *r, const struct nn_call *call)
{
    nn_real *const   *dw   = call->dw + r->first_tensor;
    const nn_real    *beta = call->beta + r->first_tensor;
    uint32_t          own  = call->layer->tensor_count / directions_of(call->layer);
    size_t            rows = r->steps * r->rows, width = r->width;
    struct nn_operand gate = {r->dgate, width, true}, side = {r->dside, width, true};
    if (dw[0] != NULL)
        nn_gemm(dw[0], r->in, gate, (struct nn_operand){r->x, r->in, false},
                (struct nn_product){width, r->in, rows, call->alpha, beta[0]});
    if (dw[1] != NULL)
        nn_gemm(dw[1], r->units, side, (struct nn_operand){r->h, r->units, false},
                (struct nn_product){width, r->units, rows, call->alpha, beta[1]});
    if (own > 2 && dw[2] != NULL)
        nn_sum_rows(dw[2], r->dgate, rows, width, call->alpha, beta[2]);
    if (own > 3 && dw[3] != NULL)
        nn_sum_rows(dw[3], r->dside, rows, width, call->alpha, beta[3]);
}

void
nn_recurrent_backward(const struct nn_call *call)
{
    struct run r;
    nn_sequence_no_gradient(call);
    for (uint32_t d = 0; d < directions_of(call->layer); d++) {
        open_run(&r, call, d);
        run_back(&r, call);
        give_inputs(&r, call); /* reads W: before W may be written */
        give_tensors(&r, call);
    }
}

/* ---- gradients of single records ---- */

/* One record's part of (steps, rows, size), closed up. */
static nn_real *
pick(nn_real *to, const nn_real *from, const struct run *r, size_t b, size_t size)
{
    for (size_t s = 0; s < r->steps; s++)
        memcpy(to + s * size, from + (s * r->rows + b) * size, size * sizeof *to);
    return to;
}

/* Two layers over a sequence: W with x, U with h of the step before (security.md, section 3.5). */
void
nn_recurrent_row_norms(const struct nn_call *call, double *norm2)
{
    struct run r;
    if (options_of(call->layer).role == 1) /* frozen */
        return;
    for (uint32_t d = 0; d < directions_of(call->layer); d++) {
        open_run(&r, call, d);
        run_back(&r, call);
        bool     bias = options_of(call->layer).bias == 1;
        nn_real *x = r.record, *h = x + r.steps * r.in, *gate = h + r.steps * r.units;
        nn_real *side = gate + r.steps * r.width;
        for (size_t b = 0; b < r.rows; b++) {
            (void)pick(gate, r.dgate, &r, b, r.width);
            (void)pick(side, r.dside, &r, b, r.width);
            norm2[b] += nn_row_norm(pick(x, r.x, &r, b, r.in), gate, r.steps, r.in, r.width, bias);
            norm2[b] += nn_row_norm(pick(h, r.h, &r, b, r.units), side, r.steps, r.units, r.width,
                                    bias && r.cell->apart);
        }
    }
}
