#include "support/records.h"

#include "data/augment.h"
#include "data/transform.h"

#include <math.h>

enum {
    ROWS      = 64,
    SIDE      = 8,
    IMAGE     = 3 * SIDE * SIDE,
    NUMBERS   = 20 * 2, /* a series */
    DRAWS_MAX = 4000
};

/* ---- one record ---- */

static void
fill(float *x, size_t count)
{
    for (size_t i = 0; i < count; i++)
        x[i] = (float)((int)(i * 37 % 101) - 50) / 7.0f;
}

static void
flipping_twice_changes_no_bit(void **state)
{
    (void)state;
    const struct data_planes sizes[] = {{3, 8, 8}, {1, 5, 7}, {2, 1, 4}, {1, 3, 1}};
    float                    x[IMAGE], y[IMAGE];
    fill(x, IMAGE);
    for (size_t s = 0; s < 4; s++)
        for (int vertical = 0; vertical < 2; vertical++) {
            memcpy(y, x, sizeof x);
            data_transform_flip(y, sizes[s], vertical == 1);
            for (size_t c = 0; c < sizes[s].count; c++)
                for (size_t h = 0; h < sizes[s].height; h++)
                    for (size_t w = 0; w < sizes[s].width; w++) {
                        size_t plane = c * sizes[s].height * sizes[s].width;
                        size_t to    = plane + h * sizes[s].width + w;
                        size_t from  = plane +
                                      (vertical ? sizes[s].height - 1 - h : h) * sizes[s].width +
                                      (vertical ? w : sizes[s].width - 1 - w);
                        assert_true(y[to] == x[from]);
                    }
            data_transform_flip(y, sizes[s], vertical == 1);
            assert_memory_equal(x, y, sizeof x);
        }
}

static void
moving_by_nothing_changes_nothing_and_back_restores_the_middle(void **state)
{
    (void)state;
    const struct data_planes size = {3, SIDE, SIDE};
    float                    x[IMAGE], y[IMAGE], z[IMAGE];
    fill(x, IMAGE);
    for (int border = DATA_BORDER_ZERO; border <= DATA_BORDER_REPEAT; border++) {
        data_transform_move(y, x, size, 0, 0, (enum data_border)border);
        assert_memory_equal(x, y, sizeof x);
        data_transform_move(y, x, size, 2, -1, (enum data_border)border);
        /* out[0, 7, 0] would be x[0, 9, -1] */
        assert_true(y[7 * SIDE] == (border == DATA_BORDER_ZERO ? 0.0f : x[7 * SIDE]));
        assert_true(y[SIDE + 3] == x[3 * SIDE + 2]);
        data_transform_move(z, y, size, -2, 1, (enum data_border)border);
        for (size_t h = 2; h < SIDE; h++)
            for (size_t w = 0; w < SIDE - 1; w++)
                assert_true(z[h * SIDE + w] == x[h * SIDE + w]);
    }
}

static void
mixing_with_share_one_changes_no_bit(void **state)
{
    (void)state;
    float x[4] = {-0.0f, 1.0f, 3.0f, INFINITY}, y[4] = {5, NAN, -1, 0}, z[4];
    memcpy(z, x, sizeof x);
    data_transform_mix(z, y, 4, 1.0);
    assert_memory_equal(x, z, sizeof x);
    data_transform_mix(z + 2, y + 2, 1, 0.25);
    assert_true(z[2] == 0.0f);
}

