/*
 * sim/epochs -- the rosters of a simulated swarm, one after the other.
 */
#ifndef SIM_EPOCHS_H
#define SIM_EPOCHS_H

#include "sim/federation.h"

enum {
    SIM_EPOCHS = 3
};

struct sim_epochs {
    struct sim_federation of[SIM_EPOCHS];
    size_t                count;
};

/* One, of all sites; with faults.epoch_ms three: without the last site, with it, and without the
 * second and with new keys of the third. `out` stays where it is. Fini also after a failure. */
PN_MUST_CHECK enum pn_status sim_epochs_new(struct sim_epochs *out, const struct sim_config *config,
                                            struct pn_error *why);
void                         sim_epochs_fini(struct sim_epochs *epochs);

/* True when that epoch (from 0) has the site. */
bool sim_epochs_have(const struct sim_epochs *epochs, size_t epoch, uint32_t site);
/* Which of them a roster is. */
size_t sim_epochs_place(const struct sim_epochs *epochs, const struct fed_roster *roster);

#endif
