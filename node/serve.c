#include "node/daemon.h"

#include "base/log.h"
#include "net/signals.h"
#include "node/engine.h"
#include "node/report.h"

struct service {
    struct node_daemon *daemon;
    struct net_loop    *loop;
    struct node_engine *engine;
    struct node_report  report;
    uint64_t            refused; /* handshakes, as reported so far */
    bool                up;
    pn_ms               down_since, complain_ms; /* a line after so long, then twice as long */
};

enum {
    COMPLAIN_MS     = 5000,
    COMPLAIN_MAX_MS = 600000
};

/* Where the coordinator is. */
static const char *
endpoint(const struct service *service)
{
    const char *connect = service->daemon->settings.connect;
    return connect != NULL ? connect : service->daemon->party.file.roster->endpoint;
}

static enum pn_status
open_loop(struct service *service, struct pn_error *why)
{
    const struct fed_roster        *roster = service->daemon->party.file.roster;
    const struct fed_roster_member *hub    = fed_roster_find(roster, roster->coordinator);

    const struct net_dial dial = {
        .endpoint = endpoint(service), .member = hub->number, .key = hub->certificate.transport};
    const struct net_loop_config config = {.dials      = &dial,
                                           .dial_count = 1,
                                           .public_key = &service->daemon->party.transport_public,
                                           .secret     = &service->daemon->party.transport_secret};
    return net_loop_new(&service->loop, &config, why);
}

static enum pn_status
open_engine(struct service *service, struct pn_error *why)
{
    struct node_config config;
    node_config_defaults(&config);
    config.roster              = service->daemon->party.file.roster;
    config.self                = service->daemon->party.self->number;
    config.secret              = &service->daemon->party.secret;
    config.boot                = service->daemon->party.boot;
    config.policy              = &service->daemon->settings.policy;
    config.source              = &service->daemon->settings.source;
    config.bytes_max           = NODE_DATA_BYTES_MAX;
    config.threads             = service->daemon->settings.threads;
    config.disk                = &service->daemon->disk;
    config.scratch             = &service->daemon->scratch;
    config.limits.heartbeat_ms = service->daemon->settings.heartbeat_ms;
    config.notice              = node_report_notice;
    config.host                = &service->report;
    net_loop_ports(&config.ports, service->loop);
    return node_engine_new(&service->engine, &config, why);
}

/* The loop dials again and again; a person must know why nothing happens. */
static void
report_silence(struct service *service, pn_ms now)
{
    struct net_counters counters;
    net_loop_counters(&counters, service->loop);
    if (counters.refused != service->refused)
        pn_log(PN_LOG_WARN,
               "event=handshake-refused count=%llu text=\"the coordinator does not admit our "
               "transport key; is our roster the newest epoch, and are we in it?\"",
               (unsigned long long)counters.refused);
    service->refused = counters.refused;
    if (service->up || now < service->down_since + service->complain_ms)
        return;
    pn_log(PN_LOG_WARN,
           "event=waiting seconds=%llu text=\"no connection to %s: nobody listens there, or "
           "somebody who has not the coordinator's key of our roster\"",
           (unsigned long long)((now - service->down_since) / 1000), endpoint(service));
    if (service->complain_ms < COMPLAIN_MAX_MS)
        service->complain_ms *= 2;
}

static void
note_connection(struct service *service, pn_ms now, bool up)
{
    service->up          = up;
    service->down_since  = now;
    service->complain_ms = COMPLAIN_MS;
}

static enum pn_status
serve(struct service *service)
{
    struct net_event event;
    note_connection(service, net_loop_now(service->loop), false);
    if (node_engine_is_over(service->engine))
        pn_log(PN_LOG_INFO, "event=end text=\"the run in this state directory is over\"");
    for (;;) {
        if (service->daemon->settings.once && node_engine_is_over(service->engine))
            return PN_OK;
        pn_ms          until = node_engine_deadline(service->engine);
        pn_ms          look  = net_loop_now(service->loop) + NODE_LOOK_MS;
        enum pn_status st    = net_loop_wait(&event, service->loop, until < look ? until : look);
        pn_ms          now   = net_loop_now(service->loop);
        if (st != PN_OK)
            return st;
        report_silence(service, now);
        switch (event.kind) {
        case NET_FRAME:
            node_engine_frame(service->engine, now, event.bytes, event.size);
            break;
        case NET_UP:
            note_connection(service, now, true);
            node_engine_up(service->engine, now);
            break;
        case NET_DOWN:
            note_connection(service, now, false);
            node_engine_down(service->engine, now);
            break;
        case NET_TIMEOUT:
            node_engine_tick(service->engine, now);
            break;
        case NET_RELOAD:
            pn_log(PN_LOG_INFO, "event=reload text=\"nothing to do: a run with a coordinator keeps "
                                "its roster\"");
            break;
        case NET_SIGNAL:
            pn_log(PN_LOG_INFO, "event=stopping text=\"a signal\"");
            return PN_OK;
        }
    }
}

/* A member of a swarm was meant, and this roster makes a node of it. */
static enum pn_status
check_settings(const struct node_settings *settings, struct pn_error *why)
{
    const char *name = settings->job != NULL ? "job" : settings->listen != NULL ? "listen" : NULL;
    return name == NULL ? PN_OK
                        : pn_error_set(why, PN_ECONFIG,
                                       "%s: only a member of a swarm has it, and the roster's mode "
                                       "is coordinator",
                                       name);
}

enum pn_status
node_serve(struct node_daemon *daemon, bool *failed, struct pn_error *why)
{
    struct service service = {.daemon = daemon};
    enum pn_status st      = check_settings(&daemon->settings, why);
    if (st == PN_OK)
        st = open_loop(&service, why);
    if (st == PN_OK)
        st = open_engine(&service, why);
    if (st == PN_OK)
        st = serve(&service);
    *failed = service.report.outcome == WIRE_FAILED;
    net_signals_ignore();
    if (service.engine != NULL)
        node_engine_stop(service.engine);
    net_loop_free(service.loop); /* waits for the work that the engine owns */
    node_engine_free(service.engine);
    return st;
}