static void
warping_keeps_ends_and_order_and_equal_speeds_change_nothing(void **state)
{
    (void)state;
    const double one[5] = {1, 1, 1, 1, 1}, speeds[5] = {3, 0.5, 1, 2, 0.1};
    float        x[NUMBERS], y[NUMBERS];
    fill(x, NUMBERS);
    data_transform_warp(y, x, 20, 2, one, 5);
    assert_memory_equal(x, y, sizeof x);
    for (size_t t = 0; t < NUMBERS; t++)
        x[t] = (float)t;
    data_transform_warp(y, x, NUMBERS, 1, speeds, 5);
    assert_true(y[0] == 0.0f && y[NUMBERS - 1] == (float)(NUMBERS - 1));
    bool moved = false;
    for (size_t t = 1; t < NUMBERS; t++) {
        assert_true(y[t] > y[t - 1]);
        moved = moved || fabsf(y[t] - (float)t) > 1.0f;
    }
    assert_true(moved);
    struct pn_rng rng;
    pn_rng_init(&rng, 1);
    for (int i = 0; i < 500; i++) { /* the end stays, however its time was rounded */
        double draw[5];
        for (int k = 0; k < 5; k++)
            draw[k] = exp(pn_rng_normal(&rng));
        data_transform_warp(y, x, NUMBERS, 1, draw, 5);
        assert_true(y[0] == 0.0f && y[NUMBERS - 1] == (float)(NUMBERS - 1));
    }
    const double two[3] = {2, 2, 2};
    data_transform_warp(y, x, NUMBERS, 1, two, 3);
    for (size_t t = 0; t < NUMBERS; t++)
        assert_true(fabsf(y[t] - (float)t) < 1e-4f);
    data_transform_warp(y, x, 1, NUMBERS, speeds, 5); /* one step stays */
    assert_memory_equal(x, y, sizeof x);
}

/* ---- batches ---- */

static struct data_schema *schema;
static float               all_x[ROWS * IMAGE], all_y[ROWS], scratch[IMAGE];

static struct data_augment
augment_of(const char *section, uint64_t seed)
{
    data_schema_free(schema);
    schema                      = schema_of(section);
    struct data_augment augment = {
        .schema  = schema,
        .records = {.x = all_x, .target = all_y, .rows = ROWS},
        .scratch = scratch,
    };
    pn_rng_init(&augment.rng, seed);
    fill(all_x, ROWS * IMAGE);
    for (int i = 0; i < ROWS; i++)
        all_y[i] = (float)(i % 10);
    return augment;
}

static void
gather(float *x, float *y, const uint32_t *ids, uint32_t rows)
{
    size_t size = schema->feature_count;
    for (uint32_t i = 0; i < rows; i++) {
        memcpy(x + i * size, all_x + ids[i] * size, size * sizeof *x);
        y[i] = all_y[ids[i]];
    }
}

#define ALL_STEPS                                                                                  \
    "augment: [ { kind: flip }, { kind: crop, by: 3 }, { kind: shift, by: 2, chance: 0.5 }, "      \
    "{ kind: noise, deviation: 0.1 }, { kind: mixup, alpha: 0.4 } ]"

static const char images[] = "{ format: idx, shape: [3, 8, 8], classes: 10, " ALL_STEPS " }";

static void
a_record_does_not_depend_on_its_batch(void **state)
{
    (void)state;
    static float        x[ROWS * IMAGE], y[ROWS], one_x[IMAGE], one_y[1];
    uint32_t            ids[ROWS];
    struct data_augment augment = augment_of(images, 7);
    for (uint32_t i = 0; i < ROWS; i++)
        ids[i] = (i * 29 + 5) % ROWS; /* 29 and 64 have no common divisor */
    gather(x, y, ids, ROWS);
    data_augment_apply(&augment, x, y, ids, ROWS, 3);
    for (uint32_t i = 0; i < ROWS; i++) {
        gather(one_x, one_y, &ids[i], 1);
        assert_memory_not_equal(one_x, x + i * IMAGE, sizeof one_x);
        data_augment_apply(&augment, one_x, one_y, &ids[i], 1, 3);
        assert_memory_equal(one_x, x + i * IMAGE, sizeof one_x);
        assert_memory_equal(one_y, y + i, sizeof one_y);
    }
    uint32_t id = 9;
    gather(x, y, &id, 1);
    gather(one_x, one_y, &id, 1);
    data_augment_apply(&augment, x, y, &id, 1, 4);
    data_augment_apply(&augment, one_x, one_y, &id, 1, 5); /* another epoch */
    assert_memory_not_equal(one_x, x, sizeof one_x);
    gather(one_x, one_y, &id, 1);
    pn_rng_init(&augment.rng, 8); /* another seed */
    data_augment_apply(&augment, one_x, one_y, &id, 1, 4);
    assert_memory_not_equal(one_x, x, sizeof one_x);
}

