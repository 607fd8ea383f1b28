#include "fed/consensus.h"
#include "fed/roster.h"

#include "proto/message.h"
#include "text/yaml.h"

#include <stdlib.h>
#include <string.h>

static const char *const role_names[] = {
    [FED_ROLE_NODE] = "node", [FED_ROLE_COORDINATOR] = "coordinator"};

static enum pn_status
get_time(uint64_t *out, const struct text_yaml *yaml, const struct text_node *map, const char *key,
         struct pn_error *why)
{
    const char    *text = NULL;
    enum pn_status st   = text_get_string(&text, yaml, map, key, TEXT_REQUIRED, why);
    if (st == PN_OK && !fed_time_parse(out, text))
        st = text_fail(why, yaml, text_find(map, key),
                       "%s: expected a time like 2026-11-23T00:00:00Z, seen \"%.40s\"", key, text);
    return st;
}

static enum pn_status
get_bytes(uint8_t *out, size_t size, const struct text_yaml *yaml, const struct text_node *map,
          const char *key, struct pn_error *why)
{
    const char    *text = NULL;
    enum pn_status st   = text_get_string(&text, yaml, map, key, TEXT_REQUIRED, why);
    if (st == PN_OK && !sec_base64_decode(out, size, text))
        st = text_fail(why, yaml, text_find(map, key),
                       "%s: expected base64 of %zu bytes, seen \"%.100s\"", key, size, text);
    return st;
}

/* `out` holds FED_NAME_SIZE characters. */
static enum pn_status
copy_name(char *out, const struct text_yaml *yaml, const struct text_node *at, const char *text,
          struct pn_error *why)
{
    if (!sec_name_is_valid(text))
        return text_fail(why, yaml, at,
                         "expected a name of 1 to 31 of a-z, 0-9 and -, a letter first, seen "
                         "\"%.60s\"",
                         text);
    memcpy(out, text, strlen(text) + 1);
    return PN_OK;
}

static enum pn_status
get_name(char *out, const struct text_yaml *yaml, const struct text_node *map, const char *key,
         struct pn_error *why)
{
    const char    *text = NULL;
    enum pn_status st   = text_get_string(&text, yaml, map, key, TEXT_REQUIRED, why);
    return st == PN_OK ? copy_name(out, yaml, text_find(map, key), text, why) : st;
}

/* No control characters and no line breaks, whatever their encoding: the name is shown to people.
 */
static bool
is_one_line(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
        if (*c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0) ||
            (*c == 0xe2 && c[1] == 0x80 && (c[2] == 0xa8 || c[2] == 0xa9)))
            return false;
    return true;
}

static enum pn_status
get_organisation(char *out, size_t size, const struct text_yaml *yaml, const struct text_node *map,
                 struct pn_error *why)
{
    const char    *text = NULL;
    enum pn_status st   = text_get_string(&text, yaml, map, "organisation", TEXT_REQUIRED, why);
    if (st != PN_OK)
        return st;
    size_t len = strlen(text);
    if (len == 0 || len >= size || !is_one_line(text))
        return text_fail(why, yaml, text_find(map, "organisation"),
                         "organisation: expected one line of 1 to %zu bytes, seen %zu bytes",
                         size - 1, len);
    memcpy(out, text, len + 1);
    return PN_OK;
}

static enum pn_status
read_certificate(struct sec_certificate *out, const struct text_yaml *yaml,
                 const struct text_node *map, struct pn_error *why)
{
    static const char *const known[] = {"serial", "not_before", "not_after",
                                        "node",   "transport",  "signature"};

    enum pn_status st = text_check_keys(yaml, map, known, sizeof known / sizeof known[0], why);
    if (st == PN_OK)
        st = text_get_u32(&out->serial, yaml, map, "serial", TEXT_REQUIRED, 1, UINT32_MAX, why);
    if (st == PN_OK)
        st = get_time(&out->not_before, yaml, map, "not_before", why);
    if (st == PN_OK)
        st = get_time(&out->not_after, yaml, map, "not_after", why);
    if (st == PN_OK)
        st = get_bytes(out->node.bytes, sizeof out->node.bytes, yaml, map, "node", why);
    if (st == PN_OK)
        st = get_bytes(out->transport.bytes, sizeof out->transport.bytes, yaml, map, "transport",
                       why);
    if (st == PN_OK)
        st = get_bytes(out->signature.bytes, sizeof out->signature.bytes, yaml, map, "signature",
                       why);
    if (st == PN_OK && out->not_before >= out->not_after)
        st = text_fail(why, yaml, text_find(map, "not_after"),
                       "not_after: expected a time after not_before");
    return st;
}

