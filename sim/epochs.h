/*
 * sim/epochs -- the rosters of a simulated swarm, one after the other: who is a member, and when.
 */
#ifndef SIM_EPOCHS_H
#define SIM_EPOCHS_H

#include "sim/federation.h"

enum {
    SIM_EPOCHS      = 4,
    SIM_EPOCH_SITES = 32 /* of a world whose members change */
};

/* Drawn from a seed; the first site, which signs the rosters, is in all of them. From epoch to
 * epoch one joins, leaves or has a new key, or several of these; the last one or two sites are the
 * ones that join, and who left does not come back. */
struct sim_epoch_plan {
    size_t   count;
    uint32_t members[SIM_EPOCHS]; /* bits by site */
    uint32_t renewed[SIM_EPOCHS]; /* site with a new key; UINT32_MAX: none */
    uint32_t least; /* members at any time: 3 or more, and half of the sites without liars */
};
/* `sites`: 4 to SIM_EPOCH_SITES. */
void sim_epochs_draw(struct sim_epoch_plan *out, uint64_t seed, uint32_t sites);

struct sim_epochs {
    struct sim_federation of[SIM_EPOCHS];
    size_t                count;
};

/* One, of all sites; with faults.epoch_ms those drawn from the seed. `out` stays where it is. Fini
 * also after a failure. */
PN_MUST_CHECK enum pn_status sim_epochs_new(struct sim_epochs *out, const struct sim_config *config,
                                            struct pn_error *why);
void                         sim_epochs_fini(struct sim_epochs *epochs);

/* True when that epoch (from 0) has the site. */
bool sim_epochs_have(const struct sim_epochs *epochs, size_t epoch, uint32_t site);
/* True when both epochs have the site, with the same keys. */
bool sim_epochs_agree(const struct sim_epochs *epochs, size_t a, size_t b, uint32_t site);
/* Which of them a roster is. */
size_t sim_epochs_place(const struct sim_epochs *epochs, const struct fed_roster *roster);
/* The first that has the site. */
size_t sim_epochs_first(const struct sim_epochs *epochs, uint32_t site);

#endif
