#include "sim/roll.h"

#include "engine/proof.h"
#include "fed/vote.h"

#include <string.h>

struct roll {
    const struct sim_epochs *epochs;
    size_t                   epoch, epoch_before; /* in force for this block; for the one before */
    struct fed_decided       before;              /* the block before; no run: none */
    struct pn_error         *why;
    enum pn_status           status;
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

static void
take_block(void *context, const struct wire_block *block, const struct sec_hash *hash,
           const struct fed_roster *roster)
{
    struct roll *roll = context;
    (void)roster; /* what the verifier thinks of it */
    if (roll->status != PN_OK)
        return;
    if (block->agreement == NULL) {
        roll->status = pn_error_set(roll->why, PN_ECORRUPT, "block %llu is of no swarm",
                                    (unsigned long long)block->height);
        return;
    }
    roll->status = check_votes(roll, block);
    if (roll->status == PN_OK)
        roll->status = check_names(roll, block);
    roll->epoch_before = roll->epoch;
    if (roll->status == PN_OK)
        roll->status = take_roster(roll, block);
    roll->before = (struct fed_decided){.height = block->height, .hash = *hash};
    memcpy(roll->before.run, block->run, sizeof roll->before.run);
}

enum pn_status
sim_roll_check(const struct sim_epochs *epochs, const struct store_disk *disk, struct pn_error *why)
{
    struct roll    roll = {.epochs = epochs, .why = why};
    enum pn_status st   = engine_proof_read(disk, take_block, &roll, why);
    return st != PN_OK ? st : roll.status;
}
