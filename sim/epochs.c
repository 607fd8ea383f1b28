#include "sim/epochs.h"

enum pn_status
sim_epochs_new(struct sim_epochs *out, const struct sim_config *config, struct pn_error *why)
{
    struct sim_federation all;
    bool                  in[FED_MEMBERS_MAX];
    *out = (struct sim_epochs){.count = 1};
    if (config->faults.epoch_ms == 0)
        return sim_federation_new(&out->of[0], FED_MODE_SWARM, config->seed, config->sites,
                                  config->site_count, why);
    enum pn_status st = sim_federation_new(&all, FED_MODE_SWARM, config->seed, config->sites,
                                           config->site_count, why);
    if (st != PN_OK)
        return st;
    for (size_t i = 0; i < config->site_count; i++)
        in[i] = i + 1 < config->site_count;
    const struct sim_federation *before = &all;
    for (size_t i = 0; i < SIM_EPOCHS && st == PN_OK; i++) {
        size_t renewed = i + 1 == SIM_EPOCHS ? 2 : SIZE_MAX;
        in[1]          = i + 1 < SIM_EPOCHS;
        st             = sim_federation_next(&out->of[i], &all, before, in, renewed, why);
        out->count     = i + 1;
        before         = &out->of[i];
        in[config->site_count - 1] = true;
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

size_t
sim_epochs_place(const struct sim_epochs *epochs, const struct fed_roster *roster)
{
    return roster->epoch - epochs->of[0].roster->epoch;
}
