/*
 * net/curve -- a ZeroMQ socket with CURVE and the limits of security.md 4.3, and the ZAP handler.
 *
 * CURVE in libzmq lets everybody in unless three things hold together: a ZAP domain is set,
 * enforcing it is set (option 93; hidden in zmq.h, present in the library), and a handler answers.
 * With the first two a missing handler means that nobody gets in. RFC 26 (CurveZMQ), RFC 27 (ZAP).
 *
 * Threads    those of the loop.
 * Errors     0, or the errno of the call that failed.
 */
#ifndef NET_CURVE_H
#define NET_CURVE_H

#include "net/loop.h"

enum {
    NET_FRAME_MAX      = 1048576 + 4096,
    NET_ENDPOINT_SIZE  = 256,
    NET_HANDSHAKE_MS   = 5000,
    NET_BACKOFF_MS     = 100,
    NET_BACKOFF_MAX_MS = 30000,
    NET_KNOCKS         = 64,  /* handshakes of one member at once ... */
    NET_KNOCK_MS       = 4000 /* ... and another one after so long    */
};

/* What one end of a channel is called and how it proves it. */
struct net_curve_keys {
    const struct sec_transport_public *server; /* dialling: of the other end; NULL when listening */
    const struct sec_transport_public *own;
    const struct sec_transport_secret *secret;
};

/* An address with [ ] is IPv6; otherwise leaving it off keeps "*" and names to IPv4. */
PN_MUST_CHECK int net_curve_allow_ipv6(void *socket, const char *endpoint);
/* A ROUTER (keys->server is NULL) or DEALER in `context`, neither bound nor connected. */
PN_MUST_CHECK int net_curve_socket(void **out, void *context, const struct net_curve_keys *keys);

/*
 * A member may open as many connections as it likes, and each may hold messages; and libzmq 4.3.4
 * aborts the process when the routing id that it makes up for a new connection (a zero and a random
 * start that is counted up) was claimed by another one. So one member cannot dial without end: both
 * then take it months. docs/threats.md says what remains.
 */
struct net_knocks {
    uint32_t left;
    pn_ms    filled_at;
};

struct net_zap {
    void                  *socket;
    const struct net_peer *admit;  /* borrowed */
    struct net_knocks     *knocks; /* one for each of them */
    size_t                 admit_count;
    uint64_t               refused;
};
/* With `admit` and `admit_count` set; before any listening socket is bound in `context`. */
PN_MUST_CHECK int net_zap_open(struct net_zap *zap, void *context);
void              net_zap_close(struct net_zap *zap);
/* Answers the requests that wait, a bounded number. */
void net_zap_answer(struct net_zap *zap);

#endif
