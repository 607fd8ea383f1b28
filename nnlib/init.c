#include "nnlib/init.h"

#include "nnlib/layer.h"

const char *const nn_init_names[] = {
    "he",      "he_uniform",    "he_trunc",    "xavier", "xavier_normal", "xavier_trunc",
    "lecun",   "lecun_uniform", "lecun_trunc", "torch",  "orthogonal",    "random",
    "uniform", "constant",      "zero",        NULL};

/* The deviation of a standard normal that is cut at -2 and 2. */
static const double truncated_deviation = 0.87962566103423978;

enum shape {
    NORMAL,
    TRUNCATED,
    UNIFORM,
    SAME
};

/* The shape of the distribution and its width: a deviation, a bound, or the number itself. */
static enum shape
spread(double *width, const struct nn_init *init, const struct nn_tensor *tensor)
{
    double in = tensor->fan_in, both = in + tensor->fan_out;
    switch (init->kind) {
    case NN_INIT_HE:
        return *width = sqrt(2 / in), NORMAL;
    case NN_INIT_HE_UNIFORM:
        return *width = sqrt(6 / in), UNIFORM;
    case NN_INIT_HE_TRUNC:
        return *width = sqrt(2 / in), TRUNCATED;
    case NN_INIT_XAVIER:
        return *width = sqrt(6 / both), UNIFORM;
    case NN_INIT_XAVIER_NORMAL:
        return *width = sqrt(2 / both), NORMAL;
    case NN_INIT_XAVIER_TRUNC:
        return *width = sqrt(2 / both), TRUNCATED;
    case NN_INIT_LECUN:
        return *width = sqrt(1 / in), NORMAL;
    case NN_INIT_LECUN_UNIFORM:
        return *width = sqrt(3 / in), UNIFORM;
    case NN_INIT_LECUN_TRUNC:
        return *width = sqrt(1 / in), TRUNCATED;
    case NN_INIT_TORCH:
        return *width = sqrt(1 / in), UNIFORM;
    case NN_INIT_ORTHOGONAL:
        return *width = 1, NORMAL;
    case NN_INIT_RANDOM:
        return *width = init->scale, NORMAL;
    case NN_INIT_UNIFORM:
        return *width = init->scale, UNIFORM;
    case NN_INIT_CONSTANT:
        return *width = init->scale, SAME;
    case NN_INIT_ZERO:
    case NN_INIT_FORGET:
        return *width = 0, SAME;
    }
    PN_UNREACHABLE("init kind");
}

static double
draw(enum shape shape, double width, struct pn_rng *rng)
{
    double x;
    switch (shape) {
    case SAME:
        return width;
    case UNIFORM:
        return width * (2 * pn_rng_uniform(rng) - 1);
    case NORMAL:
        return width * pn_rng_normal(rng);
    case TRUNCATED:
        do /* 95 in 100 are taken */
            x = pn_rng_normal(rng);
        while (x < -2 || x > 2);
        return width / truncated_deviation * x;
    }
    PN_UNREACHABLE("shape");
}

/* ---- orthogonal: Gram and Schmidt, blocks of vectors at a time, each twice ---- */

struct vectors { /* `count` of `len` numbers; vector i's k-th number is at[i * step + k * hop] */
    nn_real *at;
    size_t   count, len, step, hop;
};

enum {
    BLOCK = 64
};

/* Takes the parts along vectors from .. from + many - 1 out of vector j. */
static void
take_out(const struct vectors *v, size_t j, size_t from, size_t many)
{
    double dots[BLOCK] = {0};
    for (size_t k = 0; k < v->len; k++) {
        const nn_real *row = v->at + k * v->hop;
        for (size_t i = 0; i < many; i++)
            dots[i] += (double)row[(from + i) * v->step] * (double)row[j * v->step];
    }
    for (size_t k = 0; k < v->len; k++) {
        nn_real *row  = v->at + k * v->hop;
        double   part = 0;
        for (size_t i = 0; i < many; i++)
            part += dots[i] * (double)row[(from + i) * v->step];
        row[j * v->step] = (nn_real)((double)row[j * v->step] - part);
    }
}

