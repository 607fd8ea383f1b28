#include "sim/queue.h"

#include <stdlib.h>

struct sim_slot {
    pn_ms            at;
    uint64_t         number;
    struct sim_event event;
};

void
sim_queue_init(struct sim_queue *queue)
{
    *queue = (struct sim_queue){.count = 0};
}

void
sim_queue_fini(struct sim_queue *queue)
{
    free(queue->slots);
    sim_queue_init(queue);
}

static bool
is_before(const struct sim_slot *a, const struct sim_slot *b)
{
    if (a->at != b->at)
        return a->at < b->at;
    return a->event.lane != b->event.lane ? a->event.lane < b->event.lane : a->number < b->number;
}

static void
swap(struct sim_slot *a, struct sim_slot *b)
{
    struct sim_slot other = *a;
    *a                    = *b;
    *b                    = other;
}

static void
rise(struct sim_queue *queue, size_t i)
{
    while (i > 0 && is_before(&queue->slots[i], &queue->slots[(i - 1) / 2])) {
        swap(&queue->slots[i], &queue->slots[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

static void
sink(struct sim_queue *queue, size_t i)
{
    for (;;) {
        size_t least = i, left = 2 * i + 1;
        for (size_t child = left; child <= left + 1 && child < queue->count; child++)
            if (is_before(&queue->slots[child], &queue->slots[least]))
                least = child;
        if (least == i)
            return;
        swap(&queue->slots[i], &queue->slots[least]);
        i = least;
    }
}

static void
remove_slot(struct sim_queue *queue, size_t i)
{
    queue->slots[i] = queue->slots[--queue->count];
    if (i < queue->count) {
        rise(queue, i);
        sink(queue, i);
    }
}

enum pn_status
sim_queue_put(struct sim_queue *queue, pn_ms at, const struct sim_event *event)
{
    if (queue->count == queue->capacity) {
        size_t           capacity = queue->capacity * 2 + 64;
        struct sim_slot *grown    = realloc(queue->slots, capacity * sizeof *grown);
        if (grown == NULL)
            return PN_ENOMEM;
        queue->slots    = grown;
        queue->capacity = capacity;
    }
    queue->slots[queue->count] =
        (struct sim_slot){.at = at, .number = queue->put_count++, .event = *event};
    rise(queue, queue->count++);
    return PN_OK;
}

bool
sim_queue_take(struct sim_queue *queue, pn_ms *now, struct sim_event *event)
{
    if (queue->count == 0)
        return false;
    *now   = queue->slots[0].at;
    *event = queue->slots[0].event;
    remove_slot(queue, 0);
    return true;
}

bool
sim_queue_take_work(struct sim_queue *queue, uint32_t party, struct sim_event *event)
{
    size_t found = queue->count;
    for (size_t i = 0; i < queue->count; i++) {
        const struct sim_slot *slot = &queue->slots[i];
        if (slot->event.kind == SIM_DONE && slot->event.party == party &&
            (found == queue->count || is_before(slot, &queue->slots[found])))
            found = i;
    }
    if (found == queue->count)
        return false;
    *event = queue->slots[found].event;
    remove_slot(queue, found);
    return true;
}
