#include "data/record.h"

#include <ctype.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NUMBER_LEN_MAX = 63,
    SENTENCE_MAX   = 400
};

/* Where q = rint(x * 2^24) still fits (data/table.h). */
static const double standard_max = 0x1p38;

struct token {
    const char *text;
    size_t      len;
    bool        is_number;
    double      number;
};

struct tokens {
    struct token *items;
    size_t        count;
};

struct rules { /* of one column */
    struct tokens missing, values, negative;
};

struct data_record {
    const struct data_schema *schema;
    struct tokens             missing; /* of all columns */
    struct rules             *rules;
};

/* One field on its way to a number. */
struct cell {
    const struct data_schema    *schema;
    const struct data_column    *column;
    const struct rules          *rules;
    const char                  *file;
    const struct data_csv_field *field;
    bool                         is_number;
    double                       number;
};

/* ---- numbers and tokens ---- */

bool
data_number_parse(double *out, const char *text, size_t len, char decimal)
{
    char   copy[NUMBER_LEN_MAX + 1];
    size_t at = 0, digits = 0;
    if (len == 0 || len > NUMBER_LEN_MAX)
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    at += copy[at] == '+' || copy[at] == '-';
    for (; isdigit((unsigned char)copy[at]); at++)
        digits++;
    if (copy[at] == decimal) {
        copy[at++] = '.';
        for (; isdigit((unsigned char)copy[at]); at++)
            digits++;
    }
    if (digits == 0)
        return false;
    if (copy[at] == 'e' || copy[at] == 'E') {
        at++;
        at += copy[at] == '+' || copy[at] == '-';
        if (!isdigit((unsigned char)copy[at]))
            return false;
        while (isdigit((unsigned char)copy[at]))
            at++;
    }
    if (at != len)
        return false;
    *out = strtod(copy, NULL);
    return isfinite(*out);
}

static bool
tokens_new(struct tokens *out, const char *const *texts, size_t count)
{
    *out = (struct tokens){.items = calloc(count + 1, sizeof *out->items)};
    if (out->items == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct token *token = &out->items[i];
        token->text         = texts[i];
        token->len          = strlen(texts[i]);
        token->is_number    = data_number_parse(&token->number, token->text, token->len, '.');
    }
    out->count = count;
    return true;
}

/* The index of the token that the cell equals, or `count`. */
static size_t
find(const struct tokens *tokens, const struct cell *cell)
{
    size_t i = 0;
    for (; i < tokens->count; i++) {
        const struct token *token = &tokens->items[i];
        if (token->len == cell->field->len &&
            memcmp(token->text, cell->field->text, token->len) == 0)
            break;
        if (token->is_number && cell->is_number && token->number == cell->number)
            break;
    }
    return i;
}

static bool
has(const struct tokens *tokens, const struct cell *cell)
{
    return find(tokens, cell) < tokens->count;
}

/* ---- the record ---- */

enum pn_status
data_record_new(struct data_record **out, const struct data_schema *schema, struct pn_error *why)
{
    struct data_record *record = calloc(1, sizeof *record);
    bool                whole  = record != NULL;
    if (whole) {
        record->schema = schema;
        record->rules  = calloc(schema->column_count + 1, sizeof *record->rules);
        whole          = record->rules != NULL &&
                tokens_new(&record->missing, schema->missing, schema->missing_count);
    }
    for (size_t i = 0; whole && i < schema->column_count; i++) {
        const struct data_column *column = &schema->columns[i];
        struct rules             *rules  = &record->rules[i];
        whole = tokens_new(&rules->missing, column->missing, column->missing_count) &&
                tokens_new(&rules->values, column->values, column->value_count) &&
                tokens_new(&rules->negative, column->negative, column->negative_count);
    }
    if (!whole) {
        data_record_free(record);
        return pn_error_set(why, PN_ENOMEM, "no memory for the columns of the schema");
    }
    *out = record;
    return PN_OK;
}

void
data_record_free(struct data_record *record)
{
    if (record == NULL)
        return;
    for (size_t i = 0; record->rules != NULL && i < record->schema->column_count; i++) {
        free(record->rules[i].missing.items);
        free(record->rules[i].values.items);
        free(record->rules[i].negative.items);
    }
    free(record->rules);
    free(record->missing.items);
    free(record);
}

static enum pn_status fail(const struct cell *cell, struct pn_error *why, const char *format, ...)
    PN_PRINTF(3, 4);

static enum pn_status
fail(const struct cell *cell, struct pn_error *why, const char *format, ...)
{
    char    sentence[SENTENCE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    return pn_error_set(why, PN_EDATA, "%s:%" PRIu64 ":%" PRIu64 ": column \"%.60s\": %s",
                        cell->file, cell->field->line, cell->field->column, cell->column->name,
                        sentence);
}

/* Words that other programs write for numbers they do not have. */
static bool
looks_unknown(const char *text)
{
    static const char *const words[] = {"",  "na",   "n/a", "nan",  "null", "none",
                                        "?", "-",    "inf", "+inf", "-inf", "infinity",
                                        ".", "-nan", "nil", "n.a."};
    char                     lower[16];
    size_t                   len = strlen(text);
    if (len >= sizeof lower)
        return false;
    for (size_t i = 0; i <= len; i++)
        lower[i] = (char)tolower((unsigned char)text[i]);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(lower, words[i]) == 0)
            return true;
    return false;
}

