/*
 * tests/support/swarm_world -- what happens between the members of a swarm that run fed/consensus:
 * a virtual clock, a network that loses, delays, repeats and cuts, and a book of everything that
 * anybody signed, in which every rule is looked up when a vote is signed:
 *
 *     one vote     an honest member signs one vote per view and step, over all its restarts
 *     lock         a prevote names the lock of the newest precommit, and goes against it only when
 *                  a quorum prevoted its block in a view since the lock, before this one
 *     precommit    for a block only when a quorum prevoted it in this view
 *     good         only for a good block that the voter has
 *     one leader   an honest leader proposes one block per view
 *     agreement    honest members decide one block, by a quorum of precommits of one view
 *
 * A signature is a number that only swarm_sign makes. A seed gives the same events, to the bit.
 */
#ifndef TESTS_SUPPORT_SWARM_WORLD_H
#define TESTS_SUPPORT_SWARM_WORLD_H

#include "base/rng.h"
#include "fed/consensus.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SWARM_MEMBERS  = 10,
    SWARM_VIEWS    = 96, /* an honest member that comes so far has failed */
    SWARM_BLOCKS   = 1024,
    SWARM_VARIANTS = 6, /* different votes of one liar for one view and step */
    SWARM_HEIGHT   = 7,
    SWARM_DELTA    = 40 /* longest delay once the network is healed */
};

enum swarm_event_kind {
    SWARM_MESSAGE,
    SWARM_TICK,
    SWARM_READY,
    SWARM_BUILT,
    SWARM_FETCH,   /* `block`: have it, or try again */
    SWARM_CHECKED, /* `block` */
    SWARM_POLL,    /* ask everybody whether the height is decided */
    SWARM_CRASH,
    SWARM_RESTART,
    SWARM_ACT, /* a liar's idea */
    SWARM_CUT,
    SWARM_DEAFEN,
    SWARM_HEAL
};

enum swarm_message_kind {
    SWARM_PROPOSE,
    SWARM_VOTE,
    SWARM_SHOW,
    SWARM_ASK,
    SWARM_DECIDED
};

struct swarm_message {
    enum swarm_message_kind kind;
    uint32_t                from, view, valid_view, count, users;
    struct sec_hash         hash;
    struct fed_signed_vote  votes[SWARM_MEMBERS]; /* the vote, the proof or the certificate */
};

struct swarm_event {
    pn_ms                 at;
    uint64_t              order;
    enum swarm_event_kind kind;
    uint32_t              member, life, block;
    struct swarm_message *message;
};

struct swarm_block {
    uint32_t author, gives; /* gives: bits of the members that a lying author lets have it */
    bool     bad;
};

struct swarm_node {
    struct fed_consensus machine;
    struct fed_voter     voters[SWARM_MEMBERS];
    bool                 alive, honest, decided;
    uint32_t             life;    /* counts restarts: events of an earlier life are nobody's */
    uint32_t             dies_in; /* steps of carrying out effects; 0: does not */
    /* What a crash leaves. */
    bool                   has_saved;
    uint8_t                saved[FED_CONSENSUS_SAVED];
    struct fed_signed_vote proof[SWARM_MEMBERS];
    uint32_t               proof_count, proof_view;
    struct sec_hash        proof_hash;
    struct swarm_message   certificate;                            /* valid when decided */
    uint8_t                has[SWARM_BLOCKS], keeps[SWARM_BLOCKS]; /* bodies, and durable ones */
    /* Its clock: thousandths of ours, from its own origin. */
    uint64_t rate;
    pn_ms    born, tick_at;
    /* A liar's ways. */
    bool silent, twists, sprays, stingy, echoes;
    /* What an honest member is known to be locked on, over its restarts. */
    uint32_t        lock_view;
    struct sec_hash lock;
};

struct swarm_book { /* what one member signed in one view and step, and led with */
    struct fed_signed_vote said[SWARM_VARIANTS];
    uint32_t               count;
};

