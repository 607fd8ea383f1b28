#include "nnlib/metric_rule.h"

#include <math.h>
#include <string.h>

const char *const nn_metric_names[] = {
#define NN_METRIC_NAME(name, text) text,
    NN_METRIC_LIST(NN_METRIC_NAME)
#undef NN_METRIC_NAME
        NULL};

/* So many records that sums and products of counts cannot overflow. */
static const uint64_t count_max = (uint64_t)1 << 48;

static size_t
cell_count(const struct nn_metric *metric)
{
    const struct nn_metric_rule *rule = &nn_metric_rules[metric->kind];
    return rule->groups == 0 ? 0 : (size_t)rule->groups * rule->group_size(metric->classes);
}

bool
nn_metric_fits(enum nn_metric_kind kind, uint32_t classes)
{
    const struct nn_metric_rule *rule = &nn_metric_rules[kind];
    uint32_t                     task = classes == 0   ? NN_TASK_NUMBER
                                        : classes == 2 ? NN_TASK_BINARY
                                        : classes > 2  ? NN_TASK_CLASSES
                                                       : 0;
    if ((rule->tasks & task) == 0 || classes < rule->classes_min)
        return false;
    return rule->groups == 0 ||
           (uint64_t)rule->groups * rule->group_size(classes) <= NN_METRIC_CELLS;
}

bool
nn_metric_smaller_is_better(enum nn_metric_kind kind)
{
    return nn_metric_rules[kind].smaller_is_better;
}

size_t
nn_metrics_for(enum nn_metric_kind out[static NN_METRICS_MAX], uint32_t classes)
{
    size_t count = 0;
    for (int kind = NN_ACCURACY; kind <= NN_RMSE; kind++)
        if (nn_metric_fits((enum nn_metric_kind)kind, classes))
            out[count++] = (enum nn_metric_kind)kind;
    return count;
}

enum pn_status
nn_metric_init(struct nn_metric *metric, enum nn_metric_kind kind, uint32_t classes)
{
    if (!nn_metric_fits(kind, classes))
        return PN_ECONFIG;
    memset(metric, 0, sizeof *metric);
    metric->kind    = kind;
    metric->classes = classes;
    return PN_OK;
}

static bool
all_finite(const nn_real *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

void
nn_metric_tick(struct nn_metric *metric, size_t at)
{
    if (metric->cells[at] == UINT32_MAX)
        metric->sum[0] = (double)NAN;
    else
        metric->cells[at]++;
}

uint32_t
nn_metric_guess(const struct nn_metric *metric, const nn_real *score)
{
    uint32_t best = 0;
    if (metric->classes == 2)
        return score[0] >= (nn_real)0.5 ? 1 : 0;
    for (uint32_t j = 1; j < metric->classes; j++)
        if (score[j] > score[best])
            best = j;
    return best;
}

uint64_t
nn_metric_cell_sum(const struct nn_metric *metric, size_t from, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = from; i < from + count; i++)
        sum += metric->cells[i];
    return sum;
}

/* What the rule sees of a target: a soft label counts as its side. False: no class. */
static bool
read_target(double *out, const struct nn_metric *metric, nn_real target)
{
    *out = (double)target;
    if (metric->classes == 2)
        *out = *out >= 0.5 ? 1 : 0;
    else if (metric->classes > 2)
        *out = floor(*out);
    return metric->classes <= 2 || (*out >= 0 && *out < metric->classes);
}

void
nn_metric_add(struct nn_metric *metric, const nn_real *score, const nn_real *target, uint32_t rows)
{
    const struct nn_metric_rule *rule  = &nn_metric_rules[metric->kind];
    uint32_t                     width = metric->classes > 2 ? metric->classes : 1;
    for (uint32_t r = 0; r < rows; r++, score += width) {
        double t;
        metric->count++;
        if (all_finite(score, width) && isfinite(target[r]) && read_target(&t, metric, target[r]))
            rule->add(metric, score, t);
        else
            metric->sum[0] = (double)NAN;
    }
}

static void
add_sums(struct nn_metric *into, const struct nn_metric *from)
{
    for (uint32_t i = 0; i < nn_metric_rules[into->kind].sums; i++)
        into->sum[i] += from->sum[i];
}

enum pn_status
nn_metric_merge(struct nn_metric *into, const struct nn_metric *from)
{
    if (into->kind != from->kind || into->classes != from->classes)
        return PN_ECONFIG;
    if (from->count > count_max || into->count > count_max - from->count)
        return PN_ERANGE;
    size_t cells = cell_count(into);
    for (size_t i = 0; i < cells; i++)
        if (from->cells[i] > UINT32_MAX - into->cells[i])
            return PN_ERANGE;
    /* From here on nothing fails. */
    for (size_t i = 0; i < cells; i++)
        into->cells[i] += from->cells[i];
    const struct nn_metric_rule *rule = &nn_metric_rules[into->kind];
    if (rule->merge != NULL && from->count > 0)
        rule->merge(into, from);
    else if (rule->merge == NULL)
        add_sums(into, from);
    into->count += from->count;
    return PN_OK;
}

