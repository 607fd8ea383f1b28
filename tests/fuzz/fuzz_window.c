/* Any bytes as a CSV file or numbers between blanks, cut into windows; the first byte chooses how.
 */
#include "support/fuzz_table.h"

static const char *const sections[4] = {
    "{ format: csv, missing: ['', 'NaN'], columns: [ { name: v, type: numeric, scale: standard } ],"
    " window: { length: 3, forecast: v, horizon: 2 } }",
    "{ format: csv, header: no, delimiter: ' ', columns: [ { name: g, type: group }, { name: v, "
    "type:"
    " numeric, count: 2 } ], window: { length: 2, stride: 2, remaining: 3 } }",
    "{ format: csv, columns: [ { name: w, type: weight }, { name: c, type: categorical, values: [a,"
    " b], other: true }, { name: y, type: target, values: [a, b] } ], window: { length: 2 } }",
    "{ format: csv, header: no, delimiter: ' ', columns: [ { name: y, type: target, values: ['1',"
    " '2'] }, { name: v, type: numeric, count: 4 } ], shape: [4, 1] }",
};

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_table fuzz;
    if (size == 0)
        return 0;
    fuzz_table_init(&fuzz, sections[bytes[0] & 3]);
    struct data_stream *stream = fuzz_stream("file", bytes + 1, size - 1);
    enum pn_status      st     = fuzz.schema->stride > 0
                                     ? data_rows_read_windows(&fuzz.rows, stream, &fuzz.why)
                                     : data_rows_read_csv(&fuzz.rows, stream, &fuzz.why);
    fuzz_table_check(&fuzz, st);
    data_stream_close(stream);
    fuzz_table_fini(&fuzz);
    return 0;
}
