#include "fed/member.h"

#include "base/rng.h"
#include "tests/support/trace.h"

#include <stdlib.h>

struct script {
    struct fed_member         member;
    struct fed_member_effects effects;
    struct trace              trace;
};

static const char *const work_texts[] = {"no work", "join", "survey", "train", "evaluate", "keep"};

static struct sec_blob
blob(uint32_t name)
{
    struct sec_blob out = {.size = 400};
    pn_put_u32(out.root.bytes, name);
    return out;
}

static struct fed_member_event
ev(enum fed_member_event_kind kind)
{
    return (struct fed_member_event){.kind = kind};
}

static struct fed_member_event
order(enum fed_member_event_kind kind, uint64_t round, uint32_t attempt, uint32_t model)
{
    return (struct fed_member_event){
        .kind = kind, .round = round, .attempt = attempt, .model = blob(model)};
}

static struct fed_member_event
invite(uint64_t round, uint32_t attempt)
{
    return (struct fed_member_event){.kind = FED_M_INVITE, .round = round, .attempt = attempt};
}

static struct fed_member_event
commit(uint64_t height)
{
    return (struct fed_member_event){.kind = FED_M_COMMIT, .height = height};
}

static struct fed_member_event
finish(void)
{
    return (struct fed_member_event){.kind = FED_M_FINISH, .outcome = WIRE_DONE};
}

static struct fed_member_event
held(uint32_t name)
{
    return (struct fed_member_event){.kind = FED_M_HELD, .model = blob(name)};
}

static struct fed_member_event
done(enum fed_member_work work, uint32_t result)
{
    return (struct fed_member_event){.kind = FED_M_DONE, .work = work, .model = blob(result)};
}

static struct fed_member_event
failed(enum fed_member_work work)
{
    return (struct fed_member_event){.kind = FED_M_DONE, .work = work, .status = PN_EDIVERGED};
}

static void
play(struct script *s, pn_ms now, struct fed_member_event event)
{
    enum pn_status status = fed_member_step(&s->member, now, &event, &s->effects);
    trace_add(&s->trace, "[%4u]", (unsigned)now);
    for (size_t i = 0; i < s->effects.count; i++) {
        const struct fed_member_effect *effect = &s->effects.items[i];
        uint32_t                        name   = pn_get_u32(effect->blob.root.bytes);
        if (effect->kind == FED_M_SEND && effect->type == WIRE_UPDATE)
            trace_add(&s->trace, " update %u", name);
        else if (effect->kind == FED_M_SEND)
            trace_add(&s->trace, " %s", wire_type_text((uint16_t)effect->type));
        else if (effect->kind == FED_M_NEED)
            trace_add(&s->trace, " need %u", name);
        else if (effect->kind == FED_M_WORK)
            trace_add(&s->trace, " do:%s", work_texts[effect->work]);
        else
            trace_add(&s->trace, " END");
    }
    if (status != PN_OK)
        trace_add(&s->trace, " (%s)", pn_status_text(status));
    trace_add(&s->trace, "\n");
}

static void
script_init(struct script *s)
{
    static const struct fed_member_limits limits = {.heartbeat_ms = 1000, .retry_ms = 200};
    memset(s, 0, sizeof *s);
    fed_member_init(&s->member, &limits, 0);
}

/* Joined at time 0. */
static void
script_begin(struct script *s)
{
    script_init(s);
    play(s, 0, ev(FED_M_UP));
    play(s, 0, ev(FED_M_HELLO));
    play(s, 0, ev(FED_M_OFFER));
    play(s, 0, done(FED_WORK_JOIN, 0));
    assert_int_equal(s->member.phase, FED_JOINED);
    trace_clear(&s->trace);
}

