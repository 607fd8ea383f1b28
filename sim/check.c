#include "sim/state.h"

#include "engine/blob.h"
#include "engine/proof.h"
#include "sim/export.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEIGHT_MAX = 100000,
    AT_TYPE    = 6 /* offset of proto/frame.h */
};

static const struct fed_chain *
chain_of(const struct sim_party *party)
{
    return party->index == SIM_HUB ? coord_engine_chain(party->coord)
                                   : node_engine_chain(party->node);
}

/* ---- after every call ---- */

static bool
make_room(struct sim_world *world, uint64_t height)
{
    size_t capacity = world->head_capacity;
    while (capacity < height)
        capacity = capacity * 2 + 64;
    if (height > HEIGHT_MAX)
        return false;
    struct sec_hash *grown = realloc(world->heads, capacity * sizeof *grown);
    if (grown == NULL)
        return false;
    memset(grown + world->head_capacity, 0, (capacity - world->head_capacity) * sizeof *grown);
    world->heads         = grown;
    world->head_capacity = capacity;
    return true;
}

/* I1: one history. The first to reach a height sets what the others must hold. */
static void
check_agreement(struct sim_party *party)
{
    struct sim_world       *world = party->world;
    const struct fed_chain *chain = chain_of(party);
    if (chain->height == 0)
        return;
    if (!make_room(world, chain->height)) {
        sim_fail(world, "the chain grew beyond any bound", party);
        return;
    }
    struct sec_hash *head = &world->heads[chain->height - 1];
    if (sec_hash_is_zero(head))
        *head = chain->head;
    else if (!sec_hash_equal(head, &chain->head))
        sim_fail(world, "two parties hold different blocks at one height", party);
}

/* I9: what others rely on is durable: blocks that nodes hold are on the coordinator's disk. */
static void
check_durable_blocks(const struct sim_party *node)
{
    struct sim_party *hub   = &node->world->parties[SIM_HUB];
    uint64_t          count = 0;
    if (hub->alive && hub->port.record_count(hub->port.host, &count) == PN_OK &&
        chain_of(node)->height > count)
        sim_fail(node->world, "a node holds a block that the coordinator's disk does not", node);
}

/* I9: an update that the coordinator counts on is on its author's disk. */
static void
check_durable_updates(const struct sim_party *hub)
{
    const struct fed_round *round = coord_engine_round(hub->coord);
    for (uint32_t i = 0; i < round->member_count; i++) {
        const struct fed_round_member *member = &round->members[i];
        const struct sim_party        *node   = &hub->world->parties[member->number - 1];
        if (member->part == FED_ANNOUNCED && node->alive && !sim_disk_is_dead(node->disk) &&
            !engine_blob_is_there(&node->port, "updates", &member->update))
            sim_fail(hub->world, "a node announced an update that its disk does not hold", node);
    }
}

void
sim_check_party(struct sim_party *party)
{
    check_agreement(party);
    if (sim_is_calm(party->world))
        return;
    if (party->index == SIM_HUB)
        check_durable_updates(party);
    else
        check_durable_blocks(party);
}

/* ---- after every frame ---- */

void
sim_tally_take(struct sim_tally *out, const struct engine_counters *counters)
{
    const uint32_t *reasons = counters->reasons;
    out->accepted           = counters->accepted;
    out->rejected           = counters->rejected;
    out->discarded          = counters->discarded;
    out->refused = reasons[PN_EPEER_FORMAT] + reasons[PN_EPEER_LIMIT] + reasons[PN_EPEER_RUN] +
                   reasons[PN_EPEER_AUTH] + reasons[PN_EPEER_REPLAY];
}

static uint64_t
total(const struct sim_tally *tally)
{
    return tally->accepted + tally->rejected + tally->discarded;
}

/* The data of a chunk is its proof's affair, not the frame's: changed on the way, it is refused as
 * what it is by then: no part of the blob, after a gap, or not wanted. */
static bool
is_chunk(const struct sim_event *event)
{
    return event->size > WIRE_HEADER_SIZE && pn_get_u16(event->bytes + AT_TYPE) == WIRE_CHUNK;
}

void
sim_check_frame(struct sim_party *party, struct sim_line *line, const struct sim_event *event,
                const struct sim_tally *before, const struct sim_tally *after)
{
    struct sim_result *result = party->world->result;
    if (total(after) != total(before) + 1)
        sim_fail(party->world, "a frame was not counted exactly once", party);
    result->rejected += after->rejected - before->rejected;
    result->discarded += after->discarded - before->discarded;
    if (event->frame == 0) {
        bool for_that = after->refused == before->refused + 1;
        if (!for_that && (!is_chunk(event) || after->accepted != before->accepted))
            sim_fail(party->world, "a frame that nobody sent was not refused for that", party);
        return;
    }
    if (after->accepted == before->accepted)
        return;
    line->accepted++;
    if (event->frame <= line->taken)
        sim_fail(party->world, "a frame was accepted twice, or after a newer one", party);
    if (line->accepted > line->sent)
        sim_fail(party->world, "more frames were accepted than were sent", party);
    line->taken = event->frame;
    result->accepted++;
}

/* ---- at the end ---- */

void
sim_check_disk(struct sim_party *party)
{
    struct sim_world   *world = party->world;
    struct engine_proof proof;
    struct pn_error     why = {.text = ""};
    if (sim_is_calm(world) && party->index != SIM_HUB)
        return;
    sim_disk_restart(party->disk);
    enum pn_status st =
        engine_proof_make(&proof, &party->port, world->federation.roster, NULL, NULL, &why);
    if (st == PN_ENOENT && party->index != SIM_HUB)
        return; /* a node that never got a block */
    if (st != PN_OK) {
        sim_fail(world, why.text[0] != '\0' ? why.text : pn_status_text(st), party);
        return;
    }
    if (party->index != SIM_HUB)
        return;
    world->result->rounds       = proof.rounds;
    world->result->sums_checked = proof.sums_checked;
    if (sim_export_root(&world->result->model, &party->port, &proof.model) != PN_OK)
        sim_fail(world, "the final model cannot be read", party);
    if (!proof.finished)
        sim_fail(world, "the ledger has no finish block", party);
    if (world->config->keep_updates == 0 && proof.sums_checked != proof.rounds)
        sim_fail(world, "an aggregate could not be recomputed", party);
}
