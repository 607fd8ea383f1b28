#include "node/state.h"

#include <stdlib.h>
#include <string.h>

enum {
    CANDIDATES_MAX = 32
};

static struct wire_arena *
arena_of(struct node_engine *engine)
{
    wire_arena_reset(&engine->config.scratch->arena);
    return &engine->config.scratch->arena;
}

static struct fed_member_event
event_of(enum fed_member_event_kind kind, const struct wire_frame *frame)
{
    return (struct fed_member_event){
        .kind = kind, .round = frame->header.round, .attempt = frame->header.attempt};
}

/* ---- joining ---- */

static enum pn_status
take_hello(struct node_engine *engine, pn_ms now, const struct wire_frame *frame,
           struct pn_error *why)
{
    struct wire_hello hello;
    enum pn_status    st =
        wire_hello_decode(&hello, arena_of(engine), frame->body, frame->header.body_size);
    if (st != PN_OK)
        return st;
    engine->greetings = 0;
    engine->foreign   = hello.height < engine->chain.height;
    if (engine->foreign)
        return pn_error_set(why, PN_EPEER_VALUE,
                            "the coordinator has %llu blocks, we have %llu: an old state directory "
                            "was restored there, or it shows another history",
                            (unsigned long long)hello.height,
                            (unsigned long long)engine->chain.height);
    engine->foreign = hello.height == engine->chain.height &&
                      !sec_equal(hello.head, engine->chain.head.bytes, sizeof hello.head);
    if (engine->foreign)
        return pn_error_set(
            why, PN_EPEER_VALUE,
            "the coordinator's block %llu is not the one we countersigned: it shows "
            "two histories",
            (unsigned long long)hello.height - 1);
    engine_fetch_reconnected(&engine->model);
    engine_fetch_reconnected(&engine->scaling);
    struct fed_member_event event = event_of(FED_M_HELLO, frame);
    event.restart                 = hello.restart;
    return node_take_turn(engine, now, &event);
}

