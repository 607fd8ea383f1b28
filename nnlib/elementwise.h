/*
 * nnlib/elementwise -- loops over all numbers of a batch, from inline functions of one number; for
 * files of activations.
 *
 *     name_f(x, o)       the value          name_d(x, y, o)       the derivative by x, y the value
 *     name_f(x, v, o)    ..._BY: v is nnlib/vmath's function of inner(x)
 *     name_d(x, y, v, o)
 *
 * o is what options_TYPE(layer) returns. FORWARD_IS: the value is vmath's function itself.
 * Derivatives at kinks follow PyTorch: relu'(0) = 0, leaky_relu'(0) = slope, hardtanh'(1) = 0.
 */
#ifndef NNLIB_ELEMENTWISE_H
#define NNLIB_ELEMENTWISE_H

#include "nnlib/layer.h"
#include "nnlib/vmath.h"

#include <string.h>

enum {
    NN_STRETCH = 256 /* numbers at a time through vmath */
};

/* The options: none, or one number. */
typedef struct {
    char unused;
} nothing;
typedef nn_real number;

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

static inline size_t
nn_count_of(const struct nn_call *call)
{
    return (size_t)call->rows * call->layer->size;
}

/* What a softmax is over: the F of a value (T, F), else the whole value. */
static inline uint32_t
nn_width_of(const struct nn_layer *layer)
{
    return layer->shape.dims == 2 ? layer->shape.dim[1] : layer->size;
}

#define FORWARD(name, type)                                                                        \
    static void name##_forward(const struct nn_call *call)                                         \
    {                                                                                              \
        const type     o     = options_##type(call->layer);                                        \
        const nn_real *x     = call->x[0];                                                         \
        nn_real       *y     = call->y;                                                            \
        size_t         count = nn_count_of(call);                                                  \
        for (size_t i = 0; i < count; i++)                                                         \
            y[i] = name##_f(x[i], o);                                                              \
    }

#define BACKWARD(name, type)                                                                       \
    static void name##_backward(const struct nn_call *call)                                        \
    {                                                                                              \
        const type     o = options_##type(call->layer);                                            \
        const nn_real *x = call->x[0], *y = call->y, *dy = call->dy;                               \
        nn_real       *dx    = call->dx[0];                                                        \
        size_t         count = nn_count_of(call);                                                  \
        if (dx == NULL)                                                                            \
            return;                                                                                \
        if (call->add[0])                                                                          \
            for (size_t i = 0; i < count; i++)                                                     \
                dx[i] += dy[i] * name##_d(x[i], y[i], o);                                          \
        else                                                                                       \
            for (size_t i = 0; i < count; i++)                                                     \
                dx[i] = dy[i] * name##_d(x[i], y[i], o);                                           \
    }

#define ELEMENTWISE(name, type) FORWARD(name, type) BACKWARD(name, type)

#define FORWARD_IS(name, function)                                                                 \
    static void name##_forward(const struct nn_call *call)                                         \
    {                                                                                              \
        nn_vmath_##function(call->y, call->x[0], nn_count_of(call));                               \
    }

#define FORWARD_BY(name, type, inner, function)                                                    \
    static void name##_forward(const struct nn_call *call)                                         \
    {                                                                                              \
        const type o = options_##type(call->layer);                                                \
        nn_real    v[NN_STRETCH];                                                                  \
        for (size_t at = 0, count = nn_count_of(call); at < count; at += NN_STRETCH) {             \
            const nn_real *x    = call->x[0] + at;                                                 \
            nn_real       *y    = call->y + at;                                                    \
            size_t         here = count - at < NN_STRETCH ? count - at : NN_STRETCH;               \
            for (size_t i = 0; i < here; i++)                                                      \
                v[i] = inner(x[i]);                                                                \
            nn_vmath_##function(v, v, here);                                                       \
            for (size_t i = 0; i < here; i++)                                                      \
                y[i] = name##_f(x[i], v[i], o);                                                    \
        }                                                                                          \
    }

#define BACKWARD_BY(name, type, inner, function)                                                   \
    static void name##_backward(const struct nn_call *call)                                        \
    {                                                                                              \
        const type o = options_##type(call->layer);                                                \
        nn_real    v[NN_STRETCH];                                                                  \
        for (size_t at = 0, count = nn_count_of(call); call->dx[0] != NULL && at < count;          \
             at += NN_STRETCH) {                                                                   \
            const nn_real *x = call->x[0] + at, *y = call->y + at, *dy = call->dy + at;            \
            nn_real       *dx   = call->dx[0] + at;                                                \
            size_t         here = count - at < NN_STRETCH ? count - at : NN_STRETCH;               \
            for (size_t i = 0; i < here; i++)                                                      \
                v[i] = inner(x[i]);                                                                \
            nn_vmath_##function(v, v, here);                                                       \
            for (size_t i = 0; i < here; i++)                                                      \
                v[i] = dy[i] * name##_d(x[i], y[i], v[i], o);                                      \
            nn_give(dx, v, here, call->add[0]);                                                    \
        }                                                                                          \
    }

#define KIND(label, stem, table)                                                                   \
    const struct nn_layer_kind nn_##label##_kind = {.name       = #label,                          \
                                                    .options    = table,                           \
                                                    .inputs_min = 1,                               \
                                                    .inputs_max = 1,                               \
                                                    .forward    = stem##_forward,                  \
                                                    .backward   = stem##_backward}

#endif
