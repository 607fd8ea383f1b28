#include "support/expect.h"
#include "text/safetensors.h"

#include <stdio.h>
#include <stdlib.h>

static size_t
load(uint8_t *out, size_t most, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, PN_SOURCE_DIR "/tests/vectors/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(out, 1, most, file);
    fclose(file);
    return size;
}

static const struct text_tensor *
find(const struct text_safetensors *header, const char *name)
{
    for (size_t i = 0; i < header->tensor_count; i++)
        if (strcmp(header->tensors[i].name, name) == 0)
            return &header->tensors[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

static void
a_file_of_the_python_package_is_read(void **state)
{
    (void)state;
    uint8_t                 bytes[1024];
    struct text_safetensors header;
    struct pn_error         why;
    size_t                  size = load(bytes, sizeof bytes, "theirs.safetensors");
    EXPECT_OK(text_safetensors_decode(&header, bytes, size, size, &why));
    assert_int_equal(3, header.tensor_count);
    assert_int_equal(9, header.float_count);
    assert_int_equal(size - 9 * 4, header.data_offset);

    const struct text_tensor *weight = find(&header, "fc1.weight");
    assert_int_equal(2, weight->dims);
    assert_int_equal(2, weight->dim[0]);
    assert_int_equal(3, weight->dim[1]);
    assert_int_equal(6, weight->count);
    float floats[9];
    memcpy(floats, bytes + header.data_offset, sizeof floats);
    for (size_t i = 0; i < 6; i++)
        assert_float_equal((float)i, floats[weight->offset + i], 0);
    assert_float_equal(-0.25f, floats[find(&header, "fc1.bias")->offset + 1], 0);
    assert_int_equal(0, find(&header, "scale")->dims);
    assert_float_equal(3.5f, floats[find(&header, "scale")->offset], 0);

    assert_int_equal(2, header.meta_count);
    for (size_t i = 0; i < 2; i++)
        if (strcmp(header.meta[i].key, "panal.note") == 0)
            assert_string_equal("a \"quoted\" \xc3\xa9", header.meta[i].value);
        else
            assert_string_equal("7", header.meta[i].value);
    text_safetensors_fini(&header);
}

static struct text_tensor tensors[] = {
    {.name = "fc1.weight", .dims = 2, .dim = {2, 3}, .offset = 0, .count = 6},
    {.name = "fc1.bias", .dims = 1, .dim = {2}, .offset = 6, .count = 2},
    {.name = "scale", .dims = 0, .offset = 8, .count = 1},
};
static struct text_meta meta[] = {{"panal.round", "7"}, {"panal.note", "a \"quoted\" \xc3\xa9"}};
static const struct text_safetensors model = {
    .tensors = tensors, .tensor_count = 3, .meta = meta, .meta_count = 2};
static const float values[9] = {0, 1, 2, 3, 4, 5, 0.5f, -0.25f, 3.5f};

/* ours.safetensors was accepted by the Python package (make_safetensors.py check). */
static void
the_file_that_the_python_package_reads_is_written(void **state)
{
    (void)state;
    uint8_t          expected[1024];
    size_t           size = load(expected, sizeof expected, "ours.safetensors");
    struct pn_buffer out;
    pn_buffer_init(&out, 4096);
    EXPECT_OK(text_safetensors_encode(&out, &model));
    assert_int_equal(0, out.size % 8);
    EXPECT_OK(pn_buffer_append(&out, values, sizeof values));
    assert_int_equal(size, out.size);
    assert_memory_equal(expected, out.bytes, size);
    pn_buffer_fini(&out);
}

static void
what_is_encoded_is_decoded(void **state)
{
    (void)state;
    struct pn_buffer        out;
    struct text_safetensors back;
    struct pn_error         why;
    pn_buffer_init(&out, 4096);
    EXPECT_OK(text_safetensors_encode(&out, &model));
    EXPECT_OK(text_safetensors_decode(&back, out.bytes, out.size, out.size + 36, &why));
    assert_int_equal(out.size, back.data_offset);
    assert_int_equal(9, back.float_count);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(tensors[i].name, back.tensors[i].name);
        assert_int_equal(tensors[i].dims, back.tensors[i].dims);
        assert_memory_equal(tensors[i].dim, back.tensors[i].dim, sizeof tensors[i].dim);
        assert_int_equal(tensors[i].offset, back.tensors[i].offset);
        assert_int_equal(tensors[i].count, back.tensors[i].count);
    }
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(meta[i].value, back.meta[i].value);
    text_safetensors_fini(&back);
    pn_buffer_fini(&out);
}

static void
what_cannot_be_read_back_is_not_written(void **state)
{
    (void)state;
    struct text_tensor      twice[2] = {tensors[0], tensors[0]};
    struct text_safetensors header   = {.tensors = twice, .tensor_count = 2};
    struct pn_buffer        out;
    pn_buffer_init(&out, 4096);
    EXPECT_STATUS(PN_EDATA, text_safetensors_encode(&out, &header));
    memcpy(twice[1].name, "\xff", 2);
    EXPECT_STATUS(PN_EDATA, text_safetensors_encode(&out, &header));
    pn_buffer_fini(&out);
    pn_buffer_init(&out, 100);
    EXPECT_STATUS(PN_ERANGE, text_safetensors_encode(&out, &model));
    assert_int_equal(0, out.size);
    pn_buffer_fini(&out);
}

/* Decodes a header with `data` bytes after it, from a block of exactly its size. */
static enum pn_status
decode(const char *json, uint64_t data, struct pn_error *why)
{
    size_t                  len    = strlen(json);
    uint8_t                *bytes  = malloc(8 + len);
    struct text_safetensors header = {0};
    assert_non_null(bytes);
    pn_put_u64(bytes, len);
    memcpy(bytes + 8, json, len);
    enum pn_status st = text_safetensors_decode(&header, bytes, 8 + len, 8 + len + data, why);
    free(bytes);
    if (st == PN_OK)
        text_safetensors_fini(&header);
    else
        assert_null(header.tensors);
    return st;
}

#define T(name, shape, begin, end)                                                                 \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

static void
every_flaw_of_a_header_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        uint64_t    data;
        const char *says;
    } flaws[] = {
        {"[]", 0, "start with {"},
        {" {}", 0, "start with {"},
        {"{", 0, "expected a safetensors header of 2"},
        {"{]", 0, "expected JSON"},
        {"{}", 4, "expected 0 bytes of data"},
        {"{" T("a", "[2]", "0", "8") "," T("a", "[2]", "0", "8") "}", 8, "duplicate"},
        {"{" T("a", "[2]", "0", "8") "}", 12, "expected 8 bytes of data for the tensors, seen 12"},
        {"{" T("a", "[2]", "0", "8") "}", 4, "within the 4 bytes"},
        {"{" T("a", "[2]", "4", "12") "}", 12, "at byte 0, where the one before it ends, seen 4"},
        {"{" T("a", "[2]", "0", "8") "," T("b", "[1]", "4", "8") "}", 8, "at byte 8"},
        {"{" T("a", "[1]", "0", "4") "," T("b", "[1]", "8", "12") "}", 12, "at byte 4"},
        {"{" T("a", "[3]", "0", "8") "}", 8, "expected 12 bytes for its shape, seen 8"},
        {"{" T("a", "[1]", "2", "6") "}", 8, "multiple of 4"},
        {"{" T("a", "[1]", "4", "0") "}", 8, "seen 4 to 0"},
        {"{" T("a", "[-1]", "0", "4") "}", 4, "sizes from 0 up"},
        {"{" T("a", "[1.0]", "0", "4") "}", 4, "sizes from 0 up"},
        {"{" T("a", "[1,1,1,1,1]", "0", "4") "}", 4, "at most 4 dimensions"},
        {"{" T("a", "[4611686018427387905,4]", "0", "16") "}", 16, "larger than any file"},
        {"{" T("a", "[4294967296,4294967296]", "0", "0") "}", 0, "larger than any file"},
        {"{" T("a", "[1]", "0", "99999999999999999999") "}", 4, "expected JSON"},
        {"{" T("", "[1]", "0", "4") "}", 4, "expected a name"},
        {"{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "seen \"F16\""},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "expected dtype, shape and data_offsets"},
        {"{\"a\":[]}", 4, "expected dtype, shape and data_offsets"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "__metadata__ \"a\""},
        {"{\"__metadata__\":[]}", 0, "__metadata__"},
    };
    for (size_t i = 0; i < sizeof flaws / sizeof flaws[0]; i++) {
        struct pn_error why = {""};
        if (decode(flaws[i].json, flaws[i].data, &why) != PN_EDATA)
            fail_msg("taken: %s", flaws[i].json);
        EXPECT_SAYS(&why, flaws[i].says);
    }
    struct pn_error why;
    EXPECT_OK(decode("{}", 0, &why));
    EXPECT_OK(decode("{" T("a", "[1]", "0", "4") "," T("z", "[0]", "0", "0") "}   ", 4, &why));
}

