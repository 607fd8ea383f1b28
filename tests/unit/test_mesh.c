#include "support/expect.h"
#include "support/ports.h"

#include "net/loop.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/*
 * Members 1 to 4 of a swarm, all in this process and on this thread: `turn` gives each loop some
 * milliseconds and writes down what it told.
 */
enum {
    MEMBERS     = 4,
    PATIENCE_S  = 20,
    TURN_MS     = 2,
    QUIET_TURNS = 60
};

struct party {
    uint32_t                    number;
    struct sec_transport_public public_key;
    struct sec_transport_secret secret;
    char                        endpoint[64];
    struct net_loop            *loop;
    unsigned                    ups[MEMBERS + 1], downs[MEMBERS + 1], frames[MEMBERS + 1];
    uint8_t                     last[MEMBERS + 1]; /* byte of the newest frame */
    bool                        disorder;          /* a byte was not the one after the last */
};

static struct party parties[MEMBERS + 1]; /* 0 is a stranger */

/* A port that nobody has now. */
static void
find_endpoint(struct party *party)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t          size    = sizeof address;
    int                fd      = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(party->endpoint, sizeof party->endpoint, "tcp://127.0.0.1:%u",
                   (unsigned)ntohs(address.sin_port));
    assert_int_equal(close(fd), 0);
}

static int
make_parties(void **state)
{
    (void)state;
    for (uint32_t i = 0; i <= MEMBERS; i++) {
        parties[i] = (struct party){.number = i};
        sec_transport_new(&parties[i].public_key, &parties[i].secret);
        find_endpoint(&parties[i]);
    }
    return 0;
}

static int
free_parties(void **state)
{
    (void)state;
    for (uint32_t i = 0; i <= MEMBERS; i++)
        net_loop_free(parties[i].loop);
    return 0;
}

/* `dials` are the digits of the members that it dials, e.g. "23". All members are admitted. */
static void
start(struct party *party, bool listens, const char *dials, pn_ms silence_ms)
{
    struct net_dial        to[MEMBERS];
    struct net_peer        admit[MEMBERS];
    struct pn_error        why    = {""};
    struct net_loop_config config = {.listen      = listens ? party->endpoint : NULL,
                                     .dials       = to,
                                     .public_key  = &party->public_key,
                                     .secret      = &party->secret,
                                     .admit       = admit,
                                     .admit_count = MEMBERS,
                                     .silence_ms  = silence_ms};
    for (; dials[config.dial_count] != '\0'; config.dial_count++) {
        const struct party *other = &parties[dials[config.dial_count] - '0'];
        to[config.dial_count]     = (struct net_dial){
                .endpoint = other->endpoint, .member = other->number, .key = other->public_key};
    }
    for (uint32_t i = 0; i < MEMBERS; i++)
        admit[i] = (struct net_peer){.member = i + 1, .key = parties[i + 1].public_key};
    enum pn_status st = net_loop_new(&party->loop, &config, &why);
    if (st != PN_OK)
        fail_msg("%s: %s", pn_status_text(st), why.text);
}

static void
stop(struct party *party)
{
    net_loop_free(party->loop);
    party->loop = NULL;
}

static void
note(struct party *party, const struct net_event *event)
{
    uint32_t from = event->member;
    assert_true(from <= MEMBERS);
    if (event->kind == NET_UP)
        party->ups[from]++;
    if (event->kind == NET_DOWN)
        party->downs[from]++;
    if (event->kind != NET_FRAME)
        return;
    assert_int_equal(event->size, 1);
    party->disorder   = party->disorder || (party->frames[from] > 0 &&
                                          event->bytes[0] != (uint8_t)(party->last[from] + 1));
    party->last[from] = event->bytes[0];
    party->frames[from]++;
}

static void
turn(void)
{
    for (uint32_t i = 0; i <= MEMBERS; i++) {
        struct net_event event;
        struct net_loop *loop = parties[i].loop;
        if (loop == NULL)
            continue;
        EXPECT_OK(net_loop_wait(&event, loop, net_loop_now(loop) + TURN_MS));
        note(&parties[i], &event);
    }
}

/* Turns until `*count` is `wanted`. */
static void
await(const unsigned *count, unsigned wanted)
{
    time_t end = time(NULL) + PATIENCE_S;
    while (*count != wanted) {
        turn();
        if (time(NULL) > end)
            fail_msg("seen %u, awaited %u", *count, wanted);
    }
}

static void
some_turns(void)
{
    for (unsigned i = 0; i < QUIET_TURNS; i++)
        turn();
}

static enum pn_status
say(uint32_t from, uint32_t to, uint8_t byte)
{
    struct pn_ports ports;
    net_loop_ports(&ports, parties[from].loop);
    return ports_send(&ports, to, &byte, 1);
}