static enum pn_status
need_number(const struct cell *cell, struct pn_error *why)
{
    if (cell->is_number)
        return PN_OK;
    const char *text = cell->field->text;
    if (looks_unknown(text))
        return fail(cell, why,
                    "expected a finite number, seen \"%s\"; if that stands for a missing value, "
                    "the job's `missing` list must name it",
                    text);
    return fail(cell, why, "expected a number with the decimal sign \"%c\", seen \"%.40s\"",
                cell->schema->decimal, text);
}

static enum pn_status
read_numeric(float *x, const struct cell *cell, bool missing, struct pn_error *why)
{
    float *out = x + cell->column->feature;
    if (cell->column->indicator)
        out[1] = missing ? 1.0f : 0.0f;
    out[0] = NAN;
    if (missing)
        return PN_OK;
    enum pn_status st = need_number(cell, why);
    if (st != PN_OK)
        return st;
    if (fabs(cell->number) > (cell->column->standard ? standard_max : (double)FLT_MAX))
        return fail(cell, why, "the number %.40s is too large; give the column in larger units",
                    cell->field->text);
    out[0] = (float)cell->number;
    return PN_OK;
}

/* One place per value, then `other`, then the indicator. */
static enum pn_status
read_categorical(float *x, const struct cell *cell, bool missing, struct pn_error *why)
{
    const struct data_column *column = cell->column;
    size_t                    place  = find(&cell->rules->values, cell);
    memset(x + column->feature, 0, column->feature_count * sizeof *x);
    if (missing && !column->indicator)
        return fail(cell, why,
                    "the value is missing (\"%.40s\"); say `indicator: true` in the job if that "
                    "may happen",
                    cell->field->text);
    if (missing)
        place = column->feature_count - 1;
    else if (place == column->value_count && !column->other)
        return fail(cell, why,
                    "the category \"%.40s\" is not among the %zu values of the job; say `other: "
                    "true` there if that may happen",
                    cell->field->text, column->value_count);
    x[column->feature + place] = 1.0f;
    return PN_OK;
}

static enum pn_status
read_target(float *target, const struct cell *cell, bool missing, struct pn_error *why)
{
    const struct data_column *column = cell->column;
    const struct tokens      *values = &cell->rules->values;
    if (missing)
        return fail(cell, why,
                    "the target is missing (\"%.40s\"); remove the record, nothing can be learnt "
                    "from it",
                    cell->field->text);
    if (column->value_count == 0) {
        enum pn_status st = need_number(cell, why);
        if (st == PN_OK && fabs(cell->number) > (double)FLT_MAX)
            st = fail(cell, why, "the number %.40s is too large", cell->field->text);
        if (st == PN_OK)
            target[0] = (float)cell->number;
        return st;
    }
    size_t index = find(values, cell);
    bool   known = index < values->count;
    if (column->positive) {
        index = known ? 1 : 0;
        known = known || column->negative == NULL || has(&cell->rules->negative, cell);
    }
    if (!known)
        return fail(cell, why, "the job knows no target value \"%.40s\" (one it knows: \"%.40s\")",
                    cell->field->text, column->values[0]);
    target[0] = (float)index;
    return PN_OK;
}

static enum pn_status
read_weight(float *weight, const struct cell *cell, struct pn_error *why)
{
    enum pn_status st = need_number(cell, why);
    if (st == PN_OK && (cell->number < 0.0 || cell->number > (double)FLT_MAX))
        st = fail(cell, why, "expected a weight of 0 or more, seen \"%.40s\"", cell->field->text);
    if (st == PN_OK)
        *weight = (float)cell->number;
    return st;
}

enum pn_status
data_record_read(const struct data_row *row, const struct data_record *record, const char *file,
                 const struct data_csv_field *fields, const uint32_t *where, struct pn_error *why)
{
    const struct data_schema *schema = record->schema;
    enum pn_status            st     = PN_OK;
    for (size_t i = 0; st == PN_OK && i < schema->column_count; i++) {
        const struct data_column *column = &schema->columns[i];
        if (column->kind == DATA_IGNORE || column->kind == DATA_GROUP)
            continue;
        struct cell cell = {.schema = schema,
                            .column = column,
                            .rules  = &record->rules[i],
                            .file   = file,
                            .field  = &fields[where[i]]};
        cell.is_number =
            data_number_parse(&cell.number, cell.field->text, cell.field->len, schema->decimal);
        bool missing = has(&record->missing, &cell) || has(&cell.rules->missing, &cell);
        switch (column->kind) {
        case DATA_NUMERIC:
            st = read_numeric(row->x, &cell, missing, why);
            break;
        case DATA_CATEGORICAL:
            st = read_categorical(row->x, &cell, missing, why);
            break;
        case DATA_TARGET:
            st = read_target(row->target, &cell, missing, why);
            break;
        case DATA_WEIGHT:
            st = read_weight(row->weight, &cell, why);
            break;
        case DATA_IGNORE:
        case DATA_GROUP:
            break;
        }
    }
    return st;
}
