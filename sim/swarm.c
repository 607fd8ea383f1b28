#include "sim/swarm.h"

#include "engine/proof.h"
#include "engine/roster.h"
#include "sim/disk.h"
#include "sim/epochs.h"
#include "sim/export.h"
#include "sim/holes.h"
#include "sim/liar.h"
#include "sim/queue.h"
#include "sim/tamper.h"
#include "swarm/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BYTES_MAX        = 1 << 30, /* of a site's records */
    SLOW_WORK_MS     = 4000,
    CONNECT_MS       = 50,
    SILENCE_MS       = 5000, /* a cut connection is noticed after so long */
    IN_FLIGHT_MAX    = 64 << 20,
    DISK_MAX         = 16 << 20, /* besides the models and updates of a few rounds */
    ROUNDS_ON_DISK   = 4,
    MS_A_SECOND      = 1000,
    US_A_MILLISECOND = 1000
};

struct swarm_party {
    struct swarm_world *world;
    uint32_t            index;
    bool                alive, side, dies, dead; /* for good: it will; it did */
    size_t   given, epoch; /* of the roster, from 0: that it was given, that it goes by */
    uint32_t boot, life;
    struct sec_transport_secret session; /* of this life */
    struct sim_liar            *liar;    /* NULL: it is honest */
    struct swarm_engine        *engine;
    struct sim_disk            *disk;
    struct store_disk           port;
    pn_ms                       tick_at;
    uint64_t                    height; /* the most that it ever held */
};

struct swarm_world {
    const struct sim_config *config;
    struct sim_result       *result;
    struct sim_epochs        epochs;
    size_t                   reached; /* the newest epoch that any ledger has */
    struct engine_scratch    scratch;
    struct sim_press        *press;
    struct sim_queue         queue;
    struct swarm_party      *parties;
    bool                    *connected, *blocked; /* count x count, symmetric */
    size_t                   count;
    struct pn_rng            rng;
    struct sec_hasher        trace;
    struct sec_hash         *heads; /* by height - 1: what everybody must agree on */
    size_t                   head_capacity, in_flight;
    pn_ms                    now;
    bool                     failed, parted;
    uint8_t                  run[16];
    struct sim_plot          plot;
    struct fed_policy        policy;
};

/* ---- what all of it uses ---- */

/* Where everybody stands, for whoever looks for the fault. */
static void
show_parties(const struct swarm_world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        const struct swarm_party *party = &world->parties[i];
        if (!party->alive)
            continue;
        const struct fed_swarm     *machine   = swarm_engine_machine(party->engine);
        const struct fed_consensus *consensus = &machine->consensus;
        fprintf(stderr,
                "%s: height %llu ready %d view %u next %d locked %u %02x valid %u %02x own %02x "
                "timed %d deadline %lld\n",
                world->config->sites[i].name, (unsigned long long)machine->height, machine->ready,
                consensus->view, (int)consensus->next, consensus->locked_view,
                consensus->locked.bytes[0], consensus->valid_view, consensus->valid.bytes[0],
                consensus->own.bytes[0], consensus->timed, (long long)consensus->deadline);
        for (size_t k = 0; k < world->count; k++) {
            const struct fed_swarm_member *member = &machine->members[k];
            fprintf(stderr, "    of %zu: connected %d height %llu update %d report %d votes", k,
                    member->connected, (unsigned long long)member->height,
                    (int)member->parts[0].state, (int)member->parts[1].state);
            for (size_t v = 0; v < FED_VIEWS_KEPT; v++)
                for (size_t t = 0; t < 2; t++) {
                    const struct fed_vote *vote = &consensus->voters[k].said[v][t].vote;
                    if (vote->view != FED_NO_VIEW)
                        fprintf(stderr, " %u%c%02x", vote->view, t == 0 ? 'p' : 'c',
                                vote->hash.bytes[0]);
                }
            fprintf(stderr, "\n");
        }
        for (size_t b = 0; b < FED_C_BLOCKS; b++)
            if (!sec_hash_is_zero(&consensus->blocks[b].hash))
                fprintf(stderr, "    block %02x checking %d checked %d good %d\n",
                        consensus->blocks[b].hash.bytes[0], consensus->blocks[b].checking,
                        consensus->blocks[b].checked, consensus->blocks[b].good);
    }
}

