#include "support/expect.h"
#include "support/ports.h"

#include "net/loop.h"
#include "net/rude.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * Both ends live in this process and on this thread; `play` gives each a turn until the wanted
 * event comes. Members: 1 is the coordinator, 7 and 8 are nodes.
 */
enum {
    PATIENCE_MS = 20000,
    TURN_MS     = 5,
    FRAME_MAX   = 1048576 + 4096,
    LISTENER    = 1,
    NODE        = 7,
    OTHER       = 8
};

struct party {
    struct sec_transport_public public_key;
    struct sec_transport_secret secret;
};

static struct party    listener, node, other, stranger;
static struct net_peer admitted[2];

static void
make_parties(void)
{
    sec_transport_new(&listener.public_key, &listener.secret);
    sec_transport_new(&node.public_key, &node.secret);
    sec_transport_new(&other.public_key, &other.secret);
    sec_transport_new(&stranger.public_key, &stranger.secret);
    admitted[0] = (struct net_peer){.member = NODE, .key = node.public_key};
    admitted[1] = (struct net_peer){.member = OTHER, .key = other.public_key};
}

static struct net_loop *
new_loop(const struct net_loop_config *config)
{
    struct net_loop *loop = NULL;
    struct pn_error  why  = {""};
    enum pn_status   st   = net_loop_new(&loop, config, &why);
    if (st != PN_OK)
        fail_msg("%s: %s", pn_status_text(st), why.text);
    return loop;
}

static struct net_loop *
listen_on(const char *address, pn_ms silence_ms)
{
    return new_loop(&(struct net_loop_config){.listen      = address,
                                              .public_key  = &listener.public_key,
                                              .secret      = &listener.secret,
                                              .admit       = admitted,
                                              .admit_count = 2,
                                              .silence_ms  = silence_ms});
}

static struct net_loop *
dial_as(const struct party *party, const char *address, const struct sec_transport_public *key)
{
    const struct net_dial dial = {.endpoint = address, .member = LISTENER, .key = *key};
    return new_loop(&(struct net_loop_config){.dials      = &dial,
                                              .dial_count = 1,
                                              .public_key = &party->public_key,
                                              .secret     = &party->secret});
}

static enum pn_status
send_to(struct net_loop *loop, uint32_t member, const void *bytes, size_t size)
{
    struct pn_ports ports;
    net_loop_ports(&ports, loop);
    return ports_send(&ports, member, bytes, size);
}

/* Waits for `kind` at `loop`, giving `peer` (or NULL) its turns; frames of the peer are dropped. */
static void
play(struct net_event *event, struct net_loop *loop, struct net_loop *peer,
     enum net_event_kind kind)
{
    pn_ms end = net_loop_now(loop) + PATIENCE_MS;
    while (net_loop_now(loop) < end) {
        struct net_event ignored;
        if (peer != NULL)
            EXPECT_OK(net_loop_wait(&ignored, peer, net_loop_now(peer) + TURN_MS));
        EXPECT_OK(net_loop_wait(event, loop, net_loop_now(loop) + TURN_MS));
        if (event->kind == kind)
            return;
        if (event->kind != NET_TIMEOUT)
            fail_msg("event %d came, %d was awaited", (int)event->kind, (int)kind);
    }
    fail_msg("event %d did not come within %d ms", (int)kind, PATIENCE_MS);
}

/* A few turns in which nothing may happen at either end. */
static void
expect_quiet(struct net_loop *loop, struct net_loop *peer, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++) {
        struct net_event event;
        EXPECT_OK(net_loop_wait(&event, peer, net_loop_now(peer) + TURN_MS));
        assert_int_equal(event.kind, NET_TIMEOUT);
        EXPECT_OK(net_loop_wait(&event, loop, net_loop_now(loop) + TURN_MS));
        assert_int_equal(event.kind, NET_TIMEOUT);
    }
}

static struct net_counters
counters_of(const struct net_loop *loop)
{
    struct net_counters counters;
    net_loop_counters(&counters, loop);
    return counters;
}

