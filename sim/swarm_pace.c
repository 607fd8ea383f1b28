#include "sim/swarm_state.h"

enum {
    VIEWS_MORE = 4,      /* sim/swarm, pace: views besides those of lying leaders */
    ROSTER_MS  = 1260000 /* until whoever has two rosters goes by the right one: engine/party, and
                            a person's help */
};

/* The time-outs of one view: for the proposal, the prevotes, the precommits. */
static pn_ms
time_of_view(const struct fed_consensus_limits *limits, uint32_t view)
{
    return fed_consensus_time(limits, limits->propose_ms, view) +
           2 * fed_consensus_time(limits, limits->vote_ms, view);
}

static bool
counts(const struct sim_swarm_party *party)
{
    return party->liar == NULL && party->alive;
}

/* The last view of anybody honest. */
static uint32_t
furthest_view(const struct sim_swarm *world)
{
    uint32_t view = 1;
    for (size_t i = 0; i < world->count; i++) {
        const struct sim_swarm_party *party = &world->parties[i];
        if (counts(party) && swarm_engine_machine(party->engine)->consensus.view > view)
            view = swarm_engine_machine(party->engine)->consensus.view;
    }
    return view;
}

/* So long a height may take (sim/swarm, pace), by the slowest clock. */
static pn_ms
time_of_height(const struct sim_swarm *world)
{
    const struct fed_job   *job = world->config->job->job;
    struct fed_swarm_limits limits;
    uint32_t                liars, view = furthest_view(world), draws = 3;
    (void)fed_quorum_bft((uint32_t)world->count, &liars);
    fed_swarm_limits_from_job(&limits, job);
    for (uint32_t in = limits.cohort; in < world->count; in *= 2)
        draws++;
    pn_ms part = limits.gather_ms;
    part       = limits.collect_ms > part ? limits.collect_ms : part;
    part       = limits.evaluate_ms > part ? limits.evaluate_ms : part;
    pn_ms sum  = (draws + 1) * part;
    for (uint32_t i = 0; i < liars + VIEWS_MORE; i++)
        sum += time_of_view(&limits.consensus, view + i);
    if (world->epochs.count > 1)
        sum += ROSTER_MS;
    return sum * 1000 / (1000 - world->config->faults.drift);
}

static bool
nothing_fails(const struct sim_swarm *world)
{
    const struct sim_faults *faults = &world->config->faults;
    if (sim_swarm_has_faults(world) || world->parted ||
        (faults->cut.side != 0 && world->cut != SIM_CUT_DONE))
        return false;
    for (size_t i = 0; i < world->count; i++) {
        const struct sim_swarm_party *party = &world->parties[i];
        if (sim_swarm_must_finish(party) && (!party->alive || party->dies))
            return false;
    }
    return true;
}

static uint64_t
furthest_height(const struct sim_swarm *world)
{
    uint64_t height = 0;
    for (size_t i = 0; i < world->count; i++)
        if (world->parties[i].liar == NULL && world->parties[i].height > height)
            height = world->parties[i].height;
    return height;
}

static void
note_height(struct sim_swarm *world, pn_ms since)
{
    pn_ms took = world->now - since, may = world->due - since;
    if (took > world->result->slowest_ms)
        world->result->slowest_ms = took;
    if (took * 1000 / may > world->result->slowest_share)
        world->result->slowest_share = took * 1000 / may;
}

void
sim_swarm_look_at_pace(struct sim_swarm *world)
{
    uint64_t height = furthest_height(world);
    bool     begins = world->calm_at == UINT64_MAX && nothing_fails(world);
    if (begins)
        world->calm_at = world->now;
    if (world->calm_at == UINT64_MAX || world->may_fork)
        return;
    if (height > world->top && !begins)
        note_height(world, world->top_at);
    if (height > world->top || begins) {
        world->top    = height;
        world->top_at = world->now;
        world->due    = pn_ms_add(world->now, time_of_height(world));
    }
    if (world->now > world->due)
        sim_swarm_fail(world, "the next height did not come in time after the faults healed", NULL);
}
