#include "support/expect.h"
#include "support/folder.h"

#include "crypto/hash.h"
#include "store/files.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

static char base[FOLDER_PATH]; /* of the test */
static char home[FOLDER_PATH]; /* the state directory in it */

static struct store_files *files;
static struct store_disk   disk;

static void
open_store(const char *path, enum store_access access)
{
    struct pn_error why = {""};
    enum pn_status  st  = store_files_open(&files, &disk, path, access, &why);
    if (st != PN_OK)
        fail_msg("%s: %s", pn_status_text(st), why.text);
}

static void
close_store(void)
{
    store_files_close(files);
    files = NULL;
}

static void
reopen(enum store_access access)
{
    close_store();
    open_store(home, access);
}

static void
expect_file(const char *name, const char *text)
{
    uint64_t size = 0;
    char     bytes[128];
    EXPECT_OK(disk.size(disk.host, name, &size));
    assert_int_equal(size, strlen(text));
    EXPECT_OK(disk.read(disk.host, name, bytes, 0, (size_t)size));
    assert_memory_equal(bytes, text, size);
}

static enum pn_status
save_text(const char *name, const char *text)
{
    return disk.save(disk.host, name, text, strlen(text));
}

static enum pn_status
put_text(const char *key, const char *text)
{
    return disk.put(disk.host, key, text, strlen(text));
}

static void
expect_fact(const char *key, const char *text)
{
    char   bytes[128];
    size_t size = sizeof bytes;
    EXPECT_OK(disk.get(disk.host, key, bytes, &size));
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
}

/* How many entries a folder has; with names, for "nothing was created". */
static size_t
entries_in(const char *path)
{
    size_t count  = 0;
    DIR   *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count - 2;
}

static void
a_file_is_replaced_whole_and_read_in_parts(void **state)
{
    (void)state;
    char     bytes[8];
    uint64_t size;
    EXPECT_OK(save_text("job.yaml", "first content"));
    EXPECT_OK(save_text("models/0a", "a model"));
    EXPECT_OK(save_text("job.yaml", "second"));
    reopen(STORE_WRITE);
    expect_file("job.yaml", "second");
    expect_file("models/0a", "a model");
    EXPECT_OK(disk.read(disk.host, "models/0a", bytes, 2, 5));
    assert_memory_equal(bytes, "model", 5);
    EXPECT_OK(disk.read(disk.host, "models/0a", bytes, 7, 0));
    EXPECT_STATUS(PN_ERANGE, disk.read(disk.host, "models/0a", bytes, 3, 5));
    EXPECT_STATUS(PN_ERANGE, disk.read(disk.host, "models/0a", bytes, UINT64_MAX, 2));
    EXPECT_STATUS(PN_ENOENT, disk.read(disk.host, "models/0b", bytes, 0, 1));
    EXPECT_STATUS(PN_ENOENT, disk.size(disk.host, "other/0a", &size));
    EXPECT_OK(disk.remove(disk.host, "models/0a"));
    EXPECT_OK(disk.remove(disk.host, "models/0a"));
    EXPECT_OK(disk.remove(disk.host, "nothing/here"));
    EXPECT_STATUS(PN_ENOENT, disk.size(disk.host, "models/0a", &size));
    EXPECT_OK(disk.save(disk.host, "empty", NULL, 0));
    expect_file("empty", "");
}

static void
bad_names_are_refused_everywhere(void **state)
{
    (void)state;
    static char              too_long[122];
    static const char *const names[] = {
        "",
        "/",
        "a/",
        "/a",
        "a/b/c",
        "..",
        "../a",
        "a/..",
        ".",
        ".tmp.0",
        "a/.tmp.0",
        "A",
        "a b",
        "a\n",
        "a/B",
        "lock",
        "ledger/x",
        "staging/x",
        "ledger",
        "state.sqlite",
        "a+b",
        "\xc3\xa4",
        "state.sqlite-wal",
        "state.sqlite/x",
        too_long,
    };
    char     byte = 'x';
    uint64_t size;
    memset(too_long, 'a', 121);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        EXPECT_STATUS(PN_ERANGE, disk.save(disk.host, names[i], "x", 1));
        EXPECT_STATUS(PN_ERANGE, disk.size(disk.host, names[i], &size));
        EXPECT_STATUS(PN_ERANGE, disk.read(disk.host, names[i], &byte, 0, 1));
        EXPECT_STATUS(PN_ERANGE, disk.remove(disk.host, names[i]));
        EXPECT_STATUS(PN_ERANGE, disk.stage(disk.host, names[i], 1));
        EXPECT_STATUS(PN_ERANGE, disk.stage_write(disk.host, names[i], 0, "x", 1));
        EXPECT_STATUS(PN_ERANGE, disk.stage_read(disk.host, names[i], &byte, 0, 1));
        EXPECT_STATUS(PN_ERANGE, disk.publish(disk.host, names[i]));
        EXPECT_STATUS(PN_ERANGE, disk.discard(disk.host, names[i]));
    }
    too_long[120] = '\0';
    EXPECT_OK(save_text(too_long, "fits"));
    expect_file(too_long, "fits");
    too_long[60] = '/';
    EXPECT_OK(save_text(too_long, "fits too"));
    EXPECT_OK(disk.stage(disk.host, too_long, 0));
    EXPECT_OK(disk.publish(disk.host, too_long));
    expect_file(too_long, "");
}

