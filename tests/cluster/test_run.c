/*
 * Both machines of fed/ talk to each other over a virtual network, with links that drop and
 * processes that die, from a seed: whatever happens, once it is calm the run ends and everybody
 * holds its ledger.
 */
#include "fed/member.h"
#include "fed/round.h"

#include "base/rng.h"
#include "tests/support/expect.h"

#include <stdlib.h>

enum {
    NODES       = 4,
    ROUNDS      = 5,
    QUEUE_MAX   = 4096,
    UPDATE_SIZE = 64,
    CALM_AT     = 20000,
    PATIENCE    = 600000
};

enum what {
    TO_COORDINATOR,
    TO_NODE,
    HOST_DONE,
    NODE_DONE
};

struct item { /* something that happens later */
    pn_ms                   at;
    uint64_t                order;
    enum what               what;
    uint32_t                node;       /* index */
    uint32_t                generation; /* of the connection or of the process: else it is void */
    enum wire_type          type;
    struct fed_event        event;
    struct fed_member_event member_event;
};

struct node {
    struct fed_member member;
    uint64_t          height; /* durable */
    bool              connected, over;
    uint32_t          link, life; /* generations */
};

struct world {
    struct fed_round        round;
    struct fed_round_member members[NODES];
    struct fed_effect       items[7 * NODES + 8];
    struct fed_effects      effects;
    bool                    alive, ended; /* the coordinator; ended: with a finish block */
    uint32_t                life;
    struct node             nodes[NODES];
    struct { /* the coordinator's disk */
        uint64_t        height, round;
        uint32_t        attempt;
        struct sec_blob model;
        bool            finished;
    } disk;
    struct item   queue[QUEUE_MAX];
    size_t        queued;
    uint64_t      order;
    pn_ms         now;
    struct pn_rng rng;
    uint32_t      lives, failures;
    pn_ms         calm_at;
};

static const struct fed_round_limits limits = {.evaluate_every = 1,
                                               .rounds         = ROUNDS,
                                               .cohort         = 3,
                                               .quorum         = 2,
                                               .attempts       = 4,
                                               .gather_ms      = 3000,
                                               .invite_ms      = 500,
                                               .train_ms       = 2000,
                                               .collect_ms     = 500,
                                               .evaluate_ms    = 500,
                                               .retry_ms       = 300,
                                               .backoff_ms     = 100,
                                               .linger_ms      = 3000,
                                               .survey         = true,
                                               .weight_max     = 1000,
                                               .update_size    = UPDATE_SIZE,
                                               .seed           = 3};

static uint32_t
below(struct world *w, uint32_t bound)
{
    return (uint32_t)pn_rng_below(&w->rng, bound);
}

static struct sec_blob
blob_of(uint64_t size, uint32_t node, uint64_t round)
{
    struct sec_blob blob = {.size = size};
    pn_put_u32(blob.root.bytes, node);
    pn_put_u64(blob.root.bytes + 4, round);
    return blob;
}

static void
later(struct world *w, pn_ms at, const struct item *item)
{
    PN_ASSERT(w->queued < QUEUE_MAX);
    w->queue[w->queued]       = *item;
    w->queue[w->queued].at    = at;
    w->queue[w->queued].order = w->order++;
    w->queued++;
}

/* ---- the coordinator's host ----------------------------------------------------------- */

static void
to_node(struct world *w, const struct fed_effect *effect)
{
    static const enum fed_member_event_kind kinds[] = {
        [WIRE_OFFER] = FED_M_OFFER,  [WIRE_SURVEY] = FED_M_SURVEY,     [WIRE_INVITE] = FED_M_INVITE,
        [WIRE_TRAIN] = FED_M_TRAIN,  [WIRE_EVALUATE] = FED_M_EVALUATE, [WIRE_COMMIT] = FED_M_COMMIT,
        [WIRE_FINISH] = FED_M_FINISH};
    struct node *node = &w->nodes[effect->member - 1];
    struct item  item = {
         .what         = TO_NODE,
         .node         = effect->member - 1,
         .generation   = node->link,
         .member_event = {.kind    = kinds[effect->type],
                          .round   = w->round.round,
                          .attempt = w->round.attempt,
                          .height  = effect->height + 1,
                          .model   = effect->type == WIRE_EVALUATE ? w->round.next : w->round.model,
                          .outcome = w->round.outcome}};
    later(w, w->now + 10, &item);
}

