/* Frames on their way: each arrives as it was sent, whatever it shares with others. */
#include "sim/cargo.h"

#include "proto/frame.h"
#include "support/expect.h"

enum {
    LARGE = 10000,
    SMALL = 300
};

/* Ends and body of their own: `ends` and `body` say which. */
static void
make_frame(uint8_t *out, size_t size, uint8_t ends, uint8_t body)
{
    memset(out, ends, size);
    memset(out + WIRE_HEADER_SIZE, body, size - WIRE_HEADER_SIZE - WIRE_SIGNATURE_SIZE);
}

static void
load(struct sim_event *event, struct sim_cargo **last, size_t size, uint8_t ends, uint8_t body)
{
    static uint8_t frame[LARGE];
    make_frame(frame, size, ends, body);
    EXPECT_OK(sim_cargo_load(event, last, frame, size));
    memset(frame, 0, sizeof frame); /* it is a copy */
}

static void
expect_frame(const struct sim_event *event, size_t size, uint8_t ends, uint8_t body)
{
    static uint8_t frame[LARGE];
    make_frame(frame, size, ends, body);
    assert_int_equal(event->size, size);
    assert_memory_equal(sim_cargo_frame(event), frame, size);
}

static void
equal_bodies_are_carried_once_and_every_frame_arrives_as_it_was_sent(void **state)
{
    (void)state;
    struct sim_cargo *last      = NULL;
    struct sim_event  events[5] = {{.kind = SIM_FRAME}};
    load(&events[0], &last, LARGE, 1, 9);
    load(&events[1], &last, LARGE, 2, 9);
    load(&events[2], &last, SMALL, 3, 9);
    load(&events[3], &last, LARGE, 4, 8);
    load(&events[4], &last, LARGE - 1, 5, 8);
    assert_ptr_equal(events[0].cargo, events[1].cargo);
    assert_null(events[2].cargo);
    assert_ptr_not_equal(events[0].cargo, events[3].cargo);
    assert_ptr_not_equal(events[3].cargo, events[4].cargo);
    for (int turn = 0; turn < 2; turn++) {
        expect_frame(&events[1], LARGE, 2, 9);
        expect_frame(&events[0], LARGE, 1, 9);
        expect_frame(&events[2], SMALL, 3, 9);
        expect_frame(&events[3], LARGE, 4, 8);
        expect_frame(&events[4], LARGE - 1, 5, 8);
    }
    sim_cargo_unload(&events[0]);
    expect_frame(&events[1], LARGE, 2, 9);
    for (size_t i = 1; i < 5; i++)
        sim_cargo_unload(&events[i]);
    sim_cargo_drop(last);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_bodies_are_carried_once_and_every_frame_arrives_as_it_was_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
