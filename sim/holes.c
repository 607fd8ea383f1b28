#include "sim/holes.h"

#include "base/rng.h"

/* Who is a member in all epochs counts: not the second, nor the last. */
static uint32_t
shared_by(const bool *blocked, const struct sim_config *config, size_t a, size_t b)
{
    uint32_t     shared = 0;
    const bool   change = config->faults.epoch_ms != 0;
    const size_t count  = config->site_count;
    for (size_t i = 0; i < count; i++)
        shared += i != a && i != b && !(change && (i == 1 || i + 1 == count)) &&
                  !blocked[a * count + i] && !blocked[b * count + i];
    return shared;
}

static bool
all_share_enough(const bool *blocked, const struct sim_config *config)
{
    const size_t   count = config->site_count;
    const uint32_t gone  = config->faults.liars + config->faults.dead;
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < a; b++)
            if (blocked[a * count + b] && shared_by(blocked, config, a, b) <= gone)
                return false;
    return true;
}

void
sim_holes_draw(bool *blocked, const struct sim_config *config)
{
    const size_t  count = config->site_count;
    struct pn_rng root, rng;
    pn_rng_init(&root, config->seed);
    pn_rng_derive(&rng, &root, PN_RNG_WORLD, 2);
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < a; b++) {
            bool *one = &blocked[a * count + b], *two = &blocked[b * count + a];
            *one = *two = pn_rng_uniform(&rng) < config->faults.blocked;
            if (*one && !all_share_enough(blocked, config))
                *one = *two = false;
        }
}