static bool
is_same_text(const struct wire_span *a, const struct wire_span *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* One job for the life of a state directory: its hash stands in the genesis block. */
static enum pn_status
keep_job_text(struct node_engine *engine, const struct wire_span *text)
{
    const struct engine_job *known = engine->config.job;
    struct sec_hash          hash;
    if (engine->job_text.size > 0)
        return is_same_text(&engine->job_text, text) ? PN_OK : PN_EPEER_RUN;
    sec_hash_of(&hash, "job", text->bytes, text->size);
    if (engine->chain.height > 0 && !sec_hash_equal(&hash, &engine->chain.job))
        return PN_EPEER_RUN;
    if (known != NULL) {
        const struct wire_span host = {(const uint8_t *)known->job->text, known->job->text_size};
        if (is_same_text(&host, text)) {
            engine->job_text = host;
            return PN_OK;
        }
    }
    if ((engine->own_text = malloc(text->size)) == NULL)
        return PN_ENOMEM;
    memcpy(engine->own_text, text->bytes, text->size);
    engine->job_text = (struct wire_span){engine->own_text, text->size};
    return PN_OK;
}

static enum pn_status
take_offer(struct node_engine *engine, pn_ms now, const struct wire_frame *frame,
           struct pn_error *why)
{
    struct wire_offer offer;
    enum pn_status    st =
        wire_offer_decode(&offer, arena_of(engine), frame->body, frame->header.body_size);
    if (st == PN_OK)
        st = keep_job_text(engine, &offer.job);
    if (st == PN_EPEER_RUN)
        return pn_error_set(why, st,
                            "another job is offered than the one this state directory is for");
    if (st != PN_OK)
        return st;
    const struct fed_member_event event = event_of(FED_M_OFFER, frame);
    return node_take_turn(engine, now, &event);
}

/* ---- orders ---- */

static enum pn_status
take_survey(struct node_engine *engine, pn_ms now, const struct wire_frame *frame,
            struct pn_error *why)
{
    (void)why;
    if (frame->header.body_size != 0)
        return PN_EPEER_FORMAT;
    const struct fed_member_event event = event_of(FED_M_SURVEY, frame);
    return node_take_turn(engine, now, &event);
}

static enum pn_status
take_invite(struct node_engine *engine, pn_ms now, const struct wire_frame *frame,
            struct pn_error *why)
{
    struct wire_invite invite;
    enum pn_status     st =
        wire_invite_decode(&invite, arena_of(engine), frame->body, frame->header.body_size);
    if (st != PN_OK)
        return st;
    if (engine->job != NULL && frame->header.round > engine->job->job->rounds)
        return pn_error_set(why, PN_EPEER_VALUE, "the job has %u rounds, this is round %llu",
                            engine->job->job->rounds, (unsigned long long)frame->header.round);
    const struct fed_member_event event = event_of(FED_M_INVITE, frame);
    return node_take_turn(engine, now, &event);
}

/* The chain that orders must build on: with the block that is being kept, which was checked. */
static const struct fed_chain *
newest_chain(const struct node_engine *engine)
{
    return engine->machine.keeping > engine->chain.height ? &engine->next->chain : &engine->chain;
}

/* What the job and our own copy of the ledger say of an order: this round and no other, this
 * scaling and no other. PN_EPEER_STATE when the block before it is not here yet. */
static enum pn_status
check_order(const struct node_engine *engine, uint64_t round, const struct wire_blob *model,
            const struct wire_blob *scaling, struct pn_error *why)
{
    const struct fed_chain *chain = newest_chain(engine);
    const struct sec_blob   seen  = fed_blob_from_wire(scaling);
    if (engine->job == NULL)
        return PN_EPEER_STATE;
    /* The sizes follow from the job: nothing larger is ever fetched. */
    if (model->size != engine->job->model_size || scaling->size != engine->job->scaling_size)
        return pn_error_set(why, PN_EPEER_VALUE,
                            "the model or the scaling has another size than "
                            "the job gives it");
    if (round > engine->job->job->rounds)
        return pn_error_set(why, PN_EPEER_VALUE, "the job has %u rounds, this is round %llu",
                            engine->job->job->rounds, (unsigned long long)round);
    if (chain->height == 0 || round > chain->round + 1)
        return PN_EPEER_STATE;
    if (round <= chain->round)
        return PN_EPEER_STALE;
    if (!sec_blob_equal(&seen, &chain->scaling))
        return pn_error_set(why, PN_EPEER_VALUE,
                            "the scaling is not the one in the ledger's first block");
    return PN_OK;
}

/* We train on nothing that the ledger does not show: what a coordinator lets us train from,
 * everybody can see. */
static enum pn_status
train_now(struct node_engine *engine, pn_ms now, const struct fed_member_event *event,
          struct pn_error *why)
{
    const struct wire_blob model   = fed_blob_to_wire(&event->model);
    const struct wire_blob scaling = fed_blob_to_wire(&event->scaling);
    enum pn_status         st      = check_order(engine, event->round, &model, &scaling, why);
    if (st == PN_EPEER_STATE && engine->job != NULL) {
        free(engine->early);
        if ((engine->early = malloc(sizeof *engine->early)) != NULL)
            *engine->early = *event; /* else the coordinator asks again */
    }
    if (st != PN_OK)
        return st;
    if (!sec_blob_equal(&event->model, &newest_chain(engine)->model))
        return pn_error_set(why, PN_EPEER_VALUE,
                            "round %llu is to start from another model than the ledger's",
                            (unsigned long long)event->round);
    return node_take_turn(engine, now, event);
}

static enum pn_status
take_train(struct node_engine *engine, pn_ms now, const struct wire_frame *frame,
           struct pn_error *why)
{
    struct wire_train train;
    enum pn_status    st =
        wire_train_decode(&train, arena_of(engine), frame->body, frame->header.body_size);
    if (st != PN_OK)
        return st;
    struct fed_member_event event = event_of(FED_M_TRAIN, frame);
    event.model                   = fed_blob_from_wire(&train.model);
    event.scaling                 = fed_blob_from_wire(&train.scaling);
    event.deadline_ms             = train.deadline_ms;
    return train_now(engine, now, &event, why);
}

/* The block that an order waited for may be here now. */
static void
take_early(struct node_engine *engine, pn_ms now)
{
    struct pn_error why;
    if (engine->early == NULL)
        return;
    const struct fed_member_event event = *engine->early;
    free(engine->early);
    engine->early = NULL;
    /* SAFE: what is refused now is asked again by an honest coordinator. */
    (void)!train_now(engine, now, &event, &why);
}

/* A round has one candidate an attempt. More of them would be questions about our records. */
static enum pn_status
count_candidate(struct node_engine *engine, uint64_t round, const struct wire_blob *model,
                struct pn_error *why)
{
    const struct sec_blob candidate = fed_blob_from_wire(model);
    if (engine->candidates_round != round)
        engine->candidate_count = 0;
    else if (sec_blob_equal(&candidate, &engine->candidate))
        return PN_OK;
    if (engine->candidate_count >= CANDIDATES_MAX)
        return pn_error_set(why, PN_EPEER_LIMIT,
                            "round %llu: more than %d different models to evaluate",
                            (unsigned long long)round, CANDIDATES_MAX);
    engine->candidates_round = round;
    engine->candidate        = candidate;
    engine->candidate_count++;
    return PN_OK;
}

static enum pn_status
take_evaluate(struct node_engine *engine, pn_ms now, const struct wire_frame *frame,
              struct pn_error *why)
{
    struct wire_evaluate evaluate;
    enum pn_status       st =
        wire_evaluate_decode(&evaluate, arena_of(engine), frame->body, frame->header.body_size);
    if (st == PN_OK)
        st = check_order(engine, frame->header.round, &evaluate.model, &evaluate.scaling, why);
    if (st == PN_OK)
        st = count_candidate(engine, frame->header.round, &evaluate.model, why);
    if (st != PN_OK)
        return st;
    struct fed_member_event event = event_of(FED_M_EVALUATE, frame);
    event.model                   = fed_blob_from_wire(&evaluate.model);
    event.scaling                 = fed_blob_from_wire(&evaluate.scaling);
    event.deadline_ms             = evaluate.deadline_ms;
    return node_take_turn(engine, now, &event);
}

/* ---- the ledger, and the end ---- */

static enum pn_status
take_commit(struct node_engine *engine, pn_ms now, const struct wire_frame *frame,
            struct pn_error *why)
{
    struct fed_member_event event = event_of(FED_M_COMMIT, frame);
    enum pn_status          st    = node_check_block(engine, frame, &event.height, why);
    event.sparse                  = engine->chain.sparse;
    if (st == PN_OK)
        st = node_take_turn(engine, now, &event);
    take_early(engine, now);
    return st;
}

static enum pn_status
take_finish(struct node_engine *engine, pn_ms now, const struct wire_frame *frame,
            struct pn_error *why)
{
    struct wire_finish finish;
    enum pn_status     st =
        wire_finish_decode(&finish, arena_of(engine), frame->body, frame->header.body_size);
    (void)why;
    if (st != PN_OK)
        return st;
    node_note(&engine->ending, finish.reason);
    struct fed_member_event event = event_of(FED_M_FINISH, frame);
    event.outcome                 = finish.outcome;
    return node_take_turn(engine, now, &event);
}

/* ---- blobs ---- */

static enum pn_status
take_pull(struct node_engine *engine, pn_ms now, const struct wire_frame *frame,
          struct pn_error *why)
{
    struct wire_pull pull;
    enum pn_status   st =
        wire_pull_decode(&pull, arena_of(engine), frame->body, frame->header.body_size);
    (void)now;
    (void)why;
    return st != PN_OK ? st
                       : engine_shelf_give(&engine->shelf, &pull, &engine->peer,
                                           &engine->config.ports, engine->config.scratch);
}

static enum pn_status
take_chunk(struct node_engine *engine, pn_ms now, const struct wire_frame *frame,
           struct pn_error *why)
{
    struct wire_chunk chunk;
    enum pn_status    st = wire_chunk_decode(&chunk, frame->body, frame->header.body_size);
    (void)why;
    if (st != PN_OK)
        return st;
    struct engine_fetch *fetch = &engine->model;
    if ((st = engine_fetch_take(fetch, &chunk)) == PN_EPEER_STATE) {
        fetch = &engine->scaling;
        st    = engine_fetch_take(fetch, &chunk);
    }
    if (engine_fetch_is_whole(fetch))
        node_hold(engine, fetch, now);
    return st;
}

/* ---- all of them ---- */

typedef enum pn_status take_fn(struct node_engine *engine, pn_ms now,
                               const struct wire_frame *frame, struct pn_error *why);

static take_fn *const takers[] = {
    [WIRE_HELLO] = take_hello,   [WIRE_OFFER] = take_offer,   [WIRE_SURVEY] = take_survey,
    [WIRE_INVITE] = take_invite, [WIRE_TRAIN] = take_train,   [WIRE_EVALUATE] = take_evaluate,
    [WIRE_COMMIT] = take_commit, [WIRE_FINISH] = take_finish, [WIRE_PULL] = take_pull,
    [WIRE_CHUNK] = take_chunk,
};

enum pn_status
node_take(struct node_engine *engine, pn_ms now, const struct wire_frame *frame,
          struct pn_error *why)
{
    uint16_t type = frame->header.type;
    if (type >= sizeof takers / sizeof takers[0] || takers[type] == NULL)
        return PN_EPEER_FORMAT; /* a node's message; the link refuses it as well */
    if (engine->foreign && type != WIRE_HELLO)
        return PN_EPEER_RUN;
    return takers[type](engine, now, frame, why);
}
