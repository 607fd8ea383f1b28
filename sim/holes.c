#include "sim/holes.h"

#include "base/rng.h"

static bool
is_always_in(const struct sim_epochs *epochs, uint32_t site)
{
    for (size_t i = 0; i < epochs->count; i++)
        if (!sim_epochs_have(epochs, i, site))
            return false;
    return true;
}

static bool
all_share_enough(const bool *blocked, const bool *in, const struct sim_config *config)
{
    const size_t   count = config->site_count;
    const uint32_t gone  = config->faults.liars + config->faults.dead;
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < a; b++) {
            uint32_t shared = 0;
            for (size_t i = 0; i < count; i++)
                shared +=
                    i != a && i != b && in[i] && !blocked[a * count + i] && !blocked[b * count + i];
            if (blocked[a * count + b] && shared <= gone)
                return false;
        }
    return true;
}

void
sim_holes_draw(bool *blocked, const struct sim_config *config, const struct sim_epochs *epochs)
{
    const size_t  count = config->site_count;
    bool          in[WIRE_SWARM_MAX];
    struct pn_rng root, rng;
    for (uint32_t i = 0; i < count; i++)
        in[i] = is_always_in(epochs, i);
    pn_rng_init(&root, config->seed);
    pn_rng_derive(&rng, &root, PN_RNG_WORLD, 2);
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < a; b++) {
            bool *one = &blocked[a * count + b], *two = &blocked[b * count + a];
            *one = *two = pn_rng_uniform(&rng) < config->faults.blocked;
            if (*one && !all_share_enough(blocked, in, config))
                *one = *two = false;
        }
}
