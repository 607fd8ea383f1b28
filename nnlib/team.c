#include "nnlib/team.h"

#include "nnlib/block.h"
#include "nnlib/pass_inside.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    ALIGN   = 64,
    PATIENT = 200, /* looks at the clock of work before a thread goes to sleep; some 50 us */
    SLICE   = 24   /* units: whole tiles of the products of nnlib/gemm */
};

struct shard {
    struct nn_pass *pass;
    nn_real        *grad;
    double          loss;  /* of its rows */
    double          share; /* of the batch's weight */
};

/* Units of a layer whose gradient goes into the result at once, from all parts: their weights are
 * the most of a dense network, and are read and written once instead of once a part and again for
 * the sum. */
struct slice {
    uint32_t layer, from, to;
};

/* What the threads do next. */
enum job {
    DESCEND, /* the gradients of the parts, but for the slices */
    ADD,     /* their sum, into grad       */
    STEP,    /* their sum, onto theta      */
    STOP
};

struct nn_team {
    const struct nn_plan *plan;
    struct nn_team_size   size;
    struct shard         *shards;
    uint32_t              shard_count; /* of this batch */
    struct slice         *slices;
    uint32_t              slice_count;
    bool                 *sliced; /* by tensor */
    struct pn_rng         rng;
    uint64_t              first_row;

    enum job               job; /* with the next four: written before `round` grows */
    const nn_real         *theta;
    const struct nn_batch *batch;
    nn_real               *out;
    nn_real                alpha, keep; /* of a part's gradient; of a weight that decays */

    atomic_uint     next_slice;      /* that nobody took yet */
    atomic_uint     round, finished; /* jobs given out, jobs that all threads have done */
    atomic_uint     busy, hired;     /* threads at work, and ever; without the caller   */
    pthread_mutex_t lock;
    pthread_cond_t  changed;
    pthread_t       threads[NN_SHARDS_MAX];
    uint32_t        thread_count; /* that run */
};

/* ---- the work ---- */

static uint32_t
row_of(const struct nn_team *team, uint32_t shard)
{
    return (uint32_t)((uint64_t)team->batch->rows * shard / team->shard_count);
}

static double
weight_of(const struct nn_batch *batch)
{
    double sum = 0;
    if (batch->weight == NULL)
        return batch->rows;
    for (uint32_t b = 0; b < batch->rows; b++)
        sum += (double)batch->weight[b];
    return sum;
}

/* Rows from .. to - 1. */
static struct nn_batch
cut(const struct nn_team *team, uint32_t from, uint32_t to)
{
    const struct nn_batch *batch = team->batch;
    return (struct nn_batch){
        .x      = batch->x + (size_t)from * team->plan->input_size,
        .target = batch->target + (size_t)from * team->plan->target_size,
        .weight = batch->weight != NULL ? batch->weight + from : NULL,
        .rows   = to - from,
    };
}

static void
descend(struct nn_team *team, uint32_t s)
{
    struct shard   *shard = &team->shards[s];
    uint32_t        from  = row_of(team, s);
    struct nn_batch part  = cut(team, from, row_of(team, s + 1));
    double          whole = weight_of(team->batch);
    shard->share          = whole > 0 ? weight_of(&part) / whole : 0;
    struct sink sink      = sink_of(shard->grad, team->alpha * (nn_real)shard->share, NN_R(0.0));
    sink.spares           = true;
    nn_pass_draw(shard->pass, &team->rng, team->first_row + from);
    shard->loss = pass_descend(shard->pass, &sink, NULL, team->theta, &part);
}

/* What becomes of the number that the sum is added to. */
static nn_real
keep_of(const struct nn_team *team, bool decays)
{
    return team->job == ADD ? NN_R(0.0) : decays ? team->keep : NN_R(1.0);
}

static void
add_slice(const struct nn_team *team, const struct slice *slice)
{
    for (uint32_t s = 0; s < team->shard_count; s++) {
        const struct shard *shard = &team->shards[s];
        struct sink         sink  = {.into       = team->out,
                                     .alpha      = team->alpha * (nn_real)shard->share,
                                     .beta       = s == 0 ? keep_of(team, false) : NN_R(1.0),
                                     .beta_decay = s == 0 ? keep_of(team, true) : NN_R(1.0)};
        pass_unit_gradient(shard->pass, &sink, team->theta, slice->layer, slice->from, slice->to);
    }
}