static struct net_counters
counters_of(uint32_t number)
{
    struct net_counters counters;
    net_loop_counters(&counters, parties[number].loop);
    return counters;
}

static void
start_mesh(void)
{
    start(&parties[1], true, "23", 0);
    start(&parties[2], true, "13", 0);
    start(&parties[3], true, "12", 0);
    for (uint32_t i = 1; i <= 3; i++)
        for (uint32_t j = 1; j <= 3; j++)
            if (i != j)
                await(&parties[i].ups[j], 1);
}

static void
everybody_says(uint8_t byte)
{
    for (uint32_t i = 1; i <= 3; i++)
        for (uint32_t j = 1; j <= 3; j++)
            if (i != j) {
                unsigned had = parties[j].frames[i];
                EXPECT_OK(say(i, j, byte));
                await(&parties[j].frames[i], had + 1);
                assert_int_equal(parties[j].last[i], byte);
            }
}

static void
members_of_a_mesh_all_reach_each_other(void **state)
{
    (void)state;
    start_mesh();
    everybody_says(1);
    everybody_says(2);
    EXPECT_STATUS(PN_ENETWORK, say(1, 4, 1)); /* admitted, but never heard */
    EXPECT_STATUS(PN_ENETWORK, say(1, 1, 1));
    some_turns();
    for (uint32_t i = 1; i <= 3; i++) {
        assert_int_equal(counters_of(i).frames_in, 4);
        assert_int_equal(counters_of(i).frames_out, 4);
        assert_int_equal(counters_of(i).refused, 0);
        assert_string_equal(net_loop_endpoint(parties[i].loop), parties[i].endpoint);
        for (uint32_t j = 1; j <= 3; j++)
            assert_int_equal(parties[i].downs[j], 0);
    }
}

static void
a_member_that_restarts_is_found_again_and_the_others_notice_nothing(void **state)
{
    (void)state;
    start_mesh();
    everybody_says(1);
    stop(&parties[2]);
    await(&parties[1].downs[2], 1);
    await(&parties[3].downs[2], 1);
    EXPECT_STATUS(PN_ENETWORK, say(1, 2, 9));
    EXPECT_OK(say(1, 3, 2));
    await(&parties[3].frames[1], 2);
    EXPECT_OK(say(3, 1, 2));
    await(&parties[1].frames[3], 2);
    start(&parties[2], true, "13", 0);
    await(&parties[1].ups[2], 2);
    await(&parties[3].ups[2], 2);
    await(&parties[2].ups[1], 2);
    await(&parties[2].ups[3], 2);
    everybody_says(3);
    assert_int_equal(parties[1].downs[3] + parties[3].downs[1], 0);
    assert_int_equal(parties[1].ups[3] + parties[3].ups[1], 2);
}

static void
a_stranger_is_refused_by_a_mesh_and_takes_nobodys_place_in_it(void **state)
{
    (void)state;
    start(&parties[1], true, "234", 0);
    start(&parties[2], true, "13", 0);
    start(&parties[0], false, "1", 0);
    await(&parties[1].ups[2], 1);
    time_t end = time(NULL) + PATIENCE_S;
    while (counters_of(1).refused < 2 && time(NULL) <= end)
        turn();
    assert_true(counters_of(1).refused >= 2); /* and it may try again */
    assert_int_equal(parties[0].ups[1], 0);
    EXPECT_STATUS(PN_ENETWORK, say(0, 1, 1));
    /* It listens where member 3 should, and lets everybody in. */
    stop(&parties[0]);
    memcpy(parties[0].endpoint, parties[3].endpoint, sizeof parties[0].endpoint);
    start(&parties[0], true, "", 0);
    some_turns();
    assert_int_equal(parties[1].ups[3] + parties[2].ups[3], 0);
    EXPECT_STATUS(PN_ENETWORK, say(1, 3, 1));
    EXPECT_OK(say(1, 2, 1));
    await(&parties[2].frames[1], 1);
    assert_int_equal(counters_of(0).frames_in, 0);
}

static void
a_member_that_can_only_dial_is_answered_where_it_dialled(void **state)
{
    (void)state;
    start(&parties[1], true, "2", 0);
    start(&parties[2], true, "1", 0);
    start(&parties[3], false, "12", 0);
    await(&parties[3].ups[1], 1);
    await(&parties[3].ups[2], 1);
    assert_string_equal(net_loop_endpoint(parties[3].loop), "");
    for (uint32_t hub = 1; hub <= 2; hub++) {
        EXPECT_STATUS(PN_ENETWORK, say(hub, 3, 1)); /* not heard yet */
        EXPECT_OK(say(3, hub, 1));
        await(&parties[hub].frames[3], 1);
        EXPECT_OK(say(hub, 3, 7));
        await(&parties[3].frames[hub], 1);
    }
}

