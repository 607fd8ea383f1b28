/*
 * cli/ledger_change -- the next epoch of the roster that a block brings, and what it changes.
 */
#ifndef CLI_LEDGER_CHANGE_H
#define CLI_LEDGER_CHANGE_H

#include "fed/roster.h"
#include "proto/message.h"

/* The epoch that is in force after this block, `roster` being in force for it; NULL: the block
 * brings none, or `roster` is NULL. The caller's, to free. */
struct fed_roster *cli_change_next(const struct fed_roster *roster, const struct wire_block *block);

/* One member of one of the two rosters, by what became of it: "joins". */
typedef void cli_change_fn(void *context, const char *what, const char *name);
void         cli_change_tell(const struct fed_roster *before, const struct fed_roster *after,
                             cli_change_fn *tell, void *context);

#endif
