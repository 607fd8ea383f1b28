/* Recurrent layers: sums for all steps at once, then step by step. */
#include "nnlib/recurrent_inside.h"

#include "nnlib/packed.h"

#include <string.h>

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
    uint32_t              own    = call->layer->tensor_count / run_directions(call->layer);
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
            struct nn_moment m = run_moment(r, s, b);
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
    size_t         units = r->units, stride = units * run_directions(call->layer);
    nn_real       *y    = call->y + r->direction * units;
    const nn_real *last = r->h + r->steps * r->rows * units;
    bool           all  = run_options(call->layer).output == 0;
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
    for (uint32_t d = 0; d < run_directions(call->layer); d++) {
        run_open(&r, call, d);
        gather(&r, call);
        begin_states(&r, call);
        project(&r, call);
        run_steps(&r, call->w[r.first_tensor + 1]);
        scatter(&r, call);
        keep_states(&r);
    }
}
