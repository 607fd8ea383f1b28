#include "data/augment.h"

#include "data/transform.h"

#include <math.h>
#include <string.h>

enum {
    KNOTS = 5
};

/* One record in the batch. */
struct place {
    float        *x, *target;
    struct pn_rng rng; /* of this epoch, record and step */
};

static struct data_planes
planes_of(const struct data_schema *schema)
{
    return (struct data_planes){.count  = schema->dims == 3 ? schema->dim[0] : 1,
                                .height = schema->dim[schema->dims - 2],
                                .width  = schema->dim[schema->dims - 1]};
}

/* A series moves along its time, as an image of T rows and F columns. */
static struct data_planes
series_of(const struct data_schema *schema)
{
    return (struct data_planes){
        .count = 1, .height = schema->dim[0], .width = schema->feature_count / schema->dim[0]};
}

static int32_t
within(struct pn_rng *rng, uint32_t by)
{
    return (int32_t)pn_rng_below(rng, 2 * (uint64_t)by + 1) - (int32_t)by;
}

static void
take_scratch(const struct data_augment *augment, float *x)
{
    memcpy(x, augment->scratch, augment->schema->feature_count * sizeof *x);
}

static void
move(const struct data_augment *augment, const struct data_augment_step *step, struct place *place)
{
    const struct data_schema *schema = augment->schema;
    bool                      series = schema->layout == DATA_SERIES;
    int32_t                   right  = series ? 0 : within(&place->rng, step->by);
    int32_t                   down   = within(&place->rng, step->by);
    data_transform_move(augment->scratch, place->x, series ? series_of(schema) : planes_of(schema),
                        down, right,
                        step->kind == DATA_CROP ? DATA_BORDER_ZERO : DATA_BORDER_REPEAT);
    take_scratch(augment, place->x);
}

/* Box and Muller, both of a pair, from 32 bits each: |n| <= 6.7. Four times as fast as
 * pn_rng_normal, which noise over whole images needs. */
static void
draw_normals(float out[static 2], struct pn_rng *rng)
{
    static const float two_pi = 6.283185307179586f;
    float              radius = sqrtf(-2.0f * logf(((float)pn_rng_u32(rng) + 1.0f) * 0x1p-32f));
    float              angle  = (float)pn_rng_u32(rng) * 0x1p-32f * two_pi;
    out[0]                    = radius * cosf(angle);
    out[1]                    = radius * sinf(angle);
}

static void
add_noise(const struct data_augment *augment, const struct data_augment_step *step,
          struct place *place)
{
    const uint32_t count     = augment->schema->feature_count;
    const float    deviation = (float)step->amount;
    float          normals[2];
    for (uint32_t i = 0; i < count; i += 2) {
        draw_normals(normals, &place->rng);
        place->x[i] += deviation * normals[0];
        if (i + 1 < count)
            place->x[i + 1] += deviation * normals[1];
    }
}

static void
warp(const struct data_augment *augment, const struct data_augment_step *step, struct place *place)
{
    struct data_planes size = series_of(augment->schema);
    double             speeds[KNOTS];
    for (int i = 0; i < KNOTS; i++)
        speeds[i] = exp(step->amount * pn_rng_normal(&place->rng));
    data_transform_warp(augment->scratch, place->x, size.height, size.width, speeds, KNOTS);
    take_scratch(augment, place->x);
}

/* Marsaglia and Tsang, "A simple method for generating gamma variables", 2000; below shape 1 by
 * their remark: Gamma(a) = Gamma(a + 1) U^(1/a). */
static double
gamma_draw(struct pn_rng *rng, double shape)
{
    double a = shape < 1.0 ? shape + 1.0 : shape, d = a - 1.0 / 3.0, c = 1.0 / sqrt(9.0 * d);
    double scale = shape < 1.0 ? pow(pn_rng_uniform(rng), 1.0 / shape) : 1.0;
    for (;;) {
        double n = pn_rng_normal(rng), v = 1.0 + c * n, u = 1.0 - pn_rng_uniform(rng);
        if (v <= 0.0)
            continue;
        v = v * v * v;
        if (log(u) < 0.5 * n * n + d - d * v + d * log(v))
            return scale * d * v;
    }
}

