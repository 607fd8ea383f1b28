/*
 * base/options -- one table per program: parsing, ranges, --help,
 * --print-config and the configuration file all come from it.
 *
 *     static const struct pn_option table[] = {
 *         { "listen", "tcp://127.0.0.1:7400", PN_OPT_TEXT, offsetof(struct conf, listen), 0, 0,
 *           "where nodes connect" },
 *         { 0 } };
 *
 * Order of authority: defaults, file, environment (PANAL_LISTEN), command line.
 * Defaults are text and go through the same parser. A bad value stops with a
 * sentence: what was expected, what was seen, where it came from.
 *
 * Options called config, help, print-config and version concern one start, not
 * the run: the environment does not set them and --print-config leaves them out.
 *
 * Limits     256 options of at most 64 characters.
 * Memory     `into` is the caller's struct; OPT_TEXT fields are `char *` that
 *            the options own until pn_options_fini.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include "base/bytes.h"

#include <stdio.h>

enum pn_option_kind {
    PN_OPT_TEXT,  /* char *      min..max: length, 0 0 = any                    */
    PN_OPT_FLAG,  /* bool        --name, or name: yes|no (true|false) in a file */
    PN_OPT_U32,   /* uint32_t                                                   */
    PN_OPT_U64,   /* uint64_t                                                   */
    PN_OPT_MS,    /* pn_ms       "1500", "1500ms", "30s", "5m", "2h"; default ms */
    PN_OPT_BYTES, /* uint64_t    "4096", "64KiB", "64MiB", "2GiB"               */
    PN_OPT_LIST   /* struct pn_text_list  repeatable; a sequence in a file      */
};

struct pn_text_list {
    char **items;
    size_t count;
};

struct pn_option {
    const char         *name;
    const char         *fallback; /* NULL: no default, the field stays zero */
    enum pn_option_kind kind;
    size_t              offset;
    uint64_t            min, max; /* max 0: what the type holds */
    const char         *help;
};

/* Sets every default. */
PN_MUST_CHECK enum pn_status pn_options_init(void *into, const struct pn_option *table,
                                             struct pn_error *why);
void pn_options_fini(void *into, const struct pn_option *table);

/* One value from anywhere; `where` is named in the sentence ("node.yaml:3:7",
 * "--listen", "PANAL_LISTEN"). An unknown name gets a nearest-name hint. A list grows by one. */
PN_MUST_CHECK enum pn_status pn_options_set(void *into, const struct pn_option *table,
                                            const char *name, const char *value, const char *where,
                                            struct pn_error *why);
/* A list is one text with commas; it replaces what a file gave. */
PN_MUST_CHECK enum pn_status pn_options_from_environment(void *into, const struct pn_option *table,
                                                         struct pn_error *why);
/*
 * --name value, --name=value, --flag, --no-flag; "--" ends options; a value that starts with two
 * dashes needs the `=`. A list replaces what a lower authority gave. argv[0] is skipped. Words that
 * are not options are collected in `words` (borrowed from argv, at most
 * `words_max`, counted in `*word_count`).
 */
PN_MUST_CHECK enum pn_status pn_options_from_args(void *into, const struct pn_option *table,
                                                  int argc, char *const *argv, const char **words,
                                                  size_t words_max, size_t *word_count,
                                                  struct pn_error *why);
/* The last value of --name in argv, before anything else is parsed (for --config); NULL if none. */
const char *pn_options_peek(int argc, char *const *argv, const char *name);

void pn_options_help(FILE *out, const struct pn_option *table);
/* YAML that reproduces the run. */
void pn_options_print(FILE *out, const void *from, const struct pn_option *table);

/* Digits and a unit of `kind` (a number, MS or BYTES), nothing else; false and `*out` untouched if
 * `text` is not so or too large. */
PN_MUST_CHECK bool pn_number_parse(uint64_t *out, const char *text, enum pn_option_kind kind);
/* With the largest unit that leaves it whole, so that it reads back the same; 32 characters do. */
void pn_number_format(char *out, size_t size, uint64_t value, enum pn_option_kind kind);

/* The candidate nearest to `word` (Levenshtein, at most 3 edits and half of the letters); NULL if
 * none. */
const char *pn_nearest(const char *word, const char *const *candidates, size_t count);

#endif
