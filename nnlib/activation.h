/*
 * nnlib/activation -- what a kind that works number by number is made from; inside nnlib only.
 *
 * Two inline functions of one number and its option, then ELEMENTWISE and KIND. Derivatives at
 * kinks follow PyTorch: relu'(0) = 0, leaky_relu'(0) = slope, hardtanh'(1) = 0.
 */
#ifndef NNLIB_ACTIVATION_H
#define NNLIB_ACTIVATION_H

#include "nnlib/layer.h"

#include <string.h>

/*
 * A loop over all numbers of the batch, from two functions of one number:
 *     name_f(x, o)      the value            name_d(x, y, o)   the derivative, from x and y = f(x)
 */
#define ELEMENTWISE(name, type)                                                                    \
    static void name##_forward(const struct nn_call *call)                                         \
    {                                                                                              \
        const type     o     = options_##type(call->layer);                                        \
        const nn_real *x     = call->x[0];                                                         \
        nn_real       *y     = call->y;                                                            \
        size_t         count = (size_t)call->rows * call->layer->size;                             \
        for (size_t i = 0; i < count; i++)                                                         \
            y[i] = name##_f(x[i], o);                                                              \
    }                                                                                              \
    static void name##_backward(const struct nn_call *call)                                        \
    {                                                                                              \
        const type     o = options_##type(call->layer);                                            \
        const nn_real *x = call->x[0], *y = call->y, *dy = call->dy;                               \
        nn_real       *dx    = call->dx[0];                                                        \
        size_t         count = (size_t)call->rows * call->layer->size;                             \
        if (dx == NULL)                                                                            \
            return;                                                                                \
        if (call->add[0])                                                                          \
            for (size_t i = 0; i < count; i++)                                                     \
                dx[i] += dy[i] * name##_d(x[i], y[i], o);                                          \
        else                                                                                       \
            for (size_t i = 0; i < count; i++)                                                     \
                dx[i] = dy[i] * name##_d(x[i], y[i], o);                                           \
    }

#define KIND(label, stem, table)                                                                   \
    const struct nn_layer_kind nn_##label##_kind = {.name       = #label,                          \
                                                    .options    = table,                           \
                                                    .inputs_min = 1,                               \
                                                    .inputs_max = 1,                               \
                                                    .forward    = stem##_forward,                  \
                                                    .backward   = stem##_backward}

/* The options: none, one number, or a form. */
typedef struct {
    char unused;
} nothing;
typedef nn_real number;
typedef bool    is_tanh_form;

static inline nothing
options_nothing(const struct nn_layer *layer)
{
    (void)layer;
    return (nothing){0};
}

static inline number
options_number(const struct nn_layer *layer)
{
    double value;
    memcpy(&value, layer->options, sizeof value);
    return (number)value;
}

static inline is_tanh_form
options_is_tanh_form(const struct nn_layer *layer)
{
    uint32_t word;
    memcpy(&word, layer->options, sizeof word);
    return word == 1;
}

#endif
