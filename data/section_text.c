/* The section of the format text: alphabet, length, stride. */
#include "data/section.h"

#include "data/utf8.h"

#include <string.h>

/* Keeps the alphabet sorted by code point, each with its place in the job. */
static void
insert(uint32_t *codes, uint32_t *indices, uint32_t count, uint32_t code)
{
    uint32_t at = count;
    for (; at > 0 && codes[at - 1] > code; at--) {
        codes[at]   = codes[at - 1];
        indices[at] = indices[at - 1];
    }
    codes[at]   = code;
    indices[at] = count;
}

static bool
has(const uint32_t *codes, uint32_t count, uint32_t code)
{
    for (uint32_t i = 0; i < count; i++)
        if (codes[i] == code)
            return true;
    return false;
}

static enum pn_status
read_alphabet(struct data_section *section)
{
    const struct text_node *node   = text_find(section->node, "alphabet");
    const char             *text   = "";
    struct data_schema     *schema = section->schema;
    enum pn_status          st = text_get_string(&text, section->yaml, section->node, "alphabet",
                                                 TEXT_REQUIRED, section->why);
    if (st != PN_OK)
        return st;
    size_t    len   = strlen(text);
    uint32_t *codes = section->numbers, *indices = codes + len, count = 0;
    for (size_t at = 0; at < len;) {
        uint32_t code;
        size_t   size = data_utf8_decode(&code, (const uint8_t *)text + at, len - at);
        if (size == 0)
            return text_fail(section->why, section->yaml, node, "the alphabet is not in UTF-8");
        if (has(codes, count, code))
            return text_fail(section->why, section->yaml, node,
                             "the character \"%.*s\" stands in the alphabet twice", (int)size,
                             text + at);
        if (count == DATA_ALPHABET_MAX)
            return text_fail(section->why, section->yaml, node,
                             "the alphabet has more than %d characters", DATA_ALPHABET_MAX);
        insert(codes, indices, count++, code);
        at += size;
    }
    schema->alphabet       = codes;
    schema->alphabet_index = indices;
    schema->alphabet_count = count;
    schema->class_count    = count + (schema->alphabet_other ? 1 : 0);
    if (schema->class_count < 2)
        return text_fail(section->why, section->yaml, node,
                         "expected an alphabet of at least 2 characters, such as \"\\n abc\"");
    return PN_OK;
}

enum pn_status
data_section_text(struct data_section *section)
{
    static const char *const own[]  = {"alphabet", "other", "length", "stride"};
    struct data_schema      *schema = section->schema;
    enum pn_status           st     = data_section_keys(section, own, 4);
    if (st == PN_OK)
        st = text_get_bool(&schema->alphabet_other, section->yaml, section->node, "other",
                           TEXT_OPTIONAL, section->why);
    if (st == PN_OK)
        st = read_alphabet(section);
    if (st == PN_OK)
        st = text_get_u32(&schema->length, section->yaml, section->node, "length", TEXT_REQUIRED, 1,
                          DATA_FEATURES_MAX, section->why);
    schema->stride = schema->length;
    if (st == PN_OK)
        st = text_get_u32(&schema->stride, section->yaml, section->node, "stride", TEXT_OPTIONAL, 1,
                          DATA_FEATURES_MAX, section->why);
    schema->layout        = DATA_SERIES;
    schema->dims          = 1;
    schema->dim[0]        = schema->length;
    schema->feature_count = schema->target_size = schema->length;
    schema->row_size                            = 1;
    schema->in_time_order                       = true;
    return st;
}
