/*
 * The checks of a swarm's world (sim/swarm) fire when what they look for happens: the virtual host
 * is broken on purpose (sim/breaks), and the world must say which promise is not kept. What no
 * broken host brings about, and so was never seen: a fork that names too few, or that the disks do
 * not show. sim/roll is broken in test_swarm.
 */
#include "crypto/nominal.h"
#include "nnlib/pass.h"
#include "sim/liar.h"
#include "sim/scenario.h"
#include "sim/swarm.h"
#include "support/expect.h"

#include <string.h>

enum {
    SITES = 4
};

static struct sim_scenario scenario;

static struct sim_config
config_of(uint64_t seed, bool strict)
{
    return (struct sim_config){.seed  = seed,
                               .job   = strict ? &scenario.strict[SITES] : &scenario.loose[SITES],
                               .sites = scenario.sites,
                               .site_count = SITES,
                               .grace_ms   = 600000};
}

/* Some of the first seeds must fail, and one with that sentence. */
static void
expect_said(const struct sim_faults *faults, const char *says)
{
    char last[512] = "nothing at all";
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct sim_config config = config_of(seed, faults->liars == 0);
        struct sim_result result;
        struct pn_error   why = {.text = ""};
        config.faults         = *faults;
        expect_status(PN_OK, sim_swarm_run(&result, &config, &why), why.text, __FILE__, __LINE__);
        if (!result.ok && strstr(result.failure, says) != NULL)
            return;
        if (!result.ok)
            memcpy(last, result.failure, sizeof last);
    }
    fail_msg("expected \"%s\", seen %s", says, last);
}

static const struct sim_faults crashes = {
    .crash_every_ms = 300, .down_ms = 300, .delay_max_ms = 50, .heal_ms = 60000};

