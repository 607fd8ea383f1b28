#include "fed/job.h"

#include "base/options.h"
#include "proto/message.h"

#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_LEN      = 31,
    ROUNDS_MAX        = 1000000,
    STEPS_MAX         = 10000000,
    DURATION_MS_MAX   = 168 * 3600 * 1000,
    TRAINING_KEYS_MAX = 128
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
    static const char *const known[] = {"version", "name",     "seed",     "profile",
                                        "model",   "data",     "training", "rounds",
                                        "metrics", "stopping", "limits"};
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

static const char *const training_keys[] = {"optimiser", "schedule", "clock",   "batch",
                                            "parts",     "epochs",   "steps",   "time",
                                            "clip",      "interval", "plateau", "average"};

static bool
is_training_key(const char *key)
{
    for (size_t i = 0; i < COUNT_OF(training_keys); i++)
        if (strcmp(training_keys[i], key) == 0)
            return true;
    return false;
}

static size_t
add_names(const char **names, size_t count, const struct nn_option *table)
{
    for (; table->name != NULL && count < TRAINING_KEYS_MAX; table++)
        names[count++] = table->name;
    return count;
}

/* Any optimiser's options: an option of another one gets its own sentence later. */
static enum pn_status
check_training_keys(const struct reader *in, const struct text_node *map)
{
    const char *known[TRAINING_KEYS_MAX];
    size_t      count = 0;
    for (size_t i = 0; i < COUNT_OF(training_keys); i++)
        known[count++] = training_keys[i];
    count = add_names(known, count, nn_optimiser_common);
    for (size_t i = 0; nn_optimiser_kinds[i] != NULL; i++)
        count = add_names(known, count, nn_optimiser_kinds[i]->options);
    return text_check_keys(in->yaml, map, known, count, in->why);
}

/* nnlib's sentence at the place in the file. */
static enum pn_status
fail_option(const struct reader *in, const struct text_node *node, const struct pn_error *inner)
{
    return text_fail(in->why, in->yaml, node, "%s", inner->text);
}

static enum pn_status
read_optimiser(struct reader *in, const struct text_node *map)
{
    struct nn_optimiser_config *optimiser = &in->job->optimiser;
    struct pn_error             inner     = {.text = ""};
    const char                 *names[32];
    uint32_t                    count = 0, kind = 0;
    for (; nn_optimiser_kinds[count] != NULL && count < 32; count++)
        names[count] = nn_optimiser_kinds[count]->name;
    enum pn_status st =
        text_get_choice(&kind, in->yaml, map, "optimiser", TEXT_OPTIONAL, names, count, in->why);
    if (st != PN_OK)
        return st;
    nn_optimiser_init(optimiser, nn_optimiser_kinds[kind]);
    for (const struct text_node *node = map->first; node != NULL; node = node->next) {
        const char *value = NULL;
        if (is_training_key(node->key))
            continue;
        if ((st = text_get_string(&value, in->yaml, map, node->key, TEXT_REQUIRED, in->why)) !=
            PN_OK)
            return st;
        if (nn_optimiser_set(optimiser, node->key, value, &inner) != PN_OK)
            return fail_option(in, node, &inner);
    }
    return nn_optimiser_check(optimiser, &inner) == PN_OK ? PN_OK : fail_option(in, map, &inner);
}

static enum pn_status
read_schedule(struct reader *in, const struct text_node *map)
{
    static const char *const clocks[] = {"rounds", "steps"};
    struct fed_job          *job      = in->job;
    struct pn_error          inner    = {.text = ""};
    const char              *text = "constant", *plateau = NULL;
    enum pn_status st = text_get_string(&text, in->yaml, map, "schedule", TEXT_OPTIONAL, in->why);
    if (st == PN_OK)
        st = text_get_choice(&job->clock, in->yaml, map, "clock", TEXT_OPTIONAL, clocks,
                             COUNT_OF(clocks), in->why);
    if (st == PN_OK)
        st = text_get_string(&plateau, in->yaml, map, "plateau", TEXT_OPTIONAL, in->why);
    if (st != PN_OK)
        return st;
    if (nn_schedule_parse(&job->schedule, text, &inner) != PN_OK)
        return fail_option(in, text_find(map, "schedule"), &inner);
    if (plateau != NULL && nn_plateau_parse(&job->plateau, plateau, &inner) != PN_OK)
        return fail_option(in, text_find(map, "plateau"), &inner);
    return PN_OK;
}

