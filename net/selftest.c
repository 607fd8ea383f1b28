#include "net/selftest.h"

#include "net/monitor.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

enum {
    PATIENCE_MS = NET_HANDSHAKE_MS + 1000
};

static int64_t
now_ms(void)
{
    struct timespec now;
    PN_ASSERT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Whether the dialled end let us in; `zap` (or NULL) is served meanwhile. */
static enum pn_status
watch(void *monitor, struct net_zap *zap, const char *endpoint, struct pn_error *why)
{
    int64_t        end      = now_ms() + PATIENCE_MS;
    zmq_pollitem_t items[2] = {{.socket = monitor, .events = ZMQ_POLLIN},
                               {.socket = zap == NULL ? NULL : zap->socket, .events = ZMQ_POLLIN}};
    for (int64_t left = PATIENCE_MS; left > 0; left = end - now_ms()) {
        int ready = zmq_poll(items, zap == NULL ? 1 : 2, (long)left);
        if (ready < 0 && errno != EINTR)
            return pn_error_set(why, PN_ESTATE, "self-test: cannot poll: %s", zmq_strerror(errno));
        if (zap != NULL)
            net_zap_answer(zap);
        enum net_monitor_event event = net_monitor_next(monitor);
        if (event == NET_MONITOR_UP)
            return pn_error_set(why, PN_ESTATE,
                                "self-test: %s let a stranger in; this libzmq cannot be used",
                                endpoint);
        if (event != NET_MONITOR_NONE)
            return PN_OK;
    }
    return pn_error_set(why, PN_ESTATE,
                        "self-test: %s neither refused nor admitted a stranger within %d ms",
                        endpoint, PATIENCE_MS);
}

static enum pn_status
dial_as_stranger(void *context, struct net_zap *zap, const char *endpoint,
                 const struct sec_transport_public *server, struct pn_error *why)
{
    struct sec_transport_public own;
    struct sec_transport_secret secret;
    void                       *socket, *monitor;
    int                         linger = 0;
    sec_transport_new(&own, &secret);
    int error = net_curve_socket(
        &socket, context,
        &(struct net_curve_keys){.server = server, .own = &own, .secret = &secret});
    sec_transport_wipe(&secret);
    if (error != 0)
        return pn_error_set(why, PN_ESTATE, "self-test: no socket: %s", zmq_strerror(error));
    enum pn_status status;
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    if ((error = net_monitor_open(&monitor, context, socket)) != 0) {
        status = pn_error_set(why, PN_ESTATE, "self-test: no monitor: %s", zmq_strerror(error));
    } else {
        if (zmq_connect(socket, endpoint) != 0)
            status = pn_error_set(why, PN_ESTATE, "self-test: cannot dial %s: %s", endpoint,
                                  zmq_strerror(errno));
        else
            status = watch(monitor, zap, endpoint, why);
        net_monitor_close(monitor, socket);
    }
    (void)zmq_close(socket);
    return status;
}

enum pn_status
net_selftest_stranger(void *context, struct net_zap *zap, const char *endpoint,
                      const struct sec_transport_public *server, struct pn_error *why)
{
    uint64_t       before = zap->refused;
    enum pn_status status = dial_as_stranger(context, zap, endpoint, server, why);
    if (status == PN_OK && zap->refused == before)
        return pn_error_set(why, PN_ESTATE,
                            "self-test: %s refused a stranger without asking the handler",
                            endpoint);
    return status;
}

static enum pn_status
try_without_handler(void *context, struct pn_error *why)
{
    struct sec_transport_public own;
    struct sec_transport_secret secret;
    void                       *socket;
    char                        endpoint[64];
    size_t                      size = sizeof endpoint;
    sec_transport_new(&own, &secret);
    int error = net_curve_socket(&socket, context,
                                 &(struct net_curve_keys){.own = &own, .secret = &secret});
    sec_transport_wipe(&secret);
    if (error != 0)
        return pn_error_set(why, PN_ESTATE, "self-test: no socket: %s", zmq_strerror(error));
    enum pn_status status;
    int            linger = 0;
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    if (zmq_bind(socket, "tcp://127.0.0.1:*") != 0 ||
        zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) != 0)
        status = pn_error_set(why, PN_ESTATE, "self-test: cannot listen on 127.0.0.1: %s",
                              zmq_strerror(errno));
    else
        status = dial_as_stranger(context, NULL, endpoint, &own, why);
    (void)zmq_close(socket);
    return status;
}

enum pn_status
net_selftest_dead_handler(struct pn_error *why)
{
    void *context = zmq_ctx_new();
    if (context == NULL)
        return pn_error_set(why, PN_ESTATE, "self-test: no second context: %s",
                            zmq_strerror(errno));
    enum pn_status status = try_without_handler(context, why);
    while (zmq_ctx_term(context) != 0 && errno == EINTR)
        continue;
    return status;
}
