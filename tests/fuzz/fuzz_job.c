/* A job file that anybody may have written. */
#include "fed/job.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fed_job *job = NULL;
    struct pn_error why;
    why.text[0] = '\0';
    if (sec_init() != PN_OK)
        return 0;
    if (fed_job_parse(&job, "job.yaml", (const char *)bytes, size, &why) != PN_OK) {
        PN_ASSERT(job == NULL && why.text[0] != '\0');
        return 0;
    }
    PN_ASSERT(job->quorum >= 1 && job->quorum <= job->cohort && job->rounds >= 1);
    PN_ASSERT(job->weight_max * job->cohort <= INT32_MAX);
    PN_ASSERT(job->clip > 0 && job->clip < job->update_norm_max);
    PN_ASSERT(job->text_size == size && memcmp(job->text, bytes, size) == 0);
    fed_job_free(job);
    return 0;
}
