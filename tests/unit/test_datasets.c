/*
 * Every real dataset through its section in examples/data, beside what NumPy reads from the same
 * files (tests/vectors/make_datasets.py): counts, and sums that know each value's place.
 */
#include "support/records.h"

#include <math.h>

static const struct {
    const char *name, *source; /* source: instead of that of the example; NULL = that one */
    uint32_t    rows, features, targets;
    double      x, x_weighted, y, y_weighted;
} datasets[] = {
#include "vectors/datasets.inc"
};

static const char *
root_of_data(void)
{
    const char *root = getenv("PANAL_DATA");
    return root != NULL ? root : PN_SOURCE_DIR "/../shared/data";
}

static void
expect_near(double expected, double seen, const char *name, const char *what)
{
    if (fabs(expected - seen) > 1e-9 * (1.0 + fabs(expected)))
        fail_msg("%s: %s: NumPy has %.17g, panal %.17g", name, what, expected, seen);
}

static void
expect_sums(const float *values, size_t count, double plain, double weighted, const char *name)
{
    double sum = 0.0, of_weighted = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)values[i];
        of_weighted += (double)values[i] * (double)(i % 97 + 1);
    }
    expect_near(plain, sum, name, "sum");
    expect_near(weighted, of_weighted, name, "weighted sum");
}

static struct text_yaml *
example(const char *name)
{
    char              path[FOLDER_PATH];
    static uint8_t    text[65536];
    struct text_yaml *out = NULL;
    snprintf(path, sizeof path, PN_SOURCE_DIR "/examples/data/%s.yaml", name);
    size_t size = folder_read(text, sizeof text, path);
    EXPECT_OK(text_yaml_parse(&out, path, (const char *)text, size, &why));
    return out;
}

static void
check(size_t at, const struct data_schema *schema, const struct data_source *source)
{
    const char        *name = datasets[at].name;
    struct data_table *t    = NULL;
    struct data_parts  parts;
    struct pn_rng      rng;
    if (data_table_load(&t, schema, source, (uint64_t)1 << 30, &why) != PN_OK)
        fail_msg("%s: %s", name, why.text);
    assert_int_equal(t->rows, datasets[at].rows);
    assert_int_equal(schema->feature_count, datasets[at].features);
    assert_int_equal(schema->target_size, datasets[at].targets);
    expect_sums(t->x, (size_t)t->rows * schema->feature_count, datasets[at].x,
                datasets[at].x_weighted, name);
    expect_sums(t->target, (size_t)t->rows * schema->target_size, datasets[at].y,
                datasets[at].y_weighted, name);
    pn_rng_init(&rng, 1);
    EXPECT_OK(data_table_split(&parts, t, &rng, &why));
    assert_int_equal(parts.train + parts.validation + parts.test, t->rows);
    data_table_free(t);
}

static void
datasets_are_what_numpy_reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof datasets / sizeof datasets[0]; i++) {
        struct text_yaml       *job = example(datasets[i].name), *other = NULL;
        const struct text_node *node = text_find(text_yaml_root(job), "source");
        struct data_schema     *schema;
        struct data_source      source;
        if (data_schema_decode(&schema, job, text_find(text_yaml_root(job), "data"), &why) != PN_OK)
            fail_msg("%s", why.text);
        if (datasets[i].source != NULL)
            EXPECT_OK(text_yaml_parse(&other, "source", datasets[i].source,
                                      strlen(datasets[i].source), &why));
        if (data_source_decode(&source, other != NULL ? other : job,
                               other != NULL ? text_yaml_root(other) : node, ".", root_of_data(),
                               &why) != PN_OK)
            fail_msg("%s", why.text);
        check(i, schema, &source);
        data_source_fini(&source);
        data_schema_free(schema);
        text_yaml_free(other);
        text_yaml_free(job);
    }
}

/* The sums that a federation pools, over windows: every value of every window counts. */
static void
windows_of_engines_standardise(void **state)
{
    (void)state;
    struct text_yaml   *job = example("cmapss");
    struct data_schema *schema;
    struct data_source  source;
    struct data_table  *t;
    struct data_sums    sums[17];
    struct data_scaling scaling[17];
    EXPECT_OK(data_schema_decode(&schema, job, text_find(text_yaml_root(job), "data"), &why));
    EXPECT_OK(data_source_decode(&source, job, text_find(text_yaml_root(job), "source"), ".",
                                 root_of_data(), &why));
    EXPECT_OK(data_table_load(&t, schema, &source, (uint64_t)1 << 30, &why));
    assert_int_equal(schema->numeric_count, 17);
    EXPECT_OK(data_table_sums(sums, t, 0, t->rows, &why));
    EXPECT_OK(data_scaling_from_sums(scaling, sums, schema, &why));
    data_table_scale(t, scaling);
    for (size_t f = 0; f < 17; f++) {
        double mean = 0.0, squares = 0.0, n = 30.0 * t->rows;
        for (size_t i = f; i < (size_t)t->rows * 510; i += 17) {
            mean += (double)t->x[i] / n;
            squares += (double)t->x[i] * (double)t->x[i] / n;
        }
        assert_true(sums[f].count == (uint64_t)30 * t->rows);
        assert_true(fabs(mean) < 1e-4 && fabs(squares - 1.0) < 1e-4);
    }
    data_table_free(t);
    data_source_fini(&source);
    data_schema_free(schema);
    text_yaml_free(job);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datasets_are_what_numpy_reads),
        cmocka_unit_test(windows_of_engines_standardise),
    };
    if (access(root_of_data(), R_OK) != 0) {
        print_message("SKIPPED: there is no %s; set PANAL_DATA to the folder of the datasets\n",
                      root_of_data());
        return 77;
    }
    return cmocka_run_group_tests(tests, records_setup, records_teardown);
}
