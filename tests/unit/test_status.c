#include "support/expect.h"

static void
every_status_has_a_text_and_an_exit_code(void **state)
{
    (void)state;
    for (int i = 0; i < PN_STATUS_COUNT; i++) {
        enum pn_status st = (enum pn_status)i;
        assert_true(strlen(pn_status_text(st)) > 0);
        assert_true((pn_status_exit_code(st) == 0) == (st == PN_OK));
        assert_int_equal(strncmp(pn_status_text(st), "peer ", 5) == 0 || st == PN_EPEER_GAP,
                         pn_status_is_peer(st));
    }
    assert_string_equal("unknown status", pn_status_text((enum pn_status)9999));
    assert_int_equal(3, pn_status_exit_code(PN_ECONFIG));
    assert_int_equal(4, pn_status_exit_code(PN_ENOENT));
    assert_int_equal(5, pn_status_exit_code(PN_EAUTH));
    assert_int_equal(6, pn_status_exit_code(PN_ENETWORK));
    assert_int_equal(7, pn_status_exit_code(PN_EPOLICY));
    assert_int_equal(8, pn_status_exit_code(PN_EDATA));
    assert_int_equal(1, pn_status_exit_code(PN_EPEER_VALUE));
}

static void
a_sentence_is_cut_between_two_characters(void **state)
{
    (void)state;
    static const char *const characters[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x90\x9d"};
    for (size_t kind = 0; kind < 4; kind++)
        for (int before = 0; before < 4; before++) {
            struct pn_error error;
            char            text[1200] = "";
            size_t          size       = strlen(characters[kind]);
            for (size_t i = 0; i + size < sizeof text; i += size)
                memcpy(text + i, characters[kind], size + 1);
            EXPECT_STATUS(PN_EDATA, pn_error_set(&error, PN_EDATA, "%.*s%s", before, "...", text));
            size_t len = strlen(error.text), dots = before < 3 ? (size_t)before : 3;
            assert_true(len > 511 - size && len <= 511);
            assert_int_equal(0, (len - dots) % size);
        }
}

static void
a_sentence_has_no_control_characters(void **state)
{
    (void)state;
    struct pn_error error;
    EXPECT_STATUS(PN_EDATA,
                  pn_error_set(&error, PN_EDATA, "seen \"%s\"", "a\x1b[2J\n\x7f\xc3\xa9"));
    assert_string_equal("seen \"a?[2J??\xc3\xa9\"", error.text);
    EXPECT_STATUS(PN_EDATA, pn_error_set(NULL, PN_EDATA, "%d", 1));
    EXPECT_STATUS(PN_EDATA, pn_error_wrap(NULL, PN_EDATA, "%d", 1));
}

static void
wrapping_puts_the_prefix_first_and_keeps_the_reason(void **state)
{
    (void)state;
    struct pn_error error = {""};
    char            prefix[900];
    EXPECT_STATUS(PN_EIO, pn_error_wrap(&error, PN_EIO, "file %d", 3));
    assert_string_equal("file 3: input or output failed", error.text);
    EXPECT_STATUS(PN_EIO, pn_error_wrap(&error, PN_EIO, "round %d", 7));
    assert_string_equal("round 7: file 3: input or output failed", error.text);
    EXPECT_STATUS(PN_EIO, pn_error_set(&error, PN_EIO, "again: %s", error.text));
    assert_string_equal("again: round 7: file 3: input or output failed", error.text);
    memset(prefix, 'x', sizeof prefix);
    prefix[sizeof prefix - 1] = '\0';
    EXPECT_STATUS(PN_EIO, pn_error_wrap(&error, PN_EIO, "%s", prefix));
    EXPECT_SAYS(&error, "x: again: round 7: file 3: input or output failed");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_text_and_an_exit_code),
        cmocka_unit_test(a_sentence_is_cut_between_two_characters),
        cmocka_unit_test(a_sentence_has_no_control_characters),
        cmocka_unit_test(wrapping_puts_the_prefix_first_and_keeps_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
