/*
 * panal train -- one machine, one job, local records: to develop a model before federating it.
 *
 *     DIR/model.safetensors   the best model, by the validation records
 *     DIR/report.html         learning curves and what the test records say
 *     DIR/history.json        the same as numbers
 *     DIR/checkpoint.safetensors   to go on after a stop, with the same bits
 */
#include "cli/checkpoint.h"
#include "cli/command.h"
#include "cli/local.h"
#include "cli/model_file.h"
#include "cli/train_report.h"
#include "engine/trainer.h"
#include "store/files.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    PATH_SIZE      = 4096,
    LOCAL_MEMBER   = 1, /* seeds split and shuffles; any fixed number */
    EVALUATE_BATCH = 256,
    SAVE_EVERY_S   = 60
};

struct train_options {
    struct pn_text_list files;
    char               *config, *out;
    uint32_t            epochs, patience, threads;
    bool                resume, json;
};

static const struct pn_option train_table[] = {
    {"file", NULL, PN_OPT_LIST, offsetof(struct train_options, files), 0, 0,
     "records to train on; repeatable"},
    {"config", NULL, PN_OPT_TEXT, offsetof(struct train_options, config), 1, 4000,
     "node.yaml: the data it names"},
    {"out", "trained", PN_OPT_TEXT, offsetof(struct train_options, out), 1, 4000,
     "folder for the model, the report and the checkpoint"},
    {"epochs", "0", PN_OPT_U32, offsetof(struct train_options, epochs), 0, 1000000,
     "passes over the training records; 0: the job's epochs times its rounds"},
    {"patience", "0", PN_OPT_U32, offsetof(struct train_options, patience), 0, 1000000,
     "stop after so many epochs without progress; 0: as the job says"},
    {"threads", "0", PN_OPT_U32, offsetof(struct train_options, threads), 0, 256,
     "where the job cuts batches into parts; 0: as many as the machine has. The result is the "
     "same"},
    {"resume", "no", PN_OPT_FLAG, offsetof(struct train_options, resume), 0, 0,
     "go on from the checkpoint in the folder"},
    {"json", "no", PN_OPT_FLAG, offsetof(struct train_options, json), 0, 0,
     "print the result as JSON"},
    {0},
};

struct session {
    const struct train_options *options;
    struct cli_local            local;
    struct engine_trainer      *trainer;
    struct data_scaling        *scaling;
    struct nn_records           train, validation;
    struct nn_fit_config        config;
    struct nn_team             *team; /* NULL: batches in one part */
    uint32_t                    threads;
    struct nn_fit              *fit;
    void                       *workspace;
    size_t                      workspace_size;
    float                      *theta;
    struct cli_train_report     report;
    struct sec_hash             records;
    double                      began, saved, shown; /* seconds */
    bool                        terminal;
};

static volatile sig_atomic_t stop_wanted;

static void
take_signal(int number)
{
    (void)number;
    stop_wanted = 1;
}

static double
now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- before the start ---- */

