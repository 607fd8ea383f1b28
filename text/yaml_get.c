/* The half of text/yaml.h that reads a tree: keys, typed values, sentences about them. */
#include "text/yaml.h"

#include "base/options.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum pn_status
text_fail(struct pn_error *why, const struct text_yaml *yaml, const struct text_node *at,
          const char *format, ...)
{
    char    sentence[sizeof why->text];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (at == NULL)
        return pn_error_set(why, PN_ECONFIG, "%s: %s", text_yaml_name(yaml), sentence);
    return pn_error_set(why, PN_ECONFIG, "%s:%" PRIu32 ":%" PRIu32 ": %s", text_yaml_name(yaml),
                        at->line, at->column, sentence);
}

const struct text_node *
text_find(const struct text_node *map, const char *key)
{
    if (map == NULL || map->kind != TEXT_MAP)
        return NULL;
    for (const struct text_node *node = map->first; node != NULL; node = node->next)
        if (strcmp(node->key, key) == 0)
            return node;
    return NULL;
}

static const char *
kind_text(const struct text_node *node)
{
    return node->kind == TEXT_MAP ? "a map" : node->kind == TEXT_LIST ? "a list" : "a single value";
}

/* "a, b, c", cut after the last name that fits. */
static void
list_names(char *out, size_t size, const char *const *names, size_t count)
{
    size_t used = 0;
    out[0]      = '\0';
    for (size_t i = 0; i < count; i++) {
        int len = snprintf(out + used, size - used, "%s%s", i == 0 ? "" : ", ", names[i]);
        if (len < 0 || (size_t)len >= size - used) {
            out[used] = '\0';
            return;
        }
        used += (size_t)len;
    }
}

enum pn_status
text_check_keys(const struct text_yaml *yaml, const struct text_node *map, const char *const *known,
                size_t known_count, struct pn_error *why)
{
    if (map->kind != TEXT_MAP)
        return text_fail(why, yaml, map, "expected a map, seen %s", kind_text(map));
    for (const struct text_node *node = map->first; node != NULL; node = node->next) {
        size_t i = 0;
        while (i < known_count && strcmp(node->key, known[i]) != 0)
            i++;
        if (i < known_count)
            continue;
        const char            *nearest = pn_nearest(node->key, known, known_count);
        const struct text_node at      = {.line = node->key_line, .column = node->key_column};
        if (nearest != NULL)
            return text_fail(why, yaml, &at, "there is no key \"%.64s\" here; did you mean \"%s\"?",
                             node->key, nearest);
        char names[256];
        list_names(names, sizeof names, known, known_count);
        return text_fail(why, yaml, &at, "there is no key \"%.64s\" here; the keys are: %s",
                         node->key, names);
    }
    return PN_OK;
}

/* map[key], which must be of `kind`; NULL in `*out` when it may be absent and is. */
static enum pn_status
find_kind(const struct text_node **out, const struct text_yaml *yaml, const struct text_node *map,
          const char *key, enum text_need need, enum text_kind kind, struct pn_error *why)
{
    if (map != NULL && map->kind != TEXT_MAP)
        return text_fail(why, yaml, map, "expected a map with the key \"%s\", seen %s", key,
                         kind_text(map));
    const struct text_node *node = text_find(map, key);
    if (node == NULL && need == TEXT_REQUIRED)
        return text_fail(why, yaml, map, "expected the key \"%s\", which is missing here", key);
    if (node != NULL && node->kind != kind) {
        const struct text_node wanted = {.kind = kind};
        return text_fail(why, yaml, node, "%s: expected %s, seen %s", key, kind_text(&wanted),
                         kind_text(node));
    }
    *out = node;
    return PN_OK;
}

static enum pn_status
find_scalar(const struct text_node **out, const struct text_yaml *yaml, const struct text_node *map,
            const char *key, enum text_need need, struct pn_error *why)
{
    return find_kind(out, yaml, map, key, need, TEXT_SCALAR, why);
}

/* "key: expected <what>, seen <value>" */
static enum pn_status
fail_value(struct pn_error *why, const struct text_yaml *yaml, const struct text_node *node,
           const char *what)
{
    if (node->value[0] == '\0')
        return text_fail(why, yaml, node, "%s: expected %s, seen nothing", node->key, what);
    return text_fail(why, yaml, node, "%s: expected %s, seen \"%.60s\"", node->key, what,
                     node->value);
}

enum pn_status
text_get_string(const char **out, const struct text_yaml *yaml, const struct text_node *map,
                const char *key, enum text_need need, struct pn_error *why)
{
    const struct text_node *node = NULL;
    enum pn_status          st   = find_scalar(&node, yaml, map, key, need, why);
    if (st == PN_OK && node != NULL)
        *out = node->value;
    return st;
}

static enum pn_status
get_number(uint64_t *out, const struct text_yaml *yaml, const struct text_node *map,
           const char *key, enum text_need need, uint64_t min, uint64_t max,
           enum pn_option_kind kind, struct pn_error *why)
{
    const struct text_node *node  = NULL;
    uint64_t                value = 0;
    enum pn_status          st    = find_scalar(&node, yaml, map, key, need, why);
    if (st != PN_OK || node == NULL)
        return st;
    if (!pn_number_parse(&value, node->value, kind) || value < min || value > max) {
        char low[32], high[32], what[128];
        pn_number_format(low, sizeof low, min, kind);
        pn_number_format(high, sizeof high, max, kind);
        snprintf(what, sizeof what, "a %s from %s to %s",
                 kind == PN_OPT_MS ? "time" : "whole number", low, high);
        return fail_value(why, yaml, node, what);
    }
    *out = value;
    return PN_OK;
}

