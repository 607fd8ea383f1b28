#include "engine/work.h"

enum {
    COST_OF_A_START = 10, /* virtual microseconds */
    NS_A_US         = 1000,
    US_A_MS         = 1000
};

/* 1 GB a second. */
uint64_t
engine_work_ns(uint64_t bytes)
{
    return bytes;
}

void
engine_work_submit(struct engine_work *work, struct engine_work **list, void *engine,
                   const struct pn_ports *ports, const struct engine_work_how *how)
{
    uint64_t cost = COST_OF_A_START + engine_work_ns(how->bytes) / NS_A_US;
    work->work    = (struct pn_work){.run     = how->run,
                                     .done    = how->done,
                                     .cost    = cost,
                                     .lasts   = work->lasts * US_A_MS,
                                     .is_long = work->is_long};
    work->engine  = engine;
    work->release = how->release;
    work->next    = *list;
    work->at      = list;
    if (work->next != NULL)
        work->next->at = &work->next;
    *list = work;
    ports->submit(ports->host, &work->work);
}

struct engine_work *
engine_work_take(struct pn_work *work)
{
    struct engine_work *own = (struct engine_work *)work; /* SAFE: `work` is its first member */
    *own->at                = own->next;
    if (own->next != NULL)
        own->next->at = own->at;
    return own;
}

void
engine_work_release_all(struct engine_work **list)
{
    while (*list != NULL) {
        struct engine_work *work = engine_work_take(&(*list)->work);
        work->release(work);
    }
}
