/*
 * data/augment_options -- which random changes the training records get, as the job says it.
 *
 *     augment:                        # in this order; validation and test stay as they are
 *       - { kind: flip, axis: horizontal, chance: 0.5 }
 *       - { kind: crop, by: 4 }       # `by` zeros around the image, then a cut of its old size
 *       - { kind: shift, by: 2 }      # the same with the border repeated; a series moves in time
 *       - { kind: noise, deviation: 0.05 }
 *       - { kind: warp, strength: 0.2 }      # a series runs faster here and slower there
 *       - { kind: mixup, alpha: 0.2 }
 *
 * `chance` (default 1, of flip 0.5) is the probability that a record gets the change. What each
 * does exactly: data/transform and data/augment. flip and crop are for images, warp for series,
 * shift for both. With `target: record` the target follows every change but noise, which stands
 * behind the others.
 *
 * Limits     8 steps; by below the sizes of the image or series; deviation up to 1e6, strength up
 *            to 2, alpha 0.01 to 16.
 */
#ifndef DATA_AUGMENT_OPTIONS_H
#define DATA_AUGMENT_OPTIONS_H

#include "text/yaml.h"

enum data_augment_kind {
    DATA_FLIP,
    DATA_CROP,
    DATA_SHIFT,
    DATA_NOISE,
    DATA_WARP,
    DATA_MIXUP
};

enum {
    DATA_AUGMENT_MAX = 8
};

struct data_augment_step {
    enum data_augment_kind kind;
    double                 chance;
    double                 amount;   /* noise: deviation; warp: strength; mixup: alpha */
    uint32_t               by;       /* crop, shift */
    bool                   vertical; /* flip */
};
struct data_augment_options {
    struct data_augment_step steps[DATA_AUGMENT_MAX];
    uint32_t                 count;
};

struct data_schema;

/* `section` is the data section; without `augment` in it there is no step. `schema` has its shape
 * already. PN_ECONFIG with the place of what does not fit. */
PN_MUST_CHECK enum pn_status data_augment_options_decode(struct data_augment_options *out,
                                                         const struct data_schema    *schema,
                                                         const struct text_yaml      *yaml,
                                                         const struct text_node      *section,
                                                         struct pn_error             *why);

#endif
