#include "support/records.h"

static const char tiny[] = "{ format: idx, shape: [2, 3], classes: 4, divide: 10, "
                           "split: { test: 0 } }";

enum {
    ROWS = 40
};

static uint8_t images[16 + 6 * ROWS + 1], labels[8 + ROWS + 1];

/* ROWS images of 2x3: pixel p of image i is (i + p) % 256; label i % 4. */
static void
make_files(void)
{
    memset(images, 0, sizeof images);
    memset(labels, 0, sizeof labels);
    images[2]  = 8;
    images[3]  = 3;
    images[7]  = ROWS;
    images[11] = 2;
    images[15] = 3;
    labels[2]  = 8;
    labels[3]  = 1;
    labels[7]  = ROWS;
    for (size_t i = 0; i < ROWS; i++) {
        labels[8 + i] = (uint8_t)(i % 4);
        for (size_t p = 0; p < 6; p++)
            images[16 + 6 * i + p] = (uint8_t)(i + p);
    }
}

static enum pn_status
load(struct data_table **out, size_t images_size, size_t labels_size, struct data_source share)
{
    char  i_path[FOLDER_PATH], l_path[FOLDER_PATH];
    char *files[]    = {i_path, l_path};
    share.files      = files;
    share.file_count = 2;
    save_bytes("i", images, images_size);
    save_bytes("l", labels, labels_size);
    (void)folder_path(i_path, folder, "i");
    (void)folder_path(l_path, folder, "l");
    struct data_schema *s  = schema_of(tiny);
    enum pn_status      st = data_table_load(out, s, &share, 1u << 20, &why);
    if (st == PN_OK)
        (*out)->schema = NULL;
    data_schema_free(s);
    return st;
}

static void
images_and_labels_become_records(void **state)
{
    (void)state;
    struct data_table *t;
    make_files();
    EXPECT_OK(load(&t, 16 + 6 * ROWS, 8 + ROWS, (struct data_source){0}));
    assert_int_equal(t->rows, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        assert_true(t->target[i] == (float)(i % 4));
        for (size_t p = 0; p < 6; p++)
            assert_true(t->x[6 * i + p] == (float)((double)(i + p) / 10.0));
    }
    data_table_free(t);
}

static void
shares_part_the_records(void **state)
{
    (void)state;
    make_files();
    for (int kind = DATA_SHARE_IID; kind <= DATA_SHARE_SHARDS; kind++) {
        int seen[ROWS] = {0};
        for (uint32_t k = 0; k < 5; k++) {
            struct data_table *t;
            EXPECT_OK(load(&t, 16 + 6 * ROWS, 8 + ROWS,
                           (struct data_source){.share        = (enum data_share_kind)kind,
                                                .share_of     = 5,
                                                .share_number = k,
                                                .share_seed   = 3}));
            assert_int_equal(t->rows, ROWS / 5);
            for (size_t i = 0; i < t->rows; i++) {
                size_t row = (size_t)(t->x[6 * i] * 10.0f + 0.5f);
                seen[row]++;
            }
            data_table_free(t);
        }
        for (size_t i = 0; i < ROWS; i++)
            assert_int_equal(seen[i], 1);
    }
}

static void
shards_of_whole_labels_hold_one_label_each(void **state)
{
    (void)state;
    make_files();
    for (uint32_t k = 0; k < 2; k++) { /* 4 shards, 4 labels */
        struct data_table *t;
        int                of_label[4] = {0};
        EXPECT_OK(load(
            &t, 16 + 6 * ROWS, 8 + ROWS,
            (struct data_source){.share = DATA_SHARE_SHARDS, .share_of = 2, .share_number = k}));
        for (size_t i = 0; i < t->rows; i++)
            of_label[(int)t->target[i]]++;
        for (int c = 0; c < 4; c++)
            assert_true(of_label[c] == 0 || of_label[c] == 10);
        data_table_free(t);
    }
}

static void
refuse(size_t images_size, size_t labels_size, const char *says)
{
    struct data_table *t = NULL;
    EXPECT_STATUS(PN_EDATA, load(&t, images_size, labels_size, (struct data_source){0}));
    EXPECT_SAYS(&why, says);
}

