/* PNG and JPEG as Pillow writes and reads them (tests/vectors/make_images.py); folders of them. */
#include "support/records.h"

#include "data/image.h"
#include "vectors/images.h"

enum {
    HEIGHT = 12,
    WIDTH  = 16,
    PLANE  = HEIGHT * WIDTH
};

static uint8_t pixels[3 * PLANE];

static enum pn_status
decode(const void *bytes, size_t size, uint32_t channels)
{
    return data_image_decode(pixels, &(struct data_image){.name     = "i",
                                                          .bytes    = bytes,
                                                          .size     = size,
                                                          .channels = channels,
                                                          .height   = HEIGHT,
                                                          .width    = WIDTH,
                                                          .why      = &why});
}

static void
images_are_what_pillow_reads(void **state)
{
    (void)state;
    static const struct {
        const unsigned char *bytes, *expected;
        size_t               size;
        uint32_t             channels;
    } cases[] = {
        {images_png_grey, images_png_grey_pixels, sizeof images_png_grey, 1},
        {images_png_bits, images_png_bits_pixels, sizeof images_png_bits, 1},
        {images_png_deep, images_png_grey_pixels, sizeof images_png_deep, 1},
        {images_png_rgb, images_png_rgb_pixels, sizeof images_png_rgb, 3},
        {images_png_interlaced, images_png_interlaced_pixels, sizeof images_png_interlaced, 3},
        {images_png_palette, images_png_palette_pixels, sizeof images_png_palette, 3},
        {images_png_opaque, images_png_opaque_pixels, sizeof images_png_opaque, 3},
        {images_jpeg_grey, images_jpeg_grey_pixels, sizeof images_jpeg_grey, 1},
        {images_jpeg_rgb, images_jpeg_rgb_pixels, sizeof images_jpeg_rgb, 3},
        {images_jpeg_progressive, images_jpeg_progressive_pixels, sizeof images_jpeg_progressive,
         3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (decode(cases[i].bytes, cases[i].size, cases[i].channels) != PN_OK)
            fail_msg("case %zu: %s", i, why.text);
        assert_memory_equal(pixels, cases[i].expected, cases[i].channels * PLANE);
    }
}

static void
grey_becomes_three_equal_channels(void **state)
{
    (void)state;
    EXPECT_OK(decode(images_png_grey, sizeof images_png_grey, 3));
    for (int c = 0; c < 3; c++)
        assert_memory_equal(pixels + c * PLANE, images_png_grey_pixels, PLANE);
    EXPECT_OK(decode(images_jpeg_grey, sizeof images_jpeg_grey, 3));
    for (int c = 0; c < 3; c++)
        assert_memory_equal(pixels + c * PLANE, images_jpeg_grey_pixels, PLANE);
}

static void
refuse(const void *bytes, size_t size, uint32_t channels, const char *says)
{
    EXPECT_STATUS(PN_EDATA, decode(bytes, size, channels));
    EXPECT_SAYS(&why, says);
}

static void
other_images_are_refused(void **state)
{
    (void)state;
    refuse(images_png_rgb, sizeof images_png_rgb, 1, "expected a grey image");
    refuse(images_png_palette, sizeof images_png_palette, 1, "expected a grey image");
    refuse(images_jpeg_rgb, sizeof images_jpeg_rgb, 1, "expected a grey image");
    refuse(images_png_transparent, sizeof images_png_transparent, 3, "transparent pixel in row 4");
    refuse(images_jpeg_cmyk, sizeof images_jpeg_cmyk, 3, "1 or 3 channels, seen 4");
    refuse(images_gif, sizeof images_gif, 1, "expected a PNG or JPEG file");
    refuse("", 0, 1, "expected a PNG or JPEG file, seen 0 bytes");
}

/* A header of 2^31 - 1 by 2^31 - 1 pixels costs nothing: it is not the job's size. */
static void
bombs_are_refused_by_their_header(void **state)
{
    (void)state;
    static const unsigned char big_header[] = {
        /* IHDR of a PNG with 1000000 x 1000000 pixels, and its CRC */
        0x89, 'P',  'N',  'G',  '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I',  'H',  'D',  'R', 0x00,
        0x0f, 0x42, 0x40, 0x00, 0x0f, 0x42, 0x40, 0x08, 0, 0, 0, 0,  0x2a, 0x0b, 0xa8, 0x9d};
    uint8_t bytes[sizeof images_jpeg_grey];
    size_t  at = 0;
    refuse(big_header, sizeof big_header, 1, "damaged"); /* the CRC, or no more bytes */
    memcpy(bytes, images_jpeg_grey, sizeof bytes);
    while (bytes[at] != 0xff || bytes[at + 1] != 0xc0) /* start of frame */
        at++;
    memset(bytes + at + 5, 0xff, 4); /* height, width */
    refuse(bytes, sizeof bytes, 1, "i: ");
    memcpy(bytes + at + 5, "\x75\x30\x75\x30", 4);
    refuse(bytes, sizeof bytes, 1,
           "expected an image of 12 rows and 16 columns (the job's shape), "
           "seen 30000 and 30000");
}

static void
cut_and_changed_files_are_refused_or_read(void **state)
{
    (void)state;
    static const struct {
        const unsigned char *bytes;
        size_t               size;
        uint32_t             channels;
    } cases[] = {{images_png_rgb, sizeof images_png_rgb, 3},
                 {images_png_palette, sizeof images_png_palette, 3},
                 {images_jpeg_rgb, sizeof images_jpeg_rgb, 3},
                 {images_jpeg_progressive, sizeof images_jpeg_progressive, 3}};
    static uint8_t bytes[4096];
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        assert_true(cases[c].size <= sizeof bytes);
        for (size_t cut = 0; cut + 2 < cases[c].size; cut++) {
            EXPECT_STATUS(PN_EDATA, decode(cases[c].bytes, cut, cases[c].channels));
            EXPECT_SAYS(&why, "i: ");
        }
        for (size_t at = 0; at < cases[c].size; at++) {
            memcpy(bytes, cases[c].bytes, cases[c].size);
            bytes[at] ^= 0x40;
            enum pn_status st = decode(bytes, cases[c].size, cases[c].channels);
            assert_true(st == PN_OK || st == PN_EDATA);
        }
    }
}

