/*
 * panal data -- check: what a job would see at this site; generate: synthetic card transactions.
 */
#include "cli/command.h"
#include "cli/data_report.h"
#include "data/synth.h"
#include "data/table.h"
#include "engine/job.h"
#include "engine/sites.h"
#include "node/settings.h"
#include "store/files.h"
#include "text/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- check ---- */

struct check_options {
    struct pn_text_list files;
    char               *config, *sites;
    bool                json;
};

static const struct pn_option check_table[] = {
    {"file", NULL, PN_OPT_LIST, offsetof(struct check_options, files), 0, 0,
     "a file to look at; repeatable (idx, npy: images, then labels)"},
    {"config", NULL, PN_OPT_TEXT, offsetof(struct check_options, config), 1, 4000,
     "node.yaml: looks at the data it names"},
    {"sites", NULL, PN_OPT_TEXT, offsetof(struct check_options, sites), 1, 4000,
     "sites.yaml: looks at every site of a laboratory"},
    {"json", "no", PN_OPT_FLAG, offsetof(struct check_options, json), 0, 0,
     "print JSON instead of text"},
    {0},
};

static enum pn_status
check_site(const char *site, const struct data_schema *schema, const struct data_source *source,
           struct text_json *json, struct pn_error *why)
{
    struct data_table *table = NULL;
    struct data_report report;
    enum pn_status     st = data_table_load(&table, schema, source, NODE_DATA_BYTES_MAX, why);
    if (st == PN_OK) {
        st = data_report_make(&report, table);
        if (st == PN_OK && json != NULL)
            cli_data_report_json(json, site, schema, &report);
        else if (st == PN_OK)
            cli_data_report_text(site, schema, &report);
        if (st == PN_OK)
            data_report_fini(&report);
    }
    data_table_free(table);
    return st;
}

static enum pn_status
check_sites(const struct check_options *options, const struct data_schema *schema,
            struct text_json *json, struct pn_error *why)
{
    struct engine_sites sites;
    enum pn_status      st = engine_sites_load(&sites, options->sites, getenv("PANAL_DATA"), why);
    if (st != PN_OK)
        return st;
    for (size_t i = 0; st == PN_OK && i < sites.count; i++)
        st = check_site(sites.items[i].name, schema, &sites.items[i].source, json, why);
    engine_sites_fini(&sites);
    return st;
}

static enum pn_status
check_config(const struct check_options *options, const struct data_schema *schema,
             struct text_json *json, struct pn_error *why)
{
    struct node_settings settings;
    enum pn_status       st = node_settings_load(&settings, options->config, why);
    if (st != PN_OK)
        return st;
    st = check_site(options->config, schema, &settings.source, json, why);
    node_settings_fini(&settings);
    return st;
}

/* What to look with: a job, or a file that has only `data`, as it stands in a job, and `source`, as
 * it stands in node.yaml. */
struct lens {
    struct engine_job   job;
    struct text_yaml   *yaml; /* without a job */
    struct data_schema *schema;
    struct data_source  source;
    bool                has_source;
};

static enum pn_status
read_section(struct lens *lens, const char *path, struct pn_error *why)
{
    static const char *const known[] = {"data", "source"};
    const struct text_node  *root    = text_yaml_root(lens->yaml), *source;
    char                     folder[4096];
    const char              *slash = strrchr(path, '/');
    (void)snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path) : 1,
                   slash != NULL ? path : ".");
    enum pn_status st = text_check_keys(lens->yaml, root, known, 2, why);
    if (st == PN_OK)
        st = data_schema_decode(&lens->schema, lens->yaml, text_find(root, "data"), why);
    if (st == PN_OK)
        st = text_get_map(&source, lens->yaml, root, "source", TEXT_OPTIONAL, why);
    if (st != PN_OK || source == NULL)
        return st;
    st = data_source_decode(&lens->source, lens->yaml, source, folder, getenv("PANAL_DATA"), why);
    lens->has_source = st == PN_OK;
    return st;
}

static void
lens_fini(struct lens *lens)
{
    if (lens->job.job != NULL)
        engine_job_fini(&lens->job);
    else
        data_schema_free(lens->schema);
    text_yaml_free(lens->yaml);
    data_source_fini(&lens->source);
}

static enum pn_status
lens_init(struct lens *lens, const char *path, struct pn_error *why)
{
    struct pn_buffer text;
    *lens = (struct lens){.yaml = NULL};
    pn_buffer_init(&text, FED_JOB_TEXT_MAX + 1);
    enum pn_status st = store_file_load(&text, path, why);
    if (st == PN_OK)
        st = text_yaml_parse(&lens->yaml, path, (const char *)text.bytes, text.size, why);
    pn_buffer_fini(&text);
    if (st == PN_OK && text_find(text_yaml_root(lens->yaml), "model") == NULL &&
        text_find(text_yaml_root(lens->yaml), "data") != NULL) {
        st = read_section(lens, path, why);
    } else if (st == PN_OK) {
        st           = engine_job_load(&lens->job, path, why);
        lens->schema = lens->job.schema;
    }
    if (st != PN_OK)
        lens_fini(lens);
    return st;
}

