#include "sim/export.h"

#include "crypto/suite.h"
#include "engine/blob.h"
#include "engine/proof.h"
#include "engine/summit.h"
#include "proto/message.h"
#include "store/files.h"
#include "store/log.h"

#include <stdio.h>
#include <stdlib.h>

struct copy {
    const struct store_disk *from, *to;
    enum pn_status           st;
};

static bool
copy_file(void *context, const char *name)
{
    struct copy *copy = context;
    uint64_t     size = 0;
    uint8_t     *bytes;
    copy->st = copy->from->size(copy->from->host, name, &size);
    if (copy->st != PN_OK)
        return false;
    if ((bytes = malloc((size_t)size + 1)) == NULL) {
        copy->st = PN_ENOMEM;
        return false;
    }
    copy->st = copy->from->read(copy->from->host, name, bytes, 0, (size_t)size);
    if (copy->st == PN_OK)
        copy->st = copy->to->save(copy->to->host, name, bytes, size);
    free(bytes);
    return copy->st == PN_OK;
}

static enum pn_status
copy_folders(const struct store_disk *to, const struct store_disk *from)
{
    static const char *const folders[] = {"models", "updates", "scaling", "reports"};
    struct copy              copy      = {.from = from, .to = to};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] && copy.st == PN_OK; i++) {
        enum pn_status st = from->list(from->host, folders[i], copy_file, &copy);
        if (copy.st == PN_OK)
            copy.st = st;
    }
    return copy.st;
}

/* Those beside the ledger; only a swarm has the last three. */
static enum pn_status
copy_files(const struct store_disk *to, const struct store_disk *from)
{
    const char *const names[] = {"job.yaml", engine_summit_votes_name(0),
                                 engine_summit_votes_name(1), "summit"};
    struct copy       copy    = {.from = from, .to = to};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!copy_file(&copy, names[i]) && (i == 0 || copy.st != PN_ENOENT))
            return copy.st;
    return PN_OK;
}

static enum pn_status
copy_ledger(const struct store_disk *to, const struct store_disk *from)
{
    struct pn_buffer record;
    uint64_t         count = 0;
    pn_buffer_init(&record, STORE_RECORD_MAX);
    enum pn_status st = from->record_count(from->host, &count);
    for (uint64_t i = 0; i < count && st == PN_OK; i++) {
        st = from->record(from->host, i, &record);
        if (st == PN_OK)
            st = to->append(to->host, record.bytes, record.size);
    }
    pn_buffer_fini(&record);
    return st;
}

static enum pn_status
save_roster(const struct store_disk *to, const struct sim_federation *federation)
{
    char           name[STORE_NAME_MAX + 1];
    enum pn_status st =
        to->save(to->host, "federation.yaml", federation->text.bytes, federation->text.size);
    if (st == PN_OK) /* as a daemon's copy of it, for `panal model` */
        st = to->save(to->host, "roster.yaml", federation->text.bytes, federation->text.size);
    if (st != PN_OK)
        return st;
    snprintf(name, sizeof name, "federation.yaml.%s.minisig", federation->signer.signer);
    return to->save(to->host, name, federation->signature.bytes, federation->signature.size);
}

static enum pn_status
export_to(const char *directory, const struct store_disk *disk,
          const struct sim_federation *federation, struct pn_error *why)
{
    struct store_files *files;
    struct store_disk   to;
    uint64_t            count = 0;
    enum pn_status      st    = store_folder_make(directory, why);
    if (st == PN_OK)
        st = store_files_open(&files, &to, directory, STORE_WRITE, why);
    if (st != PN_OK)
        return st;
    st = to.record_count(to.host, &count);
    if (st == PN_OK && count > 0)
        st = pn_error_set(why, PN_EEXIST, "%s holds a ledger already; choose another folder",
                          directory);
    else if (st != PN_OK || (st = copy_folders(&to, disk)) != PN_OK ||
             (st = copy_files(&to, disk)) != PN_OK || (st = copy_ledger(&to, disk)) != PN_OK ||
             (st = save_roster(&to, federation)) != PN_OK)
        pn_error_set(why, st, "%s: the run cannot be written here: %s", directory,
                     pn_status_text(st));
    store_files_close(files);
    return st;
}

/* Files are files, whatever was simulated: the checksums of the log are those of any directory. */
enum pn_status
sim_export(const char *directory, const struct store_disk *disk,
           const struct sim_federation *federation, struct pn_error *why)
{
    const struct sec_suite *suite = sec_suite();
    sec_suite_use(&sec_suite_real);
    enum pn_status st = export_to(directory, disk, federation, why);
    sec_suite_use(suite);
    return st;
}

enum pn_status
sim_export_root(struct sec_blob *out, const struct store_disk *disk, const struct sec_blob *model)
{
    const struct sec_suite *suite = sec_suite();
    struct pn_error         why;
    uint8_t                *bytes;
    enum pn_status          st = engine_blob_load(&bytes, disk, "models", model, &why);
    if (st != PN_OK)
        return st;
    sec_suite_use(&sec_suite_real);
    sec_merkle_of(out, NULL, bytes, model->size);
    sec_suite_use(suite);
    free(bytes);
    return PN_OK;
}
