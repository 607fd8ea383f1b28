#include "support/records.h"

#include <math.h>

static const char one_column[] = "{ format: csv, columns: [ { name: x, type: numeric, scale: "
                                 "standard }, { name: y, type: target } ] }";

static struct data_sums
sums_of(const struct data_schema *schema, const float *x, uint32_t rows)
{
    float             target[1];
    struct data_sums  sums;
    struct data_table table = {.schema = schema, .x = (float *)(uintptr_t)x, .target = target};
    table.rows              = rows;
    EXPECT_OK(data_table_sums(&sums, &table, 0, rows, &why));
    return sums;
}

static void
sums_are_exact_and_skip_missing_values(void **state)
{
    (void)state;
    struct data_schema *s    = schema_of(one_column);
    const float         x[]  = {1.5f, NAN, -2.0f, 0x1p-25f, 0x1p38f};
    struct data_sums    sums = sums_of(s, x, 5);
    const pn_i128       one = (pn_i128)1 << 24, big = (pn_i128)1 << 62;
    assert_int_equal(sums.count, 4);
    assert_true(sums.sum == -one / 2 + 0 + big); /* rint(0.5) is 0 */
    assert_true(sums.sum_of_squares == (9 * one * one) / 4 + 4 * one * one + big * big);
    const float ties[] = {-0x1.8p-24f, 0x1.8p-24f, 0x1.4p-24f}; /* to the nearest, ties to even */
    sums               = sums_of(s, ties, 3);
    assert_true(sums.sum == -2 + 2 + 1 && sums.sum_of_squares == 4 + 4 + 1);
    struct data_sums tail = sums_of(s, x + 2, 1);
    assert_int_equal(tail.count, 1);
    assert_true(tail.sum == -2 * one);
    data_schema_free(s);
}

static void
sums_beyond_their_range_are_refused(void **state)
{
    (void)state;
    struct data_schema *s     = schema_of(one_column);
    float               x[9]  = {0x1.000002p38f}, target[9];
    struct data_table   table = {.schema = s, .x = x, .target = target, .rows = 9};
    struct data_sums    sums;
    EXPECT_STATUS(PN_EDATA, data_table_sums(&sums, &table, 0, 1, &why));
    EXPECT_SAYS(&why, "column \"x\": the value 2.74878e+11 is beyond 2^38");
    x[0] = INFINITY;
    EXPECT_STATUS(PN_EDATA, data_table_sums(&sums, &table, 0, 1, &why));
    for (int i = 0; i < 9; i++)
        x[i] = -0x1p38f;
    EXPECT_OK(data_table_sums(&sums, &table, 0, 7, &why));
    EXPECT_STATUS(PN_EDATA, data_table_sums(&sums, &table, 0, 8, &why)); /* 8 * 2^124 */
    EXPECT_SAYS(&why, "sum of squares is too large");
    data_schema_free(s);
}

static void
adding_sums_reports_overflow_and_changes_nothing(void **state)
{
    (void)state;
    const pn_i128    most = (pn_i128)(((pn_u128)1 << 127) - 1);
    struct data_sums a = {1, 2, most}, b = {1, 1, 1};
    assert_false(data_sums_add(&a, &b));
    assert_true(a.count == 1 && a.sum == 2 && a.sum_of_squares == most);
    a = (struct data_sums){UINT64_MAX, 0, 0};
    assert_false(data_sums_add(&a, &b));
    a = (struct data_sums){3, -5, 7};
    assert_true(data_sums_add(&a, &b));
    assert_true(a.count == 4 && a.sum == -4 && a.sum_of_squares == 8);
}

static void
scaling_of_a_large_mean_loses_nothing(void **state)
{
    (void)state;
    struct data_schema *s = schema_of(one_column);
    /* Float steps at 2^37 are 2^14: mean 2^37, deviation 2^14. S2 of naive doubles would lose it.
     */
    const float         x[]  = {0x1p37f - 0x1p14f, 0x1p37f + 0x1p14f};
    struct data_sums    sums = sums_of(s, x, 2);
    struct data_scaling scaling;
    EXPECT_OK(data_scaling_from_sums(&scaling, &sums, s, &why));
    assert_true(scaling.mean == 0x1p37 && scaling.deviation == 0x1p14);

    for (int sign = -1; sign <= 1; sign += 2) { /* 0, 1, 1 quanta: a mean between two quanta */
        const float y[] = {0.0f, (float)sign * 0x1p-24f, (float)sign * 0x1p-24f};
        sums            = sums_of(s, y, 3);
        EXPECT_OK(data_scaling_from_sums(&scaling, &sums, s, &why));
        assert_true(fabs(scaling.mean * 0x1p24 - sign * 2.0 / 3.0) < 1e-15);
        assert_true(fabs(scaling.deviation * 0x1p24 - sqrt(2.0 / 9.0)) < 1e-15);
    }
    data_schema_free(s);
}

