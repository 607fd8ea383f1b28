/*
 * engine/sites -- sites.yaml: the sites of a laboratory or simulation, and where their data lies.
 *
 *     version: 1
 *     sites:
 *       - { name: bank-a, organisation: "Bank A", data: { file: bank-a.csv } }
 *       - { name: bank-b, slow: 20, data: { file: bank-b.csv } }
 *       - { name: node, count: 100,
 *           data: { images: ..., labels: ..., share: { of: 100, kind: iid } } }
 *
 * An entry with `count` stands for that many sites, name-001 ..., with share.number 0 .... In the
 * simulator a machine that is `slow: 20` (1 to 1000; default 1) takes 20 times as long for its
 * work; in a laboratory all sites share one machine, and it says nothing.
 */
#ifndef ENGINE_SITES_H
#define ENGINE_SITES_H

#include "data/source.h"
#include "text/yaml.h"

enum {
    ENGINE_SITES_MAX = 1000
};

struct engine_site {
    char                    name[32], organisation[96];
    const struct text_node *data; /* the section as written, for a node.yaml */
    struct data_source      source;
    uint32_t                slow;
};

struct engine_sites {
    struct text_yaml   *yaml;
    struct engine_site *items;
    size_t              count;
};

/* Reads the file. `data_root` is $PANAL_DATA, may be NULL. Release with fini. */
PN_MUST_CHECK enum pn_status engine_sites_load(struct engine_sites *out, const char *path,
                                               const char *data_root, struct pn_error *why);
/* The same; without a path, sites.yaml beside the job. */
PN_MUST_CHECK enum pn_status engine_sites_load_beside(struct engine_sites *out, const char *path,
                                                      const char *job_path, const char *data_root,
                                                      struct pn_error *why);
void                         engine_sites_fini(struct engine_sites *sites);

#endif
