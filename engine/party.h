/*
 * engine/party -- who we are and whom we trust: the roster file, its signatures, our keys.
 *
 * A program's first act. The roster is trusted because its signers' fingerprint is the one that a
 * person put into the configuration (`trust`), and later because the signers of the epoch before
 * signed it; the newest accepted epoch is remembered on the disk and never goes back.
 */
#ifndef ENGINE_PARTY_H
#define ENGINE_PARTY_H

#include "fed/roster.h"
#include "store/disk.h"

struct engine_roster_file { /* a roster as it lies, with what signs it */
    struct fed_roster *roster;
    struct pn_buffer   text;
};

/* Reads federation.yaml and federation.yaml.<signer>.minisig beside it; checks form and that the
 * roster's own signers signed it. Not its time: `panal ledger verify` reads old rosters. */
PN_MUST_CHECK enum pn_status engine_roster_load(struct engine_roster_file *out, const char *path,
                                                struct pn_error *why);
void                         engine_roster_fini(struct engine_roster_file *file);

struct engine_party_files {
    const char *federation; /* path of federation.yaml                              */
    const char *keys;       /* folder with node.key and transport.key               */
    const char *trust;      /* fingerprint of the signers; needed at the first start */
};

struct engine_party {
    struct engine_roster_file       file;
    const struct fed_roster_member *self;
    struct sec_sign_secret          secret;
    struct sec_transport_public     transport_public;
    struct sec_transport_secret     transport_secret;
    uint32_t                        boot; /* of this life; durable already */
};

/*
 * Loads and checks everything at `now` (Unix seconds): the roster, our certificate and the
 * coordinator's. Remembers the roster on `disk` and takes the next boot number. `role` is what this
 * program is. Release with fini, which wipes the secrets.
 */
PN_MUST_CHECK enum pn_status engine_party_load(struct engine_party             *out,
                                               const struct engine_party_files *files,
                                               const struct store_disk *disk, enum fed_role role,
                                               uint64_t now, struct pn_error *why);
void                         engine_party_fini(struct engine_party *party);

#endif
