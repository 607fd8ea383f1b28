#include "support/expect.h"

#include "data/csv.h"
#include "vectors/gzip.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static struct pn_error why;

/* Reads `bytes` and writes each record as [field|field], or "! sentence" where it fails. */
static const char *
read_bytes(const void *bytes, size_t size, char delimiter)
{
    static char         trace[4096];
    struct data_stream *stream;
    struct data_csv    *csv;
    size_t              used = 0;
    enum pn_status      st;
    trace[0] = '\0';
    EXPECT_OK(data_stream_open_bytes(&stream, "t", bytes, size, &why));
    EXPECT_OK(data_csv_new(&csv, stream, delimiter, &why));
    for (;;) {
        const struct data_csv_field *fields;
        uint32_t                     count;
        if ((st = data_csv_next(&fields, &count, csv, &why)) != PN_OK || count == 0)
            break;
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(fields[i].len, strlen(fields[i].text));
            used += (size_t)snprintf(trace + used, sizeof trace - used, "%c%s", i == 0 ? '[' : '|',
                                     fields[i].text);
        }
        used += (size_t)snprintf(trace + used, sizeof trace - used, "]");
    }
    if (st != PN_OK)
        snprintf(trace + used, sizeof trace - used, "! %s", why.text);
    data_csv_free(csv);
    data_stream_close(stream);
    return trace;
}

static void
reads(const char *expected, const char *text)
{
    assert_string_equal(read_bytes(text, strlen(text), ','), expected);
}

static void
records_end_in_lf_or_crlf_or_nothing(void **state)
{
    (void)state;
    reads("[a|b][c|d]", "a,b\nc,d\n");
    reads("[a|b][c|d]", "a,b\r\nc,d\r\n");
    reads("[a|b][c|d]", "a,b\nc,d");
    reads("", "");
    reads("[a][b]", "a\n\n\r\nb\n\n");
    reads("[a]", "a\r");
    reads("! t:1:2: there is a carriage return without a line feed; save the file with LF or CRLF "
          "line ends",
          "a\rb\r");
}

static void
empty_fields_are_fields(void **state)
{
    (void)state;
    reads("[|]", ",\n");
    reads("[||x]", ",,x");
    reads("[a|]", "a,");
    reads("[|a]", "\"\",a\n");
}

static void
quotes_hold_delimiters_line_ends_and_quotes(void **state)
{
    (void)state;
    reads("[a,b|c]", "\"a,b\",c\n");
    reads("[a\nb|c]", "\"a\nb\",c\n");
    reads("[a\r\nb|c][d|e]", "\"a\r\nb\",c\r\nd,e\r\n");
    reads("[say \"hi\"|x]", "\"say \"\"hi\"\"\",x\n");
    reads("[\"|x]", "\"\"\"\",x\n");
}

static void
blanks_around_fields_are_cut_but_not_in_quotes(void **state)
{
    (void)state;
    reads("[a|b c|d]", "a , b c,\td \n");
    reads("[ a |b]", " \" a \" , b\n");
    assert_string_equal(read_bytes("a\t\tb\n", 5, '\t'), "[a||b]");
    assert_string_equal(read_bytes("1,5;x\n", 6, ';'), "[1,5|x]");
}

static void
byte_order_mark_is_skipped_and_utf16_refused(void **state)
{
    (void)state;
    reads("[a|b]", "\xef\xbb\xbf"
                   "a,b\n");
    reads("! t:1:1: this file is in UTF-16; save it as UTF-8", "\xff\xfe"
                                                               "a");
}

static void
bad_quotes_are_refused_with_place(void **state)
{
    (void)state;
    reads("[a|b]! t:2:3: there is a quote inside an unquoted field; put the whole field in quotes "
          "and double the quotes in it",
          "a,b\nx \"y\",z\n");
    reads("[a]! t:2:3: the quote that opens here is not closed", "a\n1,\"b\nc\n");
    reads("! t:1:4: there is text behind the closing quote; a quote in a quoted field is written "
          "twice",
          "\"a\"b\n");
    assert_string_equal(read_bytes("a\0b\n", 4, ','),
                        "! t:1:2: there is a NUL byte; this is no text file");
}

static void
places_count_characters_and_lines_inside_quotes(void **state)
{
    (void)state;
    struct data_stream          *stream;
    struct data_csv             *csv;
    const struct data_csv_field *fields;
    uint32_t                     count;
    static const char            text[] = "\"a\nb\",\xc3\xbc\xc3\xbc,c\nd,e\n";
    EXPECT_OK(data_stream_open_bytes(&stream, "t", (const uint8_t *)text, strlen(text), &why));
    EXPECT_OK(data_csv_new(&csv, stream, ',', &why));
    EXPECT_OK(data_csv_next(&fields, &count, csv, &why));
    const uint64_t line[] = {1, 2, 2}, column[] = {1, 4, 7};
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(fields[i].line, line[i]);
        assert_int_equal(fields[i].column, column[i]);
    }
    EXPECT_OK(data_csv_next(&fields, &count, csv, &why));
    assert_int_equal(fields[1].line, 3);
    assert_int_equal(fields[1].column, 3);
    data_csv_free(csv);
    data_stream_close(stream);
}

static void
a_record_is_bounded(void **state)
{
    (void)state;
    size_t size = (2u << 20);
    char  *text = malloc(size);
    assert_non_null(text);
    memset(text, 'x', size);
    text[0] = '"';
    assert_string_equal(read_bytes(text, size, ','),
                        "! t:1:1: the record is longer than 1 MiB here; is a quote not closed?");
    memset(text, ',', size);
    assert_non_null(strstr(read_bytes(text, size, ','), "more than 16384 fields"));
    free(text);
}

/* ---- gzip ---- */

static void
gzip_is_known_by_its_content(void **state)
{
    (void)state;
    uint8_t both[sizeof gzip_first + sizeof gzip_second];
    memcpy(both, gzip_first, sizeof gzip_first);
    memcpy(both + sizeof gzip_first, gzip_second, sizeof gzip_second);
    assert_string_equal(read_bytes(both, sizeof gzip_first, ','), "[a|b][c]");
    assert_string_equal(read_bytes(both, sizeof both, ','), "[a|b][c|d]");
}

static void
damaged_gzip_is_refused(void **state)
{
    (void)state;
    const size_t size = sizeof gzip_whole;
    uint8_t      packed[sizeof gzip_whole + 1];
    memcpy(packed, gzip_whole, size);
    packed[size] = 'x';
    for (size_t cut = 2; cut < size; cut++)
        assert_non_null(strstr(read_bytes(packed, cut, ','), "ends too early"));
    assert_non_null(strstr(read_bytes(packed, size + 1, ','), "behind the end"));
    packed[size - 8] ^= 1; /* the checksum */
    assert_non_null(strstr(read_bytes(packed, size, ','), "damaged"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_end_in_lf_or_crlf_or_nothing),
        cmocka_unit_test(empty_fields_are_fields),
        cmocka_unit_test(quotes_hold_delimiters_line_ends_and_quotes),
        cmocka_unit_test(blanks_around_fields_are_cut_but_not_in_quotes),
        cmocka_unit_test(byte_order_mark_is_skipped_and_utf16_refused),
        cmocka_unit_test(bad_quotes_are_refused_with_place),
        cmocka_unit_test(places_count_characters_and_lines_inside_quotes),
        cmocka_unit_test(a_record_is_bounded),
        cmocka_unit_test(gzip_is_known_by_its_content),
        cmocka_unit_test(damaged_gzip_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