static void
fail(struct swarm_world *world, const char *what, const struct swarm_party *party)
{
    if (world->failed)
        return;
    if (world->config->trace)
        show_parties(world);
    world->failed = true;
    snprintf(world->result->failure, sizeof world->result->failure,
             "seed %llu, %llu ms, %s: %.300s", (unsigned long long)world->config->seed,
             (unsigned long long)world->now,
             party == NULL ? "world" : world->config->sites[party->index].name, what);
}

static void
trace(struct swarm_world *world, const char *what, uint32_t a, uint32_t b, uint64_t c)
{
    uint8_t bytes[24];
    pn_put_u64(bytes, world->now);
    pn_put_u32(bytes + 8, a);
    pn_put_u32(bytes + 12, b);
    pn_put_u64(bytes + 16, c);
    sec_hash_add(&world->trace, what, strlen(what));
    sec_hash_add(&world->trace, bytes, sizeof bytes);
    if (world->config->trace)
        fprintf(stderr, "[%8llu] %s %u %u %llu\n", (unsigned long long)world->now, what, a, b,
                (unsigned long long)c);
}

static bool
has_faults(const struct swarm_world *world)
{
    return world->now < world->config->faults.heal_ms;
}

/* Nobody has to catch up with rounds whose updates it did not get. */
static bool
is_calm(const struct swarm_world *world)
{
    const struct sim_faults *faults = &world->config->faults;
    return faults->heal_ms == 0 && faults->lying_disk == 0 && faults->liars == 0 &&
           faults->dead == 0;
}

static pn_ms
about(struct swarm_world *world, pn_ms mean)
{
    return 1 + (pn_ms)pn_rng_below(&world->rng, 2 * mean + 1);
}

static bool
happens(struct swarm_world *world, double chance)
{
    return chance > 0 && has_faults(world) && pn_rng_uniform(&world->rng) < chance;
}

static void
plan(struct swarm_world *world, pn_ms in, const struct sim_event *event)
{
    if (sim_queue_put(&world->queue, pn_ms_add(world->now, in), event) != PN_OK)
        fail(world, "out of memory", NULL);
}

static bool *
link_of(const struct swarm_world *world, uint32_t a, uint32_t b)
{
    return &world->connected[a * world->count + b];
}

/* ---- ports ---- */

static pn_ms
delay(struct swarm_world *world)
{
    const struct sim_faults *faults = &world->config->faults;
    if (!has_faults(world) || faults->delay_max_ms <= faults->delay_min_ms)
        return faults->delay_min_ms > 0 ? faults->delay_min_ms : 1;
    return faults->delay_min_ms +
           (pn_ms)pn_rng_below(&world->rng, faults->delay_max_ms - faults->delay_min_ms + 1);
}

static enum pn_status
put_frame(struct swarm_world *world, struct sim_event event, const uint8_t *frame, size_t size)
{
    event.bytes = malloc(size);
    event.size  = size;
    if (event.bytes == NULL)
        return PN_ENOMEM;
    memcpy(event.bytes, frame, size);
    enum pn_status st = sim_queue_put(&world->queue, world->now + delay(world), &event);
    if (st != PN_OK) {
        free(event.bytes);
        return st;
    }
    world->in_flight += size;
    if (world->in_flight >
        IN_FLIGHT_MAX + 2 * world->count * (size_t)world->config->job->model_size)
        fail(world, "more bytes in flight than any bound allows", &world->parties[event.from]);
    return PN_OK;
}

/* What a network that nobody should trust can do to a frame: it arrives changed. */
static enum pn_status
tamper(struct swarm_world *world, struct sim_event event, const uint8_t *frame, size_t size)
{
    enum sim_tampering how   = (enum sim_tampering)pn_rng_below(&world->rng, SIM_STRAY);
    uint32_t           other = (uint32_t)pn_rng_below(&world->rng, world->count);
    uint8_t           *bytes = malloc(size);
    if (bytes == NULL)
        return PN_ENOMEM;
    memcpy(bytes, frame, size);
    if (other == event.from)
        other = (other + 1) % (uint32_t)world->count;
    world->result->tampered++;
    trace(world, "tamper", event.from, event.party, (uint64_t)how);
    enum pn_status st =
        sim_tamper(&bytes, &size, how, &world->rng, &world->epochs.of[0].secrets[other + 1]);
    if (st == PN_OK)
        st = put_frame(world, event, bytes, size);
    free(bytes);
    return st;
}

