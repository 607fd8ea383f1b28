/*
 * y[c,j] = max of x[c,i], i in the window of j (pool.h); NaN passes through.
 * dx[c,i] = sum of dy[c,j] over the windows in which i is the first to hold the maximum.
 * Padding counts as minus infinity. Kept: where each maximum was, in its channel.
 */
#include "nnlib/pool.h"

#include <string.h>

static const struct nn_option table_1d[]   = {NN_POOL_WINDOW(NN_OPTION_COUNT), {0}};
static const struct nn_option table_2d[]   = {NN_POOL_WINDOW(NN_OPTION_PAIR), {0}};
static const struct nn_option no_options[] = {{0}};

static size_t
keep_bytes(const struct nn_layer *layer, const struct nn_layer *const *inputs, uint32_t batch,
           enum nn_mode mode)
{
    (void)inputs;
    return mode == NN_TRAIN ? (size_t)batch * layer->size * sizeof(uint32_t) : 0;
}

/* One more number of a window: the first greatest stays, and NaN. */
static inline void
consider(nn_real *value, uint32_t *best, nn_real v, uint32_t at)
{
    bool above = (v > *value) | (v != v);
    *value     = above ? v : *value;
    *best      = above ? at : *best;
}

/* The first greatest of a window; *at is where. */
static inline nn_real
greatest(uint32_t *at, const nn_real *x, struct nn_span rows, struct nn_span cols, uint32_t width,
         size_t pixel)
{
    uint32_t best  = rows.begin * width + cols.begin;
    nn_real  value = x[best * pixel];
    for (uint32_t r = rows.begin; r < rows.end; r++)
        for (uint32_t i = r * width + cols.begin; i < r * width + cols.end; i++)
            consider(&value, &best, x[i * pixel], i);
    *at = best;
    return value;
}

/* Two by two, as most networks have it: a loop that compilers vectorise. */
static void
forward_line_of_2x2(nn_real *restrict y, uint32_t *restrict where, const nn_real *restrict x,
                    uint32_t first, uint32_t width, uint32_t count)
{
    for (uint32_t c = 0; c < count; c++) {
        uint32_t best  = first + 2 * c;
        nn_real  value = x[2 * c];
        consider(&value, &best, x[2 * c + 1], first + 2 * c + 1);
        consider(&value, &best, x[width + 2 * c], first + width + 2 * c);
        consider(&value, &best, x[width + 2 * c + 1], first + width + 2 * c + 1);
        y[c]     = value;
        where[c] = best;
    }
}

static bool
is_2x2(const struct nn_pool *pool)
{
    bool all = pool->form == NN_POOL_IMAGE && pool->pixel == 1;
    for (int k = 0; k < 2; k++)
        all = all && pool->axis[k].kernel == 2 && pool->axis[k].stride == 2 &&
              pool->axis[k].pad == 0 && 2 * pool->axis[k].out <= pool->axis[k].size;
    return all;
}

static void
forward_channel(nn_real *y, uint32_t *where, const nn_real *x, const struct nn_pool *pool)
{
    uint32_t width = pool->axis[1].size, cols = pool->axis[1].out;
    for (uint32_t r = 0; r < pool->axis[0].out; r++) {
        if (where != NULL && is_2x2(pool)) {
            forward_line_of_2x2(y + r * cols, where + r * cols, x + 2 * r * width, 2 * r * width,
                                width, cols);
            continue;
        }
        struct nn_span rows = nn_pool_span(pool, 0, r);
        for (uint32_t c = 0; c < cols; c++) {
            size_t   j = ((size_t)r * cols + c) * pool->pixel;
            uint32_t at;
            y[j] =
                greatest(&at, x, rows, nn_pool_span(pool, 1, c), pool->axis[1].size, pool->pixel);
            if (where != NULL)
                where[j] = at;
        }
    }
}

static void
forward(const struct nn_call *call, enum nn_pool_form form)
{
    struct nn_pool pool = nn_pool_of(call->layer, call->input[0], form);
    uint32_t      *keep = call->keep;
    for (size_t b = 0; b < call->rows; b++)
        for (uint32_t c = 0; c < pool.channels; c++) {
            size_t at = b * call->layer->size + c * pool.channel_out;
            forward_channel(call->y + at, keep != NULL ? keep + at : NULL,
                            call->x[0] + b * call->input[0]->size + c * pool.channel_in, &pool);
        }
}

static void
backward(const struct nn_call *call, enum nn_pool_form form)
{
    struct nn_pool  pool = nn_pool_of(call->layer, call->input[0], form);
    const uint32_t *keep = call->keep;
    size_t          in = call->input[0]->size, out = call->layer->size;
    size_t          pixels = out / pool.channels;
    if (call->dx[0] == NULL)
        return;
    if (!call->add[0])
        memset(call->dx[0], 0, call->rows * in * sizeof(nn_real));
    for (size_t b = 0; b < call->rows; b++)
        for (uint32_t c = 0; c < pool.channels; c++) {
            nn_real *dx = call->dx[0] + b * in + c * pool.channel_in;
            size_t   at = b * out + c * pool.channel_out;
            for (size_t j = 0; j < pixels; j++)
                dx[keep[at + j * pool.pixel] * pool.pixel] += call->dy[at + j * pool.pixel];
        }
}

static uint64_t
flops(const struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    (void)layer;
    return inputs[0]->size;
}

#define KIND(kind, form_, table_, dims_)                                                           \
    static enum pn_status kind##_shape(struct nn_layer              *layer,                        \
                                       const struct nn_layer *const *inputs, struct pn_error *why) \
    {                                                                                              \
        return nn_pool_shape(layer, inputs[0], form_, why);                                        \
    }                                                                                              \
    static void kind##_forward(const struct nn_call *call)                                         \
    {                                                                                              \
        forward(call, form_);                                                                      \
    }                                                                                              \
    static void kind##_backward(const struct nn_call *call)                                        \
    {                                                                                              \
        backward(call, form_);                                                                     \
    }                                                                                              \
    const struct nn_layer_kind nn_##kind##_kind = {.name       = #kind,                            \
                                                   .options    = table_,                           \
                                                   .inputs_min = 1,                                \
                                                   .inputs_max = 1,                                \
                                                   .size_dims  = dims_,                            \
                                                   .shape      = kind##_shape,                     \
                                                   .keep_bytes = keep_bytes,                       \
                                                   .forward    = kind##_forward,                   \
                                                   .backward   = kind##_backward,                  \
                                                   .flops      = flops}
KIND(maxpool1d, NN_POOL_SEQUENCE, table_1d, 0);
KIND(maxpool2d, NN_POOL_IMAGE, table_2d, 0);
KIND(adaptive_maxpool, NN_POOL_ADAPTIVE, no_options, 2);
KIND(global_maxpool, NN_POOL_GLOBAL, no_options, 0);
