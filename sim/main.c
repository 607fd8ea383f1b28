/*
 * panal-sim -- runs a job on a virtual clock and network (run), or searches seeds for faults
 * (world).
 */
#include "nnlib/pass.h"
#include "sim/command.h"
#include "sim/scenario.h"
#include "text/json.h"

#include <stdio.h>
#include <string.h>

static const struct pn_option sim_table[] = {
    {"sites", NULL, PN_OPT_TEXT, offsetof(struct sim_options, sites), 1, 4000,
     "run: the sites and their data (default: sites.yaml beside the job)"},
    {"seed", "1", PN_OPT_U64, offsetof(struct sim_options, seed), 0, 0,
     "run: seed of keys and network; the model depends on the job's seed only"},
    {"mode", "coordinator", PN_OPT_TEXT, offsetof(struct sim_options, mode), 1, 16,
     "coordinator, or swarm: the sites agree among themselves, with the same model"},
    {"identity", "real", PN_OPT_TEXT, offsetof(struct sim_options, identity), 1, 16,
     "real (Ed25519, BLAKE2b), or nominal: tags that prove nothing and cost nothing, the same "
     "model"},
    {"workers", "0", PN_OPT_U64, offsetof(struct sim_options, workers), 0, SIM_WORKERS_MAX,
     "run, with a coordinator: threads; the result does not depend on it; 0: one a core"},
    {"keep-updates", "1", PN_OPT_U64, offsetof(struct sim_options, keep_updates), 0, 1000000,
     "run: rounds whose updates are kept, and their aggregates recomputed at the end; 0: all"},
    {"out", NULL, PN_OPT_TEXT, offsetof(struct sim_options, out), 1, 4000,
     "run: a new folder for the state directory of the coordinator, or of the first member of a "
     "swarm: ledger, models, roster"},
    {"from", "0", PN_OPT_U64, offsetof(struct sim_options, from), 0, 0, "world: the first seed"},
    {"seeds", "1000", PN_OPT_U64, offsetof(struct sim_options, seeds), 1, 1000000000,
     "world: how many seeds"},
    {"replay-every", "50", PN_OPT_U64, offsetof(struct sim_options, replay_every), 0, 1000000000,
     "world: every so many seeds, run twice and compare the traces; 0: never"},
    {"trace", "no", PN_OPT_FLAG, offsetof(struct sim_options, trace), 0, 0,
     "print every event on stderr"},
    {"json", "no", PN_OPT_FLAG, offsetof(struct sim_options, json), 0, 0,
     "print the result as JSON on stdout"},
    {"version", "no", PN_OPT_FLAG, offsetof(struct sim_options, version), 0, 0,
     "print the version, and stop"},
    {"help", "no", PN_OPT_FLAG, offsetof(struct sim_options, help), 0, 0, "this page"},
    {0},
};

static void
print_help(void)
{
    puts("panal-sim -- the same machines as the daemons, on a virtual clock, network and disk\n\n"
         "usage: panal-sim run job.yaml [--sites sites.yaml]    a job, undisturbed\n"
         "       panal-sim world [--mode MODE] [--seeds 1000]   seeds with loss, delay, "
         "duplication,\n"
         "                                                      partitions and crashes; checks "
         "invariants\n");
    pn_options_help(stdout, sim_table);
}

int
sim_command_fail(enum pn_status st, const struct pn_error *why)
{
    fprintf(stderr, "panal-sim: %s\n", why->text[0] != '\0' ? why->text : pn_status_text(st));
    return pn_status_exit_code(st);
}

/* ---- world ---- */

struct totals {
    uint64_t seeds, failed, events, crashes, partitions, frames, lost, duplicated, tampered, lies,
        accepted, rejected, discarded, relayed, redrawn, convicted, forked, epochs, slowest_ms,
        slowest_share;
    double virtual_hours;
};

static uint64_t
larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void
add(struct totals *totals, const struct sim_result *result)
{
    totals->seeds++;
    totals->failed += !result->ok;
    totals->events += result->events;
    totals->frames += result->frames;
    totals->lost += result->lost;
    totals->duplicated += result->duplicated;
    totals->crashes += result->crashes;
    totals->partitions += result->partitions;
    totals->tampered += result->tampered;
    totals->lies += result->lies;
    totals->accepted += result->accepted;
    totals->rejected += result->rejected;
    totals->discarded += result->discarded;
    totals->relayed += result->relayed;
    totals->redrawn += result->redrawn;
    totals->convicted += result->convicted;
    totals->forked += result->forked;
    totals->epochs += result->epochs > 1 ? result->epochs - 1 : 0;
    totals->slowest_ms    = larger(totals->slowest_ms, result->slowest_ms);
    totals->slowest_share = larger(totals->slowest_share, result->slowest_share);
    totals->virtual_hours += (double)result->ended_ms / 3600000.0;
}

