#include "node/state.h"

#include "engine/ledger.h"

#include <stdlib.h>

/* An update that is done for the round to come is announced again, not made again. One whose file
 * is not whole any more counts as not made; one that a crash left behind goes. */
static enum pn_status
resume_update(struct node_engine *engine, struct pn_error *why)
{
    const struct store_disk *disk = engine->config.disk;
    uint8_t                  bytes[NODE_UPDATE_FACT_SIZE];
    size_t                   size   = sizeof bytes;
    struct sec_hash         *leaves = NULL;
    struct node_update       update;
    enum pn_status           st = disk->get(disk->host, "update", bytes, &size);
    if (st == PN_ENOENT) {
        engine_blob_tidy(disk, "updates", NULL, 0);
        return PN_OK;
    }
    if (st == PN_OK && size != sizeof bytes)
        st = PN_ECORRUPT;
    if (st != PN_OK)
        return pn_error_set(why, st, "the state directory does not give the last update: %s",
                            pn_status_text(st));
    node_update_decode(&update, bytes);
    engine_blob_tidy(disk, "updates", &update.update.root, 1);
    engine->update.update = update.update; /* until there is a next one */
    if (update.round <= engine->chain.round ||
        engine_blob_read(NULL, &leaves, disk, "updates", &update.update) != PN_OK)
        return PN_OK;
    engine->update = update;
    engine_shelf_put(&engine->shelf, "updates", &update.update, leaves);
    engine->machine.update_round = update.round;
    engine->machine.update_model = update.model;
    engine->machine.update       = update.update;
    return PN_OK;
}

enum pn_status
node_resume(struct node_engine *engine, struct pn_error *why)
{
    const struct node_config *config = &engine->config;
    enum pn_status st = engine_ledger_walk(&engine->chain, config->roster, NULL, config->disk,
                                           config->scratch, NULL, NULL, why);
    if (st != PN_OK)
        return st;
    fed_member_init(&engine->machine, &config->limits, engine->chain.height);
    /* With the finish block, the model it ends with is here too (keep.c): nobody is needed any
     * more. */
    engine->over = engine->chain.finished;
    return resume_update(engine, why);
}
