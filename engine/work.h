/*
 * engine/work -- heavy work that an engine has given to its host, and must know about until it is
 * back.
 *
 *     submit -> [run, on the worker] -> done, which begins with engine_work_take -> release
 *
 * A host may stop without completing everything; what it never gave back is released with the
 * engine.
 *
 * Memory     a piece of work embeds struct engine_work as its first member and is freed by
 *            `release`.
 * Threads    `run` on the worker, everything else on the engine's thread.
 */
#ifndef ENGINE_WORK_H
#define ENGINE_WORK_H

#include "base/ports.h"

struct engine_work {
    struct pn_work work; /* first: what the host sees */
    void          *engine;
    void (*release)(struct engine_work *work);
    struct engine_work *next, **at; /* on the list of what is out */
    bool                is_long;    /* set before submit: other work does not wait behind it, and
                                     * may run beside it */
    pn_ms               lasts;      /* likewise: so long besides, on whatever machine */
    enum pn_status      status;     /* of run */
    struct pn_error     why;        /* likewise; may stay empty */
};

struct engine_work_how {
    uint64_t bytes; /* that it will touch: a simulator's measure of time */
    void (*run)(struct pn_work *work);
    void (*done)(struct pn_work *work, pn_ms now);
    void (*release)(struct engine_work *work);
};

/* Virtual nanoseconds that touching so many bytes takes. */
uint64_t engine_work_ns(uint64_t bytes);
void     engine_work_submit(struct engine_work *work, struct engine_work **list, void *engine,
                            const struct pn_ports *ports, const struct engine_work_how *how);
/* It is ours again, off the list. */
struct engine_work *engine_work_take(struct pn_work *work);
/* After the host stopped: whatever is still out. */
void engine_work_release_all(struct engine_work **list);

#endif
