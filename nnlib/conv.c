#include "nnlib/conv.h"

#include "nnlib/tile.h"

#include <string.h>

enum {
    Y,
    X
};

/* ---- one axis, one direction ---- */

/* Which taps reach the positions of a phase, in the order of what they read. */
struct reach {
    size_t    taps, first, step;   /* where they read, from position 0, in the padded input */
    ptrdiff_t weight, weight_step; /* their place in the kernel */
    size_t    positions, in_step;  /* how many, and how far they are apart in the input */
    size_t    out_first, out_step; /* where they are in the output */
};

/* The padding before and the whole length of the input, padded. */
struct margin {
    size_t before, length;
};

static struct reach
reach_down(const struct nn_axis *a)
{
    return (struct reach){.taps        = a->kernel,
                          .step        = a->dilation,
                          .weight_step = 1,
                          .positions   = a->out,
                          .in_step     = a->stride,
                          .out_step    = 1};
}

static struct margin
margin_down(const struct nn_axis *a)
{
    size_t own  = (size_t)a->size + a->pad;
    size_t read = (size_t)(a->out - 1) * a->stride + (size_t)a->dilation * (a->kernel - 1) + 1;
    return (struct margin){a->pad, own > read ? own : read};
}

/* Large position i = j stride - pad + dilation t: of those with (i + pad) mod stride = phase, the
 * u-th is reached by tap t from j = u + shift(t). */
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

static struct margin
margin_up(const struct nn_axis *a)
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
    return (struct margin){(size_t)before, (size_t)(before + end)};
}

