/*
 * Threshold units: y = 1 where x >= at, else 0. On a dense layer with integer weights that is the
 * neuron of McCulloch and Pitts (1943).
 *
 *     threshold       infers only: its derivative is 0 wherever there is one
 *     threshold_ste   trains all the same, with a straight-through estimator (Bengio et al. 2013):
 *                     dx = dy where |x - at| <= 1, else 0
 */
#include "nnlib/layer.h"

#include <string.h>

static const struct nn_option table[] = {{"at", "0", NN_OPTION_NUMBER, 0, -1e6, 1e6, NULL}, {0}};

static nn_real
at_of(const struct nn_layer *layer)
{
    double at;
    memcpy(&at, layer->options, sizeof at);
    return (nn_real)at;
}

/* A NaN passes through and is seen. */
static void
forward(const struct nn_call *call)
{
    size_t  count = (size_t)call->rows * call->layer->size;
    nn_real at    = at_of(call->layer);
    for (size_t k = 0; k < count; k++) {
        nn_real x  = call->x[0][k];
        call->y[k] = x >= at ? NN_R(1.0) : x < at ? NN_R(0.0) : x;
    }
}

static void
straight_through(const struct nn_call *call)
{
    size_t   count = (size_t)call->rows * call->layer->size;
    nn_real  at    = at_of(call->layer);
    nn_real *dx    = call->dx[0];
    for (size_t k = 0; dx != NULL && k < count; k++) {
        nn_real d = nn_fabs(call->x[0][k] - at) <= NN_R(1.0) ? call->dy[k] : NN_R(0.0);
        dx[k]     = call->add[0] ? dx[k] + d : d;
    }
}

static void
never(const struct nn_call *call)
{
    (void)call;
    PN_UNREACHABLE("a plan with a threshold has no pass for training");
}

const struct nn_layer_kind nn_threshold_kind = {.name        = "threshold",
                                                .options     = table,
                                                .inputs_min  = 1,
                                                .inputs_max  = 1,
                                                .infers_only = true,
                                                .forward     = forward,
                                                .backward    = never};

const struct nn_layer_kind nn_threshold_ste_kind = {.name       = "threshold_ste",
                                                    .options    = table,
                                                    .inputs_min = 1,
                                                    .inputs_max = 1,
                                                    .forward    = forward,
                                                    .backward   = straight_through};
