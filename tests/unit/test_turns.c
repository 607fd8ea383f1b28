#include "support/expect.h"

#include "engine/turns.h"

enum {
    MEMBERS = 40,
    MIB     = 1048576,
    FIT     = ENGINE_TURNS_BYTES / MIB / 2 /* members with two chunks each */
};

static struct engine_turns turns;

static int
set_up(void **state)
{
    (void)state;
    return engine_turns_init(&turns, MEMBERS) == PN_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    engine_turns_fini(&turns);
    return 0;
}

static void
expect_nobody(pn_ms now)
{
    uint32_t member;
    assert_false(engine_turns_next(&member, &turns, now));
}

/* It is the turn of this one, who begins two chunks. */
static void
expect_turn(uint32_t expected, pn_ms now)
{
    uint32_t member;
    assert_true(engine_turns_next(&member, &turns, now));
    assert_int_equal(member, expected);
    engine_turns_began(&turns, member, 2 * MIB, now);
}

static void
all_want(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        engine_turns_want(&turns, i);
}

/* 0 to FIT - 1 have their turn at 100, the others wait. */
static void
fill(void)
{
    all_want(MEMBERS);
    for (uint32_t i = 0; i < FIT; i++)
        expect_turn(i, 100);
    expect_nobody(100);
}

static void
few_go_on_without_a_pause(void **state)
{
    (void)state;
    assert_int_equal(engine_turns_deadline(&turns), UINT64_MAX);
    all_want(3);
    for (uint32_t i = 0; i < 3; i++)
        expect_turn(i, 100);
    for (pn_ms now = 101; now < 120; now++) { /* one chunk came, another is asked for */
        engine_turns_came(&turns, 1, MIB);
        engine_turns_want(&turns, 1);
        expect_turn(1, now);
        engine_turns_came(&turns, 1, MIB);
    }
    expect_nobody(120);
    assert_int_equal(engine_turns_deadline(&turns), UINT64_MAX);
}

static void
of_many_so_many_have_a_turn_as_fit_and_the_next_follow_in_order(void **state)
{
    (void)state;
    fill();
    assert_int_equal(engine_turns_deadline(&turns), 100 + ENGINE_TURN_MS);
    engine_turns_came(&turns, 5, MIB);
    expect_turn(FIT, 110); /* there is room again */
    expect_nobody(110);
    engine_turns_came(&turns, 5, MIB);
    engine_turns_came(&turns, 6, MIB);
    engine_turns_came(&turns, 6, MIB);
    expect_turn(FIT + 1, 120);
    expect_nobody(120);
}

static void
who_has_a_turn_lets_those_in_that_never_had_one(void **state)
{
    (void)state;
    fill();
    engine_turns_came(&turns, 0, MIB);
    engine_turns_want(&turns, 0); /* it would go on, but others wait */
    assert_true(engine_turns_is_waiting(&turns, 0));
    for (uint32_t i = FIT; i < MEMBERS; i++) {
        engine_turns_end(&turns, i - FIT);
        expect_turn(i, 110);
    }
    engine_turns_end(&turns, MEMBERS - 1);
    expect_turn(0, 110);
    expect_nobody(110);
}

static void
a_silent_member_keeps_its_place_for_a_while_only(void **state)
{
    (void)state;
    fill();
    expect_nobody(100 + ENGINE_TURN_MS - 1);
    for (uint32_t i = 0; i < FIT; i++) /* all of them were silent */
        expect_turn(FIT + i, 100 + ENGINE_TURN_MS);
    expect_nobody(100 + ENGINE_TURN_MS);
    assert_int_equal(engine_turns_deadline(&turns), 100 + 2 * ENGINE_TURN_MS);
    engine_turns_came(&turns, 0, MIB); /* too late to count; nothing is counted twice */
    expect_nobody(100 + ENGINE_TURN_MS);
}

static void
what_nobody_confirms_is_taken_to_have_come_soon(void **state)
{
    (void)state;
    fill();
    engine_turns_last(&turns, 3, 110);
    expect_nobody(110);
    assert_int_equal(engine_turns_deadline(&turns), 110 + ENGINE_TURN_LAST_MS);
    expect_nobody(110 + ENGINE_TURN_LAST_MS - 1);
    expect_turn(FIT, 110 + ENGINE_TURN_LAST_MS);
    expect_nobody(110 + ENGINE_TURN_LAST_MS);
}

static void
who_asks_twice_waits_once_and_who_is_forgotten_not_at_all(void **state)
{
    (void)state;
    fill();
    engine_turns_want(&turns, FIT);
    engine_turns_forget(&turns, FIT);
    engine_turns_forget(&turns, FIT);
    assert_false(engine_turns_is_waiting(&turns, FIT));
    engine_turns_end(&turns, 0);
    expect_turn(FIT + 1, 110);
    for (uint32_t i = FIT + 2; i < MEMBERS; i++)
        engine_turns_forget(&turns, i);
    engine_turns_end(&turns, 1);
    expect_nobody(110);
    assert_int_equal(engine_turns_deadline(&turns), UINT64_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(few_go_on_without_a_pause),
        TEST(of_many_so_many_have_a_turn_as_fit_and_the_next_follow_in_order),
        TEST(who_has_a_turn_lets_those_in_that_never_had_one),
        TEST(a_silent_member_keeps_its_place_for_a_while_only),
        TEST(what_nobody_confirms_is_taken_to_have_come_soon),
        TEST(who_asks_twice_waits_once_and_who_is_forgotten_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
