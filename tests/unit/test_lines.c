#include "base/log.h"
#include "support/expect.h"

#include <regex.h>
#include <stdlib.h>
#include <unistd.h>

/* What log lines go to while a test runs. */
static int  saved_stderr, ends[2];
static char seen[16384];

static void
catch_lines(void)
{
    assert_int_equal(0, pipe(ends));
    saved_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
}

static const char *
caught(void)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(ends[1]);
    ssize_t size, used = 0;
    while ((size = read(ends[0], seen + used, sizeof seen - 1 - (size_t)used)) > 0)
        used += size;
    close(ends[0]);
    seen[used] = '\0';
    return seen;
}

static void
expect_match(const char *text, const char *pattern)
{
    regex_t regex;
    assert_int_equal(0, regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB));
    if (regexec(&regex, text, 0, NULL, 0) != 0)
        fail_msg("expected %s\nseen     %s", pattern, text);
    regfree(&regex);
}

static void
a_line_has_time_level_who_and_the_words(void **state)
{
    (void)state;
    pn_log_open("coord", PN_LOG_INFO, false);
    catch_lines();
    pn_log(PN_LOG_INFO, "round=%u phase=%s rate=%.2f bytes=%zu left=%lld mask=%04x full=%d%%", 5u,
           "train", 0.25, (size_t)1 << 33, -5LL, 0xabu, 7);
    pn_log(PN_LOG_DEBUG, "never=%s", "seen");
    expect_match(caught(), "^[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{3} info coord round=5 "
                           "phase=train rate=0\\.25 bytes=8589934592 left=-5 mask=00ab full=7%\n$");
}

static void
a_text_of_a_peer_stays_one_value_on_one_line(void **state)
{
    (void)state;
    pn_log_open("coord", PN_LOG_DEBUG, false);
    catch_lines();
    pn_log(PN_LOG_WARN, "a=%s b=%s c=%s d=%s e=%.*s f=\"%s\"",
           "x\n12:00:00.000 info coord event=no", "\" event=fold \"", "\x1b[2J\xff\xc2\x85\xc3\xa9",
           "", 3, "k=vxx", "u\" v=\"w");
    const char *line = caught();
    assert_non_null(strstr(line, " a=\"x\\n12:00:00.000 info coord event=no\" "
                                 "b=\"\\\" event=fold \\\"\" "
                                 "c=\"\\u001b[2J\\u00ff\\u00c2\\u0085\xc3\xa9\" d=\"\" e=\"k=v\" "
                                 "f=\"u\\\" v=\\\"w\"\n"));
}

static void
json_lines_hold_the_same_values(void **state)
{
    (void)state;
    pn_log_open("node", PN_LOG_INFO, true);
    catch_lines();
    pn_log(PN_LOG_ERROR, "stopping round=%u why=%s loss=%f code=%s part=\"%s\"", 5u, "a \"b\" \x01",
           0.5, "0x1f", "one two");
    expect_match(caught(), "^\\{\"time\":\"20[0-9-]{8}T[0-9:]{8}\\.[0-9]{3}Z\",\"level\":\"error\","
                           "\"who\":\"node\",\"round\":5,\"why\":\"a \\\\\"b\\\\\" \\\\u0001\","
                           "\"loss\":0\\.500000,\"code\":\"0x1f\",\"part\":\"one two\","
                           "\"text\":\"stopping\"\\}\n$");
}

static void
a_line_is_bounded_and_says_that_it_was_cut(void **state)
{
    (void)state;
    char big[2000];
    memset(big, '\x01', sizeof big);
    big[sizeof big - 1] = '\0';
    for (int json = 0; json < 2; json++) {
        pn_log_open("node", PN_LOG_INFO, json);
        catch_lines();
        pn_log(PN_LOG_INFO, "a=%s b=%s c=%s d=%s e=%s f=%s g=%s", big, big, big, big, big, big,
               big);
        const char *line = caught();
        assert_true(strlen(line) < 4096);
        assert_non_null(strstr(line, "...\""));
        assert_non_null(strstr(line, json ? ",\"cut\":\"yes\"}\n" : "\" cut=yes\n"));
    }
}

static void
levels_are_read_by_name(void **state)
{
    (void)state;
    enum pn_log_level level = PN_LOG_ERROR;
    assert_true(pn_log_level_parse(&level, "debug"));
    assert_int_equal(PN_LOG_DEBUG, level);
    assert_false(pn_log_level_parse(&level, "Debug"));
    assert_int_equal(PN_LOG_DEBUG, level);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_who_and_the_words),
        cmocka_unit_test(a_text_of_a_peer_stays_one_value_on_one_line),
        cmocka_unit_test(json_lines_hold_the_same_values),
        cmocka_unit_test(a_line_is_bounded_and_says_that_it_was_cut),
        cmocka_unit_test(levels_are_read_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
