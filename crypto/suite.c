#include "crypto/suite.h"

#include "crypto/four.h"

#include <sodium.h>

_Static_assert(sizeof(struct sec_hasher) == sizeof(crypto_generichash_state),
               "the opaque state is libsodium's");
_Static_assert(_Alignof(struct sec_hasher) >= _Alignof(crypto_generichash_state),
               "the opaque state is libsodium's");
_Static_assert(sizeof(struct sec_hash) == crypto_generichash_BYTES, "BLAKE2b-256");
_Static_assert(sizeof SEC_NOMINAL_MARK - 1 + SEC_NOMINAL_TAG_SIZE == crypto_sign_BYTES,
               "tag and text fill a signature");

/* SAFE: libsodium's functions below fail never for these sizes; only verification can. */
static crypto_generichash_state *
state_of(struct sec_hasher *hasher)
{
    return (crypto_generichash_state *)(void *)hasher->state;
}

static void
real_hash_begin(struct sec_hasher *hasher)
{
    (void)crypto_generichash_init(state_of(hasher), NULL, 0, sizeof(struct sec_hash));
}

static void
real_hash_add(struct sec_hasher *hasher, const void *bytes, size_t size)
{
    (void)crypto_generichash_update(state_of(hasher), bytes, size);
}

static void
real_hash_end(struct sec_hash *out, struct sec_hasher *hasher)
{
    (void)crypto_generichash_final(state_of(hasher), out->bytes, sizeof out->bytes);
}

static void
real_pair(struct sec_sign_public *public_key, struct sec_sign_secret *secret,
          const uint8_t seed[static 32])
{
    (void)crypto_sign_seed_keypair(public_key->bytes, secret->bytes, seed);
}

static void
real_sign(struct sec_signature *out, const uint8_t *message, size_t size,
          const struct sec_sign_secret *secret)
{
    (void)crypto_sign_detached(out->bytes, NULL, message, size, secret->bytes);
}

static bool
real_verify(const struct sec_signature *signature, const uint8_t *message, size_t size,
            const struct sec_sign_public *key)
{
    return crypto_sign_verify_detached(signature->bytes, message, size, key->bytes) == 0;
}

const struct sec_suite sec_suite_real = {
    .name       = "real",
    .pair       = real_pair,
    .sign       = real_sign,
    .verify     = real_verify,
    .hash_begin = real_hash_begin,
    .hash_add   = real_hash_add,
    .hash_end   = real_hash_end,
    .hash_four  = sec_four_hash,
};

static const struct sec_suite *in_use = &sec_suite_real;

const struct sec_suite *
sec_suite(void)
{
    return in_use;
}

void
sec_suite_use(const struct sec_suite *suite)
{
    in_use = suite;
}

/* A text that everybody knows: by words. */
bool
sec_signature_is_nominal(const struct sec_signature *signature)
{
    static const uint8_t mark[] = SEC_NOMINAL_MARK;
    uint64_t             differ = 0;
    _Static_assert((sizeof mark - 1) % 8 == 0, "whole words");
    for (size_t i = 0; i < sizeof mark - 1; i += 8)
        differ |= pn_get_u64(signature->bytes + SEC_NOMINAL_TAG_SIZE + i) ^ pn_get_u64(mark + i);
    return differ == 0;
}
