#include "engine/extract.h"

#include "engine/ledger.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    /* Of records in one proof: base64 makes 4 bytes of 3, and the rest takes less than 32 KiB. */
    RECORDS_MAX = (FED_PROOF_MAX - 32768) / 4 * 3
};

/* What lies in the directory, as it is needed here. */
struct source {
    const struct store_disk   *disk;
    const struct engine_proof *proved;
    struct pn_buffer           room;
    struct engine_scratch      scratch;
    struct sec_hash           *leaves; /* of all blocks */
    struct pn_error           *why;
};

static enum pn_status
fail_read(enum pn_status st, uint64_t index, struct pn_error *why)
{
    return pn_error_set(why, st, "block %" PRIu64 ": the ledger cannot be read here: %s", index,
                        pn_status_text(st));
}

static enum pn_status
read_leaves(struct source *in, uint64_t count)
{
    struct engine_record record;
    size_t               size;
    if (!pn_size_mul(&size, (size_t)count, sizeof *in->leaves) ||
        (in->leaves = malloc(size == 0 ? 1 : size)) == NULL)
        return pn_error_set(in->why, PN_ENOMEM, "no memory for the log of %" PRIu64 " blocks",
                            count);
    for (uint64_t i = 0; i < count; i++) {
        enum pn_status st = engine_record_read(&record, &in->room, in->disk, i);
        if (st != PN_OK)
            return fail_read(st, i, in->why);
        sec_log_leaf(&in->leaves[i], record.block.bytes, record.block.size);
    }
    return PN_OK;
}

static enum pn_status
open_source(struct source *in, const struct store_disk *disk, const struct engine_proof *proved,
            uint64_t count, struct pn_error *why)
{
    *in = (struct source){.disk = disk, .proved = proved, .why = why};
    pn_buffer_init(&in->room, ENGINE_RECORD_MAX);
    if (engine_scratch_init(&in->scratch) != PN_OK)
        return pn_error_set(why, PN_ENOMEM, "no memory to read the ledger");
    return read_leaves(in, count);
}

static void
close_source(struct source *in)
{
    pn_buffer_fini(&in->room);
    engine_scratch_fini(&in->scratch);
    free(in->leaves);
}

static struct sec_log
log_over(const struct source *in, uint64_t count)
{
    struct sec_log log;
    sec_log_init(&log);
    for (uint64_t i = 0; i < count; i++)
        sec_log_append_leaf(&log, &in->leaves[i]);
    return log;
}

/* PN_ERANGE when it would not fit into a proof any more. */
static enum pn_status
add_record(struct fed_stretch *out, struct source *in, uint64_t index)
{
    enum pn_status st = in->disk->record(in->disk->host, index, &in->room);
    if (st != PN_OK)
        return fail_read(st, index, in->why);
    if (out->count > 0 && out->records.size + in->room.size > RECORDS_MAX)
        return PN_ERANGE;
    return fed_stretch_add(out, in->room.bytes, in->room.size);
}

/* A block of a swarm, decoded in the scratch. */
static enum pn_status
read_block(struct wire_block *out, struct source *in, uint64_t height)
{
    struct engine_record record;
    enum pn_status       st =
        engine_record_block(out, &record, &in->room, &in->scratch.arena, in->disk, height);
    return st == PN_OK ? PN_OK : fail_read(st, height, in->why);
}

/* The last block of the epoch that `height` is of. */
static enum pn_status
find_head(struct fed_proof *out, struct source *in, uint64_t height)
{
    struct wire_block block;
    uint32_t          epoch;
    enum pn_status    st = read_block(&block, in, height);
    epoch                = st == PN_OK ? block.epoch : 0;
    out->votes           = in->proved->votes;
    out->head.height     = in->proved->blocks - 1;
    for (uint64_t i = height + 1; st == PN_OK && i < in->proved->blocks; i++) {
        st = read_block(&block, in, i);
        if (st != PN_OK || block.epoch == epoch)
            continue;
        if (!fed_certificate_of(&out->votes, &block))
            return fail_read(PN_ECORRUPT, i, in->why);
        out->head.height = i - 1;
        break;
    }
    return st;
}

static enum pn_status
add_head(struct fed_proof *out, struct source *in, uint64_t height)
{
    enum pn_status st = find_head(out, in, height);
    if (st != PN_OK)
        return st;
    out->head.log = log_over(in, out->head.height);
    return add_record(&out->head, in, out->head.height);
}

