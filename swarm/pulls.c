#include "swarm/state.h"

#include "engine/survey.h"
#include "fed/update.h"

#include <stdlib.h>
#include <string.h>

/* ---- giving ---- */

/* A file of the folder that is not on its shelf yet: its leaves are hashed, once. */
static enum pn_status
put_on_shelf(struct swarm_engine *engine, enum swarm_folder folder, const struct sec_blob *blob)
{
    struct sec_hash *leaves = NULL;
    enum pn_status   st =
        engine_blob_read(NULL, &leaves, engine->config.disk, swarm_folders[folder], blob);
    if (st == PN_OK)
        engine_shelf_put(&engine->shelves[folder], swarm_folders[folder], blob, leaves);
    return st;
}

static enum pn_status
give(struct swarm_engine *engine, uint32_t member, const struct wire_pull *pull)
{
    const struct sec_blob blob = fed_blob_from_wire(&pull->blob);
    struct engine_peer   *peer = &engine->members[member].peer;
    for (size_t i = 0; i < SWARM_FOLDERS; i++) {
        enum pn_status st = engine_shelf_give(&engine->shelves[i], pull, peer,
                                              &engine->config.ports, engine->config.scratch);
        if (st != PN_EPEER_STALE)
            return st;
    }
    for (size_t i = 0; i < SWARM_FOLDERS; i++)
        if (engine_blob_is_there(engine->config.disk, swarm_folders[i], &blob) &&
            put_on_shelf(engine, (enum swarm_folder)i, &blob) == PN_OK)
            return engine_shelf_give(&engine->shelves[i], pull, peer, &engine->config.ports,
                                     engine->config.scratch);
    return PN_EPEER_STALE;
}

/* Who has no connection with its owner asks us before we have it. The oldest is forgotten: it is
 * asked again. */
static void
owe(struct swarm_member *member, const struct wire_pull *pull)
{
    for (size_t i = 0; i < SWARM_OWED; i++)
        if (memcmp(member->owed[i].blob.root, pull->blob.root, sizeof pull->blob.root) == 0) {
            member->owed[i] = *pull;
            return;
        }
    member->owed[member->owed_next++ % SWARM_OWED] = *pull;
}

enum pn_status
swarm_give(struct swarm_engine *engine, uint32_t member, const struct wire_pull *pull)
{
    enum pn_status st = give(engine, member, pull);
    if (st == PN_EPEER_STALE)
        owe(&engine->members[member], pull);
    return st;
}

void
swarm_pay(struct swarm_engine *engine, const struct sec_blob *blob)
{
    for (uint32_t i = 0; i < engine->count; i++)
        for (size_t k = 0; k < SWARM_OWED; k++) {
            struct wire_pull     *owed   = &engine->members[i].owed[k];
            const struct sec_blob wanted = fed_blob_from_wire(&owed->blob);
            if (owed->count == 0 || !sec_blob_equal(&wanted, blob))
                continue;
            if (swarm_is_near(engine, i))
                (void)!give(engine, i, owed); /* SAFE: it is asked again */
            owed->count = 0;
        }
}

/* ---- a whole blob: durable, and is it what it should be? ---- */

struct land {
    struct engine_work       base;
    struct swarm_pull       *pull;
    const struct engine_job *job;
    const struct store_disk *disk;
    struct sec_blob          blob;
    enum swarm_folder        folder;
    uint64_t                 height;
    uint32_t                 members;
    bool                     staged; /* its chunks were proved and measured when they came */
    pn_u128                  squares;
    double                   norm;
};

static void
release_land(struct engine_work *work)
{
    free(work);
}

/* A report as everybody will read it when the block is made. */
static enum pn_status
check_report(const struct land *land, const uint8_t *bytes)
{
    struct wire_arena      arena;
    struct wire_statistics statistics;
    struct wire_metrics    metrics;
    struct nn_metric       decoded[NN_METRICS_MAX];
    void                  *room = aligned_alloc(16, WIRE_ARENA_SIZE);
    if (room == NULL)
        return PN_ENOMEM;
    wire_arena_init(&arena, room, WIRE_ARENA_SIZE);
    enum pn_status st;
    if (land->height == 0) {
        st = wire_statistics_decode(&statistics, &arena, bytes, (size_t)land->blob.size);
        if (st == PN_OK && !engine_statistics_are_possible(
                               &statistics, land->job->schema->numeric_count, land->members))
            st = PN_EPEER_VALUE;
    } else {
        st = wire_metrics_decode(&metrics, &arena, bytes, (size_t)land->blob.size);
        if (st == PN_OK)
            st = engine_metrics_decode(decoded, land->job, &metrics);
    }
    free(room);
    return st;
}

