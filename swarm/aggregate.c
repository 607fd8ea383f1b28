#include "swarm/state.h"

#include "engine/fold.h"
#include "engine/survey.h"
#include "fed/update.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
swarm_aggregate_release(struct engine_work *work)
{
    struct swarm_aggregate *aggregate = (struct swarm_aggregate *)work;
    free(aggregate->draft.entries);
    free(aggregate->draft.absent);
    free(aggregate->draft.witnesses);
    free(aggregate->strange);
    free(aggregate->model);
    free(aggregate->agreement.reports);
    free(aggregate->agreement.convictions);
    free(aggregate->model_leaves);
    free(aggregate->scaling_leaves);
    free(aggregate->roster);
    free(aggregate);
}

static void
fill_chain(struct swarm_aggregate *aggregate, const struct swarm_engine *engine)
{
    struct wire_block       *block  = &aggregate->draft;
    const struct fed_chain  *chain  = &engine->chain;
    const struct fed_roster *roster = chain->roster;
    block->height                   = chain->height;
    block->epoch                    = roster->epoch;
    block->round                    = chain->round;
    block->model_in = block->model_out = fed_blob_to_wire(&chain->model);
    block->scaling                     = fed_blob_to_wire(&chain->scaling);
    block->metrics                     = aggregate->metrics;
    block->note                        = "";
    block->agreement                   = &aggregate->agreement;
    memcpy(block->run, engine->run, sizeof block->run);
    memcpy(block->previous, chain->head.bytes, sizeof block->previous);
    memcpy(block->roster, roster->hash.bytes, sizeof block->roster);
    memcpy(block->job, engine->config.job->job->hash.bytes, sizeof block->job);
    struct sec_hash root;
    sec_log_root(&root, &chain->epochs->log);
    memcpy(aggregate->agreement.log, root.bytes, sizeof aggregate->agreement.log);
}

static struct wire_span
copy_span(uint8_t **at, const void *bytes, size_t size)
{
    struct wire_span span = {*at, size};
    memcpy(*at, bytes, size);
    *at += size;
    return span;
}

enum pn_status
swarm_aggregate_carry(struct swarm_aggregate *aggregate, const struct wire_roster *roster)
{
    const size_t count = roster->signature_count;
    size_t       size  = sizeof *roster + count * sizeof *roster->signatures + roster->text.size;
    for (size_t i = 0; i < count; i++)
        size += strlen(roster->signatures[i].signer) + 1 + roster->signatures[i].text.size;
    struct wire_roster *copy = malloc(size);
    if (copy == NULL)
        return PN_ENOMEM;
    struct wire_roster_signature *signatures = (struct wire_roster_signature *)(copy + 1);
    uint8_t                      *at         = (uint8_t *)(signatures + count);
    *copy = (struct wire_roster){.text = copy_span(&at, roster->text.bytes, roster->text.size),
                                 .signatures      = signatures,
                                 .signature_count = count};
    for (size_t i = 0; i < count; i++) {
        const struct wire_roster_signature *from = &roster->signatures[i];
        signatures[i].signer =
            (const char *)copy_span(&at, from->signer, strlen(from->signer) + 1).bytes;
        signatures[i].text = copy_span(&at, from->text.bytes, from->text.size);
    }
    free(aggregate->roster);
    aggregate->roster = aggregate->agreement.roster = copy;
    return PN_OK;
}

struct swarm_aggregate *
swarm_aggregate_new(const struct swarm_engine *engine)
{
    struct swarm_aggregate *aggregate = calloc(1, sizeof *aggregate);
    size_t                  members   = engine->count + 1u;
    if (aggregate == NULL)
        return NULL;
    struct wire_block     *block     = &aggregate->draft;
    struct wire_agreement *agreement = &aggregate->agreement;
    block->entries                   = calloc(members, sizeof *block->entries);
    block->absent                    = calloc(members, sizeof *block->absent);
    block->witnesses                 = calloc(members, sizeof *block->witnesses);
    agreement->reports               = calloc(members, sizeof *agreement->reports);
    agreement->convictions           = calloc(WIRE_CONVICTIONS_MAX, sizeof *agreement->convictions);
    aggregate->strange               = calloc(members, sizeof *aggregate->strange);
    if (aggregate->strange == NULL || block->entries == NULL || block->absent == NULL ||
        block->witnesses == NULL || agreement->reports == NULL || agreement->convictions == NULL) {
        swarm_aggregate_release(&aggregate->base);
        return NULL;
    }
    fill_chain(aggregate, engine);
    if (engine->chain.height == 0 &&
        swarm_aggregate_carry(aggregate, &(struct wire_roster){.text = engine->config.text}) !=
            PN_OK) {
        swarm_aggregate_release(&aggregate->base);
        return NULL;
    }
    aggregate->job     = engine->config.job;
    aggregate->disk    = engine->config.disk;
    aggregate->best    = engine->best;
    aggregate->stale   = engine->stale;
    aggregate->members = engine->count;
    aggregate->last    = fed_swarm_is_last(&engine->machine);
    return aggregate;
}

