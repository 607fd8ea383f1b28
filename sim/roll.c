#include "sim/roll.h"

#include "engine/ledger.h"
#include "fed/vote.h"
#include "proto/arena.h"

#include <stdlib.h>
#include <string.h>

struct roll {
    const struct sim_epochs *epochs;
    size_t                   epoch, epoch_before; /* in force for this block; for the one before */
    struct fed_decided       before;              /* the block before; no run: none */
    struct pn_error         *why;
};

static bool
is_in(const struct roll *roll, uint32_t number)
{
    return fed_roster_find(roll->epochs->of[roll->epoch].roster, number) != NULL;
}

static enum pn_status
check_names(const struct roll *roll, const struct wire_block *block)
{
    bool all = is_in(roll, block->proposer);
    for (size_t i = 0; i < block->entry_count; i++)
        all = all && is_in(roll, block->entries[i].member);
    for (size_t i = 0; i < block->absent_count; i++)
        all = all && is_in(roll, block->absent[i].member);
    for (size_t i = 0; i < block->agreement->report_count; i++)
        all = all && is_in(roll, block->agreement->reports[i].member);
    return all ? PN_OK
               : pn_error_set(roll->why, PN_EAUTH,
                              "block %llu names somebody who is not in epoch %zu",
                              (unsigned long long)block->height, roll->epoch);
}

/* The votes for a block stand in the one after it. */
static enum pn_status
check_votes(struct roll *roll, const struct wire_block *block)
{
    if (block->height == 0)
        return PN_OK;
    roll->before.view = block->agreement->witness_view;
    return fed_certificate_check(roll->epochs->of[roll->epoch_before].roster, &roll->before,
                                 block->witnesses, block->witness_count, roll->why);
}

static enum pn_status
take_roster(struct roll *roll, const struct wire_block *block)
{
    const struct wire_roster *carried  = block->agreement->roster;
    size_t                    expected = block->height == 0 ? 0 : roll->epoch + 1;
    if (carried == NULL)
        return PN_OK;
    const struct pn_buffer *text =
        expected < roll->epochs->count ? &roll->epochs->of[expected].text : NULL;
    if (text == NULL || text->size != carried->text.size ||
        memcmp(text->bytes, carried->text.bytes, text->size) != 0)
        return pn_error_set(roll->why, PN_EAUTH, "block %llu brings a roster that nobody issued",
                            (unsigned long long)block->height);
    roll->epoch = expected;
    return PN_OK;
}

static enum pn_status
take_block(struct roll *roll, const struct wire_block *block, const struct sec_hash *hash)
{
    if (block->agreement == NULL)
        return pn_error_set(roll->why, PN_ECORRUPT, "block %llu is of no swarm",
                            (unsigned long long)block->height);
    enum pn_status st = check_votes(roll, block);
    if (st == PN_OK)
        st = check_names(roll, block);
    roll->epoch_before = roll->epoch;
    if (st == PN_OK)
        st = take_roster(roll, block);
    roll->before = (struct fed_decided){.height = block->height, .hash = *hash};
    memcpy(roll->before.run, block->run, sizeof roll->before.run);
    return st;
}

enum pn_status
sim_roll_check(const struct sim_epochs *epochs, const struct store_disk *disk, struct pn_error *why)
{
    struct roll       roll = {.epochs = epochs, .why = why};
    struct wire_arena arena;
    struct pn_buffer  room;
    uint64_t          count  = 0;
    void             *memory = aligned_alloc(16, WIRE_ARENA_SIZE);
    if (memory == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory to look at a ledger");
    pn_buffer_init(&room, ENGINE_RECORD_MAX);
    enum pn_status st = disk->record_count(disk->host, &count);
    for (uint64_t i = 0; i < count && st == PN_OK; i++) {
        struct engine_record record;
        struct wire_block    block;
        struct sec_hash      hash;
        wire_arena_init(&arena, memory, WIRE_ARENA_SIZE);
        st = engine_record_block(&block, &record, &room, &arena, disk, i);
        if (st != PN_OK)
            break;
        fed_block_hash(&hash, record.block.bytes, record.block.size);
        st = take_block(&roll, &block, &hash);
    }
    pn_buffer_fini(&room);
    free(memory);
    return st;
}
