#include "base/bytes.h"
#include "support/expect.h"

#include <math.h>
#include <stdlib.h>

static void
numbers_are_little_endian_and_read_back(void **state)
{
    (void)state;
    uint8_t out[16];
    pn_put_u16(out, 0x0102);
    assert_memory_equal("\x02\x01", out, 2);
    assert_int_equal(0x0102, pn_get_u16(out));
    pn_put_u32(out, 0xfffefdfc);
    assert_memory_equal("\xfc\xfd\xfe\xff", out, 4);
    assert_int_equal(0xfffefdfc, pn_get_u32(out));
    pn_put_u64(out, 0x8182838485868788);
    assert_memory_equal("\x88\x87\x86\x85\x84\x83\x82\x81", out, 8);
    assert_true(pn_get_u64(out) == 0x8182838485868788);
    pn_put_f64(out, -2.0);
    assert_memory_equal("\0\0\0\0\0\0\0\xc0", out, 8);
    assert_true(pn_get_f64(out) == -2.0);
    pn_put_f64(out, NAN);
    assert_true(isnan(pn_get_f64(out)));
}

static void
wide_integers_keep_their_sign(void **state)
{
    (void)state;
    uint8_t out[16];
    pn_put_i128(out, -2);
    assert_memory_equal("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", out,
                        16);
    assert_true(pn_get_i128(out) == -2);
    pn_i128 wide = ((pn_i128)INT64_MIN) * 12345;
    pn_put_i128(out, wide);
    assert_true(pn_get_i128(out) == wide);
}

static void
sizes_that_overflow_are_refused(void **state)
{
    (void)state;
    size_t out = 7;
    assert_false(pn_size_mul(&out, SIZE_MAX / 2, 3));
    assert_false(pn_size_add(&out, SIZE_MAX, 1));
    assert_int_equal(7, out);
    assert_true(pn_size_mul(&out, SIZE_MAX, 0));
    assert_int_equal(0, out);
    assert_true(pn_size_mul(&out, SIZE_MAX, 1));
    assert_true(pn_size_add(&out, SIZE_MAX - 1, 1));
    assert_true(out == SIZE_MAX);
    assert_true(pn_ms_add(5, 6) == 11);
    assert_true(pn_ms_add(UINT64_MAX - 1, 5) == UINT64_MAX);
}

static void
hexadecimal_text_reads_back_and_must_be_exact(void **state)
{
    (void)state;
    char    text[7];
    uint8_t bytes[3] = {0x00, 0xaf, 0x9};
    pn_hex_encode(text, bytes, 3);
    assert_string_equal("00af09", text);
    assert_true(pn_hex_decode(bytes, 3, "FFee01"));
    assert_memory_equal("\xff\xee\x01", bytes, 3);
    assert_false(pn_hex_decode(bytes, 3, "00000"));
    assert_false(pn_hex_decode(bytes, 3, "0000000"));
    assert_false(pn_hex_decode(bytes, 3, "00000g"));
    assert_false(pn_hex_decode(bytes, 3, ""));
    assert_memory_equal("\xff\xee\x01", bytes, 3);
}

static void
crc32c_gives_the_published_values(void **state)
{
    (void)state;
    uint8_t zeros[32] = {0}, rising[32];
    for (uint8_t i = 0; i < 32; i++)
        rising[i] = i;
    assert_int_equal(0xe3069283, pn_crc32c(0, (const uint8_t *)"123456789", 9));
    /* RFC 3720, B.4 */
    assert_int_equal(0x8a9136aa, pn_crc32c(0, zeros, 32));
    assert_int_equal(0x46dd794e, pn_crc32c(0, rising, 32));
    assert_int_equal(pn_crc32c(0, rising, 32), pn_crc32c(pn_crc32c(0, rising, 5), rising + 5, 27));
    assert_int_equal(0, pn_crc32c(0, zeros, 0));
}

/* One bit at a time, from the polynomial: every entry of the table takes part. */
static void
crc32c_agrees_with_its_definition_on_every_byte(void **state)
{
    (void)state;
    for (unsigned int value = 0; value < 256; value++) {
        uint8_t  byte = (uint8_t)value;
        uint32_t crc  = 0xffffffff ^ byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
        assert_int_equal(~crc, pn_crc32c(0, &byte, 1));
    }
}

static void
a_buffer_grows_to_its_limit_and_not_beyond(void **state)
{
    (void)state;
    struct pn_buffer buffer;
    pn_buffer_init(&buffer, 1000);
    for (int i = 0; i < 100; i++)
        EXPECT_OK(pn_buffer_append(&buffer, "0123456789", 10));
    assert_int_equal(1000, buffer.size);
    assert_true(buffer.capacity <= 1001);
    EXPECT_STATUS(PN_ERANGE, pn_buffer_append(&buffer, "x", 1));
    EXPECT_STATUS(PN_ERANGE, pn_buffer_append(&buffer, "x", SIZE_MAX));
    EXPECT_STATUS(PN_ERANGE, pn_buffer_printf(&buffer, "%d", 5));
    EXPECT_OK(pn_buffer_append(&buffer, NULL, 0));
    assert_int_equal(1000, buffer.size);
    assert_memory_equal("0123456789", buffer.bytes + 990, 10);
    pn_buffer_clear(&buffer);
    EXPECT_OK(pn_buffer_printf(&buffer, "%s=%d", "round", 12));
    EXPECT_OK(pn_buffer_printf(&buffer, "!"));
    assert_int_equal(9, buffer.size);
    assert_memory_equal("round=12!", buffer.bytes, 9);
    pn_buffer_fini(&buffer);
    assert_null(buffer.bytes);

    pn_buffer_init(&buffer, SIZE_MAX);
    EXPECT_OK(pn_buffer_append(&buffer, "x", 1));
    EXPECT_STATUS(PN_ERANGE, pn_buffer_append(&buffer, "x", SIZE_MAX - 1));
    pn_buffer_fini(&buffer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_little_endian_and_read_back),
        cmocka_unit_test(wide_integers_keep_their_sign),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(hexadecimal_text_reads_back_and_must_be_exact),
        cmocka_unit_test(crc32c_gives_the_published_values),
        cmocka_unit_test(crc32c_agrees_with_its_definition_on_every_byte),
        cmocka_unit_test(a_buffer_grows_to_its_limit_and_not_beyond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
