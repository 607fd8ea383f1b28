#include "sim/breaks.h"

#include "engine/summit.h"
#include "sim/swarm_state.h"

#include <stdlib.h>

enum {
    HOARD = 64 << 20
};

static void
hoard(const struct store_disk *disk)
{
    void *bytes = calloc(1, HOARD);
    if (bytes != NULL)
        (void)!disk->save(disk->host, "hoard", bytes, HOARD); /* SAFE: a test will see */
    free(bytes);
}

void
sim_break_begin(struct sim_swarm *world)
{
    struct sim_swarm_party *party = &world->parties[0];
    switch (world->config->faults.broken) {
    case SIM_FORGETS_ALL:
        sim_disk_lie(party->disk);
        break;
    case SIM_FORGETS_VOTES:
        sim_disk_forget(party->disk, "vote");
        break;
    case SIM_FULL:
        sim_disk_fail(party->disk, PN_ENOSPC);
        break;
    case SIM_HOARDS:
        hoard(&party->port);
        break;
    case SIM_SLANDERS:
        sim_swarm_accuse(party, 1, true);
        break;
    case SIM_DENIES_LIARS:
        world->may_fork = false;
        break;
    default:
        break;
    }
}

static bool
remove_it(void *context, const char *name)
{
    const struct store_disk *disk = context;
    return disk->remove(disk->host, name) == PN_OK;
}

static void
remove_all(struct store_disk *disk, const char *folder)
{
    (void)!disk->list(disk->host, folder, remove_it, disk); /* SAFE: a test will see */
}

static void
cut_ledger(struct sim_swarm_party *party)
{
    uint64_t count = 0;
    if (party->port.record_count(party->port.host, &count) != PN_OK || count == 0)
        return;
    sim_disk_cut(party->disk);
    (void)!party->port.remove(party->port.host, "summit");
    (void)!party->port.remove(party->port.host, engine_summit_votes_name(count - 1));
}

static void
trust_liars(struct sim_swarm *world)
{
    for (size_t i = 0; i < world->count; i++) {
        sim_liar_free(world->parties[i].liar);
        world->parties[i].liar = NULL;
    }
}

void
sim_break_end(struct sim_swarm *world)
{
    struct sim_swarm_party *party = &world->parties[0];
    switch (world->config->faults.broken) {
    case SIM_ROTS:
        sim_disk_rot(party->disk, 1);
        break;
    case SIM_CUTS:
        cut_ledger(party);
        break;
    case SIM_LOSES_MODEL:
        remove_all(&party->port, "models");
        break;
    case SIM_LOSES_UPDATES:
        remove_all(&party->port, "updates");
        break;
    case SIM_TRUSTS_LIARS:
        trust_liars(world);
        break;
    default:
        break;
    }
}
