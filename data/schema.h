/*
 * data/schema -- what a job expects of a site's records.
 *
 *     data:
 *       format: csv             # csv | idx
 *       header: true            # the first line names the columns (default); false: `columns` is
 *                               # the order of the fields
 *       delimiter: ","          # default; one of , ; | and tab ("\t")
 *       decimal: "."            # default; or ","
 *       missing: ["", "?"]      # what stands for a missing value in any column; default [""]
 *       columns:                # all that the job reads; with a header others may be there
 *         - { name: age,  type: numeric, scale: standard }         # scale: none (default)
 *         - { name: chol, type: numeric, scale: standard, missing: ["0"], indicator: true }
 *         - { name: cp,   type: categorical, values: ["1", "2", "3", "4"], other: true }
 *         - { name: note, type: ignore }
 *         - { name: num,  type: target, positive: ["1", "2"], negative: ["0"] }
 *       split: { validation: 0.2, test: 0.2 }    # default; seeded, stratified when binary
 *
 *     data: { format: idx, shape: [28, 28], classes: 10, divide: 255, split: ... }
 *
 * Features, in column order: a numeric gives 1, then 1 for "is missing" if `indicator`; a
 * categorical gives 1 per value, then 1 if `other`, then 1 if `indicator`. A missing numeric
 * becomes the federated mean (0 after scaling), or 0 with `scale: none`. A missing category without
 * `indicator` and an unknown one without `other` are errors.
 *
 * Target: `positive` gives 0 or 1, where without `negative` every other value is a 0; `values`
 * gives the index in the list; neither, a number. A record without its target is an error. One
 * column may be `type: weight`: a finite number >= 0.
 *
 * Blanks around an unquoted field are not part of it. A field equals a text of a list when the
 * characters are the same, or when both are numbers and equal: 145.0 equals "145".
 *
 * Memory     one heap object; immutable; independent of the YAML tree.
 * Limits     1024 columns, 256 values a column, 64 missing texts a list, 65536 features.
 */
#ifndef DATA_SCHEMA_H
#define DATA_SCHEMA_H

#include "text/yaml.h"

enum data_format {
    DATA_CSV,
    DATA_IDX
};
enum data_column_kind {
    DATA_NUMERIC,
    DATA_CATEGORICAL,
    DATA_TARGET,
    DATA_WEIGHT,
    DATA_IGNORE
};

struct data_column {
    const char           *name;
    enum data_column_kind kind;
    bool                  standard, indicator, other;
    const char *const    *missing; /* the column's own tokens, besides the schema's */
    size_t                missing_count;
    const char *const *values; /* categorical: vocabulary; target: classes or the positive values */
    size_t             value_count;
    bool               positive; /* target: `values` are the positive ones */
    const char *const *negative; /* target: the others, NULL = any other value */
    size_t             negative_count;
    uint32_t           feature, feature_count; /* where it starts in a record */
    uint32_t           sums;                   /* standard: index in the statistics */
};

struct data_schema {
    enum data_format    format;
    bool                header;
    char                delimiter, decimal;
    const char *const  *missing;
    size_t              missing_count;
    struct data_column *columns;
    size_t              column_count;
    uint32_t feature_count, target_size, class_count; /* class_count 2 = binary, 0 = regression */
    uint32_t numeric_count; /* columns in the statistics: those with scale: standard */
    bool     needs_scaling; /* numeric_count > 0 */
    uint32_t dims, dim[3];  /* idx: of one image; feature_count is their product */
    double   divide;        /* idx: pixel / divide */
    double   validation, test;
};

PN_MUST_CHECK enum pn_status data_schema_decode(struct data_schema    **out,
                                                const struct text_yaml *yaml,
                                                const struct text_node *node, struct pn_error *why);
void                         data_schema_free(struct data_schema *schema);

/*
 * Where the records of one site are: the `data:` section of node.yaml, or of an entry of
 * sites.yaml.
 *
 *     { file: heart.csv }
 *     { files: [a.csv, b.csv] }      # one table
 *     { images: i.gz, labels: l.gz, share: { of: 100, number: 3, kind: iid, seed: 1 } }
 *
 * share: this site sees one part of the file, the same on every machine. The parts are disjoint,
 * together they are the file, and they are as even as the division allows.
 *
 *     iid       records shuffled by seed; for csv and idx
 *     shards    sorted by label, cut into 2 * of shards, two to a site by seed (McMahan 2017,
 *               section 3); for idx
 *
 * number counts from 0 and is 0 by default (sites.yaml with `count` sets it); seed is 0 by default.
 *
 * Relative paths start at `folder`. $PANAL_DATA/ at the start of a path stands for `data_root`,
 * which may be NULL. Whether a file is gzip is seen from its content.
 */
enum data_share_kind {
    DATA_SHARE_ALL,
    DATA_SHARE_IID,
    DATA_SHARE_SHARDS
};
struct data_source {
    char               **files; /* csv: any number; idx: images, labels */
    size_t               file_count;
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