static void
member_goes_from_greeting_to_the_finish_block(void **state)
{
    (void)state;
    struct script s;
    script_init(&s);
    play(&s, 0, ev(FED_M_UP));
    play(&s, 10, ev(FED_M_HELLO));
    play(&s, 20, ev(FED_M_OFFER));
    play(&s, 30, done(FED_WORK_JOIN, 0));
    play(&s, 40, ev(FED_M_SURVEY));
    play(&s, 50, done(FED_WORK_SURVEY, 0));
    play(&s, 60, commit(1));
    play(&s, 70, done(FED_WORK_KEEP, 0));
    play(&s, 80, invite(1, 1));
    play(&s, 90, order(FED_M_TRAIN, 1, 1, 100));
    play(&s, 100, held(100));
    play(&s, 110, done(FED_WORK_TRAIN, 7));
    play(&s, 120, order(FED_M_EVALUATE, 1, 1, 101));
    play(&s, 130, held(101));
    play(&s, 140, done(FED_WORK_EVALUATE, 0));
    play(&s, 150, commit(2));
    play(&s, 160, done(FED_WORK_KEEP, 0));
    play(&s, 170, commit(3));
    play(&s, 170, finish());
    play(&s, 180, done(FED_WORK_KEEP, 0));
    EXPECT_TRACE(&s.trace, "[   0] hello\n"
                           "[  10]\n"
                           "[  20] do:join\n"
                           "[  30] answer\n"
                           "[  40] do:survey\n"
                           "[  50] statistics\n"
                           "[  60] do:keep\n"
                           "[  70] countersign\n"
                           "[  80] accept\n"
                           "[  90] need 100\n"
                           "[ 100] do:train\n"
                           "[ 110] update 7\n"
                           "[ 120] need 101\n"
                           "[ 130] do:evaluate\n"
                           "[ 140] metrics\n"
                           "[ 150] do:keep\n"
                           "[ 160] countersign\n"
                           "[ 170] do:keep\n"
                           "[ 170]\n"
                           "[ 180] countersign END\n");
    assert_int_equal(s.member.outcome, WIRE_DONE);
}

static void
greeting_is_repeated_until_it_is_answered(void **state)
{
    (void)state;
    struct script           s;
    struct fed_member_event restart = ev(FED_M_HELLO);
    restart.restart                 = true;
    script_init(&s);
    assert_int_equal(fed_member_deadline(&s.member), UINT64_MAX);
    play(&s, 0, ev(FED_M_OFFER)); /* not connected */
    play(&s, 0, ev(FED_M_UP));
    assert_int_equal(fed_member_deadline(&s.member), 200);
    play(&s, 199, ev(FED_M_TICK));
    play(&s, 200, ev(FED_M_TICK));
    play(&s, 250, ev(FED_M_HELLO));
    play(&s, 500, ev(FED_M_TICK));
    play(&s, 600, restart);
    play(&s, 700, ev(FED_M_DOWN));
    play(&s, 900, ev(FED_M_TICK));
    play(&s, 1000, ev(FED_M_UP));
    EXPECT_TRACE(&s.trace, "[   0] (peer sent this at the wrong moment)\n"
                           "[   0] hello\n"
                           "[ 199]\n"
                           "[ 200] hello\n"
                           "[ 250]\n"
                           "[ 500]\n"
                           "[ 600] hello\n"
                           "[ 700]\n"
                           "[ 900]\n"
                           "[1000] hello\n");
}

static void
every_order_is_safe_to_receive_twice(void **state)
{
    (void)state;
    struct script s;
    script_begin(&s);
    play(&s, 10, ev(FED_M_OFFER));
    play(&s, 20, ev(FED_M_SURVEY));
    play(&s, 20, ev(FED_M_SURVEY));
    play(&s, 30, done(FED_WORK_SURVEY, 0));
    play(&s, 30, ev(FED_M_SURVEY));
    play(&s, 40, invite(1, 1));
    play(&s, 40, invite(1, 1));
    play(&s, 50, order(FED_M_TRAIN, 1, 1, 100));
    play(&s, 50, order(FED_M_TRAIN, 1, 1, 100));
    play(&s, 60, held(100));
    play(&s, 60, held(100));
    play(&s, 70, order(FED_M_TRAIN, 1, 1, 100));
    play(&s, 80, done(FED_WORK_TRAIN, 7));
    play(&s, 90, order(FED_M_TRAIN, 1, 1, 100));
    play(&s, 90, order(FED_M_TRAIN, 1, 2, 100)); /* the next attempt */
    play(&s, 95, held(101));                     /* of no order */
    play(&s, 100, order(FED_M_EVALUATE, 1, 2, 101));
    play(&s, 110, held(101));
    play(&s, 120, order(FED_M_EVALUATE, 1, 2, 101));
    play(&s, 130, done(FED_WORK_EVALUATE, 0));
    play(&s, 140, order(FED_M_EVALUATE, 1, 2, 101));
    play(&s, 150, commit(1));
    play(&s, 150, commit(1));
    play(&s, 160, done(FED_WORK_KEEP, 0));
    play(&s, 170, commit(1));
    play(&s, 180, commit(3)); /* a gap */
    play(&s, 190, finish());
    play(&s, 190, finish());
    EXPECT_TRACE(&s.trace, "[  10] answer\n"
                           "[  20] do:survey\n"
                           "[  20]\n"
                           "[  30] statistics\n"
                           "[  30] statistics\n"
                           "[  40] accept\n"
                           "[  40] accept\n"
                           "[  50] need 100\n"
                           "[  50] need 100\n"
                           "[  60] do:train\n"
                           "[  60]\n"
                           "[  70]\n"
                           "[  80] update 7\n"
                           "[  90] update 7\n"
                           "[  90] update 7\n"
                           "[  95]\n"
                           "[ 100] need 101\n"
                           "[ 110] do:evaluate\n"
                           "[ 120]\n"
                           "[ 130] metrics\n"
                           "[ 140] metrics\n"
                           "[ 150] do:keep\n"
                           "[ 150]\n"
                           "[ 160] countersign\n"
                           "[ 170] countersign\n"
                           "[ 180] (peer sent this at the wrong moment)\n"
                           "[ 190] END\n"
                           "[ 190]\n");
}

