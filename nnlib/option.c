#include "nnlib/option.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- read ---- */

/* A number of plain decimals: strtod alone also takes hex, inf and nan. */
static bool
read_number(double *out, const struct nn_option *option, const char *text, size_t len)
{
    char buffer[40], *end;
    if (len == 0 || len >= sizeof buffer)
        return false;
    memcpy(buffer, text, len);
    buffer[len] = '\0';
    if (strspn(buffer, "0123456789.eE+-") < len)
        return false;
    double value = strtod(buffer, &end);
    if (*end != '\0' || !isfinite(value) || value < option->min || value > option->max)
        return false;
    *out = value + 0.0; /* -0 becomes 0, so that equal models have equal texts */
    return true;
}

static bool
set_number(unsigned char *field, const struct nn_option *option, const char *text, size_t len)
{
    double value;
    if (!read_number(&value, option, text, len))
        return false;
    memcpy(field, &value, sizeof value);
    return true;
}

static bool
set_word(unsigned char *field, const struct nn_option *option, const char *text, size_t len)
{
    for (uint32_t i = 0; option->words[i] != NULL; i++)
        if (strlen(option->words[i]) == len && memcmp(option->words[i], text, len) == 0) {
            memcpy(field, &i, sizeof i);
            return true;
        }
    return false;
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

static bool
set_list(unsigned char *field, const struct nn_option *option, const char *text, size_t len)
{
    struct nn_list list = {.count = 0};
    bool           none = len == 4 && memcmp(text, "none", 4) == 0;
    for (size_t from = 0; !none && from <= len;) {
        const char *comma = memchr(text + from, ',', len - from);
        size_t      end   = comma != NULL ? (size_t)(comma - text) : len;
        double      value;
        if (list.count == NN_LIST_MAX || !read_number(&value, option, text + from, end - from))
            return false;
        list.at[list.count++] = (float)value;
        from                  = end + 1;
    }
    memcpy(field, &list, sizeof list);
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
        return set_word(field, option, text, len);
    case NN_OPTION_COUNT:
    case NN_OPTION_PAIR:
        return set_counts(field, option, text, len);
    case NN_OPTION_LIST:
        return set_list(field, option, text, len);
    }
    PN_UNREACHABLE("option kind");
}

/* ---- print ---- */

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
    case NN_OPTION_LIST:
        return sizeof(struct nn_list);
    }
    PN_UNREACHABLE("option kind");
}

/* The shortest text that reads back the same; of a float when `single`. */
static const char *
shortest(char text[static 40], double value, bool single)
{
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, 40, "%.*g", digits, value);
        double back = strtod(text, NULL);
        if (single ? (float)back == (float)value : back == value)
            break;
    }
    return text;
}

static enum pn_status
print_list(struct pn_buffer *out, const struct nn_option *option, const struct nn_list *list)
{
    char           text[40];
    enum pn_status st =
        pn_buffer_printf(out, " %s=%s", option->name, list->count == 0 ? "none" : "");
    for (uint32_t i = 0; st == PN_OK && i < list->count; i++)
        st = pn_buffer_printf(out, "%s%s", i == 0 ? "" : ",",
                              shortest(text, (double)list->at[i], true));
    return st;
}

static enum pn_status
print_one(struct pn_buffer *out, const struct nn_option *option, const unsigned char *field)
{
    char           text[40];
    uint32_t       count[2] = {0, 0};
    double         value;
    struct nn_list list;
    switch (option->kind) {
    case NN_OPTION_NUMBER:
        memcpy(&value, field, sizeof value);
        return pn_buffer_printf(out, " %s=%s", option->name, shortest(text, value, false));
    case NN_OPTION_WORD:
        memcpy(count, field, sizeof count[0]);
        return pn_buffer_printf(out, " %s=%s", option->name, option->words[count[0]]);
    case NN_OPTION_COUNT:
        memcpy(count, field, sizeof count[0]);
        return pn_buffer_printf(out, " %s=%u", option->name, count[0]);
    case NN_OPTION_PAIR:
        memcpy(count, field, sizeof count);
        return count[0] == count[1]
                   ? pn_buffer_printf(out, " %s=%u", option->name, count[0])
                   : pn_buffer_printf(out, " %s=%ux%u", option->name, count[0], count[1]);
    case NN_OPTION_LIST:
        memcpy(&list, field, sizeof list);
        return print_list(out, option, &list);
    }
    PN_UNREACHABLE("option kind");
}

enum pn_status
nn_options_print(struct pn_buffer *out, const unsigned char *options, const struct nn_option *table)
{
    enum pn_status st = PN_OK;
    for (const struct nn_option *o = table; st == PN_OK && o->name != NULL; o++) {
        _Alignas(8) unsigned char fallback[sizeof(struct nn_list)];
        struct nn_option          field = *o;
        field.offset                    = 0;
        PN_ASSERT(nn_option_set(fallback, &field, o->fallback, strlen(o->fallback)));
        if (memcmp(options + o->offset, fallback, field_size(o)) != 0)
            st = print_one(out, o, options + o->offset);
    }
    return st;
}

/* ---- whole tables ---- */

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

/* What an option takes, for a sentence. */
static enum pn_status
expect(struct pn_error *why, const struct nn_option *option)
{
    const char *name = option->name;
    double      min = option->min, max = option->max;
    switch (option->kind) {
    case NN_OPTION_NUMBER:
        return pn_error_set(why, PN_ECONFIG, "%s: expected a number %.10g..%.10g", name, min, max);
    case NN_OPTION_COUNT:
        return pn_error_set(why, PN_ECONFIG, "%s: expected a whole number %.10g..%.10g", name, min,
                            max);
    case NN_OPTION_PAIR:
        return pn_error_set(why, PN_ECONFIG,
                            "%s: expected a whole number %.10g..%.10g, or two as in 5x3", name, min,
                            max);
    case NN_OPTION_LIST:
        return pn_error_set(why, PN_ECONFIG,
                            "%s: expected none or at most %d numbers %.10g..%.10g with commas "
                            "between, such as 1,2.5",
                            name, NN_LIST_MAX, min, max);
    case NN_OPTION_WORD:
        (void)pn_error_set(why, PN_ECONFIG, "%s: expected one of ", name);
        for (uint32_t i = 0; option->words[i] != NULL; i++)
            (void)pn_error_set(why, PN_ECONFIG, "%s%s%s", why->text, i == 0 ? "" : ", ",
                               option->words[i]);
        return PN_ECONFIG;
    }
    PN_UNREACHABLE("option kind");
}

enum pn_status
nn_option_refuse(struct pn_error *why, const struct nn_option *option, const char *text, size_t len)
{
    struct pn_error sentence;
    int             shown = len < 40 ? (int)len : 40;
    bool            lists = option->kind == NN_OPTION_WORD || option->kind == NN_OPTION_LIST;
    (void)expect(&sentence, option);
    return pn_error_set(why, PN_ECONFIG, "%s%s seen '%.*s'", sentence.text, lists ? ";" : ",",
                        shown, text);
}