static void
expect_frame(const struct net_event *event, uint32_t member, const void *bytes, size_t size)
{
    assert_int_equal(event->kind, NET_FRAME);
    assert_int_equal(event->member, member);
    assert_int_equal(event->size, size);
    if (size > 0)
        assert_memory_equal(event->bytes, bytes, size);
}

static void
frames_go_both_ways_up_to_the_largest(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 0, 160, 65536, 1048576, FRAME_MAX};
    uint8_t            *bytes   = malloc(FRAME_MAX + 1);
    struct net_loop    *home    = listen_on("tcp://127.0.0.1:0", 0);
    struct net_loop    *away    = dial_as(&node, net_loop_endpoint(home), &listener.public_key);
    struct net_event    event;
    assert_non_null(bytes);
    for (size_t i = 0; i < FRAME_MAX + 1; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 977);
    EXPECT_STATUS(PN_ENETWORK, send_to(away, LISTENER, bytes, 1)); /* not up yet */
    EXPECT_STATUS(PN_ENETWORK, send_to(home, NODE, bytes, 1));     /* not heard yet */
    play(&event, away, home, NET_UP);
    assert_int_equal(event.member, LISTENER);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        EXPECT_OK(send_to(away, LISTENER, bytes, sizes[i]));
        play(&event, home, NULL, NET_FRAME);
        expect_frame(&event, NODE, bytes, sizes[i]);
        EXPECT_OK(send_to(home, NODE, bytes, sizes[i]));
        play(&event, away, NULL, NET_FRAME);
        expect_frame(&event, LISTENER, bytes, sizes[i]);
    }
    EXPECT_STATUS(PN_ERANGE, send_to(away, LISTENER, bytes, FRAME_MAX + 1));
    EXPECT_STATUS(PN_ENETWORK, send_to(away, OTHER, bytes, 1));
    EXPECT_STATUS(PN_ENETWORK, send_to(home, OTHER, bytes, 1));
    EXPECT_STATUS(PN_ENETWORK, send_to(home, 99, bytes, 1));
    struct net_counters sent = counters_of(away), got = counters_of(home);
    assert_int_equal(sent.frames_out, 6);
    assert_int_equal(got.frames_in, 6);
    assert_int_equal(sent.bytes_out, got.bytes_in);
    assert_int_equal(sent.unsent, 3);
    assert_int_equal(got.unsent, 3);
    net_loop_free(away);
    net_loop_free(home);
    free(bytes);
}

static void
each_member_is_told_apart_by_its_key(void **state)
{
    (void)state;
    struct net_loop *home   = listen_on("tcp://127.0.0.1:0", 0);
    struct net_loop *first  = dial_as(&node, net_loop_endpoint(home), &listener.public_key);
    struct net_loop *second = dial_as(&other, net_loop_endpoint(home), &listener.public_key);
    struct net_event event;
    play(&event, first, home, NET_UP);
    play(&event, second, home, NET_UP);
    EXPECT_OK(send_to(second, LISTENER, (const uint8_t *)"8", 1));
    play(&event, home, NULL, NET_FRAME);
    expect_frame(&event, OTHER, "8", 1);
    EXPECT_OK(send_to(first, LISTENER, (const uint8_t *)"7", 1));
    play(&event, home, NULL, NET_FRAME);
    expect_frame(&event, NODE, "7", 1);
    EXPECT_OK(send_to(home, OTHER, (const uint8_t *)"to 8", 4));
    play(&event, second, NULL, NET_FRAME);
    expect_frame(&event, LISTENER, "to 8", 4);
    expect_quiet(first, home, 4);
    net_loop_free(first);
    net_loop_free(second);
    net_loop_free(home);
}

