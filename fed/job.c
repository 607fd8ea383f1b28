#include "fed/job.h"

#include "nnlib/metric.h"
#include "proto/message.h"

#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_LEN    = 31,
    ROUNDS_MAX      = 1000000,
    DURATION_MS_MAX = 168 * 3600 * 1000
};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

struct reader {
    struct fed_job         *job;
    const struct text_yaml *yaml;
    const struct text_node *root;
    struct pn_error        *why;
};

typedef enum pn_status read_fn(struct reader *in);

static enum pn_status
fail_at(const struct reader *in, const struct text_node *map, const char *key, const char *sentence)
{
    const struct text_node *node = text_find(map, key);
    return text_fail(in->why, in->yaml, node != NULL ? node : map, "%s: %s", key, sentence);
}

static enum pn_status
check_name(struct reader *in)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    const char       *name      = in->job->name;
    size_t            len       = strlen(name);
    if (len == 0 || len > NAME_MAX_LEN || strspn(name, allowed) != len || name[0] == '.')
        return fail_at(in, in->root, "name", "expected 1 to 31 of a-z 0-9 . _ -, not first a dot");
    return PN_OK;
}

static enum pn_status
read_profile(struct reader *in)
{
    static const char *const profiles[] = {"open", "grouped", "private"};
    uint32_t                 profile    = 0;
    enum pn_status st = text_get_choice(&profile, in->yaml, in->root, "profile", TEXT_OPTIONAL,
                                        profiles, COUNT_OF(profiles), in->why);
    if (st != PN_OK)
        return st;
    if (profile != 0)
        return fail_at(in, in->root, "profile",
                       "expected open; grouped and private are not in this version");
    return PN_OK;
}

static enum pn_status
read_head(struct reader *in)
{
    static const char *const known[] = {"version", "name",     "seed",   "profile",  "model",
                                        "data",    "training", "rounds", "stopping", "limits"};
    struct fed_job          *job     = in->job;
    uint32_t                 version = 0;
    enum pn_status           st;
    if ((st = text_check_keys(in->yaml, in->root, known, COUNT_OF(known), in->why)) != PN_OK ||
        (st = text_get_u32(&version, in->yaml, in->root, "version", TEXT_REQUIRED, 1, 1,
                           in->why)) != PN_OK ||
        (st = text_get_string(&job->name, in->yaml, in->root, "name", TEXT_REQUIRED, in->why)) !=
            PN_OK ||
        (st = check_name(in)) != PN_OK ||
        (st = text_get_u64(&job->seed, in->yaml, in->root, "seed", TEXT_OPTIONAL, 0, UINT64_MAX,
                           in->why)) != PN_OK ||
        (st = read_profile(in)) != PN_OK)
        return st;
    return text_get_map(&job->data, in->yaml, in->root, "data", TEXT_REQUIRED, in->why);
}

static enum pn_status
read_model(struct reader *in)
{
    struct fed_job *job = in->job;
    enum pn_status  st =
        text_get_string(&job->model, in->yaml, in->root, "model", TEXT_REQUIRED, in->why);
    if (st != PN_OK)
        return st;
    struct nn_plan *plan = NULL;
    struct pn_error inner;
    inner.text[0] = '\0';
    st            = nn_plan_new(&plan, job->model, strlen(job->model), &inner);
    if (st != PN_OK) {
        (void)text_fail(in->why, in->yaml, text_find(in->root, "model"), "%s", inner.text);
        return st;
    }
    job->classes = nn_plan_class_count(plan);
    nn_plan_free(plan);
    return PN_OK;
}

/* A setting of the other optimiser would be ignored in silence; so it is refused. */
static enum pn_status
check_optimiser_keys(const struct reader *in, const struct text_node *map)
{
    static const char *const adam_only[] = {"beta1", "beta2", "epsilon"};
    if (in->job->optimiser.kind == NN_ADAM) {
        if (text_find(map, "momentum") != NULL)
            return fail_at(in, map, "momentum", "belongs to optimiser sgd, not adam");
        return PN_OK;
    }
    for (size_t i = 0; i < COUNT_OF(adam_only); i++)
        if (text_find(map, adam_only[i]) != NULL)
            return fail_at(in, map, adam_only[i], "belongs to optimiser adam, not sgd");
    return PN_OK;
}

