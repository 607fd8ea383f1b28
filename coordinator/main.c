/*
 * panal-coordinator -- runs one job over a federation: hosts coordinator/engine on real sockets, a
 * worker thread and a state directory.
 */
#include "base/log.h"
#include "coordinator/engine.h"
#include "coordinator/report.h"
#include "coordinator/settings.h"
#include "engine/harden.h"
#include "engine/heap.h"
#include "engine/party.h"
#include "engine/settings.h"
#include "net/loop.h"
#include "net/signals.h"
#include "nnlib/pass.h"
#include "store/files.h"

#include <stdio.h>
#include <stdlib.h>

struct daemon {
    struct coord_settings settings;
    struct store_files   *files;
    struct store_disk     disk;
    struct engine_party   party;
    struct engine_job     job;
    struct engine_scratch scratch;
    struct net_loop      *loop;
    struct coord_engine  *engine;
    struct coord_report   report;
    uint64_t              refused; /* handshakes, as reported so far */
    pn_ms                 look_at; /* when to look at their number again */
};

enum {
    LOOK_MS = 1000
};

static uint64_t
wall_ms(void *host)
{
    (void)host;
    return net_wall_ms();
}

static uint64_t
refused_handshakes(const struct daemon *daemon)
{
    struct net_counters counters;
    net_loop_counters(&counters, daemon->loop);
    return counters.refused;
}

/* At most one line a second, however many strangers knock. */
static void
report_strangers(struct daemon *daemon, pn_ms now)
{
    if (now < daemon->look_at)
        return;
    uint64_t refused = refused_handshakes(daemon);
    if (refused != daemon->refused)
        pn_log(PN_LOG_WARN,
               "event=strangers count=%llu text=\"handshakes refused: keys that no node of this "
               "roster has\"",
               (unsigned long long)(refused - daemon->refused));
    daemon->refused = refused;
    daemon->look_at = now + LOOK_MS;
}

/* Nodes whose certificate is valid now; the others are named, and the run goes on without them. */
static size_t
list_admitted(struct net_peer *out, const struct fed_roster *roster)
{
    uint64_t now   = net_wall_ms() / 1000;
    size_t   count = 0;
    for (uint32_t i = 0; i < roster->member_count; i++) {
        const struct fed_roster_member *member = &roster->members[i];
        struct pn_error                 why;
        if (member->role != FED_ROLE_NODE)
            continue;
        if (fed_roster_check_member(member, now, &why) == PN_OK)
            out[count++] =
                (struct net_peer){.member = member->number, .key = member->certificate.transport};
        else
            pn_log(PN_LOG_WARN, "node=%s event=not-admitted text=%s", member->name, why.text);
    }
    return count;
}

