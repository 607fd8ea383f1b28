/*
 * fed/epochs -- the rosters of one ledger: which one is in force at which height.
 *
 * The members of a swarm change while it runs: they join, leave, are revoked, renew their keys. The
 * signers make the next epoch of the roster (fed/roster); a block carries it, text and signatures;
 * from the next height on it is in force. Genesis carries the roster that the run begins with.
 *
 * Where trust comes from: a person gives the roster that he trusts, of any epoch of the run. It
 * names all epochs before it by hash, and those after it are signed by a threshold of the signers
 * of the epoch before, each. So no quorum of members alone lets anybody in.
 *
 * The log over the ledger's blocks (crypto/log_tree) lies here as well: of chains, swarms alone
 * have the one and the other.
 *
 * Memory     the rosters that were taken, on the heap until fini: an honest threshold signed each,
 *            or the trusted roster names it.
 * Threads    one at a time.
 */
#ifndef FED_EPOCHS_H
#define FED_EPOCHS_H

#include "crypto/log_tree.h"
#include "fed/roster.h"
#include "proto/message.h"

struct fed_epochs {
    const struct fed_roster *trusted; /* the caller's */
    struct fed_roster      **taken;
    size_t                   count;
    struct sec_log           log; /* over the blocks of the chain: see fed_chain_note */
};

void fed_epochs_init(struct fed_epochs *epochs, const struct fed_roster *trusted);
void fed_epochs_fini(struct fed_epochs *epochs);

/* The roster that genesis carries: the trusted one, or one that it names. `*out` is the epochs' or
 * the caller's. PN_EAUTH: another one. PN_ECONFIG: no roster. PN_ENOMEM. */
PN_MUST_CHECK enum pn_status fed_epochs_begin(const struct fed_roster **out,
                                              struct fed_epochs        *epochs,
                                              const struct wire_roster *carried,
                                              struct pn_error          *why);

/* The roster that a later block carries: the epoch after `before`, signed by a threshold of
 * `before`'s signers and of its own. PN_EAUTH when it is not, or when it is another roster than the
 * trusted one of that epoch or one that the trusted one names. */
PN_MUST_CHECK enum pn_status fed_epochs_next(const struct fed_roster **out,
                                             struct fed_epochs        *epochs,
                                             const struct fed_roster  *before,
                                             const struct wire_roster *carried,
                                             struct pn_error          *why);

/* One of those that were taken, or the trusted one; NULL: neither. */
const struct fed_roster *fed_epochs_find(const struct fed_epochs  *epochs,
                                         const struct wire_roster *carried);

#endif
