/*
 * The messages without lists. Three functions for each: put (our struct to protobuf-c's), get
 * (back; false for a wrong length) and is_valid (the rules of the header).
 */
#include "proto/codec.h"
#include "proto/frame.h"

#include <math.h>

#define MESSAGE(type, Type)                                                                        \
    enum pn_status wire_##type##_encode(struct pn_buffer *out, const struct wire_##type *message)  \
    {                                                                                              \
        struct parts  parts;                                                                       \
        Panal__##Type pb;                                                                          \
        if (!type##_is_valid(message))                                                             \
            return PN_ERANGE;                                                                      \
        panal__##type##__init(&pb);                                                                \
        type##_put(&pb, message, &parts);                                                          \
        return wire_pack(out, &pb.base);                                                           \
    }                                                                                              \
                                                                                                   \
    enum pn_status wire_##type##_decode(struct wire_##type *out, struct wire_arena *arena,         \
                                        const uint8_t *bytes, size_t size)                         \
    {                                                                                              \
        struct wire_##type   message = {0};                                                        \
        enum pn_status       status;                                                               \
        size_t               before = arena->used;                                                 \
        const Panal__##Type *pb =                                                                  \
            wire_unpack(&status, arena, &panal__##type##__descriptor, NULL, bytes, size);          \
        if (pb != NULL && !type##_get(&message, pb))                                               \
            status = PN_EPEER_FORMAT;                                                              \
        if (status == PN_OK && !type##_is_valid(&message))                                         \
            status = PN_EPEER_VALUE;                                                               \
        if (status == PN_OK)                                                                       \
            *out = message;                                                                        \
        else                                                                                       \
            arena->used = before;                                                                  \
        return status;                                                                             \
    }

struct parts { /* where the sub-messages of one message are while it is packed */
    Panal__Blob a, b;
};

#define PUT_BYTES(array) wire_put_bytes(array, sizeof(array))
#define GET_BYTES(array, in) wire_get_bytes(array, sizeof(array), in)

static Panal__Blob *
put_blob(Panal__Blob *part, const struct wire_blob *blob)
{
    wire_put_blob(part, blob);
    return part;
}

static struct wire_span
span_of(const ProtobufCBinaryData *in)
{
    return (struct wire_span){in->data, in->len};
}

static bool
blob_or_none(const struct wire_blob *blob)
{
    return wire_blob_is_valid(blob) || wire_blob_is_none(blob);
}

/* ---- hello ---- */

static void
hello_put(Panal__Hello *pb, const struct wire_hello *message, struct parts *parts)
{
    (void)parts;
    pb->restart  = message->restart;
    pb->software = wire_put_text(message->software);
    pb->height   = message->height;
    pb->head     = PUT_BYTES(message->head);
}

static bool
hello_get(struct wire_hello *message, const Panal__Hello *pb)
{
    message->restart  = pb->restart;
    message->software = pb->software;
    message->height   = pb->height;
    return GET_BYTES(message->head, &pb->head);
}

static bool
hello_is_valid(const struct wire_hello *message)
{
    bool empty = wire_is_zero(message->head, sizeof message->head);
    return wire_text_is_valid(message->software) && (message->height == 0) == empty;
}

MESSAGE(hello, Hello)

/* ---- offer ---- */

static void
offer_put(Panal__Offer *pb, const struct wire_offer *message, struct parts *parts)
{
    (void)parts;
    pb->job = wire_put_bytes(message->job.bytes, message->job.size);
}

static bool
offer_get(struct wire_offer *message, const Panal__Offer *pb)
{
    message->job = span_of(&pb->job);
    return true;
}

static bool
offer_is_valid(const struct wire_offer *message)
{
    return message->job.size >= 1 && message->job.size <= WIRE_JOB_MAX;
}

MESSAGE(offer, Offer)

/* ---- answer ---- */

static void
answer_put(Panal__Answer *pb, const struct wire_answer *message, struct parts *parts)
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

MESSAGE(answer, Answer)

/* ---- invite, accept ---- */

static void
invite_put(Panal__Invite *pb, const struct wire_invite *message, struct parts *parts)
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

MESSAGE(invite, Invite)

static void
accept_put(Panal__Accept *pb, const struct wire_accept *message, struct parts *parts)
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

MESSAGE(accept, Accept)

/* ---- train, evaluate ---- */

static void
train_put(Panal__Train *pb, const struct wire_train *message, struct parts *parts)
{
    pb->model       = put_blob(&parts->a, &message->model);
    pb->scaling     = put_blob(&parts->b, &message->scaling);
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

MESSAGE(train, Train)

static void
evaluate_put(Panal__Evaluate *pb, const struct wire_evaluate *message, struct parts *parts)
{
    pb->model       = put_blob(&parts->a, &message->model);
    pb->scaling     = put_blob(&parts->b, &message->scaling);
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

MESSAGE(evaluate, Evaluate)

/* ---- update ---- */

static void
update_put(Panal__Update *pb, const struct wire_update *message, struct parts *parts)
{
    pb->update    = put_blob(&parts->a, &message->update);
    pb->weight    = message->weight;
    pb->loss      = message->loss;
    pb->signature = PUT_BYTES(message->signature);
}

static bool
update_get(struct wire_update *message, const Panal__Update *pb)
{
    message->weight = pb->weight;
    message->loss   = pb->loss;
    return wire_get_blob(&message->update, pb->update) &&
           GET_BYTES(message->signature, &pb->signature);
}

static bool
update_is_valid(const struct wire_update *message)
{
    return wire_blob_is_valid(&message->update) && message->weight >= 1 && isfinite(message->loss);
}

MESSAGE(update, Update)

/* ---- commit, countersign ---- */

static void
commit_put(Panal__Commit *pb, const struct wire_commit *message, struct parts *parts)
{
    (void)parts;
    pb->block     = wire_put_bytes(message->block.bytes, message->block.size);
    pb->signature = PUT_BYTES(message->signature);
}

static bool
commit_get(struct wire_commit *message, const Panal__Commit *pb)
{
    message->block = span_of(&pb->block);
    return GET_BYTES(message->signature, &pb->signature);
}

static bool
commit_is_valid(const struct wire_commit *message)
{
    return message->block.size >= 1 && message->block.size <= WIRE_BLOCK_MAX;
}

MESSAGE(commit, Commit)

static void
countersign_put(Panal__Countersign *pb, const struct wire_countersign *message, struct parts *parts)
{
    (void)parts;
    pb->height    = message->height;
    pb->hash      = PUT_BYTES(message->hash);
    pb->signature = PUT_BYTES(message->signature);
}

static bool
countersign_get(struct wire_countersign *message, const Panal__Countersign *pb)
{
    message->height = pb->height;
    return GET_BYTES(message->hash, &pb->hash) && GET_BYTES(message->signature, &pb->signature);
}

static bool
countersign_is_valid(const struct wire_countersign *message)
{
    (void)message;
    return true;
}

MESSAGE(countersign, Countersign)

/* ---- finish, fault ---- */

static void
finish_put(Panal__Finish *pb, const struct wire_finish *message, struct parts *parts)
{
    pb->outcome = (Panal__Outcome)message->outcome;
    pb->reason  = wire_put_text(message->reason);
    pb->model   = put_blob(&parts->a, &message->model);
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

MESSAGE(finish, Finish)

static void
fault_put(Panal__Fault *pb, const struct wire_fault *message, struct parts *parts)
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

MESSAGE(fault, Fault)

/* ---- heartbeat ---- */

static void
heartbeat_put(Panal__Heartbeat *pb, const struct wire_heartbeat *message, struct parts *parts)
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

MESSAGE(heartbeat, Heartbeat)

/* ---- pull ---- */

static void
pull_put(Panal__Pull *pb, const struct wire_pull *message, struct parts *parts)
{
    pb->blob  = put_blob(&parts->a, &message->blob);
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

MESSAGE(pull, Pull)
