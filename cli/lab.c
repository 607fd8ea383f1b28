/*
 * panal lab run -- a whole federation on this machine, from keys to report.
 */
#include "cli/lab.h"

#include "cli/command.h"
#include "cli/compare.h"
#include "cli/model.h"
#include "cli/report.h"
#include "engine/blob.h"
#include "engine/party.h"
#include "engine/proof.h"
#include "nnlib/pass.h"
#include "store/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REPORT_MAX = 16u << 20
};

struct run_options {
    char *sites, *out, *mode;
    bool  compare, json, synthetic;
};

static const struct pn_option run_table[] = {
    {"sites", NULL, PN_OPT_TEXT, offsetof(struct run_options, sites), 1, 4000,
     "the sites and their data (default: sites.yaml beside the job)"},
    {"out", "lab", PN_OPT_TEXT, offsetof(struct run_options, out), 1, 3000,
     "folder of the laboratory; an older one in it is replaced"},
    {"mode", "coordinator", PN_OPT_TEXT, offsetof(struct run_options, mode), 1, 16,
     "who makes the rounds: a coordinator, or with swarm the members themselves"},
    {"compare", "yes", PN_OPT_FLAG, offsetof(struct run_options, compare), 0, 0,
     "do not train alone and pooled as well, to compare: saves time"},
    {"synthetic", "no", PN_OPT_FLAG, offsetof(struct run_options, synthetic), 0, 0,
     "the data was generated: say so in every report"},
    {"json", "no", PN_OPT_FLAG, offsetof(struct run_options, json), 0, 0,
     "print the result as JSON on stdout"},
    {0},
};

struct session {
    const struct run_options *options;
    enum fed_mode             mode;
    struct engine_job         job;
    struct engine_sites       sites;
    struct cli_lab_run        run;
    struct engine_proof       proof;
    struct cli_comparison     comparison;
    bool                      compared;
    struct engine_roster_file roster;
    struct store_files       *files;
    struct store_disk         disk;
};

static enum pn_status
read_mode(struct session *session, struct pn_error *why)
{
    const char *mode = session->options->mode;
    if (strcmp(mode, "swarm") == 0)
        session->mode = FED_MODE_SWARM;
    else if (strcmp(mode, "coordinator") != 0)
        return pn_error_set(why, PN_ECONFIG, "--mode: expected coordinator or swarm, seen \"%s\"",
                            mode);
    return PN_OK;
}

/* Whose state is looked at in the end: the coordinator's, or that of a swarm's first member. */
static const char *
keeper(const struct session *session)
{
    return session->mode == FED_MODE_SWARM ? session->sites.items[0].name : "hub";
}

static enum pn_status
load_inputs(struct session *session, const char *job_path, struct pn_error *why)
{
    enum pn_status st = read_mode(session, why);
    if (st == PN_OK)
        st = engine_job_load(&session->job, job_path, why);
    if (st == PN_OK)
        st = engine_sites_load_beside(&session->sites, session->options->sites, job_path,
                                      getenv("PANAL_DATA"), why);
    if (st == PN_OK && session->sites.count < session->job.job->quorum)
        st = pn_error_set(why, PN_ECONFIG, "there are %zu sites, and the job's quorum is %u",
                          session->sites.count, session->job.job->quorum);
    return st;
}

static enum pn_status
prove(struct session *session, struct pn_error *why)
{
    char           path[CLI_PATH_SIZE];
    enum pn_status st;
    snprintf(path, sizeof path, "%s/federation.yaml", session->options->out);
    if ((st = engine_roster_load(&session->roster, path, why)) != PN_OK)
        return st;
    snprintf(path, sizeof path, "%s/%s/state", session->options->out, keeper(session));
    if ((st = store_files_open(&session->files, &session->disk, path, STORE_READ, why)) != PN_OK)
        return st;
    return engine_proof_make(&session->proof, &session->disk, session->roster.roster, NULL, NULL,
                             why);
}

/* The run's final model and scaling, from the coordinator's state. */
static enum pn_status
compare(struct session *session, struct pn_error *why)
{
    const struct engine_job *job     = &session->job;
    uint8_t                 *bytes   = NULL;
    struct data_scaling     *scaling = NULL;
    float                   *model   = malloc((size_t)job->model_size + 1);
    enum pn_status           st      = model == NULL ? PN_ENOMEM : PN_OK;
    if (st == PN_OK)
        st = engine_blob_load(&bytes, &session->disk, "models", &session->proof.model, why);
    if (st == PN_OK)
        st = cli_scaling_load(&scaling, &session->disk, job->schema, &session->proof.scaling, why);
    if (st == PN_OK) {
        engine_floats_decode(model, bytes, (size_t)job->model_size / 4);
        st = cli_compare(&session->comparison,
                         &(struct cli_compare_wish){.job     = job,
                                                    .sites   = &session->sites,
                                                    .folder  = session->options->out,
                                                    .model   = model,
                                                    .scaling = scaling,
                                                    .rounds  = session->proof.rounds},
                         why);
    }
    session->compared = st == PN_OK;
    free(scaling);
    free(bytes);
    free(model);
    return st;
}

