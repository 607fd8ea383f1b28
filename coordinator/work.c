#include "coordinator/state.h"

#include "fed/update.h"

#include <stdlib.h>

/* Saves bytes as FOLDER/ROOT; `*leaves` becomes the caller's. */
static enum pn_status
save_blob(struct sec_blob *out, struct sec_hash **leaves, const struct store_disk *disk,
          const char *folder, const uint8_t *bytes, uint64_t size)
{
    char           name[ENGINE_NAME_SIZE];
    enum pn_status st = engine_blob_of(out, leaves, bytes, size);
    if (st != PN_OK)
        return st;
    engine_blob_name(name, folder, &out->root);
    return disk->save(disk->host, name, bytes, size);
}

/* ---- the first model, and the scaling ---- */

struct prepare {
    struct engine_work       base;
    const struct engine_job *job;
    const struct store_disk *disk;
    uint8_t                 *model_bytes, *scaling_bytes;
    struct sec_blob          model, scaling;
    struct sec_hash         *model_leaves, *scaling_leaves;
};

static void
release_prepare(struct engine_work *work)
{
    struct prepare *prepare = (struct prepare *)work;
    free(prepare->model_bytes);
    free(prepare->scaling_bytes);
    free(prepare->model_leaves);
    free(prepare->scaling_leaves);
    free(prepare);
}

static void
run_prepare(struct pn_work *work)
{
    struct prepare          *prepare = (struct prepare *)work;
    const struct engine_job *job     = prepare->job;
    uint8_t                 *bytes   = pn_bulk(job->model_size);
    enum pn_status           st      = bytes != NULL ? PN_OK : PN_ENOMEM;
    if (st == PN_OK) {
        /* SAFE: pn_bulk aligns for floats; engine_floats_encode works in place. */
        float *theta = (float *)(void *)bytes;
        engine_job_first_model(theta, job);
        engine_floats_encode(bytes, theta, (size_t)(job->model_size / 4));
        st = save_blob(&prepare->model, &prepare->model_leaves, prepare->disk, "models", bytes,
                       job->model_size);
    }
    if (st == PN_OK && job->scaling_size > 0)
        st = save_blob(&prepare->scaling, &prepare->scaling_leaves, prepare->disk, "scaling",
                       prepare->scaling_bytes, job->scaling_size);
    prepare->model_bytes = bytes;
    prepare->base.status = st;
}

void
coord_shelve_model(struct coord_engine *engine, const struct sec_blob *blob,
                   struct sec_hash **leaves, uint8_t **bytes)
{
    struct engine_held *held = engine_held_put(&engine->held, blob, *bytes);
    engine_shelf_put(&engine->shelf, "models", blob, *leaves);
    engine_shelf_hold(&engine->shelf, held);
    *leaves = NULL;
    *bytes  = NULL;
}

static void
done_prepare(struct pn_work *work, pn_ms now)
{
    struct prepare      *prepare = (struct prepare *)engine_work_take(work);
    struct coord_engine *engine  = prepare->base.engine;
    struct fed_event     event   = {.kind = FED_PREPARED, .blob = prepare->model};
    if (prepare->base.status != PN_OK) {
        coord_break(engine, prepare->base.status,
                    "the first model cannot be written to the state directory");
        event.kind = FED_TICK;
    } else {
        coord_shelve_model(engine, &prepare->model, &prepare->model_leaves, &prepare->model_bytes);
        if (prepare->scaling.size > 0) {
            engine_shelf_put(&engine->shelf, "scaling", &prepare->scaling, prepare->scaling_leaves);
            prepare->scaling_leaves = NULL;
        }
        engine->scaling = prepare->scaling;
    }
    release_prepare(&prepare->base);
    (void)coord_turn(engine, now, &event);
}

void
coord_begin_prepare(struct coord_engine *engine)
{
    const struct engine_job *job     = engine->config.job;
    struct prepare          *prepare = calloc(1, sizeof *prepare);
    uint8_t                 *scaling = calloc(1, (size_t)job->scaling_size + 1);
    if (prepare == NULL || scaling == NULL) {
        free(prepare);
        free(scaling);
        coord_break(engine, PN_ENOMEM, "no memory for the first model");
        return;
    }
    if (job->scaling_size > 0)
        data_scaling_encode(scaling, engine->scales, job->schema->numeric_count);
    prepare->job           = job;
    prepare->disk          = engine->config.disk;
    prepare->scaling_bytes = scaling;
    engine_work_submit(
        &prepare->base, &engine->works, engine, &engine->config.ports,
        &(struct engine_work_how){job->model_size, run_prepare, done_prepare, release_prepare});
}

/* ---- an update: whole on the disk, of that root, of an acceptable size ---- */

struct check {
    struct engine_work       base;
    uint32_t                 member;
    const struct store_disk *disk;
    struct sec_blob          blob;
    bool                     staged;  /* its chunks were proved and measured when they came */
    pn_u128                  squares; /* then: of all of them */
    double                   norm;
};

static void
release_check(struct engine_work *work)
{
    free(work);
}