double
nn_metric_value(const struct nn_metric *metric)
{
    if (metric->count == 0 || !isfinite(metric->sum[0]))
        return (double)NAN;
    return nn_metric_rules[metric->kind].value(metric);
}

/* ---- as bytes ----
 *
 * kind u8, classes u32, count u64, each sum f64; for each group of cells the number of those that
 * are not 0 u16, and for each, in rising order, its place u16 and count u32.
 */
enum {
    HEAD  = 13,
    ENTRY = 6
};
_Static_assert(HEAD + NN_METRIC_SUMS * 8 + 64 + NN_METRIC_CELLS * ENTRY <= NN_METRIC_STATE_MAX,
               "a full state fits");

static size_t
encode_cells(uint8_t *out, const uint32_t *cells, uint32_t count)
{
    uint16_t filled = 0;
    size_t   size   = 2;
    for (uint32_t i = 0; i < count; i++) {
        if (cells[i] == 0)
            continue;
        pn_put_u16(out + size, (uint16_t)i);
        pn_put_u32(out + size + 2, cells[i]);
        size += ENTRY;
        filled++;
    }
    pn_put_u16(out, filled);
    return size;
}

enum pn_status
nn_metric_encode(struct pn_buffer *out, const struct nn_metric *metric)
{
    const struct nn_metric_rule *rule = &nn_metric_rules[metric->kind];
    uint8_t                      bytes[NN_METRIC_STATE_MAX];
    size_t                       size = HEAD;
    if (metric->count > count_max)
        return PN_EDIVERGED;
    bytes[0] = (uint8_t)metric->kind;
    pn_put_u32(bytes + 1, metric->classes);
    pn_put_u64(bytes + 5, metric->count);
    for (uint32_t i = 0; i < rule->sums; i++, size += 8) {
        if (!isfinite(metric->sum[i]))
            return PN_EDIVERGED;
        pn_put_f64(bytes + size, metric->sum[i]);
    }
    for (uint32_t g = 0; g < rule->groups; g++) {
        uint32_t count = rule->group_size(metric->classes);
        size += encode_cells(bytes + size, metric->cells + g * count, count);
    }
    return pn_buffer_append(out, bytes, size);
}

/* One group; advances `*at`. */
static enum pn_status
decode_cells(uint32_t *cells, uint32_t count, const uint8_t *bytes, size_t size, size_t *at)
{
    if (size - *at < 2)
        return PN_EPEER_FORMAT;
    uint16_t filled = pn_get_u16(bytes + *at);
    *at += 2;
    if (filled > count || (size - *at) / ENTRY < filled)
        return PN_EPEER_FORMAT;
    uint32_t next = 0; /* places rise, so that a state has one form */
    for (uint16_t i = 0; i < filled; i++, *at += ENTRY) {
        uint32_t place = pn_get_u16(bytes + *at), here = pn_get_u32(bytes + *at + 2);
        if (place < next || place >= count || here == 0)
            return PN_EPEER_FORMAT;
        next         = place + 1;
        cells[place] = here;
    }
    return PN_OK;
}

enum pn_status
nn_metric_decode(struct nn_metric *out, enum nn_metric_kind kind, uint32_t classes,
                 const uint8_t *bytes, size_t size)
{
    const struct nn_metric_rule *rule = &nn_metric_rules[kind];
    struct nn_metric             metric;
    size_t                       at = HEAD;
    enum pn_status               st = nn_metric_init(&metric, kind, classes);
    if (st != PN_OK)
        return st;
    if (size < HEAD + (size_t)rule->sums * 8 || bytes[0] != (uint8_t)kind ||
        pn_get_u32(bytes + 1) != classes)
        return PN_EPEER_FORMAT;
    metric.count  = pn_get_u64(bytes + 5);
    bool possible = metric.count <= count_max;
    for (uint32_t i = 0; i < rule->sums; i++, at += 8) {
        metric.sum[i] = pn_get_f64(bytes + at);
        possible      = possible && isfinite(metric.sum[i]);
    }
    for (uint32_t g = 0; g < rule->groups; g++) {
        uint32_t count = rule->group_size(classes);
        if ((st = decode_cells(metric.cells + g * count, count, bytes, size, &at)) != PN_OK)
            return st;
    }
    if (at != size)
        return PN_EPEER_FORMAT;
    if (!possible || !rule->adds_up(&metric))
        return PN_EPEER_VALUE;
    *out = metric;
    return PN_OK;
}
