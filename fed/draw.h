/*
 * fed/draw -- draws a cohort without a list: the same members wherever it is done.
 *
 *     fed_draw_begin(&draw, job seed, round, how many)
 *     draw.left = how many candidates there are
 *     for each candidate, in the order of their numbers: fed_draw_next(&draw)
 *
 * Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S. A next group of candidates, if
 * there are not enough in the first, goes on with what is still wanted; a further draw from who is
 * left sets `left` and `wanted` anew and goes on with the same generator.
 */
#ifndef FED_DRAW_H
#define FED_DRAW_H

#include "base/rng.h"

#include <stdbool.h>

struct fed_draw {
    struct pn_rng rng;
    uint32_t      left, wanted;
};
void fed_draw_begin(struct fed_draw *draw, uint64_t seed, uint64_t round, uint32_t wanted);
/* True when this candidate is in. */
bool fed_draw_next(struct fed_draw *draw);

#endif