/* ---- blobs ---- */

static enum pn_status
save_as(const struct swarm_aggregate *aggregate, enum swarm_folder folder,
        const struct sec_blob *blob, const uint8_t *bytes)
{
    char     name[ENGINE_NAME_SIZE];
    uint64_t there;
    engine_blob_name(name, swarm_folders[folder], &blob->root);
    if (aggregate->disk->size(aggregate->disk->host, name, &there) == PN_OK && there == blob->size)
        return PN_OK; /* made before, for another proposal: durable already */
    return aggregate->disk->save(aggregate->disk->host, name, bytes, blob->size);
}

static enum pn_status
save(struct wire_blob *out, struct sec_hash **leaves, const struct swarm_aggregate *aggregate,
     enum swarm_folder folder, const uint8_t *bytes, uint64_t size)
{
    struct sec_blob blob;
    enum pn_status  st = engine_blob_of(&blob, leaves, bytes, size);
    if (st != PN_OK)
        return st;
    *out = fed_blob_to_wire(&blob);
    return save_as(aggregate, folder, &blob, bytes);
}

/* A report that was checked when it landed; the caller's, to free. */
static enum pn_status
load_report(uint8_t **out, const struct swarm_aggregate *aggregate,
            const struct wire_report *report)
{
    const struct sec_blob blob  = fed_blob_from_wire(&report->report);
    uint8_t              *bytes = malloc((size_t)blob.size);
    if (bytes == NULL)
        return PN_ENOMEM;
    enum pn_status st =
        engine_blob_read(bytes, NULL, aggregate->disk, swarm_folders[SWARM_REPORTS], &blob);
    if (st == PN_OK)
        *out = bytes;
    else
        free(bytes);
    return st;
}

/* ---- height 0: the scaling, and the first model ---- */

static enum pn_status
add_statistics(struct data_sums *total, const struct swarm_aggregate *aggregate,
               struct wire_arena *arena, const struct wire_report *report)
{
    struct wire_statistics statistics;
    struct data_sums       sums[WIRE_COLUMNS_MAX];
    uint8_t               *bytes = NULL;
    enum pn_status         st    = load_report(&bytes, aggregate, report);
    if (st != PN_OK)
        return st;
    wire_arena_reset(arena);
    st = wire_statistics_decode(&statistics, arena, bytes, (size_t)report->report.size);
    if (st == PN_OK && !engine_statistics_are_possible(
                           &statistics, aggregate->job->schema->numeric_count, aggregate->members))
        st = PN_EPEER_VALUE;
    if (st == PN_OK)
        engine_statistics_sums(sums, &statistics);
    for (size_t i = 0; st == PN_OK && i < statistics.column_count; i++)
        if (!data_sums_add(&total[i], &sums[i]))
            st = PN_EDATA;
    free(bytes);
    return st;
}

static enum pn_status
make_scaling(struct swarm_aggregate *aggregate, struct wire_arena *arena)
{
    const struct engine_job *job                     = aggregate->job;
    struct data_sums         total[WIRE_COLUMNS_MAX] = {{.count = 0}};
    struct data_scaling      scaling[WIRE_COLUMNS_MAX];
    enum pn_status           st = PN_OK;
    if (job->scaling_size == 0)
        return PN_OK;
    for (size_t i = 0; i < aggregate->agreement.report_count && st == PN_OK; i++)
        st = add_statistics(total, aggregate, arena, &aggregate->agreement.reports[i]);
    if (st == PN_OK)
        st = data_scaling_from_sums(scaling, total, job->schema, &aggregate->base.why);
    uint8_t *bytes = malloc((size_t)job->scaling_size);
    if (st == PN_OK && bytes == NULL)
        st = PN_ENOMEM;
    if (st == PN_OK) {
        data_scaling_encode(bytes, scaling, job->schema->numeric_count);
        st = save(&aggregate->draft.scaling, &aggregate->scaling_leaves, aggregate, SWARM_SCALING,
                  bytes, job->scaling_size);
    }
    free(bytes);
    return st;
}

