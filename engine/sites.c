#include "engine/sites.h"

#include "crypto/keys.h"
#include "engine/settings.h"
#include "store/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SITES_TEXT_MAX = 1u << 20,
    SLOW_MAX       = 1000
};

static enum pn_status
add_site(struct engine_sites *sites, const struct text_node *node, const char *name,
         const char *organisation, const char *folder, const char *data_root, struct pn_error *why)
{
    if (sites->count == ENGINE_SITES_MAX)
        return text_fail(why, sites->yaml, node, "more than %d sites", ENGINE_SITES_MAX);
    if (strlen(organisation) >= sizeof sites->items[0].organisation)
        return text_fail(why, sites->yaml, node, "the organisation has more than %zu bytes",
                         sizeof sites->items[0].organisation - 1);
    if (!sec_name_is_valid(name))
        return text_fail(why, sites->yaml, node,
                         "the name \"%s\" is not usable: 1 to 31 of a-z, 0-9 and -, a letter first",
                         name);
    for (size_t i = 0; i < sites->count; i++)
        if (strcmp(sites->items[i].name, name) == 0)
            return text_fail(why, sites->yaml, node, "the site \"%s\" stands here twice", name);
    struct engine_site *site = &sites->items[sites->count];
    memset(site, 0, sizeof *site);
    snprintf(site->name, sizeof site->name, "%s", name);
    snprintf(site->organisation, sizeof site->organisation, "%s", organisation);
    site->slow = 1;
    enum pn_status st =
        text_get_u32(&site->slow, sites->yaml, node, "slow", TEXT_OPTIONAL, 1, SLOW_MAX, why);
    if (st == PN_OK)
        st = text_get_map(&site->data, sites->yaml, node, "data", TEXT_REQUIRED, why);
    if (st == PN_OK)
        st = data_source_decode(&site->source, sites->yaml, site->data, folder, data_root, why);
    if (st == PN_OK)
        sites->count++;
    return st;
}

static enum pn_status
add_entry(struct engine_sites *sites, const struct text_node *node, const char *folder,
          const char *data_root, struct pn_error *why)
{
    static const char *const known[] = {"name", "organisation", "count", "slow", "data"};
    const char              *name, *organisation = NULL;
    uint32_t                 count = 0;
    enum pn_status           st    = text_check_keys(sites->yaml, node, known, 5, why);
    if (st == PN_OK)
        st = text_get_string(&name, sites->yaml, node, "name", TEXT_REQUIRED, why);
    if (st == PN_OK)
        st = text_get_string(&organisation, sites->yaml, node, "organisation", TEXT_OPTIONAL, why);
    if (st == PN_OK)
        st = text_get_u32(&count, sites->yaml, node, "count", TEXT_OPTIONAL, 1, ENGINE_SITES_MAX,
                          why);
    if (st != PN_OK)
        return st;
    if (count == 0)
        return add_site(sites, node, name, organisation != NULL ? organisation : name, folder,
                        data_root, why);
    for (uint32_t i = 0; st == PN_OK && i < count; i++) {
        char numbered[64];
        snprintf(numbered, sizeof numbered, "%s-%03u", name, i + 1);
        st = add_site(sites, node, numbered, organisation != NULL ? organisation : numbered, folder,
                      data_root, why);
        if (st != PN_OK)
            break;
        struct data_source *source = &sites->items[sites->count - 1].source;
        if (source->share == DATA_SHARE_ALL || source->share_of < count)
            return text_fail(why, sites->yaml, node,
                             "count: %u sites need `share: { of: %u, ... }` in their data, or some "
                             "would hold the same records",
                             count, count);
        source->share_number = i;
    }
    return st;
}

static enum pn_status
add_all(struct engine_sites *sites, const char *path, const char *data_root, struct pn_error *why)
{
    static const char *const known[] = {"version", "sites"};
    const struct text_node  *root    = text_yaml_root(sites->yaml), *list;
    uint32_t                 version = 1;
    char                     folder[4096];

    enum pn_status st = engine_folder_of(folder, sizeof folder, path, why);
    if (st == PN_OK)
        st = text_check_keys(sites->yaml, root, known, 2, why);
    if (st == PN_OK)
        st = text_get_u32(&version, sites->yaml, root, "version", TEXT_REQUIRED, 1, 1, why);
    if (st == PN_OK)
        st = text_get_list(&list, sites->yaml, root, "sites", TEXT_REQUIRED, why);
    const struct text_node *node = st == PN_OK ? list->first : NULL;
    for (; st == PN_OK && node != NULL; node = node->next)
        st = add_entry(sites, node, folder, data_root, why);
    if (st == PN_OK && sites->count == 0)
        st = text_fail(why, sites->yaml, root, "there is no site in this file");
    return st;
}

enum pn_status
engine_sites_load(struct engine_sites *out, const char *path, const char *data_root,
                  struct pn_error *why)
{
    struct engine_sites sites = {.items = calloc(ENGINE_SITES_MAX, sizeof *sites.items)};
    struct pn_buffer    text;
    if (sites.items == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for the sites");
    pn_buffer_init(&text, SITES_TEXT_MAX);
    enum pn_status st = store_file_load(&text, path, why);
    if (st == PN_OK)
        st = text_yaml_parse(&sites.yaml, path, (const char *)text.bytes, text.size, why);
    if (st == PN_OK)
        st = add_all(&sites, path, data_root, why);
    pn_buffer_fini(&text);
    if (st != PN_OK) {
        engine_sites_fini(&sites);
        return st;
    }
    *out = sites;
    return PN_OK;
}

enum pn_status
engine_sites_load_beside(struct engine_sites *out, const char *path, const char *job_path,
                         const char *data_root, struct pn_error *why)
{
    char        beside[4096];
    const char *slash = strrchr(job_path, '/');
    int         len   = snprintf(beside, sizeof beside, "%.*ssites.yaml",
                       slash == NULL ? 0 : (int)(slash - job_path + 1), job_path);
    if (len < 0 || (size_t)len >= sizeof beside)
        return pn_error_set(why, PN_ECONFIG, "%s: this path is too long", job_path);
    return engine_sites_load(out, path != NULL ? path : beside, data_root, why);
}

void
engine_sites_fini(struct engine_sites *sites)
{
    for (size_t i = 0; i < sites->count; i++)
        data_source_fini(&sites->items[i].source);
    free(sites->items);
    text_yaml_free(sites->yaml);
    *sites = (struct engine_sites){.count = 0};
}
