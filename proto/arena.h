/*
 * proto/arena -- memory for decoding one message.
 *
 * The arena is a fixed block: whatever a peer sends, decoding it can never use
 * more than that block. Decode, use, reset. Nothing is freed singly. The
 * allocator points back at its arena, so an arena is not copied or moved after init.
 */
#ifndef PROTO_ARENA_H
#define PROTO_ARENA_H

#include "base/bytes.h"

struct wire_arena {
    unsigned char *block; /* borrowed from the caller, aligned to 16 */
    size_t         size, used;
};

void  wire_arena_init(struct wire_arena *arena, void *block, size_t size);
void  wire_arena_reset(struct wire_arena *arena);
void *wire_arena_take(struct wire_arena *arena, size_t size); /* aligned to 16, or NULL */

#endif
