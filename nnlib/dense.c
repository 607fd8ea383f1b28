/*
 * y[b,o]   = sum_i x[b,i] w[o,i] + c[o]
 * dx[b,i]  = sum_o dy[b,o] w[o,i]
 * dw[o,i]  = sum_b dy[b,o] x[b,i]
 * dc[o]    = sum_b dy[b,o]
 */
#include "nnlib/layer.h"

#include <cblas.h>
#include <string.h>

#ifdef NN_DOUBLE
#define NN_GEMM cblas_dgemm
#else
#define NN_GEMM cblas_sgemm
#endif

struct options {
    double   scale;
    uint32_t bias, init, role;
};
_Static_assert(sizeof(struct options) <= NN_OPTIONS_MAX, "options fit");

static const char *const      yes_no[] = {"no", "yes", NULL};
static const char *const      roles[]  = {"shared", "frozen", NULL};
static const struct nn_option table[]  = {
     {"bias", "yes", NN_OPTION_WORD, offsetof(struct options, bias), 0, 0, yes_no},
     {"init", "he", NN_OPTION_WORD, offsetof(struct options, init), 0, 0, nn_init_names},
     {"scale", "0.01", NN_OPTION_NUMBER, offsetof(struct options, scale), 0, 1e3, NULL},
     {"role", "shared", NN_OPTION_WORD, offsetof(struct options, role), 0, 0, roles},
     {0}};

static struct options
options_of(const struct nn_layer *layer)
{
    struct options options;
    memcpy(&options, layer->options, sizeof options);
    return options;
}

static enum pn_status
shape(struct nn_layer *layer, const struct nn_layer *const *inputs, struct pn_error *why)
{
    (void)inputs;
    (void)why;
    layer->shape = (struct nn_shape){.dims = 1, .dim = {layer->units}};
    return PN_OK;
}

static void
manifest(struct nn_manifest *out, const struct nn_layer *layer,
         const struct nn_layer *const *inputs)
{
    struct options   o    = options_of(layer);
    uint32_t         in   = inputs[0]->size;
    struct nn_init   init = {.kind = (enum nn_init_kind)o.init, .scale = o.scale};
    struct nn_tensor row  = {.role    = o.role == 1 ? NN_FROZEN : NN_SHARED,
                             .dims    = 2,
                             .dim     = {layer->size, in},
                             .fan_in  = in,
                             .fan_out = layer->size,
                             .decay   = true};
    nn_manifest_add(out, layer, "weight", &row, init);
    if (o.bias == 0)
        return;
    if (init.kind != NN_INIT_TORCH)
        init.kind = NN_INIT_ZERO;
    row.dims   = 1;
    row.dim[1] = 0;
    row.decay  = false;
    nn_manifest_add(out, layer, "bias", &row, init);
}

/* C (m,n) = A (m,k) B (k,n) + beta C, row-major; `ta`, `tb`: the argument is stored transposed. */
static void
multiply(nn_real *c, const nn_real *a, bool ta, const nn_real *b, bool tb, uint32_t m, uint32_t n,
         uint32_t k, nn_real beta)
{
    /* SAFE: sizes are at most NN_SIZE_MAX, far below the int of BLAS. */
    NN_GEMM(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, (int)m,
            (int)n, (int)k, NN_R(1.0), a, (int)(ta ? m : k), b, (int)(tb ? k : n), beta, c, (int)n);
}

static void
forward(const struct nn_call *call)
{
    uint32_t out  = call->layer->size;
    bool     bias = call->layer->tensor_count == 2;
    for (uint32_t b = 0; bias && b < call->rows; b++)
        memcpy(call->y + (size_t)b * out, call->w[1], out * sizeof(nn_real));
    multiply(call->y, call->x[0], false, call->w[0], true, call->rows, out, call->x_size[0],
             bias ? NN_R(1.0) : NN_R(0.0));
}

static void
backward(const struct nn_call *call)
{
    uint32_t out = call->layer->size, in = call->x_size[0];
    if (call->dx[0] != NULL)
        multiply(call->dx[0], call->dy, false, call->w[0], false, call->rows, in, out,
                 call->add[0] ? NN_R(1.0) : NN_R(0.0));
    if (call->dw[0] != NULL)
        multiply(call->dw[0], call->dy, true, call->x[0], false, out, in, call->rows, NN_R(0.0));
    if (call->layer->tensor_count < 2 || call->dw[1] == NULL)
        return;
    nn_real *restrict dc = call->dw[1];
    memcpy(dc, call->dy, out * sizeof *dc);
    for (uint32_t b = 1; b < call->rows; b++) {
        const nn_real *restrict dy = call->dy + (size_t)b * out;
        for (uint32_t o = 0; o < out; o++)
            dc[o] += dy[o];
    }
}

const struct nn_layer_kind nn_dense_kind = {.name       = "dense",
                                            .options    = table,
                                            .inputs_min = 1,
                                            .inputs_max = 1,
                                            .sized      = true,
                                            .shape      = shape,
                                            .manifest   = manifest,
                                            .forward    = forward,
                                            .backward   = backward};
