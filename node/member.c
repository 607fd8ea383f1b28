#include "node/daemon.h"

#include "base/log.h"
#include "net/signals.h"
#include "node/member_report.h"

#include <string.h>

enum {
    SILENT_BEATS = 8,    /* a member that we do not dial is away after so many without a word */
    WAIT_MS      = 10000 /* a line after so long without a quorum */
};

struct service {
    struct node_daemon         *daemon;
    struct engine_job           job;
    bool                        has_job;
    struct net_loop            *loop;
    struct swarm_engine        *engine;
    struct sec_transport_secret session; /* of this life */
    struct member_report        report;
    struct engine_roster_signed next[2]; /* epochs of the roster; next_at: the one we propose */
    size_t                      next_at;
    bool                        stopped;         /* by a signal */
    uint64_t                    refused, height; /* as reported, and when nothing had to be */
    pn_ms                       look_at, complain_at;
    bool lost; /* we come no further by this roster; by the other one we may */
};

/* Of two members that can both be reached, the one with the higher number dials. */
static bool
we_dial(const struct fed_roster_member *self, const struct fed_roster_member *other)
{
    return other->endpoint[0] != '\0' &&
           (self->endpoint[0] == '\0' || self->number > other->number);
}

/* A member whose certificate is not valid now is named, and the swarm goes on without it. */
static bool
is_in_time(const struct fed_roster_member *member)
{
    struct pn_error why;
    if (fed_roster_check_member(member, net_wall_ms() / 1000, &why) == PN_OK)
        return true;
    pn_log(PN_LOG_WARN, "member=%s event=not-admitted text=%s", member->name, why.text);
    return false;
}

static uint64_t
refused_handshakes(const struct service *service)
{
    struct net_counters counters = {.refused = 0};
    if (service->loop != NULL)
        net_loop_counters(&counters, service->loop);
    return counters.refused;
}

/* The others dial the roster's endpoint; behind it may be another address of this machine. */
static const char *
where_to_listen(const struct service *service)
{
    const char *listen   = service->daemon->settings.listen;
    const char *endpoint = service->daemon->party.self->endpoint;
    return listen != NULL ? listen : endpoint[0] != '\0' ? endpoint : NULL;
}

static enum pn_status
open_loop(struct service *service, struct pn_error *why)
{
    const struct engine_party      *party  = &service->daemon->party;
    const struct fed_roster        *roster = party->roster;
    const struct fed_roster_member *self   = party->self;
    struct net_peer                 admit[FED_SWARM_MAX];
    struct net_dial                 dials[FED_SWARM_MAX];
    const pn_ms                     silence = SILENT_BEATS * service->daemon->settings.heartbeat_ms;
    struct net_loop_config          config  = {.listen     = where_to_listen(service),
                                               .dials      = dials,
                                               .public_key = &party->transport_public,
                                               .secret     = &party->transport_secret,
                                               .admit      = admit,
                                               .silence_ms = silence};
    for (uint32_t i = 0; i < roster->member_count; i++) {
        const struct fed_roster_member *other = &roster->members[i];
        if (other->number == self->number || !is_in_time(other))
            continue;
        admit[config.admit_count++] =
            (struct net_peer){other->number, other->certificate.transport};
        if (we_dial(self, other))
            dials[config.dial_count++] =
                (struct net_dial){other->endpoint, other->number, other->certificate.transport};
    }
    enum pn_status st = net_loop_new(&service->loop, &config, why);
    if (st == PN_ENETWORK && config.listen != NULL)
        return pn_error_wrap(why, st,
                             "if the roster's address is not this machine's own, say --listen");
    if (st == PN_OK && config.listen != NULL)
        st = net_loop_self_test(service->loop, why);
    service->refused = refused_handshakes(service); /* the self-test's stranger */
    return st;
}

static uint64_t
wall_ms(void *host)
{
    (void)host;
    return net_wall_ms();
}

static enum pn_status
open_engine(struct service *service, struct pn_error *why)
{
    struct node_daemon         *daemon = service->daemon;
    struct swarm_config         config;
    struct sec_transport_public public_key;
    sec_transport_new(&public_key, &service->session);
    swarm_config_defaults(&config, &service->job);
    service->report  = (struct member_report){.roster = daemon->party.roster,
                                              .rounds = service->job.job->rounds,
                                              .events = daemon->settings.events};
    config.roster    = daemon->party.roster;
    config.trusted   = daemon->party.file.roster;
    config.text      = daemon->party.text;
    config.self      = daemon->party.self->number;
    config.secret    = &daemon->party.secret;
    config.transport = &daemon->party.transport_secret;
    config.session   = &service->session;
    config.boot      = daemon->party.boot;
    config.policy    = &daemon->settings.policy;
    config.source    = &daemon->settings.source;
    config.bytes_max = NODE_DATA_BYTES_MAX;
    config.threads   = daemon->settings.threads;
    config.disk      = &daemon->disk;
    config.scratch   = &daemon->scratch;
    config.wall_ms   = wall_ms;

    config.limits.status_ms = daemon->settings.heartbeat_ms;
    config.keep_updates     = daemon->settings.keep_updates;
    config.keep_models      = daemon->settings.keep_models;
    config.notice           = member_report_notice;
    config.host             = &service->report;
    net_loop_ports(&config.ports, service->loop);
    return swarm_engine_new(&service->engine, &config, why);
}

