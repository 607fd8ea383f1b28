#include "data/schema.h"

#include "data/record.h"

#include <stdlib.h>
#include <string.h>

enum {
    COLUMNS_MAX  = 1024,
    VALUES_MAX   = 256,
    MISSING_MAX  = 64,
    FEATURES_MAX = 65536,
    NAME_LEN_MAX = 255
};

/* The schema and all it points to are one block: first counted, then filled. */
struct block {
    struct data_schema schema;
    char              *text; /* the next free byte */
    const char       **list; /* the next free place */
};

struct reader {
    struct block           *block;
    const struct text_yaml *yaml;
    struct pn_error        *why;
};

/* ---- the block ---- */

static void
count(const struct text_node *node, size_t *bytes, size_t *strings)
{
    *bytes += node->value != NULL ? strlen(node->value) + 1 : 0;
    *strings += 1;
    for (const struct text_node *child = node->first; child != NULL; child = child->next)
        count(child, bytes, strings);
}

static struct block *
block_new(const struct text_node *node, size_t column_count)
{
    size_t bytes = 1, strings = 1; /* the default list of missing tokens */
    count(node, &bytes, &strings);
    struct block *block = calloc(1, sizeof *block + column_count * sizeof(struct data_column) +
                                        strings * sizeof(char *) + bytes);
    if (block == NULL)
        return NULL;
    block->schema.columns = (struct data_column *)(block + 1);
    block->list           = (const char **)(block->schema.columns + column_count);
    block->text           = (char *)(block->list + strings);
    return block;
}

static const char *
keep(struct block *block, const char *text)
{
    size_t size = strlen(text) + 1;
    char  *kept = block->text;
    memcpy(kept, text, size);
    block->text += size;
    return kept;
}

/* ---- lists ---- */

struct list {
    const char *const *items;
    size_t             count;
};

static bool
list_has(const struct list *list, const char *text)
{
    double number, other;
    bool   is_number = data_number_parse(&number, text, strlen(text), '.');
    for (size_t i = 0; i < list->count; i++) {
        const char *item = list->items[i];
        if (strcmp(item, text) == 0)
            return true;
        if (is_number && data_number_parse(&other, item, strlen(item), '.') && number == other)
            return true;
    }
    return false;
}

static enum pn_status
read_list(struct list *out, const struct reader *reader, const struct text_node *map,
          const char *key, size_t max)
{
    const struct text_node *node;
    enum pn_status st = text_get_list(&node, reader->yaml, map, key, TEXT_OPTIONAL, reader->why);
    *out              = (struct list){.count = 0};
    if (st != PN_OK || node == NULL)
        return st;
    if (node->count > max)
        return text_fail(reader->why, reader->yaml, node,
                         "`%s` has %zu entries, at most %zu may be", key, node->count, max);
    const char **items = reader->block->list;
    reader->block->list += node->count;
    out->items = items;
    for (const struct text_node *item = node->first; item != NULL; item = item->next) {
        if (item->kind != TEXT_SCALAR)
            return text_fail(reader->why, reader->yaml, item, "expected a text in `%s`", key);
        if (list_has(out, item->value))
            return text_fail(reader->why, reader->yaml, item,
                             "\"%s\" stands in `%s` twice (numbers count as equal: 1 and 1.0)",
                             item->value, key);
        items[out->count++] = keep(reader->block, item->value);
    }
    return PN_OK;
}

/* A list that gives a meaning to values must hold something, and nothing that means "missing". */
static enum pn_status
read_values(struct list *out, const struct reader *reader, const struct data_column *column,
            const struct text_node *node, const char *key, size_t least)
{
    const struct data_schema *schema = &reader->block->schema;
    const struct list         all    = {schema->missing, schema->missing_count};
    const struct list         own    = {column->missing, column->missing_count};
    enum pn_status            st     = read_list(out, reader, node, key, VALUES_MAX);
    if (st != PN_OK || text_find(node, key) == NULL)
        return st;
    if (out->count < least)
        return text_fail(reader->why, reader->yaml, text_find(node, key),
                         "`%s` needs at least %zu entries", key, least);
    for (size_t i = 0; i < out->count; i++)
        if (list_has(&all, out->items[i]) || list_has(&own, out->items[i]))
            return text_fail(reader->why, reader->yaml, text_find(node, key),
                             "\"%s\" stands in `%s` and in `missing`", out->items[i], key);
    return PN_OK;
}

