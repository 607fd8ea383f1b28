/*
 * nnlib/metric -- metrics whose state can be merged: the merge of the sites' states is the state of
 * the pooled records (features.md, identity 3).
 *
 * Two classes (one score, the share of class 1, guessed 1 from 0.5 on):
 *     precision, recall, f1, specificity            of class 1
 *     auroc, auprc, ks, gini                        ranking; gini = 2 auroc - 1,
 *                                                   ks = max |TPR - FPR|
 * Two or more classes:
 *     accuracy, balanced_accuracy, mcc, kappa       mcc: Gorodkin's for several classes
 *     precision_, recall_, f1_ macro, micro, weighted   macro: over classes that occur in truth or
 *                                                   guess; weighted: by their number in the truth
 *     log_loss, brier, ece                          of shares; brier sums over classes where there
 *                                                   are more than two; ece has 10 bins (lo, hi] of
 *                                                   the share of class 1, or of the guess
 *     perplexity                                    e^log_loss
 *     confusion                                     the whole matrix; its value is the accuracy
 * More than two classes:
 *     top3, top5                                    the class is among the largest 3 or 5 shares
 * Numbers:
 *     rmse, mse, mae, r2, mape, smape               smape: mean 2 |o-t| / (|o|+|t|), 0 for 0 and 0
 *     psnr                                          10 log10(1 / mse): the largest number is 1
 *
 * The ranking metrics count the score in NN_BINS equal bins of its logit, -16..16; records of one
 * bin are ties, so the error of auroc is at most half the share of (positive, negative) pairs that
 * fall into one bin. nnlib/exact sorts instead. auprc is average precision: sum (R_i - R_i-1) P_i.
 * Undefined values (one class only, nothing guessed, no records, a score that was not finite) are
 * NAN, never 0; a class that is never guessed counts with precision 0 in a macro mean.
 * log_loss keeps shares 1e-7 away from 0 and 1. Conventions are scikit-learn's.
 *
 * Memory     plain struct, 8 KiB, no heap.
 */
#ifndef NNLIB_METRIC_H
#define NNLIB_METRIC_H

#include "base/bytes.h"
#include "nnlib/real.h"

/* The numbers go over the wire: new ones are appended. */
#define NN_METRIC_LIST(X)                                                                          \
    X(NN_ACCURACY, "accuracy")                                                                     \
    X(NN_AUROC, "auroc")                                                                           \
    X(NN_AUPRC, "auprc")                                                                           \
    X(NN_LOG_LOSS, "log_loss")                                                                     \
    X(NN_RMSE, "rmse")                                                                             \
    X(NN_PRECISION, "precision")                                                                   \
    X(NN_RECALL, "recall")                                                                         \
    X(NN_F1, "f1")                                                                                 \
    X(NN_SPECIFICITY, "specificity")                                                               \
    X(NN_PRECISION_MACRO, "precision_macro")                                                       \
    X(NN_RECALL_MACRO, "recall_macro")                                                             \
    X(NN_F1_MACRO, "f1_macro")                                                                     \
    X(NN_PRECISION_MICRO, "precision_micro")                                                       \
    X(NN_RECALL_MICRO, "recall_micro")                                                             \
    X(NN_F1_MICRO, "f1_micro")                                                                     \
    X(NN_PRECISION_WEIGHTED, "precision_weighted")                                                 \
    X(NN_RECALL_WEIGHTED, "recall_weighted")                                                       \
    X(NN_F1_WEIGHTED, "f1_weighted")                                                               \
    X(NN_BALANCED_ACCURACY, "balanced_accuracy")                                                   \
    X(NN_MCC, "mcc")                                                                               \
    X(NN_KAPPA, "kappa")                                                                           \
    X(NN_CONFUSION, "confusion")                                                                   \
    X(NN_TOP3, "top3")                                                                             \
    X(NN_TOP5, "top5")                                                                             \
    X(NN_PERPLEXITY, "perplexity")                                                                 \
    X(NN_BRIER, "brier")                                                                           \
    X(NN_ECE, "ece")                                                                               \
    X(NN_KS, "ks")                                                                                 \
    X(NN_GINI, "gini")                                                                             \
    X(NN_MSE, "mse")                                                                               \
    X(NN_MAE, "mae")                                                                               \
    X(NN_R2, "r2")                                                                                 \
    X(NN_MAPE, "mape")                                                                             \
    X(NN_SMAPE, "smape")                                                                           \
    X(NN_PSNR, "psnr")

