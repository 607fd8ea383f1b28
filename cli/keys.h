/*
 * cli/keys -- makes the keys of an organisation where they are used.
 *
 *     DIR/root.key       sealed with a passphrase; keep it offline
 *     DIR/node.key       read by the daemon; mode 0600
 *     DIR/transport.key  read by the daemon; mode 0600
 *     DIR/NAME.join      public: goes to whoever writes the roster
 *     DIR/next/          new ones of node, transport and join, until a roster in force has them
 */
#ifndef CLI_KEYS_H
#define CLI_KEYS_H

#include "fed/roster.h"

struct cli_keys_wish {
    const char   *folder, *name, *organisation;
    const char   *endpoint; /* of a swarm's member that others can dial; NULL: none */
    enum fed_role role;
    const char   *passphrase; /* of root.key; NULL: not sealed (laboratories only) */
    uint64_t      now, days;  /* Unix seconds; how long the certificate is valid   */
};

/* Makes the folder's four files; PN_EEXIST when one is there already: keys are never overwritten.
 * `member` (out, may be NULL) is what stands in the join file. */
PN_MUST_CHECK enum pn_status cli_keys_make(struct fed_roster_member   *member,
                                           const struct cli_keys_wish *wish, struct pn_error *why);

/* The root key of a folder. A sealed one asks for its passphrase. Wipe it after use. */
PN_MUST_CHECK enum pn_status cli_root_load(struct sec_sign_public *public_key,
                                           struct sec_sign_secret *secret, const char *folder,
                                           struct pn_error *why);

/* A join file, its certificate checked. */
PN_MUST_CHECK enum pn_status cli_join_load(struct fed_roster_member *out, const char *path,
                                           struct pn_error *why);

#endif
