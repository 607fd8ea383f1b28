/* A frame that is taken encodes to the same header and lies inside its bytes. */
#include "proto/frame.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct wire_frame frame;
    if (wire_frame_decode(&frame, bytes, size) != PN_OK)
        return 0;
    uint8_t header[WIRE_HEADER_SIZE];
    wire_header_encode(header, &frame.header);
    PN_ASSERT(memcmp(header, bytes, sizeof header) == 0);
    PN_ASSERT(frame.body == bytes + WIRE_HEADER_SIZE);
    PN_ASSERT(frame.signature == frame.body + frame.header.body_size);
    PN_ASSERT(frame.signature + WIRE_SIGNATURE_SIZE == bytes + size);
    PN_ASSERT(wire_type_text(frame.header.type) != NULL);
    return 0;
}
