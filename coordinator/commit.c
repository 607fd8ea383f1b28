#include "coordinator/state.h"

#include <stdlib.h>
#include <string.h>

struct keep_list { /* roots that stay when a folder is tidied; `on` = tidy at all */
    struct sec_hash *roots;
    size_t           count;
    bool             on;
};

struct write {
    struct engine_work            base;
    const struct store_disk      *disk;
    const struct sec_sign_secret *secret;
    struct wire_block             block; /* arrays below, names static */
    struct pn_buffer              record;
    struct sec_hash               hash;
    struct fed_chain              after; /* the chain, with the block when `run` is done */
    struct keep_list              updates, models;
};

static void
release_write(struct engine_work *work)
{
    struct write *write = (struct write *)work;
    free(write->block.entries);
    free(write->block.absent);
    free(write->block.metrics);
    free(write->block.witnesses);
    free(write->updates.roots);
    free(write->models.roots);
    pn_buffer_fini(&write->record);
    free(write);
}

/* ---- what a block says ---- */

static void
fill_cohort(struct wire_block *block, const struct coord_engine *engine)
{
    for (uint32_t i = 0; i < engine->member_count; i++) {
        const struct fed_round_member *part = &engine->parts[i];
        if (part->part == FED_LOST)
            block->absent[block->absent_count++] =
                (struct wire_absent){.member = part->number, .reason = part->absence};
        if (part->part != FED_VALID)
            continue;
        struct wire_entry *entry = &block->entries[block->entry_count++];
        *entry                   = (struct wire_entry){.member = part->number,
                                                       .weight = part->weight,
                                                       .update = fed_blob_to_wire(&part->update),
                                                       .norm   = part->norm};
        memcpy(entry->signature, part->signature, sizeof entry->signature);
    }
    for (size_t i = 0; i < engine->score_count; i++)
        block->metrics[block->metric_count++] = engine->scores[i];
}

static void
fill_witnesses(struct wire_block *block, const struct coord_engine *engine)
{
    for (uint32_t i = 0; i < engine->member_count; i++) {
        const struct coord_member *member = &engine->members[i];
        if (block->height == 0 || member->witnessed != block->height)
            continue;
        struct wire_witness *witness = &block->witnesses[block->witness_count++];
        witness->member              = member->party->number;
        memcpy(witness->signature, member->witness, sizeof witness->signature);
    }
}

static void
fill_block(struct wire_block *block, const struct coord_engine *engine, enum wire_block_kind kind)
{
    const struct coord_config *config = &engine->config;
    const struct fed_chain    *chain  = &engine->chain;
    const struct fed_round    *round  = &engine->round;
    block->kind                       = kind;
    block->height                     = chain->height;
    block->epoch                      = config->roster->epoch;
    block->proposer                   = config->roster->coordinator;
    block->round                      = chain->round;
    block->time_ms                    = config->wall_ms(config->host);
    block->scaling                    = fed_blob_to_wire(&engine->scaling);
    block->note                       = "";
    memcpy(block->run, config->run, sizeof block->run);
    memcpy(block->previous, chain->head.bytes, sizeof block->previous);
    memcpy(block->roster, config->roster->hash.bytes, sizeof block->roster);
    memcpy(block->job, config->job->job->hash.bytes, sizeof block->job);

    block->model_in = block->model_out = fed_blob_to_wire(&chain->model);
    if (kind == WIRE_BLOCK_GENESIS)
        block->model_out = fed_blob_to_wire(&round->model);
    if (kind == WIRE_BLOCK_FINISH)
        block->note = round->reason;
    if (kind == WIRE_BLOCK_ROUND) {
        block->round     = round->round;
        block->attempt   = round->attempt;
        block->model_out = fed_blob_to_wire(&round->next);
        fill_cohort(block, engine);
    }
    fill_witnesses(block, engine);
}

/* ---- what stays on the disk after it ---- */

static bool
is_recent(uint64_t of, uint64_t now, uint32_t keep)
{
    return of + keep > now;
}

