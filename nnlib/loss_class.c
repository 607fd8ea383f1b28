/*
 * Losses of K classes that exclude each other, one logit z_j each; p = softmax(z), t the class.
 * Maximum likelihood of a categorical variable.
 *
 * cce_logits    l    = -log p_t, with smoothing=e: (1 - e) -log p_t + e / K sum_j -log p_j
 *               dz_j = p_j - (1 - e) [j = t] - e / K
 * cce_focal     l    = -(1 - p_t)^g log p_t          Lin et al., 2017, for several classes
 *               dz_j = f (p_j - [j = t]),  f = (1 - p_t)^g - g (1 - p_t)^(g-1) p_t log p_t
 * cce_shares    l    = sum_j -t_j log p_j            the target is a share for every class:
 * one-hot, dz_j = p_j sum t - t_j               soft, or mixed up; smoothing as above kl_logits l
 * = T^2 sum_j t_j (log t_j - log q_j),  q = softmax(z / T): distillation, Hinton dz_j = T (q_j sum
 * t - t_j)           et al., 2015; 0 where q = t
 *
 * log p_j is z_j - logsumexp(z) with the maximum taken out: finite for every finite logit.
 */
#include "nnlib/loss.h"

#include <string.h>

struct options {
    struct nn_loss_common common;
    double                number; /* smoothing, gamma or temperature */
};
_Static_assert(sizeof(struct options) <= NN_OPTIONS_MAX, "options fit");

#define TABLE(table, label, start, least, most)                                                    \
    static const struct nn_option table[] = {NN_LOSS_COMMON_OPTIONS,                               \
                                             {.name     = label,                                   \
                                              .fallback = start,                                   \
                                              .kind     = NN_OPTION_NUMBER,                        \
                                              .offset   = offsetof(struct options, number),        \
                                              .min      = least,                                   \
                                              .max      = most},                                        \
                                             {0}}
TABLE(smoothing_options, "smoothing", "0", 0, 1);
TABLE(focal_options, "gamma", "2", 0, 20);
TABLE(kl_options, "temperature", "1", 1e-3, 1e3);

static nn_real
number_of(const struct nn_loss_call *call)
{
    struct options options;
    memcpy(&options, call->options, sizeof options);
    return (nn_real)options.number;
}

static enum pn_status
two_at_least(const char *kind, uint32_t size, const char *layer, struct pn_error *why)
{
    if (size >= 2)
        return PN_OK;
    return pn_error_set(why, PN_ECONFIG,
                        "%s reads one number a class, but %s has only %u; "
                        "give it the number of classes, or use bce_logits",
                        kind, layer, size);
}

