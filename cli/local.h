/*
 * cli/local -- a job and the records of this machine: what train, evaluate and predict start from.
 *
 * Memory     open, then close.
 */
#ifndef CLI_LOCAL_H
#define CLI_LOCAL_H

#include "base/options.h"
#include "engine/job.h"
#include "node/settings.h"

struct cli_local {
    struct engine_job    job;
    struct node_settings settings; /* of --config */
    bool                 has_settings;
    struct data_source   source;
};

/* Records from `files`, or from the data that `config` (a node.yaml) names: exactly one of the two.
 * A path may begin with $PANAL_DATA/. */
PN_MUST_CHECK enum pn_status cli_local_open(struct cli_local *out, const char *job_path,
                                            const struct pn_text_list *files, const char *config,
                                            struct pn_error *why);
void                         cli_local_close(struct cli_local *local);

/* "1.5 KiB", "3.2 M": for people. */
void cli_amount_text(char out[static 32], double amount, const char *unit);

#endif
