#include "fed/link.h"

#include "support/expect.h"
#include "support/federation.h"

enum {
    NODE  = 2,
    OTHER = 3,
    BOOT  = 5
};

static const uint8_t run[16] = "the run number 1";

/* The coordinator's and a node's end of one connection, and frames under way. */
struct fixture {
    struct test_federation federation;
    struct fed_link        hub, node;
    struct pn_buffer       frame;
};

static int
start(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return 1;
    test_federation_new(&f->federation, 3);
    struct fed_link_ends hub  = test_federation_ends(&f->federation, run, TEST_HUB, NODE);
    struct fed_link_ends node = test_federation_ends(&f->federation, run, NODE, TEST_HUB);
    fed_link_init(&f->hub, &hub, BOOT);
    fed_link_init(&f->node, &node, BOOT);
    pn_buffer_init(&f->frame, WIRE_FRAME_MAX);
    *state = f;
    return 0;
}

static int
stop(void **state)
{
    struct fixture *f = *state;
    pn_buffer_fini(&f->frame);
    test_federation_free(&f->federation);
    free(f);
    return 0;
}

static void
seal_text(struct fixture *f, struct fed_link *link, enum wire_type type, const char *body)
{
    EXPECT_OK(fed_link_seal(&f->frame, link, type, 7, 2, (const uint8_t *)body, strlen(body)));
}

static enum pn_status
open_frame(struct fixture *f, struct fed_link *link)
{
    struct wire_frame out;
    return fed_link_open(&out, link, f->frame.bytes, f->frame.size);
}

/* Opens the frame at `link`, which must refuse it and not change. */
static void
expect_refused(enum pn_status expected, struct fed_link *link, const uint8_t *bytes, size_t size)
{
    struct fed_link   before;
    struct wire_frame out;
    memset(&before, 0, sizeof before);
    memcpy(&before, link, sizeof before);
    EXPECT_STATUS(expected, fed_link_open(&out, link, bytes, size));
    assert_memory_equal(&before, link, sizeof before);
}

static void
expect_frame_refused(struct fixture *f, enum pn_status expected, struct fed_link *link)
{
    expect_refused(expected, link, f->frame.bytes, f->frame.size);
}

/* Both sides have greeted. */
static void
greet(struct fixture *f)
{
    seal_text(f, &f->node, WIRE_HELLO, "hello");
    EXPECT_OK(open_frame(f, &f->hub));
    seal_text(f, &f->hub, WIRE_HELLO, "hello");
    EXPECT_OK(open_frame(f, &f->node));
}

/* ---- what is accepted ---- */

static void
frames_arrive_in_both_directions_with_what_they_say(void **state)
{
    struct fixture   *f = *state;
    struct wire_frame out;
    greet(f);
    for (uint32_t i = 2; i < 6; i++) {
        seal_text(f, &f->hub, WIRE_TRAIN, "train");
        EXPECT_OK(fed_link_open(&out, &f->node, f->frame.bytes, f->frame.size));
        assert_int_equal(out.header.type, WIRE_TRAIN);
        assert_true(out.header.round == 7);
        assert_int_equal(out.header.attempt, 2);
        assert_int_equal(out.header.sender, TEST_HUB);
        assert_int_equal(out.header.recipient, NODE);
        assert_true(out.header.sequence == ((uint64_t)BOOT << 32 | i));
        assert_int_equal(out.header.body_size, 5);
        assert_memory_equal(out.body, "train", 5);
        seal_text(f, &f->node, WIRE_HEARTBEAT, "");
        EXPECT_OK(open_frame(f, &f->hub));
    }
}

