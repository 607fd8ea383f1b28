#include "node/settings.h"

#include "engine/settings.h"

#include <stdlib.h>
#include <string.h>

const struct pn_option node_settings_table[] = {
    {"config", NULL, PN_OPT_TEXT, offsetof(struct node_settings, config), 1, 4000,
     "node.yaml, the site's own file"},
    {"federation", "federation.yaml", PN_OPT_TEXT, offsetof(struct node_settings, federation), 1,
     4000, "the signed roster; in a swarm read again at SIGHUP"},
    {"trust", NULL, PN_OPT_TEXT, offsetof(struct node_settings, trust), 1, 64,
     "fingerprint of the roster's signers (panal roster show); needed at the first start"},
    {"keys", "keys", PN_OPT_TEXT, offsetof(struct node_settings, keys), 1, 4000,
     "folder with node.key and transport.key, and next/ with those of the next epoch"},
    {"state", "state", PN_OPT_TEXT, offsetof(struct node_settings, state), 1, 4000,
     "folder for this daemon's durable state"},
    {"connect", NULL, PN_OPT_TEXT, offsetof(struct node_settings, connect), 1, 255,
     "address of the coordinator, if not the roster's"},
    {"listen", NULL, PN_OPT_TEXT, offsetof(struct node_settings, listen), 1, 255,
     "of a swarm: address to listen on, like tcp://0.0.0.0:7400 (default: the roster's endpoint)"},
    {"job", NULL, PN_OPT_TEXT, offsetof(struct node_settings, job), 1, 4000,
     "of a swarm: the job; every member is given the same file"},
    {"keep-updates", "2", PN_OPT_U32, offsetof(struct node_settings, keep_updates), 0, UINT32_MAX,
     "of a swarm: rounds whose updates are kept, for proving what was averaged; 0: all"},
    {"keep-models", "1", PN_OPT_U32, offsetof(struct node_settings, keep_models), 0, UINT32_MAX,
     "of a swarm: newest models that are kept, besides those that kept updates need; 0: all, so "
     "that each round can be spot-checked for ever"},
    {"events", "no", PN_OPT_FLAG, offsetof(struct node_settings, events), 0, 0,
     "of a swarm: say what happens as JSON lines on stdout, for tools"},
    {"heartbeat", "2s", PN_OPT_MS, offsetof(struct node_settings, heartbeat_ms), 200, 60000,
     "time between signs of life; in a swarm, who is silent for eight of them is away"},
    {"threads", "1", PN_OPT_U32, offsetof(struct node_settings, threads), 1, 256,
     "of a training, where the job cuts batches into parts; the result is the same"},
    {"once", "no", PN_OPT_FLAG, offsetof(struct node_settings, once), 0, 0,
     "stop when the run is over"},
    {"log-level", "info", PN_OPT_TEXT, offsetof(struct node_settings, log_level), 1, 8,
     "error, warn, info or debug"},
    {"log-json", "no", PN_OPT_FLAG, offsetof(struct node_settings, log_json), 0, 0,
     "log lines as JSON"},
    {"print-config", "no", PN_OPT_FLAG, offsetof(struct node_settings, print_config), 0, 0,
     "print the configuration that would be used, and stop"},
    {"version", "no", PN_OPT_FLAG, offsetof(struct node_settings, version), 0, 0,
     "print the version, and stop"},
    {"help", "no", PN_OPT_FLAG, offsetof(struct node_settings, help), 0, 0, "this page"},
    {0},
};

static const char *const path_names[]    = {"federation", "keys", "state", "job"};
static const char *const section_names[] = {"data", "policy"};

static const struct engine_settings_shape shape = {
    .table         = node_settings_table,
    .paths         = path_names,
    .path_count    = 4,
    .sections      = section_names,
    .section_count = 2,
};

/* A list of strings, borrowed from the tree. */
static enum pn_status
take_names(const char *const **out, size_t *count, const struct text_yaml *yaml,
           const struct text_node *policy, const char *key, struct pn_error *why)
{
    const struct text_node *list = NULL;
    enum pn_status          st   = text_get_list(&list, yaml, policy, key, TEXT_OPTIONAL, why);
    if (st != PN_OK || list == NULL)
        return st;
    const char **names = calloc(list->count + 1, sizeof *names);
    if (names == NULL)
        return PN_ENOMEM;
    size_t n = 0;
    for (const struct text_node *item = list->first; item != NULL; item = item->next) {
        if (item->kind != TEXT_SCALAR) {
            free(names);
            return text_fail(why, yaml, item, "%s: expected a list of names", key);
        }
        names[n++] = item->value;
    }
    if (n == 0) {
        /* An empty list is not "no limit": a person who wrote it meant "none". */
        free(names);
        return text_fail(why, yaml, list, "%s: an empty list would refuse every job", key);
    }
    *out   = names;
    *count = n;
    return PN_OK;
}

