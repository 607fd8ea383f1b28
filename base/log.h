/*
 * base/log -- one line per event, fixed order, key=value, on stderr.
 *
 *     12:04:07.310 info coord round=5 phase=train node=bank-a event=fold weight=640
 *
 * Never weights, never secrets, never whole messages. Libraries do not log;
 * hosts do, once, where an error stops travelling. The time is UTC.
 *
 * What a %s brings in stays one value on one line: unless it is one plain word
 * it is quoted, and quotes, control characters and bytes that are no UTF-8 are
 * escaped as in JSON. So write `reason=%s`, without quotes of your own.
 *
 * Limits     a value of 600 bytes (then "..."), a line of 3400 (then cut=yes).
 * Threads    pn_log from any, a line is one write; pn_log_open before them.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/status.h"

enum pn_log_level { PN_LOG_ERROR, PN_LOG_WARN, PN_LOG_INFO, PN_LOG_DEBUG };

/* `json` writes one JSON object per line instead: time, level, who, then each key=value.
 * `who` is borrowed for ever. */
void pn_log_open(const char *who, enum pn_log_level most, bool json);
PN_MUST_CHECK bool pn_log_level_parse(enum pn_log_level *out, const char *text);

/* The format holds the key=value text, e.g. "round=%u event=invite node=%s". Of printf it knows
 * %d %i %u %x %X %o with any length, %e %f %g, %c, %s, %.*s and %%. */
void pn_log(enum pn_log_level level, const char *format, ...) PN_PRINTF(2, 3);

#endif