static void
a_new_connection_of_a_member_takes_the_answers(void **state)
{
    (void)state;
    struct net_loop *home  = listen_on("tcp://127.0.0.1:0", 0);
    struct net_loop *first = dial_as(&node, net_loop_endpoint(home), &listener.public_key);
    struct net_event event;
    play(&event, first, home, NET_UP);
    EXPECT_OK(send_to(first, LISTENER, (const uint8_t *)"a", 1));
    play(&event, home, NULL, NET_FRAME);
    struct net_loop *second = dial_as(&node, net_loop_endpoint(home), &listener.public_key);
    play(&event, second, home, NET_UP);
    EXPECT_OK(send_to(second, LISTENER, (const uint8_t *)"b", 1));
    play(&event, home, NULL, NET_FRAME);
    expect_frame(&event, NODE, "b", 1);
    EXPECT_OK(send_to(first, LISTENER, (const uint8_t *)"late", 4)); /* heard, but not answered */
    play(&event, home, NULL, NET_FRAME);
    expect_frame(&event, NODE, "late", 4);
    EXPECT_OK(send_to(home, NODE, (const uint8_t *)"c", 1));
    play(&event, second, NULL, NET_FRAME);
    expect_quiet(first, home, 4);
    net_loop_free(first);
    net_loop_free(second);
    net_loop_free(home);
}

static void
a_stranger_and_a_wrong_listener_are_refused_and_tried_again(void **state)
{
    (void)state;
    struct net_loop *home = listen_on("tcp://127.0.0.1:0", 0);
    struct net_loop *away = dial_as(&stranger, net_loop_endpoint(home), &listener.public_key);
    pn_ms            end  = net_loop_now(home) + PATIENCE_MS;
    /* Three refusals: ZeroMQ alone would have given up after the first. */
    while (counters_of(home).refused < 3 && net_loop_now(home) < end)
        expect_quiet(home, away, 1);
    assert_true(counters_of(home).refused >= 3);
    assert_true(counters_of(away).refused >= 2);
    EXPECT_STATUS(PN_ENETWORK, send_to(away, LISTENER, (const uint8_t *)"x", 1));
    net_loop_free(away);

    uint64_t before = counters_of(home).refused;
    away            = dial_as(&node, net_loop_endpoint(home), &stranger.public_key);
    expect_quiet(home, away, 40);
    EXPECT_STATUS(PN_ENETWORK, send_to(away, LISTENER, (const uint8_t *)"x", 1));
    assert_int_equal(counters_of(home).refused, before); /* it fails before ZAP is asked */
    assert_int_equal(counters_of(home).frames_in, 0);
    net_loop_free(away);
    net_loop_free(home);
}

static struct net_rude *
rude_node(const struct net_loop *home, const char *routing_id)
{
    struct net_rude *rude = NULL;
    assert_int_equal(
        net_rude_open(&rude, &(struct net_rude_config){.endpoint   = net_loop_endpoint(home),
                                                       .server     = &listener.public_key,
                                                       .own        = &node.public_key,
                                                       .secret     = &node.secret,
                                                       .routing_id = routing_id}),
        0);
    return rude;
}

static void
multipart_and_chosen_routing_ids_are_dropped_and_counted(void **state)
{
    (void)state;
    struct net_loop *home   = listen_on("tcp://127.0.0.1:0", 0);
    struct net_rude *rude   = rude_node(home, NULL);
    struct net_rude *chosen = rude_node(home, "chosen");
    struct net_event event;
    assert_int_equal(net_rude_send(rude, "one", 3, true), 0);
    assert_int_equal(net_rude_send(rude, "two", 3, true), 0);
    assert_int_equal(net_rude_send(rude, "three", 5, false), 0);
    assert_int_equal(net_rude_send(rude, "alone", 5, false), 0);
    play(&event, home, NULL, NET_FRAME);
    expect_frame(&event, NODE, "alone", 5);
    assert_int_equal(counters_of(home).multipart, 1);
    assert_int_equal(counters_of(home).refused, 0); /* no part was taken for a message */
    assert_int_equal(net_rude_send(chosen, "chosen", 6, false), 0);
    pn_ms end = net_loop_now(home) + PATIENCE_MS;
    while (counters_of(home).refused == 0 && net_loop_now(home) < end) {
        EXPECT_OK(net_loop_wait(&event, home, net_loop_now(home) + TURN_MS));
        assert_int_equal(event.kind, NET_TIMEOUT);
    }
    assert_int_equal(counters_of(home).refused, 1);
    assert_int_equal(counters_of(home).frames_in, 1);
    net_rude_close(rude);
    net_rude_close(chosen);
    net_loop_free(home);
}

