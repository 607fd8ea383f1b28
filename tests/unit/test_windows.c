/* Windows over the rows of a CSV file, numbers between blanks, numbered columns, CIFAR, text. */
#include "support/records.h"

#include <math.h>

static const char forecast[] =
    "{ format: csv, columns: [ { name: v, type: numeric, scale: standard }, "
    "{ name: w, type: numeric } ], "
    "window: { length: 2, stride: 2, forecast: v, horizon: 2 } }";

static void
a_window_forecasts_the_rows_behind_it(void **state)
{
    (void)state;
    struct data_schema *s = schema_of(forecast);
    assert_int_equal(s->feature_count, 4);
    assert_int_equal(s->dims, 2);
    assert_int_equal(s->dim[0], 2);
    assert_int_equal(s->target_size, 2);
    assert_true(s->in_time_order && s->layout == DATA_SERIES);
    struct data_table *t = table_of(s, "v,w\n1,10\n2,20\n3,30\n4,40\n5,50\n6,60\n7,70\n");
    assert_int_equal(t->rows, 2); /* rows 5, 6 would need rows 7, 8 */
    EXPECT_FLOATS(t->x, 1, 10, 2, 20, 3, 30, 4, 40);
    EXPECT_FLOATS(t->target, 3, 4, 5, 6);
    const struct data_scaling scaling = {2, 4};
    data_table_scale(t, &scaling); /* the target in the scale of its column */
    EXPECT_FLOATS(t->x, -0.25f, 10, 0, 20, 0.25f, 30, 0.5f, 40);
    EXPECT_FLOATS(t->target, 0.25f, 0.5f, 0.75f, 1);
    data_table_free(t);
    expect_refused(s, "v,w\n1,1\n2,2\n3,3\n", "table.csv: expected at least 4 rows");
    data_schema_free(s);
}

static void
windows_pass_over_missing_forecasts_but_keep_missing_values(void **state)
{
    (void)state;
    struct data_schema *s = schema_of("{ format: csv, columns: [ { name: v, type: numeric } ], "
                                      "window: { length: 2, forecast: v } }");
    struct data_table  *t = table_of(s, "v,x\n1,\n2,\n,\n4,\n5,\n");
    assert_int_equal(t->rows, 2);
    EXPECT_FLOATS(t->x, 2, NAN, NAN, 4);
    EXPECT_FLOATS(t->target, 4, 5);
    data_table_free(t);
    data_schema_free(s);
}

static void
windows_stay_within_their_group_and_count_what_remains(void **state)
{
    (void)state;
    struct data_schema *s = schema_of(
        "{ format: csv, header: no, delimiter: \" \", columns: [ { name: g, type: group }, "
        "{ name: v, type: numeric }, { name: w, type: weight } ], "
        "window: { length: 2, remaining: 2 } }");
    struct data_table *t =
        table_of(s, "a 1 1  \n  a\t2  2\na 3 3\na 4 4\na 5 5\n\n   \nb 6 6\nc 7 7\nc 8 8 \n");
    assert_int_equal(t->rows, 5);
    EXPECT_FLOATS(t->x, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8);
    EXPECT_FLOATS(t->target, 2, 2, 1, 0, 0);
    EXPECT_FLOATS(t->weight, 2, 3, 4, 5, 8);
    data_table_free(t);
    expect_refused(s, "a 1 1\nb 2 2\n", "2 rows in 2 series give none");
    data_schema_free(s);
}

static void
windows_end_with_their_label_and_their_file(void **state)
{
    (void)state;
    struct data_schema *s = schema_of("{ format: csv, columns: [ { name: v, type: numeric }, "
                                      "{ name: y, type: target, values: [a, b] } ], "
                                      "window: { length: 2 } }");
    char                a[FOLDER_PATH], b[FOLDER_PATH], *files[] = {a, b};
    struct data_table  *t;
    save_bytes("a.csv", "v,y\n1,a\n2,b\n3,a\n", 16);
    save_bytes("b.csv", "y,v\na,4\nb,5\n", 12);
    (void)folder_path(a, folder, "a.csv");
    (void)folder_path(b, folder, "b.csv");
    const struct data_source source = {.files = files, .file_count = 2};
    EXPECT_OK(data_table_load(&t, s, &source, 1u << 20, &why));
    assert_int_equal(t->rows, 3);
    EXPECT_FLOATS(t->x, 1, 2, 2, 3, 4, 5);
    EXPECT_FLOATS(t->target, 1, 0, 1);
    data_table_free(t);
    data_schema_free(s);
}

