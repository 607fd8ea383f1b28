/*
 * engine/event -- what a daemon tells the tools that started it: one JSON object a line on stdout.
 *
 * Whoever asked for events and went away does not stop a run: the log says the same.
 */
#ifndef ENGINE_EVENT_H
#define ENGINE_EVENT_H

#include "proto/message.h"
#include "text/json.h"

/* { "event": name, ...: to be filled; NULL without memory, which engine_event_emit takes. */
struct text_json *engine_event(const char *name);
/* Writes and frees it. */
void engine_event_emit(struct text_json *json);
/* "round" for a round's block, else "block": height, round, members, absent, model, metrics. */
void engine_event_block(const struct wire_block *block, uint32_t rounds);

#endif
