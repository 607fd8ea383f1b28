/* Any bytes as two NPY files, plain or gzip: a byte that chooses the section, a 16-bit
 * little-endian size of the features, features, targets. */
#include "support/fuzz_table.h"

static const char *const sections[2] = {
    "{ format: npy, shape: [3, 1, 2], classes: 3, channels: last }",
    "{ format: npy, shape: [2, 3], outputs: 2, divide: 0.5 }",
};

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_table fuzz;
    if (size < 3)
        return 0;
    size_t first = pn_get_u16(bytes + 1);
    fuzz_table_init(&fuzz, sections[bytes[0] & 1]);
    bytes += 3;
    size -= 3;
    if (first > size)
        first = size;
    struct data_stream *x = fuzz_stream("x", bytes, first);
    struct data_stream *y = fuzz_stream("y", bytes + first, size - first);
    fuzz_table_check(&fuzz, data_rows_read_npy(&fuzz.rows, x, y, &fuzz.why));
    data_stream_close(x);
    data_stream_close(y);
    fuzz_table_fini(&fuzz);
    return 0;
}
