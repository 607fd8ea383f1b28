/* Optimisers without Adam's two moments: sgd, adagrad, rmsprop, adadelta, rprop. */
#include "nnlib/layer.h"
#include "nnlib/optimiser.h"

#define AT(member) offsetof(struct nn_optimiser_config, member)
#define RATE(start)                                                                                \
    {                                                                                              \
        "rate", start, NN_OPTION_NUMBER, AT(rate), 1e-12, 1000, NULL                               \
    }
#define MOMENTUM                                                                                   \
    {                                                                                              \
        "momentum", "0", NN_OPTION_NUMBER, AT(momentum), 0, 0.999999, NULL                         \
    }
#define EPSILON(start)                                                                             \
    {                                                                                              \
        "epsilon", start, NN_OPTION_NUMBER, AT(epsilon), 1e-30, 1, NULL                            \
    }

static const char *const no_yes[] = {"no", "yes", NULL};

static const struct nn_option sgd_options[] = {
    RATE("0.01"),
    MOMENTUM,
    {"dampening", "0", NN_OPTION_NUMBER, AT(dampening), 0, 1, NULL},
    {"nesterov", "no", NN_OPTION_WORD, AT(nesterov), 0, 0, no_yes},
    {0}};
static const struct nn_option adagrad_options[] = {
    RATE("0.01"),
    EPSILON("1e-10"),
    {"start", "0", NN_OPTION_NUMBER, AT(start), 0, 1e6, NULL},
    {"rate_decay", "0", NN_OPTION_NUMBER, AT(rate_decay), 0, 1e6, NULL},
    {"epsilon_in_root", "no", NN_OPTION_WORD, AT(epsilon_in_root), 0, 0, no_yes},
    {0}};
static const struct nn_option rmsprop_options[] = {
    RATE("0.01"),
    MOMENTUM,
    EPSILON("1e-8"),
    {"alpha", "0.99", NN_OPTION_NUMBER, AT(alpha), 0, 0.9999999, NULL},
    {"centered", "no", NN_OPTION_WORD, AT(centered), 0, 0, no_yes},
    {"epsilon_in_root", "no", NN_OPTION_WORD, AT(epsilon_in_root), 0, 0, no_yes},
    {0}};
static const struct nn_option adadelta_options[] = {
    RATE("1"), EPSILON("1e-6"), {"rho", "0.9", NN_OPTION_NUMBER, AT(rho), 0, 0.9999999, NULL}, {0}};
static const struct nn_option rprop_options[] = {
    RATE("0.01"),
    {"up", "1.2", NN_OPTION_NUMBER, AT(up), 1, 10, NULL},
    {"down", "0.5", NN_OPTION_NUMBER, AT(down), 0.01, 1, NULL},
    {"shortest", "1e-6", NN_OPTION_NUMBER, AT(shortest), 0, 1e6, NULL},
    {"longest", "50", NN_OPTION_NUMBER, AT(longest), 1e-12, 1e6, NULL},
    {0}};

/* ---- sgd ---- */

static uint32_t
sgd_slots(const struct nn_optimiser_config *config)
{
    return config->momentum != 0 ? 1 : 0;
}

/* Two pointers that are parameters: gcc takes the promise of `restrict` from those only. */
static void
descend(nn_real *restrict theta, const nn_real *restrict grad, size_t count, nn_real rate)
{
    for (size_t k = 0; k < count; k++)
        theta[k] -= rate * grad[k];
}

static void
sgd_step(const struct nn_optimiser_call *call)
{
    const struct nn_optimiser_config *c = call->config;
    if (c->momentum == 0) {
        descend(call->theta, call->grad, call->count, (nn_real)c->rate);
        return;
    }
    nn_real *restrict theta = call->theta, *restrict b = call->slot[0];
    const nn_real *restrict grad = call->grad;
    nn_real rate = (nn_real)c->rate, mu = (nn_real)c->momentum;
    nn_real part  = (nn_real)(call->step == 1 ? 1 : 1 - c->dampening);
    nn_real ahead = c->nesterov != 0 ? mu : NN_R(1.0),
            here  = c->nesterov != 0 ? NN_R(1.0) : NN_R(0.0);
    for (size_t k = 0; k < call->count; k++) {
        b[k] = mu * b[k] + part * grad[k];
        theta[k] -= rate * (here * grad[k] + ahead * b[k]);
    }
}

const struct nn_optimiser_kind nn_sgd_kind = {
    .name = "sgd", .options = sgd_options, .slots = sgd_slots, .step = sgd_step};

/* ---- adagrad: Duchi et al., 2011 ---- */

static uint32_t
one_slot(const struct nn_optimiser_config *config)
{
    (void)config;
    return 1;
}

static uint32_t
two_slots(const struct nn_optimiser_config *config)
{
    (void)config;
    return 2;
}

static void
set_all(nn_real *values, size_t count, double to)
{
    for (size_t k = 0; k < count; k++)
        values[k] = (nn_real)to;
}

/* What the gradient is divided by. */
static inline nn_real
root_of(nn_real square, nn_real epsilon, bool in_root)
{
    nn_real whole = square > NN_R(0.0) ? square : NN_R(0.0); /* v - m^2 may round below 0 */
    return in_root ? nn_sqrt(whole + epsilon) : nn_sqrt(whole) + epsilon;
}

