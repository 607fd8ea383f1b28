#include "cli/features.h"

static void
put_numeric(struct text_json *json, const struct data_column *column,
            const struct data_scaling *scaling)
{
    text_json_open_map(json, NULL);
    text_json_string(json, "column", column->name);
    text_json_u64(json, "input", column->feature);
    if (column->standard && scaling != NULL) {
        /* input = (value - mean) / deviation; a missing value becomes the mean, which is 0 */
        text_json_f64(json, "mean", scaling[column->sums].mean);
        text_json_f64(json, "deviation", scaling[column->sums].deviation);
    }
    text_json_close(json);
}

static void
put_flag(struct text_json *json, const struct data_column *column, uint32_t input, const char *key,
         const char *value)
{
    text_json_open_map(json, NULL);
    text_json_string(json, "column", column->name);
    text_json_u64(json, "input", input);
    text_json_string(json, key, value); /* input = 1 when it holds, else 0 */
    text_json_close(json);
}

static void
put_column(struct text_json *json, const struct data_column *column,
           const struct data_scaling *scaling)
{
    uint32_t input = column->feature;
    if (column->kind == DATA_NUMERIC) {
        put_numeric(json, column, scaling);
        input++;
    } else {
        for (size_t i = 0; i < column->value_count; i++)
            put_flag(json, column, input++, "equals", column->values[i]);
        if (column->other)
            put_flag(json, column, input++, "is", "another value");
    }
    if (column->indicator)
        put_flag(json, column, input, "is", "missing");
}

/* Of a text: the code points, the first one is input 0. */
static void
put_alphabet(struct text_json *json, const struct data_schema *schema)
{
    if (schema->format != DATA_TEXT)
        return;
    text_json_open_list(json, "alphabet");
    for (uint32_t index = 0; index < schema->alphabet_count; index++)
        for (uint32_t i = 0; i < schema->alphabet_count; i++)
            if (schema->alphabet_index[i] == index)
                text_json_u64(json, NULL, schema->alphabet[i]);
    text_json_close(json);
}

enum pn_status
cli_features_write(FILE *out, const struct data_schema *schema, const struct data_scaling *scaling)
{
    struct text_json *json;
    enum pn_status    st = text_json_new(&json);
    if (st != PN_OK)
        return st;
    text_json_u64(json, "inputs", schema->feature_count);
    text_json_open_list(json, "shape");
    for (uint32_t i = 0; i < schema->dims; i++)
        text_json_u64(json, NULL, schema->dim[i]);
    text_json_close(json);
    if (schema->format != DATA_CSV && schema->format != DATA_TEXT)
        text_json_f64(json, "divide_pixels_by", schema->divide);
    put_alphabet(json, schema);
    text_json_open_list(json, "features");
    for (size_t i = 0; schema->format == DATA_CSV && i < schema->column_count; i++)
        if (schema->columns[i].kind == DATA_NUMERIC || schema->columns[i].kind == DATA_CATEGORICAL)
            put_column(json, &schema->columns[i], scaling);
    text_json_close(json);
    st = text_json_write(json, out);
    text_json_free(json);
    return st;
}
