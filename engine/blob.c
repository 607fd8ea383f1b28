#include "engine/blob.h"

#include <stdlib.h>
#include <string.h>

void
engine_blob_name(char out[static ENGINE_NAME_SIZE], const char *folder, const struct sec_hash *root)
{
    size_t length = strlen(folder);
    PN_ASSERT(length + 1 + SEC_HEX_SIZE <= ENGINE_NAME_SIZE);
    memcpy(out, folder, length);
    out[length] = '/';
    sec_hash_text(out + length + 1, root);
}

bool
engine_blob_is_there(const struct store_disk *disk, const char *folder, const struct sec_blob *blob)
{
    char     name[ENGINE_NAME_SIZE];
    uint64_t size;
    engine_blob_name(name, folder, &blob->root);
    return disk->size(disk->host, name, &size) == PN_OK && size == blob->size;
}

static enum pn_status
new_leaves(struct sec_hash **out, uint32_t *count, uint64_t size)
{
    *count = sec_blob_chunks(size);
    if (*count == 0)
        return PN_ERANGE;
    *out = calloc(*count, sizeof **out);
    return *out != NULL ? PN_OK : PN_ENOMEM;
}

enum pn_status
engine_blob_of(struct sec_blob *out, struct sec_hash **leaves, const uint8_t *bytes, uint64_t size)
{
    uint32_t       count;
    enum pn_status st = new_leaves(leaves, &count, size);
    if (st == PN_OK)
        sec_merkle_of(out, *leaves, bytes, size);
    return st;
}

/* `room` is the whole blob when `whole`, one chunk otherwise. */
static enum pn_status
hash_file(struct sec_hash *leaves, uint32_t count, uint8_t *room, bool whole,
          const struct store_disk *disk, const char *name, uint64_t size)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t       at    = (uint64_t)i * SEC_CHUNK_SIZE;
        uint8_t       *chunk = whole ? room + at : room;
        uint32_t       part  = sec_blob_chunk_size(size, i);
        enum pn_status st    = disk->read(disk->host, name, chunk, at, part);
        if (st != PN_OK)
            return st;
        sec_merkle_leaf(&leaves[i], chunk, part);
    }
    return PN_OK;
}

enum pn_status
engine_blob_read(uint8_t *bytes, struct sec_hash **leaves, const struct store_disk *disk,
                 const char *folder, const struct sec_blob *blob)
{
    char             name[ENGINE_NAME_SIZE];
    uint64_t         size  = 0;
    uint32_t         count = 0;
    struct sec_hash *found = NULL;
    struct sec_blob  seen;
    engine_blob_name(name, folder, &blob->root);

    enum pn_status st = disk->size(disk->host, name, &size);
    if (st == PN_OK && size != blob->size)
        st = PN_ECORRUPT;
    if (st == PN_OK)
        st = new_leaves(&found, &count, size);
    uint8_t *room = bytes;
    if (st == PN_OK && bytes == NULL && (room = pn_bulk(SEC_CHUNK_SIZE)) == NULL)
        st = PN_ENOMEM;
    if (st == PN_OK)
        st = hash_file(found, count, room, bytes != NULL, disk, name, size);
    if (st == PN_OK) {
        sec_merkle_root(&seen, size, found);
        if (!sec_blob_equal(&seen, blob))
            st = PN_ECORRUPT;
    }
    if (bytes == NULL)
        free(room);
    if (st == PN_OK && leaves != NULL)
        *leaves = found;
    else
        free(found);
    return st;
}

/* ---- tidying ---- */

enum {
    TIDY_MAX = 256
}; /* files removed at once; the next call goes on */

struct tidy {
    const struct sec_hash *keep;
    size_t                 keep_count;
    struct sec_hash        gone[TIDY_MAX];
    size_t                 gone_count;
};

static bool
tidy_take(void *context, const char *name)
{
    struct tidy    *tidy = context;
    struct sec_hash root;
    const char     *slash = strrchr(name, '/');
    if (slash == NULL || !pn_hex_decode(root.bytes, sizeof root.bytes, slash + 1))
        return true; /* not ours to judge */
    for (size_t i = 0; i < tidy->keep_count; i++)
        if (memcmp(tidy->keep[i].bytes, root.bytes, sizeof root.bytes) == 0) /* names: no secret */
            return true;
    tidy->gone[tidy->gone_count++] = root;
    return tidy->gone_count < TIDY_MAX;
}

void
engine_blob_tidy(const struct store_disk *disk, const char *folder, const struct sec_hash *keep,
                 size_t keep_count)
{
    struct tidy tidy; /* the names are not cleared: each is written before it is read */
    tidy.keep       = keep;
    tidy.keep_count = keep_count;
    tidy.gone_count = 0;
    /* SAFE: what cannot be listed or removed now is removed another time; it only takes room. */
    (void)disk->list(disk->host, folder, tidy_take, &tidy);
    for (size_t i = 0; i < tidy.gone_count; i++) {
        char name[ENGINE_NAME_SIZE];
        engine_blob_name(name, folder, &tidy.gone[i]);
        (void)disk->remove(disk->host, name);
    }
}

