#include "nnlib/loss.h"

#include <string.h>

const char *const nn_reduce_names[]  = {"mean", "rows", "sum", NULL};
const char *const nn_missing_names[] = {"refuse", "skip", NULL};

const struct nn_option nn_loss_common_table[] = {NN_LOSS_COMMON_OPTIONS, {0}};

static struct nn_loss_common
common_of(const void *options)
{
    struct nn_loss_common common;
    memcpy(&common, options, sizeof common);
    return common;
}

double
nn_loss_weight(const struct nn_loss_call *call, uint32_t row)
{
    return call->weight != NULL ? (double)call->weight[row] : 1.0;
}

bool
nn_loss_takes_missing(const void *options, nn_real target)
{
    return isnan(target) && common_of(options).skips_missing != 0;
}

bool
nn_loss_skips(const struct nn_loss_call *call, nn_real target)
{
    return nn_loss_takes_missing(call->options, target);
}

/* How many of a record's losses there are. */
static uint32_t
present(const struct nn_loss_call *call, uint32_t row, uint32_t stride, uint32_t each)
{
    uint32_t count = 0;
    for (uint32_t j = 0; j < each; j++)
        count += isnan(call->target[(size_t)row * stride + j]) ? 0 : 1;
    return count;
}

double
nn_loss_share(const struct nn_loss_call *call, uint32_t stride, uint32_t each)
{
    struct nn_loss_common common  = common_of(call->options);
    double                weights = 0, count = 0;
    if (common.reduce == NN_REDUCE_SUM)
        return 1;
    for (uint32_t b = 0; b < call->rows; b++) {
        uint32_t here = common.skips_missing != 0 ? present(call, b, stride, each) : each;
        count += here;
        weights += here * nn_loss_weight(call, b);
    }
    double total = common.reduce == NN_REDUCE_ROWS && weights != 0 ? count : weights;
    return total == 0 ? 0 : 1 / total;
}

void
nn_loss_each(double *out, const struct nn_loss_kind *kind, const struct nn_loss_call *call)
{
    struct nn_loss_call one   = *call;
    size_t              width = kind->target_size(call->size);
    one.rows                  = 1;
    one.weight                = NULL;
    one.gradient              = NULL;
    for (uint32_t b = 0; b < call->rows; b++) {
        one.output = call->output + (size_t)b * call->size;
        one.target = call->target + b * width;
        out[b]     = kind->value(&one);
    }
}

enum pn_status
nn_loss_any_size(const void *options, uint32_t size, const char *layer, struct pn_error *why)
{
    (void)options;
    (void)size;
    (void)layer;
    (void)why;
    return PN_OK;
}

uint32_t
nn_loss_one(uint32_t size)
{
    (void)size;
    return 1;
}

uint32_t
nn_loss_two(uint32_t size)
{
    (void)size;
    return 2;
}

uint32_t
nn_loss_same(uint32_t size)
{
    return size;
}

uint32_t
nn_loss_none(uint32_t size)
{
    (void)size;
    return 0;
}

void
nn_loss_plain_scores(nn_real *out, const nn_real *output, uint32_t rows, uint32_t size)
{
    memcpy(out, output, (size_t)rows * size * sizeof *out);
}

void
nn_loss_sigmoid_scores(nn_real *out, const nn_real *output, uint32_t rows, uint32_t size)
{
    for (size_t k = 0; k < (size_t)rows * size; k++)
        out[k] = nn_sigmoid(output[k]);
}

bool
nn_loss_takes_numbers(const void *options, nn_real target, uint32_t size)
{
    (void)size;
    return isfinite(target) || nn_loss_takes_missing(options, target);
}

bool
nn_loss_takes_shares(const void *options, nn_real target, uint32_t size)
{
    (void)size;
    return (target >= NN_R(0.0) && target <= NN_R(1.0)) || nn_loss_takes_missing(options, target);
}
