#include "data/section.h"

#include "data/record.h"

#include <stdlib.h>
#include <string.h>

static void
count(const struct text_node *node, size_t *bytes, size_t *strings)
{
    *bytes += node->value != NULL ? strlen(node->value) + 1 : 0;
    *strings += 1;
    for (const struct text_node *child = node->first; child != NULL; child = child->next)
        count(child, bytes, strings);
}

enum pn_status
data_section_init(struct data_section *section, size_t column_count, size_t name_size,
                  size_t number_count)
{
    size_t bytes = 1, strings = 1; /* the default list of missing tokens */
    count(section->node, &bytes, &strings);
    struct data_schema *schema = calloc(
        1, sizeof *schema + column_count * sizeof(struct data_column) + strings * sizeof(char *) +
               number_count * sizeof(uint32_t) + name_size + bytes);
    if (schema == NULL)
        return pn_error_set(section->why, PN_ENOMEM, "no memory for the data section");
    schema->columns  = (struct data_column *)(schema + 1);
    section->schema  = schema;
    section->list    = (const char **)(schema->columns + column_count);
    section->numbers = (uint32_t *)(section->list + strings);
    section->text    = (char *)(section->numbers + number_count);
    return PN_OK;
}

const char *
data_section_keep(struct data_section *section, const char *text)
{
    size_t size = strlen(text) + 1;
    char  *kept = section->text;
    memcpy(kept, text, size);
    section->text += size;
    return kept;
}

bool
data_list_has(const struct data_list *list, const char *text)
{
    double number, other;
    bool   is_number = data_number_parse(&number, text, strlen(text), '.');
    for (size_t i = 0; i < list->count; i++) {
        const char *item = list->items[i];
        if (strcmp(item, text) == 0)
            return true;
        if (is_number && data_number_parse(&other, item, strlen(item), '.') && number == other)
            return true;
    }
    return false;
}

enum pn_status
data_section_list(struct data_list *out, struct data_section *section, const struct text_node *map,
                  const char *key, size_t max)
{
    const struct text_node *node;
    enum pn_status st = text_get_list(&node, section->yaml, map, key, TEXT_OPTIONAL, section->why);
    *out              = (struct data_list){.count = 0};
    if (st != PN_OK || node == NULL)
        return st;
    if (node->count > max)
        return text_fail(section->why, section->yaml, node,
                         "`%s` has %zu entries, at most %zu may be", key, node->count, max);
    const char **items = section->list;
    section->list += node->count;
    out->items = items;
    for (const struct text_node *item = node->first; item != NULL; item = item->next) {
        if (item->kind != TEXT_SCALAR)
            return text_fail(section->why, section->yaml, item, "expected a text in `%s`", key);
        if (data_list_has(out, item->value))
            return text_fail(section->why, section->yaml, item,
                             "\"%s\" stands in `%s` twice (numbers count as equal: 1 and 1.0)",
                             item->value, key);
        items[out->count++] = data_section_keep(section, item->value);
    }
    return PN_OK;
}

enum pn_status
data_section_size(uint32_t *out, const struct data_section *section, const struct text_node *node,
                  uint32_t max)
{
    double size;
    if (node->kind != TEXT_SCALAR ||
        !data_number_parse(&size, node->value, strlen(node->value), '.') || size < 1.0 ||
        size > max || (double)(uint32_t)size != size)
        return text_fail(section->why, section->yaml, node, "expected a whole number from 1 to %u",
                         max);
    *out = (uint32_t)size;
    return PN_OK;
}

enum pn_status
data_section_shape(struct data_section *section, const struct text_node *shape, size_t dims_max)
{
    struct data_schema *schema   = section->schema;
    uint64_t            count_of = 1;
    if (shape->count < 1 || shape->count > dims_max)
        return text_fail(section->why, section->yaml, shape,
                         "expected 1 to %zu sizes of a record, such as [28, 28]", dims_max);
    schema->dims = 0;
    for (const struct text_node *node = shape->first; node != NULL; node = node->next) {
        uint32_t       size;
        enum pn_status st = data_section_size(&size, section, node, DATA_FEATURES_MAX);
        if (st != PN_OK)
            return st;
        schema->dim[schema->dims++] = size;
        count_of *= size;
        if (count_of > DATA_FEATURES_MAX)
            return text_fail(section->why, section->yaml, shape,
                             "a record has more than %d numbers", DATA_FEATURES_MAX);
    }
    schema->feature_count = (uint32_t)count_of;
    return PN_OK;
}

enum pn_status
data_section_keys(const struct data_section *section, const char *const *own, size_t own_count)
{
    const char *known[16] = {"format", "target", "split", "augment"};
    size_t      shared    = 4;
    PN_ASSERT(own_count <= sizeof known / sizeof known[0] - shared);
    for (size_t i = 0; i < own_count; i++)
        known[shared + i] = own[i];
    return text_check_keys(section->yaml, section->node, known, shared + own_count, section->why);
}
