/*
 * nn_step -- microseconds of one training step, or of one prediction, on data and weights that
 * bench/train/run.py lays out; so that panal and its peers start from the same bits.
 *
 *     nn_step DIR BATCH [--after FILE] [--seconds S] [--workers N] [--predict]
 *                       [--cpu base|avx2|avx512]
 *
 * DIR holds model.txt (nnlib/plan.h) and float32 arrays: theta.f32, x.f32 and y.f32 of BATCHES
 * batches. First one pass of plain SGD at rate 0.01, one step a batch; the weights after it go to
 * FILE. Then passes, or with --predict forwards of one record, for S seconds. One JSON object on
 * stdout. With workers a team of them (nnlib/team.h) shares each batch, cut into as many parts.
 * Exit code 77: the model needs something that nnlib does not have; the sentence is on
 * stderr.
 */
#include "nnlib/cpu.h"
#include "nnlib/team.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BATCHES    = 32,
    PASSES_MAX = 65536,
    FORWARDS   = 1000, /* timed at once: one alone is shorter than the clock's own cost */
    NOT_KNOWN  = 77
};
static const double rate = 0.01;

struct wish {
    const char *dir, *after;
    uint32_t    batch, workers;
    double      seconds;
    bool        predicts;
};

struct bench {
    struct nn_plan *plan;
    struct nn_pass *pass;
    struct nn_team *team; /* NULL: the pass alone */
    float          *theta, *x, *y;
    size_t          params, in, target;
    uint32_t        batch;
};

