/*
 * data/section -- the data section of a job on its way into a schema; for data/schema only.
 *
 * The schema and all it points to are one block: first counted, then filled.
 */
#ifndef DATA_SECTION_H
#define DATA_SECTION_H

#include "data/schema.h"

enum {
    DATA_COLUMNS_MAX  = 1024,
    DATA_FEATURES_MAX = 65536,
    DATA_VALUES_MAX   = 256,
    DATA_ALPHABET_MAX = 4096
};

struct data_section {
    struct data_schema     *schema;
    const struct text_yaml *yaml;
    const struct text_node *node;
    struct pn_error        *why;

    char        *text; /* the next free byte of the block */
    const char **list; /* the next free place */
    uint32_t    *numbers;
};

/* Makes the block, with room for `column_count` columns, `name_size` bytes more than the texts of
 * the section have, and `number_count` numbers. */
PN_MUST_CHECK enum pn_status data_section_init(struct data_section *section, size_t column_count,
                                               size_t name_size, size_t number_count);

const char *data_section_keep(struct data_section *section, const char *text);

struct data_list {
    const char *const *items;
    size_t             count;
};
bool data_list_has(const struct data_list *list, const char *text);
/* The list map[key], empty when it is not there. Scalars only, none twice. */
PN_MUST_CHECK enum pn_status data_section_list(struct data_list *out, struct data_section *section,
                                               const struct text_node *map, const char *key,
                                               size_t max);
/* schema.shape: at most `dims_max` sizes; their product into feature_count. */
PN_MUST_CHECK enum pn_status data_section_shape(struct data_section    *section,
                                                const struct text_node *shape, size_t dims_max);
/* The whole number 1..max in a scalar. */
PN_MUST_CHECK enum pn_status data_section_size(uint32_t *out, const struct data_section *section,
                                               const struct text_node *node, uint32_t max);
/* All keys that formats share, and `own`; unknown ones are refused. */
PN_MUST_CHECK enum pn_status data_section_keys(const struct data_section *section,
                                               const char *const *own, size_t own_count);

/* How many columns there are, and how many bytes their numbered names need. */
PN_MUST_CHECK enum pn_status data_section_count_columns(size_t *count, size_t *name_size,
                                                        const struct data_section *section);
PN_MUST_CHECK enum pn_status data_section_columns(struct data_section    *section,
                                                  const struct text_node *list);
PN_MUST_CHECK enum pn_status data_section_csv(struct data_section *section);
PN_MUST_CHECK enum pn_status data_section_window(struct data_section *section);
PN_MUST_CHECK enum pn_status data_section_idx(struct data_section *section);
PN_MUST_CHECK enum pn_status data_section_npy(struct data_section *section);
PN_MUST_CHECK enum pn_status data_section_cifar(struct data_section *section);
PN_MUST_CHECK enum pn_status data_section_image(struct data_section *section);
PN_MUST_CHECK enum pn_status data_section_text(struct data_section *section);

#endif
