#include "sim/epochs.h"

#include "base/rng.h"

enum {
    MEMBERS_MIN = 3
};

/* Of so many, all but those that may lie are as many as the half of all sites. */
static uint32_t
fewest(uint32_t sites)
{
    uint32_t members = MEMBERS_MIN;
    while (members - (members - 1) / 3 < (sites + 1) / 2)
        members++;
    return members;
}

/* ---- the draw ---- */

static bool
has(uint32_t set, uint32_t site)
{
    return (set >> site & 1) != 0;
}

/* One of a set, but the first site. */
static uint32_t
pick(uint32_t set, struct pn_rng *rng)
{
    uint32_t left = set & ~1u, site = 0;
    PN_ASSERT(left != 0);
    for (uint64_t skip = pn_rng_below(rng, (uint64_t)__builtin_popcount(left)) + 1; skip > 0;
         site++)
        skip -= has(left, site);
    return site - 1;
}

void
sim_epochs_draw(struct sim_epoch_plan *out, uint64_t seed, uint32_t sites)
{
    struct pn_rng root, rng;
    PN_ASSERT(sites > MEMBERS_MIN && sites <= SIM_EPOCH_SITES);
    pn_rng_init(&root, seed);
    pn_rng_derive(&rng, &root, PN_RNG_WORLD, 3);
    uint32_t next = sites > 7 ? sites - 2 : sites - 1, in = (1u << next) - 1;
    *out = (struct sim_epoch_plan){.count = 2 + (size_t)pn_rng_below(&rng, SIM_EPOCHS - 1)};
    for (size_t i = 0; i < SIM_EPOCHS; i++) {
        uint32_t how    = i == 0 ? 0 : 1 + (uint32_t)pn_rng_below(&rng, 7); /* bits */
        uint32_t before = in, leaves = pick(before, &rng);
        if ((how & 1) != 0 && next < sites)
            in |= 1u << next++;
        if ((how & 2) != 0 && (uint32_t)__builtin_popcount(in) > fewest(sites))
            in &= ~(1u << leaves);
        bool renews     = (how & 4) != 0 || (i > 0 && in == before);
        out->members[i] = in;
        out->renewed[i] = renews ? pick(in & before, &rng) : UINT32_MAX;
    }
    out->least = sites;
    for (size_t i = 0; i < out->count; i++)
        if ((uint32_t)__builtin_popcount(out->members[i]) < out->least)
            out->least = (uint32_t)__builtin_popcount(out->members[i]);
}

/* ---- the rosters ---- */

enum pn_status
sim_epochs_new(struct sim_epochs *out, const struct sim_config *config, struct pn_error *why)
{
    struct sim_federation all;
    struct sim_epoch_plan plan;
    bool                  in[SIM_EPOCH_SITES];
    *out = (struct sim_epochs){.count = 1};
    if (config->faults.epoch_ms == 0)
        return sim_federation_new(&out->of[0], FED_MODE_SWARM, config->seed, config->sites,
                                  config->site_count, why);
    enum pn_status st = sim_federation_new(&all, FED_MODE_SWARM, config->seed, config->sites,
                                           config->site_count, why);
    if (st != PN_OK)
        return st;
    sim_epochs_draw(&plan, config->seed, (uint32_t)config->site_count);
    const struct sim_federation *before = &all;
    for (size_t i = 0; i < plan.count && st == PN_OK; i++) {
        for (uint32_t site = 0; site < config->site_count; site++)
            in[site] = has(plan.members[i], site);
        size_t renewed = plan.renewed[i] == UINT32_MAX ? SIZE_MAX : plan.renewed[i];
        st             = sim_federation_next(&out->of[i], &all, before, in, renewed, why);
        out->count     = i + 1;
        before         = &out->of[i];
    }
    sim_federation_fini(&all);
    return st;
}

void
sim_epochs_fini(struct sim_epochs *epochs)
{
    for (size_t i = 0; i < SIM_EPOCHS; i++)
        sim_federation_fini(&epochs->of[i]);
}

bool
sim_epochs_have(const struct sim_epochs *epochs, size_t epoch, uint32_t site)
{
    return fed_roster_find(epochs->of[epoch].roster, site + 2) != NULL;
}

bool
sim_epochs_agree(const struct sim_epochs *epochs, size_t a, size_t b, uint32_t site)
{
    const struct fed_roster_member *one = fed_roster_find(epochs->of[a].roster, site + 2),
                                   *two = fed_roster_find(epochs->of[b].roster, site + 2);
    return one != NULL && two != NULL && one->certificate.serial == two->certificate.serial;
}

size_t
sim_epochs_place(const struct sim_epochs *epochs, const struct fed_roster *roster)
{
    return roster->epoch - epochs->of[0].roster->epoch;
}

size_t
sim_epochs_first(const struct sim_epochs *epochs, uint32_t site)
{
    size_t epoch = 0;
    while (epoch < epochs->count && !sim_epochs_have(epochs, epoch, site))
        epoch++;
    return epoch;
}
