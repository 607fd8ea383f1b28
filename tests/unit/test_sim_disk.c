/*
 * The disk of the simulator keeps the contract of store/disk as a real one does: the first half of
 * these tests runs against both.
 */
#include "sim/disk.h"

#include "store/files.h"
#include "store/log.h"
#include "support/expect.h"
#include "support/folder.h"

struct fixture {
    struct sim_disk    *sim; /* NULL: a real one */
    struct store_files *files;
    struct store_disk   disk;
    char                folder[FOLDER_PATH];
};

static int
start_sim(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    EXPECT_OK(sim_disk_new(&f->sim));
    sim_disk_port(&f->disk, f->sim);
    *state = f;
    return 0;
}

static int
start_files(void **state)
{
    struct fixture *f   = calloc(1, sizeof *f);
    struct pn_error why = {.text = ""};
    assert_non_null(f);
    folder_new(f->folder);
    EXPECT_OK(store_files_open(&f->files, &f->disk, f->folder, STORE_WRITE, &why));
    *state = f;
    return 0;
}

static int
stop(void **state)
{
    struct fixture *f = *state;
    sim_disk_free(f->sim);
    if (f->files != NULL) {
        store_files_close(f->files);
        folder_remove(f->folder);
    }
    free(f);
    return 0;
}

static void
expect_file(const struct fixture *f, const char *name, const char *text)
{
    char     seen[64] = "";
    uint64_t size     = 0;
    EXPECT_OK(f->disk.size(f->disk.host, name, &size));
    assert_int_equal(size, strlen(text));
    EXPECT_OK(f->disk.read(f->disk.host, name, seen, 0, (size_t)size));
    assert_string_equal(seen, text);
}

static void
expect_absent(const struct fixture *f, const char *name)
{
    uint64_t size;
    EXPECT_STATUS(PN_ENOENT, f->disk.size(f->disk.host, name, &size));
}

/* ---- the contract, as every host keeps it ---- */

static void
files_are_whole_and_parts_of_them_are_read(void **state)
{
    const struct fixture *f       = *state;
    char                  part[8] = "";
    EXPECT_OK(f->disk.save(f->disk.host, "models/a", "hello", 5));
    EXPECT_OK(f->disk.save(f->disk.host, "models/a", "other", 5));
    EXPECT_OK(f->disk.save(f->disk.host, "job.yaml", "", 0));
    expect_file(f, "models/a", "other");
    expect_file(f, "job.yaml", "");
    EXPECT_OK(f->disk.read(f->disk.host, "models/a", part, 1, 3));
    assert_string_equal(part, "the");
    EXPECT_STATUS(PN_ERANGE, f->disk.read(f->disk.host, "models/a", part, 3, 3));
    EXPECT_STATUS(PN_ERANGE, f->disk.read(f->disk.host, "models/a", part, 6, 0));
    EXPECT_STATUS(PN_ENOENT, f->disk.read(f->disk.host, "models/b", part, 0, 1));
    EXPECT_OK(f->disk.remove(f->disk.host, "models/a"));
    EXPECT_OK(f->disk.remove(f->disk.host, "models/a"));
    expect_absent(f, "models/a");
}

