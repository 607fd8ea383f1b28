/* The columns of a CSV section. */
#include "data/section.h"

#include <stdio.h>
#include <string.h>

enum {
    MISSING_MAX  = 64,
    NAME_LEN_MAX = 255,
    NUMBER_LEN   = 10 /* of a 32-bit number */
};

/* A list that gives a meaning to values must hold something, and nothing that means "missing". */
static enum pn_status
read_values(struct data_list *out, struct data_section *section, const struct data_column *column,
            const struct text_node *node, const char *key, size_t least)
{
    const struct data_schema *schema = section->schema;
    const struct data_list    all    = {schema->missing, schema->missing_count};
    const struct data_list    own    = {column->missing, column->missing_count};
    enum pn_status            st     = data_section_list(out, section, node, key, DATA_VALUES_MAX);
    if (st != PN_OK || text_find(node, key) == NULL)
        return st;
    if (out->count < least)
        return text_fail(section->why, section->yaml, text_find(node, key),
                         "`%s` needs at least %zu entries", key, least);
    for (size_t i = 0; i < out->count; i++)
        if (data_list_has(&all, out->items[i]) || data_list_has(&own, out->items[i]))
            return text_fail(section->why, section->yaml, text_find(node, key),
                             "\"%s\" stands in `%s` and in `missing`", out->items[i], key);
    return PN_OK;
}

static enum pn_status
read_missing(struct data_column *column, struct data_section *section, const struct text_node *node)
{
    struct data_list list;
    enum pn_status   st   = data_section_list(&list, section, node, "missing", MISSING_MAX);
    column->missing       = list.items;
    column->missing_count = list.count;
    return st;
}

static enum pn_status
check_keys(const struct data_section *section, const struct text_node *node,
           const char *const *known, size_t known_count)
{
    return text_check_keys(section->yaml, node, known, known_count, section->why);
}

static enum pn_status
read_numeric(struct data_column *column, struct data_section *section, const struct text_node *node)
{
    static const char *const known[]  = {"name",      "type",  "scale", "missing",
                                         "indicator", "count", "first"};
    static const char *const scales[] = {"none", "standard"};
    uint32_t                 scale    = 0;
    enum pn_status           st       = check_keys(section, node, known, 7);
    if (st == PN_OK)
        st = text_get_choice(&scale, section->yaml, node, "scale", TEXT_OPTIONAL, scales, 2,
                             section->why);
    if (st == PN_OK)
        st = text_get_bool(&column->indicator, section->yaml, node, "indicator", TEXT_OPTIONAL,
                           section->why);
    if (st == PN_OK)
        st = read_missing(column, section, node);
    column->standard      = scale == 1;
    column->feature_count = column->indicator ? 2 : 1;
    return st;
}

static enum pn_status
read_categorical(struct data_column *column, struct data_section *section,
                 const struct text_node *node)
{
    static const char *const known[] = {"name", "type", "values", "other", "missing", "indicator"};
    const struct text_node  *values;
    struct data_list         list = {.count = 0};
    enum pn_status           st   = check_keys(section, node, known, 6);
    if (st == PN_OK)
        st = text_get_bool(&column->other, section->yaml, node, "other", TEXT_OPTIONAL,
                           section->why);
    if (st == PN_OK)
        st = text_get_bool(&column->indicator, section->yaml, node, "indicator", TEXT_OPTIONAL,
                           section->why);
    if (st == PN_OK)
        st = read_missing(column, section, node);
    if (st == PN_OK)
        st = text_get_list(&values, section->yaml, node, "values", TEXT_REQUIRED, section->why);
    if (st == PN_OK)
        st = read_values(&list, section, column, node, "values", 1);
    column->values      = list.items;
    column->value_count = list.count;
    column->feature_count =
        (uint32_t)list.count + (column->other ? 1u : 0u) + (column->indicator ? 1u : 0u);
    return st;
}

