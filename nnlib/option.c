/* Options of layers and losses: key=value, from one table per kind. */
#include "nnlib/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
set_number(unsigned char *field, const struct nn_option *option, const char *text, size_t len)
{
    char buffer[40], *end;
    /* Only plain decimals: strtod alone also takes hex, inf and nan. */
    if (len == 0 || len >= sizeof buffer || strspn(text, "0123456789.eE+-") < len)
        return false;
    memcpy(buffer, text, len);
    buffer[len]  = '\0';
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
        _Alignas(8) unsigned char fallback[NN_OPTIONS_MAX];
        PN_ASSERT(nn_option_set(fallback, o, o->fallback, strlen(o->fallback)));
        if (memcmp(options + o->offset, fallback + o->offset, field_size(o)) == 0)
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