static void
host_works(struct world *w, const struct fed_effect *effect)
{
    struct item item = {.what = HOST_DONE, .generation = w->life, .event = {.kind = FED_TICK}};
    switch (effect->kind) {
    case FED_SEND:
        to_node(w, effect);
        return;
    case FED_PREPARE_MODEL:
        item.event.kind = FED_PREPARED;
        item.event.blob = blob_of(1000, 0, 0);
        break;
    case FED_PULL:
        item.event.kind   = FED_STAGED;
        item.event.member = effect->member;
        item.event.blob   = effect->blob;
        break;
    case FED_FOLD:
        item.event.kind = FED_AGGREGATED;
        item.event.blob = blob_of(1000, 0, w->round.round);
        break;
    case FED_SCORE:
        item.event.kind = FED_SCORED;
        break;
    case FED_WRITE:
        item.event.kind   = FED_COMMITTED;
        item.event.height = effect->height + 1;
        item.event.round  = (uint64_t)effect->block;
        break;
    case FED_END:
        w->alive = false;
        w->ended = effect->outcome != WIRE_FAILED;
        w->failures += !w->ended;
        return;
    case FED_SUM:
    case FED_DROP:
        return;
    }
    later(w, w->now + 1 + below(w, 50), &item);
}

static void
feed(struct world *w, const struct fed_event *event)
{
    if (!w->alive)
        return;
    enum pn_status status = fed_round_step(&w->round, w->now, event, &w->effects);
    PN_ASSERT(status == PN_OK || pn_status_is_peer(status));
    w->disk.attempt = w->round.attempt; /* durable before anybody hears of it */
    for (size_t i = 0; i < w->effects.count; i++)
        host_works(w, &w->effects.items[i]);
}

static void
host_done(struct world *w, const struct item *item)
{
    if (!w->alive || item->generation != w->life)
        return;
    if (item->event.kind == FED_COMMITTED) {
        PN_ASSERT(item->event.height == w->disk.height + 1); /* every block is written once */
        w->disk.height = item->event.height;
        if (item->event.round == WIRE_BLOCK_ROUND) {
            w->disk.round = w->round.round;
            w->disk.model = w->round.next;
        } else if (item->event.round == WIRE_BLOCK_GENESIS) {
            w->disk.model = w->round.model;
        }
        w->disk.finished = item->event.round == WIRE_BLOCK_FINISH;
    }
    feed(w, &item->event);
}

/* ---- a node's host -------------------------------------------------------------------- */

static void
to_coordinator(struct world *w, uint32_t index, const struct fed_member_effect *effect)
{
    struct node *node = &w->nodes[index];
    struct item  item = {.what       = TO_COORDINATOR,
                         .node       = index,
                         .generation = node->link,
                         .type       = effect->type,
                         .event      = {.member   = index + 1,
                                        .round    = node->member.round,
                                        .attempt  = node->member.attempt,
                                        .height   = node->height,
                                        .records  = 100,
                                        .weight   = 100,
                                        .accepted = true,
                                        .blob     = effect->blob}};
    later(w, w->now + 10, &item);
}

static void
feed_node(struct world *w, uint32_t index, const struct fed_member_event *event)
{
    struct fed_member_effects effects;
    struct node              *node   = &w->nodes[index];
    enum pn_status            status = fed_member_step(&node->member, w->now, event, &effects);
    PN_ASSERT(status == PN_OK || pn_status_is_peer(status));
    for (size_t i = 0; i < effects.count; i++) {
        const struct fed_member_effect *effect = &effects.items[i];
        struct item item = {.what = NODE_DONE, .node = index, .generation = node->life};
        if (effect->kind == FED_M_SEND) {
            if (node->connected)
                to_coordinator(w, index, effect);
        } else if (effect->kind == FED_M_END) {
            node->over = true;
        } else {
            item.member_event.kind  = effect->kind == FED_M_NEED ? FED_M_HELD : FED_M_DONE;
            item.member_event.work  = effect->work;
            item.member_event.model = effect->kind == FED_M_NEED
                                          ? effect->blob
                                          : blob_of(UPDATE_SIZE, index, node->member.work_round);
            item.member_event.status =
                below(w, 20) == 0 && w->now < w->calm_at && effect->work != FED_WORK_JOIN ? PN_EDATA
                                                                                          : PN_OK;
            later(w, w->now + 1 + below(w, effect->work == FED_WORK_TRAIN ? 1500 : 60), &item);
        }
    }
}