/* Bytes that were here before, or are small: read, hashed and looked at. */
static enum pn_status
read_again(struct land *land)
{
    uint8_t       *bytes = pn_bulk(land->blob.size);
    enum pn_status st    = PN_ENOMEM;
    if (bytes != NULL)
        st = engine_blob_read(bytes, NULL, land->disk, swarm_folders[land->folder], &land->blob);
    if (st == PN_OK && land->folder == SWARM_UPDATES) {
        land->squares = 0;
        fed_update_measure_bytes(&land->squares, bytes, (size_t)land->blob.size);
    }
    if (st == PN_OK && land->folder == SWARM_REPORTS)
        st = check_report(land, bytes);
    free(bytes);
    return st;
}

static void
run_land(struct pn_work *work)
{
    struct land   *land = (struct land *)work;
    enum pn_status st   = PN_OK;
    char           name[ENGINE_NAME_SIZE];
    engine_blob_name(name, swarm_folders[land->folder], &land->blob.root);
    if (land->staged)
        st = land->disk->publish(land->disk->host, name);
    if (st == PN_OK && (!land->staged || land->folder == SWARM_REPORTS))
        st = read_again(land);
    if (st == PN_ECORRUPT)
        (void)land->disk->remove(land->disk->host, name); /* SAFE: else it is found again */
    land->norm        = fed_update_norm_of(land->squares);
    land->base.status = st;
}

static void
judge(struct swarm_engine *engine, pn_ms now, const struct swarm_pull *pull,
      const struct land *land)
{
    struct fed_swarm_event event  = {.kind    = FED_S_HERE,
                                     .member  = pull->member,
                                     .height  = pull->height,
                                     .part    = pull->part,
                                     .norm    = land->norm,
                                     .absence = WIRE_ABSENT_INVALID};
    struct swarm_notice    notice = {.kind   = SWARM_HERE,
                                     .member = engine->members[pull->member].party->number,
                                     .weight = engine->parts[pull->member].parts[pull->part].weight,
                                     .norm   = land->norm};
    struct pn_error        why;
    double                 limit = engine->config.job->job->update_norm_max;
    if (pn_status_is_peer(land->base.status)) {
        pn_error_set(&why, land->base.status, "its report cannot be: %s",
                     pn_status_text(land->base.status));
        event.kind = FED_S_LOST;
    } else if (pull->part == FED_UPDATE_PART && land->norm > limit) {
        pn_error_set(&why, PN_EPEER_VALUE, "its norm is %g, the job allows %g", land->norm, limit);
        event.kind = FED_S_LOST;
    }
    if (event.kind == FED_S_LOST) {
        notice.kind = SWARM_LOST;
        notice.text = why.text;
    }
    if (!sec_blob_equal(&pull->blob, &engine->parts[pull->member].parts[pull->part].blob))
        return; /* it committed to another one meanwhile */
    if (pull->height == engine->machine.height &&
        (event.kind == FED_S_LOST || pull->part == FED_UPDATE_PART))
        swarm_tell(engine, &notice);
    swarm_raise(engine, now, &event);
}

static void
done_land(struct pn_work *work, pn_ms now)
{
    struct land         *land   = (struct land *)engine_work_take(work);
    struct swarm_engine *engine = land->base.engine;
    struct swarm_pull   *pull   = land->pull;
    enum pn_status       st     = land->base.status;
    pull->busy = pull->landing = false;
    bool gone   = st == PN_ECORRUPT || st == PN_ENOENT; /* tidied away or rotten: fetched again */
    engine->now = now;
    if (st != PN_OK && !gone && !pn_status_is_peer(st))
        swarm_break(engine, st, "a blob cannot be written to the state directory, or not be read");
    else if (!gone && pull->member != FED_SWARM_MAX)
        judge(engine, now, pull, land);
    if (st == PN_OK)
        swarm_pay(engine, &land->blob);
    release_land(&land->base);
    swarm_block_check_more(engine);
    swarm_engine_tick(engine, now);
}

static void
begin_land(struct swarm_engine *engine, struct swarm_pull *pull, const struct sec_blob *blob,
           bool staged)
{
    struct land *land = calloc(1, sizeof *land);
    if (land == NULL) {
        swarm_break(engine, PN_ENOMEM, "no memory to look at a blob");
        return;
    }
    land->pull    = pull;
    land->job     = engine->config.job;
    land->disk    = engine->config.disk;
    land->blob    = *blob;
    land->folder  = pull->folder;
    land->height  = pull->height;
    land->members = engine->count;
    land->staged  = staged;
    land->squares = pull->squares;
    pull->landing = true;
    if (staged)
        engine_fetch_leave(&pull->fetch);
    swarm_submit(engine, &land->base,
                 &(struct engine_work_how){2 * land->blob.size, run_land, done_land, release_land});
}

