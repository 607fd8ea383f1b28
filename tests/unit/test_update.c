#include "fed/update.h"

#include "base/rng.h"
#include "support/expect.h"

#include <math.h>
#include <stdlib.h>

enum {
    UNIT  = 1 << FED_FRACTION_BITS,
    COUNT = 1003
}; /* no multiple of the lanes */

static float   start[COUNT], local[COUNT], next[COUNT];
static int32_t q[COUNT];

static double
norm_of(const int32_t *numbers, size_t count)
{
    pn_u128 squares = 0;
    fed_update_measure(&squares, numbers, count);
    return fed_update_norm_of(squares);
}
static int64_t sum[COUNT];

static void
quantise(size_t count, double clip)
{
    uint64_t saturated = 99;
    EXPECT_OK(fed_update_quantise(q, &saturated, local, start, count, clip));
    assert_int_equal(saturated, 0);
}

static void
draw(uint64_t seed, double deviation)
{
    struct pn_rng rng;
    pn_rng_init(&rng, seed);
    for (int k = 0; k < COUNT; k++) {
        start[k] = (float)pn_rng_normal(&rng);
        local[k] = start[k] + (float)(deviation * pn_rng_normal(&rng));
    }
}

static void
differences_round_to_nearest_and_ties_to_even(void **state)
{
    (void)state;
    static const double  units[]    = {0,    1,    -1,   0.5,  1.5,   2.5,
                                       -0.5, -1.5, 0.25, 0.75, -2.75, 8388607.5};
    static const int32_t expected[] = {0, 1, -1, 0, 2, 2, 0, -2, 0, 1, -3, 8388608};
    size_t               count      = sizeof units / sizeof units[0];
    for (size_t k = 0; k < count; k++) {
        start[k] = 0;
        local[k] = (float)(units[k] / UNIT); /* exact: a power of two */
    }
    quantise(count, 0);
    for (size_t k = 0; k < count; k++)
        assert_int_equal(q[k], expected[k]);
}

static void
the_difference_is_taken_in_double(void **state)
{
    (void)state;
    local[0] = 64;
    start[0] = 0x1p-24f; /* one unit, lost in float: 64 has 2^-17 as its last bit */
    quantise(1, 0);
    assert_int_equal(q[0], 64 * UNIT - 1);
}

static void
large_differences_saturate_and_are_counted(void **state)
{
    (void)state;
    uint64_t saturated;
    float    big[] = {127.9999f, 128, 129, 3e38f, -127.9999f, -128, -3e38f, 0};
    memcpy(local, big, sizeof big);
    memset(start, 0, sizeof big);
    EXPECT_OK(fed_update_quantise(q, &saturated, local, start, 8, 0));
    assert_int_equal(saturated, 5);
    assert_true(q[0] < INT32_MAX && q[4] > -INT32_MAX);
    for (int k = 1; k <= 3; k++)
        assert_int_equal(q[k], INT32_MAX);
    assert_int_equal(q[5], -INT32_MAX); /* never INT32_MIN: the range is symmetric */
    assert_int_equal(q[6], -INT32_MAX);
    start[3] = -3e38f; /* a difference that no float holds */
    EXPECT_OK(fed_update_quantise(q, &saturated, local, start, 8, 0));
    assert_int_equal(q[3], INT32_MAX);
}

static void
what_is_not_finite_is_refused_and_writes_nothing(void **state)
{
    (void)state;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int where = 0; where < 2; where++)
        for (int i = 0; i < 3; i++)
            for (size_t at = 0; at < COUNT; at += 501) {
                uint64_t saturated = 77;
                draw(1, 0.01);
                memset(q, 0x11, sizeof q);
                (where == 0 ? local : start)[at] = bad[i];
                EXPECT_STATUS(PN_EDIVERGED,
                              fed_update_quantise(q, &saturated, local, start, COUNT, 1));
                assert_int_equal(saturated, 77);
                for (int k = 0; k < COUNT; k++)
                    assert_int_equal(q[k], 0x11111111);
            }
    start[0] = local[0] = INFINITY; /* the same infinity on both sides is NaN, too */
    uint64_t saturated;
    EXPECT_STATUS(PN_EDIVERGED, fed_update_quantise(q, &saturated, local, start, 1, 0));
}

