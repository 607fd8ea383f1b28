#include "sim/state.h"

#include <stdlib.h>
#include <string.h>

enum {
    DOWN_AFTER_MS = 5000, /* a cut connection is noticed after so long */
    CONNECT_MS    = 50,
    IN_FLIGHT_MAX = 256 << 20 /* besides two models a node: a round's model and update */
};

/* ---- frames on their way ---- */

static struct sim_party *
node_of(struct sim_world *world, uint32_t from, uint32_t to)
{
    return &world->parties[from == SIM_HUB ? to : from];
}

/* A calm network takes no time. */
static pn_ms
delay(struct sim_world *world)
{
    const struct sim_faults *faults = &world->config->faults;
    if (sim_is_calm(world))
        return 0;
    if (!sim_has_faults(world) || faults->delay_max_ms <= faults->delay_min_ms)
        return faults->delay_min_ms > 0 ? faults->delay_min_ms : 1;
    return faults->delay_min_ms +
           (pn_ms)pn_rng_below(&world->rng, faults->delay_max_ms - faults->delay_min_ms + 1);
}

static bool
happens(struct sim_world *world, double chance)
{
    return chance > 0 && sim_has_faults(world) && pn_rng_uniform(&world->rng) < chance;
}

static struct sim_line *
line_of(struct sim_world *world, uint32_t from, uint32_t to)
{
    struct sim_party *node = node_of(world, from, to);
    return from == SIM_HUB ? &node->down : &node->up;
}

/* To be changed on the way. False when there is no memory. */
static bool
copy(struct sim_event *event, const uint8_t *frame, size_t size)
{
    event->bytes = malloc(size == 0 ? 1 : size);
    event->size  = size;
    if (event->bytes == NULL)
        return false;
    memcpy(event->bytes, frame, size);
    return true;
}

/* Takes what the event carries. */
static enum pn_status
put(struct sim_world *world, struct sim_event event)
{
    pn_ms at          = pn_ms_add(world->now, delay(world));
    event.lane        = sim_lane(world, event.party, event.from);
    enum pn_status st = sim_queue_put(&world->queue, at, &event);
    if (st != PN_OK) {
        sim_cargo_unload(&event);
        return st;
    }
    world->in_flight += event.size;
    if (world->in_flight >
        IN_FLIGHT_MAX + 2 * world->party_count * (size_t)world->config->job->model_size)
        sim_fail(world, "more bytes in flight than any bound allows", &world->parties[event.from]);
    return PN_OK;
}

static enum pn_status
put_copy(struct sim_world *world, struct sim_event event, const uint8_t *frame, size_t size)
{
    enum pn_status st = sim_cargo_load(&event, &world->cargo, frame, size);
    return st == PN_OK ? put(world, event) : st;
}

/* ---- a hostile network ---- */

static enum pn_status
keep(struct sim_line *line, const struct sim_event *event, const uint8_t *frame, size_t size)
{
    if (line->kept == NULL)
        line->kept = calloc(SIM_KEPT, sizeof *line->kept);
    uint8_t *bytes = malloc(size);
    if (bytes == NULL || line->kept == NULL) {
        free(bytes);
        return PN_ENOMEM;
    }
    struct sim_kept_frame *slot = &line->kept[event->frame % SIM_KEPT];
    memcpy(bytes, frame, size);
    free(slot->bytes);
    *slot = (struct sim_kept_frame){.bytes     = bytes,
                                    .size      = size,
                                    .number    = event->frame,
                                    .life      = event->life,
                                    .from_life = event->from_life};
    return PN_OK;
}

/* On the connection it was sent on: another one has other keys (CURVE), so nothing gets across. */
static enum pn_status
replay(struct sim_world *world, const struct sim_line *line, struct sim_event event)
{
    const uint64_t               which = pn_rng_below(&world->rng, SIM_KEPT);
    const struct sim_kept_frame *old   = line->kept != NULL ? &line->kept[which] : NULL;
    if (old == NULL || old->bytes == NULL || old->life != event.life ||
        old->from_life != event.from_life)
        return PN_OK;
    event.frame = old->number;
    return put_copy(world, event, old->bytes, old->size);
}

