/* NPY and NPZ as NumPy writes them (tests/vectors/make_arrays.py), and what is no such file. */
#include "support/records.h"

#include "data/npy.h"
#include "data/zip.h"
#include "vectors/arrays.h"

static const char classes3[] = "{ format: npy, shape: [2, 3], classes: 3 }";

enum {
    BIG = 4096
};

static enum pn_status
load(struct data_table **out, const char *section, const void *x, size_t x_size, const void *y,
     size_t y_size)
{
    char  x_path[FOLDER_PATH], y_path[FOLDER_PATH];
    char *files[] = {x_path, y_path};
    save_bytes("x.npy", x, x_size);
    save_bytes("y.npy", y, y_size);
    (void)folder_path(x_path, folder, "x.npy");
    (void)folder_path(y_path, folder, "y.npy");
    static struct data_schema *schema;
    data_schema_free(schema);
    schema = schema_of(section);
    return data_table_load(out, schema, &(struct data_source){.files = files, .file_count = 2},
                           1u << 20, &why);
}

#define LOAD(out, section, x, y) load(out, section, x, sizeof x, y, sizeof y)

static void
refuse(const char *section, const void *x, size_t x_size, const void *y, size_t y_size,
       const char *says)
{
    struct data_table *t = NULL;
    EXPECT_STATUS(PN_EDATA, load(&t, section, x, x_size, y, y_size));
    EXPECT_SAYS(&why, says);
}

#define REFUSE(section, x, y, says) refuse(section, x, sizeof x, y, sizeof y, says)

static void
every_number_type_is_read(void **state)
{
    (void)state;
    static const struct {
        const unsigned char *bytes;
        size_t               size;
        int                  sign;
        bool                 odd; /* bool: value % 2 */
    } cases[] = {
        {arrays_f4, sizeof arrays_f4, 1, false},
        {arrays_f8, sizeof arrays_f8, 1, false},
        {arrays_i1, sizeof arrays_i1, 1, false},
        {arrays_i2, sizeof arrays_i2, 1, false},
        {arrays_i4, sizeof arrays_i4, 1, false},
        {arrays_i8, sizeof arrays_i8, 1, false},
        {arrays_u1, sizeof arrays_u1, 1, false},
        {arrays_u2, sizeof arrays_u2, 1, false},
        {arrays_u4, sizeof arrays_u4, 1, false},
        {arrays_u8, sizeof arrays_u8, 1, false},
        {arrays_bool, sizeof arrays_bool, 1, true},
        {arrays_negative, sizeof arrays_negative, -1, false},
        {arrays_version2, sizeof arrays_version2, 1, false},
        {arrays_version3, sizeof arrays_version3, 1, false},
    };
    static const float labels[] = {0, 2, 1, 2};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct data_table *t;
        EXPECT_OK(load(&t, classes3, cases[c].bytes, cases[c].size, arrays_classes,
                       sizeof arrays_classes));
        assert_int_equal(t->rows, 4);
        for (int i = 0; i < 24; i++) {
            int value = i % 7;
            assert_true(t->x[i] == (float)(cases[c].sign * (cases[c].odd ? value % 2 : value)));
        }
        assert_memory_equal(t->target, labels, sizeof labels);
        data_table_free(t);
    }
}

static void
targets_may_be_a_column_or_several_numbers(void **state)
{
    (void)state;
    static const float outputs[] = {0.5f, -1.5f, 2, 3, 4, 5, 6, 7};
    struct data_table *t;
    EXPECT_OK(LOAD(&t, "{ format: npy, shape: [1, 2, 3], classes: 3, divide: 2 }", arrays_u1,
                   arrays_column));
    assert_true(t->x[5] == 2.5f && t->target[1] == 2.0f);
    data_table_free(t);
    REFUSE("{ format: npy, shape: [6], outputs: 2 }", arrays_outputs, arrays_outputs,
           "nx6, seen 4x2");
    EXPECT_OK(LOAD(&t, "{ format: npy, shape: [2, 3], outputs: 2 }", arrays_f4, arrays_outputs));
    assert_memory_equal(t->target, outputs, sizeof outputs);
    data_table_free(t);
}