/* ---- the next epoch of the roster ---- */

/* Reads federation.yaml: a roster after the one in force is for the ledger from now on, in place of
 * one that was before. */
static void
offer_roster(struct service *service)
{
    const struct engine_party   *party = &service->daemon->party;
    struct engine_roster_signed *next  = &service->next[1 - service->next_at];
    const char                  *path  = service->daemon->settings.federation;
    struct pn_error              why   = {.text = ""};
    enum pn_status               st    = engine_roster_load_signed(next, path, party->roster, &why);
    if (st == PN_OK && next->file.roster->epoch <= party->roster->epoch) {
        engine_roster_signed_fini(next);
        return;
    }
    if (st == PN_OK && (st = swarm_engine_offer(service->engine, &next->wire, &why)) != PN_OK)
        engine_roster_signed_fini(next);
    if (st != PN_OK) {
        pn_log(PN_LOG_WARN, "event=roster text=%s: not proposed: %s", path, why.text);
        return;
    }
    pn_log(PN_LOG_INFO,
           "event=roster epoch=%u text=\"%s is proposed to the others, in the next block that this "
           "member makes\"",
           next->file.roster->epoch, path);
    service->next_at = 1 - service->next_at;
    engine_roster_signed_fini(&service->next[1 - service->next_at]);
}

static void
say_quorum(const struct fed_roster *roster)
{
    uint32_t liars, quorum = fed_roster_quorum(roster, &liars);
    if (roster->quorum == FED_QUORUM_MAJORITY)
        pn_log(
            PN_LOG_WARN,
            "event=quorum members=%u decide=%u text=\"quorum: majority: one dishonest member can "
            "fork; forks are detected, not prevented\"",
            roster->member_count, quorum);
    else
        pn_log(PN_LOG_INFO, "event=quorum members=%u decide=%u liars=%u", roster->member_count,
               quorum, liars);
}

static enum pn_status
open_all(struct service *service, struct pn_error *why)
{
    const struct node_settings *settings = &service->daemon->settings;
    if (settings->job == NULL)
        return pn_error_set(why, PN_ECONFIG,
                            "no job: a member of a swarm needs --job job.yaml, the same file for "
                            "every member");
    if (settings->connect != NULL)
        return pn_error_set(
            why, PN_ECONFIG,
            "--connect: a swarm has no coordinator; its members' addresses stand in "
            "the roster");
    enum pn_status st = engine_job_load(&service->job, settings->job, why);
    service->has_job  = st == PN_OK;
    if (st == PN_OK)
        st = open_loop(service, why);
    if (st == PN_OK)
        st = open_engine(service, why);
    if (st == PN_OK &&
        service->daemon->party.file.roster->epoch > service->daemon->party.roster->epoch)
        offer_roster(service);
    if (st == PN_OK)
        say_quorum(service->daemon->party.roster);
    return st;
}

/* However many strangers knock, a look writes one line. */
static void
report_strangers(struct service *service)
{
    uint64_t refused = refused_handshakes(service);
    if (refused != service->refused)
        pn_log(PN_LOG_WARN,
               "event=strangers count=%llu text=\"handshakes refused: keys that no member of this "
               "roster has\"",
               (unsigned long long)(refused - service->refused));
    service->refused = refused;
}

/* A person must know why nothing happens. */
static const char *
find_obstacle(const struct fed_swarm *machine, uint32_t here)
{
    if (here < machine->limits.consensus.quorum)
        return "too few members to decide; the logs of those that are up say whether they refuse "
               "this one";
    for (uint32_t i = 0; i < machine->limits.consensus.members; i++)
        if (machine->members[i].connected && machine->members[i].height > machine->height)
            return "others hold more blocks, and do not give them; their logs say why";
    return NULL;
}

static void
report_silence(struct service *service, pn_ms now)
{
    const struct fed_swarm *machine  = swarm_engine_machine(service->engine);
    uint32_t                here     = fed_swarm_here(machine);
    const char             *obstacle = machine->finished ? NULL : find_obstacle(machine, here);
    if (obstacle == NULL || machine->height != service->height) {
        service->height      = machine->height;
        service->complain_at = now + WAIT_MS;
    } else if (now >= service->complain_at) {
        service->complain_at = now + 6 * (pn_ms)WAIT_MS;
        pn_log(PN_LOG_WARN, "event=waiting height=%llu connected=%u decide=%u text=%s",
               (unsigned long long)machine->height, here, machine->limits.consensus.quorum,
               obstacle);
    }
}

