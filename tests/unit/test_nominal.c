#include "crypto/nominal.h"
#include "crypto/seal.h"

#include "crypto/merkle.h"
#include "support/expect.h"

#include <string.h>

static const uint8_t message[] = "what is said";

static void
make_pair(struct sec_sign_public *public_key, struct sec_sign_secret *secret, uint8_t first)
{
    uint8_t seed[32];
    for (size_t k = 0; k < sizeof seed; k++)
        seed[k] = (uint8_t)(first + k);
    sec_sign_from_seed(public_key, secret, seed);
}

static int
with_nominal(void **state)
{
    (void)state;
    sec_suite_use(&sec_suite_nominal);
    return 0;
}

static int
with_real(void **state)
{
    (void)state;
    sec_suite_use(&sec_suite_real);
    return 0;
}

static void
a_tag_holds_for_its_key_domain_and_message_only(void **state)
{
    (void)state;
    struct sec_sign_public own, other;
    struct sec_sign_secret secret, unused;
    struct sec_signature   signature;
    make_pair(&own, &secret, 1);
    make_pair(&other, &unused, 2);
    sec_sign(&signature, "block", message, sizeof message, &secret);
    assert_true(sec_verify(&signature, "block", message, sizeof message, &own));
    assert_false(sec_verify(&signature, "block", message, sizeof message, &other));
    assert_false(sec_verify(&signature, "witness", message, sizeof message, &own));
    assert_false(sec_verify(&signature, "block", message, sizeof message - 1, &own));
    for (size_t bit = 0; bit < 8 * sizeof signature.bytes; bit++) {
        struct sec_signature bent = signature;
        bent.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(sec_verify(&bent, "block", message, sizeof message, &own));
    }
}

/* What a daemon, which has the real suite only, makes of it. */
static void
a_nominal_signature_is_none(void **state)
{
    (void)state;
    struct sec_sign_public key, real_key;
    struct sec_sign_secret secret, real_secret;
    struct sec_signature   signature;
    make_pair(&key, &secret, 1);
    sec_sign(&signature, "block", message, sizeof message, &secret);
    assert_true(sec_signature_is_nominal(&signature));

    sec_suite_use(&sec_suite_real);
    make_pair(&real_key, &real_secret, 1);
    assert_false(sec_verify(&signature, "block", message, sizeof message, &key));
    assert_false(sec_verify(&signature, "block", message, sizeof message, &real_key));
    sec_sign(&signature, "block", message, sizeof message, &real_secret);
    assert_false(sec_signature_is_nominal(&signature));

    sec_suite_use(&sec_suite_nominal);
    assert_false(sec_verify(&signature, "block", message, sizeof message, &real_key));
}

/* So a roster of a real federation cannot hold a nominal key: fed_roster_parse checks this. */
static void
a_certificate_of_a_nominal_key_is_refused_by_the_real_suite(void **state)
{
    (void)state;
    struct sec_sign_public root;
    struct sec_sign_secret secret, unused;
    struct sec_certificate certificate = {
        .name = "bank-a", .serial = 1, .not_before = 1, .not_after = 2};
    make_pair(&root, &secret, 1);
    make_pair(&certificate.node, &unused, 2);
    sec_certificate_sign(&certificate, &secret);
    assert_true(sec_certificate_check(&certificate, &root));
    sec_suite_use(&sec_suite_real);
    assert_false(sec_certificate_check(&certificate, &root));
}

static void
hashes_differ_where_bytes_size_or_domain_do(void **state)
{
    (void)state;
    static uint8_t  bytes[700];
    struct sec_hash one, other, parts;
    for (size_t size = 0; size < sizeof bytes; size++) {
        struct sec_hasher hasher;
        sec_hash_of(&one, "a", bytes, size);
        sec_hash_of(&other, "b", bytes, size);
        assert_false(sec_hash_equal(&one, &other));
        sec_hash_of(&other, "a", bytes, size + (size + 1 < sizeof bytes));
        assert_true(size + 1 == sizeof bytes || !sec_hash_equal(&one, &other));
        sec_hash_begin(&hasher, "a");
        sec_hash_add(&hasher, bytes, size / 3);
        sec_hash_add(&hasher, bytes + size / 3, size - size / 3);
        sec_hash_end(&parts, &hasher);
        assert_true(sec_hash_equal(&one, &parts));
        if (size == 0)
            continue;
        bytes[size / 2] ^= 0x10;
        sec_hash_of(&other, "a", bytes, size);
        assert_false(sec_hash_equal(&one, &other));
        bytes[size / 2] = (uint8_t)(size * 37);
    }
}

static void
a_blob_is_checked_chunk_by_chunk(void **state)
{
    (void)state;
    static uint8_t   bytes[SEC_CHUNK_SIZE + 1000];
    struct sec_hash  leaves[2];
    struct sec_blob  blob;
    struct sec_proof proof;
    memset(bytes, 7, sizeof bytes);
    sec_merkle_of(&blob, leaves, bytes, sizeof bytes);
    sec_merkle_prove(&proof, 1, leaves, 2);
    assert_true(sec_merkle_check(&blob, 1, bytes + SEC_CHUNK_SIZE, 1000, &proof));
    bytes[SEC_CHUNK_SIZE + 999] ^= 1;
    assert_false(sec_merkle_check(&blob, 1, bytes + SEC_CHUNK_SIZE, 1000, &proof));
}

/* Only its key and its nonce are hashed otherwise. */
static void
what_two_members_seal_opens_for_them_and_for_nobody_else(void **state)
{
    struct sec_transport_secret secrets[3];
    struct sec_transport_public keys[3];
    struct sec_seal_key         here, there, other;
    uint8_t                     bytes[50] = {1}, sealed[50 + SEC_SEAL_EXTRA], out[50];
    const struct sec_about      about     = {(const uint8_t *)"about", 5};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        memset(secrets[i].bytes, (int)i + 1, sizeof secrets[i].bytes);
        sec_transport_public_of(&keys[i], &secrets[i]);
    }
    assert_true(
        sec_seal_agree(&here, &(struct sec_seal_ends){.own = &secrets[0], .theirs = &keys[1]}));
    assert_true(
        sec_seal_agree(&there, &(struct sec_seal_ends){.own = &secrets[1], .theirs = &keys[0]}));
    assert_true(
        sec_seal_agree(&other, &(struct sec_seal_ends){.own = &secrets[2], .theirs = &keys[0]}));
    sec_seal(sealed, &here, &about, bytes, sizeof bytes);
    assert_true(sec_seal_open(out, &there, &about, sealed, sizeof sealed));
    assert_memory_equal(out, bytes, sizeof bytes);
    assert_false(sec_seal_open(out, &other, &about, sealed, sizeof sealed));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define NOMINAL(test) cmocka_unit_test_setup_teardown(test, with_nominal, with_real)
        NOMINAL(a_tag_holds_for_its_key_domain_and_message_only),
        NOMINAL(a_nominal_signature_is_none),
        NOMINAL(a_certificate_of_a_nominal_key_is_refused_by_the_real_suite),
        NOMINAL(hashes_differ_where_bytes_size_or_domain_do),
        NOMINAL(a_blob_is_checked_chunk_by_chunk),
        NOMINAL(what_two_members_seal_opens_for_them_and_for_nobody_else),
    };
    if (sec_init() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
