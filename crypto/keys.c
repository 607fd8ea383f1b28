#include "crypto/keys.h"

#include "crypto/suite.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(struct sec_sign_public) == crypto_sign_PUBLICKEYBYTES, "Ed25519");
_Static_assert(sizeof(struct sec_sign_secret) == crypto_sign_SECRETKEYBYTES, "Ed25519");
_Static_assert(sizeof(struct sec_signature) == crypto_sign_BYTES, "Ed25519");
_Static_assert(sizeof(struct sec_transport_public) == crypto_box_PUBLICKEYBYTES, "X25519");
_Static_assert(sizeof(struct sec_transport_secret) == crypto_box_SECRETKEYBYTES, "X25519");

/* ---- signatures ---- */

/* SAFE: libsodium's Ed25519 functions below fail never; only verification and key agreement can. */
void
sec_sign_new(struct sec_sign_public *public_key, struct sec_sign_secret *secret)
{
    (void)crypto_sign_keypair(public_key->bytes, secret->bytes);
}

void
sec_sign_from_seed(struct sec_sign_public *public_key, struct sec_sign_secret *secret,
                   const uint8_t seed[static 32])
{
    sec_suite()->pair(public_key, secret, seed);
}

void
sec_sign_public_of(struct sec_sign_public *out, const struct sec_sign_secret *secret)
{
    struct sec_sign_secret again;
    /* From the seed, not from the copy of the public key in the secret: a file may hold another. */
    sec_sign_from_seed(out, &again, secret->bytes);
    sec_sign_wipe(&again);
}

void
sec_sign_wipe(struct sec_sign_secret *secret)
{
    sec_wipe(secret->bytes, sizeof secret->bytes);
}

enum {
    DOMAIN_MAX = 32
};

struct message {
    uint8_t bytes[sizeof "panal " + DOMAIN_MAX + SEC_SIGNED_MAX];
    size_t  size;
};

/* The exact bytes that are signed: "panal <domain>\0" and what was given. */
static void
message_make(struct message *out, const char *domain, const void *bytes, size_t size)
{
    size_t len = strlen(domain) + 1;
    PN_ASSERT(len <= DOMAIN_MAX && size <= SEC_SIGNED_MAX);
    memcpy(out->bytes, "panal ", 6);
    memcpy(out->bytes + 6, domain, len);
    if (size != 0)
        memcpy(out->bytes + 6 + len, bytes, size);
    out->size = 6 + len + size;
}

void
sec_sign(struct sec_signature *out, const char *domain, const void *bytes, size_t size,
         const struct sec_sign_secret *secret)
{
    struct message message;
    message_make(&message, domain, bytes, size);
    sec_suite()->sign(out, message.bytes, message.size, secret);
}

bool
sec_verify(const struct sec_signature *signature, const char *domain, const void *bytes,
           size_t size, const struct sec_sign_public *key)
{
    struct message message;
    if (size > SEC_SIGNED_MAX)
        return false;
    message_make(&message, domain, bytes, size);
    return sec_suite()->verify(signature, message.bytes, message.size, key);
}

/* ---- transport keys ---- */

void
sec_transport_new(struct sec_transport_public *public_key, struct sec_transport_secret *secret)
{
    (void)crypto_box_keypair(public_key->bytes, secret->bytes);
}

void
sec_transport_public_of(struct sec_transport_public *out, const struct sec_transport_secret *secret)
{
    (void)crypto_scalarmult_base(out->bytes, secret->bytes);
}

void
sec_transport_wipe(struct sec_transport_secret *secret)
{
    sec_wipe(secret->bytes, sizeof secret->bytes);
}

