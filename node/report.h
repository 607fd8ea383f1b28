/*
 * node/report -- an engine's notices as log lines of panal-node.
 */
#ifndef NODE_REPORT_H
#define NODE_REPORT_H

#include "node/engine.h"

struct node_report {
    enum wire_outcome outcome;
};

/* As node_config.notice, with the report as host. */
void node_report_notice(void *report, const struct node_notice *notice);

#endif
