/* The messages with a list: statistics and metrics. */
#include "proto/codec.h"

#include <stdlib.h>
#include <string.h>

enum {
    STATISTICS_COLUMNS = 2,
    METRICS_METRICS    = 2,
    I128_SIZE          = 16
}; /* field numbers */

/* ---- statistics ---- */

static bool
column_is_valid(const struct wire_column_sums *column, uint64_t records)
{
    /* Sums of integers: q * q >= |q| for each, so it holds for the sums, too. */
    if (column->count > records || column->sum_of_squares < 0 ||
        column->sum > column->sum_of_squares || column->sum < -column->sum_of_squares)
        return false;
    return column->count > 0 || column->sum_of_squares == 0;
}

static bool
statistics_are_valid(const struct wire_statistics *message)
{
    for (size_t i = 0; i < message->column_count; i++)
        if (!column_is_valid(&message->columns[i], message->records))
            return false;
    return message->column_count <= WIRE_COLUMNS_MAX;
}

struct column_parts {
    Panal__ColumnSums pb;
    uint8_t           sum[I128_SIZE], sum_of_squares[I128_SIZE];
};

static void
column_put(struct column_parts *parts, const struct wire_column_sums *column)
{
    panal__column_sums__init(&parts->pb);
    pn_put_i128(parts->sum, column->sum);
    pn_put_i128(parts->sum_of_squares, column->sum_of_squares);
    parts->pb.count          = column->count;
    parts->pb.sum            = wire_put_bytes(parts->sum, I128_SIZE);
    parts->pb.sum_of_squares = wire_put_bytes(parts->sum_of_squares, I128_SIZE);
}

static bool
column_get(struct wire_column_sums *column, const Panal__ColumnSums *pb)
{
    uint8_t sum[I128_SIZE], sum_of_squares[I128_SIZE];
    if (!wire_get_bytes(sum, I128_SIZE, &pb->sum) ||
        !wire_get_bytes(sum_of_squares, I128_SIZE, &pb->sum_of_squares))
        return false;
    *column = (struct wire_column_sums){pb->count, pn_get_i128(sum), pn_get_i128(sum_of_squares)};
    return true;
}

enum pn_status
wire_statistics_encode(struct pn_buffer *out, const struct wire_statistics *message)
{
    if (!statistics_are_valid(message))
        return PN_ERANGE;
    size_t               count = message->column_count;
    struct column_parts *parts = calloc(count + 1, sizeof *parts);
    Panal__ColumnSums  **list  = calloc(count + 1, sizeof *list);
    enum pn_status       st    = PN_ENOMEM;
    if (parts != NULL && list != NULL) {
        for (size_t i = 0; i < count; i++) {
            column_put(&parts[i], &message->columns[i]);
            list[i] = &parts[i].pb;
        }
        Panal__Statistics pb = PANAL__STATISTICS__INIT;
        pb.records           = message->records;
        pb.columns           = list;
        pb.n_columns         = count;
        st                   = wire_pack(out, &pb.base);
    }
    free(list);
    free(parts);
    return st;
}

static enum pn_status
statistics_get(struct wire_statistics *message, struct wire_arena *arena,
               const Panal__Statistics *pb)
{
    message->records      = pb->records;
    message->column_count = pb->n_columns;
    message->columns      = wire_arena_take(arena, pb->n_columns * sizeof *message->columns);
    if (message->columns == NULL)
        return PN_ENOMEM;
    for (size_t i = 0; i < pb->n_columns; i++)
        if (!column_get(&message->columns[i], pb->columns[i]))
            return PN_EPEER_FORMAT;
    return statistics_are_valid(message) ? PN_OK : PN_EPEER_VALUE;
}

enum pn_status
wire_statistics_decode(struct wire_statistics *out, struct wire_arena *arena, const uint8_t *bytes,
                       size_t size)
{
    static const struct wire_cap caps[] = {{STATISTICS_COLUMNS, WIRE_COLUMNS_MAX, NULL},
                                           {0, 0, NULL}};
    struct wire_statistics       message;
    enum pn_status               st;
    size_t                       before = arena->used;
    const Panal__Statistics     *pb =
        wire_unpack(&st, arena, &panal__statistics__descriptor, caps, bytes, size);
    if (pb != NULL)
        st = statistics_get(&message, arena, pb);
    if (st == PN_OK)
        *out = message;
    else
        arena->used = before;
    return st;
}

/* ---- metrics ---- */

static bool
metrics_are_valid(const struct wire_metrics *message)
{
    if (message->metric_count > WIRE_METRICS_MAX)
        return false;
    for (size_t i = 0; i < message->metric_count; i++) {
        const struct wire_metric_state *metric = &message->metrics[i];
        if (!wire_name_is_valid(metric->name) || metric->state.size < 1 ||
            metric->state.size > WIRE_STATE_MAX)
            return false;
        for (size_t k = 0; k < i; k++)
            if (strcmp(metric->name, message->metrics[k].name) == 0)
                return false;
    }
    return true;
}

enum pn_status
wire_metrics_encode(struct pn_buffer *out, const struct wire_metrics *message)
{
    if (!metrics_are_valid(message))
        return PN_ERANGE;
    Panal__MetricState  parts[WIRE_METRICS_MAX];
    Panal__MetricState *list[WIRE_METRICS_MAX];
    for (size_t i = 0; i < message->metric_count; i++) {
        const struct wire_metric_state *metric = &message->metrics[i];
        panal__metric_state__init(&parts[i]);
        parts[i].name  = wire_put_text(metric->name);
        parts[i].state = wire_put_bytes(metric->state.bytes, metric->state.size);
        list[i]        = &parts[i];
    }
    Panal__Metrics pb = PANAL__METRICS__INIT;
    pb.records        = message->records;
    pb.metrics        = list;
    pb.n_metrics      = message->metric_count;
    return wire_pack(out, &pb.base);
}

static enum pn_status
metrics_get(struct wire_metrics *message, struct wire_arena *arena, const Panal__Metrics *pb)
{
    message->records      = pb->records;
    message->metric_count = pb->n_metrics;
    message->metrics      = wire_arena_take(arena, pb->n_metrics * sizeof *message->metrics);
    if (message->metrics == NULL)
        return PN_ENOMEM;
    for (size_t i = 0; i < pb->n_metrics; i++) {
        const Panal__MetricState *metric = pb->metrics[i];
        message->metrics[i] =
            (struct wire_metric_state){metric->name, {metric->state.data, metric->state.len}};
    }
    return metrics_are_valid(message) ? PN_OK : PN_EPEER_VALUE;
}

enum pn_status
wire_metrics_decode(struct wire_metrics *out, struct wire_arena *arena, const uint8_t *bytes,
                    size_t size)
{
    static const struct wire_cap caps[] = {{METRICS_METRICS, WIRE_METRICS_MAX, NULL}, {0, 0, NULL}};
    struct wire_metrics          message;
    enum pn_status               st;
    size_t                       before = arena->used;
    const Panal__Metrics        *pb =
        wire_unpack(&st, arena, &panal__metrics__descriptor, caps, bytes, size);
    if (pb != NULL)
        st = metrics_get(&message, arena, pb);
    if (st == PN_OK)
        *out = message;
    else
        arena->used = before;
    return st;
}
