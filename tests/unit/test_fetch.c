#include "fed/fetch.h"
#include "support/expect.h"

enum {
    CHUNKS_MAX = 100,
    MIB        = 1048576
};

static uint8_t          have[(CHUNKS_MAX + 7) / 8];
static struct fed_fetch fetch;
static uint32_t         asked[FED_WINDOW], asked_count;

static struct sec_blob
blob_of(uint64_t size)
{
    return (struct sec_blob){.size = size, .root.bytes = {1}};
}

static void
begin(uint32_t chunk_count)
{
    struct sec_blob blob = blob_of((uint64_t)chunk_count * MIB);
    memset(have, 0, sizeof have);
    EXPECT_OK(fed_fetch_init(&fetch, &blob, blob.size, have));
}

static void
next_at(pn_ms now)
{
    asked_count = fed_fetch_next(asked, &fetch, now);
    assert_true(asked_count <= FED_WINDOW);
}

/* Expects that exactly these chunks are asked for at this time. */
#define EXPECT_ASKED(now, ...)                                                                     \
    do {                                                                                           \
        const uint32_t wanted[] = {__VA_ARGS__};                                                   \
        next_at(now);                                                                              \
        assert_int_equal(asked_count, sizeof wanted / sizeof wanted[0]);                           \
        assert_memory_equal(asked, wanted, sizeof wanted);                                         \
    } while (0)

#define EXPECT_NOTHING_ASKED(now)                                                                  \
    do {                                                                                           \
        next_at(now);                                                                              \
        assert_int_equal(asked_count, 0);                                                          \
    } while (0)

static void
fetch_asks_for_a_window_and_one_more_for_each_that_came(void **state)
{
    (void)state;
    begin(4);
    assert_int_equal(fed_fetch_deadline(&fetch), 0);
    EXPECT_ASKED(100, 0, 1);
    EXPECT_NOTHING_ASKED(101);
    fed_fetch_stored(&fetch, 1);
    assert_int_equal(fed_fetch_deadline(&fetch), 0);
    EXPECT_ASKED(110, 2);
    fed_fetch_stored(&fetch, 0);
    EXPECT_ASKED(120, 3);
    fed_fetch_stored(&fetch, 2);
    EXPECT_NOTHING_ASKED(130);
    assert_false(fed_fetch_is_whole(&fetch));
    fed_fetch_stored(&fetch, 3);
    assert_true(fed_fetch_is_whole(&fetch));
    EXPECT_NOTHING_ASKED(1000000);
    assert_int_equal(fed_fetch_deadline(&fetch), UINT64_MAX);
}

static void
lost_chunks_are_asked_for_again_after_a_time_that_doubles(void **state)
{
    (void)state;
    begin(2);
    EXPECT_ASKED(1000, 0, 1);
    pn_ms            at      = 1000;
    static const int waits[] = {2000, 4000, 8000, 16000, 16000, 16000};
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        at += (pn_ms)waits[i];
        assert_int_equal(fed_fetch_deadline(&fetch), at);
        EXPECT_NOTHING_ASKED(at - 1);
        EXPECT_ASKED(at, 0);
    }
    fed_fetch_stored(&fetch, 0);
    EXPECT_NOTHING_ASKED(at + 1);
    EXPECT_NOTHING_ASKED(at + 16000);
    EXPECT_ASKED(at + 16001, 1);
}

static void
chunk_that_a_window_of_others_overtook_is_asked_for_again_at_once(void **state)
{
    (void)state;
    begin(6);
    EXPECT_ASKED(0, 0, 1);
    fed_fetch_stored(&fetch, 0);
    EXPECT_ASKED(1, 2);
    fed_fetch_stored(&fetch, 2); /* 1 is lost */
    EXPECT_ASKED(2, 3, 1);
    fed_fetch_stored(&fetch, 3);
    EXPECT_ASKED(3, 4);
}

static void
arriving_chunk_puts_the_time_out_off_for_all(void **state)
{
    (void)state;
    begin(2);
    EXPECT_ASKED(0, 0, 1);
    fed_fetch_stored(&fetch, 1);
    EXPECT_NOTHING_ASKED(1900);
    EXPECT_NOTHING_ASKED(3899);
    EXPECT_ASKED(3900, 0);
}

static void
slow_line_is_not_filled_with_repetitions(void **state)
{
    (void)state;
    begin(50);
    uint32_t requests = 0, stored = 0, backlog[1000];
    /* One chunk in five seconds, in the order of the requests, repeated ones too. */
    for (pn_ms now = 0; !fed_fetch_is_whole(&fetch); now += 100) {
        if (now % 5000 == 4900 && stored < requests) {
            uint32_t index = backlog[stored++];
            if (fed_fetch_wants(&fetch, index))
                fed_fetch_stored(&fetch, index);
        }
        next_at(now);
        for (uint32_t i = 0; i < asked_count; i++)
            backlog[requests++] = asked[i];
        assert_true(requests < 1000);
    }
    assert_true(requests < 50 + 4 * FED_WINDOW);
}

