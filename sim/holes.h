/*
 * sim/holes -- pairs of a swarm's members that never have a connection.
 */
#ifndef SIM_HOLES_H
#define SIM_HOLES_H

#include "sim/epochs.h"

/* `blocked`: site x site, all false; symmetric. As many as the configuration's draw says, and its
 * rule allows (sim_faults.blocked). The weather does not depend on it. */
void sim_holes_draw(bool *blocked, const struct sim_config *config,
                    const struct sim_epochs *epochs);

#endif
