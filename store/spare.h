/*
 * store/spare -- removed files that are kept a while to be written over. Inside store/ only.
 *
 * Every round removes large files, one or two at a node and an update of each member where these
 * are gathered, and writes as many. To make a file page by page and to give its pages back costs
 * five times what it costs to copy its bytes (4 MB: 3.9 ms instead of 0.7 on tmpfs, 1.7 instead of
 * 0.3 on ext4). So up to STORE_SPARES removed files of STORE_SPARE_SIZE to STORE_SPARE_MAX bytes
 * wait in DIR/staging, 1 GiB at most, which is emptied when the directory is opened; they are given
 * up when a write of ours finds the disk full. Whoever has such a file open sees its bytes change.
 *
 * Threads    any.
 */
#ifndef STORE_SPARE_H
#define STORE_SPARE_H

#include <stdatomic.h>
#include <stdbool.h>

enum {
    STORE_SPARES     = 16,
    STORE_SPARE_SIZE = 65536,
    STORE_SPARE_MAX  = 64 << 20
};

struct store_spares {
    int        directory;           /* the state directory */
    atomic_int slots[STORE_SPARES]; /* free, busy or full */
};

void store_spares_init(struct store_spares *spares, int directory);
/* Moves the file away, durably, to be used again; *error: that of making it durable, or 0. False,
 * and nothing changed: no room, or not worth it. */
bool store_spares_keep(int *error, struct store_spares *spares, int folder, const char *leaf);
/* Moves a spare file to where it will be written over. False: there is none. */
bool store_spares_take(struct store_spares *spares, int folder, const char *leaf);
/* Gives all of them back to the disk. False: there was none. */
bool store_spares_drop(struct store_spares *spares);

#endif