static enum pn_status
check_endpoint(const struct text_yaml *yaml, const struct text_node *at, const char *text,
               size_t size, struct pn_error *why)
{
    const char *colon = strrchr(text, ':');
    uint32_t    port  = 0;
    bool        good = strlen(text) < size && strncmp(text, "tcp://", 6) == 0 && colon > text + 6 &&
                strlen(colon) >= 2 && strlen(colon) <= 6;
    for (const char *c = text; good && *c != '\0'; c++)
        good = *c > ' ' && *c < 0x7f && *c != '"' && *c != '\\';
    for (const char *c = colon; good && *++c != '\0';) {
        good = *c >= '0' && *c <= '9';
        port = port * 10 + (uint32_t)(*c - '0');
    }
    if (!good || port < 1 || port > 65535)
        return text_fail(why, yaml, at,
                         "endpoint: expected tcp://host:port of at most %zu characters, seen "
                         "\"%.80s\"",
                         size - 1, text);
    return PN_OK;
}

/* `out` holds FED_ENDPOINT_SIZE characters. */
static enum pn_status
get_endpoint(char *out, const struct text_yaml *yaml, const struct text_node *map,
             enum text_need need, struct pn_error *why)
{
    const char    *text = NULL;
    enum pn_status st   = text_get_string(&text, yaml, map, "endpoint", need, why);
    if (st != PN_OK || text == NULL)
        return st;
    st = check_endpoint(yaml, text_find(map, "endpoint"), text, FED_ENDPOINT_SIZE, why);
    if (st == PN_OK)
        memcpy(out, text, strlen(text) + 1);
    return st;
}

/* What a member of a roster and a join file have in common. */
static enum pn_status
read_member(struct fed_roster_member *out, const struct text_yaml *yaml,
            const struct text_node *map, struct pn_error *why)
{
    const struct text_node *certificate = NULL;
    uint32_t                role        = FED_ROLE_NODE;

    enum pn_status st = get_name(out->name, yaml, map, "name", why);
    if (st == PN_OK)
        st = get_organisation(out->organisation, sizeof out->organisation, yaml, map, why);
    if (st == PN_OK)
        st = text_get_choice(&role, yaml, map, "role", TEXT_REQUIRED, role_names, 2, why);
    if (st == PN_OK)
        st = get_endpoint(out->endpoint, yaml, map, TEXT_OPTIONAL, why);
    if (st == PN_OK)
        st = get_bytes(out->root.bytes, sizeof out->root.bytes, yaml, map, "root", why);
    if (st == PN_OK)
        st = text_get_map(&certificate, yaml, map, "certificate", TEXT_REQUIRED, why);
    if (st == PN_OK)
        st = read_certificate(&out->certificate, yaml, certificate, why);
    if (st != PN_OK)
        return st;

    out->role = role == FED_ROLE_COORDINATOR ? FED_ROLE_COORDINATOR : FED_ROLE_NODE;
    memcpy(out->certificate.name, out->name, sizeof out->certificate.name);
    if (!sec_certificate_check(&out->certificate, &out->root)) {
        (void)text_fail(why, yaml, certificate,
                        "certificate: expected one of %s signed by its root key; this one is not",
                        out->name);
        return PN_EAUTH;
    }
    return PN_OK;
}

static enum pn_status
read_previous(struct fed_roster *out, const struct text_yaml *yaml, const struct text_node *map,
              struct pn_error *why)
{
    const char    *text = NULL;
    enum pn_status st   = text_get_string(&text, yaml, map, "previous", TEXT_REQUIRED, why);
    if (st != PN_OK)
        return st;
    if (out->epoch == 1)
        return text[0] == '\0'
                   ? PN_OK
                   : text_fail(why, yaml, text_find(map, "previous"),
                               "previous: expected \"\" in epoch 1, seen \"%.70s\"", text);
    if (!pn_hex_decode(out->previous.bytes, sizeof out->previous.bytes, text) ||
        sec_hash_is_zero(&out->previous))
        return text_fail(why, yaml, text_find(map, "previous"),
                         "previous: expected the hash of epoch %u in 64 hexadecimal digits, seen "
                         "\"%.70s\"",
                         out->epoch - 1, text);
    return PN_OK;
}