static enum pn_status
fill_keep_lists(struct write *write, const struct coord_engine *engine)
{
    const struct wire_block *block = &write->block;
    write->updates.on    = engine->config.keep_updates > 0 && block->kind == WIRE_BLOCK_ROUND;
    write->models.on     = engine->config.keep_models > 0 && block->kind == WIRE_BLOCK_ROUND;
    write->updates.roots = calloc(engine->kept_count + block->entry_count + 1, 32);
    write->models.roots  = calloc(engine->model_count + 2, 32);
    if (write->updates.roots == NULL || write->models.roots == NULL)
        return PN_ENOMEM;

    struct keep_list *list = &write->updates;
    for (size_t i = 0; i < engine->kept_count; i++)
        if (is_recent(engine->kept[i].round, block->round, engine->config.keep_updates))
            list->roots[list->count++] = engine->kept[i].root;
    for (size_t i = 0; i < block->entry_count; i++)
        memcpy(list->roots[list->count++].bytes, block->entries[i].update.root, 32);

    list = &write->models;
    for (size_t i = 0; i < engine->model_count; i++)
        if (is_recent(engine->models[i].round, block->round, engine->config.keep_models))
            list->roots[list->count++] = engine->models[i].root;
    memcpy(list->roots[list->count++].bytes, block->model_in.root, 32);
    memcpy(list->roots[list->count++].bytes, block->model_out.root, 32);
    return PN_OK;
}

static enum pn_status
add_kept(struct coord_kept **list, size_t *count, size_t *capacity, uint64_t round,
         const uint8_t *root)
{
    if (*count == *capacity) {
        size_t             more  = *capacity == 0 ? 16 : 2 * *capacity;
        struct coord_kept *grown = realloc(*list, more * sizeof **list);
        if (grown == NULL)
            return PN_ENOMEM;
        *list     = grown;
        *capacity = more;
    }
    struct coord_kept *kept = &(*list)[(*count)++];
    kept->round             = round;
    memcpy(kept->root.bytes, root, sizeof kept->root.bytes);
    return PN_OK;
}

static void
forget_old(struct coord_kept *list, size_t *count, uint64_t round, uint32_t keep)
{
    size_t left = 0;
    for (size_t i = 0; i < *count; i++)
        if (is_recent(list[i].round, round, keep))
            list[left++] = list[i];
    *count = left;
}

enum pn_status
coord_remember(struct coord_engine *engine, const struct wire_block *block,
               const struct sec_hash *hash)
{
    if (block->height >= engine->heads_capacity) {
        size_t           more  = 2 * (size_t)block->height + 16;
        struct sec_hash *grown = realloc(engine->heads, more * sizeof *grown);
        if (grown == NULL)
            return PN_ENOMEM;
        engine->heads          = grown;
        engine->heads_capacity = more;
    }
    engine->heads[block->height] = *hash;

    enum pn_status st = PN_OK;
    if (engine->config.keep_updates > 0) {
        for (size_t i = 0; i < block->entry_count && st == PN_OK; i++)
            st = add_kept(&engine->kept, &engine->kept_count, &engine->kept_capacity, block->round,
                          block->entries[i].update.root);
        forget_old(engine->kept, &engine->kept_count, block->round, engine->config.keep_updates);
    }
    if (engine->config.keep_models > 0 && st == PN_OK) {
        st = add_kept(&engine->models, &engine->model_count, &engine->model_capacity, block->round,
                      block->model_out.root);
        forget_old(engine->models, &engine->model_count, block->round, engine->config.keep_models);
    }
    return st;
}

/* ---- writing it ---- */

static enum pn_status
make_record(struct write *write)
{
    static const uint8_t no_signature[64];
    enum pn_status       st = pn_buffer_append(&write->record, no_signature, sizeof no_signature);
    if (st == PN_OK)
        st = wire_block_encode(&write->record, &write->block);
    if (st != PN_OK)
        return st;
    struct sec_signature signature;
    fed_block_hash(&write->hash, write->record.bytes + 64, write->record.size - 64);
    fed_block_sign(&signature, &write->hash, write->secret);
    memcpy(write->record.bytes, signature.bytes, sizeof signature.bytes);
    return PN_OK;
}

