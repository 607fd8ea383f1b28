#include "sim/swarm.h"

#include "sim/export.h"
#include "sim/holes.h"
#include "sim/swarm_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SKEW_MAX_MS = 3600000,
    SAID_MS     = 60000 /* until a fork is noticed */
};

void
sim_swarm_trace(struct sim_swarm *world, const char *what, uint32_t a, uint32_t b, uint64_t c)
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
sim_swarm_has_faults(const struct sim_swarm *world)
{
    return world->now < world->config->faults.heal_ms;
}

bool
sim_swarm_is_calm(const struct sim_swarm *world)
{
    const struct sim_faults *faults = &world->config->faults;
    return faults->heal_ms == 0 && faults->liars == 0 && faults->dead == 0 && faults->cut.side == 0;
}

pn_ms
sim_swarm_about(struct sim_swarm *world, pn_ms mean)
{
    return 1 + (pn_ms)pn_rng_below(&world->rng, 2 * mean + 1);
}

bool
sim_swarm_happens(struct sim_swarm *world, double chance)
{
    return chance > 0 && sim_swarm_has_faults(world) && pn_rng_uniform(&world->rng) < chance;
}

void
sim_swarm_plan(struct sim_swarm *world, pn_ms in, const struct sim_event *event)
{
    if (sim_queue_put(&world->queue, pn_ms_add(world->now, in), event) != PN_OK)
        sim_swarm_fail(world, "out of memory", NULL);
}

/* It goes for good: if it is the only one that has the block that says so, its crash is another
 * fault than one machine's that comes back. */
static bool
is_leaving(const struct sim_swarm_party *party)
{
    return swarm_engine_is_superseded(party->engine) &&
           fed_roster_find(swarm_engine_chain(party->engine)->roster, party->index + 2) == NULL;
}

static void
take_crash(struct sim_swarm *world)
{
    if (!sim_swarm_has_faults(world))
        return;
    struct sim_swarm_party *party = &world->parties[pn_rng_below(&world->rng, world->count)];
    bool                    may   = party->alive && !is_leaving(party);
    if (may && (pn_rng_u32(&world->rng) & 1) != 0)
        sim_disk_crash_soon(party->disk, &world->rng);
    else if (may)
        sim_swarm_crash(party);
    sim_swarm_plan(world, sim_swarm_about(world, world->config->faults.crash_every_ms),
                   &(struct sim_event){.kind = SIM_CRASH});
}

static void
take_event(struct sim_swarm *world, const struct sim_event *event)
{
    struct sim_swarm_party *party = &world->parties[event->party];
    world->result->events++;
    switch (event->kind) {
    case SIM_FRAME:
        sim_swarm_take_frame(world, event);
        return;
    case SIM_DONE:
        sim_swarm_trace(world, "done", event->party, event->ran, 0);
        sim_swarm_finish_work(party, event);
        sim_swarm_after_call(party);
        return;
    case SIM_TICK:
        if (!party->alive || party->life != event->life || party->tick_at != world->now ||
            world->config->faults.broken == SIM_STOPS_CLOCKS)
            return; /* an earlier one took its place */
        party->tick_at = UINT64_MAX;
        swarm_engine_tick(party->engine, sim_swarm_clock(party));
        sim_swarm_after_call(party);
        return;
    case SIM_UP:
        sim_swarm_take_up(world, event);
        return;
    case SIM_BOOT:
        if (!party->dead)
            sim_swarm_boot(party);
        return;
    case SIM_CUT:
        sim_swarm_take_cut(world);
        return;
    case SIM_SILENT:
        sim_swarm_take_silent(world);
        return;
    case SIM_HEAL:
        sim_swarm_take_heal(world);
        return;
    case SIM_CRASH:
        take_crash(world);
        return;
    case SIM_OFFER:
        sim_swarm_take_offer(world);
        return;
    case SIM_DIE:
        party->dead = true;
        if (party->alive)
            sim_swarm_crash(party);
        return;
    }
    PN_UNREACHABLE("an event has a kind");
}

