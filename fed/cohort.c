#include "fed/draw.h"
#include "fed/phase.h"

enum {
    RANK_COUNT = 3
};

/* Who comes first: 0 before 1 before 2. A first attempt knows no ranks, so that a round
 * draws the same cohort whoever is connected at that moment. */
static uint32_t
rank_of(const struct fed_round *round, const struct fed_round_member *member)
{
    if (round->attempt < 2)
        return 0;
    if (!member->connected)
        return 2;
    return member->part == FED_LOST ? 1 : 0;
}

void
fed_draw_begin(struct fed_draw *draw, uint64_t seed, uint64_t round, uint32_t wanted)
{
    struct pn_rng root;
    pn_rng_init(&root, seed);
    pn_rng_derive(&draw->rng, &root, PN_RNG_COHORT, round);
    draw->left   = 0;
    draw->wanted = wanted;
}

bool
fed_draw_next(struct fed_draw *draw)
{
    PN_ASSERT(draw->left > 0);
    bool drawn = draw->wanted > 0 && pn_rng_below(&draw->rng, draw->left) < draw->wanted;
    draw->left--;
    draw->wanted -= drawn;
    return drawn;
}

static void
draw_rank(struct fed_round *round, struct fed_draw *draw, uint32_t rank)
{
    draw->left = 0;
    for (uint32_t i = 0; i < round->member_count; i++)
        draw->left += round->members[i].joined && rank_of(round, &round->members[i]) == rank;
    for (uint32_t i = 0; i < round->member_count; i++) {
        struct fed_round_member *member = &round->members[i];
        if (member->joined && rank_of(round, member) == rank && fed_draw_next(draw))
            member->part = FED_INVITED;
    }
}

static void
reset(struct fed_round_member *member)
{
    if (member->part != FED_INVITED)
        member->part = FED_OUT;
    member->absence   = (enum wire_absence)0;
    member->evaluated = member->excused = false;
    member->weight                      = 0;
    member->update                      = (struct sec_blob){0};
    member->norm                        = 0;
}

void
fed_cohort_draw(struct fed_round *round)
{
    struct fed_draw draw;
    fed_draw_begin(&draw, round->limits.seed, round->round, round->limits.cohort);
    for (uint32_t rank = 0; rank < RANK_COUNT; rank++)
        draw_rank(round, &draw, rank);
    round->cohort_count = 0;
    for (uint32_t i = 0; i < round->member_count; i++) {
        reset(&round->members[i]);
        if (round->members[i].part != FED_OUT)
            round->cohort[round->cohort_count++] = i;
    }
}