static enum pn_status
read_history(struct fed_roster *out, const struct text_yaml *yaml, const struct text_node *map,
             struct pn_error *why)
{
    const struct text_node *list = NULL;
    enum pn_status          st   = text_get_list(&list, yaml, map, "history", TEXT_OPTIONAL, why);
    if (st != PN_OK || list == NULL)
        return st;
    if (list->count > FED_HISTORY_MAX || (list->count > 0 && list->count + 1 >= out->epoch))
        return text_fail(why, yaml, list,
                         "history: expected the hashes of at most %d epochs, all before epoch %u, "
                         "seen %zu",
                         FED_HISTORY_MAX, out->epoch - 1, list->count);
    for (const struct text_node *at = list->first; at != NULL; at = at->next) {
        struct sec_hash *hash = &out->history[out->history_count++];
        if (at->kind != TEXT_SCALAR || !pn_hex_decode(hash->bytes, sizeof hash->bytes, at->value) ||
            sec_hash_is_zero(hash))
            return text_fail(why, yaml, at,
                             "history: expected the hash of an epoch in 64 hexadecimal digits");
    }
    return PN_OK;
}

/* Who decides: a coordinator at its endpoint, or a quorum of the members. */
static enum pn_status
read_mode(struct fed_roster *out, const struct text_yaml *yaml, const struct text_node *root,
          struct pn_error *why)
{
    static const char *const modes[] = {
        [FED_MODE_COORDINATOR] = "coordinator", [FED_MODE_SWARM] = "swarm"};
    static const char *const quorums[] = {
        [FED_QUORUM_BFT] = "bft", [FED_QUORUM_MAJORITY] = "majority"};
    uint32_t mode = FED_MODE_COORDINATOR, quorum = FED_QUORUM_BFT;

    enum pn_status st = text_get_choice(&mode, yaml, root, "mode", TEXT_REQUIRED, modes, 2, why);
    if (st != PN_OK)
        return st;
    out->mode             = (enum fed_mode)mode;
    const char *forbidden = mode == FED_MODE_SWARM ? "endpoint" : "quorum";
    if (text_find(root, forbidden) != NULL)
        return text_fail(why, yaml, text_find(root, forbidden), "%s: not with mode: %s%s",
                         forbidden, modes[mode],
                         mode == FED_MODE_SWARM ? "; it stands with each member" : "");
    if (mode == FED_MODE_COORDINATOR)
        return get_endpoint(out->endpoint, yaml, root, TEXT_REQUIRED, why);
    st          = text_get_choice(&quorum, yaml, root, "quorum", TEXT_OPTIONAL, quorums, 2, why);
    out->quorum = (enum fed_quorum)quorum;
    return st;
}

/* Everything but signers and members. */
static enum pn_status
read_head(struct fed_roster *out, const struct text_yaml *yaml, const struct text_node *root,
          struct pn_error *why)
{
    static const char *const known[] = {
        "version", "federation", "epoch",     "issued",  "expires", "previous", "mode",
        "quorum",  "endpoint",   "threshold", "signers", "members", "history",  "last_number"};
    uint32_t version;

    enum pn_status st = text_check_keys(yaml, root, known, sizeof known / sizeof known[0], why);
    if (st == PN_OK)
        st = text_get_u32(&version, yaml, root, "version", TEXT_REQUIRED, 1, 1, why);
    if (st == PN_OK)
        st = get_name(out->federation, yaml, root, "federation", why);
    if (st == PN_OK)
        st = text_get_u32(&out->epoch, yaml, root, "epoch", TEXT_REQUIRED, 1, UINT32_MAX, why);
    if (st == PN_OK)
        st = get_time(&out->issued, yaml, root, "issued", why);
    if (st == PN_OK)
        st = get_time(&out->expires, yaml, root, "expires", why);
    if (st == PN_OK && out->issued >= out->expires)
        st = text_fail(why, yaml, text_find(root, "expires"),
                       "expires: expected a time after issued");
    if (st == PN_OK)
        st = read_previous(out, yaml, root, why);
    if (st == PN_OK)
        st = read_history(out, yaml, root, why);
    if (st == PN_OK)
        st = text_get_u32(&out->last_number, yaml, root, "last_number", TEXT_OPTIONAL, 1,
                          UINT32_MAX, why);
    return st == PN_OK ? read_mode(out, yaml, root, why) : st;
}

