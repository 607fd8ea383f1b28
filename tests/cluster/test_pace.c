/*
 * Rounds whose length is adapted, or is a time: with a coordinator and as a swarm, calm and with
 * crashes.
 */
#include "sim/scenario.h"
#include "sim/swarm.h"

#include "nnlib/pass.h"
#include "support/expect.h"

#include <stdio.h>
#include <string.h>

enum {
    SITES = 3,
    FIRST = 4, /* batches of a round */
    SEEDS = 4
};

static struct sim_scenario hub_files;

static int
start(void **state)
{
    struct pn_error why = {.text = ""};
    (void)state;
    expect_status(PN_OK, sim_scenario_init(&hub_files, FED_MODE_COORDINATOR, &why), why.text,
                  __FILE__, __LINE__);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    sim_scenario_fini(&hub_files);
    return 0;
}

/* The scenario's job with other rounds: all must take part, and there is time for any crash. */
static struct engine_job
a_job(const char *training)
{
    const struct fed_job *like  = hub_files.strict[SITES].job;
    const char           *place = strstr(like->text, "training:");
    char                  text[2048];
    struct engine_job     job;
    struct pn_error       why = {.text = ""};
    int                   len =
        snprintf(text, sizeof text,
                 "%.*straining: { optimiser: sgd, rate: 0.2, batch: 8, %s }\n"
                 "rounds: { count: 7, cohort: 3, quorum: 3, gather: 1h, invite: 30m, train: 30m,\n"
                 "          collect: 30m, evaluate: 30m, attempts: 50 }\n",
                 (int)(place - like->text), like->text, training);
    assert_non_null(place);
    assert_true(len > 0 && (size_t)len < sizeof text);
    expect_status(PN_OK, engine_job_init(&job, "job.yaml", text, (size_t)len, &why), why.text,
                  __FILE__, __LINE__);
    return job;
}

static struct sim_result
run(const struct engine_job *job, bool swarm, uint64_t seed, const struct sim_faults *faults,
    uint32_t slow)
{
    struct sim_site   sites[SITES];
    struct sim_result result;
    struct pn_error   why = {.text = ""};
    memcpy(sites, hub_files.sites, sizeof sites);
    sites[1].slow                  = slow;
    const struct sim_config config = {.seed       = seed,
                                      .job        = job,
                                      .sites      = sites,
                                      .site_count = SITES,
                                      .faults     = *faults,
                                      .grace_ms   = 36000000,
                                      .workers    = swarm ? 1 : 1 + (uint32_t)seed % 3};
    expect_status(PN_OK,
                  swarm ? sim_swarm_run(&result, &config, &why)
                        : sim_world_run(&result, &config, &why),
                  why.text, __FILE__, __LINE__);
    if (!result.ok)
        fail_msg("%s", result.failure);
    return result;
}

static const struct sim_faults calm = {.loss = 0};
/* Short enough that many fall into a training. */
static const struct sim_faults crashes = {.delay_min_ms   = 5,
                                          .delay_max_ms   = 50,
                                          .crash_every_ms = 2000,
                                          .down_ms        = 200,
                                          .heal_ms        = 20000};

static void
expect_same_model(const struct sim_result *a, const struct sim_result *b, bool same, int line)
{
    if ((memcmp(a->model.root.bytes, b->model.root.bytes, 32) == 0) != same) {
        print_error("expected %s model\n", same ? "the same" : "another");
        _fail(__FILE__, line);
    }
}
#define EXPECT_SAME_MODEL(a, b) expect_same_model((a), (b), true, __LINE__)
#define EXPECT_OTHER_MODEL(a, b) expect_same_model((a), (b), false, __LINE__)

