#include "support/expect.h"
#include "text/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static char *
written(struct text_json *json)
{
    char  *text = NULL;
    size_t size;
    FILE  *out = open_memstream(&text, &size);
    assert_non_null(out);
    EXPECT_OK(text_json_write(json, out));
    fclose(out);
    text_json_free(json);
    return text;
}

static void
a_document_is_written_in_order(void **state)
{
    (void)state;
    struct text_json *json;
    EXPECT_OK(text_json_new(&json));
    text_json_u64(json, "round", 3);
    text_json_string(json, "name", "a \"b\"\n\x1b \xc3\xa9");
    text_json_string(json, "none", NULL);
    text_json_open_list(json, "members");
    text_json_open_map(json, NULL);
    text_json_bool(json, "up", true);
    text_json_hex(json, "key", (const uint8_t *)"\x01\xab", 2);
    text_json_close(json);
    text_json_u64(json, NULL, 7);
    text_json_close(json);
    text_json_f64(json, "loss", 0.5);
    text_json_f64(json, "nan", NAN);
    text_json_f64(json, "inf", -INFINITY);
    text_json_u64(json, "seed", UINT64_MAX);
    char *text = written(json);
    assert_string_equal("{\n"
                        "  \"round\": 3,\n"
                        "  \"name\": \"a \\\"b\\\"\\n\\u001B \xc3\xa9\",\n"
                        "  \"none\": null,\n"
                        "  \"members\": [\n"
                        "    {\n"
                        "      \"up\": true,\n"
                        "      \"key\": \"01ab\"\n"
                        "    },\n"
                        "    7\n"
                        "  ],\n"
                        "  \"loss\": 0.5,\n"
                        "  \"nan\": null,\n"
                        "  \"inf\": null,\n"
                        "  \"seed\": \"18446744073709551615\"\n"
                        "}\n",
                        text);
    free(text);
}

static void
doubles_read_back_to_the_same_bits(void **state)
{
    (void)state;
    static const double numbers[] = {
        0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, -1e-17, 123456789012345678.0};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct text_json *json;
        EXPECT_OK(text_json_new(&json));
        text_json_f64(json, "x", numbers[i]);
        char *text = written(json);
        assert_true(strtod(strchr(text, ':') + 1, NULL) == numbers[i]);
        free(text);
    }
}

static void
text_that_is_no_utf8_is_repaired(void **state)
{
    (void)state;
    struct text_json *json;
    EXPECT_OK(text_json_new(&json));
    text_json_string(json, "x", "a\xff\xc3\xa9\xe2\x82");
    char *text = written(json);
    assert_string_equal("{\n  \"x\": \"a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\"\n}\n", text);
    free(text);
}

static void
a_bad_key_makes_the_writing_fail(void **state)
{
    (void)state;
    struct text_json *json;
    EXPECT_OK(text_json_new(&json));
    text_json_open_map(json, "\xff");
    text_json_u64(json, "x", 1);
    text_json_close(json);
    EXPECT_STATUS(PN_ENOMEM, text_json_write(json, stderr));
    text_json_free(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_written_in_order),
        cmocka_unit_test(doubles_read_back_to_the_same_bits),
        cmocka_unit_test(text_that_is_no_utf8_is_repaired),
        cmocka_unit_test(a_bad_key_makes_the_writing_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