/* ---- folders ---- */

static const char section[] =
    "{ format: image, shape: [1, 12, 16], classes: [ill, well], divide: 1 }";

static enum pn_status
load(struct data_table **out, const char *text, const char *labels, enum data_share_kind share)
{
    char                       path[FOLDER_PATH], *files[] = {folder, path};
    static struct data_schema *schema;
    data_schema_free(schema);
    schema = schema_of(text);
    save_bytes("labels.csv", labels, strlen(labels));
    (void)folder_path(path, folder, "labels.csv");
    return data_table_load(
        out, schema,
        &(struct data_source){
            .files = files, .file_count = 2, .share = share, .share_of = 2, .share_number = 1},
        1u << 20, &why);
}

static void
make_folder(void)
{
    save_bytes("a.png", images_png_grey, sizeof images_png_grey);
    save_bytes("b.jpg", images_jpeg_grey, sizeof images_jpeg_grey);
    save_bytes("c.png", images_png_rgb, sizeof images_png_rgb);
    save_bytes("d.png", images_png_grey, sizeof images_png_grey - 20);
}

static void
folders_become_records(void **state)
{
    (void)state;
    struct data_table *t;
    make_folder();
    EXPECT_OK(load(&t, section, "file,label\nb.jpg,well\na.png,ill\r\n", DATA_SHARE_ALL));
    assert_int_equal(t->rows, 2);
    assert_true(t->target[0] == 1.0f && t->target[1] == 0.0f);
    for (size_t i = 0; i < PLANE; i++)
        assert_true(t->x[i] == (float)images_jpeg_grey_pixels[i] &&
                    t->x[PLANE + i] == (float)images_png_grey_pixels[i]);
    data_table_free(t);
    EXPECT_OK(load(&t, "{ format: image, shape: [1, 12, 16], classes: 7 }",
                   "file,label\n./a.png,6\n", DATA_SHARE_ALL));
    assert_true(t->target[0] == 6.0f && t->x[17] == (float)(images_png_grey_pixels[17] / 255.0));
    data_table_free(t);
    for (int share = DATA_SHARE_IID; share <= DATA_SHARE_SHARDS; share++) {
        EXPECT_OK(load(&t, section, "file,label\na.png,ill\nb.jpg,well\na.png,ill\nb.jpg,well\n",
                       (enum data_share_kind)share));
        assert_int_equal(t->rows, 2);
        data_table_free(t);
    }
}

static void
folders_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "labels.csv:1:1: expected the line \"file,label\""},
        {"a.png,ill\n", "expected the line \"file,label\""},
        {"file,label\n", "labels.csv:2:1: there is no record"},
        {"file,label\na.png\n", "labels.csv:2:1: expected 2 fields"},
        {"file,label\na.png,dead\n", "labels.csv:2:7: expected one of the job's classes, seen"},
        {"file,label\n/etc/passwd,ill\n", "the name of a file in the folder"},
        {"file,label\n../a.png,ill\n", "the name of a file in the folder"},
        {"file,label\nx/../../a.png,ill\n", "the name of a file in the folder"},
        {"file,label\n..,ill\n", "the name of a file in the folder"},
        {"file,label\nc.png,ill\n", "c.png: expected a grey image"},
        {"file,label\nd.png,ill\n", "d.png: the image is damaged: "},
        {"file,label\n.,ill\n", "this is a folder"},
    };
    struct data_table *t = NULL;
    make_folder();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        EXPECT_STATUS(PN_EDATA, load(&t, section, cases[i][0], DATA_SHARE_ALL));
        EXPECT_SAYS(&why, cases[i][1]);
    }
    EXPECT_STATUS(PN_ENOENT, load(&t, section, "file,label\nno.png,ill\n", DATA_SHARE_ALL));
    EXPECT_SAYS(&why, "no.png: there is no such file");
    EXPECT_STATUS(PN_EDATA, load(&t, "{ format: image, shape: [1, 12, 17], classes: 2 }",
                                 "file,label\na.png,1\n", DATA_SHARE_ALL));
    EXPECT_SAYS(&why, "a.png: expected an image of 12 rows and 17 columns (the job's shape), seen "
                      "12 and 16");
    EXPECT_STATUS(PN_EDATA, load(&t, "{ format: image, shape: [1, 12, 16], classes: 2 }",
                                 "file,label\na.png,2\n", DATA_SHARE_ALL));
    EXPECT_SAYS(&why, "expected a class from 0 to 1, seen \"2\"");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_what_pillow_reads),
        cmocka_unit_test(grey_becomes_three_equal_channels),
        cmocka_unit_test(other_images_are_refused),
        cmocka_unit_test(bombs_are_refused_by_their_header),
        cmocka_unit_test(cut_and_changed_files_are_refused_or_read),
        cmocka_unit_test(folders_become_records),
        cmocka_unit_test(folders_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, records_setup, records_teardown);
}
