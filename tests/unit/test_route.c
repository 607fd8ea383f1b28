/*
 * fed/route by transcript: by whom a member speaks with one that it has no connection to, and what
 * it does when that one does not forward. We are place 0 of five; 4 is away.
 */
#include "fed/route.h"
#include "support/expect.h"

#include <stdio.h>
#include <string.h>

enum {
    MEMBERS = 5,
    FAR     = 4
};

struct script {
    struct fed_routes routes;
    struct fed_route  to[MEMBERS];
    char              seen[200]; /* effects of the newest step */
};

static void
note(void *host, const struct fed_route_effect *effect)
{
    struct script           *s       = host;
    size_t                   used    = strlen(s->seen);
    static const char *const names[] = {
        [FED_R_GREET] = "greet", [FED_R_TRY] = "try", [FED_R_LOST] = "lost"};
    snprintf(s->seen + used, sizeof s->seen - used, "%s %u by %u; ", names[effect->kind],
             effect->member, fed_routes_via(&s->routes, effect->member));
}

static const char *
step(struct script *s, pn_ms now, struct fed_route_event event)
{
    s->seen[0] = '\0';
    fed_routes_step(&s->routes, now, &event, note, s);
    return s->seen;
}

static const char *
say(struct script *s, pn_ms now, enum fed_route_event_kind kind, uint32_t member)
{
    return step(s, now, (struct fed_route_event){.kind = kind, .member = member});
}

static const char *
reaches(struct script *s, pn_ms now, uint32_t member, bool far)
{
    struct fed_reach reach = {{0}};
    if (far)
        fed_reach_add(&reach, FAR);
    return step(s, now,
                (struct fed_route_event){.kind = FED_R_REACH, .member = member, .reach = &reach});
}

static const char *
heard(struct script *s, pn_ms now, uint32_t by, bool greeting)
{
    return step(s, now,
                (struct fed_route_event){
                    .kind = FED_R_HEARD, .member = FAR, .by = by, .greeting = greeting});
}

/* 1, 2 and 3 are near; nobody has said yet whom it reaches. */
static void
begin(struct script *s)
{
    memset(s, 0, sizeof *s);
    fed_routes_init(
        &s->routes,
        &(struct fed_route_limits){.members = MEMBERS, .retry_ms = 1000, .silence_ms = 8000},
        s->to);
    for (uint32_t i = 1; i < FAR; i++)
        assert_string_equal(say(s, 1, FED_R_NEAR, i), "");
    assert_int_equal(fed_routes_via(&s->routes, FAR), FED_NOBODY);
    assert_int_equal(fed_routes_deadline(&s->routes), UINT64_MAX);
}

static void
whoever_reaches_it_forwards_and_others_do_not(void **state)
{
    struct script s;
    (void)state;
    begin(&s);
    assert_string_equal(reaches(&s, 2, 2, false), "");
    assert_string_equal(reaches(&s, 3, 3, true), "greet 4 by 3; ");
    assert_string_equal(reaches(&s, 4, 1, true), ""); /* one that works is kept */
    assert_int_equal(fed_routes_via(&s.routes, FAR), 3);
}

/* Place 0 + place 4, in the circle of five: 4, 0, 1, ... and from the other end it is the same. */
static void
both_ends_begin_with_the_same_forwarder(void **state)
{
    (void)state;
    for (uint32_t self = 0; self < MEMBERS; self++)
        for (uint32_t other = 0; other < MEMBERS; other++) {
            uint32_t via[2], ends[2] = {self, other};
            for (size_t end = 0; end < 2 && self != other; end++) {
                struct script    s   = {.seen = ""};
                struct fed_reach all = {{0x1f}};
                fed_routes_init(&s.routes,
                                &(struct fed_route_limits){.members    = MEMBERS,
                                                           .self       = ends[end],
                                                           .retry_ms   = 1000,
                                                           .silence_ms = 8000},
                                s.to);
                for (uint32_t i = 0; i < MEMBERS; i++)
                    if (i != self && i != other)
                        s.to[i] =
                            (struct fed_route){.near = FED_NEAR, .reach = all, .via = FED_NOBODY};
                say(&s, 1, FED_R_TICK, 0);
                via[end] = fed_routes_via(&s.routes, ends[1 - end]);
                assert_true(via[end] < MEMBERS && via[end] != self && via[end] != other);
            }
            if (self != other)
                assert_int_equal(via[0], via[1]);
        }
}

