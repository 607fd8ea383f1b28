#include "coordinator/state.h"

#include "engine/ledger.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- early stopping, from the metrics in the blocks ---- */

static void
count_stopping(struct coord_engine *engine, const struct wire_block *block)
{
    const char              *stop   = engine->config.job->job->stop_metric;
    struct fed_round_limits *limits = &engine->round.limits;
    struct fed_event        *start  = &engine->start;
    if (block->kind != WIRE_BLOCK_ROUND || stop == NULL)
        return;
    for (size_t i = 0; i < block->metric_count; i++) {
        const struct wire_metric *metric = &block->metrics[i];
        if (strcmp(metric->name, stop) != 0)
            continue;
        double best = start->start.best_round > 0 ? start->start.best : (double)NAN;
        if (fed_round_is_better(limits, best, metric->value)) {
            start->start.best       = metric->value;
            start->start.best_round = block->round;
            start->start.stale      = 0;
        } else {
            start->start.stale++;
        }
    }
}

/* ---- the ledger ---- */

static enum pn_status
take_block(void *context, const struct wire_block *block, const struct sec_hash *hash)
{
    struct coord_engine *engine = context;
    count_stopping(engine, block);
    return coord_remember(engine, block, hash);
}

static enum pn_status
walk_ledger(struct coord_engine *engine, struct pn_error *why)
{
    const struct coord_config *config = &engine->config;
    uint64_t                   count  = 0;
    enum pn_status st = engine_ledger_walk(&engine->chain, config->roster, NULL, config->disk,
                                           config->scratch, take_block, engine, why);
    if (st == PN_OK)
        st = config->disk->record_count(config->disk->host, &count);
    if (st == PN_OK && count != engine->chain.height)
        st = pn_error_set(why, PN_ECORRUPT,
                          "blocks are missing in the ledger of the state directory: %llu of %llu "
                          "are there; put the directory back from a copy",
                          (unsigned long long)count, (unsigned long long)engine->chain.height);
    return st;
}

static enum pn_status
check_identity(const struct coord_engine *engine, struct pn_error *why)
{
    const struct fed_chain *chain = &engine->chain;
    const struct fed_job   *job   = engine->config.job->job;
    if (chain->height == 0)
        return PN_OK;
    if (!sec_hash_equal(&chain->job, &job->hash)) {
        char expected[SEC_HEX_SIZE], seen[SEC_HEX_SIZE];
        sec_hash_text(expected, &chain->job);
        sec_hash_text(seen, &job->hash);
        return pn_error_set(why, PN_ESTATE,
                            "the state directory holds a run of another job: expected job %s, seen "
                            "%s; give each run a directory of its own",
                            expected, seen);
    }
    if (!sec_equal(chain->run, engine->config.run, sizeof chain->run))
        return pn_error_set(why, PN_ESTATE,
                            "the state directory holds another run of this job; give each run a "
                            "directory of its own");
    return PN_OK;
}

/* ---- blobs and facts ---- */

static enum pn_status
shelve(struct coord_engine *engine, const char *folder, const struct sec_blob *blob,
       struct pn_error *why)
{
    char             name[ENGINE_NAME_SIZE];
    struct sec_hash *leaves = NULL;
    enum pn_status   st     = engine_blob_read(NULL, &leaves, engine->config.disk, folder, blob);
    if (st != PN_OK) {
        engine_blob_name(name, folder, &blob->root);
        return pn_error_set(
            why, st,
            "%s of the state directory: %s; the run cannot go on without it: put it "
            "back from a copy",
            name, pn_status_text(st));
    }
    engine_shelf_put(&engine->shelf, folder, blob, leaves);
    return PN_OK;
}

static enum pn_status
load_attempt(struct coord_engine *engine, struct pn_error *why)
{
    const struct store_disk *disk = engine->config.disk;
    uint8_t                  bytes[12];
    size_t                   size = sizeof bytes;
    enum pn_status           st   = disk->get(disk->host, "attempt", bytes, &size);
    if (st == PN_ENOENT)
        return PN_OK;
    if (st == PN_OK && size != sizeof bytes)
        st = PN_ECORRUPT;
    if (st != PN_OK)
        return pn_error_set(why, st, "the state directory does not give the last attempt: %s",
                            pn_status_text(st));
    engine->noted_round   = pn_get_u64(bytes);
    engine->noted_attempt = pn_get_u32(bytes + 8);
    if (engine->noted_round == engine->chain.round + 1 && engine->noted_attempt < UINT32_MAX)
        engine->start.start.attempt = engine->noted_attempt + 1;
    return PN_OK;
}

static enum pn_status
save_job(const struct coord_engine *engine, struct pn_error *why)
{
    const struct store_disk *disk = engine->config.disk;
    const struct fed_job    *job  = engine->config.job->job;
    enum pn_status           st   = disk->save(disk->host, "job.yaml", job->text, job->text_size);
    if (st != PN_OK)
        return pn_error_set(why, st, "the job cannot be written to the state directory: %s",
                            pn_status_text(st));
    return PN_OK;
}

enum pn_status
coord_resume(struct coord_engine *engine, struct pn_error *why)
{
    const struct fed_chain *chain = &engine->chain;
    engine->start     = (struct fed_event){.kind = FED_START, .start = {.best = (double)NAN}};
    enum pn_status st = walk_ledger(engine, why);
    if (st == PN_OK)
        st = check_identity(engine, why);
    if (st == PN_OK && chain->height == 0)
        st = save_job(engine, why);
    if (st == PN_OK)
        st = load_attempt(engine, why);
    if (st == PN_OK && chain->height > 0)
        st = shelve(engine, "models", &chain->model, why);
    if (st == PN_OK && chain->scaling.size > 0)
        st = shelve(engine, "scaling", &chain->scaling, why);
    if (st != PN_OK)
        return st;
    engine->scaling              = chain->scaling;
    engine->start.start.height   = chain->height;
    engine->start.start.round    = chain->round;
    engine->start.start.model    = chain->model;
    engine->start.start.finished = chain->finished;
    return PN_OK;
}
