/*
 * data/pool -- files that many sites of one process share out among themselves, read once.
 *
 * A source with a pool and a share gets from data_table_load what it would get without: the same
 * records in the same order. One pool serves sources of one schema.
 *
 * Memory     the records of every file, once, until free; each table is its own copy of its share.
 * Threads    any: one reads at a time.
 */
#ifndef DATA_POOL_H
#define DATA_POOL_H

#include "data/table.h"

struct data_pool;

PN_MUST_CHECK enum pn_status data_pool_new(struct data_pool **out);
void                         data_pool_free(struct data_pool *pool);

/* For data_table_load: the share of one site. `bytes_max` bounds the whole, when it is read. */
PN_MUST_CHECK enum pn_status data_pool_take(struct data_table **out, struct data_pool *pool,
                                            const struct data_schema *schema,
                                            const struct data_source *source, uint64_t bytes_max,
                                            struct pn_error *why);

#endif
