#include "proto/frame.h"

#include <string.h>

static const uint8_t magic[4] = {'P', 'N', 'L', '1'};

/* Where the fields of the header are. */
enum {
    AT_MAGIC     = 0,
    AT_VERSION   = 4,
    AT_TYPE      = 6,
    AT_RUN       = 8,
    AT_EPOCH     = 24,
    AT_SENDER    = 28,
    AT_RECIPIENT = 32,
    AT_ATTEMPT   = 36,
    AT_ROUND     = 40,
    AT_SEQUENCE  = 48,
    AT_BODY_SIZE = 56,
    AT_ZERO      = 60,
    AT_BODY_HASH = 64,
    AT_PREVIOUS  = 96
};

const char *
wire_type_text(uint16_t type)
{
    switch (type) {
#define TYPE_TEXT(name, number, text)                                                              \
    case number:                                                                                   \
        return text;
        WIRE_TYPE_LIST(TYPE_TEXT)
#undef TYPE_TEXT
    default:
        return NULL;
    }
}

uint32_t
wire_body_max(uint16_t type)
{
    switch (type) {
    case WIRE_CHUNK:
        return WIRE_BODY_MAX;
    case WIRE_COMMIT:
        return WIRE_BLOCK_MAX;
    case WIRE_PROPOSE:
    case WIRE_SHOW:
    case WIRE_DECISION:
        return WIRE_DECISION_MAX;
    case WIRE_RELAY:
        return WIRE_RELAY_MAX;
    case WIRE_SURVEY:
        return 0;
    default:
        return WIRE_CONTROL_MAX;
    }
}

uint16_t
wire_type_of(const uint8_t *bytes, size_t size)
{
    return size < AT_RUN ? 0 : pn_get_u16(bytes + AT_TYPE);
}

void
wire_header_encode(uint8_t out[static WIRE_HEADER_SIZE], const struct wire_header *header)
{
    memcpy(out + AT_MAGIC, magic, sizeof magic);
    pn_put_u16(out + AT_VERSION, WIRE_VERSION);
    pn_put_u16(out + AT_TYPE, header->type);
    memcpy(out + AT_RUN, header->run, sizeof header->run);
    pn_put_u32(out + AT_EPOCH, header->epoch);
    pn_put_u32(out + AT_SENDER, header->sender);
    pn_put_u32(out + AT_RECIPIENT, header->recipient);
    pn_put_u32(out + AT_ATTEMPT, header->attempt);
    pn_put_u64(out + AT_ROUND, header->round);
    pn_put_u64(out + AT_SEQUENCE, header->sequence);
    pn_put_u32(out + AT_BODY_SIZE, header->body_size);
    pn_put_u32(out + AT_ZERO, 0);
    memcpy(out + AT_BODY_HASH, header->body_hash, sizeof header->body_hash);
    memcpy(out + AT_PREVIOUS, header->previous, sizeof header->previous);
}

static struct wire_header
header_decode(const uint8_t *in)
{
    struct wire_header header = {
        .type      = pn_get_u16(in + AT_TYPE),
        .epoch     = pn_get_u32(in + AT_EPOCH),
        .sender    = pn_get_u32(in + AT_SENDER),
        .recipient = pn_get_u32(in + AT_RECIPIENT),
        .attempt   = pn_get_u32(in + AT_ATTEMPT),
        .round     = pn_get_u64(in + AT_ROUND),
        .sequence  = pn_get_u64(in + AT_SEQUENCE),
        .body_size = pn_get_u32(in + AT_BODY_SIZE),
    };
    memcpy(header.run, in + AT_RUN, sizeof header.run);
    memcpy(header.body_hash, in + AT_BODY_HASH, sizeof header.body_hash);
    memcpy(header.previous, in + AT_PREVIOUS, sizeof header.previous);
    return header;
}

enum pn_status
wire_frame_decode(struct wire_frame *out, const uint8_t *bytes, size_t size)
{
    if (size > WIRE_FRAME_MAX)
        return PN_EPEER_LIMIT;
    if (size < WIRE_HEADER_SIZE + WIRE_SIGNATURE_SIZE)
        return PN_EPEER_FORMAT;
    if (memcmp(bytes + AT_MAGIC, magic, sizeof magic) != 0 ||
        pn_get_u16(bytes + AT_VERSION) != WIRE_VERSION || pn_get_u32(bytes + AT_ZERO) != 0)
        return PN_EPEER_FORMAT;

    struct wire_header header = header_decode(bytes);
    if (wire_type_text(header.type) == NULL)
        return PN_EPEER_FORMAT;
    if (header.body_size > wire_body_max(header.type))
        return PN_EPEER_LIMIT;
    if (size != (size_t)WIRE_HEADER_SIZE + header.body_size + WIRE_SIGNATURE_SIZE)
        return PN_EPEER_FORMAT;

    *out = (struct wire_frame){
        .header       = header,
        .header_bytes = bytes,
        .body         = bytes + WIRE_HEADER_SIZE,
        .signature    = bytes + WIRE_HEADER_SIZE + header.body_size,
    };
    return PN_OK;
}