/* ---- getting ---- */

/* Two members may have the very same bytes; they are one file, fetched once. */
static struct swarm_pull *
find_pull(struct swarm_engine *engine, const struct sec_blob *blob)
{
    for (size_t i = 0; i < SWARM_PULLS; i++)
        if (engine->pulls[i].busy && sec_blob_equal(&engine->pulls[i].blob, blob))
            return &engine->pulls[i];
    return NULL;
}

static struct swarm_pull *
free_pull(struct swarm_engine *engine)
{
    for (size_t i = 0; i < SWARM_PULLS; i++)
        if (!engine->pulls[i].busy)
            return &engine->pulls[i];
    return NULL;
}

/* The next member that can be asked, the wanted one first. */
static uint32_t
next_source(const struct swarm_engine *engine, uint32_t first)
{
    for (uint32_t i = 0; i < engine->count; i++) {
        uint32_t member = (first + i) % engine->count;
        if (swarm_is_near(engine, member))
            return member;
    }
    return first;
}

static void
ask_for_chunks(struct swarm_engine *engine, struct swarm_pull *pull, pn_ms now)
{
    if (!swarm_is_near(engine, pull->source))
        return;
    engine_fetch_ask(&pull->fetch, &engine->members[pull->source].peer, &engine->config.ports,
                     engine->config.scratch, now);
    pull->ask_at = engine_fetch_deadline(&pull->fetch);
}

/* False when there is no room for another; it is found again later. */
static bool
begin_pull(struct swarm_engine *engine, const struct swarm_pull *wanted, uint32_t source, pn_ms now)
{
    struct swarm_pull *pull = free_pull(engine);
    /* A commit removes what is not needed any more: nothing is looked for on the disk meanwhile. */
    if (engine->committing || find_pull(engine, &wanted->blob) != NULL || pull == NULL)
        return false;
    struct engine_fetch fetch = pull->fetch;
    *pull                     = *wanted;
    pull->fetch               = fetch;
    pull->busy                = true;
    pull->source              = next_source(engine, source);
    if (engine_blob_is_there(engine->config.disk, swarm_folders[pull->folder], &pull->blob)) {
        begin_land(engine, pull, &pull->blob, false);
        return true;
    }
    enum pn_status st =
        engine_fetch_start(&pull->fetch, swarm_folders[pull->folder], &pull->blob, pull->blob.size);
    if (st != PN_OK) {
        pull->busy = false;
        swarm_break(engine, st, "there is no room in the state directory for a blob");
        return true;
    }
    ask_for_chunks(engine, pull, now);
    return true;
}

void
swarm_pull_part(struct swarm_engine *engine, uint32_t member, enum fed_part_kind part, pn_ms now)
{
    const struct swarm_pull wanted = {.folder =
                                          part == FED_UPDATE_PART ? SWARM_UPDATES : SWARM_REPORTS,
                                      .member = member,
                                      .part   = part,
                                      .height = engine->machine.height,
                                      .blob   = engine->parts[member].parts[part].blob};
    uint32_t via = fed_routes_via(&engine->routes, member); /* who is near to it has it first */
    (void)begin_pull(engine, &wanted, via != FED_NOBODY ? via : member, now);
}

void
swarm_pull_blob(struct swarm_engine *engine, enum swarm_folder folder, const struct sec_blob *blob,
                pn_ms now)
{
    const struct swarm_pull wanted = {
        .folder = folder, .member = FED_SWARM_MAX, .height = engine->machine.height, .blob = *blob};
    uint32_t first = (engine->self + 1) % engine->count;
    (void)begin_pull(engine, &wanted, first, now);
}

void
swarm_pull_from(struct swarm_engine *engine, uint32_t member, const struct wire_blob *wire,
                pn_ms now)
{
    const struct sec_blob blob  = fed_blob_from_wire(wire);
    struct swarm_pull    *pull  = find_pull(engine, &blob);
    bool                  comes = pull != NULL && pull->source == pull->member &&
                 swarm_is_near(engine, pull->source) && pull->silences == 0;
    if (pull == NULL || comes || pull->landing || pull->source == member ||
        !swarm_is_near(engine, member))
        return;
    pull->source = member;
    engine_fetch_reconnected(&pull->fetch);
    ask_for_chunks(engine, pull, now);
}

