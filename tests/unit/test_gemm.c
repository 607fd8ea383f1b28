/* The matrix product against three loops in double, on every level that this machine has. */
#include "nnlib/cpu.h"
#include "nnlib/gemm.h"
#include "nnlib/pass.h"

#include "support/expect.h"

#include <math.h>
#include <stdlib.h>

enum {
    ROOM = 700000 /* floats of the largest matrix, borders included */
};
static nn_real a_room[ROOM], b_room[ROOM], c_room[ROOM], before[ROOM];

static void
fill(nn_real *out, size_t count, uint32_t seed)
{
    for (size_t i = 0; i < count; i++) {
        seed   = seed * 1664525u + 1013904223u;
        out[i] = (nn_real)((double)(seed >> 8) / (1 << 23) - 1);
    }
}

static nn_real
at(const struct nn_operand *matrix, size_t row, size_t column)
{
    return matrix->transposed ? matrix->at[column * matrix->stride + row]
                              : matrix->at[row * matrix->stride + column];
}

/* Rows are `border` numbers longer than they need to be; those must not be touched. */
static void
expect_product(struct nn_product p, bool a_turned, bool b_turned, size_t border)
{
    struct nn_operand a      = {a_room, (a_turned ? p.m : p.k) + border, a_turned};
    struct nn_operand b      = {b_room, (b_turned ? p.k : p.n) + border, b_turned};
    size_t            stride = p.n + border;
    assert_true(p.m * stride <= ROOM && (a_turned ? p.k : p.m) * a.stride <= ROOM &&
                (b_turned ? p.n : p.k) * b.stride <= ROOM);
    fill(before, p.m * stride, 3);
    memcpy(c_room, before, p.m * stride * sizeof *before);
    for (size_t i = 0; p.beta == 0 && i < p.m; i++)
        for (size_t j = 0; j < p.n; j++)
            c_room[i * stride + j] = (nn_real)NAN; /* need not be initialised */
    nn_gemm(c_room, stride, a, b, p);
    for (size_t i = 0; i < p.m; i++)
        for (size_t j = 0; j < stride; j++) {
            double sum = 0, old = (double)before[i * stride + j], tolerance = 0;
            for (size_t t = 0; j < p.n && t < p.k; t++)
                sum += (double)at(&a, i, t) * (double)at(&b, t, j);
            if (j < p.n) {
                tolerance = (sizeof(nn_real) == 8 ? 1e-14 : 4e-7) * (4 + (double)p.k);
                old       = (double)p.alpha * sum + (double)p.beta * old;
            }
            if (!(fabs((double)c_room[i * stride + j] - old) <= tolerance))
                fail_msg("(%zu,%zu,%zu) %d %d on %s: [%zu,%zu] is %g, not %g", p.m, p.n, p.k,
                         a_turned, b_turned, nn_cpu_names[nn_cpu_level()], i, j,
                         (double)c_room[i * stride + j], old);
        }
}

/* Calls `look` once for each level. */
static void
on_every_level(void (*look)(void))
{
    for (enum nn_cpu level = NN_CPU_BASE; level < NN_CPU_COUNT; level++) {
        if (!nn_cpu_has(level)) {
            print_message("this machine has no %s, not looked at\n", nn_cpu_names[level]);
            continue;
        }
        nn_cpu_limit(level);
        look();
    }
    nn_cpu_limit(NN_CPU_AVX512);
}

static void
all_ways(size_t m, size_t n, size_t k)
{
    static const nn_real factors[][2] = {{1, 0}, {1, 1}, {(nn_real)-0.5, (nn_real)0.75}};
    for (size_t f = 0; f < 3; f++)
        for (int turned = 0; turned < 4; turned++)
            expect_product((struct nn_product){m, n, k, factors[f][0], factors[f][1]}, turned & 1,
                           turned & 2, f);
}