static void
a_header_longer_than_what_is_there_is_refused(void **state)
{
    (void)state;
    uint8_t                 bytes[10] = {0};
    struct text_safetensors header;
    struct pn_error         why;
    pn_put_u64(bytes, UINT64_MAX);
    EXPECT_STATUS(PN_EDATA, text_safetensors_decode(&header, bytes, 10, 10, &why));
    pn_put_u64(bytes, 3);
    EXPECT_STATUS(PN_EDATA, text_safetensors_decode(&header, bytes, 10, 11, &why));
    EXPECT_SAYS(&why, "expected a header of 3 bytes");
    for (size_t size = 0; size < 8; size++)
        EXPECT_STATUS(PN_EDATA, text_safetensors_decode(&header, bytes, size, size, &why));
}

int
main(int argc, char **argv)
{
    /* Writes ours.safetensors for make_safetensors.py to check. */
    if (argc == 2) {
        struct pn_buffer out;
        pn_buffer_init(&out, 4096);
        FILE *file = fopen(argv[1], "wb");
        bool  ok   = file != NULL && text_safetensors_encode(&out, &model) == PN_OK &&
                  pn_buffer_append(&out, values, sizeof values) == PN_OK &&
                  fwrite(out.bytes, 1, out.size, file) == out.size && fclose(file) == 0;
        pn_buffer_fini(&out);
        return ok ? 0 : 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_the_python_package_is_read),
        cmocka_unit_test(the_file_that_the_python_package_reads_is_written),
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(what_cannot_be_read_back_is_not_written),
        cmocka_unit_test(every_flaw_of_a_header_is_refused),
        cmocka_unit_test(a_header_longer_than_what_is_there_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
