/*
 * Layers that draw in training and do nothing in evaluation.
 *
 *     dropout          y = x m / (1 - p), m = 0 with probability p, else 1 (inverted dropout,
 *                      Srivastava et al. 2014, features.md, convention 16)     dx = dy m / (1 - p)
 *     gaussian_noise   y = x + sigma N(0, 1)                                   dx = dy
 *
 * by=channel draws once for a whole channel (spatial dropout, Tompson et al. 2015), which for a
 * value (T, F) is the same mask at all positions. A row has a stream of its own, so that
 * micro-batches and shards draw what the batch would.
 */
#include "nnlib/channels.h"

#include <string.h>

enum {
    CHUNK = 256 /* words drawn at a time */
};

/* A row's own stream. */
static struct pn_rng
stream(const struct nn_call *call, uint32_t row)
{
    struct pn_rng rng;
    pn_rng_derive(&rng, &call->rng, PN_RNG_ROW, call->first_row + row);
    return rng;
}

/* ---- dropout ---- */

struct dropout {
    double   p;
    uint32_t by_channel;
};
static const char *const      units[]           = {"number", "channel", NULL};
static const struct nn_option dropout_options[] = {
    {"p", "0.5", NN_OPTION_NUMBER, offsetof(struct dropout, p), 0, 0.999, NULL},
    {"by", "number", NN_OPTION_WORD, offsetof(struct dropout, by_channel), 0, 0, units},
    {0}};

/* Factors 0 or 1 / (1 - p). The two halves of a word decide one each, so p is kept to 1/65536; the
 * lower halves of a chunk come first, as loops like it. */
static void
draw_factors(nn_real *factor, size_t count, double p, struct pn_rng *rng)
{
    uint32_t words[CHUNK];
    int32_t  drop = (int32_t)(p * 0x1p16 + 0.5);
    nn_real  up   = (nn_real)(0x1p16 / (0x1p16 - drop));
    for (size_t k = 0, n; k < count; k += n) {
        n           = count - k < (size_t)2 * CHUNK ? count - k : (size_t)2 * CHUNK;
        size_t half = (n + 1) / 2;
        pn_rng_words(rng, words, half);
        for (size_t i = 0; i < half; i++)
            factor[k + i] = (int32_t)(words[i] & 0xffff) < drop ? NN_R(0.0) : up;
        for (size_t i = 0; i < n - half; i++)
            factor[k + half + i] = (int32_t)(words[i] >> 16) < drop ? NN_R(0.0) : up;
    }
}

/* The factors of a record's channels, at its begin, become those of its numbers. */
static void
spread(nn_real *factor, struct nn_channels c)
{
    for (size_t i = c.count; c.area > 1 && i-- > 0;) { /* backwards: nothing is lost */
        nn_real own = factor[i];
        for (size_t k = 0; k < c.area; k++)
            factor[i * c.area + k] = own;
    }
    for (size_t t = 1; t < c.positions; t++)
        memcpy(factor + t * c.count, factor, c.count * sizeof *factor);
}

static size_t
dropout_keep(const struct nn_layer *layer, const struct nn_layer *const *inputs, uint32_t batch,
             enum nn_mode mode)
{
    (void)inputs;
    return mode == NN_TRAIN ? (size_t)batch * layer->size * sizeof(nn_real) : 0;
}

static void
dropout_forward(const struct nn_call *call)
{
    struct dropout     o;
    struct nn_channels c      = nn_channels_of(&call->layer->shape);
    size_t             size   = call->layer->size;
    nn_real           *factor = call->keep;
    memcpy(&o, call->layer->options, sizeof o);
    if (call->mode != NN_TRAIN) {
        memcpy(call->y, call->x[0], call->rows * size * sizeof *call->y);
        return;
    }
    for (uint32_t b = 0; b < call->rows; b++, factor += size) {
        const nn_real *x   = call->x[0] + b * size;
        nn_real       *y   = call->y + b * size;
        struct pn_rng  rng = stream(call, b);
        draw_factors(factor, o.by_channel == 1 ? c.count : size, o.p, &rng);
        if (o.by_channel == 1)
            spread(factor, c);
        for (size_t k = 0; k < size; k++)
            y[k] = x[k] * factor[k];
    }
}

