/*
 * nnlib/calibrate -- shares that mean what they say, fitted after training on records that the
 * training did not see; and where to cut a score.
 *
 *     temperature   p = softmax(z / T)            Guo et al., 2017; the guess stays the same
 *     Platt         p = 1 / (1 + e^(a z + b))     Platt, 1999, with his targets (n+ + 1) / (n+ +
 * 2), 1 / (n- + 2); Newton's method as Lin, Lin and Weng, 2007 isotonic      the best rising steps
 * (pool adjacent violators), straight between the scores that were seen, flat beyond them; Zadrozny
 * and Elkan, 2002 prior         p = q / (q + w (1 - q))       undoes a weight w of class 1 in
 * training
 *
 * What two classes need of the records is a list of scores, and how many records of class 1 and of
 * class 0 have each: `struct nn_scored`, sorted by score. It comes from records, or from the merged
 * state of an auroc metric, and then nobody sees a record of another site; a bin's records count
 * as if they lay in its middle.
 *
 * Memory     the caller's arrays.   Errors  PN_EDATA where there is nothing to fit: no records, one
 *            class only, a score that is not finite.
 */
#ifndef NNLIB_CALIBRATE_H
#define NNLIB_CALIBRATE_H

#include "nnlib/metric.h"

struct nn_scored {
    double score, on, off; /* weight of the records of class 1, and of class 0 */
};

/* Sorts, and makes one entry of equal scores; `out` holds `rows` entries. `weight` may be NULL. */
PN_MUST_CHECK enum pn_status nn_scored_init(struct nn_scored *out, size_t *count,
                                            const nn_real *score, const nn_real *target,
                                            const nn_real *weight, size_t rows);
/* From the state of NN_AUROC (or another metric of bins); scores are logits; `out` holds NN_BINS.
 */
PN_MUST_CHECK enum pn_status nn_scored_from_bins(struct nn_scored *out, size_t *count,
                                                 const struct nn_metric *metric);

/* T of logits (rows, size), size 1 for a single logit; 1e-3..1e3. */
PN_MUST_CHECK enum pn_status nn_temperature_fit(double *out, const nn_real *logits,
                                                const nn_real *target, size_t rows, uint32_t size);
/* T of a single logit. */
PN_MUST_CHECK enum pn_status nn_temperature_fit_scored(double *out, const struct nn_scored *scored,
                                                       size_t count);

struct nn_platt {
    double a, b;
};
PN_MUST_CHECK enum pn_status nn_platt_fit(struct nn_platt *out, const struct nn_scored *scored,
                                          size_t count);
double                       nn_platt_share(const struct nn_platt *platt, double score);

struct nn_step { /* scores first..last have this share; shares rise from step to step */
    double first, last, share, weight;
};
/* `steps` holds `count` entries; their number comes out. */
PN_MUST_CHECK enum pn_status nn_isotonic_fit(struct nn_step *steps, size_t *step_count,
                                             const struct nn_scored *scored, size_t count);
double nn_isotonic_share(const struct nn_step *steps, size_t step_count, double score);

double nn_prior_correct(double share, double weight);

/* What a cut does: records from `score` on are called class 1. */
struct nn_cut {
    double score, alerts, precision, recall, f1, cost; /* alerts: weight of all that is called 1 */
};
/* The largest F1; among equals the higher score. */
PN_MUST_CHECK enum pn_status nn_cut_best_f1(struct nn_cut *out, const struct nn_scored *scored,
                                            size_t count);
/* As many alerts as the budget allows (weight of records), never more. PN_EDATA when even the
 * highest score alone is more. */
PN_MUST_CHECK enum pn_status nn_cut_budget(struct nn_cut *out, const struct nn_scored *scored,
                                           size_t count, double alerts);
/* The least cost: `alarm` for each wrong alert, `miss` for each record of class 1 without one. The
 * cut may lie above all scores: score INFINITY, no alerts. */
PN_MUST_CHECK enum pn_status nn_cut_cheapest(struct nn_cut *out, const struct nn_scored *scored,
                                             size_t count, double alarm, double miss);

#endif
