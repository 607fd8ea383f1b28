/*
 * tests/support/folder -- a folder of its own for each test of the store, and whole files in it.
 *
 * For tests only: everything here stops the test by cmocka's assertions.
 */
#ifndef TESTS_SUPPORT_FOLDER_H
#define TESTS_SUPPORT_FOLDER_H

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

enum {
    FOLDER_PATH = 512
};

static inline const char *
folder_path(char out[static FOLDER_PATH], const char *folder, const char *name)
{
    int len = snprintf(out, FOLDER_PATH, "%s/%s", folder, name);
    assert_true(len > 0 && len < FOLDER_PATH);
    return out;
}

/* Memory when there is some: these tests sync often. */
static inline void
folder_new(char out[static FOLDER_PATH])
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    (void)snprintf(out, FOLDER_PATH, "%s/panal-test-XXXXXX", base);
    assert_non_null(mkdtemp(out));
}

static inline void
folder_remove(const char *path)
{
    DIR           *folder = opendir(path);
    struct dirent *entry;
    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        char below[FOLDER_PATH];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        folder_path(below, path, entry->d_name);
        struct stat about;
        assert_int_equal(lstat(below, &about), 0);
        if (S_ISDIR(about.st_mode))
            folder_remove(below);
        else
            assert_int_equal(unlink(below), 0);
    }
    closedir(folder);
    assert_int_equal(rmdir(path), 0);
}

static inline size_t
folder_read(uint8_t *out, size_t room, const char *path)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t got = read(fd, out, room);
    assert_true(got >= 0);
    close(fd);
    return (size_t)got;
}

static inline void
folder_write(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

#endif
