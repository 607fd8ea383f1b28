#include "support/records.h"

#include "data/synth.h"

#include <math.h>
#include <stdlib.h>

enum {
    BANKS = 6,
    ROWS  = 6000
};

static char *
generate(uint64_t seed, uint32_t bank, uint32_t rows, size_t *size)
{
    char *text = NULL;
    FILE *out  = open_memstream(&text, size);
    assert_non_null(out);
    EXPECT_OK(data_synth_transactions(out, &(struct data_synth){seed, bank, BANKS, rows}));
    assert_int_equal(fclose(out), 0);
    return text;
}

static struct data_schema *
example_schema(void)
{
    static char text[65536];
    FILE       *file = fopen(PN_SOURCE_DIR "/examples/fraud/job.yaml", "rb");
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

static void
transactions_are_what_the_example_expects(void **state)
{
    (void)state;
    struct data_schema *s = example_schema();
    assert_int_equal(s->feature_count, 20);
    for (uint32_t bank = 0; bank < BANKS; bank++) {
        size_t             size;
        char              *text = generate(7, bank, ROWS, &size);
        struct data_table *t    = table_of(s, text);
        struct data_report r;
        EXPECT_OK(data_report_make(&r, t));
        assert_int_equal(t->rows, ROWS);
        double rate = (double)r.class_rows[1] / ROWS;
        assert_true(rate >= 0.003 && rate <= 0.025);
        for (size_t c = 0; c < s->column_count; c++)
            assert_false(r.columns[c].constant);
        data_report_fini(&r);
        data_table_free(t);
        free(text);
    }
    data_schema_free(s);
}

static void
same_seed_gives_the_same_file(void **state)
{
    (void)state;
    size_t size[4];
    char  *text[4] = {generate(7, 1, 200, &size[0]), generate(7, 1, 200, &size[1]),
                      generate(8, 1, 200, &size[2]), generate(7, 2, 200, &size[3])};
    assert_string_equal(text[0], text[1]);
    assert_string_not_equal(text[0], text[2]);
    assert_string_not_equal(text[0], text[3]);
    for (int i = 0; i < 4; i++)
        free(text[i]);
    text[0] = generate(7, 0, 200, &size[0]); /* banks 0 and 5 are of one type */
    text[1] = generate(7, 5, 200, &size[1]);
    assert_string_not_equal(text[0], text[1]);
    free(text[0]);
    free(text[1]);
    /* A longer file begins with the shorter one. */
    text[0] = generate(7, 1, 100, &size[0]);
    text[1] = generate(7, 1, 200, &size[1]);
    assert_true(size[1] > size[0]);
    assert_memory_equal(text[0], text[1], size[0]);
    free(text[0]);
    free(text[1]);
}

static void
every_record_says_that_it_is_synthetic(void **state)
{
    (void)state;
    size_t      size;
    char       *text  = generate(7, 0, 300, &size);
    const char *line  = strchr(text, '\n') + 1;
    int         lines = 0;
    assert_memory_equal(text, "synthetic,", 10);
    for (; *line != '\0'; line = strchr(line, '\n') + 1, lines++)
        assert_memory_equal(line, "1,", 2);
    assert_int_equal(lines, 300);
    free(text);
}

static void
a_full_disk_is_an_error(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL)
        skip();
    EXPECT_STATUS(PN_EIO, data_synth_transactions(full, &(struct data_synth){7, 0, BANKS, 1000}));
    (void)fclose(full);
    EXPECT_STATUS(PN_ERANGE,
                  data_synth_transactions(stdout, &(struct data_synth){7, BANKS, BANKS, 1}));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transactions_are_what_the_example_expects),
        cmocka_unit_test(same_seed_gives_the_same_file),
        cmocka_unit_test(every_record_says_that_it_is_synthetic),
        cmocka_unit_test(a_full_disk_is_an_error),
    };
    return cmocka_run_group_tests(tests, records_setup, records_teardown);
}
