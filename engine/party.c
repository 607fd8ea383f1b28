#include "engine/party.h"

#include "store/files.h"

#include <stdio.h>
#include <string.h>

enum {
    PATH_SIZE    = 4096,
    ANCHOR_SIZE  = 4 + 32, /* epoch, hash */
    ALONE_MS     = 10000,
    ALONE_MS_MAX = 600000
};

/* ---- which roster is the newest we accepted ---- */

static enum pn_status
load_anchor(struct fed_roster_anchor *out, const struct store_disk *disk)
{
    uint8_t        bytes[ANCHOR_SIZE];
    size_t         size = sizeof bytes;
    enum pn_status st   = disk->get(disk->host, "roster", bytes, &size);
    *out                = (struct fed_roster_anchor){.epoch = 0};
    if (st == PN_ENOENT)
        return PN_OK;
    if (st == PN_OK && size != sizeof bytes)
        st = PN_ECORRUPT;
    if (st != PN_OK)
        return st;
    out->epoch = pn_get_u32(bytes);
    memcpy(out->hash.bytes, bytes + 4, 32);
    return PN_OK;
}

/* The roster is new to us: either a person pinned it, or the signers we trusted so far signed it.
 */
static enum pn_status
check_trust(const struct engine_roster_file *file, const struct engine_party_files *files,
            const struct fed_roster_anchor *anchor, const struct store_disk *disk,
            struct pn_error *why)
{
    if (anchor->epoch == 0) {
        char seen[SEC_FINGERPRINT_SIZE];
        fed_roster_fingerprint(seen, file->roster);
        if (files->trust == NULL || files->trust[0] == '\0')
            return pn_error_set(
                why, PN_EAUTH,
                "%s: no `trust` is configured; its signers' fingerprint is %s: compare "
                "it with the other organisations, then set trust to it",
                files->federation, seen);
        if (strcmp(files->trust, seen) != 0)
            return pn_error_set(why, PN_EAUTH,
                                "%s: expected the signers with fingerprint %s, seen %s",
                                files->federation, files->trust, seen);
        return PN_OK;
    }
    struct engine_roster_file remembered;
    enum pn_status            st = engine_roster_remembered(&remembered, disk, why);
    if (st != PN_OK)
        return st;
    const struct fed_roster *known = remembered.roster;
    /* A crash in `remember` leaves the new text beside the old anchor: it was accepted already. */
    if (!sec_hash_equal(&known->hash, &file->roster->hash)) {
        st = sec_hash_equal(&known->hash, &anchor->hash)
                 ? engine_roster_check(known, files->federation, &file->text, why)
                 : pn_error_set(why, PN_ECORRUPT,
                                "roster.yaml in the state directory is not the roster of epoch %u "
                                "that was accepted before; put the directory back from a copy",
                                anchor->epoch);
    }
    engine_roster_fini(&remembered);
    return st;
}

static enum pn_status
remember(const struct engine_roster_file *file, const struct store_disk *disk)
{
    uint8_t        bytes[ANCHOR_SIZE];
    enum pn_status st = disk->save(disk->host, "roster.yaml", file->text.bytes, file->text.size);
    if (st != PN_OK)
        return st;
    pn_put_u32(bytes, file->roster->epoch);
    memcpy(bytes + 4, file->roster->hash.bytes, 32);
    return disk->put(disk->host, "roster", bytes, sizeof bytes);
}

/* The file is older than what a swarm agreed on since: that is trusted in its place. */
static enum pn_status
go_on_from(struct engine_party *party, const struct fed_roster_anchor *anchor,
           const struct store_disk *disk, struct pn_error *why)
{
    struct engine_roster_file remembered;
    enum pn_status            st = engine_roster_remembered(&remembered, disk, why);
    if (st != PN_OK)
        return st;
    if (fed_roster_names(remembered.roster, &anchor->hash) &&
        fed_roster_names(remembered.roster, &party->file.roster->hash)) {
        engine_roster_fini(&party->file);
        party->file = remembered;
        return PN_OK;
    }
    engine_roster_fini(&remembered);
    return fed_roster_check_anchor(anchor, party->file.roster, why);
}

