#include "base/rng.h"
#include "support/expect.h"

#include <math.h>

/* The known answers of the authors' library (Random123, kat_vectors). */
static void
philox_gives_the_published_answers(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } cases[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < 3; i++) {
        uint32_t out[4];
        pn_philox(out, cases[i].counter, cases[i].key);
        assert_memory_equal(cases[i].out, out, sizeof out);
    }
}

static void
a_stream_is_philox_of_a_rising_counter(void **state)
{
    (void)state;
    struct pn_rng rng;
    pn_rng_init(&rng, 0x123456789abcdef0);
    const uint32_t key[2] = {0x9abcdef0, 0x12345678};
    for (uint32_t block = 0; block < 3; block++) {
        uint32_t expected[4];
        pn_philox(expected, (uint32_t[4]){block, 0, 0, 0}, key);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(expected[i], pn_rng_u32(&rng));
    }
    /* The counter carries. */
    rng.counter[0] = rng.counter[1] = UINT32_MAX;
    rng.used                        = 4;
    pn_rng_u32(&rng);
    assert_int_equal(0, rng.counter[0]);
    assert_int_equal(0, rng.counter[1]);
    assert_int_equal(1, rng.counter[2]);
}

static void
the_low_word_of_64_bits_comes_first(void **state)
{
    (void)state;
    struct pn_rng rng;
    pn_rng_init(&rng, 0);
    assert_true(pn_rng_u64(&rng) == 0xe169c58d6627e8d5);
}

static void
a_child_has_the_key_that_the_contract_says(void **state)
{
    (void)state;
    struct pn_rng parent, child, again, other;
    uint32_t      block[4];
    pn_rng_init(&parent, 42);
    struct pn_rng before = parent;
    pn_rng_derive(&child, &parent, PN_RNG_ROUND, 0x500000007);
    pn_philox(block, (uint32_t[4]){PN_RNG_ROUND, 7, 5, 0x70616e61}, parent.key);
    assert_int_equal(block[0], child.key[0]);
    assert_int_equal(block[1], child.key[1]);
    assert_memory_equal(&before, &parent, sizeof parent);

    /* Neither the order nor how far the parent is matters; purpose and index do. */
    pn_rng_u32(&parent);
    pn_rng_derive(&again, &parent, PN_RNG_ROUND, 0x500000007);
    assert_memory_equal(&child, &again, sizeof child);
    pn_rng_derive(&other, &parent, PN_RNG_NODE, 0x500000007);
    assert_memory_not_equal(&child, &other, sizeof child);
    pn_rng_derive(&other, &parent, PN_RNG_ROUND, 7);
    assert_memory_not_equal(&child, &other, sizeof child);
}

static void
numbers_below_a_bound_are_fair(void **state)
{
    (void)state;
    struct pn_rng rng;
    size_t        seen[7] = {0};
    pn_rng_init(&rng, 1);
    for (int i = 0; i < 70000; i++)
        seen[pn_rng_below(&rng, 7)]++;
    for (size_t i = 0; i < 7; i++)
        assert_in_range(seen[i], 10000 - 400, 10000 + 400); /* more than 4 deviations */
    /* At a bound of 3/4 of 2^64 a bias that is not removed is large: every third number would come
     * up twice as often as the others, half of the time instead of a third. */
    size_t thirds = 0;
    for (int i = 0; i < 30000; i++)
        thirds += pn_rng_below(&rng, UINT64_C(3) << 62) % 3 == 0;
    assert_in_range(thirds, 10000 - 400, 10000 + 400);
    assert_true(pn_rng_below(&rng, 1) == 0);
}

static void
uniform_and_normal_have_their_moments(void **state)
{
    (void)state;
    enum {
        N = 100000
    };
    struct pn_rng rng;
    double        sum = 0, squares = 0, normal = 0, normal_squares = 0;
    pn_rng_init(&rng, 2);
    for (int i = 0; i < N; i++) {
        double u = pn_rng_uniform(&rng), x = pn_rng_normal(&rng);
        assert_true(u >= 0 && u < 1 && isfinite(x));
        sum += u;
        squares += u * u;
        normal += x;
        normal_squares += x * x;
    }
    assert_true(fabs(sum / N - 0.5) < 0.004);
    assert_true(fabs(squares / N - 1.0 / 3) < 0.004);
    assert_true(fabs(normal / N) < 0.013);
    assert_true(fabs(normal_squares / N - 1) < 0.018);
}

static void
a_shuffle_keeps_the_items_and_is_fair(void **state)
{
    (void)state;
    struct pn_rng rng;
    size_t        seen[6] = {0};
    pn_rng_init(&rng, 3);
    for (int i = 0; i < 12000; i++) {
        uint32_t items[3] = {0, 1, 2};
        pn_rng_shuffle(&rng, items, 3);
        assert_int_equal(7, 1u << items[0] | 1u << items[1] | 1u << items[2]);
        seen[items[0] * 2 + (items[1] > items[2])]++;
    }
    for (size_t i = 0; i < 6; i++)
        assert_in_range(seen[i], 2000 - 200, 2000 + 200);
    pn_rng_shuffle(&rng, NULL, 0);
}

/* In any pieces, from any place, over a carry of the counter. */
static void
words_in_bulk_are_the_words_one_by_one(void **state)
{
    (void)state;
    static const size_t   pieces[] = {1, 31, 32, 33, 7, 64, 0, 200, 3};
    static const uint32_t starts[] = {0, 5, UINT32_MAX - 9, UINT32_MAX};
    for (size_t s = 0; s < sizeof starts / sizeof starts[0]; s++) {
        struct pn_rng bulk, single;
        pn_rng_init(&bulk, 17);
        bulk.counter[0] = starts[s];
        single          = bulk;
        for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
            uint32_t words[200];
            pn_rng_words(&bulk, words, pieces[p]);
            for (size_t i = 0; i < pieces[p]; i++)
                assert_int_equal(words[i], pn_rng_u32(&single));
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_answers),
        cmocka_unit_test(a_stream_is_philox_of_a_rising_counter),
        cmocka_unit_test(the_low_word_of_64_bits_comes_first),
        cmocka_unit_test(a_child_has_the_key_that_the_contract_says),
        cmocka_unit_test(numbers_below_a_bound_are_fair),
        cmocka_unit_test(uniform_and_normal_have_their_moments),
        cmocka_unit_test(a_shuffle_keeps_the_items_and_is_fair),
        cmocka_unit_test(words_in_bulk_are_the_words_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
