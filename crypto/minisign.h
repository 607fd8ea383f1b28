/*
 * crypto/minisign -- detached signatures that Debian's `minisign -V` can check.
 *
 * https://jedisct1.github.io/minisign/ (signature format), prehashed form "ED": Ed25519
 * over BLAKE2b-512 of the file, then a second signature over the first and the
 * trusted comment. The key id is the first 8 bytes of the BLAKE2b-256 of the key.
 */
#ifndef CRYPTO_MINISIGN_H
#define CRYPTO_MINISIGN_H

#include "crypto/keys.h"

/* The two-line public key file. */
PN_MUST_CHECK enum pn_status sec_minisign_public(struct pn_buffer             *out,
                                                 const struct sec_sign_public *key);
/* The four-line signature file; `comment` is the trusted comment, one line. */
PN_MUST_CHECK enum pn_status sec_minisign_sign(struct pn_buffer *out, const void *bytes,
                                               size_t size, const char *comment,
                                               const struct sec_sign_secret *secret);
/* PN_OK, or PN_EAUTH with the reason. `text` is a signature file of at most 1 KiB. */
PN_MUST_CHECK enum pn_status sec_minisign_verify(const void *bytes, size_t size, const char *text,
                                                 size_t                        text_size,
                                                 const struct sec_sign_public *key,
                                                 struct pn_error              *why);

#endif
