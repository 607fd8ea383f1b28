/* Images in and out of a convolution (conv.h): nn_conv_take and nn_conv_give. */
#include "nnlib/conv.h"
#include "nnlib/tile.h"

#include <string.h>

/* Where a group of a row's value is, and its steps. */
struct view {
    size_t at, pixel, channel;
};

static struct view
view_of(const struct nn_conv_work *work, enum nn_conv_side side, size_t row, uint32_t group)
{
    const struct nn_conv_frame *f = &work->frame[side];
    size_t pixels = f->height * f->width, all = f->channels * work->conv.groups;
    if (work->conv.planar)
        return (struct view){(row * all + group * f->channels) * pixels, 1, pixels};
    return (struct view){row * pixels * all + group * f->channels, all, 1};
}

/* Four numbers, anywhere. */
typedef nn_real four __attribute__((vector_size(4 * sizeof(nn_real))));
typedef nn_real loose_four
    __attribute__((vector_size(4 * sizeof(nn_real)), aligned(sizeof(nn_real)), may_alias));

static inline void
transpose_block(nn_real *to, size_t to_step, const nn_real *from, size_t from_step)
{
    four a = *(const loose_four *)from, b = *(const loose_four *)(from + from_step);
    four c                            = *(const loose_four *)(from + 2 * from_step),
         d                            = *(const loose_four *)(from + 3 * from_step);
    four ab                           = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    four cd                           = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    four AB                           = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    four CD                           = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(loose_four *)to                 = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(loose_four *)(to + to_step)     = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    *(loose_four *)(to + 2 * to_step) = __builtin_shufflevector(AB, CD, 0, 1, 4, 5);
    *(loose_four *)(to + 3 * to_step) = __builtin_shufflevector(AB, CD, 2, 3, 6, 7);
}

/* to[c to_step + r] = from[r from_step + c], r < rows, c < cols */
static void
transpose(nn_real *restrict to, size_t to_step, const nn_real *restrict from, size_t from_step,
          size_t rows, size_t cols)
{
    size_t r = 0;
    for (; r + 4 <= rows; r += 4) {
        size_t c = 0;
        for (; c + 4 <= cols; c += 4)
            transpose_block(to + c * to_step + r, to_step, from + r * from_step + c, from_step);
        for (; c < cols; c++)
            for (size_t k = r; k < r + 4; k++)
                to[c * to_step + k] = from[k * from_step + c];
    }
    for (; r < rows; r++)
        for (size_t c = 0; c < cols; c++)
            to[c * to_step + r] = from[r * from_step + c];
}

/* What passes the gate, without a branch. */
static void
pass_gate(nn_real *restrict to, const nn_real *restrict from, const nn_real *restrict gate,
          size_t count)
{
    for (size_t k = 0; k < count; k++) {
        nn_real v = from[k];
        to[k]     = gate[k] > NN_R(0.0) ? v : NN_R(0.0);
    }
}

/* A group of a row behind its gate, dense, in the tile (free until the next turn). */
static struct view
gated(const struct nn_conv_work *work, const struct nn_conv_frame *f, const nn_real *value,
      const nn_real *gate, struct view v)
{
    size_t pixels = f->height * f->width;
    if (v.pixel == 1) {
        pass_gate(work->tile, value + v.at, gate + v.at, f->channels * pixels);
        return (struct view){0, 1, pixels};
    }
    for (size_t p = 0; p < pixels; p++)
        pass_gate(work->tile + p * f->channels, value + v.at + p * v.pixel,
                  gate + v.at + p * v.pixel, f->channels);
    return (struct view){0, f->channels, 1};
}

void
nn_conv_take(struct nn_conv_work *work, enum nn_conv_side side, const nn_real *value,
             const nn_real *gate, size_t b, uint32_t g)
{
    const struct nn_conv_frame *f = &work->frame[side];
    struct view                 v = view_of(work, side, b, g);
    if (gate != NULL) {
        v     = gated(work, f, value, gate, v);
        value = work->tile;
    }
    for (size_t y = 0; y < f->height; y++) {
        nn_real       *to = work->image[side] + ((y + f->above) * f->pitch + f->left) * f->channels;
        const nn_real *from = value + v.at + y * f->width * v.pixel;
        if (v.pixel == f->channels)
            memcpy(to, from, f->width * f->channels * sizeof *to);
        else if (v.channel == 1)
            for (size_t x = 0; x < f->width; x++)
                memcpy(to + x * f->channels, from + x * v.pixel, f->channels * sizeof *to);
        else
            transpose(to, f->channels, from, v.channel, f->channels, f->width);
    }
}

static void
end_line(nn_real *restrict to, const nn_real *restrict from, size_t count, enum nn_conv_end end)
{
    if (end == NN_CONV_RELU)
        for (size_t k = 0; k < count; k++) /* NaN stays */
            to[k] = from[k] < NN_R(0.0) ? NN_R(0.0) : from[k];
    else if (end == NN_CONV_ADD)
        for (size_t k = 0; k < count; k++)
            to[k] += from[k];
    else
        memcpy(to, from, count * sizeof *to);
}

/* Some pixels of all channels at a time, from lines that are still in the cache. */
static void
give_planes(nn_real *value, size_t plane, const nn_real *tile, size_t lanes, size_t channels,
            size_t pixels, enum nn_conv_end end)
{
    enum {
        AT_A_TIME = 64
    };
    nn_real lines[4 * AT_A_TIME];
    for (size_t p = 0; p < pixels; p += AT_A_TIME) {
        size_t count = pixels - p < AT_A_TIME ? pixels - p : AT_A_TIME;
        for (size_t c = 0; c < channels; c += 4) {
            size_t wide = channels - c < 4 ? channels - c : 4;
            transpose(lines, AT_A_TIME, tile + p * lanes + c, lanes, count, wide);
            for (size_t k = 0; k < wide; k++)
                end_line(value + (c + k) * plane + p, lines + k * AT_A_TIME, count, end);
        }
    }
}

void
nn_conv_give(const struct nn_conv_work *work, enum nn_conv_side side, nn_real *value, size_t b,
             uint32_t g, enum nn_conv_end end)
{
    const struct nn_conv_frame *f      = &work->frame[side];
    struct view                 v      = view_of(work, side, b, g);
    size_t                      pixels = f->height * f->width, lanes = nn_tile_lanes(f->channels);
    if (work->conv.planar)
        give_planes(value + v.at, v.channel, work->tile, lanes, f->channels, pixels, end);
    else
        for (size_t p = 0; p < pixels; p++)
            end_line(value + v.at + p * v.pixel, work->tile + p * lanes, f->channels, end);
}