static double
beta_draw(struct pn_rng *rng, double alpha)
{
    double a = gamma_draw(rng, alpha), b = gamma_draw(rng, alpha);
    if (a + b > 0.0)
        return a / (a + b);
    return pn_rng_below(rng, 2) == 0 ? 0.0 : 1.0; /* both underflowed: alpha is that small */
}

static void
mix(const struct data_augment *augment, const struct data_augment_step *step, struct place *place)
{
    const struct data_schema *schema = augment->schema;
    double                    share  = beta_draw(&place->rng, step->amount);
    uint64_t                  other  = pn_rng_below(&place->rng, augment->records.rows);
    const float              *target = augment->records.target + other * schema->target_size;
    data_transform_mix(place->x, augment->records.x + other * schema->feature_count,
                       schema->feature_count, share);
    if (schema->target_is_record)
        return;
    if (schema->class_count == 0)
        data_transform_mix(place->target, target, schema->target_size, share);
    else if (pn_rng_uniform(&place->rng) >= share)
        memcpy(place->target, target, schema->target_size * sizeof *target);
}

static void
apply_step(const struct data_augment *augment, const struct data_augment_step *step,
           struct place *place)
{
    if (pn_rng_uniform(&place->rng) >= step->chance)
        return;
    switch (step->kind) {
    case DATA_FLIP:
        data_transform_flip(place->x, planes_of(augment->schema), step->vertical);
        return;
    case DATA_CROP:
    case DATA_SHIFT:
        move(augment, step, place);
        return;
    case DATA_NOISE:
        add_noise(augment, step, place);
        return;
    case DATA_WARP:
        warp(augment, step, place);
        return;
    case DATA_MIXUP:
        mix(augment, step, place);
        return;
    }
    PN_UNREACHABLE("every step has a kind");
}

/* Steps from .. to - 1. */
static void
apply_steps(const struct data_augment *augment, struct place *place, const struct pn_rng *of_record,
            uint32_t from, uint32_t to)
{
    for (uint32_t s = from; s < to; s++) {
        pn_rng_derive(&place->rng, of_record, PN_RNG_AUGMENT, s);
        apply_step(augment, &augment->schema->augment.steps[s], place);
    }
}

/* How many steps come before the first noise. */
static uint32_t
clean_steps(const struct data_augment_options *options)
{
    uint32_t s = 0;
    while (s < options->count && options->steps[s].kind != DATA_NOISE)
        s++;
    return s;
}

void
data_augment_apply(void *context, float *x, float *target, const uint32_t *record, uint32_t rows,
                   uint64_t epoch)
{
    const struct data_augment *augment = context;
    const struct data_schema  *schema  = augment->schema;
    const uint32_t             clean   = clean_steps(&schema->augment);
    struct pn_rng              of_epoch;
    pn_rng_derive(&of_epoch, &augment->rng, PN_RNG_AUGMENT, epoch);
    for (uint32_t i = 0; i < rows; i++) {
        struct pn_rng of_record;
        PN_ASSERT(record[i] < augment->records.rows);
        pn_rng_derive(&of_record, &of_epoch, PN_RNG_AUGMENT, record[i]);
        struct place place = {.x      = x + (size_t)i * schema->feature_count,
                              .target = target + (size_t)i * data_schema_target_size(schema)};
        apply_steps(augment, &place, &of_record, 0, clean);
        if (schema->target_is_record)
            memcpy(place.target, place.x, schema->feature_count * sizeof *place.x);
        apply_steps(augment, &place, &of_record, clean, schema->augment.count);
    }
}
