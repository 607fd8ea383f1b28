/*
 * fed/fetch -- decides which chunks of one blob to ask for, and when again.
 *
 * The receiver sets the pace: at most FED_WINDOW chunks are outstanding, one that travels while
 * another is proved and written. A chunk that FED_WINDOW others overtook is lost (a line keeps the
 * order) and is asked for again at once.
 * When none has arrived for FED_PULL_MS, the lowest one outstanding is asked for again; the
 * time-out doubles with each such silence up to FED_PULL_MS_MAX and stays there, so that a slow
 * line is not filled with repetitions. A reconnect asks for everything outstanding at once
 * and starts again with FED_PULL_MS.
 *
 * The host verifies a chunk (sec_merkle_check), writes it to the staging file and only then
 * reports it. To resume, it reports the chunks that it has already, right after init.
 *
 * Memory     the caller gives the bitmap: (chunks + 7) / 8 bytes, zeroed.
 */
#ifndef FED_FETCH_H
#define FED_FETCH_H

#include "crypto/merkle.h"
#include "proto/message.h"

enum {
    FED_WINDOW      = WIRE_PULL_MAX,
    FED_PULL_MS     = 2000,
    FED_PULL_MS_MAX = 16000
};

struct fed_fetch {
    struct sec_blob blob;
    uint32_t        chunk_count, have_count;
    uint32_t        first;                 /* every chunk below it is here */
    uint8_t        *have;                  /* bitmap, borrowed */
    uint32_t        asked[FED_WINDOW];     /* chunk + 1; 0 = free slot */
    uint32_t        overtaken[FED_WINDOW]; /* chunks that came since it was asked for */
    pn_ms           deadline, wait_ms;
    bool            due; /* something changed: call fed_fetch_next */
};

/* PN_EPEER_LIMIT when the blob is larger than `size_max` (the exact size a job allows) or than
 * any blob may be; PN_EPEER_VALUE when it is empty. */
PN_MUST_CHECK enum pn_status fed_fetch_init(struct fed_fetch *fetch, const struct sec_blob *blob,
                                            uint64_t size_max, uint8_t *have);
/* Lists the chunks to ask for now (at most FED_WINDOW) and marks them asked. */
uint32_t fed_fetch_next(uint32_t out[static FED_WINDOW], struct fed_fetch *fetch, pn_ms now);
/* True when this chunk is of this blob, was asked for, and is not here yet. */
bool fed_fetch_wants(const struct fed_fetch *fetch, uint32_t index);
void fed_fetch_stored(struct fed_fetch *fetch, uint32_t index);
bool fed_fetch_is_whole(const struct fed_fetch *fetch);
/* The peer is back: everything outstanding may be asked again at once. */
void fed_fetch_reconnected(struct fed_fetch *fetch);
/* When fed_fetch_next must be called again; 0 = at once, UINT64_MAX when whole. */
pn_ms fed_fetch_deadline(const struct fed_fetch *fetch);

#endif
