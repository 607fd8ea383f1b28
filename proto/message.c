/*
 * The messages without lists. Three functions for each: put (our struct to protobuf-c's), get
 * (back; false for a wrong length) and is_valid (the rules of the header).
 */
#include "proto/codec.h"
#include "proto/frame.h"

#include <math.h>

static bool
blob_or_none(const struct wire_blob *blob)
{
    return wire_blob_is_valid(blob) || wire_blob_is_none(blob);
}

/* ---- hello ---- */

static void
hello_put(Panal__Hello *pb, const struct wire_hello *message, struct wire_parts *parts)
{
    (void)parts;
    pb->restart  = message->restart;
    pb->software = wire_put_text(message->software);
    pb->height   = message->height;
    pb->head     = WIRE_PUT_BYTES(message->head);
    pb->key      = WIRE_PUT_BYTES(message->key);
}

static bool
hello_get(struct wire_hello *message, const Panal__Hello *pb)
{
    message->restart  = pb->restart;
    message->software = pb->software;
    message->height   = pb->height;
    return WIRE_GET_BYTES(message->head, &pb->head) && WIRE_GET_BYTES(message->key, &pb->key);
}

static bool
hello_is_valid(const struct wire_hello *message)
{
    bool empty = wire_is_zero(message->head, sizeof message->head);
    return wire_text_is_valid(message->software) && (message->height == 0) == empty;
}

WIRE_FLAT_MESSAGE(hello, Hello)

/* ---- offer ---- */

static void
offer_put(Panal__Offer *pb, const struct wire_offer *message, struct wire_parts *parts)
{
    (void)parts;
    pb->job = wire_put_bytes(message->job.bytes, message->job.size);
}

static bool
offer_get(struct wire_offer *message, const Panal__Offer *pb)
{
    message->job = wire_get_span(&pb->job);
    return true;
}

static bool
offer_is_valid(const struct wire_offer *message)
{
    return message->job.size >= 1 && message->job.size <= WIRE_JOB_MAX;
}

WIRE_FLAT_MESSAGE(offer, Offer)

/* ---- answer ---- */

static void
answer_put(Panal__Answer *pb, const struct wire_answer *message, struct wire_parts *parts)
{
    (void)parts;
    pb->accepted           = message->accepted;
    pb->reason             = wire_put_text(message->reason);
    pb->records            = message->records;
    pb->validation_records = message->validation_records;
}

static bool
answer_get(struct wire_answer *message, const Panal__Answer *pb)
{
    *message = (struct wire_answer){pb->accepted, pb->reason, pb->records, pb->validation_records};
    return true;
}

static bool
answer_is_valid(const struct wire_answer *message)
{
    return message->accepted == (message->reason[0] == 0) && wire_text_is_valid(message->reason);
}

WIRE_FLAT_MESSAGE(answer, Answer)

/* ---- invite, accept ---- */

static void
invite_put(Panal__Invite *pb, const struct wire_invite *message, struct wire_parts *parts)
{
    (void)parts;
    pb->answer_ms = message->answer_ms;
}

static bool
invite_get(struct wire_invite *message, const Panal__Invite *pb)
{
    message->answer_ms = pb->answer_ms;
    return true;
}

static bool
invite_is_valid(const struct wire_invite *message)
{
    (void)message;
    return true;
}

WIRE_FLAT_MESSAGE(invite, Invite)

static void
accept_put(Panal__Accept *pb, const struct wire_accept *message, struct wire_parts *parts)
{
    (void)parts;
    pb->records = message->records;
}

static bool
accept_get(struct wire_accept *message, const Panal__Accept *pb)
{
    message->records = pb->records;
    return true;
}

static bool
accept_is_valid(const struct wire_accept *message)
{
    (void)message;
    return true;
}

WIRE_FLAT_MESSAGE(accept, Accept)

/* ---- train, evaluate ---- */

static void
train_put(Panal__Train *pb, const struct wire_train *message, struct wire_parts *parts)
{
    pb->model       = wire_put_part(&parts->a, &message->model);
    pb->scaling     = wire_put_part(&parts->b, &message->scaling);
    pb->deadline_ms = message->deadline_ms;
}

static bool
train_get(struct wire_train *message, const Panal__Train *pb)
{
    message->deadline_ms = pb->deadline_ms;
    return wire_get_blob(&message->model, pb->model) &&
           wire_get_blob(&message->scaling, pb->scaling);
}

static bool
train_is_valid(const struct wire_train *message)
{
    return wire_blob_is_valid(&message->model) && blob_or_none(&message->scaling);
}

WIRE_FLAT_MESSAGE(train, Train)

static void
evaluate_put(Panal__Evaluate *pb, const struct wire_evaluate *message, struct wire_parts *parts)
{
    pb->model       = wire_put_part(&parts->a, &message->model);
    pb->scaling     = wire_put_part(&parts->b, &message->scaling);
    pb->deadline_ms = message->deadline_ms;
}

static bool
evaluate_get(struct wire_evaluate *message, const Panal__Evaluate *pb)
{
    message->deadline_ms = pb->deadline_ms;
    return wire_get_blob(&message->model, pb->model) &&
           wire_get_blob(&message->scaling, pb->scaling);
}

static bool
evaluate_is_valid(const struct wire_evaluate *message)
{
    return wire_blob_is_valid(&message->model) && blob_or_none(&message->scaling);
}

WIRE_FLAT_MESSAGE(evaluate, Evaluate)

/* ---- update ---- */

