/*
 * Every two-way partition of a swarm, in every phase of a height.
 *
 *     cluster.swarm_cuts        4 and 5 members     (PANAL_SITES=3-7: others)
 *
 * A phase is what a member last did at a height: began it, said what it contributes, waits for
 * nothing more, prevoted, precommitted, decided, came to the second view. The partition begins at
 * the moment in which the first member comes to the phase, before anything that it says there has
 * arrived; all 2^(n-1) - 1 ways to part n members are tried, for the first height, a round and the
 * last height, for so short that no connection breaks, and for longer than all time-outs. Each
 * world checks what every world does (sim/swarm), that its end comes in time among it.
 */
#include "crypto/nominal.h"
#include "nnlib/pass.h"
#include "sim/scenario.h"
#include "sim/swarm.h"
#include "support/expect.h"

#include <stdlib.h>

enum {
    SHORT_MS    = 2000,
    LONG_MS     = 90000,
    LAST_HEIGHT = 4 /* genesis, three rounds, finish */
};

static struct sim_scenario scenario;

struct counts {
    uint32_t worlds, cuts;
};

static void
try_one(struct counts *counts, uint32_t sites, const struct sim_cut *cut)
{
    struct sim_result       result;
    struct pn_error         why    = {.text = ""};
    const struct sim_config config = {.seed       = 1,
                                      .job        = &scenario.loose[sites],
                                      .sites      = scenario.sites,
                                      .site_count = sites,
                                      .grace_ms   = 3600000,
                                      .faults     = {.delay_min_ms = 5, .cut = *cut}};
    expect_status(PN_OK, sim_swarm_run(&result, &config, &why), why.text, __FILE__, __LINE__);
    if (!result.ok)
        fail_msg("%u sites, side %x, phase %d of height %llu, %llu ms: %s", sites, cut->side,
                 (int)cut->phase, (unsigned long long)cut->height, (unsigned long long)cut->lasts,
                 result.failure);
    counts->worlds++;
    counts->cuts += result.partitions > 0;
}

/* Three members decide nothing without their leader, a second view neither. */
static uint32_t
phases_of(uint32_t sites)
{
    return sites > 3 ? SIM_PHASES : SIM_VIEW_TWO;
}

static void
try_all(struct counts *counts, uint32_t sites)
{
    static const uint64_t heights[] = {0, 1, LAST_HEIGHT};
    for (uint32_t side = 1; side < 1u << (sites - 1); side++)
        for (uint32_t phase = 0; phase < phases_of(sites); phase++)
            for (size_t h = 0; h < sizeof heights / sizeof heights[0]; h++)
                for (uint32_t i = 0; i < 2; i++)
                    try_one(counts, sites,
                            &(struct sim_cut){.side   = side,
                                              .phase  = (enum sim_phase)phase,
                                              .height = heights[h],
                                              .lasts  = i == 0 ? SHORT_MS : LONG_MS});
}

static void
a_swarm_outlives_every_partition_in_every_phase(void **state)
{
    const char   *range  = getenv("PANAL_SITES");
    char         *end    = NULL;
    uint32_t      from   = range != NULL ? (uint32_t)strtoul(range, &end, 10) : 4;
    uint32_t      to     = range != NULL && *end == '-' ? (uint32_t)strtoul(end + 1, NULL, 10) : 5;
    struct counts counts = {.worlds = 0};
    (void)state;
    assert_true(from >= 3 && from <= to && to <= SIM_SITES_MAX);
    for (uint32_t sites = from; sites <= to; sites++)
        try_all(&counts, sites);
    print_message("%u partitions in %u worlds\n", counts.cuts, counts.worlds);
    assert_int_equal(counts.cuts, counts.worlds); /* each phase was reached */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_swarm_outlives_every_partition_in_every_phase),
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
