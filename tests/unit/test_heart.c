/* The four hospitals' files as published, through the schema of examples/heart. */
#include "support/records.h"

#include "vectors/heart.h"

#include <math.h>

enum {
    SITES = 4
};

static const char *const site_names[SITES] = {"cleveland", "hungarian", "switzerland", "va"};

/* The data section of the example; the whole job is the business of fed/job. */
static struct data_schema *
example_schema(void)
{
    static char text[65536];
    FILE       *file = fopen(PN_SOURCE_DIR "/examples/heart/job.yaml", "rb");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text_yaml_free(yaml);
    EXPECT_OK(text_yaml_parse(&yaml, "job.yaml", text, size, &why));
    struct data_schema *schema = NULL;
    if (data_schema_decode(&schema, yaml, text_find(text_yaml_root(yaml), "data"), &why) != PN_OK)
        fail_msg("%s", why.text);
    return schema;
}

static struct data_table *
load_site(const struct data_schema *schema, int site)
{
    char name[128], path[FOLDER_PATH], *files[] = {path};
    snprintf(name, sizeof name, "heart-disease-4-hospitals/processed.%s.data", site_names[site]);
    const struct data_source source = {.files = files, .file_count = 1};
    struct data_table       *table  = NULL;
    (void)dataset(path, name);
    if (data_table_load(&table, schema, &source, 1u << 20, &why) != PN_OK)
        fail_msg("%s", why.text);
    return table;
}

static bool
data_is_here(void)
{
    char path[FOLDER_PATH];
    (void)dataset(path, "heart-disease-4-hospitals/processed.va.data");
    return true;
}

static void
hospitals_have_their_known_rows_and_missing_values(void **state)
{
    (void)state;
    static const struct {
        uint64_t rows, healthy, trestbps, chol, fbs, restecg, thalach, exang, oldpeak;
    } known[SITES] = {
        {303, 164, 0, 0, 0, 0, 0, 0, 0},
        {294, 188, 1, 23, 8, 1, 1, 1, 0},
        {123, 8, 2, 123, 75, 1, 1, 1, 6},
        {200, 51, 56 + 1, 7 + 49, 7, 0, 53, 53, 56},
    };
    assert_true(data_is_here());
    struct data_schema *s = example_schema();
    for (int site = 0; site < SITES; site++) {
        struct data_table *t = load_site(s, site);
        struct data_report r;
        EXPECT_OK(data_report_make(&r, t));
        assert_int_equal(r.rows, known[site].rows);
        assert_int_equal(r.class_rows[0], known[site].healthy);
        assert_int_equal(r.class_rows[1], known[site].rows - known[site].healthy);
        assert_int_equal(r.columns[3].missing, known[site].trestbps);
        assert_int_equal(r.columns[4].missing, known[site].chol);
        assert_int_equal(r.columns[5].missing, known[site].fbs);
        assert_int_equal(r.columns[6].missing, known[site].restecg);
        assert_int_equal(r.columns[7].missing, known[site].thalach);
        assert_int_equal(r.columns[8].missing, known[site].exang);
        assert_int_equal(r.columns[9].missing, known[site].oldpeak);
        data_report_fini(&r);
        data_table_free(t);
    }
    data_schema_free(s);
}

static void
sums_over_hospitals_are_those_of_numpy_and_of_the_pooled_file(void **state)
{
    (void)state;
    assert_true(data_is_here());
    struct data_schema *s        = example_schema();
    struct data_sums    total[5] = {{0, 0, 0}}, pooled[5];
    char                paths[SITES][FOLDER_PATH], *files[SITES];
    assert_int_equal(s->numeric_count, 5);
    for (int site = 0; site < SITES; site++) {
        struct data_table *t = load_site(s, site);
        struct data_sums   own[5];
        char               name[128];
        EXPECT_OK(data_table_sums(own, t, 0, t->rows, &why));
        for (int c = 0; c < 5; c++)
            assert_true(data_sums_add(&total[c], &own[c]));
        data_table_free(t);
        snprintf(name, sizeof name, "heart-disease-4-hospitals/processed.%s.data",
                 site_names[site]);
        files[site] = paths[site];
        (void)dataset(paths[site], name);
    }
    struct data_source source = {.files = files, .file_count = SITES};
    struct data_table *all;
    EXPECT_OK(data_table_load(&all, s, &source, 1u << 20, &why));
    assert_int_equal(all->rows, 920);
    EXPECT_OK(data_table_sums(pooled, all, 0, all->rows, &why));
    struct data_scaling a[5], b[5];
    EXPECT_OK(data_scaling_from_sums(a, total, s, &why));
    EXPECT_OK(data_scaling_from_sums(b, pooled, s, &why));
    assert_memory_equal(a, b, sizeof a);
    for (int c = 0; c < 5; c++) {
        assert_true(total[c].sum == pooled[c].sum);
        assert_true(total[c].sum_of_squares == pooled[c].sum_of_squares);
        assert_int_equal(total[c].count, heart_columns[c].count);
        assert_true(fabs(a[c].mean / heart_columns[c].mean - 1.0) < 1e-9);
        assert_true(fabs(a[c].deviation / heart_columns[c].deviation - 1.0) < 1e-9);
    }
    data_table_free(all);
    data_schema_free(s);
}

static void
pooled_equals_federated_after_random_splits(void **state)
{
    (void)state;
    assert_true(data_is_here());
    struct data_schema *s = example_schema();
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct data_sums total[5] = {{0, 0, 0}}, halves[5] = {{0, 0, 0}};
        for (int site = 0; site < SITES; site++) {
            struct data_table *t = load_site(s, site);
            struct data_parts  parts;
            struct pn_rng      rng;
            struct data_sums   own[5], half[2][5];
            pn_rng_init(&rng, seed);
            EXPECT_OK(data_table_split(&parts, t, &rng, &why));
            EXPECT_OK(data_table_sums(own, t, 0, parts.train, &why));
            uint32_t cut = (uint32_t)pn_rng_below(&rng, parts.train);
            EXPECT_OK(data_table_sums(half[0], t, 0, cut, &why));
            EXPECT_OK(data_table_sums(half[1], t, cut, parts.train - cut, &why));
            for (int c = 0; c < 5; c++)
                assert_true(data_sums_add(&total[c], &own[c]) &&
                            data_sums_add(&halves[c], &half[0][c]) &&
                            data_sums_add(&halves[c], &half[1][c]));
            data_table_free(t);
        }
        for (int c = 0; c < 5; c++)
            assert_true(total[c].count == halves[c].count && total[c].sum == halves[c].sum &&
                        total[c].sum_of_squares == halves[c].sum_of_squares);
    }
    data_schema_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hospitals_have_their_known_rows_and_missing_values),
        cmocka_unit_test(sums_over_hospitals_are_those_of_numpy_and_of_the_pooled_file),
        cmocka_unit_test(pooled_equals_federated_after_random_splits),
    };
    return cmocka_run_group_tests(tests, records_setup, records_teardown);
}
