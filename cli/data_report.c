#include "cli/data_report.h"

#include <math.h>
#include <stdio.h>

static const char *
kind_text(enum data_column_kind kind)
{
    switch (kind) {
    case DATA_NUMERIC:
        return "numeric";
    case DATA_CATEGORICAL:
        return "categorical";
    case DATA_TARGET:
        return "target";
    case DATA_WEIGHT:
        return "weight";
    case DATA_IGNORE:
        return "ignored";
    case DATA_GROUP:
        return "group";
    }
    PN_UNREACHABLE("every column has a kind");
}

/* What a record is, and for which network input. */
static void
print_shape(const struct data_schema *schema, const struct data_report *report)
{
    char shape[40];
    data_schema_shape_text(shape, schema);
    if (schema->target_is_record)
        printf("  a record has the shape %s and is its own target\n", shape);
    else
        printf("  a record has the shape %s and %u target%s\n", shape, schema->target_size,
               schema->target_size == 1 ? "" : "s");
    if (schema->format != DATA_CSV)
        printf("  values from %g to %g, mean %g, deviation %g\n", report->values.min,
               report->values.max, report->values.mean, report->values.deviation);
    if (schema->class_count == 0 && !schema->target_is_record)
        printf("  targets from %g to %g, mean %g, deviation %g\n", report->targets.min,
               report->targets.max, report->targets.mean, report->targets.deviation);
}

void
cli_data_report_text(const char *site, const struct data_schema *schema,
                     const struct data_report *report)
{
    const uint64_t targets = report->rows * schema->target_size;
    printf("%s: %llu records, usable\n", site, (unsigned long long)report->rows);
    print_shape(schema, report);
    for (uint32_t c = 0; c < schema->class_count && c < 16; c++)
        printf("  class %-2u %llu %s (%.2f %%)\n", c, (unsigned long long)report->class_rows[c],
               schema->target_size == 1 ? "records" : "targets",
               100.0 * (double)report->class_rows[c] / (double)targets);
    if (report->one_class)
        puts("  WARNING: all records have one class; ranking metrics are undefined at this site");
    if (schema->format != DATA_CSV)
        return;
    const double rows = (double)report->rows * schema->length; /* of the file, with windows */
    printf("  %-20s %-12s %9s %9s %12s %12s %12s\n", "column", "type", "missing", "unknown", "min",
           "max", "mean");
    for (size_t i = 0; i < schema->column_count; i++) {
        const struct data_column        *column = &schema->columns[i];
        const struct data_column_report *seen   = &report->columns[i];
        if (column->kind != DATA_NUMERIC && column->kind != DATA_CATEGORICAL)
            continue;
        printf("  %-20s %-12s %8.1f%% %8.1f%%", column->name, kind_text(column->kind),
               100.0 * (double)seen->missing / rows, 100.0 * (double)seen->other / rows);
        if (column->kind == DATA_NUMERIC && isfinite(seen->mean))
            printf(" %12.6g %12.6g %12.6g", seen->min, seen->max, seen->mean);
        puts(seen->constant ? "   WARNING: constant here" : "");
    }
}

static void
put_numbers(struct text_json *json, const char *key, const struct data_column_report *seen)
{
    text_json_open_map(json, key);
    text_json_f64(json, "min", seen->min);
    text_json_f64(json, "max", seen->max);
    text_json_f64(json, "mean", seen->mean);
    text_json_f64(json, "deviation", seen->deviation);
    text_json_close(json);
}

void
cli_data_report_json(struct text_json *json, const char *site, const struct data_schema *schema,
                     const struct data_report *report)
{
    text_json_open_map(json, NULL);
    text_json_string(json, "site", site);
    text_json_u64(json, "records", report->rows);
    text_json_open_list(json, "shape");
    for (uint32_t i = 0; i < schema->dims; i++)
        text_json_u64(json, NULL, schema->dim[i]);
    text_json_close(json);
    if (schema->format != DATA_CSV)
        put_numbers(json, "values", &report->values);
    text_json_bool(json, "target_is_record", schema->target_is_record);
    if (schema->class_count == 0 && !schema->target_is_record)
        put_numbers(json, "targets", &report->targets);
    text_json_bool(json, "one_class", report->one_class);
    text_json_open_list(json, "class_records");
    for (uint32_t c = 0; c < schema->class_count && c < 16; c++)
        text_json_u64(json, NULL, report->class_rows[c]);
    text_json_close(json);
    text_json_open_list(json, "columns");
    for (size_t i = 0; schema->format == DATA_CSV && i < schema->column_count; i++) {
        const struct data_column_report *seen = &report->columns[i];
        text_json_open_map(json, NULL);
        text_json_string(json, "name", schema->columns[i].name);
        text_json_string(json, "type", kind_text(schema->columns[i].kind));
        text_json_u64(json, "missing", seen->missing);
        text_json_u64(json, "unknown", seen->other);
        if (schema->columns[i].kind == DATA_NUMERIC) {
            text_json_f64(json, "min", seen->min);
            text_json_f64(json, "max", seen->max);
            text_json_f64(json, "mean", seen->mean);
            text_json_f64(json, "deviation", seen->deviation);
        }
        text_json_bool(json, "constant", seen->constant);
        text_json_close(json);
    }
    text_json_close(json);
    text_json_close(json);
}