static enum pn_status
transmit(struct swarm_party *from, uint32_t to, const uint8_t *frame, size_t size)
{
    struct swarm_world    *world = from->world;
    const struct sim_event event = {.kind      = SIM_FRAME,
                                    .party     = to,
                                    .from      = from->index,
                                    .life      = world->parties[to].life,
                                    .from_life = from->life};
    world->result->frames++;
    world->result->bytes += size;
    world->result->relayed += wire_type_of(frame, size) == WIRE_RELAY;
    trace(world, "send", from->index, to, size);
    if (world->parted && world->parties[to].side != from->side) {
        world->result->lost++;
        return PN_OK; /* the sender cannot know */
    }
    if (happens(world, world->config->faults.loss)) {
        world->result->lost++;
        return PN_OK;
    }
    enum pn_status st = PN_OK;
    if (happens(world, world->config->faults.tamper))
        st = tamper(world, event, frame, size);
    else
        st = put_frame(world, event, frame, size);
    if (st == PN_OK && happens(world, world->config->faults.duplicate)) {
        world->result->duplicated++;
        st = put_frame(world, event, frame, size);
    }
    return st == PN_OK ? PN_OK : PN_ENETWORK;
}

static enum pn_status
send_frame(void *host, uint32_t number, struct pn_buffer *frame)
{
    struct swarm_party *from  = host;
    struct swarm_world *world = from->world;
    uint32_t            to    = number - 2;
    if (to >= world->count || !from->alive || sim_disk_is_dead(from->disk) ||
        !world->parties[to].alive || !*link_of(world, from->index, to))
        return PN_ENETWORK;
    if (from->liar == NULL)
        return transmit(from, to, frame->bytes, frame->size);
    world->result->lies += sim_liar_say(from->liar, swarm_engine_chain(from->engine), number,
                                        frame->bytes, frame->size);
    return PN_OK;
}

static void
send_lie(void *host, uint32_t number, const uint8_t *frame, size_t size)
{
    (void)!transmit(host, number - 2, frame, size); /* SAFE: a liar does not care */
}

static uint64_t
slowness(const struct swarm_party *party)
{
    return sim_slowness(&party->world->config->sites[party->index]);
}

static uint64_t
work_clock(void *host, uint64_t cost)
{
    return slowness(host) * cost;
}

static void
submit_work(void *host, struct pn_work *work)
{
    struct swarm_party *party = host;
    struct swarm_world *world = party->world;
    struct sim_event    event = {
           .kind = SIM_DONE, .party = party->index, .life = party->life, .work = work};
    pn_ms cost = 1 + (pn_ms)((slowness(party) * work->cost + work->lasts) / US_A_MILLISECOND);
    if (has_faults(world) && (pn_rng_u32(&world->rng) & 1) != 0) {
        event.ran = true; /* it is done some time before its completion: both ends are tried */
        work->run(work);
    }
    if (has_faults(world) && pn_rng_below(&world->rng, 4) == 0)
        cost += (pn_ms)pn_rng_below(&world->rng, SLOW_WORK_MS); /* a busy machine, a slow disk */
    plan(world, cost, &event);
}

static uint64_t
wall_ms(void *host)
{
    const struct swarm_party *party = host;
    return (uint64_t)SIM_ISSUED * MS_A_SECOND + party->world->now;
}

/* ---- what must hold ---- */

static bool
make_room(struct swarm_world *world, uint64_t height)
{
    if (height <= world->head_capacity)
        return true;
    size_t           more  = 2 * (size_t)height + 16;
    struct sec_hash *grown = realloc(world->heads, more * sizeof *grown);
    if (grown == NULL)
        return false;
    memset(grown + world->head_capacity, 0, (more - world->head_capacity) * sizeof *grown);
    world->heads         = grown;
    world->head_capacity = more;
    return true;
}

/* Then nothing is promised but that it is seen. */
static bool
has_too_many_liars(const struct swarm_world *world)
{
    uint32_t most;
    (void)fed_roster_quorum(world->epochs.of[0].roster, &most);
    return world->config->faults.liars > most;
}

static void
check_party(struct swarm_party *party)
{
    struct swarm_world     *world = party->world;
    const struct fed_chain *chain = swarm_engine_chain(party->engine);
    uint64_t                model = world->config->job->model_size,
             rounds               = ROUNDS_ON_DISK + world->config->keep_updates;
    if (party->liar != NULL)
        return;
    if (sim_disk_bytes(party->disk) > DISK_MAX + model * rounds * (world->count + 1))
        fail(world, "its disk holds more than any bound allows", party);
    if (chain->height < party->height)
        fail(world, "its ledger became shorter", party);
    party->height = chain->height;
    if (chain->height == 0)
        return;
    if (!make_room(world, chain->height)) {
        fail(world, "out of memory", NULL);
        return;
    }
    struct sec_hash *head = &world->heads[chain->height - 1];
    if (sec_hash_is_zero(head))
        *head = chain->head;
    else if (!sec_hash_equal(head, &chain->head) && !has_too_many_liars(world))
        fail(world, "it holds another block than others at its height", party);
}

