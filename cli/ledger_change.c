#include "cli/ledger_change.h"

struct fed_roster *
cli_change_next(const struct fed_roster *roster, const struct wire_block *block)
{
    struct fed_roster        *next = NULL;
    struct pn_error           why;
    const struct wire_roster *carried = block->agreement != NULL ? block->agreement->roster : NULL;
    if (carried == NULL || block->height == 0 || roster == NULL ||
        fed_roster_parse(&next, "the next epoch", (const char *)carried->text.bytes,
                         carried->text.size, &why) != PN_OK)
        return NULL;
    return next;
}

void
cli_change_tell(const struct fed_roster *before, const struct fed_roster *after,
                cli_change_fn *tell, void *context)
{
    for (uint32_t i = 0; i < after->member_count; i++) {
        const struct fed_roster_member *now = &after->members[i];
        const struct fed_roster_member *old = fed_roster_find(before, now->number);
        if (old == NULL)
            tell(context, "joins", now->name);
        else if (!sec_equal(old->certificate.node.bytes, now->certificate.node.bytes, 32) ||
                 !sec_equal(old->certificate.transport.bytes, now->certificate.transport.bytes, 32))
            tell(context, "has new keys", now->name);
    }
    for (uint32_t i = 0; i < before->member_count; i++)
        if (fed_roster_find(after, before->members[i].number) == NULL)
            tell(context, "is no member any more", before->members[i].name);
}
