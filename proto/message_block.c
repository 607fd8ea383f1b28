/* The ledger's entry. */
#include "proto/swarm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- rules ---- */

static bool
entries_are_valid(const struct wire_block *block)
{
    if (block->entry_count > WIRE_MEMBERS_MAX)
        return false;
    for (size_t i = 0; i < block->entry_count; i++) {
        const struct wire_entry *entry = &block->entries[i];
        if (i > 0 && entry->member <= block->entries[i - 1].member)
            return false;
        if (entry->weight < 1 || !wire_blob_is_valid(&entry->update) || !isfinite(entry->norm) ||
            entry->norm < 0)
            return false;
    }
    return true;
}

static bool
absent_are_valid(const struct wire_block *block)
{
    if (block->absent_count > WIRE_MEMBERS_MAX)
        return false;
    size_t at = 0; /* in the entries, which are sorted, too: nobody is in both lists */
    for (size_t i = 0; i < block->absent_count; i++) {
        const struct wire_absent *absent = &block->absent[i];
        if (i > 0 && absent->member <= block->absent[i - 1].member)
            return false;
        if (absent->reason < WIRE_ABSENT_SILENT || absent->reason > WIRE_ABSENT_INVALID)
            return false;
        while (at < block->entry_count && block->entries[at].member < absent->member)
            at++;
        if (at < block->entry_count && block->entries[at].member == absent->member)
            return false;
    }
    return true;
}

static bool
metrics_are_valid(const struct wire_block *block)
{
    if (block->metric_count > WIRE_METRICS_MAX)
        return false;
    for (size_t i = 0; i < block->metric_count; i++) {
        if (!wire_name_is_valid(block->metrics[i].name) || !isfinite(block->metrics[i].value))
            return false;
        for (size_t k = 0; k < i; k++)
            if (strcmp(block->metrics[i].name, block->metrics[k].name) == 0)
                return false;
    }
    return true;
}

static bool
witnesses_are_valid(const struct wire_block *block)
{
    for (size_t i = 1; i < block->witness_count; i++)
        if (block->witnesses[i].member <= block->witnesses[i - 1].member)
            return false;
    return block->witness_count <= WIRE_MEMBERS_MAX;
}

static bool
genesis_is_valid(const struct wire_block *block)
{
    return block->height == 0 && block->round == 0 &&
           wire_is_zero(block->previous, sizeof block->previous) &&
           wire_blob_is_none(&block->model_in) && wire_blob_is_valid(&block->model_out) &&
           block->entry_count == 0 && block->absent_count == 0 && block->metric_count == 0 &&
           block->witness_count == 0;
}

static bool
follows_another(const struct wire_block *block)
{
    return block->height >= 1 && !wire_is_zero(block->previous, sizeof block->previous) &&
           wire_blob_is_valid(&block->model_in) && wire_blob_is_valid(&block->model_out);
}

static bool
round_is_valid(const struct wire_block *block)
{
    return follows_another(block) && block->round >= 1 && block->attempt >= 1 &&
           block->entry_count >= 1;
}

static bool
finish_is_valid(const struct wire_block *block)
{
    return follows_another(block) && block->entry_count == 0 && block->absent_count == 0 &&
           block->model_in.size == block->model_out.size &&
           memcmp(block->model_in.root, block->model_out.root, sizeof block->model_in.root) == 0;
}

static bool
kind_is_valid(const struct wire_block *block)
{
    switch (block->kind) {
    case WIRE_BLOCK_GENESIS:
        return genesis_is_valid(block) && block->note[0] == 0;
    case WIRE_BLOCK_ROUND:
        return round_is_valid(block) && block->note[0] == 0;
    case WIRE_BLOCK_FINISH:
        return finish_is_valid(block) && wire_text_is_valid(block->note);
    }
    return false; /* a peer can send any number */
}

static bool
block_is_valid(const struct wire_block *block)
{
    return (wire_blob_is_valid(&block->scaling) || wire_blob_is_none(&block->scaling)) &&
           entries_are_valid(block) && absent_are_valid(block) && metrics_are_valid(block) &&
           witnesses_are_valid(block) && kind_is_valid(block) &&
           (block->agreement == NULL || wire_agreement_is_valid(block->agreement, block->kind));
}

/* ---- encode ---- */

struct parts { /* protobuf-c's structs while a block is packed; all in one arena */
    struct wire_arena arena;
    Panal__Blob       model_in, model_out, scaling;
};

/* Bytes that the four lists take in the arena, rounding included. */
static size_t
parts_size(const struct wire_block *block)
{
    enum {
        ROUNDING = 16
    };
    size_t entry   = sizeof(Panal__Entry) + sizeof(Panal__Blob) + sizeof(void *) + 2 * ROUNDING;
    size_t absent  = sizeof(Panal__Absent) + sizeof(void *) + ROUNDING;
    size_t metric  = sizeof(Panal__Metric) + sizeof(void *) + ROUNDING;
    size_t witness = sizeof(Panal__Witness) + sizeof(void *) + ROUNDING;
    size_t agreement =
        block->agreement == NULL ? 0 : sizeof(struct wire_agreement_parts) + ROUNDING;
    return block->entry_count * entry + block->absent_count * absent +
           block->metric_count * metric + block->witness_count * witness + agreement + 8 * ROUNDING;
}

