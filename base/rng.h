/*
 * base/rng -- counter-based random numbers: Philox4x32-10.
 *
 * Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011. A generator is a key and a counter, so results do not depend on
 * threads or order: derive one child per purpose and never share a stream.
 *
 *     job seed -> node -> round -> purpose (shuffle, init, dropout, ...)
 *
 * Not for secrets: those come from crypto/.
 *
 * Memory     a plain value; copy freely; nothing to release.
 * Threads    one thread per generator.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct pn_rng {
    uint32_t key[2], counter[4], block[4];
    uint32_t used; /* words of `block` already given out, 4 = none left */
};

/* What a stream is for; part of its key, so values must never be renumbered. */
enum pn_rng_purpose {
    PN_RNG_NODE = 1,  /* index: member number            */
    PN_RNG_ROUND = 2, /* index: round                    */
    PN_RNG_INIT = 3,  /* index: tensor number            */
    PN_RNG_SHUFFLE = 4, /* index: epoch                  */
    PN_RNG_SPLIT = 5, /* index: which split              */
    PN_RNG_COHORT = 6, /* index: round                   */
    PN_RNG_GENERATE = 7, /* synthetic data; index: site  */
    PN_RNG_WORLD = 9, /* the simulated network and disk  */
    PN_RNG_STEP = 10, /* index: step of a training       */
    PN_RNG_LAYER = 11, /* draws of a layer; index: layer */
    PN_RNG_ROW = 12,  /* index: row of the batch         */
    PN_RNG_AUGMENT = 20 /* index: epoch, record or step  */
};

/* The ten rounds themselves; exposed for the published known answers. */
void pn_philox(uint32_t out[static 4], const uint32_t counter[static 4],
               const uint32_t key[static 2]);

void pn_rng_init(struct pn_rng *rng, uint64_t seed);
/* An independent child; the parent is not advanced. */
void pn_rng_derive(struct pn_rng *child, const struct pn_rng *parent, enum pn_rng_purpose purpose,
                   uint64_t index);

uint32_t pn_rng_u32(struct pn_rng *rng);
/* The next `count` words, as so many calls of pn_rng_u32 give them, several blocks at a time. */
void     pn_rng_words(struct pn_rng *rng, uint32_t *out, size_t count);
uint64_t pn_rng_u64(struct pn_rng *rng);
uint64_t pn_rng_below(struct pn_rng *rng, uint64_t bound); /* 0..bound-1, unbiased; bound > 0 */
double   pn_rng_uniform(struct pn_rng *rng);               /* [0, 1), 53 bits                 */
double   pn_rng_normal(struct pn_rng *rng);                /* mean 0, deviation 1 (Box-Muller) */
/* Fisher-Yates. */
void pn_rng_shuffle(struct pn_rng *rng, uint32_t *items, size_t count);

#endif