void
sec_fingerprint(char out[static SEC_FINGERPRINT_SIZE], const void *key, size_t size)
{
    enum {
        VARIANT = sodium_base64_VARIANT_ORIGINAL_NO_PADDING
    };
    static const char prefix[] = "SHA256:";
    const size_t      at       = sizeof prefix - 1;
    uint8_t           hash[crypto_hash_sha256_BYTES];
    _Static_assert(sizeof prefix - 1 +
                           sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES, VARIANT) <=
                       SEC_FINGERPRINT_SIZE,
                   "the text fits");
    (void)crypto_hash_sha256(hash, key, size);
    memcpy(out, prefix, at);
    sodium_bin2base64(out + at, SEC_FINGERPRINT_SIZE - at, hash, sizeof hash, VARIANT);
}

/* ---- certificates ---- */

enum {
    CERTIFICATE_SIZE = 116
};

static void
certificate_encode(uint8_t out[static CERTIFICATE_SIZE], const struct sec_certificate *certificate)
{
    size_t len = strnlen(certificate->name, sizeof certificate->name);
    memset(out, 0, 32);
    memcpy(out, certificate->name, len);
    pn_put_u32(out + 32, certificate->serial);
    pn_put_u64(out + 36, certificate->not_before);
    pn_put_u64(out + 44, certificate->not_after);
    memcpy(out + 52, certificate->node.bytes, 32);
    memcpy(out + 84, certificate->transport.bytes, 32);
}

void
sec_certificate_sign(struct sec_certificate *certificate, const struct sec_sign_secret *root)
{
    uint8_t bytes[CERTIFICATE_SIZE];
    certificate_encode(bytes, certificate);
    sec_sign(&certificate->signature, "certificate", bytes, sizeof bytes, root);
}

bool
sec_certificate_check(const struct sec_certificate *certificate, const struct sec_sign_public *root)
{
    uint8_t bytes[CERTIFICATE_SIZE];
    if (memchr(certificate->name, '\0', sizeof certificate->name) == NULL ||
        !sec_name_is_valid(certificate->name) || certificate->not_before >= certificate->not_after)
        return false;
    certificate_encode(bytes, certificate);
    return sec_verify(&certificate->signature, "certificate", bytes, sizeof bytes, root);
}

bool
sec_name_is_valid(const char *name)
{
    size_t len = 0;
    for (; name[len] != '\0'; len++) {
        char c      = name[len];
        bool letter = c >= 'a' && c <= 'z';
        bool other  = (c >= '0' && c <= '9') || c == '-';
        if (len == sizeof((struct sec_certificate *)NULL)->name - 1 ||
            !(letter || (other && len > 0)))
            return false;
    }
    return len > 0;
}

/* ---- key files ---- */

enum {
    PUBLIC_SIZE = 32,
    SECRET_MAX  = 64,
    SALT_SIZE   = crypto_pwhash_SALTBYTES,
    NONCE_SIZE  = crypto_secretbox_NONCEBYTES,
    SEAL_SIZE   = SALT_SIZE + NONCE_SIZE + crypto_secretbox_MACBYTES, /* beyond the secret */
    SEALED_MAX  = SEAL_SIZE + SECRET_MAX,
    TEXT_MAX    = (SEALED_MAX + 2) / 3 * 4 + 1
};

static enum pn_status
box_key(uint8_t out[static crypto_secretbox_KEYBYTES], const char *passphrase, const uint8_t *salt)
{
    /* It fails only for lack of memory: MODERATE takes 256 MiB. */
    return crypto_pwhash(out, crypto_secretbox_KEYBYTES, passphrase, strlen(passphrase), salt,
                         crypto_pwhash_OPSLIMIT_MODERATE, crypto_pwhash_MEMLIMIT_MODERATE,
                         crypto_pwhash_ALG_ARGON2ID13) == 0
               ? PN_OK
               : PN_ENOMEM;
}

/* salt, nonce, box: SEAL_SIZE + secret_size bytes. */
static enum pn_status
seal_secret(uint8_t *out, const void *secret, size_t secret_size, const char *passphrase)
{
    uint8_t        key[crypto_secretbox_KEYBYTES];
    uint8_t       *salt = out, *nonce = out + SALT_SIZE, *box = nonce + NONCE_SIZE;
    enum pn_status st;
    sec_random(out, SALT_SIZE + NONCE_SIZE);
    st = box_key(key, passphrase, salt);
    if (st == PN_OK)
        (void)crypto_secretbox_easy(box, secret, secret_size, nonce, key);
    sec_wipe(key, sizeof key);
    return st;
}

