#include "sim/scenario.h"

#include "sim/epochs.h"
#include "sim/swarm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ROWS        = 60,
    SITES_MIN   = 3,
    ROUNDS      = 3,
    ROUNDS_MORE = 6
};

static const char job_text[] = "version: 1\n"
                               "name: world\n"
                               "seed: 11\n"
                               "profile: open\n"
                               "model: |\n"
                               "  x    = input 3\n"
                               "  h    = dense x 4 init=xavier\n"
                               "  a    = tanh h\n"
                               "  out  = dense a 1 init=xavier\n"
                               "  loss = bce_logits out\n"
                               "data:\n"
                               "  format: csv\n"
                               "  header: true\n"
                               "  columns:\n"
                               "    - { name: a, type: numeric, scale: standard }\n"
                               "    - { name: b, type: numeric, scale: standard }\n"
                               "    - { name: c, type: numeric, scale: standard }\n"
                               "    - { name: y, type: target, positive: [\"1\"] }\n"
                               "  split: { validation: 0.2, test: 0.1 }\n"
                               "training: { optimiser: sgd, rate: 0.2, batch: 8, epochs: 1 }\n";

/* A label that depends on the columns, and columns whose mean and scale depend on the site. */
static enum pn_status
write_site(const char *path, uint32_t site, struct pn_error *why)
{
    struct pn_rng root, rng;
    FILE         *file = fopen(path, "w");
    if (file == NULL)
        return pn_error_set(why, PN_EIO, "%s: %s", path, strerror(errno));
    pn_rng_init(&root, 5);
    pn_rng_derive(&rng, &root, PN_RNG_GENERATE, site);
    fputs("a,b,c,y\n", file);
    for (int i = 0; i < ROWS; i++) {
        double a = pn_rng_normal(&rng) + site, b = pn_rng_normal(&rng) * (1 + site),
               c = pn_rng_normal(&rng);
        fprintf(file, "%.4f,%.4f,%.4f,%d\n", a, b, c,
                a - site + b / (1 + site) + 0.5 * pn_rng_normal(&rng) > 0);
    }
    if (fclose(file) != 0)
        return pn_error_set(why, PN_EIO, "%s: %s", path, strerror(errno));
    return PN_OK;
}

struct rounds {
    uint32_t count, cohort, quorum;
    bool     strict, follow_cohort;
};

/* Strict rounds wait long enough for any machine to come back; loose ones go on without it. A
 * coordinator begins when all are there; a swarm begins with a quorum. */
static enum pn_status
make_job(struct engine_job *out, const struct sim_scenario *scenario, const struct rounds *rounds,
         struct pn_error *why)
{
    const char *gather = rounds->strict || scenario->mode == FED_MODE_COORDINATOR ? "1h" : "20s";
    const char *phase  = rounds->strict ? "30m" : "10s";
    char        text[2048];
    int         len =
        snprintf(text, sizeof text,
                 "%srounds: { count: %u, cohort: %u, quorum: %u, gather: %s, invite: %s, train: "
                 "%s, collect: %s, evaluate: %s, attempts: 50, follow: %s, "
                 "evaluate_every: %u }\n",
                 job_text, rounds->count, rounds->cohort, rounds->quorum, gather,
                 rounds->strict ? phase : "4s", phase, phase, phase,
                 rounds->follow_cohort ? "cohort" : "all", rounds->follow_cohort ? 2u : 1u);
    PN_ASSERT(len > 0 && (size_t)len < sizeof text);
    return engine_job_init(out, "world", text, (size_t)len, why);
}

static uint32_t
most_sites(const struct sim_scenario *scenario)
{
    return scenario->mode == FED_MODE_COORDINATOR ? SIM_HUB_SITES_MAX : SIM_SITES_MAX;
}

/* With an even number of sites a loose round leaves somebody out, too. */
static enum pn_status
make_jobs(struct sim_scenario *out, uint32_t n, struct pn_error *why)
{
    const bool          even     = n % 2 == 0;
    const struct rounds strict   = {ROUNDS, n, n, true, even},
                        loose    = {ROUNDS, n - even, (n + 1) / 2, false, even},
                        drawn    = {ROUNDS, (n + 2) / 3, (n + 2) / 3, false, even},
                        changing = {ROUNDS_MORE, n - even, (n + 1) / 2, false, even};
    enum pn_status st            = make_job(&out->strict[n], out, &strict, why);
    if (st == PN_OK)
        st = make_job(&out->loose[n], out, &loose, why);
    if (st != PN_OK || out->mode != FED_MODE_SWARM)
        return st;
    st = make_job(&out->drawn[n], out, &drawn, why);
    return st == PN_OK ? make_job(&out->changing[n], out, &changing, why) : st;
}