static void
clipping_scales_to_the_norm_and_keeps_the_direction(void **state)
{
    (void)state;
    static int32_t whole[COUNT];
    draw(2, 0.1);
    quantise(COUNT, 0);
    double norm = norm_of(q, COUNT), rounding = 0.5 * sqrt(COUNT) / UNIT;
    memcpy(whole, q, sizeof q);
    quantise(COUNT, norm * 2); /* not reached: no bit changes */
    assert_memory_equal(q, whole, sizeof q);
    quantise(COUNT, norm / 4);
    assert_true(fabs(norm_of(q, COUNT) - norm / 4) <= rounding);
    for (int k = 0; k < COUNT; k++)
        assert_true(fabs((double)q[k] - (double)whole[k] / 4) <= 1);

    local[0] = start[0] + 1e6f; /* a node gone wild is cut down, not saturated */
    quantise(COUNT, 1);
    assert_true(fabs(norm_of(q, COUNT) - 1) <= rounding);
}

static void
the_norm_is_that_of_the_values(void **state)
{
    (void)state;
    int32_t three_four[] = {3 * UNIT, -4 * UNIT};
    assert_true(norm_of(three_four, 2) == 5);
    assert_true(norm_of(three_four, 0) == 0);
    for (int k = 0; k < COUNT; k++)
        q[k] = k % 2 == 0 ? INT32_MAX : -INT32_MAX; /* no overflow at the ends of the range */
    double expected = sqrt((double)COUNT) * (double)INT32_MAX / UNIT;
    assert_true(fabs(norm_of(q, COUNT) - expected) <= 1e-12 * expected);
}

static void
encoded_bytes_have_the_squares_of_their_numbers(void **state)
{
    (void)state;
    static int32_t many[3000]; /* several parts, and a rest */
    static uint8_t bytes[sizeof many + 1];
    for (int k = 0; k < 3000; k++)
        many[k] = (k % 2 == 0 ? 1 : -1) * (INT32_MAX - 7 * k);
    fed_update_encode(bytes + 1, many, 3000); /* at any alignment */
    pn_u128 whole = 0, parts = 0;
    fed_update_measure(&whole, many, 3000);
    fed_update_measure_bytes(&parts, bytes + 1, 8192);
    assert_true(parts < whole);
    fed_update_measure_bytes(&parts, bytes + 1 + 8192, 4 * 3000 - 8192);
    assert_true(parts == whole);
    fed_update_measure_bytes(&parts, bytes, 0);
    assert_true(parts == whole);
}

static void
folding_does_not_depend_on_the_order(void **state)
{
    (void)state;
    enum {
        NODES = 5
    };
    static int32_t        updates[NODES][COUNT];
    static int64_t        other[COUNT];
    static const uint32_t weight[NODES] = {1, 640, 77, 1000000, 3};
    for (int n = 0; n < NODES; n++) {
        draw((uint64_t)n + 3, 0.05);
        quantise(COUNT, 0);
        memcpy(updates[n], q, sizeof q);
    }
    memset(sum, 0, sizeof sum);
    for (int n = 0; n < NODES; n++) {
        fed_update_fold(sum, updates[n], COUNT, weight[n]);
        fed_update_fold(other, updates[NODES - 1 - n], COUNT, weight[NODES - 1 - n]);
    }
    assert_memory_equal(sum, other, sizeof sum);
}

static void
the_largest_sum_does_not_overflow(void **state)
{
    (void)state;
    q[0]   = INT32_MAX;
    q[1]   = -INT32_MAX;
    sum[0] = sum[1] = 0;
    fed_update_fold(sum, q, 2, FED_WEIGHTS_MAX);
    assert_true(sum[0] == (int64_t)INT32_MAX * INT32_MAX && sum[1] == -sum[0]);
    start[0] = start[1] = 1;
    fed_update_apply(next, start, sum, 2, FED_WEIGHTS_MAX);
    assert_true(next[0] == 129.0f && next[1] == -127.0f); /* 128 - 2^-24, as floats */
}

