#include "crypto/merkle.h"

#include "support/expect.h"
#include "vectors/merkle.h"

#include <stdlib.h>

static uint8_t *chunk; /* one full chunk */

static void
make_leaf(struct sec_hash *out, uint32_t index)
{
    /* As make_merkle.py makes them. */
    struct sec_hasher hasher;
    uint8_t           number[4];
    pn_put_u32(number, index);
    sec_hash_begin(&hasher, "leaf");
    sec_hash_add(&hasher, number, sizeof number);
    sec_hash_end(out, &hasher);
}

static void
expect_hash(const struct sec_hash *hash, const char *expected)
{
    char text[SEC_HEX_SIZE];
    sec_hash_text(text, hash);
    assert_string_equal(text, expected);
}

static void
trees_and_proofs_equal_those_of_pythons_hashlib(void **state)
{
    (void)state;
    struct sec_hash *leaves = malloc(SEC_CHUNKS_MAX * sizeof *leaves);
    assert_non_null(leaves);
    for (uint32_t i = 0; i < SEC_CHUNKS_MAX; i++)
        make_leaf(&leaves[i], i);
    for (size_t i = 0; i < sizeof tree_vectors / sizeof tree_vectors[0]; i++) {
        struct sec_blob  blob;
        struct sec_proof proof;
        struct sec_hash  all;
        uint32_t         count = tree_vectors[i].count;
        sec_merkle_root(&blob, (uint64_t)count * SEC_CHUNK_SIZE, leaves);
        expect_hash(&blob.root, tree_vectors[i].root);
        sec_merkle_prove(&proof, tree_vectors[i].index, leaves, count);
        assert_int_equal(proof.count, tree_vectors[i].proof_count);
        sec_hash_of(&all, "proof", proof.path, proof.count * sizeof proof.path[0]);
        expect_hash(&all, tree_vectors[i].proof);
    }
    free(leaves);
}

static void
roots_of_bytes_equal_those_of_pythons_hashlib(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof blob_vectors / sizeof blob_vectors[0]; i++) {
        uint64_t size  = blob_vectors[i].size;
        uint8_t *bytes = malloc(size + 1);
        assert_non_null(bytes);
        for (uint64_t b = 0; b < size; b++)
            bytes[b] = (uint8_t)(b * 131 + (b >> 8) * 7 + 13);
        struct sec_blob blob, again;
        struct sec_hash leaves[8];
        sec_merkle_of(&blob, NULL, bytes, size);
        assert_true(blob.size == size);
        expect_hash(&blob.root, blob_vectors[i].root);
        sec_merkle_of(&again, leaves, bytes, size);
        assert_true(sec_blob_equal(&blob, &again));
        sec_merkle_root(&again, size, leaves);
        assert_true(sec_blob_equal(&blob, &again));
        free(bytes);
    }
}

