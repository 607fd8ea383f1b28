/*
 * panal keys -- create: make an organisation's keys; renew: new ones for its daemon; show: what a
 * join file asks for.
 */
#include "cli/keys.h"

#include "cli/command.h"
#include "net/loop.h"
#include "store/files.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PATH_SIZE       = 4096,
    JOIN_MAX        = 8192,
    PASSPHRASE_SIZE = 256
};

static enum pn_status
path_of(char out[static PATH_SIZE], const char *folder, const char *name, const char *ending,
        struct pn_error *why)
{
    int len = snprintf(out, PATH_SIZE, "%s/%s.%s", folder, name, ending);
    if (len < 0 || len >= PATH_SIZE)
        return pn_error_set(why, PN_ECONFIG, "%s: this path is too long", folder);
    return PN_OK;
}

static enum pn_status
save_key(const char *folder, const char *kind, const void *public_key, const void *secret,
         size_t secret_size, const char *passphrase, struct pn_error *why)
{
    char             path[PATH_SIZE];
    struct pn_buffer text;
    pn_buffer_init(&text, SEC_KEY_FILE_MAX);
    enum pn_status st = path_of(path, folder, kind, "key", why);
    if (st == PN_OK)
        st = sec_key_encode(&text, kind, public_key, secret, secret_size, passphrase);
    if (st == PN_OK)
        st = store_file_save(path, text.bytes, text.size, 0600, why);
    if (text.bytes != NULL)
        sec_wipe(text.bytes, text.capacity);
    pn_buffer_fini(&text);
    return st;
}

static enum pn_status
check_absent(const char *folder, const char *name, const char *ending, struct pn_error *why)
{
    char           path[PATH_SIZE];
    enum pn_status st = path_of(path, folder, name, ending, why);
    if (st == PN_OK && access(path, F_OK) == 0)
        st = pn_error_set(why, PN_EEXIST,
                          "%s exists already, and keys are never overwritten; choose another "
                          "folder, or move it away",
                          path);
    return st;
}

static enum pn_status
save_join(const char *folder, const struct fed_roster_member *member, struct pn_error *why)
{
    char             path[PATH_SIZE];
    struct pn_buffer text;
    pn_buffer_init(&text, JOIN_MAX);
    enum pn_status st = path_of(path, folder, member->name, "join", why);
    if (st == PN_OK)
        st = fed_join_encode(&text, member);
    if (st == PN_OK)
        st = store_file_save(path, text.bytes, text.size, 0644, why);
    pn_buffer_fini(&text);
    return st;
}

/* Nothing of what make_daemon_keys writes is there: keys are never overwritten. */
static enum pn_status
check_daemon_absent(const char *folder, const char *name, struct pn_error *why)
{
    enum pn_status st = check_absent(folder, "node", "key", why);
    if (st == PN_OK)
        st = check_absent(folder, "transport", "key", why);
    return st == PN_OK ? check_absent(folder, name, "join", why) : st;
}

/* The keys that the daemon works with, and the join file that asks for them: what else `member`
 * says stays as it is. */
static enum pn_status
make_daemon_keys(struct fed_roster_member *member, const struct sec_sign_secret *root,
                 const char *folder, uint64_t now, uint64_t days, struct pn_error *why)
{
    struct sec_sign_secret      node;
    struct sec_transport_secret transport;
    struct sec_certificate     *certificate = &member->certificate;
    enum pn_status              st          = store_folder_make(folder, why);
    if (st == PN_OK)
        st = check_daemon_absent(folder, member->name, why);
    if (st != PN_OK)
        return st;
    sec_sign_new(&certificate->node, &node);
    sec_transport_new(&certificate->transport, &transport);
    certificate->serial++;
    certificate->not_before = now - now % 60 - 300; /* clocks of partners differ by minutes */
    certificate->not_after  = now + days * 86400;
    snprintf(certificate->name, sizeof certificate->name, "%s", member->name);
    sec_certificate_sign(certificate, root);
    st = save_key(folder, "node", &certificate->node, node.bytes, sizeof node.bytes, NULL, why);
    if (st == PN_OK)
        st = save_key(folder, "transport", &certificate->transport, transport.bytes,
                      sizeof transport.bytes, NULL, why);
    if (st == PN_OK)
        st = save_join(folder, member, why);
    sec_sign_wipe(&node);
    sec_transport_wipe(&transport);
    return st;
}

