/*
 * cli/ledger_side -- one of two ledgers that are compared: its blocks, and who signed each.
 *
 * Who signed a block stands in the one after it: in a swarm who voted for it, with a coordinator
 * who countersigned it, and the coordinator itself. The votes for a swarm's newest block lie beside
 * the ledger (engine/summit).
 *
 * Memory     a line a block, until fini.
 */
#ifndef CLI_LEDGER_SIDE_H
#define CLI_LEDGER_SIDE_H

#include "cli/ledger_names.h"
#include "fed/block.h"

struct cli_side_block {
    uint64_t        height;
    struct sec_hash hash;
    uint32_t        proposer, view; /* in which it was made; 0: with a coordinator */
    uint32_t       *signers;        /* numbers, increasing but for a coordinator's */
    size_t          signer_count;
    uint32_t        signed_view; /* of the votes; 0: no votes are here */
};

struct cli_side {
    const char            *directory;
    uint8_t                run[16]; /* of its first block */
    bool                   swarm;
    struct cli_side_block *blocks;
    size_t                 count, capacity;
    struct cli_names       names; /* of all members that there were */
    bool                   no_memory;
};

/* Proves the ledger first: one that does not verify parts from nobody. PN_EAUTH for a nominal one.
 * `out` is to be freed in any case. */
PN_MUST_CHECK enum pn_status cli_side_read(struct cli_side *out, const char *directory,
                                           const char *roster, struct pn_error *why);
void                         cli_side_fini(struct cli_side *side);

bool cli_side_has_signed(const struct cli_side_block *block, uint32_t number);

/* The first height at which both hold a block and it is not the same: `*block_a` and `*block_b`,
 * NULL where there is none. How many they have in common before. A copy with gaps is compared at
 * the heights that it has. */
size_t cli_side_compare(const struct cli_side_block **block_a,
                        const struct cli_side_block **block_b, const struct cli_side *a,
                        const struct cli_side *b);

#endif
