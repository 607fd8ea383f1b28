#include "coordinator/state.h"

#include <string.h>

/* ---- giving: PULLs are answered in turn ---- */

static uint32_t
place_of(const struct coord_engine *engine, const struct coord_member *member)
{
    return (uint32_t)(member - engine->members);
}

static bool
is_among(const struct wire_pull *part, const struct wire_pull *whole)
{
    return sec_equal(part->blob.root, whole->blob.root, sizeof part->blob.root) &&
           part->first >= whole->first && part->first + part->count <= whole->first + whole->count;
}

static uint64_t
bytes_of(const struct wire_pull *pull)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < pull->count; i++)
        bytes += sec_blob_chunk_size(pull->blob.size, pull->first + i);
    return bytes;
}

enum pn_status
coord_asked(struct coord_engine *engine, struct coord_member *member, const struct wire_pull *pull)
{
    enum pn_status st = engine_shelf_check(&engine->shelf, pull);
    if (st != PN_OK)
        return st;
    for (size_t i = 0; i < member->pull_count; i++)
        if (is_among(pull, &member->pulls[i]))
            return PN_OK; /* impatient */
    if (member->pull_count == COORD_PULLS)
        return PN_EPEER_LIMIT;
    member->pulls[member->pull_count++] = *pull;
    /* Whoever asks for one more has room for it: one has come. */
    engine_turns_came(&engine->giving, place_of(engine, member), bytes_of(pull));
    engine_turns_want(&engine->giving, place_of(engine, member));
    return PN_OK;
}

/* Takes as much as may be on the way to one member off its questions. */
static struct wire_pull
next_pull(struct coord_member *member)
{
    struct wire_pull *first = &member->pulls[0];
    struct wire_pull  pull  = *first;
    if (pull.count > FED_WINDOW)
        pull.count = FED_WINDOW;
    first->first += pull.count;
    first->count -= pull.count;
    if (first->count == 0) {
        member->pull_count--;
        memmove(first, first + 1, member->pull_count * sizeof *first);
    }
    return pull;
}

static void
give(struct coord_engine *engine, struct coord_member *member, pn_ms now)
{
    const uint32_t         place = place_of(engine, member);
    const struct wire_pull pull  = next_pull(member);
    enum pn_status         st    = engine_shelf_give(&engine->shelf, &pull, &member->peer,
                                                     &engine->config.ports, engine->config.scratch);
    if (st == PN_OK)
        engine_turns_began(&engine->giving, place, bytes_of(&pull), now);
    else
        (void)engine_count(&member->peer.counters, st); /* it left the shelf meanwhile, or cannot be
                                                         * read: asked for again */
    if (pull.first + pull.count == sec_blob_chunks(pull.blob.size))
        engine_turns_last(&engine->giving, place, now);
    if (member->pull_count > 0)
        engine_turns_want(&engine->giving, place);
}

/* ---- fetching: chunks are asked for in turn ---- */

static void
fetch(struct coord_engine *engine, struct coord_member *member, pn_ms now)
{
    uint64_t bytes = engine_fetch_ask(&member->fetch, &member->peer, &engine->config.ports,
                                      engine->config.scratch, now);
    engine_turns_began(&engine->fetching, place_of(engine, member), bytes, now);
    coord_watch(engine, member);
}

void
coord_want(struct coord_engine *engine, struct coord_member *member, pn_ms now)
{
    if (member->peer.link.sent_hello && now >= engine_fetch_deadline(&member->fetch))
        engine_turns_want(&engine->fetching, place_of(engine, member));
}

void
coord_came(struct coord_engine *engine, struct coord_member *member, uint64_t bytes)
{
    engine_turns_came(&engine->fetching, place_of(engine, member), bytes);
}

pn_ms
coord_fetch_deadline(const struct coord_engine *engine, const struct coord_member *member)
{
    /* Without a session nothing can be asked for, and who waits has asked for its turn. */
    if (!member->peer.link.sent_hello ||
        engine_turns_is_waiting(&engine->fetching, place_of(engine, member)))
        return UINT64_MAX;
    return engine_fetch_deadline(&member->fetch);
}

/* ---- both ---- */

void
coord_reopened(struct coord_engine *engine, struct coord_member *member)
{
    member->pull_count = 0;
    engine_fetch_reconnected(&member->fetch);
    engine_turns_end(&engine->giving, place_of(engine, member));
    engine_turns_forget(&engine->giving, place_of(engine, member));
    engine_turns_end(&engine->fetching, place_of(engine, member));
}

void
coord_take_turns(struct coord_engine *engine, pn_ms now)
{
    uint32_t place;
    while (engine_turns_next(&place, &engine->giving, now))
        give(engine, &engine->members[place], now);
    while (engine_turns_next(&place, &engine->fetching, now))
        fetch(engine, &engine->members[place], now);
}
