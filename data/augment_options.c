#include "data/augment_options.h"

#include "data/schema.h"

struct reader {
    const struct data_schema *schema;
    const struct text_yaml   *yaml;
    const struct text_node   *node;
    struct pn_error          *why;
};

/* What tells one kind from another. */
struct kind {
    const char *key; /* besides kind and chance */
    double      chance;
    bool        images, series, flat;
};

static const char *const kind_names[] = {"flip", "crop", "shift", "noise", "warp", "mixup"};

static const struct kind kinds[] = {
    [DATA_FLIP]  = {"axis", 0.5, true, false, false},
    [DATA_CROP]  = {"by", 1.0, true, false, false},
    [DATA_SHIFT] = {"by", 1.0, true, true, false},
    [DATA_NOISE] = {"deviation", 1.0, true, true, true},
    [DATA_WARP]  = {"strength", 1.0, false, true, false},
    [DATA_MIXUP] = {"alpha", 1.0, true, true, true},
};

/* Along how much of a record it may move. */
static uint32_t
room(const struct data_schema *schema)
{
    if (schema->layout == DATA_SERIES)
        return schema->dim[0];
    uint32_t height = schema->dim[schema->dims - 2], width = schema->dim[schema->dims - 1];
    return height < width ? height : width;
}

static enum pn_status
check_fit(const struct data_augment_step *step, const struct reader *reader)
{
    const struct data_schema *schema = reader->schema;
    const struct kind        *kind   = &kinds[step->kind];
    bool                      fits   = schema->layout == DATA_PLANES   ? kind->images
                                       : schema->layout == DATA_SERIES ? kind->series
                                                                       : kind->flat;
    if (schema->format == DATA_TEXT)
        return text_fail(reader->why, reader->yaml, reader->node,
                         "characters cannot be augmented: their numbers are names");
    if (fits)
        return PN_OK;
    return text_fail(reader->why, reader->yaml, reader->node,
                     "%s is for %s; the records of this job are %s", kind_names[step->kind],
                     !kind->series  ? "images"
                     : kind->images ? "images and series"
                                    : "series",
                     schema->layout == DATA_PLANES   ? "images"
                     : schema->layout == DATA_SERIES ? "series"
                                                     : "neither (`shape` makes them series)");
}

static enum pn_status
read_amount(struct data_augment_step *step, const struct reader *reader)
{
    static const char *const axes[] = {"horizontal", "vertical"};
    const char              *key    = kinds[step->kind].key;
    uint32_t                 axis   = 0;
    enum pn_status           st     = PN_OK;
    switch (step->kind) {
    case DATA_FLIP:
        st = text_get_choice(&axis, reader->yaml, reader->node, key, TEXT_OPTIONAL, axes, 2,
                             reader->why);
        step->vertical = axis == 1;
        return st;
    case DATA_CROP:
    case DATA_SHIFT:
        if (room(reader->schema) < 2)
            return text_fail(reader->why, reader->yaml, reader->node,
                             "a record of this size cannot be moved");
        return text_get_u32(&step->by, reader->yaml, reader->node, key, TEXT_REQUIRED, 1,
                            room(reader->schema) - 1, reader->why);
    case DATA_NOISE:
        return text_get_f64(&step->amount, reader->yaml, reader->node, key, TEXT_REQUIRED, 0.0, 1e6,
                            reader->why);
    case DATA_WARP:
        return text_get_f64(&step->amount, reader->yaml, reader->node, key, TEXT_REQUIRED, 0.0, 2.0,
                            reader->why);
    case DATA_MIXUP:
        return text_get_f64(&step->amount, reader->yaml, reader->node, key, TEXT_REQUIRED, 0.01,
                            16.0, reader->why);
    }
    PN_UNREACHABLE("text_get_choice gives one of the six");
}

static enum pn_status
read_step(struct data_augment_step *out, const struct reader *reader)
{
    uint32_t       kind;
    enum pn_status st = text_get_choice(&kind, reader->yaml, reader->node, "kind", TEXT_REQUIRED,
                                        kind_names, 6, reader->why);
    if (st != PN_OK)
        return st;
    const char *const known[] = {"kind", "chance", kinds[kind].key};
    *out                      = (struct data_augment_step){.kind   = (enum data_augment_kind)kind,
                                                           .chance = kinds[kind].chance};
    st                        = text_check_keys(reader->yaml, reader->node, known, 3, reader->why);
    if (st == PN_OK)
        st = check_fit(out, reader);
    if (st == PN_OK)
        st = text_get_f64(&out->chance, reader->yaml, reader->node, "chance", TEXT_OPTIONAL, 0.0,
                          1.0, reader->why);
    return st == PN_OK ? read_amount(out, reader) : st;
}

enum pn_status
data_augment_options_decode(struct data_augment_options *out, const struct data_schema *schema,
                            const struct text_yaml *yaml, const struct text_node *section,
                            struct pn_error *why)
{
    struct data_augment_options options = {.count = 0};
    bool                        noise   = false; /* so far */
    const struct text_node     *list;
    enum pn_status st = text_get_list(&list, yaml, section, "augment", TEXT_OPTIONAL, why);
    if (st != PN_OK)
        return st;
    if (list != NULL && list->count > DATA_AUGMENT_MAX)
        return text_fail(why, yaml, list, "expected at most %d steps, seen %zu", DATA_AUGMENT_MAX,
                         list->count);
    for (const struct text_node *node = list != NULL ? list->first : NULL; node != NULL;
         node                         = node->next) {
        const struct reader reader = {schema, yaml, node, why};
        if (node->kind != TEXT_MAP)
            return text_fail(why, yaml, node, "expected a step such as { kind: crop, by: 4 }");
        struct data_augment_step *step = &options.steps[options.count++];
        if ((st = read_step(step, &reader)) != PN_OK)
            return st;
        noise = noise || step->kind == DATA_NOISE;
        if (schema->target_is_record && noise && step->kind != DATA_NOISE)
            return text_fail(why, yaml, node,
                             "with `target: record` noise comes last: the target follows all other "
                             "changes");
    }
    *out = options;
    return PN_OK;
}
