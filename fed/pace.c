#include "fed/pace.h"

#include <string.h>

void
fed_pace_init(struct fed_pace *pace, const struct fed_job *job)
{
    PN_ASSERT(job->interval.max > 0);
    *pace = (struct fed_pace){
        .steps = job->steps,
        .watch = {.min_delta         = job->interval.min_delta,
                  .smaller_is_better = nn_metric_smaller_is_better(job->interval.metric)}};
}

/* The newest model's turn has come. */
static void
count_newest(struct fed_pace *pace, const struct fed_job *job)
{
    const struct fed_interval *interval = &job->interval;
    bool                       first    = !pace->watch.begun;
    if (pace->measured == 0)
        return;
    pace->measured = 0;
    bool better    = nn_stopping_step(&pace->watch, pace->newest) == NN_STOPPING_IMPROVED;
    if (first)
        return;
    if (better)
        pace->steps = pace->steps > interval->max / 2 ? interval->max : 2 * pace->steps;
    else
        pace->steps = pace->steps / 2 < interval->min ? interval->min : pace->steps / 2;
}

void
fed_pace_take(struct fed_pace *pace, const struct fed_job *job, const struct wire_block *block)
{
    const char *name = nn_metric_names[job->interval.metric];
    for (size_t i = 0; i < block->metric_count; i++) {
        if (strcmp(block->metrics[i].name, name) != 0)
            continue;
        count_newest(pace, job);
        pace->newest   = block->metrics[i].value;
        pace->measured = block->agreement != NULL ? block->round - 1 : block->round;
    }
}

uint32_t
fed_pace_steps(const struct fed_pace *pace, const struct fed_job *job, uint64_t round)
{
    struct fed_pace now = *pace;
    if (now.measured + 2 <= round)
        count_newest(&now, job);
    return now.steps;
}
