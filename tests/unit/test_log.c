#include "support/folder.h"

#include "crypto/hash.h"
#include "store/log.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static char folder[FOLDER_PATH];

enum {
    FILE_ROOM = 8192
};

static struct store_log *
open_log(bool write)
{
    struct store_log *log = NULL;
    struct pn_error   why = {""};
    enum pn_status    st  = store_log_open(&log, folder, write, &why);
    if (st != PN_OK)
        fail_msg("%s: %s", pn_status_text(st), why.text);
    return log;
}

static enum pn_status
try_open(bool write, struct pn_error *why)
{
    struct store_log *log = NULL;
    enum pn_status    st  = store_log_open(&log, folder, write, why);
    if (st == PN_OK)
        store_log_close(log);
    return st;
}

static void
append_text(struct store_log *log, const char *text)
{
    assert_int_equal(store_log_append(log, text, strlen(text)), PN_OK);
}

static void
expect_text(struct store_log *log, uint64_t index, const char *text)
{
    struct pn_buffer buffer;
    pn_buffer_init(&buffer, STORE_RECORD_MAX);
    assert_int_equal(store_log_read(log, index, &buffer), PN_OK);
    assert_int_equal(buffer.size, strlen(text));
    if (buffer.size > 0)
        assert_memory_equal(buffer.bytes, text, buffer.size);
    pn_buffer_fini(&buffer);
}

static const char *
first_segment(char out[static FOLDER_PATH])
{
    return folder_path(out, folder, "000000000000.seg");
}

/* Three records; returns the size of the file and where the third begins. */
static size_t
write_three(uint8_t bytes[static FILE_ROOM], size_t *third, const char *last)
{
    char              path[FOLDER_PATH];
    struct store_log *log = open_log(true);
    append_text(log, "one");
    append_text(log, "the second");
    append_text(log, last);
    store_log_close(log);
    *third      = 16 + (8 + 3 + 32) + (8 + 10 + 32);
    size_t size = folder_read(bytes, FILE_ROOM, first_segment(path));
    assert_int_equal(size, *third + 8 + strlen(last) + 32);
    return size;
}

static void
records_come_back_after_reopening(void **state)
{
    (void)state;
    struct store_log *log = open_log(true);
    assert_int_equal(store_log_count(log), 0);
    append_text(log, "one");
    append_text(log, "");
    append_text(log, "three");
    expect_text(log, 1, "");
    store_log_close(log);

    log = open_log(false);
    assert_int_equal(store_log_count(log), 3);
    expect_text(log, 0, "one");
    expect_text(log, 1, "");
    expect_text(log, 2, "three");
    struct pn_buffer buffer;
    pn_buffer_init(&buffer, 4);
    assert_int_equal(store_log_read(log, 3, &buffer), PN_ENOENT);
    assert_int_equal(store_log_read(log, 2, &buffer), PN_ERANGE);
    assert_int_equal(store_log_append(log, "x", 1), PN_ESTATE);
    pn_buffer_fini(&buffer);
    store_log_close(log);
}

/* The layout of store/log.h, byte by byte. */
static void
a_record_on_the_disk_is_length_crc_payload_hash(void **state)
{
    (void)state;
    static uint8_t    bytes[FILE_ROOM];
    char              path[FOLDER_PATH];
    struct sec_hash   hash;
    struct store_log *log = open_log(true);
    append_text(log, "123456789");
    store_log_close(log);
    size_t size = folder_read(bytes, sizeof bytes, first_segment(path));
    assert_int_equal(size, 16 + 8 + 9 + 32);
    assert_memory_equal(bytes, "PNLLOG1\0\0\0\0\0\0\0\0\0", 16);
    assert_memory_equal(bytes + 16, "\x09\0\0\0", 4);
    /* crc32c of 09 00 00 00 31 .. 39, from the table-free definition. */
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < 4 + 9; i++) {
        crc ^= bytes[i < 4 ? 16 + i : 20 + i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
    }
    assert_int_equal(pn_get_u32(bytes + 20), ~crc);
    assert_memory_equal(bytes + 24, "123456789", 9);
    sec_hash_of(&hash, "record", "123456789", 9);
    assert_memory_equal(bytes + 33, hash.bytes, 32);
}

/* tests/fuzz/make_log_corpus.py, with the CRC and BLAKE2b of Python. */
static void
a_segment_made_by_another_implementation_is_read(void **state)
{
    (void)state;
    static uint8_t bytes[FILE_ROOM];
    char           path[FOLDER_PATH];
    size_t size = folder_read(bytes, sizeof bytes, PN_SOURCE_DIR "/tests/fuzz/corpus/log/two");
    folder_write(first_segment(path), bytes, size);
    struct store_log *log = open_log(true);
    assert_int_equal(store_log_count(log), 2);
    expect_text(log, 0, "one");
    expect_text(log, 1, "the second");
    store_log_close(log);
}

