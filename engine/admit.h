/*
 * engine/admit -- may this job have this site's records? The policy is asked twice: before a record
 * is read, and again when their number is known.
 */
#ifndef ENGINE_ADMIT_H
#define ENGINE_ADMIT_H

#include "fed/policy.h"
#include "engine/trainer.h"

struct engine_admission { /* borrowed */
    const struct fed_policy  *policy;
    const struct data_source *source;
    uint64_t                  bytes_max; /* of the records in memory */
    uint32_t                  member;
    uint32_t                  threads; /* of a training; 0: one */
};

/* Reads the records. PN_EPOLICY with the policy's own sentence, which everybody may hear; other
 * sentences may quote the site's data and stay here. */
PN_MUST_CHECK enum pn_status engine_admit(struct engine_trainer **out, const struct engine_job *job,
                                        const struct engine_admission *site, struct pn_error *why);

#endif