/* out = keep out + the sum of the parts, for parameters from .. to - 1; keep 0: overwritten. */
static void
add(const struct nn_team *team, size_t from, size_t to, nn_real keep)
{
    nn_real *restrict out = team->out;
    for (uint32_t s = 0; s < team->shard_count; s++) {
        const nn_real *grad = team->shards[s].grad;
        nn_real        k    = s == 0 ? keep : NN_R(1.0);
        if (k == NN_R(0.0))
            memcpy(out + from, grad + from, (to - from) * sizeof *out);
        else
            for (size_t i = from; i < to; i++)
                out[i] = k * out[i] + grad[i];
    }
}

/* Tensor by tensor, as far as they lie in from .. to - 1. */
static void
add_tensors(const struct nn_team *team, size_t from, size_t to)
{
    for (uint32_t t = 0; t < team->plan->tensor_count; t++) {
        const struct nn_tensor *row   = &team->plan->tensors[t];
        size_t                  first = (size_t)row->offset, last = first + (size_t)row->count;
        bool                    held = row->role == NN_FROZEN || row->role == NN_BUFFER;
        if (team->sliced[t] || (held && team->job == STEP))
            continue;
        first = first > from ? first : from;
        last  = last < to ? last : to;
        if (first < last)
            add(team, first, last, keep_of(team, row->decay));
    }
}

/* Slices as long as there are any; then blocks of parameters that the first cache holds while all
 * parts are added to them. */
static void
reduce(struct nn_team *team, uint32_t me)
{
    enum {
        BLOCK = 2048
    };
    for (;;) {
        unsigned s = atomic_fetch_add_explicit(&team->next_slice, 1, memory_order_relaxed);
        if (s >= team->slice_count)
            break;
        add_slice(team, &team->slices[s]);
    }
    size_t params = (size_t)team->plan->params, blocks = (params + BLOCK - 1) / BLOCK;
    size_t first = blocks * me / team->size.workers, last = blocks * (me + 1) / team->size.workers;
    for (size_t b = first; b < last; b++) {
        size_t from = b * BLOCK, to = from + BLOCK < params ? from + BLOCK : params;
        add_tensors(team, from, to);
    }
}

static void
work(struct nn_team *team, uint32_t me)
{
    if (team->job == DESCEND)
        for (uint32_t s = me; s < team->shard_count; s += team->size.workers)
            descend(team, s);
    else
        reduce(team, me);
}

/* ---- the threads ---- */

/* Until *word is no longer `old`. */
static void
await(struct nn_team *team, atomic_uint *word, unsigned old)
{
    for (int i = 0; i < PATIENT; i++) {
        if (atomic_load_explicit(word, memory_order_acquire) != old)
            return;
        (void)sched_yield();
    }
    (void)pthread_mutex_lock(&team->lock);
    while (atomic_load_explicit(word, memory_order_acquire) == old)
        (void)pthread_cond_wait(&team->changed, &team->lock);
    (void)pthread_mutex_unlock(&team->lock);
}

static void
advance(struct nn_team *team, atomic_uint *word)
{
    (void)pthread_mutex_lock(&team->lock);
    (void)atomic_fetch_add_explicit(word, 1, memory_order_release);
    (void)pthread_cond_broadcast(&team->changed);
    (void)pthread_mutex_unlock(&team->lock);
}

static void *
run(void *argument)
{
    struct nn_team *team = argument;
    uint32_t        me   = 1 + atomic_fetch_add_explicit(&team->hired, 1, memory_order_relaxed);
    for (unsigned round = 0;; round++) {
        await(team, &team->round, round);
        if (team->job == STOP)
            return NULL;
        work(team, me);
        if (atomic_fetch_sub_explicit(&team->busy, 1, memory_order_acq_rel) == 1)
            advance(team, &team->finished);
    }
}

/* Everybody does the job; back when all have. */
static void
together(struct nn_team *team, enum job job)
{
    unsigned finished = atomic_load_explicit(&team->finished, memory_order_relaxed);
    team->job         = job;
    atomic_store_explicit(&team->next_slice, 0, memory_order_relaxed);
    if (team->thread_count == 0) {
        work(team, 0);
        return;
    }
    atomic_store_explicit(&team->busy, team->thread_count, memory_order_relaxed);
    advance(team, &team->round);
    work(team, 0);
    await(team, &team->finished, finished);
}