void
engine_floats_encode(uint8_t *out, const float *values, size_t count)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (out != (const uint8_t *)values)
        memmove(out, values, count * sizeof *values);
#else
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        pn_put_u32(out + 4 * i, bits);
    }
#endif
}

void
engine_floats_decode(float *out, const uint8_t *bytes, size_t count)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (bytes != (const uint8_t *)out)
        memmove(out, bytes, count * sizeof *out);
#else
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = pn_get_u32(bytes + 4 * i);
        memcpy(&out[i], &bits, sizeof bits);
    }
#endif
}

/* ---- giving ---- */

void
engine_shelf_init(struct engine_shelf *shelf, const struct store_disk *disk)
{
    *shelf = (struct engine_shelf){.disk = disk};
}

void
engine_shelf_fini(struct engine_shelf *shelf)
{
    for (size_t i = 0; i < ENGINE_SHELF_MAX; i++) {
        free(shelf->items[i].leaves);
        engine_held_drop(shelf->items[i].held);
    }
    *shelf = (struct engine_shelf){.disk = NULL};
}

/* ENGINE_SHELF_MAX: it is not there. */
static size_t
shelf_index(const struct engine_shelf *shelf, const struct sec_blob *blob)
{
    size_t i = 0;
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

void
engine_shelf_lighten(struct engine_shelf *shelf, const char *folder)
{
    for (size_t i = 0; i < ENGINE_SHELF_MAX; i++) {
        struct engine_shelf_item *item = &shelf->items[i];
        if (item->folder == NULL || strcmp(item->folder, folder) != 0)
            continue;
        engine_held_drop(item->held);
        item->held = NULL;
    }
}

struct engine_held *
engine_shelf_held(const struct engine_shelf *shelf, const struct sec_blob *blob)
{
    size_t at = shelf_index(shelf, blob);
    return at < ENGINE_SHELF_MAX ? engine_held_take(shelf->items[at].held) : NULL;
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

static struct sec_blob
blob_of_wire(const struct wire_blob *wire)
{
    struct sec_blob blob = {.size = wire->size};
    memcpy(blob.root.bytes, wire->root, sizeof blob.root.bytes);
    return blob;
}

enum pn_status
engine_shelf_give(const struct engine_shelf *shelf, const struct wire_pull *pull,
                  struct engine_peer *peer, const struct pn_ports *ports,
                  struct engine_scratch *scratch)
{
    const struct sec_blob blob = blob_of_wire(&pull->blob);
    size_t                at   = shelf_index(shelf, &blob);
    if (at == ENGINE_SHELF_MAX)
        return PN_EPEER_STALE; /* it was here once, or never: not worth telling apart */
    uint32_t count = sec_blob_chunks(blob.size);
    if (pull->first >= count || pull->count > count - pull->first)
        return PN_EPEER_VALUE;

    const struct engine_stamp stamp = {.type = WIRE_CHUNK};
    for (uint32_t i = pull->first; i < pull->first + pull->count; i++) {
        enum pn_status st = write_chunk(shelf, &shelf->items[at], i, scratch);
        if (st != PN_OK)
            return st;
        if (engine_peer_send(peer, ports, scratch, &stamp) != PN_OK)
            return PN_OK; /* the connection's trouble, not the request's: it is repeated */
    }
    return PN_OK;
}

/* ---- getting ---- */

void
engine_fetch_init(struct engine_fetch *fetch, const struct store_disk *disk)
{
    *fetch = (struct engine_fetch){.disk = disk};
}

void
engine_fetch_fini(struct engine_fetch *fetch)
{
    engine_fetch_drop(fetch);
}

bool
engine_fetch_is_busy(const struct engine_fetch *fetch)
{
    return fetch->have != NULL;
}

/* Room for the whole. */
static enum pn_status
make_room(struct engine_fetch *fetch, const struct sec_blob *blob)
{
    char name[ENGINE_NAME_SIZE];
    if (fetch->disk == NULL) {
        fetch->bytes = pn_bulk(blob->size);
        return fetch->bytes != NULL ? PN_OK : PN_ENOMEM;
    }
    engine_blob_name(name, fetch->folder, &blob->root);
    return fetch->disk->stage(fetch->disk->host, name, blob->size);
}

enum pn_status
engine_fetch_start(struct engine_fetch *fetch, const char *folder, const struct sec_blob *blob,
                   uint64_t size)
{
    uint32_t chunks = sec_blob_chunks(blob->size);
    PN_ASSERT((fetch->disk == NULL) == (folder == NULL));
    engine_fetch_drop(fetch);
    fetch->folder = folder;
    if (blob->size != size || chunks == 0)
        return PN_EPEER_VALUE;
    if ((fetch->have = calloc((chunks + 7) / 8, 1)) == NULL)
        return PN_ENOMEM;
    enum pn_status st = fed_fetch_init(&fetch->fetch, blob, size, fetch->have);
    if (st == PN_OK)
        st = make_room(fetch, blob);
    if (st != PN_OK) {
        free(fetch->have);
        fetch->have = NULL;
    }
    return st;
}

/* One PULL for each run of neighbouring chunks. */
void
engine_fetch_ask(struct engine_fetch *fetch, struct engine_peer *peer, const struct pn_ports *ports,
                 struct engine_scratch *scratch, pn_ms now)
{
    if (fetch->have == NULL || !peer->link.sent_hello)
        return;
    uint32_t wanted[FED_WINDOW];
    uint32_t count = fed_fetch_next(wanted, &fetch->fetch, now);
    for (uint32_t i = 0; i < count;) {
        uint32_t run = 1;
        while (i + run < count && wanted[i + run] == wanted[i] + run)
            run++;
        struct wire_pull pull = {.first = wanted[i], .count = run};
        pull.blob.size        = fetch->fetch.blob.size;
        memcpy(pull.blob.root, fetch->fetch.blob.root.bytes, sizeof pull.blob.root);
        i += run;

        const struct engine_stamp stamp = {.type = WIRE_PULL};
        if (wire_pull_encode(engine_scratch_begin(scratch), &pull) != PN_OK ||
            engine_peer_send(peer, ports, scratch, &stamp) != PN_OK)
            return; /* asked again when its time is up, or at the next session */
    }
}

/* What its proof says to be there: into memory, or into the staged file. */
static enum pn_status
keep_chunk(struct engine_fetch *fetch, const struct wire_chunk *chunk)
{
    const struct store_disk *disk = fetch->disk;
    const struct wire_span  *data = &chunk->data;
    const uint64_t           at   = (uint64_t)chunk->index * SEC_CHUNK_SIZE;
    char                     name[ENGINE_NAME_SIZE];
    enum pn_status           st = PN_ENOENT;
    if (disk != NULL)
        engine_blob_name(name, fetch->folder, &fetch->fetch.blob.root);
    if (disk != NULL && disk->stage_known != NULL &&
        data->size == sec_blob_chunk_size(fetch->fetch.blob.size, chunk->index))
        st = disk->stage_known(disk->host, name, at, data->bytes, data->size);
    if (st != PN_ENOENT)
        return st;

    struct sec_proof proof = {.count = chunk->proof_count};
    memcpy(proof.path, chunk->proof, 32u * (size_t)chunk->proof_count);
    if (!sec_merkle_check(&fetch->fetch.blob, chunk->index, data->bytes, data->size, &proof))
        return PN_EPEER_VALUE;
    if (disk != NULL)
        return disk->stage_write(disk->host, name, at, data->bytes, data->size);
    memcpy(fetch->bytes + at, data->bytes, data->size);
    return PN_OK;
}

enum pn_status
engine_fetch_take(struct engine_fetch *fetch, const struct wire_chunk *chunk)
{
    const struct sec_blob blob = blob_of_wire(&chunk->blob);
    if (fetch->have == NULL || !sec_blob_equal(&blob, &fetch->fetch.blob) ||
        !fed_fetch_wants(&fetch->fetch, chunk->index))
        return PN_EPEER_STATE;
    if (chunk->proof_count > SEC_PROOF_MAX)
        return PN_EPEER_VALUE;
    enum pn_status st = keep_chunk(fetch, chunk);
    if (st == PN_OK)
        fed_fetch_stored(&fetch->fetch, chunk->index);
    return st;
}

bool
engine_fetch_is_whole(const struct engine_fetch *fetch)
{
    return fetch->have != NULL && fed_fetch_is_whole(&fetch->fetch);
}

uint8_t *
engine_fetch_leave(struct engine_fetch *fetch)
{
    uint8_t *bytes = fetch->bytes;
    free(fetch->have);
    fetch->have  = NULL;
    fetch->bytes = NULL;
    return bytes;
}

void
engine_fetch_drop(struct engine_fetch *fetch)
{
    if (fetch->have != NULL && fetch->disk != NULL) {
        char name[ENGINE_NAME_SIZE];
        engine_blob_name(name, fetch->folder, &fetch->fetch.blob.root);
        /* SAFE: a staged file that stays is emptied when staged again, or at the next start. */
        (void)fetch->disk->discard(fetch->disk->host, name);
    }
    free(engine_fetch_leave(fetch));
}

pn_ms
engine_fetch_deadline(const struct engine_fetch *fetch)
{
    return fetch->have == NULL ? UINT64_MAX : fed_fetch_deadline(&fetch->fetch);
}
