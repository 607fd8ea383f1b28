#include "data/schema.h"

#include "data/section.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const data_format_names[DATA_FORMAT_COUNT] = {"csv",   "idx",   "npy", "npz",
                                                          "cifar", "image", "text"};

static enum pn_status
read_split(const struct data_section *section)
{
    static const char *const known[]  = {"validation", "test", "order"};
    static const char *const orders[] = {"random", "time"};
    struct data_schema      *schema   = section->schema;
    const struct text_node  *split;
    uint32_t                 order = schema->in_time_order ? 1 : 0;
    schema->validation = schema->test = 0.2;
    enum pn_status st =
        text_get_map(&split, section->yaml, section->node, "split", TEXT_OPTIONAL, section->why);
    if (st != PN_OK || split == NULL)
        return st;
    schema->validation = schema->test = 0.0;
    st = text_check_keys(section->yaml, split, known, 3, section->why);
    if (st == PN_OK)
        st = text_get_f64(&schema->validation, section->yaml, split, "validation", TEXT_OPTIONAL,
                          0.0, 0.9, section->why);
    if (st == PN_OK)
        st = text_get_f64(&schema->test, section->yaml, split, "test", TEXT_OPTIONAL, 0.0, 0.9,
                          section->why);
    if (st == PN_OK)
        st = text_get_choice(&order, section->yaml, split, "order", TEXT_OPTIONAL, orders, 2,
                             section->why);
    if (st == PN_OK && schema->validation + schema->test > 0.9 + 1e-9)
        st = text_fail(section->why, section->yaml, split,
                       "validation and test together take more than 0.9 of the records");
    schema->in_time_order = order == 1;
    return st;
}

/* `target: record`: the files give no target. */
static enum pn_status
read_target(struct data_section *section, enum data_format format)
{
    static const char *const targets[] = {"record"};
    uint32_t                 target;
    const struct text_node  *node = text_find(section->node, "target");
    if (node == NULL)
        return PN_OK;
    enum pn_status st = text_get_choice(&target, section->yaml, section->node, "target",
                                        TEXT_REQUIRED, targets, 1, section->why);
    if (st == PN_OK && format == DATA_TEXT)
        st = text_fail(section->why, section->yaml, node,
                       "the target of a text is the same text one character later");
    section->schema->target_is_record = st == PN_OK;
    return st;
}

static enum pn_status
read_format(struct data_section *section, enum data_format format)
{
    section->schema->format = format;
    section->schema->length = 1;
    switch (format) {
    case DATA_CSV:
        return data_section_csv(section);
    case DATA_IDX:
        return data_section_idx(section);
    case DATA_NPY:
    case DATA_NPZ:
        return data_section_npy(section);
    case DATA_CIFAR:
        return data_section_cifar(section);
    case DATA_IMAGE:
        return data_section_image(section);
    case DATA_TEXT:
        return data_section_text(section);
    case DATA_FORMAT_COUNT:
        break;
    }
    PN_UNREACHABLE("text_get_choice gives one of the formats");
}

/* Makes the block as large as this section needs it. */
static enum pn_status
begin(struct data_section *section, enum data_format format)
{
    size_t                  columns = 0, name_size = 0, numbers = 0;
    const struct text_node *alphabet = text_find(section->node, "alphabet");
    enum pn_status          st       = PN_OK;
    if (format == DATA_CSV)
        st = data_section_count_columns(&columns, &name_size, section);
    if (format == DATA_TEXT && alphabet != NULL && alphabet->value != NULL)
        numbers = 2 * strlen(alphabet->value);
    return st == PN_OK ? data_section_init(section, columns, name_size, numbers) : st;
}

enum pn_status
data_schema_decode(struct data_schema **out, const struct text_yaml *yaml,
                   const struct text_node *node, struct pn_error *why)
{
    struct data_section section = {.yaml = yaml, .node = node, .why = why};
    uint32_t            format;
    if (node == NULL || node->kind != TEXT_MAP)
        return text_fail(why, yaml, node != NULL ? node : text_yaml_root(yaml),
                         "expected a data section: format, columns, ...");
    enum pn_status st = text_get_choice(&format, yaml, node, "format", TEXT_REQUIRED,
                                        data_format_names, DATA_FORMAT_COUNT, why);
    if (st == PN_OK)
        st = begin(&section, (enum data_format)format);
    if (st != PN_OK)
        return st;
    st = read_target(&section, (enum data_format)format);
    if (st == PN_OK)
        st = read_format(&section, (enum data_format)format);
    if (st == PN_OK)
        st = read_split(&section);
    if (st == PN_OK)
        st = data_augment_options_decode(&section.schema->augment, section.schema, yaml, node, why);
    if (st != PN_OK) {
        data_schema_free(section.schema);
        return st;
    }
    *out = section.schema;
    return PN_OK;
}

void
data_schema_free(struct data_schema *schema)
{
    free(schema); /* the first member of its block */
}

uint32_t
data_schema_target_size(const struct data_schema *schema)
{
    return schema->target_is_record ? schema->feature_count : schema->target_size;
}

void
data_schema_drop_targets(struct data_schema *schema)
{
    for (size_t i = 0; i < schema->column_count; i++)
        if (schema->columns[i].kind == DATA_TARGET || schema->columns[i].kind == DATA_WEIGHT)
            schema->columns[i].kind = DATA_IGNORE;
    schema->target_size = schema->class_count = 0;
    schema->horizon = schema->remaining = 0;
    schema->forecast                    = NULL;
}

/* The sizes other than 1; how many there are. */
static uint32_t
squeeze(uint32_t *out, uint32_t dims, const uint32_t *dim)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < dims; i++)
        if (dim[i] != 1 && kept < 4)
            out[kept++] = dim[i];
    return kept;
}

bool
data_schema_fits(const struct data_schema *schema, uint32_t dims, const uint32_t *dim)
{
    uint32_t own[4], other[4];
    if (dims == 1)
        return dim[0] == schema->feature_count;
    uint32_t own_dims = squeeze(own, schema->dims, schema->dim);
    return squeeze(other, dims, dim) == own_dims &&
           memcmp(own, other, own_dims * sizeof own[0]) == 0;
}

void
data_schema_shape_text(char out[static 40], const struct data_schema *schema)
{
    int len = snprintf(out, 40, "%u", schema->dim[0]);
    for (uint32_t i = 1; i < schema->dims && len > 0 && len < 40; i++)
        len += snprintf(out + len, 40 - (size_t)len, "x%u", schema->dim[i]);
}
