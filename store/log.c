#include "store/log.h"

#include "crypto/hash.h"
#include "store/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SEGMENT_HEAD  = 16,
    SEGMENT_BYTES = 64 << 20, /* a segment that has reached this gets no more records */
    RECORD_HEAD   = 8,
    RECORD_TAIL   = 32,
    RECORD_ROOM   = RECORD_HEAD + STORE_RECORD_MAX + RECORD_TAIL,
    NAME_DIGITS   = 12,
    NAME_SIZE     = NAME_DIGITS + 5, /* ".seg" and NUL */
    SECTOR        = 512,
    FORGED_MAX    = 64 /* false ends looked at in one torn record, to bound the time */
};

static const uint8_t MAGIC[8] = {'P', 'N', 'L', 'L', 'O', 'G', '1', '\0'};

struct segment {
    uint64_t first; /* number of its first record; also its file name */
    uint64_t size;  /* up to the end of its last whole record         */
};

struct store_log {
    int             folder;
    int             last; /* the last segment, open; -1 when there is none */
    bool            write;
    bool            broken; /* the file may not be what we think: no more appends */
    struct segment *segments;
    size_t          segment_count, segment_room;
    uint64_t       *offsets; /* of each record in its segment */
    size_t          count, room;
    uint8_t        *scratch; /* RECORD_ROOM */
    char            path[4096];
};

static void
segment_name(char out[static NAME_SIZE], uint64_t first)
{
    (void)snprintf(out, NAME_SIZE, "%012" PRIu64, first % UINT64_C(1000000000000));
    memcpy(out + NAME_DIGITS, ".seg", 5);
}

static enum pn_status
refuse(struct pn_error *why, const struct store_log *log, int error, const char *what)
{
    char text[STORE_IO_TEXT];
    return pn_error_set(why, store_io_status(error), "cannot %s in %s: %s", what, log->path,
                        store_io_text(text, error));
}

static enum pn_status
damaged(struct pn_error *why, const struct store_log *log, uint64_t first, uint64_t offset,
        const char *what)
{
    char name[NAME_SIZE];
    segment_name(name, first);
    return pn_error_set(why, PN_ECORRUPT,
                        "%s/%s is damaged at offset %" PRIu64 ": %s. Nothing was changed: put the "
                        "file back from a backup or from another member's copy",
                        log->path, name, offset, what);
}

static bool
record_is_whole(const uint8_t *record, size_t size)
{
    struct sec_hash hash;
    if (size < RECORD_HEAD + RECORD_TAIL ||
        pn_get_u32(record) != size - RECORD_HEAD - RECORD_TAIL || size > RECORD_ROOM)
        return false;
    size_t   length = size - RECORD_HEAD - RECORD_TAIL;
    uint32_t crc    = pn_crc32c(pn_crc32c(0, record, 4), record + RECORD_HEAD, length);
    if (crc != pn_get_u32(record + 4))
        return false;
    sec_hash_of(&hash, "record", record + RECORD_HEAD, length);
    return memcmp(hash.bytes, record + RECORD_HEAD + length, RECORD_TAIL) == 0;
}

static size_t
record_encode(uint8_t *out, const void *payload, size_t length)
{
    struct sec_hash hash;
    pn_put_u32(out, (uint32_t)length);
    if (length > 0)
        memcpy(out + RECORD_HEAD, payload, length);
    pn_put_u32(out + 4, pn_crc32c(pn_crc32c(0, out, 4), out + RECORD_HEAD, length));
    sec_hash_of(&hash, "record", out + RECORD_HEAD, length);
    memcpy(out + RECORD_HEAD + length, hash.bytes, RECORD_TAIL);
    return RECORD_HEAD + length + RECORD_TAIL;
}

/* A sector of the file that never reached the disk reads as zeros. */
static bool
has_lost_sector(const uint8_t *tail, size_t size, uint64_t offset)
{
    size_t begin = 0;
    while (begin < size) {
        size_t end   = begin + SECTOR - (size_t)((offset + begin) % SECTOR);
        size_t zeros = 0;
        if (end > size)
            end = size;
        while (begin + zeros < end && tail[begin + zeros] == 0)
            zeros++;
        if (zeros >= 16 && begin + zeros == end) /* a few zeros prove nothing */
            return true;
        begin = end;
    }
    return false;
}

/* Whether the file ends where a record ends: then something was damaged after it was written, in
 * the length or checksum here or in an earlier record, and cutting would lose what was
 * acknowledged. */
