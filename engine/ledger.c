#include "engine/ledger.h"

#include <string.h>

enum pn_status
engine_record_read(struct engine_record *out, struct pn_buffer *room, const struct store_disk *disk,
                   uint64_t height)
{
    enum pn_status st = disk->record(disk->host, height, room);
    if (st != PN_OK)
        return st;
    if (room->size <= sizeof out->signature.bytes)
        return PN_ECORRUPT;
    memcpy(out->signature.bytes, room->bytes, sizeof out->signature.bytes);
    out->block.bytes = room->bytes + sizeof out->signature.bytes;
    out->block.size  = room->size - sizeof out->signature.bytes;
    return PN_OK;
}

enum pn_status
engine_record_block(struct wire_block *out, struct engine_record *record, struct pn_buffer *room,
                    struct wire_arena *arena, const struct store_disk *disk, uint64_t index)
{
    enum pn_status st = engine_record_read(record, room, disk, index);
    wire_arena_reset(arena);
    if (st == PN_OK &&
        wire_block_decode(out, arena, record->block.bytes, record->block.size) != PN_OK)
        st = PN_ECORRUPT;
    return st;
}

enum pn_status
engine_record_find(struct engine_record *out, struct pn_buffer *room, const struct store_disk *disk,
                   uint64_t height, struct engine_scratch *scratch)
{
    struct wire_block seen;
    uint64_t          low = 0, high = 0;
    enum pn_status    st = disk->record_count(disk->host, &high);
    if (high > height + 1)
        high = height + 1; /* record i is of height i or more */
    /* The last one first: where there is no gap, it is the one. */
    for (uint64_t at = high - 1; st == PN_OK && low < high; at = low + (high - low) / 2) {
        st = engine_record_block(&seen, out, room, &scratch->arena, disk, at);
        if (st != PN_OK || seen.height == height)
            return st;
        if (seen.height < height)
            low = at + 1;
        else
            high = at;
    }
    return st == PN_OK ? PN_ENOENT : st;
}

struct fed_job *
engine_ledger_job(const struct store_disk *disk, const struct sec_hash *job)
{
    struct pn_buffer text;
    struct fed_job  *read = NULL;
    struct pn_error  why;
    pn_buffer_init(&text, FED_JOB_TEXT_MAX);
    bool is_it =
        store_disk_load(&text, disk, "job.yaml") == PN_OK &&
        fed_job_parse(&read, "job.yaml", (const char *)text.bytes, text.size, &why) == PN_OK &&
        sec_hash_equal(&read->hash, job);
    pn_buffer_fini(&text);
    if (is_it)
        return read;
    fed_job_free(read);
    return NULL;
}

/* The disk's job.yaml is the job of this hash and lets nodes miss blocks (follow: cohort). */
static bool
is_sparse(const struct store_disk *disk, const struct sec_hash *job)
{
    struct fed_job *read   = engine_ledger_job(disk, job);
    bool            sparse = read != NULL && read->follow == FED_FOLLOW_COHORT;
    fed_job_free(read);
    return sparse;
}

struct walk {
    struct fed_chain        *chain;
    const struct store_disk *disk;
    struct wire_arena       *arena;
    struct pn_buffer         room;
    engine_ledger_fn        *take;
    void                    *context;
};

/* With a coordinator a run belongs to one epoch of the roster: said before anything else is, and as
 * what it is. */
static enum pn_status
check_epoch(const struct walk *walk, const struct engine_record *record, struct pn_error *why)
{
    const struct fed_roster *roster = walk->chain->roster;
    struct wire_block        block;
    wire_arena_reset(walk->arena);
    if (wire_block_decode(&block, walk->arena, record->block.bytes, record->block.size) != PN_OK ||
        (block.epoch == roster->epoch &&
         sec_equal(block.roster, roster->hash.bytes, sizeof block.roster)))
        return PN_OK; /* what is no block at all is told by fed_chain_take */
    return pn_error_set(
        why, PN_ESTATE,
        "the state directory holds a run of epoch %u of the roster, and the roster is "
        "of epoch %u now; a run keeps its roster: start a new run, with another "
        "label (panal-coordinator --run) and a new state directory at every party "
        "(--state)",
        block.epoch, roster->epoch);
}

static enum pn_status
walk_block(struct walk *walk, uint64_t height, struct pn_error *why)
{
    struct engine_record record;
    struct wire_block    block;
    struct sec_hash      hash;
    enum pn_status       st = engine_record_read(&record, &walk->room, walk->disk, height);
    if (st != PN_OK)
        return pn_error_set(
            why, st,
            "block %llu of the ledger in the state directory cannot be read: %s; put "
            "the directory back from a copy",
            (unsigned long long)height, pn_status_text(st));
    if (height == 0 && walk->chain->epochs == NULL &&
        (st = check_epoch(walk, &record, why)) != PN_OK)
        return st;
    wire_arena_reset(walk->arena);
    st = fed_chain_take(&block, walk->chain, walk->arena, record.block.bytes, record.block.size,
                        &record.signature, why);
    if (st != PN_OK)
        return pn_error_wrap(why, st, "the ledger in the state directory");
    fed_chain_note(walk->chain, record.block.bytes, record.block.size);
    if (height == 0)
        walk->chain->sparse = is_sparse(walk->disk, &walk->chain->job);
    if (walk->take == NULL)
        return PN_OK;
    fed_block_hash(&hash, record.block.bytes, record.block.size);
    st = walk->take(walk->context, &block, &hash);
    return st == PN_OK ? PN_OK
                       : pn_error_set(why, st, "block %llu: %s", (unsigned long long)height,
                                      pn_status_text(st));
}

enum pn_status
engine_ledger_walk(struct fed_chain *chain, const struct fed_roster *roster,
                   struct fed_epochs *epochs, const struct store_disk *disk,
                   struct engine_scratch *scratch, engine_ledger_fn *take, void *context,
                   struct pn_error *why)
{
    struct walk walk = {
        .chain = chain, .disk = disk, .arena = &scratch->arena, .take = take, .context = context};
    uint64_t count = 0;
    fed_chain_init(chain, roster, epochs);
    enum pn_status st = disk->record_count(disk->host, &count);
    if (st != PN_OK)
        return pn_error_set(why, st, "the ledger in the state directory cannot be read: %s",
                            pn_status_text(st));
    pn_buffer_init(&walk.room, ENGINE_RECORD_MAX);
    for (uint64_t i = 0; i < count && st == PN_OK; i++)
        st = walk_block(&walk, i, why);
    pn_buffer_fini(&walk.room);
    return st;
}