enum pn_status
cli_keys_make(struct fed_roster_member *member, const struct cli_keys_wish *wish,
              struct pn_error *why)
{
    if (!sec_name_is_valid(wish->name))
        return pn_error_set(
            why, PN_ECONFIG,
            "the name \"%s\" is not usable: 1 to 31 of a-z, 0-9 and -, a letter first", wish->name);
    struct sec_sign_secret   root;
    struct fed_roster_member made = {.role = wish->role};
    enum pn_status           st   = store_folder_make(wish->folder, why);
    if (st == PN_OK)
        st = check_absent(wish->folder, "root", "key", why);
    if (st == PN_OK) /* before anything is written */
        st = check_daemon_absent(wish->folder, wish->name, why);
    if (st != PN_OK)
        return st;
    sec_sign_new(&made.root, &root);
    snprintf(made.name, sizeof made.name, "%s", wish->name);
    snprintf(made.organisation, sizeof made.organisation, "%s", wish->organisation);
    if (wish->endpoint != NULL)
        snprintf(made.endpoint, sizeof made.endpoint, "%s", wish->endpoint);
    st = save_key(wish->folder, "root", &made.root, root.bytes, sizeof root.bytes, wish->passphrase,
                  why);
    if (st == PN_OK)
        st = make_daemon_keys(&made, &root, wish->folder, wish->now, wish->days, why);
    sec_sign_wipe(&root);
    if (st == PN_OK && member != NULL)
        *member = made;
    return st;
}

static bool
is_sealed(const struct pn_buffer *text)
{
    static const char mark[] = "\nsealed ";
    const size_t      len    = sizeof mark - 1;
    for (size_t at = 0; at + len <= text->size; at++)
        if (memcmp(text->bytes + at, mark, len) == 0)
            return true;
    return false;
}

enum pn_status
cli_root_load(struct sec_sign_public *public_key, struct sec_sign_secret *secret,
              const char *folder, struct pn_error *why)
{
    char             path[PATH_SIZE], passphrase[PASSPHRASE_SIZE] = "", prompt[PATH_SIZE + 32];
    struct pn_buffer text;
    pn_buffer_init(&text, SEC_KEY_FILE_MAX);
    enum pn_status st = path_of(path, folder, "root", "key", why);
    if (st == PN_OK)
        st = store_secret_load(&text, path, why);
    if (st == PN_OK) {
        bool sealed = is_sealed(&text);
        snprintf(prompt, sizeof prompt, "passphrase of %s: ", path);
        if (sealed)
            st = cli_passphrase(passphrase, sizeof passphrase, prompt, false, why);
        if (st == PN_OK)
            st = sec_key_decode(public_key, secret->bytes, sizeof secret->bytes, "root",
                                (const char *)text.bytes, text.size, sealed ? passphrase : NULL,
                                why);
        if (st != PN_OK)
            pn_error_wrap(why, st, "%s", path);
    }
    sec_wipe(passphrase, sizeof passphrase);
    if (text.bytes != NULL)
        sec_wipe(text.bytes, text.capacity);
    pn_buffer_fini(&text);
    return st;
}

enum pn_status
cli_join_load(struct fed_roster_member *out, const char *path, struct pn_error *why)
{
    struct pn_buffer text;
    pn_buffer_init(&text, JOIN_MAX);
    enum pn_status st = store_file_load(&text, path, why);
    if (st == PN_OK)
        st = fed_join_parse(out, path, (const char *)text.bytes, text.size, why);
    pn_buffer_fini(&text);
    return st;
}

/* ---- the commands ---- */

struct create_options {
    char    *name, *organisation, *out, *role, *endpoint;
    uint32_t days;
    bool     sealed;
};

