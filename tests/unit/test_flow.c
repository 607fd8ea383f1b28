#include "support/expect.h"

#include "engine/flow.h"

enum {
    MEMBERS = 40,
    MIB     = 1048576,
    FIT     = ENGINE_FLOW_LEAST / MIB / 2 /* members with two chunks each */
};

static struct engine_flow flow;

static int
set_up(void **state)
{
    (void)state;
    return engine_flow_init(&flow, MEMBERS) == PN_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    engine_flow_fini(&flow);
    return 0;
}

static void
expect_nobody(pn_ms now)
{
    uint32_t member;
    assert_false(engine_flow_next(&member, &flow, now));
}

/* It is this one's turn, and it begins so many chunks. */
static void
expect_next(uint32_t expected, pn_ms now, uint64_t chunks)
{
    uint32_t member;
    assert_true(engine_flow_next(&member, &flow, now));
    assert_int_equal(member, expected);
    engine_flow_began(&flow, member, chunks * MIB, now);
}

static void
all_want(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        engine_flow_want(&flow, i);
}

/* 0 to FIT - 1 begin two chunks each at 100, the others wait. */
static void
fill(void)
{
    all_want(MEMBERS);
    for (uint32_t i = 0; i < FIT; i++)
        expect_next(i, 100, 2);
    expect_nobody(100);
}

static void
few_go_on_without_a_pause(void **state)
{
    (void)state;
    assert_int_equal(engine_flow_deadline(&flow), UINT64_MAX);
    all_want(FIT);
    assert_int_equal(engine_flow_deadline(&flow), 0);
    for (uint32_t i = 0; i < FIT; i++)
        expect_next(i, 100, 2);
    for (pn_ms now = 101; now < 120; now++) { /* one chunk came, another is asked for */
        engine_flow_came(&flow, 1, MIB);
        engine_flow_want(&flow, 1);
        expect_next(1, now, 1);
    }
    expect_nobody(120);
    assert_int_equal(engine_flow_deadline(&flow), UINT64_MAX);
}

static void
of_many_so_many_begin_as_there_is_room_for_and_the_next_in_the_order_of_asking(void **state)
{
    (void)state;
    fill();
    assert_int_equal(engine_flow_deadline(&flow), 100 + ENGINE_FLOW_MS);
    engine_flow_came(&flow, 5, MIB);
    engine_flow_want(&flow, 5); /* it would go on, but others asked before */
    expect_next(FIT, 110, 2);
    expect_nobody(110); /* one chunk too many is on the way */
    engine_flow_came(&flow, 6, MIB);
    expect_nobody(111);
    engine_flow_came(&flow, 6, MIB);
    expect_next(FIT + 1, 112, 2);
    for (uint32_t i = FIT + 2; i < MEMBERS; i++) {
        engine_flow_came(&flow, i - 2, 2 * MIB);
        expect_next(i, 113, 2);
    }
    assert_true(engine_flow_is_waiting(&flow, 5));
    engine_flow_came(&flow, MEMBERS - 1, 2 * MIB);
    expect_next(5, 114, 1);
    expect_nobody(114);
}

static void
a_silent_member_takes_the_room_of_others_for_a_while_only(void **state)
{
    (void)state;
    fill();
    expect_nobody(100 + ENGINE_FLOW_MS - 1);
    for (uint32_t i = 0; i < FIT; i++) /* all of them were silent */
        expect_next(FIT + i, 100 + ENGINE_FLOW_MS, 2);
    expect_nobody(100 + ENGINE_FLOW_MS);
    assert_int_equal(engine_flow_deadline(&flow), 100 + 2 * ENGINE_FLOW_MS);
    engine_flow_came(&flow, 0, MIB); /* too late to count; nothing is counted twice */
    expect_nobody(100 + ENGINE_FLOW_MS);
}

static void
who_begins_more_has_time_for_all_of_it_again(void **state)
{
    (void)state;
    fill();
    engine_flow_came(&flow, 0, MIB);
    engine_flow_began(&flow, 0, MIB, 130);
    for (uint32_t i = 0; i < FIT - 1; i++)
        expect_next(FIT + i, 100 + ENGINE_FLOW_MS, 2);
    expect_nobody(100 + ENGINE_FLOW_MS); /* member 0's two still count */
    expect_next(2 * FIT - 1, 130 + ENGINE_FLOW_MS, 2);
}

static void
what_nobody_confirms_stops_counting_soon_unless_more_begins(void **state)
{
    (void)state;
    fill();
    engine_flow_last(&flow, 3, 110);
    engine_flow_last(&flow, 4, 110);
    engine_flow_began(&flow, 4, 0, 111);
    expect_nobody(110);
    assert_int_equal(engine_flow_deadline(&flow), 110 + ENGINE_FLOW_LAST_MS);
    expect_nobody(110 + ENGINE_FLOW_LAST_MS - 1);
    expect_next(FIT, 110 + ENGINE_FLOW_LAST_MS, 2);
    expect_nobody(110 + ENGINE_FLOW_LAST_MS);
}

static void
who_asks_twice_waits_once_and_who_is_forgotten_not_at_all(void **state)
{
    (void)state;
    fill();
    engine_flow_want(&flow, FIT);
    engine_flow_forget(&flow, FIT);
    engine_flow_forget(&flow, FIT);
    assert_false(engine_flow_is_waiting(&flow, FIT));
    engine_flow_end(&flow, 0);
    expect_next(FIT + 1, 110, 2);
    for (uint32_t i = FIT + 2; i < MEMBERS; i++)
        engine_flow_forget(&flow, i);
    engine_flow_end(&flow, 1);
    expect_nobody(110);
    assert_int_equal(engine_flow_deadline(&flow), UINT64_MAX);
    all_want(2); /* the last to ask was not the only one */
    engine_flow_forget(&flow, 1);
    expect_next(0, 110, 2);
}

static void
a_thousand_members_have_room_for_a_quarter_of_a_chunk_each(void **state)
{
    struct engine_flow large;
    uint32_t           member, began = 0;
    (void)state;
    assert_int_equal(engine_flow_init(&large, 1000), PN_OK);
    for (uint32_t i = 0; i < 1000; i++)
        engine_flow_want(&large, i);
    for (; engine_flow_next(&member, &large, 100); began++)
        engine_flow_began(&large, member, MIB, 100);
    assert_int_equal(began, 250);
    engine_flow_fini(&large);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(few_go_on_without_a_pause),
        TEST(of_many_so_many_begin_as_there_is_room_for_and_the_next_in_the_order_of_asking),
        TEST(a_silent_member_takes_the_room_of_others_for_a_while_only),
        TEST(who_begins_more_has_time_for_all_of_it_again),
        TEST(what_nobody_confirms_stops_counting_soon_unless_more_begins),
        cmocka_unit_test(a_thousand_members_have_room_for_a_quarter_of_a_chunk_each),
        TEST(who_asks_twice_waits_once_and_who_is_forgotten_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
