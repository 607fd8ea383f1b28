#include "fed/job.h"

#include "fed/round.h"
#include "tests/support/expect.h"

#include <stdio.h>
#include <stdlib.h>

#define MODEL                                                                                      \
    "model: |\n"                                                                                   \
    "  x    = input 3\n"                                                                           \
    "  out  = dense x 1\n"                                                                         \
    "  loss = bce_logits out\n"
#define HEAD "version: 1\nname: fraud\n" MODEL "data: { format: csv }\n"
#define ROUNDS "rounds: { count: 20, cohort: 5, quorum: 3 }\n"

static enum pn_status
parse(struct fed_job **out, const char *text, struct pn_error *why)
{
    /* An exact copy without a NUL, so that a sanitizer sees a read beyond the end. */
    size_t size = strlen(text);
    char  *copy = malloc(size + (size == 0));
    assert_non_null(copy);
    memcpy(copy, text, size);
    why->text[0]      = '\0';
    enum pn_status st = fed_job_parse(out, "job.yaml", copy, size, why);
    free(copy);
    return st;
}

static void
expect_refused(const char *text, const char *part, int line)
{
    struct fed_job *job = NULL;
    struct pn_error why;
    if (parse(&job, text, &why) != PN_ECONFIG || job != NULL) {
        print_error("this was not refused:\n%s", text);
        _fail(__FILE__, line);
    }
    expect_says(&why, part, __FILE__, line);
}
#define EXPECT_REFUSED(text, part) expect_refused((text), (part), __LINE__)

static void
job_has_sane_defaults(void **state)
{
    (void)state;
    struct fed_job *job;
    struct pn_error why;
    EXPECT_OK(parse(&job, HEAD ROUNDS, &why));
    assert_string_equal(job->name, "fraud");
    assert_int_equal(job->seed, 0);
    assert_int_equal(job->rounds, 20);
    assert_int_equal(job->cohort, 5);
    assert_int_equal(job->quorum, 3);
    assert_int_equal(job->attempts, 5);
    assert_int_equal(job->gather_ms, 60000);
    assert_int_equal(job->invite_ms, 10000);
    assert_int_equal(job->train_ms, 600000);
    assert_int_equal(job->collect_ms, 120000);
    assert_int_equal(job->evaluate_ms, 60000);
    assert_int_equal(job->batch, 32);
    assert_int_equal(job->epochs, 1);
    assert_true(job->clip == 10 && job->update_norm_max == 100);
    assert_int_equal(job->weight_max, 1000000);
    assert_ptr_equal(job->optimiser.kind, &nn_sgd_kind);
    assert_true(job->optimiser.rate == 0.01);
    assert_null(job->stop_metric);
    assert_int_equal(job->classes, 2);
    assert_non_null(job->data);
    assert_int_equal(job->text_size, strlen(HEAD ROUNDS));
    fed_job_free(job);
    fed_job_free(NULL);
}

static void
job_reads_every_field(void **state)
{
    (void)state;
    struct fed_job *job;
    struct pn_error why;
    EXPECT_OK(parse(&job,
                    "version: 1\nname: a.b-c_9\nseed: 18446744073709551615\nprofile: open\n" MODEL
                    "data: { format: csv }\n"
                    "training: { optimiser: adam, rate: 0.5, beta1: 0.8, beta2: 0.99,\n"
                    "            epsilon: 0.0001, l2: 0.25, batch: 8, epochs: 3, clip: 2 }\n"
                    "rounds: { count: 2, cohort: 7, quorum: 7, gather: 30s, invite: 10ms,\n"
                    "          train: 5m, collect: 1h, evaluate: 1500, attempts: 9 }\n"
                    "stopping: { metric: log_loss, patience: 4, min_delta: 0.125 }\n"
                    "limits: { update_norm: 3, weight: 50 }\n",
                    &why));
    assert_true(job->seed == UINT64_MAX);
    assert_ptr_equal(job->optimiser.kind, &nn_adam_kind);
    assert_true(job->optimiser.rate == 0.5 && job->optimiser.beta1 == 0.8);
    assert_true(job->optimiser.beta2 == 0.99 && job->optimiser.epsilon == 0.0001);
    assert_true(job->optimiser.l2 == 0.25 && job->clip == 2 && job->update_norm_max == 3);
    assert_int_equal(job->batch, 8);
    assert_int_equal(job->epochs, 3);
    assert_string_equal(job->stop_metric, "log_loss");
    assert_int_equal(job->patience, 4);
    assert_true(job->min_delta == 0.125);

    struct fed_round_limits limits;
    fed_round_limits_from_job(&limits, job);
    assert_int_equal(limits.rounds, 2);
    assert_int_equal(limits.cohort, 7);
    assert_int_equal(limits.quorum, 7);
    assert_int_equal(limits.attempts, 9);
    assert_int_equal(limits.gather_ms, 30000);
    assert_int_equal(limits.invite_ms, 10);
    assert_int_equal(limits.train_ms, 300000);
    assert_int_equal(limits.collect_ms, 3600000);
    assert_int_equal(limits.evaluate_ms, 1500);
    assert_int_equal(limits.retry_ms, 2000);
    assert_int_equal(limits.weight_max, 50);
    assert_int_equal(limits.patience, 4);
    assert_true(limits.stopping && limits.stop_on_smaller && limits.seed == UINT64_MAX);
    fed_job_free(job);
}

