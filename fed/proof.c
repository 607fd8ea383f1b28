#include "fed/proof.h"

#include "base/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
fed_checkpoint_text(char out[static FED_CHECKPOINT_SIZE], const struct fed_checkpoint *checkpoint)
{
    char root[SEC_HEX_SIZE];
    sec_hash_text(root, &checkpoint->root);
    snprintf(out, FED_CHECKPOINT_SIZE, "%" PRIu64 ":%s", checkpoint->size, root);
}

bool
fed_checkpoint_parse(struct fed_checkpoint *out, const char *text)
{
    struct fed_checkpoint seen;
    char                  size[24];
    const char           *colon = strchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof size)
        return false;
    memcpy(size, text, (size_t)(colon - text));
    size[colon - text] = '\0';
    if (!pn_number_parse(&seen.size, size, PN_OPT_U64) || seen.size == 0 ||
        seen.size >> SEC_LOG_PEAKS != 0 ||
        !pn_hex_decode(seen.root.bytes, sizeof seen.root.bytes, colon + 1))
        return false;
    *out = seen;
    return true;
}

void
fed_proof_init(struct fed_proof *proof)
{
    *proof = (struct fed_proof){.since = {.size = 0}};
    pn_buffer_init(&proof->block.records, FED_PROOF_MAX);
    pn_buffer_init(&proof->head.records, FED_PROOF_MAX);
}

void
fed_proof_fini(struct fed_proof *proof)
{
    pn_buffer_fini(&proof->block.records);
    pn_buffer_fini(&proof->head.records);
}

enum pn_status
fed_stretch_add(struct fed_stretch *stretch, const uint8_t *record, size_t size)
{
    size_t         before = stretch->records.size;
    uint8_t        head[4];
    enum pn_status st = size > 64 && size <= FED_PROOF_MAX ? PN_OK : PN_ERANGE;
    pn_put_u32(head, (uint32_t)size);
    if (st == PN_OK)
        st = pn_buffer_append(&stretch->records, head, sizeof head);
    if (st == PN_OK)
        st = pn_buffer_append(&stretch->records, record, size);
    if (st != PN_OK)
        stretch->records.size = before;
    else
        stretch->count++;
    return st;
}

bool
fed_stretch_next(struct wire_span *record, const struct fed_stretch *stretch, size_t *at)
{
    if (*at == stretch->records.size)
        return false;
    record->bytes = stretch->records.bytes + *at + 4;
    record->size  = pn_get_u32(stretch->records.bytes + *at);
    *at += 4 + record->size;
    return true;
}

/* ---- checking ---- */

/* A chain that ends right before the block, if there is one before it. In a swarm that one may be
 * of the epoch before, whose roster is not here: the votes for it and convictions, in this block,
 * are taken as given. They prove nothing of this block; the votes for the head do. */
static void
stand_before(struct fed_chain *chain, const struct wire_block *block)
{
    if (block->height == 0)
        return;
    if (chain->roster->mode == FED_MODE_SWARM)
        chain->head_roster = NULL;
    chain->round = block->round - (block->kind == WIRE_BLOCK_ROUND);
    chain->model = fed_blob_from_wire(&block->model_in);
    memcpy(chain->head.bytes, block->previous, sizeof chain->head.bytes);
    memcpy(chain->run, block->run, sizeof chain->run);
    memcpy(chain->job.bytes, block->job, sizeof chain->job.bytes);
    chain->scaling = fed_blob_from_wire(&block->scaling);
}

struct walk {
    const struct fed_roster *roster;
    struct fed_epochs        epochs; /* of a swarm */
    struct wire_arena       *arena;
    struct fed_chain         chain;
    struct wire_block        block;       /* the newest */
    struct sec_log           log;         /* to the newest */
    struct sec_hash          first, leaf; /* root after the first block; leaf of the newest */
};

/* Whoever checks has one roster, and who may propose, commit and vote is that of the block's epoch.
 */
static enum pn_status
check_epoch(const struct fed_roster *roster, const struct wire_block *block, struct pn_error *why)
{
    return block->epoch == roster->epoch
               ? PN_OK
               : pn_error_set(why, PN_EAUTH,
                              "block %" PRIu64
                              " is of epoch %u of the roster, and the one given is of "
                              "epoch %u: give the roster of epoch %u",
                              block->height, block->epoch, roster->epoch, block->epoch);
}

