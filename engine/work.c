#include "engine/work.h"

/* Virtual microseconds: a start, and 1 GB a second. */
enum {
    COST_OF_A_START       = 10,
    BYTES_PER_MICROSECOND = 1000
};

void
engine_work_submit(struct engine_work *work, struct engine_work **list, void *engine,
                   const struct pn_ports *ports, const struct engine_work_how *how)
{
    uint64_t cost = COST_OF_A_START + how->bytes / BYTES_PER_MICROSECOND;
    work->work    = (struct pn_work){
           .run = how->run, .done = how->done, .cost = cost, .is_long = work->is_long};
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
