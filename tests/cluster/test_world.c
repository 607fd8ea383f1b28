/*
 * Seeded worlds with everything that can go wrong, and proof that their checks can fail.
 */
#include "sim/scenario.h"

#include "nnlib/pass.h"
#include "support/expect.h"

enum {
    SEEDS = 40
};

static struct sim_scenario scenario;

static int
start(void **state)
{
    struct pn_error why = {.text = ""};
    (void)state;
    expect_status(PN_OK, sim_scenario_init(&scenario, FED_MODE_COORDINATOR, &why), why.text,
                  __FILE__, __LINE__);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    sim_scenario_fini(&scenario);
    return 0;
}

static struct sim_result
run_seed(uint64_t seed)
{
    struct sim_result result;
    struct pn_error   why = {.text = ""};
    expect_status(PN_OK, sim_scenario_run(&result, &scenario, seed, false, false, &why), why.text,
                  __FILE__, __LINE__);
    return result;
}

/* Three sites that must all take part in every round. */
static struct sim_result
run_faults(uint64_t seed, const struct sim_faults *faults)
{
    struct sim_result result;
    struct pn_error   why = {.text = ""};
    expect_status(PN_OK,
                  sim_world_run(&result,
                                &(struct sim_config){.seed       = seed,
                                                     .job        = &scenario.strict[3],
                                                     .sites      = scenario.sites,
                                                     .site_count = 3,
                                                     .faults     = *faults,
                                                     .grace_ms   = 3600000},
                                &why),
                  why.text, __FILE__, __LINE__);
    return result;
}

static void
expect_good(const struct sim_result *result)
{
    if (!result->ok)
        fail_msg("%s", result->failure);
}

/* ---- worlds end well ---- */

static void
every_seed_ends_well_and_all_kinds_of_faults_occur(void **state)
{
    struct sim_result sum = {.ok = true};
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct sim_result result = run_seed(seed);
        expect_good(&result);
        sum.lost += result.lost;
        sum.duplicated += result.duplicated;
        sum.tampered += result.tampered;
        sum.lies += result.lies;
        sum.crashes += result.crashes;
        sum.partitions += result.partitions;
        sum.rejected += result.rejected;
        sum.discarded += result.discarded;
    }
    assert_true(sum.lost > 0 && sum.duplicated > 0 && sum.tampered > 0 && sum.lies > 0);
    assert_true(sum.crashes > 0 && sum.partitions > 0 && sum.rejected > 0 && sum.discarded > 0);
}

static void
the_same_seed_gives_the_same_trace_and_another_seed_another(void **state)
{
    (void)state;
    struct sim_result first = run_seed(7), again = run_seed(7), other = run_seed(8);
    assert_memory_equal(first.trace.bytes, again.trace.bytes, 32);
    assert_int_equal(first.events, again.events);
    assert_memory_not_equal(first.trace.bytes, other.trace.bytes, 32);
}

static void
a_calm_world_refuses_nothing(void **state)
{
    (void)state;
    struct sim_result result = run_faults(1, &(struct sim_faults){.heal_ms = 0});
    expect_good(&result);
    assert_int_equal(result.rounds, 3);
    assert_int_equal(result.rejected, 0);
    assert_int_equal(result.discarded, 0);
    assert_int_equal(result.accepted, result.frames);
}

static void
a_network_that_tampers_changes_nothing_but_the_counters(void **state)
{
    (void)state;
    struct sim_result calm = run_faults(1, &(struct sim_faults){.heal_ms = 0});
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct sim_result result =
            run_faults(seed, &(struct sim_faults){.tamper = 0.2, .heal_ms = 600000});
        expect_good(&result);
        assert_true(result.tampered > 0 && result.rejected > 0);
        assert_true(result.accepted <= result.frames);
        assert_memory_equal(result.model.root.bytes, calm.model.root.bytes, 32);
    }
}

/* ---- and when something is wrong, they say so ---- */

static void
expect_failure(const struct sim_faults *faults, const char *const *sentences, size_t count)
{
    size_t seen = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct sim_result result = run_faults(seed, faults);
        bool              known  = result.ok;
        for (size_t i = 0; !result.ok && i < count; i++)
            known = known || strstr(result.failure, sentences[i]) != NULL;
        if (!known)
            fail_msg("another failure than expected: %s", result.failure);
        seen += !result.ok;
    }
    assert_true(seen > 0);
}

static void
a_coordinator_whose_disk_lies_is_found_out(void **state)
{
    static const char *const sentences[] = {"different blocks at one height",
                                            "holds a block that the coordinator's disk does not",
                                            "it holds more blocks than this ledger has"};
    (void)state;
    expect_failure(
        &(struct sim_faults){
            .crash_every_ms = 300, .down_ms = 300, .heal_ms = 60000, .lying_disk = 1},
        sentences, 3);
}

/* Slow frames: an update is announced long before it is fetched, and crashes fall between. */
static void
a_node_whose_disk_lies_is_found_out(void **state)
{
    static const char *const sentences[] = {
        "a node announced an update that its disk does not hold"};
    (void)state;
    expect_failure(&(struct sim_faults){.delay_min_ms   = 100,
                                        .delay_max_ms   = 300,
                                        .crash_every_ms = 1500,
                                        .down_ms        = 20,
                                        .heal_ms        = 60000,
                                        .lying_disk     = 2},
                   sentences, 1);
}

static void
a_run_that_cannot_end_is_reported(void **state)
{
    (void)state;
    struct sim_result result;
    struct pn_error   why = {.text = ""};
    EXPECT_OK(sim_world_run(&result,
                            &(struct sim_config){.seed       = 1,
                                                 .job        = &scenario.strict[4],
                                                 .sites      = scenario.sites,
                                                 .site_count = 4,
                                                 .faults     = {.loss = 1, .heal_ms = 100000},
                                                 .grace_ms   = 0},
                            &why));
    assert_false(result.ok);
    assert_non_null(strstr(result.failure, "did not end in time"));
    assert_non_null(strstr(result.failure, "seed 1"));
}

static void
a_federation_too_small_for_its_job_is_refused(void **state)
{
    (void)state;
    struct sim_result result;
    struct pn_error   why = {.text = ""};
    EXPECT_OK(sim_world_run(
        &result,
        &(struct sim_config){
            .job = &scenario.strict[4], .sites = scenario.sites, .site_count = 3, .grace_ms = 1000},
        &why));
    assert_false(result.ok);
    assert_non_null(strstr(result.failure, "quorum of 4 nodes"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_seed_ends_well_and_all_kinds_of_faults_occur),
        cmocka_unit_test(the_same_seed_gives_the_same_trace_and_another_seed_another),
        cmocka_unit_test(a_calm_world_refuses_nothing),
        cmocka_unit_test(a_network_that_tampers_changes_nothing_but_the_counters),
        cmocka_unit_test(a_coordinator_whose_disk_lies_is_found_out),
        cmocka_unit_test(a_node_whose_disk_lies_is_found_out),
        cmocka_unit_test(a_run_that_cannot_end_is_reported),
        cmocka_unit_test(a_federation_too_small_for_its_job_is_refused),
    };
    if (sec_init() != PN_OK || nn_start_up() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, start, stop);
}
