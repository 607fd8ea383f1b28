#include "net/loop.h"

#include "net/config.h"
#include "net/dialled.h"
#include "net/receive.h"
#include "net/router.h"
#include "net/selftest.h"
#include "net/signals.h"
#include "net/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum {
    IO_THREADS  = 4, /* at most; one connection uses one */
    WAIT_MAX_MS = 60000
};

/* What is polled: three of our own, then two for each *source* of frames: its socket, and what
 * tells of its connections. The sources are the dialled parties and after them the router. */
enum {
    ITEM_SIGNAL,
    ITEM_WORKER,
    ITEM_LONG,
    ITEM_SOURCES
};

struct net_loop {
    void                       *context;
    struct net_worker          *worker, *long_worker;
    struct net_signals          signals;
    struct sec_transport_public public_key;

    bool                is_listening;
    struct net_router   router;
    struct net_dialled *dialled;
    size_t              dial_count;

    zmq_pollitem_t *items;
    size_t          source_count;

    zmq_msg_t           frame; /* what the last NET_FRAME points into */
    bool                gave_timeout;
    struct net_counters counters;
};

/* ---- time ---- */

static uint64_t
clock_ns(clockid_t clock)
{
    struct timespec now;
    PN_ASSERT(clock_gettime(clock, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t
clock_ms(clockid_t clock)
{
    return clock_ns(clock) / 1000000;
}

pn_ms
net_loop_now(const struct net_loop *loop)
{
    (void)loop;
    return clock_ms(CLOCK_MONOTONIC);
}

uint64_t
net_wall_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

/* ---- opening and closing ---- */

static int
make_context(struct net_loop *loop)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int  threads    = processors > IO_THREADS ? IO_THREADS : processors < 1 ? 1 : (int)processors;
    bool has_one    = !loop->is_listening && loop->source_count == 1;
    loop->context   = zmq_ctx_new();
    if (loop->context == NULL)
        return errno;
    return zmq_ctx_set(loop->context, ZMQ_IO_THREADS, has_one ? 1 : threads) == 0 ? 0 : errno;
}

static int
prepare(struct net_loop *loop, const struct net_loop_config *config)
{
    loop->public_key   = *config->public_key;
    loop->is_listening = config->listen != NULL;
    loop->source_count = config->dial_count + (loop->is_listening ? 1 : 0);
    loop->dialled      = calloc(config->dial_count + 1, sizeof *loop->dialled);
    loop->items        = calloc(ITEM_SOURCES + 2 * loop->source_count, sizeof *loop->items);
    if (loop->dialled == NULL || loop->items == NULL)
        return ENOMEM;
    /* Signals first: the threads made below must not take them. */
    int error = net_signals_catch(&loop->signals);
    if (error == 0)
        error = net_worker_new(&loop->worker);
    if (error == 0)
        error = net_worker_new(&loop->long_worker);
    return error == 0 ? make_context(loop) : error;
}

static enum pn_status
open_sources(struct net_loop *loop, const struct net_loop_config *config, struct pn_error *why)
{
    const struct net_curve_keys own = {.own = config->public_key, .secret = config->secret};
    int error = loop->is_listening ? net_router_open(&loop->router, loop->context, config) : 0;
    if (error != 0)
        return pn_error_set(why, error == ENOMEM ? PN_ENOMEM : PN_ENETWORK,
                            "cannot listen on %s: %s", config->listen, zmq_strerror(error));
    for (size_t i = 0; i < config->dial_count; i++) {
        const struct net_dial *dial = &config->dials[i];
        loop->dial_count            = i + 1;
        error = net_dialled_open(&loop->dialled[i], loop->context, dial, &own);
        if (error != 0)
            return pn_error_set(why, PN_ENETWORK, "cannot dial %s: %s", dial->endpoint,
                                zmq_strerror(error));
    }
    return PN_OK;
}

static zmq_pollitem_t *
items_of(const struct net_loop *loop, size_t source)
{
    return &loop->items[ITEM_SOURCES + 2 * source];
}

static void
list_items(struct net_loop *loop)
{
    loop->items[ITEM_SIGNAL].fd = loop->signals.fd;
    loop->items[ITEM_WORKER].fd = net_worker_fd(loop->worker);
    loop->items[ITEM_LONG].fd   = net_worker_fd(loop->long_worker);
    for (size_t i = 0; i < loop->dial_count; i++) {
        items_of(loop, i)[0].socket = loop->dialled[i].socket;
        items_of(loop, i)[1].socket = loop->dialled[i].monitor;
    }
    if (loop->is_listening) {
        items_of(loop, loop->dial_count)[0].socket = loop->router.socket;
        items_of(loop, loop->dial_count)[1].socket = loop->router.zap.socket;
    }
    for (size_t i = 0; i < ITEM_SOURCES + 2 * loop->source_count; i++)
        loop->items[i].events = ZMQ_POLLIN;
}

enum pn_status
net_loop_new(struct net_loop **out, const struct net_loop_config *config, struct pn_error *why)
{
    enum pn_status status = net_config_check(config, why);
    if (status != PN_OK)
        return status;
    struct net_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for the event loop");
    loop->signals.fd = -1;
    (void)zmq_msg_init(&loop->frame);
    int error = prepare(loop, config);
    if (error != 0)
        status = pn_error_set(why, error == ENOMEM ? PN_ENOMEM : PN_EIO,
                              "cannot set up the event loop: %s", zmq_strerror(error));
    else
        status = open_sources(loop, config, why);
    if (status != PN_OK) {
        net_loop_free(loop);
        return status;
    }
    list_items(loop);
    *out = loop;
    return PN_OK;
}

void
net_loop_free(struct net_loop *loop)
{
    if (loop == NULL)
        return;
    net_worker_free(loop->worker);
    net_worker_free(loop->long_worker);
    (void)zmq_msg_close(&loop->frame);
    for (size_t i = 0; i < loop->dial_count; i++)
        net_dialled_close(&loop->dialled[i]);
    net_router_close(&loop->router);
    while (loop->context != NULL && zmq_ctx_term(loop->context) != 0 && errno == EINTR)
        continue;
    net_signals_release(&loop->signals);
    free(loop->dialled);
    free(loop->items);
    free(loop);
}

const char *
net_loop_endpoint(const struct net_loop *loop)
{
    return loop->router.endpoint;
}

enum pn_status
net_loop_self_test(struct net_loop *loop, struct pn_error *why)
{
    if (!loop->is_listening)
        return pn_error_set(why, PN_ESTATE, "self-test: this loop does not listen");
    enum pn_status status = net_selftest_stranger(loop->context, &loop->router.zap,
                                                  loop->router.endpoint, &loop->public_key, why);
    return status == PN_OK ? net_selftest_dead_handler(why) : status;
}

/* ---- sending ---- */

static struct net_dialled *
find_dialled(struct net_loop *loop, uint32_t member)
{
    for (size_t i = 0; i < loop->dial_count; i++)
        if (loop->dialled[i].member == member)
            return &loop->dialled[i];
    return NULL;
}

static void
release(void *bytes, void *hint)
{
    (void)hint;
    free(bytes);
}

/* A large frame is not copied: its memory goes along with the message, and other takes its place. A
 * small one would take too much along. */
static enum pn_status
make_message(zmq_msg_t *message, struct pn_buffer *frame)
{
    uint8_t *other = frame->size > frame->capacity / 2 ? pn_bulk(frame->capacity) : NULL;
    if (other != NULL &&
        zmq_msg_init_data(message, frame->bytes, frame->size, release, NULL) == 0) {
        frame->bytes = other;
        return PN_OK;
    }
    free(other);
    if (zmq_msg_init_size(message, frame->size) != 0)
        return PN_ENOMEM;
    if (frame->size > 0)
        memcpy(zmq_msg_data(message), frame->bytes, frame->size);
    return PN_OK;
}

static enum pn_status
send_frame(struct net_loop *loop, uint32_t member, struct pn_buffer *frame)
{
    struct net_dialled *dialled = find_dialled(loop, member);
    void               *socket  = dialled != NULL ? dialled->socket : loop->router.socket;
    zmq_msg_t           message;
    int                 sent;
    if (frame->size > NET_FRAME_MAX)
        return PN_ERANGE;
    if (socket == NULL)
        return PN_ENETWORK;
    /* The message first: after the route is sent nothing may fail. */
    if (make_message(&message, frame) != PN_OK)
        return PN_ENOMEM;
    if (dialled == NULL && !net_router_address(&loop->router, member)) {
        (void)zmq_msg_close(&message);
        return PN_ENETWORK;
    }
    do
        sent = zmq_msg_send(&message, socket, ZMQ_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return PN_OK;
    (void)zmq_msg_close(&message);
    return PN_ENETWORK;
}

static enum pn_status
loop_send(void *host, uint32_t member, struct pn_buffer *frame)
{
    struct net_loop *loop   = host;
    const size_t     size   = frame->size;
    enum pn_status   status = send_frame(loop, member, frame);
    if (status == PN_OK) {
        loop->counters.frames_out++;
        loop->counters.bytes_out += size;
    } else {
        loop->counters.unsent++;
    }
    return status;
}

static void
loop_submit(void *host, struct pn_work *work)
{
    struct net_loop *loop = host;
    net_worker_submit(work->is_long ? loop->long_worker : loop->worker, work);
}

static uint64_t
loop_clock(void *host, uint64_t cost)
{
    (void)host;
    (void)cost;
    return clock_ns(CLOCK_MONOTONIC);
}

void
net_loop_ports(struct pn_ports *out, struct net_loop *loop)
{
    *out = (struct pn_ports){
        .host = loop, .send = loop_send, .submit = loop_submit, .clock = loop_clock};
}

void
net_loop_counters(struct net_counters *out, const struct net_loop *loop)
{
    *out = loop->counters;
    out->refused += loop->router.zap.refused + loop->router.strangers;
    for (size_t i = 0; i < loop->dial_count; i++)
        out->refused += loop->dialled[i].refused;
}

/* ---- waiting ---- */

static enum net_taken
take_from(struct net_event *out, struct net_loop *loop, size_t source, pn_ms now)
{
    bool      is_router = source == loop->dial_count;
    void     *socket    = items_of(loop, source)[0].socket;
    zmq_msg_t route;
    (void)zmq_msg_init(&route);
    enum net_taken taken = net_receive(is_router ? &route : NULL, &loop->frame, socket);
    if (taken == NET_TAKEN_DROPPED)
        loop->counters.multipart++;
    if (taken == NET_TAKEN_EVENT && !is_router)
        out->member = loop->dialled[source].member;
    else if (taken == NET_TAKEN_EVENT &&
             !net_router_recognise(&out->member, &loop->router, &route, &loop->frame, now))
        taken = NET_TAKEN_DROPPED;
    (void)zmq_msg_close(&route);
    if (taken != NET_TAKEN_EVENT)
        return taken;
    out->kind  = NET_FRAME;
    out->bytes = zmq_msg_data(&loop->frame);
    out->size  = zmq_msg_size(&loop->frame);
    loop->counters.frames_in++;
    loop->counters.bytes_in += out->size;
    return taken;
}

/* One frame of each source where one waited, and then all are asked again: none can keep the others
 * waiting. (Among the connections of the router, ZeroMQ does the same.) */
static enum net_taken
take_frame(struct net_event *out, struct net_loop *loop, pn_ms now)
{
    enum net_taken taken = NET_TAKEN_NOTHING;
    for (size_t i = 0; i < loop->source_count && taken == NET_TAKEN_NOTHING; i++) {
        zmq_pollitem_t *item = &items_of(loop, i)[0];
        if ((item->revents & ZMQ_POLLIN) != 0)
            taken = take_from(out, loop, i, now);
        item->revents = 0;
    }
    return taken;
}

/* Asking is what costs: some microseconds for each source. */
static bool
must_ask(const struct net_loop *loop)
{
    for (size_t i = 0; i < loop->source_count; i++)
        if ((items_of(loop, i)[0].revents & ZMQ_POLLIN) != 0)
            return false;
    return true;
}

static bool
take_state(struct net_event *out, struct net_loop *loop, pn_ms now)
{
    for (size_t i = 0; i < loop->dial_count; i++)
        if (net_dialled_turn(out, &loop->dialled[i], items_of(loop, i)[1].revents != 0, now))
            return true;
    return false;
}

static pn_ms
earliest(const struct net_loop *loop, pn_ms until)
{
    for (size_t i = 0; i < loop->dial_count; i++) {
        const struct net_dialled *dialled = &loop->dialled[i];
        if (dialled->must_redial && dialled->redial_at < until)
            until = dialled->redial_at;
    }
    return net_router_deadline(&loop->router, until);
}

static int
poll_all(struct net_loop *loop, pn_ms now, pn_ms until)
{
    pn_ms end   = earliest(loop, until);
    pn_ms left  = end > now ? end - now : 0;
    int   count = (int)(ITEM_SOURCES + 2 * loop->source_count);
    for (size_t i = 0; i < loop->dial_count; i++)
        items_of(loop, i)[0].events =
            loop->dialled[i].is_rising ? ZMQ_POLLIN | ZMQ_POLLOUT : ZMQ_POLLIN;
    if (zmq_poll(loop->items, count, (long)(left < WAIT_MAX_MS ? left : WAIT_MAX_MS)) >= 0)
        return 0;
    return errno == EINTR ? 0 : errno;
}

/* What waits, most urgent first: a signal, finished work, the state of the connections, frames;
 * silence only when no frame waits that could break it. */
static enum net_taken
take_one(struct net_event *out, struct net_loop *loop, pn_ms now)
{
    int number = net_signals_take(&loop->signals);
    if (number != 0) {
        out->kind = number == SIGHUP ? NET_RELOAD : NET_SIGNAL;
        return NET_TAKEN_EVENT;
    }
    bool any = net_worker_deliver(loop->worker, now);
    if (net_worker_deliver(loop->long_worker, now) || any) {
        out->kind = NET_TIMEOUT;
        return NET_TAKEN_EVENT;
    }
    if (loop->is_listening)
        net_zap_answer(&loop->router.zap);
    if (take_state(out, loop, now))
        return NET_TAKEN_EVENT;
    enum net_taken taken = take_frame(out, loop, now);
    if (taken == NET_TAKEN_NOTHING && net_router_find_silent(out, &loop->router, now))
        return NET_TAKEN_EVENT;
    return taken;
}

enum pn_status
net_loop_wait(struct net_event *out, struct net_loop *loop, pn_ms until)
{
    *out = (struct net_event){.kind = NET_TIMEOUT};
    (void)zmq_msg_close(&loop->frame);
    (void)zmq_msg_init(&loop->frame);
    for (;;) {
        pn_ms now = net_loop_now(loop);
        /* A deadline comes before a frame, but two in a row must not starve the frames. */
        if (now >= until && !loop->gave_timeout) {
            loop->gave_timeout = true;
            return PN_OK;
        }
        int error = must_ask(loop) ? poll_all(loop, now, until) : 0;
        if (error != 0)
            return PN_EIO;
        now                  = net_loop_now(loop);
        enum net_taken taken = take_one(out, loop, now);
        if (taken == NET_TAKEN_FAILED)
            return PN_EIO;
        if (taken == NET_TAKEN_EVENT) {
            loop->gave_timeout = false;
            return PN_OK;
        }
        if (taken == NET_TAKEN_NOTHING && now >= until) {
            loop->gave_timeout = true;
            return PN_OK;
        }
        if (now >= until)
            loop->gave_timeout = false;
    }
}
