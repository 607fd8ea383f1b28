/*
 * node/member_report -- what a member of a swarm does, as log lines. Private to the program.
 */
#ifndef NODE_MEMBER_REPORT_H
#define NODE_MEMBER_REPORT_H

#include "swarm/engine.h"

struct member_report {
    const struct fed_roster *roster;
    uint32_t                 rounds; /* of the job */
    bool                     events; /* as JSON lines on stdout, too */
    bool                     failed;
};

/* As swarm_config.notice, with a struct member_report as host. */
void member_report_notice(void *host, const struct swarm_notice *notice);

#endif