static enum pn_status
accept_roster(struct engine_party *party, const struct engine_party_files *files,
              const struct store_disk *disk, uint64_t now, struct pn_error *why)
{
    const struct fed_roster *roster = party->file.roster;
    struct fed_roster_anchor anchor;
    enum pn_status           st = load_anchor(&anchor, disk);
    if (st != PN_OK)
        return pn_error_set(why, st, "the state directory does not give the last roster epoch: %s",
                            pn_status_text(st));
    if (roster->mode == FED_MODE_SWARM && roster->epoch < anchor.epoch)
        st = go_on_from(party, &anchor, disk, why);
    else
        st = fed_roster_check_anchor(&anchor, roster, why);
    if (st == PN_OK && party->file.roster->epoch > anchor.epoch)
        st = fed_roster_check_time(party->file.roster, now, why);
    if (st != PN_OK)
        return pn_error_wrap(why, st, "%s", files->federation);
    if (party->file.roster->epoch <= anchor.epoch)
        return PN_OK; /* the very one that was accepted: its hash was compared */
    if ((st = check_trust(&party->file, files, &anchor, disk, why)) != PN_OK)
        return st;
    if ((st = remember(&party->file, disk)) != PN_OK)
        return pn_error_set(why, st, "cannot remember the roster in the state directory: %s",
                            pn_status_text(st));
    return PN_OK;
}

enum pn_status
engine_party_follow(const struct store_disk *disk, struct pn_error *why)
{
    struct engine_roster_file ledger;
    struct fed_roster_anchor  anchor;
    enum pn_status            st = engine_roster_of_ledger(&ledger, disk, why);
    if (st != PN_OK)
        return st == PN_ENOENT ? PN_OK : st;
    st = load_anchor(&anchor, disk);
    if (st == PN_OK && ledger.roster->epoch > anchor.epoch)
        st = remember(&ledger, disk);
    engine_roster_fini(&ledger);
    return st == PN_OK
               ? PN_OK
               : pn_error_set(why, st, "cannot remember the roster in the state directory: %s",
                              pn_status_text(st));
}

/* ---- our keys, and our place in the roster ---- */

static enum pn_status
load_key(void *public_key, void *secret, size_t secret_size, const char *folder, const char *kind,
         struct pn_error *why)
{
    char path[PATH_SIZE];
    int  len = snprintf(path, sizeof path, "%s/%s.key", folder, kind);
    if (len < 0 || (size_t)len >= sizeof path)
        return pn_error_set(why, PN_ECONFIG, "%s: this path is too long", folder);
    struct pn_buffer text;
    pn_buffer_init(&text, SEC_KEY_FILE_MAX);
    enum pn_status st = store_secret_load(&text, path, why);
    if (st == PN_OK) {
        st = sec_key_decode(public_key, secret, secret_size, kind, (const char *)text.bytes,
                            text.size, NULL, why);
        if (st != PN_OK)
            pn_error_wrap(why, st, "%s", path);
    }
    if (text.bytes != NULL)
        sec_wipe(text.bytes, text.capacity);
    pn_buffer_fini(&text);
    return st;
}

/* The keys in one folder, and the member of `roster` that has them; party->self is NULL when none
 * does. */
static enum pn_status
load_keys(struct engine_party *party, const struct fed_roster *roster, const char *folder,
          struct pn_error *why)
{
    struct sec_sign_public node;
    party->self = NULL;
    enum pn_status st =
        load_key(&node, &party->secret, sizeof party->secret.bytes, folder, "node", why);
    if (st == PN_OK)
        st = load_key(&party->transport_public, &party->transport_secret,
                      sizeof party->transport_secret.bytes, folder, "transport", why);
    if (st != PN_OK)
        return st;
    const struct fed_roster_member *found =
        fed_roster_find_transport(roster, &party->transport_public);
    if (found != NULL && sec_equal(found->certificate.node.bytes, node.bytes, sizeof node.bytes))
        party->self = found;
    return PN_OK;
}

