#include "node/state.h"

#include "engine/ledger.h"

#include <stdlib.h>
#include <string.h>

/* ---- is this block of our history? ---- */

/* An older block, shown again: the very bytes that we hold at that height. */
static enum pn_status
check_old(struct node_engine *engine, const struct sec_hash *hash, uint64_t height,
          struct pn_error *why)
{
    struct pn_buffer     room;
    struct engine_record record;
    struct sec_hash      ours;
    pn_buffer_init(&room, ENGINE_RECORD_MAX);
    enum pn_status st =
        engine_record_find(&record, &room, engine->config.disk, height, engine->config.scratch);
    if (st == PN_OK)
        fed_block_hash(&ours, record.block.bytes, record.block.size);
    pn_buffer_fini(&room);
    if (st == PN_ENOENT && engine->chain.sparse)
        return PN_EPEER_STALE; /* we never had it, and need it no more */
    if (st != PN_OK)
        return st;
    if (sec_hash_equal(&ours, hash))
        return PN_OK;
    return pn_error_set(why, PN_EPEER_VALUE,
                        "block %llu is not the one we countersigned: the coordinator shows two "
                        "histories",
                        (unsigned long long)height);
}

/* What only this node can check of a genesis block: that it is for the run and the job we know. */
static enum pn_status
check_identity(const struct node_engine *engine, const struct fed_chain *after,
               struct pn_error *why)
{
    struct sec_hash job;
    if (!sec_equal(after->run, engine->peer.link.ends.run, sizeof after->run))
        return pn_error_set(why, PN_EPEER_VALUE, "block 0 is of another run than its messages");
    if (engine->job_text.size == 0)
        return PN_OK;
    sec_hash_of(&job, "job", engine->job_text.bytes, engine->job_text.size);
    if (!sec_hash_equal(&job, &after->job))
        return pn_error_set(why, PN_EPEER_VALUE, "block 0 is of another job than the one offered");
    return PN_OK;
}

/* A block that is being offered, and what is known of it. */
struct offer {
    struct sec_hash                  body;  /* of the message */
    const struct engine_known_block *known; /* NULL: it is looked at for the first time; then ... */
    struct wire_commit               commit; /* ... this */
    struct sec_hash                  hash;
    uint64_t                         height;
};

/* Hash and height of a block that may not be checked yet. */
static enum pn_status
read_place(struct offer *offer, const struct node_engine *engine)
{
    const struct fed_chain *chain = &engine->chain;
    const struct wire_span *bytes = &offer->commit.block;
    struct wire_block       block;
    fed_block_hash(&offer->hash, bytes->bytes, bytes->size);
    offer->height = chain->height - 1;
    if (chain->height > 0 && sec_hash_equal(&offer->hash, &chain->head))
        return PN_OK;
    enum pn_status st =
        wire_block_decode(&block, &engine->config.scratch->arena, bytes->bytes, bytes->size);
    if (st == PN_OK)
        offer->height = block.height;
    return st;
}

static enum pn_status
read_offer(struct offer *offer, const struct node_engine *engine, const struct wire_frame *frame)
{
    struct engine_scratch *scratch = engine->config.scratch;
    memcpy(offer->body.bytes, frame->header.body_hash, sizeof offer->body.bytes);
    offer->known = engine_known_said(&scratch->known, engine->chain.roster, &offer->body);
    if (offer->known != NULL) {
        offer->hash   = offer->known->facts.hash;
        offer->height = offer->known->facts.height;
        return PN_OK;
    }
    wire_arena_reset(&scratch->arena);
    enum pn_status st =
        wire_commit_decode(&offer->commit, &scratch->arena, frame->body, frame->header.body_size);
    return st == PN_OK ? read_place(offer, engine) : st;
}

