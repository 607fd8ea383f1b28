#include "engine/survey.h"

#include <string.h>

/* n S2 >= S1^2, exactly: with S1 = m n + r and 0 <= r < n it is S2 >= m (S1 + r) + r^2 / n. */
static bool
spread_is_possible(const struct wire_column_sums *column)
{
    pn_i128 n = (pn_i128)column->count, m, r, sum_r, product, left;
    if (n == 0)
        return column->sum == 0 && column->sum_of_squares == 0;
    m = column->sum / n;
    r = column->sum % n;
    if (r < 0) {
        m -= 1;
        r += n;
    }
    if (__builtin_add_overflow(column->sum, r, &sum_r) ||
        __builtin_mul_overflow(m, sum_r, &product) ||
        __builtin_sub_overflow(column->sum_of_squares, product, &left))
        return false;
    return left >= (r * r + n - 1) / n; /* count <= ENGINE_RECORDS_MAX: no overflow */
}

/* True when some records could have these sums, and when the sums of all members can be added. Both
 * exactly: the pooled sums of members that pass are then those of possible records, too, so that no
 * member can spoil them so far that the run must end. */
static bool
sums_are_possible(const struct wire_column_sums *column, uint32_t members)
{
    const pn_i128 most       = (pn_i128)(~(pn_u128)0 >> 1) / (pn_i128)members;
    const pn_i128 square_max = (pn_i128)1
                               << 124; /* data/table: a value is at most 2^38, in 2^-24 */
    if (column->sum_of_squares < 0 || column->sum_of_squares > most || column->sum > most ||
        column->sum < -most)
        return false;
    if (column->sum_of_squares / square_max > (pn_i128)column->count ||
        (column->sum_of_squares / square_max == (pn_i128)column->count &&
         column->sum_of_squares % square_max != 0))
        return false;
    return spread_is_possible(column);
}

bool
engine_statistics_are_possible(const struct wire_statistics *statistics, uint32_t columns,
                               uint32_t members)
{
    if (statistics->column_count != columns || statistics->records > ENGINE_RECORDS_MAX)
        return false;
    for (size_t i = 0; i < statistics->column_count; i++)
        if (!sums_are_possible(&statistics->columns[i], members))
            return false;
    return true;
}

void
engine_statistics_sums(struct data_sums *out, const struct wire_statistics *statistics)
{
    for (size_t i = 0; i < statistics->column_count; i++)
        out[i] = (struct data_sums){.count          = statistics->columns[i].count,
                                    .sum            = statistics->columns[i].sum,
                                    .sum_of_squares = statistics->columns[i].sum_of_squares};
}

enum pn_status
engine_metrics_decode(struct nn_metric *out, const struct engine_job *job,
                      const struct wire_metrics *message)
{
    if (message->metric_count != job->metric_count || message->records > ENGINE_RECORDS_MAX)
        return PN_EPEER_VALUE;
    for (size_t i = 0; i < job->metric_count; i++) {
        const struct wire_metric_state *state = &message->metrics[i];
        if (strcmp(state->name, nn_metric_names[job->metrics[i]]) != 0)
            return PN_EPEER_VALUE;
        enum pn_status st = nn_metric_decode(&out[i], job->metrics[i], job->class_count,
                                             state->state.bytes, state->state.size);
        if (st != PN_OK)
            return st;
        if (out[i].count != message->records)
            return PN_EPEER_VALUE;
    }
    return PN_OK;
}
