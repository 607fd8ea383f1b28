/*
 * engine/harden -- what a process that holds keys does first: no core dumps, no tracing by others.
 */
#ifndef ENGINE_HARDEN_H
#define ENGINE_HARDEN_H

#include "base/status.h"

/* RLIMIT_CORE 0 and PR_SET_DUMPABLE 0, unless PANAL_DUMPABLE is set (debuggers and fault injection
 * need to attach). PN_ESTATE when the kernel refuses. */
PN_MUST_CHECK enum pn_status engine_harden(void);

#endif
