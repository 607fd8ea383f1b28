#include "text/yaml.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum {
    TEXT_MAX     = 1 << 20,
    NODES_MAX    = 65536,
    DEPTH_MAX    = 16,
    NAME_LEN_MAX = 255
};

/* Header, nodes, strings and name lie in one block, in this order. */
struct text_yaml {
    const char       *name;
    struct text_node *nodes;
    char             *strings;
    size_t            node_count, string_bytes;
};

/* A map or list that is not closed yet. */
struct level {
    struct text_node *node, *last_child;
    const char       *key; /* read, its value not yet */
    yaml_mark_t       key_mark;
    bool              is_map, has_key;
};

/*
 * One walk over the events. It happens twice: the first time counts (nodes and strings are NULL),
 * the second time fills a block of exactly that size.
 */
struct walk {
    const char       *name;
    struct pn_error  *why;
    struct text_node *nodes;
    char             *strings;
    size_t            node_count, string_bytes;
    struct level      levels[DEPTH_MAX];
    size_t            depth;
    bool              has_document;
    /* Scratch for the search for duplicate keys, one place per node. */
    const struct text_node **sorted;
};

static enum pn_status
fail_at(struct pn_error *why, const char *name, size_t line, size_t column, const char *problem)
{
    return pn_error_set(why, PN_ECONFIG, "%s:%zu:%zu: %s", name, line, column, problem);
}

static enum pn_status
fail_mark(const struct walk *walk, yaml_mark_t mark, const char *problem)
{
    return fail_at(walk->why, walk->name, mark.line + 1, mark.column + 1, problem);
}

/* Copies `len` bytes and a terminator; in the first walk only counts them. */
static const char *
keep_string(struct walk *walk, const yaml_char_t *text, size_t len)
{
    const char *kept = "";
    if (walk->strings != NULL) {
        char *place = walk->strings + walk->string_bytes;
        memcpy(place, text, len);
        place[len] = '\0';
        kept       = place;
    }
    walk->string_bytes += len + 1;
    return kept;
}

static enum pn_status
add_node(struct walk *walk, struct text_node **out, enum text_kind kind, yaml_mark_t mark)
{
    if (walk->node_count == NODES_MAX)
        return fail_mark(walk, mark, "expected at most 65536 values in a file, seen more");
    struct text_node *node  = NULL;
    struct level     *level = walk->depth > 0 ? &walk->levels[walk->depth - 1] : NULL;
    if (walk->nodes != NULL) {
        node  = &walk->nodes[walk->node_count];
        *node = (struct text_node){.kind   = kind,
                                   .line   = (uint32_t)mark.line + 1,
                                   .column = (uint32_t)mark.column + 1,
                                   .key    = level != NULL ? level->key : NULL};
        if (level != NULL) {
            node->key_line   = level->has_key ? (uint32_t)level->key_mark.line + 1 : 0;
            node->key_column = level->has_key ? (uint32_t)level->key_mark.column + 1 : 0;
            if (level->last_child == NULL)
                level->node->first = node;
            else
                level->last_child->next = node;
            level->last_child = node;
            level->node->count++;
        }
    }
    walk->node_count++;
    if (level != NULL) {
        level->key     = NULL;
        level->has_key = false;
    }
    *out = node;
    return PN_OK;
}

/* True when the next node is a key and not a value. */
static bool
expects_key(const struct walk *walk)
{
    const struct level *level = walk->depth > 0 ? &walk->levels[walk->depth - 1] : NULL;
    return level != NULL && level->is_map && !level->has_key;
}

static enum pn_status
take_key(struct walk *walk, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    if (event->data.scalar.length == 0)
        return fail_mark(walk, event->start_mark, "expected a key before the colon, seen nothing");
    if (strcmp(text, "<<") == 0)
        return fail_mark(walk, event->start_mark, "merge keys (<<) are not part of this dialect");
    struct level *level = &walk->levels[walk->depth - 1];
    level->key          = keep_string(walk, event->data.scalar.value, event->data.scalar.length);
    level->key_mark     = event->start_mark;
    level->has_key      = true;
    return PN_OK;
}

