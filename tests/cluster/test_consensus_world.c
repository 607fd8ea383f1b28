/*
 * The searched world of fed/consensus: members that crash, lag and lie, on a network that fails.
 *
 *     cluster.consensus_world [--from SEED] [--seeds COUNT] [--liars more] [--trace]
 *
 * (or PANAL_SEED and PANAL_SEEDS). After every event the book is right (tests/support/swarm_world).
 * After healing, all honest members decide within f + 4 views of the furthest of them: f lying
 * leaders in a row, one view to come together, one to show each other what is valid, one to decide,
 * and one in hand.
 * With `--liars more` there are more liars than f: forks happen, every one is noticed when members
 * exchange heads, and the votes that the two certificates rest on name f + 1 liars, nobody honest.
 */
#include "tests/support/swarm_host.h"

enum {
    PLACES = 3 + 7 + 15 + 31 + 63 /* two-way partitions of 3 to 7 members */
};

static const struct fed_consensus_limits LIMITS = {
    .propose_ms = 300, .vote_ms = 150, .grow_ms = 60, .repeat_ms = 100};

struct plan { /* of the cut that waits for a phase */
    enum swarm_phase phase;
    pn_ms            lasts;
    bool             done;
};
static struct plan CUT;

struct totals {
    uint64_t decided, views_worst, forks_apart, ms_worst, forks, convicted, crashes, changes, late;
    size_t   effects;
    uint8_t  places[PLACES][SWARM_PHASES];
    uint32_t place;
};

static void
swarm_reach(struct swarm *swarm, enum swarm_phase phase)
{
    swarm->phase |= 1u << phase;
    if (CUT.done || phase != CUT.phase || swarm->now >= swarm->heal_at)
        return;
    CUT.done   = true;
    swarm->cut = swarm->side;
    swarm_trace(swarm, "cut %x", swarm->side);
    swarm_plan(swarm, swarm->now + CUT.lasts, (struct swarm_event){.kind = SWARM_HEAL});
}

/* Liars that give just one member the votes that make a quorum of prevotes, and not the one that
 * leads next. */
static void
sting(struct swarm *swarm, const struct fed_signed_vote *vote)
{
    uint32_t view = vote->vote.view, liars = 0, target = SWARM_MEMBERS, others = 0;
    if (swarm->stung[view])
        return;
    for (uint32_t i = 0; i < swarm->n; i++) {
        liars += swarm->nodes[i].stingy;
        others +=
            swarm->nodes[i].honest && swarm_has_said(swarm, i, view, FED_PREVOTE, &vote->vote.hash);
    }
    if (liars == 0 || others >= swarm->limits.quorum || others + liars < swarm->limits.quorum)
        return;
    swarm->stung[view] = true;
    uint32_t next      = fed_consensus_leader(&swarm->nodes[vote->member].machine, view + 1);
    uint32_t first     = swarm_draw(swarm, swarm->n);
    for (uint32_t k = 0; k < swarm->n; k++) {
        uint32_t i = (first + k) % swarm->n;
        if (swarm->nodes[i].honest && i != next &&
            swarm_has_said(swarm, i, view, FED_PREVOTE, &vote->vote.hash))
            target = i;
    }
    for (uint32_t i = 0; i < swarm->n; i++) {
        struct fed_vote same = {.height = SWARM_HEIGHT, .view = view, .step = FED_PREVOTE};
        if (!swarm->nodes[i].stingy || target == SWARM_MEMBERS)
            continue;
        same.hash                    = vote->vote.hash;
        struct fed_signed_vote given = swarm_sign(swarm, i, &same);
        swarm_send_vote(swarm, target, &given);
    }
}