static enum pn_status
make_scaling(struct session *s, struct pn_error *why)
{
    const struct data_schema *schema = s->local.job.schema;
    const struct data_sums   *sums   = engine_trainer_sums(s->trainer);
    s->scaling                       = calloc(schema->numeric_count, sizeof *s->scaling);
    if (s->scaling == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for the scaling");
    return data_scaling_from_sums(s->scaling, sums, schema, why);
}

static enum pn_status
load_records(struct session *s, struct pn_error *why)
{
    const struct engine_job     *job    = &s->local.job;
    struct engine_trainer_config config = {.job       = job,
                                           .source    = &s->local.source,
                                           .bytes_max = NODE_DATA_BYTES_MAX,
                                           .member    = LOCAL_MEMBER};
    enum pn_status               st     = engine_trainer_new(&s->trainer, &config, why);
    if (st == PN_OK && job->schema->needs_scaling)
        st = make_scaling(s, why);
    if (st == PN_OK)
        st = engine_trainer_scale(s->trainer, s->scaling);
    if (st != PN_OK)
        return st;
    s->train      = engine_trainer_records(s->trainer, DATA_TRAIN);
    s->validation = engine_trainer_records(s->trainer, DATA_VALIDATION);
    return PN_OK;
}

/* A checkpoint goes on with the same records only. */
static void
hash_records(struct session *s)
{
    struct sec_hasher hasher;
    size_t            in     = nn_plan_input_size(s->local.job.plan);
    size_t            target = nn_plan_target_size(s->local.job.plan);
    sec_hash_begin(&hasher, "records");
    for (int part = 0; part < 2; part++) {
        const struct nn_records *r = part == 0 ? &s->train : &s->validation;
        sec_hash_add(&hasher, &r->rows, sizeof r->rows);
        sec_hash_add(&hasher, r->x, r->rows * in * sizeof *r->x);
        sec_hash_add(&hasher, r->target, r->rows * target * sizeof *r->target);
    }
    sec_hash_end(&s->records, &hasher);
}

/* What the job says of stopping early, unless the command line does. A schedule goes over the whole
 * training: its steps, or its rounds of so many epochs. */
static void
plan_training(struct session *s)
{
    const struct fed_job *job     = s->local.job.job;
    uint32_t              a_round = fed_job_epochs(job, 0, s->train.rows);
    uint64_t epochs = s->options->epochs > 0 ? s->options->epochs : (uint64_t)a_round * job->rounds;
    uint32_t unit   = job->clock == FED_CLOCK_STEPS ? 0 : a_round;
    size_t   watch  = job->stop_metric != NULL ? engine_job_metric(&s->local.job, job->stop_metric)
                                               : s->local.job.metric_count;
    s->config       = (struct nn_fit_config){
              .training       = {.optimiser = job->optimiser,
                                 .batch     = job->batch,
                                 .epochs    = epochs > 1000000 ? 1000000 : (uint32_t)epochs,
                                 .average   = job->average,
                                 .pace      = {.schedule = job->schedule, .every = unit}},
              .plateau        = job->plateau,
              .watch          = watch < s->local.job.metric_count ? (int)watch : NN_WATCH_LOSS,
              .patience       = s->options->patience > 0   ? s->options->patience
                                : job->stop_metric != NULL ? job->patience
                                                           : 0,
              .min_delta      = job->min_delta,
              .evaluate_batch = EVALUATE_BATCH,
              .metric_count   = s->local.job.metric_count};
    memcpy(s->config.metrics, s->local.job.metrics, sizeof s->config.metrics);
}

static bool
look_around(void *context, uint64_t done, uint64_t total)
{
    struct session *s   = context;
    double          now = now_s();
    if (s->terminal && now - s->shown > 0.2) {
        s->shown = now;
        fprintf(stderr, "\r\033[Kstep %llu of %llu, %.0f %%", (unsigned long long)done,
                (unsigned long long)total, 100.0 * (double)done / (double)total);
    }
    return stop_wanted == 0 && now - s->saved < SAVE_EVERY_S;
}

/* As many threads as parts, as the machine has, and as were asked for. */
static enum pn_status
make_team(struct session *s, struct pn_error *why)
{
    long     there = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t most = s->options->threads > 0 ? s->options->threads : there > 0 ? (uint32_t)there : 1;
    s->threads    = most < s->local.job.job->parts ? most : s->local.job.job->parts;
    return engine_job_team(&s->team, &s->local.job, s->threads, s->train.rows, why);
}

static enum pn_status
make_fit(struct session *s, struct pn_error *why)
{
    const struct engine_job *job = &s->local.job;
    struct pn_rng            root, rng;
    enum pn_status           st = nn_plan_may_train(job->plan, why);
    if (st != PN_OK)
        return st;
    plan_training(s);
    if ((st = make_team(s, why)) != PN_OK)
        return st;
    s->config.training.team     = s->team;
    s->config.training.progress = look_around;
    s->config.training.context  = s;
    st = nn_fit_bytes(&s->workspace_size, job->plan, &s->config, s->train.rows);
    if (st != PN_OK)
        return pn_error_set(why, st, "the training does not fit into memory: %s",
                            pn_status_text(st));
    s->workspace = aligned_alloc(64, (s->workspace_size + 63) / 64 * 64);
    s->theta     = aligned_alloc(64, ((size_t)job->model_size + 63) / 64 * 64 + 64);
    if (s->workspace == NULL || s->theta == NULL)
        return pn_error_set(why, PN_ENOMEM, "the training needs %zu bytes more than there are",
                            s->workspace_size);
    engine_job_first_model(s->theta, job);
    pn_rng_init(&root, job->job->seed);
    pn_rng_derive(&rng, &root, PN_RNG_NODE, LOCAL_MEMBER);
    s->config.training.augment = engine_trainer_augment(s->trainer, &rng);
    st = nn_fit_init(&s->fit, s->workspace, job->plan, &s->train, &s->validation, &s->config, &rng);
    if (st != PN_OK)
        return pn_error_set(why, st,
                            "a target or a weight of these records does not fit the network's loss "
                            "(%s)",
                            nn_plan_loss(job->plan));
    return PN_OK;
}

static void
introduce(const struct session *s)
{
    const struct engine_job *job   = &s->local.job;
    const struct data_parts *parts = engine_trainer_parts(s->trainer);
    char                     params[32], bytes[32], flops[32], memory[32];
    cli_amount_text(params, (double)nn_plan_param_count(job->plan), "");
    cli_amount_text(bytes, (double)job->model_size, "B");
    cli_amount_text(flops, (double)nn_plan_flops(job->plan), "FLOP");
    cli_amount_text(memory, (double)s->workspace_size, "B");
    fprintf(stderr,
            "model     %s: %sparameters (%s); %s a record forward, about three times that to "
            "train\n",
            job->job->name, params, bytes, flops);
    fprintf(stderr, "records   %u to train, %u to validate, %u to test; %u features\n",
            parts->train, parts->validation, parts->test, job->schema->feature_count);
    fprintf(stderr, "training  %s, batch %u", job->job->optimiser.kind->name, job->job->batch);
    if (job->job->parts > 1)
        fprintf(stderr, " in %u parts by %u threads", job->job->parts, s->threads);
    else if (s->options->threads > 1)
        fputs(" in one part, by one thread (training.parts would allow more)", stderr);
    fprintf(stderr, ", at most %u epochs; needs %s beside the records\n", s->config.training.epochs,
            memory);
}

/* ---- checkpoints ---- */

static struct cli_checkpoint
checkpoint_of(struct session *s)
{
    struct cli_checkpoint checkpoint = {.plan    = s->local.job.plan,
                                        .job     = s->local.job.job->hash,
                                        .records = s->records,
                                        .theta   = s->theta,
                                        .best    = nn_fit_best_memory(s->fit),
                                        .cursor  = nn_fit_cursor(s->fit)};
    checkpoint.state                 = nn_fit_state(s->fit, &checkpoint.state_count);
    return checkpoint;
}

static void
path_of(char out[static PATH_SIZE], const struct session *s, const char *name)
{
    snprintf(out, PATH_SIZE, "%s/%s", s->options->out, name);
}

static enum pn_status
save(struct session *s, struct pn_error *why)
{
    char                  path[PATH_SIZE];
    struct cli_checkpoint checkpoint = checkpoint_of(s);
    path_of(path, s, "checkpoint.safetensors");
    s->saved = now_s();
    return cli_checkpoint_save(path, &checkpoint, why);
}

static enum pn_status
resume(struct session *s, struct pn_error *why)
{
    char                  path[PATH_SIZE];
    struct cli_checkpoint checkpoint = checkpoint_of(s);
    path_of(path, s, "checkpoint.safetensors");
    enum pn_status st = cli_checkpoint_load(&checkpoint, path, why);
    if (st != PN_OK)
        return st;
    if (nn_fit_resume(s->fit, &checkpoint.cursor) != PN_OK)
        return pn_error_set(why, PN_EDATA,
                            "%s: this training of %u epochs has no such place to go on from", path,
                            s->config.training.epochs);
    fprintf(stderr, "resumed   after step %llu, in epoch %u\n",
            (unsigned long long)checkpoint.cursor.training.step,
            checkpoint.cursor.training.epoch + 1);
    return PN_OK;
}

/* ---- training ---- */

static void
show_epoch(const struct session *s, const struct nn_fit_epoch *epoch)
{
    fprintf(stderr, "%sepoch %u/%u  %.1f s  train loss %.5f", s->terminal ? "\r\033[K" : "",
            epoch->epoch, s->config.training.epochs, now_s() - s->began, epoch->train_loss);
    if (s->validation.rows > 0) {
        fprintf(stderr, "  validation loss %.5f", epoch->validation_loss);
        for (size_t m = 0; m < s->config.metric_count; m++)
            if (s->config.metrics[m] != NN_LOG_LOSS)
                fprintf(stderr, "  %s %.4f", nn_metric_names[s->config.metrics[m]],
                        nn_metric_value(&epoch->metrics[m]));
    }
    fputs(epoch->is_best && s->validation.rows > 0 ? "  best\n" : "\n", stderr);
}

static enum pn_status
diverged(const struct session *s, struct pn_error *why)
{
    uint32_t    epoch;
    const char *culprit = nn_fit_culprit(s->fit);
    bool        kept    = nn_fit_best(s->fit, &epoch) != NULL;
    char        best[64];
    snprintf(best, sizeof best, "the model of epoch %u is kept", epoch);
    return pn_error_set(why, PN_EDIVERGED,
                        "training left the finite numbers, first in %s; %s. A smaller rate (now "
                        "%g) or clipping usually helps",
                        culprit != NULL ? culprit : "the loss",
                        kept ? best : "no epoch was finished", s->local.job.job->optimiser.rate);
}

static enum pn_status
run(struct session *s, struct pn_error *why)
{
    enum pn_status st = PN_OK;
    while (st == PN_OK && !nn_fit_is_done(s->fit) && stop_wanted == 0) {
        struct nn_fit_epoch epoch;
        st = nn_fit_epoch(&epoch, s->fit, s->theta);
        if (st == PN_ESTATE) { /* between two batches: it is time to save, or to stop */
            st = save(s, why);
            continue;
        }
        if (st == PN_EDIVERGED)
            return diverged(s, why);
        if (st != PN_OK)
            break;
        show_epoch(s, &epoch);
        st = cli_train_report_add(&s->report, &epoch);
        if (st == PN_OK && now_s() - s->saved >= SAVE_EVERY_S)
            st = save(s, why);
    }
    if (st == PN_OK)
        st = save(s, why);
    if (s->terminal)
        fputs("\r\033[K", stderr);
    return st;
}

/* ---- after it ---- */

static enum pn_status
measure_test(struct session *s)
{
    s->report.test_rows = engine_trainer_parts(s->trainer)->test;
    if (s->report.test_rows == 0)
        return PN_OK;
    uint32_t       epoch;
    const nn_real *best = nn_fit_best(s->fit, &epoch);
    return engine_trainer_evaluate(s->report.test, best, s->trainer, DATA_TEST);
}

static enum pn_status
finish(struct session *s, struct pn_error *why)
{
    char                    path[PATH_SIZE];
    struct cli_model_origin origin = {.federation = ""};
    const nn_real          *best   = nn_fit_best(s->fit, &s->report.best_epoch);
    if (best == NULL) {
        fprintf(stderr, "stopped before the first epoch ended; --resume goes on\n");
        return PN_OK;
    }
    s->report.seconds = now_s() - s->began;
    s->report.stopped = stop_wanted != 0;
    sec_hash_text(origin.job, &s->local.job.job->hash);
    path_of(path, s, "model.safetensors");
    enum pn_status st = cli_model_write(path, best, s->local.job.plan, s->local.job.schema,
                                        s->scaling, &origin, why);
    if (st == PN_OK)
        st = measure_test(s);
    if (st == PN_OK)
        st = cli_train_report_write(&s->report, s->options->out, why);
    if (st != PN_OK)
        return st;
    if (s->options->json)
        return cli_train_report_json(stdout, &s->report);
    cli_train_report_text(stdout, &s->report);
    printf("model     %s/model.safetensors\nreport    %s/report.html, history.json\n",
           s->options->out, s->options->out);
    if (s->report.stopped)
        printf("stopped   `panal train ... --resume` goes on from here\n");
    return PN_OK;
}

static enum pn_status
train(struct session *s, const char *job_path, struct pn_error *why)
{
    struct sigaction action = {.sa_handler = take_signal};
    enum pn_status   st =
        cli_local_open(&s->local, job_path, &s->options->files, s->options->config, why);
    if (st == PN_OK)
        st = store_folder_make(s->options->out, why);
    if (st == PN_OK)
        st = load_records(s, why);
    if (st == PN_OK)
        st = make_fit(s, why);
    if (st != PN_OK)
        return st;
    hash_records(s);
    s->report.job    = &s->local.job;
    s->report.config = &s->config;
    introduce(s);
    if (s->options->resume)
        st = resume(s, why);
    if (st != PN_OK)
        return st;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    s->began = s->saved    = now_s();
    enum pn_status trained = run(s, why);
    if (trained != PN_OK && trained != PN_EDIVERGED)
        return trained;
    struct pn_error ignored;
    st = finish(s, trained == PN_OK ? why : &ignored);
    return trained == PN_OK ? st : trained;
}

int
cli_train(int argc, char **argv)
{
    struct train_options options;
    struct cli_arguments words = {.noun = "train", .verb = "", .words_min = 1, .words_max = 1};
    int                  code;
    if (!cli_parse(&options, train_table, &words, argc, argv, &code))
        return code;
    struct pn_error why = {.text = ""};
    struct session  s   = {.options = &options, .terminal = isatty(2) == 1};
    enum pn_status  st  = nn_start_up();
    if (st == PN_OK)
        st = train(&s, words.words[0], &why);
    engine_trainer_free(s.trainer);
    cli_train_report_fini(&s.report);
    nn_team_free(s.team);
    free(s.scaling);
    free(s.workspace);
    free(s.theta);
    cli_local_close(&s.local);
    pn_options_fini(&options, train_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}
