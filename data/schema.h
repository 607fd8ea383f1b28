/*
 * data/schema -- what a job expects of a site's records.
 *
 *     data:
 *       format: csv             # csv | idx | npy | npz | cifar | image | text
 *       header: true            # the first line names the columns (default); false: `columns` is
 *                               # the order of the fields
 *       delimiter: ","          # default; one of , ; | tab ("\t") and " ", any number of blanks
 *       decimal: "."            # default; or ","
 *       missing: ["", "?"]      # what stands for a missing value in any column; default [""]
 *       columns:                # all that the job reads; with a header others may be there
 *         - { name: age,  type: numeric, scale: standard }         # scale: none (default)
 *         - { name: chol, type: numeric, scale: standard, missing: ["0"], indicator: true }
 *         - { name: cp,   type: categorical, values: ["1", "2", "3", "4"], other: true }
 *         - { name: V,    type: numeric, count: 28 }               # V1 .. V28; first: 0 = V0 ..
 * V27
 *         - { name: note, type: ignore }
 *         - { name: num,  type: target, positive: ["1", "2"], negative: ["0"] }
 *       shape: [140, 1]         # how a network sees the features of a record; default: flat
 *       split: { validation: 0.2, test: 0.2, order: random }
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
 * With a window, records are runs of `length` rows of the file, each `stride` rows behind the one
 * before; none goes over the end of a file or a change of the `type: group` column:
 *
 *       window: { length: 30, stride: 1, forecast: temp, horizon: 1 }
 *
 * Its features are (length, features of a row). Its target is one of
 *
 *     the target column     as it is in the last row
 *     forecast: COLUMN      the numeric column in the next `horizon` rows, in that column's scale;
 * a window with one of them missing is left out remaining: LIMIT      how many rows of the file or
 * group come behind the window, at most LIMIT
 *
 * The other formats:
 *
 *     { format: idx,   shape: [28, 28], classes: 10, divide: 255 }         # divide: default
 *     { format: npy,   shape: [3, 32, 32], classes: 10, divide: 1, channels: first }
 *     { format: npz,   shape: [12], outputs: 2 }        # targets that are numbers; npy too
 *     { format: cifar, classes: 10, divide: 255 }       # 10; CIFAR-100: 100 fine or 20 coarse
 *     { format: image, shape: [1, 64, 64], classes: [ill, well], divide: 255 }
 *     { format: text,  alphabet: "\n abc", other: false, length: 80, stride: 80 }
 *
 * In any format but text, `target: record` makes a record its own target, for autoencoders: its
 * features as the network gets them, scaled. Then no column is a target, and no file with labels,
 * array of targets or list of `classes` is asked for (cifar says `classes` all the same: they tell
 * how its files are laid out).
 *
 * An image file has a pixel p as p / divide; a feature is (C, H, W), `channels: last` says that the
 * file has (H, W, C). A text gives runs of `length` characters as indices into the alphabet (its
 * length is the index of all others, with `other`); the target is the same run one character later.
 *
 * split: `order: random` is seeded, and stratified when binary; `order: time` (default for windows
 * and text, whose neighbours overlap) gives the first records to training, the last to the test.
 *
 * Augmentation of the training records: data/augment.
 *
 * Memory     one heap object; immutable; independent of the YAML tree.
 * Limits     1024 columns, 256 values a column, 64 missing texts a list, 65536 features, an
 *            alphabet of 4096 characters.
 */
#ifndef DATA_SCHEMA_H
#define DATA_SCHEMA_H

#include "data/augment_options.h"
#include "text/yaml.h"

enum data_format {
    DATA_CSV,
    DATA_IDX,
    DATA_NPY,
    DATA_NPZ,
    DATA_CIFAR,
    DATA_IMAGE,
    DATA_TEXT,
    DATA_FORMAT_COUNT
};
enum data_column_kind {
    DATA_NUMERIC,
    DATA_CATEGORICAL,
    DATA_TARGET,
    DATA_WEIGHT,
    DATA_IGNORE,
    DATA_GROUP
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
    uint32_t           feature, feature_count; /* where it starts in a row */
    uint32_t           sums;                   /* standard: index in the statistics */
};

/* What the sizes of a record mean. */
enum data_layout {
    DATA_FLAT,   /* (F)                       */
    DATA_PLANES, /* (H, W) or (C, H, W)      */
    DATA_SERIES  /* (T) or (T, F)             */
};

struct data_schema {
    enum data_format    format;
    bool                header;
    char                delimiter, decimal;
    const char *const  *missing;
    size_t              missing_count;
    struct data_column *columns;
    size_t              column_count;
    uint32_t            feature_count, class_count; /* class_count 2 = binary, 0 = regression */
    uint32_t target_size; /* numbers that the files give as a target; 0: they give none */
    bool     target_is_record;
    uint32_t numeric_count; /* columns in the statistics: those with scale: standard */
    bool     needs_scaling; /* numeric_count > 0 */

    enum data_layout   layout;
    uint32_t           dims, dim[3]; /* of a record; feature_count is their product */
    double             divide;       /* pixel / divide */
    bool               channels_last;
    uint32_t           label_bytes, label_at; /* cifar: before the pixels; which one counts */
    const char *const *class_names;           /* image: what the labels file calls them, or NULL */

    uint32_t row_size;       /* csv: features of one row; feature_count is length * row_size */
    uint32_t length, stride; /* of windows and runs of text; 1 and 0 without */
    uint32_t horizon;        /* rows of the forecast; 0 = none */
    uint32_t remaining;      /* limit of what remains; 0 = the target is another */
    const struct data_column *forecast; /* NULL = none */

    const uint32_t *alphabet, *alphabet_index; /* text: code points, ascending; their indices */
    uint32_t        alphabet_count;
    bool            alphabet_other;

    double validation, test;
    bool   in_time_order;

    struct data_augment_options augment;
};

PN_MUST_CHECK enum pn_status data_schema_decode(struct data_schema    **out,
                                                const struct text_yaml *yaml,
                                                const struct text_node *node, struct pn_error *why);
void                         data_schema_free(struct data_schema *schema);

/* Numbers of a target as a network gets it. */
uint32_t data_schema_target_size(const struct data_schema *schema);
/* What a prediction needs: from here on tables are read without targets and weights, and files need
 * not have them; a forecast is asked of every window. Columns without a header keep their places.
 */
void data_schema_drop_targets(struct data_schema *schema);

/* The name of a format, as in the job. */
extern const char *const data_format_names[DATA_FORMAT_COUNT];

/* Whether a network that reads `dims` sizes can read a record: the same sizes, where sizes of 1 do
 * not count, or one size, the number of features. */
bool data_schema_fits(const struct data_schema *schema, uint32_t dims, const uint32_t *dim);
/* The sizes as "3x32x32". */
void data_schema_shape_text(char out[static 40], const struct data_schema *schema);

#endif
