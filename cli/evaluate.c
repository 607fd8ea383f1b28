/*
 * panal evaluate, panal predict -- what a model file does on records of this machine.
 */
#include "nnlib/evaluate.h"
#include "cli/command.h"
#include "cli/local.h"
#include "cli/model_file.h"
#include "text/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 256
};

struct options {
    struct pn_text_list files;
    char               *config, *out;
    bool                json;
};

static const struct pn_option evaluate_table[] = {
    {"file", NULL, PN_OPT_LIST, offsetof(struct options, files), 0, 0, "records; repeatable"},
    {"config", NULL, PN_OPT_TEXT, offsetof(struct options, config), 1, 4000,
     "node.yaml: the data it names"},
    {"json", "no", PN_OPT_FLAG, offsetof(struct options, json), 0, 0, "print JSON instead of text"},
    {0},
};

static const struct pn_option predict_table[] = {
    {"file", NULL, PN_OPT_LIST, offsetof(struct options, files), 0, 0, "records; repeatable"},
    {"config", NULL, PN_OPT_TEXT, offsetof(struct options, config), 1, 4000,
     "node.yaml: the data it names"},
    {"out", "-", PN_OPT_TEXT, offsetof(struct options, out), 1, 4000,
     "the CSV file to write; - is the standard output"},
    {0},
};

/* A model and the records it is asked about, ready to run. `words` are the paths of the job and of
 * the model. */
struct session {
    struct cli_local     local;
    struct data_table   *table;
    struct data_scaling *scaling;
    float               *theta;
    void                *workspace;
};

static enum pn_status
session_open(struct session *s, const struct options *options, const char *const *words,
             bool with_targets, struct pn_error *why)
{
    size_t         bytes = 0;
    enum pn_status st = cli_local_open(&s->local, words[0], &options->files, options->config, why);
    if (st != PN_OK)
        return st;
    const struct engine_job *job = &s->local.job;
    st = cli_model_read(&s->theta, &s->scaling, words[1], job->plan, job->schema, why);
    if (!with_targets)
        data_schema_drop_targets(job->schema);
    if (st == PN_OK)
        st = data_table_load(&s->table, job->schema, &s->local.source, NODE_DATA_BYTES_MAX, why);
    if (st == PN_OK) {
        data_table_scale(s->table, s->scaling);
        st = nn_evaluate_bytes(&bytes, job->plan, BATCH);
    }
    if (st == PN_OK && (s->workspace = aligned_alloc(64, (bytes + 63) / 64 * 64)) == NULL)
        st = pn_error_set(why, PN_ENOMEM, "no memory to run the network");
    return st == PN_OK ? nn_start_up() : st;
}

static void
session_close(struct session *s)
{
    data_table_free(s->table);
    free(s->scaling);
    free(s->theta);
    free(s->workspace);
    cli_local_close(&s->local);
}

static struct nn_records
records_of(const struct session *s)
{
    return (struct nn_records){.x      = s->table->x,
                               .target = data_table_target(s->table, 0),
                               .weight = s->table->weight,
                               .rows   = s->table->rows};
}

/* ---- evaluate ---- */

static enum pn_status
print_metrics(const struct session *s, const struct nn_metric *metrics, double loss, bool as_json)
{
    const struct engine_job *job = &s->local.job;
    struct text_json        *json;
    if (!as_json) {
        printf("%u records  loss %.5f", s->table->rows, loss);
        for (size_t m = 0; m < job->metric_count; m++)
            printf("  %s %.4f", nn_metric_names[job->metrics[m]], nn_metric_value(&metrics[m]));
        putchar('\n');
        return PN_OK;
    }
    enum pn_status st = text_json_new(&json);
    if (st != PN_OK)
        return st;
    text_json_u64(json, "records", s->table->rows);
    text_json_f64(json, "loss", loss);
    for (size_t m = 0; m < job->metric_count; m++)
        text_json_f64(json, nn_metric_names[job->metrics[m]], nn_metric_value(&metrics[m]));
    st = text_json_write(json, stdout);
    text_json_free(json);
    return st;
}

static enum pn_status
evaluate(struct session *s, bool as_json)
{
    const struct engine_job *job     = &s->local.job;
    struct nn_metric        *metrics = calloc(NN_METRICS_MAX, sizeof *metrics);
    struct nn_records        records = records_of(s);
    enum pn_status           st      = metrics == NULL ? PN_ENOMEM : PN_OK;
    for (size_t m = 0; st == PN_OK && m < job->metric_count; m++)
        st = nn_metric_init(&metrics[m], job->metrics[m], job->class_count);
    if (st == PN_OK) {
        double loss = nn_mean_loss(job->plan, s->theta, &records, BATCH, s->workspace);
        nn_evaluate(metrics, job->metric_count, job->plan, s->theta, &records, BATCH, s->workspace);
        st = print_metrics(s, metrics, loss, as_json);
    }
    free(metrics);
    return st;
}

