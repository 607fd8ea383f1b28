#include "fed/body.h"

#include "proto/frame.h"

#include <string.h>

enum {
    LARGE = 4096 /* below it, hashing costs no more than looking */
};

void
fed_body_init(struct fed_body *last)
{
    pn_buffer_init(&last->bytes, WIRE_BODY_MAX);
}

void
fed_body_fini(struct fed_body *last)
{
    pn_buffer_fini(&last->bytes);
}

void
fed_body_hash(struct sec_hash *out, struct fed_body *last, const uint8_t *body, size_t size)
{
    bool is_large = last != NULL && size >= LARGE;
    if (is_large && last->bytes.size == size && memcmp(last->bytes.bytes, body, size) == 0) {
        *out = last->hash;
        return;
    }
    sec_hash_of(out, "body", body, size);
    if (!is_large)
        return;
    last->hash = *out;
    pn_buffer_clear(&last->bytes);
    if (pn_buffer_append(&last->bytes, body, size) != PN_OK)
        pn_buffer_clear(&last->bytes); /* it is hashed again then */
}
