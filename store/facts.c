#include "store/facts.h"

#include "store/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    FORMAT  = 1,
    BUSY_MS = 5000
};

struct store_facts {
    sqlite3      *database;
    sqlite3_stmt *put, *get;
};

/* SQLite says FULL for ENOSPC only; EDQUOT and EFBIG are known to the file they happened to. */
static bool
is_out_of_room(sqlite3 *database)
{
    sqlite3_file *parts[2] = {NULL, NULL};
    int           error    = 0;
    (void)sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER, &parts[0]);
    (void)sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &parts[1]);
    for (int i = 0; i < 2; i++)
        if (parts[i] != NULL && parts[i]->pMethods != NULL &&
            parts[i]->pMethods->xFileControl(parts[i], SQLITE_FCNTL_LAST_ERRNO, &error) ==
                SQLITE_OK &&
            store_io_status(error) == PN_ENOSPC)
            return true;
    return false;
}

static enum pn_status
status_of(sqlite3 *database, int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return PN_OK;
    case SQLITE_FULL:
        return PN_ENOSPC;
    case SQLITE_NOMEM:
        return PN_ENOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return PN_ECORRUPT;
    case SQLITE_IOERR:
        return result == SQLITE_IOERR_WRITE && is_out_of_room(database) ? PN_ENOSPC : PN_EIO;
    default:
        return PN_EIO;
    }
}

static enum pn_status
refuse(struct pn_error *why, const struct store_facts *facts, const char *path, int result)
{
    enum pn_status status = status_of(facts->database, result);
    const char    *text =
        facts->database == NULL ? sqlite3_errstr(result) : sqlite3_errmsg(facts->database);
    if (status == PN_ECORRUPT)
        return pn_error_set(
            why, status,
            "%s is damaged (%s): put the whole directory back from a backup. Do not "
            "delete the file: it counts what must never happen twice",
            path, text);
    return pn_error_set(why, status, "cannot use %s: %s", path, text);
}

/* "file:" and the path with what a URI gives a meaning to escaped. */
static bool
make_uri(char *out, size_t room, const char *path, const char *options)
{
    static const char digits[] = "0123456789abcdef";
    size_t            at       = 0;
    for (const char *c = "file:"; *c != '\0'; c++)
        out[at++] = *c;
    for (const char *c = path; *c != '\0'; c++) {
        if (at + 4 + strlen(options) >= room)
            return false;
        if (*c == '%' || *c == '?' || *c == '#') {
            out[at++] = '%';
            out[at++] = digits[(unsigned char)*c >> 4];
            out[at++] = digits[(unsigned char)*c & 15];
        } else {
            out[at++] = *c;
        }
    }
    memcpy(out + at, options, strlen(options) + 1);
    return true;
}

static bool
take_ok(sqlite3_stmt *statement)
{
    const unsigned char *text = sqlite3_column_text(statement, 0);
    return text != NULL && strcmp((const char *)text, "ok") == 0;
}

static int
check(const struct store_facts *facts)
{
    sqlite3_stmt *statement;
    int result = sqlite3_prepare_v2(facts->database, "PRAGMA quick_check(1)", -1, &statement, NULL);
    if (result != SQLITE_OK)
        return result;
    result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        result = take_ok(statement) ? SQLITE_OK : SQLITE_CORRUPT;
    (void)sqlite3_finalize(statement);
    return result;
}

static int
format_of(int *out, const struct store_facts *facts)
{
    sqlite3_stmt *statement;
    int result = sqlite3_prepare_v2(facts->database, "PRAGMA user_version", -1, &statement, NULL);
    if (result != SQLITE_OK)
        return result;
    result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        *out   = sqlite3_column_int(statement, 0);
        result = SQLITE_OK;
    }
    (void)sqlite3_finalize(statement);
    return result;
}

static int
run(const struct store_facts *facts, const char *sql)
{
    return sqlite3_exec(facts->database, sql, NULL, NULL, NULL);
}

