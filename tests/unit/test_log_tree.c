#include "crypto/log_tree.h"

#include "support/expect.h"
#include "vectors/log_tree.h"

enum {
    TREES = 40 /* every pair of sizes up to this one */
};

static struct sec_hash leaves[LOG_BLOCKS], roots[LOG_BLOCKS + 1];

/* Block i, as make_log_tree.py makes it. */
static size_t
make_block(uint8_t out[static LOG_BLOCKS], size_t i)
{
    size_t size = i;
    if (i < sizeof log_blocks / sizeof log_blocks[0]) {
        size = strlen(log_blocks[i]) / 2;
        assert_true(pn_hex_decode(out, size, log_blocks[i]));
    } else {
        memset(out, (int)(i & 255), i);
    }
    return size;
}

static int
start(void **state)
{
    (void)state;
    uint8_t        block[LOG_BLOCKS];
    struct sec_log log;
    if (sec_init() != PN_OK)
        return 1;
    sec_log_init(&log);
    sec_log_root(&roots[0], &log);
    for (size_t i = 0; i < LOG_BLOCKS; i++) {
        size_t size = make_block(block, i);
        sec_log_leaf(&leaves[i], block, size);
        sec_log_append(&log, block, size);
        sec_log_root(&roots[i + 1], &log);
    }
    return 0;
}

static void
expect_hash(const struct sec_hash *hash, const char *expected)
{
    char text[SEC_HEX_SIZE];
    sec_hash_text(text, hash);
    assert_string_equal(text, expected);
}

/* shared/reference/security.md, section 5.3; size 8 is Certificate Transparency's own vector. */
static void
roots_of_the_reference_trees(void **state)
{
    (void)state;
    static const char *const known[] = {
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    };
    for (size_t size = 0; size < sizeof known / sizeof known[0]; size++)
        expect_hash(&roots[size], known[size]);
}

static void
roots_equal_those_of_pythons_hashlib(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof log_roots / sizeof log_roots[0]; i++)
        expect_hash(&roots[log_roots[i].size], log_roots[i].root);
}

/* The frontier, as it is documented: other code may write it down. */
static void
peaks_are_the_trees_of_the_binary_digits_of_the_size(void **state)
{
    (void)state;
    struct sec_log log, part;
    sec_log_init(&log);
    for (size_t i = 0; i < 13; i++) /* 1101: trees over 8, 4 and 1 */
        sec_log_append_leaf(&log, &leaves[i]);
    assert_int_equal(log.size, 13);
    assert_true(sec_hash_equal(&log.peaks[3], &roots[8]));
    assert_true(sec_hash_equal(&log.peaks[0], &leaves[12]));
    sec_log_init(&part);
    for (size_t i = 8; i < 12; i++)
        sec_log_append_leaf(&part, &leaves[i]);
    assert_true(sec_hash_equal(&log.peaks[2], &part.peaks[2]));
    /* A copy goes on by itself. */
    struct sec_hash root;
    struct sec_log  copy = log;
    sec_log_append_leaf(&copy, &leaves[13]);
    sec_log_root(&root, &log);
    assert_true(sec_hash_equal(&root, &roots[13]));
    sec_log_root(&root, &copy);
    assert_true(sec_hash_equal(&root, &roots[14]));
}

static void
expect_proof(const struct sec_log_proof *proof, const struct log_proof_vector *vector)
{
    struct sec_hash all;
    assert_int_equal(proof->count, vector->count);
    sec_log_leaf(&all, proof->path, proof->count * sizeof proof->path[0]);
    expect_hash(&all, vector->proof);
}

static void
proofs_equal_those_of_pythons_hashlib(void **state)
{
    (void)state;
    struct sec_log_proof proof;
    for (size_t i = 0; i < sizeof log_inclusions / sizeof log_inclusions[0]; i++) {
        const struct log_proof_vector *vector = &log_inclusions[i];
        sec_log_prove_inclusion(&proof, vector->at, leaves, vector->size);
        expect_proof(&proof, vector);
    }
    for (size_t i = 0; i < sizeof log_consistencies / sizeof log_consistencies[0]; i++) {
        const struct log_proof_vector *vector = &log_consistencies[i];
        sec_log_prove_consistency(&proof, vector->at, leaves, vector->size);
        expect_proof(&proof, vector);
    }
}

/* ---- what the checks take and what they refuse ---- */

static bool
includes(uint64_t size, uint64_t index, uint64_t leaf, const struct sec_log_proof *proof)
{
    return sec_log_check_inclusion(&roots[size], size, index, &leaves[leaf], proof);
}

