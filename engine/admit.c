#include "engine/admit.h"

#include <stdlib.h>

static enum pn_status
ask_policy(const struct engine_job *job, const struct engine_admission *site, uint64_t records,
           struct pn_error *why)
{
    const struct data_schema *schema  = job->schema;
    const char              **columns = calloc(schema->column_count + 1, sizeof *columns);
    size_t                    count   = 0;
    if (columns == NULL)
        return PN_ENOMEM;
    for (size_t i = 0; i < schema->column_count; i++)
        if (schema->columns[i].kind != DATA_IGNORE)
            columns[count++] = schema->columns[i].name;
    if (schema->format != DATA_CSV) /* a text or an array of a file is all that the file has */
        columns[count++] = "*";
    const struct fed_policy_facts facts = {.parameters   = job->model_size / 4,
                                           .records      = records,
                                           .columns      = columns,
                                           .column_count = count};
    enum pn_status                st    = fed_policy_check(site->policy, job->job, &facts, why);
    free(columns);
    return st;
}

enum pn_status
engine_admit(struct engine_trainer **out, const struct engine_job *job,
             const struct engine_admission *site, struct pn_error *why)
{
    struct engine_trainer             *trainer = NULL;
    const struct engine_trainer_config config  = {.job       = job,
                                                  .source    = site->source,
                                                  .bytes_max = site->bytes_max,
                                                  .member    = site->member,
                                                  .threads   = site->threads};
    enum pn_status                     st      = ask_policy(job, site, UINT64_MAX, why);
    if (st == PN_OK)
        st = engine_trainer_new(&trainer, &config, why);
    if (st == PN_OK)
        st = ask_policy(job, site, engine_trainer_parts(trainer)->train, why);
    if (st == PN_OK)
        *out = trainer;
    else
        engine_trainer_free(trainer);
    return st;
}
