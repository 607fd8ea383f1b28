/* Any bytes as a file of CIFAR; the first byte chooses which. */
#include "support/fuzz_table.h"

static const char *const sections[3] = {"{ format: cifar, classes: 10 }",
                                        "{ format: cifar, classes: 100 }",
                                        "{ format: cifar, classes: 20, divide: 1 }"};

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_table fuzz;
    if (size == 0)
        return 0;
    fuzz_table_init(&fuzz, sections[bytes[0] % 3]);
    struct data_stream *stream = fuzz_stream("file", bytes + 1, size - 1);
    fuzz_table_check(&fuzz, data_rows_read_cifar(&fuzz.rows, stream, &fuzz.why));
    data_stream_close(stream);
    fuzz_table_fini(&fuzz);
    return 0;
}
