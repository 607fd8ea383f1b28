#include "cli/local.h"

#include <stdio.h>
#include <string.h>

enum pn_status
cli_local_open(struct cli_local *out, const char *job_path, const struct pn_text_list *files,
               const char *config, struct pn_error *why)
{
    *out = (struct cli_local){.has_settings = false};
    if ((files->count > 0) + (config != NULL) != 1)
        return pn_error_set(why, PN_ECONFIG,
                            "say where the records are: --file FILE (repeatable) or --config "
                            "node.yaml");
    enum pn_status st = engine_job_load(&out->job, job_path, why);
    if (st != PN_OK)
        return st;
    if (config == NULL) {
        out->source = (struct data_source){.files = files->items, .file_count = files->count};
        return PN_OK;
    }
    st = node_settings_load(&out->settings, config, why);
    if (st != PN_OK) {
        engine_job_fini(&out->job);
        return st;
    }
    out->has_settings = true;
    out->source       = out->settings.source;
    return PN_OK;
}

void
cli_local_close(struct cli_local *local)
{
    if (local->has_settings)
        node_settings_fini(&local->settings);
    if (local->job.job != NULL)
        engine_job_fini(&local->job);
}

void
cli_amount_text(char out[static 32], double amount, const char *unit)
{
    static const char *const binary[]  = {"", "Ki", "Mi", "Gi", "Ti"};
    static const char *const decimal[] = {"", "k", "M", "G", "T"};
    bool                     bytes     = strcmp(unit, "B") == 0;
    double                   base      = bytes ? 1024 : 1000;
    size_t                   step      = 0;
    for (; amount >= base && step < 4; step++)
        amount /= base;
    snprintf(out, 32, step == 0 ? "%.0f %s%s" : "%.1f %s%s", amount,
             bytes ? binary[step] : decimal[step], unit);
}