static void
wrong_files_are_refused(void **state)
{
    (void)state;
    const size_t i_size = 16 + 6 * ROWS, l_size = 8 + ROWS;
    make_files();
    for (size_t cut = 0; cut < i_size; cut++)
        refuse(cut, l_size, "i: the file ends inside");
    for (size_t cut = 0; cut < l_size; cut++)
        refuse(i_size, cut, "l: the file ends inside");
    refuse(i_size + 1, l_size, "i: the file is longer than its header says");
    refuse(i_size, l_size + 1, "l: the file is longer than its header says");
    images[3] = 1;
    refuse(i_size, l_size, "are images and labels exchanged?");
    make_files();
    images[2] = 13;
    refuse(i_size, l_size, "magic number 2051");
    make_files();
    labels[2] = 9;
    refuse(i_size, l_size, "magic number 2049");
    make_files();
    images[11] = 3;
    refuse(i_size, l_size, "expected images with size 2 in dimension 1 (the job's shape), seen 3");
    make_files();
    images[7] = ROWS - 1;
    refuse(i_size, l_size, "39 images and 40 labels");
    make_files();
    labels[8 + 17] = 4;
    refuse(i_size, l_size, "l: record 18: expected a label below 4");
    make_files();
    labels[4] = 0xff; /* 4 billion labels that are not there */
    refuse(i_size, l_size, "l: the file ends inside its labels");
    make_files();
    labels[7] = 0;
    refuse(i_size, 8, "no record");
}

/* ---- the real files ---- */

static void
mnist_has_its_known_shape_and_label_counts(void **state)
{
    (void)state;
    static const uint32_t train[10] = {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
    static const uint32_t test[10]  = {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009};
    for (int which = 0; which < 2; which++) {
        char  i_path[FOLDER_PATH], l_path[FOLDER_PATH];
        char *files[] = {i_path, l_path};
        dataset(i_path, which == 0 ? "mnist/train-images-idx3-ubyte.gz"
                                   : "mnist/t10k-images-idx3-ubyte.gz");
        dataset(l_path, which == 0 ? "mnist/train-labels-idx1-ubyte.gz"
                                   : "mnist/t10k-labels-idx1-ubyte.gz");
        struct data_source  source = {.files = files, .file_count = 2};
        struct data_schema *s      = schema_of("{ format: idx, shape: [28, 28], classes: 10 }");
        struct data_table  *t;
        struct data_report  r;
        EXPECT_OK(data_table_load(&t, s, &source, 1u << 30, &why));
        assert_int_equal(t->rows, which == 0 ? 60000 : 10000);
        EXPECT_OK(data_report_make(&r, t));
        for (int c = 0; c < 10; c++)
            assert_int_equal(r.class_rows[c], which == 0 ? train[c] : test[c]);
        for (size_t i = 0; i < 784; i++)
            assert_true(t->x[i] >= 0.0f && t->x[i] <= 1.0f);
        data_report_fini(&r);
        data_table_free(t);
        source.share    = DATA_SHARE_SHARDS;
        source.share_of = 100;
        EXPECT_OK(data_table_load(&t, s, &source, 1u << 30, &why));
        EXPECT_OK(data_report_make(&r, t));
        int labels_seen = 0;
        for (int c = 0; c < 10; c++)
            labels_seen += r.class_rows[c] > 0;
        assert_int_equal(t->rows, which == 0 ? 600 : 100);
        assert_true(labels_seen <= 4);
        data_report_fini(&r);
        data_table_free(t);
        data_schema_free(s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_and_labels_become_records),
        cmocka_unit_test(shares_part_the_records),
        cmocka_unit_test(shards_of_whole_labels_hold_one_label_each),
        cmocka_unit_test(wrong_files_are_refused),
        cmocka_unit_test(mnist_has_its_known_shape_and_label_counts),
    };
    return cmocka_run_group_tests(tests, records_setup, records_teardown);
}