static enum pn_status
open_loop(struct daemon *daemon, struct pn_error *why)
{
    const struct fed_roster *roster = daemon->party.file.roster;
    struct net_peer         *admit  = calloc(roster->member_count, sizeof *admit);
    if (admit == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for %u members", roster->member_count);
    const char                  *listen = daemon->settings.listen;
    const struct net_loop_config config = {
        .listen      = listen != NULL ? listen : roster->endpoint,
        .public_key  = &daemon->party.transport_public,
        .secret      = &daemon->party.transport_secret,
        .admit       = admit,
        .admit_count = list_admitted(admit, roster),
        .silence_ms  = daemon->settings.silence_ms,
    };
    enum pn_status st = net_loop_new(&daemon->loop, &config, why);
    free(admit);
    /* Fail closed: prove that a stranger is refused before the first frame is read. */
    if (st == PN_OK)
        st = net_loop_self_test(daemon->loop, why);
    if (st == PN_OK)
        daemon->refused = refused_handshakes(daemon);
    return st;
}

static enum pn_status
open_engine(struct daemon *daemon, struct pn_error *why)
{
    struct coord_config config = {
        .roster       = daemon->party.file.roster,
        .job          = &daemon->job,
        .secret       = &daemon->party.secret,
        .boot         = daemon->party.boot,
        .disk         = &daemon->disk,
        .scratch      = &daemon->scratch,
        .keep_updates = daemon->settings.keep_updates,
        .keep_models  = daemon->settings.keep_models,
        .wall_ms      = wall_ms,
        .notice       = coord_report_notice,
        .host         = &daemon->report,
    };
    net_loop_ports(&config.ports, daemon->loop);
    fed_job_run(config.run, config.roster->federation, daemon->job.job, daemon->settings.run);
    daemon->report = (struct coord_report){.roster = config.roster,
                                           .rounds = daemon->job.job->rounds,
                                           .events = daemon->settings.events};
    return coord_engine_new(&daemon->engine, &config, why);
}

static enum pn_status
open_all(struct daemon *daemon, struct pn_error *why)
{
    enum pn_status st = engine_job_load(&daemon->job, daemon->settings.job, why);
    if (st == PN_OK)
        st = store_files_open(&daemon->files, &daemon->disk, daemon->settings.state, STORE_WRITE,
                              why);
    if (st == PN_OK)
        st = engine_party_load(
            &daemon->party,
            &(struct engine_party_files){.federation = daemon->settings.federation,
                                         .keys       = daemon->settings.keys,
                                         .trust      = daemon->settings.trust},
            &daemon->disk, FED_ROLE_COORDINATOR, net_wall_ms() / 1000, why);
    if (st == PN_OK)
        st = engine_scratch_init(&daemon->scratch);
    if (st == PN_OK)
        st = open_loop(daemon, why);
    if (st == PN_OK)
        st = open_engine(daemon, why);
    return st;
}

static void
close_all(struct daemon *daemon)
{
    net_signals_ignore();
    net_loop_free(daemon->loop); /* first: it waits for the work that the engine owns */
    coord_engine_free(daemon->engine);
    engine_scratch_fini(&daemon->scratch);
    engine_party_fini(&daemon->party);
    engine_job_fini(&daemon->job);
    store_files_close(daemon->files);
}

static enum pn_status
serve(struct daemon *daemon, bool *stopped)
{
    struct net_event event;
    coord_engine_start(daemon->engine, net_loop_now(daemon->loop));
    while (!coord_engine_is_over(daemon->engine)) {
        pn_ms          until = coord_engine_deadline(daemon->engine);
        pn_ms          look  = net_loop_now(daemon->loop) + LOOK_MS;
        enum pn_status st    = net_loop_wait(&event, daemon->loop, until < look ? until : look);
        pn_ms          now   = net_loop_now(daemon->loop);
        if (st != PN_OK)
            return st;
        report_strangers(daemon, now);
        switch (event.kind) {
        case NET_FRAME:
            coord_engine_frame(daemon->engine, now, event.member, event.bytes, event.size);
            break;
        case NET_UP:
            coord_engine_up(daemon->engine, now, event.member);
            break;
        case NET_DOWN:
            coord_engine_down(daemon->engine, now, event.member);
            break;
        case NET_TIMEOUT:
            coord_engine_tick(daemon->engine, now);
            break;
        case NET_RELOAD:
            pn_log(PN_LOG_INFO, "event=reload text=\"nothing to do: a run with a coordinator keeps "
                                "its roster\"");
            break;
        case NET_SIGNAL:
            pn_log(PN_LOG_INFO,
                   "event=stopping text=\"a signal; the run goes on at the next start\"");
            *stopped = true;
            return PN_OK;
        }
    }
    return PN_OK;
}

static int
run(struct daemon *daemon)
{
    struct pn_error why     = {.text = ""};
    bool            stopped = false;
    enum pn_status  st      = open_all(daemon, &why);
    if (st == PN_OK) {
        pn_log(PN_LOG_INFO, "event=start version=%s job=%s boot=%u member=%s", PANAL_VERSION,
               daemon->job.job->name, daemon->party.boot, daemon->party.self->name);
        coord_report_listening(&daemon->report, net_loop_endpoint(daemon->loop));
        st = serve(daemon, &stopped);
    }
    if (st != PN_OK)
        pn_log(PN_LOG_ERROR, "event=failed text=%s",
               why.text[0] != '\0' ? why.text : pn_status_text(st));
    int code = pn_status_exit_code(st);
    if (st == PN_OK && !stopped && (daemon->report.broken || daemon->report.outcome == WIRE_FAILED))
        code = 1;
    close_all(daemon);
    return code;
}

int
main(int argc, char **argv)
{
    struct daemon     daemon = {.files = NULL};
    struct pn_error   why    = {.text = ""};
    enum pn_log_level level;
    if (engine_settings_check_words(&daemon.settings, coord_settings_table, argc, argv, &why) !=
        PN_OK) {
        fprintf(stderr, "panal-coordinator: %s\n", why.text);
        return PN_EXIT_USAGE;
    }
    enum pn_status st = coord_settings_from_args(&daemon.settings, argc, argv, &why);
    if (st != PN_OK) {
        fprintf(stderr, "panal-coordinator: %s\n", why.text);
        return pn_status_exit_code(st);
    }
    int code = 0;
    if (daemon.settings.help) {
        puts("panal-coordinator -- runs the rounds of one job over a federation\n\n"
             "usage: panal-coordinator --config coordinator.yaml [options]\n");
        pn_options_help(stdout, coord_settings_table);
    } else if (daemon.settings.version) {
        puts("panal " PANAL_VERSION);
    } else if (daemon.settings.print_config) {
        pn_options_print(stdout, &daemon.settings, coord_settings_table);
    } else if (!pn_log_level_parse(&level, daemon.settings.log_level)) {
        fprintf(
            stderr,
            "panal-coordinator: --log-level: expected error, warn, info or debug, seen \"%s\"\n",
            daemon.settings.log_level);
        code = PN_EXIT_USAGE;
    } else if (sec_init() != PN_OK || engine_harden() != PN_OK || nn_start_up() != PN_OK) {
        fputs(
            "panal-coordinator: libsodium, BLAS or the protection from core dumps does not start\n",
            stderr);
        code = 1;
    } else {
        engine_heap_keep();
        pn_log_open("coord", level, daemon.settings.log_json);
        code = run(&daemon);
    }
    coord_settings_fini(&daemon.settings);
    return code;
}