static enum pn_status
walk_record(struct walk *walk, const struct fed_stretch *stretch, const struct wire_span *record,
            struct pn_error *why)
{
    const uint8_t       *bytes = record->bytes + 64;
    size_t               size  = record->size - 64;
    struct sec_signature signature;
    enum pn_status       st = PN_OK;
    memcpy(signature.bytes, record->bytes, sizeof signature.bytes);
    wire_arena_reset(walk->arena);
    if (walk->log.size == stretch->log.size) {
        /* What is no block is said by fed_chain_take. */
        if (wire_block_decode(&walk->block, walk->arena, bytes, size) == PN_OK) {
            stand_before(&walk->chain, &walk->block);
            st = check_epoch(walk->roster, &walk->block, why);
        }
        wire_arena_reset(walk->arena);
    }
    if (st == PN_OK)
        st = fed_chain_take(&walk->block, &walk->chain, walk->arena, bytes, size, &signature, why);
    if (st != PN_OK)
        return st;
    fed_chain_note(&walk->chain, bytes, size);
    sec_log_leaf(&walk->leaf, bytes, size);
    sec_log_append_leaf(&walk->log, &walk->leaf);
    if (walk->log.size == stretch->log.size + 1)
        sec_log_root(&walk->first, &walk->log);
    return PN_OK;
}

static enum pn_status
walk_stretch(struct walk *walk, const struct fed_stretch *stretch, struct pn_error *why)
{
    struct wire_span record;
    size_t           at = 0;
    enum pn_status   st = PN_OK;
    walk->log           = stretch->log;
    fed_chain_init(&walk->chain, walk->roster,
                   walk->roster->mode == FED_MODE_SWARM ? &walk->epochs : NULL);
    walk->chain.height = stretch->height;
    walk->epochs.log   = stretch->log;
    while (st == PN_OK && fed_stretch_next(&record, stretch, &at))
        st = walk_record(walk, stretch, &record, why);
    return st;
}

static void
note_signers(struct fed_proven *out, const struct wire_witness *witnesses, size_t count)
{
    for (size_t i = 0; i < count && out->signer_count < FED_MEMBERS_MAX; i++)
        out->signers[out->signer_count++] = witnesses[i].member;
}

/* What the newest block says of the log before it, and the votes that decided it. */
static enum pn_status
check_head(struct fed_proven *out, struct walk *walk, const struct fed_proof *proof,
           struct pn_error *why)
{
    enum pn_status     st   = walk_stretch(walk, &proof->head, why);
    struct fed_decided head = {.view = proof->votes.view};
    if (st != PN_OK)
        return st;
    head.height = proof->head.height;
    head.hash   = walk->chain.head;
    memcpy(head.run, walk->chain.run, sizeof head.run);
    st =
        fed_certificate_check(walk->roster, &head, proof->votes.witnesses, proof->votes.count, why);
    if (st != PN_OK)
        return pn_error_wrap(why, st, "the votes for block %" PRIu64, head.height);
    note_signers(out, proof->votes.witnesses, proof->votes.count);
    out->now = (struct fed_checkpoint){.size = walk->log.size};
    sec_log_root(&out->now.root, &walk->log);
    return PN_OK;
}

static enum pn_status
check_swarm_block(struct fed_proven *out, struct walk *walk, const struct fed_proof *proof,
                  struct pn_error *why)
{
    enum pn_status st = check_head(out, walk, proof, why);
    if (st == PN_OK)
        st = walk_stretch(walk, &proof->block, why);
    if (st == PN_OK && !sec_log_check_inclusion(&out->now.root, out->now.size, proof->block.height,
                                                &walk->leaf, &proof->path))
        st = pn_error_set(why, PN_ECORRUPT,
                          "block %" PRIu64 " is not in the log of %" PRIu64
                          " blocks that the votes are for",
                          proof->block.height, out->now.size);
    out->hash = walk->chain.head;
    return st;
}

