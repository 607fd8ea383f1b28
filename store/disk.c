#include "store/disk.h"

#include <string.h>

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

static bool
part_is_valid(const char *part, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_letter(part[i]))
            return false;
    return len > 0 && part[0] != '.';
}

/* What store/files keeps for itself: no name may reach it. */
static bool
is_reserved(const char *part, size_t len)
{
    static const char *const names[] = {"lock", "ledger", "staging"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == len && strncmp(names[i], part, len) == 0)
            return true;
    return len >= 12 && strncmp(part, "state.sqlite", 12) == 0;
}

bool
store_name_is_valid(const char *name)
{
    size_t      len   = strnlen(name, STORE_NAME_MAX + 1);
    const char *slash = memchr(name, '/', len);
    size_t      first = slash == NULL ? len : (size_t)(slash - name);
    if (len > STORE_NAME_MAX || !part_is_valid(name, first) || is_reserved(name, first))
        return false;
    return slash == NULL || part_is_valid(slash + 1, len - first - 1);
}

bool
store_key_is_valid(const char *key)
{
    size_t len = 0;
    while (len <= STORE_KEY_MAX && is_letter(key[len]))
        len++;
    return len >= 1 && len <= STORE_KEY_MAX && key[len] == '\0';
}

enum pn_status
store_disk_load(struct pn_buffer *out, const struct store_disk *disk, const char *name)
{
    uint8_t        part[4096];
    uint64_t       size = 0;
    enum pn_status st   = disk->size(disk->host, name, &size);
    if (st == PN_OK && size > out->limit - out->size)
        return PN_ERANGE;
    for (uint64_t at = 0; st == PN_OK && at < size;) {
        size_t count = size - at < sizeof part ? (size_t)(size - at) : sizeof part;
        st           = disk->read(disk->host, name, part, at, count);
        if (st == PN_OK)
            st = pn_buffer_append(out, part, count);
        at += count;
    }
    return st;
}
