/*
 * Frames that a third member forwards, and what somebody with a valid key can do with them. One
 * real engine, four members: we are at place 0; NEAR and OTHER have a connection with us, FAR has
 * none.
 */
#include "sim/disk.h"
#include "sim/federation.h"
#include "sim/scenario.h"
#include "swarm/engine.h"

#include "crypto/seal.h"
#include "fed/link.h"
#include "fed/route.h"
#include "nnlib/pass.h"
#include "support/expect.h"

#include <stdlib.h>
#include <string.h>

enum {
    MEMBERS = 4,
    FIRST   = 2, /* our number; the others follow */
    NEAR    = 1,
    OTHER   = 2,
    FAR     = 3,
    SENT    = 64,
    WORKS   = 64
};

static struct sim_scenario   scenario;
static struct sim_federation federation;

struct sent {
    uint32_t         to; /* place */
    struct pn_buffer frame;
};

struct host {
    struct swarm_engine        *engine;
    struct engine_scratch       scratch;
    struct sim_disk            *disk;
    struct store_disk           port;
    struct fed_policy           policy;
    struct swarm_config         config;
    struct fed_link             links[MEMBERS]; /* of the others to us, by place */
    struct sec_transport_secret session, far_session;
    struct sec_transport_public session_key, far_key;
    struct sec_seal_key         keys[2]; /* between FAR and us: of sessions, of greetings */
    struct sent                 sent[SENT];
    size_t                      sent_count;
    struct pn_work             *works[WORKS];
    size_t                      work_count;
    struct pn_buffer            body, inner, relay, frame;
    pn_ms                       now;
    uint8_t                     run[16];
};

/* ---- the host ---- */

static enum pn_status
keep_sent(void *context, uint32_t number, struct pn_buffer *frame)
{
    struct host *host = context;
    struct sent *sent = &host->sent[host->sent_count++ % SENT];
    sent->to          = number - FIRST;
    pn_buffer_clear(&sent->frame);
    EXPECT_OK(pn_buffer_append(&sent->frame, frame->bytes, frame->size));
    return PN_OK;
}

static void
submit(void *context, struct pn_work *work)
{
    struct host *host = context;
    assert_true(host->work_count < WORKS);
    host->works[host->work_count++] = work;
}

static void
work_off(struct host *host)
{
    while (host->work_count > 0) {
        struct pn_work *work = host->works[--host->work_count];
        work->run(work);
        work->done(work, host->now);
    }
}

static uint64_t
wall_ms(void *context)
{
    return ((struct host *)context)->now;
}

static void
agree(struct host *host)
{
    const struct sec_transport_public *ours = &federation.roster->members[0].certificate.transport;
    memset(host->session.bytes, 5, 32);
    memset(host->far_session.bytes, 6, 32);
    sec_transport_public_of(&host->session_key, &host->session);
    sec_transport_public_of(&host->far_key, &host->far_session);
    struct sec_seal_ends ends = {.own = &federation.transports[FAR + 1], .theirs = ours};
    assert_true(sec_seal_agree(&host->keys[true], &ends));
    ends.own_session   = &host->far_session;
    ends.their_session = &host->session_key;
    assert_true(sec_seal_agree(&host->keys[false], &ends));
}

