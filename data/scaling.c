#include "data/table.h"

#include <math.h>

static const double quantum = 0x1p-24, value_max = 0x1p38;
/* Sums of n < 2^64 records cannot give less; with it no feature leaves the range of a float. */
static const double deviation_min = 0x1p-88;

static const struct data_column *
column_of_sums(const struct data_schema *schema, uint32_t index)
{
    for (size_t i = 0; i < schema->column_count; i++)
        if (schema->columns[i].kind == DATA_NUMERIC && schema->columns[i].standard &&
            schema->columns[i].sums == index)
            return &schema->columns[i];
    PN_UNREACHABLE("the schema numbers its standardised columns");
}

/* ---- sums ---- */

static enum pn_status
sum_column(struct data_sums *out, const struct data_table *table, const struct data_column *column,
           uint32_t first, uint32_t rows, struct pn_error *why)
{
    const struct data_schema *schema = table->schema;
    const float     *x    = table->x + (size_t)first * schema->feature_count + column->feature;
    struct data_sums all  = {.count = 0};
    size_t           left = (size_t)rows * schema->length; /* a window has several rows */
    for (; left > 0; left--, x += schema->row_size) {
        if (isnan(*x))
            continue;
        if (!(fabs((double)*x) <= value_max))
            return pn_error_set(why, PN_EDATA,
                                "column \"%.60s\": the value %g is beyond 2^38; give the column in "
                                "larger units",
                                column->name, (double)*x);
        int64_t          q   = (int64_t)rint((double)*x / quantum);
        struct data_sums one = {1, q, (pn_i128)q * q};
        if (!data_sums_add(&all, &one))
            return pn_error_set(why, PN_EDATA,
                                "column \"%.60s\": the sum of squares is too large to be exact; "
                                "give the column in larger units",
                                column->name);
    }
    *out = all;
    return PN_OK;
}

enum pn_status
data_table_sums(struct data_sums *sums, const struct data_table *table, uint32_t first,
                uint32_t rows, struct pn_error *why)
{
    PN_ASSERT(first <= table->rows && rows <= table->rows - first);
    const struct data_schema *schema = table->schema;
    enum pn_status            st     = PN_OK;
    for (uint32_t i = 0; st == PN_OK && i < schema->numeric_count; i++)
        st = sum_column(&sums[i], table, column_of_sums(schema, i), first, rows, why);
    return st;
}

bool
data_sums_add(struct data_sums *into, const struct data_sums *from)
{
    struct data_sums sum;
    if (__builtin_add_overflow(into->count, from->count, &sum.count) ||
        __builtin_add_overflow(into->sum, from->sum, &sum.sum) ||
        __builtin_add_overflow(into->sum_of_squares, from->sum_of_squares, &sum.sum_of_squares))
        return false;
    *into = sum;
    return true;
}

/* ---- mean and deviation ---- */

/*
 * With n records, S1 = sum of q, S2 = sum of q^2, S1 = m n + r, |r| < n:
 *
 *     sum of (q - mean)^2 = S2 - m (S1 + r) - r^2 / n
 *
 * All but the last division is done in integers, so that a column with a large mean and a small
 * deviation loses nothing. False when the sums overflow or cannot be those of any records.
 */
static bool
spread(double *mean, double *squares, const struct data_sums *sums)
{
    pn_i128 n = (pn_i128)sums->count;
    pn_i128 m = sums->sum / n, r = sums->sum % n;
    pn_i128 sum_r, product, left;
    if (sums->sum_of_squares < 0 || __builtin_add_overflow(sums->sum, r, &sum_r) ||
        __builtin_mul_overflow(m, sum_r, &product) ||
        __builtin_sub_overflow(sums->sum_of_squares, product, &left) || left < 0)
        return false;
    pn_u128 r_squared = (pn_u128)r * (pn_u128)r; /* |r| < 2^64 */
    left -= (pn_i128)(r_squared / (pn_u128)n);
    *mean    = (double)m + (double)r / (double)n;
    *squares = (double)left - (double)(r_squared % (pn_u128)n) / (double)n;
    return left >= 0 && *squares >= 0.0;
}

static bool
is_usable(const struct data_scaling *scaling)
{
    /* Written so that a NaN is not. */
    return fabs(scaling->mean) <= value_max && scaling->deviation >= deviation_min &&
           scaling->deviation <= value_max;
}

static enum pn_status
scale_of(struct data_scaling *out, const struct data_sums *sums, const char *name,
         struct pn_error *why)
{
    double mean, squares;
    if (sums->count == 0)
        return pn_error_set(why, PN_EDATA,
                            "column \"%.60s\": no site has a value in its training records; take "
                            "the column out of the job",
                            name);
    bool possible = spread(&mean, &squares, sums);
    if (possible && squares == 0.0)
        return pn_error_set(why, PN_EDATA,
                            "column \"%.60s\": every training record of every site has the same "
                            "value; take the column out of the job, or say scale: none",
                            name);
    if (possible)
        *out = (struct data_scaling){mean * quantum, sqrt(squares / (double)sums->count) * quantum};
    if (!possible || !is_usable(out))
        return pn_error_set(why, PN_EDATA,
                            "column \"%.60s\": the pooled sums contradict each other; a site sent "
                            "sums that belong to no records",
                            name);
    return PN_OK;
}

enum pn_status
data_scaling_from_sums(struct data_scaling *out, const struct data_sums *sums,
                       const struct data_schema *schema, struct pn_error *why)
{
    enum pn_status st = PN_OK;
    for (uint32_t i = 0; st == PN_OK && i < schema->numeric_count; i++)
        st = scale_of(&out[i], &sums[i], column_of_sums(schema, i)->name, why);
    return st;
}

/* ---- bytes ---- */

void
data_scaling_encode(uint8_t *out, const struct data_scaling *scaling, uint32_t count)
{
    for (size_t i = 0; i < count; i++) {
        pn_put_f64(out + 16 * i, scaling[i].mean);
        pn_put_f64(out + 16 * i + 8, scaling[i].deviation);
    }
}

enum pn_status
data_scaling_decode(struct data_scaling *out, uint32_t count, const uint8_t *bytes, size_t size)
{
    if (size / 16 != count || size % 16 != 0)
        return PN_EPEER_FORMAT;
    for (size_t i = 0; i < count; i++) {
        out[i].mean      = pn_get_f64(bytes + 16 * i);
        out[i].deviation = pn_get_f64(bytes + 16 * i + 8);
        if (!is_usable(&out[i]))
            return PN_EPEER_VALUE;
    }
    return PN_OK;
}

/* ---- features ---- */

static void
scale_values(float *x, size_t count, size_t stride, const struct data_scaling *scaling)
{
    for (; count > 0; count--, x += stride)
        *x = isnan(*x) ? 0.0f : (float)(((double)*x - scaling->mean) / scaling->deviation);
}

void
data_table_scale(struct data_table *table, const struct data_scaling *scaling)
{
    static const struct data_scaling none   = {0.0, 1.0};
    const struct data_schema        *schema = table->schema;
    PN_ASSERT(scaling != NULL || !schema->needs_scaling);
    for (size_t i = 0; i < schema->column_count; i++) {
        const struct data_column  *column = &schema->columns[i];
        const struct data_scaling *own    = column->standard ? &scaling[column->sums] : &none;
        if (column->kind == DATA_NUMERIC)
            scale_values(table->x + column->feature, (size_t)table->rows * schema->length,
                         schema->row_size, own);
        if (column == schema->forecast)
            scale_values(table->target, (size_t)table->rows * schema->target_size, 1, own);
    }
}