struct swarm {
    struct pn_rng               rng;
    uint64_t                    seed, order, digest;
    struct fed_consensus_limits limits;
    pn_ms                       now, heal_at, calm_at;
    uint32_t                    n, liars;
    uint32_t                    cut, side; /* bits of one side; cut 0: whole, side: planned */
    double                      loss, twice;
    uint32_t                    deaf[SWARM_MEMBERS]; /* by sender, bits: hear one in twenty */
    double                      misses[3]; /* proposals and proofs, prevotes, precommits */
    pn_ms                       delay_ms;
    bool                        enough_liars; /* more than f: agreement is not expected */
    struct swarm_node           nodes[SWARM_MEMBERS];
    struct swarm_block          blocks[SWARM_BLOCKS];
    uint32_t                    block_count;
    struct swarm_book           book[SWARM_MEMBERS][SWARM_VIEWS][2];
    struct sec_hash             led[SWARM_MEMBERS][SWARM_VIEWS];
    uint32_t                    phase; /* how far the height has come, for cuts: enum swarm_phase */
    bool                        stung[SWARM_VIEWS];
    struct swarm_event         *queue;
    size_t                      queued, capacity;
    bool                        trace, forked, noticed;
    uint32_t                    convicted; /* bits */
    size_t                      most_effects;
    char                        failure[256];
};

static inline void PN_PRINTF(2, 3) swarm_fail(struct swarm *swarm, const char *format, ...)
{
    if (swarm->failure[0] != '\0')
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(swarm->failure, sizeof swarm->failure, format, args);
    va_end(args);
}

static inline void PN_PRINTF(2, 3) swarm_trace(struct swarm *swarm, const char *format, ...)
{
    char    line[200];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    for (const char *at = line; *at != '\0'; at++)
        swarm->digest = (swarm->digest ^ (uint8_t)*at) * 0x100000001b3u;
    if (swarm->trace)
        fprintf(stderr, "[%6llu] %s\n", (unsigned long long)swarm->now, line);
}

static inline uint32_t
swarm_draw(struct swarm *swarm, uint32_t bound)
{
    return (uint32_t)pn_rng_below(&swarm->rng, bound);
}

static inline bool
swarm_chance(struct swarm *swarm, double chance)
{
    return pn_rng_uniform(&swarm->rng) < chance;
}

/* ---- blocks: the number of one is in its hash ---- */

static inline struct sec_hash
swarm_hash(uint32_t block)
{
    struct sec_hash hash = {{0}};
    pn_put_u32(hash.bytes, block + 1);
    return hash;
}

static inline uint32_t
swarm_block_of(const struct sec_hash *hash)
{
    return pn_get_u32(hash->bytes) - 1;
}

static inline int
swarm_name(const struct sec_hash *hash)
{
    return (int)pn_get_u32(hash->bytes) - 1; /* -1: none */
}

static inline uint32_t
swarm_make_block(struct swarm *swarm, uint32_t author)
{
    PN_ASSERT(swarm->block_count < SWARM_BLOCKS);
    uint32_t            block = swarm->block_count++;
    struct swarm_block *made  = &swarm->blocks[block];
    *made                     = (struct swarm_block){.author = author, .gives = UINT32_MAX};
    if (!swarm->nodes[author].honest && !swarm->enough_liars) {
        made->bad   = swarm_chance(swarm, 0.3);
        made->gives = swarm_chance(swarm, 0.5) ? pn_rng_u32(&swarm->rng) : UINT32_MAX;
    }
    swarm->nodes[author].has[block] = swarm->nodes[author].keeps[block] = 1;
    return block;
}

/* ---- the queue: a heap by time, then by order ---- */

static inline bool
swarm_before(const struct swarm_event *a, const struct swarm_event *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static inline void
swarm_plan(struct swarm *swarm, pn_ms at, struct swarm_event event)
{
    if (swarm->queued == swarm->capacity) {
        swarm->capacity = swarm->capacity == 0 ? 1024 : 2 * swarm->capacity;
        swarm->queue    = realloc(swarm->queue, swarm->capacity * sizeof *swarm->queue);
        PN_ASSERT(swarm->queue != NULL);
    }
    event.at    = at;
    event.order = swarm->order++;
    size_t i    = swarm->queued++;
    while (i > 0 && swarm_before(&event, &swarm->queue[(i - 1) / 2])) {
        swarm->queue[i] = swarm->queue[(i - 1) / 2];
        i               = (i - 1) / 2;
    }
    swarm->queue[i] = event;
}

static inline struct swarm_event
swarm_next(struct swarm *swarm)
{
    struct swarm_event first = swarm->queue[0], last = swarm->queue[--swarm->queued];
    size_t             i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= swarm->queued)
            break;
        if (child + 1 < swarm->queued &&
            swarm_before(&swarm->queue[child + 1], &swarm->queue[child]))
            child++;
        if (!swarm_before(&swarm->queue[child], &last))
            break;
        swarm->queue[i] = swarm->queue[child];
        i               = child;
    }
    swarm->queue[i] = last;
    return first;
}

