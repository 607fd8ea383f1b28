/*
 * sim/command -- the options of panal-sim and its subcommands.
 */
#ifndef SIM_COMMAND_H
#define SIM_COMMAND_H

#include "base/options.h"
#include "fed/roster.h"

struct sim_options {
    char    *sites, *out, *identity, *mode;
    uint64_t seed, workers, keep_updates, from, seeds, replay_every;
    bool     json, trace, help, version;
};

/* Takes --identity and --mode: before the first hash. */
PN_MUST_CHECK enum pn_status sim_command_prepare(enum fed_mode            *mode,
                                                 const struct sim_options *options,
                                                 struct pn_error          *why);
/* One job, undisturbed, on the data of its sites; returns the exit code. */
int sim_command_run(const struct sim_options *options, const char *job_path);
/* Says `panal-sim: sentence` on stderr and gives the exit code of `status`. */
int sim_command_fail(enum pn_status status, const struct pn_error *why);

#endif
