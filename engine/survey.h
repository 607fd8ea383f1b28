/*
 * engine/survey -- what nodes say of their records, checked: sums of columns, states of metrics.
 *
 * A sum that no records could have is refused before it is added to others', so that no member can
 * spoil the pooled sums so far that the run must end.
 */
#ifndef ENGINE_SURVEY_H
#define ENGINE_SURVEY_H

#include "engine/job.h"
#include "proto/message.h"

/* Records that one site may claim: far beyond any table, and sums of them stay in 64 bits. */
#define ENGINE_RECORDS_MAX ((uint64_t)1 << 40)

/* True when these are sums over `columns` columns, some records could have them, and those of
 * `members` such members can be added. */
bool engine_statistics_are_possible(const struct wire_statistics *statistics, uint32_t columns,
                                    uint32_t members);
/* As sums of data/table; one a column. */
void engine_statistics_sums(struct data_sums *out, const struct wire_statistics *statistics);

/* All of the job's metrics, in its order, over the same records: job->metric_count of them into
 * `out`. PN_EPEER_VALUE otherwise. */
PN_MUST_CHECK enum pn_status engine_metrics_decode(struct nn_metric           *out,
                                                   const struct engine_job   *job,
                                                   const struct wire_metrics *message);

#endif
