/* Linked with --wrap for sec_verify: whether a signature was checked, or known. */
#include "crypto/seen.h"
#include "support/expect.h"

#include <string.h>

enum {
    SIZE = 100
};

struct statement {
    struct sec_signature   signature;
    struct sec_sign_public key;
    const char            *domain;
    uint8_t                bytes[SIZE];
    size_t                 size;
};

static struct statement
make(uint8_t number)
{
    struct statement       made     = {.domain = "vote", .size = SIZE};
    uint8_t                seed[32] = {number};
    struct sec_sign_secret secret;
    memset(made.bytes, number, SIZE);
    sec_sign_from_seed(&made.key, &secret, seed);
    sec_sign(&made.signature, made.domain, made.bytes, SIZE, &secret);
    return made;
}

static bool
again(const struct statement *of)
{
    return sec_verify_again(&of->signature, of->domain, of->bytes, of->size, &of->key);
}

static size_t checked;
bool __real_sec_verify(const struct sec_signature *signature, const char *domain, const void *bytes,
                       size_t size, const struct sec_sign_public *key);
bool __wrap_sec_verify(const struct sec_signature *signature, const char *domain, const void *bytes,
                       size_t size, const struct sec_sign_public *key);

bool
__wrap_sec_verify(const struct sec_signature *signature, const char *domain, const void *bytes,
                  size_t size, const struct sec_sign_public *key)
{
    checked++;
    return __real_sec_verify(signature, domain, bytes, size, key);
}

static void
a_good_one_is_checked_once_and_a_bad_one_each_time(void **state)
{
    (void)state;
    struct statement good = make(250), bad = make(251);
    bad.bytes[0] ^= 1;
    checked = 0;
    for (int turn = 0; turn < 3; turn++)
        assert_true(again(&good));
    assert_int_equal(checked, 1);
    for (int turn = 0; turn < 3; turn++)
        assert_false(again(&bad));
    assert_int_equal(checked, 4);
}

/* Also where two share a place, which a few of so many do. */
static void
good_ones_stay_good(void **state)
{
    (void)state;
    enum {
        COUNT = 200,
        TURNS = 3
    };
    checked = 0;
    for (int turn = 0; turn < TURNS; turn++)
        for (uint8_t i = 0; i < COUNT; i++) {
            struct statement good = make(i);
            assert_true(again(&good));
        }
    assert_in_range(checked, COUNT, 2 * COUNT);
}

/* Whatever else is known: one bit less of any of the four, and it is checked like any other. */
static void
nothing_else_is_good_with_it(void **state)
{
    (void)state;
    const struct statement good = make(1), other = make(2);
    for (int turn = 0; turn < 2; turn++) {
        assert_true(again(&good));
        struct statement bad = good;
        bad.domain           = "report";
        assert_false(again(&bad));
        bad     = good;
        bad.key = other.key;
        assert_false(again(&bad));
        bad           = good;
        bad.signature = other.signature;
        assert_false(again(&bad));
        bad = good;
        bad.bytes[SIZE - 1] ^= 1;
        assert_false(again(&bad));
        bad      = good;
        bad.size = SIZE - 1;
        assert_false(again(&bad));
    }
}

/* The end of the domain and the beginning of the bytes do not run into each other. */
static void
fields_do_not_run_together(void **state)
{
    (void)state;
    struct statement good = make(3), shifted = good;
    uint8_t          joint[SIZE + 1];
    assert_true(again(&good));
    shifted.domain = "vot";
    joint[0]       = 'e';
    memcpy(joint + 1, good.bytes, SIZE);
    assert_false(sec_verify_again(&good.signature, shifted.domain, joint, sizeof joint, &good.key));
}

static void
what_is_too_long_to_be_signed_is_never_good(void **state)
{
    (void)state;
    static const uint8_t   bytes[SEC_SIGNED_MAX + 1];
    const struct statement good = make(4);
    assert_false(sec_verify_again(&good.signature, "vote", bytes, sizeof bytes, &good.key));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one_is_checked_once_and_a_bad_one_each_time),
        cmocka_unit_test(good_ones_stay_good),
        cmocka_unit_test(nothing_else_is_good_with_it),
        cmocka_unit_test(fields_do_not_run_together),
        cmocka_unit_test(what_is_too_long_to_be_signed_is_never_good),
    };
    if (sec_init() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
