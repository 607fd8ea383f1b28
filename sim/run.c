/*
 * panal-sim run -- a job on a virtual clock and network, as fast as this machine can.
 */
#include "sim/command.h"

#include "crypto/nominal.h"
#include "data/pool.h"
#include "engine/sites.h"
#include "sim/swarm.h"
#include "text/json.h"

#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const double show_every_s = 0.2;

/* Wall times: before the first model, of the rounds, of the checks at the end. */
struct clock {
    const struct engine_job *job;
    double                   begun, ready, last, shown, ended;
    double                   cpu_ready, cpu_last; /* of all threads of this process */
    uint64_t                 updates;             /* that were averaged */
};

static double
seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double
seconds(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

static double
per_second(const struct clock *clock)
{
    double spent = clock->last - clock->ready;
    return spent > 0 ? (double)clock->updates / spent : 0;
}

/* ---- while it runs ---- */

static void
show_round(const struct clock *clock, const struct wire_block *block, pn_ms now)
{
    fprintf(stderr, "round %llu/%u  %zu nodes", (unsigned long long)block->round,
            clock->job->job->rounds, block->entry_count);
    for (size_t i = 0; i < block->metric_count; i++)
        fprintf(stderr, "  %s %.4f", block->metrics[i].name, block->metrics[i].value);
    fprintf(stderr, "  %.4g clients/s, at %.1f virtual s, %.1f s\n", per_second(clock),
            (double)now / 1000.0, clock->last - clock->begun);
}

/* A line a round; where rounds are short, a few lines a second, and every measured round. */
static void
note_block(void *context, const struct wire_block *block, pn_ms now)
{
    struct clock *clock = context;
    double        here  = seconds();
    if (block->kind == WIRE_BLOCK_GENESIS) {
        clock->ready     = here;
        clock->cpu_ready = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    }
    if (block->kind != WIRE_BLOCK_ROUND)
        return;
    clock->last     = here;
    clock->cpu_last = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    clock->updates += block->entry_count;
    if (here - clock->shown < show_every_s && block->round < clock->job->job->rounds &&
        block->metric_count == 0)
        return;
    clock->shown = here;
    show_round(clock, block, now);
}

/* ---- what it says at the end ---- */

/* The most that was resident since this program began: ru_maxrss counts what started it, too. */
static uint64_t
peak_bytes(void)
{
    unsigned long long kib = 0;
    char               line[128];
    FILE              *file = fopen("/proc/self/status", "r");
    while (file != NULL && kib == 0 && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmHWM: %llu kB", &kib) != 1)
            kib = 0;
    if (file != NULL)
        fclose(file);
    return kib * 1024;
}

static void
print_text(const struct sim_result *result, const struct clock *clock, const char *model)
{
    printf(
        "%llu rounds, %llu clients in %.2f s (%.2f s of processor time): %.4g clients/s; "
        "before that %.2f s, checks after it %.2f s\n"
        "%.1f virtual seconds, %llu frames, at most %.1f MiB; a training had %llu to %llu steps\n",
        (unsigned long long)result->rounds, (unsigned long long)clock->updates,
        clock->last - clock->ready, clock->cpu_last - clock->cpu_ready, per_second(clock),
        clock->ready - clock->begun, clock->ended - clock->last, (double)result->ended_ms / 1000.0,
        (unsigned long long)result->frames, (double)peak_bytes() / 1048576.0,
        (unsigned long long)result->steps_min, (unsigned long long)result->steps_max);
    if (sec_suite() == &sec_suite_real)
        printf("the ledger verifies, %llu of %llu aggregates recomputed\n",
               (unsigned long long)result->sums_checked, (unsigned long long)result->rounds);
    else
        printf("nominal identity: nothing is signed, the ledger proves nothing; it is consistent, "
               "%llu of %llu aggregates recomputed\n",
               (unsigned long long)result->sums_checked, (unsigned long long)result->rounds);
    printf("model %s\n", model);
}

static enum pn_status
print_json(const struct sim_result *result, const struct clock *clock, const char *model,
           uint32_t workers)
{
    struct text_json *out;
    enum pn_status    st = text_json_new(&out);
    if (st != PN_OK)
        return st;
    text_json_string(out, "identity", sec_suite()->name);
    text_json_u64(out, "workers", workers);
    text_json_u64(out, "rounds", result->rounds);
    text_json_u64(out, "clients", clock->updates);
    text_json_f64(out, "clients_per_s", per_second(clock));
    text_json_f64(out, "prepare_s", clock->ready - clock->begun);
    text_json_f64(out, "rounds_s", clock->last - clock->ready);
    text_json_f64(out, "rounds_cpu_s", clock->cpu_last - clock->cpu_ready);
    text_json_f64(out, "check_s", clock->ended - clock->last);
    text_json_u64(out, "peak_bytes", peak_bytes());
    text_json_u64(out, "virtual_ms", result->ended_ms);
    text_json_u64(out, "steps_min", result->steps_min);
    text_json_u64(out, "steps_max", result->steps_max);
    text_json_u64(out, "frames", result->frames);
    text_json_u64(out, "bytes", result->bytes);
    text_json_u64(out, "aggregates_recomputed", result->sums_checked);
    text_json_string(out, "model", model);
    text_json_bool(out, "stopped_early", result->stopped_early);
    st = text_json_write(out, stdout);
    text_json_free(out);
    return st;
}

/* ---- the run ---- */

static uint32_t
workers_of(const struct sim_options *options)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (options->workers > 0)
        return (uint32_t)options->workers;
    return cores < 1 ? 1 : cores > SIM_WORKERS_MAX ? SIM_WORKERS_MAX : (uint32_t)cores;
}

static enum pn_status
run_sites(const struct sim_options *options, enum fed_mode mode, const struct engine_job *job,
          const struct sim_site *sites, size_t count, struct pn_error *why)
{
    struct sim_result result;
    struct clock      clock  = {.job = job, .begun = seconds()};
    struct sim_config config = {.seed         = options->seed,
                                .job          = job,
                                .sites        = sites,
                                .site_count   = count,
                                .grace_ms     = UINT64_MAX / 2,
                                .trace        = options->trace,
                                .keep_updates = (uint32_t)options->keep_updates,
                                .workers      = workers_of(options),
                                .save_to      = options->out,
                                .committed    = note_block,
                                .context      = &clock};
    clock.ready = clock.last = clock.begun;
    enum pn_status st        = mode == FED_MODE_SWARM ? sim_swarm_run(&result, &config, why)
                                                      : sim_world_run(&result, &config, why);
    clock.ended              = seconds();
    if (st != PN_OK)
        return st;
    if (!result.ok)
        return pn_error_set(why, PN_ESTATE, "%s", result.failure);
    char model[SEC_HEX_SIZE];
    sec_hash_text(model, &result.model.root);
    if (options->json)
        return print_json(&result, &clock, model, config.workers);
    print_text(&result, &clock, model);
    return PN_OK;
}

static enum pn_status
run_job(const struct sim_options *options, enum fed_mode mode, const struct engine_job *job,
        struct engine_sites *sites, struct pn_error *why)
{
    struct data_pool *pool  = NULL;
    struct sim_site  *items = calloc(sites->count, sizeof *items);
    enum pn_status    st    = items != NULL ? data_pool_new(&pool) : PN_ENOMEM;
    for (size_t i = 0; i < sites->count && st == PN_OK; i++) {
        struct engine_site *site = &sites->items[i];
        site->source.pool        = pool;
        items[i] = (struct sim_site){site->name, site->organisation, &site->source, site->slow};
    }
    if (st == PN_OK)
        st = run_sites(options, mode, job, items, sites->count, why);
    free(items);
    data_pool_free(pool);
    return st;
}

/* Frames and models come and go all the time: their memory stays with us. */
static void
keep_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
}