/* The block in full. */
static enum pn_status
take_unknown(struct engine_known_record **record, struct fed_chain *after,
             struct node_engine *engine, const struct offer *offer, struct pn_error *why)
{
    struct engine_scratch  *scratch = engine->config.scratch;
    const struct wire_span *bytes   = &offer->commit.block;
    struct sec_signature    signature;
    struct wire_block       block;
    memcpy(signature.bytes, offer->commit.signature, sizeof signature.bytes);
    enum pn_status st =
        fed_chain_take(&block, after, &scratch->arena, bytes->bytes, bytes->size, &signature, why);
    if (st != PN_OK)
        return PN_EPEER_VALUE;
    const struct fed_block_facts facts = fed_block_facts_of(&block, &after->head);
    *record = engine_known_record_new(&signature, bytes->bytes, bytes->size);
    if (*record == NULL)
        return PN_ENOMEM;
    engine_known_add(&scratch->known, after->roster, *record, &offer->body, &facts);
    return PN_OK;
}

/* Or only its place in our chain, where its signatures are known. */
static enum pn_status
take_known(struct engine_known_record **record, struct fed_chain *after,
           const struct engine_known_block *known, struct pn_error *why)
{
    if (fed_chain_take_known(after, &known->facts, why) != PN_OK)
        return PN_EPEER_VALUE;
    *record = engine_known_record_take(known->record);
    return PN_OK;
}

static enum pn_status
take_new(struct node_engine *engine, const struct offer *offer, struct pn_error *why)
{
    struct engine_known_record *record = NULL;
    struct fed_chain            after  = engine->chain;
    enum pn_status st = offer->known != NULL ? take_known(&record, &after, offer->known, why)
                                             : take_unknown(&record, &after, engine, offer, why);
    if (st == PN_OK && after.height == 1 && check_identity(engine, &after, why) != PN_OK)
        st = PN_EPEER_VALUE;
    if (st != PN_OK) {
        engine_known_record_drop(record);
        return st;
    }
    node_drop_next(engine);
    if ((engine->next = malloc(sizeof *engine->next)) == NULL) {
        engine_known_record_drop(record);
        return PN_ENOMEM;
    }
    *engine->next = (struct node_next){record, after};
    return PN_OK;
}

void
node_drop_next(struct node_engine *engine)
{
    if (engine->next != NULL)
        engine_known_record_drop(engine->next->record);
    free(engine->next);
    engine->next = NULL;
}

enum pn_status
node_check_block(struct node_engine *engine, const struct wire_frame *frame, uint64_t *height,
                 struct pn_error *why)
{
    const struct fed_chain *chain = &engine->chain;
    struct offer            offer = {.known = NULL};
    enum pn_status          st    = read_offer(&offer, engine, frame);
    *height                       = offer.height + 1;
    if (st != PN_OK)
        return st;
    if (chain->height > 0 && sec_hash_equal(&offer.hash, &chain->head))
        return PN_OK;
    if (offer.height > chain->height && (!chain->sparse || chain->height == 0))
        return PN_EPEER_STATE;
    if (offer.height < chain->height)
        return check_old(engine, &offer.hash, offer.height, why);
    if (engine->next != NULL && sec_hash_equal(&offer.hash, &engine->next->chain.head))
        return PN_OK; /* it is being kept */
    if (engine->machine.keeping > 0)
        return pn_error_set(why, PN_EPEER_VALUE, "two different blocks %llu",
                            (unsigned long long)offer.height);
    return take_new(engine, &offer, why);
}

/* ---- keeping it ---- */

struct keep {
    struct engine_work                base;
    const struct store_disk          *disk;
    const struct engine_known_record *record; /* the engine's, which holds it while a KEEP runs */
    struct engine_held               *model;  /* to be saved: the run's last; NULL otherwise */
};

static void
release_keep(struct engine_work *work)
{
    struct keep *keep = (struct keep *)work;
    engine_held_drop(keep->model);
    free(keep);
}

static enum pn_status
save_model(const struct keep *keep)
{
    char name[ENGINE_NAME_SIZE];
    if (keep->model == NULL)
        return PN_OK;
    engine_blob_name(name, "models", &keep->model->blob.root);
    return keep->disk->save(keep->disk->host, name, keep->model->bytes, keep->model->blob.size);
}

