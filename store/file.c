#include "store/files.h"

#include "crypto/hash.h"
#include "store/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATH_SIZE = 4096
};

static enum pn_status
refuse(struct pn_error *why, int error, const char *what, const char *path)
{
    char text[STORE_IO_TEXT];
    return pn_error_set(why, store_io_status(error), "cannot %s %s: %s", what, path,
                        store_io_text(text, error));
}

/* The bytes pass through one block of the right size, wiped after, so that a key leaves no copies.
 */
static enum pn_status
load_open(struct pn_buffer *out, int fd, uint64_t size, const char *path, struct pn_error *why)
{
    uint8_t *block = malloc((size_t)size + 1);
    size_t   got   = 0;
    if (block == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for the %llu bytes of %s",
                            (unsigned long long)size, path);
    enum pn_status status;
    int            error = store_io_read(&got, fd, block, (size_t)size + 1, 0);
    if (error != 0)
        status = refuse(why, error, "read", path);
    else if (got > size)
        status = pn_error_set(why, PN_EIO, "%s grew while it was read", path);
    else if ((status = pn_buffer_append(out, block, got)) != PN_OK)
        (void)pn_error_set(why, status, "no memory for the %zu bytes of %s", got, path);
    sec_wipe(block, (size_t)size + 1);
    free(block);
    return status;
}

static enum pn_status
load(struct pn_buffer *out, const char *path, bool secret, struct pn_error *why)
{
    struct stat about;
    int         fd;
    pn_buffer_clear(out);
    /* O_NONBLOCK: a FIFO must be refused below, not waited for. */
    int error = store_io_open(&fd, AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (error != 0)
        return refuse(why, error, "open", path);
    enum pn_status status;
    if (fstat(fd, &about) != 0)
        status = refuse(why, errno, "look at", path);
    else if (!S_ISREG(about.st_mode))
        status = pn_error_set(why, PN_EIO, "%s is not a plain file", path);
    else if (secret && (about.st_mode & 077) != 0)
        status = pn_error_set(why, PN_EAUTH,
                              "%s holds a key but others may use it (mode %04o): chmod 600 %s",
                              path, (unsigned)about.st_mode & 07777u, path);
    else if ((uint64_t)about.st_size > out->limit)
        status = pn_error_set(why, PN_ERANGE, "%s has %llu bytes; at most %zu are read here", path,
                              (unsigned long long)about.st_size, out->limit);
    else
        status = load_open(out, fd, (uint64_t)about.st_size, path, why);
    store_io_close(fd);
    return status;
}

enum pn_status
store_file_load(struct pn_buffer *out, const char *path, struct pn_error *why)
{
    return load(out, path, false, why);
}

enum pn_status
store_secret_load(struct pn_buffer *out, const char *path, struct pn_error *why)
{
    return load(out, path, true, why);
}

/* Several programs may write into the same folder: pid and number keep their temporaries apart, and
 * one left by a crashed program with the same pid is stepped over. */
static int
replace(int folder, const char *name, const void *bytes, size_t size, unsigned mode)
{
    int error = EEXIST;
    for (unsigned i = 0; i < 100 && error == EEXIST; i++) {
        char temporary[64];
        (void)snprintf(temporary, sizeof temporary, STORE_TEMPORARY "%ld.%u", (long)getpid(), i);
        error = store_io_replace(folder, temporary, name, bytes, size, mode);
    }
    return error;
}

enum pn_status
store_file_save(const char *path, const void *bytes, size_t size, unsigned mode,
                struct pn_error *why)
{
    char        folder[PATH_SIZE] = ".";
    const char *slash             = strrchr(path, '/');
    const char *name              = slash == NULL ? path : slash + 1;
    if (*name == '\0' || strlen(path) >= sizeof folder)
        return pn_error_set(why, PN_ERANGE, "%.200s is not the name of a file", path);
    if (slash != NULL) {
        size_t len = slash == path ? 1 : (size_t)(slash - path);
        memcpy(folder, path, len);
        folder[len] = '\0';
    }
    int fd;
    int error = store_io_open(&fd, AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0);
    if (error != 0)
        return refuse(why, error, "open the folder", folder);
    error = replace(fd, name, bytes, size, mode);
    store_io_close(fd);
    return error == 0 ? PN_OK : refuse(why, error, "write", path);
}

/* `path` up to its last '/', opened, so that a new folder in it can be made durable. */
static int
make_one(const char *path)
{
    char   parent[PATH_SIZE];
    size_t len = strlen(path);
    while (len > 0 && path[len - 1] == '/')
        len--;
    size_t name = len;
    while (name > 0 && path[name - 1] != '/')
        name--;
    if (name == len) /* "/" */
        return 0;
    memcpy(parent, name == 0 ? "." : path, name == 0 ? 1 : name);
    parent[name == 0 ? 1 : name] = '\0';

    char leaf[PATH_SIZE];
    memcpy(leaf, path + name, len - name);
    leaf[len - name] = '\0';

    int fd;
    int error = store_io_open(&fd, AT_FDCWD, parent, O_RDONLY | O_DIRECTORY, 0);
    if (error != 0)
        return error;
    error = store_io_folder(fd, leaf);
    store_io_close(fd);
    return error;
}

enum pn_status
store_folder_make(const char *path, struct pn_error *why)
{
    char   part[PATH_SIZE];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof part)
        return pn_error_set(why, PN_ERANGE, "%.200s is not the name of a folder", path);
    for (size_t i = 1; i <= len; i++) {
        struct stat about;
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (stat(part, &about) == 0 && S_ISDIR(about.st_mode))
            continue;
        int error = make_one(part);
        if (error == 0 && stat(part, &about) != 0)
            error = errno;
        if (error == 0 && !S_ISDIR(about.st_mode))
            error = ENOTDIR;
        if (error != 0)
            return refuse(why, error, "make the folder", part);
    }
    return PN_OK;
}