static void
channels_behind_become_channels_before(void **state)
{
    (void)state;
    struct data_table *t;
    /* (4, 2, 3) as images of 1 row, 2 columns and 3 channels. */
    EXPECT_OK(LOAD(&t, "{ format: npy, shape: [3, 1, 2], channels: last, classes: 3 }", arrays_f4,
                   arrays_classes));
    for (size_t c = 0; c < 3; c++)
        for (size_t w = 0; w < 2; w++)
            assert_true(t->x[c * 2 + w] == (float)(w * 3 + c));
    data_table_free(t);
    REFUSE("{ format: npy, shape: [3, 1, 2], classes: 3 }", arrays_f4, arrays_classes,
           "nx3x1x2, seen 4x2x3");
}

static void
other_arrays_are_refused_with_what_to_do(void **state)
{
    (void)state;
    REFUSE(classes3, arrays_fortran, arrays_classes, "numpy.ascontiguousarray");
    REFUSE(classes3, arrays_big_endian, arrays_classes, "seen the type \">f4\"");
    REFUSE(classes3, arrays_complex, arrays_classes, "astype");
    REFUSE(classes3, arrays_records, arrays_classes, "records");
    REFUSE(classes3, arrays_scalar, arrays_classes, "seen one number");
    REFUSE(classes3, arrays_nan, arrays_classes, "x.npy: record 1: expected finite numbers");
    REFUSE(classes3, arrays_f4, arrays_f4, "y.npy: expected an array of the shape nx1");
    REFUSE(classes3, arrays_f4, arrays_nan, "nx1, seen 4x2x3");
    REFUSE("{ format: npy, shape: [2, 3], classes: 2 }", arrays_f4, arrays_classes,
           "y.npy: record 2: expected a class from 0 to 1, seen 2");
    REFUSE("{ format: npy, shape: [3, 2], classes: 3 }", arrays_f4, arrays_classes,
           "nx3x2, seen 4x2x3");
    REFUSE(classes3, "PK\3\4 this is no NPY file", arrays_classes, "93 4e 55 4d");
}

static void
damaged_headers_are_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "expected {"},
        {"{", "descr, fortran_order or shape"},
        {"{}", "lacks one of"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2, 3), } x", "end of the header"},
        {"{'descr': '<f4', 'descr': '<f4', 'shape': (4,), }", "each key once"},
        {"{'descr': 'O', 'fortran_order': False, 'shape': (4, 2, 3), }", "the type \"O\""},
        {"{'descr': '<f4, 'fortran_order': False, 'shape': (4, 2, 3), }", "the type"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (4, 2, 3), }", "True or False"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-4, 2, 3), }", "a size"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4 2), }", "a comma"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "2^32"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", "more than 8"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967295, 2, 3), }", "4294967295"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2, 3), }", "0 records and 4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char bytes[512] = "\x93NUMPY\1";
        size_t        len        = strlen(cases[i][0]);
        pn_put_u16(bytes + 8, (uint16_t)len);
        memcpy(bytes + 10, cases[i][0], len);
        refuse(classes3, bytes, 10 + len, arrays_classes, sizeof arrays_classes, cases[i][1]);
    }
    unsigned char bytes[16] = "\x93NUMPY\4";
    REFUSE(classes3, bytes, arrays_classes, "version 1, 2 or 3, seen 4");
    memcpy(bytes, "\x93NUMPY\2\0\xff\xff\xff\xff", 12);
    REFUSE(classes3, bytes, arrays_classes, "at most 10000 bytes, seen 4294967295");
}

static void
arrays_of_another_length_are_refused(void **state)
{
    (void)state;
    unsigned char longer[sizeof arrays_f4 + 1] = {0};
    memcpy(longer, arrays_f4, sizeof arrays_f4);
    for (size_t cut = 0; cut < sizeof arrays_f4; cut++)
        refuse(classes3, arrays_f4, cut, arrays_classes, sizeof arrays_classes,
               "x.npy: the file ends inside");
    REFUSE(classes3, longer, arrays_classes, "longer than its header says");
}

/* ---- NPZ ---- */