/* Every optimiser can be named, with its own defaults; the schedule counts rounds. */
static void
job_names_any_optimiser_and_a_schedule(void **state)
{
    (void)state;
    struct pn_error why;
    for (size_t i = 0; nn_optimiser_kinds[i] != NULL; i++) {
        struct fed_job            *job;
        struct nn_optimiser_config expected;
        struct nn_training         third;
        char                       text[512];
        (void)snprintf(text, sizeof text,
                       HEAD ROUNDS "training: { optimiser: %s, clip_norm: 5, max_norm: 3,\n"
                                   "  schedule: exp factor=0.5 }\n",
                       nn_optimiser_kinds[i]->name);
        EXPECT_OK(parse(&job, text, &why));
        nn_optimiser_init(&expected, nn_optimiser_kinds[i]);
        expected.clip_norm = 5;
        expected.max_norm  = 3;
        assert_memory_equal(&job->optimiser, &expected, sizeof expected);
        fed_job_training(&third, job, 3, 0, 100);
        assert_true(nn_schedule_rate(&third.pace.schedule, 1, third.pace.before, 0) == 0.25);
        fed_job_free(job);
    }
}

/* The clock of a schedule: rounds, or steps over all rounds; parts, plateau and running mean. */
static void
training_says_how_the_rate_goes_on(void **state)
{
    (void)state;
    struct fed_job    *job;
    struct nn_training training;
    struct pn_error    why;
    EXPECT_OK(parse(&job,
                    HEAD ROUNDS "training: { schedule: linear, clock: steps, batch: 8, epochs: 2,\n"
                                "  parts: 4, plateau: patience=3 factor=0.5, average: 0.99 }\n",
                    &why));
    assert_int_equal(job->parts, 4);
    assert_int_equal(job->plateau.patience, 3);
    assert_true(job->plateau.factor == 0.5 && job->average == 0.99);
    fed_job_training(&training, job, 3, 0, 17); /* 3 batches an epoch, 6 steps a round */
    assert_int_equal(training.pace.every, 0);
    assert_int_equal(training.pace.before, 12);
    assert_int_equal(training.pace.total, 120);
    assert_int_equal(training.batch, 8);
    fed_job_free(job);
    EXPECT_OK(parse(&job, HEAD ROUNDS "training: { epochs: 2 }\n", &why));
    fed_job_training(&training, job, 3, 0, 17);
    assert_int_equal(training.pace.every, 2);
    assert_int_equal(training.pace.before, 2);
    assert_int_equal(training.pace.total, 20);
    assert_true(job->parts == 1 && job->plateau.factor == 0 && job->average == 0);
    fed_job_free(job);
    EXPECT_REFUSED(HEAD ROUNDS "training: { clock: days }\n", "clock");
    EXPECT_REFUSED(HEAD ROUNDS "training: { parts: 0 }\n", "parts");
    EXPECT_REFUSED(HEAD ROUNDS "training: { parts: 8, batch: 4 }\n",
                   "parts: expected at most the batch, 4; seen 8");
    EXPECT_REFUSED(
        HEAD ROUNDS "training: { plateau: patients=3 }\n",
        "plateau understands key=value as nnlib/schedule.h lists them, not 'patients=3'");
    EXPECT_REFUSED(HEAD ROUNDS "training: { plateau: factor=2 }\n", "factor");
    EXPECT_REFUSED(HEAD ROUNDS "training: { average: 1 }\n", "average");
}

