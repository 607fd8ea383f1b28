/*
 * sim/federation -- keys from a seed and a roster of them: the consortium of a simulation.
 */
#ifndef SIM_FEDERATION_H
#define SIM_FEDERATION_H

#include "fed/roster.h"
#include "sim/world.h"

/* A date that never matters: worlds have their own clock, which begins here. */
enum {
    SIM_ISSUED = 1767225600
};

struct sim_federation {
    struct fed_roster      *roster;  /* the coordinator, if there is one, is member 1; site i is
                                        member i + 2 */
    struct sec_sign_secret *secrets; /* by member number - 1 */
    struct pn_buffer        text, signature; /* the roster's; no signature with nominal identity */
};

PN_MUST_CHECK enum pn_status sim_federation_new(struct sim_federation *out, enum fed_mode mode,
                                                uint64_t seed,
                                                const struct sim_site *sites, size_t count,
                                                struct pn_error *why);
void                         sim_federation_fini(struct sim_federation *federation);

#endif
