/*
 * data/share -- which records of a file a site sees, when one file stands for many sites.
 *
 *     iid       Fisher-Yates by seed, then part `number` of `of`
 *     blocks    part `number` of `of` in the order of the records
 *     shards    stable sort by label, 2 `of` shards, shuffled by seed; shards 2k and 2k + 1 are of
 * site k
 */
#ifndef DATA_SHARE_H
#define DATA_SHARE_H

#include "data/source.h"

/* Marks the records of this site with 1, the others with 0, and counts the marks. `labels` are
 * needed for shards only. PN_EDATA when the number is not below `of` or nothing is left for this
 * site. */
PN_MUST_CHECK enum pn_status data_share_mark(uint8_t *wanted, uint32_t *count,
                                             const struct data_source *source, uint32_t rows,
                                             const uint8_t *labels, struct pn_error *why);

/* The number of the site of every record, for all sites at once: the same division. */
PN_MUST_CHECK enum pn_status data_share_assign(uint32_t *site_of, const struct data_source *source,
                                               uint32_t rows, const uint8_t *labels,
                                               struct pn_error *why);
/* PN_EDATA when a site gets none of the `rows` records. */
PN_MUST_CHECK enum pn_status data_share_check(const struct data_source *source, uint32_t rows,
                                              uint32_t count, struct pn_error *why);

#endif