static enum pn_status
read_batch(struct reader *in, const struct text_node *map)
{
    struct fed_job *job = in->job;
    enum pn_status  st =
        text_get_u32(&job->batch, in->yaml, map, "batch", TEXT_OPTIONAL, 1, 1 << 20, in->why);
    if (st == PN_OK)
        st = text_get_u32(&job->parts, in->yaml, map, "parts", TEXT_OPTIONAL, 1, NN_SHARDS_MAX,
                          in->why);
    if (st == PN_OK && job->parts > job->batch)
        st = text_fail(in->why, in->yaml, text_find(map, "parts"),
                       "parts: expected at most the batch, %u; seen %u", job->batch, job->parts);
    return st;
}

/* One of epochs, steps and time. */
static enum pn_status
read_pace(struct reader *in, const struct text_node *map)
{
    static const char *const paces[] = {"epochs", "steps", "time"};
    struct fed_job          *job     = in->job;
    const char              *seen    = NULL;
    enum pn_status           st =
        text_get_u32(&job->epochs, in->yaml, map, "epochs", TEXT_OPTIONAL, 1, 1000000, in->why);
    if (st == PN_OK)
        st =
            text_get_u32(&job->steps, in->yaml, map, "steps", TEXT_OPTIONAL, 1, STEPS_MAX, in->why);
    if (st == PN_OK)
        st = text_get_ms(&job->time_ms, in->yaml, map, "time", TEXT_OPTIONAL, 1, DURATION_MS_MAX,
                         in->why);
    for (size_t i = 0; i < COUNT_OF(paces) && st == PN_OK; i++) {
        const struct text_node *node = text_find(map, paces[i]);
        if (node != NULL && seen != NULL)
            return text_fail(in->why, in->yaml, node,
                             "%s: expected one of epochs, steps and time, seen %s, too", paces[i],
                             seen);
        if (node != NULL)
            seen = paces[i];
    }
    if (st == PN_OK && job->time_ms > 0 && job->clock == FED_CLOCK_STEPS)
        return fail_at(in, map, "time",
                       "a schedule cannot count steps that nobody knows before: `clock: rounds`");
    return st;
}

static enum pn_status
read_training(struct reader *in)
{
    struct fed_job         *job = in->job;
    const struct text_node *map = NULL;
    enum pn_status st = text_get_map(&map, in->yaml, in->root, "training", TEXT_OPTIONAL, in->why);
    if (st != PN_OK || map == NULL)
        return st;
    if ((st = check_training_keys(in, map)) != PN_OK || (st = read_optimiser(in, map)) != PN_OK ||
        (st = read_schedule(in, map)) != PN_OK || (st = read_batch(in, map)) != PN_OK ||
        (st = read_pace(in, map)) != PN_OK ||
        (st = text_get_f64(&job->average, in->yaml, map, "average", TEXT_OPTIONAL, 0.0, 0.999999,
                           in->why)) != PN_OK)
        return st;
    return text_get_f64(&job->clip, in->yaml, map, "clip", TEXT_OPTIONAL, 0.001, 1e6, in->why);
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
    if (job->time_ms >= job->train_ms)
        return text_fail(in->why, in->yaml, map,
                         "train: expected more than training.time, %llu ms, or every update would "
                         "come too late; seen %llu ms",
                         (unsigned long long)job->time_ms, (unsigned long long)job->train_ms);
    return PN_OK;
}

/* The metric with this name, or NN_METRIC_COUNT. */
static enum nn_metric_kind
find_metric(const char *name)
{
    int kind = 0;
    while (kind < NN_METRIC_COUNT && strcmp(nn_metric_names[kind], name) != 0)
        kind++;
    return (enum nn_metric_kind)kind;
}