static void
update_put(Panal__Update *pb, const struct wire_update *message, struct wire_parts *parts)
{
    pb->update    = wire_put_part(&parts->a, &message->update);
    pb->weight    = message->weight;
    pb->loss      = message->loss;
    pb->signature = WIRE_PUT_BYTES(message->signature);
}

static bool
update_get(struct wire_update *message, const Panal__Update *pb)
{
    message->weight = pb->weight;
    message->loss   = pb->loss;
    return wire_get_blob(&message->update, pb->update) &&
           WIRE_GET_BYTES(message->signature, &pb->signature);
}

static bool
update_is_valid(const struct wire_update *message)
{
    return wire_blob_is_valid(&message->update) && message->weight >= 1 && isfinite(message->loss);
}

WIRE_FLAT_MESSAGE(update, Update)

/* ---- commit, countersign ---- */

static void
commit_put(Panal__Commit *pb, const struct wire_commit *message, struct wire_parts *parts)
{
    (void)parts;
    pb->block     = wire_put_bytes(message->block.bytes, message->block.size);
    pb->signature = WIRE_PUT_BYTES(message->signature);
}

static bool
commit_get(struct wire_commit *message, const Panal__Commit *pb)
{
    message->block = wire_get_span(&pb->block);
    return WIRE_GET_BYTES(message->signature, &pb->signature);
}

static bool
commit_is_valid(const struct wire_commit *message)
{
    return message->block.size >= 1 && message->block.size <= WIRE_BLOCK_MAX;
}

WIRE_FLAT_MESSAGE(commit, Commit)

static void
countersign_put(Panal__Countersign *pb, const struct wire_countersign *message,
                struct wire_parts *parts)
{
    (void)parts;
    pb->height    = message->height;
    pb->hash      = WIRE_PUT_BYTES(message->hash);
    pb->signature = WIRE_PUT_BYTES(message->signature);
}

static bool
countersign_get(struct wire_countersign *message, const Panal__Countersign *pb)
{
    message->height = pb->height;
    return WIRE_GET_BYTES(message->hash, &pb->hash) &&
           WIRE_GET_BYTES(message->signature, &pb->signature);
}

static bool
countersign_is_valid(const struct wire_countersign *message)
{
    (void)message;
    return true;
}

WIRE_FLAT_MESSAGE(countersign, Countersign)

/* ---- finish, fault ---- */

static void
finish_put(Panal__Finish *pb, const struct wire_finish *message, struct wire_parts *parts)
{
    pb->outcome = (Panal__Outcome)message->outcome;
    pb->reason  = wire_put_text(message->reason);
    pb->model   = wire_put_part(&parts->a, &message->model);
}

static bool
finish_get(struct wire_finish *message, const Panal__Finish *pb)
{
    message->outcome = (enum wire_outcome)pb->outcome;
    message->reason  = pb->reason;
    return wire_get_blob(&message->model, pb->model);
}

static bool
finish_is_valid(const struct wire_finish *message)
{
    return message->outcome >= WIRE_DONE && message->outcome <= WIRE_FAILED &&
           wire_text_is_valid(message->reason) && blob_or_none(&message->model);
}

WIRE_FLAT_MESSAGE(finish, Finish)

static void
fault_put(Panal__Fault *pb, const struct wire_fault *message, struct wire_parts *parts)
{
    (void)parts;
    pb->reason = wire_put_text(message->reason);
}

static bool
fault_get(struct wire_fault *message, const Panal__Fault *pb)
{
    message->reason = pb->reason;
    return true;
}

static bool
fault_is_valid(const struct wire_fault *message)
{
    return wire_name_is_valid(message->reason);
}

WIRE_FLAT_MESSAGE(fault, Fault)

/* ---- heartbeat ---- */

static void
heartbeat_put(Panal__Heartbeat *pb, const struct wire_heartbeat *message, struct wire_parts *parts)
{
    (void)parts;
    pb->activity = (Panal__Activity)message->activity;
    pb->done     = message->done;
    pb->total    = message->total;
}

static bool
heartbeat_get(struct wire_heartbeat *message, const Panal__Heartbeat *pb)
{
    *message = (struct wire_heartbeat){(enum wire_activity)pb->activity, pb->done, pb->total};
    return true;
}

static bool
heartbeat_is_valid(const struct wire_heartbeat *message)
{
    return message->activity >= WIRE_IDLE && message->activity <= WIRE_SENDING &&
           message->done <= message->total;
}

WIRE_FLAT_MESSAGE(heartbeat, Heartbeat)

/* ---- pull ---- */

static void
pull_put(Panal__Pull *pb, const struct wire_pull *message, struct wire_parts *parts)
{
    pb->blob  = wire_put_part(&parts->a, &message->blob);
    pb->first = message->first;
    pb->count = message->count;
}

static bool
pull_get(struct wire_pull *message, const Panal__Pull *pb)
{
    message->first = pb->first;
    message->count = pb->count;
    return wire_get_blob(&message->blob, pb->blob);
}

static bool
pull_is_valid(const struct wire_pull *message)
{
    uint64_t chunks =
        message->blob.size / WIRE_CHUNK_SIZE + (message->blob.size % WIRE_CHUNK_SIZE != 0);
    return wire_blob_is_valid(&message->blob) && message->count >= 1 &&
           message->count <= WIRE_PULL_MAX && message->first < chunks &&
           message->count <= chunks - message->first;
}

WIRE_FLAT_MESSAGE(pull, Pull)