static void
straggler_accepts_the_next_round_and_drops_its_old_result(void **state)
{
    (void)state;
    struct script s;
    script_begin(&s);
    play(&s, 10, order(FED_M_TRAIN, 1, 1, 100));
    play(&s, 20, held(100));
    play(&s, 30, commit(1)); /* KEEP does not wait for the training */
    play(&s, 40, done(FED_WORK_KEEP, 0));
    play(&s, 50, invite(2, 1));
    play(&s, 60, order(FED_M_TRAIN, 2, 1, 101));
    play(&s, 70, held(101));
    play(&s, 80, done(FED_WORK_TRAIN, 7));
    assert_int_equal(s.member.update_round, 0);
    play(&s, 90, done(FED_WORK_TRAIN, 8));
    play(&s, 95, order(FED_M_TRAIN, 1, 2, 100)); /* a round that is over */
    EXPECT_TRACE(&s.trace, "[  10] need 100\n"
                           "[  20] do:train\n"
                           "[  30] do:keep\n"
                           "[  40] countersign\n"
                           "[  50] accept\n"
                           "[  60] need 101\n"
                           "[  70]\n"
                           "[  80] do:train\n"
                           "[  90] update 8\n"
                           "[  95] (peer answered another round)\n");
}

static void
result_waits_for_the_order_of_the_next_attempt(void **state)
{
    (void)state;
    struct script s;
    script_begin(&s);
    play(&s, 10, order(FED_M_TRAIN, 1, 1, 100));
    play(&s, 20, held(100));
    play(&s, 30, invite(1, 2));
    play(&s, 40, done(FED_WORK_TRAIN, 7));
    play(&s, 50, order(FED_M_TRAIN, 1, 2, 100));
    EXPECT_TRACE(&s.trace, "[  10] need 100\n"
                           "[  20] do:train\n"
                           "[  30] accept\n"
                           "[  40]\n"
                           "[  50] update 7\n");
}

static void
newer_order_replaces_one_that_still_waits(void **state)
{
    (void)state;
    struct script s;
    script_begin(&s);
    play(&s, 10, order(FED_M_TRAIN, 1, 1, 100));
    play(&s, 20, invite(1, 2));
    play(&s, 30, held(100)); /* nobody asks for the training now */
    play(&s, 40, order(FED_M_TRAIN, 1, 2, 100));
    EXPECT_TRACE(&s.trace, "[  10] need 100\n"
                           "[  20] accept\n"
                           "[  30]\n"
                           "[  40] do:train\n");
}

static void
same_model_in_another_round_is_trained_again(void **state)
{
    (void)state;
    struct script s;
    script_begin(&s);
    play(&s, 10, order(FED_M_TRAIN, 1, 1, 100));
    play(&s, 20, held(100));
    play(&s, 30, done(FED_WORK_TRAIN, 7));
    play(&s, 40, order(FED_M_TRAIN, 2, 1, 100)); /* other batches: another update */
    EXPECT_TRACE(&s.trace, "[  10] need 100\n"
                           "[  20] do:train\n"
                           "[  30] update 7\n"
                           "[  40] do:train\n");
}