enum pn_status
sim_scenario_init(struct sim_scenario *out, enum fed_mode mode, struct pn_error *why)
{
    char        folder[sizeof out->folder];
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.40s/panal-world-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(folder) == NULL)
        return pn_error_set(why, PN_EIO, "%s: %s", folder, strerror(errno));
    memset(out, 0, sizeof *out);
    memcpy(out->folder, folder, sizeof folder);
    out->mode         = mode;
    enum pn_status st = PN_OK;
    for (uint32_t i = 0; st == PN_OK && i < most_sites(out); i++) {
        snprintf(out->names[i], sizeof out->names[i], "site-%c", (int)('a' + i));
        snprintf(out->paths[i], sizeof out->paths[i], "%s/site-%c.csv", folder, (int)('a' + i));
        out->path_lists[i] = out->paths[i];
        out->sources[i]    = (struct data_source){.files = &out->path_lists[i], .file_count = 1};
        out->sites[i]      = (struct sim_site){out->names[i], out->names[i], &out->sources[i], 0};
        st                 = write_site(out->paths[i], i, why);
    }
    for (uint32_t n = SITES_MIN; st == PN_OK && n <= most_sites(out); n++)
        st = make_jobs(out, n, why);
    if (st != PN_OK)
        sim_scenario_fini(out);
    return st;
}

void
sim_scenario_fini(struct sim_scenario *scenario)
{
    for (uint32_t n = SITES_MIN; n <= SIM_SITES_MAX; n++) {
        engine_job_fini(&scenario->strict[n]);
        engine_job_fini(&scenario->loose[n]);
        engine_job_fini(&scenario->drawn[n]);
        engine_job_fini(&scenario->changing[n]);
    }
    for (uint32_t i = 0; i < SIM_SITES_MAX; i++)
        if (scenario->paths[i][0] != '\0')
            unlink(scenario->paths[i]);
    rmdir(scenario->folder);
}

/* In half of the loose worlds that are large enough. */
static void
draw_epochs(struct sim_faults *out, uint32_t *members, uint64_t seed, uint32_t sites)
{
    static const pn_ms    means[] = {50, 1000, 8000};
    struct sim_epoch_plan plan;
    struct pn_rng         root, rng;
    pn_rng_init(&root, seed);
    pn_rng_derive(&rng, &root, PN_RNG_WORLD, 4);
    if (sites < 4 || pn_rng_below(&rng, 2) == 0)
        return;
    out->epoch_ms = means[pn_rng_below(&rng, 3)];
    sim_epochs_draw(&plan, seed, sites);
    *members = plan.least;
}

static void
draw_faults(struct sim_faults *out, const struct sim_scenario *scenario, uint64_t seed,
            uint32_t sites, bool strict)
{
    static const double   chances[] = {0, 0.01, 0.05, 0.2}, often[] = {0.05, 0.3, 1};
    static const uint32_t drifts[] = {0, 1, 50, 200};
    uint32_t              members  = sites; /* at any time */
    struct pn_rng         root, rng;
    pn_rng_init(&root, seed);
    pn_rng_derive(&rng, &root, PN_RNG_WORLD, 1);
    struct sim_faults faults = {
        .loss         = chances[pn_rng_below(&rng, 4)],
        .duplicate    = chances[pn_rng_below(&rng, 4)],
        .delay_min_ms = 1,
        .delay_max_ms = 1 + pn_rng_below(&rng, 4) * 150,
        .heal_ms      = 30000 + pn_rng_below(&rng, 60000),
    };
    if (pn_rng_below(&rng, 2) == 1) {
        faults.partition_every_ms = 3000 + pn_rng_below(&rng, 10000);
        faults.partition_ms       = 500 + pn_rng_below(&rng, 12000);
    }
    if (pn_rng_below(&rng, 3) > 0) {
        faults.crash_every_ms = 1000 + pn_rng_below(&rng, 6000);
        faults.down_ms        = 200 + pn_rng_below(&rng, 8000);
    }
    if (pn_rng_below(&rng, 3) == 0)
        faults.tamper = chances[1 + pn_rng_below(&rng, 3)];
    if (!strict && scenario->mode == FED_MODE_SWARM)
        draw_epochs(&faults, &members, seed, sites);
    /* What a member says of its own records is believed, so with a liar the model may differ. */
    if (!strict && pn_rng_below(&rng, 2) == 0) {
        faults.lies = chances[1 + pn_rng_below(&rng, 3)];
        if (scenario->mode == FED_MODE_SWARM) {
            faults.lies  = often[pn_rng_below(&rng, 3)];
            faults.liars = (uint32_t)pn_rng_below(&rng, (members - 1) / 3 + 1);
        } else {
            faults.liar = 2;
        }
    }
    if (!strict && scenario->mode == FED_MODE_SWARM) {
        faults.dead    = (uint32_t)pn_rng_below(&rng, (members - 1) / 3 - faults.liars + 1);
        faults.dead_ms = 100 + pn_rng_below(&rng, 20000);
    }
    if (scenario->mode == FED_MODE_SWARM && pn_rng_below(&rng, 3) == 0)
        faults.blocked = often[pn_rng_below(&rng, 3)];
    if (scenario->mode == FED_MODE_SWARM)
        faults.drift = drifts[pn_rng_below(&rng, 4)];
    *out = faults;
}

