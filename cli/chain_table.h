/*
 * cli/chain_table -- the rows of a ledger's page: one a block, one an epoch of its roster.
 */
#ifndef CLI_CHAIN_TABLE_H
#define CLI_CHAIN_TABLE_H

#include "cli/ledger_names.h"
#include "cli/page.h"
#include "fed/block.h"

/* Who took part, who did not and why, the rule, the privacy budget, metrics, model. */
void cli_chain_put_row(struct cli_page *page, const struct wire_block *block,
                       const struct sec_hash *hash, const struct cli_names *names);
/* Of `next`, which the block brings; or, where that is NULL, of `roster`, with which a ledger
 * begins. */
void cli_chain_put_epoch(struct cli_page *page, const struct wire_block *block,
                         const struct fed_roster *roster, const struct fed_roster *next);

#endif