static enum pn_status
unseal_secret(void *secret, size_t secret_size, const uint8_t *sealed, const char *passphrase,
              struct pn_error *why)
{
    uint8_t        key[crypto_secretbox_KEYBYTES];
    const uint8_t *salt = sealed, *nonce = sealed + SALT_SIZE, *box = nonce + NONCE_SIZE;
    enum pn_status st = box_key(key, passphrase, salt);
    if (st != PN_OK)
        pn_error_set(why, st, "no memory to open the sealed key: 256 MiB are needed");
    else if (crypto_secretbox_open_easy(secret, box, secret_size + crypto_secretbox_MACBYTES, nonce,
                                        key) != 0)
        st = pn_error_set(why, PN_EAUTH, "the passphrase is wrong, or the sealed key is damaged");
    sec_wipe(key, sizeof key);
    return st;
}

static bool
kind_has_size(const char *kind, size_t secret_size)
{
    if (strcmp(kind, "transport") == 0)
        return secret_size == sizeof(struct sec_transport_secret);
    return (strcmp(kind, "root") == 0 || strcmp(kind, "node") == 0) &&
           secret_size == sizeof(struct sec_sign_secret);
}

enum pn_status
sec_key_encode(struct pn_buffer *out, const char *kind, const void *public_key, const void *secret,
               size_t secret_size, const char *passphrase)
{
    uint8_t        sealed[SEALED_MAX];
    char           public_text[TEXT_MAX], secret_text[TEXT_MAX];
    enum pn_status st = PN_OK;
    PN_ASSERT(kind_has_size(kind, secret_size));

    sec_base64_encode(public_text, public_key, PUBLIC_SIZE);
    if (passphrase != NULL) {
        st = seal_secret(sealed, secret, secret_size, passphrase);
        if (st == PN_OK)
            sec_base64_encode(secret_text, sealed, SEAL_SIZE + secret_size);
    } else {
        sec_base64_encode(secret_text, secret, secret_size);
    }
    if (st == PN_OK)
        st = pn_buffer_printf(out, "panal %s key\npublic %s\n%s %s\n", kind, public_text,
                              passphrase != NULL ? "sealed" : "secret", secret_text);
    sec_wipe(secret_text, sizeof secret_text);
    return st;
}

struct key_lines {
    char  text[SEC_KEY_FILE_MAX + 1]; /* holds a secret */
    char *first, *public_text, *last;
};

/* Cuts the file into its three lines, which end in a newline each. */
static bool
cut_lines(struct key_lines *out, const char *text, size_t size)
{
    char *line[3];
    if (size == 0 || size > SEC_KEY_FILE_MAX || memchr(text, '\0', size) != NULL)
        return false;
    memcpy(out->text, text, size);
    out->text[size] = '\0';
    char *at        = out->text;
    for (int i = 0; i < 3; i++) {
        char *end = strchr(at, '\n');
        if (end == NULL)
            return false;
        *end    = '\0';
        line[i] = at;
        at      = end + 1;
    }
    if (*at != '\0' || strncmp(line[1], "public ", 7) != 0)
        return false;
    out->first       = line[0];
    out->public_text = line[1] + 7;
    out->last        = line[2];
    return true;
}

static enum pn_status
check_kind(const char *first, const char *kind, struct pn_error *why)
{
    static const char *const kinds[] = {"root", "node", "transport"};
    char                     expected[32];
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        snprintf(expected, sizeof expected, "panal %s key", kinds[i]);
        if (strcmp(first, expected) != 0)
            continue;
        return strcmp(kinds[i], kind) == 0
                   ? PN_OK
                   : pn_error_set(why, PN_ECONFIG, "expected a %s key, seen a %s key", kind,
                                  kinds[i]);
    }
    return pn_error_set(why, PN_ECONFIG, "expected a key file that begins with \"panal %s key\"",
                        kind);
}