static enum pn_status
make_genesis(struct swarm_aggregate *aggregate, struct wire_arena *arena)
{
    const struct engine_job *job   = aggregate->job;
    uint8_t                 *bytes = pn_bulk(job->model_size);
    enum pn_status           st    = bytes != NULL ? PN_OK : PN_ENOMEM;
    aggregate->draft.kind          = WIRE_BLOCK_GENESIS;
    aggregate->draft.attempt       = 0;
    if (st == PN_OK) {
        float *theta = (float *)(void *)bytes; /* SAFE: pn_bulk aligns; encode works in place */
        engine_job_first_model(theta, job);
        engine_floats_encode(bytes, theta, (size_t)(job->model_size / 4));
        st = save(&aggregate->draft.model_out, &aggregate->model_leaves, aggregate, SWARM_MODELS,
                  bytes, job->model_size);
    }
    if (st != PN_OK) {
        free(bytes);
        return st;
    }
    aggregate->model = bytes;
    return make_scaling(aggregate, arena);
}

/* ---- what the model of the round before was worth ---- */

static enum pn_status
merge_report(struct nn_metric *pooled, const struct swarm_aggregate *aggregate,
             struct wire_arena *arena, const struct wire_report *report)
{
    struct nn_metric    own[NN_METRICS_MAX];
    struct wire_metrics message;
    uint8_t            *bytes = NULL;
    enum pn_status      st    = load_report(&bytes, aggregate, report);
    if (st != PN_OK)
        return st;
    wire_arena_reset(arena);
    st = wire_metrics_decode(&message, arena, bytes, (size_t)report->report.size);
    if (st == PN_OK)
        st = engine_metrics_decode(own, aggregate->job, &message);
    for (size_t i = 0; st == PN_OK && i < aggregate->job->metric_count; i++)
        st = nn_metric_merge(&pooled[i], &own[i]);
    free(bytes);
    return st;
}

/* In member order, so that sums of doubles have the same bits with everybody. */
static enum pn_status
make_metrics(struct swarm_aggregate *aggregate, struct wire_arena *arena)
{
    const struct engine_job *job = aggregate->job;
    struct nn_metric         pooled[NN_METRICS_MAX];
    bool                     any = false;
    enum pn_status           st  = PN_OK;
    for (size_t i = 0; i < job->metric_count && st == PN_OK; i++)
        st = nn_metric_init(&pooled[i], job->metrics[i], job->class_count);
    for (size_t i = 0; i < aggregate->agreement.report_count && st == PN_OK; i++) {
        if (!aggregate->measures[i])
            continue; /* its member joins with it, and no more */
        any = true;
        st  = merge_report(pooled, aggregate, arena, &aggregate->agreement.reports[i]);
    }
    for (size_t i = 0; any && i < job->metric_count && st == PN_OK; i++) {
        double value = nn_metric_value(&pooled[i]);
        if (isfinite(value))
            aggregate->metrics[aggregate->draft.metric_count++] =
                (struct wire_metric){.name    = nn_metric_names[job->metrics[i]],
                                     .value   = value,
                                     .records = pooled[i].count};
    }
    return st;
}

/* One more value of the stopping metric, if the block has one. */
static void
count_stale(double *best, uint32_t *stale, const struct engine_job *job,
            const struct wire_metric *metrics, size_t count)
{
    struct fed_round_limits limits;
    engine_job_limits(&limits, job);
    for (size_t i = 0; i < count && job->job->stop_metric != NULL; i++) {
        if (strcmp(metrics[i].name, job->job->stop_metric) != 0)
            continue;
        if (fed_round_is_better(&limits, *best, metrics[i].value)) {
            *best  = metrics[i].value;
            *stale = 0;
        } else {
            (*stale)++;
        }
    }
}

void
swarm_note_metrics(struct swarm_engine *engine, const struct wire_block *block)
{
    count_stale(&engine->best, &engine->stale, engine->config.job, block->metrics,
                block->metric_count);
}

static bool
must_finish(struct swarm_aggregate *aggregate)
{
    const struct fed_job *job = aggregate->job->job;
    count_stale(&aggregate->best, &aggregate->stale, aggregate->job, aggregate->metrics,
                aggregate->draft.metric_count);
    if (aggregate->last)
        snprintf(aggregate->note, sizeof aggregate->note, "all rounds are done");
    else if (job->stop_metric != NULL && aggregate->stale >= job->patience)
        snprintf(aggregate->note, sizeof aggregate->note,
                 "the stopping metric did not improve any more");
    return aggregate->note[0] != '\0';
}

