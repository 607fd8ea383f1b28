/*
 * cli/report -- what a laboratory found, as a table on a terminal, result.json and a self-contained
 * HTML page (inline SVG, no script, nothing loaded from elsewhere).
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli/compare.h"
#include "cli/lab.h"
#include "engine/proof.h"

#include <stdio.h>

struct cli_report {
    const struct engine_job     *job;
    const struct engine_sites   *sites;
    const struct cli_lab_run    *run;
    const struct engine_proof   *proof;
    const struct cli_comparison *comparison; /* NULL: not made */
    bool                         synthetic;  /* the data was generated: every page says so */
};

void                         cli_report_table(FILE *out, const struct cli_report *report);
PN_MUST_CHECK enum pn_status cli_report_json(FILE *out, const struct cli_report *report);
PN_MUST_CHECK enum pn_status cli_report_html(struct pn_buffer        *out,
                                             const struct cli_report *report);

#endif
