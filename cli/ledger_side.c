#include "cli/ledger_side.h"

#include "cli/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Besides who signed it by proposing it. */
static void
note_signers(struct cli_side *side, struct cli_side_block *block,
             const struct wire_witness *witnesses, size_t count, uint32_t view)
{
    uint32_t *signers =
        realloc(block->signers, (block->signer_count + count + 1) * sizeof *signers);
    if (signers == NULL) {
        side->no_memory = true;
        return;
    }
    block->signers     = signers;
    block->signed_view = view;
    for (size_t i = 0; i < count; i++)
        block->signers[block->signer_count++] = witnesses[i].member;
}

static struct cli_side_block *
add_block(struct cli_side *side)
{
    if (side->count == side->capacity) {
        size_t                 more  = 2 * side->capacity + 64;
        struct cli_side_block *grown = realloc(side->blocks, more * sizeof *grown);
        if (grown == NULL) {
            side->no_memory = true;
            return NULL;
        }
        side->blocks   = grown;
        side->capacity = more;
    }
    return &side->blocks[side->count++];
}

static void
note_block(void *context, const struct wire_block *block, const struct sec_hash *hash,
           const struct fed_roster *roster)
{
    struct cli_side             *side   = context;
    const struct wire_agreement *how    = block->agreement;
    struct cli_side_block       *before = side->count > 0 ? &side->blocks[side->count - 1] : NULL;
    cli_names_note(&side->names, roster);
    if (before == NULL)
        memcpy(side->run, block->run, sizeof side->run);
    if (before != NULL && before->height + 1 == block->height)
        note_signers(side, before, block->witnesses, block->witness_count,
                     how != NULL ? how->witness_view : 0);
    struct cli_side_block *noted = add_block(side);
    if (noted == NULL)
        return;
    *noted      = (struct cli_side_block){.height   = block->height,
                                          .hash     = *hash,
                                          .proposer = block->proposer,
                                          .view     = how != NULL ? how->view : 0};
    side->swarm = how != NULL;
    if (how == NULL) /* who makes a block of a swarm need not vote for it */
        note_signers(side, noted, &(struct wire_witness){.member = block->proposer}, 1, 0);
}

enum pn_status
cli_side_read(struct cli_side *out, const char *directory, const char *roster, struct pn_error *why)
{
    struct cli_ledger   ledger;
    struct engine_proof proof;
    *out              = (struct cli_side){.directory = directory};
    enum pn_status st = cli_ledger_open(&ledger, directory, roster, why);
    if (st != PN_OK)
        return pn_error_wrap(why, st, "%s: NOT verified", directory);
    if (ledger.nominal)
        st = pn_error_set(why, PN_EAUTH, "%s", cli_nominal_text);
    else
        st = engine_proof_make(&proof, &ledger.disk, ledger.file.roster, note_block, out, why);
    if (st == PN_OK && proof.votes.count > 0 && !out->no_memory)
        note_signers(out, &out->blocks[out->count - 1], proof.votes.witnesses, proof.votes.count,
                     proof.votes.view);
    if (st == PN_OK && (out->no_memory || out->names.st != PN_OK))
        st = pn_error_set(why, PN_ENOMEM, "no memory for its blocks");
    if (st != PN_OK)
        pn_error_wrap(why, st, "%s: NOT verified", directory);
    cli_ledger_close(&ledger);
    return st;
}

void
cli_side_fini(struct cli_side *side)
{
    for (size_t i = 0; i < side->count; i++)
        free(side->blocks[i].signers);
    free(side->blocks);
    cli_names_fini(&side->names);
}

bool
cli_side_has_signed(const struct cli_side_block *block, uint32_t number)
{
    for (size_t i = 0; i < block->signer_count; i++)
        if (block->signers[i] == number)
            return true;
    return false;
}

size_t
cli_side_compare(const struct cli_side_block **block_a, const struct cli_side_block **block_b,
                 const struct cli_side *a, const struct cli_side *b)
{
    size_t i = 0, k = 0, same = 0;
    *block_a = *block_b = NULL;
    while (i < a->count && k < b->count) {
        const struct cli_side_block *one = &a->blocks[i], *other = &b->blocks[k];
        if (one->height == other->height && !sec_hash_equal(&one->hash, &other->hash)) {
            *block_a = one;
            *block_b = other;
            return same;
        }
        same += one->height == other->height;
        i += one->height <= other->height;
        k += other->height <= one->height;
    }
    return same;
}