/* An update that was here before: proved by its hash, and measured. */
static enum pn_status
read_again(struct check *check)
{
    const struct sec_blob *blob  = &check->blob;
    uint8_t               *bytes = pn_bulk(blob->size);
    char                   name[ENGINE_NAME_SIZE];
    if (bytes == NULL)
        return PN_ENOMEM;
    enum pn_status st = engine_blob_read(bytes, NULL, check->disk, "updates", blob);
    if (st == PN_OK)
        fed_update_measure_bytes(&check->squares, bytes, (size_t)blob->size);
    free(bytes);
    engine_blob_name(name, "updates", &blob->root);
    if (st == PN_ECORRUPT)
        (void)check->disk->remove(check->disk->host, name); /* SAFE: if it stays, it is found
                                                             * damaged again */
    return st;
}

static void
run_check(struct pn_work *work)
{
    struct check *check = (struct check *)work;
    char          name[ENGINE_NAME_SIZE];
    engine_blob_name(name, "updates", &check->blob.root);
    check->base.status =
        check->staged ? check->disk->publish(check->disk->host, name) : read_again(check);
    check->norm = fed_update_norm_of(check->squares);
}

static void
judge_update(struct coord_engine *engine, struct coord_member *member, const struct check *check,
             pn_ms now)
{
    const double        limit  = engine->config.job->job->update_norm_max;
    struct fed_event    event  = {.kind    = FED_STAGED,
                                  .member  = check->member,
                                  .round   = engine->round.round,
                                  .attempt = engine->round.attempt,
                                  .blob    = check->blob,
                                  .norm    = check->norm};
    struct coord_notice notice = {.kind   = COORD_UPDATE,
                                  .member = check->member,
                                  .weight = coord_part_of(engine, member)->weight,
                                  .norm   = check->norm};
    struct pn_error     why;
    if (check->norm > limit) {
        event.kind  = FED_INVALID;
        notice.kind = COORD_INVALID;
        pn_error_set(&why, PN_EPEER_VALUE, "its norm is %g, the job allows %g", check->norm, limit);
        notice.text = why.text;
    }
    coord_tell(engine, &notice);
    (void)coord_turn(engine, now, &event);
}

static void
done_check(struct pn_work *work, pn_ms now)
{
    struct check        *check   = (struct check *)engine_work_take(work);
    struct coord_engine *engine  = check->base.engine;
    struct coord_member *member  = coord_member_of(engine, check->member);
    bool                 current = sec_blob_equal(&member->wanted, &check->blob);
    if (current && check->base.status == PN_OK) {
        judge_update(engine, member, check, now);
    } else if (current && check->base.status == PN_ECORRUPT && !check->staged) {
        coord_begin_pull(engine, member, now); /* the file was damaged and is gone: fetch it */
    } else if (current) {
        coord_break(engine, check->base.status,
                    "an update cannot be written to the state directory, or not be read again");
    }
    release_check(&check->base);
    coord_wake_pulls(engine, now);
    (void)coord_turn(engine, now, &(struct fed_event){.kind = FED_TICK});
}

void
coord_begin_check(struct coord_engine *engine, struct coord_member *member, bool staged)
{
    struct check *check = calloc(1, sizeof *check);
    if (check == NULL) {
        coord_break(engine, PN_ENOMEM, "no memory to check an update");
        return;
    }
    *check = (struct check){.member = member->party->number,
                            .disk   = engine->config.disk,
                            .blob   = member->wanted,
                            .staged = staged};
    if (staged)
        check->squares = member->squares;
    (void)engine_fetch_leave(&member->fetch); /* staged: nothing in memory */
    engine_work_submit(
        &check->base, &engine->works, engine, &engine->config.ports,
        &(struct engine_work_how){2 * check->blob.size, run_check, done_check, release_check});
}

/* Two members may announce the very same bytes; they are one file, fetched once. */
static bool
is_in_hand(const struct coord_engine *engine, const struct coord_member *member)
{
    for (const struct engine_work *work = engine->works; work != NULL; work = work->next)
        if (work->release == release_check &&
            sec_blob_equal(&((const struct check *)work)->blob, &member->wanted))
            return true;
    for (uint32_t i = 0; i < engine->round.cohort_count; i++) {
        const struct coord_member *other = &engine->members[engine->round.cohort[i]];
        if (other != member && engine_fetch_is_of(&other->fetch, &member->wanted))
            return true;
    }
    return false;
}

void
coord_stop_waiting(struct coord_engine *engine, struct coord_member *member)
{
    engine->waiting -= member->waits;
    member->waits = false;
}

void
coord_begin_pull(struct coord_engine *engine, struct coord_member *member, pn_ms now)
{
    coord_stop_waiting(engine, member);
    member->waits = is_in_hand(engine, member);
    engine->waiting += member->waits;
    if (member->waits)
        return;
    if (engine_blob_is_there(engine->config.disk, "updates", &member->wanted)) {
        coord_begin_check(engine, member, false);
        return;
    }
    member->squares   = 0;
    enum pn_status st = engine_fetch_start(&member->fetch, "updates", &member->wanted,
                                           engine->config.job->model_size);
    if (st != PN_OK) {
        coord_break(engine, st, "there is no room in the state directory for an update");
        return;
    }
    coord_want(engine, member, now);
}

void
coord_wake_pulls(struct coord_engine *engine, pn_ms now)
{
    for (uint32_t i = 0; i < engine->member_count && engine->waiting > 0; i++)
        if (engine->members[i].waits)
            coord_begin_pull(engine, &engine->members[i], now);
}
