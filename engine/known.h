/*
 * engine/known -- blocks whose signatures this process has checked already.
 *
 * Whether a block is well formed and properly signed depends on its bytes, its signature, the
 * roster and, in a swarm, that of the block before, which its bytes name; on nothing else. A host
 * of many nodes asks that once a block, not once a node; a daemon, when a block is sent again. What
 * depends on a node's own chain is checked by that node, always (fed_chain_take_known).
 *
 * Memory     copies of the newest ENGINE_KNOWN blocks; init and fini.   Threads  its scratch's.
 */
#ifndef ENGINE_KNOWN_H
#define ENGINE_KNOWN_H

#include "fed/block.h"

enum {
    ENGINE_KNOWN = 4
};

struct engine_known {
    struct engine_known_block {
        struct sec_hash        roster; /* zeros: free */
        struct pn_buffer       bytes;
        struct sec_signature   signature;
        struct fed_block_facts facts;
    } blocks[ENGINE_KNOWN];
    size_t next; /* to be replaced */
};

void engine_known_init(struct engine_known *known);
void engine_known_fini(struct engine_known *known);
/* NULL when it is not known: equal to the last byte. */
const struct fed_block_facts *engine_known_find(const struct engine_known *known,
                                                const struct fed_roster   *roster,
                                                const uint8_t *bytes, size_t size,
                                                const struct sec_signature *signature);
/* fed_chain_take succeeded with it. One that carries a roster is not kept: what that means, each
 * chain finds out. */
void engine_known_add(struct engine_known *known, const struct fed_roster *roster,
                      const uint8_t *bytes, size_t size, const struct sec_signature *signature,
                      const struct fed_block_facts *facts);

#endif