static void
notice_being_lost(struct service *service, pn_ms now)
{
    struct node_daemon        *daemon  = service->daemon;
    const struct engine_party *party   = &daemon->party;
    const struct fed_chain    *chain   = swarm_engine_chain(service->engine);
    bool                       by_file = party->roster == party->file.roster;
    bool two      = chain->height > 0 && chain->roster->epoch < party->file.roster->epoch;
    service->lost = engine_alone_is_lost(&daemon->alone, swarm_engine_is_stranded(service->engine),
                                         chain->height, two, by_file, now);
    if (service->lost)
        pn_log(PN_LOG_WARN,
               "event=waiting text=\"no further by epoch %u of the roster; trying by epoch %u\"",
               party->roster->epoch, by_file ? chain->roster->epoch : party->file.roster->epoch);
}

static void
look_around(struct service *service, pn_ms now)
{
    if (now < service->look_at)
        return;
    notice_being_lost(service, now);
    service->look_at = now + NODE_LOOK_MS;
    report_strangers(service);
    report_silence(service, now);
}

static enum pn_status
serve(struct service *service)
{
    struct net_event event;
    swarm_engine_start(service->engine, net_loop_now(service->loop));
    service->complain_at = net_loop_now(service->loop) + WAIT_MS;
    engine_alone_begin(&service->daemon->alone, swarm_engine_chain(service->engine)->height,
                       net_loop_now(service->loop));
    for (;;) {
        if (service->report.failed)
            return PN_ESTATE; /* the sentence is in the log */
        if (swarm_engine_is_over(service->engine) &&
            (service->daemon->settings.once || swarm_engine_is_superseded(service->engine)))
            return PN_OK;
        if (service->lost)
            return PN_OK;
        pn_ms          until = swarm_engine_deadline(service->engine);
        pn_ms          look  = net_loop_now(service->loop) + NODE_LOOK_MS;
        enum pn_status st    = net_loop_wait(&event, service->loop, until < look ? until : look);
        pn_ms          now   = net_loop_now(service->loop);
        if (st != PN_OK)
            return st;
        look_around(service, now);
        switch (event.kind) {
        case NET_FRAME:
            swarm_engine_frame(service->engine, now, event.member, event.bytes, event.size);
            break;
        case NET_UP:
            swarm_engine_up(service->engine, now, event.member);
            break;
        case NET_DOWN:
            swarm_engine_down(service->engine, now, event.member);
            break;
        case NET_TIMEOUT:
            swarm_engine_tick(service->engine, now);
            break;
        case NET_RELOAD:
            offer_roster(service);
            break;
        case NET_SIGNAL:
            pn_log(PN_LOG_INFO, "event=stopping text=\"a signal\"");
            service->stopped = true;
            return PN_OK;
        }
    }
}

/* From the first block of the roster in force to the last. `*again`: another one is, or may be. */
static enum pn_status
serve_epoch(struct node_daemon *daemon, bool *again, bool *failed, struct pn_error *why)
{
    struct service service = {.daemon = daemon};
    enum pn_status st      = open_all(&service, why);
    if (st == PN_OK)
        st = serve(&service);
    *failed         = service.report.failed;
    daemon->follows = st == PN_OK && swarm_engine_is_superseded(service.engine);
    if (daemon->follows)
        st = engine_party_follow(&daemon->disk, why);
    *again        = st == PN_OK && !service.stopped && (service.lost || daemon->follows);
    daemon->joins = service.lost && daemon->party.roster != daemon->party.file.roster;
    if (!*again) {
        net_signals_ignore();
    }
    if (service.engine != NULL)
        swarm_engine_stop(service.engine);
    net_loop_free(service.loop); /* waits for the work that the engine owns */
    swarm_engine_free(service.engine);
    for (size_t i = 0; i < 2; i++)
        engine_roster_signed_fini(&service.next[i]);
    sec_transport_wipe(&service.session);
    if (service.has_job)
        engine_job_fini(&service.job);
    return st;
}

enum pn_status
node_serve_swarm(struct node_daemon *daemon, bool *failed, struct pn_error *why)
{
    bool               again = true;
    enum pn_status     st    = PN_OK;
    struct net_signals held; /* between two epochs they wait for the next loop */
    int                error = net_signals_catch(&held);
    if (error != 0)
        return pn_error_set(why, PN_EIO, "signals cannot be caught: %s", strerror(error));
    while (again) {
        st = serve_epoch(daemon, &again, failed, why);
        if (!again)
            break;
        engine_party_fini(&daemon->party);
        st    = node_load_party(daemon, why);
        again = st == PN_OK;
    }
    net_signals_release(&held);
    return st;
}
