/*
 * engine/party -- who we are and whom we trust: the roster file, its signatures, our keys.
 *
 * A program's first act. The roster is trusted because its signers' fingerprint is the one that a
 * person put into the configuration (`trust`), and later because the signers of the epoch before
 * signed it; the newest accepted epoch is remembered on the disk and never goes back.
 *
 * A member of a swarm that holds blocks goes by the roster of its ledger: in force is what was
 * agreed on. By its file it goes when that is newer and the ledger's has no member with its keys:
 * then it joins, or comes back with new ones. New keys wait in the folder `next` of the old ones
 * until a roster has them (panal keys renew).
 */
#ifndef ENGINE_PARTY_H
#define ENGINE_PARTY_H

#include "engine/roster.h"

struct engine_party_files {
    const char *federation; /* path of federation.yaml; NULL: the roster remembered */
    const char *keys;       /* folder with node.key and transport.key, and next/ of them */
    const char *trust;      /* fingerprint of the signers; needed at the first start */
    bool joins; /* a newer file goes before the ledger: those who have it know only our new keys */
};

struct engine_party {
    struct engine_roster_file       file;   /* as given, or the newer one remembered: trusted */
    struct engine_roster_file       ledger; /* of a swarm's ledger; no roster: none */
    const struct fed_roster        *roster; /* the one of the two that we go by */
    struct wire_span                text;   /* its text */
    const struct fed_roster_member *self;   /* in it */
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
/* Remembers the roster of a swarm's ledger, which was checked, as accepted: what comes next is
 * judged by it, and a file that it names may stay as it is. */
PN_MUST_CHECK enum pn_status engine_party_follow(const struct store_disk *disk,
                                                 struct pn_error         *why);
void                         engine_party_fini(struct engine_party *party);

/* Of two rosters, that of its ledger and a newer one that it was given, one is in force with the
 * others, and they know one of a member's keys only. Who comes no further by one tries the other:
 * also when many go by the newer one, and it is in force with nobody. The file is tried for 10 s;
 * the ledger's for 10 s, and twice as long after each try of the file, 10 min at most: of those who
 * have both, all are by the ledger's at one time, whenever each began. Zero, and then begin, for
 * each process (a simulated member keeps its tries over a crash); begin alone where the roster
 * changed. */
struct engine_alone {
    pn_ms    since; /* stranded, and at this height */
    uint64_t height;
    uint32_t tries; /* by the file, since we last came further or had a quorum */
};
void engine_alone_begin(struct engine_alone *alone, uint64_t height, pn_ms now);
/* From time to time; `two`: the file is newer. True: the other one is tried now. */
bool engine_alone_is_lost(struct engine_alone *alone, bool stranded, uint64_t height, bool two,
                          bool by_file, pn_ms now);

#endif
