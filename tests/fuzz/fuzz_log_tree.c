/*
 * The two checks of a ledger's tree. Input: kind u8, place u64, size u64, a hash, then the hashes
 * of a proof. Kind even: the hash is said to be leaf `place` of `size`; odd: the root over the
 * first `place` of `size`. What is proved under a root of our own tree must be so.
 */
#include "crypto/log_tree.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Block i is the byte i: as in tests/fuzz/make_log_tree_corpus.py. */
enum {
    OWN  = 32,
    HEAD = 1 + 8 + 8 + 32
};
static struct sec_hash leaves[OWN], roots[OWN + 1];

static void
own_init(void)
{
    static bool    done;
    struct sec_log log;
    if (done)
        return;
    done = true;
    PN_ASSERT(sec_init() == PN_OK);
    sec_log_init(&log);
    sec_log_root(&roots[0], &log);
    for (size_t i = 0; i < OWN; i++) {
        uint8_t block = (uint8_t)i;
        sec_log_leaf(&leaves[i], &block, 1);
        sec_log_append(&log, &block, 1);
        sec_log_root(&roots[i + 1], &log);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct sec_log_proof proof = {.count = 0};
    struct sec_hash      hash;
    own_init();
    if (size < HEAD)
        return 0;
    uint64_t               place = pn_get_u64(bytes + 1), claimed = pn_get_u64(bytes + 9);
    bool                   is_own = claimed <= OWN;
    const struct sec_hash *root   = &roots[is_own ? claimed : OWN];
    size_t                 count  = (size - HEAD) / sizeof hash;
    memcpy(&hash, bytes + HEAD - sizeof hash, sizeof hash);
    proof.count = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
    if (count > 0)
        memcpy(proof.path, bytes + HEAD,
               sizeof hash * (count < SEC_LOG_PROOF_MAX ? count : SEC_LOG_PROOF_MAX));
    if (bytes[0] % 2 == 0) {
        if (sec_log_check_inclusion(root, claimed, place, &hash, &proof) && is_own)
            PN_ASSERT(place < claimed && sec_hash_equal(&hash, &leaves[place]));
    } else {
        if (sec_log_check_consistency(&hash, place, root, claimed, &proof) && is_own)
            PN_ASSERT(place <= claimed && sec_hash_equal(&hash, &roots[place]));
    }
    return 0;
}
