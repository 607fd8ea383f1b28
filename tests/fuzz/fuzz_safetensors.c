/*
 * tests/fuzz/fuzz_safetensors -- any bytes as a model file; what is taken must hold together and
 * survive being written again.
 */
#include "text/safetensors.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
require(bool condition)
{
    if (!condition)
        __builtin_trap();
}

static void
check_round_trip(const struct text_safetensors *header, uint64_t data_bytes)
{
    struct pn_buffer        out;
    struct text_safetensors again;
    pn_buffer_init(&out, 4 << 20);
    if (text_safetensors_encode(&out, header) == PN_OK) {
        require(text_safetensors_decode(&again, out.bytes, out.size, out.size + data_bytes, NULL) ==
                PN_OK);
        require(again.tensor_count == header->tensor_count);
        for (size_t i = 0; i < again.tensor_count; i++)
            require(memcmp(&again.tensors[i], &header->tensors[i], sizeof again.tensors[i]) == 0);
        text_safetensors_fini(&again);
    }
    pn_buffer_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct text_safetensors header;
    struct pn_error         why = {""};
    if (text_safetensors_decode(&header, bytes, size, size, &why) != PN_OK) {
        require(why.text[0] != '\0');
        return 0;
    }
    uint64_t at = 0;
    require(header.data_offset + 4 * header.float_count == size);
    for (size_t i = 0; i < header.tensor_count; i++) {
        uint64_t count = 1;
        for (uint32_t d = 0; d < header.tensors[i].dims; d++)
            count *= header.tensors[i].dim[d];
        require(count == header.tensors[i].count && header.tensors[i].offset == at);
        at += count;
    }
    require(at == header.float_count);
    check_round_trip(&header, size - header.data_offset);
    text_safetensors_fini(&header);
    return 0;
}