static void
work_that_fails_is_a_fault_and_is_tried_again_when_asked(void **state)
{
    (void)state;
    struct script s;
    script_begin(&s);
    play(&s, 10, ev(FED_M_SURVEY));
    play(&s, 20, failed(FED_WORK_SURVEY));
    play(&s, 30, order(FED_M_TRAIN, 1, 1, 100));
    play(&s, 30, held(100));
    play(&s, 40, failed(FED_WORK_TRAIN));
    play(&s, 50, order(FED_M_TRAIN, 1, 1, 100));
    play(&s, 60, commit(1));
    play(&s, 70, failed(FED_WORK_KEEP));
    play(&s, 80, commit(1));
    play(&s, 90, done(FED_WORK_EVALUATE, 0)); /* nobody evaluates */
    EXPECT_TRACE(&s.trace, "[  10] do:survey\n"
                           "[  20] fault\n"
                           "[  30] need 100\n"
                           "[  30] do:train\n"
                           "[  40] fault\n"
                           "[  50] do:train\n"
                           "[  60] do:keep\n"
                           "[  70] fault\n"
                           "[  80] do:keep\n"
                           "[  90] (peer sent this at the wrong moment)\n");
}

static void
refusal_is_answered_and_orders_are_not_followed(void **state)
{
    (void)state;
    struct script s;
    script_init(&s);
    play(&s, 0, ev(FED_M_UP));
    play(&s, 0, ev(FED_M_OFFER));
    play(&s, 10, invite(1, 1)); /* not joined yet */
    play(&s, 20, failed(FED_WORK_JOIN));
    play(&s, 30, invite(1, 1));
    play(&s, 40, ev(FED_M_OFFER));
    play(&s, 50, finish());
    EXPECT_TRACE(&s.trace, "[   0] hello\n"
                           "[   0] do:join\n"
                           "[  10] (peer sent this at the wrong moment)\n"
                           "[  20] answer\n"
                           "[  30] (peer sent this at the wrong moment)\n"
                           "[  40] answer\n"
                           "[  50] END\n");
}

static void
work_goes_on_without_a_connection_and_is_told_when_asked(void **state)
{
    (void)state;
    struct script s;
    script_begin(&s);
    play(&s, 10, order(FED_M_TRAIN, 1, 1, 100));
    play(&s, 20, held(100));
    play(&s, 30, ev(FED_M_DOWN));
    play(&s, 40, done(FED_WORK_TRAIN, 7));
    play(&s, 50, ev(FED_M_UP));
    play(&s, 60, ev(FED_M_HELLO));
    play(&s, 70, ev(FED_M_OFFER));
    play(&s, 80, order(FED_M_TRAIN, 1, 1, 100));
    EXPECT_TRACE(&s.trace, "[  10] need 100\n"
                           "[  20] do:train\n"
                           "[  30]\n"
                           "[  40]\n"
                           "[  50] hello\n"
                           "[  60]\n"
                           "[  70] answer\n"
                           "[  80] update 7\n");
}

static void
heartbeats_come_while_joined_and_connected(void **state)
{
    (void)state;
    struct script s;
    script_begin(&s);
    assert_int_equal(fed_member_deadline(&s.member), 1000);
    play(&s, 999, ev(FED_M_TICK));
    play(&s, 1000, ev(FED_M_TICK));
    play(&s, 1500, ev(FED_M_DOWN));
    play(&s, 2500, ev(FED_M_TICK));
    play(&s, 2600, ev(FED_M_UP));
    play(&s, 2650, ev(FED_M_HELLO));
    play(&s, 2660, ev(FED_M_TICK));
    play(&s, 3000, finish());
    play(&s, 9000, ev(FED_M_TICK));
    EXPECT_TRACE(&s.trace, "[ 999]\n"
                           "[1000] heartbeat\n"
                           "[1500]\n"
                           "[2500]\n"
                           "[2600] hello\n"
                           "[2650]\n"
                           "[2660] heartbeat\n"
                           "[3000] END\n"
                           "[9000]\n");
    assert_int_equal(fed_member_deadline(&s.member), UINT64_MAX);
}

static void
scaling_is_needed_as_the_model_is(void **state)
{
    (void)state;
    struct script           s;
    struct fed_member_event train = order(FED_M_TRAIN, 1, 1, 100);
    train.scaling                 = blob(50);
    script_begin(&s);
    play(&s, 10, train);
    play(&s, 20, held(100));
    play(&s, 30, held(50));
    play(&s, 40, done(FED_WORK_TRAIN, 7));
    train.round = 2;
    train.model = blob(101);
    play(&s, 50, train); /* the scaling stays */
    play(&s, 60, held(101));
    EXPECT_TRACE(&s.trace, "[  10] need 100 need 50\n"
                           "[  20]\n"
                           "[  30] do:train\n"
                           "[  40] update 7\n"
                           "[  50] need 101\n"
                           "[  60] do:train\n");
}

/* ---- any order of events -------------------------------------------------------------- */

