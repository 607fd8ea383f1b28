#include "support/expect.h"

#include "base/rng.h"
#include "engine/update.h"
#include "fed/update.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    COUNT = 2 * (SEC_CHUNK_SIZE / 4) + 4321
};

static float   start[COUNT];
static int32_t q[COUNT];
static float  *trained;

static int
make_numbers(void **state)
{
    struct pn_rng rng;
    (void)state;
    trained = pn_bulk(sizeof start);
    assert_non_null(trained);
    pn_rng_init(&rng, 11);
    for (size_t k = 0; k < COUNT; k++) {
        start[k]   = (float)(pn_rng_uniform(&rng) - 0.5);
        trained[k] = start[k] + (float)(pn_rng_uniform(&rng) - 0.5) / 64;
    }
    trained[5] = 3e38f;
    start[5]   = -3e38f; /* is cut where nothing clips it */
    return 0;
}

static int
free_numbers(void **state)
{
    (void)state;
    free(trained);
    return 0;
}

/* The parts that fed/update and crypto/merkle test on their own, in one walk and in place. */
static void
expect_as_in_steps(double clip)
{
    struct engine_update made;
    struct sec_blob      blob;
    uint64_t             saturated;
    EXPECT_OK(fed_update_quantise(q, &saturated, trained, start, COUNT, clip));
    pn_u128 squares = 0;
    fed_update_measure(&squares, q, COUNT);
    double   norm  = fed_update_norm_of(squares);
    uint8_t *bytes = (uint8_t *)q;
    fed_update_encode(bytes, q, COUNT);
    sec_merkle_of(&blob, NULL, bytes, sizeof q);

    EXPECT_OK(engine_update_make(&made, (uint8_t *)trained, start, sizeof start, clip));
    assert_memory_equal(trained, bytes, sizeof q);
    assert_true(sec_blob_equal(&made.blob, &blob));
    assert_true(made.norm == norm);
    assert_int_equal(made.saturated, saturated);
    assert_int_equal(saturated, clip == 0);
    sec_merkle_root(&blob, sizeof start, made.leaves);
    assert_true(sec_blob_equal(&made.blob, &blob));
    free(made.leaves);
}

static void
one_walk_gives_what_the_steps_give(void **state)
{
    (void)state;
    expect_as_in_steps(0);
}

static void
one_walk_clips_as_the_steps_do(void **state)
{
    (void)state;
    expect_as_in_steps(1);
}

static void
what_is_not_finite_stays_as_it_was(void **state)
{
    (void)state;
    struct engine_update made;
    trained[COUNT - 1] = NAN;
    float last         = trained[COUNT - 2];
    EXPECT_STATUS(PN_EDIVERGED,
                  engine_update_make(&made, (uint8_t *)trained, start, sizeof start, 1));
    assert_true(trained[COUNT - 2] == last);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_walk_gives_what_the_steps_give, make_numbers,
                                        free_numbers),
        cmocka_unit_test_setup_teardown(one_walk_clips_as_the_steps_do, make_numbers, free_numbers),
        cmocka_unit_test_setup_teardown(what_is_not_finite_stays_as_it_was, make_numbers,
                                        free_numbers),
    };
    if (sec_init() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
