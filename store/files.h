/*
 * store/files -- a state directory as a struct store_disk.
 *
 *     DIR/lock            one daemon per directory (flock)
 *     DIR/state.sqlite    facts: boot number, roster anchor, ...    (WAL, synchronous=FULL)
 *     DIR/ledger/         000000000000.seg ...: append-only records, see store/log
 *     DIR/models/ updates/ scaling/ ...: blobs by root
 *     DIR/staging/        half-fetched blobs, removed files to be written over; emptied at open
 *
 * Files are written as temporary, fsync, rename, fsync of the folder. The directory is 0700: an
 * empty one is made so, any other that others may enter is refused. ".tmp." files are a crash's and
 * cleared at open.
 */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "store/disk.h"

enum store_access {
    STORE_WRITE,
    STORE_READ /* no lock, nothing is created or repaired */
};

struct store_files;
/* `why` says what to do: another daemon holds the directory, it is damaged, not writable, full. */
PN_MUST_CHECK enum pn_status store_files_open(struct store_files **out, struct store_disk *disk,
                                              const char *directory, enum store_access access,
                                              struct pn_error *why);
void store_files_close(struct store_files *files);

/* Plain files outside a state directory, for programs: whole, bounded, with a sentence on failure.
 * `out` is cleared first; its limit is the largest file (PN_ERANGE). store_file_save: temporary,
 * fsync, rename, fsync of the folder; `mode` as chmod. */
PN_MUST_CHECK enum pn_status store_file_load(struct pn_buffer *out, const char *path,
                                             struct pn_error *why);
/* As load, but PN_EAUTH when group or others have any right to the file: for keys. */
PN_MUST_CHECK enum pn_status store_secret_load(struct pn_buffer *out, const char *path,
                                               struct pn_error *why);
PN_MUST_CHECK enum pn_status store_file_save(const char *path, const void *bytes, size_t size,
                                             unsigned mode, struct pn_error *why);
/* mkdir -p with mode 0700. */
PN_MUST_CHECK enum pn_status store_folder_make(const char *path, struct pn_error *why);

#endif
