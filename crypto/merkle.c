#include "crypto/merkle.h"

#include "crypto/suite.h"

#include <string.h>

enum {
    FOUR = 4
};

/*
 * The tree over the leaves so far, as the roots of its complete subtrees, the largest first.
 * Their sizes are the binary digits of `count` (RFC 6962, section 2.1: the left part is the largest
 * power of two), so at most one per digit of SEC_CHUNKS_MAX is kept.
 */
struct tower {
    uint32_t        count, height;
    struct sec_hash roots[SEC_PROOF_MAX];
};

_Static_assert(SEC_CHUNKS_MAX == 1 << (SEC_PROOF_MAX - 1), "a tower and a proof have room");

static void
hash_with_prefix(struct sec_hash *out, uint8_t prefix, const void *a, size_t a_size, const void *b,
                 size_t b_size)
{
    const struct sec_suite *suite = sec_suite();
    struct sec_hasher       hasher;
    suite->hash_begin(&hasher);
    suite->hash_add(&hasher, &prefix, 1);
    if (a_size != 0)
        suite->hash_add(&hasher, a, a_size);
    if (b_size != 0)
        suite->hash_add(&hasher, b, b_size);
    suite->hash_end(out, &hasher);
}

static void
hash_pair(struct sec_hash *out, const struct sec_hash *left, const struct sec_hash *right)
{
    hash_with_prefix(out, 1, left->bytes, sizeof left->bytes, right->bytes, sizeof right->bytes);
}

static void
tower_add(struct tower *tower, const struct sec_hash *leaf)
{
    struct sec_hash root = *leaf;
    for (uint32_t full = tower->count; (full & 1) != 0; full >>= 1)
        hash_pair(&root, &tower->roots[--tower->height], &root);
    tower->roots[tower->height++] = root;
    tower->count++;
}

static void
tower_end(struct sec_hash *out, const struct tower *tower)
{
    uint32_t height = tower->height - 1;
    *out            = tower->roots[height];
    while (height > 0)
        hash_pair(out, &tower->roots[--height], out);
}

static void
tree_of(struct sec_hash *out, const struct sec_hash *leaves, uint32_t count)
{
    struct tower tower = {.count = 0};
    for (uint32_t i = 0; i < count; i++)
        tower_add(&tower, &leaves[i]);
    tower_end(out, &tower);
}

static void
root_of(struct sec_hash *out, uint64_t size, const struct sec_hash *tree)
{
    uint8_t           text[8];
    struct sec_hasher hasher;
    pn_put_u64(text, size);
    sec_hash_begin(&hasher, "blob");
    sec_hash_add(&hasher, text, sizeof text);
    sec_hash_add(&hasher, tree->bytes, sizeof tree->bytes);
    sec_hash_end(out, &hasher);
}

bool
sec_blob_equal(const struct sec_blob *a, const struct sec_blob *b)
{
    return a->size == b->size && sec_hash_equal(&a->root, &b->root);
}

uint32_t
sec_blob_chunks(uint64_t size)
{
    if (size > (uint64_t)SEC_CHUNK_SIZE * SEC_CHUNKS_MAX)
        return 0;
    return size == 0 ? 1 : (uint32_t)((size + SEC_CHUNK_SIZE - 1) / SEC_CHUNK_SIZE);
}

uint32_t
sec_blob_chunk_size(uint64_t size, uint32_t index)
{
    uint64_t start = (uint64_t)index * SEC_CHUNK_SIZE;
    if (start >= size)
        return 0;
    return size - start < SEC_CHUNK_SIZE ? (uint32_t)(size - start) : SEC_CHUNK_SIZE;
}

uint64_t
sec_blob_part_size(uint64_t size, uint32_t first, uint32_t count)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += sec_blob_chunk_size(size, first + i);
    return bytes;
}