static void
job_names_the_metrics_that_members_measure(void **state)
{
    (void)state;
    struct fed_job *job;
    struct pn_error why;
    EXPECT_OK(parse(&job, HEAD ROUNDS, &why));
    assert_int_equal(job->metric_count, 4);
    assert_int_equal(job->metrics[0], NN_ACCURACY);
    fed_job_free(job);
    EXPECT_OK(parse(&job, HEAD ROUNDS "metrics: [mcc, ece]\nstopping: { metric: f1 }\n", &why));
    assert_int_equal(job->metric_count, 3);
    assert_int_equal(job->metrics[0], NN_MCC);
    assert_int_equal(job->metrics[1], NN_ECE);
    assert_int_equal(job->metrics[2], NN_F1); /* stopping looks at it */
    assert_string_equal(job->stop_metric, "f1");
    fed_job_free(job);
}

static void
refusals_say_where_and_what(void **state)
{
    (void)state;
    EXPECT_REFUSED("", "job.yaml");
    EXPECT_REFUSED(HEAD ROUNDS "sed: 7\n", "job.yaml:9:");
    EXPECT_REFUSED(HEAD, "rounds");
    EXPECT_REFUSED("version: 2\nname: fraud\n" MODEL "data: { format: csv }\n" ROUNDS, "version");
    EXPECT_REFUSED("version: 1\nname: ../x\n" MODEL "data: { format: csv }\n" ROUNDS,
                   "job.yaml:2:7: name: expected 1 to 31");
    EXPECT_REFUSED("version: 1\nname: .x\n" MODEL "data: { format: csv }\n" ROUNDS,
                   "not first a dot");
    EXPECT_REFUSED(HEAD ROUNDS "profile: private\n", "not in this version");
    EXPECT_REFUSED("version: 1\nname: x\nmodel: x = dense\ndata: { format: csv }\n" ROUNDS,
                   "job.yaml:3:8: model:");
    EXPECT_REFUSED("version: 1\nname: x\n" MODEL ROUNDS, "data");
}

