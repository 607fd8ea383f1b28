/*
 * A block after genesis, with the proposer's signature made for whatever the bytes are: so that the
 * checks behind the signature are reached. Input: the block's bytes; the last one chooses whether
 * it is the first block or the second.
 */
#include "support/chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct test_federation federation;
static struct fed_chain       empty, begun; /* before and after genesis */
static struct wire_arena      arena;

static void
prepare(void)
{
    struct test_chain made;
    struct wire_block block;
    struct pn_error   why;
    void             *memory = aligned_alloc(16, WIRE_ARENA_SIZE);
    PN_ASSERT(memory != NULL);
    wire_arena_init(&arena, memory, WIRE_ARENA_SIZE);
    test_federation_new(&federation, TEST_CHAIN_NODES);
    fed_chain_init(&empty, federation.roster, NULL);
    begun = empty;
    test_chain_new(&made, &federation);
    test_block_draft(&made, WIRE_BLOCK_GENESIS);
    test_block_seal(&made);
    PN_ASSERT(fed_chain_take(&block, &begun, &arena, made.bytes.bytes, made.bytes.size,
                             &made.signature, &why) == PN_OK);
    test_chain_free(&made);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct wire_block    block;
    struct sec_hash      hash;
    struct sec_signature signature;
    struct pn_error      why;

    if (arena.block == NULL)
        prepare();
    if (size == 0)
        return 0;
    size--;
    const struct fed_chain *from  = (bytes[size] & 1) == 0 ? &empty : &begun;
    struct fed_chain        chain = *from;
    fed_block_hash(&hash, bytes, size);
    fed_block_sign(&signature, &hash, &test_member_of(&federation, TEST_HUB)->node);
    wire_arena_reset(&arena);
    enum pn_status st = fed_chain_take(&block, &chain, &arena, bytes, size, &signature, &why);
    PN_ASSERT(st == PN_OK || st == PN_ECORRUPT || st == PN_EAUTH);
    if (st == PN_OK)
        PN_ASSERT(chain.height == from->height + 1 && sec_hash_equal(&chain.head, &hash));
    else
        PN_ASSERT(memcmp(&chain, from, sizeof chain) == 0);
    return 0;
}
