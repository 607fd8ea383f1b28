#include "store/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum pn_status
store_io_status(int error)
{
    switch (error) {
    case 0:
        return PN_OK;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return PN_ENOSPC;
    case ENOENT:
        return PN_ENOENT;
    case EEXIST:
        return PN_EEXIST;
    case ENOMEM:
        return PN_ENOMEM;
    default:
        return PN_EIO;
    }
}

const char *
store_io_text(char out[static STORE_IO_TEXT], int error)
{
    if (strerror_r(error, out, STORE_IO_TEXT) != 0)
        (void)snprintf(out, STORE_IO_TEXT, "error %d", error);
    return out;
}

int
store_io_open(int *fd, int folder, const char *name, int flags, unsigned mode)
{
    int got;
    do
        got = openat(folder, name, flags | O_CLOEXEC, (mode_t)mode);
    while (got < 0 && errno == EINTR);
    *fd = got;
    return got < 0 ? errno : 0;
}

void
store_io_close(int fd)
{
    /* SAFE: what must last was synced before, and Linux releases the number even on EINTR. */
    (void)close(fd);
}

int
store_io_write(int fd, const void *bytes, size_t size, uint64_t offset)
{
    const uint8_t *at = bytes;
    if (offset > INT64_MAX || size > INT64_MAX - offset)
        return EFBIG;
    while (size > 0) {
        ssize_t put = pwrite(fd, at, size < SSIZE_MAX ? size : SSIZE_MAX, (off_t)offset);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno;
        if (put == 0) /* would turn for ever */
            return EIO;
        at += put;
        size -= (size_t)put;
        offset += (uint64_t)put;
    }
    return 0;
}

int
store_io_read(size_t *got, int fd, void *out, size_t size, uint64_t offset)
{
    uint8_t *at   = out;
    size_t   done = 0;
    if (offset > INT64_MAX || size > INT64_MAX - offset)
        return EINVAL;
    while (done < size) {
        ssize_t more = pread(fd, at + done, size - done, (off_t)(offset + done));
        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return errno;
        if (more == 0)
            break;
        done += (size_t)more;
    }
    *got = done;
    return 0;
}

int
store_io_size(uint64_t *size, int fd)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return errno;
    if (!S_ISREG(about.st_mode))
        return EINVAL;
    *size = (uint64_t)about.st_size;
    return 0;
}

int
store_io_cut(int fd, uint64_t size)
{
    int result;
    if (size > INT64_MAX)
        return EFBIG;
    do
        result = ftruncate(fd, (off_t)size);
    while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

int
store_io_sync(int fd)
{
    int result;
    do
        result = fsync(fd);
    while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

int
store_io_sync_data(int fd)
{
    int result;
    do
        result = fdatasync(fd);
    while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

int
store_io_folder(int parent, const char *name)
{
    if (mkdirat(parent, name, 0700) != 0)
        return errno == EEXIST ? 0 : errno;
    return store_io_sync(parent);
}

/* The bytes into the open temporary, and the temporary to its name. Takes `fd`. */
static int
put_in_place(int fd, int folder, const char *temporary, const char *name, const void *bytes,
             size_t size, unsigned mode)
{
    int error = store_io_write(fd, bytes, size, 0);
    if (error == 0 && fchmod(fd, (mode_t)mode) != 0)
        error = errno;
    if (error == 0)
        error = store_io_sync(fd);
    store_io_close(fd);
    if (error == 0 && renameat(folder, temporary, folder, name) != 0)
        error = errno;
    if (error != 0) {
        /* SAFE: should this fail too, the temporary is cleared when the store is next opened. */
        (void)unlinkat(folder, temporary, 0);
        return error;
    }
    return store_io_sync(folder);
}

int
store_io_replace(int folder, const char *temporary, const char *name, const void *bytes,
                 size_t size, unsigned mode)
{
    int fd;
    int error =
        store_io_open(&fd, folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    return error != 0 ? error : put_in_place(fd, folder, temporary, name, bytes, size, mode);
}

int
store_io_rewrite(int folder, const char *temporary, const char *name, const void *bytes,
                 size_t size, unsigned mode)
{
    int fd;
    int error = store_io_open(&fd, folder, temporary, O_WRONLY | O_NOFOLLOW, 0);
    if (error != 0)
        return error;
    error = store_io_cut(fd, size);
    if (error == 0)
        return put_in_place(fd, folder, temporary, name, bytes, size, mode);
    store_io_close(fd);
    (void)unlinkat(folder, temporary, 0); /* SAFE: as above */
    return error;
}

int
store_io_list(int folder, bool (*take)(void *context, const char *name), void *context)
{
    int fd;
    int error = store_io_open(&fd, folder, ".", O_RDONLY | O_DIRECTORY, 0);
    if (error != 0)
        return error;
    DIR *entries = fdopendir(fd); /* takes fd */
    if (entries == NULL) {
        error = errno;
        store_io_close(fd);
        return error;
    }
    for (;;) {
        errno                = 0;
        struct dirent *entry = readdir(entries);
        if (entry == NULL) {
            error = errno;
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (!take(context, entry->d_name))
            break;
    }
    (void)closedir(entries);
    return error;
}
