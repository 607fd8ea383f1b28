#include "swarm/evidence.h"

#include <string.h>

enum {
    VOTE_SIZE = 32 + 4 + 32 + 64,
    HEAD_SIZE = 4 + 8 + 4 + 4,
    ITEM_SIZE = HEAD_SIZE + 2 * VOTE_SIZE
};
static const char file_name[] = "evidence";

bool
swarm_evidence_add(struct swarm_evidence *evidence, const struct wire_conviction *conviction)
{
    for (size_t i = 0; i < evidence->count; i++)
        if (evidence->items[i].first.member == conviction->first.member)
            return false;
    if (evidence->count < WIRE_CONVICTIONS_MAX)
        evidence->items[evidence->count++] = *conviction;
    return true;
}

static bool
is_shown(const struct wire_conviction *conviction, const struct wire_block *block)
{
    const struct wire_agreement *agreement = block->agreement;
    for (size_t i = 0; i < agreement->conviction_count; i++) {
        const struct wire_vote *shown = &agreement->convictions[i].first;
        if (shown->member == conviction->first.member && shown->height >= conviction->first.height)
            return true;
    }
    return false;
}

bool
swarm_evidence_forget(struct swarm_evidence *evidence, const struct wire_block *block)
{
    size_t left = 0, count = evidence->count;
    for (size_t i = 0; i < count; i++)
        if (!is_shown(&evidence->items[i], block))
            evidence->items[left++] = evidence->items[i];
    evidence->count = left;
    return left < count;
}

void
swarm_evidence_sift(struct swarm_evidence *evidence, const struct fed_chain *chain,
                    const uint8_t run[static 16])
{
    size_t left = 0;
    for (size_t i = 0; i < evidence->count; i++)
        if (fed_chain_convicts(chain, run, &evidence->items[i]))
            evidence->items[left++] = evidence->items[i];
    evidence->count = left;
}

/* ---- the file ---- */

static void
put_vote(uint8_t *at, const struct wire_vote *vote)
{
    memcpy(at, vote->hash, 32);
    pn_put_u32(at + 32, vote->lock_view);
    memcpy(at + 36, vote->lock, 32);
    memcpy(at + 68, vote->signature, 64);
}

static struct wire_vote
get_vote(const uint8_t *item, const uint8_t *at)
{
    struct wire_vote vote = {.member    = pn_get_u32(item),
                             .height    = pn_get_u64(item + 4),
                             .view      = pn_get_u32(item + 12),
                             .step      = (enum wire_step)pn_get_u32(item + 16),
                             .lock_view = pn_get_u32(at + 32)};
    memcpy(vote.hash, at, 32);
    memcpy(vote.lock, at + 36, 32);
    memcpy(vote.signature, at + 68, 64);
    return vote;
}

void
swarm_evidence_save(const struct swarm_evidence *evidence, const struct store_disk *disk)
{
    uint8_t bytes[WIRE_CONVICTIONS_MAX * ITEM_SIZE], *at = bytes;
    for (size_t i = 0; i < evidence->count; i++, at += ITEM_SIZE) {
        const struct wire_vote *first = &evidence->items[i].first;
        pn_put_u32(at, first->member);
        pn_put_u64(at + 4, first->height);
        pn_put_u32(at + 12, first->view);
        pn_put_u32(at + 16, (uint32_t)first->step);
        put_vote(at + HEAD_SIZE, first);
        put_vote(at + HEAD_SIZE + VOTE_SIZE, &evidence->items[i].other);
    }
    /* SAFE: it is held in memory, too, and others may hold it. */
    if (evidence->count == 0)
        (void)disk->remove(disk->host, file_name);
    else
        (void)disk->save(disk->host, file_name, bytes, (uint64_t)(at - bytes));
}

void
swarm_evidence_load(struct swarm_evidence *out, const struct store_disk *disk)
{
    uint8_t  bytes[WIRE_CONVICTIONS_MAX * ITEM_SIZE];
    uint64_t size;
    *out = (struct swarm_evidence){.count = 0};
    if (disk->size(disk->host, file_name, &size) != PN_OK || size > sizeof bytes ||
        size % ITEM_SIZE != 0 || disk->read(disk->host, file_name, bytes, 0, (size_t)size) != PN_OK)
        return;
    for (const uint8_t *at = bytes; at < bytes + size; at += ITEM_SIZE)
        out->items[out->count++] =
            (struct wire_conviction){.first = get_vote(at, at + HEAD_SIZE),
                                     .other = get_vote(at, at + HEAD_SIZE + VOTE_SIZE)};
}