enum nn_metric_kind {
#define NN_METRIC_ENUM(name, text) name,
    NN_METRIC_LIST(NN_METRIC_ENUM)
#undef NN_METRIC_ENUM
    NN_METRIC_COUNT
};
enum {
    NN_METRICS_MAX      = 16, /* of one job */
    NN_BINS             = 1024,
    NN_ECE_BINS         = 20,
    NN_METRIC_SUMS      = 20,
    NN_METRIC_CELLS     = 2048,
    NN_METRIC_STATE_MAX = 16384
};
extern const char *const nn_metric_names[]; /* by kind, NULL at the end */

struct nn_metric {
    enum nn_metric_kind kind;
    uint32_t            classes; /* 0 = regression, 2 = binary with one score, else multi-class */
    uint64_t            count;
    double              sum[NN_METRIC_SUMS]; /* sum[0] NAN: something was not finite, or too much */
    uint32_t            cells[NN_METRIC_CELLS]; /* as the kind lays them out */
};

/* Whether the metric fits so many classes. */
bool nn_metric_fits(enum nn_metric_kind kind, uint32_t classes);
/* PN_ECONFIG when the metric does not fit the number of classes. */
PN_MUST_CHECK enum pn_status nn_metric_init(struct nn_metric *metric, enum nn_metric_kind kind,
                                            uint32_t classes);
/* score (rows, 1 for binary and regression, classes otherwise); target (rows) label, class or
 * value. */
void nn_metric_add(struct nn_metric *metric, const nn_real *score, const nn_real *target,
                   uint32_t rows);
/* Same kind and classes, or PN_ECONFIG. Counts saturate never: PN_ERANGE on overflow, and `into` is
 * unchanged. */
PN_MUST_CHECK enum pn_status nn_metric_merge(struct nn_metric *into, const struct nn_metric *from);
double                       nn_metric_value(const struct nn_metric *metric);
bool                         nn_metric_smaller_is_better(enum nn_metric_kind kind);

/* NN_CONFUSION only: records of class `truth` that were guessed to be `guess`. */
uint32_t nn_metric_confusion(const struct nn_metric *metric, uint32_t truth, uint32_t guess);
/* NN_ECE only: the error with 1, 2, 4, 5, 10 or 20 bins. */
double nn_metric_ece(const struct nn_metric *metric, uint32_t bins);

/* What a job measures when it names nothing: binary accuracy, auroc, auprc and log_loss;
 * multi-class accuracy and log_loss; regression rmse. */
size_t nn_metrics_for(enum nn_metric_kind out[static NN_METRICS_MAX], uint32_t classes);

/* The state as bytes (little-endian, at most NN_METRIC_STATE_MAX; sparse cells are short), in the
 * only form there is. PN_EDIVERGED for a state that saw a score that was not finite. */
PN_MUST_CHECK enum pn_status nn_metric_encode(struct pn_buffer       *out,
                                              const struct nn_metric *metric);
/* PN_EPEER_FORMAT / PN_EPEER_VALUE (not finite, counts that do not add up). */
PN_MUST_CHECK enum pn_status nn_metric_decode(struct nn_metric *out, enum nn_metric_kind kind,
                                              uint32_t classes, const uint8_t *bytes, size_t size);

/* Exact values over arrays (sorted with ties as one group), for reports and tests. `scratch` is
 * aligned as malloc's, of nn_exact_scratch_bytes. */
size_t nn_exact_scratch_bytes(size_t count);
double nn_auroc_exact(const nn_real *score, const nn_real *target, size_t count, void *scratch);
double nn_auprc_exact(const nn_real *score, const nn_real *target, size_t count, void *scratch);
double nn_ks_exact(const nn_real *score, const nn_real *target, size_t count, void *scratch);
/* The area under straight lines between the points of precision and recall: larger than auprc. */
double nn_pr_trapezoid_exact(const nn_real *score, const nn_real *target, size_t count,
                             void *scratch);
/* The median of |output - target|. */
double nn_median_error_exact(const nn_real *output, const nn_real *target, size_t count,
                             void *scratch);

#endif
