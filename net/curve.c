#include "net/curve.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

enum {
    ZAP_ENFORCE_DOMAIN = 93, /* ZMQ_ZAP_ENFORCE_DOMAIN, behind ZMQ_BUILD_DRAFT_API in zmq.h */
    CURVE_OVERHEAD     = 33, /* "\x07MESSAGE", nonce, authenticator, flags: counted by ZeroMQ */
    HIGH_WATER         = 16, /* messages per peer and direction */
    HEARTBEAT_MS       = 10000,
    HEARTBEAT_LOST_MS  = 30000,
    LINGER_MS          = 1000,
    BACKLOG            = 256,
    ZAP_BATCH          = 64,
    ZAP_PARTS          = 7,
    ZAP_PART_MAX       = 256
};

static const char DOMAIN[] = "panal";

static int
set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0 ? 0 : errno;
}

static int
set_limits(void *socket)
{
    static const struct {
        int option, value;
    } limits[] = {
        {ZMQ_RCVHWM, HIGH_WATER},
        {ZMQ_SNDHWM, HIGH_WATER},
        {ZMQ_HANDSHAKE_IVL, NET_HANDSHAKE_MS},
        {ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS},
        {ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_LOST_MS},
        {ZMQ_LINGER, LINGER_MS},
        {ZMQ_BACKLOG, BACKLOG},
        {ZMQ_RECONNECT_IVL, NET_BACKOFF_MS},
        {ZMQ_RECONNECT_IVL_MAX, NET_BACKOFF_MAX_MS},
    };
    int64_t most = NET_FRAME_MAX + CURVE_OVERHEAD;
    if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most) != 0)
        return errno;
    int error = 0;
    for (size_t i = 0; i < sizeof limits / sizeof *limits && error == 0; i++)
        error = set_int(socket, limits[i].option, limits[i].value);
    return error;
}

static int
set_server(void *socket, const struct net_curve_keys *keys)
{
    int error = set_int(socket, ZMQ_CURVE_SERVER, 1);
    if (error == 0 && zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys->secret->bytes, 32) != 0)
        error = errno;
    if (error == 0 && zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, DOMAIN, sizeof DOMAIN - 1) != 0)
        error = errno;
    if (error == 0)
        error = set_int(socket, ZAP_ENFORCE_DOMAIN, 1);
    if (error == 0)
        error = set_int(socket, ZMQ_ROUTER_MANDATORY, 1);
    return error;
}

static int
set_client(void *socket, const struct net_curve_keys *keys)
{
    if (zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, keys->server->bytes, 32) != 0 ||
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, keys->own->bytes, 32) != 0 ||
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys->secret->bytes, 32) != 0)
        return errno;
    /* Nothing is queued for a connection that does not stand. */
    return set_int(socket, ZMQ_IMMEDIATE, 1);
}

int
net_curve_allow_ipv6(void *socket, const char *endpoint)
{
    return set_int(socket, ZMQ_IPV6, strchr(endpoint, '[') != NULL);
}

int
net_curve_socket(void **out, void *context, const struct net_curve_keys *keys)
{
    bool  listens = keys->server == NULL;
    void *socket  = zmq_socket(context, listens ? ZMQ_ROUTER : ZMQ_DEALER);
    if (socket == NULL)
        return errno;
    int error = set_limits(socket);
    if (error == 0)
        error = listens ? set_server(socket, keys) : set_client(socket, keys);
    if (error != 0) {
        (void)zmq_close(socket);
        return error;
    }
    *out = socket;
    return 0;
}

int
net_zap_open(struct net_zap *zap, void *context)
{
    zap->knocks = calloc(zap->admit_count + 1, sizeof *zap->knocks);
    if (zap->knocks == NULL)
        return ENOMEM;
    for (size_t i = 0; i < zap->admit_count; i++)
        zap->knocks[i] = (struct net_knocks){.left = NET_KNOCKS};
    zap->socket = zmq_socket(context, ZMQ_REP);
    if (zap->socket == NULL)
        return errno;
    int error = set_int(zap->socket, ZMQ_LINGER, 0);
    if (error == 0 && zmq_bind(zap->socket, "inproc://zeromq.zap.01") != 0)
        error = errno;
    if (error != 0)
        net_zap_close(zap);
    return error;
}

