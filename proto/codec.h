/*
 * proto/codec -- what the message files share: bytes <-> protobuf-c's structs.
 *
 * Private to proto/. A message of ours has exactly one encoding: fields in the order of their
 * numbers, singular ones once, numbers in their shortest form, nothing unknown. So a
 * message cannot mean two things to two readers, and what is signed or hashed is what is read.
 * Field order and counts are checked before protobuf-c sees the bytes, which bounds what it
 * can allocate; the rest by encoding its result again and comparing.
 */
#ifndef PROTO_CODEC_H
#define PROTO_CODEC_H

#include "proto/message.h"

#include <protobuf-c/protobuf-c.h>

#include "panal.pb-c.h"

struct wire_cap { /* how often a repeated field may stand; a list ends with field 0 */
    uint32_t               field;
    size_t                 max;
    const struct wire_cap *inside; /* the same for the lists in each of them; NULL: none */
};

/*
 * The message in the arena, or NULL and `*status`: PN_EPEER_FORMAT, PN_EPEER_LIMIT, PN_ENOMEM.
 * `caps` may be NULL for a message without repeated fields.
 */
void *wire_unpack(enum pn_status *status, struct wire_arena *arena,
                  const ProtobufCMessageDescriptor *type, const struct wire_cap *caps,
                  const uint8_t *bytes, size_t size);
/* Appends the encoding; the buffer is unchanged on failure. */
PN_MUST_CHECK enum pn_status wire_pack(struct pn_buffer *out, const ProtobufCMessage *message);

/* Into and out of protobuf-c's fields. The getters are false for a wrong length. */
ProtobufCBinaryData wire_put_bytes(const uint8_t *bytes, size_t size);
char               *wire_put_text(const char *text);
void                wire_put_blob(Panal__Blob *out, const struct wire_blob *blob);
PN_MUST_CHECK bool  wire_get_bytes(uint8_t *out, size_t size, const ProtobufCBinaryData *in);
PN_MUST_CHECK bool  wire_get_blob(struct wire_blob *out, const Panal__Blob *in);

struct wire_span    wire_get_span(const ProtobufCBinaryData *in);
#define WIRE_PUT_BYTES(array) wire_put_bytes(array, sizeof(array))
#define WIRE_GET_BYTES(array, in) wire_get_bytes(array, sizeof(array), in)

struct wire_parts { /* where the sub-messages of one message are while it is packed */
    Panal__Blob a, b;
};
Panal__Blob *wire_put_part(Panal__Blob *part, const struct wire_blob *blob);

/* encode and decode of a message without lists, from three functions of its file: type_put (our
 * struct to protobuf-c's), type_get (back; false for a wrong length), type_is_valid (the rules). */
#define WIRE_FLAT_MESSAGE(type, Type)                                                              \
    enum pn_status wire_##type##_encode(struct pn_buffer *out, const struct wire_##type *message)  \
    {                                                                                              \
        struct wire_parts parts;                                                                   \
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

/* The rules that several messages have in common. */
bool wire_is_zero(const uint8_t *bytes, size_t size);
bool wire_text_is_valid(const char *text); /* UTF-8, no control characters, WIRE_TEXT_MAX */
bool wire_name_is_valid(const char *text); /* likewise, and not empty  */
bool wire_blob_is_valid(const struct wire_blob *blob); /* 1..WIRE_BLOB_MAX bytes */
bool wire_blob_is_none(const struct wire_blob *blob);  /* size 0, root of zeros  */

#endif
