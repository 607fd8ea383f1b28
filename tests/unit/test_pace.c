/*
 * How many batches a round has follows from the metrics on the ledger: fed/pace.h says how.
 */
#include "fed/pace.h"

#include "tests/support/expect.h"

#include <math.h>

enum {
    ROUNDS = 12 /* that a test has models for; those it does not name are not asked for */
};

static struct fed_job
a_job(enum nn_metric_kind metric)
{
    return (struct fed_job){.steps = 32, .interval = {.metric = metric, .min = 10, .max = 100}};
}

/* The ledger of one mode up to a height; models[r] is what the model of round r came to, NAN where
 * it was not measured. A swarm's block shows the metrics of the model before, a coordinator's those
 * of its own. */
static void
take_chain(struct fed_pace *pace, const struct fed_job *job, bool swarm, uint64_t blocks,
           const double models[static ROUNDS])
{
    fed_pace_init(pace, job);
    for (uint64_t height = 0; height < blocks; height++) {
        struct wire_agreement agreement = {.view = 1};
        struct wire_metric    metrics[] = {
               {.name = "mse", .value = 1000.0 * (double)height, .records = 1},
               {.name = nn_metric_names[job->interval.metric], .records = 1}};
        struct wire_block block = {.height    = height,
                                   .round     = height,
                                   .metrics   = metrics,
                                   .agreement = swarm ? &agreement : NULL};
        uint64_t          of    = swarm ? height - 1 : height;
        if (height > 0 && of > 0 && !isnan(models[of])) {
            metrics[1].value   = models[of];
            block.metric_count = 2;
        }
        fed_pace_take(pace, job, &block);
    }
}

/* Round r with the blocks before it; of a coordinator's node also without the last one of them,
 * which it may still be writing. */
static void
expect_steps(const struct fed_job *job, const double models[static ROUNDS], uint64_t round,
             uint32_t steps, int line)
{
    struct fed_pace hub, late, swarm;
    take_chain(&hub, job, false, round, models);
    take_chain(&late, job, false, round - 1, models);
    take_chain(&swarm, job, true, round, models);
    const struct fed_pace *paces[] = {&hub, &late, &swarm};
    for (size_t i = 0; i < 3; i++) {
        uint32_t seen = fed_pace_steps(paces[i], job, round);
        if (seen != steps) {
            print_error("round %llu, way %zu: expected %u steps, seen %u\n",
                        (unsigned long long)round, i, steps, seen);
            _fail(__FILE__, line);
        }
    }
}
#define EXPECT_STEPS(job, models, round, steps)                                                    \
    expect_steps((job), (models), (round), (steps), __LINE__)

static void
more_while_it_improves_and_fewer_when_it_does_not(void **state)
{
    (void)state;
    struct fed_job auroc = a_job(NN_AUROC), loss = a_job(NN_LOG_LOSS);
    /* of rounds 1, 2 ...:        line  up    up    up    same  down  down  down  up */
    static const double   rising[ROUNDS]  = {0, 0.5, 0.6, 0.7, 0.8, 0.8, 0.7, 0.7, 0.7, 0.9};
    static const double   falling[ROUNDS] = {0, 0.9, 0.8, 0.7, 0.6, 0.6, 0.65, 0.7, 0.7, 0.5};
    static const uint32_t steps[]         = {0, 32, 32, 32, 64, 100, 100, 50, 25, 12, 10, 20};
    for (uint64_t round = 1; round < sizeof steps / sizeof *steps; round++) {
        EXPECT_STEPS(&auroc, rising, round, steps[round]);
        EXPECT_STEPS(&loss, falling, round, steps[round]);
    }
    /* The wrong way round, each falls to its lower bound. */
    EXPECT_STEPS(&auroc, falling, 6, 10);
    EXPECT_STEPS(&loss, rising, 6, 10);
}

static void
what_was_not_measured_changes_nothing(void **state)
{
    (void)state;
    struct fed_job        job          = a_job(NN_AUROC);
    static const double   some[ROUNDS] = {0, NAN, NAN, 0.5, NAN, 0.6, NAN, NAN, 0.6, NAN};
    static const double   none[ROUNDS] = {0, NAN, NAN, NAN, NAN};
    static const uint32_t steps[]      = {0, 32, 32, 32, 32, 32, 32, 64, 64, 64, 32, 32};
    for (uint64_t round = 1; round < sizeof steps / sizeof *steps; round++)
        EXPECT_STEPS(&job, some, round, steps[round]);
    for (uint64_t round = 1; round <= 5; round++)
        EXPECT_STEPS(&job, none, round, 32);
}

/* Less than min_delta better is not better, and the line it is held against stays. */
static void
small_gains_do_not_count(void **state)
{
    (void)state;
    struct fed_job      job            = a_job(NN_AUROC);
    static const double slowly[ROUNDS] = {0, 0.5, 0.52, 0.54, 0.56, 0.58};
    job.interval.min_delta             = 0.05;
    static const uint32_t steps[]      = {0, 32, 32, 32, 16, 10, 20, 10};
    for (uint64_t round = 1; round < sizeof steps / sizeof *steps; round++)
        EXPECT_STEPS(&job, slowly, round, steps[round]);
}

static void
bounds_hold_at_their_extremes(void **state)
{
    (void)state;
    static const double up[ROUNDS] = {0, 1, 2, 3, 4, 5}, down[ROUNDS] = {0, 5, 4, 3, 2, 1};
    struct fed_job      fixed = a_job(NN_R2), large = a_job(NN_R2);
    fixed.interval.min = fixed.interval.max = fixed.steps = 1;
    large.steps                                           = 9999999;
    large.interval.max                                    = 10000000;
    large.interval.min                                    = 9999998;
    EXPECT_STEPS(&fixed, up, 6, 1);
    EXPECT_STEPS(&fixed, down, 6, 1);
    EXPECT_STEPS(&large, up, 6, 10000000);
    EXPECT_STEPS(&large, down, 6, 9999998);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_while_it_improves_and_fewer_when_it_does_not),
        cmocka_unit_test(what_was_not_measured_changes_nothing),
        cmocka_unit_test(small_gains_do_not_count),
        cmocka_unit_test(bounds_hold_at_their_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
