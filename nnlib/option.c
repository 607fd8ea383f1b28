#include "nnlib/option.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
set_number(unsigned char *field, const struct nn_option *option, const char *text, size_t len)
{
    char buffer[40], *end;
    /* Only plain decimals: strtod alone also takes hex, inf and nan. */
    if (len == 0 || len >= sizeof buffer)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\0' || strchr("0123456789.eE+-", text[i]) == NULL)
            return false;
    memcpy(buffer, text, len);
    buffer[len] = '\0';
    if (strspn(buffer, "0123456789.eE+-") < len)
        return false;
    double value = strtod(buffer, &end);
    if (*end != '\0' || !isfinite(value) || value < option->min || value > option->max)
        return false;
    value += 0.0; /* -0 becomes 0, so that equal models have equal texts */
    memcpy(field, &value, sizeof value);
    return true;
}

/* Decimal digits only; advances `at`. */
static bool
read_count(uint32_t *out, const struct nn_option *option, const char **at, const char *end)
{
    uint64_t    value = 0;
    const char *start = *at;
    for (; *at < end && **at >= '0' && **at <= '9' && value <= UINT32_MAX; ++*at)
        value = value * 10 + (uint64_t)(**at - '0');
    *out = (uint32_t)value;
    return *at > start && (double)value >= option->min && (double)value <= option->max;
}

/* `5` or, for a pair, also `5x3`. */
static bool
set_counts(unsigned char *field, const struct nn_option *option, const char *text, size_t len)
{
    uint32_t    value[2];
    const char *at = text, *end = text + len;
    if (!read_count(&value[0], option, &at, end))
        return false;
    value[1] = value[0];
    if (option->kind == NN_OPTION_PAIR && at < end && *at++ == 'x' &&
        !read_count(&value[1], option, &at, end))
        return false;
    if (at != end)
        return false;
    memcpy(field, value, option->kind == NN_OPTION_PAIR ? sizeof value : sizeof value[0]);
    return true;
}

bool
nn_option_set(unsigned char *options, const struct nn_option *option, const char *text, size_t len)
{
    unsigned char *field = options + option->offset;
    switch (option->kind) {
    case NN_OPTION_NUMBER:
        return set_number(field, option, text, len);
    case NN_OPTION_WORD:
        for (uint32_t i = 0; option->words[i] != NULL; i++)
            if (strlen(option->words[i]) == len && memcmp(option->words[i], text, len) == 0) {
                memcpy(field, &i, sizeof i);
                return true;
            }
        return false;
    case NN_OPTION_COUNT:
    case NN_OPTION_PAIR:
        return set_counts(field, option, text, len);
    }
    PN_UNREACHABLE("option kind");
}

static size_t
field_size(const struct nn_option *option)
{
    switch (option->kind) {
    case NN_OPTION_NUMBER:
        return sizeof(double);
    case NN_OPTION_WORD:
    case NN_OPTION_COUNT:
        return sizeof(uint32_t);
    case NN_OPTION_PAIR:
        return 2 * sizeof(uint32_t);
    }
    PN_UNREACHABLE("option kind");
}

/* The shortest text that reads back the same. */
static enum pn_status
print_number(struct pn_buffer *out, const struct nn_option *option, const unsigned char *field)
{
    double value;
    char   text[40];
    memcpy(&value, field, sizeof value);
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return pn_buffer_printf(out, " %s=%s", option->name, text);
}

static enum pn_status
print_one(struct pn_buffer *out, const struct nn_option *option, const unsigned char *field)
{
    uint32_t value[2];
    switch (option->kind) {
    case NN_OPTION_NUMBER:
        return print_number(out, option, field);
    case NN_OPTION_WORD:
        memcpy(value, field, sizeof value[0]);
        return pn_buffer_printf(out, " %s=%s", option->name, option->words[value[0]]);
    case NN_OPTION_COUNT:
        memcpy(value, field, sizeof value[0]);
        return pn_buffer_printf(out, " %s=%u", option->name, value[0]);
    case NN_OPTION_PAIR:
        memcpy(value, field, sizeof value);
        return value[0] == value[1]
                   ? pn_buffer_printf(out, " %s=%u", option->name, value[0])
                   : pn_buffer_printf(out, " %s=%ux%u", option->name, value[0], value[1]);
    }
    PN_UNREACHABLE("option kind");
}

enum pn_status
nn_options_print(struct pn_buffer *out, const unsigned char *options, const struct nn_option *table)
{
    enum pn_status st = PN_OK;
    for (const struct nn_option *o = table; st == PN_OK && o->name != NULL; o++) {
        _Alignas(8) unsigned char fallback[sizeof(double)];
        struct nn_option          field = *o;
        field.offset                    = 0;
        PN_ASSERT(nn_option_set(fallback, &field, o->fallback, strlen(o->fallback)));
        if (memcmp(options + o->offset, fallback, field_size(o)) == 0)
            continue;
        st = print_one(out, o, options + o->offset);
    }
    return st;
}

void
nn_options_default(unsigned char *options, const struct nn_option *table)
{
    for (const struct nn_option *o = table; o->name != NULL; o++)
        PN_ASSERT(nn_option_set(options, o, o->fallback, strlen(o->fallback)));
}

const struct nn_option *
nn_option_find(const struct nn_option *table, const char *name, size_t len)
{
    for (const struct nn_option *o = table; o->name != NULL; o++)
        if (strlen(o->name) == len && memcmp(o->name, name, len) == 0)
            return o;
    return NULL;
}

enum pn_status
nn_option_refuse(struct pn_error *why, const struct nn_option *option, const char *text, size_t len)
{
    int             shown = len < 40 ? (int)len : 40;
    struct pn_error list  = {.text = ""};
    if (option->kind != NN_OPTION_WORD)
        return pn_error_set(
            why, PN_ECONFIG, "%s: expected %s %.10g..%.10g%s, seen '%.*s'", option->name,
            option->kind == NN_OPTION_NUMBER ? "a number" : "a whole number", option->min,
            option->max, option->kind == NN_OPTION_PAIR ? ", or two as in 5x3" : "", shown, text);
    for (uint32_t i = 0; option->words[i] != NULL; i++)
        (void)pn_error_set(&list, PN_OK, "%s%s%s", list.text, i == 0 ? "" : ", ", option->words[i]);
    return pn_error_set(why, PN_ECONFIG, "%s: expected one of %s; seen '%.*s'", option->name,
                        list.text, shown, text);
}