static void
largest_chunk_arrives_and_a_larger_one_is_not_sealed(void **state)
{
    struct fixture *f    = *state;
    uint8_t        *body = calloc(1, WIRE_BODY_MAX + 1);
    assert_non_null(body);
    greet(f);
    EXPECT_OK(fed_link_seal(&f->frame, &f->hub, WIRE_CHUNK, 1, 1, body, WIRE_BODY_MAX));
    EXPECT_OK(open_frame(f, &f->node));
    struct fed_link before;
    memcpy(&before, &f->hub, sizeof before);
    EXPECT_STATUS(PN_ERANGE,
                  fed_link_seal(&f->frame, &f->hub, WIRE_CHUNK, 1, 1, body, WIRE_BODY_MAX + 1));
    EXPECT_STATUS(PN_ERANGE,
                  fed_link_seal(&f->frame, &f->hub, WIRE_TRAIN, 1, 1, body, WIRE_CONTROL_MAX + 1));
    EXPECT_STATUS(PN_ERANGE, fed_link_seal(&f->frame, &f->hub, WIRE_SURVEY, 1, 1, body, 1));
    assert_memory_equal(&before, &f->hub, sizeof before);
    free(body);
}

/* ---- sessions ---- */

static void
nothing_but_hello_is_sealed_before_hello(void **state)
{
    struct fixture *f = *state;
    EXPECT_STATUS(PN_ESTATE, fed_link_seal(&f->frame, &f->hub, WIRE_TRAIN, 1, 1, NULL, 0));
    assert_int_equal(f->frame.size, 0);
    greet(f);
    fed_link_reset(&f->hub);
    EXPECT_STATUS(PN_ESTATE, fed_link_seal(&f->frame, &f->hub, WIRE_TRAIN, 1, 1, NULL, 0));
    seal_text(f, &f->hub, WIRE_HELLO, "");
    seal_text(f, &f->hub, WIRE_TRAIN, "");
}

static void
frame_before_a_hello_is_a_gap(void **state)
{
    struct fixture *f = *state;
    seal_text(f, &f->node, WIRE_HELLO, ""); /* lost */
    seal_text(f, &f->node, WIRE_HEARTBEAT, "");
    expect_frame_refused(f, PN_EPEER_GAP, &f->hub);
}

static void
lost_frame_is_a_gap_until_the_next_hello(void **state)
{
    struct fixture *f = *state;
    greet(f);
    seal_text(f, &f->node, WIRE_ACCEPT, "lost");
    seal_text(f, &f->node, WIRE_HEARTBEAT, "a");
    expect_frame_refused(f, PN_EPEER_GAP, &f->hub);
    seal_text(f, &f->node, WIRE_HEARTBEAT, "b");
    expect_frame_refused(f, PN_EPEER_GAP, &f->hub);
    seal_text(f, &f->node, WIRE_HELLO, "again");
    EXPECT_OK(open_frame(f, &f->hub));
    seal_text(f, &f->node, WIRE_HEARTBEAT, "c");
    EXPECT_OK(open_frame(f, &f->hub));
}

static void
reset_receiver_wants_a_hello_first(void **state)
{
    struct fixture *f = *state;
    greet(f);
    fed_link_reset(&f->hub);
    seal_text(f, &f->node, WIRE_HEARTBEAT, "");
    expect_frame_refused(f, PN_EPEER_GAP, &f->hub);
}

static void
restart_with_a_larger_boot_is_accepted(void **state)
{
    struct fixture *f = *state;
    greet(f);
    struct fed_link_ends ends = f->node.ends;
    fed_link_init(&f->node, &ends, BOOT + 1);
    seal_text(f, &f->node, WIRE_HELLO, "");
    EXPECT_OK(open_frame(f, &f->hub));
    seal_text(f, &f->node, WIRE_HEARTBEAT, "");
    EXPECT_OK(open_frame(f, &f->hub));
}

static void
restart_with_the_same_or_a_smaller_boot_is_refused(void **state)
{
    struct fixture *f = *state;
    greet(f);
    struct fed_link_ends ends = f->node.ends;
    for (uint32_t boot = 1; boot <= BOOT; boot++) {
        fed_link_init(&f->node, &ends, boot);
        seal_text(f, &f->node, WIRE_HELLO, "");
        expect_frame_refused(f, PN_EPEER_REPLAY, &f->hub);
    }
}

