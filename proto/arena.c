#include "proto/arena.h"

enum {
    ALIGNMENT = 16
};

void
wire_arena_init(struct wire_arena *arena, void *block, size_t size)
{
    PN_ASSERT((uintptr_t)block % ALIGNMENT == 0);
    *arena = (struct wire_arena){.block = block, .size = size};
}

void
wire_arena_reset(struct wire_arena *arena)
{
    arena->used = 0;
}

void *
wire_arena_take(struct wire_arena *arena, size_t size)
{
    /* `used` is always a multiple of ALIGNMENT or equal to `size`, so it never passes `size`. */
    size_t left = arena->size - arena->used;
    if (size > left)
        return NULL;
    void  *taken   = arena->block + arena->used;
    size_t rounded = size + (ALIGNMENT - size % ALIGNMENT) % ALIGNMENT;
    arena->used += rounded < left ? rounded : left;
    return taken;
}