static void
run_keep(struct pn_work *work)
{
    struct keep             *keep = (struct keep *)work;
    const struct store_disk *disk = keep->disk;
    enum pn_status           st   = save_model(keep);
    if (st == PN_OK)
        st = disk->append(disk->host, keep->record->bytes, keep->record->size);
    keep->base.status = st;
}

/* The finish block says why the run ended, as FINISH does. */
static void
read_ending(struct node_engine *engine)
{
    struct wire_block      block;
    struct wire_arena     *arena = &engine->config.scratch->arena;
    const struct wire_span bytes = engine_known_record_block(engine->next->record);
    if (!engine->chain.finished || engine->ending != NULL)
        return;
    wire_arena_reset(arena);
    if (wire_block_decode(&block, arena, bytes.bytes, bytes.size) == PN_OK)
        node_note(&engine->ending, block.note); /* it was decoded when it came; only memory can
                                                 * be short now */
}

static void
done_keep(struct pn_work *work, pn_ms now)
{
    struct keep            *keep   = (struct keep *)engine_work_take(work);
    struct node_engine     *engine = keep->base.engine;
    struct fed_member_event event  = {
         .kind = FED_M_DONE, .work = FED_WORK_KEEP, .status = keep->base.status};
    if (keep->base.status == PN_OK) {
        engine->chain = engine->next->chain;
        if (engine->update.round <= engine->chain.round)
            engine_shelf_lighten(&engine->shelf, "updates"); /* its round is over */
        read_ending(engine);
        node_tell(engine, &(struct node_notice){.kind   = NODE_COMMITTED,
                                                .round  = engine->chain.round,
                                                .height = engine->chain.height - 1});
        node_drop_next(engine);
    } else {
        engine->fault = keep->base.status;
        node_tell(engine, &(struct node_notice){
                              .kind   = NODE_FAILED,
                              .work   = FED_WORK_KEEP,
                              .status = keep->base.status,
                              .text   = "a block cannot be written to the state directory"});
    }
    release_keep(&keep->base);
    (void)node_take_turn(engine, now, &event);
    /* The finish block says the same as FINISH, which may be lost when nobody is left to repeat it.
     * It is written for runs that came to their end only. */
    if (!engine->chain.finished || engine->machine.phase == FED_OVER)
        return;
    event = (struct fed_member_event){.kind = FED_M_FINISH, .outcome = WIRE_DONE};
    if (engine->job != NULL && engine->chain.round < engine->job->job->rounds)
        event.outcome = WIRE_STOPPED_EARLY;
    (void)node_take_turn(engine, now, &event);
}

/* Before the last block is countersigned - which lets the coordinator go - the run's model is on
 * the disk. */
static bool
must_save_model(const struct node_engine *engine)
{
    const struct fed_chain *after = &engine->next->chain;
    return after->finished && engine->job != NULL && after->model.size == engine->job->model_size &&
           !engine_blob_is_there(engine->config.disk, "models", &after->model);
}

static bool
must_wait_for_model(struct node_engine *engine, pn_ms now)
{
    const struct sec_blob *model = &engine->next->chain.model;
    if (!must_save_model(engine) || engine_held_is(engine->held_model, model))
        return false;
    if (!engine->keep_waits)
        node_need(engine, &engine->model, model, now);
    engine->keep_waits = engine_fetch_is_of(&engine->model, model);
    return engine->keep_waits;
}

void
node_begin_keep(struct node_engine *engine, pn_ms now)
{
    if (must_wait_for_model(engine, now))
        return;
    engine->keep_waits = false;
    struct keep *keep  = calloc(1, sizeof *keep);
    if (keep == NULL) {
        engine->fault = PN_ENOMEM;
        node_raise(engine, &(struct fed_member_event){
                               .kind = FED_M_DONE, .work = FED_WORK_KEEP, .status = PN_ENOMEM});
        return;
    }
    keep->disk   = engine->config.disk;
    keep->record = engine->next->record;
    if (must_save_model(engine) && engine_held_is(engine->held_model, &engine->next->chain.model))
        keep->model = engine_held_take(engine->held_model);
    node_submit(
        engine, &keep->base,
        &(struct engine_work_how){engine->next->record->size, run_keep, done_keep, release_keep});
}
