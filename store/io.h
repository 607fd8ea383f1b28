/*
 * store/io -- the system calls of this room: interrupted and short calls are finished here.
 *
 * Every function returns 0 or the errno of the call that failed; store_io_status turns it into a
 * status.
 *
 * Threads    any.
 */
#ifndef STORE_IO_H
#define STORE_IO_H

#include "base/bytes.h"

/* Every temporary begins so; a name of store/disk cannot. */
#define STORE_TEMPORARY ".tmp."

enum {
    STORE_IO_TEXT = 128
};

/* ENOSPC, EDQUOT and EFBIG are PN_ENOSPC: what was to be written does not fit. */
enum pn_status store_io_status(int error);
/* As strerror, on any thread; returns `out`. */
const char *store_io_text(char out[static STORE_IO_TEXT], int error);

/* O_CLOEXEC is always set. */
PN_MUST_CHECK int store_io_open(int *fd, int folder, const char *name, int flags, unsigned mode);
void              store_io_close(int fd);
PN_MUST_CHECK int store_io_write(int fd, const void *bytes, size_t size, uint64_t offset);
/* Until `size` bytes or the end of the file; `*got` says how many. */
PN_MUST_CHECK int store_io_read(size_t *got, int fd, void *out, size_t size, uint64_t offset);
PN_MUST_CHECK int store_io_size(uint64_t *size, int fd);
PN_MUST_CHECK int store_io_cut(int fd, uint64_t size);
PN_MUST_CHECK int store_io_sync(int fd);
/* Data, and what is needed to read it back. */
PN_MUST_CHECK int store_io_sync_data(int fd);
/* mkdir 0700, durable; a folder that is there already is fine. */
PN_MUST_CHECK int store_io_folder(int parent, const char *name);
/* Whole file `name` in `folder`, durable, through `temporary`, which must not exist and is gone
 * after. When only the last fsync of the folder fails, the new content may be what is found. */
PN_MUST_CHECK int store_io_replace(int folder, const char *temporary, const char *name,
                                   const void *bytes, size_t size, unsigned mode);

/* As replace, through a `temporary` that is there: its bytes are written over, its pages kept. */
PN_MUST_CHECK int store_io_rewrite(int folder, const char *temporary, const char *name,
                                   const void *bytes, size_t size, unsigned mode);

/* Names in a folder except "." and ".."; `take` returns false to stop. */
PN_MUST_CHECK int store_io_list(int   folder, bool (*take)(void *context, const char *name),
                                void *context);

#endif