static bool
is_part_pulled(const struct swarm_engine *engine, uint32_t member, enum fed_part_kind part)
{
    for (size_t i = 0; i < SWARM_PULLS; i++) {
        const struct swarm_pull *pull = &engine->pulls[i];
        if (pull->busy && pull->member == member && pull->part == part &&
            pull->height == engine->machine.height)
            return true;
    }
    return false;
}

static bool
waits_for_pull(const struct swarm_engine *engine, uint32_t member, enum fed_part_kind part)
{
    return member != engine->self &&
           engine->parts[member].parts[part].state == FED_PART_ANNOUNCED &&
           !is_part_pulled(engine, member, part);
}

static bool
does_any_wait(const struct swarm_engine *engine)
{
    bool any = false;
    for (uint32_t i = 0; i < engine->count; i++)
        any = any || waits_for_pull(engine, i, FED_UPDATE_PART) ||
              waits_for_pull(engine, i, FED_REPORT_PART);
    return any;
}

/* Nothing came: somebody else may have it. What members commit to and never give must not keep what
 * others give from coming: its place is for who waits, and its turn comes again. */
static void
pass_silence(struct swarm_engine *engine, struct swarm_pull *pull)
{
    pull->source = next_source(engine, (pull->source + 1) % engine->count);
    pull->silences++;
    if (pull->silences < engine->count || free_pull(engine) != NULL || !does_any_wait(engine))
        return;
    if (pull->member != FED_SWARM_MAX)
        engine->pull_first = (pull->member + 1) % engine->count;
    engine_fetch_drop(&pull->fetch);
    pull->busy = false;
}

void
swarm_pull_more(struct swarm_engine *engine, pn_ms now)
{
    for (size_t i = 0; i < SWARM_PULLS; i++) {
        struct swarm_pull *pull = &engine->pulls[i];
        if (!engine_fetch_is_busy(&pull->fetch) || now < engine_fetch_deadline(&pull->fetch))
            continue;
        if (!swarm_is_near(engine, pull->source))
            pull->source = next_source(engine, pull->source);
        if (pull->ask_at != 0 && now >= pull->ask_at)
            pass_silence(engine, pull);
        ask_for_chunks(engine, pull, now);
    }
    for (uint32_t i = 0; i < engine->count && free_pull(engine) != NULL; i++) {
        uint32_t member = (engine->pull_first + i) % engine->count;
        for (uint32_t part = 0; part < 2; part++)
            if (waits_for_pull(engine, member, (enum fed_part_kind)part))
                swarm_pull_part(engine, member, (enum fed_part_kind)part, now);
    }
}

pn_ms
swarm_pull_deadline(const struct swarm_engine *engine)
{
    pn_ms next = UINT64_MAX;
    for (size_t i = 0; i < SWARM_PULLS; i++) {
        const struct swarm_pull *pull = &engine->pulls[i];
        pn_ms                    at   = engine_fetch_deadline(&pull->fetch);
        if (pull->busy && swarm_is_near(engine, pull->source) && at < next)
            next = at;
    }
    return next;
}

void
swarm_pull_forget(struct swarm_engine *engine)
{
    for (size_t i = 0; i < SWARM_PULLS; i++) {
        struct swarm_pull *pull = &engine->pulls[i];
        if (!pull->busy || pull->landing || pull->height >= engine->machine.height)
            continue;
        engine_fetch_drop(&pull->fetch);
        pull->busy = false;
    }
}

enum pn_status
swarm_pull_take(struct swarm_engine *engine, const struct wire_chunk *chunk)
{
    const struct sec_blob blob = fed_blob_from_wire(&chunk->blob);
    struct swarm_pull    *pull = find_pull(engine, &blob);
    if (pull == NULL || pull->landing)
        return PN_EPEER_STATE;
    enum pn_status st = engine_fetch_take(&pull->fetch, chunk);
    if (st != PN_OK && !pn_status_is_peer(st)) {
        swarm_break(engine, st, "a chunk cannot be written to the state directory");
        return st;
    }
    if (st == PN_OK)
        pull->silences = 0;
    if (st == PN_OK && pull->folder == SWARM_UPDATES)
        /* While it is in the cache: nothing is read again when the update is whole. */
        fed_update_measure_bytes(&pull->squares, chunk->data.bytes, chunk->data.size);
    if (engine_fetch_is_whole(&pull->fetch))
        begin_land(engine, pull, &blob, true);
    return st;
}
