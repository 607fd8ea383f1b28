/*
 * net/signals -- SIGTERM, SIGINT and SIGHUP as something to poll, for the thread of a loop; SIGPIPE
 * ignored.
 *
 * Threads    those of the loop: catch before it starts any other, so that none takes the signals.
 * Errors     0, or an errno.
 */
#ifndef NET_SIGNALS_H
#define NET_SIGNALS_H

#include "base/status.h"

#include <signal.h>

struct net_signals {
    int      fd; /* readable while a signal waits; -1: not caught */
    sigset_t mask_before;
};
PN_MUST_CHECK int net_signals_catch(struct net_signals *signals);
/* Restores the mask, and with the last loop the handlers unless the program has set its own since.
 * Nothing to do where they were not caught. */
void net_signals_release(struct net_signals *signals);
/* The number of one that waited; 0: none. */
int net_signals_take(const struct net_signals *signals);
/* For a program that is ending already: another one must not turn that into a death. */
void net_signals_ignore(void);

#endif