static void
begin(struct host *host)
{
    const struct fed_roster *roster = federation.roster;
    struct pn_error          why    = {.text = ""};
    memset(host, 0, sizeof *host);
    host->now = 1000;
    EXPECT_OK(engine_scratch_init(&host->scratch));
    EXPECT_OK(sim_disk_new(&host->disk));
    sim_disk_port(&host->port, host->disk);
    fed_job_run(host->run, roster->federation, scenario.loose[MEMBERS].job, "1");
    struct pn_buffer *all[] = {&host->body, &host->inner, &host->relay, &host->frame};
    for (size_t i = 0; i < 4; i++)
        pn_buffer_init(all[i], WIRE_FRAME_MAX);
    for (size_t i = 0; i < SENT; i++)
        pn_buffer_init(&host->sent[i].frame, WIRE_FRAME_MAX);
    for (uint32_t i = 1; i < MEMBERS; i++) {
        struct fed_link_ends ends = {.epoch  = roster->epoch,
                                     .self   = FIRST + i,
                                     .peer   = FIRST,
                                     .swarm  = true,
                                     .secret = &federation.secrets[i + 1],
                                     .key    = &roster->members[0].certificate.node};
        memcpy(ends.run, host->run, sizeof ends.run);
        fed_link_init(&host->links[i], &ends, 7);
    }
    agree(host);
    swarm_config_defaults(&host->config, &scenario.loose[MEMBERS]);
    host->config.trusted   = roster;
    host->config.roster    = roster;
    host->config.text      = (struct wire_span){federation.text.bytes, federation.text.size};
    host->config.self      = FIRST;
    host->config.secret    = &federation.secrets[1];
    host->config.transport = &federation.transports[1];
    host->config.session   = &host->session;
    host->config.boot      = 1;
    host->config.policy    = &host->policy;
    host->config.source    = scenario.sites[0].source;
    host->config.disk      = &host->port;
    host->config.ports     = (struct pn_ports){.host = host, .send = keep_sent, .submit = submit};
    host->config.scratch   = &host->scratch;
    host->config.wall_ms   = wall_ms;
    host->config.host      = host;
    EXPECT_OK(swarm_engine_new(&host->engine, &host->config, &why));
    swarm_engine_start(host->engine, host->now);
    work_off(host);
}

static void
end(struct host *host)
{
    work_off(host);
    swarm_engine_free(host->engine);
    sim_disk_free(host->disk);
    engine_scratch_fini(&host->scratch);
    struct pn_buffer *all[] = {&host->body, &host->inner, &host->relay, &host->frame};
    for (size_t i = 0; i < 4; i++)
        pn_buffer_fini(all[i]);
    for (size_t i = 0; i < SENT; i++)
        pn_buffer_fini(&host->sent[i].frame);
}

/* ---- saying ---- */

static uint64_t
count_of(const struct host *host, uint32_t place, enum pn_status status)
{
    const struct engine_counters *counters = swarm_engine_counters(host->engine, FIRST + place);
    return status == PN_OK ? counters->accepted : counters->reasons[status];
}

/* The body, by the connection of `place`. */
static void
say(struct host *host, uint32_t place, enum wire_type type, const struct pn_buffer *body)
{
    EXPECT_OK(
        fed_link_seal(&host->frame, &host->links[place], type, 0, 0, body->bytes, body->size));
    host->sent_count = 0;
    swarm_engine_frame(host->engine, host->now, FIRST + place, host->frame.bytes, host->frame.size);
    work_off(host);
}

static struct pn_buffer *
hello(struct host *host, bool restart)
{
    struct wire_hello message = {.restart = restart, .software = "test"};
    memcpy(message.key, host->far_key.bytes, 32);
    pn_buffer_clear(&host->body);
    EXPECT_OK(wire_hello_encode(&host->body, &message));
    return &host->body;
}

static struct pn_buffer *
status(struct host *host, uint8_t reach)
{
    const struct wire_status message = {.activity = WIRE_IDLE, .reach = {&reach, 1}};
    pn_buffer_clear(&host->body);
    EXPECT_OK(wire_status_encode(&host->body, &message));
    return &host->body;
}

/* The whole frame of FAR in `inner`, sealed for us in `relay`. */
static void
seal(struct host *host, bool greeting)
{
    const struct wire_relay head = {.origin = FIRST + FAR, .target = FIRST, .greeting = greeting};
    host->relay.size             = 0;
    EXPECT_OK(pn_buffer_extend(&host->relay, WIRE_RELAY_HEAD + SEC_SEAL_EXTRA + host->inner.size));
    wire_relay_head(host->relay.bytes, &head);
    sec_seal(host->relay.bytes + WIRE_RELAY_HEAD, &host->keys[greeting],
             &(struct sec_about){host->relay.bytes, WIRE_RELAY_HEAD}, host->inner.bytes,
             host->inner.size);
}

static void
write_inner(struct host *host, enum wire_type type, const struct pn_buffer *body)
{
    EXPECT_OK(fed_link_seal(&host->inner, &host->links[FAR], type, 0, 0, body->bytes, body->size));
}

