/*
 * How long a round's training is: counted, or until the host's clock says that its time is up.
 */
#include "engine/trainer.h"

#include "nnlib/pass.h"
#include "support/expect.h"
#include "support/folder.h"

enum {
    RECORDS = 40, /* all to train on: 5 batches an epoch */
    PARAMS  = 2
};

#define NS_A_MS 1000000u

static char                folder[FOLDER_PATH], path[FOLDER_PATH];
static char               *files[] = {path};
static struct data_source  source  = {.files = files, .file_count = 1};

static int
start(void **state)
{
    (void)state;
    folder_new(folder);
    folder_path(path, folder, "site.csv");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < RECORDS; i++)
        (void)fprintf(file, "%d.5,%d\n", i % 7 - 3, i % 7 > 3);
    assert_int_equal(fclose(file), 0);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

static struct engine_job
a_job(const char *pace)
{
    char              text[1024];
    struct engine_job job;
    struct pn_error   why = {.text = ""};
    int len = snprintf(text, sizeof text,
                       "version: 1\nname: paced\n"
                       "model: |\n  x = input 1\n  out = dense x 1\n  loss = bce_logits out\n"
                       "data:\n  format: csv\n  header: false\n  columns:\n"
                       "    - { name: a, type: numeric }\n"
                       "    - { name: y, type: target, positive: [\"1\"] }\n"
                       "  split: { validation: 0, test: 0 }\n"
                       "training: { batch: 8, rate: 0.1, %s }\n"
                       "rounds: { count: 2, cohort: 2, quorum: 2 }\n",
                       pace);
    expect_status(PN_OK, engine_job_init(&job, "job.yaml", text, (size_t)len, &why), why.text,
                  __FILE__, __LINE__);
    assert_int_equal(job.model_size, PARAMS * 4);
    return job;
}

/* A clock that is asked once at the start and once after each step. */
struct host {
    uint64_t now, a_step; /* nanoseconds */
    uint64_t cost[64], asked;
};

static uint64_t
clock_of(void *context, uint64_t cost)
{
    struct host *host = context;
    assert_in_range(host->asked, 0, 63);
    host->cost[host->asked] = cost;
    return host->now + host->a_step * host->asked++;
}

/* One training; `out` and `theta` may be looked at. */
static enum pn_status
train(float theta[static PARAMS], struct engine_trained *out, const char *pace, uint32_t steps,
      struct host *host, struct engine_progress *progress)
{
    struct engine_job           job   = a_job(pace);
    struct engine_trainer      *trainer;
    struct pn_ports             ports = {.host = host, .clock = clock_of};
    struct pn_error             why   = {.text = ""};
    struct engine_trainer_config config = {
        .job = &job, .source = &source, .bytes_max = 1 << 20, .member = 3};
    expect_status(PN_OK, engine_trainer_new(&trainer, &config, &why), why.text, __FILE__, __LINE__);
    EXPECT_OK(engine_trainer_scale(trainer, NULL));
    engine_job_first_model(theta, &job);
    enum pn_status st =
        engine_trainer_train(theta, out, trainer,
                             &(struct engine_training){.round    = 1,
                                                       .steps    = steps,
                                                       .ports    = host != NULL ? &ports : NULL,
                                                       .progress = progress});
    engine_trainer_free(trainer);
    engine_job_fini(&job);
    return st;
}

/* After the batch in which the time ran out, in the middle of an epoch too; as so many steps. */
static void
a_training_by_time_ends_with_the_batch_in_which_it_is_up(void **state)
{
    (void)state;
    static const struct {
        uint64_t a_step, steps;
    } cases[] = {{NS_A_MS, 10}, {NS_A_MS + 1, 10}, {NS_A_MS - 1, 11}, {10 * NS_A_MS, 1},
                 {10 * NS_A_MS - 1, 2}, {3600000ull * NS_A_MS, 1}, {3 * NS_A_MS, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct host           host = {.now = 77, .a_step = cases[i].a_step};
        struct engine_trained timed, counted;
        float                 theta[PARAMS], same[PARAMS];
        EXPECT_OK(train(theta, &timed, "time: 10ms", 0, &host, NULL));
        assert_int_equal(timed.steps, cases[i].steps);
        assert_int_equal(host.asked, cases[i].steps + 1);
        EXPECT_OK(train(same, &counted, "steps: 1000", (uint32_t)cases[i].steps, NULL, NULL));
        assert_int_equal(counted.steps, cases[i].steps);
        assert_memory_equal(theta, same, sizeof theta);
        assert_true(timed.loss == counted.loss);
    }
}

/* What a simulator's clock goes by: the bytes that the records so far have touched. */
static void
the_clock_hears_what_the_steps_cost(void **state)
{
    (void)state;
    struct host           host = {.a_step = NS_A_MS};
    struct engine_trained out;
    float                 theta[PARAMS];
    EXPECT_OK(train(theta, &out, "time: 12ms", 0, &host, NULL));
    for (uint64_t i = 0; i <= 12; i++)
        assert_int_equal(host.cost[i], 6 * PARAMS * 4 * 8 * i / 16);
}

static void
progress_of_a_time_is_in_milliseconds_and_can_stop_it(void **state)
{
    (void)state;
    struct host            host = {.a_step = 3 * NS_A_MS};
    struct engine_progress progress;
    struct engine_trained  out;
    float                  theta[PARAMS];
    atomic_init(&progress.done, 0);
    atomic_init(&progress.total, 0);
    atomic_init(&progress.stop, false);
    EXPECT_OK(train(theta, &out, "time: 10ms", 0, &host, &progress));
    assert_int_equal(atomic_load(&progress.done), 10);
    assert_int_equal(atomic_load(&progress.total), 10);
    host = (struct host){.a_step = NS_A_MS};
    atomic_store(&progress.stop, true);
    EXPECT_STATUS(PN_ESTATE, train(theta, &out, "time: 10ms", 0, &host, &progress));
    assert_int_equal(atomic_load(&progress.done), 1);
}

/* panal train, and what panal lab compares with. */
static void
without_a_clock_a_time_is_an_epoch(void **state)
{
    (void)state;
    struct engine_trained out;
    float                 theta[PARAMS];
    EXPECT_OK(train(theta, &out, "time: 10ms", 0, NULL, NULL));
    assert_int_equal(out.steps, 5);
    EXPECT_OK(train(theta, &out, "epochs: 2", 0, NULL, NULL));
    assert_int_equal(out.steps, 10);
    EXPECT_OK(train(theta, &out, "steps: 7", 0, NULL, NULL));
    assert_int_equal(out.steps, 7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_training_by_time_ends_with_the_batch_in_which_it_is_up),
        cmocka_unit_test(the_clock_hears_what_the_steps_cost),
        cmocka_unit_test(progress_of_a_time_is_in_milliseconds_and_can_stop_it),
        cmocka_unit_test(without_a_clock_a_time_is_an_epoch),
    };
    if (sec_init() != PN_OK || nn_start_up() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, start, stop);
}
