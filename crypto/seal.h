/*
 * crypto/seal -- bytes that only two members can read, whoever carries them.
 *
 * Both derive one key from their transport keys (X25519, RFC 7748) and, but for greetings, from a
 * second pair that each made for this life of its process and forgets with it: who steals transport
 * keys later cannot read what was sealed before. Domains as in crypto/hash:
 *     greeting   H("relay greeting", X25519(own, theirs))
 *     session    H("relay", X25519(own, theirs) || X25519(own session, their session))
 *
 * Sealed: nonce 24 | ciphertext | tag 16, XChaCha20-Poly1305 (libsodium). The nonce is the
 * beginning of H("relay nonce", key || about || bytes): it repeats only for the same bytes,
 * whatever was put back from a backup, and needs no source of randomness.
 *
 * Memory     none; keys are wiped by who holds them.   Threads  any.
 */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include "crypto/keys.h"

enum {
    SEC_SEAL_NONCE = 24,
    SEC_SEAL_EXTRA = SEC_SEAL_NONCE + 16 /* what sealed bytes have more */
};

struct sec_seal_key {
    uint8_t bytes[32];
};

struct sec_seal_ends { /* the sessions' are both NULL for a greeting */
    const struct sec_transport_secret *own, *own_session;
    const struct sec_transport_public *theirs, *their_session;
};
/* False when a public key is one that gives everybody the same secret. */
PN_MUST_CHECK bool sec_seal_agree(struct sec_seal_key *out, const struct sec_seal_ends *ends);
void               sec_seal_wipe(struct sec_seal_key *key);

/* What is not secret, but must arrive as it was. */
struct sec_about {
    const uint8_t *bytes;
    size_t         size;
};
/* `out` has room for size + SEC_SEAL_EXTRA and does not overlap `bytes`. */
void sec_seal(uint8_t *out, const struct sec_seal_key *key, const struct sec_about *about,
              const uint8_t *bytes, size_t size);
/* `out` has room for size - SEC_SEAL_EXTRA. False: not sealed under this key, or changed. */
PN_MUST_CHECK bool sec_seal_open(uint8_t *out, const struct sec_seal_key *key,
                                 const struct sec_about *about, const uint8_t *sealed, size_t size);

#endif
