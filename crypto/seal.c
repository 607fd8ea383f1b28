#include "crypto/seal.h"

#include <sodium.h>
#include <string.h>

enum {
    SHARED = crypto_scalarmult_BYTES
};
_Static_assert(SEC_SEAL_NONCE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "XChaCha20");
_Static_assert(SEC_SEAL_EXTRA == SEC_SEAL_NONCE + crypto_aead_xchacha20poly1305_ietf_ABYTES,
               "Poly1305");
_Static_assert(sizeof(struct sec_seal_key) == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
               "XChaCha20");

bool
sec_seal_agree(struct sec_seal_key *out, const struct sec_seal_ends *ends)
{
    uint8_t         shared[2 * SHARED];
    struct sec_hash key;
    bool            greeting = ends->own_session == NULL;
    PN_ASSERT(greeting == (ends->their_session == NULL));
    bool good = crypto_scalarmult(shared, ends->own->bytes, ends->theirs->bytes) == 0;
    if (good && !greeting)
        good = crypto_scalarmult(shared + SHARED, ends->own_session->bytes,
                                 ends->their_session->bytes) == 0;
    if (good) {
        sec_hash_of(&key, greeting ? "relay greeting" : "relay", shared,
                    greeting ? SHARED : sizeof shared);
        memcpy(out->bytes, key.bytes, sizeof out->bytes);
        sec_wipe(&key, sizeof key);
    }
    sec_wipe(shared, sizeof shared);
    return good;
}

void
sec_seal_wipe(struct sec_seal_key *key)
{
    sec_wipe(key->bytes, sizeof key->bytes);
}

static void
make_nonce(uint8_t out[static SEC_SEAL_NONCE], const struct sec_seal_key *key,
           const struct sec_about *about, const uint8_t *bytes, size_t size)
{
    struct sec_hasher hasher;
    struct sec_hash   hash;
    sec_hash_begin(&hasher, "relay nonce");
    sec_hash_add(&hasher, key->bytes, sizeof key->bytes);
    sec_hash_add(&hasher, about->bytes, about->size);
    sec_hash_add(&hasher, bytes, size);
    sec_hash_end(&hash, &hasher);
    memcpy(out, hash.bytes, SEC_SEAL_NONCE);
    sec_wipe(&hasher, sizeof hasher);
}

void
sec_seal(uint8_t *out, const struct sec_seal_key *key, const struct sec_about *about,
         const uint8_t *bytes, size_t size)
{
    make_nonce(out, key, about, bytes, size);
    /* SAFE: it cannot fail; sizes of frames are far below its limit. */
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        out + SEC_SEAL_NONCE, NULL, bytes, size, about->bytes, about->size, NULL, out, key->bytes);
}

bool
sec_seal_open(uint8_t *out, const struct sec_seal_key *key, const struct sec_about *about,
              const uint8_t *sealed, size_t size)
{
    return size >= SEC_SEAL_EXTRA &&
           crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed + SEC_SEAL_NONCE,
                                                      size - SEC_SEAL_NONCE, about->bytes,
                                                      about->size, sealed, key->bytes) == 0;
}