static void
strange_names_and_keys_are_refused(void **state)
{
    static const char *const names[] = {
        "",    "/a",       "a/",   "a/b/c", "A",      ".a",        "a/.b",   "../a",        "lock",
        "a b", "ledger/x", "a//b", "\n",    "a/\xc3", "staging/x", "lock/a", "state.sqlite"};
    const struct fixture *f = *state;
    uint64_t              size;
    size_t                capacity = 8;
    char                  long_name[130], out[8];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        EXPECT_STATUS(PN_ERANGE, f->disk.save(f->disk.host, names[i], "x", 1));
        EXPECT_STATUS(PN_ERANGE, f->disk.size(f->disk.host, names[i], &size));
        EXPECT_STATUS(PN_ERANGE, f->disk.stage(f->disk.host, names[i], 1));
        EXPECT_STATUS(PN_ERANGE, f->disk.publish(f->disk.host, names[i]));
        EXPECT_STATUS(PN_ERANGE, f->disk.discard(f->disk.host, names[i]));
        EXPECT_STATUS(PN_ERANGE, f->disk.remove(f->disk.host, names[i]));
    }
    memset(long_name, 'a', sizeof long_name);
    long_name[121] = '\0';
    EXPECT_STATUS(PN_ERANGE, f->disk.save(f->disk.host, long_name, "x", 1));
    long_name[120] = '\0';
    EXPECT_OK(f->disk.save(f->disk.host, long_name, "x", 1));
    EXPECT_STATUS(PN_ERANGE, f->disk.put(f->disk.host, "", "x", 1));
    EXPECT_STATUS(PN_ERANGE, f->disk.put(f->disk.host, "a/b", "x", 1));
    EXPECT_STATUS(PN_ERANGE, f->disk.get(f->disk.host, "A", out, &capacity));
    long_name[65] = '\0';
    EXPECT_STATUS(PN_ERANGE, f->disk.put(f->disk.host, long_name, "x", 1));
}

static void
staged_bytes_are_invisible_until_they_are_published(void **state)
{
    const struct fixture *f      = *state;
    char                  out[6] = "";
    EXPECT_STATUS(PN_ENOENT, f->disk.stage_write(f->disk.host, "updates/a", 0, "x", 1));
    EXPECT_STATUS(PN_ENOENT, f->disk.publish(f->disk.host, "updates/a"));
    EXPECT_OK(f->disk.stage(f->disk.host, "updates/a", 5));
    EXPECT_OK(f->disk.stage_write(f->disk.host, "updates/a", 3, "lo", 2));
    EXPECT_OK(f->disk.stage_write(f->disk.host, "updates/a", 0, "hel", 3));
    EXPECT_OK(f->disk.stage_read(f->disk.host, "updates/a", out, 0, 5));
    assert_string_equal(out, "hello");
    expect_absent(f, "updates/a");
    EXPECT_OK(f->disk.publish(f->disk.host, "updates/a"));
    expect_file(f, "updates/a", "hello");
    EXPECT_STATUS(PN_ENOENT, f->disk.publish(f->disk.host, "updates/a"));

    EXPECT_OK(f->disk.stage(f->disk.host, "updates/b", 5));
    EXPECT_OK(f->disk.stage_write(f->disk.host, "updates/b", 0, "hello", 5));
    EXPECT_OK(f->disk.stage(f->disk.host, "updates/b", 2)); /* begins again, empty */
    EXPECT_OK(f->disk.stage_read(f->disk.host, "updates/b", out, 0, 2));
    assert_int_equal(out[0], 0);
    EXPECT_OK(f->disk.discard(f->disk.host, "updates/b"));
    EXPECT_OK(f->disk.discard(f->disk.host, "updates/b"));
    EXPECT_STATUS(PN_ENOENT, f->disk.publish(f->disk.host, "updates/b"));
}

static void
records_are_numbered_and_facts_replaced(void **state)
{
    const struct fixture *f = *state;
    struct pn_buffer      record;
    uint64_t              count = 7;
    char                  out[8];
    size_t                size  = 2;
    uint8_t              *large = calloc(1, STORE_RECORD_MAX + 1);
    assert_non_null(large);
    pn_buffer_init(&record, 16);
    EXPECT_OK(f->disk.record_count(f->disk.host, &count));
    assert_int_equal(count, 0);
    EXPECT_OK(f->disk.append(f->disk.host, "zero", 4));
    EXPECT_OK(f->disk.append(f->disk.host, "one", 3));
    EXPECT_STATUS(PN_ERANGE, f->disk.append(f->disk.host, large, STORE_RECORD_MAX + 1));
    EXPECT_OK(f->disk.record_count(f->disk.host, &count));
    assert_int_equal(count, 2);
    EXPECT_OK(f->disk.record(f->disk.host, 1, &record));
    assert_int_equal(record.size, 3);
    assert_memory_equal(record.bytes, "one", 3);
    EXPECT_STATUS(PN_ENOENT, f->disk.record(f->disk.host, 2, &record));

    EXPECT_STATUS(PN_ENOENT, f->disk.get(f->disk.host, "boot", out, &size));
    EXPECT_OK(f->disk.put(f->disk.host, "boot", "one", 3));
    EXPECT_STATUS(PN_ERANGE, f->disk.get(f->disk.host, "boot", out, &size));
    assert_int_equal(size, 2);
    EXPECT_OK(f->disk.put(f->disk.host, "boot", "2", 1));
    EXPECT_OK(f->disk.get(f->disk.host, "boot", out, &size));
    assert_int_equal(size, 1);
    assert_int_equal(out[0], '2');
    EXPECT_STATUS(PN_ERANGE, f->disk.put(f->disk.host, "boot", large, STORE_FACT_MAX + 1));
    pn_buffer_fini(&record);
    free(large);
}