static void
while_it_does_not_answer_the_next_forwarder_is_tried(void **state)
{
    struct script s;
    (void)state;
    begin(&s);
    reaches(&s, 10, 1, true);
    reaches(&s, 10, 3, true);
    assert_int_equal(fed_routes_deadline(&s.routes), 1010);
    assert_string_equal(say(&s, 1009, FED_R_TICK, 0), "");
    assert_string_equal(say(&s, 1010, FED_R_TICK, 0), "greet 4 by 3; ");
    assert_string_equal(say(&s, 2010, FED_R_TICK, 0), "greet 4 by 1; ");
    assert_string_equal(heard(&s, 2020, 3, true), "");
    assert_int_equal(fed_routes_deadline(&s.routes), 10020);
    assert_string_equal(say(&s, 10019, FED_R_TICK, 0), "");
}

static void
silence_ends_the_session_and_another_forwarder_is_tried(void **state)
{
    struct script s;
    (void)state;
    begin(&s);
    reaches(&s, 10, 1, true);
    reaches(&s, 10, 2, true);
    heard(&s, 20, 2, true);
    heard(&s, 5000, 2, false);
    assert_string_equal(say(&s, 12999, FED_R_TICK, 0), "");
    assert_string_equal(say(&s, 13000, FED_R_TICK, 0), "lost 4 by 1; greet 4 by 2; ");
    assert_string_equal(say(&s, 14000, FED_R_TICK, 0), "greet 4 by 1; ");
}

static void
a_forwarder_that_is_gone_is_replaced_at_once(void **state)
{
    struct script s;
    (void)state;
    begin(&s);
    reaches(&s, 10, 1, true);
    reaches(&s, 10, 2, true);
    heard(&s, 20, 1, true);
    assert_string_equal(say(&s, 30, FED_R_AWAY, 1), "greet 4 by 2; ");
    assert_string_equal(reaches(&s, 40, 2, false), "lost 4 by 128; "); /* the last one */
    assert_int_equal(fed_routes_deadline(&s.routes), UINT64_MAX);
}

static void
when_it_misses_what_we_said_another_forwarder_is_taken(void **state)
{
    struct script s;
    (void)state;
    begin(&s);
    reaches(&s, 10, 1, true);
    reaches(&s, 10, 2, true);
    heard(&s, 20, 2, true);
    say(&s, 900, FED_R_MISSED, FAR); /* greetings that crossed */
    assert_int_equal(fed_routes_via(&s.routes, FAR), 1);
    say(&s, 1010, FED_R_MISSED, FAR);
    assert_int_equal(fed_routes_via(&s.routes, FAR), 2);
    say(&s, 1500, FED_R_MISSED, FAR);
    assert_int_equal(fed_routes_via(&s.routes, FAR), 2);
}

/* We may hear it before its forwarder has told us of it. */
static void
who_forwards_from_it_can_forward_to_it(void **state)
{
    struct script s;
    (void)state;
    begin(&s);
    assert_string_equal(heard(&s, 5, 2, true), "greet 4 by 2; ");
}

