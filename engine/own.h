/*
 * engine/own -- the tensors of a model that stay at the site (role LOCAL, nnlib/plan): statistics
 * of batch norm, an embedding of the site's own customers. They are never sent and never averaged.
 *
 * In the federation's model they keep their first values, in a site's update their difference is 0,
 * so that neither wire nor ledger know of them. A site trains and measures with its own values put
 * over those of the model.
 *
 *     own/ROOT     the numbers, in the order of the manifest, little-endian float32
 *     fact own     round | before | after: of the newest training
 *
 * They are durable before the update of their round is. A site that died in between trains the
 * round once more from `before`, to the same update.
 *
 * Errors     PN_EDATA with a sentence when the file that the fact names is gone or damaged: nobody
 *            else has these numbers.
 */
#ifndef ENGINE_OWN_H
#define ENGINE_OWN_H

#include "engine/trainer.h"
#include "store/disk.h"

struct engine_own { /* borrowed */
    const struct store_disk *disk;
    const struct nn_plan    *plan;
};

#define ENGINE_OWN_NEWEST UINT64_MAX

/* Puts the site's values, as the training of `round` begins with them, over those of a model.
 * Nothing happens before the first training, and to models without such tensors. */
PN_MUST_CHECK enum pn_status engine_own_put_over(float *theta, const struct engine_own *own,
                                               uint64_t round, struct pn_error *why);

/* The same for a model that others hold, too: `*theta` becomes a copy. `*copy` is then the
 * caller's, to free; it is NULL, and `*theta` as it was, for models without such tensors. */
PN_MUST_CHECK enum pn_status engine_own_view(const float **theta, float **copy,
                                           const struct engine_own *own, uint64_t round,
                                           struct pn_error *why);

/* engine_trainer_train from the site's values, which are then kept; `local` begins as the round's
 * model and ends as the trained one, without them: a difference is an update. */
PN_MUST_CHECK enum pn_status engine_own_train(float *local, struct engine_trained *out,
                                              struct engine_trainer        *trainer,
                                              const struct engine_own      *own,
                                              const struct engine_training *training,
                                              struct pn_error              *why);

#endif
