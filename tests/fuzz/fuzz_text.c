/* Any bytes as a text; the first byte chooses the alphabet. */
#include "support/fuzz_table.h"

static const char *const sections[2] = {
    "{ format: text, alphabet: \"\\n ab\\u00e9\\u20ac\\U0001f36f\", length: 3 }",
    "{ format: text, alphabet: \" eat\", other: true, length: 5, stride: 1 }",
};

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_table fuzz;
    if (size == 0)
        return 0;
    fuzz_table_init(&fuzz, sections[bytes[0] & 1]);
    struct data_stream *stream = fuzz_stream("file", bytes + 1, size - 1);
    fuzz_table_check(&fuzz, data_rows_read_text(&fuzz.rows, stream, &fuzz.why));
    data_stream_close(stream);
    fuzz_table_fini(&fuzz);
    return 0;
}
