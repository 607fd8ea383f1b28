/*
 * panal roster -- create, next, sign, show: the signed list of members.
 */
#include "cli/roster.h"
#include "cli/command.h"
#include "cli/keys.h"
#include "engine/party.h"
#include "net/loop.h"
#include "store/files.h"
#include "text/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PATH_SIZE  = 4096,
    ROSTER_MAX = 1u << 20
};

/* ---- what the lab uses too ---- */

static int
by_number(const void *a, const void *b)
{
    uint32_t x = ((const struct fed_roster_member *)a)->number;
    uint32_t y = ((const struct fed_roster_member *)b)->number;
    return (x > y) - (x < y);
}

enum pn_status
cli_roster_write(const char *path, const struct fed_roster *roster, struct pn_error *why)
{
    struct pn_buffer   text;
    struct fed_roster *again = NULL;
    pn_buffer_init(&text, ROSTER_MAX);
    enum pn_status st = fed_roster_encode(&text, roster);
    /* Read back what is about to be signed: every rule of a roster holds, or nothing is written. */
    if (st == PN_OK)
        st = fed_roster_parse(&again, path, (const char *)text.bytes, text.size, why);
    if (st == PN_OK)
        st = store_file_save(path, text.bytes, text.size, 0644, why);
    fed_roster_free(again);
    pn_buffer_fini(&text);
    return st;
}

enum pn_status
cli_roster_sign_with(const char *path, const char *signer, const struct sec_sign_secret *root,
                     struct pn_error *why)
{
    char               name[PATH_SIZE], comment[160];
    struct pn_buffer   text, signature;
    struct fed_roster *roster = NULL;
    pn_buffer_init(&text, ROSTER_MAX);
    pn_buffer_init(&signature, 1024);
    enum pn_status st = store_file_load(&text, path, why);
    if (st == PN_OK)
        st = fed_roster_parse(&roster, path, (const char *)text.bytes, text.size, why);
    if (st == PN_OK) {
        snprintf(comment, sizeof comment, "panal roster %s epoch %u signed by %s",
                 roster->federation, roster->epoch, signer);
        st = sec_minisign_sign(&signature, text.bytes, text.size, comment, root);
    }
    if (st == PN_OK) {
        int len = snprintf(name, sizeof name, "%s.%s.minisig", path, signer);
        st      = len < 0 || (size_t)len >= sizeof name
                      ? pn_error_set(why, PN_ECONFIG, "%s: this path is too long", path)
                      : store_file_save(name, signature.bytes, signature.size, 0644, why);
    }
    fed_roster_free(roster);
    pn_buffer_fini(&signature);
    pn_buffer_fini(&text);
    return st;
}

struct fed_roster *
cli_roster_new(uint32_t member_max)
{
    return calloc(1, sizeof(struct fed_roster) + member_max * sizeof(struct fed_roster_member));
}

/* ---- create ---- */

struct create_options {
    char               *federation, *endpoint, *mode, *quorum, *out;
    struct pn_text_list signers;
    uint32_t            threshold, days;
};

static const struct pn_option create_table[] = {
    {"federation", NULL, PN_OPT_TEXT, offsetof(struct create_options, federation), 1, 31,
     "short name of the consortium"},
    {"endpoint", NULL, PN_OPT_TEXT, offsetof(struct create_options, endpoint), 1, 255,
     "where nodes reach the coordinator, tcp://host:port; in a swarm each join file says its own"},
    {"mode", "coordinator", PN_OPT_TEXT, offsetof(struct create_options, mode), 1, 16,
     "who makes the rounds: a coordinator, or with swarm the members themselves"},
    {"quorum", "bft", PN_OPT_TEXT, offsetof(struct create_options, quorum), 1, 16,
     "of a swarm: bft (less than a third may lie) or majority (nobody may lie; for three members)"},
    {"signer", NULL, PN_OPT_LIST, offsetof(struct create_options, signers), 0, 0,
     "member whose root key signs rosters; repeatable; default: every node"},
    {"threshold", "0", PN_OPT_U32, offsetof(struct create_options, threshold), 0, 64,
     "how many signers make a roster; 0: more than half"},
    {"days", "365", PN_OPT_U32, offsetof(struct create_options, days), 1, 3660,
     "how long this epoch is valid"},
    {"out", "federation.yaml", PN_OPT_TEXT, offsetof(struct create_options, out), 1, 4000,
     "the file to write"},
    {0},
};