static const char *
clash_between(const struct fed_roster_member *a, const struct fed_roster_member *b)
{
    enum {
        SIZE = sizeof a->root.bytes
    };
    const uint8_t *a_node = a->certificate.node.bytes, *b_node = b->certificate.node.bytes;
    if (a->number == b->number)
        return "number";
    if (strcmp(a->name, b->name) == 0)
        return "name";
    if (memcmp(a->root.bytes, b->root.bytes, SIZE) == 0)
        return "root key";
    if (memcmp(a_node, b_node, SIZE) == 0)
        return "node key";
    if (memcmp(a->root.bytes, b_node, SIZE) == 0 || memcmp(a_node, b->root.bytes, SIZE) == 0)
        return "signing key";
    if (memcmp(a->certificate.transport.bytes, b->certificate.transport.bytes, SIZE) == 0)
        return "transport key";
    return NULL;
}

/* Members are still in the order of the file. */
static enum pn_status
check_unique(const struct fed_roster *roster, const struct text_yaml *yaml,
             const struct text_node *list, struct pn_error *why)
{
    const struct text_node *at = list->first;
    for (uint32_t i = 0; i < roster->member_count; i++, at = at->next) {
        const struct fed_roster_member *member = &roster->members[i];
        if (memcmp(member->root.bytes, member->certificate.node.bytes, sizeof member->root.bytes) ==
            0)
            return text_fail(why, yaml, at, "members: %s has one key as root key and as node key",
                             member->name);
        for (uint32_t j = 0; j < i; j++) {
            const char *clash = clash_between(&roster->members[j], member);
            if (clash != NULL)
                return text_fail(why, yaml, at,
                                 "members: the %s of %s (number %u) is that of %s "
                                 "(number %u) already",
                                 clash, member->name, member->number, roster->members[j].name,
                                 roster->members[j].number);
        }
    }
    return PN_OK;
}

/* Somebody must be there to be reached. */
static enum pn_status
check_swarm(const struct fed_roster *roster, const struct text_yaml *yaml,
            const struct text_node *list, struct pn_error *why)
{
    uint32_t reachable = 0;
    for (uint32_t i = 0; i < roster->member_count; i++)
        reachable += roster->members[i].endpoint[0] != '\0';
    if (roster->member_count < 2 || roster->member_count > FED_SWARM_MAX)
        return text_fail(why, yaml, list, "members: expected 2 to %d in a swarm, seen %u",
                         FED_SWARM_MAX, roster->member_count);
    if (reachable == 0)
        return text_fail(why, yaml, list,
                         "members: expected an endpoint of at least one member, seen none: "
                         "nobody could be dialled");
    return PN_OK;
}

static enum pn_status
check_roles(struct fed_roster *roster, const struct text_yaml *yaml, const struct text_node *list,
            struct pn_error *why)
{
    uint32_t coordinators = 0;
    for (uint32_t i = 0; i < roster->member_count; i++)
        if (roster->members[i].role == FED_ROLE_COORDINATOR) {
            coordinators++;
            roster->coordinator = roster->members[i].number;
        }
    if (roster->mode == FED_MODE_SWARM && coordinators == 0)
        return check_swarm(roster, yaml, list, why);
    if (roster->mode == FED_MODE_SWARM)
        return text_fail(why, yaml, list, "members: expected no coordinator in a swarm, seen %u",
                         coordinators);
    if (coordinators == 1 && roster->member_count >= 2)
        return PN_OK;
    return text_fail(why, yaml, list,
                     "members: expected exactly one coordinator and at least one node, seen %u and "
                     "%u",
                     coordinators, roster->member_count - coordinators);
}

static enum pn_status
read_members(struct fed_roster *out, const struct text_yaml *yaml, const struct text_node *list,
             struct pn_error *why)
{
    static const char *const known[] = {"name", "number",   "organisation", "role",
                                        "root", "endpoint", "certificate"};

    enum pn_status st = PN_OK;
    for (const struct text_node *at = list->first; st == PN_OK && at != NULL; at = at->next) {
        struct fed_roster_member *member = &out->members[out->member_count++];
        st = text_check_keys(yaml, at, known, sizeof known / sizeof known[0], why);
        if (st == PN_OK)
            st = text_get_u32(&member->number, yaml, at, "number", TEXT_REQUIRED, 1, UINT32_MAX,
                              why);
        if (st == PN_OK)
            st = read_member(member, yaml, at, why);
    }
    if (st == PN_OK)
        st = check_unique(out, yaml, list, why);
    return st == PN_OK ? check_roles(out, yaml, list, why) : st;
}

static enum pn_status
read_signers(struct fed_roster *roster, const struct text_yaml *yaml, const struct text_node *root,
             struct pn_error *why)
{
    const struct text_node *list = NULL;

