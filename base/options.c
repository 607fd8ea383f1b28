#include "base/options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_LEN = 64,
    OPTIONS_MAX  = 256
};

/* What concerns one start of a program and not the run: neither printed nor read from the
 * environment. */
static bool
is_of_the_moment(const struct pn_option *option)
{
    static const char *const names[] = {"config", "help", "print-config", "version"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(option->name, names[i]) == 0)
            return true;
    return false;
}

static void *
field_of(void *into, const struct pn_option *option)
{
    return (char *)into + option->offset;
}

static const struct pn_option *
find_option(const struct pn_option *table, const char *name, size_t len)
{
    for (; table->name != NULL; table++)
        if (strlen(table->name) == len && memcmp(table->name, name, len) == 0)
            return table;
    return NULL;
}

static void
clear_list(struct pn_text_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct pn_text_list){0};
}

static void
zero_field(void *into, const struct pn_option *option)
{
    void *field = field_of(into, option);
    switch (option->kind) {
    case PN_OPT_TEXT:
        *(char **)field = NULL;
        return;
    case PN_OPT_FLAG:
        *(bool *)field = false;
        return;
    case PN_OPT_U32:
        *(uint32_t *)field = 0;
        return;
    case PN_OPT_U64:
    case PN_OPT_MS:
    case PN_OPT_BYTES:
        *(uint64_t *)field = 0;
        return;
    case PN_OPT_LIST:
        *(struct pn_text_list *)field = (struct pn_text_list){0};
        return;
    }
    PN_UNREACHABLE("option kind");
}

enum pn_status
pn_options_init(void *into, const struct pn_option *table, struct pn_error *why)
{
    for (const struct pn_option *option = table; option->name != NULL; option++)
        zero_field(into, option);
    for (const struct pn_option *option = table; option->name != NULL; option++) {
        if (option->fallback == NULL)
            continue;
        enum pn_status st =
            pn_options_set(into, table, option->name, option->fallback, "default", why);
        if (st != PN_OK) {
            pn_options_fini(into, table);
            return st;
        }
    }
    return PN_OK;
}

void
pn_options_fini(void *into, const struct pn_option *table)
{
    for (; table->name != NULL; table++) {
        if (table->kind == PN_OPT_TEXT)
            free(*(char **)field_of(into, table));
        else if (table->kind == PN_OPT_LIST)
            clear_list(field_of(into, table));
        zero_field(into, table);
    }
}

/* "where: name", or only "where" if that names the option already. */
static void
subject_of(char *out, size_t size, const struct pn_option *option, const char *where)
{
    if (where[0] == '-' || strncmp(where, "PANAL_", 6) == 0)
        snprintf(out, size, "%s", where);
    else
        snprintf(out, size, "%s: %s", where, option->name);
}

struct unit {
    const char *suffix;
    uint64_t    factor;
};

static const struct unit no_units[]   = {{"", 1}, {NULL, 0}};
static const struct unit time_units[] = {{"", 1},      {"ms", 1},      {"s", 1000},
                                         {"m", 60000}, {"h", 3600000}, {NULL, 0}};
static const struct unit byte_units[] = {{"", 1},
                                         {"KiB", UINT64_C(1) << 10},
                                         {"MiB", UINT64_C(1) << 20},
                                         {"GiB", UINT64_C(1) << 30},
                                         {"TiB", UINT64_C(1) << 40},
                                         {NULL, 0}};

static const struct unit *
units_of(enum pn_option_kind kind)
{
    return kind == PN_OPT_MS ? time_units : kind == PN_OPT_BYTES ? byte_units : no_units;
}