static enum pn_status
load_npz(struct data_table **out, const void *bytes, size_t size, const char *x, const char *y)
{
    char                       path[FOLDER_PATH], x_name[32], y_name[32], *files[] = {path};
    static struct data_schema *schema;
    save_bytes("a.npz", bytes, size);
    (void)folder_path(path, folder, "a.npz");
    snprintf(x_name, sizeof x_name, "%s", x);
    snprintf(y_name, sizeof y_name, "%s", y);
    data_schema_free(schema);
    schema = schema_of("{ format: npz, shape: [2, 3], classes: 3 }");
    return data_table_load(
        out, schema,
        &(struct data_source){.files = files, .file_count = 1, .arrays = {x_name, y_name}},
        1u << 20, &why);
}

static void
archives_are_read_stored_and_deflated(void **state)
{
    (void)state;
    for (int deflated = 0; deflated < 2; deflated++) {
        struct data_table *t;
        EXPECT_OK(load_npz(&t, deflated ? arrays_deflated_npz : arrays_stored_npz,
                           deflated ? sizeof arrays_deflated_npz : sizeof arrays_stored_npz, "x",
                           "y"));
        assert_int_equal(t->rows, 4);
        for (int i = 0; i < 24; i++)
            assert_true(t->x[i] == (float)(i % 7));
        assert_true(t->target[3] == 2.0f);
        data_table_free(t);
    }
}

static void
refuse_npz(const void *bytes, size_t size, const char *x, const char *says)
{
    struct data_table *t = NULL;
    EXPECT_STATUS(PN_EDATA, load_npz(&t, bytes, size, x, "y"));
    EXPECT_SAYS(&why, says);
}

/* The directory entry of x.npy, by its mark. */
static unsigned char *
entry_of(unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i + 4 < size; i++)
        if (memcmp(bytes + i, "PK\1\2", 4) == 0)
            return bytes + i;
    fail_msg("no entry");
    return NULL;
}

static void
archives_that_lie_are_refused(void **state)
{
    (void)state;
    const size_t  size = sizeof arrays_deflated_npz;
    unsigned char bytes[BIG];
    refuse_npz(arrays_stored_npz, sizeof arrays_stored_npz, "z", "no \"z.npy\"; it has x.npy, y");
    for (size_t cut = 0; cut < size; cut++)
        refuse_npz(arrays_deflated_npz, cut, "x", "end is missing");
    static const struct {
        size_t      at;
        uint32_t    value;
        const char *says;
    } lies[] = {
        {24, 4000000000u, "not possible"},         /* unpacked size: a bomb by its claim */
        {24, 500, "seen fewer"},                   /* more than there is */
        {24, 100, "seen more"},                    /* less than there is: a bomb inside */
        {20, 4000000000u, "beyond the directory"}, /* packed size */
        {20, 20, "ends too early"},                /* a stream cut off */
        {42, 7, "not where the directory says"},   /* offset */
        {42, 0xfffffff0u, "not where the directory"},
        {16, 0, "checksum"},
        {24, UINT32_MAX, "4 GiB"},
        {10, 12, "packed by method"}, /* and crc below it; bzip2 */
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        memcpy(bytes, arrays_deflated_npz, size);
        unsigned char *entry = entry_of(bytes, size);
        if (lies[i].at == 10)
            pn_put_u16(entry + 10, (uint16_t)lies[i].value);
        else
            pn_put_u32(entry + lies[i].at, lies[i].value);
        refuse_npz(bytes, size, "x", lies[i].says);
    }
    memcpy(bytes, arrays_deflated_npz, size);
    entry_of(bytes, size)[8] |= 1;
    refuse_npz(bytes, size, "x", "encrypted");
    memcpy(bytes, arrays_deflated_npz, size);
    pn_put_u32(bytes + size - 6, 0x7fffffff); /* where the directory is */
    refuse_npz(bytes, size, "x", "directory is not where");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_type_is_read),
        cmocka_unit_test(targets_may_be_a_column_or_several_numbers),
        cmocka_unit_test(channels_behind_become_channels_before),
        cmocka_unit_test(other_arrays_are_refused_with_what_to_do),
        cmocka_unit_test(damaged_headers_are_refused),
        cmocka_unit_test(arrays_of_another_length_are_refused),
        cmocka_unit_test(archives_are_read_stored_and_deflated),
        cmocka_unit_test(archives_that_lie_are_refused),
    };
    return cmocka_run_group_tests(tests, records_setup, records_teardown);
}
