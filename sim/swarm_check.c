#include "sim/swarm_state.h"

#include "engine/proof.h"
#include "sim/export.h"
#include "sim/forks.h"
#include "sim/roll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DISK_MAX       = 16 << 20, /* besides the models and updates of a few rounds */
    ROUNDS_ON_DISK = 4
};

/* Where everybody stands, for whoever looks for the fault. */
static void
show_parties(const struct sim_swarm *world)
{
    for (size_t i = 0; i < world->count; i++) {
        const struct sim_swarm_party *party = &world->parties[i];
        if (!party->alive)
            continue;
        const struct fed_swarm     *machine   = swarm_engine_machine(party->engine);
        const struct fed_consensus *consensus = &machine->consensus;
        fprintf(stderr,
                "%s: height %llu ready %d view %u next %d locked %u %02x valid %u %02x own %02x "
                "timed %d deadline %lld\n",
                world->config->sites[i].name, (unsigned long long)machine->height, machine->ready,
                consensus->view, (int)consensus->next, consensus->locked_view,
                consensus->locked.bytes[0], consensus->valid_view, consensus->valid.bytes[0],
                consensus->own.bytes[0], consensus->timed, (long long)consensus->deadline);
        for (size_t k = 0; k < machine->limits.consensus.members; k++) {
            const struct fed_swarm_member *member = &machine->members[k];
            fprintf(stderr, "    of %zu: connected %d height %llu update %d report %d votes", k,
                    member->connected, (unsigned long long)member->height,
                    (int)member->parts[0].state, (int)member->parts[1].state);
            for (size_t v = 0; v < FED_VIEWS_KEPT; v++)
                for (size_t t = 0; t < 2; t++) {
                    const struct fed_vote *vote = &consensus->voters[k].said[v][t].vote;
                    if (vote->view != FED_NO_VIEW)
                        fprintf(stderr, " %u%c%02x", vote->view, t == 0 ? 'p' : 'c',
                                vote->hash.bytes[0]);
                }
            fprintf(stderr, "\n");
        }
        for (size_t b = 0; b < FED_C_BLOCKS; b++)
            if (!sec_hash_is_zero(&consensus->blocks[b].hash))
                fprintf(stderr, "    block %02x checking %d checked %d good %d\n",
                        consensus->blocks[b].hash.bytes[0], consensus->blocks[b].checking,
                        consensus->blocks[b].checked, consensus->blocks[b].good);
    }
}

void
sim_swarm_fail(struct sim_swarm *world, const char *what, const struct sim_swarm_party *party)
{
    if (world->failed)
        return;
    if (world->config->trace)
        show_parties(world);
    world->failed = true;
    snprintf(world->result->failure, sizeof world->result->failure,
             "seed %llu, %llu ms, %s: %.300s", (unsigned long long)world->config->seed,
             (unsigned long long)world->now,
             party == NULL ? "world" : world->config->sites[party->index].name, what);
}

static bool
make_room(struct sim_swarm *world, uint64_t height)
{
    if (height <= world->head_capacity)
        return true;
    size_t           more  = 2 * (size_t)height + 16;
    struct sec_hash *grown = realloc(world->heads, more * sizeof *grown);
    if (grown == NULL)
        return false;
    memset(grown + world->head_capacity, 0, (more - world->head_capacity) * sizeof *grown);
    world->heads         = grown;
    world->head_capacity = more;
    return true;
}

void
sim_swarm_check(struct sim_swarm_party *party)
{
    struct sim_swarm       *world = party->world;
    const struct fed_chain *chain = swarm_engine_chain(party->engine);
    uint64_t                model = world->config->job->model_size,
             rounds               = ROUNDS_ON_DISK + world->config->keep_updates;
    if (party->liar != NULL)
        return;
    if (sim_disk_bytes(party->disk) > DISK_MAX + model * rounds * (world->count + 1))
        sim_swarm_fail(world, "its disk holds more than any bound allows", party);
    if (chain->height < party->height)
        sim_swarm_fail(world, "its ledger became shorter", party);
    party->height = chain->height;
    if (chain->height == 0)
        return;
    if (!make_room(world, chain->height)) {
        sim_swarm_fail(world, "out of memory", NULL);
        return;
    }
    struct sec_hash *head = &world->heads[chain->height - 1];
    if (sec_hash_is_zero(head))
        *head = chain->head;
    else if (!sec_hash_equal(head, &chain->head) && !world->may_fork)
        sim_swarm_fail(world, "it holds another block than others at its height", party);
    else if (!sec_hash_equal(head, &chain->head) && !world->forked) {
        world->forked    = true;
        world->forked_at = world->now;
    }
}

