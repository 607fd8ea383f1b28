#include "cli/ledger_names.h"

#include <stdio.h>
#include <stdlib.h>

void
cli_names_fini(struct cli_names *names)
{
    free(names->list);
    *names = (struct cli_names){.count = 0};
}

static const struct cli_name *
find(const struct cli_names *names, uint32_t number)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->list[i].number == number)
            return &names->list[i];
    return NULL;
}

void
cli_names_note(struct cli_names *names, const struct fed_roster *roster)
{
    if (names->roster == roster)
        return;
    names->roster = roster;
    if (roster == NULL)
        return;
    struct cli_name *grown =
        realloc(names->list, (names->count + roster->member_count) * sizeof *grown);
    if (grown == NULL) {
        names->st = PN_ENOMEM;
        return;
    }
    names->list = grown;
    for (uint32_t i = 0; i < roster->member_count; i++) {
        const struct fed_roster_member *member = &roster->members[i];
        if (find(names, member->number) != NULL)
            continue;
        struct cli_name *name = &names->list[names->count++];
        name->number          = member->number;
        snprintf(name->name, sizeof name->name, "%s", member->name);
    }
}

const char *
cli_names_find(const struct cli_names *names, uint32_t number)
{
    static char            numbered[32];
    const struct cli_name *name = find(names, number);
    snprintf(numbered, sizeof numbered, "member %u", number);
    return name == NULL ? numbered : name->name;
}
