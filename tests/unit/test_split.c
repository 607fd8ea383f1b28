#include "support/records.h"

#include <math.h>

enum {
    ROWS = 200
};

/* x = row number; every 20th record is positive. */
static struct data_table *
make_table(const struct data_schema *schema, uint32_t rows)
{
    struct pn_buffer text;
    pn_buffer_init(&text, 1u << 20);
    EXPECT_OK(pn_buffer_printf(&text, "x,w,y\n"));
    for (uint32_t i = 0; i < rows; i++)
        EXPECT_OK(pn_buffer_printf(&text, "%u,%u,%d\n", i, i + 1, i % 20 == 0));
    EXPECT_OK(pn_buffer_append(&text, "", 1));
    struct data_table *table = table_of(schema, (const char *)text.bytes);
    pn_buffer_fini(&text);
    return table;
}

static struct data_schema *
make_schema(const char *target, const char *split)
{
    char text[512];
    snprintf(text, sizeof text,
             "{ format: csv, columns: [ { name: x, type: numeric }, { name: w, type: weight }, "
             "{ name: y, type: target%s } ], split: { %s } }",
             target, split);
    return schema_of(text);
}

static struct pn_rng
rng_of(uint64_t seed)
{
    struct pn_rng rng;
    pn_rng_init(&rng, seed);
    return rng;
}

static void
split_is_stratified_and_keeps_every_record_whole(void **state)
{
    (void)state;
    struct data_schema *s   = make_schema(", positive: [\"1\"]", "validation: 0.2, test: 0.3");
    struct data_table  *t   = make_table(s, ROWS);
    struct pn_rng       rng = rng_of(1);
    struct data_parts   parts;
    EXPECT_OK(data_table_split(&parts, t, &rng, &why));
    assert_int_equal(parts.train, 100);
    assert_int_equal(parts.validation, 40);
    assert_int_equal(parts.test, 60);
    const float positives[] = {5, 2, 3};
    int         seen[ROWS]  = {0};
    for (int kind = DATA_TRAIN; kind <= DATA_TEST; kind++) {
        struct data_part part  = data_table_part(t, &parts, (enum data_part_kind)kind);
        float            count = 0, last = -1;
        for (uint32_t i = 0; i < part.rows; i++) {
            assert_true(part.weight[i] == part.x[i] + 1.0f);
            assert_true((part.target[i] > 0) == ((int)part.x[i] % 20 == 0));
            assert_true(part.x[i] > last); /* in the order of the file */
            last = part.x[i];
            seen[(int)part.x[i]]++;
            count += part.target[i];
        }
        assert_true(count == positives[kind]);
    }
    for (int i = 0; i < ROWS; i++)
        assert_int_equal(seen[i], 1);
    data_table_free(t);
    data_schema_free(s);
}

static void
split_depends_on_the_generator_only(void **state)
{
    (void)state;
    struct data_schema *s = make_schema("", "validation: 0.1, test: 0.1");
    struct data_table  *a = make_table(s, ROWS), *b = make_table(s, ROWS), *c = make_table(s, ROWS);
    struct pn_rng       one = rng_of(1), two = rng_of(2);
    struct data_parts   parts;
    EXPECT_OK(data_table_split(&parts, a, &one, &why));
    EXPECT_OK(data_table_split(&parts, b, &one, &why));
    EXPECT_OK(data_table_split(&parts, c, &two, &why));
    assert_int_equal(parts.train, 160);
    assert_memory_equal(a->x, b->x, ROWS * sizeof(float));
    assert_memory_not_equal(a->x, c->x, ROWS * sizeof(float));
    data_table_free(a);
    data_table_free(b);
    data_table_free(c);
    data_schema_free(s);
}

static void
a_split_of_nothing_keeps_the_order(void **state)
{
    (void)state;
    struct data_schema *s   = make_schema("", "validation: 0, test: 0");
    struct data_table  *t   = make_table(s, ROWS);
    struct pn_rng       rng = rng_of(1);
    struct data_parts   parts;
    EXPECT_OK(data_table_split(&parts, t, &rng, &why));
    assert_int_equal(parts.train, ROWS);
    for (uint32_t i = 0; i < ROWS; i++)
        assert_true(t->x[i] == (float)i);
    assert_int_equal(data_table_part(t, &parts, DATA_TEST).rows, 0);
    data_table_free(t);
    data_schema_free(s);
}

static void
too_few_records_are_refused(void **state)
{
    (void)state;
    struct data_schema *s   = make_schema("", "validation: 0.2, test: 0.2");
    struct data_table  *t   = make_table(s, 2);
    struct pn_rng       rng = rng_of(1);
    struct data_parts   parts;
    EXPECT_STATUS(PN_EDATA, data_table_split(&parts, t, &rng, &why));
    EXPECT_SAYS(&why, "2 records are too few");
    data_table_free(t);
    data_schema_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_is_stratified_and_keeps_every_record_whole),
        cmocka_unit_test(split_depends_on_the_generator_only),
        cmocka_unit_test(a_split_of_nothing_keeps_the_order),
        cmocka_unit_test(too_few_records_are_refused),
    };
    return cmocka_run_group_tests(tests, records_setup, records_teardown);
}
