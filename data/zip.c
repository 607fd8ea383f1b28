/* PKWARE APPNOTE 6.3.10: sections 4.3.16 (end), 4.3.12 (directory), 4.3.7 (member). */
#include "data/zip.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    END_SIZE       = 22,
    ENTRY_SIZE     = 46,
    LOCAL_SIZE     = 30,
    COMMENT_MAX    = 65535,
    NAME_MAX_SHOWN = 200,
    DEFLATE        = 8,
    ENCRYPTED      = 1
};

static const uint32_t end_mark = 0x06054b50, entry_mark = 0x02014b50, local_mark = 0x04034b50;

struct archive {
    const char      *name;
    const uint8_t   *bytes;
    size_t           size;
    size_t           directory, directory_size; /* checked to lie inside */
    uint32_t         count;
    struct pn_error *why;
};

struct entry {
    uint16_t    flags, method;
    uint32_t    crc, packed_size, size, offset;
    const char *name; /* not terminated */
    size_t      name_len, whole;
};

static enum pn_status
damaged(const struct archive *archive, const char *what)
{
    return pn_error_set(archive->why, PN_EDATA, "%s: the archive is damaged: %s; copy it again",
                        archive->name, what);
}

/* The end record is the last thing in the archive but for a comment. */
static enum pn_status
find_end(size_t *at, const struct archive *archive)
{
    size_t least =
        archive->size > COMMENT_MAX + END_SIZE ? archive->size - COMMENT_MAX - END_SIZE : 0;
    for (size_t i = archive->size; i-- > least;)
        if (archive->size - i >= END_SIZE && pn_get_u32(archive->bytes + i) == end_mark &&
            pn_get_u16(archive->bytes + i + 20) == archive->size - i - END_SIZE) {
            *at = i;
            return PN_OK;
        }
    return pn_error_set(archive->why, PN_EDATA,
                        "%s: this is no ZIP archive (NPZ), or its end is missing", archive->name);
}

static enum pn_status
read_end(struct archive *archive)
{
    size_t         at = 0;
    enum pn_status st = find_end(&at, archive);
    if (st != PN_OK)
        return st;
    const uint8_t *end      = archive->bytes + at;
    archive->count          = pn_get_u16(end + 10);
    archive->directory_size = pn_get_u32(end + 12);
    archive->directory      = pn_get_u32(end + 16);
    if (pn_get_u16(end + 4) != 0 || pn_get_u16(end + 8) != archive->count)
        return pn_error_set(archive->why, PN_EDATA, "%s: the archive is one part of several",
                            archive->name);
    if (archive->directory == UINT32_MAX || archive->count == UINT16_MAX)
        return pn_error_set(archive->why, PN_EDATA,
                            "%s: the archive is in ZIP64, which is for more than 4 GiB; save its "
                            "arrays as NPY files",
                            archive->name);
    if (archive->directory > at || archive->directory_size > at - archive->directory)
        return damaged(archive, "its directory is not where its end says");
    return PN_OK;
}

static enum pn_status
read_entry(struct entry *out, const struct archive *archive, size_t at)
{
    size_t left = archive->directory_size - at;
    if (left < ENTRY_SIZE || pn_get_u32(archive->bytes + archive->directory + at) != entry_mark)
        return damaged(archive, "an entry of its directory is cut off");
    const uint8_t *entry = archive->bytes + archive->directory + at;
    *out                 = (struct entry){.flags       = pn_get_u16(entry + 8),
                                          .method      = pn_get_u16(entry + 10),
                                          .crc         = pn_get_u32(entry + 16),
                                          .packed_size = pn_get_u32(entry + 20),
                                          .size        = pn_get_u32(entry + 24),
                                          .name_len    = pn_get_u16(entry + 28),
                                          .offset      = pn_get_u32(entry + 42),
                                          .name        = (const char *)entry + ENTRY_SIZE};
    out->whole = ENTRY_SIZE + out->name_len + pn_get_u16(entry + 30) + pn_get_u16(entry + 32);
    return out->whole > left ? damaged(archive, "an entry of its directory is cut off") : PN_OK;
}