static void
a_connection_of_its_own_is_preferred(void **state)
{
    struct script    s;
    struct fed_reach reach;
    (void)state;
    begin(&s);
    reaches(&s, 10, 1, true);
    heard(&s, 20, 1, true);
    assert_string_equal(say(&s, 30, FED_R_LINE, FAR), "");
    assert_int_equal(fed_routes_via(&s.routes, FAR), FED_NOBODY);
    fed_routes_reach(&reach, &s.routes);
    assert_int_equal(reach.bits[0], 0x0e); /* nobody is told before it greeted */
    say(&s, 31, FED_R_NEAR, FAR);
    fed_routes_reach(&reach, &s.routes);
    assert_int_equal(reach.bits[0], 0x1e);
    assert_string_equal(heard(&s, 32, 1, false), ""); /* was under way */
    assert_int_equal(fed_routes_via(&s.routes, FAR), FED_NOBODY);
    assert_string_equal(say(&s, 40, FED_R_AWAY, FAR), "greet 4 by 1; ");
}

/* It found out first that the connection is cut. */
static void
a_greeting_that_was_forwarded_says_that_the_connection_is_gone(void **state)
{
    struct script s;
    (void)state;
    begin(&s);
    say(&s, 10, FED_R_NEAR, FAR);
    assert_string_equal(heard(&s, 20, 3, true), "greet 4 by 3; ");
    assert_false(fed_routes_is_near(&s.routes, FAR));
}

/* The cut heals, and no connection was ever lost: somebody has to try. */
static void
a_connection_that_only_the_other_end_gave_up_is_tried_until_it_is_gone(void **state)
{
    struct script s;
    (void)state;
    begin(&s);
    say(&s, 10, FED_R_NEAR, FAR);
    heard(&s, 20, 3, true);
    assert_true(fed_routes_doubts(&s.routes, FAR));
    heard(&s, 5000, 3, false);
    assert_int_equal(fed_routes_deadline(&s.routes), 8020);
    assert_string_equal(say(&s, 8020, FED_R_TICK, 0), "try 4 by 3; ");
    heard(&s, 16000, 3, false);
    assert_string_equal(say(&s, 16020, FED_R_TICK, 0), "try 4 by 3; ");
    assert_string_equal(say(&s, 16030, FED_R_AWAY, FAR), "");
    assert_false(fed_routes_doubts(&s.routes, FAR));
    assert_int_equal(fed_routes_via(&s.routes, FAR), 3);
}

static void
reach_has_a_bit_for_each_member_and_no_other(void **state)
{
    struct fed_reach reach;
    (void)state;
    assert_true(fed_reach_take(&reach, (const uint8_t[]){0x1f}, 1, 5));
    assert_true(fed_reach_has(&reach, 4) && !fed_reach_has(&reach, 5));
    assert_false(fed_reach_take(&reach, (const uint8_t[]){0x3f}, 1, 5));
    assert_false(fed_reach_take(&reach, (const uint8_t[]){0x1f, 0}, 2, 5));
    assert_true(fed_reach_take(&reach, (const uint8_t[]){0xff}, 1, 8));
    assert_true(fed_reach_take(&reach, (const uint8_t[]){0, 1}, 2, 9));
    assert_false(fed_reach_take(&reach, (const uint8_t[]){0, 2}, 2, 9));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_reaches_it_forwards_and_others_do_not),
        cmocka_unit_test(both_ends_begin_with_the_same_forwarder),
        cmocka_unit_test(while_it_does_not_answer_the_next_forwarder_is_tried),
        cmocka_unit_test(silence_ends_the_session_and_another_forwarder_is_tried),
        cmocka_unit_test(a_forwarder_that_is_gone_is_replaced_at_once),
        cmocka_unit_test(when_it_misses_what_we_said_another_forwarder_is_taken),
        cmocka_unit_test(who_forwards_from_it_can_forward_to_it),
        cmocka_unit_test(a_connection_of_its_own_is_preferred),
        cmocka_unit_test(a_greeting_that_was_forwarded_says_that_the_connection_is_gone),
        cmocka_unit_test(a_connection_that_only_the_other_end_gave_up_is_tried_until_it_is_gone),
        cmocka_unit_test(reach_has_a_bit_for_each_member_and_no_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
