/*
 * Swarms on a virtual clock: calm ones, and ones with everything that can go wrong.
 */
#include "sim/scenario.h"
#include "sim/swarm.h"

#include "nnlib/pass.h"
#include "support/expect.h"

#include <stdlib.h>

static struct sim_scenario scenario;

static int
start(void **state)
{
    struct pn_error why = {.text = ""};
    (void)state;
    expect_status(PN_OK, sim_scenario_init(&scenario, FED_MODE_SWARM, &why), why.text, __FILE__,
                  __LINE__);
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
run(const struct sim_config *config)
{
    struct sim_result result;
    struct pn_error   why = {.text = ""};
    expect_status(PN_OK, sim_swarm_run(&result, config, &why), why.text, __FILE__, __LINE__);
    if (!result.ok)
        fail_msg("%s", result.failure);
    return result;
}

static struct sim_config
config_of(uint64_t seed, uint32_t sites, bool strict)
{
    return (struct sim_config){.seed  = seed,
                               .job   = strict ? &scenario.strict[sites] : &scenario.loose[sites],
                               .sites = scenario.sites,
                               .site_count = sites,
                               .grace_ms   = 3600000,
                               .trace      = getenv("TRACE") != NULL};
}

/* The same job, seed and cohort: the model of a coordinator, to the bit. */
static void
a_calm_swarm_ends_with_the_model_of_a_coordinator(void **state)
{
    (void)state;
    for (uint32_t sites = 3; sites <= SIM_SITES_MAX; sites++) {
        struct sim_config config = config_of(1, sites, true);
        struct sim_result swarm  = run(&config), hub;
        struct pn_error   why    = {.text = ""};
        expect_status(PN_OK, sim_world_run(&hub, &config, &why), why.text, __FILE__, __LINE__);
        assert_true(hub.ok);
        assert_int_equal(swarm.rounds, hub.rounds);
        assert_memory_equal(swarm.model.root.bytes, hub.model.root.bytes, 32);
    }
}

/* ---- faults ---- */

enum {
    SEEDS = 8
};

/* With real signatures; panal-sim world --mode swarm looks at many more, with nominal ones. */
static void
every_seed_ends_well_and_all_kinds_of_faults_occur(void **state)
{
    struct sim_result sum   = {.ok = true};
    const char       *one   = getenv("SEED");
    uint64_t          first = one != NULL ? strtoull(one, NULL, 10) : 0;
    (void)state;
    for (uint64_t seed = first; seed < (one != NULL ? first + 1 : SEEDS); seed++) {
        struct sim_result result;
        struct pn_error   why = {.text = ""};
        expect_status(
            PN_OK, sim_scenario_run(&result, &scenario, seed, false, getenv("TRACE") != NULL, &why),
            why.text, __FILE__, __LINE__);
        if (!result.ok)
            fail_msg("%s", result.failure);
        sum.lost += result.lost;
        sum.duplicated += result.duplicated;
        sum.crashes += result.crashes;
        sum.partitions += result.partitions;
    }
    if (one == NULL) {
        assert_true(sum.lost > 0 && sum.duplicated > 0);
        assert_true(sum.crashes > 0 && sum.partitions > 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_calm_swarm_ends_with_the_model_of_a_coordinator),
        cmocka_unit_test(every_seed_ends_well_and_all_kinds_of_faults_occur),
    };
    if (sec_init() != PN_OK || nn_start_up() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, start, stop);
}