static void
rules_between_fields_are_checked(void **state)
{
    (void)state;
    EXPECT_REFUSED(HEAD "rounds: { count: 20, cohort: 5, quorum: 6 }\n",
                   "quorum: expected at most the cohort, 5; seen 6");
    EXPECT_REFUSED(HEAD "rounds: { count: 20, cohort: 5, quorum: 0 }\n", "quorum");
    EXPECT_REFUSED(HEAD "rounds: { count: 0, cohort: 5, quorum: 2 }\n", "count");
    EXPECT_REFUSED(HEAD "rounds: { count: 1, cohort: 1025, quorum: 2 }\n", "cohort");
    EXPECT_REFUSED(HEAD "rounds: { count: 1, cohort: 5, quorum: 2, train: 0 }\n", "train");
    EXPECT_REFUSED(HEAD ROUNDS "limits: { weight: 500000000 }\n", "cohort * weight below 2^31");
    EXPECT_REFUSED(HEAD "rounds: { count: 1, cohort: 1024, quorum: 2 }\n"
                        "limits: { weight: 2097152 }\n",
                   "cohort * weight");
    EXPECT_REFUSED(HEAD ROUNDS "training: { clip: 100 }\n", "update_norm");
    EXPECT_REFUSED(HEAD ROUNDS "training: { clip: 0 }\n", "clip");
    EXPECT_REFUSED(HEAD ROUNDS "training: { batch: 0 }\n", "batch");
    EXPECT_REFUSED(HEAD ROUNDS "training: { epochs: 0 }\n", "epochs");
    EXPECT_REFUSED(HEAD ROUNDS "training: { epochs: 1, steps: 5 }\n", "steps");
    EXPECT_REFUSED(HEAD ROUNDS "training: { rate: 0 }\n",
                   "job.yaml:9:19: rate: expected a number 1e-12..1000, seen '0'");
    EXPECT_REFUSED(HEAD ROUNDS "training: { momentum: 1 }\n", "momentum");
    EXPECT_REFUSED(HEAD ROUNDS "training: { optimiser: adam, momentum: 0.9 }\n",
                   "momentum: belongs to optimiser sgd");
    EXPECT_REFUSED(HEAD ROUNDS "training: { beta1: 0.9 }\n", "beta1: belongs to optimiser adam");
    EXPECT_REFUSED(HEAD ROUNDS "training: { optimiser: rmspop }\n", "optimiser");
    EXPECT_REFUSED(HEAD ROUNDS "training: { optimiser: nadam, rho: 0.9 }\n",
                   "rho: belongs to optimiser adadelta, not nadam");
    EXPECT_REFUSED(HEAD ROUNDS "training: { optimiser: adam, amsgrad: maybe }\n",
                   "amsgrad: expected one of no, yes; seen 'maybe'");
    EXPECT_REFUSED(HEAD ROUNDS "training: { nesterov: yes }\n", "nesterov: expected a momentum");
    EXPECT_REFUSED(HEAD ROUNDS "training: { momentun: 0.9 }\n", "did you mean \"momentum\"");
    EXPECT_REFUSED(HEAD ROUNDS "training: { rate: [1] }\n", "rate");
    EXPECT_REFUSED(HEAD ROUNDS "training: { schedule: cosin }\n",
                   "job.yaml:9:23: schedule: expected one of constant, step, exp");
    EXPECT_REFUSED(HEAD ROUNDS "training: { schedule: step every=0 }\n",
                   "every: expected a number 1..1e+12, seen '0'");
    EXPECT_REFUSED(HEAD ROUNDS "stopping: { metric: f2 }\n", "there is no metric 'f2'");
    EXPECT_REFUSED(HEAD ROUNDS "stopping: { metric: rmse }\n",
                   "job.yaml:9:21: rmse does not fit a model of two classes");
    EXPECT_REFUSED(HEAD ROUNDS "metrics: [auroc, aucroc]\n",
                   "job.yaml:9:18: there is no metric 'aucroc'; did you mean 'auroc'?");
    EXPECT_REFUSED(HEAD ROUNDS "metrics: [auroc, top5]\n", "top5 does not fit");
    EXPECT_REFUSED(HEAD ROUNDS "metrics: [auroc, f1, auroc]\n", "auroc is given twice");
    EXPECT_REFUSED(HEAD ROUNDS "metrics: []\n", "metrics: expected at least one");
    EXPECT_REFUSED(HEAD ROUNDS "metrics: [[f1]]\n", "metrics: expected a list of names");
    EXPECT_REFUSED(HEAD ROUNDS
                   "metrics: [accuracy, auroc, auprc, log_loss, precision, recall, f1,\n"
                   "  specificity, precision_macro, recall_macro, f1_macro, mcc, kappa,\n"
                   "  brier, ece, ks, gini]\n",
                   "expected at most 16 metrics");
    EXPECT_REFUSED(HEAD ROUNDS "stopping: { patience: 3 }\n", "metric");
    EXPECT_REFUSED(HEAD ROUNDS "stopping: { metric: auroc, patience: 0 }\n", "patience");
}

static void
job_that_is_too_large_is_refused(void **state)
{
    (void)state;
    struct fed_job *job   = NULL;
    struct pn_error why   = {0};
    char           *large = malloc(FED_JOB_TEXT_MAX + 1);
    assert_non_null(large);
    memset(large, '#', FED_JOB_TEXT_MAX + 1);
    EXPECT_STATUS(PN_ECONFIG, fed_job_parse(&job, "job.yaml", large, FED_JOB_TEXT_MAX + 1, &why));
    EXPECT_SAYS(&why, "at most 61440 bytes, seen 61441");
    free(large);
}