void
sec_merkle_leaf(struct sec_hash *out, const uint8_t *chunk, size_t size)
{
    struct tower    tower = {.count = 0};
    struct sec_hash hashes[FOUR];
    size_t          at = 0;
    PN_ASSERT(size <= SEC_CHUNK_SIZE);
    for (; size - at >= FOUR * SEC_PIECE_SIZE; at += FOUR * SEC_PIECE_SIZE) {
        const uint8_t *pieces[FOUR];
        for (size_t i = 0; i < FOUR; i++)
            pieces[i] = chunk + at + i * SEC_PIECE_SIZE;
        sec_suite()->hash_four(hashes, 0, pieces, SEC_PIECE_SIZE);
        for (size_t i = 0; i < FOUR; i++)
            tower_add(&tower, &hashes[i]);
    }
    while (at < size || tower.count == 0) {
        size_t part = size - at < SEC_PIECE_SIZE ? size - at : SEC_PIECE_SIZE;
        hash_with_prefix(&hashes[0], 0, chunk == NULL ? NULL : chunk + at, part, NULL, 0);
        tower_add(&tower, &hashes[0]);
        at += part;
    }
    tower_end(out, &tower);
}

void
sec_merkle_root(struct sec_blob *out, uint64_t size, const struct sec_hash *leaves)
{
    struct sec_hash tree;
    uint32_t        count = sec_blob_chunks(size);
    PN_ASSERT(count != 0);
    tree_of(&tree, leaves, count);
    out->size = size;
    root_of(&out->root, size, &tree);
}

void
sec_merkle_of(struct sec_blob *out, struct sec_hash *leaves, const uint8_t *bytes, uint64_t size)
{
    struct tower    tower = {.count = 0};
    struct sec_hash leaf, tree;
    uint32_t        count = sec_blob_chunks(size);
    PN_ASSERT(count != 0);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t chunk_size = sec_blob_chunk_size(size, i);
        sec_merkle_leaf(&leaf, chunk_size == 0 ? NULL : bytes + (uint64_t)i * SEC_CHUNK_SIZE,
                        chunk_size);
        tower_add(&tower, &leaf);
        if (leaves != NULL)
            leaves[i] = leaf;
    }
    tower_end(&tree, &tower);
    out->size = size;
    root_of(&out->root, size, &tree);
}

/* The largest power of two below `count`, which is at least 2. */
static uint32_t
left_part(uint32_t count)
{
    uint32_t part = 1;
    while (part * 2 < count)
        part *= 2;
    return part;
}

/* RFC 9162, section 2.1.3.1, walked from the root down: the other side's tree at every turn. */
void
sec_merkle_prove(struct sec_proof *out, uint32_t index, const struct sec_hash *leaves,
                 uint32_t leaf_count)
{
    struct sec_hash down[SEC_PROOF_MAX];
    uint32_t        depth = 0;
    PN_ASSERT(index < leaf_count && leaf_count <= SEC_CHUNKS_MAX);

    for (uint32_t count = leaf_count; count > 1;) {
        uint32_t left = left_part(count);
        if (index < left) {
            tree_of(&down[depth++], leaves + left, count - left);
            count = left;
        } else {
            tree_of(&down[depth++], leaves, left);
            leaves += left;
            index -= left;
            count -= left;
        }
    }
    out->count = depth;
    for (uint32_t i = 0; i < depth; i++)
        out->path[i] = down[depth - 1 - i];
}

/* RFC 9162, section 2.1.3.2; `node` and `last` are its fn and sn. */
static bool
climb(struct sec_hash *root, uint32_t index, uint32_t leaf_count, const struct sec_proof *proof)
{
    uint32_t node = index, last = leaf_count - 1;
    for (uint32_t i = 0; i < proof->count; i++) {
        if (last == 0)
            return false;
        if ((node & 1) != 0 || node == last) {
            hash_pair(root, &proof->path[i], root);
            while ((node & 1) == 0 && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash_pair(root, root, &proof->path[i]);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0;
}

bool
sec_merkle_check(const struct sec_blob *blob, uint32_t index, const uint8_t *chunk,
                 size_t chunk_size, const struct sec_proof *proof)
{
    struct sec_hash hash, root;
    uint32_t        count = sec_blob_chunks(blob->size);
    if (index >= count || chunk_size != sec_blob_chunk_size(blob->size, index) ||
        proof->count > SEC_PROOF_MAX)
        return false;
    sec_merkle_leaf(&hash, chunk, chunk_size);
    if (!climb(&hash, index, count, proof))
        return false;
    root_of(&root, blob->size, &hash);
    return sec_hash_equal(&root, &blob->root);
}
