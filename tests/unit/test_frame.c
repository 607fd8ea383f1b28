#include "proto/arena.h"
#include "proto/frame.h"
#include "proto/message.h"
#include "support/expect.h"

#include <stdlib.h>
#include <string.h>

static uint8_t frame[WIRE_FRAME_MAX + 1];

static struct wire_header
header_of(uint16_t type, uint32_t body_size)
{
    struct wire_header header = {
        .type      = type,
        .epoch     = 0x01020304,
        .sender    = 0x05060708,
        .recipient = 0x090a0b0c,
        .attempt   = 0x0d0e0f10,
        .round     = 0x1112131415161718,
        .sequence  = 0x191a1b1c1d1e1f20,
        .body_size = body_size,
    };
    for (size_t i = 0; i < sizeof header.run; i++)
        header.run[i] = (uint8_t)(0x40 + i);
    for (size_t i = 0; i < sizeof header.body_hash; i++) {
        header.body_hash[i] = (uint8_t)(0x60 + i);
        header.previous[i]  = (uint8_t)(0xa0 + i);
    }
    return header;
}

/* A frame of this type and body size in `frame`; returns its size. */
static size_t
frame_of(uint16_t type, uint32_t body_size)
{
    struct wire_header header = header_of(type, body_size);
    memset(frame, 0x5a, sizeof frame);
    wire_header_encode(frame, &header);
    return (size_t)WIRE_HEADER_SIZE + body_size + WIRE_SIGNATURE_SIZE;
}

static enum pn_status
decode(size_t size)
{
    struct wire_frame out;
    return wire_frame_decode(&out, frame, size);
}

static void
header_has_the_documented_bytes(void **state)
{
    (void)state;
    static const uint8_t head[64] = {
        'P',  'N',  'L',  '1',  1,    0,    9,    0,    0x40, 0x41, 0x42, 0x43, 0x44,
        0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f, 4,    3,
        2,    1,    8,    7,    6,    5,    12,   11,   10,   9,    16,   15,   14,
        13,   0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, 0x20, 0x1f, 0x1e, 0x1d,
        0x1c, 0x1b, 0x1a, 0x19, 3,    0,    0,    0,    0,    0,    0,    0};
    frame_of(WIRE_UPDATE, 3);
    assert_memory_equal(frame, head, sizeof head);
    for (size_t i = 0; i < 32; i++) {
        assert_int_equal(frame[64 + i], 0x60 + i);
        assert_int_equal(frame[96 + i], 0xa0 + i);
    }
}

static void
decode_gives_back_what_was_encoded_as_views(void **state)
{
    (void)state;
    struct wire_frame  out;
    struct wire_header header = header_of(WIRE_UPDATE, 100);
    size_t             size   = frame_of(WIRE_UPDATE, 100);
    assert_int_equal(wire_frame_decode(&out, frame, size), PN_OK);
    assert_int_equal(out.header.type, header.type);
    assert_memory_equal(out.header.run, header.run, sizeof header.run);
    assert_int_equal(out.header.epoch, header.epoch);
    assert_int_equal(out.header.sender, header.sender);
    assert_int_equal(out.header.recipient, header.recipient);
    assert_int_equal(out.header.attempt, header.attempt);
    assert_int_equal(out.header.round, header.round);
    assert_int_equal(out.header.sequence, header.sequence);
    assert_int_equal(out.header.body_size, 100);
    assert_memory_equal(out.header.body_hash, header.body_hash, 32);
    assert_memory_equal(out.header.previous, header.previous, 32);
    assert_ptr_equal(out.header_bytes, frame);
    assert_ptr_equal(out.body, frame + 128);
    assert_ptr_equal(out.signature, frame + 228);
}

static void
frame_of_any_other_length_is_refused(void **state)
{
    (void)state;
    size_t whole = frame_of(WIRE_ANSWER, 40);
    for (size_t size = 0; size < whole + 40; size++) {
        uint8_t *exact = malloc(size + (size == 0)); /* the sanitizer sees one byte too many */
        assert_non_null(exact);
        memcpy(exact, frame, size);
        struct wire_frame out;
        assert_int_equal(wire_frame_decode(&out, exact, size),
                         size == whole ? PN_OK : PN_EPEER_FORMAT);
        free(exact);
    }
}

static void
wrong_magic_version_or_zero_field_is_refused(void **state)
{
    (void)state;
    static const size_t at[] = {0, 1, 2, 3, 4, 5, 60, 61, 62, 63};
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        size_t size = frame_of(WIRE_ANSWER, 0);
        assert_int_equal(decode(size), PN_OK);
        frame[at[i]] ^= 0x80;
        assert_int_equal(decode(size), PN_EPEER_FORMAT);
    }
}

