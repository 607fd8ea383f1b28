#include "crypto/seal.h"
#include "support/expect.h"
#include "vectors/seal.h"

#include <string.h>

enum {
    VECTORS   = sizeof seal_vectors / sizeof seal_vectors[0],
    BYTES_MAX = 512
};

struct pair {
    struct sec_transport_secret secret;
    struct sec_transport_public public_key;
};

static struct pair
pair_of(uint8_t first)
{
    struct pair pair;
    for (size_t i = 0; i < 32; i++)
        pair.secret.bytes[i] = (uint8_t)(first + i);
    sec_transport_public_of(&pair.public_key, &pair.secret);
    return pair;
}

/* Session 0: none, the key of a greeting. */
static struct sec_seal_key
agree(uint8_t own, uint8_t theirs, uint8_t own_session, uint8_t their_session)
{
    struct pair a = pair_of(own), b = pair_of(theirs), c = pair_of(own_session),
                d = pair_of(their_session);
    struct sec_seal_key key;
    assert_true(sec_seal_agree(
        &key, &(struct sec_seal_ends){.own           = &a.secret,
                                      .theirs        = &b.public_key,
                                      .own_session   = own_session != 0 ? &c.secret : NULL,
                                      .their_session = own_session != 0 ? &d.public_key : NULL}));
    return key;
}

static void
fill(uint8_t *message, uint8_t *about)
{
    for (size_t i = 0; i < BYTES_MAX; i++) {
        message[i] = (uint8_t)(7 * i);
        about[i]   = (uint8_t)i;
    }
}

static void
keys_and_sealed_bytes_are_those_of_pynacl(void **state)
{
    uint8_t message[BYTES_MAX], about[BYTES_MAX], expected[BYTES_MAX], sealed[BYTES_MAX],
        opened[BYTES_MAX];
    (void)state;
    fill(message, about);
    for (size_t i = 0; i < VECTORS; i++) {
        size_t                 size = seal_vectors[i].size, with = size + SEC_SEAL_EXTRA;
        const struct sec_about clear = {about, seal_vectors[i].about_size};
        const uint8_t         *ends  = seal_vectors[i].ends;
        struct sec_seal_key    key   = agree(ends[0], ends[1], ends[2], ends[3]);
        assert_true(pn_hex_decode(expected, 32, seal_vectors[i].key));
        assert_memory_equal(key.bytes, expected, 32);
        assert_int_equal(strlen(seal_vectors[i].sealed), 2 * with);
        assert_true(pn_hex_decode(expected, with, seal_vectors[i].sealed));
        sec_seal(sealed, &key, &clear, message, size);
        assert_memory_equal(sealed, expected, with);
        assert_true(sec_seal_open(opened, &key, &clear, sealed, with));
        assert_memory_equal(opened, message, size);
    }
}

static void
both_ends_agree_and_a_session_has_another_key_than_a_greeting(void **state)
{
    (void)state;
    struct sec_seal_key here = agree(1, 2, 3, 4), there = agree(2, 1, 4, 3);
    struct sec_seal_key greeting = agree(1, 2, 0, 0), later = agree(1, 2, 5, 4);
    assert_memory_equal(here.bytes, there.bytes, 32);
    assert_memory_not_equal(here.bytes, greeting.bytes, 32);
    assert_memory_not_equal(here.bytes, later.bytes, 32);
}

static void
one_other_bit_anywhere_is_refused(void **state)
{
    uint8_t                message[BYTES_MAX], about[BYTES_MAX], sealed[BYTES_MAX], out[BYTES_MAX];
    struct sec_seal_key    key   = agree(1, 2, 3, 4);
    const size_t           size  = 20 + SEC_SEAL_EXTRA;
    const struct sec_about clear = {about, 12};
    (void)state;
    fill(message, about);
    sec_seal(sealed, &key, &clear, message, 20);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(sec_seal_open(out, &key, &clear, sealed, size));
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t i = 0; i < clear.size; i++) {
        about[i] ^= 1;
        assert_false(sec_seal_open(out, &key, &clear, sealed, size));
        about[i] ^= 1;
    }
    for (size_t shorter = 0; shorter < size; shorter++)
        assert_false(sec_seal_open(out, &key, &clear, sealed, shorter));
    struct sec_seal_key other = agree(1, 2, 3, 5);
    assert_false(sec_seal_open(out, &other, &clear, sealed, size));
    assert_true(sec_seal_open(out, &key, &clear, sealed, size));
}

/* Points of small order: the shared secret would be the same for everybody. */
static void
keys_that_give_everybody_the_same_secret_are_refused(void **state)
{
    struct pair                 a = pair_of(1), b = pair_of(2);
    struct sec_transport_public zero = {{0}}, one = {{1}};
    struct sec_seal_key         key;
    (void)state;
    assert_false(sec_seal_agree(&key, &(struct sec_seal_ends){.own = &a.secret, .theirs = &zero}));
    assert_false(sec_seal_agree(&key, &(struct sec_seal_ends){.own = &a.secret, .theirs = &one}));
    assert_false(sec_seal_agree(&key, &(struct sec_seal_ends){.own           = &a.secret,
                                                              .own_session   = &a.secret,
                                                              .theirs        = &b.public_key,
                                                              .their_session = &zero}));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_sealed_bytes_are_those_of_pynacl),
        cmocka_unit_test(both_ends_agree_and_a_session_has_another_key_than_a_greeting),
        cmocka_unit_test(one_other_bit_anywhere_is_refused),
        cmocka_unit_test(keys_that_give_everybody_the_same_secret_are_refused),
    };
    if (sec_init() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
