#include "sim/breaks.h"

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

void
sim_break_end(struct sim_swarm *world)
{
    struct sim_swarm_party *party = &world->parties[0];
    if (world->config->faults.broken == SIM_ROTS)
        sim_disk_rot(party->disk, 1);
    while (world->config->faults.broken == SIM_LOSES_MODEL &&
           party->port.list(party->port.host, "models", remove_it, &party->port) != PN_OK) {
    }
}
