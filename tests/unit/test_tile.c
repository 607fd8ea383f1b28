/* The kernels of every instruction set that this machine has, against the plain sums. */
#include "nnlib/tile.h"

#include "support/nn.h"

enum {
    CHANNELS_MAX = 35, /* whole, half and cut blocks */
    SIDE         = 9,
    IMAGE        = SIDE * SIDE * CHANNELS_MAX + NN_TILE_SLACK,
    TAPS_MAX     = 9 * CHANNELS_MAX
};

static const double close_to = NN_TEST_DOUBLE ? 1e-12 : 1e-4;

/* A 3 x 2 window with `stride` over a SIDE x SIDE image of `in` channels. */
static void
describe(struct nn_sweep *s, size_t runs[3], size_t in, size_t out, size_t stride)
{
    size_t rows = (SIDE - 3) / stride + 1, cols = (SIDE - 2) / stride + 1;
    for (size_t t = 0; t < 3; t++)
        runs[t] = t * SIDE * in;
    *s = (struct nn_sweep){.rows       = rows,
                           .cols       = cols,
                           .in_row     = stride * SIDE * in,
                           .in_col     = stride * in,
                           .out_row    = cols * out,
                           .out_col    = out,
                           .runs       = runs,
                           .run_count  = 3,
                           .run_length = 2 * in};
}

/* The number that tap k reads at position (r, c). */
static double
input_at(const nn_real *x, const struct nn_sweep *s, size_t r, size_t c, size_t k)
{
    return (
        double)x[r * s->in_row + c * s->in_col + s->runs[k / s->run_length] + k % s->run_length];
}

static void
check_correlate(const struct nn_tile *tile, size_t in, size_t out, size_t stride)
{
    static nn_real  x[IMAGE], w[TAPS_MAX * 48], start[48], y[SIDE * SIDE * 48];
    size_t          runs[3], lanes = nn_tile_lanes(out), taps = 6 * in;
    struct nn_sweep s;
    describe(&s, runs, in, lanes, stride);
    fill(x, IMAGE, 1, 0);
    fill(w, taps * lanes, 1, 40);
    fill(start, lanes, 1, 80);
    tile->correlate(y, x, w, start, lanes, &s);
    for (size_t r = 0; r < s.rows; r++)
        for (size_t c = 0; c < s.cols; c++)
            for (size_t o = 0; o < out; o++) {
                double sum = (double)start[o];
                for (size_t k = 0; k < taps; k++)
                    sum += input_at(x, &s, r, c, k) * (double)w[nn_tile_at(k, o, lanes, taps)];
                expect_near((double)y[r * s.out_row + c * s.out_col + o], sum, close_to, tile->name,
                            o, __FILE__, __LINE__);
            }
}

static void
check_weights(const struct nn_tile *tile, size_t in, size_t out, size_t stride)
{
    static nn_real  x[IMAGE], w[TAPS_MAX * 48], g[IMAGE];
    size_t          runs[3], lanes = nn_tile_lanes(out), taps = 6 * in;
    struct nn_sweep s;
    describe(&s, runs, in, out, stride);
    fill(x, IMAGE, 1, 0);
    fill(g, IMAGE, 1, 7);
    fill(w, taps * lanes, 1, 40);
    tile->weights(w, x, g, lanes, &s);
    for (size_t k = 0; k < taps; k++)
        for (size_t o = 0; o < out; o++) {
            size_t at  = nn_tile_at(k, o, lanes, taps);
            double sum = sin((double)at + 1 + 40);
            for (size_t r = 0; r < s.rows; r++)
                for (size_t c = 0; c < s.cols; c++)
                    sum += input_at(x, &s, r, c, k) * (double)g[r * s.out_row + c * s.out_col + o];
            expect_near((double)w[at], sum, close_to, tile->name, k, __FILE__, __LINE__);
        }
}

static void
every_kernel_computes_the_sums(void **state)
{
    (void)state;
    static const size_t channels[] = {1, 3, 4, 8, 9, 16, 17, 24, 35};
    size_t              count      = sizeof channels / sizeof channels[0];
    for (const struct nn_tile *tile = nn_tiles; tile->name != NULL; tile++) {
        if (!tile->runs_here()) {
            print_message("this machine has no %s: not tested\n", tile->name);
            continue;
        }
        for (size_t i = 0; i < count; i++)
            for (size_t o = 0; o < count; o++)
                for (size_t stride = 1; stride <= 2; stride++) {
                    check_correlate(tile, channels[i], channels[o], stride);
                    check_weights(tile, channels[i], channels[o], stride);
                }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_kernel_computes_the_sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
