#include "base/status.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const texts[PN_STATUS_COUNT] = {
#define PN_STATUS_TEXT(name, text) [name] = text,
    PN_STATUS_LIST(PN_STATUS_TEXT)
#undef PN_STATUS_TEXT
};

const char *
pn_status_text(enum pn_status status)
{
    if ((unsigned int)status >= PN_STATUS_COUNT)
        return "unknown status";
    return texts[status];
}

bool
pn_status_is_peer(enum pn_status status)
{
    return status >= PN_EPEER_FORMAT && status <= PN_EPEER_LIMIT;
}

int
pn_status_exit_code(enum pn_status status)
{
    switch (status) {
    case PN_OK:
        return 0;
    case PN_ECONFIG:
    case PN_ERANGE:
        return 3;
    case PN_ENOENT:
        return 4;
    case PN_EAUTH:
    case PN_EPEER_AUTH:
        return 5;
    case PN_ENETWORK:
        return 6;
    case PN_EPOLICY:
        return 7;
    case PN_EDATA:
        return 8;
    case PN_ENOMEM:
    case PN_EIO:
    case PN_ENOSPC:
    case PN_EEXIST:
    case PN_ECORRUPT:
    case PN_ESTATE:
    case PN_EDIVERGED:
    case PN_EPEER_FORMAT:
    case PN_EPEER_RUN:
    case PN_EPEER_REPLAY:
    case PN_EPEER_GAP:
    case PN_EPEER_STALE:
    case PN_EPEER_STATE:
    case PN_EPEER_VALUE:
    case PN_EPEER_LIMIT:
    case PN_STATUS_COUNT:
        return 1;
    }
    return 1;
}

/* How many bytes of `text` remain when a UTF-8 sequence broken off at its end is dropped. */
static size_t
whole_utf8(const char *text, size_t len)
{
    size_t start = len;
    while (start > 0 && len - start < 3 && ((uint8_t)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return len;
    uint8_t lead = (uint8_t)text[start - 1];
    size_t  need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    return need > len - start + 1 ? start - 1 : len;
}

static void
tidy(char *text, size_t size, int written)
{
    size_t len = written < 0 ? 0 : (size_t)written;
    if (len >= size)
        len = whole_utf8(text, size - 1);
    text[len] = '\0';
    for (size_t i = 0; i < len; i++)
        if ((uint8_t)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
}

enum pn_status
pn_error_set(struct pn_error *error, enum pn_status status, const char *format, ...)
{
    if (error == NULL)
        return status;
    struct pn_error fresh; /* the arguments may point into `error` */
    va_list         args;
    va_start(args, format);
    int written = vsnprintf(fresh.text, sizeof fresh.text, format, args);
    va_end(args);
    tidy(fresh.text, sizeof fresh.text, written);
    memcpy(error->text, fresh.text, strlen(fresh.text) + 1);
    return status;
}

enum pn_status
pn_error_wrap(struct pn_error *error, enum pn_status status, const char *format, ...)
{
    if (error == NULL)
        return status;
    struct pn_error prefix, whole;
    va_list         args;
    va_start(args, format);
    int written = vsnprintf(prefix.text, sizeof prefix.text, format, args);
    va_end(args);
    tidy(prefix.text, sizeof prefix.text, written);
    const char *rest = error->text[0] != '\0' ? error->text : pn_status_text(status);
    /* Half the room at most for the prefix: the reason must stay readable. */
    written = snprintf(whole.text, sizeof whole.text, "%.*s: %s",
                       (int)whole_utf8(prefix.text, strnlen(prefix.text, sizeof whole.text / 2)),
                       prefix.text, rest);
    tidy(whole.text, sizeof whole.text, written);
    memcpy(error->text, whole.text, strlen(whole.text) + 1);
    return status;
}

_Noreturn void
pn_assert_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: this must never happen: %s\n", file, line, condition);
    abort();
}
