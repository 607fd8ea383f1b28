#include "net/receive.h"

#include <errno.h>
#include <stdbool.h>

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

/* The rest of a message nobody wants. The parts of a message arrive together: this ends. */
static void
drain(void *socket)
{
    zmq_msg_t part;
    bool      more = true;
    (void)zmq_msg_init(&part);
    while (more)
        more = receive_part(&part, socket) == 0 && zmq_msg_more(&part) != 0;
    (void)zmq_msg_close(&part);
}

enum net_taken
net_receive(zmq_msg_t *route, zmq_msg_t *body, void *socket)
{
    int error = route != NULL ? receive_part(route, socket) : 0;
    if (error == 0)
        error = receive_part(body, socket);
    if (error != 0)
        return error == EAGAIN ? NET_TAKEN_NOTHING : NET_TAKEN_FAILED;
    if (zmq_msg_more(body) == 0)
        return NET_TAKEN_EVENT;
    drain(socket);
    return NET_TAKEN_DROPPED;
}
