/*
 * crypto/suite -- which cryptography this process uses.
 *
 * Every signature and every hash of this room goes through one table (but for the SHA-256 of
 * crypto/log_tree and of fingerprints, which other software checks). A process begins with the
 * real one: Ed25519 (RFC 8032) and BLAKE2b-256 (RFC 7693). The other one, crypto/nominal, is for
 * simulations that study learning; it is linked into programs of sim/ only, so a daemon cannot
 * have it, and what it signs is never a valid Ed25519 signature.
 *
 * Threads    sec_suite_use before any other thread uses this room.
 */
#ifndef CRYPTO_SUITE_H
#define CRYPTO_SUITE_H

#include "crypto/keys.h"

struct sec_suite {
    const char *name; /* "real" or "nominal" */
    void (*pair)(struct sec_sign_public *public_key, struct sec_sign_secret *secret,
                 const uint8_t seed[static 32]);
    void (*sign)(struct sec_signature *out, const uint8_t *message, size_t size,
                 const struct sec_sign_secret *secret);
    bool (*verify)(const struct sec_signature *signature, const uint8_t *message, size_t size,
                   const struct sec_sign_public *key);
    void (*hash_begin)(struct sec_hasher *hasher);
    void (*hash_add)(struct sec_hasher *hasher, const void *bytes, size_t size);
    void (*hash_end)(struct sec_hash *out, struct sec_hasher *hasher);
    /* Four hashes of prefix and `size` bytes each, side by side. */
    void (*hash_four)(struct sec_hash out[static 4], uint8_t prefix,
                      const uint8_t *const in[static 4], size_t size);
};

extern const struct sec_suite sec_suite_real;

const struct sec_suite *sec_suite(void); /* the one in use */
void                    sec_suite_use(const struct sec_suite *suite);

/*
 * A nominal signature is an 8-byte tag and this text. Ed25519 requires the upper half of a
 * signature to be a number below 2^253 (RFC 8032, section 5.1.7); read as one, the text is larger:
 * it is refused whatever the key and the message.
 */
enum {
    SEC_NOMINAL_TAG_SIZE = 8
};
#define SEC_NOMINAL_MARK "panal nominal identity: a simulation, nothing is signed."
bool sec_signature_is_nominal(const struct sec_signature *signature);

#endif
