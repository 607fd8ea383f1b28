/*
 * cli/ledger_names -- the name of everybody who ever was a member in a ledger, by number.
 *
 * A block speaks of members whom the roster in force for it has not: who voted for the block before
 * and left with it, who is convicted of an old vote. A number is never given out twice
 * (fed/roster), so each has one name in all epochs.
 *
 * Memory     a line a member, until fini.
 */
#ifndef CLI_LEDGER_NAMES_H
#define CLI_LEDGER_NAMES_H

#include "fed/roster.h"

struct cli_name {
    uint32_t number;
    char     name[FED_NAME_SIZE];
};

struct cli_names {
    struct cli_name         *list;
    size_t                   count;
    const struct fed_roster *roster; /* the one noted last, the caller's; NULL: none */
    enum pn_status           st;     /* PN_ENOMEM sticks */
};

/* A zeroed one is empty. */
void cli_names_fini(struct cli_names *names);
/* The roster in force for the block at hand; NULL: none is known. */
void cli_names_note(struct cli_names *names, const struct fed_roster *roster);
/* "member 7" for one that no roster had, until the next call. */
const char *cli_names_find(const struct cli_names *names, uint32_t number);

#endif
