/* A roster, or a join file, that anybody may have written, and who signed it. */
#include "fed/roster.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What was accepted must be written and accepted again, and be the same. */
static void
check_roster(const struct fed_roster *roster)
{
    struct pn_buffer   text;
    struct pn_error    why;
    struct fed_roster *again;
    pn_buffer_init(&text, 2u << 20);
    PN_ASSERT(fed_roster_encode(&text, roster) == PN_OK);
    if (text.size <= 1u << 20) { /* the text may be longer than what was read */
        PN_ASSERT(fed_roster_parse(&again, "again", (const char *)text.bytes, text.size, &why) ==
                  PN_OK);
        PN_ASSERT(again->member_count == roster->member_count &&
                  memcmp(again->members, roster->members,
                         roster->member_count * sizeof roster->members[0]) == 0);
        fed_roster_free(again);
    }
    pn_buffer_fini(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fed_roster          *roster = NULL;
    struct fed_roster_member    member;
    struct fed_roster_signature signature = {.name = ""};
    struct pn_error             why;
    const char                 *text = (const char *)bytes;

    if (sec_init() != PN_OK)
        return 0;
    if (fed_join_parse(&member, "fuzz", text, size, &why) == PN_OK)
        PN_ASSERT(sec_certificate_check(&member.certificate, &member.root));
    if (fed_roster_parse(&roster, "fuzz", text, size, &why) != PN_OK)
        return 0;
    check_roster(roster);
    /* Nobody signed it; the last bytes of the input pretend to be a signature. */
    memcpy(signature.name, roster->members[0].name, sizeof signature.name);
    signature.size = size < 400 ? size : 400;
    signature.text = text + size - signature.size;
    PN_ASSERT(fed_roster_check_signatures(roster, text, size, &signature, 1, &why) == PN_EAUTH);
    (void)!fed_roster_check_time(roster, 1790000000, &why);
    fed_roster_free(roster);
    return 0;
}
