/*
 * node/settings -- node.yaml: the site's own file. Where its data is, and what it allows.
 *
 *     federation: federation.yaml      # the signed roster
 *     trust: SHA256:...                # its signers' fingerprint, compared by phone
 *     keys: keys                       # folder with node.key and transport.key
 *     state: state                     # this daemon's durable state
 *     job: job.yaml                    # of a swarm: every member is given the same file
 *     threads: 2                       # of a training, where the job cuts batches into parts
 *     data: { file: transactions.csv } # see data/source.h
 *     policy:                          # optional; what is refused here, whatever the job says
 *       parameters: 1000000
 *       rounds: 500
 *       epochs: 10                     # local epochs per round; alone it refuses a job by time
 *       time: 60s                      # longest training.time of a job
 *       cohort: 3                      # smallest cohort
 *       records: 100                   # join only with at least so many
 *       columns: [amount, hour]        # a job may read no others; "*": whole files (images,
 *                                      # arrays, texts)
 *       optimisers: [sgd, adam]
 *       jobs: [<hash>]                 # only these jobs, by the hash of `panal job check`
 *
 * Relative paths start at the file's folder. `panal-node --help` lists every option.
 */
#ifndef NODE_SETTINGS_H
#define NODE_SETTINGS_H

#include "base/options.h"
#include "data/source.h"
#include "fed/policy.h"

#define NODE_DATA_BYTES_MAX ((uint64_t)16 << 30) /* of a site's records in memory */

struct node_settings {
    char    *config, *federation, *trust, *keys, *state, *connect, *listen, *job, *log_level;
    bool     log_json, once, events, print_config, help, version;
    pn_ms    heartbeat_ms;
    uint32_t keep_updates, keep_models, threads;

    struct data_source source;
    bool               has_source;
    struct fed_policy  policy;
    struct text_yaml  *yaml; /* what source and policy borrow from */
};

extern const struct pn_option node_settings_table[];

/* From a file alone, as `panal data check --config` does. */
PN_MUST_CHECK enum pn_status node_settings_load(struct node_settings *out, const char *path,
                                                struct pn_error *why);
/* From the command line, the environment and the file it names. */
PN_MUST_CHECK enum pn_status node_settings_from_args(struct node_settings *out, int argc,
                                                     char *const *argv, struct pn_error *why);
void                         node_settings_fini(struct node_settings *config);

#endif