/* ---- living ---- */

static void crash(struct swarm_party *party);
static void renew(struct swarm_party *party);

static void
plan_tick(struct swarm_party *party)
{
    struct swarm_world *world = party->world;
    pn_ms               at    = swarm_engine_deadline(party->engine);
    if (at == UINT64_MAX || at >= party->tick_at)
        return;
    party->tick_at = at > world->now ? at : world->now + 1;
    plan(world, party->tick_at - world->now,
         &(struct sim_event){.kind = SIM_TICK, .party = party->index, .life = party->life});
}

static void
after_call(struct swarm_party *party)
{
    if (!party->alive)
        return;
    if (sim_disk_is_dead(party->disk)) {
        crash(party);
        return;
    }
    check_party(party);
    if (swarm_engine_is_superseded(party->engine) && swarm_engine_is_over(party->engine))
        renew(party);
    else
        plan_tick(party);
}

/* One honest member says of another that it forked the ledger, or signed two votes. */
static void
accuse(struct swarm_party *party, uint32_t other, bool forked)
{
    struct swarm_world *world = party->world;
    world->result->forked += forked;
    if (world->parties[other].liar == NULL && !has_too_many_liars(world))
        fail(world,
             forked ? "it says that an honest member forked the ledger"
                    : "it convicts an honest member",
             party);
}

static void
note(void *host, const struct swarm_notice *notice)
{
    struct swarm_party *party = host;
    struct swarm_world *world = party->world;
    if (world->config->trace)
        fprintf(stderr, "[%8llu]   %s: notice %d member %u height %llu view %u %s\n",
                (unsigned long long)world->now, world->config->sites[party->index].name,
                (int)notice->kind, notice->member, (unsigned long long)notice->height, notice->view,
                notice->text);
    if (party->liar != NULL)
        return;
    if ((notice->kind == SWARM_BROKEN || notice->kind == SWARM_REFUSED) &&
        !sim_disk_is_dead(party->disk))
        fail(world, notice->text, party);
    if (notice->kind == SWARM_TRAINED)
        sim_result_add_steps(world->result, notice->steps);
    if (notice->kind == SWARM_FORKED || notice->kind == SWARM_CONVICTED)
        accuse(party, notice->member - 2, notice->kind == SWARM_FORKED);
    if (notice->kind == SWARM_COMMITTED) {
        world->result->convicted += notice->block->agreement->conviction_count;
        world->result->redrawn += notice->block->attempt > 1;
    }
    if (notice->kind == SWARM_COMMITTED && party->index == 0 && world->config->committed != NULL)
        world->config->committed(world->config->context, notice->block, world->now);
}

static void
plan_connections(struct swarm_party *party)
{
    for (uint32_t i = 0; i < party->world->count; i++)
        if (i != party->index)
            plan(party->world, CONNECT_MS,
                 &(struct sim_event){
                     .kind = SIM_UP, .party = party->index, .from = i, .life = party->life});
}

/* As engine/party chooses: by its ledger, unless that has no such member and it was given a later
 * one. */
static size_t
choose_epoch(const struct swarm_party *party)
{
    const struct swarm_world *world  = party->world;
    struct engine_roster_file ledger = {.roster = NULL};
    struct pn_error           why;
    size_t                    epoch = party->given;
    if (world->epochs.count == 1 || engine_roster_of_ledger(&ledger, &party->port, &why) != PN_OK)
        return epoch;
    size_t held = sim_epochs_place(&world->epochs, ledger.roster);
    if (held >= epoch || sim_epochs_have(&world->epochs, held, party->index))
        epoch = held;
    engine_roster_fini(&ledger);
    return epoch;
}

/* Its next epoch is for the blocks that it makes. */
static void
offer(struct swarm_party *party)
{
    struct pn_error why;
    if (party->given > party->epoch) /* SAFE: not while it catches up; it is offered again */
        (void)!swarm_engine_offer(party->engine, &party->world->epochs.of[party->epoch + 1].wire,
                                  &why);
}

