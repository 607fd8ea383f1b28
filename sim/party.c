#include "sim/state.h"

#include <stdio.h>

enum {
    BYTES_MAX        = 1 << 30, /* of a site's records */
    SLOW_WORK_MS     = 4000,
    CALM_DOWN_MS     = 100, /* how long a crash lasts after the faults healed */
    MS_A_SECOND      = 1000,
    US_A_MILLISECOND = 1000
};

/* ---- ports ---- */

static uint64_t
slowness(const struct sim_party *party)
{
    return party->index == SIM_HUB ? 1
                                   : sim_slowness(&party->world->config->sites[party->index - 1]);
}

static uint64_t
work_clock(void *host, uint64_t cost)
{
    return slowness(host) * cost;
}

/* In a calm world what takes less than half a millisecond is done at once, and the node goes on
 * while all it needs is in the cache. */
static pn_ms
cost_of(const struct sim_party *party, const struct pn_work *work)
{
    uint64_t cost = slowness(party) * work->cost + work->lasts;
    if (sim_is_calm(party->world))
        return (pn_ms)((cost + US_A_MILLISECOND / 2) / US_A_MILLISECOND);
    return 1 + (pn_ms)(cost / US_A_MILLISECOND);
}

static void
submit_work(void *host, struct pn_work *work)
{
    struct sim_party *party = host;
    struct sim_world *world = party->world;
    struct sim_event  event = {
         .kind = SIM_DONE, .party = party->index, .life = party->life, .work = work};
    party->working++;
    if (world->crew != NULL && party->index != SIM_HUB) {
        event.ran = true;
        sim_crew_push(world->crew, work, &party->ahead);
    }
    /* A worker thread does it some time between now and its completion: both ends are tried. */
    if (sim_has_faults(world) && (pn_rng_u32(&world->rng) & 1) != 0) {
        event.ran = true;
        work->run(work);
    }
    pn_ms cost = cost_of(party, work);
    if (sim_has_faults(world) && pn_rng_below(&world->rng, 4) == 0)
        cost += (pn_ms)pn_rng_below(&world->rng, SLOW_WORK_MS); /* a busy machine, a slow disk */
    sim_plan(world, cost, &event);
}

static uint64_t
wall_ms(void *host)
{
    const struct sim_party *party = host;
    return (uint64_t)SIM_ISSUED * MS_A_SECOND + party->world->now;
}

void
sim_settle(struct sim_party *party)
{
    if (party->world->crew != NULL)
        sim_crew_wait(party->world->crew, &party->ahead);
}

/* ---- booting ---- */

static void
note_coord(void *host, const struct coord_notice *notice)
{
    struct sim_party *party = host;
    struct sim_world *world = party->world;
    const char       *text  = notice->text != NULL ? notice->text : "no reason was given";
    switch (notice->kind) {
    case COORD_COMMITTED:
        if (world->config->committed != NULL)
            world->config->committed(world->config->context, notice->block, world->now);
        return;
    case COORD_REFUSED:
    case COORD_FAULTED:
        snprintf(world->complaint, sizeof world->complaint, " (%s: %.200s)",
                 world->config->sites[notice->member - 2].name, text);
        return;
    case COORD_FOREIGN:
        if (notice->member != world->config->faults.liar)
            sim_fail(world, text, party);
        return;
    case COORD_ENDED:
        world->outcome = notice->outcome;
        if (notice->outcome == WIRE_FAILED && !sim_disk_is_dead(party->disk))
            sim_fail(world, text, party);
        return;
    case COORD_PHASE:
    case COORD_GREETED:
    case COORD_GONE:
    case COORD_JOINED:
    case COORD_UPDATE:
    case COORD_INVALID:
    case COORD_REJECTED:
    case COORD_BROKEN:
        return;
    }
    PN_UNREACHABLE("a notice has a kind");
}

static void
note_node(void *host, const struct node_notice *notice)
{
    const struct sim_party *party = host;
    if (notice->kind == NODE_TRAINED && party->number != party->world->config->faults.liar)
        sim_result_add_steps(party->world->result, notice->steps);
}

static enum pn_status
boot_coord(struct sim_party *party, struct pn_error *why)
{
    struct sim_world   *world  = party->world;
    struct coord_config config = {
        .roster       = world->federation.roster,
        .job          = world->config->job,
        .secret       = &world->federation.secrets[SIM_HUB],
        .boot         = ++party->boot,
        .disk         = &party->port,
        .ports        = {.host = party, .send = sim_send, .submit = submit_work},
        .scratch      = &world->scratch,
        .keep_updates = world->config->keep_updates,
        .wall_ms      = wall_ms,
        .notice       = note_coord,
        .host         = party,
    };
    fed_job_run(config.run, config.roster->federation, world->config->job->job, "1");
    return coord_engine_new(&party->coord, &config, why);
}