static void
a_step_in_front_changes_no_draw_of_the_others(void **state)
{
    (void)state;
    static float        x[IMAGE], y[1], z[IMAGE];
    const uint32_t      id      = 3;
    struct data_augment augment = augment_of(
        "{ format: idx, shape: [3, 8, 8], classes: 10, augment: [ { kind: noise, deviation: 0 }, "
        "{ kind: crop, by: 3 } ] }",
        7);
    gather(x, y, &id, 1);
    data_augment_apply(&augment, x, y, &id, 1, 0);
    augment = augment_of("{ format: idx, shape: [3, 8, 8], classes: 10, augment: [ { kind: flip, "
                         "chance: 0 }, { kind: crop, by: 3 } ] }",
                         7);
    gather(z, y, &id, 1);
    data_augment_apply(&augment, z, y, &id, 1, 0);
    assert_memory_equal(x, z, sizeof x);
}

static void
no_steps_change_no_bit(void **state)
{
    (void)state;
    static float        x[ROWS * IMAGE], y[ROWS];
    uint32_t            ids[ROWS];
    struct data_augment augment = augment_of(
        "{ format: idx, shape: [3, 8, 8], classes: 10, augment: [ { kind: flip, chance: "
        "0 }, { kind: mixup, alpha: 1, chance: 0 }, { kind: crop, by: 1, chance: 0 } ] }",
        1);
    for (uint32_t i = 0; i < ROWS; i++)
        ids[i] = i;
    gather(x, y, ids, ROWS);
    data_augment_apply(&augment, x, y, ids, ROWS, 0);
    assert_memory_equal(x, all_x, sizeof x);
    assert_memory_equal(y, all_y, sizeof y);
}

/* The moments of what happens to record 5 in many epochs. */
static void
chances_offsets_and_noise_have_their_distributions(void **state)
{
    (void)state;
    static float        x[IMAGE], y[1];
    const uint32_t      id      = 5;
    struct data_augment augment = augment_of(
        "{ format: idx, shape: [3, 8, 8], classes: 10, augment: [ { kind: flip, chance: 0.3 } ] }",
        1);
    int flipped = 0, seen[5][5] = {{0}};
    for (uint64_t e = 0; e < DRAWS_MAX; e++) {
        gather(x, y, &id, 1);
        data_augment_apply(&augment, x, y, &id, 1, e);
        flipped += x[0] == all_x[id * IMAGE + SIDE - 1];
    }
    assert_true(fabs(flipped / 4000.0 - 0.3) < 4 * sqrt(0.21 / 4000)); /* 4 deviations */

    augment = augment_of(
        "{ format: idx, shape: [8, 8], classes: 10, augment: [ { kind: crop, by: 2 } ] }", 1);
    for (uint32_t i = 0; i < SIDE * SIDE; i++)
        all_x[id * SIDE * SIDE + i] = (float)(1 + i);
    for (uint64_t e = 0; e < DRAWS_MAX; e++) {
        gather(x, y, &id, 1);
        data_augment_apply(&augment, x, y, &id, 1, e);
        int from = (int)x[3 * SIDE + 3] - 1; /* always inside */
        seen[from / SIDE - 1][from % SIDE - 1]++;
    }
    for (int i = 0; i < 25; i++) /* 160 each */
        assert_true(fabs(seen[i / 5][i % 5] - 160.0) < 5 * sqrt(160));

    augment    = augment_of("{ format: idx, shape: [8, 8], classes: 10, augment: [ { kind: noise, "
                               "deviation: 0.5 } ] }",
                            1);
    double sum = 0, squares = 0, n = 4000.0 * 64;
    for (uint64_t e = 0; e < DRAWS_MAX; e++) {
        gather(x, y, &id, 1);
        data_augment_apply(&augment, x, y, &id, 1, e);
        for (size_t i = 0; i < 64; i++) {
            double d = (double)x[i] - (double)all_x[id * 64 + i];
            sum += d;
            squares += d * d;
        }
    }
    assert_true(fabs(sum / n) < 4 * 0.5 / sqrt(n));
    assert_true(fabs(squares / n - 0.25) < 4 * 0.25 * sqrt(2 / n));
}