#define CHECK(kind)                                                                                \
    static enum pn_status kind##_check(uint32_t size, const char *layer, struct pn_error *why)     \
    {                                                                                              \
        return two_at_least(#kind, size, layer, why);                                              \
    }
CHECK(cce_logits)
CHECK(cce_focal)
CHECK(cce_shares)
CHECK(kl_logits)

static bool
is_class(nn_real target, uint32_t size)
{
    /* SAFE: the range is checked before the conversion. */
    return target >= NN_R(0.0) && target < (nn_real)size && (nn_real)(uint32_t)target == target;
}

static bool
takes_classes(const void *options, nn_real target, uint32_t size)
{
    return is_class(target, size) || nn_loss_takes_missing(options, target);
}

static nn_real
log_sum_exp(const nn_real *z, uint32_t size)
{
    nn_real max = z[0], sum = NN_R(0.0);
    for (uint32_t j = 1; j < size; j++)
        max = z[j] > max ? z[j] : max;
    for (uint32_t j = 0; j < size; j++)
        sum += nn_exp(z[j] - max);
    return max + nn_log(sum);
}

static void
scale(nn_real *g, uint32_t size, double w)
{
    for (uint32_t j = 0; j < size; j++)
        g[j] *= (nn_real)w;
}

static void
fill(nn_real *g, uint32_t size, nn_real value)
{
    for (uint32_t j = 0; g != NULL && j < size; j++)
        g[j] = value;
}

/* The walk over rows with a class each; `one` gives the loss of a row and, in g, its slope. */
static double
over_classes(const struct nn_loss_call *call,
             double (*one)(nn_real *g, const nn_real *z, uint32_t n, uint32_t t, nn_real number))
{
    uint32_t n    = call->size;
    double   part = nn_loss_share(call, 1, 1), sum = 0;
    nn_real  number = number_of(call);
    for (uint32_t b = 0; b < call->rows; b++) {
        nn_real *g = call->gradient != NULL ? call->gradient + (size_t)b * n : NULL;
        double   w = part * nn_loss_weight(call, b);
        if (nn_loss_skips(call, call->target[b])) {
            fill(g, n, NN_R(0.0));
        } else if (!is_class(call->target[b], n)) {
            fill(g, n, (nn_real)NAN);
            sum = (double)NAN;
        } else {
            sum += w * one(g, call->output + (size_t)b * n, n, (uint32_t)call->target[b], number);
            if (g != NULL)
                scale(g, n, w);
        }
    }
    return sum;
}

static double
cce_one(nn_real *g, const nn_real *z, uint32_t n, uint32_t t, nn_real smoothing)
{
    nn_real lse  = g != NULL ? nn_softmax_row(g, z, n) : log_sum_exp(z, n);
    nn_real each = smoothing / (nn_real)n, mean = NN_R(0.0);
    if (g != NULL)
        g[t] -= NN_R(1.0) - smoothing;
    if (smoothing == NN_R(0.0))
        return (double)(lse - z[t]);
    for (uint32_t j = 0; j < n; j++) {
        mean += each * (lse - z[j]);
        if (g != NULL)
            g[j] -= each;
    }
    return (double)((NN_R(1.0) - smoothing) * (lse - z[t]) + mean);
}

static double
cce_value(const struct nn_loss_call *call)
{
    return over_classes(call, cce_one);
}

/* 1 - p_t as the sum of the others: no digits are lost where p_t is near 1. */
static nn_real
rest_of(const nn_real *z, uint32_t n, uint32_t t, nn_real lse)
{
    nn_real rest = NN_R(0.0);
    for (uint32_t j = 0; j < n; j++)
        rest += j == t ? NN_R(0.0) : nn_exp(z[j] - lse);
    return rest < NN_R(1.0) ? rest : NN_R(1.0);
}

static double
focal_one(nn_real *g, const nn_real *z, uint32_t n, uint32_t t, nn_real gamma)
{
    nn_real lse   = g != NULL ? nn_softmax_row(g, z, n) : log_sum_exp(z, n);
    nn_real log_p = z[t] - lse, rest = rest_of(z, n, t, lse), power = nn_pow(rest, gamma);
    if (g == NULL)
        return (double)(-power * log_p);
    /* power / rest * log p stays finite: log p is about -rest there. */
    nn_real ratio  = rest > NN_R(0.0) ? nn_exp(log_p) * log_p / rest : -NN_R(1.0);
    nn_real factor = power * (NN_R(1.0) - gamma * ratio);
    g[t] -= NN_R(1.0);
    for (uint32_t j = 0; j < n; j++)
        g[j] *= factor;
    return (double)(-power * log_p);
}

static double
focal_value(const struct nn_loss_call *call)
{
    return over_classes(call, focal_one);
}

/* Two classes: the share of class 1, as for bce_logits; more: all shares. */
static void
class_scores(nn_real *out, const nn_real *output, uint32_t rows, uint32_t size)
{
    for (uint32_t b = 0; b < rows; b++) {
        const nn_real *z = output + (size_t)b * size;
        if (size == 2)
            out[b] = nn_sigmoid(z[1] - z[0]);
        else
            (void)nn_softmax_row(out + (size_t)b * size, z, size);
    }
}

const struct nn_loss_kind nn_cce_logits_kind = {.name        = "cce_logits",
                                                .options     = smoothing_options,
                                                .check       = cce_logits_check,
                                                .target_size = nn_loss_one,
                                                .class_count = nn_loss_same,
                                                .value       = cce_value,
                                                .scores      = class_scores,
                                                .accepts     = takes_classes};

const struct nn_loss_kind nn_cce_focal_kind = {.name        = "cce_focal",
                                               .options     = focal_options,
                                               .check       = cce_focal_check,
                                               .target_size = nn_loss_one,
                                               .class_count = nn_loss_same,
                                               .value       = focal_value,
                                               .scores      = class_scores,
                                               .accepts     = takes_classes};

/* ---- a share for every class ---- */

struct shares {
    nn_real smoothing, temperature;
    bool    entropy; /* take away that of the target */
};

static double
shares_one(nn_real *g, const nn_real *z, const nn_real *t, uint32_t n, struct shares s)
{
    nn_real cold = NN_R(1.0) / s.temperature, max = z[0], total = NN_R(0.0), all = NN_R(0.0);
    double  loss = 0;
    for (uint32_t j = 1; j < n; j++)
        max = z[j] > max ? z[j] : max;
    for (uint32_t j = 0; j < n; j++) {
        total += nn_exp((z[j] - max) * cold);
        all += t[j];
    }
    nn_real lse = nn_log(total), keep = NN_R(1.0) - s.smoothing, even = s.smoothing / (nn_real)n;
    for (uint32_t j = 0; j < n; j++) {
        nn_real share = t[j] * keep + even * all, log_q = (z[j] - max) * cold - lse;
        if (share > NN_R(0.0))
            loss += (double)(share * ((s.entropy ? nn_log(share) : NN_R(0.0)) - log_q));
        if (g != NULL)
            g[j] = s.temperature * (nn_exp(log_q) * all - share);
    }
    return loss * (double)s.temperature * (double)s.temperature;
}

static double
over_shares(const struct nn_loss_call *call, struct shares s)
{
    uint32_t n    = call->size;
    double   part = nn_loss_share(call, n, 1), sum = 0;
    for (uint32_t b = 0; b < call->rows; b++) {
        nn_real       *g = call->gradient != NULL ? call->gradient + (size_t)b * n : NULL;
        const nn_real *t = call->target + (size_t)b * n;
        double         w = part * nn_loss_weight(call, b);
        if (nn_loss_skips(call, t[0])) {
            fill(g, n, NN_R(0.0));
            continue;
        }
        sum += w * shares_one(g, call->output + (size_t)b * n, t, n, s);
        if (g != NULL)
            scale(g, n, w);
    }
    return sum;
}

static double
cce_shares_value(const struct nn_loss_call *call)
{
    return over_shares(call,
                       (struct shares){.smoothing = number_of(call), .temperature = NN_R(1.0)});
}

static double
kl_value(const struct nn_loss_call *call)
{
    return over_shares(call, (struct shares){.temperature = number_of(call), .entropy = true});
}

static void
softmax_scores(nn_real *out, const nn_real *output, uint32_t rows, uint32_t size)
{
    for (uint32_t b = 0; b < rows; b++)
        (void)nn_softmax_row(out + (size_t)b * size, output + (size_t)b * size, size);
}

const struct nn_loss_kind nn_cce_shares_kind = {.name        = "cce_shares",
                                                .options     = smoothing_options,
                                                .check       = cce_shares_check,
                                                .target_size = nn_loss_same,
                                                .class_count = nn_loss_none,
                                                .value       = cce_shares_value,
                                                .scores      = softmax_scores,
                                                .accepts     = nn_loss_takes_shares};

const struct nn_loss_kind nn_kl_logits_kind = {.name        = "kl_logits",
                                               .options     = kl_options,
                                               .check       = kl_logits_check,
                                               .target_size = nn_loss_same,
                                               .class_count = nn_loss_none,
                                               .value       = kl_value,
                                               .scores      = softmax_scores,
                                               .accepts     = nn_loss_takes_shares};