enum pn_status
text_get_u64(uint64_t *out, const struct text_yaml *yaml, const struct text_node *map,
             const char *key, enum text_need need, uint64_t min, uint64_t max, struct pn_error *why)
{
    return get_number(out, yaml, map, key, need, min, max, PN_OPT_U64, why);
}

enum pn_status
text_get_u32(uint32_t *out, const struct text_yaml *yaml, const struct text_node *map,
             const char *key, enum text_need need, uint32_t min, uint32_t max, struct pn_error *why)
{
    uint64_t       value = 0;
    enum pn_status st    = get_number(&value, yaml, map, key, need, min, max, PN_OPT_U32, why);
    if (st == PN_OK && text_find(map, key) != NULL)
        *out = (uint32_t)value; /* SAFE: at most `max` */
    return st;
}

enum pn_status
text_get_ms(pn_ms *out, const struct text_yaml *yaml, const struct text_node *map, const char *key,
            enum text_need need, pn_ms min, pn_ms max, struct pn_error *why)
{
    return get_number(out, yaml, map, key, need, min, max, PN_OPT_MS, why);
}

/* [+-]digits[.digits][e[+-]digits], and finite. What strtod takes beyond it (hex, inf, nan, blanks)
 * is refused before it is asked. */
static bool
parse_f64(double *out, const char *text)
{
    static const char digits[] = "0123456789";
    const char       *c        = text + (*text == '-' || *text == '+');
    size_t            whole    = strspn(c, digits);
    c += whole;
    size_t part = 0;
    if (*c == '.') {
        part = strspn(c + 1, digits);
        c += 1 + part;
    }
    if (whole + part == 0)
        return false;
    if (*c == 'e' || *c == 'E') {
        c += 1 + (c[1] == '-' || c[1] == '+');
        size_t exponent = strspn(c, digits);
        if (exponent == 0)
            return false;
        c += exponent;
    }
    if (*c != '\0')
        return false;
    double value = strtod(text, NULL);
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}

enum pn_status
text_get_f64(double *out, const struct text_yaml *yaml, const struct text_node *map,
             const char *key, enum text_need need, double min, double max, struct pn_error *why)
{
    const struct text_node *node  = NULL;
    double                  value = 0;
    enum pn_status          st    = find_scalar(&node, yaml, map, key, need, why);
    if (st != PN_OK || node == NULL)
        return st;
    if (!parse_f64(&value, node->value) || value < min || value > max) {
        char what[128];
        if (min <= -DBL_MAX && max >= DBL_MAX)
            snprintf(what, sizeof what, "a finite number");
        else if (max >= DBL_MAX)
            snprintf(what, sizeof what, "a finite number from %.10g up", min);
        else
            snprintf(what, sizeof what, "a number from %.10g to %.10g", min, max);
        return fail_value(why, yaml, node, what);
    }
    *out = value;
    return PN_OK;
}

enum pn_status
text_get_bool(bool *out, const struct text_yaml *yaml, const struct text_node *map, const char *key,
              enum text_need need, struct pn_error *why)
{
    const struct text_node *node = NULL;
    enum pn_status          st   = find_scalar(&node, yaml, map, key, need, why);
    if (st != PN_OK || node == NULL)
        return st;
    bool yes = strcmp(node->value, "yes") == 0 || strcmp(node->value, "true") == 0;
    if (!yes && strcmp(node->value, "no") != 0 && strcmp(node->value, "false") != 0)
        return fail_value(why, yaml, node, "yes or no");
    *out = yes;
    return PN_OK;
}

enum pn_status
text_get_choice(uint32_t *out, const struct text_yaml *yaml, const struct text_node *map,
                const char *key, enum text_need need, const char *const *names, uint32_t name_count,
                struct pn_error *why)
{
    const struct text_node *node = NULL;
    enum pn_status          st   = find_scalar(&node, yaml, map, key, need, why);
    if (st != PN_OK || node == NULL)
        return st;
    for (uint32_t i = 0; i < name_count; i++)
        if (strcmp(node->value, names[i]) == 0) {
            *out = i;
            return PN_OK;
        }
    char list[256], what[300];
    list_names(list, sizeof list, names, name_count);
    snprintf(what, sizeof what, "one of %s", list);
    const char *nearest = pn_nearest(node->value, names, name_count);
    if (nearest == NULL)
        return fail_value(why, yaml, node, what);
    return text_fail(why, yaml, node, "%s: expected %s, seen \"%.60s\"; did you mean \"%s\"?", key,
                     what, node->value, nearest);
}

enum pn_status
text_get_map(const struct text_node **out, const struct text_yaml *yaml,
             const struct text_node *map, const char *key, enum text_need need,
             struct pn_error *why)
{
    return find_kind(out, yaml, map, key, need, TEXT_MAP, why);
}

enum pn_status
text_get_list(const struct text_node **out, const struct text_yaml *yaml,
              const struct text_node *map, const char *key, enum text_need need,
              struct pn_error *why)
{
    return find_kind(out, yaml, map, key, need, TEXT_LIST, why);
}