static void
a_torn_tail_is_cut_at_every_length_and_appending_goes_on(void **state)
{
    (void)state;
    static uint8_t bytes[FILE_ROOM];
    char           path[FOLDER_PATH];
    size_t         third;
    size_t         size = write_three(bytes, &third, "the third record, which is the last");
    for (size_t cut = third; cut < size; cut++) {
        folder_write(first_segment(path), bytes, cut);
        struct store_log *log = open_log(false);
        assert_int_equal(store_log_count(log), 2);
        store_log_close(log);
        struct stat about;
        assert_int_equal(stat(path, &about), 0);
        assert_int_equal(about.st_size, cut); /* reading repairs nothing */

        log = open_log(true);
        assert_int_equal(store_log_count(log), 2);
        append_text(log, "instead");
        store_log_close(log);
        log = open_log(true);
        assert_int_equal(store_log_count(log), 3);
        expect_text(log, 1, "the second");
        expect_text(log, 2, "instead");
        store_log_close(log);
    }
}

static void
a_tail_whose_sectors_never_arrived_is_cut(void **state)
{
    (void)state;
    static uint8_t bytes[FILE_ROOM], torn[FILE_ROOM];
    static char    text[2000];
    char           path[FOLDER_PATH];
    size_t         third;
    memset(text, 'x', sizeof text - 1);
    size_t size = write_three(bytes, &third, text);
    for (size_t sector = 0; sector < size; sector += 512) {
        size_t begin = sector < third ? third : sector;
        size_t end   = sector + 512 < size ? sector + 512 : size;
        if (end <= begin)
            continue;
        memcpy(torn, bytes, size);
        memset(torn + begin, 0, end - begin);
        folder_write(first_segment(path), torn, size);
        struct store_log *log = open_log(true);
        assert_int_equal(store_log_count(log), 2);
        store_log_close(log);
    }
}

static void
a_flipped_bit_anywhere_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static uint8_t bytes[FILE_ROOM], after[FILE_ROOM];
    char           path[FOLDER_PATH];
    size_t         third;
    size_t         size = write_three(bytes, &third, "the third");
    for (size_t bit = 0; bit < size * 8; bit++) {
        struct pn_error why = {""};
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        folder_write(first_segment(path), bytes, size);
        assert_int_equal(try_open(true, &why), PN_ECORRUPT);
        assert_non_null(strstr(why.text, "000000000000.seg"));
        assert_non_null(strstr(why.text, "backup"));
        assert_int_equal(try_open(false, &why), PN_ECORRUPT);
        assert_int_equal(folder_read(after, sizeof after, path), size);
        assert_memory_equal(after, bytes, size);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    folder_write(first_segment(path), bytes, size);
    assert_int_equal(try_open(true, NULL), PN_OK);
}

static void
a_missing_or_foreign_segment_is_refused(void **state)
{
    (void)state;
    static uint8_t  bytes[FILE_ROOM];
    char            path[FOLDER_PATH], other[FOLDER_PATH];
    struct pn_error why = {""};
    size_t          third;
    size_t          size = write_three(bytes, &third, "last");
    folder_path(other, folder, "000000000003.seg");

    folder_write(other, bytes, size); /* a copy that says it begins at 0 */
    assert_int_equal(try_open(true, &why), PN_ECORRUPT);
    memcpy(bytes, "PNLLOG1\0\3\0\0\0\0\0\0\0", 16);
    folder_write(other, bytes, size); /* numbers 3 to 5: right */
    struct store_log *log = open_log(true);
    assert_int_equal(store_log_count(log), 6);
    expect_text(log, 0, "one");
    expect_text(log, 5, "last");
    store_log_close(log);

    folder_write(other, bytes, 15); /* a head is never torn */
    assert_int_equal(try_open(true, &why), PN_ECORRUPT);
    folder_write(other, bytes, size);
    assert_int_equal(unlink(first_segment(path)), 0);
    assert_int_equal(try_open(true, &why), PN_ECORRUPT);
    assert_non_null(strstr(why.text, "missing"));
}

static void
a_torn_record_before_another_segment_is_refused(void **state)
{
    (void)state;
    static uint8_t bytes[FILE_ROOM];
    char           path[FOLDER_PATH], other[FOLDER_PATH];
    size_t         third;
    size_t         size = write_three(bytes, &third, "last");
    folder_write(first_segment(path), bytes, size - 1);
    memcpy(bytes, "PNLLOG1\0\2\0\0\0\0\0\0\0", 16);
    folder_write(folder_path(other, folder, "000000000002.seg"), bytes, size);
    assert_int_equal(try_open(true, NULL), PN_ECORRUPT);
}

