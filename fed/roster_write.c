#include "fed/roster.h"

enum {
    KEY_TEXT       = 45,
    SIGNATURE_TEXT = 89
};

/* In double quotes, so that no name is taken for anything else. */
static enum pn_status
write_quoted(struct pn_buffer *out, const char *text)
{
    enum pn_status st = pn_buffer_append(out, "\"", 1);
    for (; st == PN_OK && *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            st = pn_buffer_append(out, "\\", 1);
        if (st == PN_OK)
            st = pn_buffer_append(out, text, 1);
    }
    return st == PN_OK ? pn_buffer_append(out, "\"\n", 2) : st;
}

static enum pn_status
write_certificate(struct pn_buffer *out, const struct sec_certificate *certificate,
                  const char *indent)
{
    char from[FED_TIME_SIZE], to[FED_TIME_SIZE], node[KEY_TEXT], transport[KEY_TEXT];
    char signature[SIGNATURE_TEXT];
    fed_time_text(from, certificate->not_before);
    fed_time_text(to, certificate->not_after);
    sec_base64_encode(node, certificate->node.bytes, sizeof certificate->node.bytes);
    sec_base64_encode(transport, certificate->transport.bytes, sizeof certificate->transport.bytes);
    sec_base64_encode(signature, certificate->signature.bytes, sizeof certificate->signature.bytes);
    return pn_buffer_printf(out,
                            "%scertificate:\n"
                            "%s  serial: %u\n"
                            "%s  not_before: %s\n"
                            "%s  not_after: %s\n"
                            "%s  node: %s\n"
                            "%s  transport: %s\n"
                            "%s  signature: %s\n",
                            indent, indent, certificate->serial, indent, from, indent, to, indent,
                            node, indent, transport, indent, signature);
}

static enum pn_status
write_member(struct pn_buffer *out, const struct fed_roster_member *member, const char *indent)
{
    char root[KEY_TEXT];
    sec_base64_encode(root, member->root.bytes, sizeof member->root.bytes);

    enum pn_status st = pn_buffer_printf(out, "%sorganisation: ", indent);
    if (st == PN_OK)
        st = write_quoted(out, member->organisation);
    if (st == PN_OK)
        st = pn_buffer_printf(out, "%srole: %s\n%sroot: %s\n", indent,
                              member->role == FED_ROLE_COORDINATOR ? "coordinator" : "node", indent,
                              root);
    if (st == PN_OK && member->endpoint[0] != '\0')
        st = pn_buffer_printf(out, "%sendpoint: \"%s\"\n", indent, member->endpoint);
    return st == PN_OK ? write_certificate(out, &member->certificate, indent) : st;
}

static enum pn_status
write_past(struct pn_buffer *out, const struct fed_roster *roster)
{
    enum pn_status st      = PN_OK;
    uint32_t       highest = 0;
    for (uint32_t i = 0; i < roster->member_count; i++)
        highest = roster->members[i].number > highest ? roster->members[i].number : highest;
    if (roster->last_number > highest)
        st = pn_buffer_printf(out, "last_number: %u\n", roster->last_number);
    for (uint32_t i = 0; st == PN_OK && i < roster->history_count; i++) {
        char hash[SEC_HEX_SIZE];
        sec_hash_text(hash, &roster->history[i]);
        st = pn_buffer_printf(out, "%s  - %s\n", i == 0 ? "history:\n" : "", hash);
    }
    return st;
}

static enum pn_status
write_head(struct pn_buffer *out, const struct fed_roster *roster)
{
    char issued[FED_TIME_SIZE], expires[FED_TIME_SIZE], previous[SEC_HEX_SIZE] = "";
    fed_time_text(issued, roster->issued);
    fed_time_text(expires, roster->expires);
    if (!sec_hash_is_zero(&roster->previous))
        sec_hash_text(previous, &roster->previous);
    enum pn_status st =
        pn_buffer_printf(out,
                         "version: 1\n"
                         "federation: %s\n"
                         "epoch: %u\n"
                         "issued: %s\n"
                         "expires: %s\n"
                         "previous: \"%s\"\n",
                         roster->federation, roster->epoch, issued, expires, previous);
    if (st == PN_OK)
        st = write_past(out, roster);
    if (st == PN_OK && roster->mode == FED_MODE_SWARM)
        st = pn_buffer_printf(out, "mode: swarm\nquorum: %s\n",
                              roster->quorum == FED_QUORUM_MAJORITY ? "majority" : "bft");
    if (st == PN_OK && roster->mode == FED_MODE_COORDINATOR)
        st = pn_buffer_printf(out, "mode: coordinator\nendpoint: \"%s\"\n", roster->endpoint);
    return st == PN_OK ? pn_buffer_printf(out, "threshold: %u\nsigners:\n", roster->threshold) : st;
}

enum pn_status
fed_roster_encode(struct pn_buffer *out, const struct fed_roster *roster)
{
    enum pn_status st = write_head(out, roster);
    for (uint32_t i = 0; st == PN_OK && i < roster->member_count; i++)
        if (roster->members[i].signer)
            st = pn_buffer_printf(out, "  - %s\n", roster->members[i].name);
    if (st == PN_OK)
        st = pn_buffer_printf(out, "members:\n");
    for (uint32_t i = 0; st == PN_OK && i < roster->member_count; i++) {
        const struct fed_roster_member *member = &roster->members[i];
        st = pn_buffer_printf(out, "  - name: %s\n    number: %u\n", member->name, member->number);
        if (st == PN_OK)
            st = write_member(out, member, "    ");
    }
    return st;
}

enum pn_status
fed_join_encode(struct pn_buffer *out, const struct fed_roster_member *member)
{
    enum pn_status st = pn_buffer_printf(out, "version: 1\nname: %s\n", member->name);
    return st == PN_OK ? write_member(out, member, "") : st;
}
