/*
 * panal-node -- the daemon of one organisation: an engine on real sockets, a worker thread and a
 * state directory. Which engine, the roster says: mode coordinator or swarm.
 */
#include "base/log.h"
#include "engine/harden.h"
#include "engine/heap.h"
#include "engine/settings.h"
#include "nnlib/pass.h"
#include "node/daemon.h"

#include <stdio.h>

enum pn_status
node_load_party(struct node_daemon *daemon, struct pn_error *why)
{
    const struct node_settings     *settings = &daemon->settings;
    const struct engine_party_files files    = {.federation =
                                                 daemon->follows ? NULL : settings->federation,
                                                .keys  = settings->keys,
                                                .trust = settings->trust,
                                                .joins = daemon->joins};
    return engine_party_load(&daemon->party, &files, &daemon->disk, FED_ROLE_NODE,
                             net_wall_ms() / 1000, why);
}

static enum pn_status
open_all(struct node_daemon *daemon, struct pn_error *why)
{
    if (!daemon->settings.has_source)
        return pn_error_set(why, PN_ECONFIG,
                            "no data: a node needs --config node.yaml with a `data:` section");
    enum pn_status st =
        store_files_open(&daemon->files, &daemon->disk, daemon->settings.state, STORE_WRITE, why);
    if (st == PN_OK)
        st = node_load_party(daemon, why);
    if (st == PN_OK)
        st = engine_scratch_init(&daemon->scratch);
    return st;
}

static void
close_all(struct node_daemon *daemon)
{
    engine_scratch_fini(&daemon->scratch);
    engine_party_fini(&daemon->party);
    store_files_close(daemon->files);
}

static int
run(struct node_daemon *daemon)
{
    struct pn_error why    = {.text = ""};
    bool            failed = false;
    enum pn_status  st     = open_all(daemon, &why);
    if (st == PN_OK) {
        pn_log(PN_LOG_INFO, "event=start version=%s member=%s boot=%u federation=%s epoch=%u",
               PANAL_VERSION, daemon->party.self->name, daemon->party.boot,
               daemon->party.roster->federation, daemon->party.roster->epoch);
        st = daemon->party.roster->mode == FED_MODE_SWARM ? node_serve_swarm(daemon, &failed, &why)
                                                          : node_serve(daemon, &failed, &why);
    }
    if (st != PN_OK)
        pn_log(PN_LOG_ERROR, "event=failed text=%s",
               why.text[0] != '\0' ? why.text : pn_status_text(st));
    int code = pn_status_exit_code(st);
    if (st == PN_OK && daemon->settings.once && failed)
        code = 1;
    close_all(daemon);
    return code;
}

int
main(int argc, char **argv)
{
    struct node_daemon daemon = {.files = NULL};
    struct pn_error    why    = {.text = ""};
    enum pn_log_level  level;
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
