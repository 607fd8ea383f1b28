#include "support/records.h"

#include <math.h>
#include <unistd.h>

static const char small[] =
    "format: csv\n"
    "missing: [\"\", \"?\", \"-9\"]\n"
    "columns:\n"
    "  - { name: amount, type: numeric }\n"
    "  - { name: kind, type: categorical, values: [\"1\", \"2\"] }\n"
    "  - { name: fraud, type: target, positive: [\"1\"], negative: [\"0\"] }\n";

static void
fields_become_features(void **state)
{
    (void)state;
    struct data_schema *s =
        schema_of("format: csv\nmissing: [\"\", \"?\", \"-9\"]\ncolumns:\n"
                  "  - { name: chol, type: numeric, missing: [\"0\"], indicator: true }\n"
                  "  - { name: cp, type: categorical, values: [\"1\", \"2\"], other: true, "
                  "indicator: true }\n"
                  "  - { name: w, type: weight }\n"
                  "  - { name: y, type: target, values: [\"3\", \"5\"] }\n");
    struct data_table *t = table_of(s, "y,extra,w,cp,chol\n"
                                       "5.0,?,1.5,1.0,233\n"
                                       "3,?,0,2,0.0\n"
                                       "3,?,1,7,-9.00\n"
                                       "5,?,1,?,\"1e2\"\n");
    assert_int_equal(t->rows, 4);
    const float x[4][6] = {
        {233, 0, 1, 0, 0, 0}, {0, 1, 0, 1, 0, 0}, {0, 1, 0, 0, 1, 0}, {100, 0, 0, 0, 0, 1}};
    for (size_t i = 0; i < 4; i++)
        for (size_t f = 0; f < 6; f++) {
            if (f == 0 && x[i][1] > 0)
                assert_true(isnan(t->x[6 * i]));
            else
                assert_true(t->x[6 * i + f] == x[i][f]);
        }
    const float y[] = {1, 0, 0, 1}, w[] = {1.5f, 0, 1, 1};
    for (size_t i = 0; i < 4; i++)
        assert_true(t->target[i] == y[i] && t->weight[i] == w[i]);
    data_table_scale(t, NULL); /* nothing is standardised: missing becomes 0 */
    assert_true(t->x[6] == 0.0f);
    data_table_free(t);
    data_schema_free(s);
}

static void
decimal_comma_and_no_header(void **state)
{
    (void)state;
    struct data_schema *s =
        schema_of("{ format: csv, header: no, delimiter: \";\", decimal: \",\", "
                  "columns: [ { name: x, type: numeric }, "
                  "{ name: z, type: ignore }, { name: y, type: target } ] }");
    struct data_table *t = table_of(s, "1,5;a.b;-2,25\r\n2;;0\r\n");
    assert_int_equal(t->rows, 2);
    assert_true(t->x[0] == 1.5f && t->target[0] == -2.25f && t->x[1] == 2.0f);
    assert_null(t->weight);
    data_table_free(t);
    expect_refused(s, "1.5;a;2\n",
                   "table.csv:1:1: column \"x\": expected a number with the decimal "
                   "sign \",\", seen \"1.5\"");
    expect_refused(s, "1,5;2\n",
                   "table.csv:1:5: expected 3 fields as in the job's columns, seen 2");
    data_schema_free(s);
}

