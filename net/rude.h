/*
 * net/rude -- a dialling peer that keeps to no rule of ours, for tests only (not in the library).
 *
 * Errors     0, or an errno.
 */
#ifndef NET_RUDE_H
#define NET_RUDE_H

#include "crypto/keys.h"

struct net_rude;
struct net_rude_config {
    const char                        *endpoint;
    const struct sec_transport_public *server, *own;
    const struct sec_transport_secret *secret;
    const char                        *routing_id; /* that it claims, or NULL */
};
PN_MUST_CHECK int net_rude_open(struct net_rude **out, const struct net_rude_config *config);
void net_rude_close(struct net_rude *rude);
/* One part of a message; waits for the connection. */
PN_MUST_CHECK int net_rude_send(struct net_rude *rude, const void *bytes, size_t size, bool more);

#endif
