/*
 * tests/support/expect -- what tests say about statuses and sentences.
 *
 *     EXPECT_OK(fed_job_load(&job, bytes, size, &why));
 *     EXPECT_STATUS(PN_EDATA, data_table_open(&table, path, &why));
 *     EXPECT_SAYS(&why, "line 3");
 *
 * Each expression is evaluated once. A failure prints the status by its text and the line of the
 * test.
 */
#ifndef TESTS_SUPPORT_EXPECT_H
#define TESTS_SUPPORT_EXPECT_H

#include "base/status.h"

/* cmocka needs these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static inline void
expect_status(enum pn_status expected, enum pn_status seen, const char *expression,
              const char *file, int line)
{
    if (expected == seen)
        return;
    print_error("%s\n  expected: %s\n  seen:     %s\n", expression, pn_status_text(expected),
                pn_status_text(seen));
    _fail(file, line);
}

static inline void
expect_says(const struct pn_error *error, const char *part, const char *file, int line)
{
    if (strstr(error->text, part) != NULL)
        return;
    print_error("the sentence lacks \"%s\"\n  seen: \"%s\"\n", part, error->text);
    _fail(file, line);
}

#define EXPECT_STATUS(expected, expression)                                                        \
    expect_status((expected), (expression), #expression, __FILE__, __LINE__)
#define EXPECT_OK(expression) EXPECT_STATUS(PN_OK, expression)
#define EXPECT_SAYS(error, part) expect_says((error), (part), __FILE__, __LINE__)

#endif
