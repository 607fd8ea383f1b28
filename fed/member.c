#include "fed/member.h"

struct turn { /* one call of fed_member_step */
    struct fed_member             *member;
    pn_ms                          now;
    const struct fed_member_event *event;
    struct fed_member_effects     *effects;
};

static void
add(struct turn *turn, const struct fed_member_effect *effect)
{
    PN_ASSERT(turn->effects->count < FED_MEMBER_EFFECTS_MAX);
    turn->effects->items[turn->effects->count++] = *effect;
}

/* Nothing is kept for later: a coordinator that comes back asks again. */
static void
say(struct turn *turn, enum wire_type type)
{
    if (turn->member->connected)
        add(turn, &(struct fed_member_effect){
                      .kind = FED_M_SEND, .type = type, .blob = turn->member->update});
}

static void
greet(struct turn *turn)
{
    say(turn, WIRE_HELLO);
    turn->member->retry_at = pn_ms_add(turn->now, turn->member->limits.retry_ms);
}

static void
start(struct turn *turn, enum fed_member_work work)
{
    struct fed_member *member = turn->member;
    PN_ASSERT(member->work == FED_NO_WORK && work != FED_NO_WORK && work != FED_WORK_KEEP);
    member->work       = work;
    member->work_round = member->round;
    member->work_model = member->model;
    add(turn, &(struct fed_member_effect){.kind = FED_M_WORK, .work = work});
}

/* Starts what is wanted once the slot is free and its blobs are here. */
static void
start_wanted(struct turn *turn)
{
    struct fed_member   *member = turn->member;
    enum fed_member_work wanted = member->wanted;
    if (wanted == FED_NO_WORK || member->work != FED_NO_WORK)
        return;
    if (wanted != FED_WORK_SURVEY && (!member->has_model || !member->has_scaling))
        return;
    member->wanted = FED_NO_WORK;
    start(turn, wanted);
}

/* What an order is about; nothing is there that has no bytes: a job that pins no scaling. */
static void
note(bool *has, struct sec_blob *noted, const struct sec_blob *blob)
{
    *has   = blob->size == 0 || (*has && sec_blob_equal(noted, blob));
    *noted = *blob;
}

static void
need(struct turn *turn, bool has, const struct sec_blob *blob)
{
    if (!has)
        add(turn, &(struct fed_member_effect){.kind = FED_M_NEED, .blob = *blob});
}

/* The coordinator's newest word; it replaces what was wanted before. */
static void
take_order(struct turn *turn, enum fed_member_work order)
{
    struct fed_member *member = turn->member;
    member->round             = turn->event->round;
    member->attempt           = turn->event->attempt;
    member->order             = order;
    member->wanted            = FED_NO_WORK;
}

static bool
is_running(const struct fed_member *member, enum fed_member_work work)
{
    return member->work == work && member->work_round == member->round &&
           sec_blob_equal(&member->work_model, &member->model);
}

static bool
has_update(const struct fed_member *member)
{
    return member->update_round == member->round && member->update_round > 0 &&
           sec_blob_equal(&member->update_model, &member->model);
}

static bool
has_metrics(const struct fed_member *member)
{
    return member->metrics_round == member->round && member->metrics_round > 0 &&
           sec_blob_equal(&member->metrics_model, &member->model);
}

/* ---- the connection ------------------------------------------------------------------- */

static enum pn_status
on_up(struct turn *turn)
{
    struct fed_member *member = turn->member;
    member->connected         = true;
    member->greeted           = false;
    if (member->phase == FED_OFFLINE)
        member->phase = FED_GREETED;
    greet(turn);
    return PN_OK;
}

static enum pn_status
on_down(struct turn *turn)
{
    struct fed_member *member = turn->member;
    member->connected = member->greeted = false;
    if (member->phase == FED_GREETED)
        member->phase = FED_OFFLINE;
    return PN_OK;
}

static enum pn_status
on_hello(struct turn *turn)
{
    turn->member->greeted = true;
    if (turn->event->restart)
        greet(turn);
    return PN_OK;
}

/* ---- orders --------------------------------------------------------------------------- */

static enum pn_status
on_offer(struct turn *turn)
{
    struct fed_member *member = turn->member;
    switch (member->phase) {
    case FED_OFFLINE:
    case FED_OVER:
        return PN_EPEER_STATE;
    case FED_GREETED:
        member->phase = FED_JOINING;
        start(turn, FED_WORK_JOIN);
        return PN_OK;
    case FED_JOINING:
        return PN_OK; /* the answer follows */
    case FED_JOINED:
    case FED_REFUSED:
        say(turn, WIRE_ANSWER);
        return PN_OK;
    }
    PN_UNREACHABLE("phase");
}

