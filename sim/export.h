/*
 * sim/export -- a virtual disk, the coordinator's or that of a swarm's member, as a real state
 * directory, with the roster beside it: what `panal ledger` and `panal model` read.
 *
 *     DIR/...                               as store/files has it
 *     DIR/federation.yaml                   the roster
 *     DIR/federation.yaml.NAME.minisig      by its one signer; a nominal one proves nothing
 */
#ifndef SIM_EXPORT_H
#define SIM_EXPORT_H

#include "sim/federation.h"
#include "store/disk.h"

/* `directory` must be new or empty. */
PN_MUST_CHECK enum pn_status sim_export(const char *directory, const struct store_disk *disk,
                                        const struct sim_federation *federation,
                                        struct pn_error             *why);

/* A model on `disk` by its root under real cryptography: runs with nominal cryptography and without
 * can be compared by it. */
PN_MUST_CHECK enum pn_status sim_export_root(struct sec_blob *out, const struct store_disk *disk,
                                             const struct sec_blob *model);

#endif
