/*
 * data/source -- where the records of one site are: the `data:` section of node.yaml, or of an
 * entry of sites.yaml.
 *
 *     { file: heart.csv }
 *     { files: [a.csv, b.csv] }                    # one table; npz and cifar too
 *     { images: i.gz, labels: l.gz }               # idx, npy; without targets `images` alone
 *     { images: scans/, labels: labels.csv }       # image: a folder, and a CSV file,label
 *     { file: a.npz, arrays: [x_train, y_train] }  # npz; default [x, y]
 *     { ..., share: { of: 100, number: 3, kind: iid, seed: 1 } }
 *
 * `images` and `labels` are the two `files` in this order. What a job without targets does not ask
 * for (labels, the second array) may be there or not.
 *
 * share: this site sees one part of the records, the same on every machine. The parts are disjoint,
 * together they are everything, and they are as even as the division allows.
 *
 *     iid       records shuffled by seed
 *     blocks    runs of records in the order of the files: spans of time, of a text, of groups
 *     shards    sorted by label, cut into 2 * of shards, two to a site by seed (McMahan 2017,
 *               section 3); where records have a class
 *
 * number counts from 0 and is 0 by default (sites.yaml with `count` sets it); seed is 0 by default.
 *
 * Relative paths start at `folder`. $PANAL_DATA/ at the start of a path stands for `data_root`,
 * which may be NULL. Whether a file is gzip is seen from its content.
 *
 * Memory     init by decode, then fini; independent of the YAML tree.
 * Limits     1024 files, 10^6 shares.
 * Errors     PN_ECONFIG with the place in the YAML.
 */
#ifndef DATA_SOURCE_H
#define DATA_SOURCE_H

#include "text/yaml.h"

enum data_share_kind {
    DATA_SHARE_ALL,
    DATA_SHARE_IID,
    DATA_SHARE_SHARDS,
    DATA_SHARE_BLOCKS
};
extern const char *const data_share_names[]; /* as in the file; "all" is not in it */
struct data_source {
    char               **files; /* any number; idx, npy, image: images, labels */
    size_t               file_count;
    char                *arrays[2]; /* npz: of the features, of the targets; or NULL */
    enum data_share_kind share;
    uint32_t             share_of, share_number; /* number 0..of-1 */
    uint64_t             share_seed;
    struct data_pool    *pool; /* data/pool: read the files once for many sites; NULL: read them */
};
PN_MUST_CHECK enum pn_status data_source_decode(struct data_source     *out,
                                                const struct text_yaml *yaml,
                                                const struct text_node *node, const char *folder,
                                                const char *data_root, struct pn_error *why);
void                         data_source_fini(struct data_source *source);

#endif
