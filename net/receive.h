/*
 * net/receive -- one whole message of a socket.
 *
 * Threads    that of the loop.
 */
#ifndef NET_RECEIVE_H
#define NET_RECEIVE_H

#include <zmq.h>

enum net_taken {
    NET_TAKEN_NOTHING, /* nothing waits                          */
    NET_TAKEN_DROPPED, /* a message that nobody wants was there  */
    NET_TAKEN_EVENT,
    NET_TAKEN_FAILED
};

/* NET_TAKEN_EVENT: `body` is a message of one part, and `route` (NULL: not a ROUTER) where it came
 * from. NET_TAKEN_DROPPED: it had several parts. What both held before is released. */
enum net_taken net_receive(zmq_msg_t *route, zmq_msg_t *body, void *socket);

#endif
