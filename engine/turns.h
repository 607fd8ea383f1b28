/*
 * engine/turns -- who may have chunks on the way, where many want to at once.
 *
 * What is on the way lies in memory: in ZeroMQ's queues, sealed and open, and at its sender or
 * receiver. So at most about ENGINE_TURNS_BYTES are: whoever wants chunks to travel waits for its
 * turn, in the order of asking. A turn lasts until everything it began has come, and no longer than
 * ENGINE_TURN_MS: a party that is slow, silent or lying takes nobody's place for longer. Even if
 * all were, 16 MiB in 100 ms is more than a line of 1 Gbit/s carries. While nobody waits for a
 * first turn, those that have one go on without a pause.
 *
 * Memory     24 bytes a member.   Threads  the engine's.
 */
#ifndef ENGINE_TURNS_H
#define ENGINE_TURNS_H

#include "base/bytes.h"

enum {
    ENGINE_TURNS_BYTES  = 16 * 1048576,
    ENGINE_TURN_MS      = 100,
    ENGINE_TURN_LAST_MS = 20
};

struct engine_turn {
    uint64_t bytes;  /* on the way; 0: it has no turn */
    uint64_t ticket; /* order of asking; 0: it does not wait */
    pn_ms    until;
};
struct engine_turns {
    struct engine_turn *members;
    uint32_t            count, waiting;
    uint64_t            bytes, tickets;
    pn_ms               deadline;
};

/* PN_ENOMEM. Members are 0 to count - 1. */
PN_MUST_CHECK enum pn_status engine_turns_init(struct engine_turns *turns, uint32_t count);
void                         engine_turns_fini(struct engine_turns *turns);

/* It waits for a turn, if it does not already. */
void engine_turns_want(struct engine_turns *turns, uint32_t member);
bool engine_turns_is_waiting(const struct engine_turns *turns, uint32_t member);
/* Whose turn it is now; it does not wait any more. False: nobody's. Ask until it says so, after
 * everything that happens and at the deadline. */
PN_MUST_CHECK bool engine_turns_next(uint32_t *member, struct engine_turns *turns, pn_ms now);
/* So many bytes of this member are on the way from now on, besides what was. */
void engine_turns_began(struct engine_turns *turns, uint32_t member, uint64_t bytes, pn_ms now);
/* So many of them have come. */
void engine_turns_came(struct engine_turns *turns, uint32_t member, uint64_t bytes);
/* Nobody will say when what is on the way has come: its turn ends in ENGINE_TURN_LAST_MS. */
void engine_turns_last(struct engine_turns *turns, uint32_t member, pn_ms now);
/* Its turn is over, whatever is still on the way. It waits if it did. */
void engine_turns_end(struct engine_turns *turns, uint32_t member);
/* It does not wait any more. */
void engine_turns_forget(struct engine_turns *turns, uint32_t member);
/* When engine_turns_next may have somebody again, if nothing happens; UINT64_MAX: nobody waits. */
pn_ms engine_turns_deadline(const struct engine_turns *turns);

#endif
