/*
 * engine/known -- blocks whose signatures this process has checked already.
 *
 * Whether a block is well formed and properly signed depends on its bytes, its signature, the
 * roster and, in a swarm, that of the block before, which its bytes name; on nothing else. A host
 * of many nodes asks that once a block, not once a node; a daemon, when a block is sent again. What
 * depends on a node's own chain is checked by that node, always (fed_chain_take_known).
 *
 * A block is found by its bytes, or by the hash of a message that says it and nothing else
 * (COMMIT): equal hashes are equal bytes, so such a message is taken apart once.
 *
 * Memory     the records of the newest ENGINE_KNOWN blocks; init and fini. A record lives until its
 *            last holder drops it, and does not change.
 * Threads    its scratch's; a record's bytes: any, while it is held.
 */
#ifndef ENGINE_KNOWN_H
#define ENGINE_KNOWN_H

#include "fed/block.h"

enum {
    ENGINE_KNOWN = 4
};

struct engine_known_record { /* as it lies in a ledger: signature, block */
    uint32_t holders;
    size_t   size;
    uint8_t  bytes[];
};
/* The caller holds it. NULL: no memory. */
PN_MUST_CHECK struct engine_known_record *
engine_known_record_new(const struct sec_signature *signature, const uint8_t *block, size_t size);
/* One more holder. */
struct engine_known_record *engine_known_record_take(struct engine_known_record *record);
void                        engine_known_record_drop(struct engine_known_record *record); /* NULL */
struct wire_span            engine_known_record_block(const struct engine_known_record *record);

struct engine_known_block {
    struct engine_known_record *record; /* NULL: free */
    struct sec_hash             roster;
    struct sec_hash             body; /* of the message that said it; zeros: of none */
    struct fed_block_facts      facts;
};

struct engine_known {
    struct engine_known_block blocks[ENGINE_KNOWN];
    size_t                    next; /* to be replaced */
};

void engine_known_init(struct engine_known *known);
void engine_known_fini(struct engine_known *known);
/* NULL when it is not known: equal to the last byte. */
const struct fed_block_facts *engine_known_find(const struct engine_known *known,
                                                const struct fed_roster   *roster,
                                                const uint8_t *bytes, size_t size,
                                                const struct sec_signature *signature);
/* The one that a message with this body said; NULL when it is not known. */
const struct engine_known_block *engine_known_said(const struct engine_known *known,
                                                   const struct fed_roster   *roster,
                                                   const struct sec_hash     *body);
/* fed_chain_take succeeded with it; `body` of the message that said it and nothing else, or NULL.
 * One that carries a roster is not kept: what that means, each chain finds out. */
void engine_known_add(struct engine_known *known, const struct fed_roster *roster,
                      struct engine_known_record *record, const struct sec_hash *body,
                      const struct fed_block_facts *facts);

#endif
