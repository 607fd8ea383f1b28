#include "engine/fold.h"

#include "engine/blob.h"
#include "fed/update.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE      = 262144, /* bytes of an update: it and its sums stay in a processor's own cache */
    PARAMETERS = PIECE / 4
};

struct folding {
    struct engine_fold *fold;
    uint64_t            total;  /* of the weights */
    atomic_uint         taken;  /* chunks */
    atomic_int          status; /* of the first that failed */
    uint32_t            chunks;
};

struct fold_room { /* numbers are decoded where their bytes were read to */
    float   start[PARAMETERS], next[PARAMETERS];
    int32_t q[PARAMETERS];
    int64_t sum[PARAMETERS];
};

static enum pn_status
read_part(void *out, const struct folding *folding, const char *folder, const struct sec_hash *root,
          uint64_t at, size_t size)
{
    char name[ENGINE_NAME_SIZE];
    engine_blob_name(name, folder, root);
    return folding->fold->disk->read(folding->fold->disk->host, name, out, at, size);
}

/* `size` bytes of the next model, from byte `at`. */
static enum pn_status
fold_piece(struct fold_room *room, const struct folding *folding, uint64_t at, size_t size)
{
    size_t         count = size / 4;
    enum pn_status st =
        read_part(room->start, folding, "models", &folding->fold->start.root, at, size);
    if (st != PN_OK)
        return st;
    engine_floats_decode(room->start, (const uint8_t *)room->start, count);
    memset(room->sum, 0, count * sizeof room->sum[0]);
    for (uint32_t i = 0; i < folding->fold->entry_count && st == PN_OK; i++) {
        const struct engine_fold_entry *entry = &folding->fold->entries[i];
        st = read_part(room->q, folding, "updates", &entry->update.root, at, size);
        if (st != PN_OK)
            break;
        fed_update_decode(room->q, (const uint8_t *)room->q, count);
        fed_update_fold(room->sum, room->q, count, entry->weight);
    }
    if (st != PN_OK)
        return st;
    fed_update_apply(room->next, room->start, room->sum, count, folding->total);
    engine_floats_encode(folding->fold->model + at, room->next, count);
    return PN_OK;
}

static enum pn_status
fold_chunk(struct fold_room *room, const struct folding *folding, uint32_t index)
{
    uint64_t at   = (uint64_t)index * SEC_CHUNK_SIZE;
    uint32_t size = sec_blob_chunk_size(folding->fold->start.size, index);
    for (uint32_t done = 0; done < size; done += PIECE) {
        uint32_t       part = size - done < PIECE ? size - done : PIECE;
        enum pn_status st   = fold_piece(room, folding, at + done, part);
        if (st != PN_OK)
            return st;
    }
    sec_merkle_leaf(&folding->fold->leaves[index], folding->fold->model + at, size);
    return PN_OK;
}

static void *
fold_some(void *argument)
{
    struct folding   *folding = argument;
    struct fold_room *room    = pn_bulk(sizeof *room);
    enum pn_status    st      = room != NULL ? PN_OK : PN_ENOMEM;
    while (st == PN_OK && atomic_load(&folding->status) == PN_OK) {
        uint32_t index = atomic_fetch_add(&folding->taken, 1);
        if (index >= folding->chunks)
            break;
        st = fold_chunk(room, folding, index);
    }
    free(room);
    if (st != PN_OK)
        atomic_store(&folding->status, (int)st);
    return NULL;
}

static void
fold_all(struct folding *folding)
{
    pthread_t other;
    bool      helped = folding->chunks > 1 && pthread_create(&other, NULL, fold_some, folding) == 0;
    (void)fold_some(folding);
    if (helped)
        PN_ASSERT(pthread_join(other, NULL) == 0);
}

enum pn_status
engine_fold_make(struct engine_fold *fold)
{
    struct folding folding = {.fold = fold, .chunks = sec_blob_chunks(fold->start.size)};
    for (uint32_t i = 0; i < fold->entry_count; i++)
        folding.total += fold->entries[i].weight;
    PN_ASSERT(folding.total >= 1 && folding.total <= FED_WEIGHTS_MAX);
    fold->model  = pn_bulk(fold->start.size);
    fold->leaves = calloc(folding.chunks, sizeof *fold->leaves);
    if (fold->model == NULL || fold->leaves == NULL)
        return PN_ENOMEM;
    fold_all(&folding);
    enum pn_status st = (enum pn_status)atomic_load(&folding.status);
    if (st == PN_OK)
        sec_merkle_root(&fold->next, fold->start.size, fold->leaves);
    return st;
}
