#include "crypto/minisign.h"

#include "crypto/suite.h"

#include <sodium.h>
#include <string.h>

enum {
    ID_SIZE        = 8,
    HASH_SIZE      = 64, /* BLAKE2b-512 of the signed file */
    PUBLIC_SIZE    = 2 + ID_SIZE + 32,
    SIGNATURE_SIZE = 2 + ID_SIZE + 64,
    COMMENT_MAX    = 256,
    FILE_MAX       = 1024,
    TEXT_MAX       = (SIGNATURE_SIZE + 2) / 3 * 4 + 1
};

static const char untrusted_prefix[] = "untrusted comment: ";
static const char trusted_prefix[]   = "trusted comment: ";

static void
key_id(uint8_t out[static ID_SIZE], const struct sec_sign_public *key)
{
    uint8_t hash[32];
    /* SAFE: it fails only for sizes that do not occur here. */
    (void)crypto_generichash(hash, sizeof hash, key->bytes, sizeof key->bytes, NULL, 0);
    memcpy(out, hash, ID_SIZE);
}

static void
hash_file(uint8_t out[static HASH_SIZE], const void *bytes, size_t size)
{
    (void)crypto_generichash(out, HASH_SIZE, bytes, size, NULL, 0);
}

static bool
comment_is_valid(const char *comment, size_t len)
{
    if (len > COMMENT_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)comment[i] < 0x20 || comment[i] == 0x7f)
            return false;
    return true;
}

/* What the second signature covers; returns its size. */
static size_t
comment_message(uint8_t out[static 64 + COMMENT_MAX], const uint8_t signature[static 64],
                const char *comment, size_t len)
{
    memcpy(out, signature, 64);
    memcpy(out + 64, comment, len);
    return 64 + len;
}

enum pn_status
sec_minisign_public(struct pn_buffer *out, const struct sec_sign_public *key)
{
    uint8_t bytes[PUBLIC_SIZE];
    char    text[TEXT_MAX], id[2 * ID_SIZE + 1];
    memcpy(bytes, "Ed", 2);
    key_id(bytes + 2, key);
    memcpy(bytes + 2 + ID_SIZE, key->bytes, sizeof key->bytes);
    sec_base64_encode(text, bytes, sizeof bytes);
    pn_hex_encode(id, bytes + 2, ID_SIZE);
    return pn_buffer_printf(out, "%sminisign public key %s\n%s\n", untrusted_prefix, id, text);
}

enum pn_status
sec_minisign_sign(struct pn_buffer *out, const void *bytes, size_t size, const char *comment,
                  const struct sec_sign_secret *secret)
{
    struct sec_sign_public key;
    struct sec_signature   made, both;
    uint8_t                hash[HASH_SIZE], signature[SIGNATURE_SIZE];
    uint8_t                message[64 + COMMENT_MAX];
    char                   text[TEXT_MAX], both_text[TEXT_MAX];
    size_t                 len = strlen(comment);
    if (!comment_is_valid(comment, len))
        return PN_ERANGE;

    sec_sign_public_of(&key, secret);
    hash_file(hash, bytes, size);
    memcpy(signature, "ED", 2);
    key_id(signature + 2, &key);
    sec_suite()->sign(&made, hash, sizeof hash, secret);
    memcpy(signature + 2 + ID_SIZE, made.bytes, sizeof made.bytes);
    sec_suite()->sign(&both, message, comment_message(message, made.bytes, comment, len), secret);
    sec_base64_encode(text, signature, sizeof signature);
    sec_base64_encode(both_text, both.bytes, sizeof both.bytes);
    return pn_buffer_printf(out, "%ssignature by a panal root key\n%s\n%s%s\n%s\n",
                            untrusted_prefix, text, trusted_prefix, comment, both_text);
}

struct signature_file {
    char                 text[FILE_MAX + 1];
    const char          *comment; /* trusted, once checked */
    size_t               comment_len;
    uint8_t              signature[SIGNATURE_SIZE];
    struct sec_signature both;
};

static bool
signature_file_read(struct signature_file *out, const char *text, size_t size)
{
    char *line[4];
    if (size == 0 || size > FILE_MAX || memchr(text, '\0', size) != NULL)
        return false;
    memcpy(out->text, text, size);
    out->text[size] = '\0';
    char *at        = out->text;
    for (int i = 0; i < 4; i++) {
        char *end = strchr(at, '\n');
        if (end == NULL)
            return false;
        *end    = '\0';
        line[i] = at;
        at      = end + 1;
    }
    if (*at != '\0' || strncmp(line[0], untrusted_prefix, sizeof untrusted_prefix - 1) != 0 ||
        strncmp(line[2], trusted_prefix, sizeof trusted_prefix - 1) != 0)
        return false;
    out->comment     = line[2] + sizeof trusted_prefix - 1;
    out->comment_len = strlen(out->comment);
    return comment_is_valid(out->comment, out->comment_len) &&
           sec_base64_decode(out->signature, sizeof out->signature, line[1]) &&
           sec_base64_decode(out->both.bytes, sizeof out->both.bytes, line[3]);
}

enum pn_status
sec_minisign_verify(const void *bytes, size_t size, const char *text, size_t text_size,
                    const struct sec_sign_public *key, struct pn_error *why)
{
    struct signature_file file;
    struct sec_signature  signature;
    uint8_t               hash[HASH_SIZE], id[ID_SIZE], message[64 + COMMENT_MAX];
    if (!signature_file_read(&file, text, text_size))
        return pn_error_set(why, PN_EAUTH,
                            "expected a minisign signature: four lines, at most %d bytes, seen %zu "
                            "bytes of something else",
                            FILE_MAX, text_size);
    if (!sec_equal(file.signature, "ED", 2))
        return pn_error_set(why, PN_EAUTH, "expected a prehashed minisign signature (\"ED\")");
    key_id(id, key);
    if (!sec_equal(file.signature + 2, id, ID_SIZE))
        return pn_error_set(why, PN_EAUTH, "the signature was made with another key");

    memcpy(signature.bytes, file.signature + 2 + ID_SIZE, sizeof signature.bytes);
    hash_file(hash, bytes, size);
    if (!sec_suite()->verify(&signature, hash, sizeof hash, key))
        return pn_error_set(why, PN_EAUTH, "the signature is not of these bytes");
    size_t covered = comment_message(message, signature.bytes, file.comment, file.comment_len);
    if (!sec_suite()->verify(&file.both, message, covered, key))
        return pn_error_set(why, PN_EAUTH, "the trusted comment was changed");
    return PN_OK;
}
