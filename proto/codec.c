#include "proto/codec.h"

#include <string.h>

/* ---- before protobuf-c: field order and counts ---- */

static bool
take_varint(uint64_t *out, struct wire_span *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && in->size > 0; shift += 7) {
        uint8_t byte = *in->bytes++;
        in->size--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *out = value;
            return true;
        }
    }
    return false;
}

static bool
take_bytes(struct wire_span *out, struct wire_span *in, uint64_t size)
{
    if (size > in->size)
        return false;
    *out = (struct wire_span){in->bytes, (size_t)size};
    in->bytes += size;
    in->size -= (size_t)size;
    return true;
}

enum {
    KIND_VARINT  = 0,
    KIND_64_BITS = 1,
    KIND_LENGTH  = 2,
    KIND_UNUSED  = -1
};

static int
kind_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        return KIND_VARINT;
    case PROTOBUF_C_TYPE_DOUBLE:
        return KIND_64_BITS;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return KIND_LENGTH;
    default:
        return KIND_UNUSED; /* panal.proto has no other types */
    }
}

/* Reads tag and value of one field. `body` is the inside of a length-delimited one. */
static const ProtobufCFieldDescriptor *
take_field(struct wire_span *body, const ProtobufCMessageDescriptor *type, struct wire_span *in)
{
    uint64_t tag, number;
    *body = (struct wire_span){NULL, 0};
    if (!take_varint(&tag, in) || tag > UINT32_MAX)
        return NULL;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
    if (field == NULL || kind_of(field->type) != (int)(tag & 7))
        return NULL;

    bool taken = false;
    switch (kind_of(field->type)) {
    case KIND_VARINT:
        taken = take_varint(&number, in);
        break;
    case KIND_64_BITS:
        taken = take_bytes(body, in, 8);
        break;
    case KIND_LENGTH:
        taken = take_varint(&number, in) && take_bytes(body, in, number);
        break;
    default:
        break;
    }
    return taken ? field : NULL;
}

static const struct wire_cap *
cap_of(const ProtobufCFieldDescriptor *field, const struct wire_cap *caps)
{
    static const struct wire_cap once = {0, 1, NULL}, never = {0, 0, NULL};
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return &once;
    for (; caps != NULL && caps->field != 0; caps++)
        if (caps->field == field->id)
            return caps;
    return &never;
}

/* Its own depth is that of the message types (Block, Agreement, Conviction, Vote), never of the
 * bytes. */
static enum pn_status
scan(const ProtobufCMessageDescriptor *type, const struct wire_cap *caps, struct wire_span in)
{
    uint32_t last  = 0;
    size_t   count = 0;
    while (in.size > 0) {
        struct wire_span                body;
        const ProtobufCFieldDescriptor *field = take_field(&body, type, &in);
        if (field == NULL || field->id < last)
            return PN_EPEER_FORMAT;
        count                      = field->id == last ? count + 1 : 1;
        last                       = field->id;
        const struct wire_cap *cap = cap_of(field, caps);
        if (count > cap->max)
            return field->label == PROTOBUF_C_LABEL_REPEATED ? PN_EPEER_LIMIT : PN_EPEER_FORMAT;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            enum pn_status st = scan(field->descriptor, cap->inside, body);
            if (st != PN_OK)
                return st;
        }
    }
    return PN_OK;
}

/* ---- after protobuf-c: is this the one encoding? ---- */

struct comparison {
    ProtobufCBuffer base; /* first, so that a pointer to it points to the whole */
    const uint8_t  *bytes;
    size_t          left;
    bool            equal;
};

static void
compare(ProtobufCBuffer *base, size_t size, const uint8_t *bytes)
{
    struct comparison *with = (struct comparison *)base;
    if (size == 0 || !with->equal)
        return;
    if (size > with->left || memcmp(with->bytes, bytes, size) != 0) {
        with->equal = false;
        return;
    }
    with->bytes += size;
    with->left -= size;
}

static bool
is_canonical(const ProtobufCMessage *message, const uint8_t *bytes, size_t size)
{
    struct comparison with = {{compare}, bytes, size, true};
    protobuf_c_message_pack_to_buffer(message, &with.base);
    return with.equal && with.left == 0;
}

/* ---- unpack and pack ---- */

struct memory {
    struct wire_arena *arena;
    bool               exhausted;
};

static void *
memory_take(void *data, size_t size)
{
    struct memory *memory = data;
    void          *taken  = wire_arena_take(memory->arena, size);
    if (taken == NULL)
        memory->exhausted = true;
    return taken;
}

static void
memory_free(void *data, void *pointer)
{
    (void)data, (void)pointer; /* the arena is reset as a whole */
}

