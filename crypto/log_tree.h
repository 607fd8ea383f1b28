/*
 * crypto/log_tree -- the tree over the blocks of a ledger, and what proves that a block is in it
 * (inclusion) and that it only ever grew (consistency).
 *
 * RFC 6962 section 2.1 / RFC 9162 section 2.1, with their SHA-256, so that other software for
 * Certificate Transparency can check it:
 *     leaf = SHA-256(00 || block)   node = SHA-256(01 || left || right)   of nothing = SHA-256()
 * It does not go through crypto/suite: the log is the same whatever the identities are.
 *
 * A proof is a list of hashes, from the leaf upwards, whose number follows from the sizes. Checks
 * take any sizes and proofs and are for what others send; what makes a proof takes the leaves.
 */
#ifndef CRYPTO_LOG_TREE_H
#define CRYPTO_LOG_TREE_H

#include "crypto/hash.h"

enum {
    SEC_LOG_PEAKS     = 40, /* a log has less than 2^40 blocks */
    SEC_LOG_PROOF_MAX = 64  /* hashes                          */
};

/* What must be kept to go on: a plain struct that may be copied. peaks[k] is the tree over 2^k
 * blocks and counts where the binary digit k of `size` is 1; the larger trees come first. */
struct sec_log {
    uint64_t        size;
    struct sec_hash peaks[SEC_LOG_PEAKS];
};

struct sec_log_proof {
    uint32_t        count;
    struct sec_hash path[SEC_LOG_PROOF_MAX];
};

void sec_log_init(struct sec_log *log);
void sec_log_append(struct sec_log *log, const void *bytes, size_t size);
void sec_log_append_leaf(struct sec_log *log, const struct sec_hash *leaf);
void sec_log_root(struct sec_hash *out, const struct sec_log *log);
void sec_log_leaf(struct sec_hash *out, const void *bytes, size_t size);

/* Of leaf `index` in the tree over `size` leaves; index < size < 2^40. RFC 9162, 2.1.3.1. */
void sec_log_prove_inclusion(struct sec_log_proof *out, uint64_t index,
                             const struct sec_hash *leaves, uint64_t size);
/* RFC 9162, 2.1.3.2. */
PN_MUST_CHECK bool sec_log_check_inclusion(const struct sec_hash *root, uint64_t size,
                                           uint64_t index, const struct sec_hash *leaf,
                                           const struct sec_log_proof *proof);

/* That the tree over the first `before` of `size` leaves grew into the tree over all of them;
 * before <= size < 2^40. No hashes are needed when both are the same or the first is empty. RFC
 * 9162, 2.1.4.1. */
void sec_log_prove_consistency(struct sec_log_proof *out, uint64_t before,
                               const struct sec_hash *leaves, uint64_t size);
/* RFC 9162, 2.1.4.2. */
PN_MUST_CHECK bool sec_log_check_consistency(const struct sec_hash *root_before, uint64_t before,
                                             const struct sec_hash *root, uint64_t size,
                                             const struct sec_log_proof *proof);

#endif
