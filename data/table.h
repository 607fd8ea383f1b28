/*
 * data/table -- a site's records in memory, and what a job would see in them.
 *
 *     load -> split -> sums of the training part -> (the federation pools them) -> scale -> train
 *
 * x is (rows, feature_count): flat, (C, H, W) or (T, F) as schema->dim says.
 *
 * Errors are PN_EDATA with "file:line:column: what was expected, what was seen" (PN_ENOENT for a
 * file that is not there). Reading is bounded: a record of at most 1 MiB, a table of at most
 * `bytes_max`. CSV is RFC 4180 with CRLF or LF, a UTF-8 byte order mark allowed; empty lines are
 * skipped.
 *
 * Memory     one heap object; raw values until data_table_scale turned them into features.
 */
#ifndef DATA_TABLE_H
#define DATA_TABLE_H

#include "base/rng.h"
#include "data/schema.h"
#include "data/source.h"

struct data_table {
    const struct data_schema *schema; /* borrowed */
    float *x; /* (rows, feature_count); numeric unscaled, NAN = missing, before data_table_scale */
    float *target; /* (rows, schema->target_size): what the files give */
    float *weight; /* (rows), or NULL when the schema has no weight column */
    uint32_t rows;
};

PN_MUST_CHECK enum pn_status data_table_load(struct data_table       **out,
                                             const struct data_schema *schema,
                                             const struct data_source *source, uint64_t bytes_max,
                                             struct pn_error *why);
void                         data_table_free(struct data_table *table);

/* Exact sums of one standardised column over the records that have a value: q = rint(x * 2^24). */
struct data_sums {
    uint64_t count;
    pn_i128  sum, sum_of_squares;
};
/* Over `rows` records from `first`: 0, parts.train, so that no other record enters the statistics.
 * `sums` has schema->numeric_count entries. PN_EDATA when a value is beyond 2^38 or a sum would
 * overflow: names column and what to do. */
PN_MUST_CHECK enum pn_status data_table_sums(struct data_sums *sums, const struct data_table *table,
                                             uint32_t first, uint32_t rows, struct pn_error *why);
/* False on overflow; `into` is then unchanged. */
PN_MUST_CHECK bool data_sums_add(struct data_sums *into, const struct data_sums *from);

struct data_scaling {       /* per standardised column */
    double mean, deviation; /* population (n); deviation > 0 */
};
/* From pooled sums, which may come from strangers; the same bits wherever the sums are the same.
 * PN_EDATA naming the column when it is constant, when no site has a value, or when the sums
 * contradict each other. */
PN_MUST_CHECK enum pn_status data_scaling_from_sums(struct data_scaling      *out,
                                                    const struct data_sums   *sums,
                                                    const struct data_schema *schema,
                                                    struct pn_error          *why);
/* 16 bytes a column: mean, deviation as little-endian doubles. */
void data_scaling_encode(uint8_t *out, const struct data_scaling *scaling, uint32_t count);
/* PN_EPEER_FORMAT unless size is 16 * count, PN_EPEER_VALUE unless |mean| <= 2^38 and
 * 2^-88 <= deviation <= 2^38, which is what sums of records can give. */
PN_MUST_CHECK enum pn_status data_scaling_decode(struct data_scaling *out, uint32_t count,
                                                 const uint8_t *bytes, size_t size);

/* Turns raw values into features, once. scaling may be NULL when !schema->needs_scaling
 * (missing values then become 0). */
void data_table_scale(struct data_table *table, const struct data_scaling *scaling);

/* Split into train, validation, test: by seed, stratified when binary, or in the order of time. The
 * table is reordered so that the three parts are contiguous, each in the order of the file. Depends
 * on rng and row order only. PN_EDATA when there are too few records: a part with a share above 0
 * would be empty. */
struct data_parts {
    uint32_t train, validation, test; /* rows; in this order */
};
PN_MUST_CHECK enum pn_status data_table_split(struct data_parts *out, struct data_table *table,
                                              const struct pn_rng *rng, struct pn_error *why);

/* The targets from this row on as a network gets them, data_schema_target_size numbers each: where
 * a record is its own target, its features, once scaled. */
const float *data_table_target(const struct data_table *table, uint32_t row);

/* One part of a split table. The pointers are into the table. */
enum data_part_kind {
    DATA_TRAIN,
    DATA_VALIDATION,
    DATA_TEST
};
struct data_part {
    const float *x, *target, *weight; /* weight: NULL when the table has none */
    uint32_t     first, rows;
};
struct data_part data_table_part(const struct data_table *table, const struct data_parts *parts,
                                 enum data_part_kind kind);

/* What `panal data check` prints. Local only. */
struct data_column_report {
    uint64_t missing, other;            /* other: out of vocabulary, counted in `other` */
    double   min, max, mean, deviation; /* numeric */
    bool     constant;
};
struct data_report {
    uint64_t                   rows, class_rows[16]; /* targets by class, the first 16 */
    struct data_column_report *columns;              /* schema->column_count */
    struct data_column_report  values;               /* not csv: of all features */
    struct data_column_report  targets;              /* numbers: of all targets */
    bool                       one_class;
};
PN_MUST_CHECK enum pn_status data_report_make(struct data_report      *out,
                                              const struct data_table *raw);
void                         data_report_fini(struct data_report *report);

#endif
