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
    }
    PN_UNREACHABLE("option kind");
}

static size_t
field_size(const struct nn_option *option)
{
    return option->kind == NN_OPTION_NUMBER ? sizeof(double) : sizeof(uint32_t);
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
        if (o->kind == NN_OPTION_WORD) {
            uint32_t word;
            memcpy(&word, options + o->offset, sizeof word);
            st = pn_buffer_printf(out, " %s=%s", o->name, o->words[word]);
            continue;
        }
        double value;
        char   text[40];
        memcpy(&value, options + o->offset, sizeof value);
        for (int digits = 1; digits <= 17; digits++) { /* the shortest that reads back the same */
            (void)snprintf(text, sizeof text, "%.*g", digits, value);
            if (strtod(text, NULL) == value)
                break;
        }
        st = pn_buffer_printf(out, " %s=%s", o->name, text);
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
    if (option->kind == NN_OPTION_NUMBER)
        return pn_error_set(why, PN_ECONFIG, "%s: expected a number %g..%g, seen '%.*s'",
                            option->name, option->min, option->max, shown, text);
    for (uint32_t i = 0; option->words[i] != NULL; i++)
        (void)pn_error_set(&list, PN_OK, "%s%s%s", list.text, i == 0 ? "" : ", ", option->words[i]);
    return pn_error_set(why, PN_ECONFIG, "%s: expected one of %s; seen '%.*s'", option->name,
                        list.text, shown, text);
}
