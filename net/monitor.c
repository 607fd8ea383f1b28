#include "net/monitor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

int
net_monitor_open(void **out, void *context, void *socket)
{
    char address[64];
    int  linger = 0;
    int  events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                 ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                 ZMQ_EVENT_DISCONNECTED;
    (void)snprintf(address, sizeof address, "inproc://monitor.%p", socket);
    if (zmq_socket_monitor(socket, address, events) != 0)
        return errno;
    void *monitor = zmq_socket(context, ZMQ_PAIR);
    if (monitor != NULL && zmq_setsockopt(monitor, ZMQ_LINGER, &linger, sizeof linger) == 0 &&
        zmq_connect(monitor, address) == 0) {
        *out = monitor;
        return 0;
    }
    int error = errno;
    net_monitor_close(monitor, socket);
    return error;
}

void
net_monitor_close(void *monitor, void *socket)
{
    (void)zmq_socket_monitor(socket, NULL, 0);
    if (monitor != NULL)
        (void)zmq_close(monitor);
}

static enum net_monitor_event
meaning(unsigned event)
{
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        return NET_MONITOR_UP;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        return NET_MONITOR_REFUSED;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        return NET_MONITOR_BROKEN;
    case ZMQ_EVENT_DISCONNECTED:
        return NET_MONITOR_DOWN;
    default: /* the library's enum, not ours */
        return NET_MONITOR_NONE;
    }
}

/* One message: event u16 and value u32 in the machine's order, then the address. */
enum net_monitor_event
net_monitor_next(void *monitor)
{
    for (;;) {
        uint8_t  head[6];
        char     address[256];
        uint16_t event = 0;
        int      got   = zmq_recv(monitor, head, sizeof head, ZMQ_DONTWAIT);
        if (got < 0)
            return NET_MONITOR_NONE;
        /* SAFE: the parts of one message arrive together. */
        (void)zmq_recv(monitor, address, sizeof address, ZMQ_DONTWAIT);
        if (got != sizeof head)
            continue;
        memcpy(&event, head, sizeof event);
        if (meaning(event) != NET_MONITOR_NONE)
            return meaning(event);
    }
}
