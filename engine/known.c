#include "engine/known.h"

#include "proto/frame.h"

#include <string.h>

void
engine_known_init(struct engine_known *known)
{
    *known = (struct engine_known){.next = 0};
    for (size_t i = 0; i < ENGINE_KNOWN; i++)
        pn_buffer_init(&known->blocks[i].bytes, WIRE_BLOCK_MAX);
}

void
engine_known_fini(struct engine_known *known)
{
    for (size_t i = 0; i < ENGINE_KNOWN; i++)
        pn_buffer_fini(&known->blocks[i].bytes);
}

const struct fed_block_facts *
engine_known_find(const struct engine_known *known, const struct fed_roster *roster,
                  const uint8_t *bytes, size_t size, const struct sec_signature *signature)
{
    for (size_t i = 0; i < ENGINE_KNOWN; i++) {
        const struct engine_known_block *block = &known->blocks[i];
        if (sec_hash_equal(&block->roster, &roster->hash) && block->bytes.size == size &&
            memcmp(block->signature.bytes, signature->bytes, sizeof signature->bytes) == 0 &&
            memcmp(block->bytes.bytes, bytes, size) == 0)
            return &block->facts;
    }
    return NULL;
}

void
engine_known_add(struct engine_known *known, const struct fed_roster *roster, const uint8_t *bytes,
                 size_t size, const struct sec_signature *signature,
                 const struct fed_block_facts *facts)
{
    struct engine_known_block *block = &known->blocks[known->next];
    if (facts->carries_roster)
        return;
    block->roster = (struct sec_hash){{0}};
    pn_buffer_clear(&block->bytes);
    if (pn_buffer_append(&block->bytes, bytes, size) != PN_OK)
        return; /* it is checked again then */
    block->roster    = roster->hash;
    block->signature = *signature;
    block->facts     = *facts;
    known->next      = (known->next + 1) % ENGINE_KNOWN;
}