static struct fed_member_event
random_event(struct pn_rng *rng, const struct fed_member *member)
{
    struct fed_member_event event = {
        .kind    = (enum fed_member_event_kind)pn_rng_below(rng, FED_M_DONE + 1),
        .round   = member->round + pn_rng_below(rng, 3),
        .height  = member->height + pn_rng_below(rng, 3),
        .attempt = (uint32_t)pn_rng_below(rng, 3),
        .model   = blob((uint32_t)pn_rng_below(rng, 4)),
        .scaling = blob((uint32_t)pn_rng_below(rng, 2)),
        .restart = pn_rng_below(rng, 2),
        .work    = (enum fed_member_work)pn_rng_below(rng, FED_WORK_KEEP + 1),
        .status  = pn_rng_below(rng, 4) == 0 ? PN_EDATA : PN_OK,
        .outcome = WIRE_DONE};
    if (event.kind == FED_M_DOWN && pn_rng_below(rng, 4) != 0)
        event.kind = FED_M_UP;
    if (event.kind == FED_M_FINISH && pn_rng_below(rng, 16) != 0)
        event.kind = FED_M_HELD;
    if (event.kind == FED_M_DONE && pn_rng_below(rng, 4) != 0)
        event.work = member->work;
    return event;
}

static void
play_at_random(uint64_t seed)
{
    struct script           s;
    struct pn_rng           rng;
    bool                    busy = false, keeping = false;
    uint32_t                ends = 0;
    struct fed_member_event event;
    script_init(&s);
    pn_rng_init(&rng, seed);
    for (pn_ms now = 0; now < 2000; now += 10) {
        event                 = random_event(&rng, &s.member);
        bool           sane   = event.kind != FED_M_DONE || event.work == FED_WORK_KEEP || busy;
        enum pn_status status = fed_member_step(&s.member, now, &event, &s.effects);
        if (status == PN_OK && event.kind == FED_M_DONE && event.work == FED_WORK_KEEP)
            keeping = false;
        else if (status == PN_OK && event.kind == FED_M_DONE)
            busy = false;
        PN_ASSERT(status == PN_OK ? sane : pn_status_is_peer(status));
        for (size_t i = 0; i < s.effects.count; i++) {
            const struct fed_member_effect *effect = &s.effects.items[i];
            bool                           *slot = effect->work == FED_WORK_KEEP ? &keeping : &busy;
            if (effect->kind == FED_M_WORK) {
                PN_ASSERT(!*slot); /* one piece of work at a time */
                *slot = true;
            }
            ends += effect->kind == FED_M_END;
            PN_ASSERT(effect->kind != FED_M_SEND || s.member.connected || event.kind == FED_M_DOWN);
        }
    }
    PN_ASSERT(ends <= 1);
    /* However it stands, FINISH ends it. */
    event = ev(FED_M_UP);
    assert_int_equal(fed_member_step(&s.member, 3000, &event, &s.effects), PN_OK);
    event = finish();
    assert_int_equal(fed_member_step(&s.member, 3000, &event, &s.effects), PN_OK);
    event = done(FED_WORK_KEEP, 0);
    if (keeping)
        assert_int_equal(fed_member_step(&s.member, 3000, &event, &s.effects), PN_OK);
    assert_true(s.member.ended);
}

static void
any_order_of_events_breaks_nothing_and_finish_ends_it(void **state)
{
    (void)state;
    const char *only = getenv("PANAL_SEED");
    uint64_t    from = only != NULL ? strtoull(only, NULL, 10) : 0;
    uint64_t    to   = only != NULL ? from + 1 : 10000;
    for (uint64_t seed = from; seed < to; seed++)
        play_at_random(seed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(member_goes_from_greeting_to_the_finish_block),
        cmocka_unit_test(greeting_is_repeated_until_it_is_answered),
        cmocka_unit_test(every_order_is_safe_to_receive_twice),
        cmocka_unit_test(straggler_accepts_the_next_round_and_drops_its_old_result),
        cmocka_unit_test(result_waits_for_the_order_of_the_next_attempt),
        cmocka_unit_test(newer_order_replaces_one_that_still_waits),
        cmocka_unit_test(same_model_in_another_round_is_trained_again),
        cmocka_unit_test(work_that_fails_is_a_fault_and_is_tried_again_when_asked),
        cmocka_unit_test(refusal_is_answered_and_orders_are_not_followed),
        cmocka_unit_test(work_goes_on_without_a_connection_and_is_told_when_asked),
        cmocka_unit_test(heartbeats_come_while_joined_and_connected),
        cmocka_unit_test(scaling_is_needed_as_the_model_is),
        cmocka_unit_test(any_order_of_events_breaks_nothing_and_finish_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
