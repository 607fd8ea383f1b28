/*
 * fed/roster -- the consortium: members, keys, roles, epoch, expiry.
 *
 *     # federation.yaml
 *     version: 1
 *     federation: demo
 *     epoch: 1                    # never goes back
 *     issued: 2026-11-23T00:00:00Z
 *     expires: 2027-11-23T00:00:00Z
 *     previous: ""                # hash of the epoch before, hex; empty for the first
 *     history: []                 # of the epochs before that, oldest first; may be left out
 *     last_number: 3              # the highest that a member ever had; left out: of the members
 *     mode: coordinator
 *     endpoint: tcp://203.0.113.7:7400
 *     threshold: 2                # how many of the signers below make a roster
 *     signers: [bank-a, bank-b, bank-c]     # by member name; their root keys sign
 *     members:
 *       - name: hub
 *         number: 1               # stable; never reused
 *         organisation: Consortium office
 *         role: coordinator       # exactly one; others are `node`
 *         root: <base64>
 *         certificate: { serial: 1, not_before: ..., not_after: ..., node: <base64>,
 *                        transport: <base64>, signature: <base64> }
 *
 * Without a coordinator:
 *
 *     mode: swarm                 # every member has the role `node`
 *     quorum: bft                 # default: n - f of the members decide, f = (n - 1) / 3 may lie;
 *                                 # majority: more than half, nobody may lie (fed/consensus)
 *     members:
 *       - name: bank-a            # and so on as above
 *         endpoint: tcp://203.0.113.8:7400     # where others reach it; left out: it only dials
 *
 * The file is signed as it lies, by detached minisign signatures beside it
 * (federation.yaml.<signer>.minisig), at least `threshold` of its signers. The next
 * epoch must also carry `threshold` signatures of the *previous* epoch's signers and
 * name the previous hash, so that nobody, the coordinator included, can add a
 * member alone (The Update Framework, section 5.3.4). Whoever trusts a roster trusts
 * those that it names: of the members at the time when a block was agreed on.
 *
 * Memory     one struct on the heap, immutable after load; free with fed_roster_free.
 * Threads    any, read-only.
 * Limits     1024 members (a swarm: 128), 64 signers, 256 epochs of history, 1 MiB of text (a
 *            swarm: 256 KiB). Times are Unix seconds.
 */
#ifndef FED_ROSTER_H
#define FED_ROSTER_H

#include "crypto/keys.h"
#include "crypto/minisign.h"

enum { FED_MEMBERS_MAX = 1024, FED_NAME_SIZE = 32, FED_SIGNATURES_MAX = 64,
       FED_ENDPOINT_SIZE = 256, FED_HISTORY_MAX = 256 };

enum fed_mode { FED_MODE_COORDINATOR, FED_MODE_SWARM };
enum fed_quorum { FED_QUORUM_BFT, FED_QUORUM_MAJORITY };
enum fed_role { FED_ROLE_NODE, FED_ROLE_COORDINATOR };

struct fed_roster_member {
    uint32_t               number;
    char                   name[FED_NAME_SIZE], organisation[96];
    char                   endpoint[FED_ENDPOINT_SIZE]; /* of a swarm's member; may be "" */
    enum fed_role          role;
    bool                   signer;
    struct sec_sign_public root;
    struct sec_certificate certificate;
};

struct fed_roster {
    char            federation[FED_NAME_SIZE];
    enum fed_mode   mode;
    enum fed_quorum quorum;
    char            endpoint[FED_ENDPOINT_SIZE]; /* of the coordinator; "" in a swarm */
    uint32_t        epoch, threshold, member_count;
    uint32_t        coordinator; /* its number; 0 in a swarm */
    uint64_t        issued, expires;
    struct sec_hash previous; /* zero in epoch 1 */
    struct sec_hash history[FED_HISTORY_MAX]; /* of the epochs before that, oldest first */
    uint32_t        history_count;
    uint32_t        last_number; /* the highest of this and all epochs before */
    struct sec_hash hash;     /* of the text, domain "roster" */
    struct fed_roster_member members[]; /* ordered by number */
};

struct fed_roster_signature {
    char        name[FED_NAME_SIZE]; /* of the signer */
    const char *text;                /* a minisign file */
    size_t      size;
};

/*
 * Parses and checks form, certificates and uniqueness; not signatures, not time. PN_ECONFIG with
 * file:line:column; PN_EAUTH when a certificate is not signed by its member's root.
 */
