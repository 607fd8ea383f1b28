#include "engine/scratch.h"

#include "proto/frame.h"

#include <stdlib.h>

enum pn_status
engine_scratch_init(struct engine_scratch *scratch)
{
    *scratch = (struct engine_scratch){.block = aligned_alloc(16, WIRE_ARENA_SIZE)};
    pn_buffer_init(&scratch->frame, WIRE_FRAME_MAX);
    engine_known_init(&scratch->known);
    fed_body_init(&scratch->last);
    if (scratch->block == NULL || pn_buffer_extend(&scratch->frame, WIRE_FRAME_MAX) != PN_OK) {
        engine_scratch_fini(scratch);
        return PN_ENOMEM;
    }
    wire_arena_init(&scratch->arena, scratch->block, WIRE_ARENA_SIZE);
    return PN_OK;
}

void
engine_scratch_fini(struct engine_scratch *scratch)
{
    free(scratch->block);
    pn_buffer_fini(&scratch->frame);
    engine_known_fini(&scratch->known);
    fed_body_fini(&scratch->last);
    scratch->block = NULL;
}

struct pn_buffer *
engine_scratch_begin(struct engine_scratch *scratch)
{
    scratch->frame.size = WIRE_HEADER_SIZE; /* SAFE: the room was taken in init */
    return &scratch->frame;
}