static void
sizes_have_the_right_number_of_chunks(void **state)
{
    (void)state;
    static const struct {
        uint64_t size;
        uint32_t chunks, last;
    } rows[] = {
        {0, 1, 0},
        {1, 1, 1},
        {SEC_CHUNK_SIZE - 1, 1, SEC_CHUNK_SIZE - 1},
        {SEC_CHUNK_SIZE, 1, SEC_CHUNK_SIZE},
        {SEC_CHUNK_SIZE + 1, 2, 1},
        {(uint64_t)SEC_CHUNK_SIZE * SEC_CHUNKS_MAX, SEC_CHUNKS_MAX, SEC_CHUNK_SIZE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(sec_blob_chunks(rows[i].size), rows[i].chunks);
        assert_int_equal(sec_blob_chunk_size(rows[i].size, rows[i].chunks - 1), rows[i].last);
        assert_int_equal(sec_blob_chunk_size(rows[i].size, rows[i].chunks), 0);
    }
    assert_int_equal(sec_blob_chunks((uint64_t)SEC_CHUNK_SIZE * SEC_CHUNKS_MAX + 1), 0);
    assert_int_equal(sec_blob_chunks(UINT64_MAX), 0);
    assert_int_equal(sec_blob_chunk_size(UINT64_MAX, UINT32_MAX), SEC_CHUNK_SIZE);
    assert_int_equal(sec_blob_part_size(3 * SEC_CHUNK_SIZE + 5, 2, 2), SEC_CHUNK_SIZE + 5);
    assert_int_equal(sec_blob_part_size(3 * SEC_CHUNK_SIZE + 5, 1, 2), 2 * SEC_CHUNK_SIZE);
}

static const uint8_t *
chunk_of(uint32_t index)
{
    memset(chunk, (int)index + 1, SEC_CHUNK_SIZE);
    return chunk;
}

enum {
    TREES = 13
};

static void
make_blob(struct sec_blob *blob, struct sec_hash *leaves, uint32_t count, uint64_t size)
{
    for (uint32_t i = 0; i < count; i++)
        sec_merkle_leaf(&leaves[i], chunk_of(i), sec_blob_chunk_size(size, i));
    sec_merkle_root(blob, size, leaves);
}

static void
every_chunk_of_every_small_tree_is_proved(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= TREES; count++) {
        struct sec_hash leaves[TREES];
        struct sec_blob blob;
        uint64_t        size = (uint64_t)(count - 1) * SEC_CHUNK_SIZE + 100;
        make_blob(&blob, leaves, count, size);
        for (uint32_t i = 0; i < count; i++) {
            struct sec_proof proof;
            sec_merkle_prove(&proof, i, leaves, count);
            assert_true(
                sec_merkle_check(&blob, i, chunk_of(i), sec_blob_chunk_size(size, i), &proof));
        }
    }
}

static void
chunk_is_refused_under_another_number(void **state)
{
    (void)state;
    for (uint32_t count = 2; count <= 7; count++) {
        struct sec_hash  leaves[TREES];
        struct sec_blob  blob;
        struct sec_proof proof;
        uint64_t         size = (uint64_t)count * SEC_CHUNK_SIZE;
        make_blob(&blob, leaves, count, size);
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t wrong = 0; wrong <= count; wrong++) {
                sec_merkle_prove(&proof, i, leaves, count);
                if (wrong != i)
                    assert_false(
                        sec_merkle_check(&blob, wrong, chunk_of(i), SEC_CHUNK_SIZE, &proof));
            }
    }
}