/* FAR says it, forwarded by NEAR. */
static void
far_says(struct host *host, enum wire_type type, const struct pn_buffer *body)
{
    write_inner(host, type, body);
    seal(host, type == WIRE_HELLO);
    say(host, NEAR, WIRE_RELAY, &host->relay);
}

static void
greet_all(struct host *host)
{
    say(host, NEAR, WIRE_HELLO, hello(host, true));
    say(host, OTHER, WIRE_HELLO, hello(host, true));
    far_says(host, WIRE_HELLO, hello(host, true));
}

/* ---- hearing ---- */

/* The first RELAY to FAR among what we sent since; its inner frame, opened, is in `inner`. False:
 * none for this key. */
static bool
open_sent(struct host *host, uint32_t by, bool greeting, struct wire_frame *out)
{
    for (size_t i = 0; i < host->sent_count && i < SENT; i++) {
        struct wire_frame frame;
        struct wire_relay relay;
        EXPECT_OK(wire_frame_decode(&frame, host->sent[i].frame.bytes, host->sent[i].frame.size));
        if (host->sent[i].to != by || frame.header.type != WIRE_RELAY)
            continue;
        EXPECT_OK(wire_relay_decode(&relay, frame.body, frame.header.body_size));
        assert_true(relay.origin == FIRST && relay.target == FIRST + FAR);
        if (relay.greeting != greeting)
            continue;
        size_t size      = relay.sealed.size - SEC_SEAL_EXTRA;
        host->inner.size = 0;
        EXPECT_OK(pn_buffer_extend(&host->inner, size));
        assert_true(sec_seal_open(host->inner.bytes, &host->keys[greeting],
                                  &(struct sec_about){frame.body, WIRE_RELAY_HEAD},
                                  relay.sealed.bytes, relay.sealed.size));
        EXPECT_OK(wire_frame_decode(out, host->inner.bytes, size));
        return true;
    }
    return false;
}

static const struct fed_swarm_member *
far(const struct host *host)
{
    return &swarm_engine_machine(host->engine)->members[FAR];
}

/* ---- what works ---- */

static void
a_forwarded_greeting_is_answered_by_the_same_way(void **state)
{
    struct host       host;
    struct wire_frame answer;
    struct wire_hello said;
    (void)state;
    begin(&host);
    greet_all(&host);
    assert_true(far(&host)->connected);
    assert_true(open_sent(&host, NEAR, true, &answer));
    assert_int_equal(answer.header.type, WIRE_HELLO);
    assert_int_equal(answer.header.sender, FIRST);
    assert_int_equal(answer.header.recipient, FIRST + FAR);
    wire_arena_reset(&host.scratch.arena);
    EXPECT_OK(wire_hello_decode(&said, &host.scratch.arena, answer.body, answer.header.body_size));
    assert_memory_equal(said.key, host.session_key.bytes, 32);
    end(&host);
}

/* What is sealed after the greetings, nobody opens who has the transport keys only. */
static void
what_is_said_after_it_is_sealed_for_this_life(void **state)
{
    struct host       host;
    struct wire_frame said;
    (void)state;
    begin(&host);
    greet_all(&host);
    uint64_t before = count_of(&host, FAR, PN_OK);
    far_says(&host, WIRE_STATUS, status(&host, 0));
    assert_int_equal(count_of(&host, FAR, PN_OK), before + 1);
    host.sent_count = 0;
    host.now += 20000; /* our own STATUS is due */
    swarm_engine_tick(host.engine, host.now);
    assert_true(open_sent(&host, NEAR, false, &said));
    assert_int_equal(said.header.type, WIRE_STATUS);
    end(&host);
}

