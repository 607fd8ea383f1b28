/*
 * tests/e2e/store_writer -- writes to a store and says so, or checks that what was said is true.
 *
 *     store_writer write DIR STEPS    one line on stdout per acknowledged write: "put 3" ...
 *     store_writer check DIR          reads such lines of all earlier runs from stdin
 *
 * Step i puts, saves, publishes and appends values made from i; a later run goes on after the last
 * record. store_kill.sh kills and disturbs it at every system call. Exit 0 done, 1 a write was
 * refused (which is honest), 2 the store could not be opened or lies.
 */
#include "crypto/hash.h"
#include "store/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BLOB = 5000
};

static struct store_disk disk;

static int
wrong(const char *what, uint64_t i)
{
    fprintf(stderr, "store_writer: %s (%llu)\n", what, (unsigned long long)i);
    return 2;
}

static void
fill(uint8_t out[static BLOB], uint64_t i)
{
    for (size_t k = 0; k < BLOB; k++)
        out[k] = (uint8_t)(i * 7 + k);
}

/* One write(2) per line: a kill cannot lose a line that was meant to be out. */
static bool
say(const char *what, uint64_t i)
{
    char line[64];
    int  len = snprintf(line, sizeof line, "%s %llu\n", what, (unsigned long long)i);
    return write(STDOUT_FILENO, line, (size_t)len) == len;
}

static enum pn_status
publish(const uint8_t *blob, uint64_t i)
{
    char name[64];
    (void)snprintf(name, sizeof name, "models/%llu", (unsigned long long)i);
    enum pn_status status = disk.stage(disk.host, name, BLOB);
    if (status == PN_OK)
        status = disk.stage_write(disk.host, name, 0, blob, BLOB);
    return status == PN_OK ? disk.publish(disk.host, name) : status;
}

static int
write_step(uint64_t i)
{
    uint8_t blob[BLOB], number[8];
    fill(blob, i);
    pn_put_u64(number, i);
    if (disk.put(disk.host, "counter", number, 8) != PN_OK || !say("put", i))
        return 1;
    if (disk.save(disk.host, "job.yaml", blob, BLOB) != PN_OK || !say("save", i))
        return 1;
    if (publish(blob, i) != PN_OK || !say("publish", i))
        return 1;
    if (disk.append(disk.host, blob, BLOB) != PN_OK || !say("append", i))
        return 1;
    return 0;
}

static int
write_all(uint64_t steps)
{
    uint64_t first = 0;
    if (disk.record_count(disk.host, &first) != PN_OK)
        return 2;
    for (uint64_t i = first; i < first + steps; i++)
        if (write_step(i) != 0)
            return 1;
    return 0;
}

/* What was acknowledged, as the number after the last one of each kind. */
struct said {
    uint64_t put, save, publish, append;
};

static bool
listen_to(struct said *said)
{
    char               word[16];
    unsigned long long i;
    while (scanf("%15s %llu", word, &i) == 2) {
        uint64_t *of = strcmp(word, "put") == 0       ? &said->put
                       : strcmp(word, "save") == 0    ? &said->save
                       : strcmp(word, "publish") == 0 ? &said->publish
                       : strcmp(word, "append") == 0  ? &said->append
                                                      : NULL;
        if (of == NULL)
            return false;
        if (i + 1 > *of)
            *of = i + 1;
    }
    return feof(stdin) != 0;
}

/* The blob `name` is whole and was made from a number of at least `least`. */
static bool
blob_is_whole(const char *name, uint64_t least, uint64_t most)
{
    uint8_t  seen[BLOB], expected[BLOB];
    uint64_t size = 0;
    if (disk.size(disk.host, name, &size) != PN_OK || size != BLOB ||
        disk.read(disk.host, name, seen, 0, BLOB) != PN_OK)
        return false;
    for (uint64_t i = least; i <= most; i++) {
        fill(expected, i);
        if (memcmp(seen, expected, BLOB) == 0)
            return true;
    }
    return false;
}

static bool
model_is_whole(void *context, const char *name)
{
    bool    *good = context;
    uint64_t i    = strtoull(name + strlen("models/"), NULL, 10);
    *good         = blob_is_whole(name, i, i);
    return *good;
}

static int
check_records(uint64_t count)
{
    uint8_t          expected[BLOB];
    struct pn_buffer record;
    int              result = 0;
    pn_buffer_init(&record, BLOB);
    for (uint64_t i = 0; i < count && result == 0; i++) {
        fill(expected, i);
        if (disk.record(disk.host, i, &record) != PN_OK || record.size != BLOB ||
            memcmp(record.bytes, expected, BLOB) != 0)
            result = wrong("a record is not what was appended", i);
    }
    pn_buffer_fini(&record);
    return result;
}

static int
check_all(const struct said *said)
{
    uint8_t  number[8];
    size_t   size  = sizeof number;
    uint64_t count = 0;
    bool     good  = true;
    if (disk.record_count(disk.host, &count) != PN_OK || count < said->append)
        return wrong("an acknowledged record is missing", said->append);
    if (count > said->append + 1)
        return wrong("there are more records than were written", count);
    if (check_records(count) != 0)
        return 2;
    if (said->put > 0 && (disk.get(disk.host, "counter", number, &size) != PN_OK || size != 8 ||
                          pn_get_u64(number) + 1 < said->put))
        return wrong("an acknowledged fact is missing", said->put);
    if (said->save > 0 && !blob_is_whole("job.yaml", said->save - 1, said->save))
        return wrong("an acknowledged file is missing or torn", said->save);
    for (uint64_t i = 0; i < said->publish; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "models/%llu", (unsigned long long)i);
        if (!blob_is_whole(name, i, i))
            return wrong("an acknowledged model is missing or torn", i);
    }
    if (disk.list(disk.host, "models", model_is_whole, &good) != PN_OK || !good)
        return wrong("a model is there but torn", said->publish);
    return 0;
}

int
main(int argc, char **argv)
{
    struct store_files *files = NULL;
    struct pn_error     why   = {""};
    struct said         said  = {0};
    bool                check = argc == 3 && strcmp(argv[1], "check") == 0;
    if (!check && (argc != 4 || strcmp(argv[1], "write") != 0)) {
        fprintf(stderr, "usage: store_writer write DIR STEPS | check DIR < LINES\n");
        return 2;
    }
    if (sec_init() != PN_OK || (check && !listen_to(&said)))
        return wrong("cannot begin", 0);
    enum pn_status status = store_files_open(&files, &disk, argv[2], STORE_WRITE, &why);
    if (status != PN_OK) {
        fprintf(stderr, "store_writer: %s: %s\n", pn_status_text(status), why.text);
        /* A disturbed start may be refused; a quiet one must work. */
        return check ? 2 : 1;
    }
    int result = check ? check_all(&said) : write_all(strtoull(argv[3], NULL, 10));
    store_files_close(files);
    return result;
}
