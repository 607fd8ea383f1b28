/*
 * node/daemon -- panal-node from the inside: what its start and its two services share.
 *
 *     main.c     settings, state directory, keys, roster; then one of
 *     serve.c    a federation with a coordinator: hosts node/engine, dials the coordinator
 *     member.c   a swarm: hosts swarm/engine, listens and dials
 *
 * Private to the program.
 */
#ifndef NODE_DAEMON_H
#define NODE_DAEMON_H

#include "engine/party.h"
#include "engine/scratch.h"
#include "net/loop.h"
#include "node/settings.h"
#include "store/files.h"

struct node_daemon {
    struct node_settings settings;
    struct store_files  *files;
    struct store_disk    disk;
    struct engine_party  party;
    bool                 joins; /* engine_party_files */
    struct engine_alone  alone;
    bool follows; /* the roster comes from the ledger, whatever lies in the file now */
    struct engine_scratch scratch;
};

/* The roster, our place in it and our keys, into daemon->party. */
PN_MUST_CHECK enum pn_status node_load_party(struct node_daemon *daemon, struct pn_error *why);

/* Until a signal comes, or with --once the run is over. `*failed`: the run ended as failed. `why`
 * may stay empty. */
PN_MUST_CHECK enum pn_status node_serve(struct node_daemon *daemon, bool *failed,
                                        struct pn_error *why);
PN_MUST_CHECK enum pn_status node_serve_swarm(struct node_daemon *daemon, bool *failed,
                                              struct pn_error *why);

enum {
    NODE_LOOK_MS = 1000 /* between looks at what the loop counts */
};

#endif
