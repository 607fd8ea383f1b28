#include "support/records.h"

static void
refuse(const char *text, const char *says)
{
    struct data_schema *schema = NULL;
    EXPECT_STATUS(PN_ECONFIG, decode_schema(&schema, text));
    EXPECT_SAYS(&why, says);
}

/* ---- schema ---- */

static void
schema_numbers_the_features_in_column_order(void **state)
{
    (void)state;
    struct data_schema *s = schema_of(
        "format: csv\n"
        "missing: [\"\", \"?\"]\n"
        "columns:\n"
        "  - { name: age, type: numeric, scale: standard }\n"
        "  - { name: note, type: ignore }\n"
        "  - { name: raw, type: numeric, missing: [\"0\"], indicator: true }\n"
        "  - { name: cp, type: categorical, values: [a, b], other: true, indicator: yes }\n"
        "  - { name: chol, type: numeric, scale: standard }\n"
        "  - { name: w, type: weight }\n"
        "  - { name: num, type: target, positive: [\"1\", \"2\"] }\n");
    assert_int_equal(s->column_count, 7);
    assert_int_equal(s->feature_count, 1 + 2 + 4 + 1);
    const uint32_t feature[] = {0, 1, 1, 3, 7}, count[] = {1, 0, 2, 4, 1};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(s->columns[i].feature, feature[i]);
        assert_int_equal(s->columns[i].feature_count, count[i]);
    }
    assert_int_equal(s->numeric_count, 2); /* the standardised ones only: no more leaves a site */
    assert_int_equal(s->columns[0].sums, 0);
    assert_int_equal(s->columns[4].sums, 1);
    assert_true(s->needs_scaling);
    assert_int_equal(s->class_count, 2);
    assert_int_equal(s->target_size, 1);
    assert_true(s->header);
    assert_int_equal(s->delimiter, ',');
    assert_true(s->validation == 0.2 && s->test == 0.2);
    assert_string_equal(s->columns[3].values[1], "b");
    data_schema_free(s);
}

static void
schema_outlives_its_text(void **state)
{
    (void)state;
    struct data_schema *s = schema_of("{ format: csv, columns: [ { name: x, type: numeric }, "
                                      "{ name: y, type: target, values: [no, yes] } ] }");
    text_yaml_free(yaml);
    yaml = NULL;
    assert_string_equal(s->columns[0].name, "x");
    assert_string_equal(s->columns[1].values[1], "yes");
    assert_string_equal(s->missing[0], "");
    data_schema_free(s);
}

static void
target_without_lists_is_a_number_and_values_are_classes(void **state)
{
    (void)state;
    struct data_schema *s = schema_of("{ format: csv, columns: [ { name: x, type: numeric }, "
                                      "{ name: y, type: target } ] }");
    assert_int_equal(s->class_count, 0);
    assert_false(s->needs_scaling);
    data_schema_free(s);
    s = schema_of("{ format: csv, columns: [ { name: x, type: numeric }, "
                  "{ name: y, type: target, values: [a, b, c] } ] }");
    assert_int_equal(s->class_count, 3);
    data_schema_free(s);
}

static void
idx_schema_multiplies_its_shape(void **state)
{
    (void)state;
    struct data_schema *s = schema_of("{ format: idx, shape: [28, 28], classes: 10, "
                                      "split: { test: 0.1 } }");
    assert_int_equal(s->feature_count, 784);
    assert_int_equal(s->class_count, 10);
    assert_int_equal(s->dims, 2);
    assert_true(s->divide == 255.0 && s->validation == 0.0 && s->test == 0.1);
    data_schema_free(s);
}

static void
schema_refuses_with_place_and_reason(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"format: csv\ncolumms: []\n", "columns"},
        {"format: excel\n", "job.yaml:1:9"},
        {"format: csv\ncolumns:\n  - { name: x, type: number }\n", "job.yaml:3:22"},
        {"format: csv\ncolumns:\n  - { name: x, type: numeric, values: [a] }\n", "values"},
        {"format: csv\ncolumns:\n  - { name: x, type: numeric }\n", "type: target"},
        {"format: csv\ncolumns:\n  - { name: y, type: target }\n", "nothing to predict from"},
        {"format: csv\ncolumns:\n  - { name: x, type: numeric }\n  - { name: x, type: target }\n",
         "job.yaml:4:"},
        {"format: csv\ncolumns:\n  - { name: a, type: target }\n  - { name: b, type: target }\n",
         "a target already"},
        {"format: csv\ncolumns:\n  - { name: a, type: categorical, values: [\"1\", \"1.0\"] }\n",
         "twice"},
        {"format: csv\nmissing: [\"9\"]\ncolumns:\n"
         "  - { name: a, type: categorical, values: [\"9.0\"] }\n",
         "in `missing`"},
        {"format: csv\ncolumns:\n  - { name: a, type: target, positive: [\"1\"], negative: [\"1\"] "
         "}",
         "and in `positive`"},
        {"format: csv\ncolumns:\n  - { name: a, type: target, values: [a, b], positive: [a] }",
         "not both"},
        {"format: csv\ncolumns:\n  - { name: a, type: target, values: [a] }", "at least 2"},
        {"format: csv\ndecimal: \",\"\ncolumns: []\n", "delimiter \";\""},
        {"format: csv\ndelimiter: \":\"\ncolumns: []\n", "job.yaml:2:12"},
        {"format: csv\nsplit: { validation: 0.5, test: 0.5 }\ncolumns:\n"
         "  - { name: x, type: numeric }\n  - { name: y, type: target }\n",
         "0.9"},
        {"format: idx\nclasses: 10\n", "shape"},
        {"format: idx\nclasses: 10\nshape: [28, 2.5]\n", "job.yaml:3:13"},
        {"format: idx\nclasses: 10\nshape: [1000, 1000]\n", "65536"},
        {"format: idx\nclasses: 1\nshape: [2]\n", "job.yaml:2:10"},
        {"format: idx\nclasses: 10\nshape: [2]\nheader: no\n", "header"},
        {"[a, b]", "data section"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuse(cases[i][0], cases[i][1]);
}

