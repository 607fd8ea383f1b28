#include "fed/fetch.h"

static bool
is_here(const struct fed_fetch *fetch, uint32_t index)
{
    return (fetch->have[index / 8] >> (index % 8) & 1) != 0;
}

/* The slot in which chunk `index` is asked for; FED_WINDOW when in none. */
static size_t
slot_of(const struct fed_fetch *fetch, uint32_t index)
{
    size_t slot = 0;
    while (slot < FED_WINDOW && fetch->asked[slot] != index + 1)
        slot++;
    return slot;
}

/* The first chunk that is neither here nor asked for; chunk_count when there is none. */
static uint32_t
find_missing(const struct fed_fetch *fetch)
{
    uint32_t index = fetch->first;
    while (index < fetch->chunk_count &&
           (is_here(fetch, index) || slot_of(fetch, index) < FED_WINDOW))
        index++;
    return index;
}

enum pn_status
fed_fetch_init(struct fed_fetch *fetch, const struct sec_blob *blob, uint64_t size_max,
               uint8_t *have)
{
    uint32_t chunk_count = sec_blob_chunks(blob->size);
    if (blob->size == 0)
        return PN_EPEER_VALUE;
    if (blob->size > size_max || chunk_count == 0)
        return PN_EPEER_LIMIT;
    *fetch = (struct fed_fetch){
        .blob        = *blob,
        .chunk_count = chunk_count,
        .have        = have,
        .wait_ms     = FED_PULL_MS,
        .due         = true,
    };
    return PN_OK;
}

/* Nothing came for wait_ms: the slot of the lowest chunk outstanding is asked for again. */
static void
take_silence(struct fed_fetch *fetch)
{
    size_t lowest = 0;
    for (size_t slot = 1; slot < FED_WINDOW; slot++)
        if (fetch->asked[slot] - 1 < fetch->asked[lowest] - 1) /* a free slot wraps to the end */
            lowest = slot;
    fetch->overtaken[lowest] = FED_WINDOW;
    fetch->wait_ms = 2 * fetch->wait_ms < FED_PULL_MS_MAX ? 2 * fetch->wait_ms : FED_PULL_MS_MAX;
}

uint32_t
fed_fetch_next(uint32_t out[static FED_WINDOW], struct fed_fetch *fetch, pn_ms now)
{
    uint32_t count = 0;
    if (fed_fetch_is_whole(fetch) || (!fetch->due && now < fetch->deadline))
        return 0;
    if (!fetch->due)
        take_silence(fetch);
    fetch->due      = false;
    fetch->deadline = pn_ms_add(now, fetch->wait_ms);

    for (size_t slot = 0; slot < FED_WINDOW; slot++) {
        if (fetch->asked[slot] != 0 && fetch->overtaken[slot] < FED_WINDOW)
            continue;
        if (fetch->asked[slot] == 0) {
            uint32_t index = find_missing(fetch);
            if (index == fetch->chunk_count)
                continue;
            fetch->asked[slot] = index + 1;
        }
        fetch->overtaken[slot] = 0;
        out[count++]           = fetch->asked[slot] - 1;
    }
    return count;
}

bool
fed_fetch_wants(const struct fed_fetch *fetch, uint32_t index)
{
    return index < fetch->chunk_count && slot_of(fetch, index) < FED_WINDOW;
}

void
fed_fetch_stored(struct fed_fetch *fetch, uint32_t index)
{
    PN_ASSERT(index < fetch->chunk_count);
    if (is_here(fetch, index))
        return;
    fetch->have[index / 8] |= (uint8_t)(1u << (index % 8));
    fetch->have_count++;
    fetch->due = true;
    for (size_t slot = 0; slot < FED_WINDOW; slot++) {
        if (fetch->asked[slot] == index + 1)
            fetch->asked[slot] = 0;
        fetch->overtaken[slot]++;
    }
    while (fetch->first < fetch->chunk_count && is_here(fetch, fetch->first))
        fetch->first++;
}

bool
fed_fetch_is_whole(const struct fed_fetch *fetch)
{
    return fetch->have_count == fetch->chunk_count;
}

void
fed_fetch_reconnected(struct fed_fetch *fetch)
{
    for (size_t slot = 0; slot < FED_WINDOW; slot++)
        fetch->asked[slot] = 0;
    fetch->wait_ms = FED_PULL_MS;
    fetch->due     = true;
}

pn_ms
fed_fetch_deadline(const struct fed_fetch *fetch)
{
    if (fed_fetch_is_whole(fetch))
        return UINT64_MAX;
    return fetch->due ? 0 : fetch->deadline;
}
