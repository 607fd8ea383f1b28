#include "sim/swarm_state.h"

#include "sim/tamper.h"

#include <stdlib.h>
#include <string.h>

enum {
    CONNECT_MS    = 50,
    SILENCE_MS    = 5000, /* a cut connection is noticed after so long */
    IN_FLIGHT_MAX = 64 << 20
};

static bool *
line_of(const struct sim_swarm *world, uint32_t a, uint32_t b)
{
    return &world->connected[a * world->count + b];
}

/* Nothing arrives; what is under way is lost, too. */
static bool
is_cut(const struct sim_swarm *world, uint32_t a, uint32_t b)
{
    return world->parted && world->parties[a].side != world->parties[b].side;
}

static pn_ms
delay(struct sim_swarm *world)
{
    const struct sim_faults *faults = &world->config->faults;
    if (!sim_swarm_has_faults(world) || faults->delay_max_ms <= faults->delay_min_ms)
        return faults->delay_min_ms > 0 ? faults->delay_min_ms : 1;
    return faults->delay_min_ms +
           (pn_ms)pn_rng_below(&world->rng, faults->delay_max_ms - faults->delay_min_ms + 1);
}

static enum pn_status
put_frame(struct sim_swarm *world, struct sim_event event, const uint8_t *frame, size_t size)
{
    event.bytes = malloc(size);
    event.size  = size;
    if (event.bytes == NULL)
        return PN_ENOMEM;
    memcpy(event.bytes, frame, size);
    enum pn_status st = sim_queue_put(&world->queue, world->now + delay(world), &event);
    if (st != PN_OK) {
        free(event.bytes);
        return st;
    }
    world->in_flight += size;
    if (world->in_flight >
        IN_FLIGHT_MAX + 2 * world->count * (size_t)world->config->job->model_size)
        sim_swarm_fail(world, "more bytes in flight than any bound allows",
                       &world->parties[event.from]);
    return PN_OK;
}

/* A key that is not the sender's: another member's, of any epoch, or its own of another epoch. */
static const struct sec_sign_secret *
foreign_key(struct sim_swarm *world, uint32_t from)
{
    const struct sim_epochs *epochs = &world->epochs;
    size_t   epoch = epochs->count > 1 ? (size_t)pn_rng_below(&world->rng, epochs->count) : 0;
    uint32_t other = (uint32_t)pn_rng_below(&world->rng, world->count);
    const struct sec_sign_secret *own = &epochs->of[world->parties[from].epoch].secrets[from + 1];
    const struct sec_sign_secret *key = &epochs->of[epoch].secrets[other + 1];
    if (memcmp(key, own, sizeof *key) == 0)
        key = &epochs->of[epoch].secrets[(from + 1) % world->count + 1];
    return key;
}

/* What a network that nobody should trust can do to a frame: it arrives changed. */
static enum pn_status
tamper(struct sim_swarm *world, struct sim_event event, const uint8_t *frame, size_t size)
{
    enum sim_tampering            how   = (enum sim_tampering)pn_rng_below(&world->rng, SIM_STRAY);
    const struct sec_sign_secret *key   = foreign_key(world, event.from);
    uint8_t                      *bytes = malloc(size);
    if (bytes == NULL)
        return PN_ENOMEM;
    memcpy(bytes, frame, size);
    world->result->tampered++;
    sim_swarm_trace(world, "tamper", event.from, event.party, (uint64_t)how);
    enum pn_status st = sim_tamper(&bytes, &size, how, &world->rng, key);
    if (st == PN_OK)
        st = put_frame(world, event, bytes, size);
    free(bytes);
    return st;
}