static void
boot(struct swarm_party *party)
{
    struct swarm_world *world = party->world;
    struct pn_error     why   = {.text = ""};
    struct swarm_config config;
    sim_disk_restart(party->disk);
    party->epoch = choose_epoch(party);
    if (!sim_epochs_have(&world->epochs, party->epoch, party->index))
        return; /* it has left */
    const struct sim_federation *federation = &world->epochs.of[party->epoch];
    swarm_config_defaults(&config, world->config->job);
    config.trusted = world->epochs.of[party->given].roster;
    config.roster  = federation->roster;
    config.text    = (struct wire_span){federation->text.bytes, federation->text.size};
    if ((world->config->faults.hasty >> party->index & 1) != 0)
        config.limits.collect_ms = config.limits.away_ms = 0;
    config.self   = party->index + 2;
    config.secret = &federation->secrets[party->index + 1];
    config.boot   = ++party->boot;
    struct pn_rng rng; /* of its own: the weather does not depend on it */
    pn_rng_init(&rng, world->config->seed ^ (uint64_t)party->index << 32 ^ party->boot);
    for (size_t i = 0; i < sizeof party->session.bytes; i += 8)
        pn_put_u64(party->session.bytes + i, pn_rng_u64(&rng));
    config.transport = &federation->transports[party->index + 1];
    config.session   = &party->session;
    config.policy    = &world->policy;
    config.source    = world->config->sites[party->index].source;
    config.bytes_max = BYTES_MAX;
    config.disk      = &party->port;
    config.ports     = (struct pn_ports){
            .host = party, .send = send_frame, .submit = submit_work, .clock = work_clock};
    config.scratch      = &world->scratch;
    config.keep_updates = world->config->keep_updates;
    config.wall_ms      = wall_ms;
    config.notice       = note;
    config.host         = party;
    trace(world, "boot", party->index, party->boot, 0);
    if (swarm_engine_new(&party->engine, &config, &why) != PN_OK) {
        fail(world, why.text, party);
        return;
    }
    party->alive   = true;
    party->tick_at = UINT64_MAX;
    if (party->liar != NULL)
        sim_liar_boot(party->liar, world->run, party->boot);
    swarm_engine_start(party->engine, world->now);
    offer(party);
    after_call(party);
    if (party->alive)
        plan_connections(party);
}

static void
finish_work(struct swarm_party *party, const struct sim_event *event)
{
    if (!event->ran)
        event->work->run(event->work);
    event->work->done(event->work, party->world->now);
}

static void
count_frames(const struct swarm_party *party)
{
    struct sim_result *result = party->world->result;
    for (uint32_t i = 0; party->engine != NULL && i < party->world->count; i++) {
        const struct engine_counters *counters = swarm_engine_counters(party->engine, i + 2);
        if (counters == NULL)
            continue; /* no member of its roster */
        result->accepted += counters->accepted;
        result->rejected += counters->rejected;
        result->discarded += counters->discarded;
    }
}

/* Ends its process; what still runs comes back to it first. */
static void
stop(struct swarm_party *party)
{
    struct sim_event event;
    count_frames(party);
    party->alive = false;
    while (sim_queue_take_work(&party->world->queue, party->index, &event))
        finish_work(party, &event);
    swarm_engine_free(party->engine);
    party->engine = NULL;
}

static void
set_link(struct swarm_world *world, uint32_t a, uint32_t b, bool up)
{
    if (*link_of(world, a, b) == up)
        return;
    *link_of(world, a, b) = *link_of(world, b, a) = up;
    trace(world, up ? "up" : "down", a, b, 0);
    const uint32_t both[] = {a, b};
    for (size_t i = 0; i < 2; i++) {
        struct swarm_party *party = &world->parties[both[i]];
        uint32_t            other = both[1 - i] + 2;
        if (!party->alive)
            continue;
        if (up)
            swarm_engine_up(party->engine, world->now, other);
        else
            swarm_engine_down(party->engine, world->now, other);
        after_call(party);
    }
}

static void
cut_all(struct swarm_party *party)
{
    for (uint32_t i = 0; i < party->world->count; i++)
        if (i != party->index)
            set_link(party->world, party->index, i, false);
}

/* Another epoch of the roster is in force: another engine on the same disk. */
static void
renew(struct swarm_party *party)
{
    struct swarm_world *world = party->world;
    size_t reached = sim_epochs_place(&world->epochs, swarm_engine_chain(party->engine)->roster);
    if (reached > world->reached)
        world->reached = reached;
    trace(world, "epoch", party->index, (uint32_t)reached, 0);
    stop(party);
    party->life++;
    cut_all(party);
    plan(world, 1,
         &(struct sim_event){.kind = SIM_BOOT, .party = party->index, .life = party->life});
}

