/*
 * Rosenblatt's rule as a loss (1958): plain SGD of rate 1 on single records is the perceptron. A
 * record that is right costs nothing, and one on the boundary counts as wrong.
 *
 *     one number, label 0 or 1    l = max(0, -s z), s = 2 t - 1       dl/dz = -s  where s z <= 0
 *     a number per class          l = max(0, z[j] - z[t]), j the largest other than t
 *                                 dl/dz[j] = 1, dl/dz[t] = -1         where z[j] >= z[t]
 *
 * Scores are ranks, not probabilities.
 */
#include "nnlib/loss.h"

static uint32_t
class_count(uint32_t size)
{
    return size == 1 ? 2 : size;
}

static bool
is_class(nn_real target, uint32_t size)
{
    /* SAFE: the range is checked before the conversion. */
    return target >= NN_R(0.0) && target < (nn_real)class_count(size) &&
           (nn_real)(uint32_t)target == target;
}

static bool
accepts(const void *options, nn_real target, uint32_t size)
{
    return is_class(target, size) || nn_loss_takes_missing(options, target);
}

/* The largest number but z[t]. */
static uint32_t
rival(const nn_real *z, uint32_t size, uint32_t t)
{
    uint32_t best = t == 0 ? 1 : 0;
    for (uint32_t j = best + 1; j < size; j++)
        if (j != t && z[j] > z[best])
            best = j;
    return best;
}

/* How far a record is on the wrong side (below 0: on the right one); its gradient times w. */
static nn_real
judge(const nn_real *z, uint32_t size, uint32_t t, nn_real *g, nn_real w)
{
    uint32_t j     = size == 1 ? 0 : rival(z, size, t);
    nn_real  sign  = t == 1 ? NN_R(1.0) : NN_R(-1.0); /* of one number */
    nn_real  wrong = size == 1 ? -sign * z[0] : z[j] - z[t];
    bool     right = wrong < NN_R(0.0);
    for (uint32_t k = 0; g != NULL && k < size; k++)
        g[k] = NN_R(0.0);
    if (g == NULL || right)
        return wrong;
    if (size == 1)
        g[0] = -sign * w;
    else {
        g[j] = w;
        g[t] = -w;
    }
    return wrong;
}

static double
value(const struct nn_loss_call *call)
{
    double part = nn_loss_share(call, 1, 1), sum = 0;
    for (uint32_t b = 0; b < call->rows; b++) {
        const nn_real *z = call->output + (size_t)b * call->size;
        nn_real       *g = call->gradient != NULL ? call->gradient + (size_t)b * call->size : NULL;
        double         w = part * nn_loss_weight(call, b);
        bool           skips = nn_loss_skips(call, call->target[b]);
        if (skips || !is_class(call->target[b], call->size)) {
            for (uint32_t k = 0; g != NULL && k < call->size; k++)
                g[k] = skips ? NN_R(0.0) : (nn_real)NAN;
            sum += skips ? 0 : (double)NAN;
            continue;
        }
        nn_real wrong = judge(z, call->size, (uint32_t)call->target[b], g, (nn_real)w);
        sum += wrong < NN_R(0.0) ? 0 : w * (double)wrong;
    }
    return sum;
}

static void
scores(nn_real *out, const nn_real *output, uint32_t rows, uint32_t size)
{
    for (uint32_t b = 0; b < rows; b++) {
        const nn_real *z = output + (size_t)b * size;
        if (size == 1)
            out[b] = nn_sigmoid(z[0]);
        else if (size == 2)
            out[b] = nn_sigmoid(z[1] - z[0]);
        else
            (void)nn_softmax_row(out + (size_t)b * size, z, size);
    }
}

const struct nn_loss_kind nn_perceptron_kind = {.name        = "perceptron",
                                                .options     = nn_loss_common_table,
                                                .check       = nn_loss_any_size,
                                                .target_size = nn_loss_one,
                                                .class_count = class_count,
                                                .value       = value,
                                                .scores      = scores,
                                                .accepts     = accepts};
