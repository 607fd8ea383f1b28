/*
 * sim/federation -- keys from a seed and a roster of them: the consortium of a simulation.
 */
#ifndef SIM_FEDERATION_H
#define SIM_FEDERATION_H

#include "fed/roster.h"
#include "proto/message.h"
#include "sim/world.h"

/* A date that never matters: worlds have their own clock, which begins here. */
enum {
    SIM_ISSUED = 1767225600
};

struct sim_federation {
    struct fed_roster *roster; /* the coordinator, if there is one, is member 1; site i is
                                  member i + 2 */
    struct sec_sign_secret      *secrets, *roots; /* by member number - 1 */
    struct sec_transport_secret *transports;      /* likewise             */
    struct pn_buffer             text, signature; /* the roster's */
    struct wire_roster_signature signer;
    struct wire_roster           wire; /* as a block carries it */
};

PN_MUST_CHECK enum pn_status sim_federation_new(struct sim_federation *out, enum fed_mode mode,
                                                uint64_t seed, const struct sim_site *sites,
                                                size_t count, struct pn_error *why);
/* The next epoch of `before`: of the members of `all`, which has every site, those that are `in`
 * (by site), and `renewed` (a site) has new keys. */
PN_MUST_CHECK enum pn_status sim_federation_next(struct sim_federation       *out,
                                                 const struct sim_federation *all,
                                                 const struct sim_federation *before,
                                                 const bool *in, size_t renewed,
                                                 struct pn_error *why);
void                         sim_federation_fini(struct sim_federation *federation);

#endif
