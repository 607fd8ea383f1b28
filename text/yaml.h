/*
 * text/yaml -- a YAML or JSON document as a checked tree with positions.
 *
 * The dialect of federation.yaml, job.yaml, node.yaml and sites.yaml: block or
 * flow maps, sequences and scalars. No anchors, aliases, tags, merge keys or
 * second documents; duplicate keys are errors. Scalars stay text: the schema of
 * the reader types them, so `no` is never false by accident.
 *
 * Limits     1 MiB of text, depth 16, 65536 nodes.
 * Memory     one allocation per document; every node and string is borrowed from it.
 * Errors     PN_ECONFIG with "file:line:column: what was expected, what was seen".
 */
#ifndef TEXT_YAML_H
#define TEXT_YAML_H

#include "base/bytes.h"

enum text_kind { TEXT_SCALAR, TEXT_MAP, TEXT_LIST };

struct text_node {
    enum text_kind          kind;
    const char             *key;   /* NULL unless inside a map                  */
    const char             *value; /* scalar text, NUL-terminated; else NULL    */
    const struct text_node *first; /* children, in order                        */
    const struct text_node *next;  /* sibling                                   */
    size_t                  count; /* of children                               */
    uint32_t                line, column; /* of the value, from 1               */
    uint32_t                key_line, key_column; /* 0 unless inside a map      */
};

struct text_yaml; /* opaque */

/* `name` is the file name for messages; `text` may hold any bytes. */
PN_MUST_CHECK enum pn_status text_yaml_parse(struct text_yaml **out, const char *name,
                                             const char *text, size_t size, struct pn_error *why);
void text_yaml_free(struct text_yaml *yaml);
const struct text_node *text_yaml_root(const struct text_yaml *yaml);
const char             *text_yaml_name(const struct text_yaml *yaml);

/* Sets `why` to "name:line:column: ..." and returns PN_ECONFIG. */
enum pn_status text_fail(struct pn_error *why, const struct text_yaml *yaml,
                         const struct text_node *at, const char *format, ...) PN_PRINTF(4, 5);

/* The child with this key; NULL when absent or `map` is not a map. */
const struct text_node *text_find(const struct text_node *map, const char *key);

/* PN_ECONFIG unless `map` is a map whose keys all stand in `known` (nearest-name hint). */
PN_MUST_CHECK enum pn_status text_check_keys(const struct text_yaml *yaml,
                                             const struct text_node *map, const char *const *known,
                                             size_t known_count, struct pn_error *why);

/*
 * Typed readers of map[key]. A missing key (or no map at all, NULL) leaves `*out`
 * as it is when TEXT_OPTIONAL and is an error otherwise. Strings are borrowed.
 */
enum text_need { TEXT_OPTIONAL, TEXT_REQUIRED };
PN_MUST_CHECK enum pn_status text_get_string(const char **out, const struct text_yaml *yaml,
                                             const struct text_node *map, const char *key,
                                             enum text_need need, struct pn_error *why);
PN_MUST_CHECK enum pn_status text_get_u64(uint64_t *out, const struct text_yaml *yaml,
                                          const struct text_node *map, const char *key,
                                          enum text_need need, uint64_t min, uint64_t max,
                                          struct pn_error *why);
PN_MUST_CHECK enum pn_status text_get_u32(uint32_t *out, const struct text_yaml *yaml,
                                          const struct text_node *map, const char *key,
                                          enum text_need need, uint32_t min, uint32_t max,
                                          struct pn_error *why);
/* Finite decimal numbers only. */
PN_MUST_CHECK enum pn_status text_get_f64(double *out, const struct text_yaml *yaml,
                                          const struct text_node *map, const char *key,
                                          enum text_need need, double min, double max,
                                          struct pn_error *why);
/* yes, no, true or false. */
PN_MUST_CHECK enum pn_status text_get_bool(bool *out, const struct text_yaml *yaml,
                                           const struct text_node *map, const char *key,
                                           enum text_need need, struct pn_error *why);
/* "1500", "1500ms", "30s", "5m", "2h". */
PN_MUST_CHECK enum pn_status text_get_ms(pn_ms *out, const struct text_yaml *yaml,
                                         const struct text_node *map, const char *key,
                                         enum text_need need, pn_ms min, pn_ms max,
                                         struct pn_error *why);
/* The index of the value in `names`. */
PN_MUST_CHECK enum pn_status text_get_choice(uint32_t *out, const struct text_yaml *yaml,
                                             const struct text_node *map, const char *key,
                                             enum text_need need, const char *const *names,
                                             uint32_t name_count, struct pn_error *why);
/* A child that must be a map, or a list; NULL in `*out` when optional and absent. */
PN_MUST_CHECK enum pn_status text_get_map(const struct text_node **out,
                                          const struct text_yaml *yaml,
                                          const struct text_node *map, const char *key,
                                          enum text_need need, struct pn_error *why);
PN_MUST_CHECK enum pn_status text_get_list(const struct text_node **out,
                                           const struct text_yaml *yaml,
                                           const struct text_node *map, const char *key,
                                           enum text_need need, struct pn_error *why);

#endif
