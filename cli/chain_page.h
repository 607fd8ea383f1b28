/*
 * cli/chain_page -- a ledger as a self-contained page: the chain as a picture, curves of the
 * metrics, and a row a block.
 */
#ifndef CLI_CHAIN_PAGE_H
#define CLI_CHAIN_PAGE_H

#include "fed/block.h"

struct cli_chain_block {
    enum wire_block_kind kind;
    uint64_t             height, round, time_ms;
    uint32_t             epoch, view; /* view: 0 of a coordinator */
    char                 proposer[FED_NAME_SIZE];
    size_t               entries, absent, convictions;
    struct sec_hash      hash;
    size_t               metric_count;
    struct {
        char   name[32];
        double value;
    } metrics[WIRE_METRICS_MAX];
    char missing[160]; /* who, and why */
};

struct cli_chain {
    struct cli_chain_block *blocks;
    size_t                  count, capacity;
    enum pn_status          st; /* errors stick */
};
void cli_chain_init(struct cli_chain *chain);
void cli_chain_fini(struct cli_chain *chain);
/* `roster`: in force for the block; may be NULL. */
void cli_chain_add(struct cli_chain *chain, const struct wire_block *block,
                   const struct sec_hash *hash, const struct fed_roster *roster);
PN_MUST_CHECK enum pn_status cli_chain_html(struct pn_buffer *out, const struct cli_chain *chain);

#endif
