/*
 * tests/support/records -- schemas, files and tables from texts, for the tests of data/.
 *
 * Each test has one folder; file names given here are names in it. Everything stops the test by
 * cmocka's assertions.
 */
#ifndef TESTS_SUPPORT_RECORDS_H
#define TESTS_SUPPORT_RECORDS_H

#include "support/expect.h"
#include "support/folder.h"

#include "data/table.h"

#include <math.h>

static char              folder[FOLDER_PATH];
static struct pn_error   why;
static struct text_yaml *yaml;

static inline int
records_setup(void **state)
{
    (void)state;
    folder_new(folder);
    return 0;
}

static inline int
records_teardown(void **state)
{
    (void)state;
    folder_remove(folder);
    text_yaml_free(yaml);
    yaml = NULL;
    return 0;
}

static inline void
save_bytes(const char *name, const void *bytes, size_t size)
{
    char  path[FOLDER_PATH];
    FILE *file = fopen(folder_path(path, folder, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* `text` is a data section as it stands in a job, without "data:". */
static inline enum pn_status
decode_schema(struct data_schema **out, const char *text)
{
    text_yaml_free(yaml);
    yaml = NULL;
    EXPECT_OK(text_yaml_parse(&yaml, "job.yaml", text, strlen(text), &why));
    return data_schema_decode(out, yaml, text_yaml_root(yaml), &why);
}

static inline struct data_schema *
schema_of(const char *text)
{
    struct data_schema *schema = NULL;
    why.text[0]                = '\0';
    if (decode_schema(&schema, text) != PN_OK)
        fail_msg("%s", why.text);
    return schema;
}

static inline enum pn_status
load_file(struct data_table **out, const struct data_schema *schema, const char *name)
{
    char  path[FOLDER_PATH];
    char *files[1];
    (void)folder_path(path, folder, name);
    files[0]                        = path;
    const struct data_source source = {.files = files, .file_count = 1};
    return data_table_load(out, schema, &source, 1u << 20, &why);
}

static inline struct data_table *
table_of(const struct data_schema *schema, const char *text)
{
    struct data_table *table = NULL;
    save_bytes("table.csv", text, strlen(text));
    if (load_file(&table, schema, "table.csv") != PN_OK)
        fail_msg("%s", why.text);
    return table;
}

/* Loading `text` must fail, with `says` in the sentence. */
static inline void
expect_refused(const struct data_schema *schema, const char *text, const char *says)
{
    struct data_table *table = NULL;
    save_bytes("table.csv", text, strlen(text));
    EXPECT_STATUS(PN_EDATA, load_file(&table, schema, "table.csv"));
    EXPECT_SAYS(&why, says);
}

static inline void
expect_floats(const float *expected, const float *seen, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(expected[i] == seen[i] || (isnan(expected[i]) && isnan(seen[i]))))
            fail_msg("number %zu: expected %g, seen %g", i, (double)expected[i], (double)seen[i]);
}

#define EXPECT_FLOATS(seen, ...)                                                                   \
    expect_floats((const float[]){__VA_ARGS__}, seen,                                              \
                  sizeof((const float[]){__VA_ARGS__}) / sizeof(float))

/* The folder of the real datasets: $PANAL_DATA, or ../shared/data beside the sources; else the test
 * is skipped, loudly. */
static inline const char *
dataset(char out[static FOLDER_PATH], const char *name)
{
    const char *root = getenv("PANAL_DATA");
    int         len  = snprintf(out, FOLDER_PATH, "%s/%s",
                       root != NULL ? root : PN_SOURCE_DIR "/../shared/data", name);
    assert_true(len > 0 && len < FOLDER_PATH);
    if (access(out, R_OK) != 0) {
        print_message("SKIPPED: there is no %s; set PANAL_DATA to the folder of the datasets\n",
                      out);
        skip();
    }
    return out;
}

#endif