static void
dropout_backward(const struct nn_call *call)
{
    size_t         count  = (size_t)call->rows * call->layer->size;
    const nn_real *factor = call->keep, *dy = call->dy;
    nn_real       *dx = call->dx[0];
    if (dx != NULL && call->add[0])
        for (size_t k = 0; k < count; k++)
            dx[k] += dy[k] * factor[k];
    else if (dx != NULL)
        for (size_t k = 0; k < count; k++)
            dx[k] = dy[k] * factor[k];
}

const struct nn_layer_kind nn_dropout_kind = {.name       = "dropout",
                                              .options    = dropout_options,
                                              .inputs_min = 1,
                                              .inputs_max = 1,
                                              .draws      = true,
                                              .keep_bytes = dropout_keep,
                                              .forward    = dropout_forward,
                                              .backward   = dropout_backward};

/* ---- Gaussian noise ---- */

struct noise {
    double sigma;
};
static const struct nn_option noise_options[] = {
    {"sigma", "0.1", NN_OPTION_NUMBER, offsetof(struct noise, sigma), 0, 1e6, NULL}, {0}};

/* Box and Muller 1958: two words are two normals. Our own precision is enough for noise: the
 * farthest is sqrt(2 ln 2^32) = 6.7 deviations out. */
static void
normal_pair(nn_real out[static 2], const uint32_t words[static 2], nn_real sigma)
{
    nn_real radius = sigma * nn_sqrt(NN_R(-2.0) * nn_log(((nn_real)words[0] + 1) * NN_R(0x1p-32)));
    nn_real angle  = (nn_real)words[1] * (NN_R(0x1p-32) * NN_R(6.28318530717958647692));
    out[0]         = radius * NN_MATH(cos)(angle);
    out[1]         = radius * NN_MATH(sin)(angle);
}

static void
add_noise(nn_real *y, const nn_real *x, size_t count, nn_real sigma, struct pn_rng *rng)
{
    uint32_t words[CHUNK];
    for (size_t k = 0, n; k < count; k += n) {
        n = count - k < CHUNK ? count - k : CHUNK;
        pn_rng_words(rng, words, (n + 1) / 2 * 2);
        for (size_t i = 0; i < n; i += 2) {
            nn_real pair[2];
            normal_pair(pair, words + i, sigma);
            y[k + i] = x[k + i] + pair[0];
            if (i + 1 < n)
                y[k + i + 1] = x[k + i + 1] + pair[1];
        }
    }
}

static void
noise_forward(const struct nn_call *call)
{
    struct noise o;
    size_t       size = call->layer->size;
    memcpy(&o, call->layer->options, sizeof o);
    if (call->mode != NN_TRAIN) {
        memcpy(call->y, call->x[0], call->rows * size * sizeof *call->y);
        return;
    }
    for (uint32_t b = 0; b < call->rows; b++) {
        struct pn_rng rng = stream(call, b);
        add_noise(call->y + b * size, call->x[0] + b * size, size, (nn_real)o.sigma, &rng);
    }
}

static void
noise_backward(const struct nn_call *call)
{
    if (call->dx[0] != NULL)
        nn_give(call->dx[0], call->dy, (size_t)call->rows * call->layer->size, call->add[0]);
}

const struct nn_layer_kind nn_gaussian_noise_kind = {.name       = "gaussian_noise",
                                                     .options    = noise_options,
                                                     .inputs_min = 1,
                                                     .inputs_max = 1,
                                                     .draws      = true,
                                                     .forward    = noise_forward,
                                                     .backward   = noise_backward};
