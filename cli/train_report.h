/*
 * cli/train_report -- what a training on one machine came to: as text, JSON, and a page with its
 * learning curves.
 */
#ifndef CLI_TRAIN_REPORT_H
#define CLI_TRAIN_REPORT_H

#include "engine/job.h"
#include "nnlib/fit.h"

#include <stdio.h>

struct cli_train_report {
    const struct engine_job    *job;
    const struct nn_fit_config *config;
    struct cli_train_epoch {
        uint32_t epoch;
        double   train_loss, validation_loss, metrics[NN_METRICS_MAX];
    } * epochs; /* of this process: a resumed training reports what it did since */
    size_t           epoch_count, capacity;
    uint32_t         best_epoch, test_rows;
    struct nn_metric test[NN_METRICS_MAX]; /* of the best model, when test_rows > 0 */
    double           seconds;
    bool             stopped;
};

PN_MUST_CHECK enum pn_status cli_train_report_add(struct cli_train_report   *report,
                                                  const struct nn_fit_epoch *epoch);
void cli_train_report_text(FILE *out, const struct cli_train_report *report);
PN_MUST_CHECK enum pn_status cli_train_report_json(FILE                          *out,
                                                   const struct cli_train_report *report);
/* report.html and history.json in `folder`. */
PN_MUST_CHECK enum pn_status cli_train_report_write(const struct cli_train_report *report,
                                                    const char *folder, struct pn_error *why);
void                         cli_train_report_fini(struct cli_train_report *report);

#endif