static void
normalise(const struct vectors *v, size_t j)
{
    double squares = 0;
    for (size_t k = 0; k < v->len; k++)
        squares +=
            (double)v->at[j * v->step + k * v->hop] * (double)v->at[j * v->step + k * v->hop];
    double scale = squares > 0 ? 1 / sqrt(squares) : 0;
    for (size_t k = 0; k < v->len; k++) {
        nn_real *x = &v->at[j * v->step + k * v->hop];
        *x         = (nn_real)((double)*x * scale);
    }
}

static void
orthogonalise(const struct vectors *v)
{
    for (size_t j = 0; j < v->count; j++)
        for (int again = 0; again < 2; again++) { /* "twice is enough", Giraud et al., 2005 */
            for (size_t from = 0; from < j; from += BLOCK)
                take_out(v, j, from, j - from < BLOCK ? j - from : BLOCK);
            normalise(v, j);
        }
}

void
nn_init_fill(nn_real *w, const struct nn_tensor *tensor, const struct nn_init *init,
             struct pn_rng *rng)
{
    double     width;
    enum shape shape = spread(&width, init, tensor);
    for (uint64_t k = 0; k < tensor->count; k++)
        w[k] = (nn_real)draw(shape, width, rng);
    for (uint64_t k = tensor->count / 4; init->kind == NN_INIT_FORGET && k < tensor->count / 2; k++)
        w[k] = (nn_real)init->scale;
    if (init->kind != NN_INIT_ORTHOGONAL)
        return;
    size_t rows = tensor->dim[0], columns = (size_t)(tensor->count / tensor->dim[0]);
    if (rows <= columns)
        orthogonalise(&(struct vectors){w, rows, columns, columns, 1});
    else
        orthogonalise(&(struct vectors){w, columns, rows, 1, columns});
}

/* ---- what a plan as a whole starts with ---- */

void
nn_plan_init(nn_real *theta, const struct nn_plan *plan, const struct pn_rng *rng)
{
    for (uint32_t i = 0; i < plan->tensor_count; i++) {
        struct pn_rng child;
        pn_rng_derive(&child, rng, PN_RNG_INIT, i);
        nn_init_fill(theta + plan->tensors[i].offset, &plan->tensors[i], &plan->inits[i], &child);
    }
}

/* The bias of the layer that the loss reads: its only tensor of one dimension. */
static const struct nn_tensor *
output_bias(const struct nn_plan *plan)
{
    for (uint32_t i = 0; i < plan->tensor_count; i++)
        if (plan->tensors[i].layer == plan->losses[0].layer && plan->tensors[i].dims == 1 &&
            !plan->tensors[i].decay)
            return &plan->tensors[i];
    return NULL;
}

enum pn_status
nn_init_prior(nn_real *theta, const struct nn_plan *plan, const double *counts, uint32_t classes,
              struct pn_error *why)
{
    const struct nn_tensor *bias = output_bias(plan);
    double                  all  = 0;
    if (nn_plan_class_count(plan) != classes || classes == 0)
        return pn_error_set(why, PN_ECONFIG,
                            "expected counts of the %u classes of loss %s, seen %u",
                            nn_plan_class_count(plan), nn_plan_loss(plan), classes);
    if (bias == NULL)
        return pn_error_set(why, PN_ECONFIG, "expected a bias in '%s', the layer that %s reads",
                            plan->layers[plan->losses[0].layer].name, nn_plan_loss(plan));
    for (uint32_t k = 0; k < classes; k++) {
        if (!(counts[k] > 0) || !isfinite(counts[k]))
            return pn_error_set(why, PN_EDATA,
                                "expected records of every class, seen %g of class %u", counts[k],
                                k);
        all += counts[k];
    }
    if (bias->count == 1)
        theta[bias->offset] = (nn_real)log(counts[1] / counts[0]);
    for (uint32_t k = 0; bias->count > 1 && k < classes; k++)
        theta[bias->offset + k] = (nn_real)log(counts[k] / all);
    return PN_OK;
}

const char *
nn_init_symmetric(const struct nn_plan *plan)
{
    for (uint32_t i = 0; i < plan->tensor_count; i++) {
        const struct nn_tensor *tensor = &plan->tensors[i];
        bool same = plan->inits[i].kind == NN_INIT_ZERO || plan->inits[i].kind == NN_INIT_CONSTANT;
        if (same && tensor->decay && tensor->dims >= 2 && tensor->layer != plan->losses[0].layer)
            return tensor->name;
    }
    return NULL;
}
