#include "net/loop.h"

#include "net/curve.h"
#include "net/monitor.h"
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
    ROUTE_SIZE    = 5, /* what a ROUTER gives a peer that names no routing id: 0 and a counter */
    IO_THREADS    = 4, /* at most; one connection uses one */
    WAIT_MAX_MS   = 60000,
    ENDPOINT_SIZE = 256
};

struct member {
    uint32_t number;
    bool     has_route, is_heard;
    uint8_t  route[ROUTE_SIZE]; /* of its newest connection */
    pn_ms    heard;             /* its last frame           */
};

struct net_loop {
    void              *context, *socket;
    struct net_worker *worker;
    struct net_signals signals;
    char               endpoint[ENDPOINT_SIZE];

    /* listening */
    bool                        is_listening;
    struct sec_transport_public public_key;
    struct net_zap              zap;
    struct net_peer            *admit;
    struct member *members; /* one per entry of admit; a repeated number uses the first */
    size_t         member_count;
    pn_ms          silence_ms;

    /* dialling */
    void    *monitor;
    uint32_t dial_member;
    bool     is_up;     /* NET_UP was given                                      */
    bool     is_rising; /* handshake done; NET_UP when the socket takes a frame */
    bool     must_redial;
    pn_ms    redial_at, backoff_ms;

    zmq_msg_t           frame; /* what the last NET_FRAME points into */
    bool                gave_timeout;
    struct net_counters counters;
};

/* ---- time ---- */

