/* Adam and its family: adam, adamw, adamax, nadam, yogi. slot[0] is m, slot[1] is v. */
#include "nnlib/layer.h"
#include "nnlib/optimiser.h"

#define AT(member) offsetof(struct nn_optimiser_config, member)
#define BETAS                                                                                      \
    {"beta1", "0.9", NN_OPTION_NUMBER, AT(beta1), 0, 0.9999999, NULL},                             \
    {                                                                                              \
        "beta2", "0.999", NN_OPTION_NUMBER, AT(beta2), 0, 0.9999999, NULL                          \
    }
#define RATE(start)                                                                                \
    {                                                                                              \
        "rate", start, NN_OPTION_NUMBER, AT(rate), 1e-12, 1000, NULL                               \
    }
#define EPSILON(start)                                                                             \
    {                                                                                              \
        "epsilon", start, NN_OPTION_NUMBER, AT(epsilon), 1e-30, 1, NULL                            \
    }
#define FORMS                                                                                      \
    {"amsgrad", "no", NN_OPTION_WORD, AT(amsgrad), 0, 0, no_yes},                                  \
    {                                                                                              \
        "epsilon_hat", "no", NN_OPTION_WORD, AT(epsilon_hat), 0, 0, no_yes                         \
    }

static const char *const no_yes[] = {"no", "yes", NULL};

static const struct nn_option adam_options[]  = {RATE("0.001"), BETAS, EPSILON("1e-8"), FORMS, {0}};
static const struct nn_option adamw_options[] = {
    RATE("0.001"),
    BETAS,
    EPSILON("1e-8"),
    FORMS,
    {"decay", "0.01", NN_OPTION_NUMBER, AT(decay), 0, 1000, NULL},
    {0}};
static const struct nn_option adamax_options[] = {RATE("0.002"), BETAS, EPSILON("1e-8"), {0}};
static const struct nn_option nadam_options[]  = {
     RATE("0.002"),
     BETAS,
     EPSILON("1e-8"),
     {"momentum_decay", "0.004", NN_OPTION_NUMBER, AT(momentum_decay), 0, 1, NULL},
     {0}};
static const struct nn_option yogi_options[] = {RATE("0.01"), BETAS, EPSILON("1e-3"), {0}};

static uint32_t
two_slots(const struct nn_optimiser_config *config)
{
    (void)config;
    return 2;
}

static uint32_t
adam_slots(const struct nn_optimiser_config *config)
{
    return config->amsgrad != 0 ? 3 : 2;
}

/* Of one step, at our precision. */
struct moments {
    nn_real beta1, beta2, rest1, rest2; /* rest = 1 - beta */
    nn_real rate;                       /* rate / (1 - beta1^t)      */
    nn_real root;                       /* 1 / sqrt(1 - beta2^t)     */
    nn_real epsilon;
};

static struct moments
moments_of(const struct nn_optimiser_call *call)
{
    const struct nn_optimiser_config *c    = call->config;
    double                            t    = (double)call->step;
    double                            root = 1 / sqrt(1 - pow(c->beta2, t));
    return (struct moments){.beta1   = (nn_real)c->beta1,
                            .beta2   = (nn_real)c->beta2,
                            .rest1   = (nn_real)(1 - c->beta1),
                            .rest2   = (nn_real)(1 - c->beta2),
                            .rate    = (nn_real)(c->rate / (1 - pow(c->beta1, t))),
                            .root    = (nn_real)root,
                            .epsilon = (nn_real)(c->epsilon * (c->epsilon_hat != 0 ? root : 1))};
}

static void
amsgrad_step(const struct nn_optimiser_call *call)
{
    const struct moments a  = moments_of(call);
    nn_real *restrict theta = call->theta, *restrict m = call->slot[0], *restrict v = call->slot[1];
    nn_real *restrict most       = call->slot[2];
    const nn_real *restrict grad = call->grad;
    for (size_t k = 0; k < call->count; k++) {
        m[k]    = a.beta1 * m[k] + a.rest1 * grad[k];
        v[k]    = a.beta2 * v[k] + a.rest2 * grad[k] * grad[k];
        most[k] = v[k] > most[k] ? v[k] : most[k];
        theta[k] -= a.rate * m[k] / (nn_sqrt(most[k]) * a.root + a.epsilon);
    }
}

