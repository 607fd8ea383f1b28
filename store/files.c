#include "store/files.h"

#include "store/facts.h"
#include "store/io.h"
#include "store/log.h"
#include "store/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATH_SIZE = 4096
};

struct store_files {
    int                  folder;
    int                  lock; /* -1 when reading */
    bool                 write;
    atomic_uint_fast64_t temporaries;
    struct store_spares  spares;
    /* Blobs need no mutex: every write has a temporary of its own, and rename is atomic. */
    pthread_mutex_t     mutex; /* of log and facts */
    struct store_log   *log;   /* NULL: reading, and there is none */
    struct store_facts *facts; /* likewise */
    char                path[PATH_SIZE];
};

static enum pn_status
refuse(struct pn_error *why, const struct store_files *files, int error, const char *what)
{
    char text[STORE_IO_TEXT];
    return pn_error_set(why, store_io_status(error), "cannot %s in %s: %s", what, files->path,
                        store_io_text(text, error));
}

/* ---- places ---- */

/* The folder a name lives in, opened, and what it is called there. */
struct place {
    int         folder;
    const char *leaf;
};

static int
place_open(struct place *out, const struct store_files *files, const char *name, bool make)
{
    char        part[STORE_NAME_MAX + 1];
    const char *slash = strchr(name, '/');
    size_t      len   = slash == NULL ? 1 : (size_t)(slash - name);
    int         error = 0;
    memcpy(part, slash == NULL ? "." : name, len);
    part[len] = '\0';
    if (make && slash != NULL)
        error = store_io_folder(files->folder, part);
    if (error == 0)
        error = store_io_open(&out->folder, files->folder, part,
                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    out->leaf = slash == NULL ? name : slash + 1;
    return error;
}

/* '+' is in no name, so two names never meet. */
static void
staging_name(char out[static STORE_NAME_MAX + 16], const char *name)
{
    (void)snprintf(out, STORE_NAME_MAX + 16, "staging/%s", name);
    for (char *c = out + 8; *c != '\0'; c++)
        if (*c == '/')
            *c = '+';
}

/* ---- whole files ---- */

static enum pn_status
may_write(const struct store_files *files, const char *name)
{
    if (!store_name_is_valid(name))
        return PN_ERANGE;
    return files->write ? PN_OK : PN_ESTATE;
}

/* There was no room, and now there is more. */
static bool
can_try_again(struct store_files *files, enum pn_status status)
{
    return status == PN_ENOSPC && store_spares_drop(&files->spares);
}

/* Over a spare file, or anew. */
static int
save_in(struct store_files *files, const struct place *place, const void *bytes, size_t size)
{
    char temporary[40];
    (void)snprintf(temporary, sizeof temporary, STORE_TEMPORARY "%llu",
                   (unsigned long long)atomic_fetch_add(&files->temporaries, 1));
    bool again =
        size >= STORE_SPARE_SIZE && store_spares_take(&files->spares, place->folder, temporary);
    return (again ? store_io_rewrite : store_io_replace)(place->folder, temporary, place->leaf,
                                                         bytes, size, 0600);
}

static enum pn_status
disk_save(void *host, const char *name, const void *bytes, uint64_t size)
{
    struct store_files *files = host;
    struct place        place;
    enum pn_status      status = may_write(files, name);
    if (status != PN_OK)
        return status;
    if (size > SIZE_MAX)
        return PN_ERANGE;
    int error = place_open(&place, files, name, true);
    if (error != 0)
        return store_io_status(error);
    status = store_io_status(save_in(files, &place, bytes, (size_t)size));
    if (can_try_again(files, status))
        status = store_io_status(save_in(files, &place, bytes, (size_t)size));
    store_io_close(place.folder);
    return status;
}

/* In one step: reading is what is done most. */
static int
open_name(int *fd, const struct store_files *files, const char *name, int flags)
{
    return store_io_open(fd, files->folder, name, flags | O_NOFOLLOW | O_NONBLOCK, 0);
}

static enum pn_status
disk_size(void *host, const char *name, uint64_t *size)
{
    struct store_files *files = host;
    int                 fd;
    if (!store_name_is_valid(name))
        return PN_ERANGE;
    int error = open_name(&fd, files, name, O_RDONLY);
    if (error != 0)
        return store_io_status(error);
    error = store_io_size(size, fd);
    store_io_close(fd);
    return store_io_status(error);
}

static enum pn_status
read_range(int fd, void *out, uint64_t offset, size_t size)
{
    size_t   got   = 0;
    uint64_t has   = 0;
    int      error = store_io_size(&has, fd);
    if (error == 0 && (offset > has || size > has - offset))
        return PN_ERANGE;
    if (error == 0)
        error = store_io_read(&got, fd, out, size, offset);
    if (error != 0)
        return store_io_status(error);
    return got == size ? PN_OK : PN_EIO;
}

/* False: it was removed since, and may have been written over while we read (store/spare). */
static bool
is_still(const struct store_files *files, const char *name, int fd)
{
    struct stat read, there;
    return fstat(fd, &read) == 0 &&
           (read.st_size < STORE_SPARE_SIZE ||
            (fstatat(files->folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
             read.st_dev == there.st_dev && read.st_ino == there.st_ino));
}

static enum pn_status
disk_read(void *host, const char *name, void *out, uint64_t offset, size_t size)
{
    struct store_files *files = host;
    int                 fd;
    if (!store_name_is_valid(name))
        return PN_ERANGE;
    int error = open_name(&fd, files, name, O_RDONLY);
    if (error != 0)
        return store_io_status(error);
    enum pn_status status = read_range(fd, out, offset, size);
    if (status == PN_OK && !is_still(files, name, fd))
        status = PN_ENOENT;
    store_io_close(fd);
    return status;
}

static enum pn_status
disk_remove(void *host, const char *name)
{
    struct store_files *files = host;
    struct place        place;
    enum pn_status      status = may_write(files, name);
    if (status != PN_OK)
        return status;
    int error = place_open(&place, files, name, false);
    if (error != 0)
        return error == ENOENT ? PN_OK : store_io_status(error);
    if (!store_spares_keep(&error, &files->spares, place.folder, place.leaf))
        error = unlinkat(place.folder, place.leaf, 0) != 0 ? errno : store_io_sync(place.folder);
    store_io_close(place.folder);
    return error == ENOENT ? PN_OK : store_io_status(error);
}

struct listing {
    const char *folder;
    bool (*take)(void *context, const char *name);
    void *context;
};

static bool
list_one(void *context, const char *leaf)
{
    struct listing *listing = context;
    char            name[STORE_NAME_MAX + 1];
    int             len = snprintf(name, sizeof name, "%s/%s", listing->folder, leaf);
    if (len < 0 || (size_t)len >= sizeof name || !store_name_is_valid(name))
        return true; /* not one of ours */
    return listing->take(listing->context, name);
}

static enum pn_status
disk_list(void *host, const char *folder, bool (*take)(void *context, const char *name),
          void *context)
{
    struct store_files *files   = host;
    struct listing      listing = {.folder = folder, .take = take, .context = context};
    int                 fd;
    if (!store_name_is_valid(folder) || strchr(folder, '/') != NULL)
        return PN_ERANGE;
    int error = store_io_open(&fd, files->folder, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (error != 0)
        return error == ENOENT ? PN_OK : store_io_status(error);
    error = store_io_list(fd, list_one, &listing);
    store_io_close(fd);
    return store_io_status(error);
}

/* ---- staging ---- */

static int
open_staged(int *fd, const struct store_files *files, const char *name, int flags)
{
    char path[STORE_NAME_MAX + 16];
    staging_name(path, name);
    return store_io_open(fd, files->folder, path, flags | O_NOFOLLOW | O_NONBLOCK, 0600);
}

static enum pn_status
disk_discard(void *host, const char *name)
{
    struct store_files *files = host;
    char                path[STORE_NAME_MAX + 16];
    enum pn_status      status = may_write(files, name);
    if (status != PN_OK)
        return status;
    staging_name(path, name);
    if (unlinkat(files->folder, path, 0) != 0 && errno != ENOENT)
        return store_io_status(errno);
    return PN_OK;
}

/* Over a spare file, whose bytes nobody sees: what is published was written whole. */
static enum pn_status
disk_stage(void *host, const char *name, uint64_t size)
{
    struct store_files *files = host;
    int                 fd;
    char                path[STORE_NAME_MAX + 16];
    enum pn_status      status = may_write(files, name);
    if (status != PN_OK)
        return status;
    staging_name(path, name);
    bool again = size >= STORE_SPARE_SIZE && store_spares_take(&files->spares, files->folder, path);
    int  error = open_staged(&fd, files, name, again ? O_WRONLY : O_WRONLY | O_CREAT | O_TRUNC);
    if (error != 0)
        return store_io_status(error);
    error = store_io_cut(fd, size);
    if (can_try_again(files, store_io_status(error)))
        error = store_io_cut(fd, size);
    store_io_close(fd);
    if (error != 0)
        (void)disk_discard(host, name);
    return store_io_status(error);
}

static enum pn_status
disk_stage_write(void *host, const char *name, uint64_t offset, const void *bytes, size_t size)
{
    struct store_files *files = host;
    int                 fd;
    uint64_t            has;
    enum pn_status      status = may_write(files, name);
    if (status != PN_OK)
        return status;
    int error = open_staged(&fd, files, name, O_WRONLY);
    if (error != 0)
        return store_io_status(error);
    error = store_io_size(&has, fd);
    if (error == 0 && (offset > has || size > has - offset))
        status = PN_ERANGE;
    else if (error == 0)
        error = store_io_write(fd, bytes, size, offset);
    if (can_try_again(files, store_io_status(error)))
        error = store_io_write(fd, bytes, size, offset);
    store_io_close(fd);
    return error != 0 ? store_io_status(error) : status;
}

static enum pn_status
disk_stage_read(void *host, const char *name, void *out, uint64_t offset, size_t size)
{
    struct store_files *files = host;
    int                 fd;
    if (!store_name_is_valid(name))
        return PN_ERANGE;
    int error = open_staged(&fd, files, name, O_RDONLY);
    if (error != 0)
        return store_io_status(error);
    enum pn_status status = read_range(fd, out, offset, size);
    store_io_close(fd);
    return status;
}

/* The folder it comes from need not be synced: what a crash leaves there is cleared at open. */
static int
move_staged(const struct store_files *files, const char *name, const struct place *place)
{
    char path[STORE_NAME_MAX + 16];
    staging_name(path, name);
    if (renameat(files->folder, path, place->folder, place->leaf) != 0)
        return errno;
    return store_io_sync(place->folder);
}

static enum pn_status
disk_publish(void *host, const char *name)
{
    struct store_files *files = host;
    struct place        place;
    int                 fd;
    enum pn_status      status = may_write(files, name);
    if (status != PN_OK)
        return status;
    int error = open_staged(&fd, files, name, O_RDONLY);
    if (error != 0)
        return store_io_status(error);
    error = store_io_sync(fd);
    store_io_close(fd);
    if (error == 0)
        error = place_open(&place, files, name, true);
    if (error != 0)
        return store_io_status(error);
    error = move_staged(files, name, &place);
    store_io_close(place.folder);
    return store_io_status(error);
}

/* ---- ledger and facts ---- */

static void
lock(struct store_files *files)
{
    PN_ASSERT(pthread_mutex_lock(&files->mutex) == 0);
}

static void
unlock(struct store_files *files)
{
    PN_ASSERT(pthread_mutex_unlock(&files->mutex) == 0);
}

static enum pn_status
disk_append(void *host, const void *record, size_t size)
{
    struct store_files *files = host;
    if (!files->write)
        return PN_ESTATE;
    lock(files);
    enum pn_status status = store_log_append(files->log, record, size);
    if (can_try_again(files, status))
        status = store_log_append(files->log, record, size);
    unlock(files);
    return status;
}

static enum pn_status
disk_record_count(void *host, uint64_t *count)
{
    struct store_files *files = host;
    lock(files);
    *count = files->log == NULL ? 0 : store_log_count(files->log);
    unlock(files);
    return PN_OK;
}

static enum pn_status
disk_record(void *host, uint64_t index, struct pn_buffer *out)
{
    struct store_files *files  = host;
    enum pn_status      status = PN_ENOENT;
    pn_buffer_clear(out);
    lock(files);
    if (files->log != NULL)
        status = store_log_read(files->log, index, out);
    unlock(files);
    return status;
}

static enum pn_status
disk_put(void *host, const char *key, const void *bytes, size_t size)
{
    struct store_files *files = host;
    if (!files->write)
        return PN_ESTATE;
    lock(files);
    enum pn_status status = store_facts_put(files->facts, key, bytes, size);
    if (can_try_again(files, status))
        status = store_facts_put(files->facts, key, bytes, size);
    unlock(files);
    return status;
}

static enum pn_status
disk_get(void *host, const char *key, void *out, size_t *size)
{
    struct store_files *files  = host;
    enum pn_status      status = PN_ENOENT;
    lock(files);
    if (files->facts != NULL)
        status = store_facts_get(files->facts, key, out, size);
    unlock(files);
    return status;
}

/* ---- opening ---- */

struct sweep {
    int  folder;
    bool all; /* or temporaries only */
    int  error;
};

static bool
sweep_one(void *context, const char *name)
{
    struct sweep *sweep = context;
    if (!sweep->all && strncmp(name, STORE_TEMPORARY, sizeof STORE_TEMPORARY - 1) != 0)
        return true;
    if (unlinkat(sweep->folder, name, 0) != 0 && errno != ENOENT && errno != EISDIR)
        sweep->error = errno;
    return sweep->error == 0;
}

static int
sweep_folder(int folder, bool all)
{
    struct sweep sweep = {.folder = folder, .all = all};
    int          error = store_io_list(folder, sweep_one, &sweep);
    return error != 0 ? error : sweep.error;
}

/* A folder directly in the state directory: what a crash left there is cleared. */
static bool
sweep_below(void *context, const char *name)
{
    struct sweep *sweep = context;
    int           fd;
    int error = store_io_open(&fd, sweep->folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (error != 0) /* not a folder */
        return true;
    sweep->error = sweep_folder(fd, strcmp(name, "staging") == 0);
    store_io_close(fd);
    return sweep->error == 0;
}

static enum pn_status
clear_leftovers(const struct store_files *files, struct pn_error *why)
{
    struct sweep sweep = {.folder = files->folder};
    int          error = sweep_folder(files->folder, false);
    if (error == 0)
        error = store_io_list(files->folder, sweep_below, &sweep);
    if (error == 0)
        error = sweep.error;
    if (error == 0)
        error = store_io_folder(files->folder, "staging");
    if (error == 0)
        error = store_io_folder(files->folder, "ledger");
    return error == 0 ? PN_OK : refuse(why, files, error, "clear what a crash left");
}

static bool
count_one(void *context, const char *name)
{
    (void)name;
    *(bool *)context = true;
    return false;
}

/* A directory that is not empty is never made ours silently: it may be /tmp by mistake. */
static enum pn_status
make_private(const struct store_files *files, struct pn_error *why)
{
    struct stat about;
    bool        has_entries = false;
    if (fstat(files->folder, &about) != 0)
        return refuse(why, files, errno, "look");
    if ((about.st_mode & 077) == 0)
        return PN_OK;
    int error = store_io_list(files->folder, count_one, &has_entries);
    if (error != 0)
        return refuse(why, files, error, "look");
    if (has_entries)
        return pn_error_set(why, PN_ECONFIG,
                            "others may enter %s (mode %04o): if it is the state directory, "
                            "chmod 700 %s",
                            files->path, (unsigned)about.st_mode & 07777u, files->path);
    return fchmod(files->folder, 0700) == 0 ? PN_OK : refuse(why, files, errno, "set mode 0700");
}

/* "panal-node" of the process that holds the lock, when this machine tells. */
static void
holder_name(char out[static 32], long pid)
{
    char   path[64];
    int    fd;
    size_t got = 0;
    (void)snprintf(out, 32, "program");
    (void)snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    if (store_io_open(&fd, AT_FDCWD, path, O_RDONLY, 0) != 0)
        return;
    if (store_io_read(&got, fd, out, 31, 0) == 0 && got > 1)
        out[got - 1] = '\0'; /* the line's end */
    else
        (void)snprintf(out, 32, "program");
    store_io_close(fd);
}

static enum pn_status
say_who_holds(const struct store_files *files, struct pn_error *why)
{
    char   text[24] = "", name[32];
    size_t got      = 0;
    long   pid      = 0;
    if (store_io_read(&got, files->lock, text, sizeof text - 1, 0) == 0)
        pid = strtol(text, NULL, 10);
    if (pid <= 0)
        return pn_error_set(why, PN_ESTATE, "another program holds %s: stop it first", files->path);
    holder_name(name, pid);
    return pn_error_set(why, PN_ESTATE, "another %s holds %s (pid %ld): stop it first", name,
                        files->path, pid);
}

static enum pn_status
take_lock(struct store_files *files, struct pn_error *why)
{
    char text[24];
    int  error =
        store_io_open(&files->lock, files->folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (error != 0)
        return refuse(why, files, error, "write");
    while (flock(files->lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return say_who_holds(files, why);
        if (errno != EINTR)
            return refuse(why, files, errno, "lock");
    }
    /* SAFE: the number is for the sentence above only; a full disk must not stop us here. */
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (store_io_cut(files->lock, 0) == 0 && len > 0)
        error = store_io_write(files->lock, text, (size_t)len, 0);
    (void)error;
    return PN_OK;
}

static enum pn_status
open_parts(struct store_files *files, struct pn_error *why)
{
    char path[PATH_SIZE + 8];
    (void)snprintf(path, sizeof path, "%s/ledger", files->path);
    enum pn_status status = store_log_open(&files->log, path, files->write, why);
    if (status == PN_ENOENT && !files->write)
        status = PN_OK;
    if (status != PN_OK)
        return status;
    status = store_facts_open(&files->facts, files->path, files->write, why);
    return status == PN_ENOENT && !files->write ? PN_OK : status;
}

static enum pn_status
open_folder(struct store_files *files, struct pn_error *why)
{
    enum pn_status status = files->write ? store_folder_make(files->path, why) : PN_OK;
    if (status != PN_OK)
        return status;
    int error = store_io_open(&files->folder, AT_FDCWD, files->path, O_RDONLY | O_DIRECTORY, 0);
    if (error != 0)
        return refuse(why, files, error, "look");
    if (!files->write)
        return PN_OK;
    if ((status = make_private(files, why)) != PN_OK || (status = take_lock(files, why)) != PN_OK)
        return status;
    return clear_leftovers(files, why);
}

static void
fill(struct store_disk *disk, struct store_files *files)
{
    *disk = (struct store_disk){
        .host         = files,
        .save         = disk_save,
        .size         = disk_size,
        .read         = disk_read,
        .remove       = disk_remove,
        .list         = disk_list,
        .stage        = disk_stage,
        .stage_write  = disk_stage_write,
        .stage_read   = disk_stage_read,
        .publish      = disk_publish,
        .discard      = disk_discard,
        .append       = disk_append,
        .record_count = disk_record_count,
        .record       = disk_record,
        .put          = disk_put,
        .get          = disk_get,
    };
}

enum pn_status
store_files_open(struct store_files **out, struct store_disk *disk, const char *directory,
                 enum store_access access, struct pn_error *why)
{
    if (*directory == '\0' || strlen(directory) >= PATH_SIZE - 32)
        return pn_error_set(why, PN_ERANGE, "\"%.200s\" is not the name of a directory", directory);
    struct store_files *files = calloc(1, sizeof *files);
    if (files == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory to open %s", directory);
    files->folder = -1;
    files->lock   = -1;
    files->write  = access == STORE_WRITE;
    atomic_init(&files->temporaries, 0);
    PN_ASSERT(pthread_mutex_init(&files->mutex, NULL) == 0);
    (void)snprintf(files->path, sizeof files->path, "%s", directory);

    enum pn_status status = open_folder(files, why);
    store_spares_init(&files->spares, files->folder);
    if (status == PN_OK)
        status = open_parts(files, why);
    if (status != PN_OK) {
        store_files_close(files);
        return status;
    }
    fill(disk, files);
    *out = files;
    return PN_OK;
}

void
store_files_close(struct store_files *files)
{
    if (files == NULL)
        return;
    store_facts_close(files->facts);
    store_log_close(files->log);
    if (files->folder >= 0)
        store_io_close(files->folder);
    if (files->lock >= 0)
        store_io_close(files->lock); /* last: releases the directory */
    (void)pthread_mutex_destroy(&files->mutex);
    free(files);
}
