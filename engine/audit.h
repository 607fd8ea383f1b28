/*
 * engine/audit -- does the model of a round follow from the updates that its block names?
 *
 *   EXACT     both models and all updates are kept: made again in integers, the same to the bit
 *   BOUNDED   both models are kept, but not every update: what those that are gone must account
 *             for is within what their weights and norms allow (fed/bound). A spot check: a model
 *             outside that range is seen, a wrong one inside it is not
 *   HASHES    a model is gone: nothing is left to compute with
 *
 * In each case the block must be of one size, of updates that the job allows (where the job is
 * known), and each update that is kept must hash to its root and have the norm that the block says.
 *
 * Memory     both models, one sum and one update at a time, each also as it lies on the disk: seven
 *            times a model's size.
 */
#ifndef ENGINE_AUDIT_H
#define ENGINE_AUDIT_H

#include "fed/job.h"
#include "proto/message.h"
#include "store/disk.h"

enum engine_audit {
    ENGINE_AUDIT_HASHES,
    ENGINE_AUDIT_BOUNDED,
    ENGINE_AUDIT_EXACT
};

/* `block`: a round that a chain took (fed/block). `after`: the bytes of its model_out, checked
 * already; NULL: not kept. `job` may be NULL. PN_ECORRUPT with a sentence when it does not follow;
 * PN_EIO, PN_ENOMEM. */
PN_MUST_CHECK enum pn_status engine_audit_round(enum engine_audit       *out,
                                                const struct store_disk *disk,
                                                const struct wire_block *block,
                                                const uint8_t *after, const struct fed_job *job,
                                                struct pn_error *why);

#endif
