/* Recurrent layers: back through the steps, then the gradients for all steps at once. */
#include "nnlib/recurrent_inside.h"

#include "nnlib/packed.h"

#include <string.h>

/* dh of the last state; with all states in the value each step adds its own. */
static void
begin_gradients(struct run *r, const struct nn_call *call)
{
    size_t         units = r->units, stride = units * run_directions(call->layer);
    const nn_real *dy = call->dy + r->direction * units;
    memset(r->dh, 0, r->rows * units * sizeof *r->dh);
    if (r->cell->memory)
        memset(r->dc, 0, r->rows * units * sizeof *r->dc);
    for (size_t b = 0; run_options(call->layer).output == 1 && b < r->rows; b++)
        memcpy(r->dh + b * units, dy + b * stride, units * sizeof *dy);
}

/* One record at one step, with the gradient of its value there. */
static void
step_back(struct run *r, const struct nn_call *call, size_t s, size_t b)
{
    struct nn_moment m     = run_moment(r, s, b);
    size_t           units = r->units, stride = units * run_directions(call->layer);
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
    if (run_options(call->layer).output == 0)
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
    uint32_t          own  = call->layer->tensor_count / run_directions(call->layer);
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
    for (uint32_t d = 0; d < run_directions(call->layer); d++) {
        run_open(&r, call, d);
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
    if (run_options(call->layer).role == 1) /* frozen */
        return;
    for (uint32_t d = 0; d < run_directions(call->layer); d++) {
        run_open(&r, call, d);
        run_back(&r, call);
        bool     bias = run_options(call->layer).bias == 1;
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