static void
frames_of_others_are_passed_on_as_they_are_to_who_is_near(void **state)
{
    struct host       host;
    struct wire_frame sent;
    (void)state;
    begin(&host);
    greet_all(&host);
    write_inner(&host, WIRE_STATUS, status(&host, 0));
    seal(&host, false);
    wire_relay_head(host.relay.bytes,
                    &(struct wire_relay){.origin = FIRST + NEAR, .target = FIRST + OTHER});
    say(&host, NEAR, WIRE_RELAY, &host.relay);
    assert_true(host.sent_count >= 1 && host.sent[0].to == OTHER);
    EXPECT_OK(wire_frame_decode(&sent, host.sent[0].frame.bytes, host.sent[0].frame.size));
    assert_int_equal(sent.header.type, WIRE_RELAY);
    assert_int_equal(sent.header.body_size, host.relay.size);
    assert_memory_equal(sent.body, host.relay.bytes, host.relay.size);

    wire_relay_head(host.relay.bytes,
                    &(struct wire_relay){.origin = FIRST + NEAR, .target = FIRST + FAR});
    say(&host, NEAR, WIRE_RELAY, &host.relay); /* one hop: FAR is not near to us */
    assert_int_equal(count_of(&host, NEAR, PN_EPEER_STALE), 1);
    assert_int_equal(host.sent_count, 0);
    end(&host);
}

static void
when_the_forwarder_is_gone_another_one_is_asked_at_once(void **state)
{
    struct host       host;
    struct wire_frame greeting;
    struct wire_hello said;
    (void)state;
    begin(&host);
    greet_all(&host);
    say(&host, OTHER, WIRE_STATUS, status(&host, 1u << FAR | 1));
    host.sent_count = 0;
    swarm_engine_down(host.engine, host.now, FIRST + NEAR);
    assert_true(open_sent(&host, OTHER, true, &greeting));
    wire_arena_reset(&host.scratch.arena);
    EXPECT_OK(
        wire_hello_decode(&said, &host.scratch.arena, greeting.body, greeting.header.body_size));
    assert_true(said.restart); /* what was under way may be lost */
    assert_true(far(&host)->connected);
    end(&host);
}

static void
a_forwarder_that_says_nothing_of_it_is_left_and_silence_ends_the_session(void **state)
{
    struct host       host;
    struct wire_frame greeting;
    (void)state;
    begin(&host);
    greet_all(&host);
    say(&host, OTHER, WIRE_STATUS, status(&host, 1u << FAR | 1));
    host.sent_count = 0;
    host.now += 8 * host.config.limits.status_ms;
    swarm_engine_tick(host.engine, host.now);
    assert_false(far(&host)->connected);
    assert_true(open_sent(&host, OTHER, true, &greeting));
    end(&host);
}

/* The frame of FAR that goes to it directly, if one did. */
static bool
find_direct(const struct host *host, struct wire_frame *out)
{
    for (size_t i = 0; i < host->sent_count && i < SENT; i++) {
        EXPECT_OK(wire_frame_decode(out, host->sent[i].frame.bytes, host->sent[i].frame.size));
        if (host->sent[i].to == FAR)
            return true;
    }
    return false;
}

/* FAR lost the connection in a cut that we did not notice, and that has healed. */
static void
a_connection_that_only_one_end_gave_up_is_tried_and_taken_back(void **state)
{
    struct host       host;
    struct wire_frame forwarded, direct;
    const pn_ms       beat = 5000;
    (void)state;
    begin(&host);
    greet_all(&host);
    assert_int_equal(host.config.limits.status_ms, beat);
    say(&host, FAR, WIRE_HELLO, hello(&host, true));
    assert_true(find_direct(&host, &direct));
    far_says(&host, WIRE_HELLO, hello(&host, true));
    assert_true(open_sent(&host, NEAR, true, &forwarded)); /* its way is ours, too */
    host.now += 7 * beat;
    far_says(&host, WIRE_STATUS, status(&host, 0));
    host.sent_count = 0;
    host.now += beat;
    swarm_engine_tick(host.engine, host.now);
    assert_true(open_sent(&host, NEAR, true, &forwarded));
    assert_true(find_direct(&host, &direct)); /* the same by both ways */
    assert_memory_equal(direct.header_bytes, forwarded.header_bytes, WIRE_HEADER_SIZE);

    far_says(&host, WIRE_HELLO, hello(&host, false));
    host.sent_count = 0; /* the same greeting by the connection, and later */
    swarm_engine_frame(host.engine, host.now, FIRST + FAR, host.inner.bytes, host.inner.size);
    assert_int_equal(count_of(&host, FAR, PN_EPEER_REPLAY), 1);
    assert_true(find_direct(&host, &direct));
    assert_int_equal(direct.header.type, WIRE_HELLO);
    host.now += beat; /* and from now on nothing is forwarded */
    host.sent_count = 0;
    swarm_engine_tick(host.engine, host.now);
    assert_true(find_direct(&host, &direct));
    assert_int_equal(direct.header.type, WIRE_STATUS);
    assert_false(open_sent(&host, NEAR, false, &forwarded));
    end(&host);
}