bool
pn_number_parse(uint64_t *out, const char *text, enum pn_option_kind kind)
{
    const struct unit *units = units_of(kind);
    uint64_t           value = 0;
    size_t             i     = 0;
    for (; text[i] >= '0' && text[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (i == 0)
        return false;
    for (; units->suffix != NULL; units++)
        if (strcmp(text + i, units->suffix) == 0 && value <= UINT64_MAX / units->factor) {
            *out = value * units->factor;
            return true;
        }
    return false;
}

void
pn_number_format(char *out, size_t size, uint64_t value, enum pn_option_kind kind)
{
    const struct unit *best = &units_of(kind)[kind == PN_OPT_MS ? 1 : 0];
    for (const struct unit *unit = best; unit->suffix != NULL; unit++)
        if (value != 0 && value % unit->factor == 0)
            best = unit;
    snprintf(out, size, "%" PRIu64 "%s", value / best->factor, best->suffix);
}

static uint64_t
largest_of(const struct pn_option *option)
{
    if (option->max != 0)
        return option->max;
    return option->kind == PN_OPT_U32 ? UINT32_MAX : UINT64_MAX;
}

static const char *
noun_of(enum pn_option_kind kind)
{
    return kind == PN_OPT_MS      ? "a time such as 1500ms, 30s or 5m"
           : kind == PN_OPT_BYTES ? "a size such as 4096, 64KiB or 2GiB"
                                  : "a whole number";
}

/* " from 1 to 64", or nothing where anything goes. */
static void
range_text(char *out, size_t size, const struct pn_option *option)
{
    char low[32], high[32];
    out[0] = '\0';
    if (option->min == 0 && option->max == 0)
        return;
    pn_number_format(low, sizeof low, option->min, option->kind);
    pn_number_format(high, sizeof high, option->max, option->kind);
    if (option->max == 0)
        snprintf(out, size, " from %s up", low);
    else
        snprintf(out, size, " from %s to %s", low, high);
}

static enum pn_status
set_number(void *field, const struct pn_option *option, const char *value, const char *where,
           struct pn_error *why)
{
    uint64_t number;
    char     subject[160], range[80];
    uint64_t most = largest_of(option);
    if (!pn_number_parse(&number, value, option->kind) || number < option->min || number > most) {
        subject_of(subject, sizeof subject, option, where);
        range_text(range, sizeof range, option);
        return pn_error_set(why, PN_ECONFIG, "%s: expected %s%s, seen \"%.60s\"", subject,
                            noun_of(option->kind), range, value);
    }
    if (option->kind == PN_OPT_U32)
        *(uint32_t *)field = (uint32_t)number;
    else
        *(uint64_t *)field = number;
    return PN_OK;
}

static enum pn_status
set_flag(bool *field, const struct pn_option *option, const char *value, const char *where,
         struct pn_error *why)
{
    char subject[160];
    bool yes = strcmp(value, "yes") == 0 || strcmp(value, "true") == 0;
    if (!yes && strcmp(value, "no") != 0 && strcmp(value, "false") != 0) {
        subject_of(subject, sizeof subject, option, where);
        return pn_error_set(why, PN_ECONFIG, "%s: expected yes or no, seen \"%.60s\"", subject,
                            value);
    }
    *field = yes;
    return PN_OK;
}

static enum pn_status
check_length(const struct pn_option *option, const char *value, const char *where,
             struct pn_error *why)
{
    char   subject[160];
    size_t len = strlen(value);
    if (len >= option->min && (option->max == 0 || len <= option->max))
        return PN_OK;
    subject_of(subject, sizeof subject, option, where);
    if (len == 0)
        return pn_error_set(why, PN_ECONFIG, "%s: expected a text, seen nothing", subject);
    return pn_error_set(why, PN_ECONFIG,
                        "%s: expected %" PRIu64 " to %" PRIu64 " characters, seen %zu", subject,
                        option->min, largest_of(option), len);
}

static enum pn_status
set_text(void *field, const struct pn_option *option, const char *value, const char *where,
         struct pn_error *why)
{
    enum pn_status st = check_length(option, value, where, why);
    if (st != PN_OK)
        return st;
    char *copy = strdup(value);
    if (copy == NULL)
        return pn_error_set(why, PN_ENOMEM, "%s", pn_status_text(PN_ENOMEM));
    if (option->kind == PN_OPT_TEXT) {
        free(*(char **)field);
        *(char **)field = copy;
        return PN_OK;
    }
    struct pn_text_list *list  = field;
    char               **items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (items == NULL) {
        free(copy);
        return pn_error_set(why, PN_ENOMEM, "%s", pn_status_text(PN_ENOMEM));
    }
    list->items                = items;
    list->items[list->count++] = copy;
    return PN_OK;
}

static enum pn_status
set_option(void *into, const struct pn_option *option, const char *value, const char *where,
           struct pn_error *why)
{
    void *field = field_of(into, option);
    switch (option->kind) {
    case PN_OPT_TEXT:
    case PN_OPT_LIST:
        return set_text(field, option, value, where, why);
    case PN_OPT_FLAG:
        return set_flag(field, option, value, where, why);
    case PN_OPT_U32:
    case PN_OPT_U64:
    case PN_OPT_MS:
    case PN_OPT_BYTES:
        return set_number(field, option, value, where, why);
    }
    PN_UNREACHABLE("option kind");
}

static enum pn_status
unknown(const struct pn_option *table, const char *dashes, const char *name, const char *where,
        struct pn_error *why)
{
    const char *names[OPTIONS_MAX];
    size_t      count = 0;
    for (; table->name != NULL && count < OPTIONS_MAX; table++)
        names[count++] = table->name;
    const char *nearest = pn_nearest(name, names, count);
    if (nearest == NULL)
        return pn_error_set(why, PN_ECONFIG, "%s: there is no option %s%.64s", where, dashes, name);
    return pn_error_set(why, PN_ECONFIG, "%s: there is no option %s%.64s; did you mean %s%s?",
                        where, dashes, name, dashes, nearest);
}

enum pn_status
pn_options_set(void *into, const struct pn_option *table, const char *name, const char *value,
               const char *where, struct pn_error *why)
{
    const struct pn_option *option = find_option(table, name, strlen(name));
    if (option == NULL)
        return unknown(table, "", name, where, why);
    return set_option(into, option, value, where, why);
}

static enum pn_status
set_from_list(void *into, const struct pn_option *option, const char *value, const char *where,
              struct pn_error *why)
{
    clear_list(field_of(into, option));
    enum pn_status st = PN_OK;
    while (st == PN_OK && *value != '\0') {
        size_t len  = strcspn(value, ",");
        char  *item = strndup(value, len);
        if (item == NULL)
            return pn_error_set(why, PN_ENOMEM, "%s", pn_status_text(PN_ENOMEM));
        st = set_option(into, option, item, where, why);
        free(item);
        value += len;
        value += *value == ',';
    }
    return st;
}

enum pn_status
pn_options_from_environment(void *into, const struct pn_option *table, struct pn_error *why)
{
    enum pn_status st = PN_OK;
    for (; st == PN_OK && table->name != NULL; table++) {
        char name[NAME_MAX_LEN + 8] = "PANAL_";
        PN_ASSERT(strlen(table->name) <= NAME_MAX_LEN);
        for (size_t i = 0; table->name[i] != '\0'; i++) {
            char c      = table->name[i];
            name[6 + i] = c == '-' ? '_' : c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
            name[7 + i] = '\0';
        }
        const char *value = is_of_the_moment(table) ? NULL : getenv(name);
        if (value == NULL)
            continue;
        if (table->kind == PN_OPT_LIST)
            st = set_from_list(into, table, value, name, why);
        else
            st = set_option(into, table, value, name, why);
    }
    return st;
}

/* One word of the command line that starts with two dashes. */
struct argument {
    const struct pn_option *option;
    const char             *value; /* NULL: none is attached */
    bool                    off;   /* --no-flag              */
};

static enum pn_status
read_argument(struct argument *out, const struct pn_option *table, const char *word,
              struct pn_error *why)
{
    const char     *name     = word + 2;
    size_t          len      = strcspn(name, "=");
    struct argument argument = {.value = name[len] == '=' ? name + len + 1 : NULL};
    argument.option          = find_option(table, name, len);
    if (argument.option == NULL && len > 3 && strncmp(name, "no-", 3) == 0) {
        const struct pn_option *flag = find_option(table, name + 3, len - 3);
        if (flag != NULL && flag->kind == PN_OPT_FLAG) {
            if (argument.value != NULL)
                return pn_error_set(why, PN_ECONFIG, "--%.*s takes no value", (int)len, name);
            argument.option = flag;
            argument.off    = true;
        }
    }
    if (argument.option == NULL) {
        char bare[NAME_MAX_LEN + 1];
        snprintf(bare, sizeof bare, "%.*s", len > NAME_MAX_LEN ? NAME_MAX_LEN : (int)len, name);
        return unknown(table, "--", bare, "command line", why);
    }
    *out = argument;
    return PN_OK;
}

/* Sets the option of the word at argv[*at] and moves `*at` over its value. */
static enum pn_status
take_argument(void *into, const struct pn_option *table, int argc, char *const *argv, int *at,
              bool seen[], struct pn_error *why)
{
    struct argument argument = {0};
    char            where[NAME_MAX_LEN + 8];
    enum pn_status  st = read_argument(&argument, table, argv[*at], why);
    if (st != PN_OK)
        return st;
    const struct pn_option *option = argument.option;
    const char             *value  = argument.value;
    snprintf(where, sizeof where, "--%.*s", NAME_MAX_LEN, option->name);
    if (option->kind == PN_OPT_FLAG && value == NULL)
        value = argument.off ? "no" : "yes";
    if (value == NULL) {
        const char *next = *at + 1 < argc ? argv[*at + 1] : NULL;
        if (next == NULL || strncmp(next, "--", 2) == 0)
            return pn_error_set(why, PN_ECONFIG, "%s: expected a value after it, seen %s%.60s",
                                where, next == NULL ? "nothing" : "", next == NULL ? "" : next);
        value = next;
        ++*at;
    }
    /* A list on the command line replaces that of a lower authority; repetitions add to it. */
    if (option->kind == PN_OPT_LIST && !seen[option - table])
        clear_list(field_of(into, option));
    seen[option - table] = true;
    return set_option(into, option, value, where, why);
}

enum pn_status
pn_options_from_args(void *into, const struct pn_option *table, int argc, char *const *argv,
                     const char **words, size_t words_max, size_t *word_count, struct pn_error *why)
{
    bool   seen[OPTIONS_MAX] = {false};
    bool   only_words        = false;
    size_t count             = 0;
    for (const struct pn_option *option = table; option->name != NULL; option++)
        PN_ASSERT(option - table < OPTIONS_MAX);
    for (int i = 1; i < argc; i++) {
        enum pn_status st = PN_OK;
        if (only_words || argv[i][0] != '-' || argv[i][1] == '\0') {
            if (count == words_max)
                return pn_error_set(why, PN_ECONFIG, "expected %s, seen \"%.60s\"",
                                    count == 0 ? "options only" : "no more words", argv[i]);
            words[count++] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (argv[i][1] != '-') {
            return pn_error_set(why, PN_ECONFIG,
                                "expected an option with two dashes, seen \"%.60s\"", argv[i]);
        } else {
            st = take_argument(into, table, argc, argv, &i, seen, why);
        }
        if (st != PN_OK)
            return st;
    }
    *word_count = count;
    return PN_OK;
}

const char *
pn_options_peek(int argc, char *const *argv, const char *name)
{
    const char *value = NULL;
    size_t      len   = strlen(name);
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], "--", 2) != 0 || strncmp(argv[i] + 2, name, len) != 0)
            continue;
        if (argv[i][2 + len] == '=')
            value = argv[i] + 3 + len;
        else if (argv[i][2 + len] == '\0' && i + 1 < argc && strncmp(argv[i + 1], "--", 2) != 0)
            value = argv[++i];
    }
    return value;
}