/* Beta(a, a): mean 1/2, variance 1 / (4 (2 a + 1)). A record of zeros among ones shows its share.
 */
static void
mixup_draws_shares_from_beta_and_labels_by_them(void **state)
{
    (void)state;
    static const double alphas[] = {0.01, 0.2, 1.0, 4.0};
    for (size_t a = 0; a < 4; a++) {
        char section[200];
        snprintf(section, sizeof section,
                 "{ format: idx, shape: [1], classes: 3, augment: [ { kind: mixup, alpha: %g } ] }",
                 alphas[a]);
        struct data_augment augment = augment_of(section, 1);
        const uint32_t      id      = 0;
        augment.records.rows        = 2;
        all_x[0]                    = 0.0f;
        all_x[1]                    = 1.0f;
        all_y[0]                    = 0.0f;
        all_y[1]                    = 2.0f;
        double sum = 0, squares = 0, label = 0, other = 0, both = 0;
        for (uint64_t e = 0; e < DRAWS_MAX; e++) {
            float x = 0.0f, y = 0.0f;
            data_augment_apply(&augment, &x, &y, &id, 1, e);
            assert_true(x >= 0.0f && x <= 1.0f && (y == 0.0f || y == 2.0f));
            sum += (double)x;
            squares += (double)x * (double)x;
            label += (double)y / 2;
            both += (double)x * (double)y / 2;
            other += (double)x * (1 - (double)x);
        }
        /* Half of the partners are the record itself. */
        double n = DRAWS_MAX, variance = 1 / (4 * (2 * alphas[a] + 1));
        assert_true(fabs(sum / n - 0.25) < 0.03);
        assert_true(fabs(squares / n - 0.5 * (0.25 + variance)) < 0.03);
        assert_true(fabs(label / n - sum / n) < 0.03);
        assert_true(fabs(both / n - squares / n) < 0.03); /* the label follows the share */
        assert_true(fabs(other / n - 0.5 * (0.25 - variance)) < 0.02);
    }
}

static void
mixup_mixes_numbers(void **state)
{
    (void)state;
    struct data_augment augment = augment_of(
        "{ format: npy, shape: [1], outputs: 1, augment: [ { kind: mixup, alpha: 1 } ] }", 1);
    for (uint32_t id = 0; id < ROWS; id++) {
        all_x[id] = (float)id;
        all_y[id] = 2.0f * (float)id + 1.0f;
    }
    int between = 0;
    for (uint32_t id = 0; id < ROWS; id++) {
        float x = all_x[id], y = all_y[id];
        data_augment_apply(&augment, &x, &y, &id, 1, 0);
        assert_true(fabsf(2.0f * x + 1.0f - y) < 1e-4f);
        between += x != floorf(x);
    }
    assert_true(between > ROWS / 2);
}

