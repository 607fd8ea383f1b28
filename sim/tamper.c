#include "sim/tamper.h"

#include "proto/frame.h"

#include <stdlib.h>
#include <string.h>

enum {
    EXTEND_MAX    = 4096,
    EXTEND_FAR    = WIRE_FRAME_MAX, /* now and then: longer than any frame may be */
    FAR_ONE_IN    = 16,
    AT_TYPE       = 6, /* offsets of proto/frame.h */
    AT_ATTEMPT    = 36,
    AT_ROUND      = 40,
    AT_BODY_HASH  = 64,
    TYPE_MAX      = 20,
    LIE_FLIPS_MAX = 4
};

/* ---- what a network can do ---- */

static void
flip(uint8_t *bytes, size_t size, struct pn_rng *rng)
{
    uint64_t bit = pn_rng_below(rng, (uint64_t)size * 8);
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

static enum pn_status
extend(uint8_t **bytes, size_t *size, struct pn_rng *rng)
{
    bool     far   = pn_rng_below(rng, FAR_ONE_IN) == 0;
    size_t   more  = 1 + (size_t)pn_rng_below(rng, far ? EXTEND_FAR : EXTEND_MAX);
    uint8_t *grown = realloc(*bytes, *size + more);
    if (grown == NULL)
        return PN_ENOMEM;
    for (size_t i = 0; i < more; i++)
        grown[*size + i] = (uint8_t)i;
    *bytes = grown;
    *size += more;
    return PN_OK;
}

static void
sign(uint8_t *bytes, size_t size, const struct sec_sign_secret *secret)
{
    struct sec_signature signature;
    sec_sign(&signature, "frame", bytes, WIRE_HEADER_SIZE, secret);
    memcpy(bytes + size - WIRE_SIGNATURE_SIZE, signature.bytes, WIRE_SIGNATURE_SIZE);
}

enum pn_status
sim_tamper(uint8_t **bytes, size_t *size, enum sim_tampering how, struct pn_rng *rng,
           const struct sec_sign_secret *other)
{
    switch (how) {
    case SIM_FLIP:
        flip(*bytes, *size, rng);
        return PN_OK;
    case SIM_CUT_OFF:
        *size = (size_t)pn_rng_below(rng, *size);
        return PN_OK;
    case SIM_EXTEND:
        return extend(bytes, size, rng);
    case SIM_FORGE:
        sign(*bytes, *size, other);
        return PN_OK;
    case SIM_STRAY:
    case SIM_REPLAY:
    case SIM_TAMPERING_COUNT:
        break;
    }
    PN_UNREACHABLE("this does not change a frame");
}

/* ---- what a member can do ---- */

/* Numbers that no honest member sends: NaN, infinity, the largest, the smallest integer. */
static void
put_strange_number(uint8_t *body, size_t size, struct pn_rng *rng)
{
    static const uint64_t strange[] = {0x7ff8000000000000u, 0x7ff0000000000000u,
                                       0xffffffffffffffffu, 0x8000000000000000u,
                                       0x7fefffffffffffffu};
    if (size >= 8)
        pn_put_u64(body + pn_rng_below(rng, size - 7),
                   strange[pn_rng_below(rng, sizeof strange / sizeof strange[0])]);
}

void
sim_lie(uint8_t *bytes, size_t size, struct pn_rng *rng, const struct sec_sign_secret *own)
{
    PN_ASSERT(size >= WIRE_HEADER_SIZE + WIRE_SIGNATURE_SIZE);
    uint8_t        *body      = bytes + WIRE_HEADER_SIZE;
    size_t          body_size = size - WIRE_HEADER_SIZE - WIRE_SIGNATURE_SIZE;
    struct sec_hash hash;
    switch (pn_rng_below(rng, 5)) {
    case 0:
        for (uint64_t i = 1 + pn_rng_below(rng, LIE_FLIPS_MAX); body_size > 0 && i > 0; i--)
            flip(body, body_size, rng);
        break;
    case 1:
        put_strange_number(body, body_size, rng);
        break;
    case 2:
        pn_put_u64(bytes + AT_ROUND, pn_get_u64(bytes + AT_ROUND) + pn_rng_below(rng, 3) - 1);
        break;
    case 3:
        pn_put_u32(bytes + AT_ATTEMPT, (uint32_t)pn_rng_below(rng, 4));
        break;
    default:
        pn_put_u16(bytes + AT_TYPE, (uint16_t)pn_rng_below(rng, TYPE_MAX));
    }
    sec_hash_of(&hash, "body", body,
                wire_hashed_size(pn_get_u16(bytes + AT_TYPE), body, body_size));
    memcpy(bytes + AT_BODY_HASH, hash.bytes, sizeof hash.bytes);
    sign(bytes, size, own);
}
