/*
 * cli/model_file -- model files for people: safetensors that other tools load with the same
 * numbers.
 *
 * The metadata says where the model comes from, and holds the scaling that its records need
 * (`scale:COLUMN` = "mean deviation"): a model without its scaler is worth nothing.
 *
 * Errors     PN_EDATA for a file that is not a model of this network: truncated, other tensors,
 *            numbers that are not finite; sentences name the file.
 */
#ifndef CLI_MODEL_FILE_H
#define CLI_MODEL_FILE_H

#include "data/table.h"
#include "nnlib/plan.h"

struct cli_model_origin { /* goes into the file's metadata; "": left out */
    char federation[64], job[65], round[24], head[65], model[65];
};

/* `scaling` has schema->numeric_count entries, NULL when nothing is standardised. */
PN_MUST_CHECK enum pn_status
cli_model_write(const char *path, const float *theta, const struct nn_plan *plan,
                const struct data_schema *schema, const struct data_scaling *scaling,
                const struct cli_model_origin *origin, struct pn_error *why);
/* Free both. `*scaling` is NULL when the schema standardises nothing. */
PN_MUST_CHECK enum pn_status cli_model_read(float **theta, struct data_scaling **scaling,
                                            const char *path, const struct nn_plan *plan,
                                            const struct data_schema *schema, struct pn_error *why);

#endif