/* Liars that tell both sides of a cut what they want to hear. */
static void
echo(struct swarm *swarm, const struct fed_signed_vote *vote)
{
    for (uint32_t i = 0; i < swarm->n; i++) {
        if (!swarm->nodes[i].echoes)
            continue;
        struct fed_vote same         = vote->vote;
        same.lock_view               = FED_NO_VIEW;
        same.lock                    = (struct sec_hash){{0}};
        struct fed_signed_vote given = swarm_sign(swarm, i, &same);
        for (uint32_t k = 0; k < swarm->n; k++)
            if (k != i && ((swarm->side >> k) & 1) == ((swarm->side >> vote->member) & 1))
                swarm_send_vote(swarm, k, &given);
    }
}

static void
swarm_overhear(struct swarm *swarm, const struct fed_signed_vote *vote)
{
    if (vote->vote.step == FED_PREVOTE && !sec_hash_is_zero(&vote->vote.hash))
        sting(swarm, vote);
    echo(swarm, vote);
}

/* ---- making a world ---- */

static void
add_liars(struct swarm *swarm, uint32_t count)
{
    bool     all_alike = swarm_chance(swarm, 0.4);
    uint32_t alike     = swarm_draw(swarm, 4);
    while (swarm->liars < count && swarm->liars + 1 < swarm->n) {
        struct swarm_node *node = &swarm->nodes[swarm_draw(swarm, swarm->n)];
        uint32_t           way  = all_alike ? alike : swarm_draw(swarm, 8);
        if (!node->honest)
            continue;
        swarm->liars++;
        node->honest = false;
        if (swarm->enough_liars) {
            node->echoes = way < 7;
            node->twists = way == 7;
        } else {
            node->stingy = way < 2;
            node->silent = way == 2;
            node->twists = way >= 3;
            node->sprays = way >= 4;
        }
        swarm_plan_for(swarm, (uint32_t)(node - swarm->nodes), 1, SWARM_ACT, 0);
    }
}

static void
plan_crashes(struct swarm *swarm)
{
    if (swarm_chance(swarm, 0.6))
        for (uint32_t i = 1 + swarm_draw(swarm, 3 * swarm->n); i > 0; i--) {
            struct swarm_event crash = {.kind   = SWARM_CRASH,
                                        .member = swarm_draw(swarm, swarm->n),
                                        .block  = swarm_draw(swarm, 30)};
            swarm_plan(swarm, swarm_draw(swarm, (uint32_t)swarm->heal_at), crash);
        }
    if (swarm_chance(swarm, 0.1)) /* all at once */
        for (uint32_t i = 0; i < swarm->n; i++)
            swarm_plan(swarm, swarm->heal_at - 1 - swarm_draw(swarm, 20),
                       (struct swarm_event){.kind = SWARM_CRASH, .member = i});
}

static void
plan_faults(struct swarm *swarm)
{
    swarm->heal_at  = 500 + swarm_draw(swarm, 8000);
    swarm->delay_ms = SWARM_DELTA;
    if (swarm_chance(swarm, 0.7)) {
        swarm->loss  = pn_rng_uniform(&swarm->rng) * 0.6;
        swarm->twice = pn_rng_uniform(&swarm->rng) * 0.3;
    }
    if (swarm_chance(swarm, 0.7)) /* heights that lock, or vote for nothing, and do not end */
        for (size_t i = 0; i < 3; i++)
            swarm->misses[i] = swarm_draw(swarm, 5) * 0.24;
    if (swarm_chance(swarm, 0.7))
        for (pn_ms at = 0; at < swarm->heal_at; at += 100 + swarm_draw(swarm, 900))
            swarm_plan(swarm, at, (struct swarm_event){.kind = SWARM_DEAFEN});
    if (swarm_chance(swarm, 0.5))
        swarm->delay_ms = 50 + swarm_draw(swarm, 800);
    plan_crashes(swarm);
    if (swarm_chance(swarm, 0.5))
        for (uint32_t i = swarm_draw(swarm, 10); i > 0; i--) {
            pn_ms from = swarm_draw(swarm, (uint32_t)swarm->heal_at);
            swarm_plan(swarm, from,
                       (struct swarm_event){.kind  = SWARM_CUT,
                                            .block = swarm_draw(swarm, 1u << swarm->n)});
            swarm_plan(swarm, from + swarm_draw(swarm, 1500),
                       (struct swarm_event){.kind = SWARM_HEAL});
        }
    swarm_plan(swarm, swarm->heal_at, (struct swarm_event){.kind = SWARM_HEAL});
}

