/* Any bytes as an NPZ archive. Checksums are hard to guess, so they are those of the members as
 * long as the members are stored: the archive is read twice, as it is and with the sums put right.
 */
#include "support/fuzz_table.h"

/* CRC-32 of ISO 3309, bit by bit. */
static uint32_t
sum_of(const uint8_t *bytes, size_t size)
{
    uint32_t sum = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (0xedb88320u & (0u - (sum & 1)));
    }
    return ~sum;
}

static void
read_archive(uint8_t *bytes, size_t size)
{
    struct fuzz_table      fuzz;
    char *const            arrays[2] = {NULL, NULL};
    const struct pn_buffer archive   = {.bytes = bytes, .size = size};
    fuzz_table_init(&fuzz, "{ format: npz, shape: [2, 3], classes: 3 }");
    fuzz_table_check(&fuzz, data_rows_read_npz(&fuzz.rows, "a", &archive, arrays, &fuzz.why));
    fuzz_table_fini(&fuzz);
}

/* Of every directory entry whose member is stored where it says. */
static void
put_sums_right(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i + 46 <= size; i++) {
        if (memcmp(bytes + i, "PK\1\2", 4) != 0)
            continue;
        uint64_t packed = pn_get_u32(bytes + i + 20), local = pn_get_u32(bytes + i + 42);
        if (local + 30 > size)
            continue;
        uint64_t begin =
            local + 30 + pn_get_u16(bytes + local + 26) + pn_get_u16(bytes + local + 28);
        if (begin + packed <= size)
            pn_put_u32(bytes + i + 16, sum_of(bytes + begin, packed));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size + (size == 0));
    if (copy == NULL)
        return 0;
    if (size > 0)
        memcpy(copy, bytes, size);
    read_archive(copy, size);
    put_sums_right(copy, size);
    read_archive(copy, size);
    free(copy);
    return 0;
}