static enum pn_status
take_jobs(struct fed_policy *policy, const struct text_yaml *yaml, const struct text_node *map,
          struct pn_error *why)
{
    const char *const *names = NULL;
    size_t             count = 0;
    enum pn_status     st    = take_names(&names, &count, yaml, map, "jobs", why);
    if (st != PN_OK || count == 0)
        return st;
    struct sec_hash *jobs = calloc(count, sizeof *jobs);
    if (jobs == NULL)
        st = PN_ENOMEM;
    for (size_t i = 0; st == PN_OK && i < count; i++)
        if (!pn_hex_decode(jobs[i].bytes, sizeof jobs[i].bytes, names[i]))
            st = text_fail(
                why, yaml, text_find(map, "jobs"),
                "jobs: expected 64 hexadecimal digits (panal job check prints them), seen "
                "\"%.80s\"",
                names[i]);
    free((void *)names);
    if (st != PN_OK) {
        free(jobs);
        return st;
    }
    policy->jobs      = jobs;
    policy->job_count = count;
    return PN_OK;
}

static enum pn_status
take_policy(struct fed_policy *policy, const struct text_yaml *yaml, const struct text_node *map,
            struct pn_error *why)
{
    static const char *const known[] = {"parameters", "rounds",  "epochs",     "time", "cohort",
                                        "records",    "columns", "optimisers", "jobs"};
    enum pn_status           st      = text_check_keys(yaml, map, known, 9, why);
    if (st == PN_OK)
        st = text_get_u64(&policy->parameters_max, yaml, map, "parameters", TEXT_OPTIONAL, 1,
                          UINT64_MAX, why);
    if (st == PN_OK)
        st = text_get_u32(&policy->rounds_max, yaml, map, "rounds", TEXT_OPTIONAL, 1, UINT32_MAX,
                          why);
    if (st == PN_OK)
        st = text_get_u32(&policy->epochs_max, yaml, map, "epochs", TEXT_OPTIONAL, 1, UINT32_MAX,
                          why);
    if (st == PN_OK)
        st = text_get_ms(&policy->time_max, yaml, map, "time", TEXT_OPTIONAL, 1, UINT32_MAX, why);
    if (st == PN_OK)
        st = text_get_u32(&policy->cohort_min, yaml, map, "cohort", TEXT_OPTIONAL, 1, 1024, why);
    if (st == PN_OK)
        st = text_get_u64(&policy->records_min, yaml, map, "records", TEXT_OPTIONAL, 1, UINT64_MAX,
                          why);
    if (st == PN_OK)
        st = take_names(&policy->columns, &policy->column_count, yaml, map, "columns", why);
    if (st == PN_OK)
        st =
            take_names(&policy->optimisers, &policy->optimiser_count, yaml, map, "optimisers", why);
    if (st == PN_OK)
        st = take_jobs(policy, yaml, map, why);
    return st;
}

static enum pn_status
take_sections(struct node_settings *config, const char *path, struct pn_error *why)
{
    char                    folder[4096];
    const struct text_node *root = text_yaml_root(config->yaml), *data = NULL, *policy = NULL;
    enum pn_status          st = engine_folder_of(folder, sizeof folder, path, why);
    if (st == PN_OK)
        st = text_get_map(&data, config->yaml, root, "data", TEXT_OPTIONAL, why);
    if (st == PN_OK && data != NULL) {
        st = data_source_decode(&config->source, config->yaml, data, folder, getenv("PANAL_DATA"),
                                why);
        config->has_source = st == PN_OK;
    }
    if (st == PN_OK)
        st = text_get_map(&policy, config->yaml, root, "policy", TEXT_OPTIONAL, why);
    if (st == PN_OK && policy != NULL)
        st = take_policy(&config->policy, config->yaml, policy, why);
    return st;
}

enum pn_status
node_settings_from_args(struct node_settings *out, int argc, char *const *argv,
                        struct pn_error *why)
{
    struct node_settings config = {.config = NULL};
    const char          *path   = NULL;
    enum pn_status st = engine_settings_load(&config, &config.yaml, &path, &shape, argc, argv, why);
    if (st != PN_OK)
        return st;
    if (config.yaml != NULL)
        st = take_sections(&config, path, why);
    if (st != PN_OK) {
        node_settings_fini(&config);
        return st;
    }
    *out = config;
    return PN_OK;
}

enum pn_status
node_settings_load(struct node_settings *out, const char *path, struct pn_error *why)
{
    char          *argv[] = {(char *)"panal-node", (char *)"--config", (char *)path, NULL};
    enum pn_status st     = node_settings_from_args(out, 3, argv, why);
    if (st == PN_OK && !out->has_source) {
        node_settings_fini(out);
        return pn_error_set(why, PN_ECONFIG, "%s: there is no `data:` section in it", path);
    }
    return st;
}

void
node_settings_fini(struct node_settings *config)
{
    if (config->has_source)
        data_source_fini(&config->source);
    free((void *)config->policy.columns);
    free((void *)config->policy.optimisers);
    free((void *)config->policy.jobs);
    text_yaml_free(config->yaml);
    pn_options_fini(config, node_settings_table);
    *config = (struct node_settings){.config = NULL};
}
