#include "engine/budget.h"

enum {
    LONG_MS = 1000000 /* nothing is saved up for longer; keeps the product below in 64 bits */
};

void
engine_budget_init(struct engine_budget *budget, uint64_t most, uint64_t per_second, pn_ms now)
{
    *budget = (struct engine_budget){
        .left = most, .most = most, .per_second = per_second, .filled_at = now};
}

static void
refill(struct engine_budget *budget, pn_ms now)
{
    pn_ms passed = now > budget->filled_at ? now - budget->filled_at : 0;
    if (passed > LONG_MS)
        passed = LONG_MS;
    uint64_t gained = passed * budget->per_second / 1000;
    if (gained == 0)
        return; /* filled_at stays, so that many short times add up */
    uint64_t room = budget->most - budget->left;
    budget->left += gained < room ? gained : room;
    budget->filled_at = now;
}

bool
engine_budget_take(struct engine_budget *budget, uint64_t amount, pn_ms now)
{
    refill(budget, now);
    if (amount > budget->left)
        return false;
    budget->left -= amount;
    return true;
}