static enum pn_status
stray(struct sim_world *world, struct sim_event event, const uint8_t *frame, size_t size)
{
    uint32_t node  = event.from == SIM_HUB ? event.party : event.from;
    uint32_t other = 1 + (uint32_t)pn_rng_below(&world->rng, world->party_count - 1);
    if (other == node)
        return PN_OK;
    if (event.from == SIM_HUB) {
        event.party = other;
        event.life  = world->parties[other].life;
    } else {
        event.from      = other;
        event.from_life = world->parties[other].life;
    }
    event.frame = 0;
    return put_copy(world, event, frame, size);
}

/* `*instead`: the frame itself does not arrive. */
static enum pn_status
tamper(struct sim_world *world, const struct sim_line *line, const struct sim_event *honest,
       const uint8_t *frame, size_t size, bool *instead)
{
    enum sim_tampering how   = (enum sim_tampering)pn_rng_below(&world->rng, SIM_TAMPERING_COUNT);
    struct sim_event   event = *honest;
    *instead                 = how != SIM_REPLAY && (pn_rng_u32(&world->rng) & 1) != 0;
    world->result->tampered++;
    sim_trace(world, "tamper", honest->from, honest->party, (uint64_t)how);
    if (how == SIM_REPLAY)
        return replay(world, line, event);
    if (how == SIM_STRAY)
        return stray(world, event, frame, size);
    uint32_t other = (uint32_t)pn_rng_below(&world->rng, world->party_count);
    if (other == event.from)
        other = (other + 1) % (uint32_t)world->party_count;
    event.frame = 0;
    if (!copy(&event, frame, size))
        return PN_ENOMEM;
    enum pn_status st =
        sim_tamper(&event.bytes, &event.size, how, &world->rng, &world->federation.secrets[other]);
    if (st == PN_OK)
        return put(world, event);
    free(event.bytes);
    return st;
}

static enum pn_status
lie(struct sim_world *world, struct sim_event event, const uint8_t *frame, size_t size)
{
    world->result->lies++;
    sim_trace(world, "lie", event.from, event.party, size);
    event.is_lie = true;
    if (!copy(&event, frame, size))
        return PN_ENOMEM;
    sim_lie(event.bytes, size, &world->rng, &world->federation.secrets[event.from]);
    return put(world, event);
}

static void
forget_kept(struct sim_line *line)
{
    for (size_t i = 0; line->kept != NULL && i < SIM_KEPT; i++)
        free(line->kept[i].bytes);
    free(line->kept);
}

void
sim_lines_fini(struct sim_party *node)
{
    forget_kept(&node->up);
    forget_kept(&node->down);
}

/* ---- sending and receiving ---- */

static enum pn_status
deliver(struct sim_world *world, struct sim_line *line, const struct sim_event *event,
        const uint8_t *frame, size_t size)
{
    const struct sim_faults *faults  = &world->config->faults;
    bool                     instead = false;
    enum pn_status           st      = PN_OK;
    if (faults->tamper > 0 && (st = keep(line, event, frame, size)) != PN_OK)
        return st;
    if (world->parties[event->from].number == faults->liar && happens(world, faults->lies))
        return lie(world, *event, frame, size);
    if (happens(world, faults->tamper))
        st = tamper(world, line, event, frame, size, &instead);
    if (st == PN_OK && !instead)
        st = put_copy(world, *event, frame, size);
    if (st == PN_OK && happens(world, faults->duplicate)) {
        world->result->duplicated++;
        st = put_copy(world, *event, frame, size);
    }
    return st;
}

enum pn_status
sim_send(void *host, uint32_t member, struct pn_buffer *frame)
{
    struct sim_party *from  = host;
    struct sim_world *world = from->world;
    /* From a machine that died in the middle of a write nothing leaves any more. */
    if (member < 1 || member > world->party_count || !from->alive || sim_disk_is_dead(from->disk))
        return PN_ENETWORK;
    struct sim_party       *to   = &world->parties[member - 1];
    const struct sim_party *node = node_of(world, from->index, to->index);
    if (!to->alive || !node->connected)
        return PN_ENETWORK;

    struct sim_line       *line  = line_of(world, from->index, to->index);
    const struct sim_event event = {.kind      = SIM_FRAME,
                                    .party     = to->index,
                                    .from      = from->index,
                                    .life      = to->life,
                                    .from_life = from->life,
                                    .frame     = ++line->sent};
    world->result->frames++;
    world->result->bytes += frame->size;
    sim_trace(world, "send", from->index, to->index, frame->size);
    if (node->cut || happens(world, world->config->faults.loss)) {
        world->result->lost++;
        return PN_OK; /* the sender cannot know */
    }
    return deliver(world, line, &event, frame->bytes, frame->size) == PN_OK ? PN_OK : PN_ENETWORK;
}

