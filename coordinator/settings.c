#include "coordinator/settings.h"

#include "engine/settings.h"

const struct pn_option coord_settings_table[] = {
    {"config", NULL, PN_OPT_TEXT, offsetof(struct coord_settings, config), 1, 4000,
     "a YAML file with these options"},
    {"federation", "federation.yaml", PN_OPT_TEXT, offsetof(struct coord_settings, federation), 1,
     4000, "the signed roster"},
    {"trust", NULL, PN_OPT_TEXT, offsetof(struct coord_settings, trust), 1, 64,
     "fingerprint of the roster's signers (panal roster show); needed at the first start"},
    {"keys", "keys", PN_OPT_TEXT, offsetof(struct coord_settings, keys), 1, 4000,
     "folder with node.key and transport.key"},
    {"state", "state", PN_OPT_TEXT, offsetof(struct coord_settings, state), 1, 4000,
     "folder for this daemon's durable state; one run per folder"},
    {"job", "job.yaml", PN_OPT_TEXT, offsetof(struct coord_settings, job), 1, 4000,
     "what to train"},
    {"listen", NULL, PN_OPT_TEXT, offsetof(struct coord_settings, listen), 1, 255,
     "address to listen on, like tcp://0.0.0.0:7400 (default: the roster's endpoint)"},
    {"run", "1", PN_OPT_TEXT, offsetof(struct coord_settings, run), 1, 63,
     "label that tells runs of one job apart"},
    {"silence", "30s", PN_OPT_MS, offsetof(struct coord_settings, silence_ms), 1000, 3600000,
     "a node counts as gone after so long without a sign of life"},
    {"keep-updates", "2", PN_OPT_U32, offsetof(struct coord_settings, keep_updates), 0, 1000000,
     "rounds whose updates stay on the disk, for panal ledger verify; 0: all"},
    {"keep-models", "0", PN_OPT_U32, offsetof(struct coord_settings, keep_models), 0, 1000000,
     "rounds whose models stay on the disk; 0: all"},
    {"events", "no", PN_OPT_FLAG, offsetof(struct coord_settings, events), 0, 0,
     "print one JSON object per event on stdout"},
    {"log-level", "info", PN_OPT_TEXT, offsetof(struct coord_settings, log_level), 1, 8,
     "error, warn, info or debug"},
    {"log-json", "no", PN_OPT_FLAG, offsetof(struct coord_settings, log_json), 0, 0,
     "log lines as JSON"},
    {"print-config", "no", PN_OPT_FLAG, offsetof(struct coord_settings, print_config), 0, 0,
     "print the configuration that would be used, and stop"},
    {"version", "no", PN_OPT_FLAG, offsetof(struct coord_settings, version), 0, 0,
     "print the version, and stop"},
    {"help", "no", PN_OPT_FLAG, offsetof(struct coord_settings, help), 0, 0, "this page"},
    {0},
};

enum pn_status
coord_settings_from_args(struct coord_settings *out, int argc, char *const *argv,
                         struct pn_error *why)
{
    static const char *const           paths[] = {"federation", "keys", "state", "job"};
    const struct engine_settings_shape shape   = {
          .table = coord_settings_table, .paths = paths, .path_count = 4};
    struct text_yaml *yaml = NULL;
    const char       *path = NULL;
    enum pn_status    st   = engine_settings_load(out, &yaml, &path, &shape, argc, argv, why);
    if (st == PN_OK)
        text_yaml_free(yaml);
    return st;
}

void
coord_settings_fini(struct coord_settings *settings)
{
    pn_options_fini(settings, coord_settings_table);
}