static void
last_sequence_of_a_boot_is_not_followed_by_one_of_the_next(void **state)
{
    struct fixture *f = *state;
    greet(f);
    f->node.sent_sequence = (uint64_t)BOOT << 32 | (UINT32_MAX - 1);
    seal_text(f, &f->node, WIRE_HEARTBEAT, "");
    EXPECT_OK(open_frame(f, &f->hub));
    EXPECT_STATUS(PN_ERANGE, fed_link_seal(&f->frame, &f->node, WIRE_HEARTBEAT, 1, 1, NULL, 0));
}

/* ---- replay and order ---- */

static void
frame_is_taken_once(void **state)
{
    struct fixture *f = *state;
    greet(f);
    seal_text(f, &f->node, WIRE_ACCEPT, "");
    EXPECT_OK(open_frame(f, &f->hub));
    expect_frame_refused(f, PN_EPEER_REPLAY, &f->hub);
    /* Not after a lost connection either, nor the HELLO of an older session. */
    fed_link_reset(&f->hub);
    expect_frame_refused(f, PN_EPEER_REPLAY, &f->hub);
    seal_text(f, &f->node, WIRE_HELLO, "");
    EXPECT_OK(open_frame(f, &f->hub));
    expect_frame_refused(f, PN_EPEER_REPLAY, &f->hub);
    fed_link_reset(&f->hub);
    expect_frame_refused(f, PN_EPEER_REPLAY, &f->hub);
}

static void
frames_in_another_order_are_refused(void **state)
{
    struct fixture  *f = *state;
    struct pn_buffer first;
    greet(f);
    pn_buffer_init(&first, WIRE_FRAME_MAX);
    seal_text(f, &f->node, WIRE_ACCEPT, "first");
    EXPECT_OK(pn_buffer_append(&first, f->frame.bytes, f->frame.size));
    seal_text(f, &f->node, WIRE_HEARTBEAT, "second");
    expect_frame_refused(f, PN_EPEER_GAP, &f->hub);
    struct wire_frame out;
    EXPECT_OK(fed_link_open(&out, &f->hub, first.bytes, first.size));
    EXPECT_OK(open_frame(f, &f->hub));
    expect_refused(PN_EPEER_REPLAY, &f->hub, first.bytes, first.size);
    pn_buffer_fini(&first);
}

static void
frame_comes_not_back_to_its_sender(void **state)
{
    struct fixture *f = *state;
    greet(f);
    seal_text(f, &f->node, WIRE_PULL, "");
    expect_frame_refused(f, PN_EPEER_AUTH, &f->node);
}

/* ---- somebody else ---- */

/* A HELLO sealed with these ends, which differ from the node's in one thing. */
static void
expect_hello_refused(struct fixture *f, enum pn_status expected, const struct fed_link_ends *ends)
{
    struct fed_link stranger;
    fed_link_init(&stranger, ends, BOOT);
    seal_text(f, &stranger, WIRE_HELLO, "");
    expect_frame_refused(f, expected, &f->hub);
}

static void
key_of_a_stranger_or_of_another_member_is_refused(void **state)
{
    struct fixture        *f = *state;
    struct sec_sign_public public_key;
    struct sec_sign_secret secret;
    struct fed_link_ends   ends = f->node.ends;
    sec_sign_new(&public_key, &secret);
    ends.secret = &secret;
    expect_hello_refused(f, PN_EPEER_AUTH, &ends);
    ends.secret = &test_member_of(&f->federation, OTHER)->node;
    expect_hello_refused(f, PN_EPEER_AUTH, &ends);
    ends.secret = &test_member_of(&f->federation, NODE)->root;
    expect_hello_refused(f, PN_EPEER_AUTH, &ends);
    /* The good one is accepted still. */
    seal_text(f, &f->node, WIRE_HELLO, "");
    EXPECT_OK(open_frame(f, &f->hub));
}

