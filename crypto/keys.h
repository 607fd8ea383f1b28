/*
 * crypto/keys -- the keys of an organisation and the certificate that binds them.
 *
 *     root       Ed25519, offline; signs certificates and rosters
 *     node       Ed25519, online; signs every frame, commitment and block
 *     transport  X25519, for ZeroMQ CURVE
 *
 * They are made independently: none is derived from another, so each rotates
 * alone. Ed25519: RFC 8032. X25519: RFC 7748.
 *
 * Secrets are wiped by their fini, never copied by assignment, never logged.
 */
#ifndef CRYPTO_KEYS_H
#define CRYPTO_KEYS_H

#include "crypto/hash.h"

struct sec_sign_public {
    uint8_t bytes[32];
};
struct sec_sign_secret {
    uint8_t bytes[64];
};
struct sec_signature {
    uint8_t bytes[64];
};
struct sec_transport_public {
    uint8_t bytes[32];
};
struct sec_transport_secret {
    uint8_t bytes[32];
};

void sec_sign_new(struct sec_sign_public *public_key, struct sec_sign_secret *secret);
/* From 32 bytes, for simulations and vectors. */
void sec_sign_from_seed(struct sec_sign_public *public_key, struct sec_sign_secret *secret,
                        const uint8_t seed[static 32]);
void sec_sign_public_of(struct sec_sign_public *out, const struct sec_sign_secret *secret);
void sec_sign_wipe(struct sec_sign_secret *secret);

enum {
    SEC_SIGNED_MAX = 1024
};
/* Signs "panal <domain>\0" || bytes; `size` is at most SEC_SIGNED_MAX: hash what is longer. */
void sec_sign(struct sec_signature *out, const char *domain, const void *bytes, size_t size,
              const struct sec_sign_secret *secret);
PN_MUST_CHECK bool sec_verify(const struct sec_signature *signature, const char *domain,
                              const void *bytes, size_t size, const struct sec_sign_public *key);

void sec_transport_new(struct sec_transport_public *public_key,
                       struct sec_transport_secret *secret);
void sec_transport_public_of(struct sec_transport_public       *out,
                             const struct sec_transport_secret *secret);
void sec_transport_wipe(struct sec_transport_secret *secret);

/* "SHA256:" and base64 without padding, as OpenSSH prints it. */
enum {
    SEC_FINGERPRINT_SIZE = 56
};
void sec_fingerprint(char out[static SEC_FINGERPRINT_SIZE], const void *key, size_t size);

/*
 * What an organisation's root says about its node. Times are Unix seconds. The signature covers,
 * domain "certificate" and little-endian, all of it in 116 bytes:
 *     name 32, zero-padded | serial u32 | not_before u64 | not_after u64 | node 32 | transport 32
 */
struct sec_certificate {
    char                        name[32]; /* of the member, [a-z0-9-], starts with a letter */
    uint32_t                    serial;
    uint64_t                    not_before, not_after;
    struct sec_sign_public      node;
    struct sec_transport_public transport;
    struct sec_signature        signature; /* by root */
};
void sec_certificate_sign(struct sec_certificate *certificate, const struct sec_sign_secret *root);
/* False, too, when the name is not valid or not_before is not before not_after. */
PN_MUST_CHECK bool sec_certificate_check(const struct sec_certificate *certificate,
                                         const struct sec_sign_public *root);
/* 1 to 31 of a-z, 0-9 and -, a letter first. */
bool sec_name_is_valid(const char *name);

/*
 * Key files: text of three lines, to be stored with mode 0600.
 *     panal <kind> key
 *     public <base64>
 *     secret <base64>          or   sealed <base64 of salt, nonce, box>
 * Sealed: Argon2id (RFC 9106, libsodium's MODERATE limits) and XSalsa20-Poly1305.
 * `kind` is "root", "node" or "transport"; a transport secret has 32 bytes.
 */
enum {
    SEC_KEY_FILE_MAX = 1024
};
/* `passphrase` NULL: not sealed. The buffer then holds the secret: wipe it. */
PN_MUST_CHECK enum pn_status sec_key_encode(struct pn_buffer *out, const char *kind,
                                            const void *public_key, const void *secret,
                                            size_t secret_size, const char *passphrase);
/*
 * PN_ECONFIG: not such a file, or its two keys do not belong together. PN_EAUTH: sealed, and the
 * passphrase is absent or wrong. A passphrase for a file that is not sealed is not looked at.
 */
PN_MUST_CHECK enum pn_status sec_key_decode(void *public_key, void *secret, size_t secret_size,
                                            const char *kind, const char *text, size_t text_size,
                                            const char *passphrase, struct pn_error *why);

#endif