static void
reconnect_asks_at_once_and_forgets_the_doubling(void **state)
{
    (void)state;
    begin(10);
    EXPECT_ASKED(0, 0, 1);
    EXPECT_ASKED(2000, 0);
    fed_fetch_stored(&fetch, 1);
    fed_fetch_reconnected(&fetch);
    assert_false(fed_fetch_wants(&fetch, 0));
    assert_int_equal(fed_fetch_deadline(&fetch), 0);
    EXPECT_ASKED(2001, 0, 2);
    assert_int_equal(fed_fetch_deadline(&fetch), 4001);
}

static void
only_chunks_that_were_asked_for_and_are_missing_are_wanted(void **state)
{
    (void)state;
    begin(6);
    assert_false(fed_fetch_wants(&fetch, 0));
    EXPECT_ASKED(0, 0, 1);
    assert_true(fed_fetch_wants(&fetch, 0));
    assert_true(fed_fetch_wants(&fetch, 1));
    assert_false(fed_fetch_wants(&fetch, 2));
    assert_false(fed_fetch_wants(&fetch, 6));
    assert_false(fed_fetch_wants(&fetch, UINT32_MAX));
    fed_fetch_stored(&fetch, 0);
    assert_false(fed_fetch_wants(&fetch, 0));
    fed_fetch_stored(&fetch, 0); /* a repetition changes nothing */
    assert_int_equal(fetch.have_count, 1);
}

static void
resumed_fetch_asks_only_for_what_is_missing(void **state)
{
    (void)state;
    begin(9);
    for (uint32_t i = 0; i < 9; i++)
        if (i != 1 && i != 8)
            fed_fetch_stored(&fetch, i);
    EXPECT_ASKED(0, 1, 8);
    fed_fetch_stored(&fetch, 8);
    fed_fetch_stored(&fetch, 1);
    assert_true(fed_fetch_is_whole(&fetch));
}

static void
last_chunk_counts_however_short_it_is(void **state)
{
    (void)state;
    static const struct {
        uint64_t size;
        uint32_t chunks;
    } cases[] = {{1, 1}, {MIB, 1}, {MIB + 1, 2}, {3 * MIB - 1, 3}, {3 * MIB, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sec_blob blob = blob_of(cases[i].size);
        memset(have, 0, sizeof have);
        EXPECT_OK(fed_fetch_init(&fetch, &blob, blob.size, have));
        assert_int_equal(fetch.chunk_count, cases[i].chunks);
        next_at(0);
        assert_int_equal(asked_count, cases[i].chunks < FED_WINDOW ? cases[i].chunks : FED_WINDOW);
    }
}

static void
blob_larger_than_allowed_or_empty_is_refused(void **state)
{
    (void)state;
    struct sec_blob blob = blob_of(4001);
    EXPECT_STATUS(PN_EPEER_LIMIT, fed_fetch_init(&fetch, &blob, 4000, have));
    EXPECT_OK(fed_fetch_init(&fetch, &blob, 4001, have));
    blob = blob_of(((uint64_t)SEC_CHUNK_SIZE * SEC_CHUNKS_MAX) + 1);
    EXPECT_STATUS(PN_EPEER_LIMIT, fed_fetch_init(&fetch, &blob, UINT64_MAX, have));
    blob = blob_of(UINT64_MAX);
    EXPECT_STATUS(PN_EPEER_LIMIT, fed_fetch_init(&fetch, &blob, UINT64_MAX, have));
    blob = blob_of(0);
    EXPECT_STATUS(PN_EPEER_VALUE, fed_fetch_init(&fetch, &blob, UINT64_MAX, have));
}

/* A line that loses every third request, whichever. */
static void
lossy_line_still_brings_everything(void **state)
{
    (void)state;
    begin(CHUNKS_MAX);
    uint32_t requests = 0;
    pn_ms    now      = 0;
    while (!fed_fetch_is_whole(&fetch)) {
        now = fed_fetch_deadline(&fetch) > now ? fed_fetch_deadline(&fetch) : now + 1;
        next_at(now);
        for (uint32_t i = 0; i < asked_count; i++)
            if (requests++ % 3 != 0)
                fed_fetch_stored(&fetch, asked[i]);
        assert_true(requests < 10 * CHUNKS_MAX);
    }
    for (uint32_t i = 0; i < CHUNKS_MAX; i++)
        assert_true((have[i / 8] >> i % 8 & 1) == 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fetch_asks_for_a_window_and_one_more_for_each_that_came),
        cmocka_unit_test(lost_chunks_are_asked_for_again_after_a_time_that_doubles),
        cmocka_unit_test(chunk_that_a_window_of_others_overtook_is_asked_for_again_at_once),
        cmocka_unit_test(arriving_chunk_puts_the_time_out_off_for_all),
        cmocka_unit_test(slow_line_is_not_filled_with_repetitions),
        cmocka_unit_test(reconnect_asks_at_once_and_forgets_the_doubling),
        cmocka_unit_test(only_chunks_that_were_asked_for_and_are_missing_are_wanted),
        cmocka_unit_test(resumed_fetch_asks_only_for_what_is_missing),
        cmocka_unit_test(last_chunk_counts_however_short_it_is),
        cmocka_unit_test(blob_larger_than_allowed_or_empty_is_refused),
        cmocka_unit_test(lossy_line_still_brings_everything),
    };
    return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