/* SAFE: parts_size counted everything that is taken. */
static void *
take(struct parts *parts, size_t size)
{
    void *taken = wire_arena_take(&parts->arena, size);
    PN_ASSERT(taken != NULL);
    return taken;
}

static void
put_entries(Panal__Block *pb, const struct wire_block *block, struct parts *parts)
{
    pb->n_entries = block->entry_count;
    pb->entries   = take(parts, block->entry_count * sizeof *pb->entries);
    for (size_t i = 0; i < block->entry_count; i++) {
        const struct wire_entry *entry = &block->entries[i];
        Panal__Entry            *to = pb->entries[i] = take(parts, sizeof *to);
        panal__entry__init(to);
        to->member = entry->member;
        to->weight = entry->weight;
        to->update = take(parts, sizeof *to->update);
        wire_put_blob(to->update, &entry->update);
        to->norm      = entry->norm;
        to->signature = wire_put_bytes(entry->signature, sizeof entry->signature);
    }
}

static void
put_absent(Panal__Block *pb, const struct wire_block *block, struct parts *parts)
{
    pb->n_absent = block->absent_count;
    pb->absent   = take(parts, block->absent_count * sizeof *pb->absent);
    for (size_t i = 0; i < block->absent_count; i++) {
        Panal__Absent *to = pb->absent[i] = take(parts, sizeof *to);
        panal__absent__init(to);
        to->member = block->absent[i].member;
        to->reason = (Panal__Absence)block->absent[i].reason;
    }
}

static void
put_metrics(Panal__Block *pb, const struct wire_block *block, struct parts *parts)
{
    pb->n_metrics = block->metric_count;
    pb->metrics   = take(parts, block->metric_count * sizeof *pb->metrics);
    for (size_t i = 0; i < block->metric_count; i++) {
        Panal__Metric *to = pb->metrics[i] = take(parts, sizeof *to);
        panal__metric__init(to);
        to->name    = wire_put_text(block->metrics[i].name);
        to->value   = block->metrics[i].value;
        to->records = block->metrics[i].records;
    }
}

void
wire_witness_put(Panal__Witness *pb, const struct wire_witness *witness)
{
    panal__witness__init(pb);
    pb->member    = witness->member;
    pb->signature = wire_put_bytes(witness->signature, sizeof witness->signature);
}

bool
wire_witness_get(struct wire_witness *witness, const Panal__Witness *pb)
{
    witness->member = pb->member;
    return wire_get_bytes(witness->signature, sizeof witness->signature, &pb->signature);
}

static void
put_witnesses(Panal__Block *pb, const struct wire_block *block, struct parts *parts)
{
    pb->n_witnesses = block->witness_count;
    pb->witnesses   = take(parts, block->witness_count * sizeof *pb->witnesses);
    for (size_t i = 0; i < block->witness_count; i++) {
        const struct wire_witness *witness = &block->witnesses[i];
        wire_witness_put(pb->witnesses[i] = take(parts, sizeof *pb->witnesses[i]), witness);
    }
}

static void
put_agreement(Panal__Block *pb, const struct wire_block *block, struct parts *parts)
{
    if (block->agreement == NULL)
        return;
    struct wire_agreement_parts *own = take(parts, sizeof *own);
    wire_agreement_put(own, block->agreement);
    own->list[0]    = &own->pb;
    pb->agreement   = own->list;
    pb->n_agreement = 1;
}

static void
put_fields(Panal__Block *pb, const struct wire_block *block, struct parts *parts)
{
    pb->kind     = (Panal__BlockKind)block->kind;
    pb->run      = wire_put_bytes(block->run, sizeof block->run);
    pb->height   = block->height;
    pb->previous = wire_put_bytes(block->previous, sizeof block->previous);
    pb->roster   = wire_put_bytes(block->roster, sizeof block->roster);
    pb->job      = wire_put_bytes(block->job, sizeof block->job);
    pb->epoch    = block->epoch;
    pb->proposer = block->proposer;
    pb->attempt  = block->attempt;
    pb->round    = block->round;
    pb->time_ms  = block->time_ms;
    wire_put_blob(pb->model_in = &parts->model_in, &block->model_in);
    wire_put_blob(pb->model_out = &parts->model_out, &block->model_out);
    wire_put_blob(pb->scaling = &parts->scaling, &block->scaling);
    pb->note = wire_put_text(block->note);
}

