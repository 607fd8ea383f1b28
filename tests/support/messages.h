/*
 * tests/support/messages -- every protobuf message under one shape: bytes in, the same bytes out.
 *
 *     for each kind: kind->again(out, arena, bytes, size) decodes and encodes what it got
 */
#ifndef TESTS_SUPPORT_MESSAGES_H
#define TESTS_SUPPORT_MESSAGES_H

#include "proto/message.h"

#define MESSAGE_LIST(X)                                                                            \
    X(hello)                                                                                       \
    X(offer)                                                                                       \
    X(answer)                                                                                      \
    X(statistics)                                                                                  \
    X(invite)                                                                                      \
    X(accept)                                                                                      \
    X(train)                                                                                       \
    X(update)                                                                                      \
    X(evaluate)                                                                                    \
    X(metrics)                                                                                     \
    X(commit)                                                                                      \
    X(countersign)                                                                                 \
    X(finish)                                                                                      \
    X(fault)                                                                                       \
    X(heartbeat)                                                                                   \
    X(pull)                                                                                        \
    X(vote)                                                                                        \
    X(contribution)                                                                                \
    X(propose)                                                                                     \
    X(ask)                                                                                         \
    X(decision)                                                                                    \
    X(status)                                                                                      \
    X(block)

/* `*decoded` is the status of decoding; when it is PN_OK, the result is that of encoding. */
#define MESSAGE_AGAIN(type)                                                                        \
    static enum pn_status message_again_##type(enum pn_status *decoded, struct pn_buffer *out,     \
                                               struct wire_arena *arena, const uint8_t *bytes,     \
                                               size_t size)                                        \
    {                                                                                              \
        struct wire_##type message;                                                                \
        *decoded = wire_##type##_decode(&message, arena, bytes, size);                             \
        return *decoded == PN_OK ? wire_##type##_encode(out, &message) : *decoded;                 \
    }
MESSAGE_LIST(MESSAGE_AGAIN)
#undef MESSAGE_AGAIN

struct message_kind {
    const char *name;
    enum pn_status (*again)(enum pn_status *decoded, struct pn_buffer *out,
                            struct wire_arena *arena, const uint8_t *bytes, size_t size);
};

static const struct message_kind message_kinds[] = {
#define MESSAGE_ROW(type) {#type, message_again_##type},
    MESSAGE_LIST(MESSAGE_ROW)
#undef MESSAGE_ROW
};

enum {
    MESSAGE_KINDS = sizeof message_kinds / sizeof message_kinds[0]
};

#endif
