#include "net/rude.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum {
    LINGER_MS = 1000
};

struct net_rude {
    void *context, *socket;
};

static bool
set_up(void *socket, const struct net_rude_config *config)
{
    int linger = LINGER_MS;
    return zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, config->server->bytes, 32) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, config->own->bytes, 32) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, config->secret->bytes, 32) == 0 &&
           zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger) == 0 &&
           (config->routing_id == NULL || zmq_setsockopt(socket, ZMQ_ROUTING_ID, config->routing_id,
                                                         strlen(config->routing_id)) == 0) &&
           zmq_connect(socket, config->endpoint) == 0;
}

int
net_rude_open(struct net_rude **out, const struct net_rude_config *config)
{
    struct net_rude *rude = calloc(1, sizeof *rude);
    if (rude == NULL)
        return ENOMEM;
    rude->context = zmq_ctx_new();
    if (rude->context != NULL)
        rude->socket = zmq_socket(rude->context, ZMQ_DEALER);
    if (rude->socket == NULL || !set_up(rude->socket, config)) {
        int error = errno;
        net_rude_close(rude);
        return error;
    }
    *out = rude;
    return 0;
}

void
net_rude_close(struct net_rude *rude)
{
    if (rude == NULL)
        return;
    if (rude->socket != NULL)
        (void)zmq_close(rude->socket);
    while (rude->context != NULL && zmq_ctx_term(rude->context) != 0 && errno == EINTR)
        continue;
    free(rude);
}

int
net_rude_send(struct net_rude *rude, const void *bytes, size_t size, bool more)
{
    return zmq_send(rude->socket, bytes, size, more ? ZMQ_SNDMORE : 0) < 0 ? errno : 0;
}