enum pn_status
engine_extract_checkpoint(struct fed_checkpoint *out, const struct store_disk *disk, uint64_t size,
                          struct pn_error *why)
{
    struct engine_record record;
    struct pn_buffer     room;
    struct sec_log       log;
    enum pn_status       st = PN_OK;
    sec_log_init(&log);
    pn_buffer_init(&room, ENGINE_RECORD_MAX);
    while (st == PN_OK && log.size < size) {
        st = engine_record_read(&record, &room, disk, log.size);
        if (st == PN_OK)
            sec_log_append(&log, record.block.bytes, record.block.size);
        else
            (void)fail_read(st, log.size, why);
    }
    pn_buffer_fini(&room);
    if (st == PN_OK) {
        out->size = size;
        sec_log_root(&out->root, &log);
    }
    return st;
}

static enum pn_status
extract_swarm_block(struct fed_proof *out, struct source *in, uint64_t height)
{
    out->block.height = height;
    out->block.log    = log_over(in, height);
    enum pn_status st = add_record(&out->block, in, height);
    if (st == PN_OK)
        st = add_head(out, in, height);
    if (st == PN_OK)
        sec_log_prove_inclusion(&out->path, height, in->leaves, out->head.height + 1);
    return st;
}

/* It, and the block after it, where this copy has that. */
static enum pn_status
extract_signed_block(struct fed_proof *out, struct source *in, uint64_t height)
{
    struct engine_record record;
    enum pn_status       st = PN_OK;
    out->block.height       = height;
    for (uint64_t i = height; i <= height + 1 && st == PN_OK; i++) {
        st = engine_record_find(&record, &in->room, in->disk, i, &in->scratch);
        if (st == PN_OK)
            st = fed_stretch_add(&out->block, in->room.bytes, in->room.size);
    }
    return st == PN_ENOENT && out->block.count > 0 ? PN_OK : st;
}

enum pn_status
engine_extract_block(struct fed_proof *out, const struct store_disk *disk,
                     const struct engine_proof *proved, uint64_t height, struct pn_error *why)
{
    struct source  in;
    bool           swarm = proved->votes.count > 0;
    enum pn_status st    = open_source(&in, disk, proved, swarm ? proved->blocks : 0, why);
    if (st == PN_OK)
        st = height >= proved->blocks + proved->gaps ? PN_ENOENT
             : swarm                                 ? extract_swarm_block(out, &in, height)
                                                     : extract_signed_block(out, &in, height);
    close_source(&in);
    if (st == PN_ENOENT)
        return pn_error_set(why, st, "there is no block %" PRIu64 " among the %" PRIu64 " here",
                            height, proved->blocks);
    return st == PN_ERANGE ? pn_error_set(why, st, "its blocks are too large for a proof") : st;
}

static enum pn_status
extract_signed_growth(struct fed_proof *out, struct source *in)
{
    enum pn_status st = PN_OK;
    out->head.height  = out->since.size - 1;
    out->head.log     = log_over(in, out->head.height);
    for (uint64_t i = out->head.height; i < in->proved->blocks && st == PN_OK; i++)
        st = add_record(&out->head, in, i);
    /* One more block than the checkpoint's own is a step; no step is none. */
    return st == PN_ERANGE && out->head.count > 1 ? PN_OK : st;
}

enum pn_status
engine_extract_growth(struct fed_proof *out, const struct store_disk *disk,
                      const struct engine_proof *proved, uint64_t size, struct pn_error *why)
{
    struct source in;
    if (size > proved->blocks)
        return pn_error_set(why, PN_ENOENT,
                            "the ledger has %" PRIu64 " blocks here, so it is not one that had "
                            "%" PRIu64 ": it is another one, or its end was cut off",
                            proved->blocks, size);
    if (proved->gaps > 0)
        return pn_error_set(why, PN_ESTATE,
                            "this copy has gaps: only one with every block proves that it grew");
    enum pn_status st = open_source(&in, disk, proved, proved->blocks, why);
    if (st == PN_OK) {
        struct sec_log before = log_over(&in, size);
        out->since.size       = size;
        sec_log_root(&out->since.root, &before);
    }
    if (st == PN_OK && proved->votes.count > 0) {
        sec_log_prove_consistency(&out->path, size, in.leaves, proved->blocks);
        st = add_head(out, &in, proved->blocks - 1);
    } else if (st == PN_OK) {
        st = extract_signed_growth(out, &in);
    }
    close_source(&in);
    return st == PN_ERANGE ? pn_error_set(why, st, "its blocks are too large for a proof") : st;
}
