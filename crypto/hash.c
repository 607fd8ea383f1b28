#include "crypto/hash.h"

#include "crypto/suite.h"

#include <sodium.h>
#include <string.h>

enum pn_status
sec_init(void)
{
    return sodium_init() < 0 ? PN_EIO : PN_OK;
}

void
sec_hash_begin(struct sec_hasher *hasher, const char *domain)
{
    static const char prefix[] = "panal ";
    sec_suite()->hash_begin(hasher);
    sec_hash_add(hasher, prefix, sizeof prefix - 1);
    sec_hash_add(hasher, domain, strlen(domain) + 1);
}

void
sec_hash_add(struct sec_hasher *hasher, const void *bytes, size_t size)
{
    if (size != 0)
        sec_suite()->hash_add(hasher, bytes, size);
}

void
sec_hash_end(struct sec_hash *out, struct sec_hasher *hasher)
{
    sec_suite()->hash_end(out, hasher);
}

void
sec_hash_of(struct sec_hash *out, const char *domain, const void *bytes, size_t size)
{
    struct sec_hasher hasher;
    sec_hash_begin(&hasher, domain);
    sec_hash_add(&hasher, bytes, size);
    sec_hash_end(out, &hasher);
}

bool
sec_equal(const void *a, const void *b, size_t size)
{
    return size == 0 || sodium_memcmp(a, b, size) == 0;
}

bool
sec_hash_equal(const struct sec_hash *a, const struct sec_hash *b)
{
    uint64_t x[4], y[4];
    memcpy(x, a->bytes, sizeof x);
    memcpy(y, b->bytes, sizeof y);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3])) == 0;
}

bool
sec_hash_is_zero(const struct sec_hash *hash)
{
    static const struct sec_hash zero;
    return sec_hash_equal(hash, &zero);
}

void
sec_hash_text(char out[static SEC_HEX_SIZE], const struct sec_hash *hash)
{
    sodium_bin2hex(out, SEC_HEX_SIZE, hash->bytes, sizeof hash->bytes);
}

void
sec_random(void *out, size_t size)
{
    randombytes_buf(out, size);
}

void
sec_wipe(void *bytes, size_t size)
{
    if (size != 0)
        sodium_memzero(bytes, size);
}

size_t
sec_base64_size(size_t size)
{
    return sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);
}

void
sec_base64_encode(char *out, const uint8_t *bytes, size_t size)
{
    sodium_bin2base64(out, sec_base64_size(size), bytes, size, sodium_base64_VARIANT_ORIGINAL);
}

bool
sec_base64_decode(uint8_t *out, size_t size, const char *text)
{
    size_t seen = 0, len = strlen(text);
    /* libsodium 1.0.18 takes the byte AF for a '/' where char is signed. */
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] > 0x7f)
            return false;
    return len == sec_base64_size(size) - 1 &&
           sodium_base642bin(out, size, text, len, NULL, &seen, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           seen == size;
}
