#include "crypto/log_tree.h"

#include <sodium.h>

_Static_assert(sizeof(struct sec_hash) == crypto_hash_sha256_BYTES, "SHA-256");

/* SAFE: libsodium's SHA-256 never fails. */
static void
hash_with_prefix(struct sec_hash *out, uint8_t prefix, const void *a, size_t a_size, const void *b,
                 size_t b_size)
{
    crypto_hash_sha256_state state;
    (void)crypto_hash_sha256_init(&state);
    (void)crypto_hash_sha256_update(&state, &prefix, 1);
    if (a_size != 0)
        (void)crypto_hash_sha256_update(&state, a, a_size);
    if (b_size != 0)
        (void)crypto_hash_sha256_update(&state, b, b_size);
    (void)crypto_hash_sha256_final(&state, out->bytes);
}

static void
hash_pair(struct sec_hash *out, const struct sec_hash *left, const struct sec_hash *right)
{
    hash_with_prefix(out, 1, left->bytes, sizeof left->bytes, right->bytes, sizeof right->bytes);
}

void
sec_log_leaf(struct sec_hash *out, const void *bytes, size_t size)
{
    hash_with_prefix(out, 0, bytes, size, NULL, 0);
}

/* ---- the log ---- */

void
sec_log_init(struct sec_log *log)
{
    *log = (struct sec_log){.size = 0};
}

/* As one is added to a binary number: two trees of one size become one of twice the size. */
void
sec_log_append_leaf(struct sec_log *log, const struct sec_hash *leaf)
{
    struct sec_hash tree  = *leaf;
    unsigned        digit = 0;
    for (; (log->size >> digit & 1) != 0; digit++)
        hash_pair(&tree, &log->peaks[digit], &tree);
    PN_ASSERT(digit < SEC_LOG_PEAKS);
    log->peaks[digit] = tree;
    log->size++;
}

void
sec_log_append(struct sec_log *log, const void *bytes, size_t size)
{
    struct sec_hash leaf;
    sec_log_leaf(&leaf, bytes, size);
    sec_log_append_leaf(log, &leaf);
}

void
sec_log_root(struct sec_hash *out, const struct sec_log *log)
{
    struct sec_hash root;
    bool            any = false;
    (void)crypto_hash_sha256(root.bytes, NULL, 0);
    for (unsigned digit = 0; digit < SEC_LOG_PEAKS; digit++) {
        if ((log->size >> digit & 1) == 0)
            continue;
        if (any)
            hash_pair(&root, &log->peaks[digit], &root);
        else
            root = log->peaks[digit];
        any = true;
    }
    *out = root;
}

/* ---- making proofs ---- */

static void
root_over(struct sec_hash *out, const struct sec_hash *leaves, uint64_t count)
{
    struct sec_log log;
    sec_log_init(&log);
    for (uint64_t i = 0; i < count; i++)
        sec_log_append_leaf(&log, &leaves[i]);
    sec_log_root(out, &log);
}

/* The largest power of two below `count`, which is at least 2. */
static uint64_t
left_part(uint64_t count)
{
    uint64_t part = 1;
    while (part * 2 < count)
        part *= 2;
    return part;
}

static void
turn_round(struct sec_log_proof *proof)
{
    for (uint32_t i = 0; i < proof->count / 2; i++) {
        struct sec_hash *low = &proof->path[i], *high = &proof->path[proof->count - 1 - i];
        struct sec_hash  kept = *low;
        *low                  = *high;
        *high                 = kept;
    }
}

/* Both kinds walk from the root down and note the other side's tree at every turn. */
void
sec_log_prove_inclusion(struct sec_log_proof *out, uint64_t index, const struct sec_hash *leaves,
                        uint64_t size)
{
    PN_ASSERT(index < size && size >> SEC_LOG_PEAKS == 0);
    out->count = 0;
    while (size > 1) {
        uint64_t left = left_part(size);
        if (index < left) {
            root_over(&out->path[out->count++], leaves + left, size - left);
            size = left;
        } else {
            root_over(&out->path[out->count++], leaves, left);
            leaves += left;
            index -= left;
            size -= left;
        }
    }
    turn_round(out);
}

