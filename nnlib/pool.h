/*
 * nnlib/pool -- which inputs each output of a pooling layer summarises; inside nnlib only, for
 * maxpool.c and avgpool.c.
 *
 *     windows     j stride - pad .. j stride - pad + kernel, cut to the input  (kinds ..1d, ..2d)
 *     adaptive    floor(j n / m) .. ceil((j + 1) n / m), n inputs to m outputs, as PyTorch does
 *     global      all of it, to one number a channel
 *
 * An image (C, H, W) is pooled over H and W, a sequence (T, F) over T.
 */
#ifndef NNLIB_POOL_H
#define NNLIB_POOL_H

#include "nnlib/window.h"

struct nn_pool_options {
    uint32_t kernel[2], stride[2], pad[2]; /* stride 0: the kernel's */
    uint32_t same, count_pad;
};
_Static_assert(sizeof(struct nn_pool_options) <= NN_OPTIONS_MAX, "options fit");

#define NN_POOL_WINDOW(number)                                                                     \
    {"kernel", "2", number, offsetof(struct nn_pool_options, kernel), 1, NN_KERNEL_MAX, NULL},     \
        {"stride", "0", number, offsetof(struct nn_pool_options, stride), 0, NN_KERNEL_MAX, NULL}, \
        {"pad", "0", number, offsetof(struct nn_pool_options, pad), 0, NN_KERNEL_MAX, NULL},       \
    {                                                                                              \
        "same", "no", NN_OPTION_WORD, offsetof(struct nn_pool_options, same), 0, 0, nn_pool_no_yes \
    }
extern const char *const nn_pool_no_yes[];

enum nn_pool_form {
    NN_POOL_SEQUENCE, /* ..1d */
    NN_POOL_IMAGE,    /* ..2d */
    NN_POOL_ADAPTIVE,
    NN_POOL_GLOBAL
};

struct nn_pool {
    enum nn_pool_form form;
    uint32_t          channels;
    struct nn_axis    axis[2];                        /* y, x; a sequence has one row */
    size_t            pixel, channel_in, channel_out; /* steps */
};

PN_MUST_CHECK enum pn_status nn_pool_shape(struct nn_layer *layer, const struct nn_layer *input,
                                           enum nn_pool_form form, struct pn_error *why);
struct nn_pool               nn_pool_of(const struct nn_layer *layer, const struct nn_layer *input,
                                        enum nn_pool_form form);

struct nn_span {
    uint32_t begin, end;
};
/* The inputs of output j along an axis; never empty. */
struct nn_span nn_pool_span(const struct nn_pool *pool, uint32_t axis, uint32_t j);

#endif
