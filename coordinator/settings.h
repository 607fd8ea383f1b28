/*
 * coordinator/settings -- the options of panal-coordinator, from coordinator.yaml, the environment
 * and the command line. `panal-coordinator --help` lists them.
 */
#ifndef COORDINATOR_SETTINGS_H
#define COORDINATOR_SETTINGS_H

#include "base/options.h"

struct coord_settings {
    char    *config, *federation, *trust, *keys, *state, *job, *listen, *run, *log_level;
    bool     log_json, events, print_config, help, version;
    pn_ms    silence_ms;
    uint32_t keep_updates, keep_models;
};

extern const struct pn_option coord_settings_table[];

PN_MUST_CHECK enum pn_status coord_settings_from_args(struct coord_settings *out, int argc,
                                                      char *const *argv, struct pn_error *why);
void                         coord_settings_fini(struct coord_settings *settings);

#endif