    enum pn_status st = text_get_list(&list, yaml, root, "signers", TEXT_REQUIRED, why);
    if (st != PN_OK)
        return st;
    if (list->count < 1 || list->count > FED_SIGNATURES_MAX)
        return text_fail(why, yaml, list, "signers: expected 1 to %d names, seen %zu",
                         FED_SIGNATURES_MAX, list->count);
    for (const struct text_node *at = list->first; at != NULL; at = at->next) {
        struct fed_roster_member *member = NULL;
        if (at->kind != TEXT_SCALAR)
            return text_fail(why, yaml, at, "signers: expected the name of a member");
        for (uint32_t i = 0; i < roster->member_count; i++)
            if (strcmp(roster->members[i].name, at->value) == 0)
                member = &roster->members[i];
        if (member == NULL)
            return text_fail(why, yaml, at, "signers: no member has the name \"%.60s\"", at->value);
        if (member->signer)
            return text_fail(why, yaml, at, "signers: %s stands here twice", member->name);
        member->signer = true;
    }
    return text_get_u32(&roster->threshold, yaml, root, "threshold", TEXT_REQUIRED, 1,
                        (uint32_t)list->count, why);
}

static int
by_number(const void *a, const void *b)
{
    uint32_t x = ((const struct fed_roster_member *)a)->number;
    uint32_t y = ((const struct fed_roster_member *)b)->number;
    return (x > y) - (x < y);
}

static enum pn_status
read_roster(struct fed_roster **out, const struct text_yaml *yaml, struct pn_error *why)
{
    const struct text_node *root = text_yaml_root(yaml), *list = NULL;

    enum pn_status st = text_get_list(&list, yaml, root, "members", TEXT_REQUIRED, why);
    if (st != PN_OK)
        return st;
    if (list->count > FED_MEMBERS_MAX)
        return text_fail(why, yaml, list, "members: expected at most %d, seen %zu", FED_MEMBERS_MAX,
                         list->count);
    struct fed_roster *roster = calloc(1, sizeof *roster + list->count * sizeof roster->members[0]);
    if (roster == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for a roster of %zu members", list->count);

    st = read_head(roster, yaml, root, why);
    if (st == PN_OK)
        st = read_members(roster, yaml, list, why);
    if (st == PN_OK)
        st = read_signers(roster, yaml, root, why);
    if (st != PN_OK) {
        fed_roster_free(roster);
        return st;
    }
    qsort(roster->members, roster->member_count, sizeof roster->members[0], by_number);
    uint32_t highest = roster->members[roster->member_count - 1].number;
    if (roster->last_number < highest)
        roster->last_number = highest;
    *out = roster;
    return PN_OK;
}

enum pn_status
fed_roster_parse(struct fed_roster **out, const char *name, const char *text, size_t size,
                 struct pn_error *why)
{
    struct fed_roster *seen = NULL;
    struct text_yaml  *yaml = NULL;

    enum pn_status st = text_yaml_parse(&yaml, name, text, size, why);
    if (st != PN_OK)
        return st;
    st = read_roster(&seen, yaml, why);
    if (st == PN_OK && seen->mode == FED_MODE_SWARM && size > WIRE_ROSTER_MAX)
        st = text_fail(why, yaml, text_yaml_root(yaml),
                       "expected at most %d bytes of a swarm's roster, which stands in its ledger, "
                       "seen %zu",
                       WIRE_ROSTER_MAX, size);
    text_yaml_free(yaml);
    if (st != PN_OK) {
        fed_roster_free(seen);
        return st;
    }
    sec_hash_of(&seen->hash, "roster", text, size);
    *out = seen;
    return PN_OK;
}

enum pn_status
fed_join_parse(struct fed_roster_member *out, const char *name, const char *text, size_t size,
               struct pn_error *why)
{
    static const char *const known[] = {"version", "name",     "organisation", "role",
                                        "root",    "endpoint", "certificate"};
    struct fed_roster_member member  = {.number = 0};
    struct text_yaml        *yaml    = NULL;
    uint32_t                 version;

    enum pn_status st = text_yaml_parse(&yaml, name, text, size, why);
    if (st != PN_OK)
        return st;
    const struct text_node *root = text_yaml_root(yaml);
    st = text_check_keys(yaml, root, known, sizeof known / sizeof known[0], why);
    if (st == PN_OK)
        st = text_get_u32(&version, yaml, root, "version", TEXT_REQUIRED, 1, 1, why);
    if (st == PN_OK)
        st = read_member(&member, yaml, root, why);
    if (st == PN_OK)
        *out = member;
    text_yaml_free(yaml);
    return st;
}
