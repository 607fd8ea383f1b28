#include "sim/queue.h"

#include "support/expect.h"

#include "base/rng.h"

static void
put(struct sim_queue *queue, pn_ms at, enum sim_event_kind kind, uint32_t party)
{
    EXPECT_OK(sim_queue_put(queue, at, &(struct sim_event){.kind = kind, .party = party}));
}

static void
events_come_by_time_and_then_in_the_order_they_were_put(void **state)
{
    (void)state;
    struct sim_queue queue;
    struct sim_event event;
    struct pn_rng    rng;
    pn_ms            now = 0;
    sim_queue_init(&queue);
    pn_rng_init(&rng, 1);
    for (uint32_t i = 0; i < 5000; i++)
        put(&queue, pn_rng_below(&rng, 50), SIM_TICK, i);
    pn_ms    last_at    = 0;
    uint32_t last_party = 0;
    for (uint32_t i = 0; i < 5000; i++) {
        assert_true(sim_queue_take(&queue, &now, &event));
        assert_true(now > last_at || i == 0 || (now == last_at && event.party > last_party));
        last_at    = now;
        last_party = event.party;
    }
    assert_false(sim_queue_take(&queue, &now, &event));
    assert_int_equal(now, last_at);
    sim_queue_fini(&queue);
}

static void
of_one_time_lower_lanes_come_first(void **state)
{
    (void)state;
    static const struct {
        pn_ms    at;
        uint32_t lane, party;
    } events[] = {{7, 2, 4}, {7, 1, 2}, {8, 0, 6}, {7, 2, 5}, {7, 0, 1}, {7, 1, 3}};
    struct sim_queue queue;
    struct sim_event event;
    pn_ms            now = 0;
    sim_queue_init(&queue);
    for (size_t i = 0; i < 6; i++)
        EXPECT_OK(sim_queue_put(&queue, events[i].at,
                                &(struct sim_event){.kind  = SIM_TICK,
                                                    .lane  = events[i].lane,
                                                    .party = events[i].party}));
    for (uint32_t party = 1; party <= 6; party++) {
        assert_true(sim_queue_take(&queue, &now, &event));
        assert_int_equal(event.party, party);
    }
    sim_queue_fini(&queue);
}

static void
what_is_put_while_others_are_taken_falls_into_its_place(void **state)
{
    (void)state;
    struct sim_queue queue;
    struct sim_event event;
    pn_ms            now = 0;
    sim_queue_init(&queue);
    put(&queue, 30, SIM_TICK, 3);
    put(&queue, 10, SIM_TICK, 1);
    assert_true(sim_queue_take(&queue, &now, &event));
    assert_int_equal(event.party, 1);
    put(&queue, 20, SIM_TICK, 2);
    put(&queue, 30, SIM_TICK, 4);
    for (uint32_t party = 2; party <= 4; party++) {
        assert_true(sim_queue_take(&queue, &now, &event));
        assert_int_equal(event.party, party);
    }
    sim_queue_fini(&queue);
}

static void
work_of_one_party_is_taken_oldest_first_and_leaves_the_others_in_order(void **state)
{
    (void)state;
    struct sim_queue queue;
    struct sim_event event;
    struct pn_rng    rng;
    pn_ms            now = 0, last = 0;
    uint32_t         mine = 0, taken = 0, others = 0;
    sim_queue_init(&queue);
    pn_rng_init(&rng, 2);
    for (uint32_t i = 0; i < 300; i++) {
        enum sim_event_kind kind    = pn_rng_below(&rng, 2) == 0 ? SIM_DONE : SIM_FRAME;
        struct sim_event    put_one = {.kind  = kind,
                                       .party = (uint32_t)pn_rng_below(&rng, 3),
                                       .life  = (uint32_t)pn_rng_below(&rng, 100)};
        mine += kind == SIM_DONE && put_one.party == 1;
        EXPECT_OK(sim_queue_put(&queue, put_one.life, &put_one)); /* its time stands in it */
    }
    while (sim_queue_take_work(&queue, 1, &event)) {
        assert_int_equal(event.kind, SIM_DONE);
        assert_int_equal(event.party, 1);
        assert_true(event.life >= last);
        last = event.life;
        taken++;
    }
    assert_int_equal(taken, mine);
    assert_true(mine > 10);
    for (last = 0; sim_queue_take(&queue, &now, &event); last = now, others++) {
        assert_true(now >= last);
        assert_int_equal(now, event.life);
        assert_false(event.kind == SIM_DONE && event.party == 1);
    }
    assert_int_equal(others, 300 - mine);
    sim_queue_fini(&queue);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_by_time_and_then_in_the_order_they_were_put),
        cmocka_unit_test(of_one_time_lower_lanes_come_first),
        cmocka_unit_test(what_is_put_while_others_are_taken_falls_into_its_place),
        cmocka_unit_test(work_of_one_party_is_taken_oldest_first_and_leaves_the_others_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
