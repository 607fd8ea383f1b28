/*
 * coordinator/report -- an engine's notices as log lines, and as JSON events on stdout for the
 * tools.
 */
#ifndef COORDINATOR_REPORT_H
#define COORDINATOR_REPORT_H

#include "coordinator/engine.h"

struct coord_report {
    const struct fed_roster *roster;
    uint32_t                 rounds;   /* of the job */
    bool                     events;   /* one JSON object per line on stdout */
    bool                     broken;   /* our own side failed                */
    char                     why[256]; /* and why                           */
    enum wire_outcome        outcome;
};

/* The daemon listens; tools wait for this event before they start nodes. */
void coord_report_listening(const struct coord_report *report, const char *endpoint);
/* As coord_config.notice, with the report as host. */
void coord_report_notice(void *report, const struct coord_notice *notice);

#endif