static void
node_done(struct world *w, const struct item *item)
{
    struct node *node = &w->nodes[item->node];
    if (item->generation != node->life)
        return;
    if (item->member_event.kind == FED_M_DONE && item->member_event.work == FED_WORK_KEEP &&
        item->member_event.status == PN_OK)
        node->height = node->member.keeping;
    feed_node(w, item->node, &item->member_event);
}

static void
arrive_at_coordinator(struct world *w, const struct item *item)
{
    static const enum fed_event_kind kinds[] = {[WIRE_HELLO]       = FED_UP,
                                                [WIRE_ANSWER]      = FED_ANSWERED,
                                                [WIRE_STATISTICS]  = FED_SURVEYED,
                                                [WIRE_ACCEPT]      = FED_ACCEPT,
                                                [WIRE_UPDATE]      = FED_UPDATE,
                                                [WIRE_METRICS]     = FED_METRICS,
                                                [WIRE_COUNTERSIGN] = FED_COUNTERSIGNED,
                                                [WIRE_FAULT]       = FED_FAULT};
    struct fed_event                 event   = item->event;
    if (!w->alive || item->generation != w->nodes[item->node].link || item->type == WIRE_HEARTBEAT)
        return;
    event.kind = kinds[item->type];
    if (item->type == WIRE_HELLO) {
        struct item hello = {.what         = TO_NODE,
                             .node         = item->node,
                             .generation   = item->generation,
                             .member_event = {.kind = FED_M_HELLO}};
        later(w, w->now + 10, &hello);
    }
    feed(w, &event);
}

/* ---- the world ------------------------------------------------------------------------ */

static void
connect_node(struct world *w, uint32_t index)
{
    static const struct fed_member_event up   = {.kind = FED_M_UP};
    struct node                         *node = &w->nodes[index];
    if (node->connected || node->over || !w->alive)
        return;
    node->connected = true;
    feed_node(w, index, &up);
}

static void
cut(struct world *w, uint32_t index)
{
    static const struct fed_member_event down = {.kind = FED_M_DOWN};
    struct fed_event                     gone = {.kind = FED_DOWN, .member = index + 1};
    struct node                         *node = &w->nodes[index];
    if (!node->connected)
        return;
    node->connected = false;
    node->link++;
    feed_node(w, index, &down);
    feed(w, &gone);
}

static void
start_node(struct world *w, uint32_t index)
{
    static const struct fed_member_limits node_limits = {.heartbeat_ms = 1000, .retry_ms = 300};
    struct node                          *node        = &w->nodes[index];
    cut(w, index);
    node->life++;
    node->over = false;
    fed_member_init(&node->member, &node_limits, node->height);
}

static void
start_coordinator(struct world *w)
{
    for (uint32_t i = 0; i < NODES; i++) {
        cut(w, i);
        w->members[i].number = i + 1;
    }
    w->life++;
    w->lives++;
    fed_round_init(&w->round, &limits, w->members, NODES);
    w->alive               = true;
    struct fed_event event = {.kind  = FED_START,
                              .start = {.height   = w->disk.height,
                                        .round    = w->disk.round,
                                        .attempt  = w->disk.attempt + 1,
                                        .model    = w->disk.model,
                                        .finished = w->disk.finished}};
    feed(w, &event);
}

static void
trouble(struct world *w)
{
    uint32_t what = below(w, 40), index = below(w, NODES);
    if (what < 4)
        cut(w, index);
    else if (what == 4)
        start_node(w, index);
    else if (what == 5)
        start_coordinator(w);
}