static void
adagrad_step(const struct nn_optimiser_call *call)
{
    const struct nn_optimiser_config *c = call->config;
    nn_real *restrict theta = call->theta, *restrict v = call->slot[0];
    const nn_real *restrict grad = call->grad;
    nn_real rate    = (nn_real)(c->rate / (1 + (double)(call->step - 1) * c->rate_decay));
    nn_real epsilon = (nn_real)c->epsilon;
    if (call->step == 1)
        set_all(v, call->count, c->start);
    for (size_t k = 0; k < call->count; k++) {
        v[k] += grad[k] * grad[k];
        theta[k] -= rate * grad[k] / root_of(v[k], epsilon, c->epsilon_in_root != 0);
    }
}

const struct nn_optimiser_kind nn_adagrad_kind = {
    .name = "adagrad", .options = adagrad_options, .slots = one_slot, .step = adagrad_step};

/* ---- rmsprop: Tieleman and Hinton, 2012 ---- */

static uint32_t
rmsprop_slots(const struct nn_optimiser_config *config)
{
    return 1u + (config->centered != 0 ? 1u : 0u) + (config->momentum != 0 ? 1u : 0u);
}

/* The plain form without a branch in the loop: four times as fast. */
static void
rmsprop_plain(const struct nn_optimiser_call *call)
{
    const struct nn_optimiser_config *c = call->config;
    nn_real *restrict theta = call->theta, *restrict v = call->slot[0];
    const nn_real *restrict grad = call->grad;
    nn_real rate = (nn_real)c->rate, epsilon = (nn_real)c->epsilon;
    nn_real alpha = (nn_real)c->alpha, rest = (nn_real)(1 - c->alpha);
    for (size_t k = 0; k < call->count; k++) {
        v[k] = alpha * v[k] + rest * grad[k] * grad[k];
        theta[k] -= rate * (grad[k] / (nn_sqrt(v[k]) + epsilon));
    }
}

static void
rmsprop_step(const struct nn_optimiser_call *call)
{
    const struct nn_optimiser_config *c = call->config;
    if (c->centered == 0 && c->momentum == 0 && c->epsilon_in_root == 0) {
        rmsprop_plain(call);
        return;
    }
    nn_real *restrict theta = call->theta, *restrict v = call->slot[0];
    nn_real *restrict m = c->centered != 0 ? call->slot[1] : NULL;
    nn_real *restrict b = c->momentum != 0 ? call->slot[c->centered != 0 ? 2 : 1] : NULL;
    nn_real rate = (nn_real)c->rate, mu = (nn_real)c->momentum, epsilon = (nn_real)c->epsilon;
    nn_real alpha = (nn_real)c->alpha, rest = (nn_real)(1 - c->alpha);
    for (size_t k = 0; k < call->count; k++) {
        nn_real g = call->grad[k], center = NN_R(0.0);
        v[k] = alpha * v[k] + rest * g * g;
        if (m != NULL) {
            m[k]   = alpha * m[k] + rest * g;
            center = m[k] * m[k];
        }
        nn_real step = g / root_of(v[k] - center, epsilon, c->epsilon_in_root != 0);
        if (b != NULL)
            step = b[k] = mu * b[k] + step;
        theta[k] -= rate * step;
    }
}

const struct nn_optimiser_kind nn_rmsprop_kind = {
    .name = "rmsprop", .options = rmsprop_options, .slots = rmsprop_slots, .step = rmsprop_step};

/* ---- adadelta: Zeiler, arXiv 1212.5701 ---- */

static void
adadelta_step(const struct nn_optimiser_call *call)
{
    const struct nn_optimiser_config *c = call->config;
    nn_real *restrict theta = call->theta, *restrict v = call->slot[0], *restrict u = call->slot[1];
    const nn_real *restrict grad = call->grad;
    nn_real rate = (nn_real)c->rate, rho = (nn_real)c->rho, rest = (nn_real)(1 - c->rho);
    nn_real epsilon = (nn_real)c->epsilon;
    for (size_t k = 0; k < call->count; k++) {
        v[k]         = rho * v[k] + rest * grad[k] * grad[k];
        nn_real step = nn_sqrt(u[k] + epsilon) / nn_sqrt(v[k] + epsilon) * grad[k];
        u[k]         = rho * u[k] + rest * step * step;
        theta[k] -= rate * step;
    }
}

const struct nn_optimiser_kind nn_adadelta_kind = {
    .name = "adadelta", .options = adadelta_options, .slots = two_slots, .step = adadelta_step};

/* ---- rprop: Riedmiller and Braun, 1993; the form without weight backtracking ---- */

static void
rprop_step(const struct nn_optimiser_call *call)
{
    const struct nn_optimiser_config *c = call->config;
    nn_real *restrict before = call->slot[0], *restrict length = call->slot[1];
    nn_real up = (nn_real)c->up, down = (nn_real)c->down;
    nn_real least = (nn_real)c->shortest, most = (nn_real)c->longest;
    if (call->step == 1)
        set_all(length, call->count, c->rate);
    for (size_t k = 0; k < call->count; k++) {
        nn_real g = call->grad[k], same = g * before[k];
        nn_real next = length[k] * (same > NN_R(0.0) ? up : same < NN_R(0.0) ? down : NN_R(1.0));
        length[k]    = next < least ? least : next > most ? most : next;
        before[k]    = same < NN_R(0.0) ? NN_R(0.0) : g; /* after a turn this number waits a step */
        if (before[k] > NN_R(0.0))
            call->theta[k] -= length[k];
        else if (before[k] < NN_R(0.0))
            call->theta[k] += length[k];
    }
}

const struct nn_optimiser_kind nn_rprop_kind = {
    .name = "rprop", .options = rprop_options, .slots = two_slots, .step = rprop_step};