static enum pn_status
take_scalar(struct walk *walk, const yaml_event_t *event)
{
    const yaml_char_t *value = event->data.scalar.value;
    size_t             len   = event->data.scalar.length;
    struct text_node  *node;
    if (event->data.scalar.anchor != NULL)
        return fail_mark(walk, event->start_mark, "anchors (&) are not part of this dialect");
    if (event->data.scalar.tag != NULL)
        return fail_mark(walk, event->start_mark, "tags (!) are not part of this dialect");
    if (memchr(value, '\0', len) != NULL)
        return fail_mark(walk, event->start_mark, "expected text, seen a NUL character in it");
    if (expects_key(walk))
        return take_key(walk, event);
    if (walk->depth == 0 && len == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return fail_mark(walk, event->start_mark, "expected a document, seen an empty file");
    enum pn_status st = add_node(walk, &node, TEXT_SCALAR, event->start_mark);
    if (st != PN_OK)
        return st;
    const char *kept = keep_string(walk, value, len);
    if (node != NULL)
        node->value = kept;
    return PN_OK;
}

static enum pn_status
open_level(struct walk *walk, enum text_kind kind, const yaml_char_t *anchor,
           const yaml_char_t *tag, yaml_mark_t mark)
{
    struct text_node *node;
    if (anchor != NULL)
        return fail_mark(walk, mark, "anchors (&) are not part of this dialect");
    if (tag != NULL)
        return fail_mark(walk, mark, "tags (!) are not part of this dialect");
    if (expects_key(walk))
        return fail_mark(walk, mark, "expected text as a key, seen a map or a list");
    if (walk->depth == DEPTH_MAX)
        return fail_mark(walk, mark, "expected at most 16 maps and lists inside each other");
    enum pn_status st = add_node(walk, &node, kind, mark);
    if (st != PN_OK)
        return st;
    walk->levels[walk->depth++] = (struct level){.node = node, .is_map = kind == TEXT_MAP};
    return PN_OK;
}

static int
compare_keys(const void *left, const void *right)
{
    const struct text_node *a     = *(const struct text_node *const *)left;
    const struct text_node *b     = *(const struct text_node *const *)right;
    int                     order = strcmp(a->key, b->key);
    return order != 0 ? order : a < b ? -1 : a > b; /* equal keys in the order of the file */
}

static enum pn_status
close_level(struct walk *walk)
{
    const struct text_node *map = walk->levels[--walk->depth].node;
    if (map == NULL || map->kind != TEXT_MAP)
        return PN_OK;
    size_t count = 0;
    for (const struct text_node *node = map->first; node != NULL; node = node->next)
        walk->sorted[count++] = node;
    if (count > 1)
        qsort(walk->sorted, count, sizeof(const struct text_node *), compare_keys);
    for (size_t i = 1; i < count; i++) {
        const struct text_node *node = walk->sorted[i], *earlier = walk->sorted[i - 1];
        if (strcmp(node->key, earlier->key) == 0)
            return pn_error_set(walk->why, PN_ECONFIG,
                                "%s:%" PRIu32 ":%" PRIu32
                                ": expected every key once, seen \"%.64s\" again (first in line "
                                "%" PRIu32 ")",
                                walk->name, node->key_line, node->key_column, node->key,
                                earlier->key_line);
    }
    return PN_OK;
}

static enum pn_status
open_document(struct walk *walk, const yaml_event_t *event)
{
    if (walk->has_document)
        return fail_mark(walk, event->start_mark, "expected one document, seen a second one");
    if (event->data.document_start.version_directive != NULL ||
        event->data.document_start.tag_directives.start !=
            event->data.document_start.tag_directives.end)
        return fail_mark(walk, event->start_mark, "directives (%) are not part of this dialect");
    walk->has_document = true;
    return PN_OK;
}

static enum pn_status
take_event(struct walk *walk, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return PN_OK;
    case YAML_STREAM_END_EVENT:
        return walk->has_document ? PN_OK
                                  : fail_at(walk->why, walk->name, 1, 1,
                                            "expected a document, seen an empty file");
    case YAML_DOCUMENT_START_EVENT:
        return open_document(walk, event);
    case YAML_ALIAS_EVENT:
        return fail_mark(walk, event->start_mark, "aliases (*) are not part of this dialect");
    case YAML_SCALAR_EVENT:
        return take_scalar(walk, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_level(walk, TEXT_LIST, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag, event->start_mark);
    case YAML_MAPPING_START_EVENT:
        return open_level(walk, TEXT_MAP, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag, event->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_level(walk);
    }
    PN_UNREACHABLE("kind of libyaml event");
}

/* The commonest mistake, for which the parser has no good words. */
static bool
is_indented_by_tab(const char *text, size_t size, size_t line)
{
    size_t at = 0;
    for (; line > 0 && at < size; at++)
        line -= text[at] == '\n';
    while (at < size && text[at] == ' ')
        at++;
    return at < size && text[at] == '\t';
}

/* What the parser itself did not like. */
static enum pn_status
fail_parser(const struct walk *walk, const yaml_parser_t *parser, const char *text, size_t size)
{
    char problem[256];
    if (parser->error == YAML_MEMORY_ERROR)
        return pn_error_set(walk->why, PN_ENOMEM, "%s: %s", walk->name, pn_status_text(PN_ENOMEM));
    const char *said = parser->problem != NULL ? parser->problem : "this is not YAML";
    if (parser->error != YAML_READER_ERROR) {
        if (is_indented_by_tab(text, size, parser->problem_mark.line))
            return fail_mark(walk, parser->problem_mark,
                             "expected spaces at the start of the line, seen a tab");
        bool context = parser->context != NULL;
        snprintf(problem, sizeof problem, "%s%s%s", said, context ? " " : "",
                 context ? parser->context : "");
        return fail_mark(walk, parser->problem_mark, problem);
    }
    /* The reader knows bytes only; count lines and characters up to the one it stopped at. */
    size_t line = 1, column = 1;
    for (size_t i = 0; i < parser->problem_offset && i < size; i++) {
        bool newline = text[i] == '\n';
        line += newline;
        column = newline ? 1 : column + (((uint8_t)text[i] & 0xc0) != 0x80);
    }
    snprintf(problem, sizeof problem, "expected UTF-8 text without control characters: %s", said);
    return fail_at(walk->why, walk->name, line, column, problem);
}

static enum pn_status
walk_events(struct walk *walk, const char *text, size_t size)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return pn_error_set(walk->why, PN_ENOMEM, "%s: %s", walk->name, pn_status_text(PN_ENOMEM));
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    enum pn_status st   = PN_OK;
    bool           done = false;
    while (st == PN_OK && !done) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            st = fail_parser(walk, &parser, text, size);
            break;
        }
        done = event.type == YAML_STREAM_END_EVENT;
        st   = take_event(walk, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return st;
}

/* The second walk, into a block that fits what the first one counted. */
static enum pn_status
build(struct text_yaml **out, const struct walk *counted, const char *text, size_t size)
{
    /* SAFE: at most 65536 nodes and about 2 MiB of strings, so nothing here overflows. */
    size_t nodes_size = counted->node_count * sizeof(struct text_node);
    size_t name_size  = strlen(counted->name) + 1;
    char *block = malloc(sizeof(struct text_yaml) + nodes_size + counted->string_bytes + name_size);
    const struct text_node **sorted = calloc(counted->node_count, sizeof *sorted);
    if (block == NULL || sorted == NULL) {
        free(block);
        free(sorted);
        return pn_error_set(counted->why, PN_ENOMEM, "%s: %s", counted->name,
                            pn_status_text(PN_ENOMEM));
    }
    struct text_yaml *yaml    = (struct text_yaml *)block;
    char             *strings = block + sizeof *yaml + nodes_size;
    *yaml                     = (struct text_yaml){.nodes        = (struct text_node *)(yaml + 1),
                                                   .strings      = strings,
                                                   .name         = strings + counted->string_bytes,
                                                   .node_count   = counted->node_count,
                                                   .string_bytes = counted->string_bytes};
    memcpy(strings + counted->string_bytes, counted->name, name_size);
    struct walk    walk = {.name    = counted->name,
                           .why     = counted->why,
                           .nodes   = yaml->nodes,
                           .strings = strings,
                           .sorted  = sorted};
    enum pn_status st   = walk_events(&walk, text, size);
    free(sorted);
    if (st != PN_OK) {
        free(block);
        return st;
    }
    PN_ASSERT(walk.node_count == counted->node_count && walk.string_bytes == counted->string_bytes);
    *out = yaml;
    return PN_OK;
}

enum pn_status
text_yaml_parse(struct text_yaml **out, const char *name, const char *text, size_t size,
                struct pn_error *why)
{
    char short_name[NAME_LEN_MAX + 1];
    snprintf(short_name, sizeof short_name, "%s", name);
    if (size > TEXT_MAX)
        return pn_error_set(why, PN_ECONFIG, "%s: expected at most %d bytes, seen %zu", short_name,
                            TEXT_MAX, size);
    struct walk    walk = {.name = short_name, .why = why};
    enum pn_status st   = walk_events(&walk, size == 0 ? "" : text, size);
    if (st != PN_OK)
        return st;
    return build(out, &walk, text, size);
}

void
text_yaml_free(struct text_yaml *yaml)
{
    free(yaml);
}

const struct text_node *
text_yaml_root(const struct text_yaml *yaml)
{
    return yaml->nodes;
}

const char *
text_yaml_name(const struct text_yaml *yaml)
{
    return yaml->name;
}
