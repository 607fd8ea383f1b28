/*
 * store/log -- append-only records in segment files.
 *
 *     record = length u32 | CRC-32C of length and payload u32 | payload |
 *              BLAKE2b-256 of payload, domain "record"
 *     segment = "PNLLOG1\0" | number of its first record u64 | records; a new one after 64 MiB
 *
 * At open for writing a torn record is cut off only when it is the very last thing in the last
 * segment; anything else is PN_ECORRUPT with a sentence (which file, which offset, what to do).
 * Torn means: shorter than it says, or with a sector that never reached the disk, and no record
 * ends where the file ends. So a flipped bit in the last record is refused, not cut. Reading cuts
 * nothing: a torn record is not counted.
 *
 * CRC-32C covers the four bytes of the length and the payload. A segment is named by the number of
 * its first record, and begins to exist whole.
 *
 * Threads    one at a time (store/files holds a mutex); one writer per folder (it holds the lock).
 */
#ifndef STORE_LOG_H
#define STORE_LOG_H

#include "base/bytes.h"

struct store_log;
enum { STORE_RECORD_MAX = 1048576 };
/* `folder` must exist. */
PN_MUST_CHECK enum pn_status store_log_open(struct store_log **out, const char *folder, bool write,
                                            struct pn_error *why);
void store_log_close(struct store_log *log);
/* Durable on return. After a failed append the log is as before, or refuses further ones. */
PN_MUST_CHECK enum pn_status store_log_append(struct store_log *log, const void *record,
                                              size_t size);
uint64_t store_log_count(const struct store_log *log);
/* PN_ENOENT beyond the end, PN_ECORRUPT when it is no longer what was written; `out` is cleared
 * first. */
PN_MUST_CHECK enum pn_status store_log_read(struct store_log *log, uint64_t index,
                                            struct pn_buffer *out);

#endif