static void
series_shift_and_warp_along_their_time(void **state)
{
    (void)state;
    struct data_augment augment = augment_of(
        "{ format: npy, shape: [20, 2], layout: series, classes: 10, augment: [ { kind: shift, by: "
        "3 } ] }",
        1);
    bool seen[7] = {false};
    for (uint32_t id = 0; id < ROWS; id++) {
        float x[NUMBERS], y, *from = all_x + id * NUMBERS;
        int   by = 99;
        for (int i = 0; i < NUMBERS; i++)
            from[i] = (float)i;
        gather(x, &y, &id, 1);
        data_augment_apply(&augment, x, &y, &id, 1, 0);
        by = (int)(x[20] - from[20]) / 2; /* step 10 */
        assert_true(by >= -3 && by <= 3);
        seen[by + 3] = true;
        for (int t = 0; t < 20; t++) {
            int at = t + by < 0 ? 0 : t + by > 19 ? 19 : t + by;
            assert_true(x[2 * t] == from[2 * at] && x[2 * t + 1] == from[2 * at + 1]);
        }
    }
    for (int i = 0; i < 7; i++)
        assert_true(seen[i]);
    augment = augment_of("{ format: npy, shape: [20, 2], layout: series, classes: 10, augment: [ { "
                         "kind: warp, strength: 0.3 } ] }",
                         1);
    uint32_t id = 4;
    float    x[NUMBERS], y;
    gather(x, &y, &id, 1);
    data_augment_apply(&augment, x, &y, &id, 1, 0);
    assert_memory_not_equal(x, all_x + 4 * NUMBERS, sizeof x);
    assert_memory_equal(x, all_x + 4 * NUMBERS, 8);
    assert_memory_equal(x + 38, all_x + 4 * NUMBERS + 38, 8);
}

static void
options_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"augment: flip", "augment"},
        {"augment: [ flip ]", "expected a step such as"},
        {"augment: [ { kind: turn } ]", "kind"},
        {"augment: [ { kind: flip, by: 2 } ]", "by"},
        {"augment: [ { kind: crop } ]", "by"},
        {"augment: [ { kind: crop, by: 8 } ]", "by"},
        {"augment: [ { kind: crop, by: 0 } ]", "by"},
        {"augment: [ { kind: flip, chance: 1.5 } ]", "chance"},
        {"augment: [ { kind: flip, axis: diagonal } ]", "axis"},
        {"augment: [ { kind: noise, deviation: -1 } ]", "deviation"},
        {"augment: [ { kind: mixup, alpha: 0 } ]", "alpha"},
        {"augment: [ { kind: warp, strength: 0.1 } ]",
         "warp is for series; the records of this job are images"},
        {"augment: [ {kind: flip}, {kind: flip}, {kind: flip}, {kind: flip}, {kind: flip}, {kind: "
         "flip}, {kind: flip}, {kind: flip}, {kind: flip} ]",
         "at most 8 steps, seen 9"},
    };
    struct data_schema *s = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, "{ format: idx, shape: [8, 8], classes: 10, %s }", cases[i][0]);
        EXPECT_STATUS(PN_ECONFIG, decode_schema(&s, text));
        EXPECT_SAYS(&why, cases[i][1]);
    }
    EXPECT_STATUS(PN_ECONFIG,
                  decode_schema(&s, "{ format: csv, columns: [ { name: x, type: numeric }, { name: "
                                    "y, type: target } ], augment: [ { kind: shift, by: 1 } ] }"));
    EXPECT_SAYS(&why, "shift is for images and series; the records of this job are neither");
    EXPECT_STATUS(PN_ECONFIG, decode_schema(&s, "{ format: npy, shape: [9, 1], layout: series, "
                                                "classes: 2, augment: [ { kind: flip } ] }"));
    EXPECT_SAYS(&why, "flip is for images; the records of this job are series");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flipping_twice_changes_no_bit),
        cmocka_unit_test(moving_by_nothing_changes_nothing_and_back_restores_the_middle),
        cmocka_unit_test(mixing_with_share_one_changes_no_bit),
        cmocka_unit_test(warping_keeps_ends_and_order_and_equal_speeds_change_nothing),
        cmocka_unit_test(a_record_does_not_depend_on_its_batch),
        cmocka_unit_test(a_step_in_front_changes_no_draw_of_the_others),
        cmocka_unit_test(no_steps_change_no_bit),
        cmocka_unit_test(chances_offsets_and_noise_have_their_distributions),
        cmocka_unit_test(mixup_draws_shares_from_beta_and_labels_by_them),
        cmocka_unit_test(mixup_mixes_numbers),
        cmocka_unit_test(series_shift_and_warp_along_their_time),
        cmocka_unit_test(options_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, records_setup, records_teardown);
}