static bool
all_are_over(const struct sim_swarm *world)
{
    for (size_t i = 0; i < world->count; i++) {
        const struct sim_swarm_party *party = &world->parties[i];
        if (sim_swarm_must_finish(party) &&
            (!party->alive || !swarm_engine_chain(party->engine)->finished))
            return false;
    }
    return true;
}

static bool
is_found_out(const struct sim_swarm *world)
{
    return world->may_fork && world->result->forked > 0;
}

/* Two ledgers, and those who hold them still hear of each other. */
static bool
may_be_said(const struct sim_swarm *world)
{
    return world->forked && world->now < pn_ms_add(world->forked_at, SAID_MS);
}

static void
plan_deaths(struct sim_swarm *world)
{
    for (uint32_t left = world->config->faults.dead, i; left > 0; left--) {
        do
            i = (uint32_t)pn_rng_below(&world->rng, world->count);
        while (world->parties[i].liar != NULL || world->parties[i].dies);
        world->parties[i].dies = true;
        sim_swarm_plan(world, sim_swarm_about(world, world->config->faults.dead_ms),
                       &(struct sim_event){.kind = SIM_DIE, .party = i});
    }
}

static void
play(struct sim_swarm *world)
{
    const struct sim_faults *faults = &world->config->faults;
    struct sim_event         event;
    pn_ms                    limit = pn_ms_add(faults->heal_ms, world->config->grace_ms);
    for (size_t i = 0; i < world->count && !world->failed; i++)
        sim_swarm_boot(&world->parties[i]);
    sim_break_begin(world);
    if (faults->partition_every_ms > 0)
        sim_swarm_plan(world, sim_swarm_about(world, faults->partition_every_ms),
                       &(struct sim_event){.kind = SIM_CUT});
    if (faults->crash_every_ms > 0)
        sim_swarm_plan(world, sim_swarm_about(world, faults->crash_every_ms),
                       &(struct sim_event){.kind = SIM_CRASH});
    if (world->epochs.count > 1)
        sim_swarm_plan(world, sim_swarm_about(world, faults->epoch_ms),
                       &(struct sim_event){.kind = SIM_OFFER});
    plan_deaths(world);
    while (!world->failed && (!all_are_over(world) || may_be_said(world)) && !is_found_out(world) &&
           sim_queue_take(&world->queue, &world->now, &event)) {
        bool late = world->now > limit;
        if (late && !world->may_fork)
            sim_swarm_fail(world, "the run did not end in time after the faults healed", NULL);
        else if (!late)
            take_event(world, &event);
        sim_swarm_look_at_pace(world);
        if (event.kind == SIM_FRAME)
            free(event.bytes);
        if (late)
            break;
    }
    if (!world->failed && !all_are_over(world) && !world->may_fork)
        sim_swarm_fail(world, "nothing is left to happen, and the run is not over", NULL);
}

static bool
may_fork(const struct sim_swarm *world)
{
    for (size_t epoch = 0; epoch < world->epochs.count; epoch++) {
        uint32_t most, liars = 0;
        (void)fed_roster_quorum(world->epochs.of[epoch].roster, &most);
        for (uint32_t i = 0; i < world->count; i++)
            liars += world->parties[i].liar != NULL && sim_epochs_have(&world->epochs, epoch, i);
        if (liars > most)
            return true;
    }
    return false;
}

static enum pn_status
make_liars(struct sim_swarm *world)
{
    enum pn_status st = PN_OK;
    for (uint32_t left = world->config->faults.liars; left > 0 && st == PN_OK;) {
        struct sim_swarm_party *party = &world->parties[pn_rng_below(&world->rng, world->count)];
        if (party->liar != NULL)
            continue;
        st = sim_swarm_make_liar(party);
        left--;
    }
    world->may_fork = may_fork(world);
    return st;
}

