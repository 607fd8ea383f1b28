/* The state of a metric, as another site sent it. The first byte chooses the metric. */
#include "nnlib/metric.h"

#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint32_t class_counts[NN_METRIC_COUNT] = {10, 2, 2, 2, 0};
    struct nn_metric      metric, merged;
    struct pn_buffer      out;
    if (size == 0)
        return 0;
    enum nn_metric_kind kind    = (enum nn_metric_kind)(bytes[0] % NN_METRIC_COUNT);
    uint32_t            classes = class_counts[kind];
    if (nn_metric_decode(&metric, kind, classes, bytes, size) != PN_OK)
        return 0;
    /* What decodes has one form, a value in its range, and merges with itself. */
    pn_buffer_init(&out, NN_METRIC_STATE_MAX);
    PN_ASSERT(nn_metric_encode(&out, &metric) == PN_OK);
    PN_ASSERT(out.size == size && memcmp(out.bytes, bytes, size) == 0);
    pn_buffer_fini(&out);
    double value = nn_metric_value(&metric);
    PN_ASSERT(isnan(value) || value >= 0);
    PN_ASSERT(kind == NN_RMSE || kind == NN_LOG_LOSS || isnan(value) || value <= 1 + 1e-9);
    merged = metric;
    if (nn_metric_merge(&merged, &metric) == PN_OK && isfinite(value))
        PN_ASSERT(fabs(nn_metric_value(&merged) - value) <= 1e-9 * fmax(1, value));
    return 0;
}