static void
the_past_trains_and_the_future_tests(void **state)
{
    (void)state;
    struct data_schema *s = schema_of("{ format: csv, columns: [ { name: v, type: numeric } ], "
                                      "window: { length: 1, forecast: v }, "
                                      "split: { validation: 0.2, test: 0.3 } }");
    struct data_table  *t = table_of(s, "v\n0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n");
    struct data_parts   parts;
    struct pn_rng       rng;
    pn_rng_init(&rng, 1);
    EXPECT_OK(data_table_split(&parts, t, &rng, &why));
    assert_true(parts.train == 5 && parts.validation == 2 && parts.test == 3);
    EXPECT_FLOATS(t->x, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    data_table_free(t);
    data_schema_free(s);
}

static void
numbered_columns_are_columns(void **state)
{
    (void)state;
    struct data_schema *s = schema_of(
        "{ format: csv, columns: [ { name: V, type: numeric, count: 3, scale: standard }, "
        "{ name: p, type: ignore, count: 2, first: 0 }, { name: y, type: target } ], "
        "shape: [3, 1] }");
    assert_int_equal(s->column_count, 6);
    assert_string_equal(s->columns[2].name, "V3");
    assert_string_equal(s->columns[3].name, "p0");
    assert_int_equal(s->columns[2].sums, 2);
    assert_int_equal(s->numeric_count, 3);
    assert_int_equal(s->dims, 2);
    struct data_table *t = table_of(s, "y,V3,V2,V1\n0,3,2,1\n");
    EXPECT_FLOATS(t->x, 1, 2, 3);
    data_table_free(t);
    data_schema_free(s);
}

static void
shapes_fit_networks(void **state)
{
    (void)state;
    struct data_schema *s = schema_of("{ format: idx, shape: [28, 28], classes: 10 }");
    char                text[40];
    assert_true(data_schema_fits(s, 1, (const uint32_t[]){784}));
    assert_true(data_schema_fits(s, 3, (const uint32_t[]){1, 28, 28}));
    assert_false(data_schema_fits(s, 3, (const uint32_t[]){2, 14, 28}));
    assert_false(data_schema_fits(s, 1, (const uint32_t[]){28}));
    data_schema_shape_text(text, s);
    assert_string_equal(text, "28x28");
    data_schema_free(s);
    s = schema_of(forecast);
    assert_true(data_schema_fits(s, 2, (const uint32_t[]){2, 2}));
    assert_true(data_schema_fits(s, 1, (const uint32_t[]){4}));
    assert_false(data_schema_fits(s, 2, (const uint32_t[]){4, 1}));
    data_schema_free(s);
}

/* ---- CIFAR ---- */

static uint8_t cifar[3 * 3074];

static void
cifar_records_have_their_label_first(void **state)
{
    (void)state;
    struct data_schema *ten     = schema_of("{ format: cifar, classes: 10, divide: 1 }");
    struct data_schema *hundred = schema_of("{ format: cifar, classes: 100, divide: 2 }");
    struct data_schema *twenty  = schema_of("{ format: cifar, classes: 20 }");
    struct data_table  *t;
    assert_true(ten->dims == 3 && ten->dim[0] == 3 && ten->feature_count == 3072);
    for (size_t i = 0; i < 3073; i++) {
        cifar[i]        = (uint8_t)(i % 200);
        cifar[3073 + i] = (uint8_t)(i % 100);
    }
    cifar[0]    = 9;
    cifar[3073] = 0;
    save_bytes("c.bin", cifar, 2 * 3073);
    EXPECT_OK(load_file(&t, ten, "c.bin"));
    assert_int_equal(t->rows, 2);
    EXPECT_FLOATS(t->target, 9, 0);
    EXPECT_FLOATS(t->x, 1, 2, 3);
    assert_true(t->x[3072] == 1.0f && t->x[6143] == (float)(3072 % 100));
    data_table_free(t);
    EXPECT_STATUS(PN_EDATA, load_file(&t, hundred, "c.bin")); /* of another length */
    EXPECT_SAYS(&why,
                "records of 3074 bytes, seen 1 and 3072 bytes more; is this a file of CIFAR-1");
    cifar[0] = 19;
    cifar[1] = 99;
    save_bytes("c.bin", cifar, 3074);
    EXPECT_OK(load_file(&t, hundred, "c.bin"));
    EXPECT_FLOATS(t->target, 99);
    EXPECT_FLOATS(t->x, 1, 1.5f);
    data_table_free(t);
    EXPECT_OK(load_file(&t, twenty, "c.bin"));
    EXPECT_FLOATS(t->target, 19);
    data_table_free(t);
    cifar[0] = 20;
    save_bytes("c.bin", cifar, 3074);
    EXPECT_STATUS(PN_EDATA, load_file(&t, twenty, "c.bin"));
    EXPECT_SAYS(&why, "c.bin: record 1: expected a label below 20 (the job's classes), seen 20");
    save_bytes("c.bin", cifar, 0);
    EXPECT_STATUS(PN_EDATA, load_file(&t, ten, "c.bin"));
    EXPECT_SAYS(&why, "seen 0 and 0 bytes more");
    data_schema_free(ten);
    data_schema_free(hundred);
    data_schema_free(twenty);
}

/* ---- text ---- */

static void
text_becomes_runs_of_indices(void **state)
{
    (void)state;
    struct data_schema *s =
        schema_of("{ format: text, alphabet: \"ba\\u00e9\\n\", length: 3, stride: 2 }");
    assert_int_equal(s->class_count, 4);
    assert_int_equal(s->target_size, 3);
    struct data_table *t = table_of(s, "ab\n\xc3\xa9"
                                       "baab");
    assert_int_equal(t->rows, 3);
    EXPECT_FLOATS(t->x, 1, 0, 3, 3, 2, 0, 0, 1, 1);
    EXPECT_FLOATS(t->target, 0, 3, 2, 2, 0, 1, 1, 1, 0);
    data_table_free(t);
    expect_refused(s, "abb", "at least 4 characters (length + 1), seen 3");
    expect_refused(s, "", "seen 0");
    expect_refused(s, "ab\nabc", "table.csv:2:3: the character \"c\" is not in the job's alphabet");
    expect_refused(s, "ab\xc3\xa9\xe8\n", "table.csv:1:4: the byte e8 is no character of UTF-8");
    expect_refused(s, "ab\xed\xa0\x80", "the byte ed is no character"); /* a surrogate */
    expect_refused(s, "ab\xc0\x80", "the byte c0 is no character");     /* longer than need be */
    data_schema_free(s);
    s = schema_of("{ format: text, alphabet: ab, other: true, length: 2 }");
    assert_int_equal(s->class_count, 3);
    t = table_of(s, "a\xf0\x9f\x8d\xaf"
                    "bzz");
    EXPECT_FLOATS(t->x, 0, 2, 1, 2);
    EXPECT_FLOATS(t->target, 2, 1, 2, 2);
    struct data_report r;
    EXPECT_OK(data_report_make(&r, t));
    assert_true(r.class_rows[0] == 0 && r.class_rows[1] == 1 && r.class_rows[2] == 3);
    assert_true(r.values.min == 0.0 && r.values.max == 2.0 && r.values.mean == 1.25);
    data_report_fini(&r);
    data_table_free(t);
    data_schema_free(s);
}

static void
sections_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{ format: text, alphabet: aa, length: 2 }", "stands in the alphabet twice"},
        {"{ format: text, alphabet: a, length: 2 }", "at least 2 characters"},
        {"{ format: text, alphabet: ab, length: 0 }", "length"},
        {"{ format: text, length: 2 }", "alphabet"},
        {"{ format: text, alphabet: ab, length: 2, shape: [2] }", "shape"},
        {"{ format: text, alphabet: ab, length: 2, augment: [ { kind: mixup, alpha: 1 } ] }",
         "characters cannot be augmented"},
        {"{ format: cifar, classes: 11 }", "expected 10 (CIFAR-10), or 100 or 20"},
        {"{ format: npy, shape: [3], classes: 2, outputs: 1 }", "and not both"},
        {"{ format: npy, shape: [3] }", "expected `classes`"},
        {"{ format: npz, shape: [3, 3], classes: 2, channels: last }", "channels, height, width"},
        {"{ format: npz, shape: [3, 3, 3], classes: 2, layout: series }", "[steps, features]"},
        {"{ format: image, shape: [28, 28], classes: 2 }", "3 sizes of an image"},
        {"{ format: image, shape: [2, 28, 28], classes: 2 }", "1 channel (grey) or 3"},
        {"{ format: image, shape: [1, 28, 28], classes: [a] }", "at least 2 classes"},
        {"{ format: image, shape: [1, 28, 28], classes: [a, a] }", "twice"},
        {"{ format: csv, columns: [ { name: v, type: numeric } ], window: { length: 2 } }",
         "a window has one target"},
        {"{ format: csv, columns: [ { name: v, type: numeric }, { name: y, type: target } ], "
         "window: { length: 2, forecast: v } }",
         "a window has one target"},
        {"{ format: csv, columns: [ { name: v, type: numeric } ], window: { length: 2, forecast: "
         "u } }",
         "expected the name of a numeric column, seen \"u\""},
        {"{ format: csv, columns: [ { name: v, type: numeric } ], window: { length: 2, remaining: "
         "9, horizon: 2 } }",
         "`horizon` needs `forecast`"},
        {"{ format: csv, columns: [ { name: v, type: numeric, count: 2 } ], window: { length: "
         "40000, remaining: 9 } }",
         "more than 65536 numbers"},
        {"{ format: csv, columns: [ { name: v, type: numeric }, { name: y, type: target }, "
         "{ name: g, type: group } ] }",
         "needs a `window`"},
        {"{ format: csv, columns: [ { name: g, type: group }, { name: h, type: group } ] }",
         "there is a group already (column \"g\")"},
        {"{ format: csv, columns: [ { name: v, type: numeric, count: 3 }, { name: y, type: target "
         "} "
         "], shape: [2, 2] }",
         "the columns give 3 features, this shape has 4"},
        {"{ format: csv, columns: [ { name: v, type: numeric, count: 3 }, { name: v2, type: "
         "target } ] }",
         "the column \"v2\" stands here twice"},
        {"{ format: csv, columns: [ { name: v, type: numeric, count: 1025 } ] }", "1024"},
        {"{ format: csv, columns: [ { name: v, type: numeric, count: 600 }, { name: w, type: "
         "numeric, count: 600 } ] }",
         "there are 1200 columns, at most 1024"},
        {"{ format: csv, columns: [ { name: v, type: target, count: 2 } ] }", "count"},
        {"{ format: csv, columns: [ { name: v, type: numeric, first: 2 } ] }", "count"},
        {"{ format: cifar, classes: 10, split: { order: sideways } }", "order"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct data_schema *schema = NULL;
        EXPECT_STATUS(PN_ECONFIG, decode_schema(&schema, cases[i][0]));
        EXPECT_SAYS(&why, cases[i][1]);
    }
}

