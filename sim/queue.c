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

/* Into the empty place i, or one above it. */
static void
rise(struct sim_queue *queue, size_t i, const struct sim_slot *slot)
{
    for (; i > 0 && is_before(slot, &queue->slots[(i - 1) / 2]); i = (i - 1) / 2)
        queue->slots[i] = queue->slots[(i - 1) / 2];
    queue->slots[i] = *slot;
}

/* The least of the two below i; `count` when there is none. */
static size_t
least_below(const struct sim_queue *queue, size_t i)
{
    size_t left = 2 * i + 1;
    if (left >= queue->count)
        return queue->count;
    return left + 1 < queue->count && is_before(&queue->slots[left + 1], &queue->slots[left])
               ? left + 1
               : left;
}

/* The empty place goes down to a leaf; the last slot fills it, and rises from there. */
static void
remove_slot(struct sim_queue *queue, size_t i)
{
    const struct sim_slot last = queue->slots[--queue->count];
    if (i == queue->count)
        return;
    for (size_t least; (least = least_below(queue, i)) < queue->count; i = least)
        queue->slots[i] = queue->slots[least];
    rise(queue, i, &last);
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
    const struct sim_slot slot = {.at = at, .number = queue->put_count++, .event = *event};
    rise(queue, queue->count++, &slot);
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
