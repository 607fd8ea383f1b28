/*
 * A ledger segment made of the input: reading and writing agree on what it holds, appending works
 * after a repair, and nothing crashes.
 */
#include "crypto/hash.h"
#include "store/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static char folder[64], segment[96];

static void
clean_up(void)
{
    (void)unlink(segment);
    (void)rmdir(folder);
}

static void
prepare(void)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    PN_ASSERT(sec_init() == PN_OK);
    (void)snprintf(folder, sizeof folder, "%s/panal-fuzz-XXXXXX", base);
    PN_ASSERT(mkdtemp(folder) != NULL);
    (void)snprintf(segment, sizeof segment, "%s/000000000000.seg", folder);
    PN_ASSERT(atexit(clean_up) == 0);
}

static uint64_t
read_all(struct store_log *log)
{
    struct pn_buffer record;
    pn_buffer_init(&record, STORE_RECORD_MAX);
    for (uint64_t i = 0; i < store_log_count(log); i++)
        PN_ASSERT(store_log_read(log, i, &record) == PN_OK);
    PN_ASSERT(store_log_read(log, store_log_count(log), &record) == PN_ENOENT);
    pn_buffer_fini(&record);
    return store_log_count(log);
}

static enum pn_status
open_and_read(uint64_t *count, bool write, bool append)
{
    struct store_log *log;
    struct pn_error   why    = {""};
    enum pn_status    status = store_log_open(&log, folder, write, &why);
    if (status != PN_OK) {
        PN_ASSERT(status == PN_ECORRUPT && why.text[0] != '\0');
        return status;
    }
    if (append)
        PN_ASSERT(store_log_append(log, "appended", 8) == PN_OK);
    *count = read_all(log);
    store_log_close(log);
    return PN_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint64_t seen = 0, after = 0;
    if (folder[0] == '\0')
        prepare();
    int fd = open(segment, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    PN_ASSERT(fd >= 0 && write(fd, bytes, size) == (ssize_t)size && close(fd) == 0);
    enum pn_status status = open_and_read(&seen, false, false);
    PN_ASSERT(open_and_read(&after, true, true) == status);
    if (status == PN_OK) {
        PN_ASSERT(after == seen + 1);
        PN_ASSERT(open_and_read(&seen, false, false) == PN_OK && seen == after);
    }
    return 0;
}
