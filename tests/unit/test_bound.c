/*
 * What can be said of a weighted mean of updates when some of them are gone.
 */
#include "fed/bound.h"

#include "base/rng.h"
#include "fed/update.h"
#include "support/expect.h"

#include <math.h>

enum {
    COUNT   = 5003, /* no multiple of the parts that are summed at a time */
    UPDATES = 4
};

static float    before[COUNT], after[COUNT];
static int32_t  q[UPDATES][COUNT];
static int64_t  sum[COUNT];
static uint32_t weights[UPDATES] = {100, 7, 1, 2500};

static double
norm_of(const int32_t *numbers)
{
    pn_u128 squares = 0;
    fed_update_measure(&squares, numbers, COUNT);
    return fed_update_norm_of(squares);
}

static uint64_t
total(void)
{
    uint64_t sum_of = 0;
    for (size_t i = 0; i < UPDATES; i++)
        sum_of += weights[i];
    return sum_of;
}

/* The model after the round, as an engine makes it. */
static void
apply(void)
{
    memset(sum, 0, sizeof sum);
    for (size_t i = 0; i < UPDATES; i++)
        fed_update_fold(sum, q[i], COUNT, weights[i]);
    fed_update_apply(after, before, sum, COUNT, total());
}

/* `size`: of the model's numbers, where float leaves fewer digits the larger they are. */
static void
draw(uint64_t seed, double size, double deviation)
{
    struct pn_rng rng;
    pn_rng_init(&rng, seed);
    for (size_t k = 0; k < COUNT; k++)
        before[k] = (float)(size * pn_rng_normal(&rng));
    for (size_t i = 0; i < UPDATES; i++)
        for (size_t k = 0; k < COUNT; k++)
            q[i][k] = (int32_t)(deviation * (1 << FED_FRACTION_BITS) * pn_rng_normal(&rng));
    apply();
}

/* With the updates of the set `kept` only. */
static bool
check(struct fed_bound_range *range, uint32_t kept)
{
    struct fed_bound bound = {.weights = 0};
    memset(sum, 0, sizeof sum);
    for (size_t i = 0; i < UPDATES; i++) {
        bool is_kept = (kept >> i & 1) != 0;
        fed_bound_add(&bound, weights[i], norm_of(q[i]), is_kept);
        if (is_kept)
            fed_update_fold(sum, q[i], COUNT, weights[i]);
    }
    return fed_bound_check(range, &bound, after, before, sum, COUNT);
}

static void
expect_allowed(bool allowed, uint32_t kept)
{
    struct fed_bound_range range;
    if (check(&range, kept) != allowed)
        fail_msg("kept %x: rest %.17g of %.17g to %.17g", kept, range.rest, range.least,
                 range.most);
}

static void
whichever_updates_are_gone_their_mean_is_allowed(void **state)
{
    static const double sizes[] = {0, 0.01, 1, 1000, 1e7}, deviations[] = {1e-7, 1e-3, 1, 30};
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (size_t d = 0; d < sizeof deviations / sizeof deviations[0]; d++) {
            draw(s * 10 + d, sizes[s], deviations[d]);
            for (uint32_t kept = 0; kept < 1u << UPDATES; kept++)
                expect_allowed(true, kept);
        }
}

/* All in one direction: as far as the norms allow. */
static void
the_most_is_reached_and_not_more(void **state)
{
    struct fed_bound_range range;
    (void)state;
    draw(1, 1, 1e-3);
    for (size_t i = 1; i < UPDATES; i++)
        memcpy(q[i], q[0], sizeof q[i]);
    apply();
    assert_true(check(&range, 0));
    assert_true(range.rest > range.most * (1 - 3e-4)); /* slack: the model is far longer */
    for (size_t k = 0; k < COUNT; k++)
        after[k] = before[k] + (after[k] - before[k]) * 1.01f;
    expect_allowed(false, 0);
    expect_allowed(false, 3);
}

/* One against all others, and longer than they are together. */
static void
the_least_is_reached_and_not_less(void **state)
{
    struct fed_bound_range range;
    (void)state;
    draw(2, 0.1, 1e-2);
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < COUNT; k++)
            q[i][k] = -q[3][k];
    apply();
    assert_true(check(&range, 0));
    assert_true(range.least > 0 && range.rest < range.least * (1 + 1e-4));
    for (size_t k = 0; k < COUNT; k++)
        after[k] = before[k] + (after[k] - before[k]) * 0.99f;
    expect_allowed(false, 0);
}

/* Its length is known: one number changed shows. */
static void
when_one_is_gone_a_small_change_shows(void **state)
{
    struct fed_bound_range range;
    (void)state;
    draw(3, 0.1, 1e-2);
    for (uint32_t gone = 0; gone < UPDATES; gone++) {
        apply();
        assert_true(check(&range, 15u ^ 1u << gone));
        assert_true(range.most - range.least < 1e-5);
        after[17] += 0.5f;
        expect_allowed(false, 15u ^ 1u << gone);
    }
}

/* What is not known is where it points: the opposite is as good. */
static void
another_direction_of_the_same_length_does_not_show(void **state)
{
    (void)state;
    draw(3, 0.1, 1e-2);
    for (uint32_t gone = 0; gone < UPDATES; gone++) {
        for (size_t k = 0; k < COUNT; k++)
            q[gone][k] = -q[gone][k];
        apply();
        for (size_t k = 0; k < COUNT; k++)
            q[gone][k] = -q[gone][k];
        expect_allowed(false, 15u);
        expect_allowed(true, 15u ^ 1u << gone);
    }
}

static void
updates_of_nothing_move_nothing(void **state)
{
    (void)state;
    draw(4, 1, 0);
    expect_allowed(true, 0);
    after[5] += 0.001f;
    expect_allowed(false, 0);
}

static void
a_model_with_a_number_that_is_none_is_refused(void **state)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (uint32_t kept = 0; kept < 1u << UPDATES; kept += 5) {
            draw(5, 1, 0.1);
            after[COUNT - 1] = bad[i];
            expect_allowed(false, kept);
        }
}

static void
no_update_is_longer_than_its_numbers_allow(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT; k++)
        q[0][k] = k % 2 == 0 ? INT32_MAX : -INT32_MAX;
    assert_true(norm_of(q[0]) <= fed_bound_norm_max(COUNT));
    assert_true(norm_of(q[0]) > fed_bound_norm_max(COUNT) * (1 - 1e-8));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whichever_updates_are_gone_their_mean_is_allowed),
        cmocka_unit_test(the_most_is_reached_and_not_more),
        cmocka_unit_test(the_least_is_reached_and_not_less),
        cmocka_unit_test(when_one_is_gone_a_small_change_shows),
        cmocka_unit_test(another_direction_of_the_same_length_does_not_show),
        cmocka_unit_test(updates_of_nothing_move_nothing),
        cmocka_unit_test(a_model_with_a_number_that_is_none_is_refused),
        cmocka_unit_test(no_update_is_longer_than_its_numbers_allow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
