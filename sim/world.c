#include "sim/export.h"
#include "sim/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what all of it uses ---- */

void
sim_fail(struct sim_world *world, const char *what, const struct sim_party *party)
{
    if (world->failed)
        return;
    world->failed = true;
    snprintf(world->result->failure, sizeof world->result->failure,
             "seed %llu, %llu ms, %s: %.200s%.255s", (unsigned long long)world->config->seed,
             (unsigned long long)world->now,
             party == NULL             ? "world"
             : party->index == SIM_HUB ? "hub"
                                       : world->config->sites[party->index - 1].name,
             what, world->complaint);
}

void
sim_trace(struct sim_world *world, const char *what, uint32_t a, uint32_t b, uint64_t c)
{
    uint8_t bytes[24];
    pn_put_u64(bytes, world->now);
    pn_put_u32(bytes + 8, a);
    pn_put_u32(bytes + 12, b);
    pn_put_u64(bytes + 16, c);
    sec_hash_add(&world->trace, what, strlen(what));
    sec_hash_add(&world->trace, bytes, sizeof bytes);
    if (world->config->trace)
        fprintf(stderr, "[%8llu] %s %u %u %llu\n", (unsigned long long)world->now, what, a, b,
                (unsigned long long)c);
}

bool
sim_has_faults(const struct sim_world *world)
{
    return world->now < world->config->faults.heal_ms;
}

bool
sim_is_calm(const struct sim_world *world)
{
    const struct sim_faults *faults = &world->config->faults;
    return faults->heal_ms == 0 && faults->lying_disk == 0;
}

pn_ms
sim_about(struct sim_world *world, pn_ms mean)
{
    return 1 + (pn_ms)pn_rng_below(&world->rng, 2 * mean + 1);
}

uint32_t
sim_lane(const struct sim_world *world, uint32_t party, uint32_t from)
{
    if (!sim_is_calm(world))
        return 0;
    return party == SIM_HUB ? from : party;
}

void
sim_plan(struct sim_world *world, pn_ms in, const struct sim_event *event)
{
    struct sim_event planned = *event;
    planned.lane             = sim_lane(world, event->party, event->from);
    if (sim_queue_put(&world->queue, pn_ms_add(world->now, in), &planned) != PN_OK)
        sim_fail(world, "out of memory", NULL);
}

/* ---- events ---- */

static void
take_crash(struct sim_world *world)
{
    if (!sim_has_faults(world))
        return;
    struct sim_party *party =
        &world->parties[pn_rng_below(&world->rng, (uint64_t)world->party_count)];
    if (party->alive && (pn_rng_u32(&world->rng) & 1) != 0)
        sim_disk_crash_soon(party->disk, &world->rng);
    else if (party->alive)
        sim_crash(party);
    sim_plan(world, sim_about(world, world->config->faults.crash_every_ms),
             &(struct sim_event){.kind = SIM_CRASH});
}

static void
take_event(struct sim_world *world, const struct sim_event *event)
{
    struct sim_party *party = &world->parties[event->party];
    world->result->events++;
    switch (event->kind) {
    case SIM_FRAME:
        sim_take_frame(party, event);
        return;
    case SIM_DONE:
        sim_take_done(party, event);
        return;
    case SIM_TICK:
        sim_take_tick(party, event);
        return;
    case SIM_UP:
        sim_take_up(party, event);
        return;
    case SIM_BOOT:
        PN_ASSERT(!party->alive && party->life == event->life);
        sim_boot(party);
        return;
    case SIM_CUT:
        sim_take_cut(world);
        return;
    case SIM_SILENT:
        sim_take_silent(world);
        return;
    case SIM_HEAL:
        sim_take_heal(world);
        return;
    case SIM_CRASH:
        take_crash(world);
        return;
    case SIM_OFFER:
    case SIM_DIE:
        break; /* in swarms only */
    }
    PN_UNREACHABLE("an event has a kind");
}

static void
plan_faults(struct sim_world *world)
{
    const struct sim_faults *faults = &world->config->faults;
    if (faults->partition_every_ms > 0)
        sim_plan(world, sim_about(world, faults->partition_every_ms),
                 &(struct sim_event){.kind = SIM_CUT});
    if (faults->crash_every_ms > 0)
        sim_plan(world, sim_about(world, faults->crash_every_ms),
                 &(struct sim_event){.kind = SIM_CRASH});
}