/* Each connection may hold messages, and each routing id that libzmq makes up must be a new one. */
static void
a_member_that_dials_over_and_over_is_refused_and_the_others_are_not(void **state)
{
    (void)state;
    enum {
        DIALS = 80
    };
    static struct net_rude *rude[DIALS];
    struct net_loop        *home = listen_on("tcp://127.0.0.1:0", 0);
    struct net_event        event;
    pn_ms                   end = net_loop_now(home) + PATIENCE_MS;
    for (int i = 0; i < DIALS; i++)
        rude[i] = rude_node(home, NULL);
    while (counters_of(home).refused < 8 && net_loop_now(home) < end) {
        EXPECT_OK(net_loop_wait(&event, home, net_loop_now(home) + TURN_MS));
        assert_int_equal(event.kind, NET_TIMEOUT);
    }
    assert_in_range(counters_of(home).refused, 8, DIALS - 64);
    struct net_loop *away = dial_as(&other, net_loop_endpoint(home), &listener.public_key);
    play(&event, away, home, NET_UP);
    net_loop_free(away);
    for (int i = 0; i < DIALS; i++)
        net_rude_close(rude[i]);
    net_loop_free(home);
}

static void
a_message_over_the_limit_never_arrives(void **state)
{
    (void)state;
    uint8_t         *bytes = calloc(FRAME_MAX + 1, 1);
    struct net_loop *home  = listen_on("tcp://127.0.0.1:0", 0);
    struct net_rude *rude  = rude_node(home, NULL);
    struct net_event event;
    assert_non_null(bytes);
    assert_int_equal(net_rude_send(rude, bytes, FRAME_MAX + 1, false), 0);
    assert_int_equal(net_rude_send(rude, "after", 5, false), 0);
    for (int i = 0; i < 40; i++) {
        EXPECT_OK(net_loop_wait(&event, home, net_loop_now(home) + TURN_MS));
        assert_false(event.kind == NET_FRAME && event.size > FRAME_MAX);
    }
    assert_true(counters_of(home).bytes_in <= 5);
    net_rude_close(rude);
    net_loop_free(home);
    free(bytes);
}

static void
a_restarted_listener_gives_down_then_up(void **state)
{
    (void)state;
    char             endpoint[64];
    struct net_loop *home = listen_on("tcp://127.0.0.1:0", 0);
    struct net_event event;
    (void)snprintf(endpoint, sizeof endpoint, "%s", net_loop_endpoint(home));
    struct net_loop *away = dial_as(&node, endpoint, &listener.public_key);
    play(&event, away, home, NET_UP);
    net_loop_free(home);
    play(&event, away, NULL, NET_DOWN);
    assert_int_equal(event.member, LISTENER);
    EXPECT_STATUS(PN_ENETWORK, send_to(away, LISTENER, (const uint8_t *)"x", 1));
    home = listen_on(endpoint, 0);
    play(&event, away, home, NET_UP);
    EXPECT_OK(send_to(away, LISTENER, (const uint8_t *)"again", 5));
    play(&event, home, NULL, NET_FRAME);
    expect_frame(&event, NODE, "again", 5);
    EXPECT_OK(send_to(home, NODE, (const uint8_t *)"yes", 3));
    play(&event, away, NULL, NET_FRAME);
    net_loop_free(away);
    net_loop_free(home);
}