static void
identical_nodes_give_the_model_of_one(void **state)
{
    (void)state;
    static float alone[COUNT];
    draw(9, 0.05);
    quantise(COUNT, 0);
    memset(sum, 0, sizeof sum);
    fed_update_fold(sum, q, COUNT, 1);
    fed_update_apply(alone, start, sum, COUNT, 1);
    memset(sum, 0, sizeof sum);
    for (int n = 0; n < 7; n++)
        fed_update_fold(sum, q, COUNT, 13);
    fed_update_apply(next, start, sum, COUNT, 7 * 13);
    assert_memory_equal(next, alone, sizeof next);
    for (int k = 0; k < COUNT; k++) /* and that is the node's, to half a unit and float rounding */
        assert_true(fabsf(next[k] - local[k]) <= 0x1p-24f + 4e-7f * fabsf(local[k]));
}

static void
no_change_changes_no_bit(void **state)
{
    (void)state;
    draw(10, 0);
    quantise(COUNT, 1);
    memset(sum, 0, sizeof sum);
    fed_update_fold(sum, q, COUNT, 5);
    fed_update_apply(next, start, sum, COUNT, 5);
    assert_memory_equal(next, start, sizeof next);
}

/*
 * start + (float)(sum / (total 2^24)) with round-to-nearest-even in each step, from Python:
 *     numpy.float32(start) + numpy.float32(float(sum) / (total * 2.0**24))
 */
static void
applied_values_have_the_bits_of_another_implementation(void **state)
{
    (void)state;
    static const struct {
        float    start;
        int64_t  sum;
        uint64_t total;
        float    next;
    } rows[] = {
#include "vectors/update.inc"
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fed_update_apply(next, &rows[i].start, &rows[i].sum, 1, rows[i].total);
        if (memcmp(next, &rows[i].next, sizeof *next) != 0)
            fail_msg("row %zu: expected %a, seen %a", i, (double)rows[i].next, (double)next[0]);
    }
}

static void
numbers_travel_as_little_endian_bytes_even_in_place(void **state)
{
    (void)state;
    int32_t       numbers[]  = {1, -2, INT32_MAX, -INT32_MAX}, back[4];
    const uint8_t expected[] = {1, 0, 0, 0, 254, 255, 255, 255, 255, 255, 255, 127, 1, 0, 0, 128};
    uint8_t       bytes[17];
    fed_update_encode(bytes + 1, numbers, 4); /* at any alignment */
    assert_memory_equal(bytes + 1, expected, 16);
    fed_update_decode(back, bytes + 1, 4);
    assert_memory_equal(back, numbers, 16);
    fed_update_encode((uint8_t *)back, back, 4);
    assert_memory_equal(back, expected, 16);
    fed_update_decode(back, (const uint8_t *)back, 4);
    assert_memory_equal(back, numbers, 16);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences_round_to_nearest_and_ties_to_even),
        cmocka_unit_test(the_difference_is_taken_in_double),
        cmocka_unit_test(large_differences_saturate_and_are_counted),
        cmocka_unit_test(what_is_not_finite_is_refused_and_writes_nothing),
        cmocka_unit_test(clipping_scales_to_the_norm_and_keeps_the_direction),
        cmocka_unit_test(the_norm_is_that_of_the_values),
        cmocka_unit_test(encoded_bytes_have_the_squares_of_their_numbers),
        cmocka_unit_test(folding_does_not_depend_on_the_order),
        cmocka_unit_test(the_largest_sum_does_not_overflow),
        cmocka_unit_test(identical_nodes_give_the_model_of_one),
        cmocka_unit_test(no_change_changes_no_bit),
        cmocka_unit_test(applied_values_have_the_bits_of_another_implementation),
        cmocka_unit_test(numbers_travel_as_little_endian_bytes_even_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
