/*
 * engine/budget -- how much one member may ask of us: so much at once, and so much a second.
 *
 * A member that speaks more than its part of a round can take up to here and no further, so one
 * that floods starves nobody. What it has left comes back with time, and all of it with the next
 * round or attempt.
 *
 * Memory     plain structs.   Threads  the engine's.
 * Time       the engine's; a clock that stands still or goes back gives nothing.
 */
#ifndef ENGINE_BUDGET_H
#define ENGINE_BUDGET_H

#include "base/bytes.h"

struct engine_budget {
    uint64_t left, most, per_second;
    pn_ms    filled_at;
};

/* Full. */
void engine_budget_init(struct engine_budget *budget, uint64_t most, uint64_t per_second,
                        pn_ms now);
/* Takes `amount`, or nothing and says false. */
bool engine_budget_take(struct engine_budget *budget, uint64_t amount, pn_ms now);

#endif