static void
only_listed_types_are_known(void **state)
{
    (void)state;
    for (uint32_t type = 0; type <= UINT16_MAX; type++) {
        bool known = type >= 1 && type <= 26;
        assert_int_equal(wire_type_text((uint16_t)type) != NULL, known);
        if (type < 40 || type > UINT16_MAX - 40)
            assert_int_equal(decode(frame_of((uint16_t)type, 0)), known ? PN_OK : PN_EPEER_FORMAT);
    }
    assert_string_equal(wire_type_text(WIRE_HELLO), "hello");
    assert_string_equal(wire_type_text(WIRE_CHUNK), "chunk");
}

static void
each_type_has_its_largest_body(void **state)
{
    (void)state;
    for (uint16_t type = 1; type <= 26; type++) {
        bool     block = type == WIRE_PROPOSE || type == WIRE_SHOW || type == WIRE_DECISION;
        uint32_t most  = type == WIRE_CHUNK    ? 1050624
                         : type == WIRE_COMMIT ? 524288
                         : type == WIRE_SURVEY ? 0
                         : type == WIRE_RELAY  ? 590068
                         : block               ? 589824
                                               : 65536;
        assert_int_equal(wire_body_max(type), most);
        assert_int_equal(decode(frame_of(type, most)), PN_OK);
        assert_int_equal(decode(frame_of(type, most + 1)), PN_EPEER_LIMIT);
        frame_of(type, UINT32_MAX);
        assert_int_equal(decode(192), PN_EPEER_LIMIT);
    }
}

static void
failed_decode_leaves_the_output_alone(void **state)
{
    (void)state;
    struct wire_frame out, before;
    memset(&out, 0x11, sizeof out);
    memset(&before, 0x11, sizeof before);
    size_t size = frame_of(WIRE_ANSWER, 10);
    assert_int_equal(wire_frame_decode(&out, frame, size - 1), PN_EPEER_FORMAT);
    assert_memory_equal(&out, &before, sizeof out);
}

/* The largest frame that may be forwarded fits, and so does the frame that carries it. */
static void
a_relay_is_decoded_only_in_its_shape(void **state)
{
    (void)state;
    struct wire_relay given = {.origin = 7, .target = 9, .greeting = true}, out;
    uint8_t           body[WIRE_RELAY_HEAD + WIRE_RELAY_SEAL + WIRE_RELAY_INNER_MIN] = {0};
    wire_relay_head(body, &given);
    assert_memory_equal(body, "\7\0\0\0\11\0\0\0\1\0\0\0", 12);
    EXPECT_OK(wire_relay_decode(&out, body, sizeof body));
    assert_true(out.origin == 7 && out.target == 9 && out.greeting);
    assert_ptr_equal(out.sealed.bytes, body + WIRE_RELAY_HEAD);
    assert_int_equal(out.sealed.size, sizeof body - WIRE_RELAY_HEAD);
    for (size_t size = 0; size < sizeof body; size++)
        EXPECT_STATUS(PN_EPEER_FORMAT, wire_relay_decode(&out, body, size));
    body[8] = 2;
    EXPECT_STATUS(PN_EPEER_FORMAT, wire_relay_decode(&out, body, sizeof body));
    given.target = given.origin;
    wire_relay_head(body, &given);
    EXPECT_STATUS(PN_EPEER_VALUE, wire_relay_decode(&out, body, sizeof body));
    EXPECT_STATUS(PN_EPEER_LIMIT, wire_relay_decode(&out, frame, WIRE_RELAY_MAX + 1));
    assert_int_equal(wire_body_max(WIRE_RELAY), 12 + 40 + 192 + wire_body_max(WIRE_PROPOSE));
    assert_int_equal(wire_type_of(frame, 7), 0);
}

static void
arena_gives_aligned_pieces_until_it_is_full(void **state)
{
    (void)state;
    _Alignas(16) unsigned char block[70];
    struct wire_arena          arena;
    wire_arena_init(&arena, block, sizeof block);
    assert_ptr_equal(wire_arena_take(&arena, 1), block);
    assert_ptr_equal(wire_arena_take(&arena, 16), block + 16);
    assert_ptr_equal(wire_arena_take(&arena, 17), block + 32);
    assert_null(wire_arena_take(&arena, 7));
    assert_null(wire_arena_take(&arena, SIZE_MAX));
    assert_ptr_equal(wire_arena_take(&arena, 6), block + 64);
    assert_null(wire_arena_take(&arena, 1));
    assert_non_null(wire_arena_take(&arena, 0));
    wire_arena_reset(&arena);
    assert_ptr_equal(wire_arena_take(&arena, 70), block);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_has_the_documented_bytes),
        cmocka_unit_test(decode_gives_back_what_was_encoded_as_views),
        cmocka_unit_test(frame_of_any_other_length_is_refused),
        cmocka_unit_test(wrong_magic_version_or_zero_field_is_refused),
        cmocka_unit_test(only_listed_types_are_known),
        cmocka_unit_test(each_type_has_its_largest_body),
        cmocka_unit_test(failed_decode_leaves_the_output_alone),
        cmocka_unit_test(a_relay_is_decoded_only_in_its_shape),
        cmocka_unit_test(arena_gives_aligned_pieces_until_it_is_full),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