/* ---- the network ---- */

static inline bool
swarm_is_cut(const struct swarm *swarm, uint32_t a, uint32_t b)
{
    if (swarm->enough_liars && !(swarm->nodes[a].honest && swarm->nodes[b].honest))
        return false; /* liars are on both sides */
    return ((swarm->cut >> a) & 1) != ((swarm->cut >> b) & 1);
}

static inline pn_ms
swarm_delay(struct swarm *swarm)
{
    pn_ms longest = swarm->now < swarm->heal_at ? swarm->delay_ms : SWARM_DELTA;
    return 1 + pn_rng_below(&swarm->rng, longest);
}

static inline void
swarm_drop(struct swarm_message *message)
{
    if (--message->users == 0)
        free(message);
}

static inline bool
swarm_loses(struct swarm *swarm, uint32_t to, const struct swarm_message *message)
{
    if (swarm->now >= swarm->heal_at)
        return false;
    if (((swarm->deaf[message->from] >> to) & 1) != 0 && swarm_chance(swarm, 0.95))
        return true;
    if (message->kind < SWARM_ASK &&
        swarm_chance(swarm,
                     swarm->misses[message->kind == SWARM_VOTE ? message->votes[0].vote.step : 0]))
        return true;
    return swarm_chance(swarm, swarm->loss);
}

static inline void
swarm_send(struct swarm *swarm, uint32_t to, struct swarm_message *message)
{
    bool faulty = swarm->now < swarm->heal_at;
    if (to == message->from || swarm_is_cut(swarm, message->from, to) ||
        swarm_loses(swarm, to, message))
        return;
    for (uint32_t copies = faulty && swarm_chance(swarm, swarm->twice) ? 2 : 1; copies > 0;
         copies--) {
        message->users++;
        swarm_plan(swarm, swarm->now + swarm_delay(swarm),
                   (struct swarm_event){.kind = SWARM_MESSAGE, .member = to, .message = message});
    }
}

static inline struct swarm_message *
swarm_message(enum swarm_message_kind kind, uint32_t from)
{
    struct swarm_message *message = malloc(sizeof *message);
    PN_ASSERT(message != NULL);
    memset(message, 0, sizeof *message);
    message->kind  = kind;
    message->from  = from;
    message->users = 1;
    return message;
}

/* ---- signatures and the book ---- */

static inline uint64_t
swarm_mark(const struct fed_signed_vote *vote)
{
    uint64_t words[] = {vote->member,
                        vote->vote.height,
                        vote->vote.view,
                        vote->vote.step,
                        vote->vote.lock_view,
                        pn_get_u64(vote->vote.hash.bytes),
                        pn_get_u64(vote->vote.lock.bytes)};
    uint64_t mark    = 0xcbf29ce484222325u;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        mark = (mark ^ words[i]) * 0x9e3779b97f4a7c15u + (mark >> 29);
    return mark;
}

static inline bool
swarm_is_signed(const struct fed_signed_vote *vote)
{
    return pn_get_u64(vote->signature.bytes) == swarm_mark(vote);
}

static inline bool
swarm_has_said(const struct swarm *swarm, uint32_t member, uint32_t view, enum fed_step step,
               const struct sec_hash *hash)
{
    const struct swarm_book *book = &swarm->book[member][view][step - FED_PREVOTE];
    for (uint32_t i = 0; i < book->count; i++)
        if (sec_hash_equal(&book->said[i].vote.hash, hash))
            return true;
    return false;
}