static void
damage_after_opening_is_seen_by_the_reader(void **state)
{
    (void)state;
    static uint8_t    bytes[FILE_ROOM];
    char              path[FOLDER_PATH];
    size_t            third;
    size_t            size = write_three(bytes, &third, "last");
    struct pn_buffer  buffer;
    struct store_log *log = open_log(false);
    pn_buffer_init(&buffer, 100);
    int fd = open(first_segment(path), O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "?", 1, (off_t)size - 34), 1);
    close(fd);
    assert_int_equal(store_log_read(log, 2, &buffer), PN_ECORRUPT);
    assert_int_equal(store_log_read(log, 1, &buffer), PN_OK);
    pn_buffer_fini(&buffer);
    store_log_close(log);
}

static void
a_new_segment_begins_after_64_mib(void **state)
{
    (void)state;
    enum {
        BIG   = STORE_RECORD_MAX,
        COUNT = 67
    };
    char              path[FOLDER_PATH];
    uint8_t          *big = malloc(BIG + 1);
    struct pn_buffer  buffer;
    struct store_log *log = open_log(true);
    assert_non_null(big);
    memset(big, 7, BIG + 1);
    assert_int_equal(store_log_append(log, big, BIG + 1), PN_ERANGE);
    for (uint8_t i = 0; i < COUNT; i++) {
        big[0] = i;
        assert_int_equal(store_log_append(log, big, BIG), PN_OK);
    }
    store_log_close(log);
    assert_int_equal(access(folder_path(path, folder, "000000000064.seg"), F_OK), 0);

    log = open_log(true);
    pn_buffer_init(&buffer, BIG);
    assert_int_equal(store_log_count(log), COUNT);
    for (uint8_t i = 0; i < COUNT; i += 3) {
        assert_int_equal(store_log_read(log, i, &buffer), PN_OK);
        assert_int_equal(buffer.size, BIG);
        assert_int_equal(buffer.bytes[0], i);
    }
    pn_buffer_fini(&buffer);
    store_log_close(log);
    free(big);
}

/* In a child, because the limit cannot be taken back by everybody. */
static void
append_against_the_limit(void)
{
    struct rlimit     limit = {.rlim_cur = 16 + 43 + 20, .rlim_max = 16 + 43 + 20};
    struct store_log *log   = open_log(true);
    append_text(log, "one");
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(2);
    enum pn_status first = store_log_append(log, "too", 3);
    uint64_t       count = store_log_count(log);
    store_log_close(log);
    _exit(first == PN_ENOSPC && count == 1 ? 0 : 3);
}

static void
an_append_that_does_not_fit_leaves_the_log_as_before(void **state)
{
    (void)state;
    char        path[FOLDER_PATH];
    struct stat about;
    int         status = 0;
    pid_t       child  = fork();
    assert_true(child >= 0);
    if (child == 0)
        append_against_the_limit();
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(stat(first_segment(path), &about), 0);
    assert_int_equal(about.st_size, 16 + 43); /* the part that fitted is gone again */
    struct store_log *log = open_log(true);
    assert_int_equal(store_log_count(log), 1);
    append_text(log, "too");
    expect_text(log, 1, "too");
    store_log_close(log);
}

/* A payload may hold the bytes of a whole record: the tail is then refused rather than guessed at.
 */
static void
a_torn_record_that_ends_like_a_record_is_refused(void **state)
{
    (void)state;
    static uint8_t bytes[FILE_ROOM];
    char           path[FOLDER_PATH];
    size_t         third;
    size_t         size  = write_three(bytes, &third, "inner");
    size_t         inner = size - third;
    static uint8_t payload[256];
    memcpy(payload, bytes + third, inner);
    memset(payload + inner, 'z', 50);
    struct store_log *log = open_log(true);
    assert_int_equal(store_log_append(log, payload, inner + 50), PN_OK);
    store_log_close(log);
    assert_int_equal(truncate(first_segment(path), (off_t)(size + 8 + inner)), 0);
    assert_int_equal(try_open(true, NULL), PN_ECORRUPT);
}

static int
set_up(void **state)
{
    (void)state;
    folder_new(folder);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(records_come_back_after_reopening),
        TEST(a_record_on_the_disk_is_length_crc_payload_hash),
        TEST(a_segment_made_by_another_implementation_is_read),
        TEST(a_torn_tail_is_cut_at_every_length_and_appending_goes_on),
        TEST(a_tail_whose_sectors_never_arrived_is_cut),
        TEST(a_flipped_bit_anywhere_is_refused_and_changes_nothing),
        TEST(a_missing_or_foreign_segment_is_refused),
        TEST(a_torn_record_before_another_segment_is_refused),
        TEST(damage_after_opening_is_seen_by_the_reader),
        TEST(a_new_segment_begins_after_64_mib),
        TEST(an_append_that_does_not_fit_leaves_the_log_as_before),
        TEST(a_torn_record_that_ends_like_a_record_is_refused),
    };
    if (sec_init() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
