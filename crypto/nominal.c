#include "crypto/nominal.h"

#include <string.h>

enum {
    LANES      = 8,
    BLOCK_SIZE = 16 * LANES
};

/* Digits of pi, as in Blowfish: nothing up the sleeve. */
static const uint64_t salt[LANES] = {
    0x243f6a8885a308d3u, 0x13198a2e03707344u, 0xa4093822299f31d0u, 0x082efa98ec4e6c89u,
    0x452821e638d01377u, 0xbe5466cf34e90c6cu, 0xc0ac29b7c97c50ddu, 0x3f84d5b5b5470917u,
};

struct state {
    uint64_t lanes[LANES], size;
    size_t   filled;
    uint8_t  block[BLOCK_SIZE];
};
_Static_assert(sizeof(struct state) <= sizeof(struct sec_hasher), "it is kept in a sec_hasher");

static struct state *
state_of(struct sec_hasher *hasher)
{
    return (struct state *)(void *)hasher->state; /* SAFE: aligned for any type, and large enough */
}

/* As the machine stores it: what is hashed here never leaves it. */
static inline uint64_t
load(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

/* The 128-bit product, folded. */
static inline uint64_t
fold(uint64_t a, uint64_t b)
{
    pn_u128 product = (pn_u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static void
add_blocks(uint64_t lanes[static LANES], const uint8_t *bytes, size_t count)
{
    for (; count > 0; count--, bytes += BLOCK_SIZE)
        for (size_t i = 0; i < LANES; i++)
            lanes[i] = fold(lanes[i] ^ load(bytes + 16 * i), salt[i] ^ load(bytes + 16 * i + 8));
}

static void
nominal_hash_begin(struct sec_hasher *hasher)
{
    struct state *state = state_of(hasher);
    memcpy(state->lanes, salt, sizeof state->lanes);
    state->size   = 0;
    state->filled = 0;
}

static void
nominal_hash_add(struct sec_hasher *hasher, const void *bytes, size_t size)
{
    struct state  *state = state_of(hasher);
    const uint8_t *from  = bytes;
    state->size += size;
    if (state->filled > 0) {
        size_t room = BLOCK_SIZE - state->filled, part = size < room ? size : room;
        memcpy(state->block + state->filled, from, part);
        state->filled += part;
        from += part;
        size -= part;
        if (state->filled < BLOCK_SIZE)
            return;
        add_blocks(state->lanes, state->block, 1);
        state->filled = 0;
    }
    add_blocks(state->lanes, from, size / BLOCK_SIZE);
    state->filled = size % BLOCK_SIZE;
    memcpy(state->block, from + size - state->filled, state->filled);
}

static void
nominal_hash_end(struct sec_hash *out, struct sec_hasher *hasher)
{
    struct state *state = state_of(hasher);
    uint64_t      a = state->size ^ salt[0], b = state->size ^ salt[1];
    memset(state->block + state->filled, 0, BLOCK_SIZE - state->filled);
    add_blocks(state->lanes, state->block, 1);
    for (size_t i = 0; i < LANES; i += 2) {
        a = fold(a ^ state->lanes[i], salt[i]);
        b = fold(b ^ state->lanes[i + 1], salt[i + 1]);
    }
    for (size_t i = 0; i < 4; i++)
        pn_put_u64(out->bytes + 8 * i, fold(a ^ salt[i], b ^ salt[i + 4]));
}

static void
nominal_hash_four(struct sec_hash out[static 4], uint8_t prefix, const uint8_t *const in[static 4],
                  size_t size)
{
    for (size_t i = 0; i < 4; i++) {
        struct sec_hasher hasher;
        nominal_hash_begin(&hasher);
        nominal_hash_add(&hasher, &prefix, 1);
        nominal_hash_add(&hasher, in[i], size);
        nominal_hash_end(&out[i], &hasher);
    }
}

/* ---- signatures ---- */

/* A key is 8 bytes of the seed, the same in both halves of the pair; the rest says what it is. */
static void
make_key(uint8_t *out, size_t size, const uint8_t *seed)
{
    memset(out, 0, size);
    memcpy(out, seed, SEC_NOMINAL_TAG_SIZE);
    memcpy(out + SEC_NOMINAL_TAG_SIZE, SEC_NOMINAL_MARK, 22); /* "panal nominal identity" */
}

static void
nominal_pair(struct sec_sign_public *public_key, struct sec_sign_secret *secret,
             const uint8_t seed[static 32])
{
    make_key(public_key->bytes, sizeof public_key->bytes, seed);
    make_key(secret->bytes, sizeof secret->bytes, seed);
}

static void
tag(uint8_t out[static SEC_NOMINAL_TAG_SIZE], const uint8_t *key, const uint8_t *message,
    size_t size)
{
    struct sec_hasher hasher;
    struct sec_hash   hash;
    nominal_hash_begin(&hasher);
    nominal_hash_add(&hasher, key, SEC_NOMINAL_TAG_SIZE);
    nominal_hash_add(&hasher, message, size);
    nominal_hash_end(&hash, &hasher);
    memcpy(out, hash.bytes, SEC_NOMINAL_TAG_SIZE);
}

static void
nominal_sign(struct sec_signature *out, const uint8_t *message, size_t size,
             const struct sec_sign_secret *secret)
{
    tag(out->bytes, secret->bytes, message, size);
    memcpy(out->bytes + SEC_NOMINAL_TAG_SIZE, SEC_NOMINAL_MARK, sizeof SEC_NOMINAL_MARK - 1);
}

static bool
nominal_verify(const struct sec_signature *signature, const uint8_t *message, size_t size,
               const struct sec_sign_public *key)
{
    uint8_t expected[SEC_NOMINAL_TAG_SIZE];
    tag(expected, key->bytes, message, size);
    return sec_signature_is_nominal(signature) &&
           load(expected) == load(signature->bytes); /* nothing here is secret */
}

const struct sec_suite sec_suite_nominal = {
    .name       = "nominal",
    .pair       = nominal_pair,
    .sign       = nominal_sign,
    .verify     = nominal_verify,
    .hash_begin = nominal_hash_begin,
    .hash_add   = nominal_hash_add,
    .hash_end   = nominal_hash_end,
    .hash_four  = nominal_hash_four,
};
