/* Records that are their own target, and tables that are read for features alone. */
#include "support/records.h"

#include "data/augment.h"
#include "vectors/arrays.h"

static const char csv[] =
    "{ format: csv, target: record, columns: [ { name: a, type: numeric, scale: "
    "standard }, { name: k, type: categorical, values: [x, y] }, { name: "
    "class, type: ignore } ], split: { validation: 0, test: 0.25 } }";

static void
expect_refusal(const char *section, const char *says)
{
    struct data_schema *schema = NULL;
    EXPECT_STATUS(PN_ECONFIG, decode_schema(&schema, section));
    EXPECT_SAYS(&why, says);
}

/* ---- target: record ---- */

static void
a_record_is_its_own_target(void **state)
{
    (void)state;
    struct data_schema *s = schema_of(csv);
    struct data_table  *t = table_of(s, "a,k,class\n1,x,0\n3,y,1\n1,x,1\n3,y,0\n");
    struct data_parts   parts;
    struct pn_rng       rng;
    struct data_scaling scaling = {2, 0.5};
    assert_int_equal(s->target_size, 0);
    assert_int_equal(s->class_count, 0);
    assert_int_equal(data_schema_target_size(s), 3);
    pn_rng_init(&rng, 1);
    EXPECT_OK(data_table_split(&parts, t, &rng, &why));
    data_table_scale(t, &scaling);
    for (int kind = DATA_TRAIN; kind <= DATA_TEST; kind++) {
        struct data_part part = data_table_part(t, &parts, (enum data_part_kind)kind);
        assert_ptr_equal(part.target, part.x);
        for (uint32_t r = 0; r < part.rows; r++)
            assert_true(part.target[3 * r] == (part.target[3 * r + 1] > 0.5f ? -2.0f : 2.0f));
    }
    assert_ptr_equal(data_table_target(t, 2), t->x + 6);
    data_table_free(t);
    data_schema_free(s);
}

static void
windows_and_arrays_are_their_own_targets(void **state)
{
    (void)state;
    struct data_schema *s = schema_of("{ format: csv, target: record, columns: [ { name: v, type: "
                                      "numeric } ], window: { length: 3 } }");
    struct data_table  *t = table_of(s, "v\n1\n2\n3\n4\n");
    assert_int_equal(t->rows, 2); /* none is kept back for a forecast */
    assert_int_equal(data_schema_target_size(s), 3);
    data_table_free(t);
    data_schema_free(s);
    s = schema_of("{ format: npy, target: record, shape: [2, 3] }");
    save_bytes("x.npy", arrays_f4, sizeof arrays_f4);
    EXPECT_OK(load_file(&t, s, "x.npy")); /* `images` alone */
    assert_int_equal(t->rows, 4);
    assert_true(data_table_target(t, 1)[5] == t->x[11]);
    data_table_free(t);
    data_schema_free(s);
    s = schema_of("{ format: npz, target: record, shape: [2, 3] }");
    save_bytes("a.npz", arrays_stored_npz, sizeof arrays_stored_npz);
    EXPECT_OK(load_file(&t, s, "a.npz"));
    assert_int_equal(t->rows, 4);
    data_table_free(t);
    data_schema_free(s);
}

static void
bytes_need_no_labels(void **state)
{
    (void)state;
    static uint8_t      cifar[3074];
    uint8_t             idx[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 20, 30, 40, 50, 60};
    struct data_schema *s = schema_of("{ format: idx, target: record, shape: [3], divide: 10 }");
    struct data_table  *t = NULL;
    save_bytes("i", idx, sizeof idx);
    EXPECT_OK(load_file(&t, s, "i"));
    EXPECT_FLOATS(data_table_target(t, 0), 1, 2, 3, 4, 5, 6);
    data_table_free(t);
    idx[4] = 255; /* more images than there is room for, whatever comes */
    save_bytes("i", idx, sizeof idx);
    EXPECT_STATUS(PN_EDATA, load_file(&t, s, "i"));
    EXPECT_SAYS(&why, "images are more than the 1048576 bytes that they may take here");
    idx[4] = idx[7] = 0;
    save_bytes("i", idx, sizeof idx);
    EXPECT_STATUS(PN_EDATA, load_file(&t, s, "i"));
    EXPECT_SAYS(&why, "there is no record in this file");
    data_schema_free(s);
    s        = schema_of("{ format: cifar, target: record, classes: 100, divide: 1 }");
    cifar[0] = cifar[1] = 255; /* labels that are none: nobody looks */
    cifar[2]            = 7;
    save_bytes("c", cifar, sizeof cifar);
    EXPECT_OK(load_file(&t, s, "c"));
    assert_true(t->rows == 1 && data_table_target(t, 0)[0] == 7.0f);
    data_table_free(t);
    data_schema_free(s);
}

