#include "nnlib/window.h"

/* From the first to the last input that a window reads. */
static uint64_t
span(const struct nn_axis *axis)
{
    return (uint64_t)axis->dilation * (axis->kernel - 1) + 1;
}

enum pn_status
nn_axis_fit(struct nn_axis *axis, bool same, const char *input, struct pn_error *why)
{
    uint64_t padded = (uint64_t)axis->size + 2 * (uint64_t)axis->pad;
    if (same && axis->pad != 0)
        return pn_error_set(why, PN_ECONFIG,
                            "same=yes chooses the padding itself: leave out pad=%u", axis->pad);
    if (same) {
        uint64_t out  = ((uint64_t)axis->size + axis->stride - 1) / axis->stride;
        uint64_t need = (out - 1) * axis->stride + span(axis);
        axis->pad     = need > axis->size ? (uint32_t)(need - axis->size) / 2 : 0;
        axis->out     = (uint32_t)out;
        return PN_OK;
    }
    if (span(axis) > padded)
        return pn_error_set(why, PN_ECONFIG,
                            "the window does not fit: it is %llu wide, but %s with its padding "
                            "is %llu",
                            (unsigned long long)span(axis), input, (unsigned long long)padded);
    axis->out = (uint32_t)((padded - span(axis)) / axis->stride + 1);
    return PN_OK;
}

enum pn_status
nn_axis_unfit(struct nn_axis *axis, uint32_t extra, const char *input, struct pn_error *why)
{
    uint64_t whole = ((uint64_t)axis->out - 1) * axis->stride + span(axis) + extra;
    uint64_t cut   = 2 * (uint64_t)axis->pad;
    if (extra >= axis->stride && extra >= axis->dilation)
        return pn_error_set(why, PN_ECONFIG,
                            "output_pad: expected less than the stride %u or the dilation %u, "
                            "seen %u",
                            axis->stride, axis->dilation, extra);
    if (whole <= cut || whole - cut > NN_SIZE_MAX)
        return pn_error_set(why, PN_ECONFIG,
                            "expected 1..%u positions, but from the %u of %s there are %llu - %llu",
                            NN_SIZE_MAX, axis->out, input, (unsigned long long)whole,
                            (unsigned long long)cut);
    axis->size = (uint32_t)(whole - cut);
    return PN_OK;
}
