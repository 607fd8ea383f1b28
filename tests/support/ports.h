/* What tests of a host's ports share. */
#ifndef TESTS_SUPPORT_PORTS_H
#define TESTS_SUPPORT_PORTS_H

#include "base/ports.h"

/* A frame of these bytes; they stay the caller's. */
static inline enum pn_status
ports_send(const struct pn_ports *ports, uint32_t member, const void *bytes, size_t size)
{
    struct pn_buffer frame;
    pn_buffer_init(&frame, size + 1);
    enum pn_status st = pn_buffer_append(&frame, bytes, size);
    if (st == PN_OK)
        st = ports->send(ports->host, member, &frame);
    pn_buffer_fini(&frame);
    return st;
}

#endif
