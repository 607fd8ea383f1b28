#include "coordinator/state.h"

#include "fed/update.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/*
 * The sum, and the next model: chunk by chunk, so that one next model is in memory and nothing else
 * of that size. Two threads take chunks from one counter, the worker's and one more; who takes
 * which changes no bit.
 */

enum {
    PIECE      = 262144, /* bytes of an update: it and its sums stay in a processor's own cache */
    PARAMETERS = PIECE / 4
};

struct fold_entry {
    struct sec_blob update;
    uint32_t        weight;
};

struct fold {
    struct engine_work       base;
    const struct store_disk *disk;
    struct sec_blob          start, next;
    struct engine_held      *held;   /* the bytes of `start`; NULL: on the disk only */
    uint8_t                 *model;  /* the bytes of `next` */
    struct sec_hash         *leaves; /* likewise */
    uint64_t                 total;  /* of the weights */
    atomic_uint              taken;  /* chunks */
    atomic_int               status; /* of the first that failed */
    uint32_t                 chunks, entry_count;
    struct fold_entry        entries[];
};

struct fold_room { /* numbers are decoded where their bytes were read to */
    float   start[PARAMETERS], next[PARAMETERS];
    int32_t q[PARAMETERS];
    int64_t sum[PARAMETERS];
};

static void
release_fold(struct engine_work *work)
{
    struct fold *fold = (struct fold *)work;
    engine_held_drop(fold->held);
    free(fold->model);
    free(fold->leaves);
    free(fold);
}

static enum pn_status
read_part(void *out, const struct fold *fold, const char *folder, const struct sec_hash *root,
          uint64_t at, size_t size)
{
    char name[ENGINE_NAME_SIZE];
    engine_blob_name(name, folder, root);
    return fold->disk->read(fold->disk->host, name, out, at, size);
}

static enum pn_status
read_start(float *out, const struct fold *fold, uint64_t at, size_t size)
{
    enum pn_status st    = PN_OK;
    const uint8_t *bytes = (const uint8_t *)out;
    if (fold->held != NULL)
        bytes = fold->held->bytes + at;
    else
        st = read_part(out, fold, "models", &fold->start.root, at, size);
    if (st == PN_OK)
        engine_floats_decode(out, bytes, size / 4);
    return st;
}

/* `size` bytes of the next model, from byte `at`. */
static enum pn_status
fold_piece(struct fold_room *room, const struct fold *fold, uint64_t at, size_t size)
{
    size_t         count = size / 4;
    enum pn_status st    = read_start(room->start, fold, at, size);
    memset(room->sum, 0, count * sizeof room->sum[0]);
    for (uint32_t i = 0; i < fold->entry_count && st == PN_OK; i++) {
        const struct fold_entry *entry = &fold->entries[i];
        st = read_part(room->q, fold, "updates", &entry->update.root, at, size);
        if (st != PN_OK)
            break;
        fed_update_decode(room->q, (const uint8_t *)room->q, count);
        fed_update_fold(room->sum, room->q, count, entry->weight);
    }
    if (st != PN_OK)
        return st;
    fed_update_apply(room->next, room->start, room->sum, count, fold->total);
    engine_floats_encode(fold->model + at, room->next, count);
    return PN_OK;
}

static enum pn_status
fold_chunk(struct fold_room *room, const struct fold *fold, uint32_t index)
{
    uint64_t at   = (uint64_t)index * SEC_CHUNK_SIZE;
    uint32_t size = sec_blob_chunk_size(fold->start.size, index);
    for (uint32_t done = 0; done < size; done += PIECE) {
        uint32_t       part = size - done < PIECE ? size - done : PIECE;
        enum pn_status st   = fold_piece(room, fold, at + done, part);
        if (st != PN_OK)
            return st;
    }
    sec_merkle_leaf(&fold->leaves[index], fold->model + at, size);
    return PN_OK;
}

static void *
fold_some(void *argument)
{
    struct fold      *fold = argument;
    struct fold_room *room = pn_bulk(sizeof *room);
    enum pn_status    st   = room != NULL ? PN_OK : PN_ENOMEM;
    while (st == PN_OK && atomic_load(&fold->status) == PN_OK) {
        uint32_t index = atomic_fetch_add(&fold->taken, 1);
        if (index >= fold->chunks)
            break;
        st = fold_chunk(room, fold, index);
    }
    free(room);
    if (st != PN_OK)
        atomic_store(&fold->status, (int)st);
    return NULL;
}

static void
fold_all(struct fold *fold)
{
    pthread_t other;
    bool      helped = fold->chunks > 1 && pthread_create(&other, NULL, fold_some, fold) == 0;
    (void)fold_some(fold);
    if (helped)
        PN_ASSERT(pthread_join(other, NULL) == 0);
}

static void
run_fold(struct pn_work *work)
{
    struct fold *fold = (struct fold *)work;
    char         name[ENGINE_NAME_SIZE];
    fold->model  = pn_bulk(fold->start.size);
    fold->leaves = calloc(fold->chunks, sizeof *fold->leaves);
    if (fold->model == NULL || fold->leaves == NULL) {
        fold->base.status = PN_ENOMEM;
        return;
    }
    fold_all(fold);
    enum pn_status st = (enum pn_status)atomic_load(&fold->status);
    if (st == PN_OK) {
        sec_merkle_root(&fold->next, fold->start.size, fold->leaves);
        engine_blob_name(name, "models", &fold->next.root);
        st = fold->disk->save(fold->disk->host, name, fold->model, fold->next.size);
    }
    fold->base.status = st;
}

static void
done_fold(struct pn_work *work, pn_ms now)
{
    struct fold         *fold   = (struct fold *)engine_work_take(work);
    struct coord_engine *engine = fold->base.engine;
    struct fed_event     event  = {.kind = FED_AGGREGATED, .blob = fold->next};
    if (fold->base.status == PN_OK) {
        coord_shelve_model(engine, &fold->next, &fold->leaves, &fold->model);
        engine->score_count = 0; /* until this round is evaluated, if it is */
    } else {
        coord_break(engine, fold->base.status,
                    "the next model cannot be made in the state directory");
        event.kind = FED_TICK;
    }
    release_fold(&fold->base);
    (void)coord_turn(engine, now, &event);
}

void
coord_begin_fold(struct coord_engine *engine)
{
    struct fold *fold = calloc(1, sizeof *fold + engine->member_count * sizeof(struct fold_entry));
    if (fold == NULL) {
        coord_break(engine, PN_ENOMEM, "no memory to fold the updates");
        return;
    }
    fold->disk   = engine->config.disk;
    fold->start  = engine->round.model;
    fold->held   = engine_shelf_held(&engine->shelf, &fold->start);
    fold->chunks = sec_blob_chunks(fold->start.size);
    for (uint32_t i = 0; i < engine->member_count; i++) {
        const struct fed_round_member *part = &engine->parts[i];
        if (part->part != FED_VALID)
            continue;
        /* SAFE: the job keeps the sum of all weights below 2^31. */
        fold->entries[fold->entry_count++] =
            (struct fold_entry){.update = part->update, .weight = (uint32_t)part->weight};
        fold->total += part->weight;
    }
    engine_work_submit(&fold->base, &engine->works, engine, &engine->config.ports,
                       &(struct engine_work_how){(fold->entry_count + 2u) * fold->start.size,
                                                 run_fold, done_fold, release_fold});
}
