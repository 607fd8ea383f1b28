/*
 * Losses of one logit z with label t, s = sigmoid:
 *
 * bce_logits    l  = p t softplus(-z) + (1 - t) softplus(z)       p = `positive`
 *               l' = (1 - t) s(z) - p t s(-z)
 *               A soft label 0..1 counts as its share of either side. smoothing=e replaces t by
 *               t (1 - e) + e / 2. Maximum likelihood of a Bernoulli variable.
 * bce_labels    the same for every number of the output: labels that do not exclude each other
 * bce_focal     l  = a q^g softplus(-y)    y = z for label 1 and -z for label 0, q = s(-y),
 *               l' = -+ a q^g (g (1 - q) softplus(-y) + q)     a = `alpha` or 1 - alpha
 *               Lin et al., "Focal loss for dense object detection", 2017. gamma=0 alpha=0.5 is
 *               half of bce_logits.
 *
 * Finite for every finite logit: no exponent is positive.
 */
#include "nnlib/loss.h"

#include <string.h>

struct bce_options {
    struct nn_loss_common common;
    double                positive, smoothing;
};
static const struct nn_option bce_options[] = {NN_LOSS_COMMON_OPTIONS,
                                               {.name     = "positive",
                                                .fallback = "1",
                                                .kind     = NN_OPTION_NUMBER,
                                                .offset   = offsetof(struct bce_options, positive),
                                                .min      = 1e-6,
                                                .max      = 1e6},
                                               {.name     = "smoothing",
                                                .fallback = "0",
                                                .kind     = NN_OPTION_NUMBER,
                                                .offset   = offsetof(struct bce_options, smoothing),
                                                .max      = 1},
                                               {0}};
_Static_assert(sizeof(struct bce_options) <= NN_OPTIONS_MAX, "options fit");

struct focal_options {
    struct nn_loss_common common;
    double                gamma, alpha;
};
static const struct nn_option focal_options[] = {NN_LOSS_COMMON_OPTIONS,
                                                 {.name     = "gamma",
                                                  .fallback = "2",
                                                  .kind     = NN_OPTION_NUMBER,
                                                  .offset   = offsetof(struct focal_options, gamma),
                                                  .max      = 20},
                                                 {.name     = "alpha",
                                                  .fallback = "0.25",
                                                  .kind     = NN_OPTION_NUMBER,
                                                  .offset   = offsetof(struct focal_options, alpha),
                                                  .max      = 1},
                                                 {0}};
_Static_assert(sizeof(struct focal_options) <= NN_OPTIONS_MAX, "options fit");

static enum pn_status
one_number(const char *kind, uint32_t size, const char *layer, struct pn_error *why)
{
    if (size == 1)
        return PN_OK;
    return pn_error_set(why, PN_ECONFIG,
                        "%s reads one number a record, but %s has %u; "
                        "make it 1, or use cce_logits for %u classes",
                        kind, layer, size, size);
}

static enum pn_status
bce_check(const void *options, uint32_t size, const char *layer, struct pn_error *why)
{
    (void)options;
    return one_number("bce_logits", size, layer, why);
}

static enum pn_status
focal_check(const void *options, uint32_t size, const char *layer, struct pn_error *why)
{
    (void)options;
    return one_number("bce_focal", size, layer, why);
}

/* The loss, and its slope. */
static inline nn_real
bce_one(nn_real *slope, nn_real z, nn_real on, nn_real off)
{
    nn_real e    = nn_exp(-nn_fabs(z));
    nn_real near = NN_R(1.0) / (NN_R(1.0) + e), far = e * near; /* s(|z|), s(-|z|) */
    *slope = z < NN_R(0.0) ? off * far - on * near : off * near - on * far;
    return (z < NN_R(0.0) ? -z * on : z * off) + (on + off) * nn_log1p(e);
}

static double
bce_value(const struct nn_loss_call *call)
{
    struct bce_options o;
    memcpy(&o, call->options, sizeof o);
    nn_real p = (nn_real)o.positive, keep = (nn_real)(1 - o.smoothing);
    nn_real half = (nn_real)(o.smoothing / 2);
    double  part = nn_loss_share(call, call->size, call->size), sum = 0;
    for (uint32_t b = 0; b < call->rows; b++) {
        double w = part * nn_loss_weight(call, b);
        for (size_t k = (size_t)b * call->size; k < ((size_t)b + 1) * call->size; k++) {
            nn_real t = call->target[k] * keep + half, slope = NN_R(0.0);
            if (!nn_loss_skips(call, call->target[k]))
                sum += w * (double)bce_one(&slope, call->output[k], p * t, NN_R(1.0) - t);
            if (call->gradient != NULL)
                call->gradient[k] = (nn_real)w * slope;
        }
    }
    return sum;
}

const struct nn_loss_kind nn_bce_logits_kind = {.name        = "bce_logits",
                                                .options     = bce_options,
                                                .check       = bce_check,
                                                .target_size = nn_loss_one,
                                                .class_count = nn_loss_two,
                                                .value       = bce_value,
                                                .scores      = nn_loss_sigmoid_scores,
                                                .accepts     = nn_loss_takes_shares};

const struct nn_loss_kind nn_bce_labels_kind = {.name        = "bce_labels",
                                                .options     = bce_options,
                                                .check       = nn_loss_any_size,
                                                .target_size = nn_loss_same,
                                                .class_count = nn_loss_none,
                                                .value       = bce_value,
                                                .scores      = nn_loss_sigmoid_scores,
                                                .accepts     = nn_loss_takes_shares};

static inline nn_real
focal_one(nn_real *slope, nn_real y, nn_real weight, nn_real gamma)
{
    nn_real e = nn_exp(-nn_fabs(y)), near = NN_R(1.0) / (NN_R(1.0) + e);
    nn_real q     = y < NN_R(0.0) ? near : e * near;
    nn_real plus  = (y < NN_R(0.0) ? -y : NN_R(0.0)) + nn_log1p(e);
    nn_real power = weight * nn_pow(q, gamma);
    *slope        = -power * (gamma * (NN_R(1.0) - q) * plus + q);
    return power * plus;
}

static double
focal_value(const struct nn_loss_call *call)
{
    struct focal_options o;
    memcpy(&o, call->options, sizeof o);
    nn_real gamma = (nn_real)o.gamma;
    double  part = nn_loss_share(call, 1, 1), sum = 0;
    for (uint32_t b = 0; b < call->rows; b++) {
        double  w  = part * nn_loss_weight(call, b);
        bool    on = call->target[b] >= NN_R(0.5);
        nn_real z = call->output[b], a = (nn_real)(on ? o.alpha : 1 - o.alpha), slope = NN_R(0.0);
        if (!nn_loss_skips(call, call->target[b]))
            sum += w * (double)focal_one(&slope, on ? z : -z, a, gamma);
        if (call->gradient != NULL)
            call->gradient[b] = (nn_real)w * (on ? slope : -slope);
    }
    return sum;
}

static bool
focal_accepts(const void *options, nn_real target, uint32_t size)
{
    (void)size;
    return target == NN_R(0.0) || target == NN_R(1.0) || nn_loss_takes_missing(options, target);
}

const struct nn_loss_kind nn_bce_focal_kind = {.name        = "bce_focal",
                                               .options     = focal_options,
                                               .check       = focal_check,
                                               .target_size = nn_loss_one,
                                               .class_count = nn_loss_two,
                                               .value       = focal_value,
                                               .scores      = nn_loss_sigmoid_scores,
                                               .accepts     = focal_accepts};
