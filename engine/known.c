#include "engine/known.h"

#include <stdlib.h>
#include <string.h>

/* ---- records ---- */

struct engine_known_record *
engine_known_record_new(const struct sec_signature *signature, const uint8_t *block, size_t size)
{
    struct engine_known_record *record = malloc(sizeof *record + sizeof *signature + size);
    if (record == NULL)
        return NULL;
    record->holders = 1;
    record->size    = sizeof *signature + size;
    memcpy(record->bytes, signature->bytes, sizeof *signature);
    memcpy(record->bytes + sizeof *signature, block, size);
    return record;
}

struct engine_known_record *
engine_known_record_take(struct engine_known_record *record)
{
    record->holders++;
    return record;
}

void
engine_known_record_drop(struct engine_known_record *record)
{
    if (record != NULL && --record->holders == 0)
        free(record);
}

struct wire_span
engine_known_record_block(const struct engine_known_record *record)
{
    const size_t before = sizeof(struct sec_signature);
    return (struct wire_span){record->bytes + before, record->size - before};
}

/* ---- what is known ---- */

void
engine_known_init(struct engine_known *known)
{
    *known = (struct engine_known){.next = 0};
}

void
engine_known_fini(struct engine_known *known)
{
    for (size_t i = 0; i < ENGINE_KNOWN; i++)
        engine_known_record_drop(known->blocks[i].record);
    engine_known_init(known);
}

const struct fed_block_facts *
engine_known_find(const struct engine_known *known, const struct fed_roster *roster,
                  const uint8_t *bytes, size_t size, const struct sec_signature *signature)
{
    for (size_t i = 0; i < ENGINE_KNOWN; i++) {
        const struct engine_known_block  *block  = &known->blocks[i];
        const struct engine_known_record *record = block->record;
        if (record != NULL && sec_hash_equal(&block->roster, &roster->hash) &&
            record->size == sizeof *signature + size &&
            memcmp(record->bytes, signature->bytes, sizeof *signature) == 0 &&
            memcmp(record->bytes + sizeof *signature, bytes, size) == 0)
            return &block->facts;
    }
    return NULL;
}

const struct engine_known_block *
engine_known_said(const struct engine_known *known, const struct fed_roster *roster,
                  const struct sec_hash *body)
{
    if (sec_hash_is_zero(body))
        return NULL;
    for (size_t i = 0; i < ENGINE_KNOWN; i++) {
        const struct engine_known_block *block = &known->blocks[i];
        if (block->record != NULL && sec_hash_equal(&block->body, body) &&
            sec_hash_equal(&block->roster, &roster->hash))
            return block;
    }
    return NULL;
}

void
engine_known_add(struct engine_known *known, const struct fed_roster *roster,
                 struct engine_known_record *record, const struct sec_hash *body,
                 const struct fed_block_facts *facts)
{
    struct engine_known_block *block = &known->blocks[known->next];
    if (facts->carries_roster)
        return;
    engine_known_record_drop(block->record);
    *block = (struct engine_known_block){
        .record = engine_known_record_take(record), .roster = roster->hash, .facts = *facts};
    known->next = (known->next + 1) % ENGINE_KNOWN;
    if (body != NULL)
        block->body = *body;
}
