#include "engine/pace.h"

#include "engine/ledger.h"

#include <stdlib.h>

static enum pn_status
take_block(struct engine_pace *pace, const struct fed_job *job, const struct store_disk *disk,
           struct pn_buffer *room, struct wire_arena *arena)
{
    struct engine_record record;
    struct wire_block    block;
    enum pn_status       st = engine_record_block(&block, &record, room, arena, disk, pace->taken);
    if (st != PN_OK)
        return st;
    fed_pace_take(&pace->state, job, &block);
    pace->taken++;
    return PN_OK;
}

enum pn_status
engine_pace_steps(uint32_t *steps, struct engine_pace *pace, const struct fed_job *job,
                  const struct store_disk *disk, uint64_t height, uint64_t round)
{
    *steps = 0;
    if (job->interval.max == 0)
        return PN_OK;
    void *memory = aligned_alloc(16, WIRE_ARENA_SIZE);
    if (memory == NULL)
        return PN_ENOMEM;
    struct wire_arena arena;
    struct pn_buffer  room;
    enum pn_status    st = PN_OK;
    wire_arena_init(&arena, memory, WIRE_ARENA_SIZE);
    pn_buffer_init(&room, ENGINE_RECORD_MAX);
    if (pace->taken == 0)
        fed_pace_init(&pace->state, job);
    while (st == PN_OK && pace->taken < height)
        st = take_block(pace, job, disk, &room, &arena);
    pn_buffer_fini(&room);
    free(memory);
    if (st == PN_OK)
        *steps = fed_pace_steps(&pace->state, job, round);
    return st;
}