static void
a_silent_member_is_down_once_until_it_speaks(void **state)
{
    (void)state;
    struct net_loop *home = listen_on("tcp://127.0.0.1:0", 100);
    struct net_loop *away = dial_as(&node, net_loop_endpoint(home), &listener.public_key);
    struct net_event event;
    play(&event, away, home, NET_UP);
    expect_quiet(home, away, 30); /* a member never heard is not down */
    for (int i = 0; i < 2; i++) {
        EXPECT_OK(send_to(away, LISTENER, (const uint8_t *)"x", 1));
        play(&event, home, away, NET_FRAME);
        play(&event, home, away, NET_DOWN);
        assert_int_equal(event.member, NODE);
        expect_quiet(home, away, 30);
    }
    net_loop_free(away);
    net_loop_free(home);
}

static void
a_full_queue_is_a_network_failure_not_a_wait(void **state)
{
    (void)state;
    uint8_t         *bytes = calloc(1 << 20, 1);
    struct net_loop *home  = listen_on("tcp://127.0.0.1:0", 0);
    struct net_loop *away  = dial_as(&node, net_loop_endpoint(home), &listener.public_key);
    struct net_event event;
    enum pn_status   status = PN_OK;
    unsigned         sent   = 0;
    assert_non_null(bytes);
    play(&event, away, home, NET_UP);
    for (; status == PN_OK && sent < 1000; sent++) /* nobody takes them */
        status = send_to(away, LISTENER, bytes, 1 << 20);
    assert_int_equal(status, PN_ENETWORK);
    net_loop_free(home);
    net_loop_free(away);
    free(bytes);
}

struct job {
    struct pn_work   work; /* first */
    pthread_t        ran_on;
    unsigned         ran, done, order;
    unsigned        *clock;
    struct net_loop *again; /* to be submitted once more from done */
    int              gate;  /* to be read from before the end, or -1 */
};

static void
job_run(struct pn_work *work)
{
    struct job *job = (struct job *)(void *)work;
    char        byte;
    job->ran_on = pthread_self();
    job->ran++;
    job->order = ++*job->clock;
    if (job->gate >= 0)
        (void)!read(job->gate, &byte, 1);
}

static void
job_done(struct pn_work *work, pn_ms now)
{
    struct job     *job = (struct job *)(void *)work;
    struct pn_ports ports;
    (void)now;
    job->done++;
    if (job->again == NULL)
        return;
    net_loop_ports(&ports, job->again);
    job->again = NULL;
    ports.submit(ports.host, work);
}

static void
work_runs_in_order_on_the_worker_and_is_done_on_the_loop(void **state)
{
    (void)state;
    unsigned         clock = 0;
    struct net_loop *loop  = listen_on("tcp://127.0.0.1:0", 0);
    struct pn_ports  ports;
    struct job       jobs[5];
    struct net_event event;
    net_loop_ports(&ports, loop);
    for (unsigned i = 0; i < 5; i++) {
        jobs[i]      = (struct job){.work = {.run = job_run, .done = job_done}, .clock = &clock};
        jobs[i].gate = -1;
        if (i == 2)
            jobs[i].again = loop;
        ports.submit(ports.host, &jobs[i].work);
    }
    pn_ms end = net_loop_now(loop) + PATIENCE_MS;
    while (jobs[2].done < 2 || jobs[4].done < 1) {
        EXPECT_OK(net_loop_wait(&event, loop, end)); /* a completion wakes it */
        assert_int_equal(event.kind, NET_TIMEOUT);
        assert_true(net_loop_now(loop) < end);
    }
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(jobs[i].done, i == 2 ? 2 : 1);
        assert_false(pthread_equal(jobs[i].ran_on, pthread_self()));
        assert_int_equal(jobs[i].order, i == 2 ? 6 : i + 1);
    }
    net_loop_free(loop);
}

