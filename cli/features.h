/*
 * cli/features -- how a record becomes the input of an exported model.
 *
 * A model whose scaler was lost is worth nothing, so `panal model export` writes it beside the
 * model: one JSON object that names every input in order, with the mean and deviation that the
 * federation pinned.
 */
#ifndef CLI_FEATURES_H
#define CLI_FEATURES_H

#include "data/table.h"
#include "text/json.h"

/* `scaling` has schema->numeric_count entries; NULL when nothing is standardised. */
PN_MUST_CHECK enum pn_status cli_features_write(FILE *out, const struct data_schema *schema,
                                                const struct data_scaling *scaling);

#endif
