/*
 * net/loop -- the event loop of a daemon: frames, completions of work, time, signals. One thread.
 *
 * A loop listens, dials, or does both: a coordinator listens, a node dials it, the members of a
 * swarm do both. One ROUTER listens, one DEALER dials each party, all with CURVE; single-part
 * messages only. Listening is ZAP fail-closed and bound to the roster: a transport key outside
 * `admit` is refused in the handshake, and every message carries the member number its key belongs
 * to (User-Id), which is what NET_FRAME reports. A member that dials over and over is refused, too,
 * for a while (net/curve.h). A party that we dial has the key we expect, or there is no connection.
 *
 * Two members may dial each other. Each then sends on the connection that it dialled, and only
 * there, so that what one sends arrives in order; what arrives is a NET_FRAME of that member either
 * way. Frames are taken from one party after the other: none can keep the others waiting. Limits of
 * security.md 4.3: 1 MiB + 4 KiB messages, high-water marks 16, handshake 5 s, heartbeats,
 * reconnect back-off 100 ms to 30 s, no client-set routing ids; a multipart body is dropped and
 * counted.
 *
 * Threads    everything from one thread, except a work's `run`, which runs on the worker (a long
 *            one on a second, so that nothing waits for it), in the order of submission.
 * Signals    net_loop_new blocks SIGTERM, SIGINT and SIGHUP in its thread and ignores SIGPIPE.
 *            Threads that were there before pass these signals on to it. net_loop_free restores the
 *            mask, and the handlers unless the program has set its own since.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/ports.h"
#include "crypto/keys.h"

enum net_event_kind {
    NET_FRAME,   /* `member` sent `bytes`; valid until the next net_loop_wait      */
    NET_UP,      /* dialled: the connection to `member` stands (handshake done)    */
    NET_DOWN,    /* dialled: it is gone; not dialled: the member has been silent   */
    NET_TIMEOUT, /* `until` has come, or completions of work were delivered        */
    NET_SIGNAL,  /* SIGTERM or SIGINT                                              */
    NET_RELOAD   /* SIGHUP: read again what can change while we run                */
};

struct net_event {
    enum net_event_kind kind;
    uint32_t            member;
    const uint8_t      *bytes;
    size_t              size;
};

struct net_peer {
    uint32_t                    member;
    struct sec_transport_public key;
};

struct net_dial {
    const char                 *endpoint; /* "tcp://10.0.0.7:7400" */
    uint32_t                    member;
    struct sec_transport_public key;
};

enum {
    NET_DIALS_MAX = 128
};

/* Read by net_loop_new only. At least one of `listen` and `dials` is given. */
struct net_loop_config {
    const char                        *listen; /* "tcp://127.0.0.1:7400" (port 0: any), or NULL */
    const struct net_dial             *dials;  /* different members with different keys         */
    size_t                             dial_count;
    const struct sec_transport_public *public_key;
    const struct sec_transport_secret *secret;
    const struct net_peer             *admit; /* listening: who may connect */
    size_t                             admit_count;
    pn_ms                              silence_ms; /* members that we do not dial: NET_DOWN after so
                                                    * long without a message; 0: never */
};

struct net_loop;
PN_MUST_CHECK enum pn_status
net_loop_new(struct net_loop **out, const struct net_loop_config *config, struct pn_error *why);
/* Waits for the running work. Work that has not begun is dropped; no `done` is called any more. */
void net_loop_free(struct net_loop *loop);

/* The endpoint really bound (port 0 resolved); "" when the loop does not listen. */
const char *net_loop_endpoint(const struct net_loop *loop);

/* Connects to the own endpoint with a random key and requires refusal: PN_ESTATE when a stranger is
 * let in. Then the same against a socket whose ZAP handler is dead. Listening loops only; call
 * before the first wait; blocks for some milliseconds, 12 s at most. */
PN_MUST_CHECK enum pn_status net_loop_self_test(struct net_loop *loop, struct pn_error *why);

/* Waits for one event, at most until `until` (loop time). Completions of work are delivered inside;
 * they may have moved a deadline, so the call then returns (NET_TIMEOUT). */
PN_MUST_CHECK enum pn_status net_loop_wait(struct net_event *out, struct net_loop *loop,
                                           pn_ms until);
pn_ms                        net_loop_now(const struct net_loop *loop); /* monotonic */
uint64_t                     net_wall_ms(void);                         /* Unix time */

/* Fills in pn_ports.send, .submit and .clock. To a member that we dial, frames go on that
 * connection; to others once there was a frame from them, on their newest one. PN_ENETWORK when
 * there is none or it takes no more now; PN_ERANGE for a frame over 1 MiB + 4 KiB. */
void net_loop_ports(struct pn_ports *out, struct net_loop *loop);

struct net_counters {
    uint64_t frames_in, frames_out, bytes_in, bytes_out;
    uint64_t refused;   /* handshakes, theirs and ours; frames of nobody we admit, too   */
    uint64_t multipart; /* messages dropped for having several parts                     */
    uint64_t unsent;    /* sends that did not return PN_OK                               */
};
void net_loop_counters(struct net_counters *out, const struct net_loop *loop);

#endif