static void
freeing_waits_for_the_running_work_and_drops_the_rest(void **state)
{
    (void)state;
    unsigned         clock = 0;
    int              gate[2];
    struct net_loop *loop = listen_on("tcp://127.0.0.1:0", 0);
    struct pn_ports  ports;
    struct net_event event;
    assert_int_equal(pipe(gate), 0);
    struct job first   = {.work = {.run = job_run, .done = job_done}, .clock = &clock, .gate = -1};
    struct job running = first, waiting = first;
    running.gate = gate[0];
    net_loop_ports(&ports, loop);
    ports.submit(ports.host, &first.work);
    ports.submit(ports.host, &running.work);
    ports.submit(ports.host, &waiting.work);
    while (first.done == 0)
        EXPECT_OK(net_loop_wait(&event, loop, net_loop_now(loop) + PATIENCE_MS));
    pid_t child = fork(); /* opens the gate a little later */
    assert_true(child >= 0);
    if (child == 0) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        _exit(write(gate[1], "x", 1) == 1 ? 0 : 1);
    }
    net_loop_free(loop);
    assert_true(running.ran <= 1); /* it may not have begun yet, and then it never does */
    assert_int_equal(running.done, 0);
    assert_int_equal(waiting.ran, 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(gate[0]);
    close(gate[1]);
}

static void
a_signal_wakes_an_idle_loop(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT};
    struct net_loop *loop      = listen_on("tcp://127.0.0.1:0", 0);
    struct net_event event;
    for (unsigned i = 0; i < 2; i++) {
        pn_ms end   = net_loop_now(loop) + PATIENCE_MS;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
            _exit(kill(getppid(), signals[i]) == 0 ? 0 : 1);
        }
        EXPECT_OK(net_loop_wait(&event, loop, end));
        assert_int_equal(event.kind, NET_SIGNAL);
        assert_int_equal(waitpid(child, NULL, 0), child);
    }
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    EXPECT_OK(net_loop_wait(&event, loop, net_loop_now(loop) + PATIENCE_MS));
    assert_int_equal(event.kind, NET_RELOAD);
    /* It comes before a deadline that has passed, and once. */
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    EXPECT_OK(net_loop_wait(&event, loop, net_loop_now(loop) + PATIENCE_MS));
    assert_int_equal(event.kind, NET_SIGNAL);
    EXPECT_OK(net_loop_wait(&event, loop, net_loop_now(loop) + TURN_MS));
    assert_int_equal(event.kind, NET_TIMEOUT);
    net_loop_free(loop);
}

static void *
wait_until_told(void *until)
{
    while (!atomic_load((atomic_bool *)until))
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    return NULL;
}

static void
a_signal_that_an_older_thread_takes_reaches_the_loop(void **state)
{
    (void)state;
    atomic_bool      done = false;
    pthread_t        older;
    struct net_event event;
    assert_int_equal(pthread_create(&older, NULL, wait_until_told, &done), 0);
    struct net_loop *loop = listen_on("tcp://127.0.0.1:0", 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(kill(getpid(), SIGTERM), 0);
        EXPECT_OK(net_loop_wait(&event, loop, net_loop_now(loop) + PATIENCE_MS));
        assert_int_equal(event.kind, NET_SIGNAL);
    }
    net_loop_free(loop);
    atomic_store(&done, true);
    assert_int_equal(pthread_join(older, NULL), 0);
}

static void
a_deadline_in_the_past_does_not_starve_frames(void **state)
{
    (void)state;
    struct net_loop *home = listen_on("tcp://127.0.0.1:0", 0);
    struct net_loop *away = dial_as(&node, net_loop_endpoint(home), &listener.public_key);
    struct net_event event;
    unsigned         frames = 0;
    play(&event, away, home, NET_UP);
    for (int i = 0; i < 10; i++)
        EXPECT_OK(send_to(away, LISTENER, (const uint8_t *)"x", 1));
    pn_ms end = net_loop_now(home) + PATIENCE_MS;
    while (frames < 10 && net_loop_now(home) < end) {
        EXPECT_OK(net_loop_wait(&event, home, 0));
        frames += event.kind == NET_FRAME;
    }
    assert_int_equal(frames, 10);
    EXPECT_OK(net_loop_wait(&event, home, 0));
    assert_int_equal(event.kind, NET_TIMEOUT);
    net_loop_free(away);
    net_loop_free(home);
}

