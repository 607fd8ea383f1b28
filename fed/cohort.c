#include "base/rng.h"
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

/* Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S: no list is needed. */
static uint32_t
draw_rank(struct fed_round *round, struct pn_rng *rng, uint32_t rank, uint32_t wanted)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < round->member_count; i++)
        left += round->members[i].joined && rank_of(round, &round->members[i]) == rank;

    uint32_t drawn = 0;
    for (uint32_t i = 0; i < round->member_count && drawn < wanted; i++) {
        struct fed_round_member *member = &round->members[i];
        if (!member->joined || rank_of(round, member) != rank)
            continue;
        if (pn_rng_below(rng, left) < wanted - drawn) {
            member->part = FED_INVITED;
            drawn++;
        }
        left--;
    }
    return drawn;
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
    struct pn_rng root, rng;
    pn_rng_init(&root, round->limits.seed);
    pn_rng_derive(&rng, &root, PN_RNG_COHORT, round->round);

    uint32_t wanted = round->limits.cohort;
    for (uint32_t rank = 0; rank < RANK_COUNT; rank++)
        wanted -= draw_rank(round, &rng, rank, wanted);
    round->cohort_count = 0;
    for (uint32_t i = 0; i < round->member_count; i++) {
        reset(&round->members[i]);
        if (round->members[i].part != FED_OUT)
            round->cohort[round->cohort_count++] = i;
    }
}
