#include "nnlib/spec.h"

#include "base/options.h"

#include <string.h>

enum {
    WORDS_MAX = 64,
    SHOWN     = 40
};

struct word {
    const char *at;
    size_t      len;
    uint32_t    column;
};

/* One line cut into words: words[0] is the name, then what is right of the `=`. */
struct line {
    struct word      words[WORDS_MAX];
    size_t           count, next; /* next: the first word not yet understood */
    uint32_t         number, end; /* end: the column behind the last word */
    struct pn_error *why;
};

/* "model:line:column: sentence" */
#define FAIL(line, at, ...)                                                                        \
    (pn_error_set((line)->why, PN_ECONFIG, __VA_ARGS__),                                           \
     pn_error_wrap((line)->why, PN_ECONFIG, "model:%u:%u", (line)->number, (at)))

/* Arguments for %.*s */
#define WORD(word) (int)((word)->len < SHOWN ? (word)->len : SHOWN), (word)->at

static bool
word_is(const struct word *word, const char *text)
{
    return strlen(text) == word->len && memcmp(word->at, text, word->len) == 0;
}

/* "; did you mean 'x'?" or nothing. */
static const char *
hint(char out[static 96], const struct word *word, const char *const *candidates, size_t count)
{
    char        text[NN_LAYER_NAME_MAX + 1] = "";
    const char *near                        = NULL;
    if (word->len <= NN_LAYER_NAME_MAX) {
        memcpy(text, word->at, word->len);
        near = pn_nearest(text, candidates, count);
    }
    out[0] = '\0';
    if (near != NULL) {
        struct pn_error sentence;
        (void)pn_error_set(&sentence, PN_OK, "; did you mean '%s'?", near);
        size_t len = strlen(sentence.text);
        PN_ASSERT(len < 96);
        memcpy(out, sentence.text, len + 1);
    }
    return out;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_name(const struct word *word)
{
    if (word->len == 0 || word->at[0] == '.' || word->at[0] == '/' || is_digit(word->at[0]))
        return false;
    for (size_t i = 0; i < word->len; i++) {
        char c = word->at[i];
        if (!((c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '.' || c == '/'))
            return false;
    }
    return true;
}

/* Cuts one line without its comment; count 0 for a line with nothing. */
static enum pn_status
cut(struct line *line, const char *at, size_t len)
{
    bool named  = false; /* the `=` is behind us */
    line->count = 0;
    line->next  = 0;
    for (size_t i = 0; i < len && at[i] != '#';) {
        if (is_blank(at[i]) || (at[i] == '=' && !named && line->count == 1)) {
            named = named || at[i] == '=';
            i++;
            continue;
        }
        size_t start = i;
        while (i < len && at[i] != '#' && !is_blank(at[i]) && (named || at[i] != '='))
            i++;
        if (i == start) /* an `=` before any name */
            return FAIL(line, (uint32_t)start + 1, "expected `name = kind ...`, seen '='");
        if (line->count == WORDS_MAX)
            return FAIL(line, (uint32_t)start + 1, "expected at most %d words on a line",
                        WORDS_MAX);
        if (line->count == 1 && !named)
            return FAIL(line, (uint32_t)start + 1,
                        "expected '=' after the name '%.*s'; a line is `name = kind inputs... size "
                        "key=value...`",
                        WORD(&line->words[0]));
        line->words[line->count++] =
            (struct word){.at = at + start, .len = i - start, .column = (uint32_t)start + 1};
        line->end = (uint32_t)i + 1;
    }
    if (line->count == 1)
        return FAIL(line, line->end, "expected a kind after '%.*s%s', such as `%.*s = dense x 32`",
                    WORD(&line->words[0]), named ? " =" : "", WORD(&line->words[0]));
    return PN_OK;
}

static uint32_t
find_layer(const struct nn_spec *spec, const struct word *name)
{
    uint32_t i = 0;
    while (i < spec->layer_count && !word_is(name, spec->layers[i].name))
        i++;
    return i;
}

/* The name of a new layer or loss, into `out`. */
static enum pn_status
read_name(char out[static NN_LAYER_NAME_MAX + 1], const struct nn_spec *spec, struct line *line)
{
    const struct word *name = &line->words[0];
    if (!is_name(name))
        return FAIL(line, name->column,
                    "expected a name of a-z 0-9 _ . / that starts with a letter, seen '%.*s'",
                    WORD(name));
    if (name->len > NN_LAYER_NAME_MAX)
        return FAIL(line, name->column, "expected a name of at most %d characters, seen %zu",
                    NN_LAYER_NAME_MAX, name->len);
    uint32_t other = find_layer(spec, name);
    if (other < spec->layer_count)
        return FAIL(line, name->column, "the name '%.*s' is taken by line %u; choose another",
                    WORD(name), spec->layers[other].line);
    for (uint32_t i = 0; i < spec->loss_count; i++)
        if (word_is(name, spec->losses[i].name))
            return FAIL(line, name->column, "the name '%.*s' is taken by line %u; choose another",
                        WORD(name), spec->losses[i].line);
    memcpy(out, name->at, name->len);
    out[name->len] = '\0';
    line->next     = 2;
    return PN_OK;
}

/* Words that name layers above, up to the first that is a number or a key=value. */
static enum pn_status
read_inputs(uint32_t *inputs, uint32_t *count, const struct nn_spec *spec, struct line *line,
            uint32_t max)
{
    *count = 0;
    for (; line->next < line->count; line->next++) {
        const struct word *word = &line->words[line->next];
        if (is_digit(word->at[0]) || memchr(word->at, '=', word->len) != NULL)
            return PN_OK;
        uint32_t found = find_layer(spec, word);
        if (found == spec->layer_count) {
            const char *names[NN_LAYERS_MAX];
            char        help[96];
            for (uint32_t i = 0; i < spec->layer_count; i++)
                names[i] = spec->layers[i].name;
            return FAIL(line, word->column, "no layer above is named '%.*s'%s", WORD(word),
                        hint(help, word, names, spec->layer_count));
        }
        if (*count == max)
            return FAIL(line, word->column, "%.*s takes %u input%s, seen one more: '%.*s'",
                        WORD(&line->words[1]), max, max == 1 ? "" : "s", WORD(word));
        inputs[(*count)++] = found;
    }
    return PN_OK;
}

/* `32`, or where the kind takes it `28x28` or `3x28x28`. */
static bool
parse_size(struct nn_shape *out, const struct word *word, uint32_t dims_max)
{
    uint64_t value = 0;
    *out           = (struct nn_shape){0};
    for (size_t i = 0; i <= word->len; i++) {
        if (i < word->len && is_digit(word->at[i]) && value <= NN_SIZE_MAX) {
            value = value * 10 + (uint64_t)(word->at[i] - '0');
            continue;
        }
        if ((i < word->len && word->at[i] != 'x') || value == 0 || value > NN_SIZE_MAX ||
            out->dims == dims_max)
            return false;
        out->dim[out->dims++] = (uint32_t)value;
        value                 = 0;
    }
    return true;
}

static enum pn_status
read_size(struct nn_shape *out, struct line *line, const struct nn_layer_kind *kind)
{
    bool                     takes   = kind->size_dims > 0;
    static const char *const forms[] = {"", "", " or as HxW", ", HxW or CxHxW"};
    if (!takes && (line->next == line->count || !is_digit(line->words[line->next].at[0])))
        return PN_OK;
    if (!takes)
        return FAIL(line, line->words[line->next].column,
                    "%s takes no size: it follows from its input", kind->name);
    if (line->next == line->count)
        return FAIL(line, line->end, "%.*s needs a size here, such as `%.*s = %.*s ... 32`",
                    WORD(&line->words[1]), WORD(&line->words[0]), WORD(&line->words[1]));
    const struct word *word = &line->words[line->next++];
    if (!parse_size(out, word, kind->size_dims))
        return FAIL(line, word->column, "expected a size 1..%u%s, seen '%.*s'", NN_SIZE_MAX,
                    forms[kind->size_dims], WORD(word));
    return PN_OK;
}

/* What an option takes, for the sentence about a bad value. */
static enum pn_status
bad_value(struct line *line, const struct word *word, size_t key, const struct nn_option *option)
{
    uint32_t column = word->column + (uint32_t)key + 1;
    (void)nn_option_refuse(line->why, option, word->at + key + 1, word->len - key - 1);
    return pn_error_wrap(line->why, PN_ECONFIG, "model:%u:%u", line->number, column);
}

static enum pn_status
unknown_option(struct line *line, const struct word *word, size_t key,
               const struct nn_option *table)
{
    const char *names[NN_OPTIONS_MAX];
    char        help[96];
    size_t      count = 0;
    struct word name  = {.at = word->at, .len = key};
    for (; table[count].name != NULL; count++)
        names[count] = table[count].name;
    if (count == 0)
        return FAIL(line, word->column, "%.*s has no options, seen '%.*s'", WORD(&line->words[1]),
                    WORD(word));
    return FAIL(line, word->column, "%.*s has no option '%.*s'%s", WORD(&line->words[1]),
                WORD(&name), hint(help, &name, names, count));
}

/* The key=value at line->next into the options that `table` describes, *taken; or not of it. */
static enum pn_status
read_option(unsigned char *options, bool *taken, struct line *line, const struct nn_option *table)
{
    const struct word *word  = &line->words[line->next];
    const char        *equal = memchr(word->at, '=', word->len);
    size_t             key   = equal != NULL ? (size_t)(equal - word->at) : 0;
    if (key == 0)
        return FAIL(line, word->column,
                    "expected `key=value` (without spaces) or the end of the line, seen '%.*s'",
                    WORD(word));
    const struct nn_option *option = nn_option_find(table, word->at, key);
    *taken                         = option != NULL;
    if (option == NULL)
        return PN_OK;
    for (size_t i = 2; i < line->next; i++)
        if (line->words[i].len > key && memcmp(line->words[i].at, word->at, key + 1) == 0)
            return FAIL(line, word->column, "%s is given twice", option->name);
    if (!nn_option_set(options, option, equal + 1, word->len - key - 1))
        return bad_value(line, word, key, option);
    return PN_OK;
}

/* The rest of the line: key=value... */
static enum pn_status
read_options(unsigned char *options, struct line *line, const struct nn_option *table)
{
    nn_options_default(options, table);
    for (; line->next < line->count; line->next++) {
        const struct word *word  = &line->words[line->next];
        bool               taken = false;
        enum pn_status     st    = read_option(options, &taken, line, table);
        if (st != PN_OK)
            return st;
        if (!taken)
            return unknown_option(line, word, strcspn(word->at, "="), table);
    }
    return PN_OK;
}

static enum pn_status
read_layer(struct nn_spec *spec, struct line *line, const struct nn_layer_kind *kind)
{
    if (spec->layer_count == NN_LAYERS_MAX)
        return FAIL(line, 1u, "expected at most %d layers", NN_LAYERS_MAX);
    struct nn_layer *layer = &spec->layers[spec->layer_count];
    *layer                 = (struct nn_layer){.kind   = kind,
                                               .number = spec->layer_count,
                                               .line   = line->number,
                                               .column = line->words[0].column};
    bool first             = spec->layer_count == 0;
    bool inputs_only       = first || spec->layers[spec->layer_count - 1].kind == &nn_input_kind;
    if (kind == &nn_input_kind ? !inputs_only : first)
        return FAIL(line, line->words[1].column,
                    first ? "the first layer must be the input, such as `x = input 12`"
                          : "inputs come first, above every other layer");
    enum pn_status st = read_name(layer->name, spec, line);
    if (st == PN_OK)
        st = read_inputs(layer->inputs, &layer->input_count, spec, line, kind->inputs_max);
    if (st == PN_OK && layer->input_count < kind->inputs_min)
        return FAIL(line, line->next < line->count ? line->words[line->next].column : line->end,
                    "%s needs %s%u input%s: the name of a layer above", kind->name,
                    kind->inputs_max > kind->inputs_min ? "at least " : "", kind->inputs_min,
                    kind->inputs_min == 1 ? "" : "s");
    if (st == PN_OK)
        st = read_size(&layer->given, line, kind);
    if (st == PN_OK)
        st = read_options(layer->options, line, kind->options);
    if (st == PN_OK)
        spec->layer_count++;
    return st;
}

const struct nn_option nn_spec_loss_options[] = {{.name     = "weight",
                                                  .fallback = "1",
                                                  .kind     = NN_OPTION_NUMBER,
                                                  .offset   = offsetof(struct nn_loss, weight),
                                                  .min      = 1e-6,
                                                  .max      = 1e6},
                                                 {0}};

/* Its own options, and those that every loss understands. */
static enum pn_status
read_loss_options(struct nn_loss *loss, struct line *line)
{
    nn_options_default(loss->options, loss->kind->options);
    nn_options_default((unsigned char *)loss, nn_spec_loss_options);
    for (; line->next < line->count; line->next++) {
        const struct word *word  = &line->words[line->next];
        bool               taken = false;
        enum pn_status     st    = read_option(loss->options, &taken, line, loss->kind->options);
        if (st == PN_OK && !taken)
            st = read_option((unsigned char *)loss, &taken, line, nn_spec_loss_options);
        if (st != PN_OK)
            return st;
        if (!taken)
            return unknown_option(line, word, strcspn(word->at, "="),
                                  loss->kind->options[0].name != NULL ? loss->kind->options
                                                                      : nn_spec_loss_options);
    }
    return PN_OK;
}

static enum pn_status
read_loss(struct nn_spec *spec, struct line *line, const struct nn_loss_kind *kind)
{
    uint32_t inputs[1], count;
    if (spec->loss_count == NN_LOSSES_MAX)
        return FAIL(line, 1u, "expected at most %d losses", NN_LOSSES_MAX);
    struct nn_loss *loss = &spec->losses[spec->loss_count];
    *loss = (struct nn_loss){.kind = kind, .line = line->number, .column = line->words[0].column};
    enum pn_status st = read_name(loss->name, spec, line);
    if (st == PN_OK)
        st = read_inputs(inputs, &count, spec, line, 1);
    if (st == PN_OK && count < 1)
        return FAIL(line, line->end, "%s needs one input: the name of the layer it reads",
                    kind->name);
    for (uint32_t i = 0; st == PN_OK && i < spec->loss_count; i++)
        if (spec->losses[i].layer == inputs[0])
            return FAIL(line, line->words[2].column,
                        "'%s' has a loss already, in line %u; give each output one",
                        spec->layers[inputs[0]].name, spec->losses[i].line);
    if (st == PN_OK)
        st = read_loss_options(loss, line);
    if (st != PN_OK)
        return st;
    loss->layer = inputs[0];
    spec->loss_count++;
    return PN_OK;
}

static enum pn_status
read_line(struct nn_spec *spec, struct line *line)
{
    const char        *names[128];
    char               help[96];
    size_t             count = 0;
    const struct word *word  = &line->words[1];
    for (size_t i = 0; nn_layer_kinds[i] != NULL; i++) {
        if (word_is(word, nn_layer_kinds[i]->name) && spec->loss_count > 0)
            return FAIL(line, line->words[0].column,
                        "expected only losses after the loss of line %u: they come last",
                        spec->losses[0].line);
        if (word_is(word, nn_layer_kinds[i]->name))
            return read_layer(spec, line, nn_layer_kinds[i]);
        names[count++] = nn_layer_kinds[i]->name;
    }
    for (size_t i = 0; nn_loss_kinds[i] != NULL; i++) {
        if (word_is(word, nn_loss_kinds[i]->name))
            return read_loss(spec, line, nn_loss_kinds[i]);
        names[count++] = nn_loss_kinds[i]->name;
    }
    return FAIL(line, word->column, "unknown kind '%.*s'%s", WORD(word),
                hint(help, word, names, count));
}

enum pn_status
nn_spec_parse(struct nn_spec *spec, const char *text, size_t size, struct pn_error *why)
{
    struct line line = {.why = why};
    memset(spec, 0, sizeof *spec);
    if (size > NN_TEXT_MAX)
        return pn_error_set(why, PN_ECONFIG, "model: expected at most %d bytes of text, seen %zu",
                            NN_TEXT_MAX, size);
    for (size_t at = 0; at < size;) {
        const char    *end = memchr(text + at, '\n', size - at);
        size_t         len = end != NULL ? (size_t)(end - text) - at : size - at;
        enum pn_status st;
        line.number++;
        if ((st = cut(&line, text + at, len)) != PN_OK ||
            (line.count > 0 && (st = read_line(spec, &line)) != PN_OK))
            return st;
        at += len + 1;
    }
    spec->line_count = line.number;
    if (spec->loss_count == 0)
        return FAIL(
            &line, 1u,
            "the model ends without a loss; its last line is such as `loss = bce_logits %s`",
            spec->layer_count > 0 ? spec->layers[spec->layer_count - 1].name : "out");
    return PN_OK;
}
