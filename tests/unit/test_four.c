#include "crypto/four.h"

#include "support/expect.h"

#include <stdlib.h>

enum {
    MOST = 65536 + 129
};

static uint8_t       *room;
static const uint8_t *streams[SEC_FOUR];

/* Four different streams, none aligned. */
static int
fill(void **state)
{
    (void)state;
    room = malloc(SEC_FOUR * (MOST + 3));
    if (room == NULL)
        return 1;
    for (size_t i = 0; i < SEC_FOUR; i++) {
        uint8_t *stream = room + i * (MOST + 3) + 1 + i % 2;
        for (size_t at = 0; at < MOST; at++)
            stream[at] = (uint8_t)(at * 31 + (at >> 7) * (i + 3) + i);
        streams[i] = stream;
    }
    return 0;
}

static int
release(void **state)
{
    (void)state;
    free(room);
    return 0;
}

static void
compare(uint8_t prefix, size_t size)
{
    struct sec_hash fast[SEC_FOUR], plain[SEC_FOUR];
    sec_four_avx2(fast, prefix, streams, size);
    sec_four_plain(plain, prefix, streams, size);
    for (size_t i = 0; i < SEC_FOUR; i++)
        if (!sec_hash_equal(&fast[i], &plain[i]))
            fail_msg("stream %zu of %zu bytes with prefix %u differs", i, size, prefix);
}

static void
both_ways_agree_for_every_length_around_the_blocks(void **state)
{
    (void)state;
    if (!sec_four_has_avx2())
        skip();
    for (size_t size = 0; size <= 5 * 128 + 2; size++)
        compare((uint8_t)(size % 3), size);
    compare(0, 65536);
    compare(1, MOST);
}

static void
plain_way_is_blake2b_of_the_prefix_and_the_bytes(void **state)
{
    (void)state;
    /* Python: hashlib.blake2b(b"panal test\0abc", digest_size=32), which sec_hash_of equals. */
    const uint8_t   text[] = "anal test\0abc", *same[SEC_FOUR] = {text, text, text, text};
    struct sec_hash out[SEC_FOUR], expected;
    sec_hash_of(&expected, "test", "abc", 3);
    sec_four_hash(out, 'p', same, sizeof text - 1);
    for (size_t i = 0; i < SEC_FOUR; i++)
        assert_true(sec_hash_equal(&out[i], &expected));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_agree_for_every_length_around_the_blocks),
        cmocka_unit_test(plain_way_is_blake2b_of_the_prefix_and_the_bytes),
    };
    if (sec_init() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, fill, release);
}
