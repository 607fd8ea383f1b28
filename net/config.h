/*
 * net/config -- whether a loop can be what its configuration asks for: PN_OK or PN_ECONFIG.
 */
#ifndef NET_CONFIG_H
#define NET_CONFIG_H

#include "net/loop.h"

PN_MUST_CHECK enum pn_status net_config_check(const struct net_loop_config *config,
                                              struct pn_error              *why);

#endif
