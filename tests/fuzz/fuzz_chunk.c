/*
 * The chunk assembler. First byte even: the rest is the body of a chunk; what passes the Merkle
 * check under the root of our own blob must be our own bytes. Odd: the rest is a script of
 * arrivals, time and reconnects for a fetch, whose promises must hold at each step.
 */
#include "fed/fetch.h"
#include "proto/message.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* One chunk and five bytes: the same content as in tests/fuzz/make_corpus.py. */
enum {
    OWN_SIZE      = SEC_CHUNK_SIZE + 5,
    SCRIPT_CHUNKS = 40
};
static uint8_t         own[OWN_SIZE];
static struct sec_blob own_blob;

static void
own_init(void)
{
    if (own_blob.size != 0)
        return;
    PN_ASSERT(sec_init() == PN_OK);
    for (size_t i = 0; i < OWN_SIZE; i++)
        own[i] = (uint8_t)(7 * i);
    sec_merkle_of(&own_blob, NULL, own, OWN_SIZE);
}

static void
take_chunk(const uint8_t *bytes, size_t size)
{
    struct wire_chunk chunk;
    if (wire_chunk_decode(&chunk, bytes, size) != PN_OK)
        return;
    struct sec_blob  blob  = {.size = chunk.blob.size};
    struct sec_proof proof = {.count = chunk.proof_count};
    memcpy(blob.root.bytes, chunk.blob.root, sizeof blob.root.bytes);
    memcpy(proof.path, chunk.proof, sizeof proof.path[0] * chunk.proof_count);
    if (!sec_merkle_check(&blob, chunk.index, chunk.data.bytes, chunk.data.size, &proof))
        return;
    PN_ASSERT(chunk.data.size == sec_blob_chunk_size(blob.size, chunk.index));
    if (sec_blob_equal(&blob, &own_blob))
        PN_ASSERT(memcmp(chunk.data.bytes, own + (size_t)chunk.index * SEC_CHUNK_SIZE,
                         chunk.data.size) == 0);
}

static uint32_t
outstanding(const struct fed_fetch *fetch)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < fetch->chunk_count; i++)
        count += fed_fetch_wants(fetch, i);
    return count;
}

static void
ask(struct fed_fetch *fetch, pn_ms now)
{
    uint32_t asked[FED_WINDOW], count = fed_fetch_next(asked, fetch, now);
    PN_ASSERT(count <= FED_WINDOW);
    for (uint32_t i = 0; i < count; i++)
        PN_ASSERT(fed_fetch_wants(fetch, asked[i]));
    uint32_t missing = fetch->chunk_count - fetch->have_count;
    PN_ASSERT(outstanding(fetch) == (missing < FED_WINDOW ? missing : FED_WINDOW) ||
              fed_fetch_deadline(fetch) == 0);
    PN_ASSERT(fed_fetch_is_whole(fetch) == (missing == 0));
    PN_ASSERT(missing == 0 || fed_fetch_deadline(fetch) > now);
}

static void
play_script(const uint8_t *bytes, size_t size)
{
    uint8_t          have[(SCRIPT_CHUNKS + 7) / 8] = {0};
    struct sec_blob  blob = {.size = (uint64_t)SCRIPT_CHUNKS * SEC_CHUNK_SIZE};
    struct fed_fetch fetch;
    pn_ms            now = 0;
    PN_ASSERT(fed_fetch_init(&fetch, &blob, blob.size, have) == PN_OK);
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] < 128 && fed_fetch_wants(&fetch, bytes[i]))
            fed_fetch_stored(&fetch, bytes[i]);
        else if (bytes[i] == 255)
            fed_fetch_reconnected(&fetch);
        else if (bytes[i] >= 128)
            now += (pn_ms)(bytes[i] - 128) * 100;
        ask(&fetch, now);
    }
    /* Whatever happened, a line that works from now on brings the rest. */
    for (uint32_t i = 0; i < 2 * SCRIPT_CHUNKS && !fed_fetch_is_whole(&fetch); i++) {
        ask(&fetch, now);
        for (uint32_t chunk = 0; chunk < SCRIPT_CHUNKS; chunk++)
            if (fed_fetch_wants(&fetch, chunk))
                fed_fetch_stored(&fetch, chunk);
    }
    PN_ASSERT(fed_fetch_is_whole(&fetch));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    own_init();
    if (size == 0)
        return 0;
    if (bytes[0] % 2 == 0)
        take_chunk(bytes + 1, size - 1);
    else
        play_script(bytes + 1, size - 1);
    return 0;
}