static void
the_target_follows_every_change_but_noise(void **state)
{
    (void)state;
    struct data_schema *s = schema_of(
        "{ format: npy, target: record, shape: [4, 4], augment: [ { kind: flip, chance: 1 }, { "
        "kind: mixup, alpha: 1 }, { kind: noise, deviation: 0.5 } ] }");
    struct data_schema *quiet =
        schema_of("{ format: npy, target: record, shape: [4, 4], augment: "
                  "[ { kind: flip, chance: 1 }, { kind: mixup, alpha: 1 } ] }");
    float all[32], x[16], target[16], clean[16], other[16], scratch[16];
    for (int i = 0; i < 32; i++)
        all[i] = (float)(i * i);
    struct data_augment augment = {
        .schema = s, .records = {.x = all, .target = all, .rows = 2}, .scratch = scratch};
    const uint32_t one = 1;
    pn_rng_init(&augment.rng, 3);
    memcpy(x, all + 16, sizeof x);
    memcpy(target, all + 16, sizeof target);
    data_augment_apply(&augment, x, target, &one, 1, 0);
    augment.schema = quiet;
    memcpy(clean, all + 16, sizeof clean);
    memcpy(other, all + 16, sizeof other);
    data_augment_apply(&augment, clean, other, &one, 1, 0);
    assert_memory_equal(other, clean, sizeof clean);
    assert_memory_equal(target, clean, sizeof clean);
    assert_memory_not_equal(target, all + 16, sizeof clean);
    for (int i = 0; i < 16; i++)
        assert_true(x[i] != target[i]);
    data_schema_free(quiet);
    data_schema_free(s);
}

static void
sections_that_contradict_themselves_are_refused(void **state)
{
    (void)state;
    expect_refusal("{ format: csv, target: recrod, columns: [ { name: v, type: numeric } ] }",
                   "record");
    expect_refusal("{ format: csv, target: record, columns: [ { name: v, type: numeric }, { name: "
                   "y, type: target } ] }",
                   "say `type: ignore` of this column");
    expect_refusal("{ format: csv, target: record, columns: [ { name: v, type: numeric } ], "
                   "window: { length: 2, forecast: v } }",
                   "a window has one target");
    expect_refusal("{ format: text, target: record, alphabet: ab, length: 2 }",
                   "the same text one character later");
    expect_refusal("{ format: idx, target: record, shape: [3], classes: 2 }",
                   "leave `classes` out");
    expect_refusal("{ format: npy, target: record, shape: [3], outputs: 2 }",
                   "leave `outputs` out");
    expect_refusal("{ format: image, target: record, shape: [1, 3, 3], classes: [a, b] }",
                   "leave `classes` out");
    expect_refusal("{ format: npy, target: record, shape: [4, 4], augment: [ { kind: noise, "
                   "deviation: 1 }, { kind: flip } ] }",
                   "noise comes last");
}

/* ---- features alone ---- */

static struct data_table *
features_of(const char *section, const char *text)
{
    static struct data_schema *s;
    data_schema_free(s);
    s = schema_of(section);
    data_schema_drop_targets(s);
    return table_of(s, text);
}

static void
a_prediction_needs_no_target(void **state)
{
    (void)state;
    struct data_table *t = features_of("{ format: csv, columns: [ { name: a, type: numeric }, { "
                                       "name: w, type: weight }, { name: y, type: target, "
                                       "positive: [\"1\"] } ] }",
                                       "b,a\nq,1\nq,2\n");
    EXPECT_FLOATS(t->x, 1, 2);
    assert_null(t->weight);
    data_table_free(t);
    /* without a header a column keeps its place, whatever stands there */
    t = features_of(
        "{ format: csv, header: false, columns: [ { name: y, type: target }, { name: a, "
        "type: numeric } ] }",
        ",5\n?,6\n");
    EXPECT_FLOATS(t->x, 5, 6);
    data_table_free(t);
    t = features_of("{ format: text, alphabet: ab, length: 2 }", "abba");
    EXPECT_FLOATS(t->x, 0, 1, 1, 0);
    data_table_free(t);
}

static void
a_forecast_is_asked_of_the_newest_window(void **state)
{
    (void)state;
    static const char section[] = "{ format: csv, columns: [ { name: v, type: numeric } ], window: "
                                  "{ length: 2, forecast: v, horizon: 2 } }";
    struct data_table *t        = features_of(section, "v\n1\n2\n3\n4\n");
    assert_int_equal(t->rows, 3);
    EXPECT_FLOATS(t->x, 1, 2, 2, 3, 3, 4);
    data_table_free(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_its_own_target),
        cmocka_unit_test(windows_and_arrays_are_their_own_targets),
        cmocka_unit_test(bytes_need_no_labels),
        cmocka_unit_test(the_target_follows_every_change_but_noise),
        cmocka_unit_test(sections_that_contradict_themselves_are_refused),
        cmocka_unit_test(a_prediction_needs_no_target),
        cmocka_unit_test(a_forecast_is_asked_of_the_newest_window),
    };
    return cmocka_run_group_tests(tests, records_setup, records_teardown);
}