/* Members that signed this; into `out` (may be NULL) their votes. */
static inline uint32_t
swarm_count(const struct swarm *swarm, uint32_t view, enum fed_step step,
            const struct sec_hash *hash, struct fed_signed_vote *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < swarm->n; i++) {
        const struct swarm_book *book = &swarm->book[i][view][step - FED_PREVOTE];
        for (uint32_t k = 0; k < book->count; k++) {
            if (!sec_hash_equal(&book->said[k].vote.hash, hash))
                continue;
            if (out != NULL)
                out[count] = book->said[k];
            count++;
            break;
        }
    }
    return count;
}

static inline bool
swarm_has_quorum(const struct swarm *swarm, uint32_t view, enum fed_step step,
                 const struct sec_hash *hash)
{
    return swarm_count(swarm, view, step, hash, NULL) >= swarm->limits.quorum;
}

static inline void
swarm_check_block(struct swarm *swarm, uint32_t member, const char *what,
                  const struct sec_hash *hash)
{
    uint32_t block = swarm_block_of(hash);
    if (swarm->blocks[block].bad)
        swarm_fail(swarm, "%u %s block %u, which is bad", member, what, block);
    if (!swarm->nodes[member].has[block])
        swarm_fail(swarm, "%u %s block %u without having it", member, what, block);
}

/* The rules for what an honest member is about to sign. */
static inline void
swarm_check_vote(struct swarm *swarm, const struct fed_signed_vote *vote)
{
    struct swarm_node     *node = &swarm->nodes[vote->member];
    const struct fed_vote *v    = &vote->vote;
    bool                   none = sec_hash_is_zero(&v->hash);
    if (v->step == FED_PREVOTE &&
        (v->lock_view != node->lock_view || !sec_hash_equal(&v->lock, &node->lock)))
        swarm_fail(swarm, "%u names lock %u in view %u, but is locked in %u", vote->member,
                   v->lock_view, v->view, node->lock_view);
    if (v->step == FED_PREVOTE && !none && node->lock_view != FED_NO_VIEW &&
        !sec_hash_equal(&v->hash, &node->lock)) {
        bool shown = false;
        for (uint32_t view = node->lock_view; view < v->view; view++)
            shown = shown || swarm_has_quorum(swarm, view, FED_PREVOTE, &v->hash);
        if (!shown)
            swarm_fail(swarm, "%u prevotes block %d in view %u against its lock of view %u",
                       vote->member, swarm_name(&v->hash), v->view, node->lock_view);
    }
    if (v->step == FED_PRECOMMIT && !none) {
        if (!swarm_has_quorum(swarm, v->view, FED_PREVOTE, &v->hash))
            swarm_fail(swarm, "%u precommits block %d in view %u without a quorum", vote->member,
                       swarm_name(&v->hash), v->view);
        if (v->view >= node->lock_view) {
            node->lock_view = v->view;
            node->lock      = v->hash;
        }
    }
    if (!none)
        swarm_check_block(swarm, vote->member, "votes for", &v->hash);
}

static inline struct fed_signed_vote
swarm_sign(struct swarm *swarm, uint32_t member, const struct fed_vote *vote)
{
    struct fed_signed_vote made = {.member = member, .vote = *vote};
    pn_put_u64(made.signature.bytes, swarm_mark(&made));
    if (vote->view >= SWARM_VIEWS) {
        if (swarm->nodes[member].honest)
            swarm_fail(swarm, "%u comes to view %u", member, vote->view);
        return made; /* a liar's joke */
    }
    struct swarm_book *book = &swarm->book[member][vote->view][vote->step - FED_PREVOTE];
    for (uint32_t i = 0; i < book->count; i++)
        if (swarm_mark(&book->said[i]) == swarm_mark(&made))
            return made;
    if (swarm->nodes[member].honest) {
        if (book->count > 0)
            swarm_fail(swarm, "%u signs two votes in view %u, step %d: block %d and %d", member,
                       vote->view, (int)vote->step, swarm_name(&book->said[0].vote.hash),
                       swarm_name(&vote->hash));
        swarm_check_vote(swarm, &made);
    }
    if (book->count == SWARM_VARIANTS)
        return book->said[0];
    book->said[book->count++] = made;
    return made;
}

#endif