static enum pn_status
transmit(struct sim_swarm_party *from, uint32_t to, const uint8_t *frame, size_t size)
{
    struct sim_swarm      *world = from->world;
    const struct sim_event event = {.kind      = SIM_FRAME,
                                    .party     = to,
                                    .from      = from->index,
                                    .life      = world->parties[to].life,
                                    .from_life = from->life};
    world->result->frames++;
    world->result->bytes += size;
    world->result->relayed += wire_type_of(frame, size) == WIRE_RELAY;
    sim_swarm_trace(world, "send", from->index, to, size);
    if (is_cut(world, from->index, to) || world->config->faults.broken == SIM_MUTES) {
        world->result->lost++;
        return PN_OK; /* the sender cannot know */
    }
    if (sim_swarm_happens(world, world->config->faults.loss)) {
        world->result->lost++;
        return PN_OK;
    }
    enum pn_status st = PN_OK;
    if (sim_swarm_happens(world, world->config->faults.tamper))
        st = tamper(world, event, frame, size);
    else
        st = put_frame(world, event, frame, size);
    if (st == PN_OK && sim_swarm_happens(world, world->config->faults.duplicate)) {
        world->result->duplicated++;
        st = put_frame(world, event, frame, size);
    }
    while (st == PN_OK && world->config->faults.broken == SIM_FLOODS && !world->failed)
        st = put_frame(world, event, frame, size);
    return st == PN_OK ? PN_OK : PN_ENETWORK;
}

enum pn_status
sim_swarm_send(void *host, uint32_t number, struct pn_buffer *frame)
{
    struct sim_swarm_party *from  = host;
    struct sim_swarm       *world = from->world;
    uint32_t                to    = number - 2;
    if (to >= world->count || !from->alive || sim_disk_is_dead(from->disk) ||
        !world->parties[to].alive || !*line_of(world, from->index, to))
        return PN_ENETWORK;
    if (from->liar == NULL)
        return transmit(from, to, frame->bytes, frame->size);
    world->result->lies += sim_liar_say(from->liar, swarm_engine_chain(from->engine), number,
                                        frame->bytes, frame->size);
    return PN_OK;
}

void
sim_swarm_send_lie(void *host, uint32_t number, const uint8_t *frame, size_t size)
{
    (void)!transmit(host, number - 2, frame, size); /* SAFE: a liar does not care */
}

void
sim_swarm_dial(struct sim_swarm_party *party)
{
    for (uint32_t i = 0; i < party->world->count; i++)
        if (i != party->index)
            sim_swarm_plan(
                party->world, CONNECT_MS,
                &(struct sim_event){
                    .kind = SIM_UP, .party = party->index, .from = i, .life = party->life});
}

static void
set_line(struct sim_swarm *world, uint32_t a, uint32_t b, bool up)
{
    if (*line_of(world, a, b) == up)
        return;
    *line_of(world, a, b) = *line_of(world, b, a) = up;
    sim_swarm_trace(world, up ? "up" : "down", a, b, 0);
    const uint32_t both[] = {a, b};
    for (size_t i = 0; i < 2; i++) {
        struct sim_swarm_party *party = &world->parties[both[i]];
        uint32_t                other = both[1 - i] + 2;
        if (!party->alive)
            continue;
        if (up)
            swarm_engine_up(party->engine, sim_swarm_clock(party), other);
        else
            swarm_engine_down(party->engine, sim_swarm_clock(party), other);
        sim_swarm_after_call(party);
    }
}

void
sim_swarm_cut_off(struct sim_swarm_party *party)
{
    for (uint32_t i = 0; i < party->world->count; i++)
        if (i != party->index)
            set_line(party->world, party->index, i, false);
}

void
sim_swarm_take_frame(struct sim_swarm *world, const struct sim_event *event)
{
    struct sim_swarm_party *party = &world->parties[event->party];
    struct sim_swarm_party *from  = &world->parties[event->from];
    world->in_flight -= event->size;
    if (!party->alive || party->life != event->life || from->life != event->from_life ||
        !*line_of(world, event->party, event->from))
        return;
    if (is_cut(world, event->party, event->from)) {
        world->result->lost++;
        return;
    }
    sim_swarm_trace(world, "frame", event->party, event->from, event->size);
    swarm_engine_frame(party->engine, sim_swarm_clock(party), event->from + 2, event->bytes,
                       event->size);
    sim_swarm_after_call(party);
}

void
sim_swarm_take_up(struct sim_swarm *world, const struct sim_event *event)
{
    const struct sim_swarm_party *party = &world->parties[event->party];
    const struct sim_swarm_party *other = &world->parties[event->from];
    if (world->blocked[event->party * world->count + event->from])
        return;
    if (party->alive && party->life == event->life && other->alive &&
        !is_cut(world, event->party, event->from) && sim_swarm_admit(party, other))
        set_line(world, event->party, event->from, true);
}

