#include "sim/swarm_state.h"

enum {
    HELP_MS = 60000 /* after so long a person gives it the roster that holds */
};

/* As engine/party chooses: by its ledger, unless that has no such member and it was given a later
 * roster, or it came no further by the ledger's. */
size_t
sim_swarm_choose_epoch(const struct sim_swarm_party *party)
{
    const struct sim_swarm   *world  = party->world;
    struct engine_roster_file ledger = {.roster = NULL};
    struct pn_error           why;
    size_t                    given = party->given;
    if (world->epochs.count == 1 || engine_roster_of_ledger(&ledger, &party->port, &why) != PN_OK)
        return given;
    size_t held = sim_epochs_place(&world->epochs, ledger.roster);
    engine_roster_fini(&ledger);
    bool first = party->joins && sim_epochs_have(&world->epochs, given, party->index);
    return given > held && (first || !sim_epochs_have(&world->epochs, held, party->index)) ? given
                                                                                           : held;
}

void
sim_swarm_offer(struct sim_swarm_party *party)
{
    struct pn_error why;
    if (party->given > party->epoch) /* SAFE: not while it catches up; it is offered again */
        (void)!swarm_engine_offer(party->engine, &party->world->epochs.of[party->epoch + 1].wire,
                                  &why);
}

/* Its keys in that epoch are others than before. */
static bool
is_renewed(const struct sim_swarm *world, size_t epoch, uint32_t site)
{
    return sim_epochs_have(&world->epochs, epoch - 1, site) &&
           sim_epochs_have(&world->epochs, epoch, site) &&
           !sim_epochs_agree(&world->epochs, epoch - 1, epoch, site);
}

/* That epoch is the next one of its ledger. */
static bool
is_next(const struct sim_swarm_party *party, size_t epoch)
{
    const struct fed_chain *chain = party->alive ? swarm_engine_chain(party->engine) : NULL;
    return chain != NULL && chain->height > 0 &&
           sim_epochs_place(&party->world->epochs, chain->roster) + 1 == epoch;
}

/* Whoever has new keys has the roster that they are in, but for one that has not come so far: it
 * would go by that roster before it is in force, and be known by its old keys. */
static void
give_to_renewed(struct sim_swarm *world, size_t epoch)
{
    for (uint32_t i = 0; i < world->count; i++)
        if (is_renewed(world, epoch, i) && is_next(&world->parties[i], epoch) &&
            world->parties[i].given < epoch)
            world->parties[i].given = epoch;
}

/* To one that is there and has blocks, and that knows of all epochs before. */
void
sim_swarm_take_offer(struct sim_swarm *world)
{
    if (world->reached + 1 == world->epochs.count)
        return; /* that was the last */
    struct sim_swarm_party *party = &world->parties[pn_rng_below(&world->rng, world->count)];
    if (is_next(party, world->reached + 1) && party->given >= world->reached) {
        party->given = world->reached + 1;
        sim_swarm_trace(world, "offer", party->index, (uint32_t)party->given, 0);
        give_to_renewed(world, party->given);
        sim_swarm_offer(party);
    }
    sim_swarm_plan(world, sim_swarm_about(world, world->config->faults.epoch_ms),
                   &(struct sim_event){.kind = SIM_OFFER});
}

bool
sim_swarm_admit(const struct sim_swarm_party *a, const struct sim_swarm_party *b)
{
    const struct sim_epochs *epochs = &a->world->epochs;
    return sim_epochs_agree(epochs, a->epoch, b->epoch, a->index) &&
           sim_epochs_agree(epochs, a->epoch, b->epoch, b->index);
}

bool
sim_swarm_is_lost(struct sim_swarm_party *party)
{
    struct sim_swarm       *world = party->world;
    const struct fed_chain *chain = swarm_engine_chain(party->engine);
    bool two  = chain->height > 0 && sim_epochs_place(&world->epochs, chain->roster) < party->given;
    bool lost = engine_alone_is_lost(&party->alone, swarm_engine_is_stranded(party->engine),
                                     chain->height, two, party->epoch == party->given, world->now);
    if (world->now < pn_ms_add(party->alone.since, HELP_MS) || party->given >= world->reached ||
        !sim_epochs_have(&world->epochs, world->reached, party->index))
        return lost;
    sim_swarm_trace(world, "help", party->index, (uint32_t)world->reached, 0);
    party->given = world->reached;
    return true;
}
