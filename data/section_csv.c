/* The section of the format csv: how a file is written, and windows over its rows. */
#include "data/section.h"

#include <string.h>

enum {
    MISSING_MAX = 64,
    HORIZON_MAX = 4096
};

static enum pn_status
read_delimiter(struct data_section *section)
{
    struct data_schema *schema    = section->schema;
    const char         *delimiter = ",", *decimal = ".";
    enum pn_status      st = text_get_string(&delimiter, section->yaml, section->node, "delimiter",
                                             TEXT_OPTIONAL, section->why);
    if (st == PN_OK)
        st = text_get_string(&decimal, section->yaml, section->node, "decimal", TEXT_OPTIONAL,
                             section->why);
    if (st != PN_OK)
        return st;
    if (strcmp(delimiter, "\\t") == 0) /* as single quotes leave it */
        delimiter = "\t";
    if (strlen(delimiter) != 1 || strchr(",;|\t ", delimiter[0]) == NULL)
        return text_fail(section->why, section->yaml, text_find(section->node, "delimiter"),
                         "expected a delimiter out of , ; | tab (\"\\t\") and blanks (\" \"), seen "
                         "\"%s\"",
                         delimiter);
    if (strlen(decimal) != 1 || strchr(".,", decimal[0]) == NULL)
        return text_fail(section->why, section->yaml, text_find(section->node, "decimal"),
                         "expected a decimal sign, \".\" or \",\", seen \"%s\"", decimal);
    if (delimiter[0] == decimal[0])
        return text_fail(section->why, section->yaml, section->node,
                         "the decimal sign and the delimiter are both \",\"; files with a decimal "
                         "comma usually have delimiter \";\"");
    schema->delimiter = delimiter[0];
    schema->decimal   = decimal[0];
    return PN_OK;
}

static enum pn_status
read_missing(struct data_section *section)
{
    struct data_list missing;
    enum pn_status st = data_section_list(&missing, section, section->node, "missing", MISSING_MAX);
    if (st == PN_OK && text_find(section->node, "missing") == NULL) {
        const char **place = section->list++;
        *place             = data_section_keep(section, "");
        missing            = (struct data_list){place, 1};
    }
    section->schema->missing       = missing.items;
    section->schema->missing_count = missing.count;
    return st;
}

static const struct data_column *
find_column(const struct data_schema *schema, const char *name)
{
    for (size_t i = 0; i < schema->column_count; i++)
        if (strcmp(schema->columns[i].name, name) == 0)
            return &schema->columns[i];
    return NULL;
}

static enum pn_status
read_forecast(struct data_section *section, const struct text_node *window)
{
    struct data_schema *schema = section->schema;
    const char         *name   = NULL;
    schema->horizon            = 1;
    enum pn_status st =
        text_get_string(&name, section->yaml, window, "forecast", TEXT_REQUIRED, section->why);
    if (st == PN_OK)
        st = text_get_u32(&schema->horizon, section->yaml, window, "horizon", TEXT_OPTIONAL, 1,
                          HORIZON_MAX, section->why);
    if (st != PN_OK)
        return st;
    schema->forecast = find_column(schema, name);
    if (schema->forecast == NULL || schema->forecast->kind != DATA_NUMERIC)
        return text_fail(section->why, section->yaml, text_find(window, "forecast"),
                         "expected the name of a numeric column, seen \"%s\"", name);
    schema->target_size = schema->horizon;
    return PN_OK;
}

/* Where the target of a window comes from: exactly one of four. */
static enum pn_status
read_window_target(struct data_section *section, const struct text_node *window)
{
    struct data_schema *schema    = section->schema;
    bool                forecast  = text_find(window, "forecast") != NULL;
    bool                remaining = text_find(window, "remaining") != NULL;
    if (forecast + remaining + (schema->target_size > 0) + schema->target_is_record != 1)
        return text_fail(section->why, section->yaml, window,
                         "a window has one target: a column with `type: target`, `forecast`, "
                         "`remaining` or, for the window itself, `target: record` beside `window`");
    if (forecast)
        return read_forecast(section, window);
    if (text_find(window, "horizon") != NULL)
        return text_fail(section->why, section->yaml, text_find(window, "horizon"),
                         "`horizon` needs `forecast` beside it");
    if (!remaining)
        return PN_OK;
    schema->target_size = 1;
    return text_get_u32(&schema->remaining, section->yaml, window, "remaining", TEXT_REQUIRED, 1,
                        1000000, section->why);
}