static const char *
placeholder_of(enum pn_option_kind kind)
{
    static const char *const names[] = {
        [PN_OPT_TEXT] = " TEXT",     [PN_OPT_FLAG] = "",    [PN_OPT_U32] = " NUMBER",
        [PN_OPT_U64] = " NUMBER",    [PN_OPT_MS] = " TIME", [PN_OPT_BYTES] = " SIZE",
        [PN_OPT_LIST] = " TEXT ...",
    };
    return names[kind];
}

/* "--name TEXT"; a flag that is on unless told otherwise shows the word that turns it off. */
static void
column_text(char *out, size_t size, const struct pn_option *option)
{
    bool on = option->kind == PN_OPT_FLAG && option->fallback != NULL &&
              (strcmp(option->fallback, "yes") == 0 || strcmp(option->fallback, "true") == 0);
    snprintf(out, size, "  --%s%s%s", on ? "no-" : "", option->name, placeholder_of(option->kind));
}

void
pn_options_help(FILE *out, const struct pn_option *table)
{
    char column[NAME_MAX_LEN + 32], range[80];
    int  width = 0;
    for (const struct pn_option *option = table; option->name != NULL; option++) {
        column_text(column, sizeof column, option);
        width = (int)strlen(column) > width ? (int)strlen(column) : width;
    }
    for (const struct pn_option *option = table; option->name != NULL; option++) {
        bool is_number = option->kind != PN_OPT_TEXT && option->kind != PN_OPT_LIST &&
                         option->kind != PN_OPT_FLAG;
        column_text(column, sizeof column, option);
        range[0] = '\0';
        if (is_number)
            range_text(range, sizeof range, option);
        fprintf(out, "%-*s  %s", width, column, option->help == NULL ? "" : option->help);
        bool has_default = option->kind != PN_OPT_FLAG && option->fallback != NULL;
        if (has_default || range[0] != '\0')
            fprintf(out, " (%s%s%s%s)", has_default ? "default " : "",
                    has_default ? option->fallback : "", has_default && range[0] ? "," : "",
                    has_default || range[0] == '\0' ? range : range + 1);
        fputc('\n', out);
    }
}