/* A member that goes by another epoch of the roster counts places otherwise. */
static void
what_a_member_of_another_epoch_says_of_places_is_not_read(void **state)
{
    struct host host;
    (void)state;
    begin(&host);
    host.links[OTHER].ends.epoch = 2;
    say(&host, OTHER, WIRE_HELLO, hello(&host, true));
    uint64_t before = count_of(&host, OTHER, PN_OK);
    say(&host, OTHER, WIRE_STATUS, status(&host, 0xff)); /* it has more members, perhaps */
    assert_int_equal(count_of(&host, OTHER, PN_OK), before + 1);
    assert_int_equal(host.sent_count, 0); /* FAR is not greeted through it */
    write_inner(&host, WIRE_HELLO, hello(&host, true));
    seal(&host, true);
    wire_relay_head(host.relay.bytes,
                    &(struct wire_relay){.origin = FIRST + OTHER, .target = FIRST + MEMBERS});
    say(&host, OTHER, WIRE_RELAY, &host.relay);
    assert_int_equal(count_of(&host, OTHER, PN_EPEER_STALE), 1);

    say(&host, NEAR, WIRE_HELLO, hello(&host, true));
    say(&host, NEAR, WIRE_STATUS, status(&host, 0xff));
    assert_int_equal(count_of(&host, NEAR, PN_EPEER_VALUE), 1);
    end(&host);
}

/* ---- attacks ---- */

/* What NEAR, with a session of its own, hands us as a RELAY. */
static void
expect_near(struct host *host, enum pn_status expected)
{
    uint64_t ours = count_of(host, NEAR, expected), theirs = count_of(host, FAR, PN_OK);
    say(host, NEAR, WIRE_RELAY, &host->relay);
    assert_int_equal(count_of(host, NEAR, expected), ours + 1);
    assert_int_equal(count_of(host, FAR, PN_OK), theirs);
}

static void
relays_in_other_names_shapes_and_directions_are_refused(void **state)
{
    static const struct {
        uint32_t       origin, target;
        enum pn_status expected;
    } cases[] = {
        {FIRST + NEAR, FIRST, PN_EPEER_AUTH},         /* it has a connection for that */
        {FIRST + NEAR, FIRST + NEAR, PN_EPEER_VALUE}, /* to itself                    */
        {FIRST, FIRST + OTHER, PN_EPEER_AUTH},        /* in our name                  */
        {FIRST + OTHER, FIRST + FAR, PN_EPEER_AUTH},  /* a second hop                 */
        {FIRST + OTHER, FIRST + NEAR, PN_EPEER_AUTH}, /* back again                   */
        {FIRST + NEAR, 99, PN_EPEER_VALUE},           /* to nobody                    */
        {99, FIRST, PN_EPEER_VALUE},                  /* of nobody                    */
        {1, FIRST, PN_EPEER_VALUE},
        {FIRST + OTHER, FIRST, PN_EPEER_GAP}, /* sealed by another than it says */
    };
    struct host host;
    (void)state;
    begin(&host);
    greet_all(&host);
    write_inner(&host, WIRE_STATUS, status(&host, 0));
    seal(&host, false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wire_relay_head(host.relay.bytes,
                        &(struct wire_relay){.origin = cases[i].origin, .target = cases[i].target});
        expect_near(&host, cases[i].expected);
    }
    seal(&host, false);
    host.relay.bytes[8] = 2;
    expect_near(&host, PN_EPEER_FORMAT);
    host.relay.size = WIRE_RELAY_HEAD + WIRE_RELAY_SEAL + WIRE_RELAY_INNER_MIN - 1;
    expect_near(&host, PN_EPEER_FORMAT);
    seal(&host, false);
    uint64_t before = count_of(&host, FAR, PN_OK);
    say(&host, NEAR, WIRE_RELAY, &host.relay); /* and what FAR said is heard as before */
    assert_int_equal(count_of(&host, FAR, PN_OK), before + 1);
    end(&host);
}