static double
clock_us(clockid_t which)
{
    struct timespec t;
    (void)clock_gettime(which, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static _Noreturn void
give_up(int code, const char *what, const char *which)
{
    fprintf(stderr, "nn_step: %s%s\n", what, which);
    exit(code);
}

static void *
block(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (memory == NULL)
        give_up(1, "out of memory", "");
    return memory;
}

static FILE *
open_in(const char *dir, const char *name)
{
    char  path[4096];
    FILE *file = NULL;
    if (snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path)
        file = fopen(path, "rb");
    if (file == NULL)
        give_up(1, "cannot read ", name);
    return file;
}

/* Exactly `count` floats. */
static float *
load(const char *dir, const char *name, size_t count)
{
    FILE  *file   = open_in(dir, name);
    float *floats = block(count * sizeof *floats);
    if (fread(floats, sizeof *floats, count, file) != count || fgetc(file) != EOF)
        give_up(1, "wrong number of floats in ", name);
    (void)fclose(file);
    return floats;
}

static void
open_bench(struct bench *bench, const struct wish *wish)
{
    static char     text[65536];
    struct pn_error why  = {.text = ""};
    FILE           *file = open_in(wish->dir, "model.txt");
    size_t          size = fread(text, 1, sizeof text, file), bytes;
    (void)fclose(file);
    bench->batch = wish->batch;
    bench->team  = NULL;
    if (nn_plan_new(&bench->plan, text, size, &why) != PN_OK ||
        nn_plan_may_train(bench->plan, &why) != PN_OK)
        give_up(NOT_KNOWN, why.text, "");
    if (nn_pass_bytes(&bytes, bench->plan, bench->batch, NN_TRAIN) != PN_OK)
        give_up(1, "no such batch", "");
    bench->pass = nn_pass_init(block(bytes), bench->plan, bench->batch, NN_TRAIN);
    if (wish->workers > 0 &&
        nn_team_new(&bench->team, bench->plan,
                    (struct nn_team_size){wish->batch, wish->workers, wish->workers},
                    &why) != PN_OK)
        give_up(1, why.text, "");
    bench->params = (size_t)nn_plan_param_count(bench->plan);
    bench->in     = nn_plan_input_size(bench->plan);
    bench->target = nn_plan_target_size(bench->plan);
    bench->theta  = load(wish->dir, "theta.f32", bench->params);
    bench->x      = load(wish->dir, "x.f32", bench->in * bench->batch * BATCHES);
    bench->y      = load(wish->dir, "y.f32", bench->target * bench->batch * BATCHES);
}

/* The loss of the last batch. */
static double
one_pass(struct bench *bench)
{
    double loss = 0;
    for (size_t i = 0; i < BATCHES; i++) {
        struct nn_batch batch = {.x      = bench->x + i * bench->batch * bench->in,
                                 .target = bench->y + i * bench->batch * bench->target,
                                 .rows   = bench->batch};
        if (bench->team != NULL)
            loss = nn_team_sgd(bench->team, bench->theta, &batch, rate, 0);
        else
            loss = nn_sgd(bench->pass, bench->theta, &batch, rate, 0);
    }
    return loss;
}

static double
many_forwards(struct bench *bench)
{
    const float *y = NULL;
    for (size_t i = 0; i < FORWARDS; i++)
        y = nn_forward(bench->pass, bench->theta, bench->x + i % BATCHES * bench->in, 1);
    return (double)y[0];
}

static int
by_value(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Wall and processor time of steps, or of forwards, again and again. */
static void
measure(struct bench *bench, const struct wish *wish, double first)
{
    static double wall[PASSES_MAX], cpu[PASSES_MAX];
    size_t        count = 0, each = wish->predicts ? FORWARDS : BATCHES;
    double        last = 0, end = clock_us(CLOCK_MONOTONIC) + wish->seconds * 1e6;
    for (; count < PASSES_MAX && (count < 5 || clock_us(CLOCK_MONOTONIC) < end); count++) {
        double start = clock_us(CLOCK_MONOTONIC), used = clock_us(CLOCK_PROCESS_CPUTIME_ID);
        last        = wish->predicts ? many_forwards(bench) : one_pass(bench);
        wall[count] = (clock_us(CLOCK_MONOTONIC) - start) / (double)each;
        cpu[count]  = (clock_us(CLOCK_PROCESS_CPUTIME_ID) - used) / (double)each;
    }
    qsort(wall, count, sizeof wall[0], by_value);
    qsort(cpu, count, sizeof cpu[0], by_value);
    printf("{\"us_min\": %.3f, \"us_median\": %.3f, \"cpu_us_min\": %.3f, \"passes\": %zu, "
           "\"level\": \"%s\", \"loss_after_32_steps\": %.6f, \"last\": %.6f}\n",
           wall[0], wall[count / 2], cpu[0], count, nn_cpu_names[nn_cpu_level()], first, last);
}

static void
save(const struct bench *bench, const char *path)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL ||
        fwrite(bench->theta, sizeof *bench->theta, bench->params, file) != bench->params ||
        fclose(file) != 0)
        give_up(1, "cannot write ", path);
}

static void
limit_level(const char *name)
{
    for (enum nn_cpu level = NN_CPU_BASE; level < NN_CPU_COUNT; level++)
        if (strcmp(name, nn_cpu_names[level]) == 0 && nn_cpu_has(level)) {
            nn_cpu_limit(level);
            return;
        }
    give_up(1, "this machine has no level ", name);
}

static void
read_wish(struct wish *wish, int argc, char **argv)
{
    if (argc < 3)
        give_up(2, "usage: nn_step DIR BATCH [options]", "");
    *wish =
        (struct wish){.dir = argv[1], .batch = (uint32_t)strtoul(argv[2], NULL, 10), .seconds = 1};
    for (int i = 3; i < argc; i++)
        if (strcmp(argv[i], "--predict") == 0)
            wish->predicts = true;
        else if (i + 1 == argc)
            give_up(2, "what does this say: ", argv[i]);
        else if (strcmp(argv[i], "--after") == 0)
            wish->after = argv[++i];
        else if (strcmp(argv[i], "--seconds") == 0)
            wish->seconds = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--workers") == 0)
            wish->workers = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--cpu") == 0)
            limit_level(argv[++i]);
        else
            give_up(2, "what does this say: ", argv[i]);
}

int
main(int argc, char **argv)
{
    struct wish  wish;
    struct bench bench;
    read_wish(&wish, argc, argv);
    if (nn_start_up() != PN_OK)
        give_up(1, "BLAS cannot be set to one thread", "");
    open_bench(&bench, &wish);
    double first = one_pass(&bench);
    if (wish.after != NULL)
        save(&bench, wish.after);
    measure(&bench, &wish, first);
    nn_team_free(bench.team);
    return 0;
}