static bool
grew(uint64_t before, uint64_t size, const struct sec_log_proof *proof)
{
    return sec_log_check_consistency(&roots[before], before, &roots[size], size, proof);
}

static void
every_block_of_every_tree_is_proved_at_its_place_only(void **state)
{
    (void)state;
    struct sec_log_proof proof;
    for (uint64_t size = 1; size <= TREES; size++)
        for (uint64_t index = 0; index < size; index++) {
            sec_log_prove_inclusion(&proof, index, leaves, size);
            assert_true(includes(size, index, index, &proof));
            for (uint64_t wrong = 0; wrong <= size; wrong++)
                if (wrong != index) {
                    assert_false(includes(size, wrong, index, &proof));
                    assert_false(includes(size, index, wrong, &proof));
                }
        }
}

static void
every_growth_is_proved_between_its_sizes_only(void **state)
{
    (void)state;
    struct sec_log_proof proof;
    for (uint64_t size = 0; size <= TREES; size++)
        for (uint64_t before = 0; before <= size; before++) {
            sec_log_prove_consistency(&proof, before, leaves, size);
            assert_true(grew(before, size, &proof));
            for (uint64_t wrong = 0; wrong <= TREES; wrong++) {
                const struct sec_hash *from = &roots[before], *to = &roots[size],
                                      *other = &roots[wrong];
                assert_false(wrong != before &&
                             sec_log_check_consistency(other, before, to, size, &proof));
                assert_false(wrong != size && before != 0 &&
                             sec_log_check_consistency(from, before, other, size, &proof));
            }
        }
}

/* A history that was written anew from block 5 on has no proof from the old root. */
static void
another_history_is_no_growth(void **state)
{
    (void)state;
    struct sec_hash      other[12], root;
    struct sec_log       log;
    struct sec_log_proof proof;
    memcpy(other, leaves, sizeof other);
    sec_log_leaf(&other[5], "rewritten", 9);
    sec_log_init(&log);
    for (size_t i = 0; i < 12; i++)
        sec_log_append_leaf(&log, &other[i]);
    sec_log_root(&root, &log);
    for (uint64_t before = 1; before <= 12; before++) {
        sec_log_prove_consistency(&proof, before, other, 12);
        assert_int_equal(sec_log_check_consistency(&roots[before], before, &root, 12, &proof),
                         before <= 5);
    }
}

static void
flip(struct sec_hash *hash, size_t bit)
{
    hash->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

static void
any_changed_bit_is_refused(void **state)
{
    (void)state;
    struct sec_log_proof in, growth;
    struct sec_hash      root = roots[13], before = roots[6], leaf = leaves[11];
    sec_log_prove_inclusion(&in, 11, leaves, 13);
    sec_log_prove_consistency(&growth, 6, leaves, 13);
    for (size_t bit = 0; bit < 256; bit++) {
        flip(&root, bit);
        assert_false(sec_log_check_inclusion(&root, 13, 11, &leaf, &in));
        assert_false(sec_log_check_consistency(&before, 6, &root, 13, &growth));
        flip(&root, bit);
        flip(&leaf, bit);
        assert_false(sec_log_check_inclusion(&root, 13, 11, &leaf, &in));
        flip(&leaf, bit);
        flip(&before, bit);
        assert_false(sec_log_check_consistency(&before, 6, &root, 13, &growth));
        flip(&before, bit);
        for (uint32_t i = 0; i < in.count; i++) {
            flip(&in.path[i], bit);
            assert_false(sec_log_check_inclusion(&root, 13, 11, &leaf, &in));
            flip(&in.path[i], bit);
        }
        for (uint32_t i = 0; i < growth.count; i++) {
            flip(&growth.path[i], bit);
            assert_false(sec_log_check_consistency(&before, 6, &root, 13, &growth));
            flip(&growth.path[i], bit);
        }
    }
    assert_true(sec_log_check_inclusion(&root, 13, 11, &leaf, &in));
    assert_true(sec_log_check_consistency(&before, 6, &root, 13, &growth));
}

static void
proofs_of_the_wrong_length_are_refused(void **state)
{
    (void)state;
    static const uint32_t wrong[] = {65, UINT32_MAX};
    for (uint64_t at = 1; at <= 17; at++) {
        struct sec_log_proof in = {.count = 0}, growth = {.count = 0};
        sec_log_prove_inclusion(&in, at - 1, leaves, 17);
        sec_log_prove_consistency(&growth, at, leaves, 17);
        uint32_t in_count = in.count, growth_count = growth.count;
        for (uint32_t count = 0; count <= SEC_LOG_PROOF_MAX; count++) {
            in.count = growth.count = count;
            assert_int_equal(includes(17, at - 1, at - 1, &in), count == in_count);
            assert_int_equal(grew(at, 17, &growth), count == growth_count);
        }
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            in.count = growth.count = wrong[i];
            assert_false(includes(17, at - 1, at - 1, &in));
            assert_false(grew(at, 17, &growth));
        }
    }
}

