#include "cli/keys.h"
#include "cli/lab.h"
#include "cli/roster.h"
#include "net/loop.h"
#include "store/files.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char marker[] = "panal-laboratory";

static enum pn_status
join(char out[static CLI_PATH_SIZE], const char *folder, const char *name, const char *rest,
     struct pn_error *why)
{
    int len = snprintf(out, CLI_PATH_SIZE, "%s/%s%s", folder, name, rest);
    return len > 0 && len < CLI_PATH_SIZE
               ? PN_OK
               : pn_error_set(why, PN_ECONFIG, "%s: this path is too long", folder);
}

/* ---- the folder ---- */

static int
remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static enum pn_status
make_folder(const char *folder, struct pn_error *why)
{
    char           path[CLI_PATH_SIZE];
    struct stat    status;
    enum pn_status st = join(path, folder, marker, "", why);
    if (st != PN_OK)
        return st;
    if (lstat(folder, &status) == 0) {
        if (access(path, F_OK) != 0 && rmdir(folder) != 0)
            return pn_error_set(why, PN_EEXIST,
                                "%s exists and is not a laboratory of panal; choose another --out",
                                folder);
        if (access(path, F_OK) == 0 && nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
            return pn_error_set(why, PN_EIO, "%s: the older laboratory cannot be removed: %s",
                                folder, strerror(errno));
    }
    if ((st = store_folder_make(folder, why)) != PN_OK)
        return st;
    return store_file_save(path, "", 0, 0644, why);
}

/* ---- keys and roster ---- */

static enum pn_status
make_member(struct fed_roster *roster, const char *folder, const char *name,
            const char *organisation, enum fed_role role, struct pn_error *why)
{
    char                     keys[CLI_PATH_SIZE];
    struct fed_roster_member member = {.number = 0};
    enum pn_status           st     = join(keys, folder, name, "/keys", why);
    if (st == PN_OK)
        st = cli_keys_make(&member,
                           &(struct cli_keys_wish){.folder       = keys,
                                                   .name         = name,
                                                   .organisation = organisation,
                                                   .role         = role,
                                                   .now          = net_wall_ms() / 1000,
                                                   .days         = 30},
                           why);
    if (st != PN_OK)
        return st;
    /* Nodes begin with 2 in a swarm, too: a member's number seeds its training. */
    member.number = role == FED_ROLE_COORDINATOR ? 1
                    : roster->member_count == 0
                        ? 2
                        : roster->members[roster->member_count - 1].number + 1;
    member.signer = role == FED_ROLE_NODE;
    if (role == FED_ROLE_COORDINATOR)
        roster->coordinator = member.number;
    roster->members[roster->member_count++] = member;
    return PN_OK;
}

static enum pn_status
sign_all(const char *path, const char *folder, const struct engine_sites *sites, uint32_t threshold,
         struct pn_error *why)
{
    enum pn_status st = PN_OK;
    for (uint32_t i = 0; st == PN_OK && i < threshold; i++) {
        char                   keys[CLI_PATH_SIZE];
        struct sec_sign_public public_key;
        struct sec_sign_secret secret;
        st = join(keys, folder, sites->items[i].name, "/keys", why);
        if (st == PN_OK)
            st = cli_root_load(&public_key, &secret, keys, why);
        if (st == PN_OK)
            st = cli_roster_sign_with(path, sites->items[i].name, &secret, why);
        sec_sign_wipe(&secret);
    }
    return st;
}

/* Every member of a laboratory's swarm has a loopback address of its own (127.0.0.0/8), so that no
 * port has to be found free. */
static void
place_members(struct fed_roster *roster)
{
    unsigned key = (unsigned)getpid() % 64000;
    for (uint32_t i = 0; i < roster->member_count; i++)
        snprintf(roster->members[i].endpoint, sizeof roster->members[i].endpoint,
                 "tcp://127.%u.%u.%u:7400", 1 + key / 256, key % 256, 1 + i % 254);
}

static enum pn_status
make_roster(char fingerprint[static SEC_FINGERPRINT_SIZE], const char *folder, enum fed_mode mode,
            const struct engine_sites *sites, struct pn_error *why)
{
    char               path[CLI_PATH_SIZE];
    struct fed_roster *roster = cli_roster_new((uint32_t)sites->count + 1);
    if (roster == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for the roster");
    snprintf(roster->federation, sizeof roster->federation, "laboratory");
    roster->mode = mode;
    /* The coordinator takes a free port and tells the nodes: --connect overrides this. */
    if (mode == FED_MODE_COORDINATOR)
        snprintf(roster->endpoint, sizeof roster->endpoint, "tcp://127.0.0.1:7400");
    roster->epoch     = 1;
    roster->issued    = net_wall_ms() / 1000 - 60;
    roster->expires   = roster->issued + 30 * 86400;
    enum pn_status st = PN_OK;
    if (mode == FED_MODE_COORDINATOR)
        st = make_member(roster, folder, "hub", "Laboratory", FED_ROLE_COORDINATOR, why);
    for (size_t i = 0; st == PN_OK && i < sites->count; i++)
        st = make_member(roster, folder, sites->items[i].name, sites->items[i].organisation,
                         FED_ROLE_NODE, why);
    uint32_t possible =
        sites->count < FED_SIGNATURES_MAX ? (uint32_t)sites->count : (uint32_t)FED_SIGNATURES_MAX;
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < roster->member_count; i++)
        roster->members[i].signer = roster->members[i].role == FED_ROLE_NODE && nodes++ < possible;
    if (mode == FED_MODE_SWARM)
        place_members(roster);
    roster->threshold = possible / 2 + 1;
    if (st == PN_OK)
        st = join(path, folder, "federation.yaml", "", why);
    if (st == PN_OK)
        st = cli_roster_write(path, roster, why);
    if (st == PN_OK)
        st = sign_all(path, folder, sites, roster->threshold, why);
    fed_roster_fingerprint(fingerprint, roster);
    free(roster);
    return st;
}

/* ---- node.yaml ---- */

/* A YAML double-quoted scalar. */
static enum pn_status
put_quoted(struct pn_buffer *out, const char *text)
{
    enum pn_status st = pn_buffer_append(out, "\"", 1);
    for (const char *c = text; st == PN_OK && *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            st = pn_buffer_append(out, "\\", 1);
        if (st == PN_OK)
            st = pn_buffer_append(out, c, 1);
    }
    return st == PN_OK ? pn_buffer_append(out, "\"", 1) : st;
}

/* Absolute, so that the file works from anywhere. */
static enum pn_status
put_path(struct pn_buffer *out, const char *path, struct pn_error *why)
{
    char whole[CLI_PATH_SIZE];
    if (realpath(path, whole) == NULL)
        return pn_error_set(why, PN_ENOENT, "%s: %s", path, strerror(errno));
    return put_quoted(out, whole);
}

static enum pn_status
put_data(struct pn_buffer *out, const struct data_source *source, struct pn_error *why)
{
    enum pn_status st = pn_buffer_printf(out, "data:\n  files:\n");
    for (size_t i = 0; st == PN_OK && i < source->file_count; i++) {
        st = pn_buffer_printf(out, "    - ");
        if (st == PN_OK)
            st = put_path(out, source->files[i], why);
        if (st == PN_OK)
            st = pn_buffer_append(out, "\n", 1);
    }
    for (size_t i = 0; st == PN_OK && i < 2 && source->arrays[i] != NULL; i++) {
        st = pn_buffer_printf(out, i == 0 ? "  arrays:\n    - " : "    - ");
        if (st == PN_OK)
            st = put_quoted(out, source->arrays[i]);
        if (st == PN_OK)
            st = pn_buffer_append(out, "\n", 1);
    }
    if (st == PN_OK && source->share != DATA_SHARE_ALL)
        st = pn_buffer_printf(out, "  share: { of: %u, number: %u, kind: %s, seed: %llu }\n",
                              source->share_of, source->share_number,
                              data_share_names[source->share],
                              (unsigned long long)source->share_seed);
    return st;
}

static enum pn_status
make_node_config(const char *folder, enum fed_mode mode, const struct engine_site *site,
                 const char *fingerprint, struct pn_error *why)
{
    char             path[CLI_PATH_SIZE];
    struct pn_buffer text;
    pn_buffer_init(&text, 1u << 20);
    enum pn_status st = join(path, folder, site->name, "/node.yaml", why);
    if (st == PN_OK)
        st = pn_buffer_printf(&text,
                              "# written by panal lab run\nfederation: ../federation.yaml\n"
                              "trust: %s\nkeys: keys\nstate: state\n",
                              fingerprint);
    if (st == PN_OK && mode == FED_MODE_SWARM)
        st = pn_buffer_printf(&text, "job: ../job.yaml\nkeep-updates: 0\n");
    if (st == PN_OK)
        st = put_data(&text, &site->source, why);
    if (st == PN_OK)
        st = store_file_save(path, text.bytes, text.size, 0644, why);
    pn_buffer_fini(&text);
    return st;
}

static enum pn_status
make_hub_config(const char *folder, const char *fingerprint, struct pn_error *why)
{
    char             path[CLI_PATH_SIZE];
    struct pn_buffer text;
    pn_buffer_init(&text, 4096);
    enum pn_status st = join(path, folder, "hub", "/coordinator.yaml", why);
    if (st == PN_OK)
        st = pn_buffer_printf(&text,
                              "# written by panal lab run\nfederation: ../federation.yaml\n"
                              "trust: %s\nkeys: keys\nstate: state\njob: ../job.yaml\n"
                              "listen: tcp://127.0.0.1:0\nkeep-updates: 0\n",
                              fingerprint);
    if (st == PN_OK)
        st = store_file_save(path, text.bytes, text.size, 0644, why);
    pn_buffer_fini(&text);
    return st;
}

enum pn_status
cli_lab_prepare(const char *folder, enum fed_mode mode, const struct engine_job *job,
                const struct engine_sites *sites, struct pn_error *why)
{
    char           fingerprint[SEC_FINGERPRINT_SIZE], path[CLI_PATH_SIZE];
    enum pn_status st = make_folder(folder, why);
    if (st == PN_OK)
        st = make_roster(fingerprint, folder, mode, sites, why);
    if (st == PN_OK)
        st = join(path, folder, "job.yaml", "", why);
    if (st == PN_OK)
        st = store_file_save(path, job->job->text, job->job->text_size, 0644, why);
    if (st == PN_OK && mode == FED_MODE_COORDINATOR)
        st = make_hub_config(folder, fingerprint, why);
    for (size_t i = 0; st == PN_OK && i < sites->count; i++)
        st = make_node_config(folder, mode, &sites->items[i], fingerprint, why);
    return st;
}