struct cleaner {
    const struct fixture *f;
    size_t                seen;
};

static bool
remove_it(void *context, const char *name)
{
    struct cleaner *cleaner = context;
    char            copy[128];
    (void)snprintf(copy, sizeof copy, "%s", name);
    EXPECT_OK(cleaner->f->disk.remove(cleaner->f->disk.host, copy));
    cleaner->seen++;
    return true;
}

static bool
stop_at_once(void *context, const char *name)
{
    (void)name;
    ++*(size_t *)context;
    return false;
}

static void
a_listing_names_every_file_even_while_they_are_removed(void **state)
{
    const struct fixture *f       = *state;
    struct cleaner        cleaner = {.f = f};
    size_t                calls   = 0;
    EXPECT_OK(f->disk.list(f->disk.host, "models", stop_at_once, &calls));
    assert_int_equal(calls, 0);
    EXPECT_OK(f->disk.save(f->disk.host, "models-of-others/a", "x", 1));
    for (int i = 0; i < 10; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "models/%d", i);
        EXPECT_OK(f->disk.save(f->disk.host, name, "x", 1));
    }
    EXPECT_OK(f->disk.list(f->disk.host, "models", stop_at_once, &calls));
    assert_int_equal(calls, 1);
    EXPECT_OK(f->disk.list(f->disk.host, "models", remove_it, &cleaner));
    assert_int_equal(cleaner.seen, 10);
    EXPECT_OK(f->disk.list(f->disk.host, "models", stop_at_once, &calls));
    assert_int_equal(calls, 1);
    expect_file(f, "models-of-others/a", "x");
    EXPECT_STATUS(PN_ERANGE, f->disk.list(f->disk.host, "a/b", stop_at_once, &calls));
}

/* ---- faults ---- */

/* Six writes, one of each kind that is durable; stops at the first that fails. */
static enum pn_status
write_all(const struct fixture *f)
{
    void          *host = f->disk.host;
    enum pn_status st   = f->disk.save(host, "file", "new", 3);
    if (st == PN_OK)
        st = f->disk.stage(host, "blob", 3);
    if (st == PN_OK)
        st = f->disk.stage_write(host, "blob", 0, "new", 3);
    if (st == PN_OK)
        st = f->disk.publish(host, "blob");
    if (st == PN_OK)
        st = f->disk.append(host, "new", 3);
    if (st == PN_OK)
        st = f->disk.put(host, "fact", "new", 3);
    return st;
}

/* How many of the durable ones are there: they were written in this order, so the count tells all.
 */
static int
count_kept(const struct fixture *f)
{
    uint64_t size, records = 0;
    char     out[8];
    size_t   room    = sizeof out;
    bool     file    = f->disk.size(f->disk.host, "file", &size) == PN_OK;
    bool     blob    = f->disk.size(f->disk.host, "blob", &size) == PN_OK;
    bool     is_fact = f->disk.get(f->disk.host, "fact", out, &room) == PN_OK;
    EXPECT_OK(f->disk.record_count(f->disk.host, &records));
    assert_true(file >= blob && blob >= (records == 1) && (records == 1) >= is_fact);
    return file + blob + (int)records + is_fact;
}

