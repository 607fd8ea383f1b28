/*
 * nnlib/option -- one `key=value` that a kind of layer, loss, optimiser or schedule understands.
 *
 * A kind has a table of them; the table drives reading, defaults, ranges, the canonical text and
 * the sentence for what is refused.
 */
#ifndef NNLIB_OPTION_H
#define NNLIB_OPTION_H

#include "base/bytes.h"

enum nn_option_kind {
    NN_OPTION_NUMBER, /* double, min..max */
    NN_OPTION_WORD,   /* uint32_t, the index in `words` */
    NN_OPTION_COUNT,  /* uint32_t, min..max */
    NN_OPTION_PAIR,   /* uint32_t[2], each min..max: `5` for both, or `5x3` (height x width) */
    NN_OPTION_LIST    /* struct nn_list, each min..max: `1,2.5,1`, or `none` */
};
enum { NN_LIST_MAX = 32 };
struct nn_list {
    uint32_t count; /* 0: none */
    float    at[NN_LIST_MAX];
};
struct nn_option {                       /* a table ends with name NULL */
    const char         *name, *fallback; /* the default is text, parsed like any other */
    enum nn_option_kind kind;
    size_t              offset; /* in the kind's options struct */
    double              min, max;
    const char *const  *words; /* NULL at the end */
};

/* One option from text; false when the text is not one: nothing has changed. */
PN_MUST_CHECK bool nn_option_set(unsigned char *options, const struct nn_option *option,
                                 const char *text, size_t len);
/* Every option's default. */
void nn_options_default(unsigned char *options, const struct nn_option *table);
/* The option with this name, or NULL. */
const struct nn_option *nn_option_find(const struct nn_option *table, const char *name, size_t len);
/* Sets `why` to "name: expected ..., seen 'text'"; PN_ECONFIG. */
enum pn_status nn_option_refuse(struct pn_error *why, const struct nn_option *option,
                                const char *text, size_t len);
/* " key=value" for every option that is not the default. */
PN_MUST_CHECK enum pn_status nn_options_print(struct pn_buffer *out, const unsigned char *options,
                                              const struct nn_option *table);

#endif