static uint64_t
clock_ms(clockid_t clock)
{
    struct timespec now;
    PN_ASSERT(clock_gettime(clock, &now) == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
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

static enum pn_status
check_config(const struct net_loop_config *config, struct pn_error *why)
{
    bool        listens = config->listen != NULL;
    const char *address = listens ? config->listen : config->dial;
    if (listens == (config->dial != NULL))
        return pn_error_set(why, PN_ECONFIG, "give an address to listen on or one to dial, not %s",
                            listens ? "both" : "neither");
    if (strncmp(address, "tcp://", 6) != 0 || strlen(address) >= ENDPOINT_SIZE)
        return pn_error_set(why, PN_ECONFIG,
                            "an address looks like tcp://127.0.0.1:7400, not like \"%.200s\"",
                            address);
    if (!listens && config->dial_key == NULL)
        return pn_error_set(why, PN_ECONFIG, "the key of %s is not given", address);
    for (size_t i = 0; listens && i < config->admit_count; i++)
        for (size_t j = 0; j < i; j++)
            if (sec_equal(config->admit[i].key.bytes, config->admit[j].key.bytes, 32))
                return pn_error_set(
                    why, PN_ECONFIG, "members %u and %u have the same transport key",
                    (unsigned)config->admit[j].member, (unsigned)config->admit[i].member);
    return PN_OK;
}

static int
copy_members(struct net_loop *loop, const struct net_loop_config *config)
{
    size_t count = config->admit_count;
    if (count == 0)
        return 0;
    loop->admit   = calloc(count, sizeof *loop->admit);
    loop->members = calloc(count, sizeof *loop->members);
    if (loop->admit == NULL || loop->members == NULL)
        return ENOMEM;
    memcpy(loop->admit, config->admit, count * sizeof *loop->admit);
    for (size_t i = 0; i < count; i++)
        loop->members[i].number = config->admit[i].member;
    loop->member_count = count;
    return 0;
}

static int
make_context(struct net_loop *loop)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int  threads    = processors > IO_THREADS ? IO_THREADS : processors < 1 ? 1 : (int)processors;
    loop->context   = zmq_ctx_new();
    if (loop->context == NULL)
        return errno;
    if (zmq_ctx_set(loop->context, ZMQ_IO_THREADS, loop->is_listening ? threads : 1) != 0)
        return errno;
    return 0;
}

/* An address with [ ] is IPv6; otherwise leaving it off keeps "*" and names to IPv4. */
static int
allow_ipv6(void *socket, const char *address)
{
    int yes = strchr(address, '[') != NULL;
    return zmq_setsockopt(socket, ZMQ_IPV6, &yes, sizeof yes) == 0 ? 0 : errno;
}

static enum pn_status
open_listening(struct net_loop *loop, const struct net_loop_config *config, struct pn_error *why)
{
    size_t                size = sizeof loop->endpoint;
    struct net_curve_keys keys = {.own = config->public_key, .secret = config->secret};
    int                   error;
    loop->public_key = *config->public_key;
    loop->silence_ms = config->silence_ms;
    if ((error = copy_members(loop, config)) == 0) {
        loop->zap.admit       = loop->admit;
        loop->zap.admit_count = loop->member_count;
        error                 = net_zap_open(&loop->zap, loop->context);
    }
    if (error == 0)
        error = net_curve_socket(&loop->socket, loop->context, &keys);
    if (error == 0)
        error = allow_ipv6(loop->socket, config->listen);
    if (error == 0 && (zmq_bind(loop->socket, config->listen) != 0 ||
                       zmq_getsockopt(loop->socket, ZMQ_LAST_ENDPOINT, loop->endpoint, &size) != 0))
        error = errno;
    if (error != 0)
        return pn_error_set(why, error == ENOMEM ? PN_ENOMEM : PN_ENETWORK,
                            "cannot listen on %s: %s", config->listen, zmq_strerror(error));
    return PN_OK;
}

static enum pn_status
open_dialling(struct net_loop *loop, const struct net_loop_config *config, struct pn_error *why)
{
    struct net_curve_keys keys = {
        .server = config->dial_key, .own = config->public_key, .secret = config->secret};
    loop->dial_member = config->dial_member;
    loop->backoff_ms  = NET_BACKOFF_MS;
    memcpy(loop->endpoint, config->dial, strlen(config->dial) + 1);
    int error = net_curve_socket(&loop->socket, loop->context, &keys);
    if (error == 0)
        error = allow_ipv6(loop->socket, config->dial);
    if (error == 0)
        error = net_monitor_open(&loop->monitor, loop->context, loop->socket);
    if (error == 0 && zmq_connect(loop->socket, config->dial) != 0)
        error = errno;
    if (error != 0)
        return pn_error_set(why, PN_ENETWORK, "cannot dial %s: %s", config->dial,
                            zmq_strerror(error));
    return PN_OK;
}

enum pn_status
net_loop_new(struct net_loop **out, const struct net_loop_config *config, struct pn_error *why)
{
    enum pn_status status = check_config(config, why);
    if (status != PN_OK)
        return status;
    struct net_loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for the event loop");
    loop->is_listening = config->listen != NULL;
    loop->signals.fd   = -1;
    (void)zmq_msg_init(&loop->frame);
    /* Signals first: the threads made below must not take them. */
    int error = net_signals_catch(&loop->signals);
    if (error == 0)
        error = net_worker_new(&loop->worker);
    if (error == 0)
        error = make_context(loop);
    if (error != 0)
        status = pn_error_set(why, error == ENOMEM ? PN_ENOMEM : PN_EIO,
                              "cannot set up the event loop: %s", zmq_strerror(error));
    else
        status = loop->is_listening ? open_listening(loop, config, why)
                                    : open_dialling(loop, config, why);
    if (status != PN_OK) {
        net_loop_free(loop);
        return status;
    }
    *out = loop;
    return PN_OK;
}

void
net_loop_free(struct net_loop *loop)
{
    if (loop == NULL)
        return;
    net_worker_free(loop->worker);
    (void)zmq_msg_close(&loop->frame);
    if (loop->monitor != NULL)
        net_monitor_close(loop->monitor, loop->socket);
    if (loop->socket != NULL)
        (void)zmq_close(loop->socket);
    net_zap_close(&loop->zap);
    while (loop->context != NULL && zmq_ctx_term(loop->context) != 0 && errno == EINTR)
        continue;
    net_signals_release(&loop->signals);
    free(loop->admit);
    free(loop->members);
    free(loop);
}

const char *
net_loop_endpoint(const struct net_loop *loop)
{
    return loop->endpoint;
}

enum pn_status
net_loop_self_test(struct net_loop *loop, struct pn_error *why)
{
    if (!loop->is_listening)
        return pn_error_set(why, PN_ESTATE, "self-test: this loop does not listen");
    enum pn_status status =
        net_selftest_stranger(loop->context, &loop->zap, loop->endpoint, &loop->public_key, why);
    return status == PN_OK ? net_selftest_dead_handler(why) : status;
}

/* ---- sending ---- */

static struct member *
find_member(struct net_loop *loop, uint32_t number)
{
    for (size_t i = 0; i < loop->member_count; i++)
        if (loop->members[i].number == number)
            return &loop->members[i];
    return NULL;
}

static bool
send_route(struct net_loop *loop, uint32_t number)
{
    struct member *member = find_member(loop, number);
    int            sent;
    if (member == NULL || !member->has_route)
        return false;
    do
        sent = zmq_send(loop->socket, member->route, ROUTE_SIZE, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno == EHOSTUNREACH)
        member->has_route = false;
    return sent >= 0;
}

static enum pn_status
loop_send(void *host, uint32_t member, const uint8_t *frame, size_t size)
{
    struct net_loop *loop = host;
    zmq_msg_t        message;
    int              sent;
    bool             known = loop->is_listening || member == loop->dial_member;
    /* The copy first: after the route is sent nothing may fail. */
    if (size > NET_FRAME_MAX || !known || zmq_msg_init_size(&message, size) != 0) {
        loop->counters.unsent++;
        return size > NET_FRAME_MAX ? PN_ERANGE : known ? PN_ENOMEM : PN_ENETWORK;
    }
    if (size > 0)
        memcpy(zmq_msg_data(&message), frame, size);
    if (loop->is_listening && !send_route(loop, member)) {
        (void)zmq_msg_close(&message);
        loop->counters.unsent++;
        return PN_ENETWORK;
    }
    do
        sent = zmq_msg_send(&message, loop->socket, ZMQ_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        (void)zmq_msg_close(&message);
        loop->counters.unsent++;
        return PN_ENETWORK;
    }
    loop->counters.frames_out++;
    loop->counters.bytes_out += size;
    return PN_OK;
}

static void
loop_submit(void *host, struct pn_work *work)
{
    struct net_loop *loop = host;
    net_worker_submit(loop->worker, work);
}

void
net_loop_ports(struct pn_ports *out, struct net_loop *loop)
{
    *out = (struct pn_ports){.host = loop, .send = loop_send, .submit = loop_submit};
}

void
net_loop_counters(struct net_counters *out, const struct net_loop *loop)
{
    *out = loop->counters;
    out->refused += loop->zap.refused;
}

/* ---- receiving ---- */

/* The rest of a message nobody wants. The parts of a message arrive together: this ends. */
static void
drain(struct net_loop *loop)
{
    zmq_msg_t part;
    int       more = 1;
    (void)zmq_msg_init(&part);
    while (more != 0) {
        int got = zmq_msg_recv(&part, loop->socket, ZMQ_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        more = got >= 0 && zmq_msg_more(&part);
    }
    (void)zmq_msg_close(&part);
}

/* The member that ZAP found the connection's key to belong to. */
static struct member *
sender_of(struct net_loop *loop, zmq_msg_t *body)
{
    const char *user   = zmq_msg_gets(body, "User-Id");
    uint64_t    number = 0;
    if (user == NULL || *user == '\0' || strlen(user) > 10)
        return NULL;
    for (const char *c = user; *c != '\0'; c++) {
        if (*c < '0' || *c > '9')
            return NULL;
        number = number * 10 + (uint64_t)(*c - '0');
    }
    return number > UINT32_MAX ? NULL : find_member(loop, (uint32_t)number);
}

/* Answers go to the newest connection: what an older one still had on the way does not take them
 * back. Routes are 0 and a counter, unless the peer chose its own, which we do not serve. */
static bool
learn_route(struct member *member, const uint8_t *route, size_t size)
{
    if (size != ROUTE_SIZE || route[0] != 0)
        return false;
    uint32_t age = (uint32_t)route[1] << 24 | (uint32_t)route[2] << 16 | (uint32_t)route[3] << 8 |
                   (uint32_t)route[4];
    uint32_t had = (uint32_t)member->route[1] << 24 | (uint32_t)member->route[2] << 16 |
                   (uint32_t)member->route[3] << 8 | (uint32_t)member->route[4];
    if (!member->has_route || age - had < UINT32_C(1) << 31)
        memcpy(member->route, route, ROUTE_SIZE);
    member->has_route = true;
    return true;
}

static int
receive_part(zmq_msg_t *part, void *socket)
{
    int got;
    (void)zmq_msg_close(part);
    (void)zmq_msg_init(part);
    do
        got = zmq_msg_recv(part, socket, ZMQ_DONTWAIT);
    while (got < 0 && errno == EINTR);
    return got < 0 ? errno : 0;
}

static bool
is_from_member(uint32_t *number, struct net_loop *loop, zmq_msg_t *route, pn_ms now)
{
    if (!loop->is_listening) {
        *number = loop->dial_member;
        return true;
    }
    struct member *member = sender_of(loop, &loop->frame);
    if (member == NULL || !learn_route(member, zmq_msg_data(route), zmq_msg_size(route))) {
        loop->counters.refused++;
        return false;
    }
    member->is_heard = true;
    member->heard    = now;
    *number          = member->number;
    return true;
}

enum taken {
    TAKEN_NOTHING,
    TAKEN_DROPPED,
    TAKEN_EVENT,
    TAKEN_FAILED
};

static enum taken
take_frame(struct net_event *out, struct net_loop *loop, pn_ms now)
{
    zmq_msg_t  route;
    enum taken taken = TAKEN_DROPPED;
    (void)zmq_msg_init(&route);
    int error = loop->is_listening ? receive_part(&route, loop->socket) : 0;
    if (error == 0)
        error = receive_part(&loop->frame, loop->socket);
    if (error != 0) {
        taken = error == EAGAIN ? TAKEN_NOTHING : TAKEN_FAILED;
    } else if (zmq_msg_more(&loop->frame)) {
        drain(loop);
        loop->counters.multipart++;
    } else if (is_from_member(&out->member, loop, &route, now)) {
        out->kind  = NET_FRAME;
        out->bytes = zmq_msg_data(&loop->frame);
        out->size  = zmq_msg_size(&loop->frame);
        loop->counters.frames_in++;
        loop->counters.bytes_in += out->size;
        taken = TAKEN_EVENT;
    }
    (void)zmq_msg_close(&route);
    return taken;
}

/* ---- the state of connections ---- */

static bool
find_silent(struct net_event *out, struct net_loop *loop, pn_ms now)
{
    for (size_t i = 0; loop->silence_ms > 0 && i < loop->member_count; i++) {
        struct member *member = &loop->members[i];
        if (!member->is_heard || now < pn_ms_add(member->heard, loop->silence_ms))
            continue;
        member->is_heard = false;
        out->kind        = NET_DOWN;
        out->member      = member->number;
        return true;
    }
    return false;
}

/* ZeroMQ stops dialling after a refusal; a roster may change, so we go on, more and more slowly. */
static void
plan_redial(struct net_loop *loop, pn_ms now)
{
    loop->counters.refused++;
    loop->must_redial = true;
    loop->redial_at   = pn_ms_add(now, loop->backoff_ms);
    loop->backoff_ms *= 2;
    if (loop->backoff_ms > NET_BACKOFF_MAX_MS)
        loop->backoff_ms = NET_BACKOFF_MAX_MS;
}

static void
redial(struct net_loop *loop, pn_ms now)
{
    if (!loop->must_redial || now < loop->redial_at)
        return;
    loop->must_redial = false;
    /* SAFE: fails when ZeroMQ has dropped the endpoint itself; then there is nothing to undo. */
    (void)zmq_disconnect(loop->socket, loop->endpoint);
    if (zmq_connect(loop->socket, loop->endpoint) != 0)
        plan_redial(loop, now);
}

static bool
take_dialled(struct net_event *out, struct net_loop *loop, pn_ms now)
{
    enum net_monitor_event event;
    while ((event = net_monitor_next(loop->monitor)) != NET_MONITOR_NONE) {
        bool was_up = loop->is_up;
        if (event == NET_MONITOR_REFUSED)
            plan_redial(loop, now);
        loop->is_rising = event == NET_MONITOR_UP;
        loop->is_up     = false;
        if (was_up) {
            out->kind   = NET_DOWN;
            out->member = loop->dial_member;
            return true;
        }
    }
    int    events = 0;
    size_t size   = sizeof events;
    if (!loop->is_rising || zmq_getsockopt(loop->socket, ZMQ_EVENTS, &events, &size) != 0 ||
        (events & ZMQ_POLLOUT) == 0)
        return false;
    loop->is_rising   = false;
    loop->is_up       = true;
    loop->must_redial = false;
    loop->backoff_ms  = NET_BACKOFF_MS;
    out->kind         = NET_UP;
    out->member       = loop->dial_member;
    return true;
}

/* ---- waiting ---- */

static pn_ms
earliest(const struct net_loop *loop, pn_ms until)
{
    for (size_t i = 0; loop->silence_ms > 0 && i < loop->member_count; i++) {
        const struct member *member = &loop->members[i];
        pn_ms                end    = pn_ms_add(member->heard, loop->silence_ms);
        if (member->is_heard && end < until)
            until = end;
    }
    return loop->must_redial && loop->redial_at < until ? loop->redial_at : until;
}

enum {
    ITEM_SIGNAL,
    ITEM_WORKER,
    ITEM_SOCKET,
    ITEM_SIDE,
    ITEM_COUNT
};

static int
poll_all(struct net_loop *loop, pn_ms now, pn_ms until)
{
    pn_ms          end    = earliest(loop, until);
    pn_ms          left   = end > now ? end - now : 0;
    short          events = ZMQ_POLLIN;
    zmq_pollitem_t items[ITEM_COUNT];
    if (loop->is_rising)
        events = ZMQ_POLLIN | ZMQ_POLLOUT;
    items[ITEM_SIGNAL] = (zmq_pollitem_t){.fd = loop->signals.fd, .events = ZMQ_POLLIN};
    items[ITEM_WORKER] = (zmq_pollitem_t){.fd = net_worker_fd(loop->worker), .events = ZMQ_POLLIN};
    items[ITEM_SOCKET] = (zmq_pollitem_t){.socket = loop->socket, .events = events};
    items[ITEM_SIDE]   = (zmq_pollitem_t){
          .socket = loop->is_listening ? loop->zap.socket : loop->monitor, .events = ZMQ_POLLIN};
    if (zmq_poll(items, ITEM_COUNT, (long)(left < WAIT_MAX_MS ? left : WAIT_MAX_MS)) >= 0)
        return 0;
    return errno == EINTR ? 0 : errno;
}

/* What waits, most urgent first: a signal, finished work, the state of the connection, frames;
 * silence only when no frame waits that could break it. */
static enum taken
take_one(struct net_event *out, struct net_loop *loop, pn_ms now)
{
    if (net_signals_take(&loop->signals)) {
        out->kind = NET_SIGNAL;
        return TAKEN_EVENT;
    }
    if (net_worker_deliver(loop->worker, now)) {
        out->kind = NET_TIMEOUT;
        return TAKEN_EVENT;
    }
    if (loop->is_listening) {
        net_zap_answer(&loop->zap);
    } else {
        redial(loop, now);
        if (take_dialled(out, loop, now))
            return TAKEN_EVENT;
    }
    enum taken taken = take_frame(out, loop, now);
    if (taken == TAKEN_NOTHING && find_silent(out, loop, now))
        return TAKEN_EVENT;
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
        int error = poll_all(loop, now, until);
        if (error != 0)
            return PN_EIO;
        now              = net_loop_now(loop);
        enum taken taken = take_one(out, loop, now);
        if (taken == TAKEN_FAILED)
            return PN_EIO;
        if (taken == TAKEN_EVENT) {
            loop->gave_timeout = false;
            return PN_OK;
        }
        if (taken == TAKEN_NOTHING && now >= until) {
            loop->gave_timeout = true;
            return PN_OK;
        }
        if (now >= until)
            loop->gave_timeout = false;
    }
}
