#include "engine/roster.h"

#include "engine/ledger.h"
#include "store/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATH_SIZE  = 4096,
    ROSTER_MAX = 1u << 20
};

/* Adds the signature of one signer when its file is there; a missing one is simply not counted. */
static enum pn_status
load_signature(struct fed_roster_signature *out, struct pn_buffer *text, const char *path,
               const char *signer, struct pn_error *why)
{
    char name[PATH_SIZE];
    int  len = snprintf(name, sizeof name, "%s.%s.minisig", path, signer);
    if (len < 0 || (size_t)len >= sizeof name)
        return pn_error_set(why, PN_ECONFIG, "%s: this path is too long", path);
    enum pn_status st = store_file_load(text, name, why);
    if (st != PN_OK)
        return st;
    snprintf(out->name, sizeof out->name, "%s", signer);
    out->text = (const char *)text->bytes;
    out->size = text->size;
    return PN_OK;
}

enum pn_status
engine_roster_check(const struct fed_roster *by, const char *path, const struct pn_buffer *text,
                    struct pn_error *why)
{
    struct fed_roster_signature signatures[FED_SIGNATURES_MAX] = {{.size = 0}};
    struct pn_buffer            files[FED_SIGNATURES_MAX];
    size_t                      count = 0;
    enum pn_status              st    = PN_OK;

    for (uint32_t i = 0; i < by->member_count && count < FED_SIGNATURES_MAX; i++) {
        if (!by->members[i].signer)
            continue;
        struct pn_error reason;
        pn_buffer_init(&files[count], WIRE_MINISIGN_MAX);
        st = load_signature(&signatures[count], &files[count], path, by->members[i].name, &reason);
        if (st == PN_OK) {
            count++;
            continue;
        }
        pn_buffer_fini(&files[count]);
        if (st != PN_ENOENT) {
            *why = reason;
            break;
        }
        st = PN_OK; /* not signed, or not yet: the threshold decides */
    }
    if (st == PN_OK)
        st = fed_roster_check_signatures(by, (const char *)text->bytes, text->size, signatures,
                                         count, why);
    for (size_t i = 0; i < count; i++)
        pn_buffer_fini(&files[i]);
    return st == PN_OK ? PN_OK : pn_error_wrap(why, st, "%s", path);
}

enum pn_status
engine_roster_load(struct engine_roster_file *out, const char *path, struct pn_error *why)
{
    struct engine_roster_file file = {.roster = NULL};
    pn_buffer_init(&file.text, ROSTER_MAX);

    enum pn_status st = store_file_load(&file.text, path, why);
    if (st == PN_OK)
        st = fed_roster_parse(&file.roster, path, (const char *)file.text.bytes, file.text.size,
                              why);
    if (st == PN_OK)
        st = engine_roster_check(file.roster, path, &file.text, why);
    if (st != PN_OK) {
        engine_roster_fini(&file);
        return st;
    }
    *out = file;
    return PN_OK;
}

void
engine_roster_fini(struct engine_roster_file *file)
{
    fed_roster_free(file->roster);
    pn_buffer_fini(&file->text);
    file->roster = NULL;
}

/* ---- in a state directory ---- */

enum pn_status
engine_roster_remembered(struct engine_roster_file *out, const struct store_disk *disk,
                         struct pn_error *why)
{
    struct engine_roster_file file = {.roster = NULL};
    pn_buffer_init(&file.text, ROSTER_MAX);
    enum pn_status st = store_disk_load(&file.text, disk, "roster.yaml");
    if (st == PN_OK)
        st = fed_roster_parse(&file.roster, "roster.yaml", (const char *)file.text.bytes,
                              file.text.size, why);
    else
        pn_error_set(why, st,
                     "the roster accepted before cannot be read from the state directory: %s",
                     pn_status_text(st));
    if (st == PN_OK)
        *out = file;
    else
        engine_roster_fini(&file);
    return st;
}

/* ---- in a ledger ---- */

static enum pn_status
read_carried(struct engine_roster_file *out, const struct wire_roster *carried,
             struct pn_error *why)
{
    struct engine_roster_file file = {.roster = NULL};
    pn_buffer_init(&file.text, WIRE_ROSTER_MAX);
    enum pn_status st = pn_buffer_append(&file.text, carried->text.bytes, carried->text.size);
    if (st == PN_OK)
        st = fed_roster_parse(&file.roster, "the roster in the ledger",
                              (const char *)file.text.bytes, file.text.size, why);
    if (st == PN_OK)
        *out = file;
    else
        engine_roster_fini(&file);
    return st;
}