static bool
ends_in_record(const uint8_t *tail, size_t size)
{
    struct sec_hash hash;
    unsigned        candidates = 0;
    if (size < RECORD_HEAD + RECORD_TAIL)
        return false;
    sec_hash_of(&hash, "record", tail + RECORD_HEAD, size - RECORD_HEAD - RECORD_TAIL);
    if (memcmp(hash.bytes, tail + size - RECORD_TAIL, RECORD_TAIL) == 0)
        return true;
    for (size_t at = 1; at + RECORD_HEAD + RECORD_TAIL <= size; at++) {
        if (pn_get_u32(tail + at) != size - at - RECORD_HEAD - RECORD_TAIL)
            continue;
        if (++candidates > FORGED_MAX || record_is_whole(tail + at, size - at))
            return true;
    }
    return false;
}

/* Whether the bytes from `offset` to the end of the last segment are one write that a crash cut
 * short: it is shorter than it says, or parts of it never reached the disk. */
static bool
tail_is_torn(const uint8_t *tail, size_t size, uint64_t offset)
{
    if (size < RECORD_HEAD)
        return true;
    uint32_t length   = pn_get_u32(tail);
    bool     is_short = length <= STORE_RECORD_MAX && RECORD_HEAD + length + RECORD_TAIL > size;
    return (is_short || has_lost_sector(tail, size, offset)) && !ends_in_record(tail, size);
}

/* A part of a segment in memory: log->scratch. */
struct window {
    int      fd;
    uint64_t at;
    size_t   size;
};

/* `*got` bytes at `offset`, as many as the file has, at most `need`. */
static int
look(const uint8_t **out, size_t *got, struct store_log *log, struct window *window,
     uint64_t offset, size_t need)
{
    if (offset < window->at || offset + need > window->at + window->size) {
        int error = store_io_read(&window->size, window->fd, log->scratch, RECORD_ROOM, offset);
        if (error != 0) {
            window->size = 0;
            return error;
        }
        window->at = offset;
    }
    *out       = log->scratch + (offset - window->at);
    size_t has = window->size - (size_t)(offset - window->at);
    *got       = has < need ? has : need;
    return 0;
}

static bool
make_room(struct store_log *log)
{
    if (log->count < log->room)
        return true;
    size_t    room = log->room == 0 ? 256 : log->room * 2;
    uint64_t *more = realloc(log->offsets, room * sizeof *more);
    if (more == NULL)
        return false;
    log->offsets = more;
    log->room    = room;
    return true;
}

static enum pn_status
cut_tail(struct store_log *log, int fd, uint64_t size, struct pn_error *why)
{
    if (!log->write)
        return PN_OK;
    int error = store_io_cut(fd, size);
    if (error == 0)
        error = store_io_sync(fd);
    return error == 0 ? PN_OK : refuse(why, log, error, "cut off a torn record");
}

/* One record at `segment->size`: moves it on, or sets `*end` where the whole records stop. */
static enum pn_status
scan_record(bool *end, struct store_log *log, struct window *window, struct segment *segment,
            uint64_t file_size, bool is_last, struct pn_error *why)
{
    const uint8_t *bytes;
    size_t         got;
    uint64_t       offset = segment->size;
    int            error  = look(&bytes, &got, log, window, offset, RECORD_HEAD);
    if (error != 0)
        return refuse(why, log, error, "read");
    if (got == RECORD_HEAD && pn_get_u32(bytes) <= STORE_RECORD_MAX) {
        size_t size = RECORD_HEAD + (size_t)pn_get_u32(bytes) + RECORD_TAIL;
        if ((error = look(&bytes, &got, log, window, offset, size)) != 0)
            return refuse(why, log, error, "read");
        if (got == size && record_is_whole(bytes, size)) {
            if (!make_room(log))
                return PN_ENOMEM;
            log->offsets[log->count++] = offset;
            segment->size += size;
            return PN_OK;
        }
    }
    if (!is_last)
        return damaged(why, log, segment->first, offset, "a record is not whole");
    if (file_size - offset > RECORD_ROOM)
        return damaged(why, log, segment->first, offset, "more follows than one record");
    if ((error = look(&bytes, &got, log, window, offset, (size_t)(file_size - offset))) != 0)
        return refuse(why, log, error, "read");
    if (!tail_is_torn(bytes, got, offset))
        return damaged(why, log, segment->first, offset,
                       "a record was changed after it was written");
    *end = true;
    return cut_tail(log, window->fd, offset, why);
}