/* Power off: nothing leaves, nothing is written, what runs comes back to nobody. */
static void
crash(struct swarm_party *party)
{
    struct swarm_world *world = party->world;
    sim_disk_kill(party->disk);
    trace(world, "crash", party->index, party->boot, 0);
    world->result->crashes++;
    stop(party);
    party->life++;
    cut_all(party);
    if (!party->dead)
        plan(world, has_faults(world) ? about(world, world->config->faults.down_ms) : 100,
             &(struct sim_event){.kind = SIM_BOOT, .party = party->index, .life = party->life});
}

/* ---- events ---- */

static void
take_frame(struct swarm_world *world, const struct sim_event *event)
{
    struct swarm_party *party = &world->parties[event->party];
    struct swarm_party *from  = &world->parties[event->from];
    world->in_flight -= event->size;
    if (!party->alive || party->life != event->life || from->life != event->from_life ||
        !*link_of(world, event->party, event->from))
        return;
    trace(world, "frame", event->party, event->from, event->size);
    swarm_engine_frame(party->engine, world->now, event->from + 2, event->bytes, event->size);
    after_call(party);
}

static void
take_up(struct swarm_world *world, const struct sim_event *event)
{
    const struct swarm_party *party = &world->parties[event->party];
    const struct swarm_party *other = &world->parties[event->from];
    if (world->blocked[event->party * world->count + event->from])
        return;
    if (party->alive && party->life == event->life && other->alive &&
        (!world->parted || party->side == other->side))
        set_link(world, event->party, event->from, true);
}

static void
take_cut(struct swarm_world *world)
{
    if (!has_faults(world))
        return;
    world->result->partitions++;
    world->parted = true;
    for (size_t i = 0; i < world->count; i++)
        world->parties[i].side = (pn_rng_u32(&world->rng) & 1) != 0;
    pn_ms length = about(world, world->config->faults.partition_ms);
    plan(world, length, &(struct sim_event){.kind = SIM_HEAL});
    plan(world, length + about(world, world->config->faults.partition_every_ms),
         &(struct sim_event){.kind = SIM_CUT});
    if (length > SILENCE_MS)
        plan(world, SILENCE_MS, &(struct sim_event){.kind = SIM_SILENT});
}

static void
take_silent(struct swarm_world *world)
{
    for (uint32_t i = 0; i < world->count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (world->parties[i].side != world->parties[k].side)
                set_link(world, i, k, false);
}

static void
take_heal(struct swarm_world *world)
{
    world->parted = false;
    trace(world, "heal", 0, 0, 0);
    for (uint32_t i = 0; i < world->count; i++)
        if (world->parties[i].alive)
            plan_connections(&world->parties[i]);
}

static void
take_crash(struct swarm_world *world)
{
    if (!has_faults(world))
        return;
    struct swarm_party *party = &world->parties[pn_rng_below(&world->rng, world->count)];
    if (party->alive && (pn_rng_u32(&world->rng) & 1) != 0)
        sim_disk_crash_soon(party->disk, &world->rng);
    else if (party->alive)
        crash(party);
    plan(world, about(world, world->config->faults.crash_every_ms),
         &(struct sim_event){.kind = SIM_CRASH});
}

/* One that is there and has blocks, and that knows of all epochs before. */
static void
take_offer(struct swarm_world *world)
{
    if (world->reached + 1 == world->epochs.count)
        return; /* that was the last */
    struct swarm_party     *party = &world->parties[pn_rng_below(&world->rng, world->count)];
    const struct fed_chain *chain = party->alive ? swarm_engine_chain(party->engine) : NULL;
    if (chain != NULL && chain->height > 0 && party->given == world->reached &&
        sim_epochs_place(&world->epochs, chain->roster) == party->given) {
        party->given++;
        trace(world, "offer", party->index, (uint32_t)party->given, 0);
        offer(party);
    }
    plan(world, about(world, world->config->faults.epoch_ms),
         &(struct sim_event){.kind = SIM_OFFER});
}

static void
take_event(struct swarm_world *world, const struct sim_event *event)
{
    struct swarm_party *party = &world->parties[event->party];
    world->result->events++;
    switch (event->kind) {
    case SIM_FRAME:
        take_frame(world, event);
        return;
    case SIM_DONE:
        trace(world, "done", event->party, event->ran, 0);
        finish_work(party, event);
        after_call(party);
        return;
    case SIM_TICK:
        if (!party->alive || party->life != event->life || party->tick_at != world->now)
            return; /* an earlier one took its place */
        party->tick_at = UINT64_MAX;
        swarm_engine_tick(party->engine, world->now);
        after_call(party);
        return;
    case SIM_UP:
        take_up(world, event);
        return;
    case SIM_BOOT:
        if (!party->dead)
            boot(party);
        return;
    case SIM_CUT:
        take_cut(world);
        return;
    case SIM_SILENT:
        take_silent(world);
        return;
    case SIM_HEAL:
        take_heal(world);
        return;
    case SIM_CRASH:
        take_crash(world);
        return;
    case SIM_OFFER:
        take_offer(world);
        return;
    case SIM_DIE:
        party->dead = true;
        if (party->alive)
            crash(party);
        return;
    }
    PN_UNREACHABLE("an event has a kind");
}

/* It must have the last block at the end. */
static bool
must_finish(const struct swarm_party *party)
{
    return party->liar == NULL && !party->dead &&
           sim_epochs_have(&party->world->epochs, party->world->reached, party->index);
}

static bool
all_are_over(const struct swarm_world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        const struct swarm_party *party = &world->parties[i];
        if (must_finish(party) && (!party->alive || !swarm_engine_chain(party->engine)->finished))
            return false;
    }
    return true;
}