/* The names that are there, for the sentence. */
static enum pn_status
not_there(const struct archive *archive, const char *member)
{
    char           names[NAME_MAX_SHOWN] = "";
    size_t         len                   = 0;
    struct entry   entry;
    enum pn_status st = PN_OK;
    for (size_t at = 0, i = 0; st == PN_OK && i < archive->count; i++, at += entry.whole) {
        st = read_entry(&entry, archive, at);
        if (st == PN_OK && len + entry.name_len + 3 < sizeof names)
            len += (size_t)snprintf(names + len, sizeof names - len, "%s%.*s", i > 0 ? ", " : "",
                                    (int)entry.name_len, entry.name);
    }
    return pn_error_set(archive->why, PN_EDATA, "%s: the archive has no \"%.60s\"; it has %s",
                        archive->name, member, names[0] != '\0' ? names : "nothing");
}

static enum pn_status
find_entry(struct entry *out, const struct archive *archive, const char *member)
{
    struct entry entry;
    bool         found = false;
    for (size_t at = 0, i = 0; i < archive->count; i++, at += entry.whole) {
        enum pn_status st = read_entry(&entry, archive, at);
        if (st != PN_OK)
            return st;
        if (entry.name_len != strlen(member) || memcmp(entry.name, member, entry.name_len) != 0)
            continue;
        if (found)
            return pn_error_set(archive->why, PN_EDATA, "%s: \"%.60s\" is in the archive twice",
                                archive->name, member);
        *out  = entry;
        found = true;
    }
    return found ? PN_OK : not_there(archive, member);
}

static enum pn_status
check_entry(const struct entry *entry, const struct archive *archive, const char *member)
{
    if ((entry->flags & ENCRYPTED) != 0)
        return pn_error_set(archive->why, PN_EDATA, "%s: \"%.60s\" is encrypted", archive->name,
                            member);
    if (entry->method != 0 && entry->method != DEFLATE)
        return pn_error_set(archive->why, PN_EDATA,
                            "%s: \"%.60s\" is packed by method %u; expected 0 (stored) or 8 "
                            "(deflate)",
                            archive->name, member, entry->method);
    if (entry->size == UINT32_MAX || entry->packed_size == UINT32_MAX)
        return pn_error_set(archive->why, PN_EDATA,
                            "%s: \"%.60s\" has 4 GiB or more; save it as an NPY file",
                            archive->name, member);
    if (entry->method == 0 ? entry->size != entry->packed_size
                           : entry->size / 1032 > entry->packed_size)
        return pn_error_set(archive->why, PN_EDATA,
                            "%s: \"%.60s\" claims to unpack %u bytes to %u, which is not possible",
                            archive->name, member, entry->packed_size, entry->size);
    return PN_OK;
}

/* The local header repeats the entry; only its own length counts. */
static enum pn_status
find_bytes(const uint8_t **out, const struct entry *entry, const struct archive *archive)
{
    if (entry->offset > archive->directory || archive->directory - entry->offset < LOCAL_SIZE ||
        pn_get_u32(archive->bytes + entry->offset) != local_mark)
        return damaged(archive, "a member is not where the directory says");
    const uint8_t *local = archive->bytes + entry->offset;
    size_t         skip  = (size_t)LOCAL_SIZE + pn_get_u16(local + 26) + pn_get_u16(local + 28);
    size_t         room  = archive->directory - entry->offset;
    if (skip > room || entry->packed_size > room - skip)
        return damaged(archive, "a member goes beyond the directory");
    *out = local + skip;
    return PN_OK;
}

enum pn_status
data_zip_open(struct data_stream **out, const char *archive_name, const uint8_t *bytes, size_t size,
              const char *member, struct pn_error *why)
{
    struct archive archive = {.name = archive_name, .bytes = bytes, .size = size, .why = why};
    struct entry   entry   = {.name = NULL};
    const uint8_t *packed  = NULL;
    enum pn_status st      = read_end(&archive);
    if (st == PN_OK)
        st = find_entry(&entry, &archive, member);
    if (st == PN_OK)
        st = check_entry(&entry, &archive, member);
    if (st == PN_OK)
        st = find_bytes(&packed, &entry, &archive);
    if (st != PN_OK)
        return st;
    char name[NAME_MAX_SHOWN];
    (void)snprintf(name, sizeof name, "%.120s(%.60s)", archive_name, member);
    return data_stream_open_packed(out, name, packed, entry.packed_size,
                                   &(struct data_packed){.deflate = entry.method == DEFLATE,
                                                         .size    = entry.size,
                                                         .crc     = entry.crc},
                                   why);
}