static enum pn_status
scan_open(struct store_log *log, size_t index, int fd, struct pn_error *why)
{
    struct segment *segment = &log->segments[index];
    struct window   window  = {.fd = fd};
    bool            is_last = index + 1 == log->segment_count;
    uint64_t        file_size;
    const uint8_t  *head;
    size_t          got;
    int             error = store_io_size(&file_size, fd);
    if (error == 0)
        error = look(&head, &got, log, &window, 0, SEGMENT_HEAD);
    if (error != 0)
        return refuse(why, log, error, "read a segment");
    if (got < SEGMENT_HEAD || memcmp(head, MAGIC, sizeof MAGIC) != 0)
        return damaged(why, log, segment->first, 0, "it does not begin as a segment");
    if (pn_get_u64(head + 8) != segment->first)
        return damaged(why, log, segment->first, 8, "its number is not that of its name");
    if (segment->first != log->count)
        return damaged(why, log, segment->first, 8, "records before it are missing");

    bool end      = false;
    segment->size = SEGMENT_HEAD;
    while (!end && segment->size < file_size) {
        enum pn_status status = scan_record(&end, log, &window, segment, file_size, is_last, why);
        if (status != PN_OK)
            return status;
    }
    return PN_OK;
}

static enum pn_status
scan(struct store_log *log, size_t index, struct pn_error *why)
{
    char name[NAME_SIZE];
    int  fd;
    segment_name(name, log->segments[index].first);
    int error = store_io_open(&fd, log->folder, name,
                              (log->write ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK, 0);
    if (error != 0)
        return refuse(why, log, error, "open a segment");
    enum pn_status status = scan_open(log, index, fd, why);
    if (status != PN_OK || index + 1 < log->segment_count)
        store_io_close(fd);
    else
        log->last = fd;
    return status;
}

static bool
push_segment(struct store_log *log, uint64_t first)
{
    if (log->segment_count == log->segment_room) {
        size_t          room = log->segment_room == 0 ? 8 : log->segment_room * 2;
        struct segment *more = realloc(log->segments, room * sizeof *more);
        if (more == NULL)
            return false;
        log->segments     = more;
        log->segment_room = room;
    }
    log->segments[log->segment_count++] = (struct segment){.first = first, .size = SEGMENT_HEAD};
    return true;
}

static bool
take_name(void *context, const char *name)
{
    struct store_log *log   = context;
    uint64_t          first = 0;
    if (strlen(name) != NAME_SIZE - 1 || strcmp(name + NAME_DIGITS, ".seg") != 0)
        return true;
    for (int i = 0; i < NAME_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9')
            return true;
        first = first * 10 + (uint64_t)(name[i] - '0');
    }
    log->broken = !push_segment(log, first); /* for the caller: out of memory */
    return !log->broken;
}

static int
by_number(const void *a, const void *b)
{
    const struct segment *left = a, *right = b;
    return (left->first > right->first) - (left->first < right->first);
}

/* Written whole, so that a segment whose head is short is damage and never a crash. */
static int
add_segment(struct store_log *log)
{
    static const char temporary[] = STORE_TEMPORARY "segment";
    uint8_t           head[SEGMENT_HEAD];
    char              name[NAME_SIZE];
    int               fd;
    memcpy(head, MAGIC, sizeof MAGIC);
    pn_put_u64(head + 8, log->count);
    segment_name(name, log->count);
    (void)unlinkat(log->folder, temporary, 0); /* left by a crash */
    int error = store_io_replace(log->folder, temporary, name, head, sizeof head, 0600);
    if (error == 0)
        error = store_io_open(&fd, log->folder, name, O_RDWR | O_NOFOLLOW, 0);
    if (error != 0)
        return error;
    if (!push_segment(log, log->count)) {
        store_io_close(fd);
        return ENOMEM;
    }
    if (log->last >= 0)
        store_io_close(log->last);
    log->last = fd;
    return 0;
}

static enum pn_status
open_segments(struct store_log *log, struct pn_error *why)
{
    int error = store_io_list(log->folder, take_name, log);
    if (error != 0)
        return refuse(why, log, error, "list the segments");
    if (log->broken)
        return PN_ENOMEM;
    if (log->segment_count > 0)
        qsort(log->segments, log->segment_count, sizeof *log->segments, by_number);
    for (size_t i = 0; i < log->segment_count; i++) {
        enum pn_status status = scan(log, i, why);
        if (status != PN_OK)
            return status;
    }
    if (log->segment_count == 0 && log->write && (error = add_segment(log)) != 0)
        return refuse(why, log, error, "begin a segment");
    return PN_OK;
}

enum pn_status
store_log_open(struct store_log **out, const char *folder, bool write, struct pn_error *why)
{
    struct store_log *log = calloc(1, sizeof *log);
    if (log == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory to open %s", folder);
    log->folder  = -1;
    log->last    = -1;
    log->write   = write;
    log->scratch = malloc(RECORD_ROOM);
    (void)snprintf(log->path, sizeof log->path, "%s", folder);

    enum pn_status status = log->scratch == NULL ? PN_ENOMEM : PN_OK;
    int            error  = 0;
    if (status == PN_OK)
        error = store_io_open(&log->folder, AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0);
    if (error != 0)
        status = refuse(why, log, error, "open the folder");
    if (status == PN_OK)
        status = open_segments(log, why);
    if (status == PN_ENOMEM)
        (void)pn_error_set(why, PN_ENOMEM, "no memory to open %s", folder);
    if (status != PN_OK) {
        store_log_close(log);
        return status;
    }
    *out = log;
    return PN_OK;
}

void
store_log_close(struct store_log *log)
{
    if (log == NULL)
        return;
    if (log->last >= 0)
        store_io_close(log->last);
    if (log->folder >= 0)
        store_io_close(log->folder);
    free(log->scratch);
    free(log->segments);
    free(log->offsets);
    free(log);
}

enum pn_status
store_log_append(struct store_log *log, const void *record, size_t size)
{
    if (size > STORE_RECORD_MAX)
        return PN_ERANGE;
    if (!log->write || log->broken)
        return log->broken ? PN_EIO : PN_ESTATE;
    if (!make_room(log))
        return PN_ENOMEM;
    if (log->segments[log->segment_count - 1].size >= SEGMENT_BYTES) {
        int error = add_segment(log);
        if (error != 0)
            return store_io_status(error);
    }
    struct segment *segment = &log->segments[log->segment_count - 1];
    size_t          whole   = record_encode(log->scratch, record, size);
    int             error   = store_io_write(log->last, log->scratch, whole, segment->size);
    /* After a failed fsync the kernel may forget the pages: nobody can say what the disk holds. */
    if (error == 0 && (error = store_io_sync_data(log->last)) != 0)
        log->broken = true;
    if (error != 0) {
        if (store_io_cut(log->last, segment->size) != 0 || store_io_sync(log->last) != 0)
            log->broken = true;
        return store_io_status(error);
    }
    log->offsets[log->count++] = segment->size;
    segment->size += whole;
    return PN_OK;
}

uint64_t
store_log_count(const struct store_log *log)
{
    return log->count;
}

static const struct segment *
segment_of(const struct store_log *log, uint64_t index)
{
    size_t low = 0, high = log->segment_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (log->segments[middle].first <= index)
            low = middle;
        else
            high = middle;
    }
    return &log->segments[low];
}

static int
read_at(size_t *got, struct store_log *log, const struct segment *segment, uint64_t offset,
        size_t size)
{
    char name[NAME_SIZE];
    int  fd;
    if (segment == &log->segments[log->segment_count - 1])
        return store_io_read(got, log->last, log->scratch, size, offset);
    segment_name(name, segment->first);
    int error = store_io_open(&fd, log->folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (error != 0)
        return error;
    error = store_io_read(got, fd, log->scratch, size, offset);
    store_io_close(fd);
    return error;
}

enum pn_status
store_log_read(struct store_log *log, uint64_t index, struct pn_buffer *out)
{
    pn_buffer_clear(out);
    if (index >= log->count)
        return PN_ENOENT;
    const struct segment *segment = segment_of(log, index);
    uint64_t              begin   = log->offsets[index];
    uint64_t              end     = segment->size;
    if (index + 1 < log->count && segment_of(log, index + 1) == segment)
        end = log->offsets[index + 1];
    size_t size = (size_t)(end - begin), got = 0;
    int    error = read_at(&got, log, segment, begin, size);
    if (error != 0)
        return error == ENOENT ? PN_ECORRUPT : store_io_status(error);
    if (got != size || !record_is_whole(log->scratch, size))
        return PN_ECORRUPT;
    return pn_buffer_append(out, log->scratch + RECORD_HEAD, size - RECORD_HEAD - RECORD_TAIL);
}
