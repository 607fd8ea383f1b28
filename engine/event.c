#include "engine/event.h"

#include <stdio.h>

struct text_json *
engine_event(const char *name)
{
    struct text_json *json = NULL;
    if (text_json_new(&json) != PN_OK)
        return NULL;
    text_json_string(json, "event", name);
    return json;
}

void
engine_event_emit(struct text_json *json)
{
    if (json == NULL)
        return;
    if (text_json_write_line(json, stdout) != PN_OK || fflush(stdout) != 0)
        clearerr(stdout);
    text_json_free(json);
}

void
engine_event_block(const struct wire_block *block, uint32_t rounds)
{
    struct text_json *json = engine_event(block->kind == WIRE_BLOCK_ROUND ? "round" : "block");
    if (json == NULL)
        return;
    text_json_u64(json, "height", block->height);
    text_json_u64(json, "round", block->round);
    text_json_u64(json, "rounds", rounds);
    text_json_u64(json, "attempt", block->attempt);
    text_json_u64(json, "members", block->entry_count);
    text_json_u64(json, "absent", block->absent_count);
    text_json_hex(json, "model", block->model_out.root, 32);
    text_json_open_map(json, "metrics");
    for (size_t i = 0; i < block->metric_count; i++)
        text_json_f64(json, block->metrics[i].name, block->metrics[i].value);
    text_json_close(json);
    engine_event_emit(json);
}