static void
adam_step(const struct nn_optimiser_call *call)
{
    const struct moments a  = moments_of(call);
    nn_real *restrict theta = call->theta, *restrict m = call->slot[0], *restrict v = call->slot[1];
    const nn_real *restrict grad = call->grad;
    if (call->config->amsgrad != 0) {
        amsgrad_step(call);
        return;
    }
    for (size_t k = 0; k < call->count; k++) {
        m[k] = a.beta1 * m[k] + a.rest1 * grad[k];
        v[k] = a.beta2 * v[k] + a.rest2 * grad[k] * grad[k];
        theta[k] -= a.rate * m[k] / (nn_sqrt(v[k]) * a.root + a.epsilon);
    }
}

const struct nn_optimiser_kind nn_adam_kind = {
    .name = "adam", .options = adam_options, .slots = adam_slots, .step = adam_step};
const struct nn_optimiser_kind nn_adamw_kind = {
    .name = "adamw", .options = adamw_options, .slots = adam_slots, .step = adam_step};

static void
adamax_step(const struct nn_optimiser_call *call)
{
    const struct moments a  = moments_of(call);
    nn_real *restrict theta = call->theta, *restrict m = call->slot[0], *restrict u = call->slot[1];
    const nn_real *restrict grad = call->grad;
    for (size_t k = 0; k < call->count; k++) {
        nn_real old = a.beta2 * u[k], now = nn_fabs(grad[k]) + a.epsilon;
        m[k] = a.beta1 * m[k] + a.rest1 * grad[k];
        u[k] = old > now ? old : now;
        theta[k] -= a.rate * m[k] / u[k];
    }
}

const struct nn_optimiser_kind nn_adamax_kind = {
    .name = "adamax", .options = adamax_options, .slots = two_slots, .step = adamax_step};

/* ---- nadam: Dozat, 2016. Step t has the momentum mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2);
 * the scalar is the product of mu_1 .. mu_t. ---- */

static double
nadam_momentum(const struct nn_optimiser_config *config, uint64_t step)
{
    return config->beta1 * (1 - 0.5 * pow(0.96, (double)step * config->momentum_decay));
}

static void
nadam_begin(nn_real *scalar, const struct nn_optimiser_config *config, uint64_t step)
{
    double before = step == 1 ? 1 : (double)*scalar;
    *scalar       = (nn_real)(before * nadam_momentum(config, step));
}

static void
nadam_step(const struct nn_optimiser_call *call)
{
    const struct nn_optimiser_config *c = call->config;
    const struct moments              a = moments_of(call);
    double  product = (double)*call->scalar, next = nadam_momentum(c, call->step + 1);
    nn_real by_grad = (nn_real)(c->rate * (1 - nadam_momentum(c, call->step)) / (1 - product));
    nn_real by_m    = (nn_real)(c->rate * next / (1 - product * next));
    nn_real *restrict theta = call->theta, *restrict m = call->slot[0], *restrict v = call->slot[1];
    const nn_real *restrict grad = call->grad;
    for (size_t k = 0; k < call->count; k++) {
        m[k] = a.beta1 * m[k] + a.rest1 * grad[k];
        v[k] = a.beta2 * v[k] + a.rest2 * grad[k] * grad[k];
        theta[k] -= (by_grad * grad[k] + by_m * m[k]) / (nn_sqrt(v[k]) * a.root + a.epsilon);
    }
}

const struct nn_optimiser_kind nn_nadam_kind = {.name    = "nadam",
                                                .options = nadam_options,
                                                .slots   = two_slots,
                                                .scalars = 1,
                                                .begin   = nadam_begin,
                                                .step    = nadam_step};

static void
yogi_step(const struct nn_optimiser_call *call)
{
    const struct nn_optimiser_config *c    = call->config;
    const struct moments              a    = moments_of(call);
    nn_real                           rate = (nn_real)c->rate, epsilon = (nn_real)c->epsilon;
    nn_real *restrict theta = call->theta, *restrict m = call->slot[0], *restrict v = call->slot[1];
    const nn_real *restrict grad = call->grad;
    for (size_t k = 0; k < call->count; k++) {
        nn_real square = grad[k] * grad[k], change = a.rest2 * square;
        m[k] = a.beta1 * m[k] + a.rest1 * grad[k];
        v[k] += v[k] < square ? change : v[k] > square ? -change : NN_R(0.0);
        theta[k] -= rate * m[k] / (nn_sqrt(v[k]) + epsilon);
    }
}

const struct nn_optimiser_kind nn_yogi_kind = {
    .name = "yogi", .options = yogi_options, .slots = two_slots, .step = yogi_step};