static enum pn_status
write_reports(struct session *session, const struct cli_report *report, struct pn_error *why)
{
    char             path[CLI_PATH_SIZE];
    struct pn_buffer page;
    FILE            *file;
    pn_buffer_init(&page, REPORT_MAX);
    enum pn_status st = cli_report_html(&page, report);
    snprintf(path, sizeof path, "%s/report.html", session->options->out);
    if (st == PN_OK)
        st = store_file_save(path, page.bytes, page.size, 0644, why);
    pn_buffer_fini(&page);
    if (st != PN_OK)
        return st;
    snprintf(path, sizeof path, "%s/result.json", session->options->out);
    if ((file = fopen(path, "w")) == NULL)
        return pn_error_set(why, PN_EIO, "%s: %s", path, strerror(errno));
    st = cli_report_json(file, report);
    if (fclose(file) != 0 && st == PN_OK)
        st = PN_EIO;
    return st == PN_OK ? PN_OK : pn_error_set(why, st, "%s: writing failed", path);
}

static void
print_end(const struct session *session, const struct cli_report *report)
{
    const char *out = session->options->out;
    char        model[SEC_HEX_SIZE];
    sec_hash_text(model, &session->proof.model.root);
    if (report->comparison != NULL)
        puts("\nWhat federation brought, on each site's own test records"
             "\n(pooled = all records in one place: only a laboratory can)\n");
    cli_report_table(stdout, report);
    printf("\nledger verified: %llu blocks, %llu %s; %llu of %llu aggregates recomputed bit for bit"
           "\n  panal ledger verify %s/%s/state --roster %s/federation.yaml\n",
           (unsigned long long)session->proof.blocks, (unsigned long long)session->proof.witnesses,
           session->mode == FED_MODE_SWARM ? "votes" : "countersignatures",
           (unsigned long long)session->proof.sums_checked,
           (unsigned long long)session->proof.rounds, out, keeper(session), out);
    printf("model   %s/model.safetensors  (%.16s)\nreport  %s/report.html, %s/result.json\nlogs    "
           "%s/%s/log, %s/SITE/log\n",
           out, model, out, out, out, keeper(session), out);
}

static enum pn_status
run(struct session *session, const char *job_path, struct pn_error *why)
{
    const struct run_options *options = session->options;
    char                      path[CLI_PATH_SIZE];
    enum pn_status            st = load_inputs(session, job_path, why);
    if (st == PN_OK)
        st = cli_lab_prepare(options->out, session->mode, &session->job, &session->sites, why);
    if (st == PN_OK)
        st = cli_lab_execute(&session->run, options->out, session->mode, &session->job,
                             &session->sites, why);
    if (st == PN_OK)
        st = prove(session, why);
    if (st == PN_OK && options->compare) {
        fputs("training alone and pooled, to compare ...\n", stderr);
        st = compare(session, why);
    }
    struct cli_report report = {.job        = &session->job,
                                .sites      = &session->sites,
                                .run        = &session->run,
                                .proof      = &session->proof,
                                .comparison = session->compared ? &session->comparison : NULL,
                                .synthetic  = options->synthetic};
    if (st == PN_OK)
        st = write_reports(session, &report, why);
    snprintf(path, sizeof path, "%s/model.safetensors", options->out);
    if (st == PN_OK)
        st = cli_model_export_from(&session->disk, &(struct cli_export){.path = path}, why);
    if (st == PN_OK && options->json)
        st = cli_report_json(stdout, &report);
    else if (st == PN_OK)
        print_end(session, &report);
    return st;
}

int
cli_lab_run(int argc, char **argv)
{
    struct run_options   options;
    struct cli_arguments words = {.noun = "lab", .verb = "run", .words_min = 1, .words_max = 1};
    int                  code;
    if (!cli_parse(&options, run_table, &words, argc, argv, &code))
        return code;
    struct pn_error why     = {.text = ""};
    struct session  session = {.options = &options};
    enum pn_status  st      = nn_start_up();
    if (st == PN_OK)
        st = run(&session, words.words[0], &why);
    cli_comparison_fini(&session.comparison);
    cli_lab_run_fini(&session.run);
    store_files_close(session.files);
    engine_roster_fini(&session.roster);
    engine_sites_fini(&session.sites);
    engine_job_fini(&session.job);
    pn_options_fini(&options, run_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}

/* ---- prepare ---- */

static const struct pn_option prepare_table[] = {
    {"sites", NULL, PN_OPT_TEXT, offsetof(struct run_options, sites), 1, 4000,
     "the sites and their data (default: sites.yaml beside the job)"},
    {"out", "lab", PN_OPT_TEXT, offsetof(struct run_options, out), 1, 3000,
     "folder of the laboratory; an older one in it is replaced"},
    {"mode", "coordinator", PN_OPT_TEXT, offsetof(struct run_options, mode), 1, 16,
     "who makes the rounds: a coordinator, or with swarm the members themselves"},
    {0},
};

int
cli_lab_lay_out(int argc, char **argv)
{
    struct run_options   options;
    struct cli_arguments words = {.noun = "lab", .verb = "prepare", .words_min = 1, .words_max = 1};
    int                  code;
    if (!cli_parse(&options, prepare_table, &words, argc, argv, &code))
        return code;
    struct pn_error why     = {.text = ""};
    struct session  session = {.options = &options};
    enum pn_status  st      = load_inputs(&session, words.words[0], &why);
    if (st == PN_OK)
        st = cli_lab_prepare(options.out, session.mode, &session.job, &session.sites, &why);
    if (st == PN_OK)
        printf("the laboratory is in %s/; start it with\n", options.out);
    if (st == PN_OK && session.mode == FED_MODE_COORDINATOR)
        printf("  panal-coordinator --config %s/hub/coordinator.yaml --listen "
               "tcp://127.0.0.1:7400\n",
               options.out);
    if (st == PN_OK)
        printf("  panal-node --config %s/%s/node.yaml       and so on for every site\n",
               options.out, session.sites.items[0].name);
    engine_sites_fini(&session.sites);
    engine_job_fini(&session.job);
    pn_options_fini(&options, prepare_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}
