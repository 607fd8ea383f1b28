/*
 * Losses of K classes that exclude each other, one logit z_j each; p = softmax(z), t the class.
 * Maximum likelihood of a categorical variable.
 *
 * cce_logits    l    = -log p_t, with smoothing=e: (1 - e) -log p_t + e / K sum_j -log p_j
 *               dz_j = p_j - (1 - e) [j = t] - e / K
 *               class_weights=c_0,c_1,... multiply each log p_k and, like a record's weight, count
 *               in what a mean is divided by: PyTorch's form; reduce=rows is Keras's
 * cce_focal     l    = -(1 - p_t)^g log p_t          Lin et al., 2017, for several classes;
 *               class_weights are its alpha
 *               dz_j = f (p_j - [j = t]),  f = (1 - p_t)^g - g (1 - p_t)^(g-1) p_t log p_t
 * cce_shares    l    = sum_j -t_j log p_j            the target is a share for every class:
 * one-hot, dz_j = p_j sum t - t_j               soft, or mixed up; smoothing as above kl_logits l
 * = T^2 sum_j t_j (log t_j - log q_j),  q = softmax(z / T): distillation, Hinton dz_j = T (q_j sum
 * t - t_j)           et al., 2015; 0 where q = t
 *
 * log p_j is z_j - logsumexp(z) with the maximum taken out: finite for every finite logit.
 */
#include "nnlib/loss.h"
#include "nnlib/vmath.h"

#include <string.h>

struct options {
    struct nn_loss_common common;
    double                number;  /* smoothing, gamma or temperature */
    struct nn_list        weights; /* of the classes */
};
_Static_assert(sizeof(struct options) <= NN_OPTIONS_MAX, "options fit");

#define NUMBER(label, start, least, most)                                                          \
    {                                                                                              \
        .name = label, .fallback = start, .kind = NN_OPTION_NUMBER,                                \
        .offset = offsetof(struct options, number), .min = least, .max = most                      \
    }
#define WEIGHTS                                                                                    \
    {                                                                                              \
        .name = "class_weights", .fallback = "none", .kind = NN_OPTION_LIST,                       \
        .offset = offsetof(struct options, weights), .max = 1e6                                    \
    }
static const struct nn_option cce_options[] = {
    NN_LOSS_COMMON_OPTIONS, NUMBER("smoothing", "0", 0, 1), WEIGHTS, {0}};
static const struct nn_option focal_options[] = {
    NN_LOSS_COMMON_OPTIONS, NUMBER("gamma", "2", 0, 20), WEIGHTS, {0}};
static const struct nn_option shares_options[] = {
    NN_LOSS_COMMON_OPTIONS, NUMBER("smoothing", "0", 0, 1), {0}};
static const struct nn_option kl_options[] = {
    NN_LOSS_COMMON_OPTIONS, NUMBER("temperature", "1", 1e-3, 1e3), {0}};

/* Options that a kind's table does not name are 0. */
static struct options
options_of(const void *from)
{
    struct options options;
    memcpy(&options, from, sizeof options);
    return options;
}

static enum pn_status
two_at_least(const char *kind, const void *from, uint32_t size, const char *layer,
             struct pn_error *why)
{
    struct options options = options_of(from);
    if (size < 2)
        return pn_error_set(why, PN_ECONFIG,
                            "%s reads one number a class, but %s has only %u; "
                            "give it the number of classes, or use bce_logits",
                            kind, layer, size);
    if (options.weights.count != 0 && options.weights.count != size)
        return pn_error_set(why, PN_ECONFIG,
                            "class_weights: expected one for each of the %u classes of %s, seen %u",
                            size, layer, options.weights.count);
    return PN_OK;
}

