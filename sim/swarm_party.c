#include "sim/swarm_state.h"

#include <stdio.h>

enum {
    BYTES_MAX        = 1 << 30, /* of a site's records */
    SLOW_WORK_MS     = 4000,
    US_A_MILLISECOND = 1000,
    MS_A_SECOND      = 1000,
    THOUSANDTHS      = 1000
};

static uint64_t
slowness(const struct sim_swarm_party *party)
{
    return sim_slowness(&party->world->config->sites[party->index]);
}

static uint64_t
work_clock(void *host, uint64_t cost)
{
    return slowness(host) * cost;
}

static void
submit_work(void *host, struct pn_work *work)
{
    struct sim_swarm_party *party = host;
    struct sim_swarm       *world = party->world;
    struct sim_event        event = {
               .kind = SIM_DONE, .party = party->index, .life = party->life, .work = work};
    pn_ms cost = 1 + (pn_ms)((slowness(party) * work->cost + work->lasts) / US_A_MILLISECOND);
    if (sim_swarm_has_faults(world) && (pn_rng_u32(&world->rng) & 1) != 0) {
        event.ran = true; /* it is done some time before its completion: both ends are tried */
        work->run(work);
    }
    if (sim_swarm_has_faults(world) && pn_rng_below(&world->rng, 4) == 0)
        cost += (pn_ms)pn_rng_below(&world->rng, SLOW_WORK_MS); /* a busy machine, a slow disk */
    sim_swarm_plan(world, cost, &event);
}

static uint64_t
wall_ms(void *host)
{
    return (uint64_t)SIM_ISSUED * MS_A_SECOND + sim_swarm_clock(host);
}

pn_ms
sim_swarm_clock(const struct sim_swarm_party *party)
{
    return party->origin + party->world->now * party->rate / THOUSANDTHS;
}

pn_ms
sim_swarm_when(const struct sim_swarm_party *party, pn_ms shown)
{
    if (shown <= party->origin)
        return 0;
    return ((shown - party->origin) * THOUSANDTHS + party->rate - 1) / party->rate;
}

void
sim_swarm_finish_work(struct sim_swarm_party *party, const struct sim_event *event)
{
    if (!event->ran)
        event->work->run(event->work);
    event->work->done(event->work, sim_swarm_clock(party));
}

static void
count_frames(const struct sim_swarm_party *party)
{
    struct sim_result *result = party->world->result;
    for (uint32_t i = 0; party->engine != NULL && i < party->world->count; i++) {
        const struct engine_counters *counters = swarm_engine_counters(party->engine, i + 2);
        if (counters == NULL)
            continue; /* no member of its roster */
        result->accepted += counters->accepted;
        result->rejected += counters->rejected;
        result->discarded += counters->discarded;
    }
}

void
sim_swarm_stop(struct sim_swarm_party *party)
{
    struct sim_event event;
    count_frames(party);
    party->alive = false;
    while (sim_queue_take_work(&party->world->queue, party->index, &event))
        sim_swarm_finish_work(party, &event);
    swarm_engine_free(party->engine);
    party->engine = NULL;
}

/* Another engine on the same disk. */
static void
restart(struct sim_swarm_party *party)
{
    sim_swarm_stop(party);
    party->life++;
    sim_swarm_cut_off(party);
    sim_swarm_plan(
        party->world, 1,
        &(struct sim_event){.kind = SIM_BOOT, .party = party->index, .life = party->life});
}

/* Another epoch of the roster is in force. */
static void
follow(struct sim_swarm_party *party)
{
    struct sim_swarm *world = party->world;
    size_t reached = sim_epochs_place(&world->epochs, swarm_engine_chain(party->engine)->roster);
    if (reached > world->reached)
        world->reached = reached;
    sim_swarm_trace(world, "epoch", party->index, (uint32_t)reached, 0);
    party->joins = false;
    restart(party);
}

/* By this roster it comes no further; by the other one it may. */
static void
try_other(struct sim_swarm_party *party)
{
    sim_swarm_trace(party->world, "alone", party->index, (uint32_t)party->epoch, 0);
    party->joins = party->epoch != party->given;
    restart(party);
}

void
sim_swarm_crash(struct sim_swarm_party *party)
{
    struct sim_swarm *world = party->world;
    sim_disk_kill(party->disk);
    sim_swarm_trace(world, "crash", party->index, party->boot, 0);
    world->result->crashes++;
    sim_swarm_stop(party);
    party->life++;
    sim_swarm_cut_off(party);
    if (!party->dead)
        sim_swarm_plan(
            world,
            sim_swarm_has_faults(world) ? sim_swarm_about(world, world->config->faults.down_ms)
                                        : 100,
            &(struct sim_event){.kind = SIM_BOOT, .party = party->index, .life = party->life});
}

static void
plan_tick(struct sim_swarm_party *party)
{
    struct sim_swarm *world = party->world;
    pn_ms             at    = swarm_engine_deadline(party->engine);
    if (at == UINT64_MAX || (at = sim_swarm_when(party, at)) >= party->tick_at)
        return;
    party->tick_at = at > world->now ? at : world->now + 1;
    sim_swarm_plan(
        world, party->tick_at - world->now,
        &(struct sim_event){.kind = SIM_TICK, .party = party->index, .life = party->life});
}