static void
a_world_whose_host_is_broken_says_what_is_wrong(void **state)
{
    static const struct {
        enum sim_break broken;
        bool           crashes;
        const char    *says;
    } table[] = {
        {SIM_FORGETS_ALL, true, "its ledger became shorter"},
        {SIM_FORGETS_VOTES, true, "it convicts an honest member"},
        {SIM_FULL, false, "the job cannot be kept in the state directory"},
        {SIM_HOARDS, false, "its disk holds more than any bound allows"},
        {SIM_ROTS, false, "block 1: it is not signed by site-b"},
        {SIM_CUTS, false, "the ledger has no finish block"},
        {SIM_LOSES_MODEL, false, "the final model cannot be read"},
        {SIM_LOSES_UPDATES, false, "an aggregate could not be recomputed"},
        {SIM_FLOODS, false, "more bytes in flight than any bound allows"},
        {SIM_MUTES, false, "the run did not end in time after the faults healed"},
        {SIM_SLANDERS, false, "it says that an honest member forked the ledger"},
        {SIM_STOPS_CLOCKS, true, "nothing is left to happen, and the run is not over"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct sim_faults faults = table[i].crashes ? crashes : (struct sim_faults){.loss = 0};
        faults.broken            = table[i].broken;
        expect_said(&faults, table[i].says);
    }
}

/* Two of four fork, and the world believes that nobody lies; is told of no fork; takes who made one
 * for honest. */
static void
a_fork_that_should_not_be_or_is_not_said_is_seen(void **state)
{
    static const struct {
        enum sim_break broken;
        const char    *says;
    } table[] = {
        {SIM_DENIES_LIARS, "it holds another block than others at its height"},
        {SIM_HUSHES, "the ledger forked, and nobody said so"},
        {SIM_TRUSTS_LIARS, "the votes for two blocks of one height name somebody honest"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect_said(&(struct sim_faults){.broken  = table[i].broken,
                                         .liars   = 2,
                                         .lies    = 1,
                                         .habits  = 1u << SIM_FORK,
                                         .heal_ms = 60000},
                    table[i].says);
}

/* f + 1 and f + 2 of 4 to 7 that fork it whenever they can: every fork is said (the world checks
 * it), and names the liars that signed both blocks. */
static void
forks_are_said_and_name_who_made_them(void **state)
{
    uint64_t named = 0, apart = 0, worlds = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 80; seed++) {
        struct sim_result result;
        struct pn_error   why    = {.text = ""};
        uint32_t          sites  = 4 + (uint32_t)(seed % 4);
        uint32_t          liars  = (sites - 1) / 3 + 1 + (uint32_t)(seed / 4 % 2);
        struct sim_config config = config_of(seed, false);
        config.job               = &scenario.loose[sites];
        config.site_count        = sites;
        config.grace_ms          = 300000;
        config.faults            = (struct sim_faults){.liars        = liars,
                                                       .lies         = 1,
                                                       .habits       = 1u << SIM_FORK,
                                                       .drift        = 50,
                                                       .delay_max_ms = seed % 3 * 20,
                                                       .heal_ms      = 60000};
        expect_status(PN_OK, sim_swarm_run(&result, &config, &why), why.text, __FILE__, __LINE__);
        if (!result.ok)
            fail_msg("%s", result.failure);
        worlds += result.forked > 0;
        named += result.forks_named > 0;
        apart += result.forks_apart > 0;
    }
    print_message("%llu of 80 forked, the votes of one view name the liars in %llu; by two views "
                  "in %llu, which name nobody\n",
                  (unsigned long long)worlds, (unsigned long long)named, (unsigned long long)apart);
    assert_true(worlds >= 10 && named >= 10);
}

/* Nothing arrives, from the start: within the grace of an hour it is the pace that fails. */
static void
a_height_that_does_not_come_is_seen(void **state)
{
    struct sim_config config = config_of(1, false);
    struct sim_result result;
    struct pn_error   why = {.text = ""};
    (void)state;
    config.grace_ms = 3600000;
    config.faults   = (struct sim_faults){.broken = SIM_MUTES};
    expect_status(PN_OK, sim_swarm_run(&result, &config, &why), why.text, __FILE__, __LINE__);
    assert_false(result.ok);
    assert_non_null(strstr(result.failure, "the next height did not come in time"));
}

static void
another_model_than_an_undisturbed_runs_is_seen(void **state)
{
    struct sim_result result;
    struct pn_error   why  = {.text = ""};
    const uint64_t    seed = 1; /* strict */
    (void)state;
    expect_status(PN_OK, sim_scenario_run(&result, &scenario, seed, false, false, &why), why.text,
                  __FILE__, __LINE__);
    assert_true(result.ok);
    scenario.expected[SITES].root.bytes[0] ^= 1;
    EXPECT_OK(sim_scenario_run(&result, &scenario, seed, false, false, &why));
    scenario.expected[SITES].root.bytes[0] ^= 1;
    assert_false(result.ok);
    assert_non_null(strstr(result.failure, "the final model is not the one"));
}

static void
change_the_seed(void *context, const struct wire_block *block, pn_ms now)
{
    struct sim_config *config = context;
    (void)block;
    (void)now;
    config->seed++;
}

static void
a_run_that_does_not_replay_is_seen(void **state)
{
    struct sim_config config = config_of(1, false);
    struct sim_result result;
    struct pn_error   why = {.text = ""};
    (void)state;
    config.faults = (struct sim_faults){.delay_max_ms = 50, .heal_ms = 60000};
    EXPECT_OK(sim_scenario_try(&result, &scenario, &config, true, &why));
    assert_true(result.ok);
    config.committed = change_the_seed;
    config.context   = &config;
    EXPECT_OK(sim_scenario_try(&result, &scenario, &config, true, &why));
    assert_false(result.ok);
    assert_non_null(strstr(result.failure, "does not replay exactly"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_world_whose_host_is_broken_says_what_is_wrong),
        cmocka_unit_test(a_fork_that_should_not_be_or_is_not_said_is_seen),
        cmocka_unit_test(forks_are_said_and_name_who_made_them),
        cmocka_unit_test(a_height_that_does_not_come_is_seen),
        cmocka_unit_test(another_model_than_an_undisturbed_runs_is_seen),
        cmocka_unit_test(a_run_that_does_not_replay_is_seen),
    };
    struct pn_error why = {.text = ""};
    sec_suite_use(&sec_suite_nominal);
    if (sec_init() != PN_OK || nn_start_up() != PN_OK ||
        sim_scenario_init(&scenario, FED_MODE_SWARM, &why) != PN_OK)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sim_scenario_fini(&scenario);
    return failed;
}