static void
two_that_dial_each_other_keep_the_order_of_each(void **state)
{
    (void)state;
    start(&parties[1], true, "2", 0);
    start(&parties[2], true, "1", 0);
    await(&parties[1].ups[2], 1);
    await(&parties[2].ups[1], 1);
    for (unsigned i = 0; i < 200; i++) {
        EXPECT_OK(say(1, 2, (uint8_t)i));
        EXPECT_OK(say(2, 1, (uint8_t)i));
        if (i % 8 == 7)
            await(&parties[1].frames[2], i + 1);
        if (i % 8 == 7)
            await(&parties[2].frames[1], i + 1);
    }
    assert_false(parties[1].disorder || parties[2].disorder);
}

/* A frame on the way that the other one dialled could overtake, so it does not go there. */
static void
a_member_that_we_dial_is_sent_to_on_that_connection_only(void **state)
{
    (void)state;
    start(&parties[1], true, "2", 0);
    start(&parties[2], false, "1", 0); /* nobody listens where 1 dials */
    await(&parties[2].ups[1], 1);
    EXPECT_OK(say(2, 1, 1));
    await(&parties[1].frames[2], 1);
    EXPECT_STATUS(PN_ENETWORK, say(1, 2, 1));
    assert_int_equal(parties[1].ups[2], 0);
}

static void
silence_is_told_of_members_that_we_do_not_dial(void **state)
{
    (void)state;
    start(&parties[1], true, "2", 50);
    start(&parties[2], true, "1", 0);
    start(&parties[3], false, "1", 0);
    await(&parties[1].ups[2], 1);
    await(&parties[2].ups[1], 1);
    await(&parties[3].ups[1], 1);
    EXPECT_OK(say(2, 1, 1));
    EXPECT_OK(say(3, 1, 1));
    await(&parties[1].frames[2], 1);
    await(&parties[1].downs[3], 1);
    some_turns();
    assert_int_equal(parties[1].downs[2], 0);
    stop(&parties[2]);
    await(&parties[1].downs[2], 1);
    some_turns();
    assert_int_equal(parties[1].downs[2], 1);
    assert_int_equal(parties[1].downs[3], 1);
}

/* The loop itself must wake for it: nothing else happens. */
static void
silence_ends_a_long_wait(void **state)
{
    (void)state;
    struct net_event event;
    start(&parties[1], true, "", 50);
    start(&parties[3], false, "1", 0);
    await(&parties[3].ups[1], 1);
    EXPECT_OK(say(3, 1, 1));
    pn_ms end = net_loop_now(parties[1].loop) + 1000 * PATIENCE_S;
    EXPECT_OK(net_loop_wait(&event, parties[1].loop, end));
    assert_int_equal(event.kind, NET_FRAME);
    EXPECT_OK(net_loop_wait(&event, parties[1].loop, end));
    assert_int_equal(event.kind, NET_DOWN);
    assert_int_equal(event.member, 3);
    assert_true(net_loop_now(parties[1].loop) < end);
}

/* Members 2 to 4 say as much to 1 as the way takes: then something of each waits at 1. */
static void
fill_all_queues(void)
{
    static uint8_t bytes[65536];
    time_t         end = time(NULL) + PATIENCE_S;
    for (unsigned refusals = 0; refusals < 20 && time(NULL) <= end; refusals++)
        for (uint32_t i = 2; i <= MEMBERS; i++) {
            struct net_event event;
            struct net_loop *loop = parties[i].loop;
            struct pn_ports  ports;
            net_loop_ports(&ports, loop);
            while (ports_send(&ports, 1, bytes, sizeof bytes) == PN_OK && time(NULL) <= end)
                refusals = 0;
            EXPECT_OK(net_loop_wait(&event, loop, net_loop_now(loop) + TURN_MS));
            assert_int_equal(event.kind, NET_TIMEOUT);
        }
    assert_true(time(NULL) <= end);
}

/* 2 and 3 are dialled, 4 dials. */
static void
who_says_much_keeps_nobody_waiting(void **state)
{
    (void)state;
    start(&parties[1], true, "23", 0);
    start(&parties[2], true, "", 0);
    start(&parties[3], true, "", 0);
    start(&parties[4], false, "1", 0);
    await(&parties[1].ups[2], 1);
    await(&parties[1].ups[3], 1);
    await(&parties[4].ups[1], 1);
    EXPECT_OK(say(1, 2, 0));
    EXPECT_OK(say(1, 3, 0));
    await(&parties[2].frames[1], 1);
    await(&parties[3].frames[1], 1);
    fill_all_queues();
    for (unsigned round = 1; round <= 8; round++) {
        unsigned from = 0; /* a bit for each */
        for (unsigned i = 2; i <= MEMBERS; i++) {
            struct net_event event;
            struct net_loop *loop = parties[1].loop;
            EXPECT_OK(net_loop_wait(&event, loop, net_loop_now(loop) + 1000 * PATIENCE_S));
            assert_int_equal(event.kind, NET_FRAME);
            from |= 1u << event.member;
        }
        assert_int_equal(from, 1u << 2 | 1u << 3 | 1u << 4);
    }
}

