/*
 * tests/fuzz/fuzz_yaml -- any bytes as a YAML file, then every reader on every value of it.
 */
#include "text/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
read_child(const struct text_yaml *yaml, const struct text_node *map, const char *key)
{
    static const char *const names[] = {"mean", "median"};
    struct pn_error          why;
    const char              *string = NULL;
    const struct text_node  *node   = NULL;
    uint64_t                 u64    = 0;
    uint32_t                 u32    = 0;
    double                   f64    = 0;
    bool                     flag   = false;
    enum pn_status           st     = text_get_string(&string, yaml, map, key, TEXT_REQUIRED, &why);
    st = text_get_u64(&u64, yaml, map, key, TEXT_REQUIRED, 1, 100, &why);
    if (st == PN_OK && (u64 < 1 || u64 > 100))
        __builtin_trap();
    st = text_get_u32(&u32, yaml, map, key, TEXT_REQUIRED, 1, 100, &why);
    st = text_get_f64(&f64, yaml, map, key, TEXT_OPTIONAL, -1, 1, &why);
    if (!(f64 >= -1 && f64 <= 1))
        __builtin_trap();
    st = text_get_bool(&flag, yaml, map, key, TEXT_REQUIRED, &why);
    st = text_get_ms(&u64, yaml, map, key, TEXT_REQUIRED, 1, 100000, &why);
    st = text_get_choice(&u32, yaml, map, key, TEXT_REQUIRED, names, 2, &why);
    st = text_get_map(&node, yaml, map, key, TEXT_OPTIONAL, &why);
    st = text_get_list(&node, yaml, map, key, TEXT_OPTIONAL, &why);
    (void)st;
}

/* Returns how many nodes hang on `node`, itself included. */
static size_t
visit(const struct text_yaml *yaml, const struct text_node *node, unsigned int depth)
{
    static const char *const known[] = {"rounds", "quorum", "model"};
    struct pn_error          why;
    size_t                   children = 0, total = 1;
    if (depth > 16)
        __builtin_trap();
    for (const struct text_node *child = node->first; child != NULL; child = child->next) {
        if ((child->key != NULL) != (node->kind == TEXT_MAP))
            __builtin_trap();
        if (child->key != NULL && children < 64) {
            if (text_find(node, child->key) != child)
                __builtin_trap();
            read_child(yaml, node, child->key);
        }
        children++;
        total += visit(yaml, child, depth + 1);
    }
    if (children != node->count || (node->value != NULL) != (node->kind == TEXT_SCALAR))
        __builtin_trap();
    if (text_check_keys(yaml, node, known, 3, &why) == PN_OK && children > 3)
        __builtin_trap();
    return total;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct text_yaml *yaml = NULL;
    struct pn_error   why  = {""};
    enum pn_status    st   = text_yaml_parse(&yaml, "fuzz.yaml", (const char *)bytes, size, &why);
    if (st != PN_OK) {
        if (why.text[0] == '\0')
            __builtin_trap();
        return 0;
    }
    if (visit(yaml, text_yaml_root(yaml), 0) > 65536)
        __builtin_trap();
    text_yaml_free(yaml);
    return 0;
}
