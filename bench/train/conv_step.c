/*
 * conv_step -- microseconds of one training step (plain SGD in the weights) of a model, one thread.
 *
 *     conv_step MODEL BATCH FOLDER [SECONDS]
 *
 * FOLDER holds what conv_pairs.py makes of `train.py --dump`: x.bin and y.bin (32 batches),
 * init.bin and after.bin (the weights before and after one pass over them, rate 0.01), floats.
 * First one pass and its distance from after.bin; then passes for SECONDS; one line of JSON.
 */
#include "nnlib/train.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BATCHES  = 32,
    RUNS_MAX = 4096
};

static double
now_us(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int
by_value(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static void
stop(const char *what)
{
    fprintf(stderr, "conv_step: %s\n", what);
    exit(1);
}

static void *
need(size_t bytes)
{
    void *block = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (block == NULL)
        stop("out of memory");
    return block;
}

/* Exactly `bytes` of a file, or up to them if they are text. */
static void *
load(const char *folder, const char *name, size_t bytes, bool text)
{
    char  path[4096];
    char *block = need(bytes + 1);
    (void)snprintf(path, sizeof path, "%s%s%s", folder, folder[0] == '\0' ? "" : "/", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        stop(path);
    size_t size = fread(block, 1, bytes, file);
    block[size] = '\0';
    (void)fclose(file);
    if (!text && size != bytes)
        stop(path);
    return block;
}

struct job {
    struct nn_plan *plan;
    struct nn_pass *pass;
    float          *theta, *x, *y;
    uint32_t        batch;
};

static double
one_pass(const struct job *job)
{
    double loss = 0;
    for (size_t i = 0; i < BATCHES; i++) {
        struct nn_batch batch = {.x      = job->x + i * job->batch * nn_plan_input_size(job->plan),
                                 .target = job->y + i * job->batch,
                                 .rows   = job->batch};
        loss                  = nn_sgd(job->pass, job->theta, &batch, 0.01, 0);
    }
    return loss;
}

static double
distance(const float *a, const float *b, size_t count)
{
    double most = 0, scale = 0;
    for (size_t k = 0; k < count; k++) {
        most  = fmax(most, fabs((double)a[k] - (double)b[k]));
        scale = fmax(scale, fabs((double)b[k]));
    }
    return most / scale;
}

static void
open_job(struct job *job, const char *model, const char *folder)
{
    struct pn_error why  = {.text = ""};
    char           *text = load("", model, 65536, true);
    size_t          bytes;
    if (nn_start_up() != PN_OK || nn_plan_new(&job->plan, text, strlen(text), &why) != PN_OK)
        stop(why.text);
    if (nn_pass_bytes(&bytes, job->plan, job->batch, NN_TRAIN) != PN_OK)
        stop("this model cannot be trained");
    free(text);
    job->pass  = nn_pass_init(need(bytes), job->plan, job->batch, NN_TRAIN);
    job->theta = load(folder, "init.bin", nn_plan_param_count(job->plan) * 4, false);
    job->x = load(folder, "x.bin", (size_t)BATCHES * job->batch * nn_plan_input_size(job->plan) * 4,
                  false);
    job->y = load(folder, "y.bin", (size_t)BATCHES * job->batch * 4, false);
}

int
main(int argc, char **argv)
{
    static double runs[RUNS_MAX], cpu[RUNS_MAX];
    struct job    job;
    size_t        count = 0;
    if (argc < 4)
        stop("usage: conv_step MODEL BATCH FOLDER [SECONDS]");
    job.batch = (uint32_t)strtoul(argv[2], NULL, 10);
    open_job(&job, argv[1], argv[3]);
    size_t params = nn_plan_param_count(job.plan);
    float *after  = load(argv[3], "after.bin", params * 4, false);
    double loss = one_pass(&job), apart = distance(job.theta, after, params);
    double end = now_us(CLOCK_MONOTONIC) + (argc > 4 ? strtod(argv[4], NULL) : 2) * 1e6;
    for (; count < RUNS_MAX && (count < 5 || now_us(CLOCK_MONOTONIC) < end); count++) {
        double wall = now_us(CLOCK_MONOTONIC), process = now_us(CLOCK_PROCESS_CPUTIME_ID);
        (void)one_pass(&job);
        runs[count] = (now_us(CLOCK_MONOTONIC) - wall) / BATCHES;
        cpu[count]  = (now_us(CLOCK_PROCESS_CPUTIME_ID) - process) / BATCHES;
    }
    qsort(runs, count, sizeof runs[0], by_value);
    qsort(cpu, count, sizeof cpu[0], by_value);
    printf("{\"apart\": %.2g, \"loss\": %.6f, \"us_min\": %.1f, \"us_median\": %.1f, "
           "\"cpu_us_min\": %.1f}\n",
           apart, loss, runs[0], runs[count / 2], cpu[0]);
    return 0;
}
