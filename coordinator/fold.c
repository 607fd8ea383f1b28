#include "coordinator/state.h"

#include "engine/fold.h"

#include <stdlib.h>

struct fold {
    struct engine_work       base;
    struct engine_fold       make;
    struct engine_fold_entry entries[];
};

static void
release_fold(struct engine_work *work)
{
    struct fold *fold = (struct fold *)work;
    free(fold->make.model);
    free(fold->make.leaves);
    free(fold);
}

static void
run_fold(struct pn_work *work)
{
    struct fold              *fold = (struct fold *)work;
    const struct engine_fold *make = &fold->make;
    char                      name[ENGINE_NAME_SIZE];
    enum pn_status            st = engine_fold_make(&fold->make);
    engine_blob_name(name, "models", &make->next.root);
    if (st == PN_OK)
        st = make->disk->save(make->disk->host, name, make->model, make->next.size);
    fold->base.status = st;
}

static void
done_fold(struct pn_work *work, pn_ms now)
{
    struct fold         *fold   = (struct fold *)engine_work_take(work);
    struct coord_engine *engine = fold->base.engine;
    struct fed_event     event  = {.kind = FED_AGGREGATED, .blob = fold->make.next};
    if (fold->base.status == PN_OK) {
        coord_shelve_model(engine, &fold->make.next, &fold->make.leaves, &fold->make.model);
        engine->score_count = 0; /* until this round is evaluated, if it is */
    } else {
        coord_break(engine, fold->base.status,
                    "the next model cannot be made in the state directory");
        event.kind = FED_TICK;
    }
    release_fold(&fold->base);
    (void)coord_turn(engine, now, &event);
}

void
coord_begin_fold(struct coord_engine *engine)
{
    struct fold *fold = calloc(1, sizeof *fold + engine->member_count * sizeof fold->entries[0]);
    if (fold == NULL) {
        coord_break(engine, PN_ENOMEM, "no memory to fold the updates");
        return;
    }
    fold->make = (struct engine_fold){
        .disk = engine->config.disk, .start = engine->round.model, .entries = fold->entries};
    for (uint32_t i = 0; i < engine->member_count; i++) {
        const struct fed_round_member *part = &engine->parts[i];
        if (part->part != FED_VALID)
            continue;
        /* SAFE: the job keeps the sum of all weights below 2^31. */
        fold->entries[fold->make.entry_count++] =
            (struct engine_fold_entry){.update = part->update, .weight = (uint32_t)part->weight};
    }
    engine_shelf_lighten(&engine->shelf, "models"); /* it makes room for the next one */
    engine_work_submit(
        &fold->base, &engine->works, engine, &engine->config.ports,
        &(struct engine_work_how){(fold->make.entry_count + 2u) * fold->make.start.size, run_fold,
                                  done_fold, release_fold});
}