/* Nothing is appended that another party would refuse: the same check as everybody's. */
static enum pn_status
check_record(struct write *write)
{
    struct wire_arena    arena;
    struct wire_block    block;
    struct sec_signature signature;
    void                *room = aligned_alloc(16, WIRE_ARENA_SIZE);
    if (room == NULL)
        return PN_ENOMEM;
    wire_arena_init(&arena, room, WIRE_ARENA_SIZE);
    memcpy(signature.bytes, write->record.bytes, sizeof signature.bytes);
    enum pn_status st = fed_chain_take(&block, &write->after, &arena, write->record.bytes + 64,
                                       write->record.size - 64, &signature, &write->base.why);
    free(room);
    return st;
}

static void
run_write(struct pn_work *work)
{
    struct write            *write = (struct write *)work;
    const struct store_disk *disk  = write->disk;
    enum pn_status           st    = make_record(write);
    if (st == PN_OK)
        st = check_record(write);
    if (st == PN_OK)
        st = disk->append(disk->host, write->record.bytes, write->record.size);
    if (st == PN_OK && write->updates.on)
        engine_blob_tidy(disk, "updates", write->updates.roots, write->updates.count);
    if (st == PN_OK && write->models.on)
        engine_blob_tidy(disk, "models", write->models.roots, write->models.count);
    write->base.status = st;
}

static void
done_write(struct pn_work *work, pn_ms now)
{
    struct write        *write  = (struct write *)engine_work_take(work);
    struct coord_engine *engine = write->base.engine;
    struct fed_event     event  = {.kind = FED_COMMITTED, .height = write->after.height};
    enum pn_status       st     = write->base.status;
    if (st == PN_OK)
        st = coord_remember(engine, &write->block, &write->hash);
    if (st == PN_OK) {
        engine->chain = write->after;
        coord_tell(engine, &(struct coord_notice){.kind = COORD_COMMITTED, .block = &write->block});
    } else {
        coord_break(engine, st,
                    write->base.why.text[0] != '\0'
                        ? write->base.why.text
                        : "the block cannot be written to the ledger of the state directory");
        event.kind = FED_TICK;
    }
    release_write(&write->base);
    (void)coord_turn(engine, now, &event);
}

static struct write *
new_write(const struct coord_engine *engine, enum wire_block_kind kind)
{
    struct write *write = calloc(1, sizeof *write);
    if (write == NULL)
        return NULL;
    size_t members = engine->member_count + 1u;
    pn_buffer_init(&write->record, sizeof(struct sec_signature) + WIRE_BLOCK_MAX);
    write->block.entries   = calloc(members, sizeof *write->block.entries);
    write->block.absent    = calloc(members, sizeof *write->block.absent);
    write->block.metrics   = calloc(NN_METRICS_MAX, sizeof *write->block.metrics);
    write->block.witnesses = calloc(members, sizeof *write->block.witnesses);
    if (write->block.entries == NULL || write->block.absent == NULL ||
        write->block.metrics == NULL || write->block.witnesses == NULL) {
        release_write(&write->base);
        return NULL;
    }
    fill_block(&write->block, engine, kind);
    if (fill_keep_lists(write, engine) != PN_OK) {
        release_write(&write->base);
        return NULL;
    }
    return write;
}

void
coord_begin_write(struct coord_engine *engine, const struct fed_effect *effect)
{
    struct write *write = new_write(engine, effect->block);
    if (write == NULL) {
        coord_break(engine, PN_ENOMEM, "no memory for a block");
        return;
    }
    write->disk   = engine->config.disk;
    write->secret = engine->config.secret;
    write->after  = engine->chain;
    /* About 100 us for each signature that is checked. */
    engine_work_submit(&write->base, &engine->works, engine, &engine->config.ports,
                       &(struct engine_work_how){100000u * (2u + write->block.entry_count),
                                                 run_write, done_write, release_write});
}