/* Both count the same models, though a swarm hears of each a round later. */
static void
an_interval_gives_one_model_in_both_modes(void **state)
{
    static const char *const metrics[] = {"log_loss", "auroc", "accuracy"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char training[128];
        snprintf(training, sizeof training, "steps: 4, interval: { metric: %s, min: 1, max: 64 }",
                 metrics[i]);
        struct engine_job job = a_job(training), fixed = a_job("steps: 4");
        struct sim_result hub = run(&job, false, 1, &calm, 1), swarm = run(&job, true, 1, &calm, 1),
                          even = run(&fixed, false, 1, &calm, 1);
        EXPECT_SAME_MODEL(&hub, &swarm);
        EXPECT_OTHER_MODEL(&hub, &even);
        assert_int_equal(hub.rounds, 7);
        assert_true(hub.steps_min < hub.steps_max);
        assert_int_equal(hub.steps_min, swarm.steps_min);
        assert_int_equal(hub.steps_max, swarm.steps_max);
        assert_true(even.steps_min == FIRST && even.steps_max == FIRST);
        engine_job_fini(&job);
        engine_job_fini(&fixed);
    }
}

static void
an_interval_survives_crashes(void **state)
{
    (void)state;
    struct engine_job job     = a_job("steps: 4, interval: { metric: log_loss, min: 1, max: 64 }");
    struct sim_result smooth  = run(&job, false, 1, &calm, 1);
    uint64_t          crashed = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim_result hub   = run(&job, false, seed, &crashes, 1),
                          swarm = run(&job, true, seed, &crashes, 1);
        EXPECT_SAME_MODEL(&hub, &smooth);
        EXPECT_SAME_MODEL(&swarm, &smooth);
        crashed += hub.crashes + swarm.crashes;
    }
    assert_true(crashed > 2 * SEEDS);
    engine_job_fini(&job);
}

/* 3 x 4 and 4 x 1 weights and biases, 8 records a batch, 1 GB a second: a batch takes 63 virtual
 * nanoseconds, 1 ms has some 16,000. */
static void
in_a_time_a_slow_machine_makes_fewer_steps(void **state)
{
    (void)state;
    struct engine_job job = a_job("time: 1ms");
    for (int swarm = 0; swarm <= 1; swarm++) {
        struct sim_result even  = run(&job, swarm, 1, &calm, 1),
                          slow  = run(&job, swarm, 1, &calm, 20),
                          again = run(&job, swarm, 1, &calm, 20),
                          other = run(&job, swarm, 2, &calm, 20);
        assert_true(even.steps_min > 1 && even.steps_max - even.steps_min <= 1);
        assert_int_equal(slow.steps_max, even.steps_max);
        assert_in_range(slow.steps_min * 20, even.steps_min - 20, even.steps_max + 20);
        EXPECT_SAME_MODEL(&slow, &again); /* the seed, and more threads, change no bit of it */
        EXPECT_SAME_MODEL(&slow, &other);
        EXPECT_OTHER_MODEL(&slow, &even);
        assert_memory_equal(slow.trace.bytes, again.trace.bytes, 32);
        assert_true(slow.ended_ms >= 7);
    }
    engine_job_fini(&job);
}

static void
a_time_survives_crashes(void **state)
{
    (void)state;
    struct engine_job job = a_job("time: 1ms");
    for (int swarm = 0; swarm <= 1; swarm++) {
        struct sim_result result = run(&job, swarm, 3, &crashes, 20),
                          again  = run(&job, swarm, 3, &crashes, 20);
        assert_int_equal(result.rounds, 7);
        assert_true(result.crashes > 0);
        EXPECT_SAME_MODEL(&result, &again);
        assert_memory_equal(result.trace.bytes, again.trace.bytes, 32);
    }
    engine_job_fini(&job);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interval_gives_one_model_in_both_modes),
        cmocka_unit_test(an_interval_survives_crashes),
        cmocka_unit_test(in_a_time_a_slow_machine_makes_fewer_steps),
        cmocka_unit_test(a_time_survives_crashes),
    };
    if (sec_init() != PN_OK || nn_start_up() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, start, stop);
}
