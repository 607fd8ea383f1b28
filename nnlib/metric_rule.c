/* The table of all metrics. */
#include "nnlib/metric_rule.h"

#define ANY_CLASSES (NN_TASK_BINARY | NN_TASK_CLASSES)

/* Everything that comes from how often classes are true, guessed and right. */
#define OF_CLASSES(which, result)                                                                  \
    {                                                                                              \
        .tasks = (which), .sums = 1, .groups = 3, .group_size = nn_rule_classes,                   \
        .add = nn_rule_count_classes, .value = (result), .adds_up = nn_rule_classes_add_up         \
    }
#define OF_BINS(result)                                                                            \
    {                                                                                              \
        .tasks = NN_TASK_BINARY, .sums = 1, .groups = 2, .group_size = nn_rule_bins,               \
        .add = nn_rule_count_bin, .value = (result), .adds_up = nn_rule_bins_add_up                \
    }
#define OF_NUMBERS(enter, result, check)                                                           \
    {                                                                                              \
        .tasks = NN_TASK_NUMBER, .smaller_is_better = true, .sums = 1, .add = (enter),             \
        .value = (result), .adds_up = (check)                                                      \
    }
#define TOP(least, enter)                                                                          \
    {                                                                                              \
        .tasks = NN_TASK_CLASSES, .classes_min = (least), .sums = 1, .add = (enter),               \
        .value = nn_rule_mean, .adds_up = nn_rule_whole_adds_up                                    \
    }

const struct nn_metric_rule nn_metric_rules[NN_METRIC_COUNT] = {
    [NN_ACCURACY]           = {.tasks   = ANY_CLASSES,
                               .sums    = 1,
                               .add     = nn_rule_add_right,
                               .value   = nn_rule_mean,
                               .adds_up = nn_rule_whole_adds_up},
    [NN_AUROC]              = OF_BINS(nn_rule_auroc),
    [NN_AUPRC]              = OF_BINS(nn_rule_auprc),
    [NN_LOG_LOSS]           = {.tasks             = ANY_CLASSES,
                               .smaller_is_better = true,
                               .sums              = 1,
                               .add               = nn_rule_add_log,
                               .value             = nn_rule_mean,
                               .adds_up           = nn_rule_log_adds_up},
    [NN_RMSE]               = OF_NUMBERS(nn_rule_add_square, nn_rule_root, nn_rule_numbers_add_up),
    [NN_PRECISION]          = OF_CLASSES(NN_TASK_BINARY, nn_rule_precision),
    [NN_RECALL]             = OF_CLASSES(NN_TASK_BINARY, nn_rule_recall),
    [NN_F1]                 = OF_CLASSES(NN_TASK_BINARY, nn_rule_f1),
    [NN_SPECIFICITY]        = OF_CLASSES(NN_TASK_BINARY, nn_rule_specificity),
    [NN_PRECISION_MACRO]    = OF_CLASSES(ANY_CLASSES, nn_rule_precision_macro),
    [NN_RECALL_MACRO]       = OF_CLASSES(ANY_CLASSES, nn_rule_recall_macro),
    [NN_F1_MACRO]           = OF_CLASSES(ANY_CLASSES, nn_rule_f1_macro),
    [NN_PRECISION_MICRO]    = OF_CLASSES(ANY_CLASSES, nn_rule_micro),
    [NN_RECALL_MICRO]       = OF_CLASSES(ANY_CLASSES, nn_rule_micro),
    [NN_F1_MICRO]           = OF_CLASSES(ANY_CLASSES, nn_rule_micro),
    [NN_PRECISION_WEIGHTED] = OF_CLASSES(ANY_CLASSES, nn_rule_precision_weighted),
    [NN_RECALL_WEIGHTED]    = OF_CLASSES(ANY_CLASSES, nn_rule_recall_weighted),
    [NN_F1_WEIGHTED]        = OF_CLASSES(ANY_CLASSES, nn_rule_f1_weighted),
    [NN_BALANCED_ACCURACY]  = OF_CLASSES(ANY_CLASSES, nn_rule_balanced_accuracy),
    [NN_MCC]                = OF_CLASSES(ANY_CLASSES, nn_rule_mcc),
    [NN_KAPPA]              = OF_CLASSES(ANY_CLASSES, nn_rule_kappa),
    [NN_CONFUSION]          = {.tasks      = ANY_CLASSES,
                               .sums       = 1,
                               .groups     = 1,
                               .group_size = nn_rule_matrix,
                               .add        = nn_rule_count_pair,
                               .value      = nn_rule_trace,
                               .adds_up    = nn_rule_matrix_adds_up},
    [NN_TOP3]               = TOP(4, nn_rule_add_top3),
    [NN_TOP5]               = TOP(6, nn_rule_add_top5),
    [NN_PERPLEXITY]         = {.tasks             = ANY_CLASSES,
                               .smaller_is_better = true,
                               .sums              = 1,
                               .add               = nn_rule_add_log,
                               .value             = nn_rule_perplexity,
                               .adds_up           = nn_rule_log_adds_up},
    [NN_BRIER]              = {.tasks             = ANY_CLASSES,
                               .smaller_is_better = true,
                               .sums              = 1,
                               .add               = nn_rule_add_brier,
                               .value             = nn_rule_mean,
                               .adds_up           = nn_rule_brier_adds_up},
    [NN_ECE]                = {.tasks             = ANY_CLASSES,
                               .smaller_is_better = true,
                               .sums              = NN_ECE_BINS,
                               .groups            = 2,
                               .group_size        = nn_rule_ece_bins,
                               .add               = nn_rule_count_share,
                               .value             = nn_rule_ece,
                               .adds_up           = nn_rule_shares_add_up},
    [NN_KS]                 = OF_BINS(nn_rule_ks),
    [NN_GINI]               = OF_BINS(nn_rule_gini),
    [NN_MSE]                = OF_NUMBERS(nn_rule_add_square, nn_rule_mean, nn_rule_numbers_add_up),
    [NN_MAE]                = OF_NUMBERS(nn_rule_add_error, nn_rule_mean, nn_rule_numbers_add_up),
    [NN_R2]                 = {.tasks   = NN_TASK_NUMBER,
                               .sums    = 3,
                               .add     = nn_rule_add_moments,
                               .merge   = nn_rule_merge_moments,
                               .value   = nn_rule_r2,
                               .adds_up = nn_rule_moments_add_up},
    [NN_MAPE]  = OF_NUMBERS(nn_rule_add_share_of_target, nn_rule_mean, nn_rule_numbers_add_up),
    [NN_SMAPE] = OF_NUMBERS(nn_rule_add_share_of_both, nn_rule_mean, nn_rule_both_adds_up),
    [NN_PSNR]  = {.tasks   = NN_TASK_NUMBER,
                  .sums    = 1,
                  .add     = nn_rule_add_square,
                  .value   = nn_rule_psnr,
                  .adds_up = nn_rule_numbers_add_up},
};