static bool
is_measured(const struct fed_job *job, enum nn_metric_kind kind)
{
    for (uint32_t i = 0; i < job->metric_count; i++)
        if (job->metrics[i] == kind)
            return true;
    return false;
}

/* Puts the metric at the end of the list. */
static enum pn_status
add_metric(const struct reader *in, const struct text_node *at, const char *name)
{
    struct fed_job     *job  = in->job;
    enum nn_metric_kind kind = find_metric(name);
    if (kind == NN_METRIC_COUNT) {
        const char *near = pn_nearest(name, nn_metric_names, NN_METRIC_COUNT);
        return text_fail(in->why, in->yaml, at, "there is no metric '%.40s'%s%s%s", name,
                         near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                         near != NULL ? "'?" : "");
    }
    if (!nn_metric_fits(kind, job->classes))
        return text_fail(in->why, in->yaml, at, "%s does not fit a model of %s", name,
                         job->classes == 0   ? "numbers"
                         : job->classes == 2 ? "two classes"
                                             : "so many classes");
    if (is_measured(job, kind))
        return text_fail(in->why, in->yaml, at, "%s is given twice", name);
    if (job->metric_count == NN_METRICS_MAX)
        return text_fail(in->why, in->yaml, at, "expected at most %d metrics", NN_METRICS_MAX);
    job->metrics[job->metric_count++] = kind;
    return PN_OK;
}

static enum pn_status
read_metrics(struct reader *in)
{
    const struct text_node *list = NULL;
    enum pn_status st = text_get_list(&list, in->yaml, in->root, "metrics", TEXT_OPTIONAL, in->why);
    if (st != PN_OK)
        return st;
    if (list == NULL) {
        in->job->metric_count = (uint32_t)nn_metrics_for(in->job->metrics, in->job->classes);
        return PN_OK;
    }
    for (const struct text_node *item = list->first; st == PN_OK && item != NULL;
         item                         = item->next) {
        if (item->kind != TEXT_SCALAR)
            return text_fail(in->why, in->yaml, item, "metrics: expected a list of names");
        st = add_metric(in, item, item->value);
    }
    if (st == PN_OK && in->job->metric_count == 0)
        return text_fail(in->why, in->yaml, list, "metrics: expected at least one");
    return st;
}

/* The metric that `key` names, which is measured from now on. */
static enum pn_status
read_watched(enum nn_metric_kind *out, const struct reader *in, const struct text_node *map,
             const char *key)
{
    const char    *name = NULL;
    enum pn_status st   = text_get_string(&name, in->yaml, map, key, TEXT_REQUIRED, in->why);
    if (st != PN_OK)
        return st;
    *out = find_metric(name);
    if (*out != NN_METRIC_COUNT && is_measured(in->job, *out))
        return PN_OK;
    return add_metric(in, text_find(map, key), name);
}

/* Against what was read before it. */
static enum pn_status
check_interval(const struct reader *in, const struct text_node *map)
{
    const struct fed_job      *job      = in->job;
    const struct fed_interval *interval = &job->interval;
    if (job->steps == 0)
        return text_fail(in->why, in->yaml, map,
                         "interval: expected training.steps, too: those of the first rounds");
    if (interval->min > job->steps || interval->max < job->steps)
        return text_fail(in->why, in->yaml, map,
                         "interval: expected steps between min and max; seen steps %u, min %u, max "
                         "%u",
                         job->steps, interval->min, interval->max);
    if (job->clock == FED_CLOCK_STEPS)
        return text_fail(in->why, in->yaml, map,
                         "interval: a schedule cannot count steps that nobody knows before: "
                         "`clock: rounds`");
    if (job->follow == FED_FOLLOW_COHORT)
        return text_fail(in->why, in->yaml, map,
                         "interval: every node needs every block for it: `follow: all`");
    return PN_OK;
}