/* A cut that comes in the phase that it is to come in, and stays. */
static void
plan_quiet(struct swarm *swarm)
{
    swarm->heal_at  = 6000;
    swarm->delay_ms = SWARM_DELTA;
    if (swarm_chance(swarm, 0.3))
        plan_crashes(swarm);
    swarm_plan(swarm, swarm->heal_at, (struct swarm_event){.kind = SWARM_HEAL});
}

/* Three of four seeds go through the partitions of 3 to 7 members, each in each phase. */
static void
plan_cut(struct swarm *swarm, struct totals *totals)
{
    uint64_t each = swarm->seed - swarm->seed / 4;
    uint32_t at = (uint32_t)(each % (PLACES * SWARM_PHASES)), place = at / SWARM_PHASES;
    CUT           = (struct plan){.phase = (enum swarm_phase)(at % SWARM_PHASES)};
    totals->place = place;
    for (swarm->n = 3; place >= (1u << (swarm->n - 1)) - 1; swarm->n++)
        place -= (1u << (swarm->n - 1)) - 1;
    swarm->side = place + 1;
    if (swarm->seed % 4 == 3) {
        totals->place = PLACES;
        swarm->n =
            swarm_chance(swarm, 0.5) ? 4 + 3 * swarm_draw(swarm, 3) : 3 + swarm_draw(swarm, 8);
        swarm->side = swarm_draw(swarm, 1u << swarm->n);
    }
    CUT.lasts = 1 + swarm_draw(swarm, 4000);
}

static void
make(struct swarm *swarm, uint64_t seed, bool enough_liars, struct totals *totals)
{
    struct swarm_event *queue    = swarm->queue;
    size_t              capacity = swarm->capacity;
    struct pn_rng       root;
    bool                trace = swarm->trace;
    memset(swarm, 0, sizeof *swarm);
    swarm->queue        = queue;
    swarm->capacity     = capacity;
    swarm->seed         = seed;
    swarm->trace        = trace;
    swarm->enough_liars = enough_liars;
    swarm->limits       = LIMITS;
    pn_rng_init(&root, seed);
    pn_rng_derive(&swarm->rng, &root, PN_RNG_WORLD, 0);
    plan_cut(swarm, totals);
    swarm->limits.members = swarm->n;
    swarm->limits.quorum  = fed_quorum_bft(swarm->n, &swarm->limits.liars);
    if (swarm->n == 3 && swarm_chance(swarm, 0.5))
        swarm->limits.quorum = fed_quorum_majority(swarm->n, NULL);
    for (uint32_t i = 0; i < swarm->n; i++) {
        swarm->nodes[i].honest = true;
        swarm->nodes[i].rate   = 800 + swarm_draw(swarm, 450);
    }
    bool drawn = swarm->seed % 4 == 3;
    if (drawn || swarm_chance(swarm, 0.3))
        plan_faults(swarm);
    else
        plan_quiet(swarm);
    add_liars(swarm, enough_liars               ? swarm->limits.liars + 1 + swarm_draw(swarm, 2)
                     : swarm_chance(swarm, 0.6) ? swarm->limits.liars
                                                : swarm_draw(swarm, swarm->limits.liars + 1));
    bool slow = drawn && swarm_chance(swarm, 0.3);
    for (uint32_t i = 0; i < swarm->n; i++) {
        swarm_wake(swarm, i);
        bool waits = !drawn && CUT.phase == SWARM_VIEW_TWO && i == SWARM_HEIGHT % swarm->n;
        swarm_plan_for(swarm, i, waits ? 1000 : swarm_draw(swarm, slow ? 5000 : 100), SWARM_READY,
                       0);
    }
    swarm_reach(swarm, SWARM_AT_START);
}

/* ---- what happens ---- */