static void
print_totals(const struct totals *totals, enum fed_mode mode)
{
    printf("%llu seeds, %llu failed: %.1f virtual hours, %llu events, %llu crashes, %llu "
           "partitions\n"
           "%llu frames: %llu lost, %llu duplicated, %llu tampered with, %llu lies\n"
           "%llu accepted, %llu rejected, %llu discarded\n",
           (unsigned long long)totals->seeds, (unsigned long long)totals->failed,
           totals->virtual_hours, (unsigned long long)totals->events,
           (unsigned long long)totals->crashes, (unsigned long long)totals->partitions,
           (unsigned long long)totals->frames, (unsigned long long)totals->lost,
           (unsigned long long)totals->duplicated, (unsigned long long)totals->tampered,
           (unsigned long long)totals->lies, (unsigned long long)totals->accepted,
           (unsigned long long)totals->rejected, (unsigned long long)totals->discarded);
    if (mode == FED_MODE_SWARM)
        printf("%llu forwarded, %llu blocks of a further draw, %llu convictions, %llu forks, %llu "
               "changes of the roster; after healing a height took %.1f s at most, and %.1f %% of "
               "what it may\n",
               (unsigned long long)totals->relayed, (unsigned long long)totals->redrawn,
               (unsigned long long)totals->convicted, (unsigned long long)totals->forked,
               (unsigned long long)totals->epochs, (double)totals->slowest_ms / 1000.0,
               (double)totals->slowest_share / 10.0);
}

static enum pn_status
print_totals_json(const struct totals *totals)
{
    struct text_json *out;
    enum pn_status    st = text_json_new(&out);
    if (st != PN_OK)
        return st;
    text_json_u64(out, "seeds", totals->seeds);
    text_json_u64(out, "failed", totals->failed);
    text_json_u64(out, "events", totals->events);
    text_json_u64(out, "frames", totals->frames);
    text_json_u64(out, "lost", totals->lost);
    text_json_u64(out, "duplicated", totals->duplicated);
    text_json_u64(out, "tampered", totals->tampered);
    text_json_u64(out, "lies", totals->lies);
    text_json_u64(out, "accepted", totals->accepted);
    text_json_u64(out, "rejected", totals->rejected);
    text_json_u64(out, "discarded", totals->discarded);
    text_json_u64(out, "relayed", totals->relayed);
    text_json_u64(out, "redrawn", totals->redrawn);
    text_json_u64(out, "convicted", totals->convicted);
    text_json_u64(out, "forked", totals->forked);
    text_json_u64(out, "roster_changes", totals->epochs);
    text_json_u64(out, "slowest_height_ms", totals->slowest_ms);
    text_json_f64(out, "slowest_height_share", (double)totals->slowest_share / 1000.0);
    text_json_u64(out, "crashes", totals->crashes);
    text_json_u64(out, "partitions", totals->partitions);
    text_json_f64(out, "virtual_hours", totals->virtual_hours);
    st = text_json_write(out, stdout);
    text_json_free(out);
    return st;
}

static int
world(const struct sim_options *options)
{
    struct pn_error            why    = {.text = ""};
    struct totals              totals = {.seeds = 0};
    static struct sim_scenario scenario;
    enum fed_mode              mode;
    enum pn_status             st = sim_command_prepare(&mode, options, &why);
    if (st == PN_OK)
        st = sim_scenario_init(&scenario, mode, &why);
    if (st != PN_OK)
        return sim_command_fail(st, &why);
    for (uint64_t i = 0; st == PN_OK && i < options->seeds; i++) {
        struct sim_result result;
        bool              twice = options->replay_every > 0 && i % options->replay_every == 0;
        st = sim_scenario_run(&result, &scenario, options->from + i, twice, options->trace, &why);
        if (st != PN_OK)
            break;
        add(&totals, &result);
        if (!result.ok)
            fprintf(stderr,
                    "FAILED %s\n  replay: panal-sim world --mode %s --identity %s --from %llu "
                    "--seeds 1 --trace\n",
                    result.failure, options->mode, options->identity,
                    (unsigned long long)(options->from + i));
    }
    sim_scenario_fini(&scenario);
    if (st == PN_OK && options->json)
        st = print_totals_json(&totals);
    else if (st == PN_OK)
        print_totals(&totals, mode);
    if (st != PN_OK)
        return sim_command_fail(st, &why);
    return totals.failed == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
    struct sim_options options;
    struct pn_error    why = {.text = ""};
    const char        *words[2];
    size_t             count = 0;
    enum pn_status     st    = pn_options_init(&options, sim_table, &why);
    if (st == PN_OK)
        st = pn_options_from_args(&options, sim_table, argc, argv, words, 2, &count, &why);
    if (st != PN_OK) {
        fprintf(stderr, "panal-sim: %s\n", why.text);
        return PN_EXIT_USAGE;
    }
    int code = PN_EXIT_USAGE;
    if (options.help) {
        print_help();
        code = 0;
    } else if (options.version) {
        puts("panal " PANAL_VERSION);
        code = 0;
    } else if (sec_init() != PN_OK || nn_start_up() != PN_OK) {
        fputs("panal-sim: libsodium or BLAS does not start on this machine\n", stderr);
        code = 1;
    } else if (count == 2 && strcmp(words[0], "run") == 0) {
        code = sim_command_run(&options, words[1]);
    } else if (count == 1 && strcmp(words[0], "world") == 0) {
        code = world(&options);
    } else {
        fputs("panal-sim: expected `run job.yaml` or `world`; --help says more\n", stderr);
    }
    pn_options_fini(&options, sim_table);
    return code;
}
