#include "engine/turns.h"

#include <stdlib.h>

enum pn_status
engine_turns_init(struct engine_turns *turns, uint32_t count)
{
    *turns         = (struct engine_turns){.count = count, .deadline = UINT64_MAX};
    turns->members = calloc((size_t)count + 1, sizeof *turns->members);
    return turns->members != NULL ? PN_OK : PN_ENOMEM;
}

void
engine_turns_fini(struct engine_turns *turns)
{
    free(turns->members);
    *turns = (struct engine_turns){.members = NULL};
}

void
engine_turns_want(struct engine_turns *turns, uint32_t member)
{
    PN_ASSERT(member < turns->count);
    if (turns->members[member].ticket != 0)
        return;
    turns->members[member].ticket = ++turns->tickets;
    turns->waiting++;
    turns->deadline = 0;
}

bool
engine_turns_is_waiting(const struct engine_turns *turns, uint32_t member)
{
    return turns->members[member].ticket != 0;
}

void
engine_turns_forget(struct engine_turns *turns, uint32_t member)
{
    turns->waiting -= engine_turns_is_waiting(turns, member);
    turns->members[member].ticket = 0;
}

static uint64_t
ticket_of(const struct engine_turn *turn)
{
    return turn != NULL ? turn->ticket : UINT64_MAX;
}

bool
engine_turns_next(uint32_t *member, struct engine_turns *turns, pn_ms now)
{
    struct engine_turn *first = NULL, *again = NULL; /* without a turn yet; with one */
    turns->deadline = UINT64_MAX;
    if (turns->waiting == 0)
        return false;
    for (uint32_t i = 0; i < turns->count; i++) {
        struct engine_turn *turn = &turns->members[i];
        if (turn->bytes > 0 && now >= turn->until)
            engine_turns_end(turns, i);
        if (turn->bytes > 0 && turn->until < turns->deadline)
            turns->deadline = turn->until;
        if (turn->ticket != 0 && turn->bytes == 0 && turn->ticket < ticket_of(first))
            first = turn;
        if (turn->ticket != 0 && turn->bytes > 0 && turn->ticket < ticket_of(again))
            again = turn;
    }
    if (first != NULL && turns->bytes >= ENGINE_TURNS_BYTES)
        return false;
    *member = (uint32_t)((first != NULL ? first : again) - turns->members);
    engine_turns_forget(turns, *member);
    return true;
}

void
engine_turns_began(struct engine_turns *turns, uint32_t member, uint64_t bytes, pn_ms now)
{
    turns->members[member].bytes += bytes;
    turns->members[member].until = pn_ms_add(now, ENGINE_TURN_MS);
    turns->bytes += bytes;
}

void
engine_turns_came(struct engine_turns *turns, uint32_t member, uint64_t bytes)
{
    struct engine_turn *turn = &turns->members[member];
    uint64_t            part = bytes < turn->bytes ? bytes : turn->bytes;
    turn->bytes -= part;
    turns->bytes -= part;
}

void
engine_turns_last(struct engine_turns *turns, uint32_t member, pn_ms now)
{
    turns->members[member].until = pn_ms_add(now, ENGINE_TURN_LAST_MS);
}

void
engine_turns_end(struct engine_turns *turns, uint32_t member)
{
    engine_turns_came(turns, member, UINT64_MAX);
}

pn_ms
engine_turns_deadline(const struct engine_turns *turns)
{
    return turns->waiting == 0 ? UINT64_MAX : turns->deadline;
}