static const struct pn_option create_table[] = {
    {"name", NULL, PN_OPT_TEXT, offsetof(struct create_options, name), 1, 31,
     "short name in the federation, like bank-a"},
    {"organisation", NULL, PN_OPT_TEXT, offsetof(struct create_options, organisation), 1, 95,
     "full name of the organisation"},
    {"role", "node", PN_OPT_TEXT, offsetof(struct create_options, role), 1, 16,
     "node or coordinator"},
    {"endpoint", NULL, PN_OPT_TEXT, offsetof(struct create_options, endpoint), 1,
     FED_ENDPOINT_SIZE - 1,
     "of a swarm's member that others can dial: tcp://host:port; without it, it dials only"},
    {"out", "keys", PN_OPT_TEXT, offsetof(struct create_options, out), 1, 4000,
     "folder for the keys"},
    {"days", "365", PN_OPT_U32, offsetof(struct create_options, days), 1, 3660,
     "how long the certificate is valid"},
    {"sealed", "yes", PN_OPT_FLAG, offsetof(struct create_options, sealed), 0, 0,
     "leave root.key without a passphrase: for tests only"},
    {0},
};

static enum pn_status
create(const struct create_options *options, struct pn_error *why)
{
    char                     passphrase[PASSPHRASE_SIZE];
    struct fed_roster_member member;
    enum pn_status           st          = PN_OK;
    bool                     coordinator = strcmp(options->role, "coordinator") == 0;
    if (!coordinator && strcmp(options->role, "node") != 0)
        return pn_error_set(why, PN_ECONFIG, "--role: expected node or coordinator, seen \"%s\"",
                            options->role);
    if (options->sealed)
        st =
            cli_passphrase(passphrase, sizeof passphrase, "a passphrase for root.key: ", true, why);
    if (st == PN_OK)
        st = cli_keys_make(&member,
                           &(struct cli_keys_wish){
                               .folder       = options->out,
                               .name         = options->name,
                               .organisation = options->organisation,
                               .endpoint     = options->endpoint,
                               .role         = coordinator ? FED_ROLE_COORDINATOR : FED_ROLE_NODE,
                               .passphrase   = options->sealed ? passphrase : NULL,
                               .now          = net_wall_ms() / 1000,
                               .days         = options->days,
                           },
                           why);
    sec_wipe(passphrase, sizeof passphrase);
    if (st != PN_OK)
        return st;

    char fingerprint[SEC_FINGERPRINT_SIZE];
    sec_fingerprint(fingerprint, member.root.bytes, sizeof member.root.bytes);
    printf("keys of %s are in %s/\n"
           "  root.key       %s: keep it offline, a backup too\n"
           "  node.key       for the daemon on this machine\n"
           "  transport.key  for the daemon on this machine\n"
           "  %s.join        public: send it to whoever writes the roster\n"
           "root fingerprint, to be compared by phone:\n  %s\n",
           member.name, options->out,
           options->sealed ? "sealed with your passphrase" : "NOT sealed", member.name,
           fingerprint);
    return PN_OK;
}

