/*
 * net/selftest -- dials as a stranger and requires to be refused (security.md 4.3, rule 8).
 *
 * Threads    that of the loop; blocks for at most twelve seconds, a few milliseconds as a rule.
 */
#ifndef NET_SELFTEST_H
#define NET_SELFTEST_H

#include "net/curve.h"

/* A random key dials `endpoint`, whose handler is `zap`, and must be refused by it. */
PN_MUST_CHECK enum pn_status net_selftest_stranger(void *context, struct net_zap *zap,
                                                   const char                        *endpoint,
                                                   const struct sec_transport_public *server,
                                                   struct pn_error                   *why);
/* A listening socket like ours in a context where no handler answers must refuse too. */
PN_MUST_CHECK enum pn_status net_selftest_dead_handler(struct pn_error *why);

#endif
