/*
 * fed/body -- the hash of a message's body, computed once for all who say or hear it.
 *
 * A coordinator says one block to every node, and a host of many nodes hears it as often. The hash
 * of a body depends on its bytes and on nothing else: where they equal those of the last large
 * body, to the last byte, its hash is theirs.
 *
 * Memory     a copy of the last large body; init and fini.   Threads  one at a time.
 */
#ifndef FED_BODY_H
#define FED_BODY_H

#include "crypto/hash.h"

struct fed_body {
    struct pn_buffer bytes;
    struct sec_hash  hash;
};

void fed_body_init(struct fed_body *last);
void fed_body_fini(struct fed_body *last);
/* The hash of `body` in the domain "body". `last` may be NULL. */
void fed_body_hash(struct sec_hash *out, struct fed_body *last, const uint8_t *body, size_t size);

#endif
