/*
 * net/worker -- one thread that runs work in the order it was submitted.
 *
 * Threads    new, submit, deliver and free from the loop's thread; `run` is called on the worker's.
 */
#ifndef NET_WORKER_H
#define NET_WORKER_H

#include "base/ports.h"

struct net_worker;
/* 0 or an errno. */
PN_MUST_CHECK int net_worker_new(struct net_worker **out);
/* Waits for the running work. Work that has not begun is dropped; no `done` is called. */
void net_worker_free(struct net_worker *worker);
void net_worker_submit(struct net_worker *worker, struct pn_work *work);
/* A file descriptor that is readable while finished work waits for net_worker_deliver. */
int net_worker_fd(const struct net_worker *worker);
/* Calls `done` of everything finished so far; true when there was any. */
bool net_worker_deliver(struct net_worker *worker, pn_ms now);

#endif