static enum pn_status
check_training(const struct reader *in, const struct text_node *map)
{
    const struct nn_optimiser_config *optimiser = &in->job->optimiser;
    if (optimiser->rate <= 0)
        return fail_at(in, map, "rate", "expected a number above 0");
    if (optimiser->momentum >= 1)
        return fail_at(in, map, "momentum", "expected a number below 1");
    if (optimiser->beta1 >= 1)
        return fail_at(in, map, "beta1", "expected a number below 1");
    if (optimiser->beta2 >= 1)
        return fail_at(in, map, "beta2", "expected a number below 1");
    return check_optimiser_keys(in, map);
}

static enum pn_status
read_optimiser(struct reader *in, const struct text_node *map)
{
    struct nn_optimiser_config *optimiser = &in->job->optimiser;
    uint32_t                    kind      = (uint32_t)optimiser->kind;
    enum pn_status st = text_get_choice(&kind, in->yaml, map, "optimiser", TEXT_OPTIONAL,
                                        nn_optimiser_names, NN_OPTIMISER_COUNT, in->why);
    if (st != PN_OK)
        return st;
    optimiser->kind = (enum nn_optimiser_kind)kind;

    const struct {
        double     *field;
        const char *key;
        double      min, max;
    } numbers[] = {
        {&optimiser->rate, "rate", 0, 1000},        {&optimiser->momentum, "momentum", 0, 1},
        {&optimiser->beta1, "beta1", 0, 1},         {&optimiser->beta2, "beta2", 0, 1},
        {&optimiser->epsilon, "epsilon", 1e-30, 1}, {&optimiser->l2, "l2", 0, 1000},
        {&in->job->clip, "clip", 0.001, 1e6},
    };
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if ((st = text_get_f64(numbers[i].field, in->yaml, map, numbers[i].key, TEXT_OPTIONAL,
                               numbers[i].min, numbers[i].max, in->why)) != PN_OK)
            return st;
    return PN_OK;
}

static enum pn_status
read_training(struct reader *in)
{
    static const char *const known[] = {"optimiser", "rate", "momentum", "beta1",  "beta2",
                                        "epsilon",   "l2",   "batch",    "epochs", "clip"};
    struct fed_job          *job     = in->job;
    const struct text_node  *map     = NULL;
    enum pn_status st = text_get_map(&map, in->yaml, in->root, "training", TEXT_OPTIONAL, in->why);
    if (st != PN_OK || map == NULL)
        return st;
    if ((st = text_check_keys(in->yaml, map, known, COUNT_OF(known), in->why)) != PN_OK ||
        (st = read_optimiser(in, map)) != PN_OK ||
        (st = text_get_u32(&job->batch, in->yaml, map, "batch", TEXT_OPTIONAL, 1, 1 << 20,
                           in->why)) != PN_OK ||
        (st = text_get_u32(&job->epochs, in->yaml, map, "epochs", TEXT_OPTIONAL, 1, 1000000,
                           in->why)) != PN_OK)
        return st;
    return check_training(in, map);
}

static enum pn_status
read_counts(struct reader *in, const struct text_node *map)
{
    struct fed_job *job = in->job;
    const struct {
        uint32_t      *field;
        const char    *key;
        enum text_need need;
        uint32_t       max;
    } counts[] = {
        {&job->rounds, "count", TEXT_REQUIRED, ROUNDS_MAX},
        {&job->cohort, "cohort", TEXT_REQUIRED, WIRE_MEMBERS_MAX},
        {&job->quorum, "quorum", TEXT_REQUIRED, WIRE_MEMBERS_MAX},
        {&job->attempts, "attempts", TEXT_OPTIONAL, 1000},
        {&job->evaluate_every, "evaluate_every", TEXT_OPTIONAL, ROUNDS_MAX},
    };
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        enum pn_status st = text_get_u32(counts[i].field, in->yaml, map, counts[i].key,
                                         counts[i].need, 1, counts[i].max, in->why);
        if (st != PN_OK)
            return st;
    }
    if (job->quorum > job->cohort)
        return text_fail(in->why, in->yaml, text_find(map, "quorum"),
                         "quorum: expected at most the cohort, %u; seen %u", job->cohort,
                         job->quorum);
    return PN_OK;
}

