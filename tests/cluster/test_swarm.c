/*
 * Swarms on a virtual clock: calm ones, and ones with everything that can go wrong.
 */
#include "sim/liar.h"
#include "sim/roll.h"
#include "sim/scenario.h"
#include "sim/swarm.h"

#include "nnlib/pass.h"
#include "store/files.h"
#include "support/expect.h"
#include "support/folder.h"

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

static void
expect_model_of_a_coordinator(const struct sim_result *swarm, const struct sim_config *config)
{
    struct sim_config calm = *config;
    struct sim_result hub;
    struct pn_error   why = {.text = ""};
    calm.faults           = (struct sim_faults){.loss = 0};
    expect_status(PN_OK, sim_world_run(&hub, &calm, &why), why.text, __FILE__, __LINE__);
    assert_true(hub.ok);
    assert_int_equal(swarm->rounds, hub.rounds);
    assert_memory_equal(swarm->model.root.bytes, hub.model.root.bytes, 32);
}

/* The same job, seed and cohort: the model of a coordinator, to the bit. */
static void
a_calm_swarm_ends_with_the_model_of_a_coordinator(void **state)
{
    (void)state;
    for (uint32_t sites = 3; sites <= SIM_SITES_MAX; sites++) {
        struct sim_config config = config_of(1, sites, true);
        struct sim_result swarm  = run(&config);
        expect_model_of_a_coordinator(&swarm, &config);
        config.job = &scenario.drawn[sites]; /* of a third of them */
        swarm      = run(&config);
        expect_model_of_a_coordinator(&swarm, &config);
    }
}

/* No member reaches all others; every two share one that does, and only forwards. */
static void
members_without_a_connection_take_part_through_others(void **state)
{
    (void)state;
    for (uint32_t sites = 3; sites <= SIM_SITES_MAX; sites++)
        for (uint64_t seed = 1; seed <= 2; seed++) {
            struct sim_config config = config_of(seed, sites, true);
            struct sim_result whole  = run(&config);
            config.faults.blocked    = seed == 1 ? 1 : 0.5;
            struct sim_result holes  = run(&config);
            assert_int_equal(whole.relayed, 0);
            assert_true(holes.relayed > 0);
            assert_true(holes.ended_ms < whole.ended_ms + 1000); /* nobody waits for a time-out */
            assert_int_equal(holes.rounds, whole.rounds);
            assert_int_equal(holes.sums_checked, whole.sums_checked);
            assert_memory_equal(holes.model.root.bytes, whole.model.root.bytes, 32);
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

/* ---- members that change ---- */

/* They join, leave and renew their keys (sim/epochs), in all kinds of weather: the world checks
 * that all who are members hold one ledger, and that it verifies from the first epoch and from the
 * last.
 */
static void
members_change_while_it_runs(void **state)
{
    uint64_t changes = 0, all = 0;
    (void)state;
    /* A run may be over before all epochs come: more seeds until enough have. */
    for (uint64_t seed = 1; seed <= 10 || ((changes < 8 || all < 2) && seed <= 60); seed++) {
        struct sim_config config = config_of(seed, 5 + (uint32_t)(seed % 3), false);
        config.faults            = (struct sim_faults){
                       .epoch_ms = 50, .delay_max_ms = 50, .down_ms = 1000, .heal_ms = 60000};
        if (seed % 2 == 0)
            config.faults.loss = 0.05;
        if (seed % 3 != 0)
            config.faults.crash_every_ms = 4000;
        if (seed % 4 == 0)
            config.faults.partition_every_ms = config.faults.partition_ms = 6000;
        uint64_t epochs = run(&config).epochs;
        changes += epochs - 1;
        all += epochs >= 3;
    }
    assert_true(changes >= 8 && all >= 2);
}

static void
expect_roll(const struct sim_epochs *epochs, const struct store_disk *disk, const char *says)
{
    struct pn_error why = {.text = ""};
    assert_int_equal(sim_roll_check(epochs, disk, &why), PN_EAUTH);
    EXPECT_SAYS(&why, says);
}

/* A good ledger, and rosters issued that are not its own. */
static void
the_roll_finds_whoever_does_not_belong_there(void **state)
{
    struct sim_config   config = config_of(1, 5, false);
    struct sim_epochs   epochs;
    struct store_files *files;
    struct store_disk   disk;
    struct pn_error     why = {.text = ""};
    char                folder[FOLDER_PATH];
    (void)state;
    folder_new(folder);
    config.save_to = folder;
    config.job     = &scenario.changing[5];
    config.faults  = (struct sim_faults){.epoch_ms = 50, .heal_ms = 60000};
    assert_true(run(&config).epochs > 1);
    EXPECT_OK(sim_epochs_new(&epochs, &config, &why));
    EXPECT_OK(store_files_open(&files, &disk, folder, STORE_READ, &why));
    EXPECT_OK(sim_roll_check(&epochs, &disk, &why));
    struct fed_roster *first = epochs.of[0].roster;
    epochs.of[1].text.bytes[0] ^= 1;
    expect_roll(&epochs, &disk, "brings a roster that nobody issued");
    epochs.of[1].text.bytes[0] ^= 1;
    first->members[0].number = 1; /* it proposed genesis; the order stays */
    expect_roll(&epochs, &disk, "names somebody who is not in epoch 0");
    first->members[0].number = 2;
    for (uint32_t i = 0; i < first->member_count; i++)
        first->members[i].certificate.node.bytes[0] ^= 1;
    expect_roll(&epochs, &disk, "has not signed it");
    store_files_close(files);
    sim_epochs_fini(&epochs);
    folder_remove(folder);
}

/* ---- liars ---- */

/* One of four lies in one way, whenever it can. */
static struct sim_result
run_liar(uint64_t seed, uint32_t liars, uint32_t habits, double loss)
{
    struct sim_config config = config_of(seed, 4, false);
    config.faults            = (struct sim_faults){.liars   = liars,
                                                   .lies    = 1,
                                                   .habits  = habits,
                                                   .blocked = habits == 1u << SIM_BAD_RELAY,
                                                   .loss    = loss,
                                                   .heal_ms = 60000};
    return run(&config);
}

static void
the_others_go_on_whatever_one_of_four_lies(void **state)
{
    (void)state;
    for (uint32_t habit = 0; habit < SIM_HABITS_DRAWN; habit++) {
        uint64_t lies = 0;
        /* Some lies need a rare occasion: more seeds until there is one. */
        for (uint64_t seed = 1; seed <= 6 || (lies == 0 && seed <= 40); seed++)
            lies += run_liar(seed, 1, 1u << habit, 0.3).lies;
        if (lies == 0)
            fail_msg("habit %u: no lies", habit);
    }
}

static void
whoever_signs_two_votes_is_convicted_in_a_block(void **state)
{
    uint64_t convicted = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++)
        convicted += run_liar(seed, 1, 1u << SIM_TWO_VOTES, 0).convicted;
    assert_true(convicted > 0);
}

static void
one_liar_alone_cannot_fork_it(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++)
        assert_int_equal(run_liar(seed, 1, 1u << SIM_FORK, 0).forked, 0);
}

