/*
 * cli/lab -- a whole federation on this machine: its own keys and roster, real daemons, one folder.
 *
 *     DIR/federation.yaml and its signatures, DIR/job.yaml
 *     DIR/hub/      keys, state, log of the coordinator; not in a swarm
 *     DIR/SITE/     keys, state, node.yaml, log of each node
 *     DIR/model.safetensors, DIR/report.html, DIR/result.json
 */
#ifndef CLI_LAB_H
#define CLI_LAB_H

#include "engine/job.h"
#include "engine/sites.h"
#include "fed/roster.h"

enum {
    CLI_PATH_SIZE = 4096
};

/* The folder with keys, signed roster, configurations: everything but the processes. The folder is
 * made anew: an older laboratory in it is removed (known by its marker file), anything else is
 * refused. */
PN_MUST_CHECK enum pn_status cli_lab_prepare(const char *folder, enum fed_mode mode,
                                             const struct engine_job   *job,
                                             const struct engine_sites *sites,
                                             struct pn_error           *why);

/* What the coordinator, or the first member of a swarm, said while it ran. */
struct cli_lab_round {
    uint64_t round, members, absent;
    double   seconds; /* since the start */
    size_t   metric_count;
    struct {
        char   name[32];
        double value;
    } metrics[NN_METRICS_MAX];
};
struct cli_lab_run {
    struct cli_lab_round *rounds;
    size_t                round_count;
    double                seconds;
    bool                  stopped_early;
};

/* Starts the daemons, shows progress on stderr until the run is over, stops them. PN_ESTATE, with
 * the last lines of the log, when a daemon failed. Release `out` with cli_lab_run_fini. */
PN_MUST_CHECK enum pn_status cli_lab_execute(struct cli_lab_run *out, const char *folder,
                                             enum fed_mode              mode,
                                             const struct engine_job   *job,
                                             const struct engine_sites *sites,
                                             struct pn_error           *why);
void                         cli_lab_run_fini(struct cli_lab_run *run);

#endif
