#include "text/json.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_MAX = 16
};

struct text_json {
    json_t        *levels[DEPTH_MAX]; /* levels[0] owns the document, the others are borrowed */
    size_t         depth;
    enum pn_status status;
};

enum pn_status
text_json_new(struct text_json **out)
{
    struct text_json *json = calloc(1, sizeof *json);
    if (json == NULL)
        return PN_ENOMEM;
    json->levels[0] = json_object();
    if (json->levels[0] == NULL) {
        free(json);
        return PN_ENOMEM;
    }
    json->depth = 1;
    *out        = json;
    return PN_OK;
}

void
text_json_free(struct text_json *json)
{
    if (json == NULL)
        return;
    json_decref(json->levels[0]);
    free(json);
}

static void
stick(struct text_json *json, enum pn_status status)
{
    if (json->status == PN_OK)
        json->status = status;
}

/* Takes `value`, which may be NULL when it could not be made. */
static void
add(struct text_json *json, const char *key, json_t *value)
{
    json_t *level = json->levels[json->depth - 1];
    if (value == NULL || json->status != PN_OK) {
        json_decref(value);
        stick(json, PN_ENOMEM);
        return;
    }
    PN_ASSERT(json_is_object(level) == (key != NULL));
    /* Both calls give `value` back to the heap when they fail. */
    int failed =
        key == NULL ? json_array_append_new(level, value) : json_object_set_new(level, key, value);
    if (failed)
        stick(json, PN_ENOMEM);
}

/* Bytes that are no UTF-8 become U+FFFD: a report about strange data is still JSON. */
static json_t *
repaired_string(const char *text)
{
    size_t len   = strlen(text);
    char  *fixed = malloc(3 * len + 1);
    if (fixed == NULL)
        return NULL;
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        size_t  size      = len - i < 4 ? len - i : 4;
        json_t *character = NULL;
        for (; size > 0 && character == NULL; size--)
            character = json_stringn(text + i, size);
        size++; /* the one that was right, or 1 */
        memcpy(fixed + used, character == NULL ? "\xef\xbf\xbd" : text + i,
               character == NULL ? 3 : size);
        used += character == NULL ? 3 : size;
        i += character == NULL ? 1 : size;
        json_decref(character);
    }
    json_t *value = json_stringn(fixed, used);
    free(fixed);
    return value;
}

void
text_json_string(struct text_json *json, const char *key, const char *value)
{
    json_t *string = value == NULL ? json_null() : json_string(value);
    add(json, key, string == NULL ? repaired_string(value) : string);
}

void
text_json_u64(struct text_json *json, const char *key, uint64_t value)
{
    /* jansson's integers are signed; a number beyond them goes as text, exact, like a hash. */
    char text[24];
    if (value <= INT64_MAX) {
        add(json, key, json_integer((json_int_t)value));
        return;
    }
    snprintf(text, sizeof text, "%" PRIu64, value);
    add(json, key, json_string(text));
}

void
text_json_f64(struct text_json *json, const char *key, double value)
{
    add(json, key, isfinite(value) ? json_real(value) : json_null());
}

void
text_json_bool(struct text_json *json, const char *key, bool value)
{
    add(json, key, json_boolean(value));
}

void
text_json_hex(struct text_json *json, const char *key, const uint8_t *bytes, size_t size)
{
    size_t text_size;
    char  *text = NULL;
    if (pn_size_mul(&text_size, size, 2) && pn_size_add(&text_size, text_size, 1))
        text = malloc(text_size);
    if (text == NULL) {
        stick(json, PN_ENOMEM);
        return;
    }
    pn_hex_encode(text, bytes, size);
    add(json, key, json_string(text));
    free(text);
}

static void
open_level(struct text_json *json, const char *key, json_t *level)
{
    PN_ASSERT(json->depth < DEPTH_MAX);
    add(json, key, level);
    /* After an error nothing is added any more, but opens and closes still pair up. */
    json->levels[json->depth] = json->status == PN_OK ? level : json->levels[json->depth - 1];
    json->depth++;
}

void
text_json_open_map(struct text_json *json, const char *key)
{
    open_level(json, key, json_object());
}

void
text_json_open_list(struct text_json *json, const char *key)
{
    open_level(json, key, json_array());
}

void
text_json_close(struct text_json *json)
{
    PN_ASSERT(json->depth > 1);
    json->depth--;
}

static enum pn_status
write_as(struct text_json *json, FILE *out, size_t form)
{
    PN_ASSERT(json->depth == 1);
    if (json->status != PN_OK)
        return json->status;
    /* 17 digits read back to the same bits. */
    if (json_dumpf(json->levels[0], out, form | JSON_REAL_PRECISION(17)) != 0 ||
        fputc('\n', out) == EOF || fflush(out) == EOF)
        return PN_EIO;
    return PN_OK;
}

enum pn_status
text_json_write(struct text_json *json, FILE *out)
{
    return write_as(json, out, JSON_INDENT(2));
}

enum pn_status
text_json_write_line(struct text_json *json, FILE *out)
{
    return write_as(json, out, JSON_COMPACT);
}
