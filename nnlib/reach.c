#include "nnlib/reach.h"

struct nn_reach
nn_reach_down(const struct nn_axis *a)
{
    return (struct nn_reach){.taps        = a->kernel,
                             .step        = a->dilation,
                             .weight_step = 1,
                             .positions   = a->out,
                             .in_step     = a->stride,
                             .out_step    = 1};
}

struct nn_margin
nn_margin_down(const struct nn_axis *a)
{
    size_t own  = (size_t)a->size + a->pad;
    size_t read = (size_t)(a->out - 1) * a->stride + (size_t)a->dilation * (a->kernel - 1) + 1;
    return (struct nn_margin){a->pad, own > read ? own : read};
}

static int64_t
shift(const struct nn_axis *a, int64_t first, int64_t tap)
{
    return (first + a->pad - a->dilation * tap) / a->stride;
}

static bool
reaches(const struct nn_axis *a, uint32_t phase, int64_t tap)
{
    return (a->dilation * tap) % a->stride == phase;
}

static int64_t
first_of(const struct nn_axis *a, uint32_t phase)
{
    return ((int64_t)phase + a->stride - a->pad % a->stride) % a->stride;
}

struct nn_margin
nn_margin_up(const struct nn_axis *a)
{
    int64_t before = 0, end = a->out;
    for (uint32_t phase = 0; phase < a->stride; phase++) {
        int64_t first = first_of(a, phase);
        int64_t count = first < a->size ? (a->size - 1 - first) / a->stride + 1 : 0;
        for (int64_t t = 0; count > 0 && t < a->kernel; t++) {
            if (!reaches(a, phase, t))
                continue;
            int64_t j = shift(a, first, t);
            before    = -j > before ? -j : before;
            end       = j + count > end ? j + count : end;
        }
    }
    return (struct nn_margin){(size_t)before, (size_t)(before + end)};
}

struct nn_reach
nn_reach_up(const struct nn_axis *a, uint32_t phase, size_t before)
{
    int64_t         first = first_of(a, phase);
    struct nn_reach r     = {.in_step   = 1,
                             .out_first = (size_t)first,
                             .out_step  = a->stride,
                             .positions =
                             first < a->size ? (size_t)((a->size - 1 - first) / a->stride) + 1 : 0};
    for (int64_t t = a->kernel - 1; r.positions > 0 && t >= 0; t--) {
        if (!reaches(a, phase, t))
            continue;
        size_t at = (size_t)(shift(a, first, t) + (int64_t)before);
        if (r.taps == 0) {
            r.weight = (ptrdiff_t)t;
            r.first  = at;
        } else if (r.taps == 1) {
            r.weight_step = (ptrdiff_t)t - r.weight;
            r.step        = at - r.first;
        }
        r.taps++;
    }
    return r;
}