static void
run_depends_on_federation_job_and_label(void **state)
{
    (void)state;
    struct fed_job *a, *b;
    struct pn_error why;
    uint8_t         run[5][16];
    EXPECT_OK(parse(&a, HEAD ROUNDS, &why));
    EXPECT_OK(parse(&b, HEAD ROUNDS "seed: 1\n", &why));
    assert_false(sec_hash_equal(&a->hash, &b->hash));
    fed_job_run(run[0], "demo", a, "1");
    fed_job_run(run[1], "demo", a, "1");
    fed_job_run(run[2], "demo", a, "2");
    fed_job_run(run[3], "dem", a, "1");
    fed_job_run(run[4], "demo", b, "1");
    assert_memory_equal(run[0], run[1], 16);
    for (size_t i = 2; i < 5; i++)
        assert_memory_not_equal(run[0], run[i], 16);

    /* The definition, written out. */
    uint8_t         bytes[4 + 1 + 32 + 1 + 1] = "demo";
    struct sec_hash expected;
    memcpy(bytes + 5, a->hash.bytes, 32);
    bytes[38] = '1';
    sec_hash_of(&expected, "run", bytes, sizeof bytes);
    assert_memory_equal(run[0], expected.bytes, 16);
    fed_job_free(a);
    fed_job_free(b);
}

/* So many batches whatever the site's size: passes over its records, the last one in part. */
static void
steps_take_the_place_of_epochs(void **state)
{
    (void)state;
    struct fed_job    *job;
    struct pn_error    why;
    struct nn_training training;
    EXPECT_OK(parse(&job, HEAD ROUNDS "training: { batch: 8, steps: 25 }\n", &why));
    assert_int_equal(fed_job_epochs(job, 0, 80), 3);
    assert_int_equal(fed_job_epochs(job, 0, 1000), 1);
    assert_int_equal(fed_job_epochs(job, 41, 80), 5);
    fed_job_training(&training, job, 1, 0, 80);
    assert_int_equal(training.steps, 25);
    assert_int_equal(training.epochs, 3);
    fed_job_training(&training, job, 4, 41, 80);
    assert_int_equal(training.steps, 41);
    assert_int_equal(training.epochs, 5);
    assert_int_equal(training.pace.every, 5);
    assert_int_equal(training.pace.before, 3);
    fed_job_free(job);
    EXPECT_REFUSED(HEAD ROUNDS "training: { epochs: 2, steps: 25 }\n",
                   "steps: expected one of epochs, steps and time, seen epochs, too");
    EXPECT_REFUSED(HEAD ROUNDS "training: { steps: 0 }\n", "steps");
}

/* Trained for so long a round, which an update must still come after. */
static void
time_takes_the_place_of_epochs(void **state)
{
    (void)state;
    struct fed_job *job;
    struct pn_error why;
    EXPECT_OK(parse(&job, HEAD ROUNDS "training: { time: 30s }\n", &why));
    assert_int_equal(job->time_ms, 30000);
    assert_int_equal(fed_job_epochs(job, 0, 80), 1);
    fed_job_free(job);
    EXPECT_OK(parse(&job, HEAD ROUNDS "training: { time: 599999 }\n", &why));
    fed_job_free(job);
    EXPECT_REFUSED(HEAD ROUNDS "training: { time: 10m }\n",
                   "train: expected more than training.time, 600000 ms");
    EXPECT_REFUSED(HEAD "rounds: { count: 2, cohort: 2, quorum: 2, train: 1m }\n"
                        "training: { time: 61s }\n",
                   "seen 60000 ms");
    EXPECT_REFUSED(HEAD ROUNDS "training: { time: 0 }\n", "time");
    EXPECT_REFUSED(HEAD ROUNDS "training: { time: soon }\n", "time");
    EXPECT_REFUSED(HEAD ROUNDS "training: { time: 30s, epochs: 1 }\n",
                   "time: expected one of epochs, steps and time, seen epochs, too");
    EXPECT_REFUSED(HEAD ROUNDS "training: { steps: 8, time: 30s }\n",
                   "time: expected one of epochs, steps and time, seen steps, too");
    EXPECT_REFUSED(HEAD ROUNDS "training: { schedule: linear, clock: steps, time: 30s }\n",
                   "time: a schedule cannot count steps");
}