#define CHECK(kind)                                                                                \
    static enum pn_status kind##_check(const void *options, uint32_t size, const char *layer,      \
                                       struct pn_error *why)                                       \
    {                                                                                              \
        return two_at_least(#kind, options, size, layer, why);                                     \
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
    enum {
        STRETCH = 64
    };
    nn_real max = z[0], sum = NN_R(0.0), e[STRETCH];
    for (uint32_t j = 1; j < size; j++)
        max = z[j] > max ? z[j] : max;
    for (uint32_t at = 0; at < size; at += STRETCH) {
        uint32_t here = size - at < STRETCH ? size - at : STRETCH;
        for (uint32_t j = 0; j < here; j++)
            e[j] = z[at + j] - max;
        nn_vmath_exp(e, e, here);
        for (uint32_t j = 0; j < here; j++)
            sum += e[j];
    }
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

static double
class_weight(const struct options *o, uint32_t k)
{
    return o->weights.count > 0 ? (double)o->weights.at[k] : 1;
}

/* nn_loss_share; class weights count like the weights of records. */
static double
share_of(const struct nn_loss_call *call, const struct options *o)
{
    double total = 0;
    if (o->weights.count == 0 || o->common.reduce != NN_REDUCE_MEAN)
        return nn_loss_share(call, 1, 1);
    for (uint32_t b = 0; b < call->rows; b++)
        if (is_class(call->target[b], call->size))
            total += nn_loss_weight(call, b) * class_weight(o, (uint32_t)call->target[b]);
    return total == 0 ? 0 : 1 / total;
}

/* The walk over rows with a class each; `one` gives the loss of a row and, in g, its slope. */
static double
over_classes(const struct nn_loss_call *call,
             double (*one)(nn_real *g, const nn_real *z, uint32_t n, uint32_t t,
                           const struct options *o))
{
    const struct options o    = options_of(call->options);
    uint32_t             n    = call->size;
    double               part = share_of(call, &o), sum = 0;
    for (uint32_t b = 0; b < call->rows; b++) {
        nn_real *g = call->gradient != NULL ? call->gradient + (size_t)b * n : NULL;
        double   w = part * nn_loss_weight(call, b);
        if (nn_loss_skips(call, call->target[b])) {
            fill(g, n, NN_R(0.0));
        } else if (!is_class(call->target[b], n)) {
            fill(g, n, (nn_real)NAN);
            sum = (double)NAN;
        } else {
            sum += w * one(g, call->output + (size_t)b * n, n, (uint32_t)call->target[b], &o);
            if (g != NULL)
                scale(g, n, w);
        }
    }
    return sum;
}

/* The smoothing's part of a row: each class has its own weight; adds to g what it has of p. */
static double
smooth(nn_real *g, const nn_real *z, uint32_t n, nn_real lse, const struct options *o)
{
    double each = o->number / n, all = 0, sum = 0;
    for (uint32_t j = 0; j < n; j++) {
        double weight = each * class_weight(o, j);
        all += weight;
        sum += weight * (double)(lse - z[j]);
    }
    for (uint32_t j = 0; g != NULL && j < n; j++)
        g[j] += (nn_real)(all * (double)nn_exp(z[j] - lse) - each * class_weight(o, j));
    return sum;
}

static double
cce_one(nn_real *g, const nn_real *z, uint32_t n, uint32_t t, const struct options *o)
{
    nn_real lse    = g != NULL ? nn_softmax_row(g, z, n) : log_sum_exp(z, n);
    double  weight = class_weight(o, t) * (1 - o->number), loss = weight * (double)(lse - z[t]);
    if (g != NULL)
        g[t] -= NN_R(1.0);
    if (g != NULL && weight != 1)
        scale(g, n, weight);
    return o->number > 0 ? loss + smooth(g, z, n, lse, o) : loss;
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
focal_one(nn_real *g, const nn_real *z, uint32_t n, uint32_t t, const struct options *o)
{
    nn_real lse    = g != NULL ? nn_softmax_row(g, z, n) : log_sum_exp(z, n);
    nn_real weight = (nn_real)class_weight(o, t), gamma = (nn_real)o->number;
    nn_real log_p = z[t] - lse, rest = rest_of(z, n, t, lse), power = weight * nn_pow(rest, gamma);
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
                                                .options     = cce_options,
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
    return over_shares(call, (struct shares){.smoothing = (nn_real)options_of(call->options).number,
                                             .temperature = NN_R(1.0)});
}

static double
kl_value(const struct nn_loss_call *call)
{
    return over_shares(
        call,
        (struct shares){.temperature = (nn_real)options_of(call->options).number, .entropy = true});
}

static void
softmax_scores(nn_real *out, const nn_real *output, uint32_t rows, uint32_t size)
{
    for (uint32_t b = 0; b < rows; b++)
        (void)nn_softmax_row(out + (size_t)b * size, output + (size_t)b * size, size);
}

const struct nn_loss_kind nn_cce_shares_kind = {.name        = "cce_shares",
                                                .options     = shares_options,
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