static void
schema_has_limits(void **state)
{
    (void)state;
    struct pn_buffer text;
    pn_buffer_init(&text, 1u << 20);
    EXPECT_OK(pn_buffer_printf(&text, "format: csv\ncolumns:\n"));
    for (int i = 0; i < 1025; i++)
        EXPECT_OK(pn_buffer_printf(&text, "  - { name: c%d, type: numeric }\n", i));
    EXPECT_OK(pn_buffer_append(&text, "", 1));
    refuse((const char *)text.bytes, "at most 1024");
    pn_buffer_clear(&text);
    EXPECT_OK(pn_buffer_printf(&text, "format: csv\ncolumns:\n  - name: c\n    type: categorical\n"
                                      "    values:\n"));
    for (int i = 0; i < 257; i++)
        EXPECT_OK(pn_buffer_printf(&text, "      - v%d\n", i));
    EXPECT_OK(pn_buffer_append(&text, "", 1));
    refuse((const char *)text.bytes, "at most 256");
    pn_buffer_fini(&text);
}

/* ---- source ---- */

static enum pn_status
decode_source(struct data_source *out, const char *text, const char *root)
{
    text_yaml_free(yaml);
    yaml = NULL;
    EXPECT_OK(text_yaml_parse(&yaml, "node.yaml", text, strlen(text), &why));
    return data_source_decode(out, yaml, text_yaml_root(yaml), "/etc/panal", root, &why);
}

static void
source_resolves_paths(void **state)
{
    (void)state;
    struct data_source source;
    EXPECT_OK(decode_source(&source, "{ files: [a.csv, /b.csv, $PANAL_DATA/c.csv] }", "/data"));
    assert_int_equal(source.file_count, 3);
    assert_string_equal(source.files[0], "/etc/panal/a.csv");
    assert_string_equal(source.files[1], "/b.csv");
    assert_string_equal(source.files[2], "/data/c.csv");
    assert_int_equal(source.share, DATA_SHARE_ALL);
    data_source_fini(&source);
    EXPECT_STATUS(PN_ECONFIG, decode_source(&source, "{ file: $PANAL_DATA/c.csv }", NULL));
    EXPECT_SAYS(&why, "PANAL_DATA, which is not set");
}

static void
source_reads_shares(void **state)
{
    (void)state;
    struct data_source source;
    EXPECT_OK(
        decode_source(&source,
                      "images: i.gz\nlabels: l.gz\n"
                      "share: { of: 100, number: 3, kind: shards, seed: 18446744073709551615 }",
                      NULL));
    assert_int_equal(source.file_count, 2);
    assert_string_equal(source.files[1], "/etc/panal/l.gz");
    assert_int_equal(source.share, DATA_SHARE_SHARDS);
    assert_int_equal(source.share_of, 100);
    assert_int_equal(source.share_number, 3);
    assert_true(source.share_seed == UINT64_MAX);
    data_source_fini(&source);
}

static void
source_refuses_what_makes_no_sense(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{ }", "expected one of"},
        {"{ file: a, images: b, labels: c }", "expected one of"},
        {"{ file: a, labels: b }", "images"},
        {"{ files: [] }", "1 to 1024"},
        {"{ file: \"\" }", "path of a file"},
        {"{ flie: a }", "file"},
        {"{ file: a, share: { of: 3, number: 3 } }", "number"},
        {"{ file: a, share: { number: 0 } }", "of"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct data_source source;
        EXPECT_STATUS(PN_ECONFIG, decode_source(&source, cases[i][0], "/data"));
        EXPECT_SAYS(&why, cases[i][1]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_numbers_the_features_in_column_order),
        cmocka_unit_test(schema_outlives_its_text),
        cmocka_unit_test(target_without_lists_is_a_number_and_values_are_classes),
        cmocka_unit_test(idx_schema_multiplies_its_shape),
        cmocka_unit_test(schema_refuses_with_place_and_reason),
        cmocka_unit_test(schema_has_limits),
        cmocka_unit_test(source_resolves_paths),
        cmocka_unit_test(source_reads_shares),
        cmocka_unit_test(source_refuses_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, records_setup, records_teardown);
}