static void
chunk_is_refused_when_any_bit_of_it_of_its_proof_or_of_its_blob_changes(void **state)
{
    (void)state;
    struct sec_hash  leaves[TREES];
    struct sec_blob  blob, other;
    struct sec_proof proof;
    const uint64_t   size = 6 * (uint64_t)SEC_CHUNK_SIZE + 10;
    make_blob(&blob, leaves, 7, size);
    sec_merkle_prove(&proof, 6, leaves, 7);
    (void)chunk_of(6);
    assert_true(sec_merkle_check(&blob, 6, chunk, 10, &proof));
    for (size_t bit = 0; bit < 80; bit++) {
        chunk[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(sec_merkle_check(&blob, 6, chunk, 10, &proof));
        chunk[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 256 * (size_t)proof.count; bit++) {
        struct sec_proof changed = proof;
        changed.path[bit / 256].bytes[bit % 256 / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(sec_merkle_check(&blob, 6, chunk, 10, &changed));
    }
    for (size_t bit = 0; bit < 256; bit++) {
        other = blob;
        other.root.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(sec_merkle_check(&other, 6, chunk, 10, &proof));
    }
    for (size_t bit = 0; bit < 64; bit++) {
        other = blob;
        other.size ^= (uint64_t)1 << bit;
        assert_false(sec_blob_equal(&blob, &other));
        assert_false(sec_merkle_check(&other, 6, chunk, 10, &proof));
        assert_false(
            sec_merkle_check(&other, 6, chunk, sec_blob_chunk_size(other.size, 6) % 11, &proof));
    }
}

static void
proof_of_the_wrong_length_is_refused(void **state)
{
    (void)state;
    struct sec_hash  leaves[TREES];
    struct sec_blob  blob;
    struct sec_proof proof;
    for (uint32_t count = 1; count <= 9; count++) {
        make_blob(&blob, leaves, count, (uint64_t)count * SEC_CHUNK_SIZE);
        sec_merkle_prove(&proof, count - 1, leaves, count);
        (void)chunk_of(count - 1);
        uint32_t right = proof.count;
        for (proof.count = 0; proof.count <= SEC_PROOF_MAX; proof.count++)
            assert_int_equal(sec_merkle_check(&blob, count - 1, chunk, SEC_CHUNK_SIZE, &proof),
                             proof.count == right);
        proof.count = UINT32_MAX;
        assert_false(sec_merkle_check(&blob, count - 1, chunk, SEC_CHUNK_SIZE, &proof));
    }
}

/* A node of the tree offered as if it were a chunk of a smaller blob: the prefixes differ. */
static void
inner_node_is_never_a_chunk(void **state)
{
    (void)state;
    struct sec_hash leaves[2], tree, leaf;
    uint8_t         pair[64];
    make_leaf(&leaves[0], 0);
    make_leaf(&leaves[1], 1);
    memcpy(pair, leaves, sizeof pair);
    struct sec_blob two, one;
    sec_merkle_root(&two, 2 * SEC_CHUNK_SIZE, leaves);
    sec_merkle_leaf(&leaf, pair, sizeof pair);
    sec_merkle_root(&one, 64, &leaf);
    assert_false(sec_hash_equal(&two.root, &one.root));
    /* And the size is part of the root, so the same tree names no other blob. */
    tree = leaves[0];
    struct sec_blob a, b;
    sec_merkle_root(&a, 10, &tree);
    sec_merkle_root(&b, 11, &tree);
    assert_false(sec_hash_equal(&a.root, &b.root));
}

/* Whoever announces a root may build its tree wrongly on purpose. */
static void
root_over_a_tree_of_another_shape_proves_nothing(void **state)
{
    (void)state;
    struct sec_hash  leaves[3];
    struct sec_blob  blob;
    struct sec_proof proof, inner;

    /* A chunk of 5 bytes where a full one belongs. */
    sec_merkle_leaf(&leaves[0], chunk, 5);
    sec_merkle_leaf(&leaves[1], chunk, 10);
    sec_merkle_root(&blob, SEC_CHUNK_SIZE + 10, leaves);
    sec_merkle_prove(&proof, 0, leaves, 2);
    assert_false(sec_merkle_check(&blob, 0, chunk, 5, &proof));
    sec_merkle_prove(&proof, 1, leaves, 2);
    assert_true(sec_merkle_check(&blob, 1, chunk, 10, &proof));

    /* A chunk beyond the end, which has no bytes. */
    sec_merkle_leaf(&leaves[0], NULL, 0);
    sec_merkle_root(&blob, 100, leaves);
    proof.count = 0;
    assert_false(sec_merkle_check(&blob, 1, chunk, 0, &proof));

    /* A pair where one leaf belongs: path[0] of the third of three leaves is their pair. */
    make_leaf(&leaves[0], 0);
    sec_merkle_leaf(&leaves[1], chunk, 100);
    make_leaf(&leaves[2], 2);
    sec_merkle_prove(&inner, 2, leaves, 3);
    sec_merkle_root(&blob, 100, &inner.path[0]);
    proof.count   = 1;
    proof.path[0] = leaves[0];
    assert_false(sec_merkle_check(&blob, 0, chunk, 100, &proof));
}

static int
start(void **state)
{
    (void)state;
    chunk = malloc(SEC_CHUNK_SIZE);
    return chunk != NULL && sec_init() == PN_OK ? 0 : 1;
}

static int
stop(void **state)
{
    (void)state;
    free(chunk);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_and_proofs_equal_those_of_pythons_hashlib),
        cmocka_unit_test(roots_of_bytes_equal_those_of_pythons_hashlib),
        cmocka_unit_test(sizes_have_the_right_number_of_chunks),
        cmocka_unit_test(every_chunk_of_every_small_tree_is_proved),
        cmocka_unit_test(chunk_is_refused_under_another_number),
        cmocka_unit_test(chunk_is_refused_when_any_bit_of_it_of_its_proof_or_of_its_blob_changes),
        cmocka_unit_test(proof_of_the_wrong_length_is_refused),
        cmocka_unit_test(inner_node_is_never_a_chunk),
        cmocka_unit_test(root_over_a_tree_of_another_shape_proves_nothing),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