static void
sizes_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct sec_log_proof proof = {.count = 0};
    assert_false(includes(0, 0, 0, &proof)); /* nothing is in an empty log */
    assert_false(sec_log_check_inclusion(&leaves[0], 1, UINT64_MAX, &leaves[0], &proof));
    assert_false(grew(2, 1, &proof));
    /* The empty log has one root, whatever it is said to have become. */
    assert_true(grew(0, 0, &proof));
    assert_true(grew(0, 5, &proof));
    assert_false(sec_log_check_consistency(&roots[1], 0, &roots[5], 5, &proof));
    assert_false(sec_log_check_consistency(&roots[1], 0, &roots[1], 0, &proof));
    proof.count = 1;
    assert_false(grew(0, 5, &proof));
    assert_false(grew(5, 5, &proof));
    /* The largest sizes there are: refused for the root, and nothing runs over. */
    for (proof.count = 0; proof.count <= SEC_LOG_PROOF_MAX + 1; proof.count++) {
        assert_false(
            sec_log_check_inclusion(&roots[5], UINT64_MAX, UINT64_MAX - 1, &leaves[0], &proof));
        assert_false(sec_log_check_inclusion(&roots[5], UINT64_MAX, 0, &leaves[0], &proof));
        assert_false(
            sec_log_check_consistency(&roots[4], UINT64_C(1) << 63, &roots[5], UINT64_MAX, &proof));
        assert_false(sec_log_check_consistency(&roots[4], 1, &roots[5], UINT64_MAX, &proof));
        assert_false(sec_log_check_consistency(&roots[4], 3, &roots[5], UINT64_MAX, &proof));
    }
}

static void
pair(struct sec_hash *out, const struct sec_hash *left, const struct sec_hash *right)
{
    struct sec_log log;
    sec_log_init(&log);
    sec_log_append_leaf(&log, left);
    sec_log_append_leaf(&log, right);
    sec_log_root(out, &log);
}

/* Whoever sends roots may have built their trees wrongly on purpose. */
static void
roots_over_trees_of_another_shape_prove_nothing(void **state)
{
    (void)state;
    struct sec_log_proof proof = {.count = 1, .path = {leaves[0], leaves[1]}};
    struct sec_hash      before, root;
    /* Two blocks, said to be one. */
    assert_false(sec_log_check_inclusion(&roots[2], 1, 0, &leaves[1], &proof));
    /* Three blocks that became two. */
    proof.count = 2;
    assert_false(sec_log_check_consistency(&leaves[0], 3, &roots[2], 2, &proof));
    /* Four that grew from three, both with one hash more above them. */
    sec_log_prove_consistency(&proof, 3, leaves, 4);
    assert_true(grew(3, 4, &proof));
    pair(&before, &leaves[9], &roots[3]);
    pair(&root, &leaves[9], &roots[4]);
    proof.path[proof.count++] = leaves[9];
    assert_false(sec_log_check_consistency(&before, 3, &root, 4, &proof));
}

/* Two leaves as one block with the bytes of a node: the prefixes differ. */
static void
inner_node_is_never_a_block(void **state)
{
    (void)state;
    struct sec_hash leaf;
    sec_log_leaf(&leaf, leaves, 2 * sizeof leaves[0]);
    assert_false(sec_hash_equal(&leaf, &roots[2]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_of_the_reference_trees),
        cmocka_unit_test(roots_equal_those_of_pythons_hashlib),
        cmocka_unit_test(peaks_are_the_trees_of_the_binary_digits_of_the_size),
        cmocka_unit_test(proofs_equal_those_of_pythons_hashlib),
        cmocka_unit_test(every_block_of_every_tree_is_proved_at_its_place_only),
        cmocka_unit_test(every_growth_is_proved_between_its_sizes_only),
        cmocka_unit_test(another_history_is_no_growth),
        cmocka_unit_test(any_changed_bit_is_refused),
        cmocka_unit_test(proofs_of_the_wrong_length_are_refused),
        cmocka_unit_test(sizes_that_cannot_be_are_refused),
        cmocka_unit_test(roots_over_trees_of_another_shape_prove_nothing),
        cmocka_unit_test(inner_node_is_never_a_block),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