void
sim_scenario_config(struct sim_config *out, const struct sim_scenario *scenario, uint64_t seed)
{
    uint32_t sizes  = most_sites(scenario) - SITES_MIN + 1;
    uint32_t sites  = SITES_MIN + (uint32_t)(seed % sizes);
    bool     swarm  = scenario->mode == FED_MODE_SWARM;
    bool     strict = seed / sizes % 2 == 0, drawn = swarm && seed / sizes % 4 == 3;
    *out = (struct sim_config){.seed       = seed,
                               .job        = strict  ? &scenario->strict[sites]
                                             : drawn ? &scenario->drawn[sites]
                                                     : &scenario->loose[sites],
                               .sites      = scenario->sites,
                               .site_count = sites,
                               .grace_ms   = swarm ? 3600000 : 600000};
    draw_faults(&out->faults, scenario, seed, sites, strict);
    if (out->faults.epoch_ms > 0 && !drawn)
        out->job = &scenario->changing[sites];
}

/* A swarm's final model is a coordinator's. */
static enum pn_status
expect_model(struct sim_scenario *scenario, uint32_t sites, struct pn_error *why)
{
    struct sim_result calm;
    if (scenario->has_expected[sites])
        return PN_OK;
    enum pn_status st = sim_world_run(&calm,
                                      &(struct sim_config){.seed       = 1,
                                                           .job        = &scenario->strict[sites],
                                                           .sites      = scenario->sites,
                                                           .site_count = sites,
                                                           .grace_ms   = 3600000},
                                      why);
    if (st == PN_OK && !calm.ok)
        return pn_error_set(why, PN_ESTATE, "the undisturbed run failed: %s", calm.failure);
    scenario->expected[sites]     = calm.model;
    scenario->has_expected[sites] = st == PN_OK;
    return st;
}

static enum pn_status
run(struct sim_result *out, const struct sim_scenario *scenario, const struct sim_config *config,
    struct pn_error *why)
{
    return scenario->mode == FED_MODE_SWARM ? sim_swarm_run(out, config, why)
                                            : sim_world_run(out, config, why);
}

enum pn_status
sim_scenario_try(struct sim_result *out, struct sim_scenario *scenario,
                 const struct sim_config *config, bool twice, struct pn_error *why)
{
    uint64_t       seed   = config->seed;
    uint32_t       sites  = (uint32_t)config->site_count;
    bool           strict = config->job == &scenario->strict[sites];
    enum pn_status st     = strict ? expect_model(scenario, sites, why) : PN_OK;
    if (st == PN_OK)
        st = run(out, scenario, config, why);
    if (st != PN_OK || !out->ok)
        return st;
    if (strict && !sec_blob_equal(&out->model, &scenario->expected[sites])) {
        out->ok = false;
        snprintf(out->failure, sizeof out->failure,
                 "seed %llu: the final model is not the one of an undisturbed run",
                 (unsigned long long)seed);
    }
    if (!twice)
        return PN_OK;
    struct sim_result again;
    st = run(&again, scenario, config, why);
    if (st == PN_OK && !sec_hash_equal(&again.trace, &out->trace)) {
        out->ok = false;
        snprintf(out->failure, sizeof out->failure, "seed %llu does not replay exactly",
                 (unsigned long long)seed);
    }
    return st;
}

enum pn_status
sim_scenario_run(struct sim_result *out, struct sim_scenario *scenario, uint64_t seed, bool twice,
                 bool trace, struct pn_error *why)
{
    struct sim_config config;
    sim_scenario_config(&config, scenario, seed);
    config.trace = trace;
    return sim_scenario_try(out, scenario, &config, twice, why);
}
