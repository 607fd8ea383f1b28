/*
 * tests/support/trace -- the transcript of a machine, compared as text.
 *
 *     EXPECT_TRACE(&s.trace, "[  10] offer 1\n"
 *                            "[  20]\n");
 *
 * A failure prints both texts whole. Comparing empties the trace.
 */
#ifndef TESTS_SUPPORT_TRACE_H
#define TESTS_SUPPORT_TRACE_H

#include "tests/support/expect.h"

#include <stdio.h>

struct trace {
    char   text[16384];
    size_t len;
};

static inline void PN_PRINTF(2, 3) trace_add(struct trace *trace, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(trace->text + trace->len, sizeof trace->text - trace->len, format, args);
    va_end(args);
    PN_ASSERT(len >= 0 && (size_t)len < sizeof trace->text - trace->len);
    trace->len += (size_t)len;
}

static inline void
trace_clear(struct trace *trace)
{
    trace->len     = 0;
    trace->text[0] = '\0';
}

static inline void
expect_trace(struct trace *trace, const char *expected, const char *file, int line)
{
    if (strcmp(trace->text, expected) != 0) {
        print_error("expected\n%sseen\n%s", expected, trace->text);
        _fail(file, line);
    }
    trace_clear(trace);
}

#define EXPECT_TRACE(trace, expected) expect_trace((trace), (expected), __FILE__, __LINE__)

#endif