PN_MUST_CHECK enum pn_status fed_roster_parse(struct fed_roster **out, const char *name,
                                              const char *text, size_t size,
                                              struct pn_error *why);
void fed_roster_free(struct fed_roster *roster);

/* PN_OK when at least the threshold of *`by`'s* signers signed `text` (by = the roster itself,
 * or the epoch before). Else PN_EAUTH naming who is missing. */
PN_MUST_CHECK enum pn_status fed_roster_check_signatures(
    const struct fed_roster *by, const char *text, size_t size,
    const struct fed_roster_signature *signatures, size_t count, struct pn_error *why);

/* PN_EAUTH when not yet issued or expired at `now`. Not the certificates: one organisation that
 * forgets to renew its own must not stop the others. */
PN_MUST_CHECK enum pn_status fed_roster_check_time(const struct fed_roster *roster, uint64_t now,
                                                   struct pn_error *why);
/* PN_EAUTH when this member's certificate is outside its time at `now`. */
PN_MUST_CHECK enum pn_status fed_roster_check_member(const struct fed_roster_member *member,
                                                     uint64_t now, struct pn_error *why);

/* What a party remembers of the newest roster it has accepted: no rollback. Durable. */
struct fed_roster_anchor {
    uint32_t        epoch; /* 0 = none yet */
    struct sec_hash hash;
};
/* PN_EAUTH when `next` is older than the anchor, another roster of the same epoch, or an
 * epoch + 1 that does not name the anchor's hash. */
PN_MUST_CHECK enum pn_status fed_roster_check_anchor(const struct fed_roster_anchor *anchor,
                                                     const struct fed_roster *next,
                                                     struct pn_error *why);

/* True when `hash` is of this roster or of one that it names: its previous one, or its history. */
bool fed_roster_names(const struct fed_roster *roster, const struct sec_hash *hash);
/* Makes `next` name `before`, and what that names, as the epoch after it does. */
void fed_roster_follow(struct fed_roster *next, const struct fed_roster *before);
/* PN_EAUTH when `next` is not the epoch after `before` of the same federation and mode, or its new
 * members alone are a quorum of the swarm. Signatures are not looked at. */
PN_MUST_CHECK enum pn_status fed_roster_check_next(const struct fed_roster *next,
                                                   const struct fed_roster *before,
                                                   struct pn_error *why);

/* The fingerprint people compare: SHA-256 over a BLAKE2b-256, domain "signers", of
 * federation name 32, zero-padded | threshold u32 | the signers' root keys, by number. */
void fed_roster_fingerprint(char out[static SEC_FINGERPRINT_SIZE],
                            const struct fed_roster *roster);

const struct fed_roster_member *fed_roster_find(const struct fed_roster *roster, uint32_t number);
/* Its place in `members`, or member_count. */
uint32_t fed_roster_place(const struct fed_roster *roster, uint32_t number);
/* How many members of a swarm decide; `*liars` (may be NULL): how many cannot hurt. */
uint32_t fed_roster_quorum(const struct fed_roster *roster, uint32_t *liars);
const struct fed_roster_member *fed_roster_find_transport(
    const struct fed_roster *roster, const struct sec_transport_public *key);

/* The text of a roster, for `panal roster create` and tests: encode then parse gives it back. */
PN_MUST_CHECK enum pn_status fed_roster_encode(struct pn_buffer *out,
                                               const struct fed_roster *roster);

/*
 * A join file: what one organisation sends to whoever writes the roster. All of it is public:
 *     version: 1, and of a member above: name, organisation, role, root, certificate
 * A parsed one has number 0 and is no signer.
 */
PN_MUST_CHECK enum pn_status fed_join_encode(struct pn_buffer *out,
                                             const struct fed_roster_member *member);
PN_MUST_CHECK enum pn_status fed_join_parse(struct fed_roster_member *out, const char *name,
                                            const char *text, size_t size, struct pn_error *why);

/* RFC 3339 in UTC, whole seconds, exactly "2026-11-23T00:00:00Z"; years 1970 to 9999. A later
 * time is written as the last second of 9999. */
enum { FED_TIME_SIZE = 21 };
void fed_time_text(char out[static FED_TIME_SIZE], uint64_t seconds);
PN_MUST_CHECK bool fed_time_parse(uint64_t *seconds, const char *text);

#endif