static void
the_self_test_passes_and_is_for_listeners(void **state)
{
    (void)state;
    struct pn_error  why  = {""};
    struct net_loop *home = listen_on("tcp://127.0.0.1:0", 0);
    enum pn_status   st   = net_loop_self_test(home, &why);
    if (st != PN_OK)
        fail_msg("%s: %s", pn_status_text(st), why.text);
    assert_int_equal(counters_of(home).refused, 1);
    struct net_loop *away = dial_as(&node, net_loop_endpoint(home), &listener.public_key);
    struct net_event event;
    EXPECT_STATUS(PN_ESTATE, net_loop_self_test(away, &why));
    play(&event, away, home, NET_UP); /* and the loop works after it */
    net_loop_free(away);
    net_loop_free(home);
}

static void
an_unusable_configuration_is_refused_with_a_sentence(void **state)
{
    (void)state;
    struct net_loop       *loop     = NULL;
    struct pn_error        why      = {""};
    struct net_peer        twice[2] = {admitted[0], admitted[0]};
    struct net_loop_config config   = {.public_key = &listener.public_key,
                                       .secret     = &listener.secret};
    twice[1].member                 = OTHER;
    EXPECT_STATUS(PN_ECONFIG, net_loop_new(&loop, &config, &why));
    EXPECT_SAYS(&why, "neither");
    config.listen = "127.0.0.1:7400";
    EXPECT_STATUS(PN_ECONFIG, net_loop_new(&loop, &config, &why));
    EXPECT_SAYS(&why, "tcp://");
    config.listen      = "tcp://127.0.0.1:0";
    config.admit       = twice;
    config.admit_count = 2;
    EXPECT_STATUS(PN_ECONFIG, net_loop_new(&loop, &config, &why));
    EXPECT_SAYS(&why, "same transport key");
    config.admit  = admitted;
    config.listen = "tcp://127.0.0.1:notaport";
    EXPECT_STATUS(PN_ENETWORK, net_loop_new(&loop, &config, &why));
    struct net_loop *home = listen_on("tcp://127.0.0.1:0", 0);
    config.listen         = net_loop_endpoint(home);
    EXPECT_STATUS(PN_ENETWORK, net_loop_new(&loop, &config, &why));
    EXPECT_SAYS(&why, "in use");
    net_loop_free(home);
    assert_null(loop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_go_both_ways_up_to_the_largest),
        cmocka_unit_test(each_member_is_told_apart_by_its_key),
        cmocka_unit_test(a_new_connection_of_a_member_takes_the_answers),
        cmocka_unit_test(a_stranger_and_a_wrong_listener_are_refused_and_tried_again),
        cmocka_unit_test(multipart_and_chosen_routing_ids_are_dropped_and_counted),
        cmocka_unit_test(a_member_that_dials_over_and_over_is_refused_and_the_others_are_not),
        cmocka_unit_test(a_message_over_the_limit_never_arrives),
        cmocka_unit_test(a_restarted_listener_gives_down_then_up),
        cmocka_unit_test(a_silent_member_is_down_once_until_it_speaks),
        cmocka_unit_test(a_full_queue_is_a_network_failure_not_a_wait),
        cmocka_unit_test(work_runs_in_order_on_the_worker_and_is_done_on_the_loop),
        cmocka_unit_test(freeing_waits_for_the_running_work_and_drops_the_rest),
        cmocka_unit_test(a_signal_wakes_an_idle_loop),
        cmocka_unit_test(a_signal_that_an_older_thread_takes_reaches_the_loop),
        cmocka_unit_test(a_deadline_in_the_past_does_not_starve_frames),
        cmocka_unit_test(the_self_test_passes_and_is_for_listeners),
        cmocka_unit_test(an_unusable_configuration_is_refused_with_a_sentence),
    };
    if (sec_init() != PN_OK)
        return 1;
    make_parties();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
