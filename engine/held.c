#include "engine/held.h"

#include <stdlib.h>

static struct engine_held **
place_of(struct engine_held_set *set, const struct sec_blob *blob)
{
    return &set->places[blob->root.bytes[0] % ENGINE_HELD_PLACES];
}

static struct engine_held *
find(struct engine_held_set *set, const struct sec_blob *blob)
{
    struct engine_held *held = *place_of(set, blob);
    while (held != NULL && !sec_blob_equal(&held->blob, blob))
        held = held->next;
    return held;
}

static struct engine_held *
add(struct engine_held_set *set, const struct sec_blob *blob, uint8_t *bytes)
{
    struct engine_held **place = place_of(set, blob);
    struct engine_held  *held  = malloc(sizeof *held);
    if (held == NULL)
        return NULL;
    *held = (struct engine_held){
        .blob = *blob, .bytes = bytes, .holders = 1, .next = *place, .at = place};
    if (held->next != NULL)
        held->next->at = &held->next;
    *place = held;
    return held;
}

struct engine_held *
engine_held_put(struct engine_held_set *set, const struct sec_blob *blob, uint8_t *bytes)
{
    struct engine_held *there = find(set, blob);
    struct engine_held *held  = there != NULL ? engine_held_take(there) : add(set, blob, bytes);
    if (there != NULL || held == NULL)
        free(bytes);
    return held;
}

struct engine_held *
engine_held_find(struct engine_held_set *set, const struct sec_blob *blob)
{
    return engine_held_take(find(set, blob));
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