static void
altered_it_is_lost_and_missed_when_the_next_one_comes(void **state)
{
    struct host       host;
    struct wire_frame asks;
    struct wire_hello said;
    (void)state;
    begin(&host);
    greet_all(&host);
    write_inner(&host, WIRE_STATUS, status(&host, 0));
    seal(&host, false);
    host.relay.bytes[host.relay.size - 1] ^= 1;
    host.now += 2000;
    expect_near(&host, PN_EPEER_GAP);
    assert_false(open_sent(&host, NEAR, true, &asks)); /* anybody could have made it */
    far_says(&host, WIRE_STATUS, status(&host, 0));
    assert_int_equal(count_of(&host, FAR, PN_EPEER_GAP), 1);
    assert_true(open_sent(&host, NEAR, true, &asks));
    wire_arena_reset(&host.scratch.arena);
    EXPECT_OK(wire_hello_decode(&said, &host.scratch.arena, asks.body, asks.header.body_size));
    assert_true(said.restart);
    far_says(&host, WIRE_STATUS, status(&host, 0)); /* one request in a second is enough */
    assert_false(open_sent(&host, NEAR, true, &asks));
    end(&host);
}

/* A greeting of an earlier life is properly sealed and signed: only who has a connection is
 * believed that it forgot what came after. */
static void
repeated_and_older_ones_change_nothing(void **state)
{
    struct host      host;
    struct fed_link  now;
    struct pn_buffer kept;
    (void)state;
    begin(&host);
    pn_buffer_init(&kept, WIRE_FRAME_MAX);
    greet_all(&host);
    EXPECT_OK(pn_buffer_append(&kept, host.relay.bytes, host.relay.size));
    for (int i = 0; i < 300; i++)
        say(&host, NEAR, WIRE_RELAY, &kept);
    assert_int_equal(count_of(&host, FAR, PN_EPEER_REPLAY), 300);
    now = host.links[FAR];
    fed_link_init(&host.links[FAR], &now.ends, 6);
    far_says(&host, WIRE_HELLO, hello(&host, true));
    assert_int_equal(count_of(&host, FAR, PN_EPEER_REPLAY), 301);
    assert_true(far(&host)->connected);
    host.links[FAR] = now;
    uint64_t before = count_of(&host, FAR, PN_OK); /* nor did it cost FAR what it may say */
    far_says(&host, WIRE_STATUS, status(&host, 0));
    assert_int_equal(count_of(&host, FAR, PN_OK), before + 1);
    pn_buffer_fini(&kept);
    end(&host);
}

static void
held_back_and_swapped_they_are_a_gap(void **state)
{
    struct host      host;
    struct pn_buffer first;
    (void)state;
    begin(&host);
    pn_buffer_init(&first, WIRE_FRAME_MAX);
    greet_all(&host);
    write_inner(&host, WIRE_STATUS, status(&host, 0));
    seal(&host, false);
    EXPECT_OK(pn_buffer_append(&first, host.relay.bytes, host.relay.size));
    far_says(&host, WIRE_STATUS, status(&host, 0));
    assert_int_equal(count_of(&host, FAR, PN_EPEER_GAP), 1);
    say(&host, NEAR, WIRE_RELAY, &first);
    far_says(&host, WIRE_STATUS, status(&host, 0));
    assert_int_equal(count_of(&host, FAR, PN_EPEER_GAP), 2); /* until it greets again */
    far_says(&host, WIRE_HELLO, hello(&host, false));
    far_says(&host, WIRE_STATUS, status(&host, 0));
    assert_int_equal(count_of(&host, FAR, PN_EPEER_GAP), 2);
    pn_buffer_fini(&first);
    end(&host);
}

