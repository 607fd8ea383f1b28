/*
 * panal-node -- the daemon of one organisation: hosts node/engine on a real socket, a worker thread
 * and a state directory. It dials out only.
 */
#include "base/log.h"
#include "engine/harden.h"
#include "engine/heap.h"
#include "engine/party.h"
#include "engine/settings.h"
#include "net/loop.h"
#include "nnlib/pass.h"
#include "node/engine.h"
#include "node/report.h"
#include "node/settings.h"
#include "store/files.h"

#include <signal.h>
#include <stdio.h>

struct daemon {
    struct node_settings  settings;
    struct store_files   *files;
    struct store_disk     disk;
    struct engine_party   party;
    struct engine_scratch scratch;
    struct net_loop      *loop;
    struct node_engine   *engine;
    struct node_report    report;
    uint64_t              refused; /* handshakes, as reported so far */
    bool                  up;
    pn_ms                 down_since, complain_ms; /* a line after so long, then twice as long */
};

enum {
    LOOK_MS         = 1000, /* time between looks at what the loop counts */
    COMPLAIN_MS     = 5000,
    COMPLAIN_MAX_MS = 600000
};

/* Where the coordinator is. */
static const char *
endpoint(const struct daemon *daemon)
{
    const char *connect = daemon->settings.connect;
    return connect != NULL ? connect : daemon->party.file.roster->endpoint;
}

static enum pn_status
open_loop(struct daemon *daemon, struct pn_error *why)
{
    const struct fed_roster        *roster = daemon->party.file.roster;
    const struct fed_roster_member *hub    = fed_roster_find(roster, roster->coordinator);

    const struct net_dial dial = {
        .endpoint = endpoint(daemon), .member = hub->number, .key = hub->certificate.transport};
    const struct net_loop_config config = {.dials      = &dial,
                                           .dial_count = 1,
                                           .public_key = &daemon->party.transport_public,
                                           .secret     = &daemon->party.transport_secret};
    return net_loop_new(&daemon->loop, &config, why);
}

static enum pn_status
open_engine(struct daemon *daemon, struct pn_error *why)
{
    struct node_config config;
    node_config_defaults(&config);
    config.roster              = daemon->party.file.roster;
    config.self                = daemon->party.self->number;
    config.secret              = &daemon->party.secret;
    config.boot                = daemon->party.boot;
    config.policy              = &daemon->settings.policy;
    config.source              = &daemon->settings.source;
    config.bytes_max           = NODE_DATA_BYTES_MAX;
    config.disk                = &daemon->disk;
    config.scratch             = &daemon->scratch;
    config.limits.heartbeat_ms = daemon->settings.heartbeat_ms;
    config.notice              = node_report_notice;
    config.host                = &daemon->report;
    net_loop_ports(&config.ports, daemon->loop);
    return node_engine_new(&daemon->engine, &config, why);
}

static enum pn_status
open_all(struct daemon *daemon, struct pn_error *why)
{
    if (!daemon->settings.has_source)
        return pn_error_set(why, PN_ECONFIG,
                            "no data: a node needs --config node.yaml with a `data:` section");
    enum pn_status st =
        store_files_open(&daemon->files, &daemon->disk, daemon->settings.state, STORE_WRITE, why);
    if (st == PN_OK)
        st = engine_party_load(
            &daemon->party,
            &(struct engine_party_files){.federation = daemon->settings.federation,
                                         .keys       = daemon->settings.keys,
                                         .trust      = daemon->settings.trust},
            &daemon->disk, FED_ROLE_NODE, net_wall_ms() / 1000, why);
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
    /* We are ending already; another signal must not turn that into a death. */
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    if (daemon->engine != NULL)
        node_engine_stop(daemon->engine);
    net_loop_free(daemon->loop); /* waits for the work that the engine owns */
    node_engine_free(daemon->engine);
    engine_scratch_fini(&daemon->scratch);
    engine_party_fini(&daemon->party);
    store_files_close(daemon->files);
}

/* The loop dials again and again; a person must know why nothing happens. */
static void
report_silence(struct daemon *daemon, pn_ms now)
{
    struct net_counters counters;
    net_loop_counters(&counters, daemon->loop);
    if (counters.refused != daemon->refused)
        pn_log(PN_LOG_WARN,
               "event=handshake-refused count=%llu text=\"the coordinator does not admit our "
               "transport key; is our roster the newest epoch, and are we in it?\"",
               (unsigned long long)counters.refused);
    daemon->refused = counters.refused;
    if (daemon->up || now < daemon->down_since + daemon->complain_ms)
        return;
    pn_log(PN_LOG_WARN,
           "event=waiting seconds=%llu text=\"no connection to %s: nobody listens there, or "
           "somebody who has not the coordinator's key of our roster\"",
           (unsigned long long)((now - daemon->down_since) / 1000), endpoint(daemon));
    if (daemon->complain_ms < COMPLAIN_MAX_MS)
        daemon->complain_ms *= 2;
}