static enum pn_status
read_rounds(struct reader *in)
{
    static const char *const known[]   = {"count",    "cohort",         "quorum",  "gather",
                                          "invite",   "train",          "collect", "evaluate",
                                          "attempts", "evaluate_every", "follow"};
    static const char *const follows[] = {"all", "cohort"};
    struct fed_job          *job       = in->job;
    const struct text_node  *map       = NULL;
    enum pn_status           st;
    if ((st = text_get_map(&map, in->yaml, in->root, "rounds", TEXT_REQUIRED, in->why)) != PN_OK ||
        (st = text_check_keys(in->yaml, map, known, COUNT_OF(known), in->why)) != PN_OK ||
        (st = text_get_choice(&job->follow, in->yaml, map, "follow", TEXT_OPTIONAL, follows,
                              COUNT_OF(follows), in->why)) != PN_OK ||
        (st = read_counts(in, map)) != PN_OK)
        return st;

    const struct {
        pn_ms      *field;
        const char *key;
    } durations[] = {
        {&job->gather_ms, "gather"},   {&job->invite_ms, "invite"},     {&job->train_ms, "train"},
        {&job->collect_ms, "collect"}, {&job->evaluate_ms, "evaluate"},
    };
    for (size_t i = 0; i < COUNT_OF(durations); i++)
        if ((st = text_get_ms(durations[i].field, in->yaml, map, durations[i].key, TEXT_OPTIONAL, 1,
                              DURATION_MS_MAX, in->why)) != PN_OK)
            return st;
    return PN_OK;
}

static enum pn_status
read_stopping(struct reader *in)
{
    static const char *const known[] = {"metric", "patience", "min_delta"};
    struct fed_job          *job     = in->job;
    const struct text_node  *map     = NULL;
    uint32_t                 metric  = 0;
    enum pn_status st = text_get_map(&map, in->yaml, in->root, "stopping", TEXT_OPTIONAL, in->why);
    if (st != PN_OK || map == NULL)
        return st;
    if ((st = text_check_keys(in->yaml, map, known, COUNT_OF(known), in->why)) != PN_OK ||
        (st = text_get_choice(&metric, in->yaml, map, "metric", TEXT_REQUIRED, nn_metric_names,
                              NN_METRIC_COUNT, in->why)) != PN_OK ||
        (st = text_get_u32(&job->patience, in->yaml, map, "patience", TEXT_OPTIONAL, 1, ROUNDS_MAX,
                           in->why)) != PN_OK ||
        (st = text_get_f64(&job->min_delta, in->yaml, map, "min_delta", TEXT_OPTIONAL, 0, 1e9,
                           in->why)) != PN_OK)
        return st;

    enum nn_metric_kind fits[NN_METRIC_COUNT];
    size_t              fit_count = nn_metrics_for(fits, job->classes);
    for (size_t i = 0; i < fit_count; i++)
        if ((uint32_t)fits[i] == metric)
            job->stop_metric = nn_metric_names[metric];
    if (job->stop_metric == NULL)
        return fail_at(in, map, "metric",
                       job->classes == 0   ? "a model of a number has the metric rmse only"
                       : job->classes == 2 ? "a model of two classes has no such metric"
                                           : "a model of classes has accuracy and log_loss only");
    return PN_OK;
}