static enum pn_status
read_missing(struct data_column *column, const struct reader *reader, const struct text_node *node)
{
    struct list    list;
    enum pn_status st     = read_list(&list, reader, node, "missing", MISSING_MAX);
    column->missing       = list.items;
    column->missing_count = list.count;
    return st;
}

/* ---- columns ---- */

static enum pn_status
check_keys(const struct reader *reader, const struct text_node *node, const char *const *known,
           size_t known_count)
{
    return text_check_keys(reader->yaml, node, known, known_count, reader->why);
}

static enum pn_status
read_numeric(struct data_column *column, const struct reader *reader, const struct text_node *node)
{
    static const char *const known[]  = {"name", "type", "scale", "missing", "indicator"};
    static const char *const scales[] = {"none", "standard"};
    uint32_t                 scale    = 0;
    enum pn_status           st       = check_keys(reader, node, known, 5);
    if (st == PN_OK)
        st = text_get_choice(&scale, reader->yaml, node, "scale", TEXT_OPTIONAL, scales, 2,
                             reader->why);
    if (st == PN_OK)
        st = text_get_bool(&column->indicator, reader->yaml, node, "indicator", TEXT_OPTIONAL,
                           reader->why);
    if (st == PN_OK)
        st = read_missing(column, reader, node);
    column->standard      = scale == 1;
    column->feature_count = column->indicator ? 2 : 1;
    if (column->standard)
        column->sums = reader->block->schema.numeric_count++;
    return st;
}

static enum pn_status
read_categorical(struct data_column *column, const struct reader *reader,
                 const struct text_node *node)
{
    static const char *const known[] = {"name", "type", "values", "other", "missing", "indicator"};
    const struct text_node  *values;
    struct list              list = {.count = 0};
    enum pn_status           st   = check_keys(reader, node, known, 6);
    if (st == PN_OK)
        st = text_get_bool(&column->other, reader->yaml, node, "other", TEXT_OPTIONAL, reader->why);
    if (st == PN_OK)
        st = text_get_bool(&column->indicator, reader->yaml, node, "indicator", TEXT_OPTIONAL,
                           reader->why);
    if (st == PN_OK)
        st = read_missing(column, reader, node);
    if (st == PN_OK)
        st = text_get_list(&values, reader->yaml, node, "values", TEXT_REQUIRED, reader->why);
    if (st == PN_OK)
        st = read_values(&list, reader, column, node, "values", 1);
    column->values      = list.items;
    column->value_count = list.count;
    column->feature_count =
        (uint32_t)list.count + (column->other ? 1u : 0u) + (column->indicator ? 1u : 0u);
    return st;
}

static enum pn_status
read_negative(struct data_column *column, const struct reader *reader, const struct text_node *node)
{
    struct list       list;
    const struct list positive = {column->values, column->value_count};
    enum pn_status    st       = read_values(&list, reader, column, node, "negative", 1);
    if (st != PN_OK || list.count == 0)
        return st;
    for (size_t i = 0; i < list.count; i++)
        if (list_has(&positive, list.items[i]))
            return text_fail(reader->why, reader->yaml, text_find(node, "negative"),
                             "\"%s\" stands in `negative` and in `positive`", list.items[i]);
    column->negative       = list.items;
    column->negative_count = list.count;
    return PN_OK;
}

