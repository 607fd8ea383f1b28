#include "engine/shelf.h"

#include "engine/blob.h"
#include "fed/block.h"

#include <stdlib.h>
#include <string.h>

void
engine_shelf_init(struct engine_shelf *shelf, const struct store_disk *disk)
{
    *shelf = (struct engine_shelf){.disk = disk};
}

void
engine_shelf_fini(struct engine_shelf *shelf)
{
    for (size_t i = 0; shelf->items != NULL && i < ENGINE_SHELF_MAX; i++) {
        free(shelf->items[i].leaves);
        engine_held_drop(shelf->items[i].held);
    }
    free(shelf->items);
    *shelf = (struct engine_shelf){.disk = NULL};
}

/* ENGINE_SHELF_MAX: it is not there. */
static size_t
shelf_index(const struct engine_shelf *shelf, const struct sec_blob *blob)
{
    size_t i = shelf->items != NULL ? 0 : ENGINE_SHELF_MAX;
    while (i < ENGINE_SHELF_MAX &&
           (shelf->items[i].folder == NULL || !sec_blob_equal(&shelf->items[i].blob, blob)))
        i++;
    return i;
}

/* One folder never takes the last place: what is seldom put stays among what is often put. */
static struct engine_shelf_item *
shelf_place(struct engine_shelf *shelf, const char *folder, const struct sec_blob *blob)
{
    struct engine_shelf_item *free_place = NULL, *oldest = NULL;
    size_t                    of_folder = 0;
    for (size_t i = 0; i < ENGINE_SHELF_MAX; i++) {
        struct engine_shelf_item *item = &shelf->items[i];
        if (item->folder == NULL) {
            free_place = item;
            continue;
        }
        if (sec_blob_equal(&item->blob, blob))
            return item;
        if (strcmp(item->folder, folder) != 0)
            continue;
        of_folder++;
        if (oldest == NULL || item->used < oldest->used)
            oldest = item;
    }
    return free_place != NULL && of_folder < ENGINE_SHELF_MAX - 1 ? free_place : oldest;
}

void
engine_shelf_put(struct engine_shelf *shelf, const char *folder, const struct sec_blob *blob,
                 struct sec_hash *leaves)
{
    if (shelf->items == NULL)
        shelf->items = calloc(ENGINE_SHELF_MAX, sizeof *shelf->items);
    if (shelf->items == NULL) {
        free(leaves);
        return;
    }
    struct engine_shelf_item *place = shelf_place(shelf, folder, blob);
    PN_ASSERT(place != NULL); /* a party gives from two folders at most */
    free(place->leaves);
    engine_held_drop(place->held);
    *place = (struct engine_shelf_item){
        .blob = *blob, .folder = folder, .leaves = leaves, .used = ++shelf->count};
}

void
engine_shelf_hold(struct engine_shelf *shelf, struct engine_held *held)
{
    size_t at = held != NULL ? shelf_index(shelf, &held->blob) : ENGINE_SHELF_MAX;
    if (at == ENGINE_SHELF_MAX) {
        engine_held_drop(held);
        return;
    }
    engine_shelf_lighten(shelf, shelf->items[at].folder);
    shelf->items[at].held = held;
}

struct engine_held *
engine_shelf_find(const struct engine_shelf *shelf, const struct sec_blob *blob)
{
    size_t at = shelf_index(shelf, blob);
    return at == ENGINE_SHELF_MAX ? NULL : engine_held_take(shelf->items[at].held);
}

void
engine_shelf_lighten(struct engine_shelf *shelf, const char *folder)
{
    for (size_t i = 0; shelf->items != NULL && i < ENGINE_SHELF_MAX; i++) {
        struct engine_shelf_item *item = &shelf->items[i];
        if (item->folder == NULL || strcmp(item->folder, folder) != 0)
            continue;
        engine_held_drop(item->held);
        item->held = NULL;
    }
}

/* One chunk's data to where it leaves from. */
static enum pn_status
read_chunk(uint8_t *out, const struct engine_shelf *shelf, const struct engine_shelf_item *item,
           uint32_t index)
{
    char     name[ENGINE_NAME_SIZE];
    uint64_t at   = (uint64_t)index * SEC_CHUNK_SIZE;
    uint32_t part = sec_blob_chunk_size(item->blob.size, index);
    if (item->held != NULL) {
        memcpy(out, item->held->bytes + at, part);
        return PN_OK;
    }
    engine_blob_name(name, item->folder, &item->blob.root);
    return shelf->disk->read(shelf->disk->host, name, out, at, part);
}

/* Puts one chunk and its proof into the scratch. */
static enum pn_status
write_chunk(const struct engine_shelf *shelf, const struct engine_shelf_item *item, uint32_t index,
            struct engine_scratch *scratch)
{
    struct sec_proof  proof;
    struct pn_buffer *body = engine_scratch_begin(scratch);
    uint32_t          part = sec_blob_chunk_size(item->blob.size, index);
    sec_merkle_prove(&proof, index, item->leaves, sec_blob_chunks(item->blob.size));
    struct wire_chunk chunk = {.index       = index,
                               .proof_count = proof.count,
                               .proof       = proof.path[0].bytes,
                               .data        = {NULL, part}};
    chunk.blob.size         = item->blob.size;
    memcpy(chunk.blob.root, item->blob.root.bytes, sizeof chunk.blob.root);
    enum pn_status st = wire_chunk_encode(body, &chunk);
    return st == PN_OK ? read_chunk(body->bytes + body->size - part, shelf, item, index) : st;
}

static enum pn_status
find_chunks(size_t *at, const struct engine_shelf *shelf, const struct wire_pull *pull)
{
    const struct sec_blob blob  = fed_blob_from_wire(&pull->blob);
    const uint32_t        count = sec_blob_chunks(blob.size);
    *at                         = shelf_index(shelf, &blob);
    if (*at == ENGINE_SHELF_MAX)
        return PN_EPEER_STALE; /* it was here once, or never: not worth telling apart */
    return pull->first < count && pull->count <= count - pull->first ? PN_OK : PN_EPEER_VALUE;
}

enum pn_status
engine_shelf_check(const struct engine_shelf *shelf, const struct wire_pull *pull)
{
    size_t at;
    return find_chunks(&at, shelf, pull);
}

enum pn_status
engine_shelf_give(const struct engine_shelf *shelf, const struct wire_pull *pull,
                  struct engine_peer *peer, const struct pn_ports *ports,
                  struct engine_scratch *scratch)
{
    size_t                    at;
    const struct engine_stamp stamp = {.type = WIRE_CHUNK};
    enum pn_status            st    = find_chunks(&at, shelf, pull);
    if (st != PN_OK)
        return st;
    for (uint32_t i = pull->first; i < pull->first + pull->count; i++) {
        st = write_chunk(shelf, &shelf->items[at], i, scratch);
        if (st != PN_OK)
            return st;
        if (engine_peer_send(peer, ports, scratch, &stamp) != PN_OK)
            return PN_OK; /* the connection's trouble, not the request's: it is repeated */
    }
    return PN_OK;
}
