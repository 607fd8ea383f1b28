/*
 * data/window -- the rows of a CSV file, cut into records of several rows (data/schema, `window`).
 *
 * Memory     the caller's table, which grows within its limit.
 */
#ifndef DATA_WINDOW_H
#define DATA_WINDOW_H

#include "data/rows.h"

/* What a schema with a window says about a single row; points into `schema`. */
struct data_schema data_window_row_schema(const struct data_schema *schema);

/* Cuts `raw`, the rows of one file, read with the row schema. `ends` are the numbers of rows behind
 * which a group ends, ascending, the last one raw->rows; `count` of them. A group shorter than a
 * window gives none. */
PN_MUST_CHECK enum pn_status data_window_cut(struct data_rows *rows, const struct data_table *raw,
                                             const uint32_t *ends, size_t count, const char *name,
                                             struct pn_error *why);

#endif
