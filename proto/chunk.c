#include "proto/frame.h"
#include "proto/message.h"

#include <string.h>

enum {
    AT_ROOT   = 0,
    AT_SIZE   = 32,
    AT_INDEX  = 40,
    AT_COUNT  = 44,
    AT_PROOF  = 48,
    HASH_SIZE = 32
};

/* The bytes of chunk `index` of a blob of `size` bytes; 0 when there is no such chunk. */
static size_t
chunk_size(uint64_t size, uint32_t index)
{
    uint64_t start = (uint64_t)index * WIRE_CHUNK_SIZE;
    if (size > WIRE_BLOB_MAX || start >= size)
        return 0;
    uint64_t left = size - start;
    return left < WIRE_CHUNK_SIZE ? (size_t)left : WIRE_CHUNK_SIZE;
}

static bool
chunk_is_valid(const struct wire_chunk *message)
{
    return message->data.size > 0 &&
           message->data.size == chunk_size(message->blob.size, message->index);
}

static enum pn_status
append_parts(struct pn_buffer *out, const uint8_t *head, const struct wire_chunk *message)
{
    enum pn_status st;
    size_t         proof_size = (size_t)message->proof_count * HASH_SIZE;
    if ((st = pn_buffer_append(out, head, AT_PROOF)) != PN_OK)
        return st;
    if (proof_size > 0 && (st = pn_buffer_append(out, message->proof, proof_size)) != PN_OK)
        return st;
    return message->data.bytes == NULL
               ? pn_buffer_extend(out, message->data.size)
               : pn_buffer_append(out, message->data.bytes, message->data.size);
}

enum pn_status
wire_chunk_encode(struct pn_buffer *out, const struct wire_chunk *message)
{
    if (message->proof_count > WIRE_PROOF_MAX || !chunk_is_valid(message))
        return PN_ERANGE;

    uint8_t head[AT_PROOF];
    memcpy(head + AT_ROOT, message->blob.root, sizeof message->blob.root);
    pn_put_u64(head + AT_SIZE, message->blob.size);
    pn_put_u32(head + AT_INDEX, message->index);
    pn_put_u32(head + AT_COUNT, message->proof_count);

    size_t         before = out->size;
    enum pn_status st     = append_parts(out, head, message);
    if (st != PN_OK)
        out->size = before;
    return st;
}

size_t
wire_hashed_size(uint16_t type, const uint8_t *body, size_t size)
{
    if (type != WIRE_CHUNK || size < AT_PROOF)
        return size;
    size_t head = AT_PROOF + (size_t)HASH_SIZE * pn_get_u32(body + AT_COUNT);
    return head < size ? head : size;
}

enum pn_status
wire_chunk_decode(struct wire_chunk *out, const uint8_t *bytes, size_t size)
{
    if (size < AT_PROOF)
        return PN_EPEER_FORMAT;
    struct wire_chunk message = {
        .blob.size   = pn_get_u64(bytes + AT_SIZE),
        .index       = pn_get_u32(bytes + AT_INDEX),
        .proof_count = pn_get_u32(bytes + AT_COUNT),
        .proof       = bytes + AT_PROOF,
    };
    memcpy(message.blob.root, bytes + AT_ROOT, sizeof message.blob.root);
    if (message.proof_count > WIRE_PROOF_MAX)
        return PN_EPEER_LIMIT;
    size_t start = AT_PROOF + (size_t)message.proof_count * HASH_SIZE;
    if (size < start)
        return PN_EPEER_FORMAT;
    message.data = (struct wire_span){bytes + start, size - start};
    if (!chunk_is_valid(&message))
        return PN_EPEER_VALUE;
    *out = message;
    return PN_OK;
}