static enum pn_status
on_survey(struct turn *turn)
{
    struct fed_member *member = turn->member;
    take_order(turn, FED_WORK_SURVEY);
    if (member->surveyed)
        say(turn, WIRE_STATISTICS);
    else if (member->work != FED_WORK_SURVEY)
        member->wanted = FED_WORK_SURVEY;
    start_wanted(turn);
    return PN_OK;
}

/* Accepting needs no free slot: older training ends by itself, and its result is dropped. */
static enum pn_status
on_invite(struct turn *turn)
{
    take_order(turn, FED_NO_WORK);
    say(turn, WIRE_ACCEPT);
    return PN_OK;
}

static enum pn_status
on_model_order(struct turn *turn, enum fed_member_work order, enum wire_type answer,
               bool (*is_done)(const struct fed_member *))
{
    struct fed_member *member = turn->member;
    take_order(turn, order);
    note(&member->has_model, &member->model, &turn->event->model);
    note(&member->has_scaling, &member->scaling, &turn->event->scaling);
    if (is_done(member)) { /* answered from its result, which needs no blob */
        say(turn, answer);
        return PN_OK;
    }
    need(turn, member->has_model, &member->model);
    need(turn, member->has_scaling, &member->scaling);
    if (!is_running(member, order))
        member->wanted = order;
    start_wanted(turn);
    return PN_OK;
}

/* Any phase may keep a block: the ledger is the member's, whatever it thinks of the job. */
static enum pn_status
on_commit(struct turn *turn)
{
    struct fed_member *member = turn->member;
    uint64_t           height = turn->event->height;
    if (height > member->height + 1 && !turn->event->sparse)
        return PN_EPEER_STATE; /* a gap: the coordinator sends the one between */
    if (height <= member->height) {
        say(turn, WIRE_COUNTERSIGN);
    } else if (member->keeping == 0) {
        member->keeping = height;
        add(turn, &(struct fed_member_effect){.kind = FED_M_WORK, .work = FED_WORK_KEEP});
    }
    return PN_OK;
}

static void
end_when_kept(struct turn *turn)
{
    struct fed_member *member = turn->member;
    if (member->phase != FED_OVER || member->ended || member->keeping > 0)
        return;
    member->ended = true;
    add(turn, &(struct fed_member_effect){.kind = FED_M_END});
}

static enum pn_status
on_finish(struct turn *turn)
{
    struct fed_member *member = turn->member;
    if (member->phase != FED_OVER)
        member->outcome = turn->event->outcome;
    member->phase  = FED_OVER;
    member->order  = FED_NO_WORK;
    member->wanted = FED_NO_WORK;
    end_when_kept(turn);
    return PN_OK;
}

/* ---- the host ------------------------------------------------------------------------- */

static enum pn_status
on_held(struct turn *turn)
{
    struct fed_member     *member = turn->member;
    const struct sec_blob *blob   = &turn->event->model;
    if (sec_blob_equal(blob, &member->model))
        member->has_model = true;
    if (sec_blob_equal(blob, &member->scaling))
        member->has_scaling = true;
    start_wanted(turn);
    return PN_OK;
}

static void
joined(struct turn *turn)
{
    struct fed_member *member = turn->member;
    if (member->phase != FED_JOINING)
        return; /* the run ended meanwhile */
    member->phase        = turn->event->status == PN_OK ? FED_JOINED : FED_REFUSED;
    member->heartbeat_at = pn_ms_add(turn->now, member->limits.heartbeat_ms);
    say(turn, WIRE_ANSWER);
}

static void
surveyed(struct turn *turn)
{
    turn->member->surveyed = turn->event->status == PN_OK;
    if (turn->member->order == FED_WORK_SURVEY)
        say(turn, turn->member->surveyed ? WIRE_STATISTICS : WIRE_FAULT);
}

/* A result counts for its round and model, in any attempt; it is told when that was asked for. */
static void
trained(struct turn *turn, uint64_t round, const struct sec_blob *model)
{
    struct fed_member *member = turn->member;
    bool               asked  = member->order == FED_WORK_TRAIN && member->round == round &&
                 sec_blob_equal(&member->model, model);
    if (turn->event->status == PN_OK && member->round == round) {
        member->update_round = round;
        member->update_model = *model;
        member->update       = turn->event->model;
    }
    if (asked)
        say(turn, turn->event->status == PN_OK ? WIRE_UPDATE : WIRE_FAULT);
}

static void
evaluated(struct turn *turn, uint64_t round, const struct sec_blob *model)
{
    struct fed_member *member = turn->member;
    bool               asked  = member->order == FED_WORK_EVALUATE && member->round == round &&
                 sec_blob_equal(&member->model, model);
    if (turn->event->status == PN_OK) {
        member->metrics_round = round;
        member->metrics_model = *model;
    }
    if (asked)
        say(turn, turn->event->status == PN_OK ? WIRE_METRICS : WIRE_FAULT);
}

