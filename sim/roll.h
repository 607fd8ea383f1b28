/*
 * sim/roll -- who made a swarm's ledger: by the rosters that the world issued, not by what an
 * engine or its verifier believes.
 */
#ifndef SIM_ROLL_H
#define SIM_ROLL_H

#include "sim/epochs.h"
#include "store/disk.h"

/* PN_EAUTH and a sentence when a block of this disk's ledger names somebody as proposer, author or
 * absent who is not in the epoch in force there, or is decided by fewer votes than that epoch's
 * quorum, each a precommit for it with a key of that epoch; or when it brings another roster than
 * the next. PN_ECORRUPT: there is no such ledger. */
PN_MUST_CHECK enum pn_status sim_roll_check(const struct sim_epochs *epochs,
                                            const struct store_disk *disk, struct pn_error *why);

#endif
