/* The product with a packed matrix and the fast gates, for this machine; test_packed_plain.c has
 * the same for machines without AVX2. */
#include "nnlib/gate.h"
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
    for (size_t i = 0; i < sizeof ms / sizeof ms[0]; i++)
        for (size_t j = 0; j < sizeof ns / sizeof ns[0]; j++)
            for (size_t x = 0; x < sizeof ks / sizeof ks[0]; x++)
                check_product((struct nn_few_rows){ms[i], ns[j], ks[x], ks[x] + 3, ns[j] + 2},
                              (i + j + x) % 2 == 0);
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

/* Every 1009th float of -100..100, and what lies beyond. */
static void
gates_are_within_their_bounds(void **state)
{
    (void)state;
    float  v[9], s[9], t[9];
    double worst_s = 0, worst_t = 0;
    for (uint32_t bits = 0; bits < 0x42c80000u;) {
        for (size_t k = 0; k < 9; k++, bits += 1009) {
            memcpy(&v[k], &bits, sizeof v[k]);
            v[k] = k % 2 == 0 ? v[k] : -v[k];
        }
        memcpy(s, v, sizeof s);
        nn_gate_sigmoid(s, 9);
        nn_gate_tanh(t, v, 9);
        for (size_t k = 0; k < 9; k++) {
            double x = (double)v[k], f = 1 / (1 + exp(-x)), g = tanh(x);
            double small = (double)FLT_MIN;
            worst_s      = fmax(worst_s, fabs((double)s[k] - f) / fmax(f, 1e-30));
            worst_t      = fmax(worst_t, fabs((double)t[k] - g) / fmax(fabs(g), small));
        }
    }
    if (worst_s > 2e-7 || worst_t > 2e-7)
        fail_msg("relative errors: sigmoid %.3g, tanh %.3g", worst_s, worst_t);
}

static void
gates_saturate_and_keep_nan(void **state)
{
    (void)state;
    float v[] = {INFINITY, 1e30f, 18, -INFINITY, -1e30f, NAN, 0, -0.0f}, s[8], t[8];
    memcpy(s, v, sizeof s);
    nn_gate_sigmoid(s, 8);
    nn_gate_tanh(t, v, 8);
    for (size_t k = 0; k < 3; k++)
        assert_true(s[k] == 1 && t[k] == 1);
    for (size_t k = 3; k < 5; k++)
        assert_true(s[k] >= 0 && s[k] < 2e-38f && t[k] == -1);
    assert_true(isnan(s[5]) && isnan(t[5]));
    assert_true(s[6] == 0.5f && s[7] == 0.5f && t[6] == 0 && t[7] == 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_equal_a_plain_loop_for_all_shapes),
        cmocka_unit_test(a_row_has_the_same_bits_in_every_batch),
        cmocka_unit_test(gates_are_within_their_bounds),
        cmocka_unit_test(gates_saturate_and_keep_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