static enum pn_status
read_negative(struct data_column *column, struct data_section *section,
              const struct text_node *node)
{
    struct data_list       list;
    const struct data_list positive = {column->values, column->value_count};
    enum pn_status         st       = read_values(&list, section, column, node, "negative", 1);
    if (st != PN_OK || list.count == 0)
        return st;
    for (size_t i = 0; i < list.count; i++)
        if (data_list_has(&positive, list.items[i]))
            return text_fail(section->why, section->yaml, text_find(node, "negative"),
                             "\"%s\" stands in `negative` and in `positive`", list.items[i]);
    column->negative       = list.items;
    column->negative_count = list.count;
    return PN_OK;
}

static enum pn_status
read_target(struct data_column *column, struct data_section *section, const struct text_node *node)
{
    static const char *const known[] = {"name", "type", "positive", "negative", "values"};
    struct data_schema      *schema  = section->schema;
    enum pn_status           st      = check_keys(section, node, known, 5);
    if (st != PN_OK)
        return st;
    if (schema->target_is_record)
        return text_fail(section->why, section->yaml, node,
                         "with `target: record` a record is its own target; say `type: ignore` of "
                         "this column");
    if (schema->target_size > 0)
        return text_fail(section->why, section->yaml, node,
                         "there is a target already; one is enough");
    column->positive = text_find(node, "positive") != NULL;
    bool named       = text_find(node, "values") != NULL;
    if (column->positive && named)
        return text_fail(section->why, section->yaml, node,
                         "a target has `positive` or `values`, not both");
    if (!column->positive && text_find(node, "negative") != NULL)
        return text_fail(section->why, section->yaml, text_find(node, "negative"),
                         "`negative` needs `positive` beside it");
    struct data_list list = {.count = 0};
    if (column->positive || named)
        st = read_values(&list, section, column, node, column->positive ? "positive" : "values",
                         column->positive ? 1 : 2);
    column->values      = list.items;
    column->value_count = list.count;
    if (st == PN_OK && column->positive)
        st = read_negative(column, section, node);
    schema->target_size = 1;
    schema->class_count = column->positive ? 2 : (uint32_t)list.count;
    return st;
}

static enum pn_status
read_plain(struct data_section *section, const struct text_node *node)
{
    static const char *const known[] = {"name", "type"};
    return check_keys(section, node, known, 2);
}

static enum pn_status
read_ignore(struct data_section *section, const struct text_node *node)
{
    static const char *const known[] = {"name", "type", "count", "first"};
    return check_keys(section, node, known, 4);
}

/* Only one column may be of this kind. */
static enum pn_status
read_single(const struct data_column *column, const char *what, struct data_section *section,
            const struct text_node *node)
{
    for (const struct data_column *other = section->schema->columns; other < column; other++)
        if (other->kind == column->kind)
            return text_fail(section->why, section->yaml, node,
                             "there is a %s already (column \"%s\")", what, other->name);
    return read_plain(section, node);
}

static enum pn_status
read_kind(struct data_column *column, struct data_section *section, const struct text_node *node)
{
    static const char *const kinds[] = {"numeric", "categorical", "target",
                                        "weight",  "ignore",      "group"};
    uint32_t                 kind;
    enum pn_status           st =
        text_get_choice(&kind, section->yaml, node, "type", TEXT_REQUIRED, kinds, 6, section->why);
    if (st != PN_OK)
        return st;
    column->kind = (enum data_column_kind)kind;
    switch (column->kind) {
    case DATA_NUMERIC:
        return read_numeric(column, section, node);
    case DATA_CATEGORICAL:
        return read_categorical(column, section, node);
    case DATA_TARGET:
        return read_target(column, section, node);
    case DATA_WEIGHT:
        return read_single(column, "weight", section, node);
    case DATA_GROUP:
        return read_single(column, "group", section, node);
    case DATA_IGNORE:
        return read_ignore(section, node);
    }
    PN_UNREACHABLE("text_get_choice gives one of the six");
}

static enum pn_status
check_name(const struct data_section *section, const struct text_node *node, const char *name)
{
    const struct data_schema *schema = section->schema;
    if (name[0] == '\0' || strlen(name) > NAME_LEN_MAX)
        return text_fail(section->why, section->yaml, node,
                         "expected a column name of 1 to %d characters", NAME_LEN_MAX);
    for (size_t i = 0; i < schema->column_count; i++)
        if (strcmp(schema->columns[i].name, name) == 0)
            return text_fail(section->why, section->yaml, node,
                             "the column \"%s\" stands here twice", name);
    return PN_OK;
}

