/* The sections of the formats whose records are arrays: idx, npy, npz, cifar, image. */
#include "data/section.h"

enum {
    CLASSES_MAX = 256,
    OUTPUTS_MAX = 4096
};

static enum pn_status
read_shape(struct data_section *section, size_t dims_least, size_t dims_max)
{
    const struct text_node *shape;
    enum pn_status          st =
        text_get_list(&shape, section->yaml, section->node, "shape", TEXT_REQUIRED, section->why);
    if (st == PN_OK)
        st = data_section_shape(section, shape, dims_max);
    if (st == PN_OK && section->schema->dims < dims_least)
        st = text_fail(section->why, section->yaml, shape,
                       "expected %zu sizes of an image: channels, height, width", dims_least);
    section->schema->layout   = section->schema->dims < 2 ? DATA_FLAT : DATA_PLANES;
    section->schema->row_size = section->schema->feature_count;
    return st;
}

/* Nobody asks for the class of a record that is its own target. */
static enum pn_status
refuse_classes(struct data_section *section, const char *key)
{
    const struct text_node *classes = text_find(section->node, key);
    if (classes == NULL)
        return PN_OK;
    return text_fail(section->why, section->yaml, classes,
                     "with `target: record` a record is its own target; leave `%s` out", key);
}

static enum pn_status
read_classes(struct data_section *section, uint32_t min, uint32_t max)
{
    if (section->schema->target_is_record)
        return refuse_classes(section, "classes");
    return text_get_u32(&section->schema->class_count, section->yaml, section->node, "classes",
                        TEXT_REQUIRED, min, max, section->why);
}

static enum pn_status
read_divide(struct data_section *section, double usual)
{
    section->schema->divide      = usual;
    section->schema->target_size = section->schema->target_is_record ? 0 : 1;
    return text_get_f64(&section->schema->divide, section->yaml, section->node, "divide",
                        TEXT_OPTIONAL, 1e-6, 1e6, section->why);
}

enum pn_status
data_section_idx(struct data_section *section)
{
    static const char *const own[] = {"shape", "classes", "divide"};
    enum pn_status           st    = data_section_keys(section, own, 3);
    if (st == PN_OK)
        st = read_shape(section, 1, 3);
    if (st == PN_OK)
        st = read_classes(section, 2, CLASSES_MAX);
    return st == PN_OK ? read_divide(section, 255.0) : st;
}

static enum pn_status
read_channels(struct data_section *section)
{
    static const char *const places[] = {"first", "last"};
    uint32_t                 place    = 0;
    enum pn_status           st = text_get_choice(&place, section->yaml, section->node, "channels",
                                                  TEXT_OPTIONAL, places, 2, section->why);
    if (st == PN_OK && place == 1 && section->schema->dims != 3)
        st = text_fail(section->why, section->yaml, text_find(section->node, "channels"),
                       "`channels: last` needs a shape of channels, height, width");
    section->schema->channels_last = place == 1;
    return st;
}

static enum pn_status
read_layout(struct data_section *section)
{
    static const char *const layouts[] = {"image", "series"};
    uint32_t                 layout    = 0;
    enum pn_status           st = text_get_choice(&layout, section->yaml, section->node, "layout",
                                                  TEXT_OPTIONAL, layouts, 2, section->why);
    if (st != PN_OK || layout == 0)
        return st;
    if (section->schema->dims > 2)
        return text_fail(section->why, section->yaml, text_find(section->node, "layout"),
                         "a series has a shape of [steps] or [steps, features]");
    section->schema->layout = DATA_SERIES;
    return PN_OK;
}

enum pn_status
data_section_npy(struct data_section *section)
{
    static const char *const own[]  = {"shape",  "classes", "outputs",
                                       "divide", "layout",  "channels"};
    struct data_schema      *schema = section->schema;
    enum pn_status           st     = data_section_keys(section, own, 6);
    if (st == PN_OK)
        st = read_shape(section, 1, 3);
    if (st == PN_OK)
        st = read_channels(section);
    if (st == PN_OK)
        st = read_layout(section);
    if (st == PN_OK)
        st = read_divide(section, 1.0);
    if (st == PN_OK && schema->target_is_record)
        st = refuse_classes(section, "outputs");
    if (st == PN_OK && schema->target_is_record)
        return refuse_classes(section, "classes");
    if (st != PN_OK)
        return st;
    bool classes = text_find(section->node, "classes") != NULL;
    if (classes == (text_find(section->node, "outputs") != NULL))
        return text_fail(section->why, section->yaml, section->node,
                         "expected `classes` (targets are 0, 1, ...) or `outputs` (targets are so "
                         "many numbers), and not both");
    if (classes)
        return read_classes(section, 2, CLASSES_MAX);
    return text_get_u32(&schema->target_size, section->yaml, section->node, "outputs",
                        TEXT_REQUIRED, 1, OUTPUTS_MAX, section->why);
}

enum pn_status
data_section_cifar(struct data_section *section)
{
    static const char *const own[]   = {"classes", "divide"};
    struct data_schema      *schema  = section->schema;
    uint32_t                 classes = 0;
    enum pn_status           st      = data_section_keys(section, own, 2);
    if (st == PN_OK)
        st = text_get_u32(&classes, section->yaml, section->node, "classes", TEXT_REQUIRED, 1,
                          CLASSES_MAX, section->why);
    if (st == PN_OK && classes != 10 && classes != 20 && classes != 100)
        st = text_fail(section->why, section->yaml, text_find(section->node, "classes"),
                       "expected 10 (CIFAR-10), or 100 or 20 (CIFAR-100, fine or coarse labels), "
                       "seen %u",
                       classes);
    schema->class_count = schema->target_is_record ? 0 : classes;
    schema->label_bytes = classes == 10 ? 1 : 2;
    schema->label_at    = classes == 100 ? 1 : 0;
    schema->layout      = DATA_PLANES;
    schema->dims        = 3;
    schema->dim[0]      = 3;
    schema->dim[1] = schema->dim[2] = 32;
    schema->feature_count = schema->row_size = 3 * 32 * 32;
    return st == PN_OK ? read_divide(section, 255.0) : st;
}

/* A number, or the names in the labels file. */
static enum pn_status
read_class_names(struct data_section *section)
{
    const struct text_node *classes = text_find(section->node, "classes");
    struct data_list        names;
    if (section->schema->target_is_record || classes == NULL || classes->kind != TEXT_LIST)
        return read_classes(section, 2, CLASSES_MAX);
    enum pn_status st = data_section_list(&names, section, section->node, "classes", CLASSES_MAX);
    if (st == PN_OK && names.count < 2)
        st = text_fail(section->why, section->yaml, classes, "expected at least 2 classes");
    section->schema->class_names = names.items;
    section->schema->class_count = (uint32_t)names.count;
    return st;
}

enum pn_status
data_section_image(struct data_section *section)
{
    static const char *const own[]  = {"shape", "classes", "divide"};
    struct data_schema      *schema = section->schema;
    enum pn_status           st     = data_section_keys(section, own, 3);
    if (st == PN_OK)
        st = read_shape(section, 3, 3);
    if (st == PN_OK && schema->dim[0] != 1 && schema->dim[0] != 3)
        st =
            text_fail(section->why, section->yaml, text_find(section->node, "shape"),
                      "expected 1 channel (grey) or 3 (red, green, blue), seen %u", schema->dim[0]);
    if (st == PN_OK)
        st = read_class_names(section);
    return st == PN_OK ? read_divide(section, 255.0) : st;
}
