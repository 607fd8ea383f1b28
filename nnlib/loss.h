/*
 * nnlib/loss -- what all losses share; inside nnlib only.
 *
 * A loss gives every record (or every number of it) a loss l, of the record's weight w:
 *
 *     reduce=mean   sum w l / sum w    the default; class weights count as well
 *     reduce=rows   sum w l / n        as Keras divides: weights also change the step's length
 *     reduce=sum    sum w l
 *
 * n counts what has a loss: records, or all their numbers where each has its own (mse). Sites merge
 * a mean as numerator and denominator, never as a mean of means (features.md, identity 3).
 *
 *     missing=skip  a target that is NaN is no label: gradient exactly 0, and it does not count.
 *                   With missing=refuse, the default, training refuses such records.
 *
 * Memory     no heap; a loss writes nothing but call->gradient.
 */
#ifndef NNLIB_LOSS_H
#define NNLIB_LOSS_H

#include "nnlib/layer.h"

enum nn_reduce {
    NN_REDUCE_MEAN,
    NN_REDUCE_ROWS,
    NN_REDUCE_SUM
};

struct nn_loss_common { /* the first member of every loss's options */
    uint32_t reduce, skips_missing;
};
extern const char *const nn_reduce_names[], *const nn_missing_names[];

/* The rows of an option table that read it. */
#define NN_LOSS_REDUCE                                                                             \
    {                                                                                              \
        .name = "reduce", .fallback = "mean", .kind = NN_OPTION_WORD,                              \
        .offset = offsetof(struct nn_loss_common, reduce), .words = nn_reduce_names                \
    }
#define NN_LOSS_MISSING                                                                            \
    {                                                                                              \
        .name = "missing", .fallback = "refuse", .kind = NN_OPTION_WORD,                           \
        .offset = offsetof(struct nn_loss_common, skips_missing), .words = nn_missing_names        \
    }
#define NN_LOSS_COMMON_OPTIONS NN_LOSS_REDUCE, NN_LOSS_MISSING
extern const struct nn_option nn_loss_common_table[]; /* those two alone */

/* What a loss is multiplied with besides its record's weight. A record has `stride` targets, of
 * which the first `each` have a loss of their own. 0 when nothing has one, or all weights are 0. */
double nn_loss_share(const struct nn_loss_call *call, uint32_t stride, uint32_t each);
/* The weight of a record, 1 without weights. */
double nn_loss_weight(const struct nn_loss_call *call, uint32_t row);
/* True where this target is none and the loss skips those. */
bool nn_loss_skips(const struct nn_loss_call *call, nn_real target);

/* The loss of every record alone, as a weight of 1 would give it: for scores of anomaly. */
void nn_loss_each(double *out, const struct nn_loss_kind *kind, const struct nn_loss_call *call);

/* Parts that kinds are put together from. */
enum pn_status nn_loss_any_size(const void *options, uint32_t size, const char *layer,
                                struct pn_error *why);
uint32_t       nn_loss_one(uint32_t size);
uint32_t       nn_loss_two(uint32_t size);
uint32_t       nn_loss_same(uint32_t size);
uint32_t       nn_loss_none(uint32_t size);
void nn_loss_plain_scores(nn_real *out, const nn_real *output, uint32_t rows, uint32_t size);
void nn_loss_sigmoid_scores(nn_real *out, const nn_real *output, uint32_t rows, uint32_t size);
bool nn_loss_takes_numbers(const void *options, nn_real target, uint32_t size);
bool nn_loss_takes_shares(const void *options, nn_real target, uint32_t size); /* 0..1 */
/* True for a missing target where those are skipped. */
bool nn_loss_takes_missing(const void *options, nn_real target);

#endif
