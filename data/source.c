#include "data/source.h"

#include <stdlib.h>
#include <string.h>

enum {
    FILES_MAX  = 1024,
    SHARES_MAX = 1000000
};

const char *const data_share_names[] = {"all", "iid", "shards", "blocks"};

static const char root_prefix[] = "$PANAL_DATA/";

struct reader {
    const struct text_yaml *yaml;
    const struct text_node *section;
    const char             *folder, *data_root;
    struct pn_error        *why;
};

static char *
join(const char *folder, const char *path)
{
    size_t folder_len = strlen(folder), path_size = strlen(path) + 1;
    char  *joined = malloc(folder_len + 1 + path_size);
    if (joined == NULL)
        return NULL;
    memcpy(joined, folder, folder_len);
    joined[folder_len] = '/';
    memcpy(joined + folder_len + 1, path, path_size);
    return joined;
}

static enum pn_status
add_file(struct data_source *source, const struct reader *reader, const struct text_node *node)
{
    size_t prefix_len = sizeof root_prefix - 1;
    if (node->kind != TEXT_SCALAR || node->value[0] == '\0')
        return text_fail(reader->why, reader->yaml, node, "expected the path of a file");
    const char *path      = node->value;
    bool        from_root = strncmp(path, root_prefix, prefix_len) == 0;
    if (from_root && (reader->data_root == NULL || reader->data_root[0] == '\0'))
        return text_fail(reader->why, reader->yaml, node,
                         "the path starts with $PANAL_DATA, which is not set; set that environment "
                         "variable to the folder with the datasets");
    char *file;
    if (from_root)
        file = join(reader->data_root, path + prefix_len);
    else
        file = path[0] == '/' ? strdup(path) : join(reader->folder, path);
    if (file == NULL)
        return pn_error_set(reader->why, PN_ENOMEM, "no memory for the path of a file");
    source->files[source->file_count++] = file;
    return PN_OK;
}

static enum pn_status
read_files(struct data_source *source, const struct reader *reader, const struct text_node *file,
           const struct text_node *images)
{
    const struct text_node *labels = text_find(reader->section, "labels"), *list = NULL;
    enum pn_status          st = PN_OK;
    if (file == NULL && images == NULL)
        st = text_get_list(&list, reader->yaml, reader->section, "files", TEXT_REQUIRED,
                           reader->why);
    if (st != PN_OK)
        return st;
    if (list != NULL && (list->count < 1 || list->count > FILES_MAX))
        return text_fail(reader->why, reader->yaml, list, "expected 1 to %d files", FILES_MAX);
    source->files = calloc(list != NULL ? list->count : 2, sizeof *source->files);
    if (source->files == NULL)
        return pn_error_set(reader->why, PN_ENOMEM, "no memory for the paths of the files");
    if (list == NULL) {
        st = add_file(source, reader, file != NULL ? file : images);
        if (st == PN_OK && labels != NULL)
            st = add_file(source, reader, labels);
    }
    const struct text_node *node = list != NULL ? list->first : NULL;
    for (; st == PN_OK && node != NULL; node = node->next)
        st = add_file(source, reader, node);
    return st;
}

static enum pn_status
read_share(struct data_source *source, const struct reader *reader)
{
    static const char *const known[] = {"of", "number", "kind", "seed"};
    const struct text_node  *share;
    uint32_t                 kind = 0;
    enum pn_status           st =
        text_get_map(&share, reader->yaml, reader->section, "share", TEXT_OPTIONAL, reader->why);
    if (st != PN_OK || share == NULL)
        return st;
    st = text_check_keys(reader->yaml, share, known, 4, reader->why);
    if (st == PN_OK)
        st = text_get_u32(&source->share_of, reader->yaml, share, "of", TEXT_REQUIRED, 1,
                          SHARES_MAX, reader->why);
    if (st == PN_OK)
        st = text_get_u32(&source->share_number, reader->yaml, share, "number", TEXT_OPTIONAL, 0,
                          source->share_of - 1, reader->why);
    if (st == PN_OK)
        st = text_get_choice(&kind, reader->yaml, share, "kind", TEXT_OPTIONAL,
                             &data_share_names[1], 3, reader->why);
    if (st == PN_OK)
        st = text_get_u64(&source->share_seed, reader->yaml, share, "seed", TEXT_OPTIONAL, 0,
                          UINT64_MAX, reader->why);
    source->share = (enum data_share_kind)(DATA_SHARE_IID + kind);
    return st;
}

/* The names of two arrays in an NPZ file. */
static enum pn_status
read_arrays(struct data_source *source, const struct reader *reader)
{
    const struct text_node *list;
    enum pn_status          st =
        text_get_list(&list, reader->yaml, reader->section, "arrays", TEXT_OPTIONAL, reader->why);
    if (st != PN_OK || list == NULL)
        return st;
    if (list->count < 1 || list->count > 2)
        return text_fail(reader->why, reader->yaml, list,
                         "expected two names, of the features and of the targets, [x, y], or one "
                         "where the job asks for no targets");
    size_t i = 0;
    for (const struct text_node *node = list->first; node != NULL; node = node->next) {
        if (node->kind != TEXT_SCALAR || node->value[0] == '\0')
            return text_fail(reader->why, reader->yaml, node, "expected the name of an array");
        if ((source->arrays[i++] = strdup(node->value)) == NULL)
            return pn_error_set(reader->why, PN_ENOMEM, "no memory for the name of an array");
    }
    return PN_OK;
}

enum pn_status
data_source_decode(struct data_source *out, const struct text_yaml *yaml,
                   const struct text_node *node, const char *folder, const char *data_root,
                   struct pn_error *why)
{
    static const char *const known[] = {"file", "files", "images", "labels", "arrays", "share"};
    const struct reader      reader  = {yaml, node, folder, data_root, why};
    enum pn_status           st      = text_check_keys(yaml, node, known, 6, why);
    if (st != PN_OK)
        return st;
    const struct text_node *file = text_find(node, "file"), *images = text_find(node, "images");
    bool                    list = text_find(node, "files") != NULL;
    if ((file != NULL) + (images != NULL) + list != 1)
        return text_fail(why, yaml, node,
                         "expected one of `file`, `files`, or `images` with `labels`");
    if (images == NULL && text_find(node, "labels") != NULL)
        return text_fail(why, yaml, text_find(node, "labels"), "`labels` needs `images` beside it");
    struct data_source source = {.share = DATA_SHARE_ALL};
    st                        = read_files(&source, &reader, file, images);
    if (st == PN_OK)
        st = read_arrays(&source, &reader);
    if (st == PN_OK)
        st = read_share(&source, &reader);
    if (st != PN_OK) {
        data_source_fini(&source);
        return st;
    }
    *out = source;
    return PN_OK;
}

void
data_source_fini(struct data_source *source)
{
    for (size_t i = 0; i < source->file_count; i++)
        free(source->files[i]);
    free(source->files);
    free(source->arrays[0]);
    free(source->arrays[1]);
    *source = (struct data_source){.share = DATA_SHARE_ALL};
}
