/*
 * base/ports -- how an engine (coordinator/engine, node/engine) reaches the outside.
 *
 * The daemon gives sockets and a worker thread, the simulator a virtual network and a
 * virtual worker. An engine lives on one thread: the host calls into it with frames,
 * completions and ticks, and it calls out through these two functions.
 */
#ifndef BASE_PORTS_H
#define BASE_PORTS_H

#include "base/bytes.h"

/* Heavy or blocking work. `run` sees only what hangs on `work`; `done` is called on the
 * engine's thread afterwards. The engine owns the memory before and after, not between. */
struct pn_work {
    void (*run)(struct pn_work *work);             /* on a worker thread   */
    void (*done)(struct pn_work *work, pn_ms now); /* on the engine thread */
    uint64_t        cost;                           /* in a simulator: virtual microseconds, */
    uint64_t        lasts; /* and so many more, however fast the machine is */
    bool            is_long; /* other work does not wait behind it, and may run beside it */
    struct pn_work *next;                          /* the host's */
};

struct pn_ports {
    void *host;
    /* Hands a whole frame over; PN_ENETWORK when the peer is not reachable or its queue is full
     * (the frame is then lost and the link must be reset). A host may take the memory of `frame`
     * and leave other of the same capacity: what is in it afterwards means nothing. */
    enum pn_status (*send)(void *host, uint32_t member, struct pn_buffer *frame);
    void (*submit)(void *host, struct pn_work *work);
    /* For `run`, from its thread: nanoseconds from any origin, of work that came to `cost` virtual
     * nanoseconds since it began. A daemon's clock goes on by itself, a simulator's with the cost.
     * NULL: a job's time is not counted. */
    uint64_t (*clock)(void *host, uint64_t cost);
};

#endif
