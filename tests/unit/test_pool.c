#include "data/pool.h"

#include "support/records.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    ROWS  = 103,
    SITES = 10
};

static void
write_csv(char path[static 32])
{
    snprintf(path, 32, "/tmp/panal-pool-XXXXXX");
    int   file = mkstemp(path);
    FILE *csv  = fdopen(file, "w");
    assert_non_null(csv);
    fputs("a,b,w,y\n", csv);
    for (int i = 0; i < ROWS; i++)
        fprintf(csv, "%d,%d.5,%d,%d\n", i, i * i, i % 3, i % 2);
    fclose(csv);
}

static struct data_schema *
schema(void)
{
    return schema_of("{ format: csv, columns: [ { name: a, type: numeric }, { name: b, type: "
                     "numeric }, { name: w, type: weight }, { name: y, type: target } ] }");
}

static void
expect_same(const struct data_table *a, const struct data_table *b, const struct data_schema *s)
{
    assert_int_equal(a->rows, b->rows);
    assert_memory_equal(a->x, b->x, a->rows * s->feature_count * sizeof *a->x);
    assert_memory_equal(a->target, b->target, a->rows * s->target_size * sizeof *a->target);
    assert_memory_equal(a->weight, b->weight, a->rows * sizeof *a->weight);
}

static void
every_share_is_the_one_that_is_read_without_a_pool(void **state)
{
    (void)state;
    struct data_schema *s = schema();
    struct data_pool   *pool;
    char                path[32], *paths[] = {path};
    struct data_source  sources[SITES];
    write_csv(path);
    assert_int_equal(data_pool_new(&pool), PN_OK);
    for (uint32_t i = 0; i < SITES; i++)
        sources[i] = (struct data_source){.files        = paths,
                                          .file_count   = 1,
                                          .share        = DATA_SHARE_IID,
                                          .share_of     = SITES,
                                          .share_number = i,
                                          .share_seed   = 5};
    struct data_table *plain[SITES], *pooled[SITES];
    uint32_t           rows = 0;
    for (uint32_t i = 0; i < SITES; i++)
        assert_int_equal(data_table_load(&plain[i], s, &sources[i], 1 << 20, &why), PN_OK);
    for (uint32_t i = 0; i < SITES; i++) {
        sources[i].pool = pool;
        assert_int_equal(data_table_load(&pooled[i], s, &sources[i], 1 << 20, &why), PN_OK);
        if (i == 0)
            unlink(path); /* it is read once */
        expect_same(plain[i], pooled[i], s);
        rows += pooled[i]->rows;
        data_table_free(plain[i]);
        data_table_free(pooled[i]);
    }
    assert_int_equal(rows, ROWS);
    data_pool_free(pool);
    data_schema_free(s);
}

static void
mistakes_have_the_sentences_of_a_file(void **state)
{
    (void)state;
    struct data_schema *s = schema();
    struct data_pool   *pool;
    struct data_table  *table;
    char                path[32], *paths[] = {path};
    char                absent[] = "/tmp/panal-there-is-no-such-file", *absents[] = {absent};
    write_csv(path);
    assert_int_equal(data_pool_new(&pool), PN_OK);
    struct data_source source = {.files        = paths,
                                 .file_count   = 1,
                                 .share        = DATA_SHARE_IID,
                                 .share_of     = 4,
                                 .share_number = 4,
                                 .pool         = pool};
    assert_int_equal(data_table_load(&table, s, &source, 1 << 20, &why), PN_EDATA);
    assert_non_null(strstr(why.text, "share number 4 does not exist"));
    struct data_source many = source; /* far more shares than records */
    many.share_of           = 1000;
    assert_int_equal(data_table_load(&table, s, &many, 1 << 20, &why), PN_EDATA);
    assert_non_null(strstr(why.text, "too few for 1000 shares"));
    struct data_source nowhere = {
        .files = absents, .file_count = 1, .share = DATA_SHARE_IID, .share_of = 4, .pool = pool};
    assert_int_equal(data_table_load(&table, s, &nowhere, 1 << 20, &why), PN_ENOENT);
    unlink(path);
    data_pool_free(pool);
    data_schema_free(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_share_is_the_one_that_is_read_without_a_pool),
        cmocka_unit_test(mistakes_have_the_sentences_of_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