static enum pn_status
check(const struct check_options *options, const char *path, struct text_json *json,
      struct pn_error *why)
{
    struct lens    lens;
    enum pn_status st = lens_init(&lens, path, why);
    if (st != PN_OK)
        return st;
    if (options->sites != NULL)
        st = check_sites(options, lens.schema, json, why);
    else if (options->config != NULL)
        st = check_config(options, lens.schema, json, why);
    else if (options->files.count > 0)
        st = check_site(options->files.items[0], lens.schema,
                        &(struct data_source){.files      = options->files.items,
                                              .file_count = options->files.count},
                        json, why);
    else if (lens.has_source)
        st = check_site(path, lens.schema, &lens.source, json, why);
    else
        st =
            pn_error_set(why, PN_ECONFIG,
                         "%s: say where the data is: `source` in this file, or --config, --file or "
                         "--sites",
                         path);
    lens_fini(&lens);
    return st;
}

int
cli_data_check(int argc, char **argv)
{
    struct check_options options;
    struct cli_arguments words = {.noun = "data", .verb = "check", .words_min = 1, .words_max = 1};
    int                  code;
    if (!cli_parse(&options, check_table, &words, argc, argv, &code))
        return code;
    if ((options.sites != NULL) + (options.config != NULL) + (options.files.count > 0) > 1) {
        pn_options_fini(&options, check_table);
        return cli_misuse(&words,
                          "say where the data is: only one of --config, --file and --sites");
    }
    struct pn_error   why  = {.text = ""};
    struct text_json *json = NULL;
    enum pn_status    st   = options.json ? text_json_new(&json) : PN_OK;
    if (json != NULL)
        text_json_open_list(json, "sites");
    if (st == PN_OK)
        st = check(&options, words.words[0], json, &why);
    if (st == PN_OK && json != NULL) {
        text_json_close(json);
        st = text_json_write(json, stdout);
    }
    text_json_free(json);
    pn_options_fini(&options, check_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}

/* ---- generate ---- */

struct generate_options {
    char    *out;
    uint64_t seed;
    uint32_t banks, rows;
};

static const struct pn_option generate_table[] = {
    {"out", ".", PN_OPT_TEXT, offsetof(struct generate_options, out), 1, 4000,
     "folder for bank-a.csv, bank-b.csv, ..."},
    {"banks", "5", PN_OPT_U32, offsetof(struct generate_options, banks), 1, 26, "how many banks"},
    {"rows", "6000", PN_OPT_U32, offsetof(struct generate_options, rows), 10, 10000000,
     "transactions per bank"},
    {"seed", "7", PN_OPT_U64, offsetof(struct generate_options, seed), 0, 0,
     "same seed, same files"},
    {0},
};

static enum pn_status
write_bank(const struct generate_options *options, uint32_t bank, struct pn_error *why)
{
    char path[4096];
    int  len = snprintf(path, sizeof path, "%s/bank-%c.csv", options->out, (int)('a' + bank));
    if (len < 0 || (size_t)len >= sizeof path)
        return pn_error_set(why, PN_ECONFIG, "%s: this path is too long", options->out);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return pn_error_set(why, PN_EIO, "%s: %s", path, strerror(errno));
    enum pn_status st =
        data_synth_transactions(file, &(struct data_synth){.seed       = options->seed,
                                                           .bank       = bank,
                                                           .bank_count = options->banks,
                                                           .rows       = options->rows});
    if (fclose(file) != 0 && st == PN_OK)
        st = PN_EIO;
    return st == PN_OK ? PN_OK : pn_error_set(why, st, "%s: writing failed", path);
}

static enum pn_status
generate(const struct generate_options *options, struct pn_error *why)
{
    enum pn_status st = store_folder_make(options->out, why);
    for (uint32_t bank = 0; st == PN_OK && bank < options->banks; bank++)
        st = write_bank(options, bank, why);
    if (st == PN_OK)
        printf("wrote synthetic card transactions of %u banks to %s/\n", options->banks,
               options->out);
    return st;
}

int
cli_data_generate(int argc, char **argv)
{
    struct generate_options options;
    struct cli_arguments    words = {.noun = "data", .verb = "generate"};
    int                     code;
    if (!cli_parse(&options, generate_table, &words, argc, argv, &code))
        return code;
    struct pn_error why = {.text = ""};
    enum pn_status  st  = generate(&options, &why);
    pn_options_fini(&options, generate_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}
