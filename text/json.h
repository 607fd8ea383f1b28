/*
 * text/json -- writes JSON, for --json and reports. Order is kept; numbers are
 * written so that they read back to the same bits; NaN and Inf become null.
 *
 *     struct text_json *j;
 *     text_json_new(&j);
 *     text_json_u64(j, "round", 3);
 *     text_json_open_list(j, "members"); ... text_json_close(j);
 *     text_json_write(j, stdout);  text_json_free(j);
 *
 * The document is an object. Inside a list, keys are NULL. Errors stick: check
 * the status of text_json_write once. Numbers over 2^63 - 1 are written as text,
 * bytes that are no UTF-8 as U+FFFD, a NULL string as null. At most 16 levels.
 * Built on jansson.
 */
#ifndef TEXT_JSON_H
#define TEXT_JSON_H

#include "base/bytes.h"

#include <stdio.h>

struct text_json;
PN_MUST_CHECK enum pn_status text_json_new(struct text_json **out);
void text_json_free(struct text_json *json);
void text_json_string(struct text_json *json, const char *key, const char *value);
void text_json_u64(struct text_json *json, const char *key, uint64_t value);
void text_json_f64(struct text_json *json, const char *key, double value);
void text_json_bool(struct text_json *json, const char *key, bool value);
void text_json_hex(struct text_json *json, const char *key, const uint8_t *bytes, size_t size);
void text_json_open_map(struct text_json *json, const char *key);
void text_json_open_list(struct text_json *json, const char *key);
void text_json_close(struct text_json *json);
/* One indented document and a newline. */
PN_MUST_CHECK enum pn_status text_json_write(struct text_json *json, FILE *out);
/* The same on one line, for streams of events. */
PN_MUST_CHECK enum pn_status text_json_write_line(struct text_json *json, FILE *out);

#endif
