/*
 * nnlib/metric -- metrics whose state can be merged: the merge of the sites' states is the state of
 * the pooled records (features.md, identity 3).
 *
 *     accuracy  correct, n                         loss / log_loss  sum, n
 *     rmse      sum of squares, n                  auroc, auprc     two histograms of the score
 *
 * AUROC and AUPRC count the score (a share, 0..1) in NN_BINS equal bins of its logit, -16..16;
 * records of one bin are ties, so the error of AUROC is at most half the share of (positive,
 * negative) pairs that fall into one bin. nn_auroc_exact and nn_auprc_exact sort instead. AUPRC is
 * average precision: sum (R_i - R_i-1) P_i.
 * Undefined values (one class only, no records, a score that was not finite) are NAN, never 0.
 * log_loss keeps shares 1e-7 away from 0 and 1. A binary guess is 1 from a score of 0.5 on.
 *
 * Memory     plain struct, no heap.
 */
#ifndef NNLIB_METRIC_H
#define NNLIB_METRIC_H

#include "base/bytes.h"
#include "nnlib/real.h"

enum nn_metric_kind {
    NN_ACCURACY,
    NN_AUROC,
    NN_AUPRC,
    NN_LOG_LOSS,
    NN_RMSE
};
enum {
    NN_METRIC_COUNT     = 5,
    NN_BINS             = 1024,
    NN_METRIC_STATE_MAX = 16384
};
extern const char *const nn_metric_names[]; /* "accuracy", "auroc", "auprc", "log_loss", "rmse" */

struct nn_metric {
    enum nn_metric_kind kind;
    uint32_t            classes; /* 0 = regression, 2 = binary with one score, else multi-class */
    uint64_t            count;
    double              sum;
    uint32_t            bins[2][NN_BINS]; /* [label][bin]; AUROC and AUPRC only */
};

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

/* The metrics that fit: binary all but rmse; multi-class accuracy and log_loss; regression rmse. */
size_t nn_metrics_for(enum nn_metric_kind out[static NN_METRIC_COUNT], uint32_t classes);

/* The state as bytes (little-endian, at most NN_METRIC_STATE_MAX; sparse bins are short), in the
 * only form there is. PN_EDIVERGED for a state that saw a score that was not finite. */
PN_MUST_CHECK enum pn_status nn_metric_encode(struct pn_buffer       *out,
                                              const struct nn_metric *metric);
/* PN_EPEER_FORMAT / PN_EPEER_VALUE (not finite, counts that do not add up). */
PN_MUST_CHECK enum pn_status nn_metric_decode(struct nn_metric *out, enum nn_metric_kind kind,
                                              uint32_t classes, const uint8_t *bytes, size_t size);

/* Exact values over arrays (sorted with ties as one group), for reports and tests. `scratch` is
 * aligned as malloc's. */
double nn_auroc_exact(const nn_real *score, const nn_real *target, size_t count, void *scratch);
double nn_auprc_exact(const nn_real *score, const nn_real *target, size_t count, void *scratch);
size_t nn_exact_scratch_bytes(size_t count);

#endif