static enum pn_status
look_at_record(struct engine_roster_file *out, struct pn_buffer *room, struct wire_arena *arena,
               const struct store_disk *disk, uint64_t index, struct pn_error *why)
{
    struct engine_record record;
    struct wire_block    block;
    enum pn_status       st = engine_record_block(&block, &record, room, arena, disk, index);
    if (st != PN_OK)
        return pn_error_set(why, st, "block %llu of the ledger cannot be read: %s",
                            (unsigned long long)index, pn_status_text(st));
    return block.agreement == NULL || block.agreement->roster == NULL
               ? PN_ENOENT
               : read_carried(out, block.agreement->roster, why);
}

enum pn_status
engine_roster_of_ledger(struct engine_roster_file *out, const struct store_disk *disk,
                        struct pn_error *why)
{
    struct wire_arena arena;
    struct pn_buffer  room;
    uint64_t          count  = 0;
    void             *memory = aligned_alloc(16, WIRE_ARENA_SIZE);
    if (memory == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory to read the ledger");
    wire_arena_init(&arena, memory, WIRE_ARENA_SIZE);
    pn_buffer_init(&room, ENGINE_RECORD_MAX);
    enum pn_status st = disk->record_count(disk->host, &count);
    if (st != PN_OK)
        pn_error_set(why, st, "the ledger cannot be read: %s", pn_status_text(st));
    else
        st = PN_ENOENT;
    while (st == PN_ENOENT && count-- > 0)
        st = look_at_record(out, &room, &arena, disk, count, why);
    pn_buffer_fini(&room);
    free(memory);
    return st;
}

/* ---- as a block carries it ---- */

/* The signature of one signer, where it is not there yet. */
static enum pn_status
add_signature(struct engine_roster_signed *out, const char *path, const char *signer,
              struct pn_error *why)
{
    struct wire_roster         *wire = &out->wire;
    struct fed_roster_signature found;
    for (size_t i = 0; i < wire->signature_count; i++)
        if (strcmp(wire->signatures[i].signer, signer) == 0)
            return PN_OK;
    if (wire->signature_count == FED_SIGNATURES_MAX)
        return PN_OK; /* the thresholds decide */
    struct pn_buffer *text = &out->texts[wire->signature_count];
    pn_buffer_init(text, WIRE_MINISIGN_MAX);
    enum pn_status st = load_signature(&found, text, path, signer, why);
    if (st == PN_OK && text->size == 0)
        st = PN_ENOENT; /* an empty file signs nothing */
    if (st == PN_OK)
        wire->signatures[wire->signature_count++] =
            (struct wire_roster_signature){signer, {text->bytes, text->size}};
    else
        pn_buffer_fini(text);
    return st == PN_ENOENT ? PN_OK : st;
}

static enum pn_status
add_signatures(struct engine_roster_signed *out, const char *path, const struct fed_roster *of,
               struct pn_error *why)
{
    enum pn_status st = PN_OK;
    for (uint32_t i = 0; st == PN_OK && i < of->member_count; i++)
        if (of->members[i].signer)
            st = add_signature(out, path, of->members[i].name, why);
    return st;
}

enum pn_status
engine_roster_load_signed(struct engine_roster_signed *out, const char *path,
                          const struct fed_roster *before, struct pn_error *why)
{
    *out              = (struct engine_roster_signed){.wire = {.signature_count = 0}};
    enum pn_status st = engine_roster_load(&out->file, path, why);
    if (st != PN_OK)
        return st;
    out->wire.text       = (struct wire_span){out->file.text.bytes, out->file.text.size};
    out->wire.signatures = out->signatures;
    st                   = add_signatures(out, path, out->file.roster, why);
    if (st == PN_OK)
        st = add_signatures(out, path, before, why);
    if (st != PN_OK)
        engine_roster_signed_fini(out);
    return st;
}

void
engine_roster_signed_fini(struct engine_roster_signed *signed_roster)
{
    for (size_t i = 0; i < signed_roster->wire.signature_count; i++)
        pn_buffer_fini(&signed_roster->texts[i]);
    signed_roster->wire.signature_count = 0;
    engine_roster_fini(&signed_roster->file);
}