static enum pn_status
choose_signers(struct fed_roster *roster, const struct pn_text_list *names, uint32_t threshold,
               struct pn_error *why)
{
    uint32_t count = 0;
    for (size_t i = 0; i < names->count; i++) {
        bool found = false;
        for (uint32_t m = 0; m < roster->member_count; m++)
            if (strcmp(roster->members[m].name, names->items[i]) == 0)
                found = roster->members[m].signer = true;
        if (!found)
            return pn_error_set(why, PN_ECONFIG, "--signer %s: no join file has this name",
                                names->items[i]);
    }
    for (uint32_t m = 0; m < roster->member_count; m++) {
        if (names->count == 0)
            roster->members[m].signer = roster->members[m].role == FED_ROLE_NODE;
        count += roster->members[m].signer;
    }
    roster->threshold = threshold != 0 ? threshold : count / 2 + 1;
    return PN_OK;
}

static enum pn_status
add_join(struct fed_roster *roster, const char *path, uint32_t number, struct pn_error *why)
{
    struct fed_roster_member member = {.number = 0};
    enum pn_status           st     = cli_join_load(&member, path, why);
    if (st != PN_OK)
        return st;
    member.number = number;
    if (member.role == FED_ROLE_COORDINATOR)
        roster->coordinator = number;
    roster->members[roster->member_count++] = member;
    return PN_OK;
}

static enum pn_status
choose_mode(struct fed_roster *roster, const struct create_options *options, struct pn_error *why)
{
    bool swarm = strcmp(options->mode, "swarm") == 0, given = options->endpoint != NULL;
    bool majority = strcmp(options->quorum, "majority") == 0;
    if (!swarm && strcmp(options->mode, "coordinator") != 0)
        return pn_error_set(why, PN_ECONFIG, "--mode: expected coordinator or swarm, seen \"%s\"",
                            options->mode);
    if (!majority && strcmp(options->quorum, "bft") != 0)
        return pn_error_set(why, PN_ECONFIG, "--quorum: expected bft or majority, seen \"%s\"",
                            options->quorum);
    if (swarm == given)
        return pn_error_set(why, PN_ECONFIG,
                            swarm ? "--endpoint: not with --mode swarm; a join file says where its "
                                    "member is reached (panal keys create --endpoint)"
                                  : "--endpoint: expected where nodes reach the coordinator");
    if (!swarm && majority)
        return pn_error_set(why, PN_ECONFIG, "--quorum: only with --mode swarm");
    roster->mode   = swarm ? FED_MODE_SWARM : FED_MODE_COORDINATOR;
    roster->quorum = majority ? FED_QUORUM_MAJORITY : FED_QUORUM_BFT;
    if (given)
        snprintf(roster->endpoint, sizeof roster->endpoint, "%s", options->endpoint);
    return PN_OK;
}

static void
print_next_step(const char *path, const struct fed_roster *roster)
{
    printf("wrote %s: federation %s, epoch %u, %u members; it needs %u signatures:\n", path,
           roster->federation, roster->epoch, roster->member_count, roster->threshold);
    for (uint32_t i = 0; i < roster->member_count; i++)
        if (roster->members[i].signer)
            printf("  panal roster sign %s --name %s --keys DIR-OF-%s\n", path,
                   roster->members[i].name, roster->members[i].name);
}

static enum pn_status
create(const struct create_options *options, const struct cli_arguments *words,
       struct pn_error *why)
{
    struct fed_roster *roster = cli_roster_new((uint32_t)words->word_count);
    if (roster == NULL)
        return PN_ENOMEM;
    snprintf(roster->federation, sizeof roster->federation, "%s", options->federation);
    roster->epoch     = 1;
    roster->issued    = net_wall_ms() / 1000;
    roster->expires   = roster->issued + (uint64_t)options->days * 86400;
    enum pn_status st = choose_mode(roster, options, why);
    for (size_t i = 0; st == PN_OK && i < words->word_count; i++)
        st = add_join(roster, words->words[i], (uint32_t)i + 1, why);
    if (st == PN_OK)
        st = choose_signers(roster, &options->signers, options->threshold, why);
    if (st == PN_OK)
        st = cli_roster_write(options->out, roster, why);
    if (st == PN_OK)
        print_next_step(options->out, roster);
    free(roster);
    return st;
}