static void
other_run_epoch_sender_or_recipient_is_refused(void **state)
{
    struct fixture      *f    = *state;
    struct fed_link_ends ends = f->node.ends;
    ends.run[15] ^= 1;
    expect_hello_refused(f, PN_EPEER_RUN, &ends);
    ends       = f->node.ends;
    ends.epoch = 2;
    expect_hello_refused(f, PN_EPEER_RUN, &ends);
    ends      = f->node.ends;
    ends.peer = OTHER;
    expect_hello_refused(f, PN_EPEER_AUTH, &ends);
    ends      = f->node.ends;
    ends.self = OTHER;
    expect_hello_refused(f, PN_EPEER_AUTH, &ends);
    /* Another member under its own name, on this member's link. */
    ends.secret = &test_member_of(&f->federation, OTHER)->node;
    expect_hello_refused(f, PN_EPEER_AUTH, &ends);
}

static void
type_that_the_peers_role_does_not_send_is_refused(void **state)
{
    static const char directions[] = {
        [WIRE_HELLO] = 'B',       [WIRE_OFFER] = 'C',      [WIRE_ANSWER] = 'N',
        [WIRE_SURVEY] = 'C',      [WIRE_STATISTICS] = 'N', [WIRE_INVITE] = 'C',
        [WIRE_ACCEPT] = 'N',      [WIRE_TRAIN] = 'C',      [WIRE_UPDATE] = 'N',
        [WIRE_EVALUATE] = 'C',    [WIRE_METRICS] = 'N',    [WIRE_COMMIT] = 'C',
        [WIRE_COUNTERSIGN] = 'N', [WIRE_FINISH] = 'C',     [WIRE_FAULT] = 'N',
        [WIRE_HEARTBEAT] = 'N',   [WIRE_PULL] = 'B',       [WIRE_CHUNK] = 'B',
    };
    struct fixture *f = *state;
    /* Ends of a node that takes itself for the coordinator, and the other way round. */
    f->node.ends.self_is_coordinator = true;
    f->hub.ends.self_is_coordinator  = false;
    for (int type = WIRE_HELLO; type <= WIRE_CHUNK; type++) {
        greet(f);
        if (directions[type] == 'C') {
            seal_text(f, &f->node, (enum wire_type)type, "");
            expect_frame_refused(f, PN_EPEER_FORMAT, &f->hub);
        } else if (directions[type] == 'N') {
            seal_text(f, &f->hub, (enum wire_type)type, "");
            expect_frame_refused(f, PN_EPEER_FORMAT, &f->node);
        } else {
            seal_text(f, &f->node, (enum wire_type)type, "");
            EXPECT_OK(open_frame(f, &f->hub));
            seal_text(f, &f->hub, (enum wire_type)type, "");
            EXPECT_OK(open_frame(f, &f->node));
        }
    }
    f->node.ends.self_is_coordinator = false;
    f->hub.ends.self_is_coordinator  = true;
    for (int type = WIRE_HELLO; type <= WIRE_CHUNK; type++) {
        greet(f);
        struct fed_link *from = directions[type] == 'N' ? &f->node : &f->hub;
        struct fed_link *to   = directions[type] == 'N' ? &f->hub : &f->node;
        seal_text(f, from, (enum wire_type)type, "");
        EXPECT_OK(open_frame(f, to));
    }
}

/* ---- damage ---- */