enum pn_status
sim_command_prepare(enum fed_mode *mode, const struct sim_options *options, struct pn_error *why)
{
    bool nominal = strcmp(options->identity, "nominal") == 0;
    bool swarm   = strcmp(options->mode, "swarm") == 0;
    if (!nominal && strcmp(options->identity, "real") != 0)
        return pn_error_set(why, PN_ECONFIG, "--identity: expected real or nominal, seen \"%s\"",
                            options->identity);
    if (!swarm && strcmp(options->mode, "coordinator") != 0)
        return pn_error_set(why, PN_ECONFIG, "--mode: expected coordinator or swarm, seen \"%s\"",
                            options->mode);
    if (nominal)
        sec_suite_use(&sec_suite_nominal);
    *mode = swarm ? FED_MODE_SWARM : FED_MODE_COORDINATOR;
    keep_memory();
    return PN_OK;
}

int
sim_command_run(const struct sim_options *options, const char *job_path)
{
    struct pn_error     why = {.text = ""};
    struct engine_job   job;
    struct engine_sites sites;
    enum fed_mode       mode;
    enum pn_status      st = sim_command_prepare(&mode, options, &why);
    if (st == PN_OK)
        st = engine_job_load(&job, job_path, &why);
    if (st != PN_OK)
        return sim_command_fail(st, &why);
    st = engine_sites_load_beside(&sites, options->sites, job_path, getenv("PANAL_DATA"), &why);
    if (st == PN_OK) {
        st = run_job(options, mode, &job, &sites, &why);
        engine_sites_fini(&sites);
    }
    engine_job_fini(&job);
    return st == PN_OK ? 0 : sim_command_fail(st, &why);
}
