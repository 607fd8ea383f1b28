/*
 * engine/extract -- takes a proof (fed/proof) out of a state directory whose ledger was verified.
 *
 * `proved` is what engine_proof_make said of it: its number of blocks, the votes for its newest.
 * A copy with gaps (follow: cohort) gives proofs of single blocks only.
 *
 * Memory     for a proof one hash a block, while it works.
 */
#ifndef ENGINE_EXTRACT_H
#define ENGINE_EXTRACT_H

#include "engine/proof.h"
#include "fed/proof.h"

/* Of the first `size` blocks; there are so many. */
PN_MUST_CHECK enum pn_status engine_extract_checkpoint(struct fed_checkpoint   *out,
                                                       const struct store_disk *disk, uint64_t size,
                                                       struct pn_error *why);
/* Both fill a proof that was initialised. PN_ENOENT when the ledger has no such block, or fewer
 * blocks than `size`. */
PN_MUST_CHECK enum pn_status engine_extract_block(struct fed_proof          *out,
                                                  const struct store_disk   *disk,
                                                  const struct engine_proof *proved,
                                                  uint64_t height, struct pn_error *why);
/* That its log over `size` blocks grew into the present one; or, with a coordinator, into as much
 * of it as a file holds. */
PN_MUST_CHECK enum pn_status engine_extract_growth(struct fed_proof          *out,
                                                   const struct store_disk   *disk,
                                                   const struct engine_proof *proved, uint64_t size,
                                                   struct pn_error *why);

#endif