static const struct engine_counters *
counters_of(const struct sim_party *party, const struct sim_party *from)
{
    return party->index == SIM_HUB ? coord_engine_counters(party->coord, from->number)
                                   : node_engine_counters(party->node);
}

static void
hand_over(struct sim_party *party, const struct sim_party *from, const struct sim_event *event)
{
    const uint8_t *frame = sim_cargo_frame(event);
    if (party->index == SIM_HUB)
        coord_engine_frame(party->coord, party->world->now, from->number, frame, event->size);
    else
        node_engine_frame(party->node, party->world->now, frame, event->size);
}

void
sim_take_frame(struct sim_party *party, const struct sim_event *event)
{
    struct sim_world       *world = party->world;
    struct sim_party       *from  = &world->parties[event->from];
    const struct sim_party *node  = node_of(world, from->index, party->index);
    world->in_flight -= event->size;
    if (!party->alive || party->life != event->life || from->life != event->from_life ||
        !node->connected)
        return; /* the connection it travelled on is gone */
    sim_trace(world, "frame", party->index, event->from, event->size);
    sim_settle(party);
    struct sim_tally before, after;
    sim_tally_take(&before, counters_of(party, from));
    hand_over(party, from, event);
    sim_tally_take(&after, counters_of(party, from));
    sim_check_frame(party, line_of(world, from->index, party->index), event, &before, &after);
    sim_after_call(party);
}

/* ---- connections ---- */

void
sim_plan_connection(struct sim_party *node)
{
    const struct sim_party *hub = &node->world->parties[SIM_HUB];
    if (node->alive && !node->cut && hub->alive)
        sim_plan(
            node->world, CONNECT_MS,
            &(struct sim_event){
                .kind = SIM_UP, .party = node->index, .life = node->life, .from_life = hub->life});
}

void
sim_take_up(struct sim_party *node, const struct sim_event *event)
{
    const struct sim_party *hub = &node->world->parties[SIM_HUB];
    if (!node->alive || node->life != event->life || !hub->alive || hub->life != event->from_life ||
        node->cut || node->connected)
        return;
    node->connected = true;
    sim_trace(node->world, "up", node->index, 0, 0);
    sim_settle(node);
    node_engine_up(node->node, node->world->now);
    sim_after_call(node);
}

void
sim_disconnect(struct sim_party *node)
{
    struct sim_world *world = node->world;
    struct sim_party *hub   = &world->parties[SIM_HUB];
    if (!node->connected)
        return;
    node->connected = false;
    sim_settle(node);
    if (node->alive) {
        node_engine_down(node->node, world->now);
        sim_after_call(node);
    }
    if (hub->alive) {
        coord_engine_down(hub->coord, world->now, node->number);
        sim_after_call(hub);
    }
}

/* ---- partitions ---- */

void
sim_take_cut(struct sim_world *world)
{
    const struct sim_faults *faults = &world->config->faults;
    if (!sim_has_faults(world))
        return;
    world->result->partitions++;
    for (size_t i = 1; i < world->party_count; i++)
        if ((pn_rng_u32(&world->rng) & 1) != 0) {
            world->parties[i].cut = true;
            sim_trace(world, "cut", (uint32_t)i, 0, 0);
        }
    pn_ms length = sim_about(world, faults->partition_ms);
    sim_plan(world, length, &(struct sim_event){.kind = SIM_HEAL});
    sim_plan(world, length + sim_about(world, faults->partition_every_ms),
             &(struct sim_event){.kind = SIM_CUT});
    if (length > DOWN_AFTER_MS)
        sim_plan(world, DOWN_AFTER_MS, &(struct sim_event){.kind = SIM_SILENT});
}

void
sim_take_silent(struct sim_world *world)
{
    for (size_t i = 1; i < world->party_count; i++)
        if (world->parties[i].cut)
            sim_disconnect(&world->parties[i]);
}

void
sim_take_heal(struct sim_world *world)
{
    for (size_t i = 1; i < world->party_count; i++) {
        struct sim_party *node = &world->parties[i];
        if (!node->cut)
            continue;
        node->cut = false;
        sim_trace(world, "heal", node->index, 0, 0);
        sim_plan_connection(node);
    }
}
