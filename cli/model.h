/*
 * cli/model -- the newest model of a run, from a state directory.
 */
#ifndef CLI_MODEL_H
#define CLI_MODEL_H

#include "crypto/merkle.h"
#include "data/table.h"
#include "nnlib/plan.h"
#include "store/disk.h"

struct cli_export {
    const char *path; /* to write */
    bool        own;  /* with the tensors that stay at the node (engine/own) */
};
/* The newest model of a coordinator's or node's state directory, after its ledger was verified. */
PN_MUST_CHECK enum pn_status cli_model_export_from(const struct store_disk *disk,
                                                   const struct cli_export *wish,
                                                   struct pn_error         *why);

/* The run's scaling, one entry a numeric column; NULL when the run has none. Free it. */
PN_MUST_CHECK enum pn_status cli_scaling_load(struct data_scaling     **out,
                                              const struct store_disk  *disk,
                                              const struct data_schema *schema,
                                              const struct sec_blob *blob, struct pn_error *why);

#endif