static void
impossible_sums_are_refused(void **state)
{
    (void)state;
    const pn_i128                 one = (pn_i128)1 << 24, most = (pn_i128)(((pn_u128)1 << 127) - 1);
    struct data_schema           *s = schema_of(one_column);
    struct data_scaling           scaling;
    static const struct data_sums none = {0, 0, 0};
    EXPECT_STATUS(PN_EDATA, data_scaling_from_sums(&scaling, &none, s, &why));
    EXPECT_SAYS(&why, "column \"x\": no site has a value");
    const struct data_sums constant = {3, 6 * one, 12 * one * one};
    EXPECT_STATUS(PN_EDATA, data_scaling_from_sums(&scaling, &constant, s, &why));
    EXPECT_SAYS(&why, "the same value");
    const struct data_sums bad[] = {
        {3, 6 * one,
         12 * one * one - 1}, /* the square of the mean is larger than the mean square */
        {3, 0, -1},
        {1, most, most},
        {1, -most - 1, most},
        {UINT64_MAX, -most - 1, most},
        {3, -((pn_i128)1 << 64) + 1, 0},
        {(uint64_t)1 << 63, ((pn_i128)1 << 95) - 1, 0}, /* S1^2 / n is 2^127 - 2^33 */
        {2, one << 70, most},                           /* a mean beyond 2^38 */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        EXPECT_STATUS(PN_EDATA, data_scaling_from_sums(&scaling, &bad[i], s, &why));
        EXPECT_SAYS(&why, "contradict each other");
    }
    data_schema_free(s);
}

/* Sites with very different numbers, split at random: the pooled sums and scaling have the same
 * bits. */
static void
pooled_sums_equal_the_sums_over_any_sites(void **state)
{
    (void)state;
    enum {
        ROWS = 500
    };
    struct data_schema *s = schema_of(one_column);
    struct pn_rng       rng;
    pn_rng_init(&rng, 5);
    for (int trial = 0; trial < 50; trial++) {
        float            x[ROWS];
        struct data_sums total = {0, 0, 0}, pooled;
        double           size  = fmax(exp(8.0 * pn_rng_normal(&rng)), 1e-3);
        for (int i = 0; i < ROWS; i++)
            x[i] = pn_rng_below(&rng, 9) == 0 ? NAN : (float)fmin(size * pn_rng_normal(&rng), 1e11);
        for (uint32_t at = 0; at < ROWS;) {
            uint32_t         rows = (uint32_t)pn_rng_below(&rng, ROWS - at) + 1;
            struct data_sums site = sums_of(s, x + at, rows);
            assert_true(data_sums_add(&total, &site));
            at += rows;
        }
        pooled = sums_of(s, x, ROWS);
        assert_true(total.count == pooled.count && total.sum == pooled.sum &&
                    total.sum_of_squares == pooled.sum_of_squares);
        struct data_scaling a, b;
        EXPECT_OK(data_scaling_from_sums(&a, &total, s, &why));
        EXPECT_OK(data_scaling_from_sums(&b, &pooled, s, &why));
        assert_memory_equal(&a, &b, sizeof a);
    }
    data_schema_free(s);
}

static void
scaling_travels_as_bytes(void **state)
{
    (void)state;
    const struct data_scaling from[2] = {{-1.25, 0x1p-80}, {3e9, 2.0}};
    struct data_scaling       to[2];
    uint8_t                   bytes[32];
    data_scaling_encode(bytes, from, 2);
    EXPECT_OK(data_scaling_decode(to, 2, bytes, 32));
    assert_memory_equal(from, to, sizeof from);
    EXPECT_STATUS(PN_EPEER_FORMAT, data_scaling_decode(to, 2, bytes, 31));
    EXPECT_STATUS(PN_EPEER_FORMAT, data_scaling_decode(to, 1, bytes, 32));
    const struct data_scaling bad[] = {{NAN, 1},  {INFINITY, 1}, {0, 0},    {0, -1},
                                       {0, NAN},  {1e12, 1},     {0, 1e12}, {0, 0x1p-100},
                                       {0, -NAN}, {0, INFINITY}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        data_scaling_encode(bytes, &bad[i], 1);
        EXPECT_STATUS(PN_EPEER_VALUE, data_scaling_decode(to, 1, bytes, 16));
    }
}

static void
scaled_records_have_mean_0_and_deviation_1(void **state)
{
    (void)state;
    struct data_schema *s =
        schema_of("{ format: csv, columns: [ { name: a, type: numeric, scale: standard }, "
                  "{ name: k, type: numeric, indicator: true }, "
                  "{ name: b, type: numeric, scale: standard }, { name: y, type: target } ] }");
    struct data_table  *t = table_of(s, "a,k,b,y\n10,5,-1,0\n20,,1,0\n,6,3,0\n30,7,,0\n");
    struct data_sums    sums[2];
    struct data_scaling scaling[2];
    EXPECT_OK(data_table_sums(sums, t, 0, 4, &why));
    EXPECT_OK(data_scaling_from_sums(scaling, sums, s, &why));
    assert_true(scaling[0].mean == 20.0 && scaling[1].mean == 1.0);
    data_table_scale(t, scaling);
    const double a = 10.0 / scaling[0].deviation, b = 2.0 / scaling[1].deviation;
    const double x[4][4] = {{-a, 5, 0, -b}, {0, 0, 1, 0}, {0, 6, 0, b}, {a, 7, 0, 0}};
    for (size_t i = 0; i < 4; i++)
        for (size_t f = 0; f < 4; f++)
            assert_true(fabs((double)t->x[4 * i + f] - x[i][f]) < 1e-6);
    data_table_free(t);
    data_schema_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_exact_and_skip_missing_values),
        cmocka_unit_test(sums_beyond_their_range_are_refused),
        cmocka_unit_test(adding_sums_reports_overflow_and_changes_nothing),
        cmocka_unit_test(scaling_of_a_large_mean_loses_nothing),
        cmocka_unit_test(impossible_sums_are_refused),
        cmocka_unit_test(pooled_sums_equal_the_sums_over_any_sites),
        cmocka_unit_test(scaling_travels_as_bytes),
        cmocka_unit_test(scaled_records_have_mean_0_and_deviation_1),
    };
    return cmocka_run_group_tests(tests, records_setup, records_teardown);
}
