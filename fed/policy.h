/*
 * fed/policy -- what one site allows. It always outranks the job.
 */
#ifndef FED_POLICY_H
#define FED_POLICY_H

#include "fed/job.h"

struct fed_policy { /* 0 or an empty list: no limit */
    uint64_t parameters_max;
    uint32_t rounds_max, epochs_max;
    pn_ms    time_max; /* of a round's training, where the job gives it a time  */
    uint32_t cohort_min;          /* fewest members in one sum: the job's quorum      */
    uint64_t records_min;         /* the site joins only with at least so many       */
    const char *const *columns;   /* columns a job may read                          */
    size_t             column_count;
    const char *const *optimisers; /* allowed training.optimiser names ("algorithm")  */
    size_t             optimiser_count;
    const struct sec_hash *jobs;   /* approved job hashes                            */
    size_t                 job_count;
};

/* What the job would do at this site. */
struct fed_policy_facts {
    uint64_t           parameters, records;
    const char *const *columns; /* that the job's schema reads; "*" where it reads whole files */
    size_t             column_count;
};

/* Also refuses what no federation does, whatever the policy: a plateau, a running mean. PN_OK, or
 * PN_EPOLICY with the sentence that also goes to the coordinator: it names the
 * rule, never the site's data. */
PN_MUST_CHECK enum pn_status fed_policy_check(const struct fed_policy       *policy,
                                              const struct fed_job          *job,
                                              const struct fed_policy_facts *facts,
                                              struct pn_error               *why);

#endif
