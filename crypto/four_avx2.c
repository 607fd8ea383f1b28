/* Compiled with -mavx2; RFC 7693, section 3. A `lanes` holds the same word of four hashes. */
#include "crypto/four.h"

#if defined(__x86_64__)

#include <string.h>

enum {
    BLOCK  = 128,
    ROUNDS = 12
};

typedef uint64_t lanes __attribute__((vector_size(32)));
typedef uint32_t halves __attribute__((vector_size(32)));
typedef uint8_t  octets __attribute__((vector_size(32)));

static const uint64_t iv[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

static const uint8_t sigma[ROUNDS][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
};

/* Rotations to the right; by whole bytes they are one shuffle. */
#define TURN_32(x)                                                                                 \
    ((lanes)__builtin_shufflevector((halves)(x), (halves)(x), 1, 0, 3, 2, 5, 4, 7, 6))
#define WORD(by, at)                                                                               \
    (0 + by) % 8 + at, (1 + by) % 8 + at, (2 + by) % 8 + at, (3 + by) % 8 + at, (4 + by) % 8 + at, \
        (5 + by) % 8 + at, (6 + by) % 8 + at, (7 + by) % 8 + at
#define TURN_BYTES(x, by)                                                                          \
    ((lanes)__builtin_shufflevector((octets)(x), (octets)(x), WORD(by, 0), WORD(by, 8),            \
                                    WORD(by, 16), WORD(by, 24)))
#define TURN_63(x) (((x) >> 63) | ((x) + (x)))

#define MIX(a, b, c, d, x, y)                                                                      \
    do {                                                                                           \
        a += b + (x);                                                                              \
        d = TURN_32(d ^ a);                                                                        \
        c += d;                                                                                    \
        b = TURN_BYTES(b ^ c, 3);                                                                  \
        a += b + (y);                                                                              \
        d = TURN_BYTES(d ^ a, 2);                                                                  \
        c += d;                                                                                    \
        b = TURN_63(b ^ c);                                                                        \
    } while (0)

/* 32 bytes of each message become four words of all of them. */
static void
spread(lanes out[static 4], const uint8_t *const in[static SEC_FOUR], size_t at)
{
    lanes a, b, c, d;
    memcpy(&a, in[0] + at, sizeof a);
    memcpy(&b, in[1] + at, sizeof b);
    memcpy(&c, in[2] + at, sizeof c);
    memcpy(&d, in[3] + at, sizeof d);
    lanes ab_even = __builtin_shufflevector(a, b, 0, 4, 2, 6);
    lanes ab_odd  = __builtin_shufflevector(a, b, 1, 5, 3, 7);
    lanes cd_even = __builtin_shufflevector(c, d, 0, 4, 2, 6);
    lanes cd_odd  = __builtin_shufflevector(c, d, 1, 5, 3, 7);
    out[0]        = __builtin_shufflevector(ab_even, cd_even, 0, 1, 4, 5);
    out[1]        = __builtin_shufflevector(ab_odd, cd_odd, 0, 1, 4, 5);
    out[2]        = __builtin_shufflevector(ab_even, cd_even, 2, 3, 6, 7);
    out[3]        = __builtin_shufflevector(ab_odd, cd_odd, 2, 3, 6, 7);
}

/* One block of each; `count` bytes were taken up to and with it. */
static void
compress(lanes h[static 8], const uint8_t *const in[static SEC_FOUR], uint64_t count, bool last)
{
    lanes m[16], v[16], none = {0};
    for (size_t i = 0; i < 4; i++)
        spread(m + 4 * i, in, 32 * i);
    for (size_t i = 0; i < 8; i++) {
        v[i]     = h[i];
        v[i + 8] = none + iv[i];
    }
    v[12] ^= none + count;
    if (last)
        v[14] = ~v[14];
    for (size_t r = 0; r < ROUNDS; r++) {
        const uint8_t *s = sigma[r];
        MIX(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
        MIX(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
        MIX(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
        MIX(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
        MIX(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
        MIX(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
        MIX(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
        MIX(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
    }
    for (size_t i = 0; i < 8; i++)
        h[i] ^= v[i] ^ v[i + 8];
}

/* The prefix and the first bytes; `*at` bytes of each were then taken. */
static void
begin(lanes h[static 8], size_t *at, uint8_t prefix, const uint8_t *const in[static SEC_FOUR],
      size_t size)
{
    uint8_t        first[SEC_FOUR][BLOCK] = {{0}};
    const uint8_t *blocks[SEC_FOUR]       = {first[0], first[1], first[2], first[3]};
    lanes          none                   = {0};
    for (size_t i = 0; i < 8; i++)
        h[i] = none + iv[i];
    h[0] ^= none + (UINT64_C(0x01010000) ^ sizeof(struct sec_hash)); /* no key, one leaf */
    *at = size < BLOCK - 1 ? size : BLOCK - 1;
    for (size_t i = 0; i < SEC_FOUR; i++) {
        first[i][0] = prefix;
        memcpy(first[i] + 1, in[i], *at);
    }
    compress(h, blocks, *at + 1, *at == size);
}

static void
end(lanes h[static 8], size_t at, const uint8_t *const in[static SEC_FOUR], size_t size)
{
    uint8_t        last[SEC_FOUR][BLOCK] = {{0}};
    const uint8_t *blocks[SEC_FOUR]      = {last[0], last[1], last[2], last[3]};
    for (size_t i = 0; i < SEC_FOUR; i++)
        memcpy(last[i], in[i] + at, size - at);
    compress(h, blocks, size + 1, true);
}

void
sec_four_avx2(struct sec_hash out[static SEC_FOUR], uint8_t prefix,
              const uint8_t *const in[static SEC_FOUR], size_t size)
{
    lanes  h[8];
    size_t at;
    begin(h, &at, prefix, in, size);
    for (; size - at > BLOCK; at += BLOCK) {
        const uint8_t *blocks[SEC_FOUR] = {in[0] + at, in[1] + at, in[2] + at, in[3] + at};
        compress(h, blocks, at + BLOCK + 1, false);
    }
    if (at < size)
        end(h, at, in, size);
    for (size_t i = 0; i < SEC_FOUR; i++)
        for (size_t word = 0; word < sizeof out[i].bytes / 8; word++)
            pn_put_u64(out[i].bytes + 8 * word, h[word][i]);
}

#endif
