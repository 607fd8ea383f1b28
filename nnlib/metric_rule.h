/*
 * nnlib/metric_rule -- what a metric is; inside nnlib only.
 *
 * A state is a count of records, some sums and groups of cells. A rule says how many, how a record
 * enters, what comes out, and what no records can give. To add one: a line at the end of
 * NN_METRIC_LIST, a rule in the table of metric_rule.c.
 */
#ifndef NNLIB_METRIC_RULE_H
#define NNLIB_METRIC_RULE_H

#include "nnlib/metric.h"

enum nn_task { /* bits */
    NN_TASK_BINARY  = 1,
    NN_TASK_CLASSES = 2, /* more than two */
    NN_TASK_NUMBER  = 4
};

struct nn_metric_rule {
    uint32_t tasks, classes_min; /* the cells limit the number of classes from above */
    bool     smaller_is_better;
    uint32_t sums, groups; /* groups of cells, of this many each: */
    uint32_t (*group_size)(uint32_t classes);
    /* A record; `target` is a class number that is in range, or any finite number. */
    void (*add)(struct nn_metric *metric, const nn_real *score, double target);
    void (*merge)(struct nn_metric *into, const struct nn_metric *from); /* NULL: sums add up */
    double (*value)(const struct nn_metric *metric);                     /* count > 0, all finite */
    bool (*adds_up)(const struct nn_metric *metric);                     /* sums are finite */
};
extern const struct nn_metric_rule nn_metric_rules[NN_METRIC_COUNT];

/* cells[at]++; a full cell spoils the metric: undefined, not wrong. */
void nn_metric_tick(struct nn_metric *metric, size_t at);
/* The class that the score speaks for; the first of equals. */
uint32_t nn_metric_guess(const struct nn_metric *metric, const nn_real *score);
uint64_t nn_metric_cell_sum(const struct nn_metric *metric, size_t from, size_t count);

/* Of classes, in metric_class.c: cells truth (K), guess (K), right (K); or the matrix. */
uint32_t nn_rule_classes(uint32_t classes);
uint32_t nn_rule_matrix(uint32_t classes);
void     nn_rule_count_classes(struct nn_metric *metric, const nn_real *score, double target);
void     nn_rule_count_pair(struct nn_metric *metric, const nn_real *score, double target);
bool     nn_rule_classes_add_up(const struct nn_metric *metric);
bool     nn_rule_matrix_adds_up(const struct nn_metric *metric);
void     nn_rule_add_right(struct nn_metric *metric, const nn_real *score, double target);
void     nn_rule_add_top3(struct nn_metric *metric, const nn_real *score, double target);
void     nn_rule_add_top5(struct nn_metric *metric, const nn_real *score, double target);
double   nn_rule_precision(const struct nn_metric *metric);
double   nn_rule_recall(const struct nn_metric *metric);
double   nn_rule_f1(const struct nn_metric *metric);
double   nn_rule_specificity(const struct nn_metric *metric);
double   nn_rule_precision_macro(const struct nn_metric *metric);
double   nn_rule_recall_macro(const struct nn_metric *metric);
double   nn_rule_f1_macro(const struct nn_metric *metric);
double   nn_rule_micro(const struct nn_metric *metric);
double   nn_rule_precision_weighted(const struct nn_metric *metric);
double   nn_rule_recall_weighted(const struct nn_metric *metric);
double   nn_rule_f1_weighted(const struct nn_metric *metric);
double   nn_rule_balanced_accuracy(const struct nn_metric *metric);
double   nn_rule_mcc(const struct nn_metric *metric);
double   nn_rule_kappa(const struct nn_metric *metric);
double   nn_rule_trace(const struct nn_metric *metric);

/* Of shares, in metric_score.c: two groups of NN_BINS, two of NN_ECE_BINS with a sum each, sums. */
uint32_t nn_rule_bins(uint32_t classes);
uint32_t nn_rule_ece_bins(uint32_t classes);
void     nn_rule_count_bin(struct nn_metric *metric, const nn_real *score, double target);
void     nn_rule_count_share(struct nn_metric *metric, const nn_real *score, double target);
void     nn_rule_add_log(struct nn_metric *metric, const nn_real *score, double target);
void     nn_rule_add_brier(struct nn_metric *metric, const nn_real *score, double target);
bool     nn_rule_bins_add_up(const struct nn_metric *metric);
bool     nn_rule_shares_add_up(const struct nn_metric *metric);
bool     nn_rule_log_adds_up(const struct nn_metric *metric);
bool     nn_rule_brier_adds_up(const struct nn_metric *metric);
double   nn_rule_auroc(const struct nn_metric *metric);
double   nn_rule_auprc(const struct nn_metric *metric);
double   nn_rule_ks(const struct nn_metric *metric);
double   nn_rule_gini(const struct nn_metric *metric);
double   nn_rule_ece(const struct nn_metric *metric);
double   nn_rule_perplexity(const struct nn_metric *metric);

/* Of numbers, in metric_number.c: sum[0] of errors; for r2 also sum[1] the mean and sum[2] the sum
 * of squares around it of the targets. */
void   nn_rule_add_square(struct nn_metric *metric, const nn_real *score, double target);
void   nn_rule_add_error(struct nn_metric *metric, const nn_real *score, double target);
void   nn_rule_add_moments(struct nn_metric *metric, const nn_real *score, double target);
void   nn_rule_add_share_of_target(struct nn_metric *metric, const nn_real *score, double target);
void   nn_rule_add_share_of_both(struct nn_metric *metric, const nn_real *score, double target);
void   nn_rule_merge_moments(struct nn_metric *into, const struct nn_metric *from);
bool   nn_rule_whole_adds_up(const struct nn_metric *metric);
bool   nn_rule_numbers_add_up(const struct nn_metric *metric);
bool   nn_rule_moments_add_up(const struct nn_metric *metric);
bool   nn_rule_both_adds_up(const struct nn_metric *metric);
double nn_rule_mean(const struct nn_metric *metric);
double nn_rule_root(const struct nn_metric *metric);
double nn_rule_r2(const struct nn_metric *metric);
double nn_rule_psnr(const struct nn_metric *metric);

#endif