static enum pn_status
read_target(struct data_column *column, const struct reader *reader, const struct text_node *node)
{
    static const char *const known[] = {"name", "type", "positive", "negative", "values"};
    struct data_schema      *schema  = &reader->block->schema;
    enum pn_status           st      = check_keys(reader, node, known, 5);
    if (st != PN_OK)
        return st;
    if (schema->target_size > 0)
        return text_fail(reader->why, reader->yaml, node,
                         "there is a target already; one is enough");
    column->positive = text_find(node, "positive") != NULL;
    bool named       = text_find(node, "values") != NULL;
    if (column->positive && named)
        return text_fail(reader->why, reader->yaml, node,
                         "a target has `positive` or `values`, not both");
    if (!column->positive && text_find(node, "negative") != NULL)
        return text_fail(reader->why, reader->yaml, text_find(node, "negative"),
                         "`negative` needs `positive` beside it");
    struct list list = {.count = 0};
    if (column->positive || named)
        st = read_values(&list, reader, column, node, column->positive ? "positive" : "values",
                         column->positive ? 1 : 2);
    column->values      = list.items;
    column->value_count = list.count;
    if (st == PN_OK && column->positive)
        st = read_negative(column, reader, node);
    schema->target_size = 1;
    schema->class_count = column->positive ? 2 : (uint32_t)list.count;
    return st;
}

static enum pn_status
read_plain(const struct reader *reader, const struct text_node *node)
{
    static const char *const known[] = {"name", "type"};
    return check_keys(reader, node, known, 2);
}

static enum pn_status
check_name(const struct reader *reader, const struct text_node *node, size_t at, const char *name)
{
    const struct data_schema *schema = &reader->block->schema;
    if (name[0] == '\0' || strlen(name) > NAME_LEN_MAX)
        return text_fail(reader->why, reader->yaml, node,
                         "expected a column name of 1 to %d characters", NAME_LEN_MAX);
    for (size_t i = 0; i < at; i++)
        if (strcmp(schema->columns[i].name, name) == 0)
            return text_fail(reader->why, reader->yaml, node, "the column \"%s\" stands here twice",
                             name);
    return PN_OK;
}

static enum pn_status
read_kind(struct data_column *column, const struct reader *reader, const struct text_node *node)
{
    static const char *const kinds[] = {"numeric", "categorical", "target", "weight", "ignore"};
    struct data_schema      *schema  = &reader->block->schema;
    uint32_t                 kind;
    enum pn_status           st =
        text_get_choice(&kind, reader->yaml, node, "type", TEXT_REQUIRED, kinds, 5, reader->why);
    if (st != PN_OK)
        return st;
    column->kind = (enum data_column_kind)kind;
    switch (column->kind) {
    case DATA_NUMERIC:
        return read_numeric(column, reader, node);
    case DATA_CATEGORICAL:
        return read_categorical(column, reader, node);
    case DATA_TARGET:
        return read_target(column, reader, node);
    case DATA_WEIGHT:
        for (const struct data_column *other = schema->columns; other < column; other++)
            if (other->kind == DATA_WEIGHT)
                return text_fail(reader->why, reader->yaml, node,
                                 "there is a weight already (column \"%s\")", other->name);
        return read_plain(reader, node);
    case DATA_IGNORE:
        return read_plain(reader, node);
    }
    PN_UNREACHABLE("text_get_choice gives one of the five");
}

static enum pn_status
read_column(size_t at, const struct reader *reader, const struct text_node *node)
{
    struct data_schema *schema = &reader->block->schema;
    struct data_column *column = &schema->columns[at];
    const char         *name;
    if (node->kind != TEXT_MAP)
        return text_fail(reader->why, reader->yaml, node,
                         "expected a column such as { name: amount, type: numeric }");
    enum pn_status st =
        text_get_string(&name, reader->yaml, node, "name", TEXT_REQUIRED, reader->why);
    if (st == PN_OK)
        st = check_name(reader, node, at, name);
    if (st != PN_OK)
        return st;
    column->name    = keep(reader->block, name);
    column->feature = schema->feature_count;
    if ((st = read_kind(column, reader, node)) != PN_OK)
        return st;
    schema->column_count = at + 1;
    schema->feature_count += column->feature_count;
    if (schema->feature_count > FEATURES_MAX)
        return text_fail(reader->why, reader->yaml, node,
                         "with this column a record has more than %d features", FEATURES_MAX);
    return PN_OK;
}

static enum pn_status
read_columns(const struct reader *reader, const struct text_node *list)
{
    const struct data_schema *schema = &reader->block->schema;
    enum pn_status            st     = PN_OK;
    size_t                    at     = 0;
    for (const struct text_node *node = list->first; st == PN_OK && node != NULL; node = node->next)
        st = read_column(at++, reader, node);
    if (st == PN_OK && schema->target_size == 0)
        st = text_fail(reader->why, reader->yaml, list,
                       "no column has `type: target`; one must say what is to be predicted");
    if (st == PN_OK && schema->feature_count == 0)
        st = text_fail(reader->why, reader->yaml, list,
                       "no column is numeric or categorical; there is nothing to predict from");
    return st;
}