/* With the keys in use, or with those that wait for a roster that has them. */
static enum pn_status
find_self(struct engine_party *party, const struct fed_roster *roster, const char *keys,
          struct pn_error *why)
{
    char            next[PATH_SIZE];
    struct pn_error absent;
    enum pn_status  st = load_keys(party, roster, keys, why);
    if (st != PN_OK || party->self != NULL)
        return st;
    int len = snprintf(next, sizeof next, "%s/next", keys);
    if (len < 0 || (size_t)len >= sizeof next)
        return pn_error_set(why, PN_ECONFIG, "%s: this path is too long", keys);
    st = load_keys(party, roster, next, &absent);
    if (st != PN_OK && st != PN_ENOENT)
        *why = absent;
    return st == PN_ENOENT ? PN_OK : st;
}

static enum pn_status
check_role(const struct engine_party *party, const char *federation, enum fed_role role,
           struct pn_error *why)
{
    if (party->self->role == role)
        return PN_OK;
    return pn_error_set(why, PN_EAUTH, "%s: %s is a %s in this roster, not a %s", federation,
                        party->self->name,
                        party->self->role == FED_ROLE_NODE ? "node" : "coordinator",
                        role == FED_ROLE_NODE ? "node" : "coordinator");
}

static void
go_by(struct engine_party *party, const struct engine_roster_file *file)
{
    party->roster = file->roster;
    party->text   = (struct wire_span){file->text.bytes, file->text.size};
}

/* The roster that we go by, and who we are in it. */
static enum pn_status
choose_roster(struct engine_party *party, const struct engine_party_files *files,
              const struct store_disk *disk, struct pn_error *why)
{
    enum pn_status st = PN_ENOENT;
    if (party->file.roster->mode == FED_MODE_SWARM)
        st = engine_roster_of_ledger(&party->ledger, disk, why);
    if (st != PN_OK && st != PN_ENOENT)
        return st;
    bool held  = st == PN_OK;
    bool newer = held && party->ledger.roster->epoch < party->file.roster->epoch;
    const struct engine_roster_file *first =
        held && !(newer && files->joins) ? &party->ledger : &party->file;
    const struct engine_roster_file *other = first == &party->file ? &party->ledger : &party->file;
    go_by(party, first);
    st = find_self(party, party->roster, files->keys, why);
    if (st == PN_OK && party->self == NULL && newer) { /* we have no place in the first */
        go_by(party, other);
        st = find_self(party, party->roster, files->keys, why);
    }
    if (st == PN_OK && party->self == NULL && party->roster == party->ledger.roster)
        return pn_error_set(
            why, PN_EAUTH,
            "epoch %u of the roster, which is in force in the ledger, has no member "
            "with the keys of %s: this member has left, was revoked, or has other "
            "keys now",
            party->roster->epoch, files->keys);
    if (st == PN_OK && party->self == NULL)
        return pn_error_set(why, PN_EAUTH,
                            "%s: no member has the keys of %s; was the join file of these keys "
                            "added to this epoch?",
                            files->federation, files->keys);
    return st;
}

/* The roster that we go by; when a later one is at hand, that may be the one that holds. */
static enum pn_status
check_times(const struct engine_party *party, uint64_t now, struct pn_error *why)
{
    enum pn_status st = fed_roster_check_time(party->roster, now, why);
    if (st != PN_OK && party->file.roster->epoch > party->roster->epoch)
        st = fed_roster_check_time(party->file.roster, now, why);
    return st;
}

/* Ours, and the coordinator's, without whom a node has nobody to talk to. Other members' are the
 * coordinator's to check, one by one. */
