/*
 * data/stream -- the bytes of a file, unpacked where its content is gzip.
 *
 * Several gzip members in a row are one file, as for gzip itself; anything else behind the last one
 * is an error, and so is a file that ends inside a member.
 *
 * Memory     one heap object with 16 KiB of buffer; a reader bounds what it takes.
 * Errors     PN_ENOENT when there is no file, PN_EDATA when its content is damaged or it is no
 * file, PN_EIO when reading fails; sentences name the file.
 */
#ifndef DATA_STREAM_H
#define DATA_STREAM_H

#include "base/bytes.h"

struct data_stream;

PN_MUST_CHECK enum pn_status data_stream_open(struct data_stream **out, const char *path,
                                              struct pn_error *why);
/* The same over bytes in memory, which must stay until close. `name` is for messages. */
PN_MUST_CHECK enum pn_status data_stream_open_bytes(struct data_stream **out, const char *name,
                                                    const uint8_t *bytes, size_t size,
                                                    struct pn_error *why);
/* A member of an archive: `size` bytes when unpacked, whose CRC-32 is `crc`; anything else is an
 * error. Never taken for gzip. */
struct data_packed {
    bool     deflate; /* else as it is */
    uint64_t size;
    uint32_t crc;
};
PN_MUST_CHECK enum pn_status data_stream_open_packed(struct data_stream **out, const char *name,
                                                     const uint8_t *bytes, size_t size,
                                                     const struct data_packed *packed,
                                                     struct pn_error          *why);
void                         data_stream_close(struct data_stream *stream);
const char                  *data_stream_name(const struct data_stream *stream);

/* Fills `out`; `*got` is less than `size` only at the end. */
PN_MUST_CHECK enum pn_status data_stream_read(size_t *got, struct data_stream *stream, void *out,
                                              size_t size, struct pn_error *why);
/* Fills all of `out`; PN_EDATA when the file ends before. `what` is for the sentence. */
PN_MUST_CHECK enum pn_status data_stream_read_whole(struct data_stream *stream, void *out,
                                                    size_t size, const char *what,
                                                    struct pn_error *why);
PN_MUST_CHECK enum pn_status data_stream_expect_end(struct data_stream *stream,
                                                    struct pn_error    *why);
/* Appends the rest of the file; PN_EDATA beyond the buffer's limit. */
PN_MUST_CHECK enum pn_status data_stream_read_all(struct pn_buffer *out, struct data_stream *stream,
                                                  struct pn_error *why);

#endif
