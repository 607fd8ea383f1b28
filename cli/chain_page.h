/*
 * cli/chain_page -- a ledger as a self-contained page: the chain as a picture, curves of the
 * metrics, the epochs of its members, and a row a block.
 */
#ifndef CLI_CHAIN_PAGE_H
#define CLI_CHAIN_PAGE_H

#include "cli/ledger_names.h"
#include "cli/page.h"
#include "fed/block.h"

struct cli_chain_block { /* what the picture and the curves need */
    enum wire_block_kind kind;
    uint64_t             height;
    bool                 missed, convicts, changes; /* members of its round; one; who they are */
    struct sec_hash      hash;
    size_t               metric_count;
    struct {
        char   name[WIRE_TEXT_MAX + 1];
        double value;
    } metrics[WIRE_METRICS_MAX];
};

struct cli_chain {
    struct cli_chain_block *blocks;
    size_t                  count, capacity;
    bool                    swarm;
    struct sec_blob         model; /* the newest */
    uint64_t                rounds;
    uint8_t                 run[16], job[32];
    struct pn_buffer        row_bytes, epoch_bytes; /* of the two tables, as they are made */
    struct cli_page         rows, epochs;
    enum pn_status          st; /* errors stick */
};
void cli_chain_init(struct cli_chain *chain);
void cli_chain_fini(struct cli_chain *chain);
/* The next block. `names`: the roster in force for it is noted. */
void cli_chain_add(struct cli_chain *chain, const struct wire_block *block,
                   const struct sec_hash *hash, const struct cli_names *names);
/* `note`: what must be said of the whole ledger first; NULL: it was verified. */
PN_MUST_CHECK enum pn_status cli_chain_html(struct pn_buffer *out, const struct cli_chain *chain,
                                            const char *note);

#endif
