/*
 * panal job check -- what a job is, before anybody runs it.
 */
#include "engine/job.h"
#include "cli/command.h"
#include "text/json.h"

struct check_options {
    bool json;
};
static const struct pn_option check_table[] = {
    {"json", "no", PN_OPT_FLAG, offsetof(struct check_options, json), 0, 0,
     "print JSON instead of text"},
    {0},
};

static void
print_pace(const struct fed_job *job)
{
    const struct fed_interval *interval = &job->interval;
    if (job->time_ms > 0)
        printf("  pace      %g s of training a round, by the clock of each site: as many steps as "
               "its machine makes,\n"
               "            so a run cannot be repeated to the bit; records still weigh the same, "
               "however few steps\n",
               (double)job->time_ms / 1000.0);
    else if (interval->max > 0)
        printf("  pace      %u local steps, twice as many (up to %u) when %s improves by more than "
               "%g, else half (down to %u)\n",
               job->steps, interval->max, nn_metric_names[interval->metric], interval->min_delta,
               interval->min);
    else
        printf("  pace      %u local %s\n", job->steps > 0 ? job->steps : job->epochs,
               job->steps > 0 ? "steps" : "epochs");
}

static void
print_text(const struct engine_job *loaded)
{
    const struct fed_job *job    = loaded->job;
    uint64_t              params = nn_plan_param_count(loaded->plan);
    char                  hash[SEC_HEX_SIZE];
    sec_hash_text(hash, &job->hash);
    printf("job \"%s\" is usable\n  hash      %s\n"
           "  model     %llu parameters, %u inputs, loss %s; a model or an update is %llu bytes\n"
           "  data      %u features from %zu columns%s\n"
           "  training  %s, rate %g, batch %u\n"
           "  rounds    %u, cohort %u, quorum %u\n",
           job->name, hash, (unsigned long long)params, nn_plan_input_size(loaded->plan),
           nn_plan_loss(loaded->plan), (unsigned long long)params * 4,
           nn_plan_input_size(loaded->plan), loaded->schema->column_count,
           loaded->schema->needs_scaling ? ", standardised with federated means and deviations"
                                         : "",
           job->optimiser.kind->name, job->optimiser.rate, job->batch, job->rounds, job->cohort,
           job->quorum);
    print_pace(job);
    if (job->stop_metric != NULL)
        printf("  stopping  when %s has not improved by %g in %u rounds\n", job->stop_metric,
               job->min_delta, job->patience);
}

static enum pn_status
print_json(const struct engine_job *loaded)
{
    struct text_json *json;
    enum pn_status    st = text_json_new(&json);
    if (st != PN_OK)
        return st;
    text_json_string(json, "name", loaded->job->name);
    text_json_hex(json, "hash", loaded->job->hash.bytes, 32);
    text_json_u64(json, "parameters", nn_plan_param_count(loaded->plan));
    text_json_u64(json, "features", nn_plan_input_size(loaded->plan));
    text_json_string(json, "loss", nn_plan_loss(loaded->plan));
    text_json_bool(json, "repeatable", loaded->job->time_ms == 0);
    text_json_u64(json, "rounds", loaded->job->rounds);
    text_json_u64(json, "cohort", loaded->job->cohort);
    text_json_u64(json, "quorum", loaded->job->quorum);
    st = text_json_write(json, stdout);
    text_json_free(json);
    return st;
}

int
cli_job_check(int argc, char **argv)
{
    struct check_options options;
    struct cli_arguments words = {.noun = "job", .verb = "check", .words_min = 1, .words_max = 1};
    int                  code;
    if (!cli_parse(&options, check_table, &words, argc, argv, &code))
        return code;
    struct pn_error   why = {.text = ""};
    struct engine_job loaded;
    enum pn_status    st = engine_job_load(&loaded, words.words[0], &why);
    if (st == PN_OK) {
        if (options.json)
            st = print_json(&loaded);
        else
            print_text(&loaded);
        engine_job_fini(&loaded);
    }
    pn_options_fini(&options, check_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}