/* Sealed by FAR, who may do this. */
static void
inside_only_what_may_be_forwarded_is_taken_and_only_of_its_origin(void **state)
{
    struct host            host;
    const struct wire_pull pull = {.blob = {.size = 8}, .count = 1};
    struct pn_buffer       nested;
    (void)state;
    begin(&host);
    pn_buffer_init(&nested, WIRE_FRAME_MAX);
    greet_all(&host);
    write_inner(&host, WIRE_STATUS, status(&host, 0)); /* a RELAY in a RELAY */
    seal(&host, false);
    EXPECT_OK(pn_buffer_append(&nested, host.relay.bytes, host.relay.size));
    write_inner(&host, WIRE_RELAY, &nested);
    seal(&host, false);
    expect_near(&host, PN_EPEER_FORMAT);

    pn_buffer_clear(&host.body);
    EXPECT_OK(wire_pull_encode(&host.body, &pull)); /* chunks come from who is near */
    write_inner(&host, WIRE_PULL, &host.body);
    seal(&host, false);
    expect_near(&host, PN_EPEER_FORMAT);

    write_inner(&host, WIRE_HELLO, hello(&host, false)); /* under the other key */
    seal(&host, false);
    expect_near(&host, PN_EPEER_FORMAT);
    write_inner(&host, WIRE_STATUS, status(&host, 0));
    seal(&host, true);
    expect_near(&host, PN_EPEER_FORMAT);

    uint64_t before = count_of(&host, FAR, PN_EPEER_AUTH); /* a frame of OTHER */
    EXPECT_OK(fed_link_seal(&host.inner, &host.links[OTHER], WIRE_STATUS, 0, 0,
                            status(&host, 0)->bytes, host.body.size));
    pn_put_u64(host.inner.bytes + 48, (uint64_t)9 << 32); /* newer than anything */
    seal(&host, false);
    say(&host, NEAR, WIRE_RELAY, &host.relay);
    assert_int_equal(count_of(&host, FAR, PN_EPEER_AUTH), before + 1);

    write_inner(&host, WIRE_STATUS, status(&host, 0)); /* not signed by FAR */
    host.inner.bytes[host.inner.size - 1] ^= 1;
    seal(&host, false);
    say(&host, NEAR, WIRE_RELAY, &host.relay);
    assert_int_equal(count_of(&host, FAR, PN_EPEER_AUTH), before + 2);
    pn_buffer_fini(&nested);
    end(&host);
}

static void
a_member_that_floods_relays_is_bounded_and_its_own_word_is_still_heard(void **state)
{
    struct host host;
    uint64_t    forwarded = 0;
    (void)state;
    begin(&host);
    greet_all(&host);
    write_inner(&host, WIRE_STATUS, status(&host, 0));
    seal(&host, false);
    wire_relay_head(host.relay.bytes,
                    &(struct wire_relay){.origin = FIRST + NEAR, .target = FIRST + OTHER});
    for (int i = 0; i < 1000; i++) {
        say(&host, NEAR, WIRE_RELAY, &host.relay);
        forwarded += host.sent_count > 0;
    }
    assert_int_equal(forwarded, 128);
    assert_int_equal(count_of(&host, NEAR, PN_EPEER_LIMIT), 1000 - forwarded);

    uint64_t before = count_of(&host, NEAR, PN_OK); /* its own word is another matter, */
    say(&host, NEAR, WIRE_STATUS, status(&host, 0));
    assert_int_equal(count_of(&host, NEAR, PN_OK), before + 1);
    far_says(&host, WIRE_HELLO, hello(&host, false));
    before = count_of(&host, FAR, PN_OK); /* what it forwards from others, */
    far_says(&host, WIRE_STATUS, status(&host, 0));
    assert_int_equal(count_of(&host, FAR, PN_OK), before + 1);
    wire_relay_head(host.relay.bytes, /* and what others say to the same one */
                    &(struct wire_relay){.origin = FIRST + FAR, .target = FIRST + OTHER});
    say(&host, FAR, WIRE_HELLO, hello(&host, false));
    say(&host, FAR, WIRE_RELAY, &host.relay);
    assert_true(host.sent_count > 0 && host.sent[0].to == OTHER);

    /* Beyond all that four could forward it is not even read. */
    for (int i = 0; i < 2000; i++)
        say(&host, NEAR, WIRE_RELAY, &host.relay);
    before = count_of(&host, FAR, PN_OK);
    far_says(&host, WIRE_STATUS, status(&host, 0));
    assert_int_equal(count_of(&host, FAR, PN_OK), before);
    host.now += 10000;
    say(&host, NEAR, WIRE_HELLO, hello(&host, false));
    wire_relay_head(host.relay.bytes,
                    &(struct wire_relay){.origin = FIRST + NEAR, .target = FIRST + OTHER});
    say(&host, NEAR, WIRE_RELAY, &host.relay); /* and some more later */
    assert_true(host.sent_count > 0 && host.sent[0].to == OTHER);
    end(&host);
}

