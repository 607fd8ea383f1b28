/* Errors against libm in double, on every level that this machine has.
 *
 *     unit.vmath [step]      looks at every step-th float; step 1 is all of them (minutes)
 */
#include "nnlib/cpu.h"
#include "nnlib/vmath.h"

#include "support/expect.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double
sigmoid(double x)
{
    return (x < 0 ? exp(x) : 1) / (1 + exp(-fabs(x)));
}

static double
softplus(double x)
{
    return (x < 0 ? 0 : x) + log1p(exp(-fabs(x)));
}

static const struct function {
    const char *name;
    void (*all)(float *out, const float *x, size_t count);
    double (*one)(double x);
    double bound; /* units of the last place, as the header says */
} functions[] = {
    {"exp", nn_vmath_exp, exp, 1.1},
    {"expm1", nn_vmath_expm1, expm1, 1.6},
    {"log", nn_vmath_log, log, 0.9},
    {"tanh", nn_vmath_tanh, tanh, 1.4},
    {"sigmoid", nn_vmath_sigmoid, sigmoid, 2.6},
    {"softplus", nn_vmath_softplus, softplus, 2.6},
};
enum {
    FUNCTIONS = sizeof functions / sizeof functions[0],
    RUN       = 1000 /* not a whole number of blocks */
};

static uint64_t step = 4099;

/* |y - right| in units of the last place of a float near `right`. */
static double
error_of(float y, double right)
{
    int exponent;
    if (isnan(right) || isnan(y))
        return isnan(right) && isnan(y) ? 0 : (double)INFINITY;
    if (fabs(right) > (double)FLT_MAX || isinf(y)) {
        /* Half a unit above FLT_MAX rounds to infinity. */
        if (isinf(y) && fabs(right) > 0x1.ffffffp127 && (y > 0) == (right > 0))
            return 0;
        right = isinf(right) ? (right > 0 ? 0x1p128 : -0x1p128) : right;
        return isinf(y) ? fabs((y > 0 ? 0x1p128 : -0x1p128) - right) / 0x1p104
                        : fabs((double)y - right) / 0x1p104;
    }
    (void)frexp(right, &exponent);
    return fabs((double)y - right) / ldexp(1, exponent - 24 < -149 ? -149 : exponent - 24);
}

static void
errors_stay_within_the_bounds(void **state)
{
    (void)state;
    static float x[RUN], y[RUN];
    for (int f = 0; f < FUNCTIONS; f++) {
        double   worst = 0, at = 0;
        uint64_t bits = 0;
        while (bits <= UINT32_MAX) {
            size_t count = 0;
            for (; count < RUN && bits <= UINT32_MAX; count++, bits += step) {
                uint32_t pattern = (uint32_t)bits;
                memcpy(&x[count], &pattern, sizeof pattern);
            }
            functions[f].all(y, x, count);
            for (size_t i = 0; i < count; i++) {
                double error = error_of(y[i], functions[f].one((double)x[i]));
                if (error > worst) {
                    worst = error;
                    at    = (double)x[i];
                }
            }
        }
        print_message("%-9s %.3f units at %.9g\n", functions[f].name, worst, at);
        if (!(worst <= functions[f].bound))
            fail_msg("%s: %.3f units of the last place at %.9g, the bound is %.1f",
                     functions[f].name, worst, at, functions[f].bound);
    }
}

static void
ends_of_the_range_are_right(void **state)
{
    (void)state;
    static const struct {
        float x, y[FUNCTIONS];
    } rows[] = {
        {0, {1, 0, -INFINITY, 0, 0.5f, 0.693147182f}},
        {INFINITY, {INFINITY, INFINITY, INFINITY, 1, 1, INFINITY}},
        {-INFINITY, {0, -1, NAN, -1, 0, 0}},
        {FLT_MAX, {INFINITY, INFINITY, 88.7228394f, 1, 1, FLT_MAX}},
        {-FLT_MAX, {0, -1, NAN, -1, 0, 0}},
        {1e4f, {INFINITY, INFINITY, 9.21034050f, 1, 1, 1e4f}},
        {-1e4f, {0, -1, NAN, -1, 0, 0}},
        {0x1p-149f, {1, 0x1p-149f, -103.278931f, 0x1p-149f, 0.5f, 0.693147182f}},
    };
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        for (int f = 0; f < FUNCTIONS; f++) {
            float y;
            functions[f].all(&y, &rows[r].x, 1);
            if (error_of(y, (double)rows[r].y[f]) > 1)
                fail_msg("%s(%g) = %.9g", functions[f].name, (double)rows[r].x, (double)y);
        }
    float zero = -0.0f, y;
    nn_vmath_tanh(&y, &zero, 1);
    assert_true(signbit(y));
    float far = -1e4f;
    nn_vmath_exp(&y, &far, 1);
    assert_true(y == 0.0f);
}

/* Numbers of all sizes, some of them no numbers. */
static void
fill_with_patterns(float *x, size_t count)
{
    uint32_t bits = 12345;
    for (size_t i = 0; i < count; i++) {
        bits = bits * 1664525u + 1013904223u;
        memcpy(&x[i], &bits, sizeof bits);
        x[i] = i % 3 == 0 ? (float)(bits % 4001) / 100.0f - 20.0f : x[i];
    }
}

static void
expect_same(const float *a, const float *b, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(&a[i], &b[i], sizeof a[i]) != 0 && !(isnan(a[i]) && isnan(b[i])))
            fail_msg("%s: %.9g and %.9g at %zu", what, (double)a[i], (double)b[i], i);
}

static void
every_level_gives_the_same_bits(void **state)
{
    (void)state;
    static float x[RUN], base[RUN], y[RUN];
    fill_with_patterns(x, RUN);
    for (int f = 0; f < FUNCTIONS; f++) {
        nn_cpu_limit(NN_CPU_BASE);
        functions[f].all(base, x, RUN);
        for (enum nn_cpu level = NN_CPU_AVX2; level < NN_CPU_COUNT; level++) {
            if (!nn_cpu_has(level)) {
                print_message("%s: this machine has no %s, not looked at\n", functions[f].name,
                              nn_cpu_names[level]);
                continue;
            }
            nn_cpu_limit(level);
            assert_int_equal(nn_cpu_level(), level);
            functions[f].all(y, x, RUN);
            expect_same(y, base, RUN, functions[f].name);
        }
    }
    nn_cpu_limit(NN_CPU_AVX512);
}

static void
a_number_has_the_same_result_wherever_it_stands(void **state)
{
    (void)state;
    static float x[RUN], whole[RUN], part[RUN];
    fill_with_patterns(x, RUN);
    for (int f = 0; f < FUNCTIONS; f++) {
        functions[f].all(whole, x, RUN);
        for (size_t from = 0; from < 70; from++)
            for (size_t count = 1; count < 70; count += 7) {
                functions[f].all(part, x + from, count);
                expect_same(part, whole + from, count, functions[f].name);
            }
        memcpy(part, x, sizeof x); /* in place, and not one number further */
        functions[f].all(part, part, 37);
        expect_same(part, whole, 37, functions[f].name);
        expect_same(part + 37, x + 37, RUN - 37, functions[f].name);
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_stay_within_the_bounds),
        cmocka_unit_test(ends_of_the_range_are_right),
        cmocka_unit_test(every_level_gives_the_same_bits),
        cmocka_unit_test(a_number_has_the_same_result_wherever_it_stands),
    };
    if (argc > 1)
        step = strtoull(argv[1], NULL, 10);
    return step == 0 ? 2 : cmocka_run_group_tests(tests, NULL, NULL);
}