/* Table and format number in one transaction: after a crash both are there, or neither. */
static int
prepare_write(struct store_facts *facts, int format)
{
    int result = run(facts, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    if (result == SQLITE_OK && format == 0)
        result = run(facts, "BEGIN IMMEDIATE;"
                            "CREATE TABLE facts(key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL)"
                            " WITHOUT ROWID;"
                            "PRAGMA user_version = 1;"
                            "COMMIT;");
    if (result == SQLITE_OK)
        result = sqlite3_prepare_v2(facts->database,
                                    "INSERT INTO facts(key, value) VALUES(?1, ?2)"
                                    " ON CONFLICT(key) DO UPDATE SET value = excluded.value",
                                    -1, &facts->put, NULL);
    return result;
}

static enum pn_status
prepare(struct store_facts *facts, const char *path, bool write, struct pn_error *why)
{
    int format = 0;
    (void)sqlite3_extended_result_codes(facts->database, 1);
    (void)sqlite3_busy_timeout(facts->database, BUSY_MS);
    int result = run(facts, "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;");
    if (result == SQLITE_OK && write)
        result = check(facts);
    if (result == SQLITE_OK)
        result = format_of(&format, facts);
    if (result == SQLITE_OK && format > FORMAT)
        return pn_error_set(why, PN_ESTATE,
                            "%s has format %d, this program knows %d: use the newer one", path,
                            format, FORMAT);
    if (result == SQLITE_OK && write)
        result = prepare_write(facts, format);
    if (result == SQLITE_OK && (write || format == FORMAT))
        result = sqlite3_prepare_v2(facts->database, "SELECT value FROM facts WHERE key = ?1", -1,
                                    &facts->get, NULL);
    return result == SQLITE_OK ? PN_OK : refuse(why, facts, path, result);
}

/* Ours before SQLite's, so that it is 0600 and so are the WAL and shared memory that follow it. */
static enum pn_status
touch(const char *path, const char *directory, struct pn_error *why)
{
    char text[STORE_IO_TEXT];
    int  fd, folder;
    int  error = store_io_open(&fd, AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (error == 0) {
        store_io_close(fd);
        error = store_io_open(&folder, AT_FDCWD, directory, O_RDONLY | O_DIRECTORY, 0);
    }
    if (error == 0) {
        error = store_io_sync(folder);
        store_io_close(folder);
    }
    return error == 0 ? PN_OK
                      : pn_error_set(why, store_io_status(error), "cannot make %s: %s", path,
                                     store_io_text(text, error));
}

static enum pn_status
connect_to(struct store_facts *facts, const char *path, bool write, struct pn_error *why)
{
    char        uri[3 * 4096], wal[4096 + 8];
    struct stat about;
    const char *options = "?mode=rw";
    (void)snprintf(wal, sizeof wal, "%s-wal", path);
    if (!write && stat(path, &about) != 0)
        return pn_error_set(why, errno == ENOENT ? PN_ENOENT : PN_EIO, "there is no %s", path);
    if (!write)
        options = stat(wal, &about) == 0 && about.st_size > 0 ? "?mode=ro&readonly_shm=1"
                                                              : "?mode=ro&immutable=1";
    if (!make_uri(uri, sizeof uri, path, options))
        return pn_error_set(why, PN_ERANGE, "the path %.100s... is too long", path);
    int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    flags |= write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    int result = sqlite3_open_v2(uri, &facts->database, flags, NULL);
    return result == SQLITE_OK ? PN_OK : refuse(why, facts, path, result);
}

enum pn_status
store_facts_open(struct store_facts **out, const char *directory, bool write, struct pn_error *why)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/state.sqlite", directory) >= (int)sizeof path)
        return pn_error_set(why, PN_ERANGE, "the path %.100s... is too long", directory);
    struct store_facts *facts = calloc(1, sizeof *facts);
    if (facts == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory to open %s", path);
    enum pn_status status = write ? touch(path, directory, why) : PN_OK;
    if (status == PN_OK)
        status = connect_to(facts, path, write, why);
    if (status == PN_OK)
        status = prepare(facts, path, write, why);
    if (status != PN_OK) {
        store_facts_close(facts);
        return status;
    }
    *out = facts;
    return PN_OK;
}

void
store_facts_close(struct store_facts *facts)
{
    if (facts == NULL)
        return;
    (void)sqlite3_finalize(facts->put);
    (void)sqlite3_finalize(facts->get);
    (void)sqlite3_close(facts->database);
    free(facts);
}

enum pn_status
store_facts_put(struct store_facts *facts, const char *key, const void *bytes, size_t size)
{
    if (!store_key_is_valid(key) || size > STORE_FACT_MAX)
        return PN_ERANGE;
    if (facts->put == NULL)
        return PN_ESTATE;
    /* SAFE: SQLITE_STATIC, the statement is reset before the memory can go away. zeroblob(0) for
     * nothing, because a NULL pointer would store NULL. */
    int result = sqlite3_bind_text(facts->put, 1, key, -1, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = size == 0 ? sqlite3_bind_zeroblob(facts->put, 2, 0)
                           : sqlite3_bind_blob(facts->put, 2, bytes, (int)size, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = sqlite3_step(facts->put);
    enum pn_status status = status_of(facts->database, result);
    (void)sqlite3_reset(facts->put);
    (void)sqlite3_clear_bindings(facts->put);
    return status;
}

enum pn_status
store_facts_get(struct store_facts *facts, const char *key, void *out, size_t *size)
{
    if (!store_key_is_valid(key))
        return PN_ERANGE;
    if (facts->get == NULL)
        return PN_ENOENT;
    enum pn_status status;
    int            result = sqlite3_bind_text(facts->get, 1, key, -1, SQLITE_STATIC);
    if (result == SQLITE_OK)
        result = sqlite3_step(facts->get);
    if (result == SQLITE_ROW) {
        const void *bytes = sqlite3_column_blob(facts->get, 0);
        size_t      has   = (size_t)sqlite3_column_bytes(facts->get, 0);
        status            = has > *size ? PN_ERANGE : PN_OK;
        if (status == PN_OK && has > 0)
            memcpy(out, bytes, has);
        if (status == PN_OK)
            *size = has;
    } else {
        status = result == SQLITE_DONE ? PN_ENOENT : status_of(facts->database, result);
    }
    (void)sqlite3_reset(facts->get);
    return status;
}
