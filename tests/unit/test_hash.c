#include "crypto/hash.h"

#include "support/expect.h"
#include "vectors/merkle.h"

#include <stdlib.h>

static void
hash_of_a_domain_equals_that_of_pythons_hashlib(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hash_vectors / sizeof hash_vectors[0]; i++) {
        struct sec_hash hash;
        char            text[SEC_HEX_SIZE];
        sec_hash_of(&hash, hash_vectors[i].domain, hash_vectors[i].text,
                    strlen(hash_vectors[i].text));
        sec_hash_text(text, &hash);
        assert_string_equal(text, hash_vectors[i].hash);
    }
}

static void
hash_in_pieces_equals_the_hash_of_the_whole(void **state)
{
    (void)state;
    uint8_t bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    struct sec_hash whole;
    sec_hash_of(&whole, "body", bytes, sizeof bytes);
    for (size_t step = 1; step < 300; step += 37) {
        struct sec_hasher hasher;
        struct sec_hash   pieces;
        sec_hash_begin(&hasher, "body");
        for (size_t at = 0; at < sizeof bytes; at += step)
            sec_hash_add(&hasher, bytes + at, sizeof bytes - at < step ? sizeof bytes - at : step);
        sec_hash_add(&hasher, NULL, 0);
        sec_hash_end(&pieces, &hasher);
        assert_true(sec_hash_equal(&whole, &pieces));
    }
}

static void
hash_of_the_same_bytes_differs_between_domains(void **state)
{
    (void)state;
    struct sec_hash a, b;
    sec_hash_of(&a, "body", "xyz", 3);
    sec_hash_of(&b, "frame", "xyz", 3);
    assert_false(sec_hash_equal(&a, &b));
    /* The end of the domain is marked: it cannot run into the bytes. */
    sec_hash_of(&b, "bodyx", "yz", 2);
    assert_false(sec_hash_equal(&a, &b));
}

static void
comparison_sees_every_single_bit(void **state)
{
    (void)state;
    struct sec_hash a, b;
    sec_hash_of(&a, "body", "abc", 3);
    assert_true(sec_equal(&a, &a, 0));
    for (size_t bit = 0; bit < 256; bit++) {
        b = a;
        b.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(sec_hash_equal(&a, &b));
        assert_false(sec_equal(&a, &b, sizeof a));
        struct sec_hash zero = {{0}};
        assert_true(sec_hash_is_zero(&zero));
        zero.bytes[bit / 8] = (uint8_t)(1u << bit % 8);
        assert_false(sec_hash_is_zero(&zero));
    }
}

static void
base64_gives_back_the_bytes_and_has_the_padding_of_rfc_4648(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"}; /* RFC 4648, section 10 */
    for (size_t size = 0; size < 7; size++) {
        char    text[16];
        uint8_t back[8] = {0};
        assert_int_equal(sec_base64_size(size), strlen(texts[size]) + 1);
        sec_base64_encode(text, (const uint8_t *)"foobar", size);
        assert_string_equal(text, texts[size]);
        assert_true(sec_base64_decode(back, size, text));
        assert_memory_equal(back, "foobar", size);
    }
}

static void
base64_refuses_another_size_and_any_other_spelling(void **state)
{
    (void)state;
    uint8_t out[64];
    assert_false(sec_base64_decode(out, 5, "Zm9vYmFy"));
    assert_false(sec_base64_decode(out, 7, "Zm9vYmFy"));
    assert_false(sec_base64_decode(out, 4, "Zm9vYg"));    /* no padding              */
    assert_false(sec_base64_decode(out, 4, "Zm9vYh=="));  /* bits beyond the bytes   */
    assert_false(sec_base64_decode(out, 6, "Zm9v\nYmF")); /* a line break            */
    assert_false(sec_base64_decode(out, 6, " Zm9vYmFy"));
    assert_false(sec_base64_decode(out, 6, "Zm9vYm-_")); /* the alphabet of URLs    */
    assert_false(sec_base64_decode(out, 6, "Zm9vYmFy===="));
    assert_true(sec_base64_decode(out, 3, "////"));
    assert_false(sec_base64_decode(out, 3, "///\xaf")); /* libsodium 1.0.18 alone would */
}

static void
random_bytes_differ_and_wiped_bytes_are_zero(void **state)
{
    (void)state;
    uint8_t a[32], b[32], zero[32] = {0};
    sec_random(a, sizeof a);
    sec_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    sec_wipe(a, sizeof a);
    assert_memory_equal(a, zero, sizeof a);
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
        cmocka_unit_test(hash_of_a_domain_equals_that_of_pythons_hashlib),
        cmocka_unit_test(hash_in_pieces_equals_the_hash_of_the_whole),
        cmocka_unit_test(hash_of_the_same_bytes_differs_between_domains),
        cmocka_unit_test(comparison_sees_every_single_bit),
        cmocka_unit_test(base64_gives_back_the_bytes_and_has_the_padding_of_rfc_4648),
        cmocka_unit_test(base64_refuses_another_size_and_any_other_spelling),
        cmocka_unit_test(random_bytes_differ_and_wiped_bytes_are_zero),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