static void
every_flipped_bit_is_refused_and_changes_nothing(void **state)
{
    struct fixture *f = *state;
    uint8_t         bytes[512];
    greet(f);
    seal_text(f, &f->node, WIRE_ACCEPT, "a small body");
    const size_t size = f->frame.size;
    assert_true(size <= sizeof bytes);
    memcpy(bytes, f->frame.bytes, size);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        struct fed_link   before;
        struct wire_frame out;
        memcpy(&before, &f->hub, sizeof before);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum pn_status st = fed_link_open(&out, &f->hub, bytes, size);
        assert_true(pn_status_is_peer(st));
        assert_memory_equal(&before, &f->hub, sizeof before);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    EXPECT_OK(open_frame(f, &f->hub));
}

static void
truncated_and_lengthened_frames_are_refused(void **state)
{
    struct fixture *f          = *state;
    uint8_t         bytes[512] = {0};
    greet(f);
    seal_text(f, &f->node, WIRE_ACCEPT, "body");
    memcpy(bytes, f->frame.bytes, f->frame.size);
    for (size_t size = 0; size < f->frame.size; size++) {
        /* An exact-size copy: a sanitizer sees the first byte read beyond it. */
        uint8_t *cut = malloc(size + 1);
        assert_non_null(cut);
        memcpy(cut, bytes, size);
        expect_refused(PN_EPEER_FORMAT, &f->hub, cut, size);
        free(cut);
    }
    expect_refused(PN_EPEER_FORMAT, &f->hub, bytes, f->frame.size + 1);
}

static void
oversized_frames_are_refused(void **state)
{
    struct fixture *f     = *state;
    const size_t    size  = WIRE_FRAME_MAX + 1;
    uint8_t        *bytes = calloc(1, size);
    assert_non_null(bytes);
    greet(f);
    seal_text(f, &f->node, WIRE_ACCEPT, "body");
    memcpy(bytes, f->frame.bytes, WIRE_HEADER_SIZE);
    expect_refused(PN_EPEER_LIMIT, &f->hub, bytes, size);
    /* A size that its type may not have. */
    pn_put_u32(bytes + 56, WIRE_CONTROL_MAX + 1);
    expect_refused(PN_EPEER_LIMIT, &f->hub, bytes,
                   WIRE_HEADER_SIZE + WIRE_CONTROL_MAX + 1 + WIRE_SIGNATURE_SIZE);
    free(bytes);
}

static void
body_under_another_header_is_refused(void **state)
{
    struct fixture *f = *state;
    greet(f);
    seal_text(f, &f->node, WIRE_ACCEPT, "true");
    memcpy(f->frame.bytes + WIRE_HEADER_SIZE, "fake", 4);
    expect_frame_refused(f, PN_EPEER_FORMAT, &f->hub);
    /* With the right hash of the wrong body it is the signature that tells. */
    struct sec_hash hash;
    sec_hash_of(&hash, "body", "fake", 4);
    memcpy(f->frame.bytes + 64, hash.bytes, sizeof hash.bytes);
    expect_frame_refused(f, PN_EPEER_AUTH, &f->hub);
}

static void
hello_that_names_a_frame_before_it_is_refused(void **state)
{
    struct fixture      *f = *state;
    uint8_t              bytes[512];
    struct wire_frame    frame;
    struct sec_signature signature;
    seal_text(f, &f->node, WIRE_HELLO, "");
    EXPECT_OK(wire_frame_decode(&frame, f->frame.bytes, f->frame.size));
    frame.header.previous[0] = 1;
    wire_header_encode(bytes, &frame.header);
    sec_sign(&signature, "frame", bytes, WIRE_HEADER_SIZE, f->node.ends.secret);
    memcpy(bytes + WIRE_HEADER_SIZE, signature.bytes, sizeof signature.bytes);
    expect_refused(PN_EPEER_FORMAT, &f->hub, bytes, WIRE_HEADER_SIZE + sizeof signature.bytes);
}

/* A chunk with one proof hash: its data is the Merkle proof's affair, everything before it the
 * frame's. And a body that lies where it leaves from gives the same frame as one that is copied. */