static void
act(struct swarm *swarm, uint32_t member)
{
    struct swarm_node *node = &swarm->nodes[member];
    swarm_plan_for(swarm, member, 20 + swarm_draw(swarm, 150), SWARM_ACT, 0);
    if (!node->sprays || !node->alive)
        return;
    uint32_t to = swarm_draw(swarm, swarm->n), view = swarm->nodes[to].machine.view;
    view += swarm_draw(swarm, 3);
    view = view > 1 ? view - 1 : 1;
    if (swarm_chance(swarm, 0.1))
        view = 1u << swarm_draw(swarm, 31);
    struct fed_vote lie =
        swarm_lie(swarm, view, swarm_chance(swarm, 0.5) ? FED_PREVOTE : FED_PRECOMMIT);
    struct fed_signed_vote said = swarm_sign(swarm, member, &lie);
    if (to != member)
        swarm_send_vote(swarm, to, &said);
}

static void
happen(struct swarm *swarm, const struct swarm_event *event, struct totals *totals)
{
    struct swarm_node *node = &swarm->nodes[event->member];
    switch (event->kind) {
    case SWARM_MESSAGE:
        swarm_take_message(swarm, event->member, event->message);
        swarm_drop(event->message);
        return;
    case SWARM_CRASH:
        totals->crashes++;
        if (node->alive && event->block < 15)
            swarm_crash(swarm, event->member);
        else if (node->alive)
            node->dies_in = event->block - 14;
        return;
    case SWARM_RESTART:
        if (event->life != node->life)
            return;
        swarm_trace(swarm, "%u is back", event->member);
        swarm_wake(swarm, event->member);
        swarm_plan_for(swarm, event->member, swarm_draw(swarm, 1000), SWARM_READY, 0);
        if (!node->honest)
            swarm_plan_for(swarm, event->member, 1, SWARM_ACT, 0);
        return;
    case SWARM_ACT:
        if (event->life == node->life)
            act(swarm, event->member);
        return;
    case SWARM_DEAFEN: /* some hear only some of the others, for a while */
        for (uint32_t from = 0; from < swarm->n; from++) {
            swarm->deaf[from] = 0;
            for (uint32_t to = 0; to < swarm->n; to++)
                swarm->deaf[from] |= swarm_chance(swarm, 0.5) ? 1u << to : 0;
        }
        return;
    case SWARM_CUT:
        swarm->cut = event->block;
        return;
    case SWARM_HEAL:
        swarm->cut = 0;
        return;
    default:
        swarm_take(swarm, event);
    }
}

static bool
all_decided(const struct swarm *swarm)
{
    for (uint32_t i = 0; i < swarm->n; i++)
        if (swarm->nodes[i].honest && !swarm->nodes[i].decided)
            return false;
    return true;
}

/* The furthest view of an honest member. */
static uint32_t
furthest(const struct swarm *swarm)
{
    uint32_t view = 0;
    for (uint32_t i = 0; i < swarm->n; i++)
        if (swarm->nodes[i].honest && swarm->nodes[i].machine.view > view)
            view = swarm->nodes[i].machine.view;
    return view;
}

/* From here on nothing fails any more: the network is whole, everybody is there and ready. */
static bool
is_calm(const struct swarm *swarm)
{
    if (swarm->now < swarm->heal_at)
        return false;
    for (uint32_t i = 0; i < swarm->n; i++) {
        const struct swarm_node *node = &swarm->nodes[i];
        if (node->honest && !node->decided &&
            (!node->alive || node->dies_in > 0 || !node->machine.ready))
            return false;
    }
    return true;
}

static uint32_t
views_to_decide(const struct swarm *swarm)
{
    return swarm->limits.liars + 4;
}

/* The longest that `views` after `from` can take: all time-outs of each, on the slowest clock. */
static pn_ms
time_for(uint32_t from, uint32_t views)
{
    pn_ms sum = 0;
    for (uint32_t view = from; view <= from + views; view++)
        sum += LIMITS.propose_ms + 2 * LIMITS.vote_ms + 3 * LIMITS.grow_ms * (view - 1) +
               3 * SWARM_DELTA;
    return sum * 5 / 4;
}

