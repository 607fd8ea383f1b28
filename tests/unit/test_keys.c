#include "crypto/keys.h"

#include "support/expect.h"
#include "vectors/keys.h"

#include <stdio.h>
#include <stdlib.h>

static void
make_pair(struct sec_sign_public *public_key, struct sec_sign_secret *secret, uint8_t first)
{
    uint8_t seed[32];
    for (size_t k = 0; k < sizeof seed; k++)
        seed[k] = (uint8_t)(first + k);
    sec_sign_from_seed(public_key, secret, seed);
}

static void
expect_hex(const uint8_t *bytes, size_t size, const char *expected)
{
    char text[2 * 64 + 1];
    assert_true(size <= 64);
    pn_hex_encode(text, bytes, size);
    assert_string_equal(text, expected);
}

static void
signatures_equal_those_of_pynacl(void **state)
{
    (void)state;
    uint8_t message[SEC_SIGNED_MAX];
    for (size_t k = 0; k < sizeof message; k++)
        message[k] = (uint8_t)(k * 7);
    for (size_t i = 0; i < sizeof sign_vectors / sizeof sign_vectors[0]; i++) {
        struct sec_sign_public public_key, derived;
        struct sec_sign_secret secret;
        struct sec_signature   signature;
        size_t                 size = sign_vectors[i].size;
        make_pair(&public_key, &secret, sign_vectors[i].first);
        expect_hex(public_key.bytes, 32, sign_vectors[i].public_key);
        sec_sign_public_of(&derived, &secret);
        assert_memory_equal(&derived, &public_key, sizeof derived);
        sec_sign(&signature, sign_vectors[i].domain, message, size, &secret);
        expect_hex(signature.bytes, 64, sign_vectors[i].signature);
        assert_true(sec_verify(&signature, sign_vectors[i].domain, message, size, &public_key));
    }
}