static enum pn_status
read_limits(struct reader *in)
{
    static const char *const known[] = {"update_norm", "weight"};
    struct fed_job          *job     = in->job;
    const struct text_node  *map     = NULL;
    enum pn_status st = text_get_map(&map, in->yaml, in->root, "limits", TEXT_OPTIONAL, in->why);
    if (st != PN_OK)
        return st;
    if (map != NULL &&
        ((st = text_check_keys(in->yaml, map, known, COUNT_OF(known), in->why)) != PN_OK ||
         (st = text_get_f64(&job->update_norm_max, in->yaml, map, "update_norm", TEXT_OPTIONAL,
                            0.001, 1e9, in->why)) != PN_OK ||
         (st = text_get_u64(&job->weight_max, in->yaml, map, "weight", TEXT_OPTIONAL, 1, INT32_MAX,
                            in->why)) != PN_OK))
        return st;

    const struct text_node *at = map != NULL ? map : in->root;
    if (job->clip * 1.001 > job->update_norm_max)
        return text_fail(in->why, in->yaml, at,
                         "update_norm: expected at least 1.001 * clip, or honest updates would be "
                         "refused; seen %g with clip %g",
                         job->update_norm_max, job->clip);
    if (job->weight_max * job->cohort > INT32_MAX)
        return text_fail(in->why, in->yaml, at,
                         "weight: expected cohort * weight below 2^31, so that sums cannot "
                         "overflow; seen %u * %llu",
                         job->cohort, (unsigned long long)job->weight_max);
    return PN_OK;
}

static void
set_defaults(struct fed_job *job)
{
    nn_optimiser_defaults(&job->optimiser);
    job->batch           = 32;
    job->epochs          = 1;
    job->clip            = 10;
    job->attempts        = 5;
    job->evaluate_every  = 1;
    job->gather_ms       = 60000;
    job->invite_ms       = 10000;
    job->train_ms        = 600000;
    job->collect_ms      = 120000;
    job->evaluate_ms     = 60000;
    job->patience        = 5;
    job->update_norm_max = 100;
    job->weight_max      = 1000000;
}

static enum pn_status
read_all(struct fed_job *job, const struct text_yaml *yaml, struct pn_error *why)
{
    static read_fn *const sections[] = {read_head,   read_model,    read_training,
                                        read_rounds, read_stopping, read_limits};
    struct reader         in = {.job = job, .yaml = yaml, .root = text_yaml_root(yaml), .why = why};
    for (size_t i = 0; i < COUNT_OF(sections); i++) {
        enum pn_status st = sections[i](&in);
        if (st != PN_OK)
            return st;
    }
    return PN_OK;
}

enum pn_status
fed_job_parse(struct fed_job **out, const char *name, const char *text, size_t size,
              struct pn_error *why)
{
    if (size > FED_JOB_TEXT_MAX)
        return pn_error_set(why, PN_ECONFIG, "%s: expected a job of at most %d bytes, seen %zu",
                            name, FED_JOB_TEXT_MAX, size);
    struct fed_job *job = calloc(1, sizeof *job + size + 1);
    if (job == NULL)
        return pn_error_set(why, PN_ENOMEM, "%s: out of memory", name);
    char *copy = (char *)(job + 1);
    if (size > 0)
        memcpy(copy, text, size);
    job->text      = copy;
    job->text_size = size;
    sec_hash_of(&job->hash, "job", copy, size);
    set_defaults(job);

    struct text_yaml *yaml = NULL;
    enum pn_status    st   = text_yaml_parse(&yaml, name, copy, size, why);
    if (st != PN_OK)
        goto undo_job;
    if ((st = read_all(job, yaml, why)) != PN_OK)
        goto undo_yaml;
    job->yaml = yaml;
    *out      = job;
    return PN_OK;

undo_yaml:
    text_yaml_free(yaml);
undo_job:
    free(job);
    return st;
}

void
fed_job_free(struct fed_job *job)
{
    if (job == NULL)
        return;
    text_yaml_free(job->yaml);
    free(job);
}

void
fed_job_run(uint8_t out[static 16], const char *federation, const struct fed_job *job,
            const char *label)
{
    struct sec_hasher hasher;
    struct sec_hash   hash;
    sec_hash_begin(&hasher, "run");
    sec_hash_add(&hasher, federation, strlen(federation) + 1);
    sec_hash_add(&hasher, job->hash.bytes, sizeof job->hash.bytes);
    sec_hash_add(&hasher, "", 1);
    sec_hash_add(&hasher, label, strlen(label));
    sec_hash_end(&hash, &hasher);
    memcpy(out, hash.bytes, 16);
}
