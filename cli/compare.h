/*
 * cli/compare -- what federation brought to each site: the same network trained alone, federated,
 * pooled.
 *
 *     alone      on the site's own training records, for as many rounds of the same local training
 *     federated  the run's final model, with the site's own tensors where it has some (engine/own)
 *     pooled     on all sites' training records together: what nobody may do outside a laboratory
 *
 * Each is measured on the same test records of each site. No model has seen them.
 */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include "engine/job.h"
#include "engine/sites.h"

enum {
    CLI_COMPARED_MAX = 2
}; /* metrics: auroc and auprc, accuracy and log_loss, or rmse */

struct cli_scores { /* NAN: undefined, as AUROC is with one class only */
    double alone[CLI_COMPARED_MAX], federated[CLI_COMPARED_MAX], pooled[CLI_COMPARED_MAX];
};

struct cli_comparison {
    enum nn_metric_kind metrics[CLI_COMPARED_MAX];
    size_t              metric_count;
    size_t              site_count;
    struct cli_compared {
        uint64_t records, test_records, positives; /* positives of all records; binary only */
        struct cli_scores scores;
    } * sites;
    struct cli_scores overall; /* all sites' test records together; `alone` has none */
};

struct cli_compare_wish {
    const struct engine_job   *job;
    const struct engine_sites *sites;
    const char                *folder;  /* of the laboratory: FOLDER/SITE/state */
    const float               *model;   /* the run's final model        */
    const struct data_scaling *scaling; /* the run's; NULL when none    */
    uint64_t                   rounds;  /* that the run took            */
};

/* Members are numbered as the laboratory does: the coordinator is 1, sites follow in order. */
PN_MUST_CHECK enum pn_status cli_compare(struct cli_comparison         *out,
                                         const struct cli_compare_wish *wish, struct pn_error *why);
void                         cli_comparison_fini(struct cli_comparison *comparison);

#endif