struct seen {
    unsigned count, stop_after;
    char     names[4][32];
};

static bool
see(void *context, const char *name)
{
    struct seen *seen = context;
    assert_true(seen->count < 4);
    (void)snprintf(seen->names[seen->count++], 32, "%s", name);
    return seen->count != seen->stop_after;
}

static void
listing_gives_whole_names_and_stops_when_asked(void **state)
{
    (void)state;
    struct seen seen = {.count = 0};
    char        path[FOLDER_PATH];
    EXPECT_OK(disk.list(disk.host, "updates", see, &seen));
    assert_int_equal(seen.count, 0);
    EXPECT_OK(save_text("updates/aa", "1"));
    EXPECT_OK(save_text("updates/bb", "2"));
    EXPECT_OK(save_text("models/cc", "3"));
    folder_write(folder_path(path, home, "updates/NOT OURS"), "x", 1);
    EXPECT_OK(disk.list(disk.host, "updates", see, &seen));
    assert_int_equal(seen.count, 2);
    unsigned a = strcmp(seen.names[0], "updates/aa") == 0 ? 0 : 1;
    assert_string_equal(seen.names[a], "updates/aa");
    assert_string_equal(seen.names[1 - a], "updates/bb");
    seen = (struct seen){.stop_after = 1};
    EXPECT_OK(disk.list(disk.host, "updates", see, &seen));
    assert_int_equal(seen.count, 1);
    EXPECT_STATUS(PN_ERANGE, disk.list(disk.host, "staging", see, &seen));
    EXPECT_STATUS(PN_ERANGE, disk.list(disk.host, "..", see, &seen));
}

static void
a_staged_file_is_seen_only_after_publish(void **state)
{
    (void)state;
    char     bytes[8];
    uint64_t size;
    EXPECT_STATUS(PN_ENOENT, disk.stage_write(disk.host, "models/aa", 0, "x", 1));
    EXPECT_STATUS(PN_ENOENT, disk.publish(disk.host, "models/aa"));
    EXPECT_OK(disk.stage(disk.host, "models/aa", 8));
    EXPECT_OK(disk.stage_write(disk.host, "models/aa", 4, "5678", 4));
    EXPECT_OK(disk.stage_write(disk.host, "models/aa", 0, "1234", 4));
    EXPECT_STATUS(PN_ERANGE, disk.stage_write(disk.host, "models/aa", 5, "1234", 4));
    EXPECT_STATUS(PN_ERANGE, disk.stage_write(disk.host, "models/aa", UINT64_MAX, "1", 1));
    EXPECT_OK(disk.stage_read(disk.host, "models/aa", bytes, 2, 4));
    assert_memory_equal(bytes, "3456", 4);
    EXPECT_STATUS(PN_ERANGE, disk.stage_read(disk.host, "models/aa", bytes, 6, 4));
    EXPECT_STATUS(PN_ENOENT, disk.size(disk.host, "models/aa", &size));
    EXPECT_OK(disk.publish(disk.host, "models/aa"));
    expect_file("models/aa", "12345678");
    EXPECT_STATUS(PN_ENOENT, disk.publish(disk.host, "models/aa"));
    /* Staging again begins with a new one. */
    EXPECT_OK(disk.stage(disk.host, "models/aa", 2));
    EXPECT_OK(disk.stage_write(disk.host, "models/aa", 0, "zz", 2));
    EXPECT_OK(disk.stage(disk.host, "models/aa", 2));
    EXPECT_OK(disk.stage_read(disk.host, "models/aa", bytes, 0, 2));
    assert_memory_equal(bytes, "\0\0", 2);
    expect_file("models/aa", "12345678");
    EXPECT_OK(disk.discard(disk.host, "models/aa"));
    EXPECT_OK(disk.discard(disk.host, "models/aa"));
    EXPECT_STATUS(PN_ENOENT, disk.stage_read(disk.host, "models/aa", bytes, 0, 1));
}

