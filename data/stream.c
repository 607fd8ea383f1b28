#include "data/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
    INPUT_SIZE = 16384
};

struct data_stream {
    char              *name;
    int                fd;     /* -1: over bytes */
    const uint8_t     *memory; /* borrowed */
    size_t             memory_size;
    z_stream           z; /* next_in, avail_in are the input in both modes */
    bool               started, inflates, member_done, ended;
    bool               is_packed; /* a member of an archive: */
    struct data_packed packed;
    uint64_t           given; /* bytes and their checksum so far */
    uLong              crc;
    uint8_t            input[INPUT_SIZE];
};

static enum pn_status
stream_new(struct data_stream **out, const char *name, struct pn_error *why)
{
    struct data_stream *stream = calloc(1, sizeof *stream);
    if (stream != NULL)
        stream->name = strdup(name);
    if (stream == NULL || stream->name == NULL) {
        free(stream);
        return pn_error_set(why, PN_ENOMEM, "%s: no memory to read this file", name);
    }
    stream->fd = -1;
    *out       = stream;
    return PN_OK;
}

enum pn_status
data_stream_open(struct data_stream **out, const char *path, struct pn_error *why)
{
    struct stat about;
    int         fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return pn_error_set(why, PN_ENOENT, "%s: there is no such file", path);
    if (fd < 0)
        return pn_error_set(why, PN_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    enum pn_status st = PN_OK;
    if (fstat(fd, &about) != 0)
        st = pn_error_set(why, PN_EIO, "%s: %s", path, strerror(errno));
    else if (S_ISDIR(about.st_mode))
        st = pn_error_set(why, PN_EDATA, "%s: this is a folder; name a file in it", path);
    else if (!S_ISREG(about.st_mode))
        st = pn_error_set(why, PN_EDATA, "%s: expected a regular file, not a pipe or device", path);
    if (st == PN_OK)
        st = stream_new(out, path, why);
    if (st != PN_OK) {
        close(fd);
        return st;
    }
    (*out)->fd = fd;
    return PN_OK;
}

enum pn_status
data_stream_open_bytes(struct data_stream **out, const char *name, const uint8_t *bytes,
                       size_t size, struct pn_error *why)
{
    enum pn_status st = stream_new(out, name, why);
    if (st == PN_OK) {
        (*out)->memory      = bytes;
        (*out)->memory_size = size;
    }
    return st;
}

enum pn_status
data_stream_open_packed(struct data_stream **out, const char *name, const uint8_t *bytes,
                        size_t size, const struct data_packed *packed, struct pn_error *why)
{
    enum pn_status st = data_stream_open_bytes(out, name, bytes, size, why);
    if (st == PN_OK) {
        (*out)->is_packed = true;
        (*out)->packed    = *packed;
    }
    return st;
}

void
data_stream_close(struct data_stream *stream)
{
    if (stream == NULL)
        return;
    if (stream->inflates)
        inflateEnd(&stream->z);
    if (stream->fd >= 0)
        close(stream->fd);
    free(stream->name);
    free(stream);
}

const char *
data_stream_name(const struct data_stream *stream)
{
    return stream->name;
}

/* Makes avail_in at least 1, or 0 at the end of the file. */
static enum pn_status
refill(struct data_stream *stream, struct pn_error *why)
{
    if (stream->z.avail_in > 0)
        return PN_OK;
    ssize_t got = 0;
    if (stream->fd >= 0) {
        do
            got = read(stream->fd, stream->input, INPUT_SIZE);
        while (got < 0 && errno == EINTR);
    } else {
        got = (ssize_t)(stream->memory_size < INPUT_SIZE ? stream->memory_size : INPUT_SIZE);
        if (got > 0)
            memcpy(stream->input, stream->memory, (size_t)got);
        stream->memory += got;
        stream->memory_size -= (size_t)got;
    }
    if (got < 0)
        return pn_error_set(why, PN_EIO, "%s: reading failed: %s", stream->name, strerror(errno));
    stream->z.next_in  = stream->input;
    stream->z.avail_in = (uInt)got;
    return PN_OK;
}

static enum pn_status
start(struct data_stream *stream, struct pn_error *why)
{
    enum pn_status st = refill(stream, why);
    if (st != PN_OK)
        return st;
    stream->started = true;
    /* A regular file gives both bytes in one read, or it has only one. */
    bool gzip = !stream->is_packed && stream->z.avail_in >= 2 && stream->z.next_in[0] == 0x1f &&
                stream->z.next_in[1] == 0x8b;
    if (!gzip && !(stream->is_packed && stream->packed.deflate))
        return PN_OK;
    if (inflateInit2(&stream->z, gzip ? 16 + MAX_WBITS : -MAX_WBITS) != Z_OK) /* 16: gzip only */
        return pn_error_set(why, PN_ENOMEM, "%s: no memory to unpack this file", stream->name);
    stream->inflates = true;
    return PN_OK;
}

static const char *
packing(const struct data_stream *stream)
{
    return stream->is_packed ? "deflate" : "gzip";
}

/* Behind a member: the end, or another member. */
static enum pn_status
next_member(struct data_stream *stream, struct pn_error *why)
{
    if (stream->z.avail_in == 0) {
        stream->ended = true;
        return PN_OK;
    }
    if (stream->is_packed || stream->z.next_in[0] != 0x1f || inflateReset(&stream->z) != Z_OK)
        return pn_error_set(why, PN_EDATA, "%s: there are bytes behind the end of the %s data",
                            stream->name, packing(stream));
    stream->member_done = false;
    return PN_OK;
}

static enum pn_status
unpack(struct data_stream *stream, uint8_t *out, size_t size, size_t *made, struct pn_error *why)
{
    *made = 0;
    if (stream->member_done) {
        enum pn_status st = next_member(stream, why);
        if (st != PN_OK || stream->ended)
            return st;
    }
    uInt room           = size > (1u << 30) ? 1u << 30 : (uInt)size;
    stream->z.next_out  = out;
    stream->z.avail_out = room;
    uInt before         = stream->z.avail_in;
    int  result         = inflate(&stream->z, Z_NO_FLUSH);
    *made               = room - stream->z.avail_out;
    stream->member_done = result == Z_STREAM_END;
    if (result == Z_MEM_ERROR)
        return pn_error_set(why, PN_ENOMEM, "%s: no memory to unpack this file", stream->name);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return pn_error_set(why, PN_EDATA, "%s: the %s data is damaged (%s)", stream->name,
                            packing(stream),
                            stream->z.msg != NULL ? stream->z.msg : "not packed so");
    if (before == 0 && *made == 0 && !stream->member_done)
        return pn_error_set(why, PN_EDATA, "%s: the %s data ends too early; copy the file again",
                            stream->name, packing(stream));
    return PN_OK;
}

static void
pass(struct data_stream *stream, uint8_t *out, size_t size, size_t *made)
{
    *made = size < stream->z.avail_in ? size : stream->z.avail_in;
    if (*made > 0)
        memcpy(out, stream->z.next_in, *made);
    else
        stream->ended = true;
    stream->z.next_in += *made;
    stream->z.avail_in -= (uInt)*made;
}

/* A member of an archive is what its entry says, or it is refused. */
static enum pn_status
check_packed(struct data_stream *stream, const uint8_t *out, size_t made, struct pn_error *why)
{
    stream->given += made;
    for (size_t at = 0; at < made; at += UINT32_MAX) /* what a uInt holds */
        stream->crc =
            crc32(stream->crc, out + at, (uInt)(made - at < UINT32_MAX ? made - at : UINT32_MAX));
    if (stream->given > stream->packed.size ||
        (stream->ended && stream->given < stream->packed.size))
        return pn_error_set(why, PN_EDATA,
                            "%s: expected %" PRIu64 " bytes as the archive says, seen %s",
                            stream->name, stream->packed.size,
                            stream->given > stream->packed.size ? "more" : "fewer");
    if (stream->ended && stream->crc != stream->packed.crc)
        return pn_error_set(why, PN_EDATA,
                            "%s: the checksum is not that of the archive; copy the file again",
                            stream->name);
    return PN_OK;
}

enum pn_status
data_stream_read(size_t *got, struct data_stream *stream, void *out, size_t size,
                 struct pn_error *why)
{
    enum pn_status st   = stream->started ? PN_OK : start(stream, why);
    size_t         done = 0;
    while (st == PN_OK && done < size && !stream->ended) {
        size_t made = 0;
        st          = refill(stream, why);
        if (st == PN_OK && stream->inflates)
            st = unpack(stream, (uint8_t *)out + done, size - done, &made, why);
        else if (st == PN_OK)
            pass(stream, (uint8_t *)out + done, size - done, &made);
        if (st == PN_OK && stream->is_packed)
            st = check_packed(stream, (uint8_t *)out + done, made, why);
        done += made;
    }
    *got = done;
    return st;
}

enum pn_status
data_stream_read_whole(struct data_stream *stream, void *out, size_t size, const char *what,
                       struct pn_error *why)
{
    size_t         got;
    enum pn_status st = data_stream_read(&got, stream, out, size, why);
    if (st == PN_OK && got < size)
        st = pn_error_set(why, PN_EDATA, "%s: the file ends inside %s; copy it again", stream->name,
                          what);
    return st;
}

enum pn_status
data_stream_expect_end(struct data_stream *stream, struct pn_error *why)
{
    uint8_t        byte;
    size_t         got;
    enum pn_status st = data_stream_read(&got, stream, &byte, 1, why);
    if (st == PN_OK && got > 0)
        st = pn_error_set(why, PN_EDATA, "%s: the file is longer than its header says",
                          stream->name);
    return st;
}

enum pn_status
data_stream_read_all(struct pn_buffer *out, struct data_stream *stream, struct pn_error *why)
{
    uint8_t        chunk[INPUT_SIZE];
    size_t         got = sizeof chunk;
    enum pn_status st  = PN_OK;
    while (st == PN_OK && got == sizeof chunk) {
        st = data_stream_read(&got, stream, chunk, sizeof chunk, why);
        if (st == PN_OK && (st = pn_buffer_append(out, chunk, got)) == PN_ERANGE)
            st = pn_error_set(why, PN_EDATA, "%s: the file has more than the %zu bytes it may have",
                              stream->name, out->limit);
        else if (st == PN_ENOMEM)
            pn_error_set(why, st, "%s: no memory to read this file", stream->name);
    }
    return st;
}
