/*
 * nnlib/spec -- the text of a model, read line by line into layers; inside nnlib only.
 *
 * Checks what one line can tell: words, names, kinds, options, that inputs are above. What needs
 * the whole (shapes, parameters, unused layers) is the plan's. Sentences read "model:3:8: unknown
 * layer kind 'denze'; did you mean 'dense'?"
 *
 * Memory     plain struct, about 110 KiB: heap, not stack.
 */
#ifndef NNLIB_SPEC_H
#define NNLIB_SPEC_H

#include "nnlib/layer.h"

struct nn_spec {
    struct nn_layer            layers[NN_LAYERS_MAX];
    uint32_t                   layer_count;
    const struct nn_loss_kind *loss; /* its options below */
    char                       loss_name[NN_LAYER_NAME_MAX + 1];
    uint32_t                   output, loss_line, loss_column, line_count;
    _Alignas(8) unsigned char loss_options[NN_OPTIONS_MAX];
};

PN_MUST_CHECK enum pn_status nn_spec_parse(struct nn_spec *spec, const char *text, size_t size,
                                           struct pn_error *why);

#endif
