#include "node/state.h"

#include "engine/admit.h"

#include <stdlib.h>
#include <string.h>

enum {
    JOIN_BYTES = 10 * 1048576 /* a guess: the file is not open yet */
};

struct join {
    struct engine_work       base;
    struct node_engine      *engine;  /* run reads config and job_text only, which stay */
    const struct engine_job *job;     /* own_job, or the host's */
    struct engine_job       *own_job; /* on the heap: the trainer borrows it */
    struct engine_trainer   *trainer;
    bool                     by_policy;
};

static void
release_join(struct engine_work *work)
{
    struct join *join = (struct join *)work;
    engine_trainer_free(join->trainer);
    if (join->own_job != NULL)
        engine_job_fini(join->own_job);
    free(join->own_job);
    free(join);
}

/* The host's, when it has read the very same text. */
static enum pn_status
read_job(struct join *join)
{
    const struct wire_span  *text  = &join->engine->job_text;
    const struct engine_job *known = join->engine->config.job;
    if (known != NULL && text->bytes == (const uint8_t *)known->job->text) {
        join->job = known;
        return PN_OK;
    }
    join->own_job = calloc(1, sizeof *join->own_job);
    if (join->own_job == NULL)
        return PN_ENOMEM;
    enum pn_status st = engine_job_init(join->own_job, "job.yaml", (const char *)text->bytes,
                                        text->size, &join->base.why);
    if (st == PN_OK)
        join->job = join->own_job;
    return st;
}

static enum pn_status
admit(struct join *join)
{
    const struct node_config     *config = &join->engine->config;
    const struct engine_admission site   = {.policy    = config->policy,
                                            .source    = config->source,
                                            .bytes_max = config->bytes_max,
                                            .member    = config->self,
                                            .threads   = config->threads};
    enum pn_status st = engine_admit(&join->trainer, join->job, &site, &join->base.why);
    join->by_policy   = st == PN_EPOLICY;
    return st;
}

static void
run_join(struct pn_work *work)
{
    struct join             *join = (struct join *)work;
    const struct wire_span  *text = &join->engine->job_text;
    const struct store_disk *disk = join->engine->config.disk;
    enum pn_status           st   = read_job(join);
    if (st == PN_OK)
        st = admit(join);
    if (st == PN_OK)
        st = disk->save(disk->host, "job.yaml", text->bytes, text->size);
    join->base.status = st;
}

static void
done_join(struct pn_work *work, pn_ms now)
{
    struct join        *join   = (struct join *)engine_work_take(work);
    struct node_engine *engine = join->base.engine;
    enum pn_status      st     = join->base.status;
    struct node_notice  notice = {.kind = NODE_REFUSED, .status = st, .text = join->base.why.text};
    engine->accepts            = st == PN_OK;
    if (engine->accepts) {
        engine->job                    = join->job;
        engine->own_job                = join->own_job;
        engine->trainer                = join->trainer;
        join->own_job                  = NULL;
        engine->chain.sparse           = engine->job->job->follow == FED_FOLLOW_COHORT;
        join->trainer                  = NULL;
        const struct data_parts *parts = engine_trainer_parts(engine->trainer);
        notice                         = (struct node_notice){.kind       = NODE_JOINED,
                                                              .records    = parts->train,
                                                              .validation = parts->validation,
                                                              .test       = parts->test};
    } else if (join->by_policy) {
        node_note(&engine->reason, join->base.why.text);
    } else if (join->job == NULL) {
        node_note(&engine->reason, "the job cannot be read here; the node's log says why");
    } else {
        node_note(&engine->reason,
                  "the data of this site do not fit the job; the node's log says why");
    }
    node_tell(engine, &notice);
    release_join(&join->base);
    node_finish_work(engine, now, FED_WORK_JOIN, st, NULL);
}

void
node_begin_join(struct node_engine *engine)
{
    struct join *join = calloc(1, sizeof *join);
    PN_ASSERT(engine->job == NULL && engine->job_text.size > 0);
    if (join == NULL) {
        engine->accepts = false;
        node_note(&engine->reason, pn_status_text(PN_ENOMEM));
        node_raise(engine, &(struct fed_member_event){
                               .kind = FED_M_DONE, .work = FED_WORK_JOIN, .status = PN_ENOMEM});
        return;
    }
    join->engine = engine;
    node_submit(engine, &join->base,
                &(struct engine_work_how){JOIN_BYTES, run_join, done_join, release_join});
}

/* ---- statistics: summed when the data were read, so this work is done at once ---- */

void
node_begin_survey(struct node_engine *engine)
{
    node_raise(engine, &(struct fed_member_event){
                           .kind = FED_M_DONE, .work = FED_WORK_SURVEY, .status = PN_OK});
}