/* ---- the section ---- */

static enum pn_status
read_split(const struct reader *reader, const struct text_node *section)
{
    static const char *const known[] = {"validation", "test"};
    struct data_schema      *schema  = &reader->block->schema;
    const struct text_node  *split;
    schema->validation = schema->test = 0.2;
    enum pn_status st =
        text_get_map(&split, reader->yaml, section, "split", TEXT_OPTIONAL, reader->why);
    if (st != PN_OK || split == NULL)
        return st;
    schema->validation = schema->test = 0.0;
    st                                = check_keys(reader, split, known, 2);
    if (st == PN_OK)
        st = text_get_f64(&schema->validation, reader->yaml, split, "validation", TEXT_OPTIONAL,
                          0.0, 0.9, reader->why);
    if (st == PN_OK)
        st = text_get_f64(&schema->test, reader->yaml, split, "test", TEXT_OPTIONAL, 0.0, 0.9,
                          reader->why);
    if (st == PN_OK && schema->validation + schema->test > 0.9 + 1e-9)
        st = text_fail(reader->why, reader->yaml, split,
                       "validation and test together take more than 0.9 of the records");
    return st;
}

static enum pn_status
read_delimiter(const struct reader *reader, const struct text_node *section)
{
    struct data_schema *schema    = &reader->block->schema;
    const char         *delimiter = ",", *decimal = ".";
    enum pn_status      st =
        text_get_string(&delimiter, reader->yaml, section, "delimiter", TEXT_OPTIONAL, reader->why);
    if (st == PN_OK)
        st =
            text_get_string(&decimal, reader->yaml, section, "decimal", TEXT_OPTIONAL, reader->why);
    if (st != PN_OK)
        return st;
    if (strcmp(delimiter, "\\t") == 0) /* as single quotes leave it */
        delimiter = "\t";
    if (strlen(delimiter) != 1 || strchr(",;|\t", delimiter[0]) == NULL)
        return text_fail(reader->why, reader->yaml, text_find(section, "delimiter"),
                         "expected a delimiter out of , ; | and tab (\"\\t\"), seen \"%s\"",
                         delimiter);
    if (strlen(decimal) != 1 || strchr(".,", decimal[0]) == NULL)
        return text_fail(reader->why, reader->yaml, text_find(section, "decimal"),
                         "expected a decimal sign, \".\" or \",\", seen \"%s\"", decimal);
    if (delimiter[0] == decimal[0])
        return text_fail(reader->why, reader->yaml, section,
                         "the decimal sign and the delimiter are both \",\"; files with a decimal "
                         "comma usually have delimiter \";\"");
    schema->delimiter = delimiter[0];
    schema->decimal   = decimal[0];
    return PN_OK;
}

static enum pn_status
read_csv(const struct reader *reader, const struct text_node *section,
         const struct text_node *columns)
{
    static const char *const known[] = {"format",  "header",  "delimiter", "decimal",
                                        "missing", "columns", "split"};
    struct data_schema      *schema  = &reader->block->schema;
    struct list              missing;
    schema->header    = true;
    enum pn_status st = check_keys(reader, section, known, 7);
    if (st == PN_OK)
        st = text_get_bool(&schema->header, reader->yaml, section, "header", TEXT_OPTIONAL,
                           reader->why);
    if (st == PN_OK)
        st = read_delimiter(reader, section);
    if (st == PN_OK)
        st = read_list(&missing, reader, section, "missing", MISSING_MAX);
    if (st != PN_OK)
        return st;
    if (text_find(section, "missing") == NULL) {
        const char **place = reader->block->list++;
        *place             = keep(reader->block, "");
        missing            = (struct list){place, 1};
    }
    schema->missing       = missing.items;
    schema->missing_count = missing.count;
    st                    = read_columns(reader, columns);
    schema->needs_scaling = schema->numeric_count > 0;
    return st;
}

