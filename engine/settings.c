#include "engine/settings.h"

#include "store/files.h"

#include <stdio.h>
#include <string.h>

enum {
    PATH_SIZE    = 4096,
    SETTINGS_MAX = 1u << 20
};

enum pn_status
engine_folder_of(char *out, size_t size, const char *path, struct pn_error *why)
{
    const char *slash = strrchr(path, '/');
    size_t      len   = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
    if (len >= size)
        return pn_error_set(why, PN_ECONFIG, "%s: this path is too long", path);
    memcpy(out, slash == NULL ? "." : path, len);
    out[len] = '\0';
    return PN_OK;
}

static bool
has(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool
takes_list(const struct pn_option *table, const char *name)
{
    for (; table->name != NULL; table++)
        if (strcmp(table->name, name) == 0)
            return table->kind == PN_OPT_LIST;
    return false;
}

static enum pn_status
set_one(void *into, const struct engine_settings_shape *shape, const struct text_yaml *yaml,
        const struct text_node *node, const char *key, const char *folder, struct pn_error *why)
{
    char joined[PATH_SIZE], where[PATH_SIZE];
    if (node->kind != TEXT_SCALAR)
        return text_fail(why, yaml, node, "%s: expected one value", key);
    const char *value = node->value;
    snprintf(where, sizeof where, "%s:%u:%u", text_yaml_name(yaml), node->line, node->column);
    if (has(shape->paths, shape->path_count, key) && value[0] != '/' && value[0] != '\0') {
        int len = snprintf(joined, sizeof joined, "%s/%s", folder, value);
        if (len < 0 || (size_t)len >= sizeof joined)
            return text_fail(why, yaml, node, "%s: this path is too long", key);
        value = joined;
    }
    return pn_options_set(into, shape->table, key, value, where, why);
}

static enum pn_status
set_list(void *into, const struct engine_settings_shape *shape, const struct text_yaml *yaml,
         const struct text_node *list, const char *folder, struct pn_error *why)
{
    enum pn_status          st   = PN_OK;
    const struct text_node *item = list->first;
    for (; st == PN_OK && item != NULL; item = item->next)
        st = set_one(into, shape, yaml, item, list->key, folder, why);
    return st;
}

static enum pn_status
read_file(void *into, struct text_yaml **yaml, const struct engine_settings_shape *shape,
          const char *path, struct pn_error *why)
{
    char             folder[PATH_SIZE];
    struct pn_buffer text;
    pn_buffer_init(&text, SETTINGS_MAX);
    enum pn_status st = engine_folder_of(folder, sizeof folder, path, why);
    if (st == PN_OK)
        st = store_file_load(&text, path, why);
    if (st == PN_OK)
        st = text_yaml_parse(yaml, path, (const char *)text.bytes, text.size, why);
    pn_buffer_fini(&text);
    if (st != PN_OK)
        return st;
    const struct text_node *root = text_yaml_root(*yaml);
    if (root->kind != TEXT_MAP)
        return text_fail(why, *yaml, root, "expected `name: value` lines");
    const struct text_node *node = root->first;
    for (; st == PN_OK && node != NULL; node = node->next) {
        if (has(shape->sections, shape->section_count, node->key))
            continue;
        if (node->kind == TEXT_LIST && takes_list(shape->table, node->key))
            st = set_list(into, shape, *yaml, node, folder, why);
        else
            st = set_one(into, shape, *yaml, node, node->key, folder, why);
    }
    return st;
}

enum pn_status
engine_settings_check_words(void *scratch, const struct pn_option *table, int argc,
                            char *const *argv, struct pn_error *why)
{
    const char    *words[1];
    size_t         word_count = 0;
    enum pn_status st         = pn_options_init(scratch, table, why);
    if (st != PN_OK)
        return st;
    st = pn_options_from_args(scratch, table, argc, argv, words, 1, &word_count, why);
    if (st == PN_OK && word_count > 0)
        st = pn_error_set(why, PN_ECONFIG, "expected options only, seen \"%s\"", words[0]);
    pn_options_fini(scratch, table);
    return st;
}

enum pn_status
engine_settings_load(void *into, struct text_yaml **yaml, const char **path,
                     const struct engine_settings_shape *shape, int argc, char *const *argv,
                     struct pn_error *why)
{
    const char       *words[1];
    size_t            word_count = 0;
    struct text_yaml *tree       = NULL;
    const char       *file       = pn_options_peek(argc, argv, "config");

    enum pn_status st = pn_options_init(into, shape->table, why);
    if (st != PN_OK)
        return st;
    if (file != NULL)
        st = read_file(into, &tree, shape, file, why);
    if (st == PN_OK)
        st = pn_options_from_environment(into, shape->table, why);
    if (st == PN_OK)
        st = pn_options_from_args(into, shape->table, argc, argv, words, 1, &word_count, why);
    if (st == PN_OK && word_count > 0)
        st = pn_error_set(why, PN_ECONFIG, "expected options only, seen \"%s\"", words[0]);
    if (st != PN_OK) {
        text_yaml_free(tree);
        pn_options_fini(into, shape->table);
        return st;
    }
    *yaml = tree;
    *path = file;
    return PN_OK;
}
