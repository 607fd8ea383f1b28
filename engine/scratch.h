/*
 * engine/scratch -- the memory in which one thread of engines takes frames apart and puts them
 * together.
 *
 * Whatever a peer sends, handling one frame uses no more than this. A simulator's thread that hosts
 * thousands of engines needs one; a daemon's loop thread needs one. What survives a call in it is
 * common knowledge: blocks that were checked (engine/known), blobs that are whole (engine/held),
 * the hash of a large body that many say or hear (fed/body).
 *
 * Memory     init and fini; about 4 MiB, touched only as far as messages reach.
 * Threads    one thread per scratch.
 */
#ifndef ENGINE_SCRATCH_H
#define ENGINE_SCRATCH_H

#include "engine/held.h"
#include "engine/known.h"
#include "fed/body.h"
#include "proto/message.h"

struct engine_scratch {
    struct wire_arena      arena; /* of the message being taken apart     */
    struct pn_buffer       frame; /* being put together: room for a header, then the body */
    void                  *block;
    struct engine_known    known;
    struct fed_body        last; /* large body of a message, by its hash */
    struct engine_held_set held; /* by the engines of this scratch */
};

PN_MUST_CHECK enum pn_status engine_scratch_init(struct engine_scratch *scratch);
void                         engine_scratch_fini(struct engine_scratch *scratch);

/* An empty body: append to what is returned, then engine_peer_send. */
struct pn_buffer *engine_scratch_begin(struct engine_scratch *scratch);

#endif
