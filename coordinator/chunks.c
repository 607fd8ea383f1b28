#include "coordinator/state.h"

#include <string.h>

static uint32_t
place_of(const struct coord_engine *engine, const struct coord_member *member)
{
    return (uint32_t)(member - engine->members);
}

/* ---- giving ---- */

static bool
is_among(const struct wire_pull *part, const struct wire_pull *whole)
{
    return sec_equal(part->blob.root, whole->blob.root, sizeof part->blob.root) &&
           part->first >= whole->first && part->first + part->count <= whole->first + whole->count;
}

static void
forget_pull(struct coord_member *member)
{
    PN_ASSERT(member->pull_count > 0);
    member->pull_count--;
    memmove(member->pulls, member->pulls + 1, member->pull_count * sizeof member->pulls[0]);
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
        forget_pull(member); /* the oldest: what it still needs, it asks for again */
    member->pulls[member->pull_count++] = *pull;
    /* Whoever asks for more says that as much has come. A lie gets it nothing but its next chunks
     * in its turn, within its budget of frames. */
    engine_flow_came(&engine->giving, place_of(engine, member),
                     sec_blob_part_size(pull->blob.size, pull->first, pull->count));
    engine_flow_want(&engine->giving, place_of(engine, member));
    return PN_OK;
}

static void
give(struct coord_engine *engine, struct coord_member *member, pn_ms now)
{
    const uint32_t         place = place_of(engine, member);
    const struct wire_pull pull  = member->pulls[0];
    forget_pull(member);
    /* SAFE: what left the shelf meanwhile, or cannot be read, is asked for again. */
    enum pn_status st = engine_shelf_give(&engine->shelf, &pull, &member->peer,
                                          &engine->config.ports, engine->config.scratch);
    coord_watch(engine, member);
    if (!member->peer.link.sent_hello) { /* it did not leave */
        member->pull_count = 0;
        return;
    }
    if (st == PN_OK) {
        engine_flow_began(&engine->giving, place,
                          sec_blob_part_size(pull.blob.size, pull.first, pull.count), now);
        if (pull.first + pull.count == sec_blob_chunks(pull.blob.size))
            engine_flow_last(&engine->giving, place, now);
    }
    if (member->pull_count > 0)
        engine_flow_want(&engine->giving, place);
}

/* ---- fetching ---- */

static void
fetch(struct coord_engine *engine, struct coord_member *member, pn_ms now)
{
    uint64_t bytes = engine_fetch_ask(&member->fetch, &member->peer, &engine->config.ports,
                                      engine->config.scratch, now);
    engine_flow_began(&engine->fetching, place_of(engine, member), bytes, now);
    coord_watch(engine, member);
}

pn_ms
coord_fetch_deadline(const struct coord_engine *engine, const struct coord_member *member)
{
    /* Without a session nothing can be asked for, and who waits has said that it wants to. */
    if (!member->peer.link.sent_hello ||
        engine_flow_is_waiting(&engine->fetching, place_of(engine, member)))
        return UINT64_MAX;
    return engine_fetch_deadline(&member->fetch);
}

void
coord_want(struct coord_engine *engine, struct coord_member *member, pn_ms now)
{
    if (now >= coord_fetch_deadline(engine, member))
        engine_flow_want(&engine->fetching, place_of(engine, member));
}

void
coord_came(struct coord_engine *engine, struct coord_member *member, uint64_t bytes)
{
    engine_flow_came(&engine->fetching, place_of(engine, member), bytes);
}

void
coord_drop_fetch(struct coord_engine *engine, struct coord_member *member)
{
    engine_fetch_drop(&member->fetch);
    engine_flow_end(&engine->fetching, place_of(engine, member));
    engine_flow_forget(&engine->fetching, place_of(engine, member));
}

/* ---- both ---- */

void
coord_parted(struct coord_engine *engine, struct coord_member *member)
{
    member->pull_count = 0;
    engine_fetch_reconnected(&member->fetch);
    engine_flow_forget(&engine->giving, place_of(engine, member));
    engine_flow_forget(&engine->fetching, place_of(engine, member));
}

void
coord_move_chunks(struct coord_engine *engine, pn_ms now)
{
    uint32_t place;
    while (engine_flow_next(&place, &engine->giving, now))
        give(engine, &engine->members[place], now);
    while (engine_flow_next(&place, &engine->fetching, now))
        fetch(engine, &engine->members[place], now);
}