static enum pn_status
boot_node(struct sim_party *party, struct pn_error *why)
{
    struct sim_world  *world = party->world;
    struct node_config config;
    node_config_defaults(&config);
    config.roster    = world->federation.roster;
    config.self      = party->number;
    config.secret    = &world->federation.secrets[party->index];
    config.boot      = ++party->boot;
    config.policy    = &world->policy;
    config.source    = world->config->sites[party->index - 1].source;
    config.job       = world->config->job;
    config.bytes_max = BYTES_MAX;
    config.disk      = &party->port;
    config.ports     = (struct pn_ports){
            .host = party, .send = sim_send, .submit = submit_work, .clock = work_clock};
    config.scratch = &world->scratch;
    config.common  = sim_is_calm(world);
    config.notice  = note_node;
    config.host    = party;
    return node_engine_new(&party->node, &config, why);
}

void
sim_boot(struct sim_party *party)
{
    struct sim_world *world = party->world;
    struct pn_error   why   = {.text = ""};
    sim_disk_restart(party->disk);
    sim_trace(world, "boot", party->index, party->boot + 1, 0);
    enum pn_status st = party->index == SIM_HUB ? boot_coord(party, &why) : boot_node(party, &why);
    if (st != PN_OK) {
        sim_fail(world, why.text[0] != '\0' ? why.text : pn_status_text(st), party);
        return;
    }
    party->alive   = true;
    party->tick_at = UINT64_MAX;
    if (party->index == SIM_HUB)
        coord_engine_start(party->coord, world->now);
    sim_after_call(party);
    for (size_t i = 1; i < world->party_count; i++)
        if (party->index == SIM_HUB || party->index == i)
            sim_plan_connection(&world->parties[i]);
}

/* ---- living ---- */

static void
finish_work(struct sim_party *party, const struct sim_event *event)
{
    party->working--;
    if (!event->ran)
        event->work->run(event->work);
    event->work->done(event->work, party->world->now);
}

void
sim_take_done(struct sim_party *party, const struct sim_event *event)
{
    PN_ASSERT(party->alive && party->life == event->life); /* a crash takes its work along */
    sim_settle(party);
    sim_trace(party->world, "done", party->index, event->ran, 0);
    finish_work(party, event);
    sim_after_call(party);
}

void
sim_take_tick(struct sim_party *party, const struct sim_event *event)
{
    if (!party->alive || party->life != event->life)
        return;
    party->tick_at = UINT64_MAX;
    sim_settle(party);
    if (party->index == SIM_HUB)
        coord_engine_tick(party->coord, party->world->now);
    else
        node_engine_tick(party->node, party->world->now);
    sim_after_call(party);
}

static void
plan_tick(struct sim_party *party)
{
    struct sim_world *world = party->world;
    pn_ms             at    = party->index == SIM_HUB ? coord_engine_deadline(party->coord)
                                                      : node_engine_deadline(party->node);
    if (at == UINT64_MAX || at >= party->tick_at)
        return;
    party->tick_at = at;
    sim_plan(world, at > world->now ? at - world->now : 1,
             &(struct sim_event){.kind = SIM_TICK, .party = party->index, .life = party->life});
}

void
sim_after_call(struct sim_party *party)
{
    if (!party->alive)
        return;
    if (sim_disk_is_dead(party->disk)) {
        sim_crash(party);
        return;
    }
    sim_check_party(party);
    if (party->index == SIM_HUB)
        party->world->over = coord_engine_is_over(party->coord);
    plan_tick(party);
}

/* ---- dying ---- */

void
sim_stop(struct sim_party *party)
{
    struct sim_event event;
    party->alive = false;
    sim_settle(party);
    while (party->working > 0 && sim_queue_take_work(&party->world->queue, party->index, &event))
        finish_work(party, &event);
    coord_engine_free(party->coord);
    node_engine_free(party->node);
    party->coord = NULL;
    party->node  = NULL;
}

/* Power off: nothing leaves, nothing is written, what runs comes back to nobody. */
void
sim_crash(struct sim_party *party)
{
    struct sim_world *world = party->world;
    sim_disk_kill(party->disk);
    sim_trace(world, "crash", party->index, party->boot, 0);
    world->result->crashes++;
    sim_stop(party);
    party->life++;
    for (size_t i = 1; i < world->party_count; i++)
        if (party->index == SIM_HUB || party->index == i)
            sim_disconnect(&world->parties[i]);
    sim_plan(world,
             sim_has_faults(world) ? sim_about(world, world->config->faults.down_ms)
                                   : (pn_ms)CALM_DOWN_MS,
             &(struct sim_event){.kind = SIM_BOOT, .party = party->index, .life = party->life});
}