/* ---- a drawn cohort ---- */

/* Two of seven stop for good, and a round waits for all of the three that are drawn for it. */
static void
the_swarm_goes_on_when_members_that_were_drawn_are_dead(void **state)
{
    uint64_t redrawn = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct sim_config config = config_of(seed, 7, false);
        config.job               = &scenario.drawn[7];
        config.grace_ms          = 600000;
        config.faults            = (struct sim_faults){.dead = 2, .dead_ms = 600, .heal_ms = 60000};
        config.faults.delay_min_ms = 20;
        config.faults.delay_max_ms = 60;
        redrawn += run(&config).redrawn;
    }
    assert_true(redrawn > 0);
}

/* It asks everybody at once, and when it leads proposes what came first. */
static void
a_leader_cannot_choose_another_draw_before_its_time(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct sim_config config = config_of(seed, 7, false);
        config.job               = &scenario.drawn[7];
        config.faults            = (struct sim_faults){.hasty = 1u << 2};
        struct sim_result swarm  = run(&config);
        assert_int_equal(swarm.redrawn, 0);
        expect_model_of_a_coordinator(&swarm, &config);
    }
}

/* Two of seven are dead, so all others must agree; one of them would wait for the longest. */
static void
whoever_sees_that_the_time_of_honest_others_is_up_does_not_wait(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct sim_config config = config_of(seed, 7, false);
        config.job               = &scenario.drawn[7];
        config.faults            = (struct sim_faults){.dead = 2, .dead_ms = 5, .hasty = 0x77};
        config.grace_ms          = 20000; /* the time of one draw */
        (void)run(&config);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_calm_swarm_ends_with_the_model_of_a_coordinator),
        cmocka_unit_test(members_without_a_connection_take_part_through_others),
        cmocka_unit_test(every_seed_ends_well_and_all_kinds_of_faults_occur),
        cmocka_unit_test(members_change_while_it_runs),
        cmocka_unit_test(the_roll_finds_whoever_does_not_belong_there),
        cmocka_unit_test(the_others_go_on_whatever_one_of_four_lies),
        cmocka_unit_test(whoever_signs_two_votes_is_convicted_in_a_block),
        cmocka_unit_test(one_liar_alone_cannot_fork_it),
        cmocka_unit_test(the_swarm_goes_on_when_members_that_were_drawn_are_dead),
        cmocka_unit_test(a_leader_cannot_choose_another_draw_before_its_time),
        cmocka_unit_test(whoever_sees_that_the_time_of_honest_others_is_up_does_not_wait),
    };
    if (sec_init() != PN_OK || nn_start_up() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, start, stop);
}