static void
a_crash_at_any_write_keeps_all_before_it_and_nothing_after(void **state)
{
    static const int kept_before[]  = {0, 1, 1, 1, 2, 3};
    static const int kept_at_most[] = {1, 1, 1, 2, 3, 4};
    bool             landed[6] = {false}, was_lost[6] = {false};
    for (uint64_t n = 1; n <= 6; n++)
        for (uint64_t seed = 0; seed < 16; seed++) {
            struct pn_rng rng;
            uint64_t      size;
            start_sim(state);
            const struct fixture *f = *state;
            pn_rng_init(&rng, seed);
            sim_disk_crash_at(f->sim, n, &rng);
            EXPECT_STATUS(PN_EIO, write_all(f));
            assert_int_equal(sim_disk_writes(f->sim), n);
            assert_true(sim_disk_is_dead(f->sim));
            EXPECT_STATUS(PN_EIO, f->disk.save(f->disk.host, "late", "x", 1));
            EXPECT_STATUS(PN_EIO, f->disk.size(f->disk.host, "file", &size));
            sim_disk_restart(f->sim);
            assert_false(sim_disk_is_dead(f->sim));
            int kept = count_kept(f);
            assert_true(kept == kept_before[n - 1] || kept == kept_at_most[n - 1]);
            landed[n - 1]   = landed[n - 1] || kept == kept_at_most[n - 1];
            was_lost[n - 1] = was_lost[n - 1] || kept == kept_before[n - 1];
            expect_absent(f, "late");
            EXPECT_STATUS(PN_ENOENT, f->disk.publish(f->disk.host, "blob")); /* staging is empty */
            EXPECT_OK(write_all(f));
            stop(state);
        }
    for (size_t i = 0; i < 6; i++)
        assert_true(landed[i] && was_lost[i]); /* both ends of a write were tried */
}

static void
a_full_disk_refuses_writes_and_is_read_as_before(void **state)
{
    start_sim(state);
    const struct fixture *f = *state;
    EXPECT_OK(f->disk.save(f->disk.host, "file", "old", 3));
    sim_disk_fail(f->sim, PN_ENOSPC);
    EXPECT_STATUS(PN_ENOSPC, f->disk.save(f->disk.host, "file", "new", 3));
    EXPECT_STATUS(PN_ENOSPC, f->disk.append(f->disk.host, "new", 3));
    EXPECT_STATUS(PN_ENOSPC, f->disk.put(f->disk.host, "fact", "new", 3));
    EXPECT_STATUS(PN_ENOSPC, f->disk.stage(f->disk.host, "blob", 3));
    EXPECT_STATUS(PN_ENOSPC, f->disk.remove(f->disk.host, "file"));
    expect_file(f, "file", "old");
    sim_disk_fail(f->sim, PN_OK);
    EXPECT_OK(write_all(f));
    assert_int_equal(count_kept(f), 4);
    assert_int_equal(sim_disk_bytes(f->sim), 9);
    stop(state);
}

static void
a_clean_restart_loses_staging_only(void **state)
{
    start_sim(state);
    const struct fixture *f = *state;
    EXPECT_OK(write_all(f));
    EXPECT_OK(f->disk.stage(f->disk.host, "other", 3));
    sim_disk_restart(f->sim);
    assert_int_equal(count_kept(f), 4);
    EXPECT_STATUS(PN_ENOENT, f->disk.publish(f->disk.host, "other"));
    stop(state);
}

static void
a_disk_that_lies_loses_in_a_crash_what_it_acknowledged(void **state)
{
    start_sim(state);
    const struct fixture *f = *state;
    EXPECT_OK(f->disk.save(f->disk.host, "file", "old", 3));
    EXPECT_OK(f->disk.save(f->disk.host, "true", "old", 3));
    EXPECT_OK(f->disk.append(f->disk.host, "zero", 4));
    sim_disk_lie(f->sim);
    EXPECT_OK(write_all(f));
    sim_disk_restart(f->sim); /* not a crash: nothing is lost */
    expect_file(f, "file", "new");
    for (int crash = 0; crash < 2; crash++) {
        uint64_t count = 0, size;
        EXPECT_OK(f->disk.save(f->disk.host, "more", "x", 1));
        sim_disk_kill(f->sim);
        sim_disk_restart(f->sim);
        EXPECT_OK(f->disk.record_count(f->disk.host, &count));
        assert_int_equal(count, 1);
        expect_absent(f, "file");
        expect_absent(f, "blob");
        expect_absent(f, "more");
        expect_file(f, "true", "old");
        EXPECT_STATUS(PN_ENOENT, f->disk.get(f->disk.host, "fact", &size, &(size_t){8}));
    }
    stop(state);
}

