/* The product with a packed matrix, at every level of instructions that this machine has. */
#include "nnlib/cpu.h"
#include "nnlib/packed.h"

#include "base/rng.h"
#include "support/expect.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static float *
numbers(size_t count, uint64_t seed)
{
    struct pn_rng rng;
    float        *out = aligned_alloc(64, (count * sizeof *out + 127) / 64 * 64);
    assert_non_null(out);
    pn_rng_init(&rng, seed);
    for (size_t k = 0; k < count; k++)
        out[k] = (float)pn_rng_normal(&rng);
    return out;
}

/* C has two numbers more a row, which stay as they are. */
static void
check_product(struct nn_few_rows p, bool transposed)
{
    float *a = numbers(p.m * p.a_stride, 1), *b = numbers(p.k * p.n, 2);
    float *c = numbers(p.m * p.c_stride, 3), *before = numbers(p.m * p.c_stride, 3);
    float *packed = numbers(nn_packed_count(p.k, p.n), 4);
    nn_pack(packed, (struct nn_operand){b, transposed ? p.k : p.n, transposed}, p.k, p.n);
    nn_packed_add(c, a, packed, p);
    for (size_t i = 0; i < p.m; i++) {
        for (size_t j = 0; j < p.n; j++) {
            double sum = (double)before[i * p.c_stride + j], size = fabs(sum);
            for (size_t x = 0; x < p.k; x++) {
                double part = (double)a[i * p.a_stride + x] *
                              (double)b[transposed ? j * p.k + x : x * p.n + j];
                sum += part;
                size += fabs(part);
            }
            double apart = fabs((double)c[i * p.c_stride + j] - sum);
            if (apart > (double)(p.k + 2) * FLT_EPSILON * size)
                fail_msg("m %zu n %zu k %zu, c[%zu,%zu]: %g apart from %g", p.m, p.n, p.k, i, j,
                         apart, sum);
        }
        for (size_t j = p.n; j < p.c_stride; j++)
            assert_true(c[i * p.c_stride + j] == before[i * p.c_stride + j]);
    }
    free(a);
    free(b);
    free(c);
    free(before);
    free(packed);
}

static void
products_equal_a_plain_loop_for_all_shapes(void **state)
{
    (void)state;
    static const size_t ms[] = {1, 2, 3, 4, 5, 6, 7, 10, 13, 32}, ns[] = {1, 15, 16, 17, 40, 64};
    static const size_t ks[] = {1, 3, 64, 255, 256, 300, 515};
    for (enum nn_cpu level = NN_CPU_BASE; level < NN_CPU_COUNT; level++) {
        nn_cpu_limit(level);
        for (size_t i = 0; i < sizeof ms / sizeof ms[0]; i++)
            for (size_t j = 0; j < sizeof ns / sizeof ns[0]; j++)
                for (size_t x = 0; x < sizeof ks / sizeof ks[0]; x++)
                    check_product((struct nn_few_rows){ms[i], ns[j], ks[x], ks[x] + 3, ns[j] + 2},
                                  (i + j + x) % 2 == 0);
    }
}

static void
a_row_has_the_same_bits_in_every_batch(void **state)
{
    (void)state;
    enum {
        M = 13,
        N = 37,
        K = 300
    };
    float *a = numbers(M * K, 1), *b = numbers(K * N, 2), *packed = numbers(K * 48, 3);
    float *all = numbers(M * N, 4), *one = numbers(M * N, 4);
    assert_true(nn_packed_count(K, N) == (size_t)K * 48);
    nn_pack(packed, (struct nn_operand){b, N, false}, K, N);
    nn_packed_add(all, a, packed, (struct nn_few_rows){M, N, K, K, N});
    for (size_t i = 0; i < M; i++)
        nn_packed_add(one + i * N, a + i * K, packed, (struct nn_few_rows){1, N, K, K, N});
    assert_memory_equal(all, one, M * N * sizeof *all);
    free(a);
    free(b);
    free(packed);
    free(all);
    free(one);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_equal_a_plain_loop_for_all_shapes),
        cmocka_unit_test(a_row_has_the_same_bits_in_every_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
