/*
 * nnlib/schedule -- how a learning rate changes; a pure function of the step.
 *
 * The clock is the caller's: steps, epochs or rounds of a federation, from 0. `over` and what ends
 * with the training count in the same unit; over=0 means all of it. Forms are PyTorch's; k is the
 * step behind the warm-up, r the base rate, f a share of it.
 *
 *     constant     r
 *     step         r factor^floor(k / every)
 *     exp          r factor^k
 *     linear       from r to r end over `over` steps, then stays
 *     cosine       from r to r floor over `over` steps along half a cosine, then stays
 *                                                     Loshchilov and Hutter, arXiv 1608.03983
 *     restarts     cosine again and again: the first takes `every` steps, each next `times` as many
 *     onecycle     up to r from r / start in the share `rise` of the training, down to
 *                  r / (start end) in the rest        Smith and Topin, arXiv 1708.07120
 *
 * All understand warmup=N: in the first N steps the rate grows in a line from r warmup_from.
 *
 * nn_plateau and nn_stopping look at a metric instead: they keep a small state.
 */
#ifndef NNLIB_SCHEDULE_H
#define NNLIB_SCHEDULE_H

#include "nnlib/option.h"

struct nn_schedule_kind;
struct nn_schedule {
    const struct nn_schedule_kind *kind;
    double warmup, warmup_from, every, factor, end, floor, over, times, start, rise;
};
struct nn_schedule_kind {
    const char             *name;
    const struct nn_option *options; /* into struct nn_schedule */
    /* Share of the base rate at step k of `total`; k may be beyond it. */
    double (*share)(const struct nn_schedule *schedule, double k, double total);
};
extern const struct nn_schedule_kind *const nn_schedule_kinds[]; /* NULL at the end */

/* "constant". */
void nn_schedule_init(struct nn_schedule *schedule);
/* From one line, such as "cosine warmup=5 floor=0.01". PN_ECONFIG with a sentence. */
PN_MUST_CHECK enum pn_status nn_schedule_parse(struct nn_schedule *schedule, const char *text,
                                               struct pn_error *why);
/* `total` is the length of the training in the clock's unit. */
double nn_schedule_rate(const struct nn_schedule *schedule, double rate, uint64_t step,
                        uint64_t total);

/* How the rate of a training goes on: a schedule and its clock. */
struct nn_pace {
    struct nn_schedule schedule; /* kind NULL: the rate stays as it is */
    uint32_t           every;    /* epochs that the clock's unit has; 0: it counts steps */
    uint64_t           before;   /* units before this training */
    uint64_t           total;    /* units in all; 0: those of this training */
};

/* Lowers the rate when a metric stops getting better: PyTorch's ReduceLROnPlateau, relative
 * threshold. Fill the settings, zero the rest. */
struct nn_plateau {
    double   factor, threshold, floor; /* 0.1, 1e-4, 0: a share of the base rate; factor 0: none */
    uint32_t patience, cooldown;       /* 10, 0                                  */
    bool     larger_is_better;
    double   best, share; /* state; share is 1 after the first step without a change */
    uint32_t bad, resting;
    bool     begun;
};
/* Takes the metric of one epoch; returns the share of the base rate to go on with. NaN is worse. */
double nn_plateau_step(struct nn_plateau *plateau, double metric);
/* The settings from one line, such as "factor=0.5 patience=5"; the state is zeroed. PN_ECONFIG with
 * a sentence. */
PN_MUST_CHECK enum pn_status nn_plateau_parse(struct nn_plateau *plateau, const char *text,
                                              struct pn_error *why);

/* Early stopping. Fill the settings, zero the rest; where `improved`, the caller keeps a copy of
 * the parameters, to be restored at the end. */
struct nn_stopping {
    uint32_t patience;  /* steps without a better metric that end the training; 0: none do */
    double   min_delta; /* what counts as better */
    bool     smaller_is_better;
    double   best; /* state */
    uint64_t best_step, steps;
    bool     begun;
};
enum nn_stopping_answer {
    NN_STOPPING_IMPROVED,
    NN_STOPPING_GO_ON,
    NN_STOPPING_STOP
};
enum nn_stopping_answer nn_stopping_step(struct nn_stopping *stopping, double metric);
bool                    nn_stopping_is_over(const struct nn_stopping *stopping);

#endif