static void
print_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void
print_number(FILE *out, const struct pn_option *option, uint64_t value)
{
    char text[32];
    /* Zero without a default is "not given", which a file says by leaving the name out. */
    if (value == 0 && option->fallback == NULL)
        return;
    pn_number_format(text, sizeof text, value, option->kind);
    fprintf(out, "%s: %s\n", option->name, text);
}

static void
print_list(FILE *out, const struct pn_option *option, const struct pn_text_list *list)
{
    if (list->count == 0)
        return;
    fprintf(out, "%s:\n", option->name);
    for (size_t i = 0; i < list->count; i++) {
        fputs("  - ", out);
        print_quoted(out, list->items[i]);
        fputc('\n', out);
    }
}

static void
print_option(FILE *out, const struct pn_option *option, const void *field)
{
    switch (option->kind) {
    case PN_OPT_TEXT: {
        const char *text = *(char *const *)field;
        if (text == NULL)
            return;
        fprintf(out, "%s: ", option->name);
        print_quoted(out, text);
        fputc('\n', out);
        return;
    }
    case PN_OPT_FLAG:
        fprintf(out, "%s: %s\n", option->name, *(const bool *)field ? "yes" : "no");
        return;
    case PN_OPT_U32:
        print_number(out, option, *(const uint32_t *)field);
        return;
    case PN_OPT_U64:
    case PN_OPT_MS:
    case PN_OPT_BYTES:
        print_number(out, option, *(const uint64_t *)field);
        return;
    case PN_OPT_LIST:
        print_list(out, option, field);
        return;
    }
    PN_UNREACHABLE("option kind");
}

void
pn_options_print(FILE *out, const void *from, const struct pn_option *table)
{
    for (; table->name != NULL; table++)
        if (!is_of_the_moment(table))
            print_option(out, table, (const char *)from + table->offset);
}

/* Levenshtein's distance, row by row; `a` and `b` are at most NAME_MAX_LEN long. */
static size_t
distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_LEN + 1];
    size_t b_len = strlen(b);
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0]          = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal    = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b_len];
}

const char *
pn_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t      best    = 4;
    size_t      len     = strlen(word);
    if (len > NAME_MAX_LEN)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t other = strlen(candidates[i]);
        if (other > NAME_MAX_LEN)
            continue;
        size_t edits = distance(word, candidates[i]);
        if (edits < best && 2 * edits <= (len > other ? len : other)) {
            best    = edits;
            nearest = candidates[i];
        }
    }
    return nearest;
}
