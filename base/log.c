#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* TEXT is what one call may say, VALUE what one %s of it may take after escaping. JSON at most
 * doubles the text (a= becomes "a":"",) and adds its own first fields. */
enum {
    TEXT_MAX_SIZE  = 3400,
    VALUE_MAX_SIZE = 600,
    LINE_MAX_SIZE  = 3 * TEXT_MAX_SIZE
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static struct {
    const char       *who;
    enum pn_log_level most;
    bool              json;
} state = {.who = "panal", .most = PN_LOG_INFO};

void
pn_log_open(const char *who, enum pn_log_level most, bool json)
{
    state.who  = who;
    state.most = most;
    state.json = json;
}

bool
pn_log_level_parse(enum pn_log_level *out, const char *text)
{
    for (unsigned int i = 0; i < sizeof level_names / sizeof level_names[0]; i++)
        if (strcmp(text, level_names[i]) == 0) {
            *out = (enum pn_log_level)i;
            return true;
        }
    return false;
}

/* Text that grows up to a limit. A piece goes in whole or not at all; after the first that does
 * not fit, none does. */
struct sink {
    char  *text;
    size_t size, len;
    bool   full;
};

static void
put(struct sink *sink, const char *piece, size_t len)
{
    if (sink->full || len >= sink->size - sink->len) {
        sink->full = true;
        return;
    }
    memcpy(sink->text + sink->len, piece, len);
    sink->len += len;
    sink->text[sink->len] = '\0';
}

static void
put_text(struct sink *sink, const char *text)
{
    put(sink, text, strlen(text));
}

/* The length of the UTF-8 character at the start of `text`; 0 when it is none, or a control. */
static size_t
character_size(const char *text)
{
    const uint8_t *in = (const uint8_t *)text;
    if (in[0] < 0x80)
        return in[0] >= 0x20 && in[0] != 0x7f;
    size_t   size = in[0] >= 0xf0 ? 4 : in[0] >= 0xe0 ? 3 : 2;
    uint32_t code = in[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((in[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (in[i] & 0x3fu);
    }
    static const uint32_t least[5]  = {0, 0, 0xa0, 0x800, 0x10000}; /* 0x80..0x9f are controls */
    bool                  surrogate = code >= 0xd800 && code <= 0xdfff;
    bool                  lead      = in[0] >= 0xc0 && in[0] < 0xf8;
    return lead && code >= least[size] && code <= 0x10ffff && !surrogate ? size : 0;
}

/* Writes `text` so that it is right between the quotes of JSON and stays on its line. */
static void
put_escaped(struct sink *sink, const char *text)
{
    size_t end = sink->len + VALUE_MAX_SIZE;
    while (*text != '\0') {
        char   escape[8];
        size_t size = character_size(text);
        if (sink->len >= end) {
            put_text(sink, "...");
            return;
        }
        if (*text == '"' || *text == '\\')
            snprintf(escape, sizeof escape, "\\%c", *text);
        else if (*text == '\n')
            snprintf(escape, sizeof escape, "\\n");
        else if (size == 0)
            snprintf(escape, sizeof escape, "\\u%04x", (unsigned int)(uint8_t)*text);
        else
            snprintf(escape, sizeof escape, "%.*s", (int)size, text);
        put_text(sink, escape);
        text += size == 0 ? 1 : size;
    }
}

/* One word that cannot be taken for anything else. */
static bool
is_plain(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=')
            return false;
    }
    return len > 0 && len <= VALUE_MAX_SIZE;
}

/* Where the word at `text` ends: at a space outside quotes, or at the end. */
static size_t
word_size(const char *text, bool *open_quote)
{
    bool   quoted = false;
    size_t i      = 0;
    for (; text[i] != '\0' && (quoted || text[i] != ' '); i++) {
        if (text[i] == '"')
            quoted = !quoted;
        else if (text[i] == '\\' && text[i + 1] != '\0')
            i++;
    }
    *open_quote = quoted;
    return i;
}

/* The start of the last word. */
static size_t
last_word(const char *text, bool *open_quote)
{
    size_t start = 0;
    for (;;) {
        size_t end = start + word_size(text + start, open_quote);
        if (text[end] == '\0')
            return start;
        start = end + 1;
    }
}

/* A %s: bare where it is one plain word, else in quotes, unless the format has put them. */
static void
put_value(struct sink *sink, const char *value)
{
    bool in_quotes;
    last_word(sink->text, &in_quotes);
    if (is_plain(value)) {
        put_text(sink, value);
        return;
    }
    if (!in_quotes)
        put_text(sink, "\"");
    put_escaped(sink, value);
    if (!in_quotes)
        put_text(sink, "\"");
}

struct arguments {
    va_list list;
};

static intmax_t
take_signed(struct arguments *args, const char *length)
{
    if (length[0] == 'l')
        return length[1] == 'l' ? va_arg(args->list, long long) : va_arg(args->list, long);
    if (length[0] == 'j')
        return va_arg(args->list, intmax_t);
    if (length[0] == 'z' || length[0] == 't')
        return va_arg(args->list, ptrdiff_t);
    return va_arg(args->list, int);
}

static uintmax_t
take_unsigned(struct arguments *args, const char *length)
{
    if (length[0] == 'l')
        return length[1] == 'l' ? va_arg(args->list, unsigned long long)
                                : va_arg(args->list, unsigned long);
    if (length[0] == 'j')
        return va_arg(args->list, uintmax_t);
    if (length[0] == 'z' || length[0] == 't')
        return va_arg(args->list, size_t);
    return va_arg(args->list, unsigned int);
}

static void
put_string(struct sink *sink, const char *flags, struct arguments *args)
{
    char        copy[VALUE_MAX_SIZE + 8];
    size_t      most = sizeof copy - 1;
    const char *dot  = strchr(flags, '.');
    if (dot != NULL) {
        int precision = dot[1] == '*' ? va_arg(args->list, int) : (int)strtol(dot + 1, NULL, 10);
        if (precision >= 0 && (size_t)precision < most)
            most = (size_t)precision;
    }
    const char *value = va_arg(args->list, const char *);
    if (value == NULL)
        value = "-";
    size_t len = strnlen(value, most);
    memcpy(copy, value, len);
    copy[len] = '\0';
    put_value(sink, copy);
}

/*
 * Writes one conversion of the format and returns what follows it. Done here and not by one
 * vsnprintf, because only here it is known which text came from an argument.
 */
static const char *
put_conversion(struct sink *sink, const char *format, struct arguments *args)
{
    char   flags[16], spec[24], text[128];
    size_t flag_count   = strspn(format + 1, "-+ #0123456789.*");
    size_t length_count = strspn(format + 1 + flag_count, "hljzt");
    PN_ASSERT(flag_count < sizeof flags && length_count <= 2);
    memcpy(flags, format + 1, flag_count);
    flags[flag_count]  = '\0';
    const char *length = format + 1 + flag_count;
    char        kind   = length[length_count];
    if (kind == 's') {
        put_string(sink, flags, args);
        return length + length_count + 1;
    }
    PN_ASSERT(strchr(flags, '*') == NULL && kind != '\0');
    bool whole = strchr("diuxXo", kind) != NULL;
    snprintf(spec, sizeof spec, "%%%s%s%c", flags, whole ? "j" : "", kind);
    if (kind == 'd' || kind == 'i')
        snprintf(text, sizeof text, spec, take_signed(args, length));
    else if (whole)
        snprintf(text, sizeof text, spec, take_unsigned(args, length));
    else if (strchr("eEfFgG", kind) != NULL)
        snprintf(text, sizeof text, spec, va_arg(args->list, double));
    else if (kind == 'c')
        snprintf(text, sizeof text, "%c", va_arg(args->list, int));
    else if (kind == '%')
        snprintf(text, sizeof text, "%%");
    else
        PN_UNREACHABLE("a conversion that log lines do not have");
    if (kind == 'c')
        put_value(sink, text);
    else
        put_text(sink, text);
    return length + length_count + 1;
}

static void
put_formatted(struct sink *sink, const char *format, struct arguments *args)
{
    while (*format != '\0') {
        if (*format == '%') {
            format = put_conversion(sink, format, args);
            continue;
        }
        char c = (uint8_t)*format < 0x20 ? ' ' : *format;
        put(sink, &c, 1);
        format++;
    }
    if (sink->full) {
        bool open_quote;
        sink->len             = last_word(sink->text, &open_quote);
        sink->text[sink->len] = '\0';
        sink->size += sizeof "cut=yes"; /* kept back by pn_log */
        sink->full = false;
        put_text(sink, "cut=yes");
    }
}

/* -?digits(.digits)? without leading zeros: what JSON takes for a number as it stands. */
static bool
is_number(const char *text, size_t len)
{
    size_t i     = len > 0 && text[0] == '-';
    size_t whole = strspn(text + i, "0123456789");
    if (whole == 0 || whole > 15 || (whole > 1 && text[i] == '0'))
        return false;
    i += whole;
    if (i < len && text[i] == '.') {
        size_t part = strspn(text + i + 1, "0123456789");
        i += part == 0 ? 0 : part + 1;
    }
    return i == len;
}

/* A value as JSON: a number or a string. */
static void
put_json_value(struct sink *sink, const char *value, size_t size)
{
    char copy[TEXT_MAX_SIZE];
    bool open_quote;
    PN_ASSERT(size < sizeof copy);
    memcpy(copy, value, size);
    copy[size] = '\0';
    if (is_number(copy, size)) {
        put_text(sink, copy);
        return;
    }
    /* Quoted once from end to end, it is a JSON string already. */
    bool string = size >= 2 && copy[0] == '"' && copy[size - 1] == '"';
    for (size_t i = 1; string && i + 1 < size; i++) {
        string = copy[i] != '"';
        i += copy[i] == '\\';
    }
    word_size(copy, &open_quote);
    if (string && !open_quote) {
        put_text(sink, copy);
        return;
    }
    put_text(sink, "\"");
    put_escaped(sink, copy);
    put_text(sink, "\"");
}

/* Each key=value word as a JSON member, then the words without a key together as "text". */
static void
put_members(struct sink *sink, const char *text)
{
    char        loose[TEXT_MAX_SIZE] = "";
    struct sink rest                 = {.text = loose, .size = sizeof loose};
    while (*text != '\0') {
        bool   open_quote;
        size_t size     = word_size(text, &open_quote);
        size_t key_size = strcspn(text, "= \"");
        if (key_size > 0 && key_size < size && text[key_size] == '=') {
            put_text(sink, ",\"");
            put(sink, text, key_size);
            put_text(sink, "\":");
            put_json_value(sink, text + key_size + 1, size - key_size - 1);
        } else if (size > 0) {
            put_text(&rest, rest.len > 0 ? " " : "");
            put(&rest, text, size);
        }
        text += size;
        text += *text == ' ';
    }
    if (rest.len == 0)
        return;
    put_text(sink, ",\"text\":\"");
    put_escaped(sink, loose);
    put_text(sink, "\"");
}

static void
write_whole(const char *line, size_t size)
{
    ssize_t done;
    do
        done = write(STDERR_FILENO, line, size);
    while (done < 0 && errno == EINTR);
    /* SAFE: a log that cannot be written has nowhere to say so. */
}

void
pn_log(enum pn_log_level level, const char *format, ...)
{
    if (level > state.most)
        return;
    int             saved_errno = errno;
    struct timespec now;
    struct tm       utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);

    char             text[TEXT_MAX_SIZE] = "", line[LINE_MAX_SIZE] = "", stamp[40];
    struct sink      words = {.text = text, .size = sizeof text - sizeof "cut=yes"};
    struct sink      sink  = {.text = line, .size = sizeof line};
    struct arguments args;
    va_start(args.list, format);
    put_formatted(&words, format, &args);
    va_end(args.list);

    strftime(stamp, sizeof stamp, state.json ? "%Y-%m-%dT%H:%M:%S" : "%H:%M:%S", &utc);
    put_text(&sink, state.json ? "{\"time\":\"" : "");
    put_text(&sink, stamp);
    snprintf(stamp, sizeof stamp, ".%03d", (int)(now.tv_nsec / 1000000));
    put_text(&sink, stamp);
    put_text(&sink, state.json ? "Z\",\"level\":\"" : " ");
    put_text(&sink, level_names[level]);
    put_text(&sink, state.json ? "\",\"who\":\"" : " ");
    if (state.json) {
        put_escaped(&sink, state.who);
        put_text(&sink, "\"");
        put_members(&sink, text);
        put_text(&sink, "}\n");
    } else {
        put_text(&sink, state.who);
        put_text(&sink, " ");
        put_text(&sink, text);
        put_text(&sink, "\n");
    }
    write_whole(line, sink.len);
    errno = saved_errno;
}