static enum pn_status
start_threads(struct nn_team *team)
{
    for (; team->thread_count + 1 < team->size.workers; team->thread_count++)
        if (pthread_create(&team->threads[team->thread_count], NULL, run, team) != 0)
            return PN_ENOMEM;
    return PN_OK;
}

/* ---- life ---- */

enum pn_status
nn_team_may_cut(const struct nn_plan *plan, struct pn_error *why)
{
    enum pn_status st = nn_plan_may_train(plan, why);
    if (st != PN_OK)
        return PN_ESTATE;
    if (nn_plan_mixes_rows(plan))
        return pn_error_set(why, PN_ESTATE,
                            "a batch of this model cannot be cut into parts: a layer's value for a "
                            "record depends on the other records; compute it in one part, or use "
                            "a norm over each record");
    if (!nn_plan_adds_up(plan))
        return pn_error_set(why, PN_ESTATE,
                            "a batch of this model cannot be cut into parts: its loss does not "
                            "divide by the sum of the records' weights (class_weights, reduce, "
                            "missing); compute it in one part");
    return PN_OK;
}

static enum pn_status
check(const struct nn_plan *plan, const struct nn_team_size *size, struct pn_error *why)
{
    enum pn_status st = nn_team_may_cut(plan, why);
    if (st != PN_OK)
        return st;
    if (size->batch == 0 || size->shards == 0 || size->shards > NN_SHARDS_MAX ||
        size->workers == 0 || size->workers > size->shards)
        return pn_error_set(why, PN_ERANGE,
                            "expected a batch of at least 1 row, 1..%d shards and 1..shards "
                            "workers, got %u, %u and %u",
                            NN_SHARDS_MAX, size->batch, size->shards, size->workers);
    return PN_OK;
}

/* Of all layers, into `out` unless it is NULL; how many. */
static uint32_t
cut_slices(struct slice *out, const struct nn_plan *plan)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->layer_count; i++)
        for (uint32_t at = 0, units = pass_units(plan, i); at < units; at += SLICE, count++)
            if (out != NULL)
                out[count] = (struct slice){i, at, at + SLICE < units ? at + SLICE : units};
    return count;
}

/* One block: team, shards, slices, by tensor whether in slices, then a pass and a gradient for each
 * shard. With base NULL only the size, in *total; false when it does not fit a size_t. */
static bool
lay_out(unsigned char *base, size_t *total, const struct nn_plan *plan, struct nn_team_size size,
        size_t pass_bytes)
{
    uint32_t rows   = size.batch / size.shards + (size.batch % size.shards > 0 ? 1 : 0);
    uint32_t slices = cut_slices(NULL, plan);
    void    *team, *shards, *list, *sliced, *pass, *grad;
    *total = 0;
    if (!nn_block_take(&team, base, total, 1, sizeof(struct nn_team)) ||
        !nn_block_take(&shards, base, total, size.shards, sizeof(struct shard)) ||
        !nn_block_take(&list, base, total, slices, sizeof(struct slice)) ||
        !nn_block_take(&sliced, base, total, plan->tensor_count, sizeof(bool)))
        return false;
    if (base != NULL)
        *(struct nn_team *)team = (struct nn_team){.plan        = plan,
                                                   .size        = size,
                                                   .shards      = shards,
                                                   .slices      = list,
                                                   .slice_count = slices,
                                                   .sliced      = sliced};
    for (uint32_t s = 0; s < size.shards; s++) {
        if (!nn_block_take(&pass, base, total, pass_bytes, 1) ||
            !nn_block_take(&grad, base, total, (size_t)plan->params, sizeof(nn_real)))
            return false;
        if (base != NULL)
            ((struct shard *)shards)[s] =
                (struct shard){.pass = nn_pass_init(pass, plan, rows, NN_TRAIN), .grad = grad};
    }
    return true;
}