static struct reach
reach_up(const struct nn_axis *a, uint32_t phase)
{
    int64_t      first  = first_of(a, phase);
    size_t       before = margin_up(a).before;
    struct reach r      = {.in_step   = 1,
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

/* ---- scratch ---- */

struct frame {                             /* one group of an image, padded, pixel-major */
    size_t        channels, height, width; /* without padding */
    struct margin y, x;
};

struct work {
    struct frame large, small;
    nn_real     *image[2]; /* padded: large, small */
    nn_real     *tile;     /* a result, pixel-major */
    nn_real     *w;        /* packed */
    nn_real     *start;
    size_t      *runs;
    size_t       bytes;
};

static size_t
frame_size(const struct frame *f)
{
    return f->y.length * f->x.length * f->channels + NN_TILE_SLACK;
}

static size_t
max(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void *
part(struct work *work, void *base, size_t bytes)
{
    void *here = base != NULL ? (unsigned char *)base + work->bytes : NULL;
    work->bytes += (bytes + 63) / 64 * 64;
    return here;
}

static struct work
lay_out(const struct nn_conv *conv)
{
    const struct nn_axis *y = &conv->axis[Y], *x = &conv->axis[X];
    size_t                in = nn_tile_lanes(conv->in), out = nn_tile_lanes(conv->out);
    size_t                kernel = (size_t)y->kernel * x->kernel;
    size_t                large = (size_t)y->size * x->size, small = (size_t)y->out * x->out;
    struct work w = {.large = {conv->in, y->size, x->size, margin_down(y), margin_down(x)},
                     .small = {conv->out, y->out, x->out, margin_up(y), margin_up(x)}};
    w.image[0]    = part(&w, conv->scratch, frame_size(&w.large) * sizeof(nn_real));
    w.image[1]    = part(&w, conv->scratch, frame_size(&w.small) * sizeof(nn_real));
    w.tile        = part(&w, conv->scratch, max(large * in, small * out) * sizeof(nn_real));
    w.w = part(&w, conv->scratch, kernel * max(conv->in * out, conv->out * in) * sizeof(nn_real));
    w.start = part(&w, conv->scratch, max(in, out) * sizeof(nn_real));
    w.runs  = part(&w, conv->scratch, kernel * sizeof(size_t));
    return w;
}

size_t
nn_conv_scratch(const struct nn_conv *conv)
{
    struct nn_conv none = *conv;
    none.scratch        = NULL;
    return lay_out(&none).bytes;
}

/* ---- images in and out ---- */

/* Where a group of a row's value is, and its steps. */
struct view {
    size_t at, pixel, channel;
};

static struct view
view_of(const struct nn_conv *conv, const struct frame *f, size_t row, uint32_t group)
{
    size_t pixels = f->height * f->width;
    size_t size   = pixels * f->channels * conv->groups;
    if (conv->planar)
        return (struct view){row * size + group * f->channels * pixels, 1, pixels};
    return (struct view){row * size + group * f->channels, f->channels * conv->groups, 1};
}

static void
clear_image(nn_real *image, const struct frame *f)
{
    memset(image, 0, frame_size(f) * sizeof *image);
}

/* to[k to_step] = from[k from_step], 0 where the gate is not above 0. */
static void
copy_line(nn_real *restrict to, size_t to_step, const nn_real *restrict from, const nn_real *gate,
          size_t from_step, size_t count)
{
    if (gate != NULL)
        for (size_t k = 0; k < count; k++)
            to[k * to_step] = gate[k * from_step] > NN_R(0.0) ? from[k * from_step] : NN_R(0.0);
    else if (to_step == 1 && from_step == 1)
        memcpy(to, from, count * sizeof *to);
    else
        for (size_t k = 0; k < count; k++)
            to[k * to_step] = from[k * from_step];
}

/* One group of one row into the inner part of a cleared image. */
static void
gather(nn_real *image, const struct frame *f, const nn_real *value, const nn_real *gate,
       struct view v)
{
    for (size_t y = 0; y < f->height; y++) {
        nn_real *to = image + ((y + f->y.before) * f->x.length + f->x.before) * f->channels;
        size_t   at = v.at + y * f->width * v.pixel;
        if (v.channel != 1)
            for (size_t c = 0; c < f->channels; c++)
                copy_line(to + c, f->channels, value + at + c * v.channel,
                          gate != NULL ? gate + at + c * v.channel : NULL, v.pixel, f->width);
        else
            for (size_t x = 0; x < f->width; x++)
                copy_line(to + x * f->channels, 1, value + at + x * v.pixel,
                          gate != NULL ? gate + at + x * v.pixel : NULL, 1, f->channels);
    }
}

static void
end_line(nn_real *restrict to, size_t to_step, const nn_real *restrict from, size_t from_step,
         size_t count, enum nn_conv_end end)
{
    if (end == NN_CONV_RELU)
        for (size_t k = 0; k < count; k++) /* NaN stays */
            to[k * to_step] = from[k * from_step] < NN_R(0.0) ? NN_R(0.0) : from[k * from_step];
    else if (end == NN_CONV_ADD)
        for (size_t k = 0; k < count; k++)
            to[k * to_step] += from[k * from_step];
    else
        for (size_t k = 0; k < count; k++)
            to[k * to_step] = from[k * from_step];
}

/* The tile, `lanes` numbers a pixel, into one group of one row; some pixels at a time, so that
 * planes are written from lines that are still in the cache. */
static void
scatter(nn_real *value, const struct frame *f, struct view v, const nn_real *tile,
        enum nn_conv_end end)
{
    enum {
        AT_A_TIME = 64
    };
    size_t pixels = f->height * f->width, lanes = nn_tile_lanes(f->channels);
    for (size_t p = 0; p < pixels; p += AT_A_TIME) {
        size_t count = pixels - p < AT_A_TIME ? pixels - p : AT_A_TIME;
        if (v.channel != 1)
            for (size_t c = 0; c < f->channels; c++)
                end_line(value + v.at + c * v.channel + p, 1, tile + p * lanes + c, lanes, count,
                         end);
        else
            for (size_t k = p; k < p + count; k++)
                end_line(value + v.at + k * v.pixel, 1, tile + k * lanes, 1, f->channels, end);
    }
}

/* ---- taps ---- */

/* Lists the runs of the taps of (y, x) in an image of `f`, and where each tap is in the kernel's
 * order: what lies together along x is one run. */
static void
find_runs(struct nn_sweep *sweep, size_t *runs, const struct frame *f, const struct reach *y,
          const struct reach *x)
{
    bool together     = x->step == 1 || x->taps == 1;
    sweep->runs       = runs;
    sweep->run_count  = 0;
    sweep->run_length = (together ? x->taps : 1) * f->channels;
    for (size_t ty = 0; ty < y->taps; ty++)
        for (size_t tx = 0; tx < x->taps; tx += together ? x->taps : 1)
            runs[sweep->run_count++] =
                ((y->first + ty * y->step) * f->x.length + x->first + tx * x->step) * f->channels;
}

static size_t
kernel_place(const struct nn_conv *conv, const struct reach *y, const struct reach *x, size_t ty,
             size_t tx)
{
    ptrdiff_t at = (y->weight + (ptrdiff_t)ty * y->weight_step) * conv->axis[X].kernel + x->weight +
                   (ptrdiff_t)tx * x->weight_step;
    return (size_t)at;
}

/* How w (out, in, kernel) is read: contracted channels and lanes. */
struct order {
    size_t channels, channel_step, lanes, lane_step;
};

static struct order
order_of(const struct nn_conv *conv, bool up)
{
    size_t kernel = (size_t)conv->axis[Y].kernel * conv->axis[X].kernel;
    if (up)
        return (struct order){conv->out, conv->in * kernel, conv->in, kernel};
    return (struct order){conv->in, kernel, conv->out, conv->in * kernel};
}

/* w as tile.h wants it: taps and contracted channels in the order of the runs, channels in lanes.
 */
static void
pack(nn_real *packed, const struct nn_conv *conv, const nn_real *w, struct order o,
     const struct reach *y, const struct reach *x)
{
    size_t lanes = nn_tile_lanes(o.lanes), taps = y->taps * x->taps * o.channels, k = 0;
    for (size_t ty = 0; ty < y->taps; ty++)
        for (size_t tx = 0; tx < x->taps; tx++) {
            const nn_real *from = w + kernel_place(conv, y, x, ty, tx);
            for (size_t c = 0; c < o.channels; c++, k++)
                for (size_t lane = 0; lane < lanes; lane++)
                    packed[nn_tile_at(k, lane, lanes, taps)] =
                        lane < o.lanes ? from[c * o.channel_step + lane * o.lane_step] : NN_R(0.0);
        }
}

static void
set_start(nn_real *start, const nn_real *bias, size_t channels)
{
    memset(start, 0, nn_tile_lanes(channels) * sizeof *start);
    if (bias != NULL)
        memcpy(start, bias, channels * sizeof *start);
}

/* ---- large to small ---- */

static struct nn_sweep
sweep_down(const struct nn_conv *conv, const struct work *work, size_t pixel, size_t row)
{
    struct reach    y = reach_down(&conv->axis[Y]), x = reach_down(&conv->axis[X]);
    struct nn_sweep s = {.rows    = y.positions,
                         .cols    = x.positions,
                         .in_row  = y.in_step * work->large.x.length * conv->in,
                         .in_col  = x.in_step * conv->in,
                         .out_row = row,
                         .out_col = pixel};
    find_runs(&s, work->runs, &work->large, &y, &x);
    return s;
}

void
nn_conv_correlate(const struct nn_conv *conv, nn_real *small, const nn_real *large,
                  const nn_real *w, const nn_real *bias, enum nn_conv_end end)
{
    const struct nn_tile *tile = nn_tile();
    struct work           work = lay_out(conv);
    struct order          o    = order_of(conv, false);
    struct reach          y = reach_down(&conv->axis[Y]), x = reach_down(&conv->axis[X]);
    size_t                lanes = nn_tile_lanes(conv->out);
    struct nn_sweep       s     = sweep_down(conv, &work, lanes, lanes * conv->axis[X].out);
    clear_image(work.image[0], &work.large);
    for (uint32_t g = 0; g < conv->groups; g++) {
        pack(work.w, conv, w + g * conv->out * o.lane_step, o, &y, &x);
        set_start(work.start, bias != NULL ? bias + g * conv->out : NULL, conv->out);
        for (size_t b = 0; b < conv->rows; b++) {
            gather(work.image[0], &work.large, large, NULL, view_of(conv, &work.large, b, g));
            tile->correlate(work.tile, work.image[0], work.w, work.start, lanes, &s);
            scatter(small, &work.small, view_of(conv, &work.small, b, g), work.tile, end);
        }
    }
}

/* ---- small to large ---- */

/* One phase of one image into the tile. */
static void
spread_phase(const struct nn_conv *conv, const struct work *work, const struct reach *y,
             const struct reach *x, const nn_real *packed)
{
    const struct nn_axis *ax    = &conv->axis[X];
    size_t                lanes = nn_tile_lanes(conv->in);
    struct nn_sweep       s     = {.rows    = y->positions,
                                   .cols    = x->positions,
                                   .in_row  = work->small.x.length * conv->out,
                                   .in_col  = conv->out,
                                   .out_row = y->out_step * ax->size * lanes,
                                   .out_col = x->out_step * lanes};
    find_runs(&s, work->runs, &work->small, y, x);
    nn_tile()->correlate(work->tile + (y->out_first * ax->size + x->out_first) * lanes,
                         work->image[1], packed, work->start, lanes, &s);
}

/* All phases: to pack w for each of them, one after another, or to compute an image. */
static void
each_phase(const struct nn_conv *conv, const struct work *work, const nn_real *w)
{
    struct order o    = order_of(conv, true);
    nn_real     *next = work->w;
    for (uint32_t py = 0; py < conv->axis[Y].stride; py++)
        for (uint32_t px = 0; px < conv->axis[X].stride; px++) {
            struct reach y = reach_up(&conv->axis[Y], py), x = reach_up(&conv->axis[X], px);
            if (w != NULL)
                pack(next, conv, w, o, &y, &x);
            else if (y.positions > 0 && x.positions > 0)
                spread_phase(conv, work, &y, &x, next);
            next += y.taps * x.taps * o.channels * nn_tile_lanes(o.lanes);
        }
}

void
nn_conv_spread(const struct nn_conv *conv, nn_real *large, const nn_real *small,
               const nn_real *gate, const nn_real *w, const nn_real *bias, enum nn_conv_end end)
{
    struct work work  = lay_out(conv);
    size_t group_size = (size_t)conv->out * conv->in * conv->axis[Y].kernel * conv->axis[X].kernel;
    clear_image(work.image[1], &work.small);
    for (uint32_t g = 0; g < conv->groups; g++) {
        each_phase(conv, &work, w + g * group_size);
        set_start(work.start, bias != NULL ? bias + g * conv->in : NULL, conv->in);
        for (size_t b = 0; b < conv->rows; b++) {
            gather(work.image[1], &work.small, small, gate, view_of(conv, &work.small, b, g));
            each_phase(conv, &work, NULL);
            scatter(large, &work.large, view_of(conv, &work.large, b, g), work.tile, end);
        }
    }
}

/* ---- the weights ---- */

/* Adds one row's part to the packed sum. */
static void
add_weights(const struct nn_conv *conv, const struct work *work, const nn_real *large,
            const nn_real *small, const nn_real *gate, size_t b, uint32_t g)
{
    const struct frame *f   = &work->small;
    size_t              row = f->x.length * f->channels;
    struct nn_sweep     s   = sweep_down(conv, work, f->channels, row);
    gather(work->image[0], &work->large, large, NULL, view_of(conv, &work->large, b, g));
    gather(work->image[1], f, small, gate, view_of(conv, f, b, g));
    nn_tile()->weights(work->w, work->image[0],
                       work->image[1] + f->y.before * row + f->x.before * f->channels,
                       nn_tile_lanes(conv->out), &s);
}

/* Where dw[o, c, tap] of a group is in the packed sum. */
static size_t
packed_at(const struct nn_conv *conv, size_t o, size_t c, size_t tap)
{
    size_t kernel = (size_t)conv->axis[Y].kernel * conv->axis[X].kernel;
    return nn_tile_at(tap * conv->in + c, o, nn_tile_lanes(conv->out), kernel * conv->in);
}

static void
clear_weights(const struct nn_conv *conv, const struct work *work)
{
    size_t kernel = (size_t)conv->axis[Y].kernel * conv->axis[X].kernel;
    memset(work->w, 0, kernel * conv->in * nn_tile_lanes(conv->out) * sizeof *work->w);
}

void
nn_conv_weights(const struct nn_conv *conv, nn_real *dw, const nn_real *large, const nn_real *small,
                const nn_real *gate, nn_real alpha, nn_real beta)
{
    struct work work   = lay_out(conv);
    size_t      kernel = (size_t)conv->axis[Y].kernel * conv->axis[X].kernel;
    clear_image(work.image[0], &work.large);
    clear_image(work.image[1], &work.small);
    for (uint32_t g = 0; g < conv->groups; g++) {
        clear_weights(conv, &work);
        for (size_t b = 0; b < conv->rows; b++)
            add_weights(conv, &work, large, small, gate, b, g);
        for (size_t o = 0; o < conv->out; o++)
            for (size_t c = 0; c < conv->in; c++)
                for (size_t t = 0; t < kernel; t++, dw++)
                    *dw = alpha * work.w[packed_at(conv, o, c, t)] +
                          (beta == NN_R(0.0) ? NN_R(0.0) : beta * *dw);
    }
}

void
nn_conv_weights_norm(const struct nn_conv *conv, double *norm2, const nn_real *large,
                     const nn_real *small, const nn_real *gate)
{
    struct work work   = lay_out(conv);
    size_t      kernel = (size_t)conv->axis[Y].kernel * conv->axis[X].kernel;
    clear_image(work.image[0], &work.large);
    clear_image(work.image[1], &work.small);
    for (size_t b = 0; b < conv->rows; b++)
        for (uint32_t g = 0; g < conv->groups; g++) {
            clear_weights(conv, &work);
            add_weights(conv, &work, large, small, gate, b, g);
            for (size_t k = 0; k < kernel * conv->in; k++)
                for (size_t o = 0; o < conv->out; o++) {
                    double v = (double)work.w[packed_at(conv, o, k % conv->in, k / conv->in)];
                    norm2[b] += v * v;
                }
        }
}

/* Sixteen partial sums, so that the compiler may keep them in a vector. */
static nn_real
sum_plane(const nn_real *g, const nn_real *gate, size_t count)
{
    enum {
        PARTS = 16
    };
    nn_real part[PARTS] = {0}, sum = 0;
    size_t  p = 0;
    for (; p + PARTS <= count; p += PARTS)
        for (size_t k = 0; k < PARTS; k++)
            part[k] += gate == NULL || gate[p + k] > NN_R(0.0) ? g[p + k] : NN_R(0.0);
    for (; p < count; p++)
        sum += gate == NULL || gate[p] > NN_R(0.0) ? g[p] : NN_R(0.0);
    for (size_t k = 0; k < PARTS; k++)
        sum += part[k];
    return sum;
}

void
nn_conv_sum_pixels(nn_real *sum, const nn_real *g, const nn_real *gate, size_t channels,
                   size_t pixels, bool planar)
{
    for (size_t c = 0; planar && c < channels; c++)
        sum[c] += sum_plane(g + c * pixels, gate != NULL ? gate + c * pixels : NULL, pixels);
    for (size_t k = 0; !planar && k < pixels * channels; k += channels)
        for (size_t c = 0; c < channels; c++)
            sum[c] += gate == NULL || gate[k + c] > NN_R(0.0) ? g[k + c] : NN_R(0.0);
}

uint64_t
nn_conv_multiplications(const struct nn_conv *conv)
{
    return (uint64_t)conv->groups * conv->in * conv->out * conv->axis[Y].kernel *
           conv->axis[X].kernel * conv->axis[Y].out * conv->axis[X].out;
}