void
sim_swarm_after_call(struct sim_swarm_party *party)
{
    if (!party->alive)
        return;
    if (sim_disk_is_dead(party->disk)) {
        sim_swarm_crash(party);
        return;
    }
    sim_swarm_check(party);
    sim_swarm_look_at_phase(party);
    if (swarm_engine_is_superseded(party->engine) && swarm_engine_is_over(party->engine))
        follow(party);
    else if (sim_swarm_is_lost(party))
        try_other(party);
    else
        plan_tick(party);
}

static void
note(void *host, const struct swarm_notice *notice)
{
    struct sim_swarm_party *party = host;
    struct sim_swarm       *world = party->world;
    if (world->config->trace)
        fprintf(stderr, "[%8llu]   %s: notice %d member %u height %llu view %u %s\n",
                (unsigned long long)world->now, world->config->sites[party->index].name,
                (int)notice->kind, notice->member, (unsigned long long)notice->height, notice->view,
                notice->text);
    if (party->liar != NULL)
        return;
    if ((notice->kind == SWARM_BROKEN || notice->kind == SWARM_REFUSED) &&
        !sim_disk_is_dead(party->disk))
        sim_swarm_fail(world, notice->text, party);
    if (notice->kind == SWARM_TRAINED)
        sim_result_add_steps(world->result, notice->steps);
    if (notice->kind == SWARM_FORKED && world->config->faults.broken == SIM_HUSHES)
        return;
    if (notice->kind == SWARM_FORKED || notice->kind == SWARM_CONVICTED)
        sim_swarm_accuse(party, notice->member - 2, notice->kind == SWARM_FORKED);
    if (notice->kind == SWARM_COMMITTED) {
        world->result->convicted += notice->block->agreement->conviction_count;
        world->result->redrawn += notice->block->attempt > 1;
    }
    if (notice->kind == SWARM_COMMITTED && party->index == 0 && world->config->committed != NULL)
        world->config->committed(world->config->context, notice->block, world->now);
}

void
sim_swarm_boot(struct sim_swarm_party *party)
{
    struct sim_swarm   *world = party->world;
    struct pn_error     why   = {.text = ""};
    struct swarm_config config;
    if (party->given == world->epochs.count)
        return; /* it never joins */
    sim_disk_restart(party->disk);
    party->epoch = sim_swarm_choose_epoch(party);
    engine_alone_begin(&party->alone, party->height, world->now);
    if (!sim_epochs_have(&world->epochs, party->epoch, party->index))
        return; /* it has left */
    const struct sim_federation *federation = &world->epochs.of[party->epoch];
    swarm_config_defaults(&config, world->config->job);
    config.trusted = world->epochs.of[party->given].roster;
    config.roster  = federation->roster;
    config.text    = (struct wire_span){federation->text.bytes, federation->text.size};
    if ((world->config->faults.hasty >> party->index & 1) != 0)
        config.limits.collect_ms = config.limits.away_ms = 0;
    config.self   = party->index + 2;
    config.secret = &federation->secrets[party->index + 1];
    config.boot   = ++party->boot;
    struct pn_rng rng; /* of its own: the weather does not depend on it */
    pn_rng_init(&rng, world->config->seed ^ (uint64_t)party->index << 32 ^ party->boot);
    for (size_t i = 0; i < sizeof party->session.bytes; i += 8)
        pn_put_u64(party->session.bytes + i, pn_rng_u64(&rng));
    config.transport = &federation->transports[party->index + 1];
    config.session   = &party->session;
    config.policy    = &world->policy;
    config.source    = world->config->sites[party->index].source;
    config.bytes_max = BYTES_MAX;
    config.disk      = &party->port;
    config.ports     = (struct pn_ports){
            .host = party, .send = sim_swarm_send, .submit = submit_work, .clock = work_clock};
    config.scratch      = &world->scratch;
    config.keep_updates = world->config->keep_updates;
    config.wall_ms      = wall_ms;
    config.notice       = note;
    config.host         = party;
    sim_swarm_trace(world, "boot", party->index, party->boot, 0);
    if (swarm_engine_new(&party->engine, &config, &why) != PN_OK) {
        sim_swarm_fail(world, why.text, party);
        return;
    }
    party->alive   = true;
    party->tick_at = UINT64_MAX;
    if (party->liar != NULL)
        sim_liar_boot(party->liar, &(struct sim_liar_life){.roster = config.roster,
                                                           .secret = config.secret,
                                                           .run    = world->run,
                                                           .boot   = party->boot});
    swarm_engine_start(party->engine, sim_swarm_clock(party));
    sim_swarm_offer(party);
    sim_swarm_after_call(party);
    if (party->alive)
        sim_swarm_dial(party);
}

enum pn_status
sim_swarm_make_liar(struct sim_swarm_party *party)
{
    const struct sim_faults     *faults = &party->world->config->faults;
    const struct sim_liar_config config = {
        .self    = party->index + 2,
        .members = party->world->count,
        .disk    = &party->port,
        .seed    = party->world->config->seed * party->world->count + party->index,
        .habits  = faults->habits,
        .chance  = faults->lies,
        .plot    = &party->world->plot,
        .send    = sim_swarm_send_lie,
        .host    = party};
    return sim_liar_new(&party->liar, &config);
}
