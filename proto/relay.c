#include "proto/frame.h"
#include "proto/message.h"

enum {
    AT_ORIGIN   = 0,
    AT_TARGET   = 4,
    AT_GREETING = 8
};
_Static_assert(WIRE_RELAY_MAX == WIRE_RELAY_HEAD + WIRE_RELAY_SEAL + WIRE_HEADER_SIZE +
                                     WIRE_DECISION_MAX + WIRE_SIGNATURE_SIZE,
               "a block with its votes can be forwarded");
_Static_assert(WIRE_RELAY_INNER_MIN == WIRE_HEADER_SIZE + WIRE_SIGNATURE_SIZE, "an empty frame");

void
wire_relay_head(uint8_t out[static WIRE_RELAY_HEAD], const struct wire_relay *relay)
{
    pn_put_u32(out + AT_ORIGIN, relay->origin);
    pn_put_u32(out + AT_TARGET, relay->target);
    pn_put_u32(out + AT_GREETING, relay->greeting);
}

enum pn_status
wire_relay_decode(struct wire_relay *out, const uint8_t *bytes, size_t size)
{
    if (size > WIRE_RELAY_MAX)
        return PN_EPEER_LIMIT;
    if (size < WIRE_RELAY_HEAD + WIRE_RELAY_SEAL + WIRE_RELAY_INNER_MIN)
        return PN_EPEER_FORMAT;
    struct wire_relay relay    = {.origin = pn_get_u32(bytes + AT_ORIGIN),
                                  .target = pn_get_u32(bytes + AT_TARGET),
                                  .sealed = {bytes + WIRE_RELAY_HEAD, size - WIRE_RELAY_HEAD}};
    uint32_t          greeting = pn_get_u32(bytes + AT_GREETING);
    if (greeting > 1)
        return PN_EPEER_FORMAT;
    if (relay.origin == relay.target)
        return PN_EPEER_VALUE;
    relay.greeting = greeting == 1;
    *out           = relay;
    return PN_OK;
}
