/* First byte: which message. What is decoded encodes to the same bytes, or it was refused. */
#include "support/messages.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    _Alignas(16) static unsigned char block[WIRE_ARENA_SIZE];
    if (size == 0)
        return 0;
    const struct message_kind *kind = &message_kinds[bytes[0] % MESSAGE_KINDS];
    struct wire_arena          arena;
    struct pn_buffer           out;
    enum pn_status             decoded;
    /* The second byte of the input makes the arena small, now and then. */
    size_t capacity = size > 1 && bytes[1] % 16 == 15 ? size : sizeof block;
    wire_arena_init(&arena, block, capacity);
    pn_buffer_init(&out, sizeof block);
    enum pn_status st = kind->again(&decoded, &out, &arena, bytes + 1, size - 1);
    PN_ASSERT(decoded == PN_OK || decoded == PN_ENOMEM || decoded == PN_EPEER_FORMAT ||
              decoded == PN_EPEER_VALUE || decoded == PN_EPEER_LIMIT);
    PN_ASSERT(decoded != PN_ENOMEM || capacity == size);
    if (decoded == PN_OK) {
        PN_ASSERT(st == PN_OK && out.size == size - 1);
        PN_ASSERT(out.size == 0 || memcmp(out.bytes, bytes + 1, out.size) == 0);
    }
    pn_buffer_fini(&out);
    return 0;
}