/* A large file that was removed is written over by the next one: whatever their sizes, only the new
 * bytes are found. */
static void
a_removed_file_lends_its_pages_to_the_next(void **state)
{
    static const size_t sizes[] = {200000, 65536, 300000, 65535, 100000, 0, 200000};
    static uint8_t      bytes[300000], seen[300000];
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t size = 0;
        memset(bytes, (int)i + 1, sizeof bytes);
        EXPECT_OK(disk.save(disk.host, "models/new", bytes, sizes[i]));
        EXPECT_OK(disk.size(disk.host, "models/new", &size));
        assert_int_equal(size, sizes[i]);
        EXPECT_OK(disk.read(disk.host, "models/new", seen, 0, sizes[i]));
        assert_memory_equal(seen, bytes, sizes[i]);
        EXPECT_OK(disk.remove(disk.host, "models/new"));
        EXPECT_STATUS(PN_ENOENT, disk.size(disk.host, "models/new", &size));
    }
    char path[FOLDER_PATH];
    assert_int_equal(access(folder_path(path, home, "staging/+0"), F_OK), 0);
    reopen(STORE_WRITE);
    assert_int_equal(access(folder_path(path, home, "staging/+0"), F_OK), -1);
}

/* Put back from a backup, say: it may be removed, and not written over. */
static void
a_file_that_may_not_be_written_is_only_removed(void **state)
{
    static uint8_t bytes[70000];
    char           path[FOLDER_PATH];
    (void)state;
    EXPECT_OK(disk.save(disk.host, "models/new", bytes, sizeof bytes));
    assert_int_equal(chmod(folder_path(path, home, "models/new"), 0400), 0);
    EXPECT_OK(disk.remove(disk.host, "models/new"));
    assert_int_equal(access(folder_path(path, home, "staging/+0"), F_OK), -1);
    EXPECT_OK(disk.save(disk.host, "models/new", bytes, sizeof bytes));
}