static void
small_shapes(void)
{
    static const size_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 24, 31, 32, 33};
    enum {
        SIZES = sizeof sizes / sizeof sizes[0]
    };
    for (size_t i = 0; i < SIZES; i++)
        for (size_t j = 0; j < SIZES; j++)
            for (size_t k = (i + j) % 4; k < SIZES; k += 4)
                all_ways(sizes[i], sizes[j], sizes[k]);
}

static void
small_products_are_right(void **state)
{
    (void)state;
    fill(a_room, ROOM, 1);
    fill(b_room, ROOM, 2);
    on_every_level(small_shapes);
}

/* Around the depth of a panel, the widths of panels, and where BLAS takes over. */
static void
large_shapes(void)
{
    static const size_t shapes[][3] = {{10, 200, 784}, {64, 30, 255}, {7, 65, 256},   {7, 33, 257},
                                       {16, 31, 513},  {17, 31, 513}, {3, 100, 300},  {100, 90, 10},
                                       {1, 257, 300},  {13, 2, 600},  {260, 257, 260}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        all_ways(shapes[i][0], shapes[i][1], shapes[i][2]);
}

static void
large_products_are_right(void **state)
{
    (void)state;
    fill(a_room, ROOM, 1);
    fill(b_room, ROOM, 2);
    on_every_level(large_shapes);
}

static void
a_row_for_all(void)
{
    static const size_t shapes[][3] = {{10, 20, 30}, {32, 2, 32},   {3, 30, 50},
                                       {10, 9, 300}, {64, 33, 257}, {260, 257, 260}};
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        size_t            m = shapes[s][0], n = shapes[s][1], k = shapes[s][2];
        struct nn_operand a = {a_room, k, false}, b = {b_room, k, true};
        nn_real           row[300];
        fill(row, n, 4);
        nn_gemm_onto(c_room, row, a, b, (struct nn_product){m, n, k, 1, 1});
        for (size_t i = 0; i < m; i++)
            memcpy(before + i * n, row, n * sizeof *row);
        nn_gemm(before, n, a, b, (struct nn_product){m, n, k, 1, 1});
        assert_memory_equal(c_room, before, m * n * sizeof *row);
    }
}

static void
a_bias_gives_the_bits_of_rows_filled_with_it(void **state)
{
    (void)state;
    fill(a_room, ROOM, 1);
    fill(b_room, ROOM, 2);
    on_every_level(a_row_for_all);
}

/* All rows of A are equal; so must all rows of C be, to the bit. */
static void
equal_rows(void)
{
    static const size_t shapes[][2] = {{64, 30}, {2, 32}, {30, 16}, {10, 784}, {33, 300}, {7, 9}};
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (size_t m = 1; m <= 67; m++)
            for (int turned = 0; turned < 2; turned++) {
                size_t n = shapes[s][0], k = shapes[s][1];
                fill(a_room, k, 9);
                for (size_t i = 1; i < m; i++)
                    memcpy(a_room + i * k, a_room, k * sizeof *a_room);
                nn_gemm(c_room, n, (struct nn_operand){a_room, k, false},
                        (struct nn_operand){b_room, turned ? k : n, turned},
                        (struct nn_product){m, n, k, 1, 0});
                for (size_t i = 1; i < m; i++)
                    assert_memory_equal(c_room, c_room + i * n, n * sizeof *c_room);
            }
}

static void
a_row_has_the_same_bits_wherever_it_stands(void **state)
{
    (void)state;
    fill(b_room, ROOM, 2);
    /* BLAS makes no such promise: only the levels with products of our own. */
    for (enum nn_cpu level = NN_CPU_AVX2; level < NN_CPU_COUNT; level++)
        if (nn_cpu_has(level)) {
            nn_cpu_limit(level);
            equal_rows();
        }
    nn_cpu_limit(NN_CPU_AVX512);
}

static int
start_up(void **state)
{
    (void)state;
    return nn_start_up() == PN_OK ? 0 : -1;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_products_are_right),
        cmocka_unit_test(large_products_are_right),
        cmocka_unit_test(a_bias_gives_the_bits_of_rows_filled_with_it),
        cmocka_unit_test(a_row_has_the_same_bits_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, start_up, NULL);
}