void
net_zap_close(struct net_zap *zap)
{
    if (zap->socket != NULL)
        (void)zmq_close(zap->socket);
    free(zap->knocks);
    zap->socket = NULL;
    zap->knocks = NULL;
}

/* RFC 27: version, request id, domain, address, identity, mechanism, credentials. */
struct request {
    uint8_t part[ZAP_PARTS][ZAP_PART_MAX];
    size_t  size[ZAP_PARTS];
};

/* False when no whole request could be had; it is then taken off the queue all the same. */
static bool
receive(struct request *out, void *socket, bool *any)
{
    bool is_sound = true;
    for (size_t i = 0;; i++) {
        uint8_t  surplus[ZAP_PART_MAX];
        uint8_t *to  = i < ZAP_PARTS ? out->part[i] : surplus;
        int      got = zmq_recv(socket, to, ZAP_PART_MAX, i == 0 ? ZMQ_DONTWAIT : 0);
        if (got < 0 && errno == EINTR && i > 0) {
            i--;
            continue;
        }
        *any = got >= 0 || i > 0;
        if (got < 0)
            return false;
        is_sound = is_sound && i < ZAP_PARTS && got <= ZAP_PART_MAX;
        if (i < ZAP_PARTS)
            out->size[i] = got <= ZAP_PART_MAX ? (size_t)got : 0;
        int    more      = 0;
        size_t more_size = sizeof more;
        if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_size) != 0)
            return false;
        if (!more)
            return is_sound && i + 1 == ZAP_PARTS;
    }
}

static bool
part_is(const struct request *request, size_t index, const char *text)
{
    return request->size[index] == strlen(text) &&
           memcmp(request->part[index], text, strlen(text)) == 0;
}

static const struct net_peer *
find_admitted(const struct net_zap *zap, const struct request *request)
{
    const struct net_peer *found = NULL;
    if (!part_is(request, 0, "1.0") || !part_is(request, 2, DOMAIN) ||
        !part_is(request, 5, "CURVE") || request->size[6] != 32)
        return NULL;
    for (size_t i = 0; i < zap->admit_count; i++)
        if (sec_equal(zap->admit[i].key.bytes, request->part[6], 32))
            found = &zap->admit[i];
    return found;
}

static bool
may_knock(struct net_knocks *knocks)
{
    struct timespec clock;
    PN_ASSERT(clock_gettime(CLOCK_MONOTONIC, &clock) == 0);
    pn_ms now    = (pn_ms)clock.tv_sec * 1000 + (pn_ms)clock.tv_nsec / 1000000;
    pn_ms gained = (now - knocks->filled_at) / NET_KNOCK_MS;
    if (gained > 0) {
        knocks->left =
            gained < NET_KNOCKS - knocks->left ? knocks->left + (uint32_t)gained : NET_KNOCKS;
        knocks->filled_at = now;
    }
    if (knocks->left == 0)
        return false;
    knocks->left--;
    return true;
}

/* A reply that cannot be sent leaves the handshake to its time limit: refused. */
static void
reply(void *socket, const struct request *request, const struct net_peer *peer)
{
    char user[16] = "";
    if (peer != NULL)
        (void)snprintf(user, sizeof user, "%" PRIu32, peer->member);
    const char *status = peer != NULL ? "200" : "400";
    const struct {
        const void *bytes;
        size_t      size;
    } parts[] = {
        {"1.0", 3},           {request->part[1], request->size[1]},
        {status, 3},          {"", 0},
        {user, strlen(user)}, {"", 0},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int flags = i + 1 < sizeof parts / sizeof *parts ? ZMQ_SNDMORE : 0;
        int sent;
        do
            sent = zmq_send(socket, parts[i].bytes, parts[i].size, flags | ZMQ_DONTWAIT);
        while (sent < 0 && errno == EINTR);
        if (sent < 0)
            return;
    }
}

void
net_zap_answer(struct net_zap *zap)
{
    for (int i = 0; i < ZAP_BATCH; i++) {
        struct request request;
        bool           any  = false;
        bool           good = receive(&request, zap->socket, &any);
        if (!any)
            return;
        if (!good)
            request.size[1] = 0;
        const struct net_peer *peer = good ? find_admitted(zap, &request) : NULL;
        if (peer != NULL && !may_knock(&zap->knocks[peer - zap->admit]))
            peer = NULL;
        if (peer == NULL)
            zap->refused++;
        reply(zap->socket, &request, peer);
    }
}
