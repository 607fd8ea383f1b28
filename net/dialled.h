/*
 * net/dialled -- the connection to one party that we dial: a DEALER, its monitor, when to try
 * again.
 *
 * ZeroMQ dials again by itself when a connection breaks, but stops after a refusal; a roster may
 * change, so we go on after that, too, more and more slowly.
 *
 * Threads    that of the loop.
 */
#ifndef NET_DIALLED_H
#define NET_DIALLED_H

#include "net/curve.h"

struct net_dialled {
    void    *socket, *monitor;
    char     endpoint[NET_ENDPOINT_SIZE];
    uint32_t member;
    bool     is_up;     /* NET_UP was given                                     */
    bool     is_rising; /* handshake done; NET_UP when the socket takes a frame */
    bool     must_redial;
    pn_ms    redial_at, backoff_ms;
    uint64_t refused; /* handshakes */
};

/* Begins to dial; `dialled` is zeros. 0 or an errno; close it in either case. */
PN_MUST_CHECK int net_dialled_open(struct net_dialled *dialled, void *context,
                                   const struct net_dial *dial, const struct net_curve_keys *own);
void              net_dialled_close(struct net_dialled *dialled);
/* Dials again where it is time. `has_news`: the monitor is readable. True when `out` is a NET_UP or
 * NET_DOWN. */
bool net_dialled_turn(struct net_event *out, struct net_dialled *dialled, bool has_news, pn_ms now);

#endif
