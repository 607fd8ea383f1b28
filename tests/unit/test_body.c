/* The hash of a body is that of its bytes, whatever was seen before it. */
#include "fed/body.h"

#include "support/expect.h"

enum {
    LARGE = 5000,
    SMALL = 100
};

static void
expect_hash(struct fed_body *last, const uint8_t *body, size_t size)
{
    struct sec_hash seen, expected;
    sec_hash_of(&expected, "body", body, size);
    fed_body_hash(&seen, last, body, size);
    assert_memory_equal(seen.bytes, expected.bytes, sizeof seen.bytes);
}

static void
a_hash_is_that_of_the_bytes_whatever_came_before(void **state)
{
    (void)state;
    static uint8_t  body[LARGE], other[LARGE];
    struct fed_body last;
    fed_body_init(&last);
    for (size_t i = 0; i < LARGE; i++)
        body[i] = other[i] = (uint8_t)(i * 7);
    other[LARGE - 1] ^= 1;
    for (int turn = 0; turn < 2; turn++) {
        expect_hash(&last, body, LARGE);
        expect_hash(&last, body, LARGE); /* known now */
        expect_hash(&last, other, LARGE);
        expect_hash(&last, other, LARGE - 1); /* shorter, and equal so far */
        expect_hash(&last, body, SMALL);
        expect_hash(&last, body, 0);
        expect_hash(NULL, body, LARGE);
    }
    body[0] ^= 1; /* the same memory, other bytes */
    expect_hash(&last, body, LARGE - 1);
    fed_body_fini(&last);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_is_that_of_the_bytes_whatever_came_before),
    };
    EXPECT_OK(sec_init());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