int
cli_roster_create(int argc, char **argv)
{
    struct create_options options;
    struct cli_arguments  words = {.noun      = "roster",
                                   .verb      = "create",
                                   .needed    = {"federation"},
                                   .words_min = 2,
                                   .words_max = CLI_WORDS_MAX};
    int                   code;
    if (!cli_parse(&options, create_table, &words, argc, argv, &code))
        return code;
    struct pn_error why = {.text = ""};
    enum pn_status  st  = create(&options, &words, &why);
    pn_options_fini(&options, create_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}

/* ---- next ---- */

struct next_options {
    struct pn_text_list add, remove;
    char               *out, *endpoint;
    uint32_t            days;
};

static const struct pn_option next_table[] = {
    {"add", NULL, PN_OPT_LIST, offsetof(struct next_options, add), 0, 0,
     "join file of a new member, or of one whose keys are renewed; repeatable"},
    {"remove", NULL, PN_OPT_LIST, offsetof(struct next_options, remove), 0, 0,
     "name of a member to revoke; repeatable"},
    {"endpoint", NULL, PN_OPT_TEXT, offsetof(struct next_options, endpoint), 1, 255,
     "a new address of the coordinator"},
    {"days", "365", PN_OPT_U32, offsetof(struct next_options, days), 1, 3660,
     "how long this epoch is valid"},
    {"out", NULL, PN_OPT_TEXT, offsetof(struct next_options, out), 1, 4000,
     "the file to write (default: over the old one; its signatures no longer fit)"},
    {0},
};

static enum pn_status
remove_member(struct fed_roster *roster, const char *name, struct pn_error *why)
{
    for (uint32_t i = 0; i < roster->member_count; i++) {
        if (strcmp(roster->members[i].name, name) != 0)
            continue;
        memmove(&roster->members[i], &roster->members[i + 1],
                (roster->member_count - i - 1) * sizeof roster->members[0]);
        roster->member_count--;
        return PN_OK;
    }
    return pn_error_set(why, PN_ENOENT, "--remove %s: no member has this name", name);
}

/* A join file of a known name renews its keys under its old number; numbers are never reused. */
static enum pn_status
add_member(struct fed_roster *roster, const char *path, struct pn_error *why)
{
    struct fed_roster_member member = {.number = 0};
    enum pn_status           st     = cli_join_load(&member, path, why);
    if (st != PN_OK)
        return st;
    for (uint32_t i = 0; i < roster->member_count; i++) {
        struct fed_roster_member *old = &roster->members[i];
        if (strcmp(old->name, member.name) != 0)
            continue;
        member.number = old->number;
        member.signer = old->signer;
        *old          = member;
        return PN_OK;
    }
    member.number                           = ++roster->last_number;
    member.signer                           = member.role == FED_ROLE_NODE;
    roster->members[roster->member_count++] = member;
    return PN_OK;
}

static enum pn_status
make_next(const struct fed_roster *old, const struct next_options *options, const char *path,
          struct pn_error *why)
{
    struct fed_roster *roster = cli_roster_new(old->member_count + (uint32_t)options->add.count);
    if (roster == NULL)
        return PN_ENOMEM;
    enum pn_status st = PN_OK;
    memcpy(roster, old, sizeof *old + old->member_count * sizeof old->members[0]);
    fed_roster_follow(roster, old);
    roster->issued  = net_wall_ms() / 1000;
    roster->expires = roster->issued + (uint64_t)options->days * 86400;
    if (options->endpoint != NULL)
        snprintf(roster->endpoint, sizeof roster->endpoint, "%s", options->endpoint);
    for (size_t i = 0; st == PN_OK && i < options->remove.count; i++)
        st = remove_member(roster, options->remove.items[i], why);
    for (size_t i = 0; st == PN_OK && i < options->add.count; i++)
        st = add_member(roster, options->add.items[i], why);
    uint32_t signers = 0;
    for (uint32_t i = 0; i < roster->member_count; i++)
        signers += roster->members[i].signer;
    if (roster->threshold > signers)
        roster->threshold = signers;
    if (st == PN_OK) {
        qsort(roster->members, roster->member_count, sizeof roster->members[0], by_number);
        st = fed_roster_check_next(roster, old, why);
    }
    if (st == PN_OK) {
        st = cli_roster_write(options->out != NULL ? options->out : path, roster, why);
    }
    if (st == PN_OK) {
        print_next_step(options->out != NULL ? options->out : path, roster);
        printf("%u of them must be signers of epoch %u\n", old->threshold, old->epoch);
    }
    free(roster);
    return st;
}

int
cli_roster_next(int argc, char **argv)
{
    struct next_options  options;
    struct cli_arguments words = {.noun = "roster", .verb = "next", .words_min = 1, .words_max = 1};
    int                  code;
    if (!cli_parse(&options, next_table, &words, argc, argv, &code))
        return code;
    struct pn_error           why = {.text = ""};
    struct engine_roster_file file;
    enum pn_status            st = engine_roster_load(&file, words.words[0], &why);
    if (st == PN_OK) {
        st = make_next(file.roster, &options, words.words[0], &why);
        engine_roster_fini(&file);
    }
    pn_options_fini(&options, next_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}

/* ---- sign, show ---- */

struct sign_options {
    char *keys, *name;
};

static const struct pn_option sign_table[] = {
    {"keys", "keys", PN_OPT_TEXT, offsetof(struct sign_options, keys), 1, 4000,
     "folder with root.key"},
    {"name", NULL, PN_OPT_TEXT, offsetof(struct sign_options, name), 1, 31,
     "the signer (default: the member that has this root key)"},
    {0},
};

static enum pn_status
sign(const char *path, const struct sign_options *options, struct pn_error *why)
{
    struct pn_buffer       text;
    struct fed_roster     *roster = NULL;
    struct sec_sign_public public_key;
    struct sec_sign_secret secret = {.bytes = {0}};
    const char            *signer = options->name;
    pn_buffer_init(&text, ROSTER_MAX);
    enum pn_status st = store_file_load(&text, path, why);
    if (st == PN_OK)
        st = fed_roster_parse(&roster, path, (const char *)text.bytes, text.size, why);
    if (st == PN_OK)
        st = cli_root_load(&public_key, &secret, options->keys, why);
    for (uint32_t i = 0; st == PN_OK && signer == NULL && i < roster->member_count; i++)
        if (sec_equal(roster->members[i].root.bytes, public_key.bytes, sizeof public_key.bytes))
            signer = roster->members[i].name;
    if (st == PN_OK && signer == NULL)
        st = pn_error_set(
            why, PN_EAUTH,
            "%s/root.key belongs to no member of %s; a revoked signer of the epoch before "
            "signs with --name",
            options->keys, path);
    if (st == PN_OK)
        st = cli_roster_sign_with(path, signer, &secret, why);
    if (st == PN_OK)
        printf("wrote %s.%s.minisig\n", path, signer);
    sec_sign_wipe(&secret);
    fed_roster_free(roster);
    pn_buffer_fini(&text);
    return st;
}

int
cli_roster_sign(int argc, char **argv)
{
    struct sign_options  options;
    struct cli_arguments words = {.noun = "roster", .verb = "sign", .words_min = 1, .words_max = 1};
    int                  code;
    if (!cli_parse(&options, sign_table, &words, argc, argv, &code))
        return code;
    struct pn_error why = {.text = ""};
    enum pn_status  st  = sign(words.words[0], &options, &why);
    pn_options_fini(&options, sign_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}

struct show_options {
    bool json;
};
static const struct pn_option show_table[] = {
    {"json", "no", PN_OPT_FLAG, offsetof(struct show_options, json), 0, 0,
     "print JSON instead of text"},
    {0},
};

static void
show_text(const struct fed_roster *roster, const char *fingerprint, uint64_t now)
{
    char issued[FED_TIME_SIZE], expires[FED_TIME_SIZE], until[FED_TIME_SIZE];
    fed_time_text(issued, roster->issued);
    fed_time_text(expires, roster->expires);
    printf("federation %s, epoch %u, signed by at least %u of its signers\n  issued   %s\n"
           "  expires  %s\n",
           roster->federation, roster->epoch, roster->threshold, issued, expires);
    if (roster->mode == FED_MODE_SWARM)
        printf("  mode     swarm, quorum %s: %u of %u members decide\n",
               roster->quorum == FED_QUORUM_MAJORITY ? "majority" : "bft",
               fed_roster_quorum(roster, NULL), roster->member_count);
    else
        printf("  endpoint %s\n", roster->endpoint);
    printf("  trust    %s\n", fingerprint);
    for (uint32_t i = 0; i < roster->member_count; i++) {
        const struct fed_roster_member *member = &roster->members[i];
        fed_time_text(until, member->certificate.not_after);
        printf("  %4u  %-20s %-11s %s  certificate until %s  %s%s%s%s\n", member->number,
               member->name, member->role == FED_ROLE_NODE ? "node" : "coordinator",
               member->signer ? "signer" : "      ", until, member->organisation,
               member->endpoint[0] != '\0' ? "  " : "", member->endpoint,
               fed_roster_check_member(member, now, NULL) == PN_OK ? "" : "  NOT VALID NOW");
    }
}

static enum pn_status
show_json(const struct fed_roster *roster, const char *fingerprint)
{
    struct text_json *json;
    enum pn_status    st = text_json_new(&json);
    if (st != PN_OK)
        return st;
    text_json_string(json, "federation", roster->federation);
    text_json_u64(json, "epoch", roster->epoch);
    text_json_hex(json, "hash", roster->hash.bytes, 32);
    text_json_string(json, "trust", fingerprint);
    text_json_u64(json, "issued", roster->issued);
    text_json_u64(json, "expires", roster->expires);
    text_json_string(json, "mode", roster->mode == FED_MODE_SWARM ? "swarm" : "coordinator");
    if (roster->mode == FED_MODE_SWARM)
        text_json_u64(json, "decide", fed_roster_quorum(roster, NULL));
    text_json_string(json, "endpoint", roster->endpoint);
    text_json_open_list(json, "members");
    for (uint32_t i = 0; i < roster->member_count; i++) {
        const struct fed_roster_member *member = &roster->members[i];
        text_json_open_map(json, NULL);
        text_json_u64(json, "number", member->number);
        text_json_string(json, "name", member->name);
        text_json_string(json, "organisation", member->organisation);
        text_json_string(json, "endpoint", member->endpoint);
        text_json_bool(json, "coordinator", member->role == FED_ROLE_COORDINATOR);
        text_json_bool(json, "signer", member->signer);
        text_json_u64(json, "certificate_until", member->certificate.not_after);
        text_json_close(json);
    }
    text_json_close(json);
    st = text_json_write(json, stdout);
    text_json_free(json);
    return st;
}

int
cli_roster_show(int argc, char **argv)
{
    struct show_options  options;
    struct cli_arguments words = {.noun = "roster", .verb = "show", .words_min = 1, .words_max = 1};
    int                  code;
    if (!cli_parse(&options, show_table, &words, argc, argv, &code))
        return code;
    struct pn_error           why = {.text = ""};
    struct engine_roster_file file;
    enum pn_status            st = engine_roster_load(&file, words.words[0], &why);
    if (st == PN_OK) {
        char     fingerprint[SEC_FINGERPRINT_SIZE];
        uint64_t now = net_wall_ms() / 1000;
        fed_roster_fingerprint(fingerprint, file.roster);
        if (options.json)
            st = show_json(file.roster, fingerprint);
        else
            show_text(file.roster, fingerprint, now);
        if (st == PN_OK)
            st = fed_roster_check_time(file.roster, now, &why);
        engine_roster_fini(&file);
    }
    pn_options_fini(&options, show_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}
