#include "engine/update.h"

#include "fed/update.h"

#include <stdlib.h>

enum {
    BLOCK = 2048 /* numbers that are rounded, measured and put in place at once */
};

struct walk {
    const float *local, *start;
    double       scale;
    uint64_t     saturated;
    pn_u128      squares;
};

/* One chunk, from number `at`. Its own floats are read before its integers take their place. */
static void
make_chunk(uint8_t *out, struct walk *walk, size_t at, size_t count)
{
    int32_t q[BLOCK];
    for (size_t done = 0; done < count; done += BLOCK) {
        size_t part = count - done < BLOCK ? count - done : BLOCK;
        walk->saturated += fed_update_round(q, walk->local + at + done, walk->start + at + done,
                                            part, walk->scale);
        fed_update_measure(&walk->squares, q, part);
        fed_update_encode(out + 4 * done, q, part);
    }
}

enum pn_status
engine_update_make(struct engine_update *out, uint8_t *bytes, const float *start, uint64_t size,
                   double clip)
{
    /* SAFE: pn_bulk aligns for floats. */
    struct walk    walk   = {.local = (const float *)(const void *)bytes, .start = start};
    uint32_t       chunks = sec_blob_chunks(size);
    enum pn_status st     = chunks > 0 ? PN_OK : PN_ERANGE;
    if (st == PN_OK)
        st = fed_update_scale(&walk.scale, walk.local, start, (size_t)(size / 4), clip);
    if (st != PN_OK)
        return st;
    struct sec_hash *leaves = calloc(chunks, sizeof *leaves);
    if (leaves == NULL)
        return PN_ENOMEM;
    for (uint32_t i = 0; i < chunks; i++) {
        size_t   at   = (size_t)i * SEC_CHUNK_SIZE;
        uint32_t part = sec_blob_chunk_size(size, i);
        make_chunk(bytes + at, &walk, at / 4, part / 4);
        sec_merkle_leaf(&leaves[i], bytes + at, part);
    }
    *out = (struct engine_update){
        .leaves = leaves, .norm = fed_update_norm_of(walk.squares), .saturated = walk.saturated};
    sec_merkle_root(&out->blob, size, leaves);
    return PN_OK;
}