static void
every_bad_record_is_named_by_line_and_column(void **state)
{
    (void)state;
    struct data_schema *s          = schema_of(small);
    static const char  *cases[][2] = {
         {"", "table.csv:1:1: the file is empty"},
         {"amount,kind,fraud\n", "only a header"},
         {"amuont,kind,fraud\n1,1,0\n", "did you mean \"amuont\"?"},
         {"amount;kind;fraud\n1;1;0\n", "check delimiter and header"},
         {"amount,kind,fraud,kind\n1,1,0,1\n", "table.csv:1:19: the column \"kind\" stands"},
         {"amount,kind,fraud\n1,1,0\n1,1\n",
          "table.csv:3:3: expected 3 fields as in the header, seen 2"},
         {"amount,kind,fraud\n1,1,0,7\n",
          "table.csv:2:7: expected 3 fields as in the header, seen 4"},
         {"amount,kind,fraud\n1,1,0\n1,3,0\n", "table.csv:3:3: column \"kind\": the category"},
         {"amount,kind,fraud\n1,?,0\n", "indicator: true"},
         {"amount,kind,fraud\n1,1,2\n", "table.csv:2:5: column \"fraud\": the job knows no target"},
         {"amount,kind,fraud\n1,1,\n", "table.csv:2:5: column \"fraud\": the target is missing"},
         {"amount,kind,fraud\n1x,1,0\n",
          "expected a number with the decimal sign \".\", seen \"1x\""},
         {"amount,kind,fraud\nNaN,1,0\n", "expected a finite number, seen \"NaN\""},
         {"amount,kind,fraud\n-Inf,1,0\n", "expected a finite number, seen \"-Inf\""},
         {"amount,kind,fraud\n0x10,1,0\n", "seen \"0x10\""},
         {"amount,kind,fraud\n\"1,000\",1,0\n", "seen \"1,000\""},
         {"amount,kind,fraud\n1e999,1,0\n", "seen \"1e999\""},
         {"amount,kind,fraud\n1e300,1,0\n", "too large"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_refused(s, cases[i][0], cases[i][1]);
    data_schema_free(s);
}

static void
numbers_that_could_not_be_summed_are_refused_where_they_stand(void **state)
{
    (void)state;
    struct data_schema *s = schema_of("{ format: csv, columns: [ { name: x, type: numeric, scale: "
                                      "standard }, { name: y, type: target } ] }");
    struct data_table  *t = table_of(s, "x,y\n274877906944,1\n");
    data_table_free(t);
    expect_refused(s, "x,y\n1,1\n3e11,1\n",
                   "table.csv:3:1: column \"x\": the number 3e11 is too large");
    data_schema_free(s);
}

static void
weights_must_be_usable(void **state)
{
    (void)state;
    struct data_schema *s = schema_of("{ format: csv, columns: [ { name: x, type: numeric }, "
                                      "{ name: w, type: weight }, { name: y, type: target } ] }");
    expect_refused(s, "x,w,y\n1,-1,0\n",
                   "table.csv:2:3: column \"w\": expected a weight of 0 or more");
    expect_refused(s, "x,w,y\n1,,0\n", "table.csv:2:3");
    expect_refused(s, "x,w,y\n1,0,0\n2,0,1\n", "no record has a weight above 0");
    data_schema_free(s);
}

static void
places_that_are_no_files_are_refused(void **state)
{
    (void)state;
    struct data_schema *s = schema_of(small);
    struct data_table  *t = NULL;
    char                path[FOLDER_PATH];
    EXPECT_STATUS(PN_ENOENT, load_file(&t, s, "nothing.csv"));
    EXPECT_SAYS(&why, "nothing.csv: there is no such file");
    EXPECT_STATUS(PN_EDATA, load_file(&t, s, "."));
    EXPECT_SAYS(&why, "a folder");
    assert_int_equal(mkfifo(folder_path(path, folder, "pipe"), 0600), 0);
    EXPECT_STATUS(PN_EDATA, load_file(&t, s, "pipe"));
    EXPECT_SAYS(&why, "regular file");
    data_schema_free(s);
}

static void
a_table_is_bounded(void **state)
{
    (void)state;
    struct data_schema *s = schema_of(small);
    struct data_table  *t = NULL;
    struct pn_buffer    text;
    char                path[FOLDER_PATH];
    char               *files[] = {path};
    pn_buffer_init(&text, 1u << 20);
    EXPECT_OK(pn_buffer_printf(&text, "amount,kind,fraud\n"));
    for (int i = 0; i < 1000; i++)
        EXPECT_OK(pn_buffer_printf(&text, "1,1,0\n"));
    save_bytes("long.csv", text.bytes, text.size);
    pn_buffer_fini(&text);
    (void)folder_path(path, folder, "long.csv");
    const struct data_source source = {.files = files, .file_count = 1};
    EXPECT_OK(data_table_load(&t, s, &source, 1000 * 16, &why)); /* 3 features and a target */
    assert_int_equal(t->rows, 1000);
    data_table_free(t);
    EXPECT_STATUS(PN_EDATA, data_table_load(&t, s, &source, 1000 * 16 - 1, &why));
    EXPECT_SAYS(&why, "15999 bytes");
    data_schema_free(s);
}

static void
several_files_are_one_table_and_shares_part_it(void **state)
{
    (void)state;
    struct data_schema *s = schema_of(small);
    char                a[FOLDER_PATH], b[FOLDER_PATH], *files[] = {a, b};
    save_bytes("a.csv", "amount,kind,fraud\n0,1,0\n1,1,1\n2,1,0\n", 35);
    save_bytes("b.csv", "kind,amount,fraud\n1,3,1\n1,4,0\n", 29);
    (void)folder_path(a, folder, "a.csv");
    (void)folder_path(b, folder, "b.csv");
    struct data_source source = {.files = files, .file_count = 2};
    struct data_table *t;
    EXPECT_OK(data_table_load(&t, s, &source, 1u << 20, &why));
    assert_int_equal(t->rows, 5);
    assert_true(t->x[3 * 3] == 3.0f && t->target[3] == 1.0f);
    data_table_free(t);

    int seen[5]     = {0};
    source.share    = DATA_SHARE_IID;
    source.share_of = 3;
    for (uint32_t k = 0; k < 3; k++) {
        source.share_number = k;
        EXPECT_OK(data_table_load(&t, s, &source, 1u << 20, &why));
        assert_true(t->rows == 1 || t->rows == 2);
        for (uint32_t i = 0; i < t->rows; i++)
            seen[(int)t->x[3 * i]]++;
        data_table_free(t);
    }
    for (int i = 0; i < 5; i++)
        assert_int_equal(seen[i], 1);
    source.share        = DATA_SHARE_BLOCKS;
    source.share_number = 1;
    EXPECT_OK(data_table_load(&t, s, &source, 1u << 20, &why));
    assert_int_equal(t->rows, 2);
    assert_true(t->x[0] == 1.0f && t->x[3] == 2.0f);
    data_table_free(t);
    source.share_number = 3;
    EXPECT_STATUS(PN_EDATA, data_table_load(&t, s, &source, 1u << 20, &why));
    EXPECT_SAYS(&why, "share number 3");
    data_schema_free(s);
}

static void
report_says_what_a_job_would_see(void **state)
{
    (void)state;
    struct data_schema *s = schema_of(
        "{ format: csv, columns: [ { name: x, type: numeric, scale: standard, indicator: true }, "
        "{ name: c, type: categorical, values: [a, b], other: true, indicator: true }, "
        "{ name: k, type: numeric }, { name: y, type: target, positive: [\"1\"] } ] }");
    struct data_table *t = table_of(s, "x,c,k,y\n1,a,7,0\n2,b,7,0\n,z,7,0\n6,,7,0\n");
    struct data_report r;
    EXPECT_OK(data_report_make(&r, t));
    assert_int_equal(r.rows, 4);
    assert_int_equal(r.class_rows[0], 4);
    assert_true(r.one_class);
    assert_int_equal(r.columns[0].missing, 1);
    assert_true(r.columns[0].min == 1.0 && r.columns[0].max == 6.0);
    assert_true(fabs(r.columns[0].mean - 3.0) < 1e-12);
    assert_true(fabs(r.columns[0].deviation - sqrt(14.0 / 3.0)) < 1e-12);
    assert_int_equal(r.columns[1].missing, 1);
    assert_int_equal(r.columns[1].other, 1);
    assert_false(r.columns[0].constant || r.columns[1].constant);
    assert_true(r.columns[2].constant);
    data_report_fini(&r);
    data_table_free(t);
    data_schema_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_become_features),
        cmocka_unit_test(decimal_comma_and_no_header),
        cmocka_unit_test(every_bad_record_is_named_by_line_and_column),
        cmocka_unit_test(numbers_that_could_not_be_summed_are_refused_where_they_stand),
        cmocka_unit_test(weights_must_be_usable),
        cmocka_unit_test(places_that_are_no_files_are_refused),
        cmocka_unit_test(a_table_is_bounded),
        cmocka_unit_test(several_files_are_one_table_and_shares_part_it),
        cmocka_unit_test(report_says_what_a_job_would_see),
    };
    return cmocka_run_group_tests(tests, records_setup, records_teardown);
}