static enum pn_status
read_secret(uint8_t *out, size_t size, const char *line, const char *passphrase,
            struct pn_error *why)
{
    uint8_t        sealed[SEALED_MAX];
    enum pn_status st = PN_OK;
    if (strncmp(line, "secret ", 7) == 0) {
        if (!sec_base64_decode(out, size, line + 7))
            st = pn_error_set(why, PN_ECONFIG, "line 3: expected base64 of %zu bytes", size);
    } else if (strncmp(line, "sealed ", 7) == 0) {
        if (!sec_base64_decode(sealed, SEAL_SIZE + size, line + 7))
            st = pn_error_set(why, PN_ECONFIG, "line 3: expected base64 of %zu bytes",
                              SEAL_SIZE + size);
        else if (passphrase == NULL)
            st = pn_error_set(why, PN_EAUTH, "the key is sealed: its passphrase is needed");
        else
            st = unseal_secret(out, size, sealed, passphrase, why);
    } else {
        st = pn_error_set(why, PN_ECONFIG, "line 3: expected \"secret\" or \"sealed\"");
    }
    return st;
}

static bool
keys_belong_together(const uint8_t public_key[static PUBLIC_SIZE], const uint8_t *secret,
                     size_t secret_size)
{
    uint8_t again[SECRET_MAX];
    uint8_t derived[PUBLIC_SIZE];
    bool    same;
    if (secret_size == sizeof(struct sec_transport_secret)) {
        (void)crypto_scalarmult_base(derived, secret);
        same = sec_equal(derived, public_key, PUBLIC_SIZE);
    } else {
        /* The secret is the seed and, once more, the public key. */
        (void)crypto_sign_seed_keypair(derived, again, secret);
        same = sec_equal(derived, public_key, PUBLIC_SIZE) && sec_equal(again, secret, secret_size);
        sec_wipe(again, sizeof again);
    }
    return same;
}

static enum pn_status
read_keys(uint8_t public_key[static PUBLIC_SIZE], uint8_t *secret, size_t secret_size,
          const struct key_lines *lines, const char *passphrase, struct pn_error *why)
{
    if (!sec_base64_decode(public_key, PUBLIC_SIZE, lines->public_text))
        return pn_error_set(why, PN_ECONFIG, "line 2: expected base64 of %d bytes", PUBLIC_SIZE);
    enum pn_status st = read_secret(secret, secret_size, lines->last, passphrase, why);
    if (st == PN_OK && !keys_belong_together(public_key, secret, secret_size))
        st = pn_error_set(why, PN_ECONFIG, "its public and its secret key do not belong together");
    return st;
}

enum pn_status
sec_key_decode(void *public_key, void *secret, size_t secret_size, const char *kind,
               const char *text, size_t text_size, const char *passphrase, struct pn_error *why)
{
    struct key_lines lines;
    uint8_t          public_bytes[PUBLIC_SIZE], secret_bytes[SECRET_MAX];
    PN_ASSERT(kind_has_size(kind, secret_size));

    enum pn_status st =
        cut_lines(&lines, text, text_size)
            ? check_kind(lines.first, kind, why)
            : pn_error_set(why, PN_ECONFIG,
                           "expected a key file: three lines of text, at most %d bytes, seen %zu",
                           SEC_KEY_FILE_MAX, text_size);
    if (st == PN_OK)
        st = read_keys(public_bytes, secret_bytes, secret_size, &lines, passphrase, why);
    if (st == PN_OK) {
        memcpy(public_key, public_bytes, sizeof public_bytes);
        memcpy(secret, secret_bytes, secret_size);
    }
    sec_wipe(secret_bytes, sizeof secret_bytes);
    sec_wipe(&lines, sizeof lines);
    return st;
}