static void
disks_of_one_press_know_each_others_files_and_no_others(void **state)
{
    struct sim_press *press;
    struct sim_disk  *disks[2];
    struct fixture    one = {.folder = ""}, other = {.folder = ""};
    (void)state;
    EXPECT_OK(sim_press_new(&press));
    for (size_t i = 0; i < 2; i++) {
        EXPECT_OK(sim_disk_new(&disks[i]));
        sim_disk_share(disks[i], press);
        sim_disk_port(i == 0 ? &one.disk : &other.disk, disks[i]);
    }
    void *host = other.disk.host;
    EXPECT_OK(one.disk.save(one.disk.host, "models/a", "hello", 5));
    EXPECT_STATUS(PN_ENOENT,
                  other.disk.stage_known(host, "models/a", 0, "hel", 3)); /* not staged */
    EXPECT_OK(other.disk.stage(host, "models/a", 5));
    EXPECT_OK(other.disk.stage_known(host, "models/a", 3, "lo", 2));
    EXPECT_STATUS(PN_ENOENT, other.disk.stage_known(host, "models/a", 0, "hex", 3));
    EXPECT_STATUS(PN_ERANGE, other.disk.stage_known(host, "models/a", 4, "ol", 2));
    EXPECT_OK(other.disk.stage_known(host, "models/a", 0, "hel", 3));
    EXPECT_OK(other.disk.publish(host, "models/a"));
    expect_file(&other, "models/a", "hello");

    EXPECT_OK(other.disk.stage(host, "models/a", 4)); /* another size, another name: unknown */
    EXPECT_STATUS(PN_ENOENT, other.disk.stage_known(host, "models/a", 0, "hell", 4));
    EXPECT_OK(other.disk.stage(host, "models/b", 5));
    EXPECT_STATUS(PN_ENOENT, other.disk.stage_known(host, "models/b", 0, "hello", 5));

    EXPECT_OK(other.disk.stage(host, "models/a", 5)); /* what is written is its own from then on */
    EXPECT_OK(other.disk.stage_known(host, "models/a", 0, "hel", 3));
    EXPECT_OK(other.disk.stage_write(host, "models/a", 3, "p!", 2));
    EXPECT_STATUS(PN_ENOENT, other.disk.stage_known(host, "models/a", 0, "hel", 3));
    EXPECT_OK(other.disk.publish(host, "models/a"));
    expect_file(&other, "models/a", "help!");
    expect_file(&one, "models/a", "hello");
    for (size_t i = 0; i < 2; i++)
        sim_disk_free(disks[i]);
    sim_press_free(press);
}

#define BOTH(test)                                                                                 \
    cmocka_unit_test_setup_teardown(test, start_sim, stop),                                        \
        cmocka_unit_test_setup_teardown(test, start_files, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(files_are_whole_and_parts_of_them_are_read),
        BOTH(strange_names_and_keys_are_refused),
        BOTH(staged_bytes_are_invisible_until_they_are_published),
        BOTH(records_are_numbered_and_facts_replaced),
        BOTH(a_listing_names_every_file_even_while_they_are_removed),
        cmocka_unit_test(a_crash_at_any_write_keeps_all_before_it_and_nothing_after),
        cmocka_unit_test(a_full_disk_refuses_writes_and_is_read_as_before),
        cmocka_unit_test(a_clean_restart_loses_staging_only),
        cmocka_unit_test(a_disk_that_lies_loses_in_a_crash_what_it_acknowledged),
        cmocka_unit_test(disks_of_one_press_know_each_others_files_and_no_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
