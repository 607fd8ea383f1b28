/*
 * net/monitor -- what happens to a dialled connection, as ZeroMQ's socket monitor tells it.
 *
 * Threads    that of the loop.
 */
#ifndef NET_MONITOR_H
#define NET_MONITOR_H

#include "base/bytes.h"

enum net_monitor_event {
    NET_MONITOR_NONE,    /* nothing waits */
    NET_MONITOR_UP,      /* handshake done */
    NET_MONITOR_REFUSED, /* the other end, or its key, is not what was expected, or we are not;
                          * ZeroMQ gives up after that */
    NET_MONITOR_BROKEN,  /* the connection ended before its handshake; ZeroMQ tries again */
    NET_MONITOR_DOWN     /* it is gone; follows REFUSED and BROKEN too */
};

/* A socket to poll and to read the events of `socket` from. 0 or an errno. */
PN_MUST_CHECK int net_monitor_open(void **out, void *context, void *socket);
/* Closes what net_monitor_open gave; NULL is fine. */
void                   net_monitor_close(void *monitor, void *socket);
enum net_monitor_event net_monitor_next(void *monitor);

#endif
