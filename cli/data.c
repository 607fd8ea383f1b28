/*
 * panal data -- check: what a job would see at this site; generate: synthetic card transactions.
 */
#include "cli/command.h"
#include "data/synth.h"
#include "data/table.h"
#include "engine/job.h"
#include "engine/sites.h"
#include "node/settings.h"
#include "store/files.h"
#include "text/json.h"

#include <errno.h>
#include <math.h>
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

static const char *
kind_text(enum data_column_kind kind)
{
    switch (kind) {
    case DATA_NUMERIC:
        return "numeric";
    case DATA_CATEGORICAL:
        return "categorical";
    case DATA_TARGET:
        return "target";
    case DATA_WEIGHT:
        return "weight";
    case DATA_IGNORE:
        return "ignored";
    case DATA_GROUP:
        return "group";
    }
    PN_UNREACHABLE("every column has a kind");
}

/* What a record is, and for which network input. */
static void
print_shape(const struct data_schema *schema, const struct data_report *report)
{
    char shape[40];
    data_schema_shape_text(shape, schema);
    printf("  a record has the shape %s and %u target%s\n", shape, schema->target_size,
           schema->target_size == 1 ? "" : "s");
    if (schema->format != DATA_CSV)
        printf("  values from %g to %g, mean %g, deviation %g\n", report->values.min,
               report->values.max, report->values.mean, report->values.deviation);
}

static void
print_text(const char *site, const struct data_schema *schema, const struct data_report *report)
{
    const uint64_t targets = report->rows * schema->target_size;
    printf("%s: %llu records, usable\n", site, (unsigned long long)report->rows);
    print_shape(schema, report);
    for (uint32_t c = 0; c < schema->class_count && c < 16; c++)
        printf("  class %-2u %llu %s (%.2f %%)\n", c, (unsigned long long)report->class_rows[c],
               schema->target_size == 1 ? "records" : "targets",
               100.0 * (double)report->class_rows[c] / (double)targets);
    if (report->one_class)
        puts("  WARNING: all records have one class; ranking metrics are undefined at this site");
    if (schema->format != DATA_CSV)
        return;
    const double rows = (double)report->rows * schema->length; /* of the file, with windows */
    printf("  %-20s %-12s %9s %9s %12s %12s %12s\n", "column", "type", "missing", "unknown", "min",
           "max", "mean");
    for (size_t i = 0; i < schema->column_count; i++) {
        const struct data_column        *column = &schema->columns[i];
        const struct data_column_report *seen   = &report->columns[i];
        if (column->kind != DATA_NUMERIC && column->kind != DATA_CATEGORICAL)
            continue;
        printf("  %-20s %-12s %8.1f%% %8.1f%%", column->name, kind_text(column->kind),
               100.0 * (double)seen->missing / rows, 100.0 * (double)seen->other / rows);
        if (column->kind == DATA_NUMERIC && isfinite(seen->mean))
            printf(" %12.6g %12.6g %12.6g", seen->min, seen->max, seen->mean);
        puts(seen->constant ? "   WARNING: constant here" : "");
    }
}

static void
print_json(struct text_json *json, const char *site, const struct data_schema *schema,
           const struct data_report *report)
{
    text_json_open_map(json, NULL);
    text_json_string(json, "site", site);
    text_json_u64(json, "records", report->rows);
    text_json_open_list(json, "shape");
    for (uint32_t i = 0; i < schema->dims; i++)
        text_json_u64(json, NULL, schema->dim[i]);
    text_json_close(json);
    if (schema->format != DATA_CSV) {
        text_json_f64(json, "min", report->values.min);
        text_json_f64(json, "max", report->values.max);
        text_json_f64(json, "mean", report->values.mean);
        text_json_f64(json, "deviation", report->values.deviation);
    }
    text_json_bool(json, "one_class", report->one_class);
    text_json_open_list(json, "class_records");
    for (uint32_t c = 0; c < schema->class_count && c < 16; c++)
        text_json_u64(json, NULL, report->class_rows[c]);
    text_json_close(json);
    text_json_open_list(json, "columns");
    for (size_t i = 0; schema->format == DATA_CSV && i < schema->column_count; i++) {
        const struct data_column_report *seen = &report->columns[i];
        text_json_open_map(json, NULL);
        text_json_string(json, "name", schema->columns[i].name);
        text_json_string(json, "type", kind_text(schema->columns[i].kind));
        text_json_u64(json, "missing", seen->missing);
        text_json_u64(json, "unknown", seen->other);
        if (schema->columns[i].kind == DATA_NUMERIC) {
            text_json_f64(json, "min", seen->min);
            text_json_f64(json, "max", seen->max);
            text_json_f64(json, "mean", seen->mean);
            text_json_f64(json, "deviation", seen->deviation);
        }
        text_json_bool(json, "constant", seen->constant);
        text_json_close(json);
    }
    text_json_close(json);
    text_json_close(json);
}

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
            print_json(json, site, schema, &report);
        else if (st == PN_OK)
            print_text(site, schema, &report);
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

static enum pn_status
check(const struct check_options *options, const char *job_path, struct text_json *json,
      struct pn_error *why)
{
    struct engine_job job;
    enum pn_status    st = engine_job_load(&job, job_path, why);
    if (st != PN_OK)
        return st;
    if (options->sites != NULL)
        st = check_sites(options, job.schema, json, why);
    else if (options->config != NULL)
        st = check_config(options, job.schema, json, why);
    else
        st = check_site(options->files.items[0], job.schema,
                        &(struct data_source){.files      = options->files.items,
                                              .file_count = options->files.count},
                        json, why);
    engine_job_fini(&job);
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
    if ((options.sites != NULL) + (options.config != NULL) + (options.files.count > 0) != 1) {
        pn_options_fini(&options, check_table);
        return cli_misuse(&words, "say where the data is: one of --config, --file and --sites");
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