static void
data_of_a_chunk_is_not_hashed_for_its_frame_but_all_before_it_is(void **state)
{
    struct fixture *f = *state;
    enum {
        HEAD = 48 + 32,
        DATA = 1000
    };
    uint8_t body[HEAD + DATA] = {[44] = 1};
    for (size_t i = HEAD; i < sizeof body; i++)
        body[i] = (uint8_t)i;
    seal_text(f, &f->node, WIRE_HELLO, "hi");
    EXPECT_OK(open_frame(f, &f->hub));
    struct fed_link again = f->node;
    EXPECT_OK(fed_link_seal(&f->frame, &f->node, WIRE_CHUNK, 7, 2, body, sizeof body));
    struct pn_buffer in_place;
    pn_buffer_init(&in_place, WIRE_FRAME_MAX);
    EXPECT_OK(pn_buffer_extend(&in_place, WIRE_HEADER_SIZE));
    EXPECT_OK(pn_buffer_append(&in_place, body, sizeof body));
    EXPECT_OK(fed_link_seal(&in_place, &again, WIRE_CHUNK, 7, 2, in_place.bytes + WIRE_HEADER_SIZE,
                            sizeof body));
    assert_int_equal(in_place.size, f->frame.size);
    assert_memory_equal(in_place.bytes, f->frame.bytes, in_place.size);
    pn_buffer_fini(&in_place);

    for (size_t i = 0; i < HEAD; i++) {
        f->frame.bytes[WIRE_HEADER_SIZE + i] ^= 1;
        if (i < 44 || i > 47) /* the count of proofs moves the border itself */
            expect_frame_refused(f, PN_EPEER_FORMAT, &f->hub);
        f->frame.bytes[WIRE_HEADER_SIZE + i] ^= 1;
    }
    f->frame.bytes[WIRE_HEADER_SIZE + 44] = 2;
    expect_frame_refused(f, PN_EPEER_FORMAT, &f->hub);
    f->frame.bytes[WIRE_HEADER_SIZE + 44] = 0;
    expect_frame_refused(f, PN_EPEER_FORMAT, &f->hub);
    f->frame.bytes[WIRE_HEADER_SIZE + 44] = 1;
    f->frame.bytes[WIRE_HEADER_SIZE + HEAD] ^= 1;
    EXPECT_OK(open_frame(f, &f->hub));
}

int
main(void)
{
#define LINK_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        LINK_TEST(frames_arrive_in_both_directions_with_what_they_say),
        LINK_TEST(largest_chunk_arrives_and_a_larger_one_is_not_sealed),
        LINK_TEST(nothing_but_hello_is_sealed_before_hello),
        LINK_TEST(frame_before_a_hello_is_a_gap),
        LINK_TEST(lost_frame_is_a_gap_until_the_next_hello),
        LINK_TEST(reset_receiver_wants_a_hello_first),
        LINK_TEST(restart_with_a_larger_boot_is_accepted),
        LINK_TEST(restart_with_the_same_or_a_smaller_boot_is_refused),
        LINK_TEST(last_sequence_of_a_boot_is_not_followed_by_one_of_the_next),
        LINK_TEST(frame_is_taken_once),
        LINK_TEST(frames_in_another_order_are_refused),
        LINK_TEST(frame_comes_not_back_to_its_sender),
        LINK_TEST(key_of_a_stranger_or_of_another_member_is_refused),
        LINK_TEST(other_run_epoch_sender_or_recipient_is_refused),
        LINK_TEST(type_that_the_peers_role_does_not_send_is_refused),
        LINK_TEST(every_flipped_bit_is_refused_and_changes_nothing),
        LINK_TEST(truncated_and_lengthened_frames_are_refused),
        LINK_TEST(oversized_frames_are_refused),
        LINK_TEST(body_under_another_header_is_refused),
        LINK_TEST(hello_that_names_a_frame_before_it_is_refused),
        LINK_TEST(data_of_a_chunk_is_not_hashed_for_its_frame_but_all_before_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