enum pn_status
wire_block_encode(struct pn_buffer *out, const struct wire_block *message)
{
    if (!block_is_valid(message))
        return PN_ERANGE;
    size_t size   = parts_size(message);
    void  *memory = malloc(size);
    if (memory == NULL)
        return PN_ENOMEM;

    struct parts parts;
    Panal__Block pb = PANAL__BLOCK__INIT;
    wire_arena_init(&parts.arena, memory, size);
    put_fields(&pb, message, &parts);
    put_entries(&pb, message, &parts);
    put_absent(&pb, message, &parts);
    put_metrics(&pb, message, &parts);
    put_witnesses(&pb, message, &parts);
    put_agreement(&pb, message, &parts);
    enum pn_status st = wire_pack(out, &pb.base);
    free(memory);
    return st;
}

/* ---- decode ---- */

static bool
get_fields(struct wire_block *block, const Panal__Block *pb)
{
    block->kind     = (enum wire_block_kind)pb->kind;
    block->height   = pb->height;
    block->epoch    = pb->epoch;
    block->proposer = pb->proposer;
    block->attempt  = pb->attempt;
    block->round    = pb->round;
    block->time_ms  = pb->time_ms;
    block->note     = pb->note;
    return wire_get_bytes(block->run, sizeof block->run, &pb->run) &&
           wire_get_bytes(block->previous, sizeof block->previous, &pb->previous) &&
           wire_get_bytes(block->roster, sizeof block->roster, &pb->roster) &&
           wire_get_bytes(block->job, sizeof block->job, &pb->job) &&
           wire_get_blob(&block->model_in, pb->model_in) &&
           wire_get_blob(&block->model_out, pb->model_out) &&
           wire_get_blob(&block->scaling, pb->scaling);
}

static bool
take_lists(struct wire_block *block, struct wire_arena *arena, const Panal__Block *pb)
{
    block->entry_count   = pb->n_entries;
    block->absent_count  = pb->n_absent;
    block->metric_count  = pb->n_metrics;
    block->witness_count = pb->n_witnesses;
    block->entries       = wire_arena_take(arena, pb->n_entries * sizeof *block->entries);
    block->absent        = wire_arena_take(arena, pb->n_absent * sizeof *block->absent);
    block->metrics       = wire_arena_take(arena, pb->n_metrics * sizeof *block->metrics);
    block->witnesses     = wire_arena_take(arena, pb->n_witnesses * sizeof *block->witnesses);
    return block->entries != NULL && block->absent != NULL && block->metrics != NULL &&
           block->witnesses != NULL;
}

static bool
get_entry(struct wire_entry *entry, const Panal__Entry *pb)
{
    entry->member = pb->member;
    entry->weight = pb->weight;
    entry->norm   = pb->norm;
    return wire_get_blob(&entry->update, pb->update) &&
           wire_get_bytes(entry->signature, sizeof entry->signature, &pb->signature);
}

static bool
get_lists(struct wire_block *block, const Panal__Block *pb)
{
    for (size_t i = 0; i < pb->n_entries; i++)
        if (!get_entry(&block->entries[i], pb->entries[i]))
            return false;
    for (size_t i = 0; i < pb->n_absent; i++)
        block->absent[i] =
            (struct wire_absent){pb->absent[i]->member, (enum wire_absence)pb->absent[i]->reason};
    for (size_t i = 0; i < pb->n_metrics; i++)
        block->metrics[i] = (struct wire_metric){pb->metrics[i]->name, pb->metrics[i]->value,
                                                 pb->metrics[i]->records};
    for (size_t i = 0; i < pb->n_witnesses; i++)
        if (!wire_witness_get(&block->witnesses[i], pb->witnesses[i]))
            return false;
    return true;
}

static enum pn_status
block_get(struct wire_block *block, struct wire_arena *arena, const Panal__Block *pb)
{
    if (!take_lists(block, arena, pb))
        return PN_ENOMEM;
    if (!get_fields(block, pb) || !get_lists(block, pb))
        return PN_EPEER_FORMAT;
    if (pb->n_agreement > 0) {
        enum pn_status st = wire_agreement_get(&block->agreement, arena, pb->agreement[0]);
        if (st != PN_OK)
            return st;
    }
    return block_is_valid(block) ? PN_OK : PN_EPEER_VALUE;
}

enum pn_status
wire_block_decode(struct wire_block *out, struct wire_arena *arena, const uint8_t *bytes,
                  size_t size)
{
    static const struct wire_cap caps[] = {{15, WIRE_MEMBERS_MAX, NULL}, /* entries   */
                                           {16, WIRE_MEMBERS_MAX, NULL}, /* absent    */
                                           {17, WIRE_METRICS_MAX, NULL}, /* metrics   */
                                           {18, WIRE_MEMBERS_MAX, NULL}, /* witnesses */
                                           {20, 1, wire_agreement_caps}, {0, 0, NULL}};
    struct wire_block            block  = {0};
    enum pn_status               st;
    size_t                       before = arena->used;
    const Panal__Block *pb = wire_unpack(&st, arena, &panal__block__descriptor, caps, bytes, size);
    if (pb != NULL)
        st = block_get(&block, arena, pb);
    if (st == PN_OK)
        *out = block;
    else
        arena->used = before;
    return st;
}