static enum pn_status
kept(struct turn *turn)
{
    struct fed_member *member = turn->member;
    if (member->keeping == 0)
        return PN_EPEER_STATE;
    if (turn->event->status == PN_OK)
        member->height = member->keeping;
    member->keeping = 0;
    say(turn, turn->event->status == PN_OK ? WIRE_COUNTERSIGN : WIRE_FAULT);
    end_when_kept(turn);
    return PN_OK;
}

static enum pn_status
on_done(struct turn *turn)
{
    struct fed_member   *member = turn->member;
    enum fed_member_work work   = turn->event->work;
    uint64_t             round  = member->work_round;
    struct sec_blob      model  = member->work_model;
    if (work == FED_WORK_KEEP)
        return kept(turn);
    if (work == FED_NO_WORK || work != member->work)
        return PN_EPEER_STATE;
    member->work = FED_NO_WORK;
    if (work == FED_WORK_JOIN)
        joined(turn);
    else if (work == FED_WORK_SURVEY)
        surveyed(turn);
    else if (work == FED_WORK_TRAIN)
        trained(turn, round, &model);
    else
        evaluated(turn, round, &model);
    start_wanted(turn);
    return PN_OK;
}

/* ---- the step ------------------------------------------------------------------------- */

static void
on_time(struct turn *turn)
{
    struct fed_member *member = turn->member;
    if (!member->connected || member->phase == FED_OVER)
        return;
    if (!member->greeted && turn->now >= member->retry_at)
        greet(turn);
    if (member->greeted && member->phase == FED_JOINED && turn->now >= member->heartbeat_at) {
        member->heartbeat_at = pn_ms_add(turn->now, member->limits.heartbeat_ms);
        say(turn, WIRE_HEARTBEAT);
    }
}

/* Orders need a job; a round that is over cannot come back, its block is durable. */
static enum pn_status
take_job_order(struct turn *turn)
{
    const struct fed_member_event *event = turn->event;
    if (turn->member->phase != FED_JOINED)
        return PN_EPEER_STATE;
    if (event->round < turn->member->round)
        return PN_EPEER_STALE;
    if (event->kind == FED_M_SURVEY)
        return on_survey(turn);
    if (event->kind == FED_M_INVITE)
        return on_invite(turn);
    if (event->model.size == 0)
        return PN_EPEER_VALUE;
    if (event->kind == FED_M_TRAIN)
        return on_model_order(turn, FED_WORK_TRAIN, WIRE_UPDATE, has_update);
    return on_model_order(turn, FED_WORK_EVALUATE, WIRE_METRICS, has_metrics);
}

static enum pn_status
take_message(struct turn *turn)
{
    if (!turn->member->connected)
        return PN_EPEER_STATE;
    switch (turn->event->kind) {
    case FED_M_HELLO:
        return on_hello(turn);
    case FED_M_OFFER:
        return on_offer(turn);
    case FED_M_COMMIT:
        return on_commit(turn);
    case FED_M_FINISH:
        return on_finish(turn);
    default:
        return take_job_order(turn);
    }
}

void
fed_member_init(struct fed_member *member, const struct fed_member_limits *limits, uint64_t height)
{
    PN_ASSERT(limits->heartbeat_ms > 0 && limits->retry_ms > 0);
    *member = (struct fed_member){.limits = *limits, .phase = FED_OFFLINE, .height = height};
}

enum pn_status
fed_member_step(struct fed_member *member, pn_ms now, const struct fed_member_event *event,
                struct fed_member_effects *effects)
{
    struct turn turn = {.member = member, .now = now, .event = event, .effects = effects};
    effects->count   = 0;
    on_time(&turn);

    switch (event->kind) {
    case FED_M_TICK:
        return PN_OK;
    case FED_M_UP:
        return on_up(&turn);
    case FED_M_DOWN:
        return on_down(&turn);
    case FED_M_HELD:
        return on_held(&turn);
    case FED_M_DONE:
        return on_done(&turn);
    case FED_M_HELLO:
    case FED_M_OFFER:
    case FED_M_SURVEY:
    case FED_M_INVITE:
    case FED_M_TRAIN:
    case FED_M_EVALUATE:
    case FED_M_COMMIT:
    case FED_M_FINISH:
        return take_message(&turn);
    }
    PN_UNREACHABLE("event");
}

pn_ms
fed_member_deadline(const struct fed_member *member)
{
    if (!member->connected || member->phase == FED_OVER)
        return UINT64_MAX;
    if (!member->greeted)
        return member->retry_at;
    return member->phase == FED_JOINED ? member->heartbeat_at : UINT64_MAX;
}
