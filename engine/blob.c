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

enum pn_status
engine_blob_load(uint8_t **bytes, const struct store_disk *disk, const char *folder,
                 const struct sec_blob *blob, struct pn_error *why)
{
    if (!engine_blob_is_there(disk, folder, blob))
        return PN_ENOENT;
    uint8_t *whole = pn_bulk(blob->size);
    if (whole == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for a blob of %llu bytes",
                            (unsigned long long)blob->size);
    enum pn_status st = engine_blob_read(whole, NULL, disk, folder, blob);
    if (st == PN_OK) {
        *bytes = whole;
        return PN_OK;
    }
    char name[ENGINE_NAME_SIZE];
    engine_blob_name(name, folder, &blob->root);
    free(whole);
    return pn_error_set(
        why, st, st == PN_ECORRUPT ? "%s: its bytes do not hash to its name" : "%s: cannot be read",
        name);
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
