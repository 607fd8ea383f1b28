#include "fed/link.h"

#include <string.h>

_Static_assert(sizeof(struct sec_signature) == WIRE_SIGNATURE_SIZE, "a frame ends in one");

void
fed_link_init(struct fed_link *link, const struct fed_link_ends *ends, uint32_t boot)
{
    PN_ASSERT(boot >= 1);
    *link = (struct fed_link){
        .ends          = *ends,
        .sent_sequence = (uint64_t)boot << 32,
    };
}

void
fed_link_reset(struct fed_link *link)
{
    link->sent_hello = link->taken_hello = false;
}

/* Who may send what: the letters of WIRE_TYPE_LIST. */
static bool
may_send(enum wire_type type, const struct fed_link_ends *ends, bool coordinator)
{
    switch (type) {
    case WIRE_HELLO:
    case WIRE_PULL:
    case WIRE_CHUNK:
        return true;
    case WIRE_OFFER:
    case WIRE_SURVEY:
    case WIRE_INVITE:
    case WIRE_TRAIN:
    case WIRE_EVALUATE:
    case WIRE_COMMIT:
    case WIRE_FINISH:
        return coordinator && !ends->swarm;
    case WIRE_ANSWER:
    case WIRE_STATISTICS:
    case WIRE_ACCEPT:
    case WIRE_METRICS:
    case WIRE_COUNTERSIGN:
    case WIRE_HEARTBEAT:
        return !coordinator && !ends->swarm;
    case WIRE_UPDATE:
    case WIRE_FAULT:
        return !coordinator;
    case WIRE_REPORT:
    case WIRE_PROPOSE:
    case WIRE_VOTE:
    case WIRE_ASK:
    case WIRE_DECISION:
    case WIRE_STATUS:
    case WIRE_SHOW:
    case WIRE_RELAY:
        return ends->swarm;
    }
    PN_UNREACHABLE("a type that wire_frame_decode does not know");
}

static void
hash_frame(struct sec_hash *out, const uint8_t *header, const uint8_t *signature)
{
    struct sec_hasher hasher;
    sec_hash_begin(&hasher, "frame");
    sec_hash_add(&hasher, header, WIRE_HEADER_SIZE);
    sec_hash_add(&hasher, signature, WIRE_SIGNATURE_SIZE);
    sec_hash_end(out, &hasher);
}

static enum pn_status
append_frame(struct pn_buffer *out, const uint8_t *header, const uint8_t *body, size_t body_size,
             const struct sec_signature *signature)
{
    bool           is_there = out->bytes != NULL && body == out->bytes + WIRE_HEADER_SIZE;
    enum pn_status st       = pn_buffer_append(out, header, WIRE_HEADER_SIZE);
    if (st == PN_OK && body_size != 0)
        st = is_there ? pn_buffer_extend(out, body_size) : pn_buffer_append(out, body, body_size);
    if (st == PN_OK)
        st = pn_buffer_append(out, signature->bytes, sizeof signature->bytes);
    if (st != PN_OK)
        pn_buffer_clear(out);
    return st;
}