static void
set_clocks(struct sim_swarm *world)
{
    const uint32_t drift = world->config->faults.drift;
    struct pn_rng  root, rng;
    pn_rng_init(&root, world->config->seed);
    pn_rng_derive(&rng, &root, PN_RNG_WORLD, 5);
    for (size_t i = 0; i < world->count; i++) {
        struct sim_swarm_party *party = &world->parties[i];
        party->rate   = 1000 - drift + (uint32_t)pn_rng_below(&rng, 2 * (uint64_t)drift + 1);
        party->origin = drift == 0 ? 0 : (pn_ms)pn_rng_below(&rng, SKEW_MAX_MS);
    }
}

static enum pn_status
open_world(struct sim_swarm *world, struct pn_error *why)
{
    const struct sim_config *config = world->config;
    enum pn_status           st     = sim_epochs_new(&world->epochs, config, why);
    if (st == PN_OK)
        st = engine_scratch_init(&world->scratch);
    if (st == PN_OK)
        st = sim_press_new(&world->press);
    if (st != PN_OK)
        return st;
    world->parties   = calloc(config->site_count, sizeof *world->parties);
    world->connected = calloc(config->site_count * config->site_count, sizeof *world->connected);
    world->blocked   = calloc(config->site_count * config->site_count, sizeof *world->blocked);
    if (world->parties == NULL || world->connected == NULL || world->blocked == NULL)
        return PN_ENOMEM;
    world->count = config->site_count;
    sim_holes_draw(world->blocked, config, &world->epochs);
    for (uint32_t i = 0; st == PN_OK && i < world->count; i++) {
        struct sim_swarm_party *party = &world->parties[i];
        party->world                  = world;
        party->index                  = i;
        party->tick_at                = UINT64_MAX;
        party->given                  = sim_epochs_first(&world->epochs, i); /* 0, or it joins */
        if ((st = sim_disk_new(&party->disk)) != PN_OK)
            break;
        sim_disk_port(&party->port, party->disk);
        sim_disk_share(party->disk, world->press);
    }
    set_clocks(world);
    world->calm_at = UINT64_MAX;
    pn_rng_init(&world->rng, config->seed);
    sec_hash_begin(&world->trace, "trace");
    fed_job_run(world->run, world->epochs.of[0].roster->federation, config->job->job, "1");
    return st == PN_OK ? make_liars(world) : st;
}

static void
close_world(struct sim_swarm *world)
{
    struct sim_event event;
    for (size_t i = 0; i < world->count; i++) {
        sim_swarm_stop(&world->parties[i]);
        sim_disk_free(world->parties[i].disk);
        sim_liar_free(world->parties[i].liar);
    }
    while (sim_queue_take(&world->queue, &world->now, &event))
        if (event.kind == SIM_FRAME)
            free(event.bytes);
    sim_queue_fini(&world->queue);
    sim_press_free(world->press);
    free(world->parties);
    free(world->connected);
    free(world->blocked);
    free(world->heads);
    engine_scratch_fini(&world->scratch);
    sim_epochs_fini(&world->epochs);
}

enum pn_status
sim_swarm_run(struct sim_result *out, const struct sim_config *config, struct pn_error *why)
{
    struct sim_swarm world = {.config = config, .result = out};
    *out                   = (struct sim_result){.ok = false};
    sim_queue_init(&world.queue);
    enum pn_status st = open_world(&world, why);
    if (st == PN_OK) {
        play(&world);
        out->ended_ms = world.now;
        out->epochs   = world.reached + 1;
        bool over     = all_are_over(&world) && !is_found_out(&world);
        for (size_t i = 0; i < world.count; i++)
            sim_swarm_stop(&world.parties[i]);
        sim_break_end(&world);
        sim_swarm_check_forks(&world);
        for (size_t i = 0; !world.failed && over && i < world.count; i++)
            if (sim_swarm_must_finish(&world.parties[i]))
                sim_swarm_check_disk(&world.parties[i]);
        if (!world.failed && config->save_to != NULL)
            st = sim_export(config->save_to, &world.parties[0].port, &world.epochs.of[0], why);
        sec_hash_end(&out->trace, &world.trace);
        out->ok = !world.failed;
    }
    close_world(&world);
    return st;
}
