/*
 * nnlib/spec -- the text of a model, read line by line into layers; inside nnlib only.
 *
 * Checks what one line can tell: words, names, kinds, options, that inputs are above. What needs
 * the whole (shapes, parameters, unused layers) is the plan's. Sentences read "model:3:8: unknown
 * layer kind 'denze'; did you mean 'dense'?"
 *
 * Memory     plain struct, about 140 KiB: heap, not stack.
 */
#ifndef NNLIB_SPEC_H
#define NNLIB_SPEC_H

#include "nnlib/layer.h"

struct nn_spec {
    struct nn_layer layers[NN_LAYERS_MAX];
    uint32_t        layer_count, line_count;
    struct nn_loss  losses[NN_LOSSES_MAX];
    uint32_t        loss_count;
};

PN_MUST_CHECK enum pn_status nn_spec_parse(struct nn_spec *spec, const char *text, size_t size,
                                           struct pn_error *why);

/* What every loss understands besides its own options: weight, at struct nn_loss. */
extern const struct nn_option nn_spec_loss_options[];

#endif
