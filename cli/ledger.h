/*
 * cli/ledger -- what the verbs of `panal ledger` share: an opened ledger with its roster, and
 * words.
 */
#ifndef CLI_LEDGER_H
#define CLI_LEDGER_H

#include "cli/ledger_names.h"
#include "engine/party.h"
#include "engine/proof.h"
#include "fed/proof.h"
#include "store/files.h"

#include <stdio.h>

#define CLI_ROSTER_OPTION(type)                                                                    \
    {                                                                                              \
        "roster", NULL, PN_OPT_TEXT, offsetof(type, roster), 1, 4000,                              \
            "the signed federation.yaml that you trust, not a copy from DIR"                       \
    }

struct cli_ledger {
    struct engine_roster_file file; /* no roster when nominal: there is none to trust */
    struct store_files       *files;
    struct store_disk         disk;
    bool                      nominal;
};
/* Not among those of a status (README): what was asked cannot be said of such a ledger. */
enum {
    CLI_EXIT_NOMINAL = 9
};
extern const char cli_nominal_text[];

PN_MUST_CHECK enum pn_status cli_ledger_open(struct cli_ledger *out, const char *directory,
                                             const char *roster, struct pn_error *why);
void                         cli_ledger_close(struct cli_ledger *ledger);

/* Why a member's update does not count; and whether that is a rule which dropped it, for it came.
 * Of a block that was decoded: what it says is one of them. */
const char *cli_absence_text(enum wire_absence reason);
bool        cli_absence_is_drop(enum wire_absence reason);
const char *cli_kind_text(enum wire_block_kind kind);
/* Of every round in this version: how updates were combined, and what that cost of whose privacy
 * budget. */
extern const char cli_rule_text[], cli_budget_text[];
/* Of --checkpoint. */
PN_MUST_CHECK enum pn_status cli_checkpoint_parse(struct fed_checkpoint *out, const char *text,
                                                  struct pn_error *why);
/* One block for people; one as an object of JSON, in a list or (`key`) in a map. `names`: the
 * roster in force for it is noted. `steps`: of a training in its round, 0: not known. */
struct text_json;
void cli_block_text(FILE *out, const struct cli_names *names, const struct wire_block *block,
                    const struct sec_hash *hash, uint32_t steps);
void cli_block_json(struct text_json *json, const char *key, const struct cli_names *names,
                    const struct wire_block *block, const struct sec_hash *hash, uint32_t steps);
enum {
    CLI_TIME_SIZE = 32
};
/* A block's time in UTC; "?" for one that no calendar has. */
void cli_time_text(char out[static CLI_TIME_SIZE], uint64_t time_ms);

#endif