/* So it is with one that is staged; and of those that were removed each is taken once. */
static void
removed_files_lend_their_pages_to_staged_ones(void **state)
{
    enum {
        COUNT = 3,
        SIZE  = 70000
    };
    static const char *const names[COUNT] = {"updates/aa", "updates/bb", "updates/cc"};
    static uint8_t           bytes[2 * SIZE], seen[2 * SIZE];
    struct stat              before, after;
    char                     path[FOLDER_PATH];
    (void)state;
    memset(bytes, 'o', sizeof bytes);
    for (size_t i = 0; i < COUNT; i++)
        EXPECT_OK(disk.save(disk.host, names[i], bytes, 2 * SIZE));
    for (size_t i = 0; i < COUNT; i++)
        EXPECT_OK(disk.remove(disk.host, names[i]));
    assert_int_equal(stat(folder_path(path, home, "staging/+0"), &before), 0);
    for (size_t i = 0; i < COUNT; i++)
        EXPECT_OK(disk.stage(disk.host, names[i], i < 2 ? SIZE : 2 * SIZE));
    assert_int_equal(stat(folder_path(path, home, "staging/updates+aa"), &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
    assert_int_equal(after.st_size, SIZE);
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = i < 2 ? SIZE : 2 * SIZE;
        memset(bytes, (int)i + 1, size);
        EXPECT_STATUS(PN_ERANGE, disk.stage_write(disk.host, names[i], 1, bytes, size));
        EXPECT_OK(disk.stage_write(disk.host, names[i], 0, bytes, size));
        EXPECT_OK(disk.publish(disk.host, names[i]));
        EXPECT_OK(disk.read(disk.host, names[i], seen, 0, size));
        assert_memory_equal(seen, bytes, size);
    }
}

static void
opening_clears_staging_and_temporaries(void **state)
{
    (void)state;
    char     path[FOLDER_PATH], byte;
    uint64_t size;
    EXPECT_OK(save_text("models/aa", "whole"));
    EXPECT_OK(disk.stage(disk.host, "models/bb", 1));
    folder_write(folder_path(path, home, ".tmp.7"), "x", 1);
    folder_write(folder_path(path, home, "models/.tmp.8"), "x", 1);
    folder_write(folder_path(path, home, "ledger/.tmp.segment"), "x", 1);
    reopen(STORE_WRITE);
    EXPECT_STATUS(PN_ENOENT, disk.stage_read(disk.host, "models/bb", &byte, 0, 1));
    assert_int_equal(access(folder_path(path, home, ".tmp.7"), F_OK), -1);
    assert_int_equal(access(folder_path(path, home, "models/.tmp.8"), F_OK), -1);
    assert_int_equal(access(folder_path(path, home, "ledger/.tmp.segment"), F_OK), -1);
    EXPECT_OK(disk.size(disk.host, "models/aa", &size));
}

static void
facts_and_records_are_there_after_reopening(void **state)
{
    (void)state;
    static char      big[4097];
    uint64_t         count = 0;
    size_t           size  = 1;
    struct pn_buffer record;
    char             byte = '!';
    EXPECT_OK(put_text("boot", "1"));
    EXPECT_OK(put_text("boot", "2"));
    EXPECT_OK(disk.put(disk.host, "none", NULL, 0));
    EXPECT_OK(disk.put(disk.host, "big", big, 4096));
    EXPECT_OK(disk.append(disk.host, "block 0", 7));
    reopen(STORE_WRITE);
    expect_fact("boot", "2");
    expect_fact("none", "");
    EXPECT_STATUS(PN_ENOENT, disk.get(disk.host, "absent", &byte, &size));
    EXPECT_STATUS(PN_ERANGE, disk.get(disk.host, "big", &byte, &size));
    assert_int_equal(size, 1);
    assert_int_equal(byte, '!');
    EXPECT_STATUS(PN_ERANGE, disk.put(disk.host, "big", big, 4097));
    EXPECT_STATUS(PN_ERANGE, put_text("", "x"));
    EXPECT_STATUS(PN_ERANGE, put_text("Upper", "x"));
    EXPECT_STATUS(PN_ERANGE, put_text("a/b", "x"));
    memset(big, 'k', 65);
    big[65] = '\0';
    EXPECT_STATUS(PN_ERANGE, put_text(big, "x"));
    EXPECT_OK(put_text(big + 1, "x"));
    EXPECT_OK(disk.record_count(disk.host, &count));
    assert_int_equal(count, 1);
    pn_buffer_init(&record, 100);
    EXPECT_OK(disk.record(disk.host, 0, &record));
    assert_int_equal(record.size, 7);
    assert_memory_equal(record.bytes, "block 0", 7);
    EXPECT_STATUS(PN_ENOENT, disk.record(disk.host, 1, &record));
    pn_buffer_fini(&record);
}

static void
a_second_daemon_is_told_who_holds_the_directory(void **state)
{
    (void)state;
    struct store_files *second = NULL;
    struct store_disk   other;
    struct pn_error     why = {""};
    char                pid[32];
    EXPECT_STATUS(PN_ESTATE, store_files_open(&second, &other, home, STORE_WRITE, &why));
    (void)snprintf(pid, sizeof pid, "(pid %ld)", (long)getpid());
    EXPECT_SAYS(&why, pid);
    EXPECT_SAYS(&why, home);
    EXPECT_SAYS(&why, "another ");
    EXPECT_OK(save_text("still", "ours"));
    reopen(STORE_WRITE);
    expect_file("still", "ours");
}

static void
a_directory_others_may_enter_is_made_private_or_refused(void **state)
{
    (void)state;
    struct stat         about;
    struct pn_error     why = {""};
    char                path[FOLDER_PATH];
    struct store_files *second = NULL;
    struct store_disk   other;
    assert_int_equal(stat(home, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    folder_path(path, base, "open");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0755), 0);
    EXPECT_OK(store_files_open(&second, &other, path, STORE_WRITE, &why));
    store_files_close(second);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    assert_int_equal(chmod(path, 0755), 0);
    EXPECT_STATUS(PN_ECONFIG, store_files_open(&second, &other, path, STORE_WRITE, &why));
    EXPECT_SAYS(&why, "chmod 700");
}

static void
reading_changes_nothing_and_sees_a_live_writer(void **state)
{
    (void)state;
    struct store_files *reader = NULL;
    struct store_disk   view;
    struct pn_error     why = {""};
    char                value[8];
    size_t              size  = sizeof value;
    uint64_t            count = 0;
    EXPECT_OK(put_text("boot", "41"));
    EXPECT_OK(disk.append(disk.host, "b", 1));
    EXPECT_OK(save_text("models/aa", "m"));
    EXPECT_OK(disk.stage(disk.host, "models/bb", 1));
    size_t before = entries_in(home);
    EXPECT_OK(store_files_open(&reader, &view, home, STORE_READ, &why));
    EXPECT_OK(view.get(view.host, "boot", value, &size));
    assert_int_equal(size, 2);
    assert_memory_equal(value, "41", 2);
    EXPECT_OK(view.record_count(view.host, &count));
    assert_int_equal(count, 1);
    EXPECT_OK(view.read(view.host, "models/aa", value, 0, 1));
    EXPECT_STATUS(PN_ESTATE, view.save(view.host, "x", "y", 1));
    EXPECT_STATUS(PN_ESTATE, view.remove(view.host, "models/aa"));
    EXPECT_STATUS(PN_ESTATE, view.stage(view.host, "x", 1));
    EXPECT_STATUS(PN_ESTATE, view.stage_write(view.host, "models/bb", 0, "x", 1));
    EXPECT_STATUS(PN_ESTATE, view.publish(view.host, "models/bb"));
    EXPECT_STATUS(PN_ESTATE, view.discard(view.host, "models/bb"));
    EXPECT_STATUS(PN_ESTATE, view.append(view.host, "x", 1));
    EXPECT_STATUS(PN_ESTATE, view.put(view.host, "x", "y", 1));
    store_files_close(reader);
    assert_int_equal(entries_in(home), before);
    EXPECT_OK(disk.stage_write(disk.host, "models/bb", 0, "x", 1)); /* staging was left alone */
}

static void
copy_file(const char *name, const char *to)
{
    static uint8_t bytes[1 << 20];
    char           path[FOLDER_PATH];
    size_t         size = folder_read(bytes, sizeof bytes, folder_path(path, home, name));
    folder_write(folder_path(path, to, name), bytes, size);
}

/* As nobody when we are root, whom no mode stops. */
static void
read_as_nobody(const char *path)
{
    char            value[8];
    size_t          size  = sizeof value;
    uint64_t        count = 0;
    struct pn_error why   = {""};
    if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        _exit(2);
    if (store_files_open(&files, &disk, path, STORE_READ, &why) != PN_OK) {
        fprintf(stderr, "%s\n", why.text);
        _exit(3);
    }
    if (disk.record_count(disk.host, &count) != PN_OK || count != 1)
        _exit(4);
    if (disk.get(disk.host, "boot", value, &size) != PN_OK || size != 2 ||
        memcmp(value, "41", 2) != 0)
        _exit(5);
    store_files_close(files);
    _exit(0);
}

static void
expect_readable_when_read_only(const char *path)
{
    static const char *const names[] = {
        "",      "state.sqlite", "state.sqlite-wal", "state.sqlite-shm", "ledger/000000000000.seg",
        "ledger"};
    int status = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char below[FOLDER_PATH];
        folder_path(below, path, names[i]);
        if (access(below, F_OK) != 0)
            continue;
        bool is_folder = *names[i] == '\0' || strcmp(names[i], "ledger") == 0;
        assert_int_equal(chmod(below, is_folder ? 0500 : 0400), 0);
        if (getuid() == 0)
            assert_int_equal(chown(below, 65534, 65534), 0);
    }
    assert_int_equal(chmod(base, 0755), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        read_as_nobody(path);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    char ledger[FOLDER_PATH];
    assert_int_equal(chmod(path, 0700), 0);
    assert_int_equal(chmod(folder_path(ledger, path, "ledger"), 0700), 0);
}

static void
a_read_only_copy_can_be_read_also_after_a_crash(void **state)
{
    (void)state;
    static const char *const parts[] = {"state.sqlite", "state.sqlite-wal", "state.sqlite-shm",
                                        "ledger/000000000000.seg"};
    char                     crashed[FOLDER_PATH], clean[FOLDER_PATH], path[FOLDER_PATH];
    EXPECT_OK(put_text("boot", "41"));
    EXPECT_OK(disk.append(disk.host, "b", 1));
    /* What a kill leaves: the facts are still in the WAL. */
    assert_int_equal(mkdir(folder_path(crashed, base, "crashed"), 0700), 0);
    assert_int_equal(mkdir(folder_path(path, crashed, "ledger"), 0700), 0);
    for (size_t i = 0; i < 4; i++)
        copy_file(parts[i], crashed);
    close_store();
    assert_int_equal(mkdir(folder_path(clean, base, "clean"), 0700), 0);
    assert_int_equal(mkdir(folder_path(path, clean, "ledger"), 0700), 0);
    copy_file(parts[0], clean);
    copy_file(parts[3], clean);
    expect_readable_when_read_only(crashed);
    expect_readable_when_read_only(clean);
}

static void
a_directory_without_facts_can_be_read_and_an_absent_one_not(void **state)
{
    (void)state;
    char            path[FOLDER_PATH], byte;
    size_t          size  = 1;
    uint64_t        count = 7;
    struct pn_error why   = {""};
    close_store();
    assert_int_equal(unlink(folder_path(path, home, "state.sqlite")), 0);
    open_store(home, STORE_READ);
    EXPECT_STATUS(PN_ENOENT, disk.get(disk.host, "boot", &byte, &size));
    EXPECT_OK(disk.record_count(disk.host, &count));
    assert_int_equal(count, 0);
    close_store();
    EXPECT_STATUS(PN_ENOENT, store_files_open(&files, &disk, folder_path(path, base, "none"),
                                              STORE_READ, &why));
    assert_int_equal(access(path, F_OK), -1);
}

static void
damaged_facts_are_refused_with_what_to_do(void **state)
{
    (void)state;
    char            path[FOLDER_PATH];
    static uint8_t  bytes[1 << 16];
    struct pn_error why = {""};
    EXPECT_OK(put_text("boot", "1"));
    close_store();
    size_t size = folder_read(bytes, sizeof bytes, folder_path(path, home, "state.sqlite"));
    assert_true(size >= 8192);
    memset(bytes + 4096, 0xa5, 4096);
    folder_write(path, bytes, size);
    EXPECT_STATUS(PN_ECORRUPT, store_files_open(&files, &disk, home, STORE_WRITE, &why));
    EXPECT_SAYS(&why, "state.sqlite");
    EXPECT_SAYS(&why, "backup");
    memset(bytes, 0xa5, 100);
    folder_write(path, bytes, size);
    EXPECT_STATUS(PN_ECORRUPT, store_files_open(&files, &disk, home, STORE_WRITE, &why));
}

/* Every way of writing, on a disk that takes no more; 0 when all is as it must be. */
static int
write_without_room(const uint8_t *big, size_t size)
{
    char     value[8];
    size_t   value_size = sizeof value;
    uint64_t count      = 0;
    char     text[8];
    size_t   before = entries_in(home);
    if (disk.save(disk.host, "kept", big, size) != PN_ENOSPC)
        return 11;
    if (disk.save(disk.host, "new", big, size) != PN_ENOSPC)
        return 12;
    if (disk.size(disk.host, "new", &count) != PN_ENOENT || entries_in(home) != before)
        return 13;
    if (disk.read(disk.host, "kept", text, 0, 3) != PN_OK || memcmp(text, "old", 3) != 0)
        return 14;
    if (disk.stage_write(disk.host, "models/aa", 0, big, size) != PN_ENOSPC)
        return 15;
    if (disk.append(disk.host, big, size) != PN_ENOSPC)
        return 16;
    if (disk.record_count(disk.host, &count) != PN_OK || count != 1)
        return 17;
    enum pn_status status = PN_OK; /* until the WAL meets the wall */
    for (unsigned i = 0; i < 2000 && status == PN_OK; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%u", i % 50);
        status = disk.put(disk.host, key, big, 4096);
    }
    if (status != PN_ENOSPC)
        return 18;
    if (disk.get(disk.host, "boot", value, &value_size) != PN_OK || value_size != 1)
        return 19;
    return 0;
}

static void
prepare_for_no_room(void)
{
    EXPECT_OK(save_text("kept", "old"));
    EXPECT_OK(put_text("boot", "1"));
    EXPECT_OK(disk.append(disk.host, "b", 1));
    EXPECT_OK(disk.stage(disk.host, "models/aa", 1 << 20));
}

static void
fill_up(const char *filler, const uint8_t *big)
{
    int fd = open(filler, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    while (write(fd, big, 65536) > 0)
        continue;
    close(fd);
}

/* What waits to be written over takes no room that is needed for something else. */
static int
write_in_the_place_of_removed_files(const char *filler, const uint8_t *big, size_t size)
{
    EXPECT_OK(disk.save(disk.host, "models/bb", big, size));
    EXPECT_OK(disk.remove(disk.host, "models/bb"));
    fill_up(filler, big);
    if (disk.append(disk.host, big, size / 2) != PN_OK)
        return 21;
    if (disk.append(disk.host, big, size) != PN_ENOSPC)
        return 22;
    return unlink(filler) == 0 ? 0 : 23;
}

static void
a_write_over_the_file_size_limit_changes_nothing(void **state)
{
    (void)state;
    enum {
        LIMIT = 200000,
        SIZE  = 400000
    };
    struct rlimit limit  = {.rlim_cur = LIMIT, .rlim_max = LIMIT};
    uint8_t      *big    = calloc(SIZE, 1);
    int           status = 0;
    assert_non_null(big);
    close_store();
    pid_t child = fork(); /* before opening: SQLite does not live through a fork */
    assert_true(child >= 0);
    if (child == 0) {
        open_store(home, STORE_WRITE);
        prepare_for_no_room();
        signal(SIGXFSZ, SIG_IGN);
        int result = setrlimit(RLIMIT_FSIZE, &limit) != 0 ? 2 : 0;
        if (result == 0) {
            EXPECT_OK(disk.discard(disk.host, "models/aa"));
            EXPECT_OK(disk.stage(disk.host, "models/aa", LIMIT - 1));
            /* Over the limit already in its length; within, nothing can fail here. */
            if (disk.stage(disk.host, "models/bb", SIZE) != PN_ENOSPC)
                result = 3;
        }
        if (result == 0)
            result = disk.save(disk.host, "kept", big, SIZE) == PN_ENOSPC ? 0 : 4;
        if (result == 0)
            result = disk.append(disk.host, big, SIZE) == PN_ENOSPC ? 0 : 5;
        enum pn_status put = PN_OK;
        for (unsigned i = 0; i < 2000 && put == PN_OK; i++) {
            char key[16];
            (void)snprintf(key, sizeof key, "k%u", i % 50);
            put = disk.put(disk.host, key, big, 4096);
        }
        if (result == 0 && put != PN_ENOSPC)
            result = 6;
        _exit(result);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    open_store(home, STORE_WRITE);
    expect_file("kept", "old");
    expect_fact("boot", "1");
    uint64_t count = 0;
    EXPECT_OK(disk.record_count(disk.host, &count));
    assert_int_equal(count, 1);
    EXPECT_OK(disk.save(disk.host, "kept", big, SIZE));
    free(big);
}

static void
a_full_disk_changes_nothing_and_work_goes_on_after_making_room(void **state)
{
    (void)state;
    enum {
        SIZE = 1 << 20
    };
    char     mount_point[FOLDER_PATH], filler[FOLDER_PATH];
    uint8_t *big = calloc(SIZE, 1);
    assert_non_null(big);
    assert_int_equal(mkdir(folder_path(mount_point, base, "small"), 0700), 0);
    if (mount("tmpfs", mount_point, "tmpfs", 0, "size=4m,mode=0700") != 0) {
        free(big);
        print_message("SKIPPED: no tmpfs can be mounted here (%s): a full disk is not tested\n",
                      strerror(errno));
        skip();
    }
    close_store();
    folder_path(home, mount_point, "state");
    open_store(home, STORE_WRITE);
    prepare_for_no_room();
    fill_up(folder_path(filler, mount_point, "filler"), big);
    int result = write_without_room(big, SIZE);
    assert_int_equal(unlink(filler), 0);
    if (result == 0) {
        EXPECT_OK(disk.save(disk.host, "new", big, SIZE / 4));
        EXPECT_OK(disk.append(disk.host, "c", 1));
        EXPECT_OK(put_text("boot", "2"));
        reopen(STORE_WRITE);
        expect_fact("boot", "2");
        expect_file("kept", "old");
        result = write_in_the_place_of_removed_files(filler, big, SIZE);
    }
    close_store();
    assert_int_equal(umount(mount_point), 0);
    free(big);
    assert_int_equal(result, 0);
}

static void
plain_files_are_whole_bounded_and_secrets_private(void **state)
{
    (void)state;
    char             path[FOLDER_PATH], other[FOLDER_PATH];
    struct pn_buffer buffer;
    struct pn_error  why = {""};
    struct stat      about;
    pn_buffer_init(&buffer, 16);
    folder_path(path, base, "a.key");
    EXPECT_STATUS(PN_ENOENT, store_file_load(&buffer, path, &why));
    EXPECT_SAYS(&why, "a.key");
    EXPECT_OK(store_file_save(path, "0123456789abcdef", 16, 0644, &why));
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0644);
    EXPECT_OK(store_file_load(&buffer, path, &why));
    assert_int_equal(buffer.size, 16);
    assert_memory_equal(buffer.bytes, "0123456789abcdef", 16);
    EXPECT_STATUS(PN_EAUTH, store_secret_load(&buffer, path, &why));
    EXPECT_SAYS(&why, "chmod 600");
    assert_int_equal(buffer.size, 0);
    EXPECT_OK(store_file_save(path, "secret", 6, 0600, &why));
    EXPECT_OK(store_secret_load(&buffer, path, &why));
    assert_memory_equal(buffer.bytes, "secret", 6);
    EXPECT_OK(store_file_save(path, "0123456789abcdefg", 17, 0600, &why));
    EXPECT_STATUS(PN_ERANGE, store_file_load(&buffer, path, &why));
    EXPECT_OK(store_file_save(path, "", 0, 0600, &why));
    EXPECT_OK(store_file_load(&buffer, path, &why));
    assert_int_equal(buffer.size, 0);

    EXPECT_STATUS(PN_EIO, store_file_load(&buffer, base, &why));
    assert_int_equal(mkfifo(folder_path(other, base, "fifo"), 0600), 0);
    EXPECT_STATUS(PN_EIO, store_file_load(&buffer, other, &why));
    EXPECT_STATUS(PN_ENOENT,
                  store_file_save(folder_path(other, base, "no/file"), "x", 1, 0600, &why));
    EXPECT_STATUS(PN_ERANGE, store_file_save(folder_path(other, base, ""), "x", 1, 0600, &why));
    EXPECT_STATUS(PN_EIO, store_file_save(home, "x", 1, 0600, &why)); /* a folder is there */
    pn_buffer_fini(&buffer);

    EXPECT_OK(store_folder_make(folder_path(other, base, "x/y//z/"), &why));
    EXPECT_OK(store_folder_make(other, &why));
    assert_int_equal(stat(other, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    EXPECT_STATUS(PN_EIO, store_folder_make(folder_path(other, base, "a.key/b"), &why));
    EXPECT_STATUS(PN_ERANGE, store_folder_make("", &why));
}

static void *
write_some(void *argument)
{
    unsigned number = *(unsigned *)argument;
    for (unsigned i = 0; i < 20; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "models/%u-%u", number, i);
        bool good = save_text("shared", name) == PN_OK && save_text(name, name) == PN_OK &&
                    put_text("shared", name) == PN_OK &&
                    disk.append(disk.host, name, strlen(name)) == PN_OK;
        if (!good)
            return argument;
    }
    return NULL;
}

static void
threads_may_write_at_the_same_time(void **state)
{
    (void)state;
    pthread_t threads[4];
    unsigned  numbers[4] = {0, 1, 2, 3};
    uint64_t  count      = 0;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_some, &numbers[i]), 0);
    for (unsigned i = 0; i < 4; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    reopen(STORE_WRITE);
    EXPECT_OK(disk.record_count(disk.host, &count));
    assert_int_equal(count, 80);
    expect_file("models/3-19", "models/3-19");
    uint64_t size = 0;
    EXPECT_OK(disk.size(disk.host, "shared", &size));
    assert_in_range(size, 10, 11);
}

static int
set_up(void **state)
{
    (void)state;
    folder_new(base);
    folder_path(home, base, "state");
    open_store(home, STORE_WRITE);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    close_store();
    folder_remove(base);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_replaced_whole_and_read_in_parts),
        TEST(bad_names_are_refused_everywhere),
        TEST(listing_gives_whole_names_and_stops_when_asked),
        TEST(a_staged_file_is_seen_only_after_publish),
        TEST(a_removed_file_lends_its_pages_to_the_next),
        TEST(a_file_that_may_not_be_written_is_only_removed),
        TEST(removed_files_lend_their_pages_to_staged_ones),
        TEST(opening_clears_staging_and_temporaries),
        TEST(facts_and_records_are_there_after_reopening),
        TEST(a_second_daemon_is_told_who_holds_the_directory),
        TEST(a_directory_others_may_enter_is_made_private_or_refused),
        TEST(reading_changes_nothing_and_sees_a_live_writer),
        TEST(a_read_only_copy_can_be_read_also_after_a_crash),
        TEST(a_directory_without_facts_can_be_read_and_an_absent_one_not),
        TEST(damaged_facts_are_refused_with_what_to_do),
        TEST(a_write_over_the_file_size_limit_changes_nothing),
        TEST(a_full_disk_changes_nothing_and_work_goes_on_after_making_room),
        TEST(plain_files_are_whole_bounded_and_secrets_private),
        TEST(threads_may_write_at_the_same_time),
    };
    if (sec_init() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
