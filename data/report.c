#include "data/table.h"

#include <math.h>
#include <stdlib.h>

/* `left` values, `stride` apart. */
static void
look_at_values(struct data_column_report *out, const float *x, size_t left, size_t stride)
{
    uint64_t count = 0;
    double   mean = 0.0, squares = 0.0; /* Welford: of the deviations from the mean */
    *out = (struct data_column_report){.min = INFINITY, .max = -INFINITY};
    for (; left > 0; left--, x += stride) {
        double value = (double)*x;
        if (isnan(value)) {
            out->missing++;
            continue;
        }
        double distance = value - mean;
        mean += distance / (double)++count;
        squares += distance * (value - mean);
        out->min = fmin(out->min, value);
        out->max = fmax(out->max, value);
    }
    out->constant = count == 0 || !(out->min < out->max);
    if (count == 0)
        out->min = out->max = mean = squares = NAN;
    out->mean      = mean;
    out->deviation = count == 0 ? NAN : sqrt(squares / (double)count);
}

static void
look_at_categorical(struct data_column_report *out, const struct data_table *table,
                    const struct data_column *column)
{
    size_t       stride = table->schema->row_size;
    size_t       left   = (size_t)table->rows * table->schema->length;
    const float *first = table->x + column->feature, *x = first;
    out->constant = true;
    for (; left > 0; left--, x += stride) {
        if (column->other && x[column->value_count] > 0.5f)
            out->other++;
        if (column->indicator && x[column->feature_count - 1] > 0.5f)
            out->missing++;
        for (uint32_t f = 0; f < column->feature_count; f++)
            out->constant = out->constant && (x[f] > 0.5f) == (first[f] > 0.5f);
    }
}

static void
count_classes(struct data_report *out, const struct data_table *table)
{
    const uint32_t classes  = table->schema->class_count < 256 ? table->schema->class_count : 256;
    const size_t   targets  = (size_t)table->rows * table->schema->target_size;
    uint32_t       seen     = 0;
    uint64_t       all[256] = {0};
    for (size_t i = 0; classes > 0 && i < targets; i++)
        if (table->target[i] < 256.0f)
            all[(uint32_t)table->target[i]]++;
    for (uint32_t c = 0; c < classes; c++) {
        seen += all[c] > 0;
        if (c < 16)
            out->class_rows[c] = all[c];
    }
    out->one_class = seen == 1;
}

enum pn_status
data_report_make(struct data_report *out, const struct data_table *raw)
{
    const struct data_schema *schema = raw->schema;
    struct data_report        report = {.rows = raw->rows};
    report.columns                   = calloc(schema->column_count + 1, sizeof *report.columns);
    if (report.columns == NULL)
        return PN_ENOMEM;
    for (size_t i = 0; i < schema->column_count; i++) {
        const struct data_column *column = &schema->columns[i];
        if (column->kind == DATA_NUMERIC)
            look_at_values(&report.columns[i], raw->x + column->feature,
                           (size_t)raw->rows * schema->length, schema->row_size);
        else if (column->kind == DATA_CATEGORICAL)
            look_at_categorical(&report.columns[i], raw, column);
    }
    if (schema->format != DATA_CSV)
        look_at_values(&report.values, raw->x, (size_t)raw->rows * schema->feature_count, 1);
    if (schema->class_count == 0 && !schema->target_is_record)
        look_at_values(&report.targets, raw->target, (size_t)raw->rows * schema->target_size, 1);
    count_classes(&report, raw);
    *out = report;
    return PN_OK;
}

void
data_report_fini(struct data_report *report)
{
    free(report->columns);
    *report = (struct data_report){.rows = 0};
}