enum pn_status
fed_link_seal(struct pn_buffer *out, struct fed_link *link, enum wire_type type, uint64_t round,
              uint32_t attempt, const uint8_t *body, size_t body_size)
{
    const bool hello = type == WIRE_HELLO;
    PN_ASSERT(may_send(type, &link->ends, link->ends.self_is_coordinator));
    pn_buffer_clear(out);
    if (!hello && !link->sent_hello)
        return PN_ESTATE;
    if (body_size > wire_body_max((uint16_t)type))
        return PN_ERANGE;
    /* The lower half counts within one boot; it does not run over into the next one's numbers. */
    if ((uint32_t)link->sent_sequence == UINT32_MAX)
        return PN_ERANGE;

    struct wire_header header = {
        .type      = (uint16_t)type,
        .epoch     = link->ends.epoch,
        .sender    = link->ends.self,
        .recipient = link->ends.peer,
        .attempt   = attempt,
        .round     = round,
        .sequence  = link->sent_sequence + 1,
        .body_size = (uint32_t)body_size,
    };
    struct sec_hash      body_hash, frame_hash;
    struct sec_signature signature;
    uint8_t              bytes[WIRE_HEADER_SIZE];
    fed_body_hash(&body_hash, link->ends.last, body,
                  wire_hashed_size(header.type, body, body_size));
    memcpy(header.run, link->ends.run, sizeof header.run);
    memcpy(header.body_hash, body_hash.bytes, sizeof header.body_hash);
    if (!hello)
        memcpy(header.previous, link->sent_hash.bytes, sizeof header.previous);
    wire_header_encode(bytes, &header);
    sec_sign(&signature, "frame", bytes, sizeof bytes, link->ends.secret);
    hash_frame(&frame_hash, bytes, signature.bytes);

    enum pn_status st = append_frame(out, bytes, body, body_size, &signature);
    if (st != PN_OK)
        return st;
    link->sent_sequence = header.sequence;
    link->sent_hash     = frame_hash;
    link->sent_hello    = true;
    return PN_OK;
}

/* Everything that costs nothing: is the frame for this link at all? */
static enum pn_status
check_ends(const struct fed_link_ends *ends, const struct wire_header *header)
{
    if (memcmp(header->run, ends->run, sizeof ends->run) != 0 ||
        (header->epoch != ends->epoch && !ends->swarm))
        return PN_EPEER_RUN;
    if (header->sender != ends->peer || header->recipient != ends->self)
        return PN_EPEER_AUTH;
    if (!may_send((enum wire_type)header->type, ends, ends->peer_is_coordinator))
        return PN_EPEER_FORMAT;
    return PN_OK;
}

static enum pn_status
check_body(const struct fed_link *link, const struct wire_frame *frame)
{
    struct sec_hash hash, said;
    memcpy(said.bytes, frame->header.body_hash, sizeof said.bytes);
    fed_body_hash(&hash, link->ends.last, frame->body,
                  wire_hashed_size(frame->header.type, frame->body, frame->header.body_size));
    return sec_hash_equal(&hash, &said) ? PN_OK : PN_EPEER_FORMAT;
}

static enum pn_status
check_signature(const struct fed_link *link, const struct wire_frame *frame)
{
    struct sec_signature signature;
    memcpy(signature.bytes, frame->signature, sizeof signature.bytes);
    return sec_verify(&signature, "frame", frame->header_bytes, WIRE_HEADER_SIZE, link->ends.key)
               ? PN_OK
               : PN_EPEER_AUTH;
}

/* A HELLO begins a chain, and nothing else does. */
static enum pn_status
check_chain(const struct fed_link *link, const struct wire_header *header)
{
    struct sec_hash previous;
    memcpy(previous.bytes, header->previous, sizeof previous.bytes);
    if (header->type == WIRE_HELLO)
        return sec_hash_is_zero(&previous) ? PN_OK : PN_EPEER_FORMAT;
    if (!link->taken_hello || !sec_hash_equal(&previous, &link->taken_hash))
        return PN_EPEER_GAP;
    return PN_OK;
}

enum pn_status
fed_link_open(struct wire_frame *out, struct fed_link *link, const uint8_t *bytes, size_t size)
{
    struct wire_frame frame;

    enum pn_status st = wire_frame_decode(&frame, bytes, size);
    if (st == PN_OK)
        st = check_ends(&link->ends, &frame.header);
    if (st == PN_OK)
        st = check_body(link, &frame);
    if (st == PN_OK && frame.header.sequence <= link->taken_sequence)
        st = PN_EPEER_REPLAY;
    if (st == PN_OK)
        st = check_signature(link, &frame);
    if (st == PN_OK)
        st = check_chain(link, &frame.header);
    if (st != PN_OK)
        return st;

    link->taken_sequence = frame.header.sequence;
    hash_frame(&link->taken_hash, frame.header_bytes, frame.signature);
    link->taken_hello = true;
    *out              = frame;
    return PN_OK;
}