static void
run(struct swarm *swarm, struct totals *totals)
{
    uint32_t calm_view = 0;
    pn_ms    calm_at   = 0;
    while (swarm->failure[0] == '\0' && swarm->queued > 0 &&
           !(all_decided(swarm) && (!swarm->forked || swarm->noticed))) {
        struct swarm_event event = swarm_next(swarm);
        swarm->now               = event.at;
        happen(swarm, &event, totals);
        if (calm_view == 0 && is_calm(swarm)) {
            calm_view = furthest(swarm);
            calm_at   = swarm->now;
            swarm_trace(swarm, "calm in view %u", calm_view);
        }
        bool late =
            calm_view != 0 && swarm->now > calm_at + time_for(calm_view, views_to_decide(swarm));
        if (late && swarm->enough_liars && !swarm->forked)
            break; /* nobody promised that they decide */
        if (late)
            swarm_fail(swarm,
                       swarm->forked ? "a fork is not noticed"
                                     : "not all decided within %d views after view %u",
                       (int)views_to_decide(swarm), calm_view);
    }
    while (swarm->queued > 0) {
        struct swarm_event event = swarm_next(swarm);
        if (event.kind == SWARM_MESSAGE)
            swarm_drop(event.message);
    }
    if (calm_view == 0 || swarm->failure[0] != '\0' || swarm->enough_liars)
        return;
    totals->late++;
    uint32_t views = furthest(swarm) - calm_view;
    if (views > totals->views_worst)
        totals->views_worst = views;
    if (swarm->now - calm_at > totals->ms_worst)
        totals->ms_worst = swarm->now - calm_at;
    if (views > views_to_decide(swarm))
        swarm_fail(swarm, "%u views after view %u", views, calm_view);
}

/* ---- forks ---- */

static bool
signs_in(const struct swarm_message *certificate, uint32_t member)
{
    for (uint32_t i = 0; i < certificate->count; i++)
        if (certificate->votes[i].member == member)
            return true;
    return false;
}

/* Did the member, who precommitted block a in view `from`, prevote another one in `view` as if it
 * had not? A lock since then would have to be named, and a quorum for what it prevotes shown. */
static bool
breaks_lock(const struct swarm *swarm, uint32_t member, uint32_t from, uint32_t view,
            const struct sec_hash *hash)
{
    const struct swarm_book *book = &swarm->book[member][view][0];
    for (uint32_t i = 0; i < book->count; i++)
        if (sec_hash_equal(&book->said[i].vote.hash, hash) && view > from)
            return true;
    return false;
}

/* Who is named by two certificates, of view a->view <= b->view. */
static uint32_t
culprits(const struct swarm *swarm, const struct swarm_message *a, const struct swarm_message *b)
{
    uint32_t guilty = 0, view = a->view + 1;
    /* The first quorum for another block after a's view: nobody could be shown one before it. */
    const struct sec_hash *other = NULL;
    for (; a->view < b->view && view <= b->view && other == NULL; view++)
        for (uint32_t block = 0; block < swarm->block_count; block++) {
            static struct sec_hash hash;
            hash = swarm_hash(block);
            if (sec_hash_equal(&hash, &a->hash) ||
                !swarm_has_quorum(swarm, view, FED_PREVOTE, &hash))
                continue;
            other = &hash;
            break;
        }
    for (uint32_t i = 0; i < swarm->n; i++) {
        if (!signs_in(a, i))
            continue;
        bool lies = a->view == b->view
                        ? signs_in(b, i)
                        : other != NULL && breaks_lock(swarm, i, a->view, view - 1, other);
        guilty |= lies ? 1u << i : 0;
    }
    return guilty;
}