static void
note_connection(struct daemon *daemon, pn_ms now, bool up)
{
    daemon->up          = up;
    daemon->down_since  = now;
    daemon->complain_ms = COMPLAIN_MS;
}

static enum pn_status
serve(struct daemon *daemon)
{
    struct net_event event;
    note_connection(daemon, net_loop_now(daemon->loop), false);
    if (node_engine_is_over(daemon->engine))
        pn_log(PN_LOG_INFO, "event=end text=\"the run in this state directory is over\"");
    for (;;) {
        if (daemon->settings.once && node_engine_is_over(daemon->engine))
            return PN_OK;
        pn_ms          until = node_engine_deadline(daemon->engine);
        pn_ms          look  = net_loop_now(daemon->loop) + LOOK_MS;
        enum pn_status st    = net_loop_wait(&event, daemon->loop, until < look ? until : look);
        pn_ms          now   = net_loop_now(daemon->loop);
        if (st != PN_OK)
            return st;
        report_silence(daemon, now);
        switch (event.kind) {
        case NET_FRAME:
            node_engine_frame(daemon->engine, now, event.bytes, event.size);
            break;
        case NET_UP:
            note_connection(daemon, now, true);
            node_engine_up(daemon->engine, now);
            break;
        case NET_DOWN:
            note_connection(daemon, now, false);
            node_engine_down(daemon->engine, now);
            break;
        case NET_TIMEOUT:
            node_engine_tick(daemon->engine, now);
            break;
        case NET_SIGNAL:
            pn_log(PN_LOG_INFO, "event=stopping text=\"a signal\"");
            return PN_OK;
        }
    }
}

static int
run(struct daemon *daemon)
{
    struct pn_error why = {.text = ""};
    enum pn_status  st  = open_all(daemon, &why);
    if (st == PN_OK) {
        pn_log(PN_LOG_INFO, "event=start version=%s member=%s boot=%u federation=%s epoch=%u",
               PANAL_VERSION, daemon->party.self->name, daemon->party.boot,
               daemon->party.file.roster->federation, daemon->party.file.roster->epoch);
        st = serve(daemon);
    }
    if (st != PN_OK)
        pn_log(PN_LOG_ERROR, "event=failed text=%s",
               why.text[0] != '\0' ? why.text : pn_status_text(st));
    int code = pn_status_exit_code(st);
    if (st == PN_OK && daemon->settings.once && daemon->report.outcome == WIRE_FAILED)
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
    if (engine_settings_check_words(&daemon.settings, node_settings_table, argc, argv, &why) !=
        PN_OK) {
        fprintf(stderr, "panal-node: %s\n", why.text);
        return PN_EXIT_USAGE;
    }
    enum pn_status st = node_settings_from_args(&daemon.settings, argc, argv, &why);
    if (st != PN_OK) {
        fprintf(stderr, "panal-node: %s\n", why.text);
        return pn_status_exit_code(st);
    }
    int code = 0;
    if (daemon.settings.help) {
        puts("panal-node -- trains on one organisation's records, as its policy allows\n\n"
             "usage: panal-node --config node.yaml [options]\n");
        pn_options_help(stdout, node_settings_table);
    } else if (daemon.settings.version) {
        puts("panal " PANAL_VERSION);
    } else if (daemon.settings.print_config) {
        pn_options_print(stdout, &daemon.settings, node_settings_table);
    } else if (!pn_log_level_parse(&level, daemon.settings.log_level)) {
        fprintf(stderr,
                "panal-node: --log-level: expected error, warn, info or debug, seen \"%s\"\n",
                daemon.settings.log_level);
        code = PN_EXIT_USAGE;
    } else if (sec_init() != PN_OK || engine_harden() != PN_OK || nn_start_up() != PN_OK) {
        fputs("panal-node: libsodium, BLAS or the protection from core dumps does not start\n",
              stderr);
        code = 1;
    } else {
        engine_heap_keep();
        pn_log_open("node", level, daemon.settings.log_json);
        code = run(&daemon);
    }
    node_settings_fini(&daemon.settings);
    return code;
}