static enum pn_status
check_certificates(const struct engine_party *party, const struct engine_party_files *files,
                   uint64_t now, struct pn_error *why)
{
    const struct fed_roster *roster = party->roster;
    enum pn_status           st     = check_times(party, now, why);
    if (st == PN_OK)
        st = fed_roster_check_member(party->self, now, why);
    if (st == PN_OK && roster->mode == FED_MODE_COORDINATOR)
        st = fed_roster_check_member(fed_roster_find(roster, roster->coordinator), now, why);
    if (st != PN_OK)
        return pn_error_wrap(why, st, "%s", files->federation);
    return PN_OK;
}

/* A life of this process has a number, durable before its first frame leaves (fed/link). */
static enum pn_status
take_boot(uint32_t *out, const struct store_disk *disk, struct pn_error *why)
{
    uint8_t        bytes[4];
    size_t         size = sizeof bytes;
    uint32_t       boot = 0;
    enum pn_status st   = disk->get(disk->host, "boot", bytes, &size);
    if (st == PN_OK && size == sizeof bytes)
        boot = pn_get_u32(bytes);
    else if (st != PN_ENOENT)
        return pn_error_set(why, st == PN_OK ? PN_ECORRUPT : st,
                            "the state directory does not give the boot number: %s",
                            pn_status_text(st == PN_OK ? PN_ECORRUPT : st));
    if (boot == UINT32_MAX)
        return pn_error_set(why, PN_ECORRUPT, "the boot number in the state directory is used up");
    boot++;
    pn_put_u32(bytes, boot);
    if ((st = disk->put(disk->host, "boot", bytes, sizeof bytes)) != PN_OK)
        return pn_error_set(why, st, "cannot write to the state directory: %s", pn_status_text(st));
    *out = boot;
    return PN_OK;
}

enum pn_status
engine_party_load(struct engine_party *out, const struct engine_party_files *files,
                  const struct store_disk *disk, enum fed_role role, uint64_t now,
                  struct pn_error *why)
{
    struct engine_party       party = {.self = NULL};
    struct engine_party_files named = *files;
    enum pn_status            st;
    if (files->federation == NULL) {
        named.federation = "roster.yaml"; /* in what is said of it */
        st               = engine_roster_remembered(&party.file, disk, why);
    } else {
        st = engine_roster_load(&party.file, files->federation, why);
    }
    if (st != PN_OK)
        return st;
    files = &named;
    if ((st = accept_roster(&party, files, disk, now, why)) == PN_OK &&
        (st = choose_roster(&party, files, disk, why)) == PN_OK &&
        (st = check_role(&party, files->federation, role, why)) == PN_OK &&
        (st = check_certificates(&party, files, now, why)) == PN_OK)
        st = take_boot(&party.boot, disk, why);
    if (st == PN_OK)
        *out = party; /* SAFE: the one move of these secrets; the local copy is wiped below */
    else
        engine_party_fini(&party);
    sec_sign_wipe(&party.secret);
    sec_transport_wipe(&party.transport_secret);
    return st;
}

void
engine_party_fini(struct engine_party *party)
{
    sec_sign_wipe(&party->secret);
    sec_transport_wipe(&party->transport_secret);
    engine_roster_fini(&party->file);
    engine_roster_fini(&party->ledger);
    party->roster = NULL;
    party->self   = NULL;
}

/* ---- two rosters ---- */

static pn_ms
patience_after(uint32_t tries)
{
    pn_ms patience = ALONE_MS;
    for (uint32_t i = 0; i < tries && patience < ALONE_MS_MAX; i++)
        patience *= 2;
    return patience < ALONE_MS_MAX ? patience : ALONE_MS_MAX;
}

void
engine_alone_begin(struct engine_alone *alone, uint64_t height, pn_ms now)
{
    alone->since  = now;
    alone->height = height;
}

bool
engine_alone_is_lost(struct engine_alone *alone, bool stranded, uint64_t height, bool two,
                     bool by_file, pn_ms now)
{
    if (!stranded || height != alone->height) {
        engine_alone_begin(alone, height, now);
        alone->tries = 0;
    }
    if (!two || now < pn_ms_add(alone->since, patience_after(by_file ? 0 : alone->tries)))
        return false;
    alone->tries += !by_file;
    return true;
}