/* `is_known` is the RFC's b: what is left is the whole tree of before, whose root the other side
 * has. */
void
sec_log_prove_consistency(struct sec_log_proof *out, uint64_t before, const struct sec_hash *leaves,
                          uint64_t size)
{
    bool is_known = true;
    PN_ASSERT(before <= size && size >> SEC_LOG_PEAKS == 0);
    out->count = 0;
    if (before == 0)
        return;
    while (before < size) {
        uint64_t left = left_part(size);
        if (before <= left) {
            root_over(&out->path[out->count++], leaves + left, size - left);
            size = left;
        } else {
            root_over(&out->path[out->count++], leaves, left);
            leaves += left;
            before -= left;
            size -= left;
            is_known = false;
        }
    }
    if (!is_known)
        root_over(&out->path[out->count++], leaves, size);
    turn_round(out);
}

/* ---- checking proofs ---- */

/*
 * Where a proof leads, one hash after the other: `node` and `last` are the fn and sn of the RFC,
 * places on the present level of the node that the way goes through and of the last node.
 */
struct climb {
    uint64_t node, last;
};

/* Whether the next hash of the proof belongs on the left; its level is then left behind. */
static bool
step_up(struct climb *climb)
{
    bool is_left = (climb->node & 1) != 0 || climb->node == climb->last;
    if (is_left)
        while ((climb->node & 1) == 0 && climb->node != 0) {
            climb->node >>= 1;
            climb->last >>= 1;
        }
    climb->node >>= 1;
    climb->last >>= 1;
    return is_left;
}

bool
sec_log_check_inclusion(const struct sec_hash *root, uint64_t size, uint64_t index,
                        const struct sec_hash *leaf, const struct sec_log_proof *proof)
{
    struct climb    climb = {.node = index, .last = size - 1};
    struct sec_hash top   = *leaf;
    if (index >= size || proof->count > SEC_LOG_PROOF_MAX)
        return false;
    for (uint32_t i = 0; i < proof->count; i++) {
        if (climb.last == 0)
            return false;
        if (step_up(&climb))
            hash_pair(&top, &proof->path[i], &top);
        else
            hash_pair(&top, &top, &proof->path[i]);
    }
    return climb.last == 0 && sec_hash_equal(&top, root);
}

/* Two sizes of which the first is smaller and not 0: the way up from the last whole tree in it. */
static bool
climb_both(const struct sec_hash *root_before, uint64_t before, const struct sec_hash *root,
           uint64_t size, const struct sec_log_proof *proof)
{
    struct climb    climb    = {.node = before - 1, .last = size - 1};
    bool            is_whole = (before & (before - 1)) == 0;
    uint32_t        next     = is_whole ? 0 : 1;
    struct sec_hash top_before, top;
    if (proof->count == 0)
        return false;
    top = top_before = is_whole ? *root_before : proof->path[0];
    for (; (climb.node & 1) != 0; climb.last >>= 1)
        climb.node >>= 1;
    for (; next < proof->count; next++) {
        if (climb.last == 0)
            return false;
        if (step_up(&climb)) {
            hash_pair(&top_before, &proof->path[next], &top_before);
            hash_pair(&top, &proof->path[next], &top);
        } else {
            hash_pair(&top, &top, &proof->path[next]);
        }
    }
    return climb.last == 0 && sec_hash_equal(&top_before, root_before) &&
           sec_hash_equal(&top, root);
}

bool
sec_log_check_consistency(const struct sec_hash *root_before, uint64_t before,
                          const struct sec_hash *root, uint64_t size,
                          const struct sec_log_proof *proof)
{
    struct sec_hash nothing;
    (void)crypto_hash_sha256(nothing.bytes, NULL, 0);
    if (before > size || proof->count > SEC_LOG_PROOF_MAX)
        return false;
    if (before == size)
        return proof->count == 0 && sec_hash_equal(root_before, root) &&
               (size != 0 || sec_hash_equal(root, &nothing));
    if (before == 0)
        return proof->count == 0 && sec_hash_equal(root_before, &nothing);
    return climb_both(root_before, before, root, size, proof);
}
