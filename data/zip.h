/*
 * data/zip -- one member of a ZIP archive in memory, as NumPy's NPZ needs it.
 *
 * Only the central directory is believed. Members are stored or deflated; sizes must be possible
 * (deflate packs at most 1032 to 1), lie within the archive, and be what comes out (data/stream).
 *
 * Limits     archives without ZIP64, without encryption, in one part; 65535 members.
 * Errors     PN_EDATA naming the archive.
 */
#ifndef DATA_ZIP_H
#define DATA_ZIP_H

#include "data/stream.h"

/* The member called `member`; `bytes` must stay until the stream is closed. */
PN_MUST_CHECK enum pn_status data_zip_open(struct data_stream **out, const char *archive,
                                           const uint8_t *bytes, size_t size, const char *member,
                                           struct pn_error *why);

#endif