static void
strangers_and_frames_that_are_too_long_are_not_looked_at(void **state)
{
    struct host        host;
    struct wire_header header = {
        .type = WIRE_RELAY, .sender = FIRST + NEAR, .recipient = FIRST, .epoch = 1};
    (void)state;
    begin(&host);
    greet_all(&host);
    write_inner(&host, WIRE_STATUS, status(&host, 0));
    seal(&host, false);
    EXPECT_OK(fed_link_seal(&host.frame, &host.links[NEAR], WIRE_RELAY, 0, 0, host.relay.bytes,
                            host.relay.size));
    host.sent_count = 0;
    swarm_engine_frame(host.engine, host.now, 99, host.frame.bytes, host.frame.size);
    assert_int_equal(host.sent_count, 0);

    header.body_size = WIRE_RELAY_MAX + 1;
    host.frame.size  = 0;
    EXPECT_OK(pn_buffer_extend(&host.frame, WIRE_HEADER_SIZE + header.body_size + 64));
    memset(host.frame.bytes, 0, host.frame.size);
    wire_header_encode(host.frame.bytes, &header);
    uint64_t before = count_of(&host, NEAR, PN_EPEER_LIMIT);
    swarm_engine_frame(host.engine, host.now, FIRST + NEAR, host.frame.bytes, host.frame.size);
    assert_int_equal(count_of(&host, NEAR, PN_EPEER_LIMIT), before + 1);
    end(&host);
}

/* ---- all of them ---- */

static int
start(void **state)
{
    struct pn_error why = {.text = ""};
    (void)state;
    EXPECT_OK(sim_scenario_init(&scenario, FED_MODE_SWARM, &why));
    EXPECT_OK(sim_federation_new(&federation, FED_MODE_SWARM, 1, scenario.sites, MEMBERS, &why));
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    sim_federation_fini(&federation);
    sim_scenario_fini(&scenario);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forwarded_greeting_is_answered_by_the_same_way),
        cmocka_unit_test(what_is_said_after_it_is_sealed_for_this_life),
        cmocka_unit_test(frames_of_others_are_passed_on_as_they_are_to_who_is_near),
        cmocka_unit_test(when_the_forwarder_is_gone_another_one_is_asked_at_once),
        cmocka_unit_test(a_forwarder_that_says_nothing_of_it_is_left_and_silence_ends_the_session),
        cmocka_unit_test(a_connection_that_only_one_end_gave_up_is_tried_and_taken_back),
        cmocka_unit_test(what_a_member_of_another_epoch_says_of_places_is_not_read),
        cmocka_unit_test(relays_in_other_names_shapes_and_directions_are_refused),
        cmocka_unit_test(altered_it_is_lost_and_missed_when_the_next_one_comes),
        cmocka_unit_test(repeated_and_older_ones_change_nothing),
        cmocka_unit_test(held_back_and_swapped_they_are_a_gap),
        cmocka_unit_test(inside_only_what_may_be_forwarded_is_taken_and_only_of_its_origin),
        cmocka_unit_test(a_member_that_floods_relays_is_bounded_and_its_own_word_is_still_heard),
        cmocka_unit_test(strangers_and_frames_that_are_too_long_are_not_looked_at),
    };
    if (sec_init() != PN_OK || nn_start_up() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, start, stop);
}
