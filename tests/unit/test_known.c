#include "support/expect.h"

#include "engine/known.h"

#include <string.h>

enum {
    SIZE = 40
};

static const struct fed_roster ours = {.hash = {{1}}}, other = {.hash = {{2}}};

static struct engine_known_record *
make_record(uint8_t mark)
{
    struct sec_signature        signature = {.bytes = {mark}};
    uint8_t                     block[SIZE];
    struct engine_known_record *record;
    memset(block, mark, sizeof block);
    record = engine_known_record_new(&signature, block, sizeof block);
    assert_non_null(record);
    return record;
}

/* Block `mark`, said by a message whose body has the hash `mark`; known's alone afterwards. */
static void
add(struct engine_known *known, uint8_t mark, bool carries_roster)
{
    struct engine_known_record  *record = make_record(mark);
    const struct sec_hash        body   = {{mark}};
    const struct fed_block_facts facts  = {.height = mark, .carries_roster = carries_roster};
    engine_known_add(known, &ours, record, &body, &facts);
    engine_known_record_drop(record);
}

static const struct engine_known_block *
said(const struct engine_known *known, const struct fed_roster *roster, uint8_t mark)
{
    const struct sec_hash body = {{mark}};
    return engine_known_said(known, roster, &body);
}

static void
test_found_by_message_and_by_bytes(void **state)
{
    struct engine_known  known;
    struct sec_signature signature = {.bytes = {7}};
    uint8_t              block[SIZE];
    (void)state;
    memset(block, 7, sizeof block);
    engine_known_init(&known);
    assert_null(said(&known, &ours, 7));
    add(&known, 7, false);
    assert_int_equal(said(&known, &ours, 7)->facts.height, 7);
    assert_null(said(&known, &ours, 8));
    assert_null(said(&known, &other, 7));

    assert_int_equal(engine_known_find(&known, &ours, block, SIZE, &signature)->height, 7);
    assert_null(engine_known_find(&known, &other, block, SIZE, &signature));
    assert_null(engine_known_find(&known, &ours, block, SIZE - 1, &signature));
    block[SIZE - 1]++;
    assert_null(engine_known_find(&known, &ours, block, SIZE, &signature));
    block[SIZE - 1]--;
    signature.bytes[63]++;
    assert_null(engine_known_find(&known, &ours, block, SIZE, &signature));
    engine_known_fini(&known);
}

/* Zeros are no body: what was said in no message is not found by one. */
static void
test_said_in_no_message(void **state)
{
    struct engine_known          known;
    struct engine_known_record  *record = make_record(7);
    const struct fed_block_facts facts  = {.height = 7};
    (void)state;
    engine_known_init(&known);
    engine_known_add(&known, &ours, record, NULL, &facts);
    assert_null(said(&known, &ours, 0));
    engine_known_record_drop(record);
    engine_known_fini(&known);
}

static void
test_carries_a_roster(void **state)
{
    struct engine_known known;
    (void)state;
    engine_known_init(&known);
    add(&known, 7, true);
    assert_null(said(&known, &ours, 7));
    engine_known_fini(&known);
}

/* The newest stay; a record stays as long as somebody holds it (ASan). */
static void
test_newest_and_held(void **state)
{
    struct engine_known known;
    (void)state;
    engine_known_init(&known);
    add(&known, 1, false);
    struct engine_known_record *first = engine_known_record_take(said(&known, &ours, 1)->record);
    for (uint8_t mark = 2; mark <= ENGINE_KNOWN + 1; mark++)
        add(&known, mark, false);
    assert_null(said(&known, &ours, 1));
    for (uint8_t mark = 2; mark <= ENGINE_KNOWN + 1; mark++)
        assert_int_equal(said(&known, &ours, mark)->facts.height, mark);
    engine_known_fini(&known);

    const struct wire_span block = engine_known_record_block(first);
    assert_int_equal(first->size, sizeof(struct sec_signature) + SIZE);
    assert_int_equal(first->bytes[0], 1);
    assert_int_equal(block.size, SIZE);
    assert_int_equal(block.bytes[SIZE - 1], 1);
    engine_known_record_drop(first);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_by_message_and_by_bytes),
        cmocka_unit_test(test_said_in_no_message),
        cmocka_unit_test(test_carries_a_roster),
        cmocka_unit_test(test_newest_and_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
