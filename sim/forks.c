#include "sim/forks.h"

#include "engine/ledger.h"
#include "engine/summit.h"
#include "fed/vote.h"
#include "proto/arena.h"

#include <stdlib.h>
#include <string.h>

/* The first height at which both have a block and the blocks differ. */
static enum pn_status
find_height(struct sim_fork *out, const struct store_disk *a, const struct store_disk *b)
{
    struct pn_buffer one, two;
    uint64_t         counts[2];
    enum pn_status   st = a->record_count(a->host, &counts[0]);
    if (st == PN_OK)
        st = b->record_count(b->host, &counts[1]);
    pn_buffer_init(&one, ENGINE_RECORD_MAX);
    pn_buffer_init(&two, ENGINE_RECORD_MAX);
    for (uint64_t i = 0; st == PN_OK && !out->forked && i < counts[0] && i < counts[1]; i++) {
        struct engine_record ours, theirs;
        st = engine_record_read(&ours, &one, a, i);
        if (st == PN_OK)
            st = engine_record_read(&theirs, &two, b, i);
        out->forked =
            st == PN_OK && (ours.block.size != theirs.block.size ||
                            memcmp(ours.block.bytes, theirs.block.bytes, ours.block.size) != 0);
        out->height = i;
    }
    pn_buffer_fini(&one);
    pn_buffer_fini(&two);
    return st;
}

/* Of the newest block: beside the ledger. */
static enum pn_status
read_newest(struct fed_certificate *out, const struct store_disk *disk, uint64_t height)
{
    struct engine_summit summit;
    struct pn_error      why;
    enum pn_status       st = engine_summit_read(&summit, disk, &why);
    *out                    = summit.votes[height % 2];
    if (st == PN_OK && (out->count == 0 || out->height != height))
        st = PN_ECORRUPT;
    return st;
}

/* Of an older one: in the block after it. */
static enum pn_status
read_certificate(struct fed_certificate *out, const struct store_disk *disk, uint64_t height)
{
    struct engine_record record;
    struct wire_block    block;
    struct wire_arena    arena;
    struct pn_buffer     room;
    uint64_t             count;
    enum pn_status       st = disk->record_count(disk->host, &count);
    if (st != PN_OK || height + 1 == count)
        return st != PN_OK ? st : read_newest(out, disk, height);
    void *memory = aligned_alloc(16, WIRE_ARENA_SIZE);
    if (memory == NULL)
        return PN_ENOMEM;
    wire_arena_init(&arena, memory, WIRE_ARENA_SIZE);
    pn_buffer_init(&room, ENGINE_RECORD_MAX);
    st = engine_record_block(&block, &record, &room, &arena, disk, height + 1);
    if (st == PN_OK && !fed_certificate_of(out, &block))
        st = PN_ECORRUPT;
    pn_buffer_fini(&room);
    free(memory);
    return st;
}

static bool
has_signed(const struct fed_certificate *certificate, uint32_t member)
{
    for (uint32_t i = 0; i < certificate->count; i++)
        if (certificate->witnesses[i].member == member)
            return true;
    return false;
}

enum pn_status
sim_fork_find(struct sim_fork *out, const struct store_disk *a, const struct store_disk *b)
{
    struct fed_certificate one, two;
    *out              = (struct sim_fork){.forked = false};
    enum pn_status st = find_height(out, a, b);
    if (st != PN_OK || !out->forked)
        return st;
    st = read_certificate(&one, a, out->height);
    if (st == PN_OK)
        st = read_certificate(&two, b, out->height);
    if (st != PN_OK)
        return st;
    out->views[0] = one.view;
    out->views[1] = two.view;
    for (uint32_t i = 0; one.view == two.view && i < one.count; i++)
        if (has_signed(&two, one.witnesses[i].member))
            out->members[out->count++] = one.witnesses[i].member;
    return PN_OK;
}