static enum pn_status
read_shape(const struct reader *reader, const struct text_node *section)
{
    struct data_schema     *schema = &reader->block->schema;
    const struct text_node *shape;
    enum pn_status          st =
        text_get_list(&shape, reader->yaml, section, "shape", TEXT_REQUIRED, reader->why);
    if (st != PN_OK)
        return st;
    if (shape->count < 1 || shape->count > 3)
        return text_fail(reader->why, reader->yaml, shape,
                         "expected 1 to 3 sizes of an image, such as [28, 28]");
    schema->feature_count = 1;
    for (const struct text_node *node = shape->first; node != NULL; node = node->next) {
        double size;
        if (node->kind != TEXT_SCALAR ||
            !data_number_parse(&size, node->value, strlen(node->value), '.') || size < 1.0 ||
            size > FEATURES_MAX || (double)(uint32_t)size != size)
            return text_fail(reader->why, reader->yaml, node,
                             "expected a whole number from 1 to %d", FEATURES_MAX);
        schema->dim[schema->dims++] = (uint32_t)size;
        if ((uint64_t)schema->feature_count * (uint64_t)size > FEATURES_MAX)
            return text_fail(reader->why, reader->yaml, shape, "an image has more than %d pixels",
                             FEATURES_MAX);
        schema->feature_count *= (uint32_t)size;
    }
    return PN_OK;
}

static enum pn_status
read_idx(const struct reader *reader, const struct text_node *section)
{
    static const char *const known[] = {"format", "shape", "classes", "divide", "split"};
    struct data_schema      *schema  = &reader->block->schema;
    schema->divide                   = 255.0;
    schema->target_size              = 1;
    enum pn_status st                = check_keys(reader, section, known, 5);
    if (st == PN_OK)
        st = read_shape(reader, section);
    if (st == PN_OK)
        st = text_get_u32(&schema->class_count, reader->yaml, section, "classes", TEXT_REQUIRED, 2,
                          256, reader->why);
    if (st == PN_OK)
        st = text_get_f64(&schema->divide, reader->yaml, section, "divide", TEXT_OPTIONAL, 1e-6,
                          1e6, reader->why);
    return st;
}

/* How many columns the block needs; NULL in `*columns` when the format has none. */
static enum pn_status
look_ahead(uint32_t *format, const struct text_node **columns, const struct text_yaml *yaml,
           const struct text_node *section, struct pn_error *why)
{
    static const char *const formats[] = {"csv", "idx"};
    *columns                           = NULL;
    if (section == NULL || section->kind != TEXT_MAP)
        return text_fail(why, yaml, section != NULL ? section : text_yaml_root(yaml),
                         "expected a data section: format, columns, ...");
    enum pn_status st =
        text_get_choice(format, yaml, section, "format", TEXT_REQUIRED, formats, 2, why);
    if (st != PN_OK || *format == DATA_IDX)
        return st;
    st = text_get_list(columns, yaml, section, "columns", TEXT_REQUIRED, why);
    if (st == PN_OK && (*columns)->count > COLUMNS_MAX)
        st = text_fail(why, yaml, *columns, "there are %zu columns, at most %d may be",
                       (*columns)->count, COLUMNS_MAX);
    return st;
}

enum pn_status
data_schema_decode(struct data_schema **out, const struct text_yaml *yaml,
                   const struct text_node *node, struct pn_error *why)
{
    const struct text_node *columns;
    uint32_t                format;
    enum pn_status          st = look_ahead(&format, &columns, yaml, node, why);
    if (st != PN_OK)
        return st;
    struct block *block = block_new(node, columns != NULL ? columns->count : 0);
    if (block == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for the data section");
    const struct reader reader = {block, yaml, why};
    block->schema.format       = (enum data_format)format;
    st                         = block->schema.format == DATA_CSV ? read_csv(&reader, node, columns)
                                                                  : read_idx(&reader, node);
    if (st == PN_OK)
        st = read_split(&reader, node);
    if (st != PN_OK) {
        free(block);
        return st;
    }
    *out = &block->schema;
    return PN_OK;
}

void
data_schema_free(struct data_schema *schema)
{
    free(schema); /* the first member of its block */
}