/* Signed by the coordinator, and by whose countersignatures the block after it holds. */
static enum pn_status
check_signed_block(struct fed_proven *out, struct walk *walk, const struct fed_proof *proof,
                   struct pn_error *why)
{
    struct wire_span record;
    size_t           at = 0;
    enum pn_status   st = walk_stretch(walk, &proof->block, why);
    if (st != PN_OK)
        return st;
    if (proof->block.count == 2)
        note_signers(out, walk->block.witnesses, walk->block.witness_count);
    PN_ASSERT(fed_stretch_next(&record, &proof->block, &at));
    fed_block_hash(&out->hash, record.bytes + 64, record.size - 64);
    wire_arena_reset(walk->arena);
    return wire_block_decode(&walk->block, walk->arena, record.bytes + 64, record.size - 64);
}

static enum pn_status
other_history(const struct fed_proof *proof, struct pn_error *why)
{
    char text[FED_CHECKPOINT_SIZE];
    fed_checkpoint_text(text, &proof->since);
    return pn_error_set(why, PN_ECORRUPT,
                        "%.40s... is not the beginning of this ledger: they are two histories",
                        text);
}

static enum pn_status
check_swarm_growth(struct fed_proven *out, struct walk *walk, const struct fed_proof *proof,
                   struct pn_error *why)
{
    enum pn_status st = check_head(out, walk, proof, why);
    if (st == PN_OK && !sec_log_check_consistency(&proof->since.root, proof->since.size,
                                                  &out->now.root, out->now.size, &proof->path))
        st = other_history(proof, why);
    out->hash = walk->chain.head;
    return st;
}

/* The checkpoint is that of the first block, and each one after it names the one before. */
static enum pn_status
check_signed_growth(struct fed_proven *out, struct walk *walk, const struct fed_proof *proof,
                    struct pn_error *why)
{
    enum pn_status st = walk_stretch(walk, &proof->head, why);
    if (st == PN_OK && (proof->since.size != proof->head.height + 1 ||
                        !sec_hash_equal(&proof->since.root, &walk->first)))
        st = other_history(proof, why);
    out->hash     = walk->chain.head;
    out->now.size = walk->log.size;
    sec_log_root(&out->now.root, &walk->log);
    return st;
}

static bool
is_whole(const struct fed_stretch *stretch, size_t least, size_t most)
{
    return stretch->count >= least && stretch->count <= most &&
           stretch->log.size == (most > 0 ? stretch->height : 0);
}

/* The parts that such a proof has, and no others: whatever is in it is checked. */
static enum pn_status
check_parts(const struct fed_proof *proof, bool swarm, bool is_block, struct pn_error *why)
{
    bool votes = proof->votes.count > 0;
    bool good  = is_block == (proof->since.size == 0) && votes == swarm;
    if (swarm)
        good = good && is_whole(&proof->head, 1, 1) &&
               is_whole(&proof->block, is_block, is_block ? 1 : 0);
    else if (is_block)
        good = good && proof->block.count <= 2 && proof->block.log.size == 0 &&
               proof->head.count == 0 && proof->path.count == 0;
    else
        good = good && is_whole(&proof->head, 1, SIZE_MAX) && proof->path.count == 0;
    return good ? PN_OK
                : pn_error_set(why, PN_ECORRUPT,
                               "its parts are not those of a proof for a federation %s",
                               swarm ? "without a coordinator" : "with a coordinator");
}

enum pn_status
fed_proof_check(struct fed_proven *out, const struct fed_proof *proof,
                const struct fed_roster *roster, struct wire_arena *arena, struct pn_error *why)
{
    struct fed_proven seen  = {.is_block = proof->block.count > 0};
    bool              swarm = roster->mode == FED_MODE_SWARM;
    struct walk       walk  = {.roster = roster, .arena = arena};
    enum pn_status    st    = check_parts(proof, swarm, seen.is_block, why);
    if (st != PN_OK)
        return st;
    fed_epochs_init(&walk.epochs, roster);
    if (seen.is_block)
        st = swarm ? check_swarm_block(&seen, &walk, proof, why)
                   : check_signed_block(&seen, &walk, proof, why);
    else
        st = swarm ? check_swarm_growth(&seen, &walk, proof, why)
                   : check_signed_growth(&seen, &walk, proof, why);
    fed_epochs_fini(&walk.epochs);
    if (st != PN_OK)
        return st;
    seen.block = walk.block;
    *out       = seen;
    return PN_OK;
}
