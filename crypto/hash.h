/*
 * crypto/hash -- BLAKE2b-256 (RFC 7693) with a domain in front, and comparison.
 *
 * The hash of `bytes` in a domain is BLAKE2b-256("panal <domain>\0" || bytes), so a
 * value hashed for one purpose is never valid for another. docs/protocol.md
 * lists every domain.
 */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/bytes.h"

struct sec_hash {
    uint8_t bytes[32];
};

struct sec_hasher { /* opaque; a plain value, nothing to release */
    _Alignas(64) uint8_t state[384];
};

/* Must be called once, before any other function of this room. */
PN_MUST_CHECK enum pn_status sec_init(void);

void sec_hash_of(struct sec_hash *out, const char *domain, const void *bytes, size_t size);
void sec_hash_begin(struct sec_hasher *hasher, const char *domain);
void sec_hash_add(struct sec_hasher *hasher, const void *bytes, size_t size);
void sec_hash_end(struct sec_hash *out, struct sec_hasher *hasher);

/* Constant time. */
PN_MUST_CHECK bool sec_hash_equal(const struct sec_hash *a, const struct sec_hash *b);
PN_MUST_CHECK bool sec_equal(const void *a, const void *b, size_t size);
bool               sec_hash_is_zero(const struct sec_hash *hash);

enum {
    SEC_HEX_SIZE = 65
};
/* 64 digits and NUL. */
void sec_hash_text(char out[static SEC_HEX_SIZE], const struct sec_hash *hash);

/* Unpredictable bytes from the operating system: keys and session numbers only. */
void sec_random(void *out, size_t size);
void sec_wipe(void *bytes, size_t size);

/* Base64 (RFC 4648, with padding). `out` holds sec_base64_size(size) characters, NUL included. */
size_t sec_base64_size(size_t size);
void   sec_base64_encode(char *out, const uint8_t *bytes, size_t size);
/* False unless `text` is what sec_base64_encode writes for some `size` bytes. */
PN_MUST_CHECK bool sec_base64_decode(uint8_t *out, size_t size, const char *text);

#endif