void *
wire_unpack(enum pn_status *status, struct wire_arena *arena,
            const ProtobufCMessageDescriptor *type, const struct wire_cap *caps,
            const uint8_t *bytes, size_t size)
{
    if ((*status = scan(type, caps, (struct wire_span){bytes, size})) != PN_OK)
        return NULL;

    struct memory        memory    = {arena, false};
    ProtobufCAllocator   allocator = {memory_take, memory_free, &memory};
    static const uint8_t nothing[1];
    ProtobufCMessage    *message =
        protobuf_c_message_unpack(type, &allocator, size, size > 0 ? bytes : nothing);
    if (message == NULL) {
        *status = memory.exhausted ? PN_ENOMEM : PN_EPEER_FORMAT;
        return NULL;
    }
    if (!is_canonical(message, bytes, size)) {
        *status = PN_EPEER_FORMAT;
        return NULL;
    }
    return message;
}

struct sink {
    ProtobufCBuffer   base; /* first, as in struct comparison */
    struct pn_buffer *out;
    enum pn_status    status;
};

static void
sink_append(ProtobufCBuffer *base, size_t size, const uint8_t *bytes)
{
    struct sink *sink = (struct sink *)base;
    if (sink->status == PN_OK && size > 0)
        sink->status = pn_buffer_append(sink->out, bytes, size);
}

enum pn_status
wire_pack(struct pn_buffer *out, const ProtobufCMessage *message)
{
    struct sink sink   = {{sink_append}, out, PN_OK};
    size_t      before = out->size;
    protobuf_c_message_pack_to_buffer(message, &sink.base);
    if (sink.status != PN_OK)
        out->size = before;
    return sink.status;
}

/* ---- fields ---- */

ProtobufCBinaryData
wire_put_bytes(const uint8_t *bytes, size_t size)
{
    /* SAFE: the cast; protobuf-c only reads a message that it packs. */
    return (ProtobufCBinaryData){size, (uint8_t *)bytes};
}

char *
wire_put_text(const char *text)
{
    return (char *)text; /* SAFE: as above */
}

struct wire_span
wire_get_span(const ProtobufCBinaryData *in)
{
    return (struct wire_span){in->data, in->len};
}

Panal__Blob *
wire_put_part(Panal__Blob *part, const struct wire_blob *blob)
{
    wire_put_blob(part, blob);
    return part;
}

void
wire_put_blob(Panal__Blob *out, const struct wire_blob *blob)
{
    panal__blob__init(out);
    out->size = blob->size;
    out->root = wire_put_bytes(blob->root, sizeof blob->root);
}

bool
wire_get_bytes(uint8_t *out, size_t size, const ProtobufCBinaryData *in)
{
    if (in->len != size)
        return false;
    memcpy(out, in->data, size);
    return true;
}

bool
wire_get_blob(struct wire_blob *out, const Panal__Blob *in)
{
    out->size = in->size;
    return wire_get_bytes(out->root, sizeof out->root, &in->root);
}

/* ---- common rules ---- */

bool
wire_is_zero(const uint8_t *bytes, size_t size)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++)
        any |= bytes[i];
    return any == 0;
}

/* Bytes of the UTF-8 character (RFC 3629) at `text`; 0 when it is none, or a control character. */
static size_t
character_size(const uint8_t *text)
{
    if (text[0] < 0x80)
        return text[0] >= 0x20 && text[0] != 0x7f;
    size_t   size  = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    uint32_t point = text[0] & (0xffu >> (size + 1));
    if (text[0] < 0xc2 || text[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < size; i++) { /* a NUL is no continuation: stays inside the string */
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (text[i] & 0x3f);
    }
    static const uint32_t least[5] = {0, 0, 0xa0, 0x800, 0x10000}; /* U+0080..9F are controls */
    if (point < least[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    return size;
}

bool
wire_text_is_valid(const char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    while (*at != 0) {
        size_t size = character_size(at);
        if (size == 0)
            return false;
        at += size;
        if (at - (const uint8_t *)text > WIRE_TEXT_MAX)
            return false;
    }
    return true;
}

bool
wire_name_is_valid(const char *text)
{
    return text[0] != 0 && wire_text_is_valid(text);
}

void
wire_text_cut(char out[static WIRE_TEXT_MAX + 1], const char *text)
{
    size_t used = 0;
    while (*text != 0) {
        size_t size = character_size((const uint8_t *)text);
        if (used + (size > 0 ? size : 1) > WIRE_TEXT_MAX)
            break;
        if (size == 0)
            out[used++] = '?';
        else
            memcpy(out + used, text, size), used += size;
        text += size > 0 ? size : 1;
    }
    out[used] = 0;
}

bool
wire_blob_is_valid(const struct wire_blob *blob)
{
    return blob->size > 0 && blob->size <= WIRE_BLOB_MAX;
}

bool
wire_blob_is_none(const struct wire_blob *blob)
{
    return blob->size == 0 && wire_is_zero(blob->root, sizeof blob->root);
}