int
cli_keys_create(int argc, char **argv)
{
    struct create_options options;
    struct cli_arguments  words = {
         .noun = "keys", .verb = "create", .needed = {"name", "organisation"}};
    int code;
    if (!cli_parse(&options, create_table, &words, argc, argv, &code))
        return code;
    struct pn_error why = {.text = ""};
    enum pn_status  st  = create(&options, &why);
    pn_options_fini(&options, create_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}

struct renew_options {
    char    *keys, *endpoint;
    uint32_t days;
};

static const struct pn_option renew_table[] = {
    {"keys", "keys", PN_OPT_TEXT, offsetof(struct renew_options, keys), 1, 4000,
     "folder with root.key; the new keys go into next/ in it"},
    {"endpoint", NULL, PN_OPT_TEXT, offsetof(struct renew_options, endpoint), 1,
     FED_ENDPOINT_SIZE - 1, "a new address of a swarm's member"},
    {"days", "365", PN_OPT_U32, offsetof(struct renew_options, days), 1, 3660,
     "how long the certificate is valid"},
    {0},
};

static enum pn_status
renew(const char *join, const struct renew_options *options, struct pn_error *why)
{
    char                     folder[PATH_SIZE];
    struct fed_roster_member member;
    struct sec_sign_public   public_key;
    struct sec_sign_secret   root = {.bytes = {0}};
    int                      len  = snprintf(folder, sizeof folder, "%s/next", options->keys);
    if (len < 0 || (size_t)len >= sizeof folder)
        return pn_error_set(why, PN_ECONFIG, "--keys: this path is too long");
    enum pn_status st = cli_join_load(&member, join, why);
    if (st == PN_OK)
        st = cli_root_load(&public_key, &root, options->keys, why);
    if (st == PN_OK && !sec_equal(public_key.bytes, member.root.bytes, sizeof member.root.bytes))
        st = pn_error_set(why, PN_EAUTH, "%s is not of the root key in %s", join, options->keys);
    if (st == PN_OK && options->endpoint != NULL)
        snprintf(member.endpoint, sizeof member.endpoint, "%s", options->endpoint);
    if (st == PN_OK)
        st = make_daemon_keys(&member, &root, folder, net_wall_ms() / 1000, options->days, why);
    sec_sign_wipe(&root);
    if (st == PN_OK)
        printf(
            "new keys of %s are in %s/, certificate %u\n"
            "  %s.join  public: for `panal roster next --add`\n"
            "the daemon takes them by itself once a roster that has them is in force; move them\n"
            "over the old ones afterwards\n",
            member.name, folder, member.certificate.serial, member.name);
    return st;
}

int
cli_keys_renew(int argc, char **argv)
{
    struct renew_options options;
    struct cli_arguments words = {.noun = "keys", .verb = "renew", .words_min = 1, .words_max = 1};
    int                  code;
    if (!cli_parse(&options, renew_table, &words, argc, argv, &code))
        return code;
    struct pn_error why = {.text = ""};
    enum pn_status  st  = renew(words.words[0], &options, &why);
    pn_options_fini(&options, renew_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}

struct show_options {
    bool minisign;
};

static const struct pn_option show_table[] = {
    {"minisign", "no", PN_OPT_FLAG, offsetof(struct show_options, minisign), 0, 0,
     "print only the root key, as a minisign public key file"},
    {0},
};

static void
show_text(const struct fed_roster_member *member)
{
    char fingerprint[SEC_FINGERPRINT_SIZE], until[FED_TIME_SIZE];
    sec_fingerprint(fingerprint, member->root.bytes, sizeof member->root.bytes);
    fed_time_text(until, member->certificate.not_after);
    printf("%s asks to join as a %s\n  name          %s\n  certificate   serial %u, until %s, "
           "signed by "
           "its root\n  root          %s\n",
           member->organisation, member->role == FED_ROLE_NODE ? "node" : "coordinator",
           member->name, member->certificate.serial, until, fingerprint);
}

static enum pn_status
show_minisign(const struct fed_roster_member *member)
{
    struct pn_buffer text;
    pn_buffer_init(&text, JOIN_MAX);
    enum pn_status st = sec_minisign_public(&text, &member->root);
    if (st == PN_OK && fwrite(text.bytes, 1, text.size, stdout) != text.size)
        st = PN_EIO;
    pn_buffer_fini(&text);
    return st;
}

int
cli_keys_show(int argc, char **argv)
{
    struct show_options  options;
    struct cli_arguments words = {.noun = "keys", .verb = "show", .words_min = 1, .words_max = 1};
    int                  code;
    if (!cli_parse(&options, show_table, &words, argc, argv, &code))
        return code;
    struct pn_error          why = {.text = ""};
    struct fed_roster_member member;
    enum pn_status           st = cli_join_load(&member, words.words[0], &why);
    if (st == PN_OK && options.minisign)
        st = show_minisign(&member);
    else if (st == PN_OK)
        show_text(&member);
    pn_options_fini(&options, show_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}