#define INTERVAL(more) HEAD ROUNDS "training: { steps: 64, interval: { " more " } }\n"

static void
an_interval_adapts_the_steps(void **state)
{
    (void)state;
    struct fed_job *job;
    struct pn_error why;
    EXPECT_OK(parse(&job, HEAD ROUNDS "training: { steps: 64 }\n", &why));
    assert_int_equal(job->interval.max, 0);
    fed_job_free(job);
    EXPECT_OK(parse(&job,
                    INTERVAL("metric: mcc, min: 64, max: 128, min_delta: 0.5") "metrics: [auroc]\n",
                    &why));
    assert_int_equal(job->interval.metric, NN_MCC);
    assert_int_equal(job->interval.min, 64);
    assert_int_equal(job->interval.max, 128);
    assert_true(job->interval.min_delta == 0.5);
    assert_int_equal(job->metric_count, 2); /* it is measured anyway */
    assert_int_equal(job->metrics[1], NN_MCC);
    fed_job_free(job);
    EXPECT_OK(parse(
        &job,
        INTERVAL(
            "metric: auroc, min: 1, max: 64") "stopping: { metric: auroc }\nmetrics: [log_loss]\n",
        &why));
    assert_int_equal(job->metric_count, 2); /* once */
    fed_job_free(job);
    EXPECT_REFUSED(INTERVAL("min: 1, max: 64"), "metric");
    EXPECT_REFUSED(INTERVAL("metric: auroc, max: 64"), "min");
    EXPECT_REFUSED(INTERVAL("metric: auroc, min: 1"), "max");
    EXPECT_REFUSED(INTERVAL("metric: aurocc, min: 1, max: 64"), "did you mean 'auroc'?");
    EXPECT_REFUSED(INTERVAL("metric: rmse, min: 1, max: 64"), "does not fit");
    EXPECT_REFUSED(INTERVAL("metric: auroc, min: 0, max: 64"), "min");
    EXPECT_REFUSED(INTERVAL("metric: auroc, min: 1, max: 10000001"), "max");
    EXPECT_REFUSED(INTERVAL("metric: auroc, min: 1, max: 64, patience: 2"), "patience");
    EXPECT_REFUSED(INTERVAL("metric: auroc, min: 65, max: 128"),
                   "expected steps between min and max; seen steps 64, min 65, max 128");
    EXPECT_REFUSED(INTERVAL("metric: auroc, min: 1, max: 63"), "expected steps between");
    EXPECT_REFUSED(HEAD ROUNDS "training: { interval: { metric: auroc, min: 1, max: 64 } }\n",
                   "expected training.steps, too");
    EXPECT_REFUSED(HEAD ROUNDS "training: { time: 1s, interval: { metric: auroc, min: 1, max: 64 } "
                               "}\n",
                   "expected training.steps, too");
    EXPECT_REFUSED(HEAD ROUNDS "training: { schedule: linear, clock: steps, steps: 64,\n"
                               "  interval: { metric: auroc, min: 1, max: 64 } }\n",
                   "interval: a schedule cannot count steps");
    EXPECT_REFUSED(HEAD "rounds: { count: 2, cohort: 2, quorum: 2, follow: cohort }\n"
                        "training: { steps: 64, interval: { metric: auroc, min: 1, max: 64 } }\n",
                   "every node needs every block");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_take_the_place_of_epochs),
        cmocka_unit_test(time_takes_the_place_of_epochs),
        cmocka_unit_test(an_interval_adapts_the_steps),
        cmocka_unit_test(job_has_sane_defaults),
        cmocka_unit_test(job_reads_every_field),
        cmocka_unit_test(job_names_any_optimiser_and_a_schedule),
        cmocka_unit_test(training_says_how_the_rate_goes_on),
        cmocka_unit_test(job_names_the_metrics_that_members_measure),
        cmocka_unit_test(refusals_say_where_and_what),
        cmocka_unit_test(rules_between_fields_are_checked),
        cmocka_unit_test(job_that_is_too_large_is_refused),
        cmocka_unit_test(run_depends_on_federation_job_and_label),
    };
    if (sec_init() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
