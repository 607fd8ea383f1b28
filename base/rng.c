#include "base/rng.h"

#include "base/bytes.h"

#include <math.h>

void
pn_philox(uint32_t out[static 4], const uint32_t counter[static 4], const uint32_t key[static 2])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int i = 0; i < 10; i++) {
        uint64_t p0 = (uint64_t)0xd2511f53 * c0;
        uint64_t p1 = (uint64_t)0xcd9e8d57 * c2;
        c0          = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1          = (uint32_t)p1;
        c2          = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3          = (uint32_t)p0;
        k0 += 0x9e3779b9; /* the golden ratio and sqrt(3) - 1, as in the paper */
        k1 += 0xbb67ae85;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void
pn_rng_init(struct pn_rng *rng, uint64_t seed)
{
    *rng = (struct pn_rng){.key = {(uint32_t)seed, (uint32_t)(seed >> 32)}, .used = 4};
}

void
pn_rng_derive(struct pn_rng *child, const struct pn_rng *parent, enum pn_rng_purpose purpose,
              uint64_t index)
{
    /* A generator counts up from zero and never gets to this last word ("pana"), so keys of
     * children are no numbers of their parent. */
    const uint32_t counter[4] = {(uint32_t)purpose, (uint32_t)index, (uint32_t)(index >> 32),
                                 0x70616e61};
    uint32_t       block[4];
    pn_philox(block, counter, parent->key);
    *child = (struct pn_rng){.key = {block[0], block[1]}, .used = 4};
}

uint32_t
pn_rng_u32(struct pn_rng *rng)
{
    if (rng->used >= 4) {
        pn_philox(rng->block, rng->counter, rng->key);
        for (int i = 0; i < 4 && ++rng->counter[i] == 0; i++)
            ;
        rng->used = 0;
    }
    return rng->block[rng->used++];
}

enum {
    LANES = 8 /* blocks side by side, so that a compiler can use vectors */
};

/* The words of counters counter[0] .. counter[0] + LANES - 1, which must not wrap. */
static void
philox_lanes(uint32_t out[static 4 * LANES], const uint32_t counter[static 4],
             const uint32_t key[static 2])
{
    uint32_t c0[LANES], c1[LANES], c2[LANES], c3[LANES], k0 = key[0], k1 = key[1];
    for (uint32_t l = 0; l < LANES; l++) {
        c0[l] = counter[0] + l;
        c1[l] = counter[1];
        c2[l] = counter[2];
        c3[l] = counter[3];
    }
    for (int i = 0; i < 10; i++) {
        for (int l = 0; l < LANES; l++) {
            uint64_t p0 = (uint64_t)0xd2511f53 * c0[l];
            uint64_t p1 = (uint64_t)0xcd9e8d57 * c2[l];
            c0[l]       = (uint32_t)(p1 >> 32) ^ c1[l] ^ k0;
            c1[l]       = (uint32_t)p1;
            c2[l]       = (uint32_t)(p0 >> 32) ^ c3[l] ^ k1;
            c3[l]       = (uint32_t)p0;
        }
        k0 += 0x9e3779b9;
        k1 += 0xbb67ae85;
    }
    for (int l = 0; l < LANES; l++) {
        out[4 * l]     = c0[l];
        out[4 * l + 1] = c1[l];
        out[4 * l + 2] = c2[l];
        out[4 * l + 3] = c3[l];
    }
}

void
pn_rng_words(struct pn_rng *rng, uint32_t *out, size_t count)
{
    for (; count > 0 && rng->used < 4; count--)
        *out++ = pn_rng_u32(rng);
    for (; count >= (size_t)4 * LANES && rng->counter[0] < UINT32_MAX - LANES;
         count -= (size_t)4 * LANES, out += 4 * LANES) {
        philox_lanes(out, rng->counter, rng->key);
        rng->counter[0] += LANES;
    }
    for (; count > 0; count--)
        *out++ = pn_rng_u32(rng);
}

uint64_t
pn_rng_u64(struct pn_rng *rng)
{
    uint64_t low = pn_rng_u32(rng);
    return low | (uint64_t)pn_rng_u32(rng) << 32;
}

uint64_t
pn_rng_below(struct pn_rng *rng, uint64_t bound)
{
    PN_ASSERT(bound > 0);
    /* Lemire, "Fast random integer generation in an interval", 2019. */
    pn_u128 product = (pn_u128)pn_rng_u64(rng) * bound;
    if ((uint64_t)product < bound) {
        uint64_t unfair = (0 - bound) % bound;
        while ((uint64_t)product < unfair)
            product = (pn_u128)pn_rng_u64(rng) * bound;
    }
    return (uint64_t)(product >> 64);
}

double
pn_rng_uniform(struct pn_rng *rng)
{
    return (double)(pn_rng_u64(rng) >> 11) * 0x1p-53;
}

double
pn_rng_normal(struct pn_rng *rng)
{
    static const double two_pi = 6.283185307179586476925;
    double              radius = sqrt(-2.0 * log(1.0 - pn_rng_uniform(rng))); /* never log(0) */
    return radius * cos(two_pi * pn_rng_uniform(rng));
}

void
pn_rng_shuffle(struct pn_rng *rng, uint32_t *items, size_t count)
{
    for (size_t left = count; left > 1; left--) {
        size_t   pick   = (size_t)pn_rng_below(rng, left);
        uint32_t item   = items[left - 1];
        items[left - 1] = items[pick];
        items[pick]     = item;
    }
}