static void
the_self_test_passes_while_others_are_dialled(void **state)
{
    (void)state;
    struct pn_error why = {""};
    start(&parties[1], true, "23", 0);
    start(&parties[2], true, "1", 0);
    enum pn_status st = net_loop_self_test(parties[1].loop, &why);
    if (st != PN_OK)
        fail_msg("%s: %s", pn_status_text(st), why.text);
    await(&parties[1].ups[2], 1);
    await(&parties[2].ups[1], 1);
}

/* The most there may be, all of them nowhere but the last. */
static void
a_loop_dials_128_parties_and_no_more(void **state)
{
    (void)state;
    static struct net_dial dials[NET_DIALS_MAX + 1];
    struct net_loop       *loop   = NULL;
    struct pn_error        why    = {""};
    struct net_loop_config config = {.dials      = dials,
                                     .dial_count = NET_DIALS_MAX + 1,
                                     .public_key = &parties[1].public_key,
                                     .secret     = &parties[1].secret};
    for (uint32_t i = 0; i <= NET_DIALS_MAX; i++) {
        struct sec_transport_secret secret;
        dials[i] = (struct net_dial){.endpoint = parties[3].endpoint, .member = 100 + i};
        sec_transport_new(&dials[i].key, &secret);
    }
    dials[NET_DIALS_MAX - 1] = (struct net_dial){
        .endpoint = parties[2].endpoint, .member = 2, .key = parties[2].public_key};
    EXPECT_STATUS(PN_ECONFIG, net_loop_new(&loop, &config, &why));
    EXPECT_SAYS(&why, "at most 128");
    assert_null(loop);
    config.dial_count = NET_DIALS_MAX;
    start(&parties[2], true, "", 0);
    EXPECT_OK(net_loop_new(&parties[1].loop, &config, &why));
    await(&parties[1].ups[2], 1);
}

static void
dials_that_cannot_be_are_refused_with_a_sentence(void **state)
{
    (void)state;
    struct net_loop       *loop = NULL;
    struct pn_error        why  = {""};
    struct net_dial        dials[2];
    struct net_loop_config config = {.dials      = dials,
                                     .dial_count = 2,
                                     .public_key = &parties[1].public_key,
                                     .secret     = &parties[1].secret};
    for (uint32_t i = 0; i < 2; i++)
        dials[i] = (struct net_dial){
            .endpoint = parties[2 + i].endpoint, .member = 2 + i, .key = parties[2 + i].public_key};
    dials[1].member = 2;
    EXPECT_STATUS(PN_ECONFIG, net_loop_new(&loop, &config, &why));
    EXPECT_SAYS(&why, "member 2 is to be dialled twice");
    dials[1].member = 3;
    dials[1].key    = dials[0].key;
    EXPECT_STATUS(PN_ECONFIG, net_loop_new(&loop, &config, &why));
    EXPECT_SAYS(&why, "members 2 and 3 have the same transport key");
    dials[1].key = parties[1].public_key;
    EXPECT_STATUS(PN_ECONFIG, net_loop_new(&loop, &config, &why));
    EXPECT_SAYS(&why, "our own transport key");
    dials[1].key      = parties[3].public_key;
    dials[1].endpoint = "udp://127.0.0.1:7400";
    EXPECT_STATUS(PN_ECONFIG, net_loop_new(&loop, &config, &why));
    EXPECT_SAYS(&why, "udp://");
    dials[1].endpoint = "tcp://127.0.0.1:notaport";
    EXPECT_STATUS(PN_ENETWORK, net_loop_new(&loop, &config, &why));
    EXPECT_SAYS(&why, "cannot dial");
    assert_null(loop);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_parties, free_parties)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(members_of_a_mesh_all_reach_each_other),
        TEST(a_member_that_restarts_is_found_again_and_the_others_notice_nothing),
        TEST(a_stranger_is_refused_by_a_mesh_and_takes_nobodys_place_in_it),
        TEST(a_member_that_can_only_dial_is_answered_where_it_dialled),
        TEST(two_that_dial_each_other_keep_the_order_of_each),
        TEST(a_member_that_we_dial_is_sent_to_on_that_connection_only),
        TEST(silence_is_told_of_members_that_we_do_not_dial),
        TEST(silence_ends_a_long_wait),
        TEST(who_says_much_keeps_nobody_waiting),
        TEST(the_self_test_passes_while_others_are_dialled),
        TEST(a_loop_dials_128_parties_and_no_more),
        TEST(dials_that_cannot_be_are_refused_with_a_sentence),
    };
    return sec_init() == PN_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