enum pn_status
data_section_window(struct data_section *section)
{
    static const char *const known[] = {"length", "stride", "forecast", "horizon", "remaining"};
    struct data_schema      *schema  = section->schema;
    const struct text_node  *window;
    enum pn_status           st =
        text_get_map(&window, section->yaml, section->node, "window", TEXT_OPTIONAL, section->why);
    schema->length = 1;
    if (st != PN_OK || window == NULL)
        return st;
    st = text_check_keys(section->yaml, window, known, 5, section->why);
    if (st == PN_OK)
        st = text_get_u32(&schema->length, section->yaml, window, "length", TEXT_REQUIRED, 1,
                          DATA_FEATURES_MAX, section->why);
    schema->stride = 1;
    if (st == PN_OK)
        st = text_get_u32(&schema->stride, section->yaml, window, "stride", TEXT_OPTIONAL, 1,
                          1000000, section->why);
    if (st == PN_OK)
        st = read_window_target(section, window);
    if (st == PN_OK && schema->length > DATA_FEATURES_MAX / schema->row_size)
        st = text_fail(section->why, section->yaml, text_find(window, "length"),
                       "a window of %u rows has more than %d numbers", schema->length,
                       DATA_FEATURES_MAX);
    schema->layout        = DATA_SERIES;
    schema->in_time_order = true;
    return st;
}

static enum pn_status
read_csv_shape(struct data_section *section)
{
    struct data_schema     *schema   = section->schema;
    const uint32_t          features = schema->length * schema->row_size;
    const struct text_node *shape;
    enum pn_status          st =
        text_get_list(&shape, section->yaml, section->node, "shape", TEXT_OPTIONAL, section->why);
    schema->dims          = schema->stride > 0 ? 2 : 1;
    schema->dim[0]        = schema->stride > 0 ? schema->length : features;
    schema->dim[1]        = schema->row_size;
    schema->feature_count = features;
    if (st != PN_OK || shape == NULL)
        return st;
    if (schema->stride > 0)
        return text_fail(section->why, section->yaml, shape,
                         "a window has the shape [length, features of a row]; leave `shape` out");
    st = data_section_shape(section, shape, 3);
    if (st == PN_OK && schema->feature_count != features)
        st = text_fail(section->why, section->yaml, shape,
                       "the columns give %u features, this shape has %u", features,
                       schema->feature_count);
    schema->layout = schema->dims == 3 ? DATA_PLANES : DATA_SERIES;
    return st;
}

static enum pn_status
check_target(const struct data_section *section, const struct text_node *columns)
{
    const struct data_schema *schema = section->schema;
    if (schema->target_size == 0 && !schema->target_is_record)
        return text_fail(section->why, section->yaml, columns,
                         "no column has `type: target`; one must say what is to be predicted (or "
                         "`target: record` that a record is its own target)");
    for (size_t i = 0; schema->stride == 0 && i < schema->column_count; i++)
        if (schema->columns[i].kind == DATA_GROUP)
            return text_fail(section->why, section->yaml, columns,
                             "the column \"%s\" has `type: group`, which needs a `window`",
                             schema->columns[i].name);
    return PN_OK;
}

enum pn_status
data_section_csv(struct data_section *section)
{
    static const char *const own[]   = {"header",  "delimiter", "decimal", "missing",
                                        "columns", "window",    "shape"};
    struct data_schema      *schema  = section->schema;
    const struct text_node  *columns = text_find(section->node, "columns");
    schema->header                   = true;
    enum pn_status st                = data_section_keys(section, own, 7);
    if (st == PN_OK)
        st = text_get_bool(&schema->header, section->yaml, section->node, "header", TEXT_OPTIONAL,
                           section->why);
    if (st == PN_OK)
        st = read_delimiter(section);
    if (st == PN_OK)
        st = read_missing(section);
    if (st == PN_OK)
        st = data_section_columns(section, columns);
    if (st == PN_OK)
        st = data_section_window(section);
    if (st == PN_OK)
        st = check_target(section, columns);
    if (st == PN_OK)
        st = read_csv_shape(section);
    schema->needs_scaling = schema->numeric_count > 0;
    return st;
}
