/* The state of a metric, as another site sent it. The first byte chooses the metric. */
#include "nnlib/metric.h"

#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct nn_metric metric, merged;
    struct pn_buffer out;
    if (size < 2)
        return 0;
    enum nn_metric_kind kind    = (enum nn_metric_kind)(bytes[0] % NN_METRIC_COUNT);
    uint32_t            classes = bytes[1]; /* of the state's own number, the low byte */
    if (!nn_metric_fits(kind, classes) ||
        nn_metric_decode(&metric, kind, classes, bytes, size) != PN_OK)
        return 0;
    /* What decodes has one form, a value in its range, and merges with itself. */
    pn_buffer_init(&out, NN_METRIC_STATE_MAX);
    PN_ASSERT(nn_metric_encode(&out, &metric) == PN_OK);
    PN_ASSERT(out.size == size && memcmp(out.bytes, bytes, size) == 0);
    pn_buffer_fini(&out);
    double value = nn_metric_value(&metric);
    bool   signs =
        kind == NN_MCC || kind == NN_KAPPA || kind == NN_GINI || kind == NN_R2 || kind == NN_PSNR;
    bool shares = classes > 0 && kind != NN_LOG_LOSS && kind != NN_PERPLEXITY;
    PN_ASSERT(isnan(value) || signs || value >= 0);
    PN_ASSERT(!shares || isnan(value) || fabs(value) <= (kind == NN_BRIER ? 256 : 1 + 1e-6));
    merged = metric;
    if (nn_metric_merge(&merged, &metric) == PN_OK && isfinite(value))
        PN_ASSERT(fabs(nn_metric_value(&merged) - value) <= 1e-9 * fmax(1, fabs(value)));
    return 0;
}
