/*
 * y[c,j] = (1 / n_j) sum of x[c,i], i in the window of j (pool.h)
 * dx[c,i] = sum of dy[c,j] / n_j over the windows of i
 * n_j counts the inputs of the window, with count_pad=yes also its padding: PyTorch's default
 * (features.md, convention 22).
 */
#include "nnlib/pool.h"

#include <string.h>

#define COUNT_PAD                                                                                  \
    {                                                                                              \
        "count_pad", "no", NN_OPTION_WORD, offsetof(struct nn_pool_options, count_pad), 0, 0,      \
            nn_pool_no_yes                                                                         \
    }
static const struct nn_option table_1d[]   = {NN_POOL_WINDOW(NN_OPTION_COUNT), COUNT_PAD, {0}};
static const struct nn_option table_2d[]   = {NN_POOL_WINDOW(NN_OPTION_PAIR), COUNT_PAD, {0}};
static const struct nn_option no_options[] = {{0}};

struct window {
    struct nn_span rows, cols;
    size_t         out; /* where its output is in the channel */
    nn_real        share;
};

/* Output `j` of a channel. */
static struct window
window_of(const struct nn_pool *pool, const struct nn_layer *layer, uint32_t j)
{
    struct nn_pool_options o;
    uint32_t               width = pool->axis[1].out;
    struct window          w     = {.rows = nn_pool_span(pool, 0, j / width),
                                    .cols = nn_pool_span(pool, 1, j % width),
                                    .out  = j * pool->pixel};
    bool                   cut   = pool->form == NN_POOL_IMAGE || pool->form == NN_POOL_SEQUENCE;
    uint32_t               count = (w.rows.end - w.rows.begin) * (w.cols.end - w.cols.begin);
    memcpy(&o, layer->options, sizeof o);
    if (cut && o.count_pad == 1)
        count = pool->axis[0].kernel * pool->axis[1].kernel;
    w.share = NN_R(1.0) / (nn_real)count;
    return w;
}

static nn_real
sum_window(const nn_real *x, const struct nn_pool *pool, const struct window *w)
{
    nn_real sum = 0;
    for (uint32_t r = w->rows.begin; r < w->rows.end; r++)
        for (uint32_t i = w->cols.begin; i < w->cols.end; i++)
            sum += x[((size_t)r * pool->axis[1].size + i) * pool->pixel];
    return sum;
}

static void
add_window(nn_real *dx, const struct nn_pool *pool, const struct window *w, nn_real g)
{
    for (uint32_t r = w->rows.begin; r < w->rows.end; r++)
        for (uint32_t i = w->cols.begin; i < w->cols.end; i++)
            dx[((size_t)r * pool->axis[1].size + i) * pool->pixel] += g;
}

static void
forward(const struct nn_call *call, enum nn_pool_form form)
{
    struct nn_pool pool   = nn_pool_of(call->layer, call->input[0], form);
    uint32_t       pixels = call->layer->size / pool.channels;
    for (uint32_t j = 0; j < pixels; j++) {
        struct window w = window_of(&pool, call->layer, j);
        for (size_t b = 0; b < call->rows; b++)
            for (uint32_t c = 0; c < pool.channels; c++) {
                const nn_real *x = call->x[0] + b * call->input[0]->size + c * pool.channel_in;
                call->y[b * call->layer->size + c * pool.channel_out + w.out] =
                    sum_window(x, &pool, &w) * w.share;
            }
    }
}

static void
backward(const struct nn_call *call, enum nn_pool_form form)
{
    struct nn_pool pool   = nn_pool_of(call->layer, call->input[0], form);
    uint32_t       pixels = call->layer->size / pool.channels;
    if (call->dx[0] == NULL)
        return;
    if (!call->add[0])
        memset(call->dx[0], 0, (size_t)call->rows * call->input[0]->size * sizeof(nn_real));
    for (uint32_t j = 0; j < pixels; j++) {
        struct window w = window_of(&pool, call->layer, j);
        for (size_t b = 0; b < call->rows; b++)
            for (uint32_t c = 0; c < pool.channels; c++)
                add_window(call->dx[0] + b * call->input[0]->size + c * pool.channel_in, &pool, &w,
                           call->dy[b * call->layer->size + c * pool.channel_out + w.out] *
                               w.share);
    }
}

static uint64_t
flops(const struct nn_layer *layer, const struct nn_layer *const *inputs)
{
    return (uint64_t)inputs[0]->size + layer->size;
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
                                                   .forward    = kind##_forward,                   \
                                                   .backward   = kind##_backward,                  \
                                                   .flops      = flops}
KIND(avgpool1d, NN_POOL_SEQUENCE, table_1d, 0);
KIND(avgpool2d, NN_POOL_IMAGE, table_2d, 0);
KIND(adaptive_avgpool, NN_POOL_ADAPTIVE, no_options, 2);
KIND(global_avgpool, NN_POOL_GLOBAL, no_options, 0);
