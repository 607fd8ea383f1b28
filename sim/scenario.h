/*
 * sim/scenario -- the worlds of `panal-sim world` and of the tests: a small real job, small real
 * files, and faults drawn from the seed. Those of a coordinator have 3 to 6 sites, those of a swarm
 * 3 to 10.
 *
 * Half of the seeds are *strict* (quorum = cohort = all): their final model must be the one of an
 * undisturbed run, to the bit, whatever happened. The other half may leave members behind, and one
 * member may lie. In a third of all seeds the network tampers with frames. With an even number of
 * sites blocks go to the cohort only, every second round is evaluated, and a loose round invites
 * all but one.
 *
 * In a swarm as many members lie as it withstands, or fewer (sim/liar), and in some others stop for
 * good as long as both together are no more than that. Half of its loose seeds draw a third of the
 * members for a round, and wait for all of these: if any of them does not come, more are drawn. In
 * half of its loose seeds of 4 sites or more members join, leave and have new keys. In a third of
 * the seeds some pairs of members never have a connection; in three of four clocks differ by up to
 * an hour, and run slower or faster by up to a fifth. Its worlds are made with whatever
 * cryptography the process uses: nominal for many seeds, real for some.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "fed/roster.h"
#include "sim/world.h"

enum {
    SIM_SITES_MAX     = 10,
    SIM_HUB_SITES_MAX = 6 /* with a coordinator */
};

struct sim_scenario {
    enum fed_mode      mode;
    char               folder[64]; /* temporary; holds the sites' files */
    struct data_source sources[SIM_SITES_MAX];
    char               paths[SIM_SITES_MAX][96], names[SIM_SITES_MAX][16];
    char              *path_lists[SIM_SITES_MAX];
    struct sim_site    sites[SIM_SITES_MAX];
    struct engine_job  strict[SIM_SITES_MAX + 1], loose[SIM_SITES_MAX + 1]; /* by number of sites */
    /* Of a swarm: of a third of its members; of one whose members change, with more rounds. */
    struct engine_job drawn[SIM_SITES_MAX + 1], changing[SIM_SITES_MAX + 1];
    struct sec_blob
         expected[SIM_SITES_MAX + 1]; /* of an undisturbed strict run; made when needed */
    bool has_expected[SIM_SITES_MAX + 1];
};

PN_MUST_CHECK enum pn_status sim_scenario_init(struct sim_scenario *out, enum fed_mode mode,
                                               struct pn_error *why);
void                         sim_scenario_fini(struct sim_scenario *scenario);

/* Every seed draws its own number of sites, job and weather; only a world that is not strict has a
 * liar in it. The job and the sites stay the scenario's. */
void sim_scenario_config(struct sim_config *out, const struct sim_scenario *scenario,
                         uint64_t seed);

/* One world; its failures are in `out`. With `twice` it runs again and must leave the same trace
 * (I10). */
PN_MUST_CHECK enum pn_status sim_scenario_try(struct sim_result *out, struct sim_scenario *scenario,
                                              const struct sim_config *config, bool twice,
                                              struct pn_error *why);
/* That of a seed (sim_scenario_config). */
PN_MUST_CHECK enum pn_status sim_scenario_run(struct sim_result *out, struct sim_scenario *scenario,
                                              uint64_t seed, bool twice, bool trace,
                                              struct pn_error *why);

#endif
