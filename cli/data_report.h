/*
 * cli/data_report -- what `panal data check` prints of one site's records.
 */
#ifndef CLI_DATA_REPORT_H
#define CLI_DATA_REPORT_H

#include "data/table.h"
#include "text/json.h"

/* On stdout. */
void cli_data_report_text(const char *site, const struct data_schema *schema,
                          const struct data_report *report);
/* One map in the list that is open. */
void cli_data_report_json(struct text_json *json, const char *site,
                          const struct data_schema *schema, const struct data_report *report);

#endif