static void
sources_name_arrays_and_shards_need_classes(void **state)
{
    (void)state;
    struct data_schema *s = schema_of(forecast);
    struct data_table  *t;
    char                path[FOLDER_PATH], name[] = "x", *files[] = {path};
    (void)folder_path(path, folder, "table.csv");
    save_bytes("table.csv", "v,w\n", 4);
    EXPECT_STATUS(
        PN_EDATA,
        data_table_load(
            &t, s, &(struct data_source){.files = files, .file_count = 1, .arrays = {name, name}},
            1u << 20, &why));
    EXPECT_SAYS(&why, "`arrays` are those of an NPZ file; the job's format is csv");
    EXPECT_STATUS(PN_EDATA, data_table_load(&t, s,
                                            &(struct data_source){.files      = files,
                                                                  .file_count = 1,
                                                                  .share_of   = 2,
                                                                  .share      = DATA_SHARE_SHARDS},
                                            1u << 20, &why));
    EXPECT_SAYS(&why, "shards are for records that have a class");
    data_schema_free(s);
    s = schema_of("{ format: npy, shape: [2], classes: 2 }");
    EXPECT_STATUS(PN_EDATA, load_file(&t, s, "table.csv"));
    EXPECT_SAYS(&why, "the format npy: expected `images` and `labels`, seen 1 files");
    data_schema_free(s);
    s = schema_of("{ format: image, shape: [1, 2, 2], classes: 2 }");
    EXPECT_STATUS(PN_EDATA, load_file(&t, s, "table.csv"));
    EXPECT_SAYS(&why, "`images` (a folder)");
    data_schema_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_forecasts_the_rows_behind_it),
        cmocka_unit_test(windows_pass_over_missing_forecasts_but_keep_missing_values),
        cmocka_unit_test(windows_stay_within_their_group_and_count_what_remains),
        cmocka_unit_test(windows_end_with_their_label_and_their_file),
        cmocka_unit_test(the_past_trains_and_the_future_tests),
        cmocka_unit_test(numbered_columns_are_columns),
        cmocka_unit_test(shapes_fit_networks),
        cmocka_unit_test(cifar_records_have_their_label_first),
        cmocka_unit_test(text_becomes_runs_of_indices),
        cmocka_unit_test(sections_that_make_no_sense_are_refused),
        cmocka_unit_test(sources_name_arrays_and_shards_need_classes),
    };
    return cmocka_run_group_tests(tests, records_setup, records_teardown);
}
