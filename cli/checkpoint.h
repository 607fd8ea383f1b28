/*
 * cli/checkpoint -- a training that stopped, as a file: to go on with the same bits.
 *
 * safetensors with three flat tensors (theta, best, optimiser) and the cursor in the metadata, with
 * the hashes of job and records and of the numbers. Written whole (temporary, fsync, rename), so a
 * crash leaves the one before.
 *
 * Errors     PN_ENOENT without a file; PN_EDATA, with a sentence, for a file that is damaged, cut
 *            off, or of another job, network or data.
 */
#ifndef CLI_CHECKPOINT_H
#define CLI_CHECKPOINT_H

#include "crypto/hash.h"
#include "nnlib/fit.h"

struct cli_checkpoint {
    const struct nn_plan *plan;
    struct sec_hash       job, records;
    nn_real              *theta, *best, *state; /* the caller's memory, read from or written to */
    uint64_t              state_count;
    struct nn_fit_cursor  cursor;
};

PN_MUST_CHECK enum pn_status cli_checkpoint_save(const char                  *path,
                                                 const struct cli_checkpoint *checkpoint,
                                                 struct pn_error             *why);
/* plan, job, records, memory and state_count are given; fills the memory and the cursor. */
PN_MUST_CHECK enum pn_status cli_checkpoint_load(struct cli_checkpoint *checkpoint,
                                                 const char *path, struct pn_error *why);

#endif