static void
signature_is_refused_when_one_bit_of_anything_changes(void **state)
{
    (void)state;
    struct sec_sign_public public_key, other_key;
    struct sec_sign_secret secret;
    struct sec_signature   signature, other;
    uint8_t                message[40] = "a message";
    make_pair(&public_key, &secret, 3);
    sec_sign(&signature, "frame", message, sizeof message, &secret);
    for (size_t bit = 0; bit < 512; bit++) {
        other = signature;
        other.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(sec_verify(&other, "frame", message, sizeof message, &public_key));
    }
    for (size_t bit = 0; bit < 8 * sizeof message; bit++) {
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(sec_verify(&signature, "frame", message, sizeof message, &public_key));
        message[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < 256; bit++) {
        other_key = public_key;
        other_key.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(sec_verify(&signature, "frame", message, sizeof message, &other_key));
    }
    assert_false(sec_verify(&signature, "block", message, sizeof message, &public_key));
    assert_false(sec_verify(&signature, "frame", message, sizeof message - 1, &public_key));
    assert_true(sec_verify(&signature, "frame", message, sizeof message, &public_key));
}

static void
signature_by_the_key_that_anybody_can_forge_for_is_refused(void **state)
{
    (void)state;
    /* The neutral element as key and as R, S = 0: holds for every message if orders are not
     * checked. */
    struct sec_sign_public public_key = {{1}};
    struct sec_signature   signature  = {{1}};
    assert_false(sec_verify(&signature, "frame", "x", 1, &public_key));
}

static void
too_long_a_message_has_no_valid_signature(void **state)
{
    (void)state;
    struct sec_sign_public public_key;
    struct sec_sign_secret secret;
    struct sec_signature   signature;
    static const uint8_t   message[SEC_SIGNED_MAX + 1];
    make_pair(&public_key, &secret, 3);
    sec_sign(&signature, "frame", message, SEC_SIGNED_MAX, &secret);
    assert_true(sec_verify(&signature, "frame", message, SEC_SIGNED_MAX, &public_key));
    assert_false(sec_verify(&signature, "frame", message, SEC_SIGNED_MAX + 1, &public_key));
}

static void
new_keys_differ_and_belong_together(void **state)
{
    (void)state;
    struct sec_sign_public      a, b, derived;
    struct sec_sign_secret      a_secret, b_secret;
    struct sec_transport_public t, t_derived;
    struct sec_transport_secret t_secret;
    sec_sign_new(&a, &a_secret);
    sec_sign_new(&b, &b_secret);
    assert_memory_not_equal(&a, &b, sizeof a);
    sec_sign_public_of(&derived, &a_secret);
    assert_memory_equal(&derived, &a, sizeof a);
    sec_transport_new(&t, &t_secret);
    sec_transport_public_of(&t_derived, &t_secret);
    assert_memory_equal(&t, &t_derived, sizeof t);

    static const struct sec_sign_secret      zero;
    static const struct sec_transport_secret t_zero;
    sec_sign_wipe(&a_secret);
    sec_transport_wipe(&t_secret);
    assert_memory_equal(&a_secret, &zero, sizeof zero);
    assert_memory_equal(&t_secret, &t_zero, sizeof t_zero);
}

static void
fingerprint_is_that_of_openssh(void **state)
{
    (void)state;
    uint8_t key[32];
    char    text[SEC_FINGERPRINT_SIZE];
    memset(key, 0x11, sizeof key);
    sec_fingerprint(text, key, sizeof key);
    assert_string_equal(text, fingerprint_of_11);
}

static struct sec_certificate
make_certificate(void)
{
    struct sec_certificate certificate = {
        .name = "bank-a", .serial = 7, .not_before = 1700000000, .not_after = 1800000000};
    memset(certificate.node.bytes, 0x11, 32);
    memset(certificate.transport.bytes, 0x22, 32);
    return certificate;
}

static void
certificate_has_the_signature_that_pynacl_makes(void **state)
{
    (void)state;
    struct sec_sign_public root;
    struct sec_sign_secret secret;
    struct sec_certificate certificate = make_certificate();
    make_pair(&root, &secret, 9);
    /* What stands behind the name's end is no part of it. */
    memset(certificate.name + 7, 'x', sizeof certificate.name - 8);
    sec_certificate_sign(&certificate, &secret);
    expect_hex(certificate.signature.bytes, 64, certificate_signature);
    assert_true(sec_certificate_check(&certificate, &root));
}

static void
certificate_is_refused_when_any_field_changes(void **state)
{
    (void)state;
    struct sec_sign_public root, other_root;
    struct sec_sign_secret secret, other_secret;
    struct sec_certificate certificate = make_certificate(), changed;
    make_pair(&root, &secret, 9);
    make_pair(&other_root, &other_secret, 10);
    sec_certificate_sign(&certificate, &secret);
    assert_false(sec_certificate_check(&certificate, &other_root));
#define REFUSED_WITH(change)                                                                       \
    do {                                                                                           \
        changed = certificate;                                                                     \
        changed.change;                                                                            \
        assert_false(sec_certificate_check(&changed, &root));                                      \
    } while (0)
    REFUSED_WITH(name[5] = 'b');
    REFUSED_WITH(name[6] = 'b');
    REFUSED_WITH(serial = 8);
    REFUSED_WITH(not_before++);
    REFUSED_WITH(not_after++);
    REFUSED_WITH(node.bytes[31] ^= 0x80);
    REFUSED_WITH(transport.bytes[0] ^= 1);
    REFUSED_WITH(signature.bytes[63] ^= 1);
#undef REFUSED_WITH
    /* Signed, and yet not a certificate. */
    changed           = certificate;
    changed.not_after = changed.not_before;
    sec_certificate_sign(&changed, &secret);
    assert_false(sec_certificate_check(&changed, &root));
    changed = certificate;
    snprintf(changed.name, sizeof changed.name, "Bank A");
    sec_certificate_sign(&changed, &secret);
    assert_false(sec_certificate_check(&changed, &root));
    memset(changed.name, 'a', sizeof changed.name);
    sec_certificate_sign(&changed, &secret);
    assert_false(sec_certificate_check(&changed, &root));
}

static void
names_are_short_and_plain(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "hub", "bank-a", "x9-",
                                       "abcdefghijklmnopqrstuvwxyz01234"};
    static const char *const bad[]  = {"",
                                       "-a",
                                       "9a",
                                       "A",
                                       "bank_a",
                                       "bank a",
                                       "bank/a",
                                       "..",
                                       "a.b",
                                       "\xc3\xa4",
                                       "abcdefghijklmnopqrstuvwxyz012345"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(sec_name_is_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(sec_name_is_valid(bad[i]));
}

/* ---- key files ---- */

static void
key_files_equal_those_of_pynacl_and_are_read_back(void **state)
{
    (void)state;
    struct sec_sign_public      public_key, read;
    struct sec_sign_secret      secret, read_secret;
    struct sec_transport_public t, t_read;
    struct sec_transport_secret t_secret, t_read_secret;
    struct pn_error             why;
    struct pn_buffer            text;
    make_pair(&public_key, &secret, 40);
    memcpy(t_secret.bytes, secret.bytes, 32);
    sec_transport_public_of(&t, &t_secret);

    pn_buffer_init(&text, SEC_KEY_FILE_MAX);
    EXPECT_OK(sec_key_encode(&text, "node", &public_key, &secret, sizeof secret, NULL));
    assert_int_equal(text.size, strlen(node_key_file));
    assert_memory_equal(text.bytes, node_key_file, text.size);
    EXPECT_OK(sec_key_decode(&read, &read_secret, sizeof read_secret, "node", node_key_file,
                             strlen(node_key_file), NULL, &why));
    assert_memory_equal(&read, &public_key, sizeof read);
    assert_memory_equal(&read_secret, &secret, sizeof secret);

    pn_buffer_clear(&text);
    EXPECT_OK(sec_key_encode(&text, "transport", &t, &t_secret, sizeof t_secret, NULL));
    assert_int_equal(text.size, strlen(transport_key_file));
    assert_memory_equal(text.bytes, transport_key_file, text.size);
    EXPECT_OK(sec_key_decode(&t_read, &t_read_secret, sizeof t_read_secret, "transport",
                             transport_key_file, strlen(transport_key_file), NULL, &why));
    assert_memory_equal(&t_read, &t, sizeof t);
    assert_memory_equal(&t_read_secret, &t_secret, sizeof t_secret);
    pn_buffer_fini(&text);
}

static void
sealed_key_opens_with_its_passphrase_only(void **state)
{
    (void)state;
    struct sec_sign_public public_key, read;
    struct sec_sign_secret secret, read_secret, before;
    struct pn_error        why;
    const size_t           len = strlen(sealed_key_file);
    make_pair(&public_key, &secret, 40);
    EXPECT_OK(sec_key_decode(&read, &read_secret, sizeof read_secret, "root", sealed_key_file, len,
                             "correct horse", &why));
    assert_memory_equal(&read_secret, &secret, sizeof secret);

    memset(&before, 0x5a, sizeof before);
    memset(&read_secret, 0x5a, sizeof read_secret);
    EXPECT_STATUS(PN_EAUTH, sec_key_decode(&read, &read_secret, sizeof read_secret, "root",
                                           sealed_key_file, len, "correct horsf", &why));
    EXPECT_SAYS(&why, "passphrase is wrong");
    EXPECT_STATUS(PN_EAUTH, sec_key_decode(&read, &read_secret, sizeof read_secret, "root",
                                           sealed_key_file, len, NULL, &why));
    EXPECT_SAYS(&why, "passphrase is needed");
    assert_memory_equal(&read_secret, &before, sizeof before);
}

static void
sealed_key_hides_the_secret_and_is_never_the_same_twice(void **state)
{
    (void)state;
    struct sec_sign_public public_key, read;
    struct sec_sign_secret secret, read_secret;
    struct pn_error        why;
    struct pn_buffer       plain, one, two;
    pn_buffer_init(&plain, SEC_KEY_FILE_MAX);
    pn_buffer_init(&one, SEC_KEY_FILE_MAX);
    pn_buffer_init(&two, SEC_KEY_FILE_MAX);
    sec_sign_new(&public_key, &secret);
    EXPECT_OK(sec_key_encode(&plain, "root", &public_key, &secret, sizeof secret, NULL));
    EXPECT_OK(sec_key_encode(&one, "root", &public_key, &secret, sizeof secret, ""));
    EXPECT_OK(sec_key_encode(&two, "root", &public_key, &secret, sizeof secret, ""));
    assert_int_equal(one.size, two.size);
    assert_memory_not_equal(one.bytes, two.bytes, one.size);
    const char *shown     = strstr((const char *)plain.bytes, "\nsecret ") + 8;
    char        start[17] = "";
    memcpy(start, shown, 16);
    assert_null(strstr((const char *)one.bytes, start));
    EXPECT_OK(sec_key_decode(&read, &read_secret, sizeof read_secret, "root",
                             (const char *)one.bytes, one.size, "", &why));
    assert_memory_equal(&read_secret, &secret, sizeof secret);
    pn_buffer_fini(&plain);
    pn_buffer_fini(&one);
    pn_buffer_fini(&two);
}

static void
key_file_of_another_kind_is_named(void **state)
{
    (void)state;
    struct sec_sign_public public_key;
    struct sec_sign_secret secret;
    struct pn_error        why;
    EXPECT_STATUS(PN_ECONFIG, sec_key_decode(&public_key, &secret, sizeof secret, "root",
                                             node_key_file, strlen(node_key_file), NULL, &why));
    EXPECT_SAYS(&why, "expected a root key, seen a node key");
    EXPECT_STATUS(PN_ECONFIG,
                  sec_key_decode(&public_key, &secret, sizeof secret, "root", transport_key_file,
                                 strlen(transport_key_file), NULL, &why));
    EXPECT_SAYS(&why, "seen a transport key");
}

static void
damaged_key_file_is_refused_wherever_the_damage_is(void **state)
{
    (void)state;
    struct sec_sign_public public_key, other;
    struct sec_sign_secret secret, other_secret;
    struct pn_error        why;
    char                   text[SEC_KEY_FILE_MAX + 2];
    const size_t           len = strlen(node_key_file);
    /* Cut anywhere. */
    for (size_t cut = 0; cut < len; cut++)
        EXPECT_STATUS(PN_ECONFIG, sec_key_decode(&public_key, &secret, sizeof secret, "node",
                                                 node_key_file, cut, NULL, &why));
    /* Any bit. */
    for (size_t bit = 0; bit < 8 * len; bit++) {
        memcpy(text, node_key_file, len);
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        EXPECT_STATUS(PN_ECONFIG, sec_key_decode(&public_key, &secret, sizeof secret, "node", text,
                                                 len, NULL, &why));
    }
    /* Something behind. */
    snprintf(text, sizeof text, "%s\n", node_key_file);
    EXPECT_STATUS(PN_ECONFIG, sec_key_decode(&public_key, &secret, sizeof secret, "node", text,
                                             len + 1, NULL, &why));
    memset(text, 'a', sizeof text);
    EXPECT_STATUS(PN_ECONFIG, sec_key_decode(&public_key, &secret, sizeof secret, "node", text,
                                             sizeof text, NULL, &why));
    /* The secret of somebody else under this public key. */
    struct pn_buffer mixed;
    pn_buffer_init(&mixed, SEC_KEY_FILE_MAX);
    make_pair(&public_key, &secret, 1);
    make_pair(&other, &other_secret, 2);
    EXPECT_OK(sec_key_encode(&mixed, "node", &public_key, &other_secret, sizeof secret, NULL));
    EXPECT_STATUS(PN_ECONFIG, sec_key_decode(&public_key, &secret, sizeof secret, "node",
                                             (const char *)mixed.bytes, mixed.size, NULL, &why));
    EXPECT_SAYS(&why, "do not belong together");
    pn_buffer_fini(&mixed);
}

static int
start(void **state)
{
    (void)state;
    return sec_init() == PN_OK ? 0 : 1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_equal_those_of_pynacl),
        cmocka_unit_test(signature_is_refused_when_one_bit_of_anything_changes),
        cmocka_unit_test(signature_by_the_key_that_anybody_can_forge_for_is_refused),
        cmocka_unit_test(too_long_a_message_has_no_valid_signature),
        cmocka_unit_test(new_keys_differ_and_belong_together),
        cmocka_unit_test(fingerprint_is_that_of_openssh),
        cmocka_unit_test(certificate_has_the_signature_that_pynacl_makes),
        cmocka_unit_test(certificate_is_refused_when_any_field_changes),
        cmocka_unit_test(names_are_short_and_plain),
        cmocka_unit_test(key_files_equal_those_of_pynacl_and_are_read_back),
        cmocka_unit_test(sealed_key_opens_with_its_passphrase_only),
        cmocka_unit_test(sealed_key_hides_the_secret_and_is_never_the_same_twice),
        cmocka_unit_test(key_file_of_another_kind_is_named),
        cmocka_unit_test(damaged_key_file_is_refused_wherever_the_damage_is),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
