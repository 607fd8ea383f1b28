/*
 * cli/model -- model files for people: safetensors that other tools load with the same numbers.
 */
#ifndef CLI_MODEL_H
#define CLI_MODEL_H

#include "crypto/merkle.h"
#include "data/table.h"
#include "nnlib/plan.h"
#include "store/disk.h"

struct cli_model_origin { /* goes into the file's metadata */
    char federation[64], job[65], round[24], head[65], model[65];
};

/* `theta` is the model blob: little-endian float32, nn_plan_param_count of them. */
PN_MUST_CHECK enum pn_status cli_model_write(const char *path, const uint8_t *theta,
                                             const struct nn_plan          *plan,
                                             const struct cli_model_origin *origin,
                                             struct pn_error               *why);

/* The newest model of a coordinator's or node's state directory, after its ledger was verified. */
PN_MUST_CHECK enum pn_status cli_model_export_from(const struct store_disk *disk, const char *path,
                                                   struct pn_error *why);

/* The run's scaling, one entry a numeric column; NULL when the run has none. Free it. */
PN_MUST_CHECK enum pn_status cli_scaling_load(struct data_scaling     **out,
                                              const struct store_disk  *disk,
                                              const struct data_schema *schema,
                                              const struct sec_blob *blob, struct pn_error *why);

#endif
