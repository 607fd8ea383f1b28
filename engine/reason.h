/*
 * engine/reason -- what could not be done, and why.
 */
#ifndef ENGINE_REASON_H
#define ENGINE_REASON_H

#include "base/status.h"

/* `text`; and behind it the status, where the machine (disk, memory) is the reason and `text` has
 * not said so. Cut where it is longer than `size`. */
void engine_reason(char *out, size_t size, const char *text, enum pn_status status);

#endif
