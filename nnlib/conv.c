#include "nnlib/conv.h"

#include "nnlib/reach.h"
#include "nnlib/tile.h"

#include <string.h>

enum {
    Y,
    X
};

/* ---- scratch ---- */

static struct nn_conv_frame
frame_of(size_t channels, size_t height, size_t width, struct nn_margin y, struct nn_margin x)
{
    return (struct nn_conv_frame){channels, height, width, y.before, x.before, x.length, y.length};
}

static size_t
frame_size(const struct nn_conv_frame *f)
{
    return f->lines * f->pitch * f->channels + NN_TILE_SLACK;
}

static size_t
max(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t
kernel_size(const struct nn_conv *conv)
{
    return (size_t)conv->axis[Y].kernel * conv->axis[X].kernel;
}

static void *
part(struct nn_conv_work *work, void *base, size_t bytes)
{
    void *here = base != NULL ? (unsigned char *)base + work->bytes : NULL;
    work->bytes += (bytes + 63) / 64 * 64;
    return here;
}

static struct nn_conv_work
lay_out(const struct nn_conv *conv, void *base)
{
    const struct nn_axis *y = &conv->axis[Y], *x = &conv->axis[X];
    size_t                in = nn_tile_lanes(conv->in), out = nn_tile_lanes(conv->out);
    size_t                large = (size_t)y->size * x->size, small = (size_t)y->out * x->out;
    struct nn_conv_work   w = {.conv = *conv};
    w.frame[NN_CONV_LARGE] =
        frame_of(conv->in, y->size, x->size, nn_margin_down(y), nn_margin_down(x));
    w.frame[NN_CONV_SMALL] = frame_of(conv->out, y->out, x->out, nn_margin_up(y), nn_margin_up(x));
    for (int side = 0; side < 2; side++) {
        size_t most    = side == NN_CONV_LARGE ? conv->out * in : conv->in * out;
        w.image[side]  = part(&w, base, frame_size(&w.frame[side]) * sizeof(nn_real));
        w.packed[side] = part(&w, base, kernel_size(conv) * most * sizeof(nn_real));
    }
    w.tile  = part(&w, base, max(large * in, small * out) * sizeof(nn_real));
    w.start = part(&w, base, max(in, out) * sizeof(nn_real));
    w.sum_w = part(&w, base, kernel_size(conv) * conv->in * out * sizeof(nn_real));
    w.sum   = part(&w, base, max(in, out) * sizeof(nn_real));
    w.runs  = part(&w, base, kernel_size(conv) * sizeof(size_t));
    return w;
}

size_t
nn_conv_scratch(const struct nn_conv *conv)
{
    return lay_out(conv, NULL).bytes;
}

struct nn_conv_work
nn_conv_begin(const struct nn_conv *conv, void *scratch)
{
    struct nn_conv_work work = lay_out(conv, scratch);
    for (int side = 0; side < 2; side++)
        memset(work.image[side], 0, frame_size(&work.frame[side]) * sizeof(nn_real));
    return work;
}

/* ---- taps ---- */

/* Lists the runs of the taps of (y, x) in an image: what lies together along x is one. */
static void
find_runs(struct nn_sweep *sweep, size_t *runs, const struct nn_conv_frame *f,
          const struct nn_reach *y, const struct nn_reach *x)
{
    bool together     = x->step == 1 || x->taps == 1;
    sweep->runs       = runs;
    sweep->run_count  = 0;
    sweep->run_length = (together ? x->taps : 1) * f->channels;
    for (size_t ty = 0; ty < y->taps; ty++)
        for (size_t tx = 0; tx < x->taps; tx += together ? x->taps : 1)
            runs[sweep->run_count++] =
                ((y->first + ty * y->step) * f->pitch + x->first + tx * x->step) * f->channels;
}

static size_t
kernel_place(const struct nn_conv *conv, const struct nn_reach *y, const struct nn_reach *x,
             size_t ty, size_t tx)
{
    ptrdiff_t at = (y->weight + (ptrdiff_t)ty * y->weight_step) * conv->axis[X].kernel + x->weight +
                   (ptrdiff_t)tx * x->weight_step;
    return (size_t)at;
}

/* How w (out, in, kernel) is read: channels that are summed over, and those in the lanes. */
struct order {
    size_t channels, channel_step, lanes, lane_step;
};

static struct order
order_of(const struct nn_conv *conv, enum nn_conv_side to)
{
    size_t kernel = kernel_size(conv);
    if (to == NN_CONV_LARGE)
        return (struct order){conv->out, conv->in * kernel, conv->in, kernel};
    return (struct order){conv->in, kernel, conv->out, conv->in * kernel};
}

/* w as tile.h wants it: taps and summed channels in the order of the runs. */
static void
pack(nn_real *packed, const struct nn_conv *conv, const nn_real *w, struct order o,
     const struct nn_reach *y, const struct nn_reach *x)
{
    size_t lanes = nn_tile_lanes(o.lanes), block;
    for (size_t first = 0; first < lanes; first += block) {
        block        = nn_tile_block(first, lanes);
        size_t count = o.lanes - first < block ? o.lanes - first : block;
        for (size_t ty = 0; ty < y->taps; ty++)
            for (size_t tx = 0; tx < x->taps; tx++) {
                const nn_real *from = w + kernel_place(conv, y, x, ty, tx) + first * o.lane_step;
                for (size_t c = 0; c < o.channels; c++, packed += block)
                    for (size_t lane = 0; lane < block; lane++)
                        packed[lane] = lane < count ? from[c * o.channel_step + lane * o.lane_step]
                                                    : NN_R(0.0);
            }
    }
}

/* ---- correlate and spread ---- */

static struct nn_sweep
sweep_down(const struct nn_conv_work *work, size_t out_col, size_t out_row)
{
    const struct nn_conv_frame *f = &work->frame[NN_CONV_LARGE];
    struct nn_reach             y = nn_reach_down(&work->conv.axis[Y]);
    struct nn_reach             x = nn_reach_down(&work->conv.axis[X]);
    struct nn_sweep             s = {.rows    = y.positions,
                                     .cols    = x.positions,
                                     .in_row  = y.in_step * f->pitch * f->channels,
                                     .in_col  = x.in_step * f->channels,
                                     .out_row = out_row,
                                     .out_col = out_col};
    find_runs(&s, work->runs, f, &y, &x);
    return s;
}

static void
correlate(const struct nn_conv_work *work)
{
    size_t          lanes = nn_tile_lanes(work->conv.out);
    struct nn_sweep s     = sweep_down(work, lanes, lanes * work->conv.axis[X].out);
    nn_tile()->correlate(work->tile, work->image[NN_CONV_LARGE], work->packed[NN_CONV_SMALL],
                         work->start, lanes, &s);
}

static void
spread_phase(const struct nn_conv_work *work, const struct nn_reach *y, const struct nn_reach *x,
             const nn_real *packed)
{
    const struct nn_conv_frame *f     = &work->frame[NN_CONV_SMALL];
    size_t                      width = work->conv.axis[X].size;
    size_t                      lanes = nn_tile_lanes(work->conv.in);
    struct nn_sweep             s     = {.rows    = y->positions,
                                         .cols    = x->positions,
                                         .in_row  = f->pitch * f->channels,
                                         .in_col  = f->channels,
                                         .out_row = y->out_step * width * lanes,
                                         .out_col = x->out_step * lanes};
    find_runs(&s, work->runs, f, y, x);
    nn_tile()->correlate(work->tile + (y->out_first * width + x->out_first) * lanes,
                         work->image[NN_CONV_SMALL], packed, work->start, lanes, &s);
}

/* Each phase has its own part of the packed w: w given, it is filled, else an image is computed. */
static void
each_phase(const struct nn_conv_work *work, const nn_real *w)
{
    const struct nn_axis       *axis   = work->conv.axis;
    struct order                o      = order_of(&work->conv, NN_CONV_LARGE);
    nn_real                    *packed = work->packed[NN_CONV_LARGE];
    const struct nn_conv_frame *f      = &work->frame[NN_CONV_SMALL];
    for (uint32_t py = 0; py < axis[Y].stride; py++) {
        struct nn_reach y = nn_reach_up(&axis[Y], py, f->above);
        for (uint32_t px = 0; px < axis[X].stride; px++) {
            struct nn_reach x = nn_reach_up(&axis[X], px, f->left);
            if (w != NULL)
                pack(packed, &work->conv, w, o, &y, &x);
            else if (y.positions > 0 && x.positions > 0)
                spread_phase(work, &y, &x, packed);
            packed += y.taps * x.taps * o.channels * nn_tile_lanes(o.lanes);
        }
    }
}

void
nn_conv_pack(struct nn_conv_work *work, enum nn_conv_side to, const nn_real *w, const nn_real *bias,
             uint32_t g)
{
    const struct nn_conv *conv = &work->conv;
    size_t                size = (size_t)conv->out * conv->in * kernel_size(conv);
    struct order          o    = order_of(conv, to);
    struct nn_reach       y = nn_reach_down(&conv->axis[Y]), x = nn_reach_down(&conv->axis[X]);
    if (to == NN_CONV_SMALL)
        pack(work->packed[to], conv, w + g * size, o, &y, &x);
    else
        each_phase(work, w + g * size);
    memset(work->start, 0, nn_tile_lanes(o.lanes) * sizeof *work->start);
    if (bias != NULL)
        memcpy(work->start, bias + g * o.lanes, o.lanes * sizeof *work->start);
}

void
nn_conv_turn(const struct nn_conv_work *work, enum nn_conv_side to)
{
    if (to == NN_CONV_SMALL)
        correlate(work);
    else
        each_phase(work, NULL);
}

/* ---- gradients of the weights and the bias ---- */

/* The sum for w is in the packed form of the way down. */
static size_t
packed_at(const struct nn_conv *conv, size_t o, size_t c, size_t tap)
{
    return nn_tile_at(tap * conv->in + c, o, nn_tile_lanes(conv->out),
                      kernel_size(conv) * conv->in);
}

void
nn_conv_clear_sums(struct nn_conv_work *work)
{
    const struct nn_conv *conv = &work->conv;
    size_t                in = nn_tile_lanes(conv->in), out = nn_tile_lanes(conv->out);
    memset(work->sum_w, 0, kernel_size(conv) * conv->in * out * sizeof(nn_real));
    memset(work->sum, 0, max(in, out) * sizeof(nn_real));
}

void
nn_conv_add_weights(struct nn_conv_work *work)
{
    const struct nn_conv_frame *f   = &work->frame[NN_CONV_SMALL];
    size_t                      row = f->pitch * f->channels;
    struct nn_sweep             s   = sweep_down(work, f->channels, row);
    nn_tile()->weights(work->sum_w, work->image[NN_CONV_LARGE],
                       work->image[NN_CONV_SMALL] + f->above * row + f->left * f->channels,
                       nn_tile_lanes(work->conv.out), &s);
}

void
nn_conv_add_bias(struct nn_conv_work *work, enum nn_conv_side side)
{
    const struct nn_conv_frame *f = &work->frame[side];
    for (size_t y = 0; y < f->height; y++) {
        const nn_real *line =
            work->image[side] + ((y + f->above) * f->pitch + f->left) * f->channels;
        nn_real *restrict sum = work->sum;
        for (size_t x = 0; x < f->width; x++)
            for (size_t c = 0; c < f->channels; c++)
                sum[c] += line[x * f->channels + c];
    }
}

void
nn_conv_blend_weights(const struct nn_conv_work *work, nn_real *dw, uint32_t g, nn_real alpha,
                      nn_real beta)
{
    const struct nn_conv *conv   = &work->conv;
    const nn_real        *sum    = work->sum_w;
    size_t                kernel = kernel_size(conv);
    dw += g * conv->out * conv->in * kernel;
    for (size_t o = 0; o < conv->out; o++)
        for (size_t c = 0; c < conv->in; c++)
            for (size_t t = 0; t < kernel; t++, dw++)
                *dw = alpha * sum[packed_at(conv, o, c, t)] +
                      (beta == NN_R(0.0) ? NN_R(0.0) : beta * *dw);
}

void
nn_conv_blend_bias(const struct nn_conv_work *work, enum nn_conv_side side, nn_real *db, uint32_t g,
                   nn_real alpha, nn_real beta)
{
    size_t channels = work->frame[side].channels;
    nn_blend(db + g * channels, work->sum, channels, alpha, beta);
}

double
nn_conv_weights_norm2(const struct nn_conv_work *work)
{
    const struct nn_conv *conv = &work->conv;
    double                sum  = 0;
    for (size_t k = 0; k < kernel_size(conv) * conv->in; k++)
        for (size_t o = 0; o < conv->out; o++) {
            double v = (double)work->sum_w[packed_at(conv, o, k % conv->in, k / conv->in)];
            sum += v * v;
        }
    return sum;
}

double
nn_conv_bias_norm2(const struct nn_conv_work *work, enum nn_conv_side side)
{
    double sum = 0;
    for (size_t c = 0; c < work->frame[side].channels; c++)
        sum += (double)work->sum[c] * (double)work->sum[c];
    return sum;
}

uint64_t
nn_conv_multiplications(const struct nn_conv *conv)
{
    return (uint64_t)conv->groups * conv->in * conv->out * kernel_size(conv) * conv->axis[Y].out *
           conv->axis[X].out;
}