/* For so long; it is noticed, and ends. */
static void
part(struct sim_swarm *world, pn_ms lasts)
{
    world->result->partitions++;
    world->parted = true;
    sim_swarm_plan(world, lasts, &(struct sim_event){.kind = SIM_HEAL});
    if (lasts > SILENCE_MS)
        sim_swarm_plan(world, SILENCE_MS, &(struct sim_event){.kind = SIM_SILENT});
}

void
sim_swarm_take_cut(struct sim_swarm *world)
{
    if (!sim_swarm_has_faults(world))
        return;
    for (size_t i = 0; i < world->count; i++)
        world->parties[i].side = (pn_rng_u32(&world->rng) & 1) != 0;
    pn_ms lasts = sim_swarm_about(world, world->config->faults.partition_ms);
    part(world, lasts);
    sim_swarm_plan(world, lasts + sim_swarm_about(world, world->config->faults.partition_every_ms),
                   &(struct sim_event){.kind = SIM_CUT});
}

static bool
has_come_to(const struct fed_swarm *machine, enum sim_phase phase, uint64_t height)
{
    const struct fed_consensus    *consensus = &machine->consensus;
    const struct fed_swarm_member *self      = &machine->members[consensus->limits.self];
    if (machine->height != height || machine->finished)
        return machine->height == height + 1 && phase == SIM_DECIDED;
    switch (phase) {
    case SIM_AT_START:
        return true;
    case SIM_ANNOUNCED:
        return self->parts[FED_UPDATE_PART].state == FED_PART_HERE ||
               self->parts[FED_REPORT_PART].state == FED_PART_HERE;
    case SIM_READY:
        return machine->ready;
    case SIM_PREVOTED:
        return !sec_hash_is_zero(&consensus->mine[0].hash);
    case SIM_PRECOMMITTED:
        return consensus->locked_view != FED_NO_VIEW;
    case SIM_VIEW_TWO:
        return consensus->view > 1;
    case SIM_DECIDED:
    case SIM_PHASES:
        break;
    }
    return false;
}

/* The first leader of the height, alone: then there is a second view. */
static void
cut_leader(struct sim_swarm *world, const struct fed_consensus *consensus)
{
    const struct fed_roster *roster = world->epochs.of[0].roster;
    uint32_t leader = roster->members[fed_consensus_leader(consensus, 1)].number - 2;
    for (uint32_t i = 0; i < world->count; i++)
        world->parties[i].side = i == leader;
    world->parted = true;
    world->cut    = SIM_CUT_LEADER;
}

void
sim_swarm_look_at_phase(const struct sim_swarm_party *party)
{
    struct sim_swarm       *world   = party->world;
    const struct sim_cut   *cut     = &world->config->faults.cut;
    const struct fed_swarm *machine = swarm_engine_machine(party->engine);
    if (cut->side == 0 || world->cut == SIM_CUT_DONE || party->liar != NULL)
        return;
    if (has_come_to(machine, cut->phase, cut->height)) {
        for (uint32_t i = 0; i < world->count; i++)
            world->parties[i].side = (cut->side >> i & 1) != 0;
        world->cut = SIM_CUT_DONE;
        sim_swarm_trace(world, "cut", party->index, cut->side, cut->phase);
        part(world, cut->lasts);
    } else if (cut->phase == SIM_VIEW_TWO && world->cut == SIM_CUT_WAITS &&
               has_come_to(machine, SIM_READY, cut->height)) {
        cut_leader(world, &machine->consensus);
    }
}

void
sim_swarm_take_silent(struct sim_swarm *world)
{
    for (uint32_t i = 0; i < world->count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (world->parties[i].side != world->parties[k].side)
                set_line(world, i, k, false);
}

void
sim_swarm_take_heal(struct sim_swarm *world)
{
    world->parted = false;
    sim_swarm_trace(world, "heal", 0, 0, 0);
    for (uint32_t i = 0; i < world->count; i++)
        if (world->parties[i].alive)
            sim_swarm_dial(&world->parties[i]);
}