/* Puts one column behind the others. */
static enum pn_status
add_column(struct data_section *section, const struct data_column *like, const char *name,
           const struct text_node *node)
{
    struct data_schema *schema = section->schema;
    struct data_column *column = &schema->columns[schema->column_count];
    enum pn_status      st     = check_name(section, node, name);
    if (st != PN_OK)
        return st;
    *column         = *like;
    column->name    = data_section_keep(section, name);
    column->feature = schema->row_size;
    if (column->standard)
        column->sums = schema->numeric_count++;
    schema->column_count++;
    schema->row_size += column->feature_count;
    if (schema->row_size > DATA_FEATURES_MAX)
        return text_fail(section->why, section->yaml, node,
                         "with this column a record has more than %d features", DATA_FEATURES_MAX);
    return PN_OK;
}

/* One column, or `count` of them: name1, name2, ... */
static enum pn_status
read_column(struct data_section *section, const struct text_node *node)
{
    struct data_column *column = &section->schema->columns[section->schema->column_count];
    const char         *name;
    uint32_t            columns = 1, first = 1;
    enum pn_status      st =
        text_get_string(&name, section->yaml, node, "name", TEXT_REQUIRED, section->why);
    if (st == PN_OK)
        st = check_name(section, node, name);
    if (st == PN_OK)
        st = read_kind(column, section, node);
    if (st == PN_OK)
        st = text_get_u32(&columns, section->yaml, node, "count", TEXT_OPTIONAL, 1,
                          DATA_COLUMNS_MAX, section->why);
    if (st == PN_OK)
        st = text_get_u32(&first, section->yaml, node, "first", TEXT_OPTIONAL, 0, 1000000,
                          section->why);
    if (st == PN_OK && text_find(node, "first") != NULL && text_find(node, "count") == NULL)
        st = text_fail(section->why, section->yaml, text_find(node, "first"),
                       "`first` needs `count` beside it");
    const struct data_column like = *column;
    if (st == PN_OK && text_find(node, "count") == NULL)
        return add_column(section, &like, name, node);
    for (uint32_t i = 0; st == PN_OK && i < columns; i++) {
        char numbered[NAME_LEN_MAX + NUMBER_LEN + 1];
        (void)snprintf(numbered, sizeof numbered, "%s%u", name, first + i);
        st = add_column(section, &like, numbered, node);
    }
    return st;
}

enum pn_status
data_section_count_columns(size_t *count, size_t *name_size, const struct data_section *section)
{
    const struct text_node *list;
    enum pn_status          st =
        text_get_list(&list, section->yaml, section->node, "columns", TEXT_REQUIRED, section->why);
    *count = *name_size = 0;
    for (const struct text_node *node = st == PN_OK ? list->first : NULL; node != NULL;
         node                         = node->next) {
        const char *name    = "";
        uint32_t    columns = 1;
        if (node->kind != TEXT_MAP)
            return text_fail(section->why, section->yaml, node,
                             "expected a column such as { name: amount, type: numeric }");
        st = text_get_string(&name, section->yaml, node, "name", TEXT_REQUIRED, section->why);
        if (st == PN_OK)
            st = text_get_u32(&columns, section->yaml, node, "count", TEXT_OPTIONAL, 1,
                              DATA_COLUMNS_MAX, section->why);
        if (st != PN_OK)
            return st;
        *count += columns;
        *name_size += columns * (strlen(name) + NUMBER_LEN + 1);
    }
    if (st == PN_OK && *count > DATA_COLUMNS_MAX)
        st = text_fail(section->why, section->yaml, list,
                       "there are %zu columns, at most %d may be", *count, DATA_COLUMNS_MAX);
    return st;
}

enum pn_status
data_section_columns(struct data_section *section, const struct text_node *list)
{
    enum pn_status st = PN_OK;
    for (const struct text_node *node = list->first; st == PN_OK && node != NULL; node = node->next)
        st = read_column(section, node);
    if (st == PN_OK && section->schema->row_size == 0)
        st = text_fail(section->why, section->yaml, list,
                       "no column is numeric or categorical; there is nothing to predict from");
    return st;
}