int
cli_evaluate(int argc, char **argv)
{
    struct options       options = {.out = NULL};
    struct cli_arguments words   = {.noun = "evaluate", .verb = "", .words_min = 2, .words_max = 2};
    int                  code;
    if (!cli_parse(&options, evaluate_table, &words, argc, argv, &code))
        return code;
    struct pn_error why = {.text = ""};
    struct session  s   = {.table = NULL};
    enum pn_status  st  = session_open(&s, &options, words.words, true, &why);
    if (st == PN_OK)
        st = evaluate(&s, options.json);
    session_close(&s);
    pn_options_fini(&options, evaluate_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}

/* ---- predict ---- */

/* One line a record, in the order of the files: `score` for a binary network or a number, `class_0`
 * ... and the likeliest class for more. */
static void
print_scores(FILE *out, const nn_real *scores, uint32_t rows, uint32_t width, bool classes)
{
    fputs("record", out);
    for (uint32_t k = 0; k < width; k++)
        if (width == 1)
            fputs(",score", out);
        else
            fprintf(out, ",%s_%u", classes ? "class" : "output", k);
    fputs(classes && width > 1 ? ",class\n" : "\n", out);
    for (uint32_t r = 0; r < rows; r++) {
        const nn_real *row  = scores + (size_t)r * width;
        uint32_t       best = 0;
        fprintf(out, "%u", r + 1);
        for (uint32_t k = 0; k < width; k++) {
            fprintf(out, ",%.7g", (double)row[k]);
            best = row[k] > row[best] ? k : best;
        }
        if (classes && width > 1)
            fprintf(out, ",%u", best);
        fputc('\n', out);
    }
}

static enum pn_status
predict_scores(FILE *out, const struct session *s)
{
    const struct nn_plan *plan = s->local.job.plan;
    uint32_t              rows = s->table->rows, classes = nn_plan_class_count(plan);
    uint32_t              positions = nn_plan_positions(plan);
    uint32_t              width     = classes == 2 ? positions : nn_plan_output_size(plan);
    nn_real              *scores    = calloc((size_t)rows * width, sizeof *scores);
    if (scores == NULL)
        return PN_ENOMEM;
    nn_predict(scores, plan, s->theta, s->table->x, rows, BATCH, s->workspace);
    print_scores(out, scores, rows, width, classes > 0 && positions == 1);
    free(scores);
    return PN_OK;
}

/* Of an autoencoder: how badly it gives each record back, its score of anomaly. */
static enum pn_status
predict_losses(FILE *out, const struct session *s)
{
    struct nn_records records = records_of(s);
    double           *losses  = calloc(records.rows, sizeof *losses);
    if (losses == NULL)
        return PN_ENOMEM;
    nn_losses(losses, s->local.job.plan, s->theta, &records, s->workspace);
    fputs("record,score\n", out);
    for (uint32_t r = 0; r < records.rows; r++)
        fprintf(out, "%u,%.9g\n", r + 1, losses[r]);
    free(losses);
    return PN_OK;
}

static enum pn_status
predict(const struct session *s, const char *path, struct pn_error *why)
{
    FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    if (out == NULL)
        return pn_error_set(why, PN_EIO, "%s: %s", path, strerror(errno));
    enum pn_status st =
        s->local.job.schema->target_is_record ? predict_losses(out, s) : predict_scores(out, s);
    if (st != PN_OK)
        pn_error_set(why, st, "no memory for the scores");
    if ((fflush(out) != 0 || (out != stdout && fclose(out) != 0)) && st == PN_OK)
        st = pn_error_set(why, PN_EIO, "%s: writing failed", path);
    return st;
}

int
cli_predict(int argc, char **argv)
{
    struct options       options = {.json = false};
    struct cli_arguments words   = {.noun = "predict", .verb = "", .words_min = 2, .words_max = 2};
    int                  code;
    if (!cli_parse(&options, predict_table, &words, argc, argv, &code))
        return code;
    struct pn_error why = {.text = ""};
    struct session  s   = {.table = NULL};
    enum pn_status  st  = session_open(&s, &options, words.words, false, &why);
    if (st == PN_OK)
        st = predict(&s, options.out, &why);
    session_close(&s);
    pn_options_fini(&options, predict_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}