static bool
is_found_out(const struct swarm_world *world)
{
    return has_too_many_liars(world) && world->result->forked > 0;
}

static void
plan_deaths(struct swarm_world *world)
{
    for (uint32_t left = world->config->faults.dead, i; left > 0; left--) {
        do
            i = (uint32_t)pn_rng_below(&world->rng, world->count);
        while (world->parties[i].liar != NULL || world->parties[i].dies);
        world->parties[i].dies = true;
        plan(world, about(world, world->config->faults.dead_ms),
             &(struct sim_event){.kind = SIM_DIE, .party = i});
    }
}

static void
play(struct swarm_world *world)
{
    const struct sim_faults *faults = &world->config->faults;
    struct sim_event         event;
    pn_ms                    limit = pn_ms_add(faults->heal_ms, world->config->grace_ms);
    for (size_t i = 0; i < world->count && !world->failed; i++)
        boot(&world->parties[i]);
    if (faults->partition_every_ms > 0)
        plan(world, about(world, faults->partition_every_ms), &(struct sim_event){.kind = SIM_CUT});
    if (faults->crash_every_ms > 0)
        plan(world, about(world, faults->crash_every_ms), &(struct sim_event){.kind = SIM_CRASH});
    if (world->epochs.count > 1)
        plan(world, about(world, faults->epoch_ms), &(struct sim_event){.kind = SIM_OFFER});
    plan_deaths(world);
    while (!world->failed && !all_are_over(world) && !is_found_out(world) &&
           sim_queue_take(&world->queue, &world->now, &event)) {
        if (world->now > limit)
            fail(world, "the run did not end in time after the faults healed", NULL);
        else
            take_event(world, &event);
        if (event.kind == SIM_FRAME)
            free(event.bytes);
    }
    if (!world->failed && !all_are_over(world) && !is_found_out(world))
        fail(world, "nothing is left to happen, and the run is not over", NULL);
}

/* ---- a world begins and ends ---- */

static void
check_disk(struct swarm_party *party)
{
    struct swarm_world *world = party->world;
    struct engine_proof proof;
    struct pn_error     why = {.text = ""};
    sim_disk_restart(party->disk);
    /* Whoever trusts the last epoch trusts the run, and whoever trusts the first. */
    enum pn_status st = engine_proof_make(
        &proof, &party->port, world->epochs.of[world->reached].roster, NULL, NULL, &why);
    if (st == PN_OK)
        st = engine_proof_make(&proof, &party->port, world->epochs.of[0].roster, NULL, NULL, &why);
    if (st != PN_OK) {
        fail(world, why.text[0] != '\0' ? why.text : pn_status_text(st), party);
        return;
    }
    if (!proof.finished)
        fail(world, "the ledger has no finish block", party);
    world->result->rounds       = proof.rounds;
    world->result->sums_checked = proof.sums_checked;
    if (sim_export_root(&world->result->model, &party->port, &proof.model) != PN_OK)
        fail(world, "the final model cannot be read", party);
    if (is_calm(world) && world->config->keep_updates == 0 && proof.sums_checked != proof.rounds)
        fail(world, "an aggregate could not be recomputed", party);
}