static void
make_finish(struct swarm_aggregate *aggregate)
{
    struct wire_block *block = &aggregate->draft;
    block->kind              = WIRE_BLOCK_FINISH;
    block->attempt           = 0;
    block->entry_count = block->absent_count = 0;
    block->note                              = aggregate->note;
    aggregate->agreement.roster              = NULL;
}

/* ---- updates that only the block speaks of ---- */

static enum pn_status
measure_strange(const struct swarm_aggregate *aggregate, const struct wire_entry *entry)
{
    const struct sec_blob blob  = fed_blob_from_wire(&entry->update);
    uint8_t              *bytes = pn_bulk(blob.size);
    enum pn_status        st    = PN_ENOMEM;
    if (bytes != NULL)
        st = engine_blob_read(bytes, NULL, aggregate->disk, swarm_folders[SWARM_UPDATES], &blob);
    if (st == PN_OK) {
        pn_u128 squares = 0;
        fed_update_measure_bytes(&squares, bytes, (size_t)blob.size);
        double norm = fed_update_norm_of(squares);
        if (norm < entry->norm || norm > entry->norm || norm > aggregate->job->job->update_norm_max)
            st = PN_EPEER_VALUE;
    }
    free(bytes);
    return st;
}

static enum pn_status
judge_strange(const struct swarm_aggregate *aggregate)
{
    enum pn_status st = PN_OK;
    for (size_t i = 0; i < aggregate->draft.entry_count && st == PN_OK; i++)
        if (aggregate->strange[i])
            st = measure_strange(aggregate, &aggregate->draft.entries[i]);
    return st;
}

/* ---- the sum, and the next model ---- */

static enum pn_status
fold(struct swarm_aggregate *aggregate, struct engine_fold_entry *entries)
{
    struct wire_block *block = &aggregate->draft;
    struct engine_fold make  = {.disk        = aggregate->disk,
                                .start       = fed_blob_from_wire(&block->model_in),
                                .entries     = entries,
                                .entry_count = (uint32_t)block->entry_count};
    for (size_t i = 0; i < block->entry_count; i++)
        entries[i] = (struct engine_fold_entry){fed_blob_from_wire(&block->entries[i].update),
                                                (uint32_t)block->entries[i].weight};
    enum pn_status st = engine_fold_make(&make);
    if (st == PN_OK) {
        block->model_out        = fed_blob_to_wire(&make.next);
        aggregate->model_leaves = make.leaves;
        make.leaves             = NULL;
        st                      = save_as(aggregate, SWARM_MODELS, &make.next, make.model);
    }
    if (st == PN_OK)
        aggregate->model = make.model;
    else
        free(make.model);
    free(make.leaves);
    return st;
}

static enum pn_status
make_round(struct swarm_aggregate *aggregate)
{
    struct wire_block *block = &aggregate->draft;
    uint64_t           total = 0;
    block->kind              = WIRE_BLOCK_ROUND;
    block->round             = block->height;
    for (size_t i = 0; i < block->entry_count; i++)
        total += block->entries[i].weight;
    if (total == 0 || total > FED_WEIGHTS_MAX)
        return PN_EPEER_VALUE; /* a round of nobody */
    struct engine_fold_entry *entries = calloc(block->entry_count, sizeof *entries);
    if (entries == NULL)
        return PN_ENOMEM;
    enum pn_status st = fold(aggregate, entries);
    free(entries);
    return st;
}

void
swarm_aggregate_run(struct pn_work *work)
{
    struct swarm_aggregate *aggregate = (struct swarm_aggregate *)work;
    struct wire_arena       arena;
    void                   *room = aligned_alloc(16, WIRE_ARENA_SIZE);
    enum pn_status          st   = room != NULL ? PN_OK : PN_ENOMEM;
    if (st == PN_OK) {
        wire_arena_init(&arena, room, WIRE_ARENA_SIZE);
        st = judge_strange(aggregate);
    }
    if (st == PN_OK && aggregate->draft.height == 0) {
        st = make_genesis(aggregate, &arena);
    } else if (st == PN_OK && (st = make_metrics(aggregate, &arena)) == PN_OK) {
        if (must_finish(aggregate))
            make_finish(aggregate);
        else
            st = make_round(aggregate);
    }
    free(room);
    aggregate->base.status = st;
}
