#include "engine/held.h"

#include <stdlib.h>

static struct engine_held *
find(struct engine_held *list, const struct sec_blob *blob)
{
    while (list != NULL && !sec_blob_equal(&list->blob, blob))
        list = list->next;
    return list;
}

static struct engine_held *
add(struct engine_held **list, const struct sec_blob *blob, uint8_t *bytes)
{
    struct engine_held *held = malloc(sizeof *held);
    if (held == NULL)
        return NULL;
    *held = (struct engine_held){
        .blob = *blob, .bytes = bytes, .holders = 1, .next = *list, .at = list};
    if (held->next != NULL)
        held->next->at = &held->next;
    *list = held;
    return held;
}

struct engine_held *
engine_held_put(struct engine_held **list, const struct sec_blob *blob, uint8_t *bytes)
{
    struct engine_held *there = find(*list, blob);
    struct engine_held *held  = there != NULL ? engine_held_take(there) : add(list, blob, bytes);
    if (there != NULL || held == NULL)
        free(bytes);
    return held;
}

struct engine_held *
engine_held_find(struct engine_held *list, const struct sec_blob *blob)
{
    return engine_held_take(find(list, blob));
}

struct engine_held *
engine_held_take(struct engine_held *held)
{
    if (held != NULL)
        held->holders++;
    return held;
}

void
engine_held_drop(struct engine_held *held)
{
    if (held == NULL || --held->holders > 0)
        return;
    *held->at = held->next;
    if (held->next != NULL)
        held->next->at = held->at;
    free(held->bytes);
    free(held);
}

bool
engine_held_is(const struct engine_held *held, const struct sec_blob *blob)
{
    return held != NULL && sec_blob_equal(&held->blob, blob);
}