static void
play(struct sim_world *world)
{
    struct sim_event event;
    pn_ms            limit = pn_ms_add(world->config->faults.heal_ms, world->config->grace_ms);
    for (size_t i = 0; i < world->party_count && !world->failed; i++)
        sim_boot(&world->parties[i]);
    plan_faults(world);
    while (!world->failed && !(world->over && world->parties[SIM_HUB].alive) &&
           sim_queue_take(&world->queue, &world->now, &event)) {
        if (world->now > limit)
            sim_fail(world, "the run did not end in time after the faults healed", NULL);
        else
            take_event(world, &event);
        if (event.kind == SIM_FRAME)
            sim_cargo_unload(&event);
    }
    if (!world->over)
        sim_fail(world, "nothing is left to happen, and the run is not over", NULL);
}

/* ---- a world begins and ends ---- */

static enum pn_status
open_party(struct sim_world *world, size_t index)
{
    struct sim_party *party = &world->parties[index];
    party->world            = world;
    party->index            = (uint32_t)index;
    party->number           = (uint32_t)index + 1;
    party->tick_at          = UINT64_MAX;
    enum pn_status st       = sim_disk_new(&party->disk);
    if (st != PN_OK)
        return st;
    sim_disk_port(&party->port, party->disk);
    sim_disk_share(party->disk, world->press); /* with faults: NULL, nothing is shared */
    if (world->config->faults.lying_disk == party->number)
        sim_disk_lie(party->disk);
    return PN_OK;
}

static enum pn_status
open_world(struct sim_world *world, struct pn_error *why)
{
    const struct sim_config *config = world->config;
    enum pn_status st = sim_federation_new(&world->federation, FED_MODE_COORDINATOR, config->seed,
                                           config->sites, config->site_count, why);
    if (st == PN_OK)
        st = engine_scratch_init(&world->scratch);
    if (st == PN_OK && sim_is_calm(world))
        st = sim_press_new(&world->press);
    if (st == PN_OK && config->workers > 1 && sim_is_calm(world))
        st = sim_crew_new(&world->crew, config->workers - 1);
    if (st != PN_OK)
        return st;
    world->parties = calloc(config->site_count + 1, sizeof *world->parties);
    if (world->parties == NULL)
        return PN_ENOMEM;
    world->party_count = config->site_count + 1;
    for (size_t i = 0; st == PN_OK && i < world->party_count; i++)
        st = open_party(world, i);
    pn_rng_init(&world->rng, config->seed);
    sec_hash_begin(&world->trace, "trace");
    return st;
}

static void
close_world(struct sim_world *world)
{
    struct sim_event event;
    for (size_t i = 0; i < world->party_count; i++) {
        sim_stop(&world->parties[i]);
        sim_disk_free(world->parties[i].disk);
        sim_lines_fini(&world->parties[i]);
    }
    while (sim_queue_take(&world->queue, &world->now, &event))
        if (event.kind == SIM_FRAME)
            sim_cargo_unload(&event);
    sim_queue_fini(&world->queue);
    sim_cargo_drop(world->cargo);
    sim_crew_free(world->crew);
    sim_press_free(world->press);
    free(world->parties);
    free(world->heads);
    engine_scratch_fini(&world->scratch);
    sim_federation_fini(&world->federation);
}

uint64_t
sim_slowness(const struct sim_site *site)
{
    return site->slow > 0 ? site->slow : 1;
}

void
sim_result_add_steps(struct sim_result *result, uint64_t steps)
{
    if (result->steps_min == 0 || steps < result->steps_min)
        result->steps_min = steps;
    if (steps > result->steps_max)
        result->steps_max = steps;
}

enum pn_status
sim_world_run(struct sim_result *out, const struct sim_config *config, struct pn_error *why)
{
    struct sim_world world = {.config = config, .result = out};
    *out                   = (struct sim_result){.ok = false};
    sim_queue_init(&world.queue);
    enum pn_status st = open_world(&world, why);
    if (st == PN_OK) {
        play(&world);
        out->ended_ms = world.now;
        for (size_t i = 0; i < world.party_count; i++)
            sim_stop(&world.parties[i]);
        for (size_t i = 0; !world.failed && i < world.party_count; i++)
            sim_check_disk(&world.parties[i]);
        if (!world.failed && config->save_to != NULL)
            st = sim_export(config->save_to, &world.parties[SIM_HUB].port, &world.federation, why);
        sec_hash_end(&out->trace, &world.trace);
        out->stopped_early = world.outcome == WIRE_STOPPED_EARLY;
        out->ok            = !world.failed;
    }
    close_world(&world);
    return st;
}