static enum pn_status
make_liar(struct swarm_party *party)
{
    const struct swarm_world    *world  = party->world;
    const struct sim_faults     *faults = &world->config->faults;
    const struct sim_liar_config config = {.roster = world->epochs.of[0].roster,
                                           .self   = party->index + 2,
                                           .secret = &world->epochs.of[0].secrets[party->index + 1],
                                           .disk   = &party->port,
                                           .seed =
                                               world->config->seed * world->count + party->index,
                                           .habits = faults->habits,
                                           .chance = faults->lies,
                                           .plot   = &party->world->plot,
                                           .send   = send_lie,
                                           .host   = party};
    return sim_liar_new(&party->liar, &config);
}

static enum pn_status
make_liars(struct swarm_world *world)
{
    enum pn_status st = PN_OK;
    for (uint32_t left = world->config->faults.liars; left > 0 && st == PN_OK;) {
        struct swarm_party *party = &world->parties[pn_rng_below(&world->rng, world->count)];
        if (party->liar != NULL)
            continue;
        st = make_liar(party);
        left--;
    }
    return st;
}

static enum pn_status
open_world(struct swarm_world *world, struct pn_error *why)
{
    const struct sim_config *config = world->config;
    enum pn_status           st     = sim_epochs_new(&world->epochs, config, why);
    if (st == PN_OK)
        st = engine_scratch_init(&world->scratch);
    if (st == PN_OK)
        st = sim_press_new(&world->press);
    if (st != PN_OK)
        return st;
    world->parties   = calloc(config->site_count, sizeof *world->parties);
    world->connected = calloc(config->site_count * config->site_count, sizeof *world->connected);
    world->blocked   = calloc(config->site_count * config->site_count, sizeof *world->blocked);
    if (world->parties == NULL || world->connected == NULL || world->blocked == NULL)
        return PN_ENOMEM;
    world->count = config->site_count;
    sim_holes_draw(world->blocked, config);
    for (uint32_t i = 0; st == PN_OK && i < world->count; i++) {
        struct swarm_party *party = &world->parties[i];
        party->world              = world;
        party->index              = i;
        party->tick_at            = UINT64_MAX;
        party->given              = !sim_epochs_have(&world->epochs, 0, i); /* it joins */
        if ((st = sim_disk_new(&party->disk)) != PN_OK)
            break;
        sim_disk_port(&party->port, party->disk);
        sim_disk_share(party->disk, world->press);
        if (config->faults.lying_disk == i + 2)
            sim_disk_lie(party->disk);
    }
    pn_rng_init(&world->rng, config->seed);
    sec_hash_begin(&world->trace, "trace");
    fed_job_run(world->run, world->epochs.of[0].roster->federation, config->job->job, "1");
    return st == PN_OK ? make_liars(world) : st;
}

static void
close_world(struct swarm_world *world)
{
    struct sim_event event;
    for (size_t i = 0; i < world->count; i++) {
        stop(&world->parties[i]);
        sim_disk_free(world->parties[i].disk);
        sim_liar_free(world->parties[i].liar);
    }
    while (sim_queue_take(&world->queue, &world->now, &event))
        if (event.kind == SIM_FRAME)
            free(event.bytes);
    sim_queue_fini(&world->queue);
    sim_press_free(world->press);
    free(world->parties);
    free(world->connected);
    free(world->blocked);
    free(world->heads);
    engine_scratch_fini(&world->scratch);
    sim_epochs_fini(&world->epochs);
}

enum pn_status
sim_swarm_run(struct sim_result *out, const struct sim_config *config, struct pn_error *why)
{
    struct swarm_world world = {.config = config, .result = out};
    *out                     = (struct sim_result){.ok = false};
    sim_queue_init(&world.queue);
    enum pn_status st = open_world(&world, why);
    if (st == PN_OK) {
        play(&world);
        out->ended_ms = world.now;
        out->epochs   = world.reached + 1;
        for (size_t i = 0; i < world.count; i++)
            stop(&world.parties[i]);
        for (size_t i = 0; !world.failed && !is_found_out(&world) && i < world.count; i++)
            if (must_finish(&world.parties[i]))
                check_disk(&world.parties[i]);
        if (!world.failed && config->save_to != NULL)
            st = sim_export(config->save_to, &world.parties[0].port, &world.epochs.of[0], why);
        sec_hash_end(&out->trace, &world.trace);
        out->ok = !world.failed;
    }
    close_world(&world);
    return st;
}
