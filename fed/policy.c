#include "fed/policy.h"

#include <string.h>

static bool
has_name(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static enum pn_status
check_job_hash(const struct fed_policy *policy, const struct fed_job *job, struct pn_error *why)
{
    char hex[SEC_HEX_SIZE];
    if (policy->job_count == 0)
        return PN_OK;
    for (size_t i = 0; i < policy->job_count; i++)
        if (sec_hash_equal(&policy->jobs[i], &job->hash))
            return PN_OK;
    sec_hash_text(hex, &job->hash);
    return pn_error_set(why, PN_EPOLICY,
                        "this site runs approved jobs only, and job %.12s... is not one of them",
                        hex);
}

static enum pn_status
check_columns(const struct fed_policy *policy, const struct fed_policy_facts *facts,
              struct pn_error *why)
{
    if (policy->column_count == 0)
        return PN_OK;
    for (size_t i = 0; i < facts->column_count; i++)
        if (!has_name(policy->columns, policy->column_count, facts->columns[i]))
            return pn_error_set(why, PN_EPOLICY,
                                "this site does not let a job read the column %.64s",
                                facts->columns[i]);
    return PN_OK;
}

static enum pn_status
check_training(const struct fed_policy *policy, const struct fed_job *job, uint64_t records,
               struct pn_error *why)
{
    uint32_t    most   = job->interval.max; /* of steps; 0: what the job says */
    uint32_t    epochs = records == UINT64_MAX ? job->epochs : fed_job_epochs(job, most, records);
    const char *optimiser = job->optimiser.kind->name;
    if (policy->optimiser_count > 0 &&
        !has_name(policy->optimisers, policy->optimiser_count, optimiser))
        return pn_error_set(why, PN_EPOLICY, "this site does not allow the optimiser %s",
                            optimiser);
    if (policy->time_max > 0 && job->time_ms > policy->time_max)
        return pn_error_set(why, PN_EPOLICY,
                            "this site trains for at most %llu ms a round, the job asks for %llu",
                            (unsigned long long)policy->time_max, (unsigned long long)job->time_ms);
    /* How many epochs that is only the machine knows. */
    if (policy->epochs_max > 0 && job->time_ms > 0 && policy->time_max == 0)
        return pn_error_set(why, PN_EPOLICY,
                            "this site allows at most %u epochs a round, the job counts none: it "
                            "gives a time",
                            policy->epochs_max);
    if (policy->epochs_max > 0 && job->time_ms == 0 && epochs > policy->epochs_max)
        return pn_error_set(why, PN_EPOLICY,
                            "this site allows at most %u epochs a round, the job asks for %u",
                            policy->epochs_max, epochs);
    if (policy->rounds_max > 0 && job->rounds > policy->rounds_max)
        return pn_error_set(why, PN_EPOLICY,
                            "this site allows at most %u rounds, the job asks for %u",
                            policy->rounds_max, job->rounds);
    return PN_OK;
}

/* They look at every step or epoch of one training, which a round cuts off. */
static enum pn_status
check_alone(const struct fed_job *job, struct pn_error *why)
{
    if (job->plateau.factor == 0 && job->average == 0)
        return PN_OK;
    return pn_error_set(why, PN_EPOLICY,
                        "the job's training.%s is for `panal train` alone: take it out (a schedule "
                        "works in both)",
                        job->plateau.factor > 0 ? "plateau" : "average");
}

static enum pn_status
check_sizes(const struct fed_policy *policy, const struct fed_job *job,
            const struct fed_policy_facts *facts, struct pn_error *why)
{
    if (policy->cohort_min > 0 && job->quorum < policy->cohort_min)
        return pn_error_set(why, PN_EPOLICY,
                            "this site joins sums of at least %u members, the job's quorum is %u",
                            policy->cohort_min, job->quorum);
    if (policy->parameters_max > 0 && facts->parameters > policy->parameters_max)
        return pn_error_set(
            why, PN_EPOLICY, "this site allows at most %llu parameters, the model has %llu",
            (unsigned long long)policy->parameters_max, (unsigned long long)facts->parameters);
    /* Without figures: how many records there are is the site's own affair. */
    if (facts->records < policy->records_min)
        return pn_error_set(why, PN_EPOLICY,
                            "this site has fewer records for the job than its policy asks for");
    return PN_OK;
}

enum pn_status
fed_policy_check(const struct fed_policy *policy, const struct fed_job *job,
                 const struct fed_policy_facts *facts, struct pn_error *why)
{
    enum pn_status st = check_job_hash(policy, job, why);
    if (st == PN_OK)
        st = check_alone(job, why);
    if (st == PN_OK)
        st = check_columns(policy, facts, why);
    if (st == PN_OK)
        st = check_training(policy, job, facts->records, why);
    if (st == PN_OK)
        st = check_sizes(policy, job, facts, why);
    return st;
}
