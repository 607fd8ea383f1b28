#include "engine/fetch.h"

#include "engine/blob.h"
#include "fed/block.h"

#include <stdlib.h>
#include <string.h>

void
engine_fetch_init(struct engine_fetch *fetch, const struct store_disk *disk)
{
    *fetch = (struct engine_fetch){.disk = disk};
}

void
engine_fetch_fini(struct engine_fetch *fetch)
{
    engine_fetch_drop(fetch);
}

bool
engine_fetch_is_busy(const struct engine_fetch *fetch)
{
    return fetch->fetch != NULL;
}

bool
engine_fetch_is_of(const struct engine_fetch *fetch, const struct sec_blob *blob)
{
    return fetch->fetch != NULL && sec_blob_equal(&fetch->fetch->blob, blob);
}

void
engine_fetch_reconnected(struct engine_fetch *fetch)
{
    if (fetch->fetch != NULL)
        fed_fetch_reconnected(fetch->fetch);
}

/* With its bitmap behind it. */
static enum pn_status
new_fetch(struct fed_fetch **out, const struct sec_blob *blob, uint64_t size)
{
    size_t            bits  = (sec_blob_chunks(blob->size) + 7) / 8;
    struct fed_fetch *fetch = calloc(1, sizeof *fetch + bits);
    if (fetch == NULL)
        return PN_ENOMEM;
    enum pn_status st = fed_fetch_init(fetch, blob, size, (uint8_t *)(fetch + 1));
    if (st == PN_OK)
        *out = fetch;
    else
        free(fetch);
    return st;
}

/* Room for the whole. */
static enum pn_status
make_room(struct engine_fetch *fetch, const struct sec_blob *blob)
{
    char name[ENGINE_NAME_SIZE];
    if (fetch->disk == NULL) {
        fetch->bytes = pn_bulk(blob->size);
        return fetch->bytes != NULL ? PN_OK : PN_ENOMEM;
    }
    engine_blob_name(name, fetch->folder, &blob->root);
    return fetch->disk->stage(fetch->disk->host, name, blob->size);
}

enum pn_status
engine_fetch_start(struct engine_fetch *fetch, const char *folder, const struct sec_blob *blob,
                   uint64_t size)
{
    PN_ASSERT((fetch->disk == NULL) == (folder == NULL));
    engine_fetch_drop(fetch);
    fetch->folder = folder;
    if (blob->size != size || sec_blob_chunks(size) == 0)
        return PN_EPEER_VALUE;
    enum pn_status st = new_fetch(&fetch->fetch, blob, size);
    if (st == PN_OK && (st = make_room(fetch, blob)) != PN_OK) {
        free(fetch->fetch);
        fetch->fetch = NULL;
    }
    return st;
}

/* One PULL for each run of neighbouring chunks. */
uint64_t
engine_fetch_ask(struct engine_fetch *fetch, struct engine_peer *peer, const struct pn_ports *ports,
                 struct engine_scratch *scratch, pn_ms now)
{
    uint64_t asked = 0;
    if (fetch->fetch == NULL || !peer->link.sent_hello)
        return asked;
    uint32_t wanted[FED_WINDOW];
    uint32_t count = fed_fetch_next(wanted, fetch->fetch, now);
    for (uint32_t i = 0; i < count;) {
        uint32_t run = 1;
        while (i + run < count && wanted[i + run] == wanted[i] + run)
            run++;
        struct wire_pull pull = {.first = wanted[i], .count = run};
        pull.blob.size        = fetch->fetch->blob.size;
        memcpy(pull.blob.root, fetch->fetch->blob.root.bytes, sizeof pull.blob.root);
        i += run;

        const struct engine_stamp stamp = {.type = WIRE_PULL};
        if (wire_pull_encode(engine_scratch_begin(scratch), &pull) != PN_OK ||
            engine_peer_send(peer, ports, scratch, &stamp) != PN_OK)
            return asked; /* asked again when its time is up, or at the next session */
        asked += sec_blob_part_size(pull.blob.size, pull.first, run);
    }
    return asked;
}

/* What its proof says to be there: into memory, or into the staged file. */
static enum pn_status
keep_chunk(struct engine_fetch *fetch, const struct wire_chunk *chunk)
{
    const struct store_disk *disk = fetch->disk;
    const struct wire_span  *data = &chunk->data;
    const uint64_t           at   = (uint64_t)chunk->index * SEC_CHUNK_SIZE;
    char                     name[ENGINE_NAME_SIZE];
    enum pn_status           st = PN_ENOENT;
    if (disk != NULL)
        engine_blob_name(name, fetch->folder, &fetch->fetch->blob.root);
    if (disk != NULL && disk->stage_known != NULL &&
        data->size == sec_blob_chunk_size(fetch->fetch->blob.size, chunk->index))
        st = disk->stage_known(disk->host, name, at, data->bytes, data->size);
    if (st != PN_ENOENT)
        return st;

    struct sec_proof proof = {.count = chunk->proof_count};
    memcpy(proof.path, chunk->proof, 32u * (size_t)chunk->proof_count);
    if (!sec_merkle_check(&fetch->fetch->blob, chunk->index, data->bytes, data->size, &proof))
        return PN_EPEER_VALUE;
    if (disk != NULL)
        return disk->stage_write(disk->host, name, at, data->bytes, data->size);
    memcpy(fetch->bytes + at, data->bytes, data->size);
    return PN_OK;
}

enum pn_status
engine_fetch_take(struct engine_fetch *fetch, const struct wire_chunk *chunk)
{
    const struct sec_blob blob = fed_blob_from_wire(&chunk->blob);
    if (!engine_fetch_is_of(fetch, &blob) || !fed_fetch_wants(fetch->fetch, chunk->index))
        return PN_EPEER_STATE;
    if (chunk->proof_count > SEC_PROOF_MAX)
        return PN_EPEER_VALUE;
    enum pn_status st = keep_chunk(fetch, chunk);
    if (st == PN_OK)
        fed_fetch_stored(fetch->fetch, chunk->index);
    return st;
}

bool
engine_fetch_is_whole(const struct engine_fetch *fetch)
{
    return fetch->fetch != NULL && fed_fetch_is_whole(fetch->fetch);
}

uint8_t *
engine_fetch_leave(struct engine_fetch *fetch)
{
    uint8_t *bytes = fetch->bytes;
    free(fetch->fetch);
    fetch->fetch = NULL;
    fetch->bytes = NULL;
    return bytes;
}

void
engine_fetch_drop(struct engine_fetch *fetch)
{
    if (fetch->fetch != NULL && fetch->disk != NULL) {
        char name[ENGINE_NAME_SIZE];
        engine_blob_name(name, fetch->folder, &fetch->fetch->blob.root);
        /* SAFE: a staged file that stays goes when it is staged again, or at the next start. */
        (void)fetch->disk->discard(fetch->disk->host, name);
    }
    free(engine_fetch_leave(fetch));
}

pn_ms
engine_fetch_deadline(const struct engine_fetch *fetch)
{
    return fetch->fetch == NULL ? UINT64_MAX : fed_fetch_deadline(fetch->fetch);
}