static enum pn_status
make(struct nn_team **out, const struct nn_plan *plan, struct nn_team_size size)
{
    uint32_t       rows = size.batch / size.shards + (size.batch % size.shards > 0 ? 1 : 0);
    size_t         pass, total;
    enum pn_status st = nn_pass_bytes(&pass, plan, rows, NN_TRAIN);
    if (st != PN_OK)
        return st;
    if (!lay_out(NULL, &total, plan, size, pass))
        return PN_ERANGE;
    unsigned char *base = aligned_alloc(ALIGN, total);
    if (base == NULL)
        return PN_ENOMEM;
    (void)lay_out(base, &total, plan, size, pass);
    struct nn_team *team = (struct nn_team *)(void *)base;
    (void)cut_slices(team->slices, plan);
    for (uint32_t i = 0; i < plan->layer_count; i++)
        for (uint32_t t = 0; t < plan->layers[i].tensor_count; t++)
            team->sliced[plan->layers[i].tensors[t]] = pass_units(plan, i) > 0;
    pn_rng_init(&team->rng, 0);
    *out = team;
    return PN_OK;
}

enum pn_status
nn_team_new(struct nn_team **out, const struct nn_plan *plan, struct nn_team_size size,
            struct pn_error *why)
{
    struct nn_team *team;
    enum pn_status  st = check(plan, &size, why);
    if (st != PN_OK)
        return st;
    if ((st = make(&team, plan, size)) != PN_OK)
        return pn_error_set(why, st, "no memory for %u parts of a batch of %u", size.shards,
                            size.batch);
    atomic_init(&team->round, 0);
    atomic_init(&team->finished, 0);
    atomic_init(&team->busy, 0);
    atomic_init(&team->hired, 0);
    (void)pthread_mutex_init(&team->lock, NULL);
    (void)pthread_cond_init(&team->changed, NULL);
    if ((st = start_threads(team)) != PN_OK) {
        nn_team_free(team);
        return pn_error_set(why, st, "the system gives no %u threads", size.workers);
    }
    *out = team;
    return PN_OK;
}

void
nn_team_free(struct nn_team *team)
{
    if (team == NULL)
        return;
    team->job = STOP;
    advance(team, &team->round);
    for (uint32_t t = 0; t < team->thread_count; t++)
        (void)pthread_join(team->threads[t], NULL);
    (void)pthread_cond_destroy(&team->changed);
    (void)pthread_mutex_destroy(&team->lock);
    free(team);
}

/* ---- a batch ---- */

void
nn_team_draw(struct nn_team *team, const struct pn_rng *rng, uint64_t first_row)
{
    team->rng       = *rng;
    team->first_row = first_row;
}

/* The parts' gradients times alpha; returns the loss. */
static double
descend_all(struct nn_team *team, const nn_real *theta, const struct nn_batch *batch, nn_real alpha)
{
    double loss = 0;
    PN_ASSERT(batch->rows >= 1 && batch->rows <= team->size.batch);
    team->theta       = theta;
    team->batch       = batch;
    team->alpha       = alpha;
    team->shard_count = batch->rows < team->size.shards ? batch->rows : team->size.shards;
    together(team, DESCEND);
    for (uint32_t s = 0; s < team->shard_count; s++)
        loss += team->shards[s].share * team->shards[s].loss;
    return loss;
}

double
nn_team_gradient(struct nn_team *team, nn_real *grad, const nn_real *theta,
                 const struct nn_batch *batch)
{
    double loss = descend_all(team, theta, batch, NN_R(1.0));
    team->out   = grad;
    together(team, ADD);
    return loss;
}

double
nn_team_sgd(struct nn_team *team, nn_real *theta, const struct nn_batch *batch, double rate,
            double l2)
{
    double loss = descend_all(team, theta, batch, (nn_real)-rate);
    if (!isfinite(loss))
        return loss;
    team->out  = theta;
    team->keep = (nn_real)(1 - rate * l2);
    together(team, STEP);
    return loss;
}

void
nn_team_settle(struct nn_team *team, nn_real *theta)
{
    nn_settle(team->shards[0].pass, theta);
}

const char *
nn_team_first_not_finite(const struct nn_team *team)
{
    for (uint32_t s = 0; s < team->shard_count; s++) {
        const char *layer = nn_first_not_finite(team->shards[s].pass);
        if (layer != NULL)
            return layer;
    }
    return NULL;
}