static void
check_fork(struct swarm *swarm, struct totals *totals)
{
    bool apart = false;
    totals->forks++;
    for (uint32_t i = 0; i < swarm->n; i++)
        for (uint32_t k = 0; k < swarm->n; k++) {
            const struct swarm_message *a = &swarm->nodes[i].certificate,
                                       *b = &swarm->nodes[k].certificate;
            if (!swarm->nodes[i].honest || !swarm->nodes[k].honest || a->view > b->view ||
                sec_hash_equal(&a->hash, &b->hash))
                continue;
            apart           = apart || a->view != b->view;
            uint32_t guilty = culprits(swarm, a, b), count = 0;
            for (uint32_t m = 0; m < swarm->n; m++) {
                count += (guilty >> m) & 1;
                if (((guilty >> m) & 1) != 0 && swarm->nodes[m].honest)
                    swarm_fail(swarm, "the fork of %u and %u names %u, who is honest", i, k, m);
            }
            if (count < 2 * swarm->limits.quorum - swarm->n)
                swarm_fail(swarm, "the fork of %u and %u (views %u, %u) names %u members", i, k,
                           a->view, b->view, count);
        }
    totals->forks_apart += apart;
}

/* ---- all seeds ---- */

static bool
try_seed(struct swarm *swarm, uint64_t seed, bool enough_liars, struct totals *totals)
{
    make(swarm, seed, enough_liars, totals);
    run(swarm, totals);
    if (swarm->forked && swarm->failure[0] == '\0')
        check_fork(swarm, totals);
    totals->decided += all_decided(swarm);
    totals->changes += furthest(swarm) - 1;
    totals->convicted += swarm->convicted != 0;
    if (swarm->most_effects > totals->effects)
        totals->effects = swarm->most_effects;
    if (totals->place < PLACES && CUT.done)
        totals->places[totals->place][CUT.phase] = 1;
    if (swarm->failure[0] != '\0')
        printf("seed %llu: %s (%u members, %u liars, %llu ms)\n", (unsigned long long)seed,
               swarm->failure, swarm->n, swarm->liars, (unsigned long long)swarm->now);
    return swarm->failure[0] == '\0';
}

static void
report(const struct totals *totals, uint64_t seeds)
{
    uint32_t places = 0;
    for (size_t i = 0; i < PLACES; i++)
        for (size_t k = 0; k < SWARM_PHASES; k++)
            places += totals->places[i][k];
    printf("%llu seeds: %llu crashes, %llu views changed, convictions in %llu; %llu decided after "
           "healing, in at most "
           "%llu views and %llu ms; %u of %d partitions in a phase; at most %zu effects a step\n",
           (unsigned long long)seeds, (unsigned long long)totals->crashes,
           (unsigned long long)totals->changes, (unsigned long long)totals->convicted,
           (unsigned long long)totals->late, (unsigned long long)totals->views_worst,
           (unsigned long long)totals->ms_worst, places, PLACES * SWARM_PHASES, totals->effects);
    if (totals->forks > 0)
        printf("%llu forks, %llu of them over views, each noticed and its liars named\n",
               (unsigned long long)totals->forks, (unsigned long long)totals->forks_apart);
}

static uint64_t
from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

int
main(int argc, char **argv)
{
    static struct swarm  swarm;
    static struct totals totals;
    uint64_t             from = from_environment("PANAL_SEED", 0),
             seeds            = from_environment("PANAL_SEEDS", 1000);
    bool     enough_liars     = false;
    uint32_t failed           = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--trace") == 0)
            swarm.trace = true;
        else if (strcmp(argv[i], "--from") == 0 && i + 1 < argc)
            from = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
            seeds = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--liars") == 0 && i + 1 < argc)
            enough_liars = strcmp(argv[++i], "more") == 0;
        else
            return fprintf(stderr, "unknown: %s\n", argv[i]), 2;
    }
    for (uint64_t seed = from; seed < from + seeds && failed < 10; seed++)
        failed += !try_seed(&swarm, seed, enough_liars, &totals);
    report(&totals, seeds);
    if (enough_liars && totals.forks == 0 && seeds >= 1000)
        return printf("no seed forked: the liars do not try\n"), 1;
    free(swarm.queue);
    return failed > 0;
}