void
sim_swarm_accuse(struct sim_swarm_party *party, uint32_t other, bool forked)
{
    struct sim_swarm *world = party->world;
    world->result->forked += forked;
    if (world->parties[other].liar == NULL && !world->may_fork)
        sim_swarm_fail(world,
                       forked ? "it says that an honest member forked the ledger"
                              : "it convicts an honest member",
                       party);
}

bool
sim_swarm_must_finish(const struct sim_swarm_party *party)
{
    return party->liar == NULL && !party->dead &&
           sim_epochs_have(&party->world->epochs, party->world->reached, party->index);
}

void
sim_swarm_check_disk(struct sim_swarm_party *party)
{
    struct sim_swarm   *world = party->world;
    struct engine_proof proof;
    struct pn_error     why = {.text = ""};
    sim_disk_restart(party->disk);
    /* Whoever trusts the last epoch trusts the run, and whoever trusts the first. */
    enum pn_status st = engine_proof_make(
        &proof, &party->port, world->epochs.of[world->reached].roster, NULL, NULL, &why);
    if (st == PN_OK)
        st = engine_proof_make(&proof, &party->port, world->epochs.of[0].roster, NULL, NULL, &why);
    if (st == PN_OK)
        st = sim_roll_check(&world->epochs, &party->port, &why);
    if (st != PN_OK) {
        sim_swarm_fail(world, why.text[0] != '\0' ? why.text : pn_status_text(st), party);
        return;
    }
    if (!proof.finished)
        sim_swarm_fail(world, "the ledger has no finish block", party);
    world->result->rounds       = proof.rounds;
    world->result->sums_checked = proof.sums_checked;
    if (sim_export_root(&world->result->model, &party->port, &proof.model) != PN_OK)
        sim_swarm_fail(world, "the final model cannot be read", party);
    if (sim_swarm_is_calm(world) && world->config->keep_updates == 0 &&
        proof.sums_checked != proof.rounds)
        sim_swarm_fail(world, "an aggregate could not be recomputed", party);
}

/* Two certificates of one view: whose votes are in both signed two, and are liars. */
static void
check_fork(struct sim_swarm *world, const struct sim_fork *fork)
{
    const struct fed_roster *roster = world->epochs.of[0].roster;
    uint32_t                 least  = 2 * fed_roster_quorum(roster, NULL) - roster->member_count;
    if (fork->views[0] != fork->views[1]) {
        world->result->forks_apart++;
        return;
    }
    world->result->forks_named++;
    if (fork->count < least)
        sim_swarm_fail(world, "the votes for two blocks of one height name too few liars", NULL);
    for (uint32_t i = 0; i < fork->count; i++)
        if (world->parties[fork->members[i] - 2].liar == NULL)
            sim_swarm_fail(world, "the votes for two blocks of one height name somebody honest",
                           &world->parties[fork->members[i] - 2]);
}

void
sim_swarm_check_forks(struct sim_swarm *world)
{
    if (!world->forked)
        return;
    if (world->result->forked == 0)
        sim_swarm_fail(world, "the ledger forked, and nobody said so", NULL);
    for (size_t i = 0; i < world->count; i++)
        for (size_t k = 0; k < i; k++) {
            struct sim_swarm_party *a = &world->parties[i], *b = &world->parties[k];
            struct sim_fork         fork;
            if (a->liar != NULL || b->liar != NULL || world->failed)
                continue;
            sim_disk_restart(a->disk);
            sim_disk_restart(b->disk);
            if (sim_fork_find(&fork, &a->port, &b->port) != PN_OK)
                sim_swarm_fail(world, "a fork cannot be read from the disks", a);
            else if (fork.forked)
                check_fork(world, &fork);
        }
}
