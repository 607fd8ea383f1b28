/*
 * crypto/merkle -- the tree over the chunks of a blob.
 *
 * Shape and proofs of RFC 6962 section 2.1 / RFC 9162 section 2.1.3, with BLAKE2b-256:
 *     leaf = BLAKE2b-256(00 || piece)   node = BLAKE2b-256(01 || left || right)
 *
 * A piece has SEC_PIECE_SIZE bytes, only the last one of a blob may have fewer (an empty blob has
 * one empty piece): short enough that four are hashed side by side (crypto/four). What travels is a
 * *chunk*, 16 pieces: a blob of `size` bytes has max(1, ceil(size / SEC_CHUNK_SIZE)) of them, all
 * but the last full. 16 is a power of two, so the tree over a chunk's pieces is one node of the
 * blob's tree, and the blob's tree is the tree over these nodes. They are the `leaves` that the
 * functions below speak of, and a chunk's proof leads from its own to the top.
 *
 * The *root* announced for a blob also covers its size:
 *     root = BLAKE2b-256("panal blob\0" || size u64 || tree hash)
 */
#ifndef CRYPTO_MERKLE_H
#define CRYPTO_MERKLE_H

#include "crypto/hash.h"

enum {
    SEC_PIECE_SIZE = 65536,
    SEC_CHUNK_SIZE = 1048576,
    SEC_CHUNKS_MAX = 65536, /* 64 GiB */
    SEC_PROOF_MAX  = 17     /* hashes */
};

struct sec_blob { /* names a blob: a size and a root */
    uint64_t        size;
    struct sec_hash root;
};

struct sec_proof {
    uint32_t        count;
    struct sec_hash path[SEC_PROOF_MAX]; /* from the leaf upwards */
};

bool     sec_blob_equal(const struct sec_blob *a, const struct sec_blob *b);
uint32_t sec_blob_chunks(uint64_t size);                     /* 0 when too large     */
uint32_t sec_blob_chunk_size(uint64_t size, uint32_t index); /* bytes of chunk index */
uint64_t sec_blob_part_size(uint64_t size, uint32_t first, uint32_t count); /* of so many chunks */

/* The tree over the pieces of one chunk: at most SEC_CHUNK_SIZE bytes. */
void sec_merkle_leaf(struct sec_hash *out, const uint8_t *chunk, size_t size);
/* `leaves` has sec_blob_chunks(size) hashes. */
void sec_merkle_root(struct sec_blob *out, uint64_t size, const struct sec_hash *leaves);
void sec_merkle_prove(struct sec_proof *out, uint32_t index, const struct sec_hash *leaves,
                      uint32_t leaf_count);
PN_MUST_CHECK bool sec_merkle_check(const struct sec_blob *blob, uint32_t index,
                                    const uint8_t *chunk, size_t chunk_size,
                                    const struct sec_proof *proof);
/* Leaves and root of bytes in memory; `leaves` may be NULL. */
void sec_merkle_of(struct sec_blob *out, struct sec_hash *leaves, const uint8_t *bytes,
                   uint64_t size);

#endif