static void
happen(struct world *w, const struct item *item)
{
    switch (item->what) {
    case TO_COORDINATOR:
        arrive_at_coordinator(w, item);
        return;
    case TO_NODE:
        if (item->generation == w->nodes[item->node].link && w->nodes[item->node].connected)
            feed_node(w, item->node, &item->member_event);
        return;
    case HOST_DONE:
        host_done(w, item);
        return;
    case NODE_DONE:
        node_done(w, item);
        return;
    }
    PN_UNREACHABLE("item");
}

/* Takes everything of this moment out of the queue, in order. */
static void
run_queue(struct world *w)
{
    for (;;) {
        size_t next = SIZE_MAX;
        for (size_t i = 0; i < w->queued; i++)
            if (w->queue[i].at <= w->now &&
                (next == SIZE_MAX || w->queue[i].at < w->queue[next].at ||
                 (w->queue[i].at == w->queue[next].at && w->queue[i].order < w->queue[next].order)))
                next = i;
        if (next == SIZE_MAX)
            return;
        struct item item = w->queue[next];
        w->queue[next]   = w->queue[--w->queued];
        happen(w, &item);
    }
}

static bool
all_is_done(const struct world *w)
{
    if (!w->ended)
        return false;
    for (uint32_t i = 0; i < NODES; i++)
        if (w->nodes[i].height != ROUNDS + 2 || !w->nodes[i].over)
            return false;
    return true;
}

static void
tick_all(struct world *w)
{
    static const struct fed_event        tick        = {.kind = FED_TICK};
    static const struct fed_member_event member_tick = {.kind = FED_M_TICK};
    if (w->alive && fed_round_deadline(&w->round) <= w->now)
        feed(w, &tick);
    for (uint32_t i = 0; i < NODES; i++)
        if (fed_member_deadline(&w->nodes[i].member) <= w->now)
            feed_node(w, i, &member_tick);
}

static void
live_through(uint64_t seed, bool with_trouble)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->calm_at = with_trouble ? CALM_AT : 0;
    pn_rng_init(&w->rng, seed);
    w->effects = (struct fed_effects){.items = w->items, .capacity = fed_round_effects_max(NODES)};
    start_coordinator(w);
    for (uint32_t i = 0; i < NODES; i++)
        start_node(w, i);

    while (!all_is_done(w)) {
        w->now += 10;
        if (w->now > PATIENCE)
            print_error("seed %llu\n", (unsigned long long)seed);
        assert_true(w->now <= PATIENCE);
        if (w->now < w->calm_at && w->now % 100 == 0)
            trouble(w);
        if (!w->alive && w->now % 1000 == 0)
            start_coordinator(w); /* a person starts it again */
        for (uint32_t i = 0; i < NODES && w->now % 200 == 0; i++) {
            /* Told that the run is over, but it could not keep the last blocks. */
            if (w->nodes[i].over && w->nodes[i].height < ROUNDS + 2)
                start_node(w, i);
            connect_node(w, i);
        }
        run_queue(w);
        tick_all(w);
    }
    assert_int_equal(w->disk.round, ROUNDS);
    assert_int_equal(w->disk.height, ROUNDS + 2);
    if (!with_trouble) {
        assert_int_equal(w->lives, 1);
        assert_int_equal(w->round.counters.rejected, 0);
    }
    free(w);
}

static void
run_without_trouble_ends_in_one_life(void **state)
{
    (void)state;
    live_through(1, false);
}

static void
run_ends_with_everybody_holding_the_ledger_whatever_happened(void **state)
{
    (void)state;
    const char *only = getenv("PANAL_SEED");
    uint64_t    from = only != NULL ? strtoull(only, NULL, 10) : 0;
    uint64_t    to   = only != NULL ? from + 1 : 500;
    for (uint64_t seed = from; seed < to; seed++)
        live_through(seed, true);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_without_trouble_ends_in_one_life),
        cmocka_unit_test(run_ends_with_everybody_holding_the_ledger_whatever_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