static enum pn_status
read_interval(struct reader *in)
{
    static const char *const known[]  = {"metric", "min", "max", "min_delta"};
    struct fed_interval     *interval = &in->job->interval;
    const struct text_node  *training = NULL, *map = NULL;
    enum pn_status           st =
        text_get_map(&training, in->yaml, in->root, "training", TEXT_OPTIONAL, in->why);
    if (st == PN_OK && training != NULL)
        st = text_get_map(&map, in->yaml, training, "interval", TEXT_OPTIONAL, in->why);
    if (st != PN_OK || map == NULL)
        return st;
    if ((st = text_check_keys(in->yaml, map, known, COUNT_OF(known), in->why)) != PN_OK ||
        (st = read_watched(&interval->metric, in, map, "metric")) != PN_OK ||
        (st = text_get_u32(&interval->min, in->yaml, map, "min", TEXT_REQUIRED, 1, STEPS_MAX,
                           in->why)) != PN_OK ||
        (st = text_get_u32(&interval->max, in->yaml, map, "max", TEXT_REQUIRED, 1, STEPS_MAX,
                           in->why)) != PN_OK ||
        (st = text_get_f64(&interval->min_delta, in->yaml, map, "min_delta", TEXT_OPTIONAL, 0, 1e9,
                           in->why)) != PN_OK)
        return st;
    return check_interval(in, map);
}

static enum pn_status
read_stopping(struct reader *in)
{
    static const char *const known[] = {"metric", "patience", "min_delta"};
    struct fed_job          *job     = in->job;
    const struct text_node  *map     = NULL;
    enum nn_metric_kind      metric;
    enum pn_status st = text_get_map(&map, in->yaml, in->root, "stopping", TEXT_OPTIONAL, in->why);
    if (st != PN_OK || map == NULL)
        return st;
    if ((st = text_check_keys(in->yaml, map, known, COUNT_OF(known), in->why)) != PN_OK ||
        (st = read_watched(&metric, in, map, "metric")) != PN_OK ||
        (st = text_get_u32(&job->patience, in->yaml, map, "patience", TEXT_OPTIONAL, 1, ROUNDS_MAX,
                           in->why)) != PN_OK ||
        (st = text_get_f64(&job->min_delta, in->yaml, map, "min_delta", TEXT_OPTIONAL, 0, 1e9,
                           in->why)) != PN_OK)
        return st;
    job->stop_metric = nn_metric_names[metric];
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
    nn_optimiser_init(&job->optimiser, &nn_sgd_kind);
    nn_schedule_init(&job->schedule);
    job->batch           = 32;
    job->parts           = 1;
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
    static read_fn *const sections[] = {read_head,    read_model,    read_training, read_rounds,
                                        read_metrics, read_stopping, read_interval, read_limits};
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

uint32_t
fed_job_epochs(const struct fed_job *job, uint32_t steps, uint64_t records)
{
    if (steps == 0)
        steps = job->steps;
    if (steps == 0 || records == 0)
        return job->epochs;
    uint64_t an_epoch = (records + job->batch - 1) / job->batch;
    return (uint32_t)((steps + an_epoch - 1) / an_epoch);
}

void
fed_job_training(struct nn_training *out, const struct fed_job *job, uint64_t round, uint32_t steps,
                 uint32_t records)
{
    uint64_t an_epoch = ((uint64_t)records + job->batch - 1) / job->batch;
    uint32_t epochs   = fed_job_epochs(job, steps, records);
    uint32_t counted  = steps > 0 ? steps : job->steps;
    uint64_t all      = counted > 0 ? counted : an_epoch * epochs;
    bool     count    = job->clock == FED_CLOCK_STEPS;
    *out              = (struct nn_training){.optimiser = job->optimiser, .batch = job->batch};
    out->epochs       = epochs;
    out->steps        = counted;
    out->pace         = (struct nn_pace){.schedule = job->schedule,
                                         .every    = count ? 0 : epochs,
                                         .before   = (round - 1) * (count ? all : 1),
                                         .total    = job->rounds * (count ? all : 1)};
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
